/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as lines of text: base64 (RFC 4648), and the armour of OpenPGP around it. */
#include "image/keys.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

enum { CRC24_INIT = 0xb704ce, CRC24_POLYNOMIAL = 0x1864cfb, CRC24_MASK = 0xffffff };

const char *line_take(const char **at, const char *end, size_t *ret_length)
{
	const char *line = *at;
	const char *newline;

	if (line >= end)
		return NULL;
	newline = memchr(line, '\n', (size_t)(end - line));
	*at = newline ? newline + 1 : end;
	*ret_length = (size_t)((newline ? newline : end) - line);
	if (*ret_length > 0 && line[*ret_length - 1] == '\r')
		(*ret_length)--;
	return line;
}

bool is_blank(const char *at, const char *end)
{
	for (; at < end; at++)
		if (*at != ' ' && *at != '\t' && *at != '\r' && *at != '\n')
			return false;
	return true;
}

/* ---- base64 ---------------------------------------------------------------------------- */

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -1: it is none. */
static int value_of(char digit)
{
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Four digits, the last ones of the text with padding: how many bytes they are, or -1. */
static int decode_group(const char *group, bool is_last, unsigned char bytes[3])
{
	int padding = 0;
	uint32_t bits = 0;

	if (is_last)
		padding = group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
	for (int i = 0; i < 4; i++) {
		const int value = i < 4 - padding ? value_of(group[i]) : 0;

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
	}
	if (bits & ((1U << (8 * padding)) - 1))
		return -1;
	bytes[0] = (unsigned char)(bits >> 16);
	bytes[1] = (unsigned char)(bits >> 8);
	bytes[2] = (unsigned char)bits;
	return 3 - padding;
}

ssize_t base64_decode(const char *text, size_t length, unsigned char *to, size_t size)
{
	size_t done = 0;

	if (length % 4 != 0)
		return -1;
	for (size_t i = 0; i < length; i += 4) {
		unsigned char bytes[3];
		const int count = decode_group(text + i, i + 4 == length, bytes);

		if (count < 0 || done + (size_t)count > size)
			return -1;
		memcpy(to + done, bytes, (size_t)count);
		done += (size_t)count;
	}
	return (ssize_t)done;
}

void base64_encode(const unsigned char *bytes, size_t length, char *to)
{
	for (size_t i = 0; i < length; i += 3) {
		const size_t left = length - i;
		const uint32_t bits = (uint32_t)bytes[i] << 16 |
				      (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				      (left > 2 ? (uint32_t)bytes[i + 2] : 0);

		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		to[0] = to[1] = '=';
		if (left > 1)
			to[0] = digits[bits >> 6 & 63];
		if (left > 2)
			to[1] = digits[bits & 63];
		to += 2;
	}
	*to = '\0';
}

/* ---- armour ---------------------------------------------------------------------------- */

/* RFC 4880 section 6.1. */
static uint32_t crc24(const unsigned char *bytes, size_t size)
{
	uint32_t crc = CRC24_INIT;

	for (size_t i = 0; i < size; i++) {
		crc ^= (uint32_t)bytes[i] << 16;
		for (int bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if (crc & (CRC24_MASK + 1U))
				crc ^= CRC24_POLYNOMIAL;
		}
	}
	return crc & CRC24_MASK;
}

static bool is_mark(const char *line, size_t length, const char *begin, const char *type)
{
	const size_t size = strlen(begin);
	const size_t type_size = strlen(type);

	return length == size + type_size + 5 && memcmp(line, begin, size) == 0 &&
	       memcmp(line + size, type, type_size) == 0 &&
	       memcmp(line + size + type_size, "-----", 5) == 0;
}

/* Puts *at behind the line that begins or ends a block. */
static bool find_mark(const char **at, const char *end, const char *begin,
		      const char *type)
{
	size_t length;

	for (const char *line = line_take(at, end, &length); line;
	     line = line_take(at, end, &length))
		if (is_mark(line, length, begin, type))
			return true;
	return false;
}

/* "Version: …", up to the empty line. */
static bool skip_headers(const char **at, const char *end)
{
	size_t length;

	for (const char *line = line_take(at, end, &length); line;
	     line = line_take(at, end, &length)) {
		if (is_blank(line, line + length))
			return true;
		if (!memchr(line, ':', length))
			return false;
	}
	return false;
}

struct block {
	char *digits; /* all lines in one */
	size_t length;
	const char *crc; /* its four digits; NULL: there is none */
};

/* The lines between the headers and the end mark. */
static int take_block(const char **at, const char *end, const char *type,
		      struct block *block)
{
	size_t length;

	for (const char *line = line_take(at, end, &length); line;
	     line = line_take(at, end, &length)) {
		if (is_mark(line, length, "-----END PGP ", type))
			return 0;
		while (length > 0 && is_blank(line + length - 1, line + length))
			length--;
		if (length == 5 && line[0] == '=' && !block->crc) {
			block->crc = line + 1;
			continue;
		}
		if (block->crc)
			return -1;
		memcpy(block->digits + block->length, line, length);
		block->length += length;
	}
	return -1;
}

static bool crc_is_right(const char *text, const unsigned char *bytes, size_t size)
{
	unsigned char crc[3];

	return base64_decode(text, 4, crc, sizeof(crc)) == 3 &&
	       ((uint32_t)crc[0] << 16 | (uint32_t)crc[1] << 8 | crc[2]) ==
		       crc24(bytes, size);
}

int armor_remove(const char *text, size_t length, const char *type, struct arena *arena,
		 unsigned char **ret_bytes, size_t *ret_size, struct error *err)
{
	const char *at = text;
	const char *const end = text + length;
	struct block block = { .digits = arena_alloc(arena, length + 1) };
	unsigned char *bytes = arena_alloc(arena, length + 1);
	ssize_t size;

	if (!find_mark(&at, end, "-----BEGIN PGP ", type))
		return error_set(err, ERROR_SIGNATURE, "there is no OpenPGP %s in it",
				 type);
	if (!skip_headers(&at, end) || take_block(&at, end, type, &block) < 0)
		return error_set(err, ERROR_SIGNATURE, "its armour has no end");
	size = base64_decode(block.digits, block.length, bytes, length);
	if (size < 0)
		return error_set(err, ERROR_SIGNATURE,
				 "there is something else than base64 in its armour");
	if (block.crc && !crc_is_right(block.crc, bytes, (size_t)size))
		return error_set(err, ERROR_SIGNATURE,
				 "the checksum of its armour is wrong");
	if (find_mark(&at, end, "-----BEGIN PGP ", type))
		return error_set(err, ERROR_SIGNATURE,
				 "there are several in it, and one alone can be used");
	*ret_bytes = bytes;
	*ret_size = (size_t)size;
	return 0;
}
