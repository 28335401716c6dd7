/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/arena.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The value of a digit of any base up to 16; 16 for what is no digit. */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

/* Reads as many digits as there are, at least one. Returns what follows, or NULL. */
static const char *read_digits(const char *text, unsigned int base, uint64_t *ret_value)
{
	const char *at = text;
	uint64_t value = 0;

	for (; digit_value(*at) < base; at++) {
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit_value(*at), &value))
			return NULL;
	}
	if (at == text)
		return NULL;
	*ret_value = value;
	return at;
}

int text_to_u64(const char *text, int base, uint64_t *ret_value)
{
	const char *end;
	uint64_t value;

	if (base == 0) {
		base = 10;
		if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
			base = 16;
			text += 2;
		} else if (text[0] == '0') {
			base = 8;
		}
	}
	end = read_digits(text, (unsigned int)base, &value);
	if (!end || *end != '\0')
		return -1;
	*ret_value = value;
	return 0;
}

int text_to_u32(const char *text, uint32_t *ret_value)
{
	uint64_t value;

	if (text_to_u64(text, 10, &value) < 0 || value > UINT32_MAX)
		return -1;
	*ret_value = (uint32_t)value;
	return 0;
}

int text_to_int(const char *text, int min, int max, int *ret_value)
{
	bool negative = text[0] == '-';
	uint64_t magnitude;
	int64_t value;

	if (text_to_u64(text + negative, 10, &magnitude) < 0 || magnitude > UINT32_MAX)
		return -1;
	value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	if (value < min || value > max)
		return -1;
	*ret_value = (int)value;
	return 0;
}

int text_to_octal(const char *text, uint32_t max, uint32_t *ret_value)
{
	uint64_t value;

	if (text_to_u64(text, 8, &value) < 0 || value > max)
		return -1;
	*ret_value = (uint32_t)value;
	return 0;
}

static char lower(char c)
{
	if (c < 'A' || c > 'Z')
		return c;
	return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
}

/* Whether text is the lower-case word, in any case. */
static bool is_word(const char *text, const char *word)
{
	while (*text && lower(*text) == *word) {
		text++;
		word++;
	}
	return *text == '\0' && *word == '\0';
}

/* Bits to shift for a unit of size, -1 if it is none. */
static int size_shift(const char *unit)
{
	static const char letters[] = "kmgtpe";
	const char *letter;

	if (*unit == '\0' || is_word(unit, "b"))
		return 0;
	letter = strchr(letters, lower(*unit));
	if (!letter)
		return -1;
	if (unit[1] != '\0' && !is_word(unit + 1, "b") && !is_word(unit + 1, "ib"))
		return -1;
	return 10 * (int)(letter - letters + 1);
}

int text_to_size(const char *text, uint64_t *ret_bytes)
{
	uint64_t value;
	const char *unit = read_digits(text, 10, &value);
	int shift;

	if (!unit)
		return -1;
	shift = size_shift(unit);
	if (shift < 0 || value > UINT64_MAX >> shift)
		return -1;
	*ret_bytes = value << shift;
	return 0;
}

static const struct time_unit {
	const char *name;
	uint64_t ms;
} time_units[] = {
	{ "ms", 1 },          { "s", 1000 },         { "m", 60 * 1000 },
	{ "h", 3600 * 1000 }, { "d", 86400 * 1000 },
};

/* The unit that text starts with ("m" is not "ms"), NULL if there is none. */
static const struct time_unit *find_time_unit(const char *text)
{
	for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++) {
		if (text_starts_with(text, time_units[i].name))
			return &time_units[i];
	}
	return NULL;
}

