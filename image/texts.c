/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct json_value *texts_read(const char *text, size_t length, const char *name,
			      struct arena *arena, struct error *err)
{
	struct json_value *document = json_read(text, length, name, arena, err);

	if (!document)
		err->id = ERROR_IMAGE;
	return document;
}

int texts_complain(const char *name, struct error *err)
{
	err->id = ERROR_IMAGE;
	return error_within(err, "read %s", name);
}

const struct json_value *texts_member(const struct json_value *object, const char *key,
				      enum json_kind kind, struct error *err)
{
	const struct json_value *value;

	if (json_want_kind(object, JSON_KIND_OBJECT, err) < 0)
		return NULL;
	value = json_get(object, key);
	if (!value) {
		json_complain(object, err, "%s is missing", key);
		return NULL;
	}
	return json_want_kind(value, kind, err) < 0 ? NULL : value;
}

int texts_want_text(const struct json_value *object, const char *key,
		    const char **ret_text, struct error *err)
{
	const struct json_value *value = texts_member(object, key, JSON_KIND_TEXT, err);

	return value ? json_want_text(value, ret_text, err) : -1;
}

int texts_want_unsigned(const struct json_value *object, const char *key, uint64_t max,
			uint64_t *ret_value, struct error *err)
{
	const struct json_value *value =
		texts_member(object, key, JSON_KIND_INTEGER, err);

	return value ? json_want_unsigned(value, max, ret_value, err) : -1;
}

bool texts_is_exact(const char *name, const char *tag)
{
	return strcmp(name, tag) == 0;
}

/* "/tag" or ":tag" at the end of name, of which length bytes count. */
static bool is_end(const char *name, size_t length, const char *tag)
{
	size_t tag_length = strlen(tag);
	const char *end;

	if (tag_length > length)
		return false;
	end = name + length - tag_length;
	if (memcmp(end, tag, tag_length) != 0)
		return false;
	return end == name || end[-1] == '/' || end[-1] == ':';
}

bool texts_is_near(const char *name, const char *tag)
{
	static const char latest[] = ":latest";
	size_t length = strlen(name);

	if (tag[0] == '\0')
		return false;
	if (is_end(name, length, tag))
		return true;
	if (length < strlen(latest) ||
	    strcmp(name + length - strlen(latest), latest) != 0)
		return false;
	return is_end(name, length - strlen(latest), tag);
}

const char *texts_joined(const char *const *texts, size_t count, struct arena *arena)
{
	enum { SHOWN_MAX = 8 };
	const char *joined = "";

	for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
		joined = arena_printf(arena, "%s%s%s", joined, i ? ", " : "", texts[i]);
	return count > SHOWN_MAX ? arena_printf(arena, "%s, ...", joined) : joined;
}
