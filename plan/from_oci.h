/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_FROM_OCI_H
#define SBX_PLAN_FROM_OCI_H

/*
 * Between the files that read an OCI config.json. Each takes one part of the document and
 * fills its fields of the plan; what is wrong is an error that names the member.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userns/userns.h"

struct arena;
struct cgroup_resources;
struct error;
struct json_value;
struct mount_attributes;
struct plan;

struct oci_reader {
	struct arena *arena;
	const char *name; /* of the document, for messages */
	const struct json_value *document;
	const struct json_value *annotations; /* NULL: none */
	const char *bundle;                   /* absolute: relative paths start there */
	struct plan *plan;
	/*
	 * A container of an engine: what the specification wants to be warned of is listed,
	 * and what only `sbx run` cannot do is read.
	 */
	bool container;
	bool runs_already;    /* its process has the filter: nobody else needs it */
	bool strict_calls;    /* unknown names in linux.seccomp are errors */
	const char **ignored; /* "a.b: why", from arena_grow() */
	size_t ignored_count;
};

/* Lists those that nobody knows. */
void oci_list_unknown(struct oci_reader *reader);

/* All that was listed, NULL-ended. */
const char *const *oci_ignored(struct oci_reader *reader);

/* Lists a member that is not obeyed. */
void oci_ignore(struct oci_reader *reader, const struct json_value *value,
		const char *why);

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

/* Where the document lies: absolute, in the arena. */
const char *oci_find_bundle(const char *name, struct arena *arena);

int oci_check_version(const struct json_value *document, struct error *err);
int oci_read_namespaces(struct oci_reader *reader, const struct json_value *linux_part,
			struct error *err);
int oci_read_id_map(struct oci_reader *reader, const struct json_value *object,
		    const char *key, struct id_map *ret_map, struct error *err);
int oci_read_sysctls(struct oci_reader *reader, const struct json_value *linux_part,
		     struct error *err);

int oci_read_process(struct oci_reader *reader, struct error *err);
/* All of "process" but its capabilities. */
int oci_read_command(struct oci_reader *reader, const struct json_value *object,
		     struct error *err);
/* The bit of "CAP_KILL", 0 for an unknown name. */
uint64_t oci_capability(const char *word);
int oci_read_resources(struct oci_reader *reader, const struct json_value *linux_part,
		       struct error *err);
int oci_read_annotations(struct oci_reader *reader, struct error *err);
/* The network, and whether an annotation is one of its. */
int oci_read_net(struct oci_reader *reader, struct error *err);
bool oci_is_net(const char *annotation);
int oci_read_mounts(struct oci_reader *reader, struct error *err);
/* linux.readonlyPaths and maskedPaths: entries has room, *count goes on. */
int oci_read_covers(struct oci_reader *reader, const char *key, enum mount_kind kind,
		    struct mount_entry *entries, size_t *count, struct error *err);

/* Says which member asks for something that cannot be done yet. */
int oci_refuse_unsupported(const struct json_value *document, struct error *err);
/* Of the members named those that say anything; a list ends with NULL. */
int oci_refuse_members(const struct json_value *object, const char *const *keys,
		       struct error *err);

/* ---- containers alone: plan_from_bundle() ------------------------------------------- */

/* process: capabilities set by set, and what `sbx run` has no option for. */
int oci_read_capability_sets(struct oci_reader *reader, const struct json_value *process,
			     struct error *err);
int oci_read_schedule(struct oci_reader *reader, const struct json_value *process,
		      struct error *err);

int oci_read_container_linux(struct oci_reader *reader, struct error *err);
int oci_read_container_mounts(struct oci_reader *reader, struct error *err);
int oci_read_container_annotations(struct oci_reader *reader, struct error *err);
int oci_read_hooks(struct oci_reader *reader, struct error *err);
extern const char *const oci_hook_names[]; /* of enum hook_kind, NULL-ended */

/* linux.devices, behind the mounts. */
size_t oci_count_devices(const struct oci_reader *reader);
int oci_read_devices(struct oci_reader *reader, struct mount_entry *entries,
		     size_t *count, struct error *err);

/* linux.resources, as they stand there. */
int oci_read_cgroup_resources(struct oci_reader *reader,
			      const struct json_value *resources,
			      struct cgroup_resources *ret_resources, bool *ret_any,
			      struct error *err);

/* What one option word of a mount means. */
enum oci_word_effect {
	OCI_WORD_NONE,      /* not one of the specification: of the file system */
	OCI_WORD_ATTRIBUTE, /* of the mount */
	OCI_WORD_PROPAGATION,
	OCI_WORD_SUPER, /* of the file system as a whole: where one is made new */
	OCI_WORD_BIND,
	OCI_WORD_FLAG,   /* MOUNT_F_… */
	OCI_WORD_MAPPED, /* idmap, ridmap */
	OCI_WORD_REMOUNT,
	OCI_WORD_NOTHING, /* what is so anyway, or what no kernel does any more */
};

struct oci_word_row {
	const char *word;
	enum oci_word_effect effect;
	uint64_t set, clear; /* MOUNT_ATTR_…; of the others set is MS_… or MOUNT_F_… */
	bool below;          /* AT_RECURSIVE */
};

/* NULL: it is none of these. */
const struct oci_word_row *oci_mount_word(const char *word);

/* What is known, for plan_known_words(): NULL behind the last one. */
const char *oci_mount_word_at(size_t index);
const char *oci_obeyed_annotation_at(size_t index);

#endif
