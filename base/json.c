/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

/*
 * jansson reads; the tree that it makes is copied into the arena and given back at once.
 * Writing is ours, because jansson has no integers above INT64_MAX.
 */
struct json_value {
	struct arena *arena;
	struct json_value *parent; /* NULL at the top */
	char *key;                 /* of a member of an object */
	enum json_kind kind;
	bool boolean;
	bool negative;   /* JSON_KIND_INTEGER: number is the two's complement of it */
	uint64_t number; /* JSON_KIND_INTEGER */
	double real;
	char *text;
	struct json_value **members;
	size_t count;
};

/* Characters that stand for one byte each: FIRST is byte 0x80. */
enum { ESCAPE_FIRST = 0xf780, ESCAPE_LAST = 0xf7ff };

/* ---- making ------------------------------------------------------------------------- */

static struct json_value *make(struct arena *arena, enum json_kind kind)
{
	struct json_value *value = arena_alloc(arena, sizeof(*value));

	value->arena = arena;
	value->kind = kind;
	return value;
}

struct json_value *json_make_object(struct arena *arena)
{
	return make(arena, JSON_KIND_OBJECT);
}

struct json_value *json_make_array(struct arena *arena)
{
	return make(arena, JSON_KIND_ARRAY);
}

static struct json_value **find_member(const struct json_value *object, const char *key)
{
	if (!object || object->kind != JSON_KIND_OBJECT)
		return NULL;
	for (size_t i = 0; i < object->count; i++) {
		if (strcmp(object->members[i]->key, key) == 0)
			return &object->members[i];
	}
	return NULL;
}

/* A new last member. The caller knows that an object has no member of that key. */
static struct json_value *append(struct json_value *parent, const char *key,
				 enum json_kind kind)
{
	struct json_value *value = make(parent->arena, kind);

	value->parent = parent;
	if (key)
		value->key = arena_strdup(parent->arena, key);
	parent->members = arena_grow(parent->arena, parent->members, parent->count,
				     sizeof(struct json_value *));
	parent->members[parent->count++] = value;
	return value;
}

static struct json_value *put(struct json_value *parent, const char *key,
			      enum json_kind kind)
{
	struct json_value **older = key ? find_member(parent, key) : NULL;
	struct json_value *value;

	if (!older)
		return append(parent, key, kind);
	value = make(parent->arena, kind);
	value->parent = parent;
	value->key = (*older)->key;
	*older = value;
	return value;
}

struct json_value *json_put_object(struct json_value *parent, const char *key)
{
	return put(parent, key, JSON_KIND_OBJECT);
}

struct json_value *json_put_array(struct json_value *parent, const char *key)
{
	return put(parent, key, JSON_KIND_ARRAY);
}

void json_put_text(struct json_value *parent, const char *key, const char *text)
{
	put(parent, key, JSON_KIND_TEXT)->text = arena_strdup(parent->arena, text);
}

void json_put_integer(struct json_value *parent, const char *key, int64_t value)
{
	struct json_value *new = put(parent, key, JSON_KIND_INTEGER);

	new->negative = value < 0;
	new->number = (uint64_t)value;
}

void json_put_unsigned(struct json_value *parent, const char *key, uint64_t value)
{
	put(parent, key, JSON_KIND_INTEGER)->number = value;
}

void json_put_bool(struct json_value *parent, const char *key, bool value)
{
	put(parent, key, JSON_KIND_BOOL)->boolean = value;
}

void json_put_null(struct json_value *parent, const char *key)
{
	put(parent, key, JSON_KIND_NULL);
}

void json_put_copy(struct json_value *parent, const char *key,
		   const struct json_value *value)
{
	struct json_value *copy = put(parent, key, value->kind);

	copy->boolean = value->boolean;
	copy->negative = value->negative;
	copy->number = value->number;
	copy->real = value->real;
	if (value->text)
		copy->text = arena_strdup(parent->arena, value->text);
	for (size_t i = 0; i < value->count; i++)
		json_put_copy(copy, value->members[i]->key, value->members[i]);
}

void json_remove(struct json_value *object, const char *key)
{
	struct json_value **member = find_member(object, key);
	size_t behind;

	if (!member)
		return;
	behind = object->count - (size_t)(member - object->members) - 1;
	memmove(member, member + 1, behind * sizeof(struct json_value *));
	object->count--;
}