int text_to_duration_ms(const char *text, uint64_t *ret_ms)
{
	uint64_t total = 0, value;
	uint64_t above = UINT64_MAX; /* units go down: "1m30s", never "30s1m" or "1s1s" */

	if (text_to_u64(text, 10, &value) == 0) {
		if (__builtin_mul_overflow(value, 1000U, &value))
			return -1;
		*ret_ms = value;
		return 0;
	}
	do {
		const struct time_unit *unit;

		text = read_digits(text, 10, &value);
		unit = text ? find_time_unit(text) : NULL;
		if (!unit || unit->ms >= above)
			return -1;
		if (__builtin_mul_overflow(value, unit->ms, &value) ||
		    __builtin_add_overflow(total, value, &total))
			return -1;
		above = unit->ms;
		text += strlen(unit->name);
	} while (*text);
	*ret_ms = total;
	return 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

int text_copy(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (size == 0)
		return -1;
	if (length < size) {
		memcpy(to, from, length + 1);
		return 0;
	}
	memcpy(to, from, size - 1);
	to[size - 1] = '\0';
	return -1;
}

size_t text_utf8_length(const char *text, size_t size, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length;
	uint32_t code;

	if (size == 0)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_code = bytes[0];
		return 1;
	}
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (length > size)
		return 0;
	code = bytes[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3fU);
	}
	if (code < smallest[length] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

/*
 * Characters that a terminal obeys, or that make a line look like another one: controls,
 * changes of direction, separators of lines, marks without width, tags.
 */
static bool is_obeyed(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} obeyed[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },       { 0xad, 0xad },
		{ 0x61c, 0x61c },   { 0x180e, 0x180e },   { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < sizeof(obeyed) / sizeof(obeyed[0]); i++) {
		if (code >= obeyed[i].first && code <= obeyed[i].last)
			return true;
	}
	return false;
}

/* One character of from as it may be shown. Returns how many bytes of from it took. */
static size_t show_character(const char *from, size_t left, bool doubled,
			     char shown[static 17])
{
	uint32_t code = 0;
	size_t length = text_utf8_length(from, left, &code);

	if (length > 0 && code == '\\' && doubled) {
		memcpy(shown, "\\\\", 3);
		return length;
	}
	if (length > 0 && !is_obeyed(code)) {
		memcpy(shown, from, length);
		shown[length] = '\0';
		return length;
	}
	if (length == 0)
		length = 1;
	for (size_t i = 0; i < length; i++)
		snprintf(shown + 4 * i, 5, "\\x%02x", (unsigned char)from[i]);
	return length;
}

/* doubled: backslashes are. */
static char *show(char *to, size_t size, const char *from, bool doubled)
{
	size_t left = strlen(from), used = 0;
	char shown[17];

	if (size == 0)
		return to;
	while (left > 0) {
		size_t took = show_character(from, left, doubled, shown);
		size_t length = strlen(shown);

		if (length >= size - used)
			break;
		memcpy(to + used, shown, length);
		used += length;
		from += took;
		left -= took;
	}
	to[used] = '\0';
	return to;
}

char *text_printable(char *to, size_t size, const char *from)
{
	return show(to, size, from, true);
}

char *text_harmless(char *to, size_t size, const char *from)
{
	return show(to, size, from, false);
}

enum { NEAREST_LENGTH_MAX = 63 };

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Edits that turn a into b: a letter put in, left out, changed, or two neighbours
 * swapped. Three rows of the table are enough for that; both are at most
 * NEAREST_LENGTH_MAX long.
 */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int rows[3][NEAREST_LENGTH_MAX + 1];
	unsigned int *before = rows[0], *last = rows[1], *row = rows[2];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned int *unused = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= length; j++) {
			unsigned int change = last[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = least(change, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = unused;
	}
	return last[length];
}

const char *text_nearest(const char *word, const char *const *words)
{
	size_t length = strlen(word);
	unsigned int best = (unsigned int)(length / 3) + 1;
	const char *nearest = NULL;

	if (length > NEAREST_LENGTH_MAX)
		return NULL;
	for (; *words; words++) {
		unsigned int distance;

		if (strlen(*words) > NEAREST_LENGTH_MAX)
			continue;
		distance = edit_distance(word, *words);
		if (distance < best) {
			best = distance;
			nearest = *words;
		}
	}
	return nearest;
}

bool text_matches(const char *text, const char *pattern)
{
	/* Where to go on when a match fails: only the last `*` ever has to take more. */
	const char *retry_text = NULL, *retry_pattern = NULL;

	while (*text) {
		if (*pattern == '*') {
			retry_pattern = ++pattern;
			retry_text = text;
			continue;
		}
		if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
			continue;
		}
		if (!retry_pattern)
			return false;
		pattern = retry_pattern;
		text = ++retry_text;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool is_octal(char byte)
{
	return byte >= '0' && byte <= '7';
}

void text_unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    is_octal(text[2]) && is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 +
				       (text[3] - '0'));
			text += 4;
			continue;
		}
		*to++ = *text++;
	}
	*to = '\0';
}

const char *text_now(struct arena *arena, int decimals)
{
	char text[32], fraction[16];
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(fraction, sizeof(fraction), ".%09ld", now.tv_nsec);
	return arena_printf(arena, "%s%.*sZ", text, decimals ? decimals + 1 : 0,
			    fraction);
}
