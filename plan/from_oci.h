/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_FROM_OCI_H
#define SBX_PLAN_FROM_OCI_H

/*
 * Between the files that read an OCI config.json. Each takes one part of the document and
 * fills its fields of the plan; what is wrong is an error that names the member.
 */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;
struct json_value;
struct plan;

struct oci_reader {
	struct arena *arena;
	const char *name; /* of the document, for messages */
	const struct json_value *document;
	const struct json_value *annotations; /* NULL: none */
	const char *bundle;                   /* absolute: relative paths start there */
	struct plan *plan;
};

/* The text of an annotation. 0 there, 1 missing, -1 no text. */
int oci_annotation(const struct oci_reader *reader, const char *name,
		   const struct json_value **ret_value, const char **ret_text,
		   struct error *err);

/* "true" or "false". */
int oci_read_bool(const struct json_value *value, bool *ret_value, struct error *err);

/* Two digits for each byte. NULL and error for anything else. */
void *oci_read_hex(const struct json_value *value, size_t *ret_size, struct error *err,
		   struct arena *arena);

/* path as it is, or behind the bundle's if it is relative. */
const char *oci_absolute(const struct oci_reader *reader, const char *path);

/* The member's array and its length; none and 0 if it is missing. */
int oci_get_list(const struct json_value *object, const char *key,
		 const struct json_value **ret_array, size_t *ret_count,
		 struct error *err);

int oci_read_process(struct oci_reader *reader, struct error *err);
int oci_read_resources(struct oci_reader *reader, const struct json_value *linux_part,
		       struct error *err);
int oci_read_annotations(struct oci_reader *reader, struct error *err);
/* The network, and whether an annotation is one of its. */
int oci_read_net(struct oci_reader *reader, struct error *err);
bool oci_is_net(const char *annotation);
int oci_read_mounts(struct oci_reader *reader, struct error *err);

/* Says which member asks for something that cannot be done yet. */
int oci_refuse_unsupported(const struct json_value *document, struct error *err);

#endif
