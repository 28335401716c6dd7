/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers, sizes, durations and patterns from anybody, against second ways to see them. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

static void check_number(const char *text)
{
	bool is_plain = *text != '\0' && strspn(text, "0123456789") == strlen(text);
	uint64_t value = 0;
	unsigned long long expected;

	errno = 0;
	expected = strtoull(text, NULL, 10);
	if (text_to_u64(text, 10, &value) == 0)
		demand(is_plain && errno == 0 && value == expected, "strtoull agrees");
	else
		demand(!is_plain || errno == ERANGE, "a number is read");
}

static void check_integer(const char *text)
{
	int value = 7;

	if (text_to_int(text, -1000, 1000, &value) == 0)
		demand(value >= -1000 && value <= 1000 && value == atoi(text),
		       "in bounds");
	else
		demand(value == 7, "a failure leaves the result");
}

static void check_size(const char *text)
{
	uint64_t bytes = 7, again;
	char digits[24];

	if (text_to_size(text, &bytes) < 0) {
		demand(bytes == 7, "a failure leaves the result");
		return;
	}
	snprintf(digits, sizeof(digits), "%" PRIu64, bytes);
	demand(text_to_size(digits, &again) == 0 && again == bytes, "bytes are a size");
	demand(bytes >= strtoull(text, NULL, 10), "a unit makes no size smaller");
}

static void check_duration(const char *text)
{
	uint64_t ms = 7, again;
	char digits[32];

	if (text_to_duration_ms(text, &ms) < 0) {
		demand(ms == 7, "a failure leaves the result");
		return;
	}
	snprintf(digits, sizeof(digits), "%" PRIu64 "ms", ms);
	demand(text_to_duration_ms(digits, &again) == 0 && again == ms,
	       "milliseconds are a duration");
}

static void check_printable(const char *text)
{
	size_t room = strlen(text) * 4 + 1;
	char *whole = malloc(room), *cut = malloc(room);

	if (!whole || !cut)
		abort();
	text_printable(whole, room, text);
	for (const char *at = whole; *at;) {
		uint32_t code = 0;
		size_t length = text_utf8_length(at, strlen(at), &code);

		demand(length > 0 && code >= 0x20 && code != 0x7f, "it can be shown");
		demand(code < 0x80 || code > 0x9f, "it has no C1 control");
		at += length;
	}
	text_printable(cut, room / 2 + 1, text);
	demand(strlen(cut) <= room / 2 && strncmp(cut, whole, strlen(cut)) == 0,
	       "what is cut is a beginning");
	free(whole);
	free(cut);
}

static bool matches_slowly(const char *text, const char *pattern)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return matches_slowly(text, pattern + 1) ||
		       (*text && matches_slowly(text + 1, pattern));
	return *text && (*pattern == '?' || *pattern == *text) &&
	       matches_slowly(text + 1, pattern + 1);
}

static void check_words(char *text)
{
	static const char *const words[] = { "--hostname", "--root", "--ro", "-p", NULL };
	char *pattern = strchr(text, '\n');

	text_nearest(text, words);
	if (!pattern)
		return;
	*pattern++ = '\0';
	if (strlen(text) < 12 && strlen(pattern) < 12)
		demand(text_matches(text, pattern) == matches_slowly(text, pattern),
		       "the pattern matches as it should");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_number(text);
	check_integer(text);
	check_size(text);
	check_duration(text);
	check_printable(text);
	check_words(text);
	free(text);
	return 0;
}
