/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

/* ---- places ---- */

static unsigned int column_of(const char *line_start, const char *where)
{
	unsigned int column = 1;

	for (const char *at = line_start; at < where; at++)
		column += ((unsigned char)*at & 0xc0) != 0x80;
	return column;
}

int native_at(const struct native_reader *reader, const char *where)
{
	const char *line_start = reader->start;
	const char *name = reader->text->name;
	size_t length = strlen(name);
	unsigned int line = 1;

	for (const char *at = reader->start; at < where; at++) {
		if (*at == '\n') {
			line++;
			line_start = at + 1;
		}
	}
	/* The end of a long path says more than its beginning, and the text has an end. */
	return error_within(reader->err, "read %s%s:%u:%u", length > 100 ? "…" : "",
			    length > 100 ? name + length - 96 : name, line,
			    column_of(line_start, where));
}

static size_t length_to_show(const struct native_reader *reader)
{
	size_t length = 0;

	while (reader->at + length < reader->end && length < 24 &&
	       !strchr(" \t\r\n#;:,(){}[]\"=", reader->at[length]))
		length++;
	return length ? length : 1;
}

int native_expected(const struct native_reader *reader, const char *what)
{
	if (reader->at >= reader->end || *reader->at == '\n' || *reader->at == '#')
		error_set(reader->err, ERROR_POLICY, "the line ends before %s", what);
	else
		error_set(reader->err, ERROR_POLICY, "expected %s, found \"%.*s\"", what,
			  (int)length_to_show(reader), reader->at);
	return native_at(reader, reader->at);
}

/* ---- blanks ---- */

static bool is_blank(char letter)
{
	return letter == ' ' || letter == '\t' || letter == '\r';
}

/* Behind a backslash that ends its line: the next line; else NULL. */
static const char *behind_continuation(const char *at, const char *end)
{
	if (*at != '\\')
		return NULL;
	for (at++; at < end && is_blank(*at);)
		at++;
	if (at >= end)
		return at;
	return *at == '\n' ? at + 1 : NULL;
}

void native_skip_slowly(struct native_reader *reader)
{
	while (reader->at < reader->end) {
		const char *next;

		if (is_blank(*reader->at)) {
			reader->at++;
			continue;
		}
		next = behind_continuation(reader->at, reader->end);
		if (!next)
			return;
		reader->at = next;
	}
}

bool native_take_pair(struct native_reader *reader, const char *pair)
{
	native_skip(reader);
	if (reader->end - reader->at < 2 || memcmp(reader->at, pair, 2) != 0)
		return false;
	reader->at += 2;
	return true;
}

/* ---- words ---- */

/* 1: letters, digits and _; 2: the dash. */
static const unsigned char kinds[256] = {
	['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,
	['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1,
	['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,
	['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1,
	['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1,
	['Z'] = 1, ['_'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1,
	['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1,
	['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,
	['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
	['-'] = 2,
};

static struct native_word read_word(struct native_reader *reader, unsigned int kind)
{
	struct native_word word;
	const char *at;

	native_skip(reader);
	for (at = reader->at; at < reader->end && kinds[(unsigned char)*at] & kind;)
		at++;
	word.text = reader->at;
	word.length = (size_t)(at - reader->at);
	reader->at = at;
	return word;
}

struct native_word native_word(struct native_reader *reader)
{
	return read_word(reader, 1);
}

struct native_word native_word_with_dashes(struct native_reader *reader)
{
	return read_word(reader, 3);
}

bool native_word_is(struct native_word word, const char *text)
{
	return strlen(text) == word.length && memcmp(word.text, text, word.length) == 0;
}

const char *native_word_text(struct native_word word, char buffer[NATIVE_NAME_MAX + 1])
{
	size_t length = word.length < NATIVE_NAME_MAX ? word.length : NATIVE_NAME_MAX;

	memcpy(buffer, word.text, length);
	buffer[length] = '\0';
	return buffer;
}

/* ---- numbers ---- */

/* The digits of a number without its sign; 0x, 0o and 0 say the base. */
static int read_digits(const char *digits, uint64_t *ret_value)
{
	if (digits[0] != '0' || digits[1] == '\0')
		return text_to_u64(digits, 10, ret_value);
	if (digits[1] == 'x' || digits[1] == 'X')
		return text_to_u64(digits + 2, 16, ret_value);
	if (digits[1] == 'o' || digits[1] == 'O')
		return text_to_u64(digits + 2, 8, ret_value);
	return text_to_u64(digits + 1, 8, ret_value);
}

int native_number(struct native_reader *reader, uint64_t *ret_value)
{
	bool is_negative = native_take(reader, '-');
	const char *where;
	struct native_word word;
	char buffer[NATIVE_NAME_MAX + 1];
	uint64_t value;

	native_skip(reader);
	where = reader->at;
	word = native_word(reader);
	if (word.length == 0)
		return native_expected(reader, "a number");
	if (read_digits(native_word_text(word, buffer), &value) < 0) {
		error_set(reader->err, ERROR_POLICY, "\"%.32s\" is no number of 64 bits",
			  buffer);
		error_hint(reader->err, "numbers are 12, 0xc or 014");
		return native_at(reader, where);
	}
	*ret_value = is_negative ? 0 - value : value;
	return 0;
}

/* ---- texts ---- */

const char *native_quoted(struct native_reader *reader)
{
	const char *from, *at;
	char *copy, *to;

	native_skip(reader);
	from = reader->at;
	if (!native_take(reader, '"')) {
		native_expected(reader, "a text in double quotes");
		return NULL;
	}
	for (at = reader->at; at < reader->end && *at != '"' && *at != '\n'; at++) {
		if (*at == '\\' && at + 1 < reader->end && at[1] != '\n')
			at++;
	}
	if (at >= reader->end || *at != '"') {
		error_set(reader->err, ERROR_POLICY, "a text has no closing quote");
		native_at(reader, from);
		return NULL;
	}
	copy = to = arena_alloc(reader->all->arena, (size_t)(at - reader->at) + 1);
	while (reader->at < at) {
		if (*reader->at == '\\')
			reader->at++;
		*to++ = *reader->at++;
	}
	reader->at = at + 1;
	return copy;
}

/* Copies up to the end of the statement; a continued end of line is a blank. */
static size_t copy_operand(struct native_reader *reader, char *to)
{
	size_t used = 0, kept = 0;

	while (reader->at < reader->end && *reader->at != '\n') {
		const char *next = behind_continuation(reader->at, reader->end);

		if (next) {
			native_skip(reader);
			to[used++] = ' ';
			continue;
		}
		if (*reader->at == '#' && is_blank(reader->at[-1]))
			break;
		to[used++] = *reader->at;
		if (!is_blank(*reader->at++))
			kept = used;
	}
	return kept;
}

/* The most that copy_operand() may write. */
static size_t room_for_operand(const struct native_reader *reader)
{
	const char *at = reader->at;

	while (at < reader->end && (*at != '\n' || at[-1] == '\\' || is_blank(at[-1])))
		at++;
	return (size_t)(at - reader->at) + 1;
}

const char *native_operand(struct native_reader *reader, const char *what)
{
	char *copy;

	if (native_is_done(reader)) {
		native_expected(reader, what);
		return NULL;
	}
	if (*reader->at == '"')
		return native_quoted(reader);
	copy = arena_alloc(reader->all->arena, room_for_operand(reader));
	copy[copy_operand(reader, copy)] = '\0';
	return copy;
}
