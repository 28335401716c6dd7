/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading JSON (RFC 8259) strictly. The text is copied once; texts and keys stay where they
 * stand in the copy, are unescaped there and end where their second quote was. A document is
 * read at every start, so there is one pass, and memory for the values alone.
 */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json_value.h"
#include "base/text.h"

struct reader {
	struct arena *arena;
	char *at, *end; /* *end is NUL */
	/* Of each byte before `counted` the line and column are known. */
	const char *counted;
	uint32_t line, column; /* in characters, from 1 */
	/* Members of all containers that are not closed yet, the inner ones last. */
	struct json_value **open;
	size_t open_count, open_room;
	struct arena scratch;
	const char *wrong; /* completes "line 1, column 2: ..."; NULL: too deep */
};

static int complain(struct reader *reader, const char *wrong)
{
	reader->wrong = wrong;
	return -1;
}

/* ---- places --------------------------------------------------------------------------- */

/* Before the bytes up to there are changed. */
static void count_up_to(struct reader *reader, const char *to)
{
	for (; reader->counted < to; reader->counted++) {
		if (*reader->counted == '\n') {
			reader->line++;
			reader->column = 1;
		} else if (((unsigned char)*reader->counted & 0xc0) != 0x80) {
			reader->column++;
		}
	}
}

static void skip_blanks(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' ||
	       *reader->at == '\r')
		reader->at++;
	count_up_to(reader, reader->at);
}