/* ---- writing ------------------------------------------------------------------------ */

struct output {
	struct arena *arena;
	char *data;
	size_t used, size;
	enum json_layout layout;
};

static void write_bytes(struct output *output, const char *bytes, size_t length)
{
	if (length > output->size - output->used) {
		size_t size = output->size * 2 + length + 1024;
		char *data = arena_alloc(output->arena, size);

		if (output->used > 0)
			memcpy(data, output->data, output->used);
		output->data = data;
		output->size = size;
	}
	memcpy(output->data + output->used, bytes, length);
	output->used += length;
}

static void write_text(struct output *output, const char *text)
{
	write_bytes(output, text, strlen(text));
}

static void write_line_end(struct output *output, size_t depth)
{
	if (output->layout == JSON_LAYOUT_LINE)
		return;
	write_text(output, "\n");
	for (size_t i = 0; i < depth; i++)
		write_text(output, "  ");
}

static bool is_escape(uint32_t code)
{
	return code >= ESCAPE_FIRST && code <= ESCAPE_LAST;
}

static void write_escaped_byte(struct output *output, unsigned char byte)
{
	uint32_t code = 0xf700U + byte;
	const char utf8[] = { (char)(0xe0 | code >> 12),
			      (char)(0x80 | (code >> 6 & 0x3f)),
			      (char)(0x80 | (code & 0x3f)) };

	write_bytes(output, utf8, sizeof(utf8));
}

static void write_character(struct output *output, const char *bytes, size_t length,
			    uint32_t code)
{
	char escaped[8];

	if (code == '"' || code == '\\') {
		write_text(output, "\\");
	} else if (code < 0x20 || code == 0x7f) {
		snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned int)code);
		write_text(output, escaped);
		return;
	}
	write_bytes(output, bytes, length);
}

static void write_string(struct output *output, const char *text)
{
	size_t left = strlen(text);

	write_text(output, "\"");
	while (left > 0) {
		uint32_t code = 0;
		size_t length = text_utf8_length(text, left, &code);

		if (length == 0 || is_escape(code)) {
			length = length ? length : 1;
			for (size_t i = 0; i < length; i++)
				write_escaped_byte(output, (unsigned char)text[i]);
		} else {
			write_character(output, text, length, code);
		}
		text += length;
		left -= length;
	}
	write_text(output, "\"");
}

static void write_integer(struct output *output, const struct json_value *value)
{
	char digits[24];

	if (value->negative)
		snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)value->number);
	else
		snprintf(digits, sizeof(digits), "%" PRIu64, value->number);
	write_text(output, digits);
}

static void write_real(struct output *output, double real)
{
	char digits[40];

	snprintf(digits, sizeof(digits) - 2, "%.17g", real);
	if (!strpbrk(digits, ".e"))
		strcat(digits, ".0"); /* else it would be read as an integer */
	write_text(output, digits);
}

static void write_value(struct output *output, const struct json_value *value,
			size_t depth);

static void write_members(struct output *output, const struct json_value *value,
			  size_t depth)
{
	bool is_object = value->kind == JSON_KIND_OBJECT;

	write_text(output, is_object ? "{" : "[");
	for (size_t i = 0; i < value->count; i++) {
		if (i > 0)
			write_text(output, ",");
		write_line_end(output, depth + 1);
		if (is_object) {
			write_string(output, value->members[i]->key);
			write_text(output,
				   output->layout == JSON_LAYOUT_LINE ? ":" : ": ");
		}
		write_value(output, value->members[i], depth + 1);
	}
	if (value->count > 0)
		write_line_end(output, depth);
	write_text(output, is_object ? "}" : "]");
}

static void write_value(struct output *output, const struct json_value *value,
			size_t depth)
{
	switch (value->kind) {
	case JSON_KIND_NULL:
		write_text(output, "null");
		return;
	case JSON_KIND_BOOL:
		write_text(output, value->boolean ? "true" : "false");
		return;
	case JSON_KIND_INTEGER:
		write_integer(output, value);
		return;
	case JSON_KIND_REAL:
		write_real(output, value->real);
		return;
	case JSON_KIND_TEXT:
		write_string(output, value->text);
		return;
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		write_members(output, value, depth);
		return;
	}
}

