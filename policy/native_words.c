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

void native_skip(struct native_reader *reader)
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

bool native_is_done(struct native_reader *reader)
{
	native_skip(reader);
	return reader->at >= reader->end || *reader->at == '\n' || *reader->at == '#';
}

bool native_take(struct native_reader *reader, char letter)
{
	native_skip(reader);
	if (reader->at >= reader->end || *reader->at != letter)
		return false;
	reader->at++;
	return true;
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

static bool is_letter(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
	       (letter >= '0' && letter <= '9') || letter == '_';
}

struct native_word native_word(struct native_reader *reader)
{
	struct native_word word;
	const char *at;

	native_skip(reader);
	for (at = reader->at; at < reader->end && is_letter(*at);)
		at++;
	word.text = reader->at;
	word.length = (size_t)(at - reader->at);
	reader->at = at;
	return word;
}

struct native_word native_word_with_dashes(struct native_reader *reader)
{
	struct native_word word;
	const char *at;

	native_skip(reader);
	for (at = reader->at; at < reader->end && (is_letter(*at) || *at == '-');)
		at++;
	word.text = reader->at;
	word.length = (size_t)(at - reader->at);
	reader->at = at;
	return word;
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
