/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_value.h"

/* ---- making ------------------------------------------------------------------------- */

struct json_value *json_make(struct arena *arena, enum json_kind kind)
{
	struct json_value *value = arena_alloc(arena, sizeof(*value));

	value->arena = arena;
	value->kind = kind;
	return value;
}

struct json_value *json_make_object(struct arena *arena)
{
	return json_make(arena, JSON_KIND_OBJECT);
}

struct json_value *json_make_array(struct arena *arena)
{
	return json_make(arena, JSON_KIND_ARRAY);
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

struct json_value *json_append(struct json_value *parent, const char *key,
			       enum json_kind kind)
{
	struct json_value *value = json_make(parent->arena, kind);

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
		return json_append(parent, key, kind);
	value = json_make(parent->arena, kind);
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

/* ---- looking ------------------------------------------------------------------------ */

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
