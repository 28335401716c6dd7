/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_TRUST_H
#define SBX_IMAGE_TRUST_H

/*
 * Whose signatures count for which images. Keys stand in
 *
 *   $XDG_CONFIG_HOME/sbx/trust.d/PREFIX/KEY and /etc/sbx/trust.d/PREFIX/KEY
 *
 * where PREFIX is the prefix with "/" written as "%2F" and "%" as "%25", and KEY the key's id
 * with .minisign, .signify, .pgp or .bad. A prefix is compared by whole components with what
 * the user typed: the absolute path of the file, or the reference of an image; "/" covers all.
 */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

enum trust_scheme { TRUST_MINISIGN, TRUST_SIGNIFY, TRUST_OPENPGP };

struct trust_key {
	const char *prefix, *id, *path; /* path of the key file, absolute */
	enum trust_scheme scheme;
	bool from_etc;
};

/*
 * The keys that cover name: those of its longest prefix that has any, of both directories.
 * None: nothing has to be verified. A trust directory or key that cannot be read is an error,
 * never "none".
 */
int trust_find(const char *name, struct arena *arena, struct trust_key **ret_keys,
	       size_t *ret_count, struct error *err);

/* What is compared for an operand of --root: absolute path with links as typed, or reference. */
const char *trust_name(const char *operand, struct arena *arena, struct error *err);

/*
 * The signature of the file: `given` (may be NULL), or FILE.minisig, .sig, .asc beside it.
 * NULL and error: there is none; the text says where it was looked for.
 */
const char *trust_find_signature(const char *file, const char *given, struct arena *arena,
				 struct error *err);

int trust_add(const char *prefix, const char *key_file, struct arena *arena,
	      struct trust_key *ret_key, struct error *err);
int trust_list(struct arena *arena, struct trust_key **ret_keys, size_t *ret_count,
	       struct error *err);
/* id NULL: all keys of the prefix. */
int trust_remove(const char *prefix, const char *id, struct error *err);

#endif