char *json_write(const struct json_value *value, enum json_layout layout,
		 struct arena *arena)
{
	struct output output = { .arena = arena, .layout = layout };

	write_value(&output, value, 0);
	write_line_end(&output, 0);
	write_bytes(&output, "", 1);
	return output.data;
}

/* ---- bytes that are not UTF-8 ------------------------------------------------------- */

static bool needs_escapes(const char *text)
{
	size_t left = text ? strlen(text) : 0;

	while (left > 0) {
		uint32_t code = 0;
		size_t length = text_utf8_length(text, left, &code);

		if (length == 0 || is_escape(code))
			return true;
		text += length;
		left -= length;
	}
	return false;
}

bool json_has_escapes(const struct json_value *value)
{
	if (needs_escapes(value->key) || needs_escapes(value->text))
		return true;
	for (size_t i = 0; i < value->count; i++) {
		if (json_has_escapes(value->members[i]))
			return true;
	}
	return false;
}

static void restore_text(char *text)
{
	size_t left = text ? strlen(text) : 0;
	char *to = text;

	if (!text)
		return;
	while (left > 0) {
		uint32_t code = 0;
		size_t length = text_utf8_length(text, left, &code);

		if (length > 0 && is_escape(code)) {
			*to++ = (char)(code & 0xff);
		} else {
			length = length ? length : 1;
			memmove(to, text, length);
			to += length;
		}
		text += length;
		left -= length;
	}
	*to = '\0';
}

void json_restore_bytes(struct json_value *value)
{
	restore_text(value->key);
	restore_text(value->text);
	for (size_t i = 0; i < value->count; i++)
		json_restore_bytes(value->members[i]);
}

/* ---- reading ------------------------------------------------------------------------ */

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

struct document {
	struct arena *arena;
	struct number *reals;
	size_t real_count, next_real;
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

static void prepare_numbers(struct document *document, char *text, size_t length)
{
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		size_t start = i;

		if (in_string && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			in_string = !in_string;
		} else if (!in_string && is_number_character(text[i])) {
			/* The e of true and false begins no number. */
			if (text[i] == 'e' || text[i] == 'E')
				continue;
			while (i + 1 < length && is_number_character(text[i + 1]))
				i++;
			prepare_number(document, text + start, i + 1 - start);
		}
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
			struct json_value *copy = append(value, key, JSON_KIND_NULL);

			if (copy_value(document, copy, member, depth + 1) < 0)
				return -1;
		}
		return 0;
	}
	value->kind = JSON_KIND_ARRAY;
	json_array_foreach(from, index, member)
	{
		struct json_value *copy = append(value, NULL, JSON_KIND_NULL);

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

	value->kind = number->is_integer ? JSON_KIND_INTEGER : JSON_KIND_REAL;
	value->number = number->value;
	value->real = real;
}

/* -1: too deep. */
static int copy_value(struct document *document, struct json_value *value, json_t *from,
		      size_t depth)
{
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
	char text[sizeof(err->text)];

	text_printable(text, sizeof(text), syntax->text);
	if (syntax->line < 1)
		return error_set(err, ERROR_CONFIG, "read %s: %s", name, text);
	return error_set(err, ERROR_CONFIG, "read %s: line %d, column %d: %s", name,
			 syntax->line, syntax->column, text);
}

struct json_value *json_read(const char *text, size_t length, const char *name,
			     struct arena *arena, struct error *err)
{
	struct document document = { .arena = arena };
	struct json_value *top;
	json_error_t syntax;
	auto_free char *copy = NULL;
	json_t *tree;
	int copied;

	if (length > JSON_SIZE_MAX) {
		error_set(err, ERROR_CONFIG, "read %s: longer than %d MiB", name,
			  JSON_SIZE_MAX >> 20);
		return NULL;
	}
	copy = malloc(length + 1);
	if (!copy) {
		error_errno(err, "read %s", name);
		return NULL;
	}
	memcpy(copy, text, length);
	prepare_numbers(&document, copy, length);
	tree = json_loadb(copy, length, JSON_REJECT_DUPLICATES, &syntax);
	if (!tree) {
		complain_syntax(name, &syntax, err);
		return NULL;
	}
	top = make(arena, JSON_KIND_NULL);
	copied = copy_value(&document, top, tree, 0);
	json_decref(tree);
	if (copied < 0) {
		error_set(err, ERROR_CONFIG, "read %s: values nest deeper than %d", name,
			  JSON_DEPTH_MAX);
		return NULL;
	}
	return top;
}

