/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_OCI_SPELLING_H
#define SBX_PLAN_OCI_SPELLING_H

/*
 * How a plan is spelled in an OCI config.json. Writer and reader walk the same tables, so
 * that what one says the other understands. What OCI has no word for stands in
 * annotations, and in members of a mount object, whose names begin with "sbx."; each is
 * left out where it says what its absence means.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userns/userns.h"

struct arena;
struct error;
struct runtime_spec;

#define OCI_OWN          "sbx."
#define OCI_FROM         "sbx.from."
#define OCI_ESCAPED      "sbx.escaped_bytes" /* base/json.h: the texts need restoring */
#define OCI_ROOT_KIND    "sbx.root_kind"
#define OCI_ROOT_MODE    "sbx.root_mode"
#define OCI_ROOT_PATH    "sbx.root_path"
#define OCI_LOOPBACK     "sbx.loopback"
#define OCI_KEEP_FDS     "sbx.keep_fds"
#define OCI_PLATFORM     "sbx.platform" /* as --platform; missing: auto */
#define OCI_SECCOMP      "sbx.seccomp_bpf"
#define OCI_CRUN_GROUPS  "run.oci.keep_original_groups"
#define OCI_EMPTY_ROOT   "rootfs"
#define OCI_MOUNT_KIND   "sbx.kind"
#define OCI_DEFAULT_MASK 022

/* ---- fields of the plan that are annotations ---------------------------------------- */

enum oci_field_type {
	OCI_BOOL,
	OCI_TEXT,   /* absent: NULL */
	OCI_INT,    /* min to max */
	OCI_U64,    /* up to UINT64_MAX */
	OCI_CHOICE, /* an enum: the index in choices */
};

struct oci_field {
	const char *name; /* the whole annotation */
	enum oci_field_type type;
	size_t offset;  /* in struct plan */
	int64_t absent; /* what it means to be missing */
	int min, max;
	const char *const *choices; /* NULL-ended */
};

const struct oci_field *oci_fields(size_t *ret_count);
const struct oci_field *oci_field_find(const char *annotation);

/* The operand of --platform, and what it says: as it is set, and err as of a setter. */
int platforms_read(struct runtime_spec *runtime, const char *text, struct error *err);
const char *platforms_text(const struct runtime_spec *runtime, struct arena *arena);

/* Words of enums, in the order of their enumerators. */
extern const char *const oci_root_kinds[]; /* enum root_kind */
extern const char *const oci_root_modes[]; /* enum root_mode */

/* The index of word in a NULL-ended list, -1 if it is not there. */
int oci_choice(const char *const *choices, const char *word);

/* "network" for NS_NET, and back; NS_COUNT: no such type. */
const char *oci_namespace_type(enum ns_kind kind);
enum ns_kind oci_namespace_kind(const char *type);

/* ---- mounts ------------------------------------------------------------------------- */

/* Which fields of struct mount_entry the OCI spelling itself holds. */
enum oci_carries {
	OCI_CARRIES_SOURCE = 1 << 0, /* as "source" */
	OCI_CARRIES_MODE = 1 << 1,   /* as the option mode= */
	OCI_CARRIES_SIZE = 1 << 2,   /* as the option size= */
	OCI_CARRIES_LAYERS = 1 << 3, /* as lowerdir= upperdir= workdir= */
};

enum { OCI_IMPLIED_MAX = 4 };

/*
 * One way to spell a kind of mount, as near to OCI as there is a word: another runtime
 * that ignores the members of ours should do about the same, or refuse, and never leave
 * more open.
 */
struct oci_mount_row {
	enum mount_kind kind;
	const char *name;       /* value of sbx.kind */
	const char *type;       /* OCI's */
	const char *source;     /* OCI's, where the entry's own is not carried */
	const char *stands_for; /* the entry's source that this row means, or NULL */
	unsigned int carries;
	bool recursive; /* flags are spelled rro, rnosuid … (mount_setattr(2)) */
	const char *implied[OCI_IMPLIED_MAX]; /* options beside the flags */
};

const struct oci_mount_row *oci_mount_row_for(const struct mount_entry *entry);
const struct oci_mount_row *oci_mount_row_named(const char *name);

/*
 * What a mount object without sbx.kind means; options are its words, NULL-ended, or NULL.
 * NULL: nothing that we can do.
 */
const struct oci_mount_row *oci_mount_row_of(const char *type, const char *destination,
					     const char *const *options);

/* "ro" for MOUNT_F_RDONLY; NULL for the flags that have no option word. */
const char *oci_flag_word(unsigned int flag, bool recursive);

/* The flag of a word of either spelling, 0 if it is none. */
unsigned int oci_flag_of(const char *word);

/*
 * A directory as one layer of an overlay option: a colon ends a layer and a comma the
 * option, so each gets a backslash, as does a backslash.
 */
char *oci_escape_layer(const char *path, struct arena *arena);

/*
 * Reads one layer of *list and moves *list behind it and its colon; *list is NULL after
 * the last one.
 */
char *oci_next_layer(const char **list, struct arena *arena);

/* The covers at the end of the list that readonlyPaths and maskedPaths can say. */
bool oci_is_plain_cover(const struct mount_entry *entry, enum mount_kind kind);

#endif
