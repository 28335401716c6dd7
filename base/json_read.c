/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json_value.h"
#include "base/text.h"

/* jansson reads; the tree that it makes is copied into the arena and given back at once. */

/*
 * jansson refuses integers above INT64_MAX. Before it sees the text, such a token gets a
 * point behind its first digit, which makes it a real number of the same length, so that
 * positions in messages stay right. As all real numbers of the document are listed in
 * their order, each can be told from the others, and its exact value is at hand.
 */
struct number {
	bool is_integer;
	uint64_t value;
};

/*
 * jansson does not say where a value stood. It keeps the order of all members, so the
 * places of the text's values, listed in their order, are those of the values that it
 * makes.
 */
struct place {
	uint32_t line, column; /* in characters, from 1 */
};

struct document {
	struct arena *arena;
	struct number *reals;
	size_t real_count, next_real;
	struct place *places;
	size_t place_count, next_place;
};

static bool is_number_character(char c)
{
	return (c >= '0' && c <= '9') || (c != '\0' && strchr("+-.eE", c) != NULL);
}

static void list_real(struct document *document, struct number number)
{
	document->reals = arena_grow(document->arena, document->reals,
				     document->real_count, sizeof(number));
	document->reals[document->real_count++] = number;
}

static void prepare_number(struct document *document, char *token, size_t length)
{
	char digits[24];
	struct number number = { true, 0 };

	for (size_t i = 0; i < length; i++) {
		if (strchr(".eE", token[i])) {
			list_real(document, (struct number){ false, 0 });
			return;
		}
	}
	if (length < 19 || length >= sizeof(digits))
		return;
	memcpy(digits, token, length);
	digits[length] = '\0';
	if (digits[0] == '0' || text_to_u64(digits, 10, &number.value) < 0)
		return;
	if (number.value <= INT64_MAX)
		return;
	token[1] = '.';
	list_real(document, number);
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static size_t find_text_end(const char *text, size_t start, size_t length)
{
	size_t end = start + 1;

	while (end < length && text[end] != '"')
		end += text[end] == '\\' ? 2 : 1;
	return end < length ? end + 1 : length;
}

/* Behind the token that begins at start: a text, a word, a number or one character. */
static size_t find_end(const char *text, size_t start, size_t length)
{
	bool (*belongs)(char) = NULL;
	size_t end = start + 1;

	if (text[start] == '"')
		return find_text_end(text, start, length);
	if (is_letter(text[start]))
		belongs = is_letter;
	else if (is_number_character(text[start]))
		belongs = is_number_character;
	while (belongs && end < length && belongs(text[end]))
		end++;
	return end;
}

/* A text is a key where a colon follows. */
static bool begins_value(const char *text, size_t start, size_t end, size_t length)
{
	if (text[start] != '"')
		return text[start] == '{' || text[start] == '[' ||
		       is_letter(text[start]) || is_number_character(text[start]);
	while (end < length && text[end] && strchr(" \t\r\n", text[end]))
		end++;
	return end == length || text[end] != ':';
}

static void list_place(struct document *document, struct place place)
{
	document->places = arena_grow(document->arena, document->places,
				      document->place_count, sizeof(place));
	document->places[document->place_count++] = place;
}

static void walk_on(struct place *place, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			*place = (struct place){ place->line + 1, 1 };
		else if (((unsigned char)text[i] & 0xc0) != 0x80)
			place->column++;
	}
}

static void prepare(struct document *document, char *text, size_t length)
{
	struct place place = { 1, 1 };
	size_t end;

	for (size_t i = 0; i < length; i = end) {
		end = find_end(text, i, length);
		if (begins_value(text, i, end, length))
			list_place(document, place);
		if (is_number_character(text[i]) && !is_letter(text[i]))
			prepare_number(document, text + i, end - i);
		walk_on(&place, text + i, end - i);
	}
}

static int copy_value(struct document *document, struct json_value *value, json_t *from,
		      size_t depth);