enum json_kind json_kind_of(const struct json_value *value)
{
	return value->kind;
}

static bool has_same_members(const struct json_value *a, const struct json_value *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct json_value *other = b->members[i];

		if (a->kind == JSON_KIND_OBJECT)
			other = json_get(b, a->members[i]->key);
		if (!other || !json_is_same(a->members[i], other))
			return false;
	}
	return true;
}

bool json_is_same(const struct json_value *a, const struct json_value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case JSON_KIND_NULL:
		return true;
	case JSON_KIND_BOOL:
		return a->boolean == b->boolean;
	case JSON_KIND_INTEGER:
		return a->number == b->number && a->negative == b->negative;
	case JSON_KIND_REAL:
		return !(a->real < b->real) && !(a->real > b->real);
	case JSON_KIND_TEXT:
		return strcmp(a->text, b->text) == 0;
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		return has_same_members(a, b);
	}
	return false;
}

size_t json_count(const struct json_value *value)
{
	return value ? value->count : 0;
}

const struct json_value *json_at(const struct json_value *value, size_t index)
{
	return value->members[index];
}

const char *json_key_at(const struct json_value *object, size_t index)
{
	return object->members[index]->key;
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
	struct json_value **member = find_member(object, key);

	return member ? *member : NULL;
}

/* ---- what a value must be ----------------------------------------------------------- */

enum { PATH_SIZE = 160 };

static size_t index_of(const struct json_value *value)
{
	size_t i = 0;

	while (value->parent->members[i] != value)
		i++;
	return i;
}

/* Writes the path of value into path and returns its length; it is cut at the end. */
static size_t write_path(const struct json_value *value, char *path)
{
	char key[80];
	size_t used;

	if (!value->parent) {
		path[0] = '\0';
		return 0;
	}
	used = write_path(value->parent, path);
	if (!value->key) {
		snprintf(path + used, PATH_SIZE - used, "[%zu]", index_of(value));
	} else {
		text_printable(key, sizeof(key), value->key);
		snprintf(path + used, PATH_SIZE - used, "%s%s", used > 0 ? "." : "", key);
	}
	return strlen(path);
}

const char *json_path(const struct json_value *value, struct arena *arena)
{
	char path[PATH_SIZE];

	if (write_path(value, path) == 0)
		return "the document";
	return arena_strdup(arena, path);
}

