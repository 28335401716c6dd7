/* SPDX-License-Identifier: Apache-2.0 */

/* What one config.json says that another does not, for `sbx config --diff`. */

#include "plan/to_oci.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "plan/oci_spelling.h"

static void put_object_difference(struct json_value *result,
				  const struct json_value *object,
				  const struct json_value *base);

/* Members without which the rest cannot be read. */
static bool is_always_said(const char *key)
{
	return !strcmp(key, "ociVersion") || !strcmp(key, OCI_ESCAPED);
}

/*
 * Whether array is base with entries added anywhere: then each entry of base is found in
 * it, one behind the other.
 */
static bool is_longer_base(const struct json_value *array, const struct json_value *base)
{
	size_t found = 0;

	for (size_t i = 0; i < json_count(array) && found < json_count(base); i++) {
		if (json_is_same(json_at(array, i), json_at(base, found)))
			found++;
	}
	return found == json_count(base);
}

static void put_added(struct json_value *parent, const char *key,
		      const struct json_value *array, const struct json_value *base)
{
	struct json_value *added = json_put_array(parent, key);
	size_t found = 0;

	for (size_t i = 0; i < json_count(array); i++) {
		const struct json_value *entry = json_at(array, i);

		if (found < json_count(base) && json_is_same(entry, json_at(base, found)))
			found++;
		else
			json_put_copy(added, NULL, entry);
	}
}

static void put_member(struct json_value *result, const char *key,
		       const struct json_value *value, const struct json_value *base)
{
	enum json_kind kind = json_kind_of(value);

	bool comparable = base && kind == json_kind_of(base);

	if (comparable && kind == JSON_KIND_OBJECT)
		put_object_difference(json_put_object(result, key), value, base);
	else if (comparable && kind == JSON_KIND_ARRAY && is_longer_base(value, base))
		put_added(result, key, value, base);
	else
		json_put_copy(result, key, value);
}

static void put_object_difference(struct json_value *result,
				  const struct json_value *object,
				  const struct json_value *base)
{
	for (size_t i = 0; i < json_count(object); i++) {
		const char *key = json_key_at(object, i);
		const struct json_value *value = json_at(object, i);
		const struct json_value *other = json_get(base, key);

		if (is_always_said(key))
			json_put_copy(result, key, value);
		else if (!other || !json_is_same(value, other))
			put_member(result, key, value, other);
	}
	for (size_t i = 0; i < json_count(base); i++) {
		if (!json_get(object, json_key_at(base, i)))
			json_put_null(result, json_key_at(base, i));
	}
}

struct json_value *oci_difference(const struct json_value *document,
				  const struct json_value *base, struct arena *arena)
{
	struct json_value *result = json_make_object(arena);

	put_object_difference(result, document, base);
	return result;
}
