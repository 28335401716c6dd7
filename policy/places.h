/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_PLACES_H
#define SBX_POLICY_PLACES_H

/* Where the texts of policies come from: the program itself, directories, files. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct builtin;
struct error;
struct profile_places;

struct policy_text {
	const char *name; /* for messages: as it was given */
	const char *text; /* ends with a NUL beyond length */
	size_t length;
	const char *dir; /* of relative paths in it; NULL: the current directory */
	const struct builtin *builtin; /* NULL: a file */
	uint64_t device, inode;        /* of a file; 0: none */
};

/* An object of JSON; what else begins with a brace is a set of calls. */
bool policy_text_is_json(const struct policy_text *text);

/* NULL: there is no built-in with this name. */
const struct builtin *builtin_find(const char *name);

/* Whether a built-in or a file in places->dirs has this name. */
bool policy_name_exists(const char *name, const struct profile_places *places,
			struct arena *arena);

/* NAME: a built-in, or DIR/NAME or DIR/NAME.sbx of places->dirs. */
int policy_text_by_name(const char *name, const struct profile_places *places,
			struct arena *arena, struct policy_text *ret_text,
			struct error *err);

/*
 * PATH relative to dir (NULL: the current directory), or ~/PATH of the home. At most max
 * bytes. Id ERROR_SOURCE_MISSING where it is not there.
 */
int policy_text_by_path(const char *path, const char *dir, const char *home, size_t max,
			struct arena *arena, struct policy_text *ret_text,
			struct error *err);

/* The file of a name in places->dirs; NULL: there is none. */
const char *policy_path(const char *name, const struct profile_places *places,
			struct arena *arena);

/* The names of built-ins and of the files in places->dirs, NULL-ended, without doubles. */
const char *const *policy_names(const struct profile_places *places, struct arena *arena);

#endif
