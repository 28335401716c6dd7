/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_OCI_MEMBERS_H
#define SBX_POLICY_OCI_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/oci.h"

struct error;
struct json_value;

struct oci_reader {
	struct arena *arena;
	const char *name;
	bool standalone; /* a document of its own: messages say its name */
	struct notes *notes;
};

/* Puts "read FILE:LINE:COLUMN: " in front, where the document is one of its own. -1. */
int oci_place_error(const struct oci_reader *reader, const struct json_value *value,
		    struct error *err);

/* -1; the first one: value is none of these words, each of which is `what`. */
int oci_complain_word(const struct oci_reader *reader, const struct json_value *value,
		      const char *what, const char *const *words, struct error *err);
int oci_complain(const struct oci_reader *reader, const struct json_value *value,
		 const char *message, struct error *err);

/* "FILE:LINE: word: message". */
void oci_note(const struct oci_reader *reader, const struct json_value *value,
	      const char *message, const char *word);
void oci_note_unknown(const struct oci_reader *reader, const struct json_value *object,
		      const char *const *known);

struct source_line oci_source_of(const struct oci_reader *reader,
				 const struct json_value *value);

/* As those of base/json.h: 0 it is there; 1 it is missing or null; -1 it is wrong. */
int oci_get_array(const struct oci_reader *reader, const struct json_value *object,
		  const char *key, const struct json_value **ret_value,
		  struct error *err);
int oci_get_object(const struct oci_reader *reader, const struct json_value *object,
		   const char *key, const struct json_value **ret_value,
		   struct error *err);
int oci_get_text(const struct oci_reader *reader, const struct json_value *object,
		 const char *key, const char **ret_text, struct error *err);
int oci_get_texts(const struct oci_reader *reader, const struct json_value *object,
		  const char *key, const char *const **ret_texts, size_t *ret_count,
		  struct error *err);
int oci_get_unsigned(const struct oci_reader *reader, const struct json_value *object,
		     const char *key, uint64_t max, uint64_t *ret_value,
		     struct error *err);

/* One that must be there; "" is nothing too. 0 or -1. */
int oci_need_text(const struct oci_reader *reader, const struct json_value *object,
		  const char *key, const char **ret_text, struct error *err);

#endif