int json_complain(const struct json_value *value, struct error *err, const char *format,
		  ...)
{
	char path[PATH_SIZE], message[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (write_path(value, path) == 0)
		text_copy(path, sizeof(path), "the document");
	error_set(err, ERROR_CONFIG, "%s", message);
	return error_within(err, "%s", path);
}

static const char *const kind_names[] = {
	[JSON_KIND_NULL] = "null",          [JSON_KIND_BOOL] = "true or false",
	[JSON_KIND_INTEGER] = "an integer", [JSON_KIND_REAL] = "a number",
	[JSON_KIND_TEXT] = "a string",      [JSON_KIND_ARRAY] = "an array",
	[JSON_KIND_OBJECT] = "an object",
};

int json_want_kind(const struct json_value *value, enum json_kind kind, struct error *err)
{
	if (value->kind == kind)
		return 0;
	return json_complain(value, err, "not %s", kind_names[kind]);
}

int json_want_text(const struct json_value *value, const char **ret_text,
		   struct error *err)
{
	if (json_want_kind(value, JSON_KIND_TEXT, err) < 0)
		return -1;
	*ret_text = value->text;
	return 0;
}

int json_want_unsigned(const struct json_value *value, uint64_t max, uint64_t *ret_value,
		       struct error *err)
{
	if (json_want_kind(value, JSON_KIND_INTEGER, err) < 0)
		return -1;
	if (value->negative || value->number > max)
		return json_complain(value, err, "not within 0 and %" PRIu64, max);
	*ret_value = value->number;
	return 0;
}

int json_want_integer(const struct json_value *value, int64_t min, int64_t max,
		      int64_t *ret_value, struct error *err)
{
	int64_t number;

	if (json_want_kind(value, JSON_KIND_INTEGER, err) < 0)
		return -1;
	number = (int64_t)value->number;
	if (number < min || number > max || (number < 0) != value->negative)
		return json_complain(value, err, "not within %" PRId64 " and %" PRId64,
				     min, max);
	*ret_value = number;
	return 0;
}

int json_want_u32(const struct json_value *value, uint32_t *ret_value, struct error *err)
{
	uint64_t number = 0;

	if (json_want_unsigned(value, UINT32_MAX, &number, err) < 0)
		return -1;
	*ret_value = (uint32_t)number;
	return 0;
}

int json_want_bool(const struct json_value *value, bool *ret_value, struct error *err)
{
	if (json_want_kind(value, JSON_KIND_BOOL, err) < 0)
		return -1;
	*ret_value = value->boolean;
	return 0;
}

int json_want_texts(const struct json_value *value, const char *const **ret_texts,
		    size_t *ret_count, struct error *err)
{
	const char **texts;

	if (json_want_kind(value, JSON_KIND_ARRAY, err) < 0)
		return -1;
	texts = arena_alloc_array(value->arena, value->count + 1, sizeof(*texts));
	for (size_t i = 0; i < value->count; i++) {
		if (json_want_text(value->members[i], &texts[i], err) < 0)
			return -1;
	}
	*ret_texts = texts;
	*ret_count = value->count;
	return 0;
}

/* The member unless it is missing or null. */
static const struct json_value *given(const struct json_value *object, const char *key)
{
	const struct json_value *value = json_get(object, key);

	return value && value->kind != JSON_KIND_NULL ? value : NULL;
}

static int get_kind(const struct json_value *object, const char *key, enum json_kind kind,
		    const struct json_value **ret_value, struct error *err)
{
	const struct json_value *value = given(object, key);

	if (!value)
		return 1;
	if (json_want_kind(value, kind, err) < 0)
		return -1;
	*ret_value = value;
	return 0;
}

int json_get_object(const struct json_value *object, const char *key,
		    const struct json_value **ret_value, struct error *err)
{
	return get_kind(object, key, JSON_KIND_OBJECT, ret_value, err);
}

int json_get_array(const struct json_value *object, const char *key,
		   const struct json_value **ret_value, struct error *err)
{
	return get_kind(object, key, JSON_KIND_ARRAY, ret_value, err);
}

int json_get_text(const struct json_value *object, const char *key, const char **ret_text,
		  struct error *err)
{
	const struct json_value *value = given(object, key);

	return value ? json_want_text(value, ret_text, err) : 1;
}

int json_get_unsigned(const struct json_value *object, const char *key, uint64_t max,
		      uint64_t *ret_value, struct error *err)
{
	const struct json_value *value = given(object, key);

	return value ? json_want_unsigned(value, max, ret_value, err) : 1;
}

int json_get_integer(const struct json_value *object, const char *key, int64_t min,
		     int64_t max, int64_t *ret_value, struct error *err)
{
	const struct json_value *value = given(object, key);

	return value ? json_want_integer(value, min, max, ret_value, err) : 1;
}

int json_get_u32(const struct json_value *object, const char *key, uint32_t *ret_value,
		 struct error *err)
{
	const struct json_value *value = given(object, key);

	return value ? json_want_u32(value, ret_value, err) : 1;
}

int json_get_bool(const struct json_value *object, const char *key, bool *ret_value,
		  struct error *err)
{
	const struct json_value *value = given(object, key);

	return value ? json_want_bool(value, ret_value, err) : 1;
}

int json_get_texts(const struct json_value *object, const char *key,
		   const char *const **ret_texts, size_t *ret_count, struct error *err)
{
	const struct json_value *value = given(object, key);

	return value ? json_want_texts(value, ret_texts, ret_count, err) : 1;
}

static bool is_listed(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(word, *words) == 0)
			return true;
	}
	return false;
}

const char *json_unknown_key(const struct json_value *object, const char *const *known)
{
	for (size_t i = 0; i < object->count; i++) {
		if (!is_listed(object->members[i]->key, known))
			return object->members[i]->key;
	}
	return NULL;
}
