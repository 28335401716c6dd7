/* SPDX-License-Identifier: Apache-2.0 */

/* Members of linux.seccomp, and messages that say where one is wrong. */
#include "policy/oci_members.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/* ---- what is wrong, and where ------------------------------------------------------- */

int oci_place_error(const struct oci_reader *reader, const struct json_value *value,
		    struct error *err)
{
	if (!reader->standalone)
		return -1;
	return error_within(err, "read %s:%u:%u", reader->name, json_line(value),
			    json_column(value));
}

int oci_complain_word(const struct oci_reader *reader, const struct json_value *value,
		      const char *what, const char *const *words, struct error *err)
{
	const char *word = "", *nearest;

	if (json_want_text(value, &word, err) < 0)
		return oci_place_error(reader, value, err);
	nearest = text_nearest(word, words);
	if (nearest)
		json_complain(value, err, "\"%.60s\" is no %s (nearest: %s)", word, what,
			      nearest);
	else
		json_complain(value, err, "\"%.60s\" is no %s", word, what);
	return oci_place_error(reader, value, err);
}

int oci_complain(const struct oci_reader *reader, const struct json_value *value,
		 const char *message, struct error *err)
{
	json_complain(value, err, "%s", message);
	return oci_place_error(reader, value, err);
}

void oci_note(const struct oci_reader *reader, const struct json_value *value,
	      const char *message, const char *word)
{
	char shown[128];

	notes_add(reader->notes, "%s:%u: %s: %s", reader->name, json_line(value),
		  text_printable(shown, sizeof(shown), word), message);
}

void oci_note_unknown(const struct oci_reader *reader, const struct json_value *object,
		      const char *const *known)
{
	for (size_t i = 0; i < json_count(object); i++) {
		const char *key = json_key_at(object, i);

		if (oci_word(known, key) < 0)
			oci_note(reader, json_at(object, i), "a member that nobody knows",
				 key);
	}
}

/* ---- members: 0 there, 1 missing or null, -1 wrong ---------------------------------- */

int oci_get_array(const struct oci_reader *reader, const struct json_value *object,
		  const char *key, const struct json_value **ret_value, struct error *err)
{
	int found = json_get_array(object, key, ret_value, err);

	return found < 0 ? oci_place_error(reader, json_get(object, key), err) : found;
}

int oci_get_object(const struct oci_reader *reader, const struct json_value *object,
		   const char *key, const struct json_value **ret_value,
		   struct error *err)
{
	int found = json_get_object(object, key, ret_value, err);

	return found < 0 ? oci_place_error(reader, json_get(object, key), err) : found;
}

int oci_get_text(const struct oci_reader *reader, const struct json_value *object,
		 const char *key, const char **ret_text, struct error *err)
{
	int found = json_get_text(object, key, ret_text, err);

	return found < 0 ? oci_place_error(reader, json_get(object, key), err) : found;
}

int oci_get_texts(const struct oci_reader *reader, const struct json_value *object,
		  const char *key, const char *const **ret_texts, size_t *ret_count,
		  struct error *err)
{
	int found = json_get_texts(object, key, ret_texts, ret_count, err);

	return found < 0 ? oci_place_error(reader, json_get(object, key), err) : found;
}

int oci_get_unsigned(const struct oci_reader *reader, const struct json_value *object,
		     const char *key, uint64_t max, uint64_t *ret_value,
		     struct error *err)
{
	int found = json_get_unsigned(object, key, max, ret_value, err);

	return found < 0 ? oci_place_error(reader, json_get(object, key), err) : found;
}

/* A member that must be there; "" is nothing too. */
int oci_need_text(const struct oci_reader *reader, const struct json_value *object,
		  const char *key, const char **ret_text, struct error *err)
{
	int found = oci_get_text(reader, object, key, ret_text, err);

	if (found < 0)
		return -1;
	if (found == 0 && (*ret_text)[0])
		return 0;
	json_complain(object, err, "%s is missing", key);
	return oci_place_error(reader, object, err);
}

struct source_line oci_source_of(const struct oci_reader *reader,
				 const struct json_value *value)
{
	return (struct source_line){ reader->name, json_line(value), json_column(value) };
}
