/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json_value.h"
#include "base/text.h"

/* What a value must be, and the message that says where it is not. */

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
		text_copy(key, sizeof(key), value->key);
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

unsigned int json_line(const struct json_value *value)
{
	return value->line;
}

unsigned int json_column(const struct json_value *value)
{
	return value->column;
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