/* ---- texts ---------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four digits; -1. They are inside of the text, which ends with a quote. */
static int32_t read_unit(const char *digits)
{
	int32_t unit = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(digits[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static bool is_surrogate(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdfff;
}

/* The character of \uXXXX, or of two of them; *from is behind the u. -1: it is none. */
static int32_t read_character(const char **from)
{
	int32_t first = read_unit(*from), second;

	if (first <= 0)
		return -1;
	*from += 4;
	if (!is_surrogate(first))
		return first;
	if (first > 0xdbff || (*from)[0] != '\\' || (*from)[1] != 'u')
		return -1;
	second = read_unit(*from + 2);
	if (second < 0xdc00 || second > 0xdfff)
		return -1;
	*from += 6;
	return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* UTF-8 is never longer than what it was escaped as. */
static char *put_character(char *to, int32_t code)
{
	const uint32_t bits = (uint32_t)code;

	if (bits < 0x80) {
		*to++ = (char)bits;
		return to;
	}
	if (bits < 0x800) {
		*to++ = (char)(0xc0 | bits >> 6);
	} else if (bits < 0x10000) {
		*to++ = (char)(0xe0 | bits >> 12);
		*to++ = (char)(0x80 | (bits >> 6 & 0x3f));
	} else {
		*to++ = (char)(0xf0 | bits >> 18);
		*to++ = (char)(0x80 | (bits >> 12 & 0x3f));
		*to++ = (char)(0x80 | (bits >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (bits & 0x3f));
	return to;
}

/* In place; the new end, or NULL. */
static char *unescape(char *text, const char *end)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *from = text;
	char *to = text;

	while (from < end) {
		const char *letter;
		int32_t code;

		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		letter = from[1] ? strchr(letters, from[1]) : NULL;
		if (letter) {
			*to++ = meant[letter - letters];
			from += 2;
			continue;
		}
		from += 2;
		code = from[-1] == 'u' ? read_character(&from) : -1;
		if (code < 0)
			return NULL;
		to = put_character(to, code);
	}
	return to;
}

/* Behind the characters that stand for themselves and cannot end a text. */
static char *skip_plain(char *at)
{
	while (*at != '"' && *at != '\\' && (unsigned char)*at >= 0x20 &&
	       (unsigned char)*at < 0x80)
		at++;
	return at;
}

/* The quote that ends the text, or NULL. */
static char *find_quote(struct reader *reader, char *at, bool *ret_escaped)
{
	for (at = skip_plain(at); *at != '"'; at = skip_plain(at)) {
		uint32_t code = 0;
		size_t length = 2;

		if (*at == '\\' && at + 1 < reader->end)
			*ret_escaped = true;
		else if ((unsigned char)*at >= 0x80)
			length = text_utf8_length(at, (size_t)(reader->end - at), &code);
		else
			length = 0;
		if (length == 0) {
			reader->at = at;
			complain(reader, "a text has to end, and holds neither control "
					 "characters nor anything but UTF-8");
			return NULL;
		}
		at += length;
	}
	return at;
}

static int read_text(struct reader *reader, char **ret_text)
{
	char *text = reader->at + 1;
	bool escaped = false;
	char *quote = find_quote(reader, text, &escaped);
	char *end = quote;

	if (!quote)
		return -1;
	if (escaped) {
		count_up_to(reader, quote);
		end = unescape(text, quote);
	}
	if (!end)
		return complain(reader, "the text before this has a bad escape");
	count_up_to(reader, quote + 1);
	*end = '\0';
	reader->at = quote + 1;
	*ret_text = text;
	return 0;
}

/* ---- numbers and words ---------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* NULL where there is no digit. */
static const char *skip_digits(const char *at)
{
	if (!is_digit(*at))
		return NULL;
	while (is_digit(*at))
		at++;
	return at;
}

/* Behind the fraction and the exponent; NULL: they are not as they have to be. */
static const char *skip_rest(const char *at)
{
	if (*at == '.')
		at = skip_digits(at + 1);
	if (!at || (*at != 'e' && *at != 'E'))
		return at;
	at++;
	return skip_digits(*at == '+' || *at == '-' ? at + 1 : at);
}

/* -1: it has more than 64 bits, or is less than INT64_MIN. */
static int set_integer(struct json_value *value, const char *digits, const char *end,
		       bool negative)
{
	const uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX;
	uint64_t number = 0;

	for (; digits < end; digits++) {
		const uint64_t digit = (uint64_t)(*digits - '0');

		if (number > (most - digit) / 10)
			return -1;
		number = number * 10 + digit;
	}
	value->kind = JSON_KIND_INTEGER;
	value->negative = negative && number != 0;
	value->number = negative ? 0 - number : number;
	return 0;
}

static int read_number(struct reader *reader, struct json_value *value)
{
	const char *start = reader->at, *digits = start + (*start == '-');
	const char *whole = skip_digits(digits);
	const char *end = whole ? skip_rest(whole) : NULL;

	if (!end || (*digits == '0' && whole > digits + 1))
		return complain(reader, "no number");
	reader->at += end - start;
	if (end == whole)
		return set_integer(value, digits, end, *start == '-') < 0
			       ? complain(reader, "the number before this is too big")
			       : 0;
	value->kind = JSON_KIND_REAL;
	value->real = strtod(start, NULL);
	return isinf(value->real) ? complain(reader, "the number before this is too big")
				  : 0;
}

static int read_word(struct reader *reader, struct json_value *value)
{
	static const struct {
		const char *word;
		enum json_kind kind;
		bool boolean;
	} words[] = { { "true", JSON_KIND_BOOL, true },
		      { "false", JSON_KIND_BOOL, false },
		      { "null", JSON_KIND_NULL, false } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!text_starts_with(reader->at, words[i].word))
			continue;
		value->kind = words[i].kind;
		value->boolean = words[i].boolean;
		reader->at += strlen(words[i].word);
		return 0;
	}
	return complain(reader, "a value is expected");
}

/* ---- arrays and objects --------------------------------------------------------------- */

static int read_value(struct reader *reader, struct json_value *value, size_t depth);

static void push(struct reader *reader, struct json_value *member)
{
	if (reader->open_count == reader->open_room) {
		size_t room = reader->open_room ? reader->open_room * 2 : 64;
		struct json_value **open = arena_alloc_array(&reader->scratch, room,
							     sizeof(struct json_value *));

		if (reader->open_count)
			memcpy(open, reader->open,
			       reader->open_count * sizeof(struct json_value *));
		reader->open = open;
		reader->open_room = room;
	}
	reader->open[reader->open_count++] = member;
}

/* The members since base become those of the container: with room as of arena_grow(). */
static void close_container(struct reader *reader, struct json_value *container,
			    size_t base)
{
	const size_t count = reader->open_count - base;
	size_t room = 4;

	reader->open_count = base;
	container->count = count;
	container->members = NULL;
	if (count == 0)
		return;
	while (room < count)
		room *= 2;
	container->members =
		arena_alloc_array(reader->arena, room, sizeof(struct json_value *));
	memcpy(container->members, reader->open + base,
	       count * sizeof(struct json_value *));
}

static int compare_keys(const void *a, const void *b)
{
	const struct json_value *const *first = a, *const *second = b;

	return strcmp((*first)->key, (*second)->key);
}

/* Few keys, as nearly always, are compared with each other; many are sorted first. */
static bool has_duplicate(struct reader *reader, const struct json_value *object)
{
	enum { FEW = 12 };
	struct json_value **sorted = object->members;

	if (object->count > FEW) {
		sorted = arena_alloc_array(&reader->scratch, object->count,
					   sizeof(struct json_value *));
		memcpy(sorted, object->members,
		       object->count * sizeof(struct json_value *));
		qsort(sorted, object->count, sizeof(struct json_value *), compare_keys);
	}
	for (size_t i = 1; i < object->count; i++) {
		for (size_t j = object->count > FEW ? i - 1 : 0; j < i; j++) {
			if (!strcmp(sorted[i]->key, sorted[j]->key))
				return true;
		}
	}
	return false;
}

static int read_key(struct reader *reader, char **ret_key)
{
	if (*reader->at != '"')
		return complain(reader, "a key in quotes is expected");
	if (read_text(reader, ret_key) < 0)
		return -1;
	skip_blanks(reader);
	if (*reader->at != ':')
		return complain(reader, "':' is expected");
	reader->at++;
	skip_blanks(reader);
	return 0;
}

static int read_member(struct reader *reader, struct json_value *container, size_t depth)
{
	struct json_value *member = json_make(reader->arena, JSON_KIND_NULL);

	member->parent = container;
	if (container->kind == JSON_KIND_OBJECT && read_key(reader, &member->key) < 0)
		return -1;
	if (read_value(reader, member, depth + 1) < 0)
		return -1;
	push(reader, member);
	skip_blanks(reader);
	return 0;
}

static int read_members(struct reader *reader, struct json_value *container, char last,
			size_t depth)
{
	if (*reader->at == last)
		return 0;
	for (;;) {
		if (read_member(reader, container, depth) < 0)
			return -1;
		if (*reader->at == last)
			return 0;
		if (*reader->at != ',')
			return complain(reader, last == '}' ? "',' or '}' is expected"
							    : "',' or ']' is expected");
		reader->at++;
		skip_blanks(reader);
	}
}

static int read_container(struct reader *reader, struct json_value *container,
			  size_t depth)
{
	const size_t base = reader->open_count;
	const char last = *reader->at == '{' ? '}' : ']';

	if (depth >= JSON_DEPTH_MAX)
		return complain(reader, NULL);
	container->kind = last == '}' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
	reader->at++;
	skip_blanks(reader);
	if (read_members(reader, container, last, depth) < 0)
		return -1;
	reader->at++;
	close_container(reader, container, base);
	if (last == '}' && has_duplicate(reader, container))
		return complain(reader, "the object before this has a duplicate key");
	return 0;
}

static int read_value(struct reader *reader, struct json_value *value, size_t depth)
{
	count_up_to(reader, reader->at);
	value->line = reader->line;
	value->column = reader->column;
	switch (*reader->at) {
	case '{':
	case '[':
		return read_container(reader, value, depth);
	case '"':
		value->kind = JSON_KIND_TEXT;
		return read_text(reader, &value->text);
	case 't':
	case 'f':
	case 'n':
		return read_word(reader, value);
	default:
		break;
	}
	if (*reader->at == '-' || is_digit(*reader->at))
		return read_number(reader, value);
	return complain(reader, "a value is expected");
}

/* ---- the whole ------------------------------------------------------------------------ */

static int read_document(struct reader *reader, struct json_value *top)
{
	skip_blanks(reader);
	if (*reader->at != '{' && *reader->at != '[')
		return complain(reader, "'{' or '[' is expected");
	if (read_value(reader, top, 0) < 0)
		return -1;
	skip_blanks(reader);
	return reader->at == reader->end
		       ? 0
		       : complain(reader, "the document ends before this");
}

static void explain(struct reader *reader, const char *name, struct error *err)
{
	if (!reader->wrong) {
		error_set(err, ERROR_CONFIG, "read %s: values nest deeper than %d", name,
			  JSON_DEPTH_MAX);
		return;
	}
	count_up_to(reader, reader->at);
	error_set(err, ERROR_CONFIG, "read %s: line %u, column %u: %s", name,
		  reader->line, reader->column, reader->wrong);
}

struct json_value *json_read(const char *text, size_t length, const char *name,
			     struct arena *arena, struct error *err)
{
	struct reader reader = { .arena = arena, .line = 1, .column = 1 };
	struct json_value *top;
	int failed;

	if (length > JSON_SIZE_MAX) {
		error_set(err, ERROR_CONFIG, "read %s: longer than %d MiB", name,
			  JSON_SIZE_MAX >> 20);
		return NULL;
	}
	reader.at = arena_strndup(arena, text, length);
	reader.end = reader.at + length;
	reader.counted = reader.at;
	top = json_make(arena, JSON_KIND_NULL);
	failed = read_document(&reader, top);
	if (failed)
		explain(&reader, name, err);
	arena_free(&reader.scratch);
	return failed ? NULL : top;
}
