/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_TRUST_STORE_H
#define SBX_IMAGE_TRUST_STORE_H

/* Within the wing: the directories of trusted keys, and prefixes of names. */

#include <stdbool.h>
#include <stddef.h>

#include "image/trust.h"

struct arena;
struct error;

enum { TRUST_USER, TRUST_ETC, TRUST_PLACES };

/* The directories trust.d; NULL: there is none. */
struct trust_places {
	const char *dirs[TRUST_PLACES];
};

int trust_places_find(struct arena *arena, struct trust_places *ret_places,
		      struct error *err);

struct trust_prefix {
	const char *text;
	const char *dir; /* of its keys */
	bool from_etc;
};

/* All that there are, whether they have keys or not. */
int trust_prefixes(const struct trust_places *places, struct arena *arena,
		   struct trust_prefix **ret_prefixes, size_t *ret_count,
		   struct error *err);

struct trust_list {
	struct trust_key *keys;
	size_t count;
};

/* Adds the keys of one directory to the list. */
int trust_add_keys(const struct trust_prefix *prefix, struct arena *arena,
		   struct trust_list *list, struct error *err);

/* The suffix of a key file, with its dot. */
const char *trust_scheme_suffix(enum trust_scheme scheme);

/* As trust_find(), of these directories. */
int trust_find_in(const struct trust_places *places, const char *name,
		  struct arena *arena, struct trust_key **ret_keys, size_t *ret_count,
		  struct error *err);

/* ---- names: trust_name.c ---------------------------------------------------------------- */

/* Whether it is the reference of an image, "docker://…", and no path. */
bool trust_is_reference(const char *name);

/*
 * Absolute, without ".", "..", "//" and a slash at the end. It is the text that is cleaned: no
 * link is looked at.
 */
const char *trust_path_clean(const char *path, struct arena *arena, struct error *err);

/* A prefix as it was typed, in the only form in which it is kept. */
const char *trust_prefix_clean(const char *prefix, struct arena *arena,
			       struct error *err);

/* By whole components. Both are clean. */
bool trust_prefix_covers(const char *prefix, const char *name);

/* The name of a prefix's directory, and back; NULL: it is not the name of one. */
const char *trust_prefix_encode(const char *prefix, struct arena *arena);
const char *trust_prefix_decode(const char *name, struct arena *arena);

#endif