static int copy_members(struct document *document, struct json_value *value, json_t *from,
			size_t depth)
{
	const char *key;
	size_t index;
	json_t *member;

	if (depth >= JSON_DEPTH_MAX)
		return -1;
	if (json_is_object(from)) {
		value->kind = JSON_KIND_OBJECT;
		json_object_foreach(from, key, member)
		{
			struct json_value *copy = json_append(value, key, JSON_KIND_NULL);

			if (copy_value(document, copy, member, depth + 1) < 0)
				return -1;
		}
		return 0;
	}
	value->kind = JSON_KIND_ARRAY;
	json_array_foreach(from, index, member)
	{
		struct json_value *copy = json_append(value, NULL, JSON_KIND_NULL);

		if (copy_value(document, copy, member, depth + 1) < 0)
			return -1;
	}
	return 0;
}

static void copy_integer(struct json_value *value, json_int_t integer)
{
	value->kind = JSON_KIND_INTEGER;
	value->negative = integer < 0;
	value->number = (uint64_t)integer;
}

static void copy_real(struct document *document, struct json_value *value, double real)
{
	const struct number *number = &document->reals[document->next_real++];

	assert(document->next_real <= document->real_count);
	value->kind = number->is_integer ? JSON_KIND_INTEGER : JSON_KIND_REAL;
	value->number = number->value;
	value->real = real;
}

/* -1: too deep. */
static int copy_value(struct document *document, struct json_value *value, json_t *from,
		      size_t depth)
{
	const struct place *place = &document->places[document->next_place++];

	assert(document->next_place <= document->place_count);
	value->line = place->line;
	value->column = place->column;
	switch (json_typeof(from)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return copy_members(document, value, from, depth);
	case JSON_STRING:
		value->kind = JSON_KIND_TEXT;
		value->text = arena_strdup(document->arena, json_string_value(from));
		return 0;
	case JSON_INTEGER:
		copy_integer(value, json_integer_value(from));
		return 0;
	case JSON_REAL:
		copy_real(document, value, json_real_value(from));
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		value->kind = JSON_KIND_BOOL;
		value->boolean = json_is_true(from);
		return 0;
	case JSON_NULL:
		value->kind = JSON_KIND_NULL;
		return 0;
	}
	return 0;
}

static int complain_syntax(const char *name, const json_error_t *syntax,
			   struct error *err)
{
	if (syntax->line < 1)
		return error_set(err, ERROR_CONFIG, "read %s: %s", name, syntax->text);
	return error_set(err, ERROR_CONFIG, "read %s: line %d, column %d: %s", name,
			 syntax->line, syntax->column, syntax->text);
}

/* What jansson makes of the text; NULL and *ret_syntax. */
static json_t *load(struct document *document, const char *text, size_t length,
		    json_error_t *ret_syntax)
{
	char *copy = malloc(length + 1);
	json_t *tree;

	if (!copy) {
		*ret_syntax = (json_error_t){ .line = -1, .text = "out of memory" };
		return NULL;
	}
	memcpy(copy, text, length);
	prepare(document, copy, length);
	tree = json_loadb(copy, length, JSON_REJECT_DUPLICATES, ret_syntax);
	free(copy);
	return tree;
}

struct json_value *json_read(const char *text, size_t length, const char *name,
			     struct arena *arena, struct error *err)
{
	struct document document = { .arena = arena };
	struct json_value *top;
	json_error_t syntax;
	json_t *tree;
	int copied;

	if (length > JSON_SIZE_MAX) {
		error_set(err, ERROR_CONFIG, "read %s: longer than %d MiB", name,
			  JSON_SIZE_MAX >> 20);
		return NULL;
	}
	tree = load(&document, text, length, &syntax);
	if (!tree) {
		complain_syntax(name, &syntax, err);
		return NULL;
	}
	top = json_make(arena, JSON_KIND_NULL);
	copied = copy_value(&document, top, tree, 0);
	json_decref(tree);
	if (copied < 0) {
		error_set(err, ERROR_CONFIG, "read %s: values nest deeper than %d", name,
			  JSON_DEPTH_MAX);
		return NULL;
	}
	return top;
}
