/* SPDX-License-Identifier: Apache-2.0 */
/* One system call in words, as `sbx policy why` is asked about it. */
#include "policy/profile.h"

#include "base/error.h"
#include "base/text.h"
#include "policy/tables.h"

#include <linux/seccomp.h>
#include <string.h>

enum { ARGUMENTS_MAX = 6, WORD_MAX = 128 };

static int read_number(const char *text, uint64_t *ret_value)
{
	if (text_starts_with(text, "0x"))
		return text_to_u64(text + 2, 16, ret_value);
	if (text[0] == '0' && text[1])
		return text_to_u64(text + 1, 8, ret_value);
	return text_to_u64(text, 10, ret_value);
}

static int refuse_constant(const char *word, struct error *err)
{
	const char *nearest = constant_nearest(word);

	error_set(err, ERROR_USAGE,
		  "use the argument %s: it is no number and no constant", word);
	return nearest ? error_hint(err, "the nearest constant is %s", nearest) : -1;
}

/* "-1" is all bits; what the kernel takes of it is its matter. */
static int read_part(const char *word, uint64_t *ret_value, struct error *err)
{
	uint64_t value;

	if (word[0] == '-' && read_number(word + 1, &value) == 0) {
		*ret_value = ~value + 1;
		return 0;
	}
	if (read_number(word, ret_value) == 0 || constant_value(word, ret_value) == 0)
		return 0;
	return refuse_constant(word, err);
}

static int read_argument(const char *word, uint64_t *ret_value, struct error *err)
{
	uint64_t whole = 0;

	while (*word) {
		size_t length = strcspn(word, "|");
		char part[WORD_MAX];
		uint64_t value;

		if (length >= sizeof(part))
			return error_set(err, ERROR_USAGE, "use an argument: too long");
		memcpy(part, word, length);
		part[length] = '\0';
		if (read_part(part, &value, err) < 0)
			return -1;
		whole |= value;
		word += length + (word[length] == '|');
	}
	*ret_value = whole;
	return 0;
}

static int read_call(const char *word, int *ret_number, struct error *err)
{
	const char *nearest;
	uint64_t number;
	int known;

	if (read_number(word, &number) == 0 && number <= INT32_MAX) {
		*ret_number = (int)number;
		return 0;
	}
	known = call_number(abi_native(), word);
	if (known >= 0) {
		*ret_number = known;
		return 0;
	}
	if (known == -1)
		return error_set(err, ERROR_USAGE, "look up %s: %s does not have it",
				 word, abi_name(abi_native()));
	error_set(err, ERROR_USAGE, "look up %s: there is no such system call", word);
	nearest = call_nearest(word);
	return nearest ? error_hint(err, "the nearest one is %s", nearest) : -1;
}

int call_parse(const char *const *words, struct seccomp_data *ret_data, struct error *err)
{
	struct seccomp_data data = { .arch = abi_audit(abi_native()) };
	size_t count = 0;

	if (read_call(words[0], &data.nr, err) < 0)
		return -1;
	for (; words[count + 1]; count++) {
		uint64_t value = 0;

		if (count == ARGUMENTS_MAX)
			return error_set(err, ERROR_USAGE,
					 "use %s: a call has at most %d arguments",
					 words[count + 1], ARGUMENTS_MAX);
		if (read_argument(words[count + 1], &value, err) < 0)
			return -1;
		data.args[count] = value;
	}
	*ret_data = data;
	return 0;
}

bool call_is_known(const char *name)
{
	return call_number(abi_native(), name) != -2;
}
