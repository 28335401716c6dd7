/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of checksums. The name in a line is the one that the file had elsewhere, and says
 * nothing of where it is now: only the digest counts.
 */
#include "image/signature.h"

#include "base/error.h"

#include <string.h>
#include <strings.h>

enum { SHA512_DIGITS = 2 * SHA512_SIZE };

bool is_sha512(const char *text, size_t length)
{
	return length == SHA512_DIGITS &&
	       strspn(text, "0123456789abcdefABCDEF") >= SHA512_DIGITS;
}

/* "HEX  NAME", or "SHA512 (NAME) = HEX"; NULL: it is another line. */
static const char *digits_in(const char *line, size_t length)
{
	static const char tag[] = "SHA512 (";

	if (length >= SHA512_DIGITS && is_sha512(line, SHA512_DIGITS) &&
	    (length == SHA512_DIGITS || line[SHA512_DIGITS] == ' '))
		return line;
	if (length < strlen(tag) + SHA512_DIGITS || memcmp(line, tag, strlen(tag)) != 0)
		return NULL;
	line += length - SHA512_DIGITS;
	return line[-1] == ' ' && is_sha512(line, SHA512_DIGITS) ? line : NULL;
}

int sums_have(const char *text, size_t length, const char *sha512, bool *ret_found,
	      struct error *err)
{
	const char *at = text;
	bool has_any = false;
	size_t size;

	*ret_found = false;
	for (const char *line = line_take(&at, text + length, &size); line;
	     line = line_take(&at, text + length, &size)) {
		const char *digits = digits_in(line, size);

		has_any |= digits != NULL;
		*ret_found |= digits && strncasecmp(digits, sha512, SHA512_DIGITS) == 0;
	}
	if (has_any)
		return 0;
	error_set(err, ERROR_SIGNATURE, "there is no SHA-512 in the list of checksums");
	return error_hint(err, "each line is HEX  NAME, as sha512sum writes it");
}
