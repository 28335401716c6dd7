/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_LEARNED_H
#define SBX_POLICY_LEARNED_H

/* What was seen of watched commands, between the files that collect and write it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum {
	TOLD_MAX = 3,     /* arguments of a call that tell its uses apart */
	USES_MAX = 48,    /* of one call; beyond, arguments are not looked at */
	PATHS_MAX = 4096, /* of files, and of destinations */
};

/* Of an argument the bits of mask; 0: no argument. */
struct told_argument {
	uint8_t index;
	uint32_t mask;
};

struct seen_use {
	uint32_t values[TOLD_MAX];
	int errnum; /* of the base policy; 0: allowed */
	uint64_t times;
};

struct seen_call {
	const char *name;
	struct seen_use *uses;
	size_t use_count;
	bool overflown;
};

/* Each can do what the one before it can. */
enum seen_access { SEEN_LISTED, SEEN_READ, SEEN_WRITTEN };

struct seen_path {
	const char *path;
	enum seen_access access;
	uint64_t times;
};

struct learned {
	struct arena *arena;
	struct seen_call *calls;
	size_t call_count;
	struct seen_path *paths, *destinations;
	size_t path_count, destination_count;
	uint64_t paths_lost;
	const char *const *always; /* calls that are not watched, up to a NULL */
};

/* The key in [landlock]: ls, ro, rw. */
const char *learned_key(enum seen_access access);

/* TOLD_MAX arguments, or NULL: a call that is always the same. */
const struct told_argument *learned_told(const char *call);

/* learn_call(), learn_file() and learn_destination() with a number of times. */
void learned_use(struct learned *learned, const char *name, const uint32_t *values,
		 int errnum, uint64_t times);
void learned_path(struct learned *learned, const char *path, enum seen_access access,
		  uint64_t times);
void learned_to(struct learned *learned, const char *text, uint64_t times);

/* The files as rules of [landlock]: sorted, none covered by another. */
size_t learned_rules_of_paths(const struct learned *learned, struct arena *arena,
			      const struct seen_path **ret_paths);

#endif
