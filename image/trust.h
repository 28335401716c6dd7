/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_TRUST_H
#define SBX_IMAGE_TRUST_H

/*
 * Whose signatures count for which images. Keys stand in
 *
 *   $XDG_CONFIG_HOME/sbx/trust.d/PREFIX/KEY and /etc/sbx/trust.d/PREFIX/KEY
 *
 * where PREFIX is the prefix with "/" written as "%2F" and "%" as "%25", and KEY the key's id
 * with .minisign, .signify or .pgp. What else stands there is an error, but for names that
 * begin with a dot: a key that is not understood must not be a key that does not count.
 *
 * A prefix is compared by whole components with what the user typed: the absolute path of the
 * file, or the reference of an image; "/" covers all. "." and ".." and double slashes are
 * taken out of the text, and links are not followed, so that whoever can make links in a
 * directory cannot choose by which keys the files there are judged. Where no prefix covers
 * what was typed, links are followed after all, in the name and in the prefixes: a covered file
 * does not become another one by being named through a link. (A copy or a hard link does.)
 */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

enum trust_scheme { TRUST_MINISIGN, TRUST_SIGNIFY, TRUST_OPENPGP };

struct trust_key {
	const char *prefix, *path; /* path of the key file, absolute */
	const char *id;     /* as people know it; others can make a key with the same */
	const char *signer; /* the key itself, or its fingerprint */
	enum trust_scheme scheme;
	bool from_etc;
};

/* "minisign", "signify", "OpenPGP". */
const char *trust_scheme_name(enum trust_scheme scheme);

/*
 * The keys that cover name: those of its longest prefix that has any, of both directories.
 * None: nothing has to be verified. A trust directory or key that cannot be read is an error,
 * never "none".
 */
int trust_find(const char *name, struct arena *arena, struct trust_key **ret_keys,
	       size_t *ret_count, struct error *err);

/*
 * Whether what `signer` (NULL: nobody) once signed may be used under this name without
 * verifying it again. 1: nothing covers it, or the signer's key does; 0: verify; -1: error.
 */
int trust_covers_signer(const char *name, const char *signer, struct arena *arena,
			struct error *err);

/*
 * What is compared for an operand of --root: absolute path with links as typed, of a layout
 * that of its directory, of "-" the file that standard input is, else "-"; or the reference.
 */
const char *trust_name(const char *operand, struct arena *arena, struct error *err);

/* What kind of signature a file begins with. */
enum trust_family {
	TRUST_FAMILY_ED25519, /* minisign and signify */
	TRUST_FAMILY_OPENPGP,
};

struct trust_signature {
	const char *path;
	enum trust_family family;
};

/*
 * The signature of the file: `given` (may be NULL), else FILE.minisig, .sig or .asc beside it,
 * the first of a kind that one of the keys could have made. -1: there is none, or it cannot be
 * read; the text completes "cannot verify FILE: ".
 */
int trust_find_signature(const char *file, const char *given,
			 const struct trust_key *keys, size_t key_count,
			 struct arena *arena, struct trust_signature *ret_signature,
			 struct error *err);

/* A key file by its content; prefix NULL, from_etc false. Text of OpenPGP may be armoured. */
int trust_read_key(const char *path, struct arena *arena, struct trust_key *ret_key,
		   struct error *err);

/* The packets of an OpenPGP key, without armour. NULL and error: it cannot be read, or is none. */
const void *trust_read_packets(const char *path, struct arena *arena, size_t *ret_size,
			       struct error *err);

/* Copies the key to the user's directory. OpenPGP keys lose their armour. */
int trust_add(const char *prefix, const char *key_file, struct arena *arena,
	      struct trust_key *ret_key, struct error *err);
/* Of both directories, in the order of prefix and id. */
int trust_list(struct arena *arena, struct trust_key **ret_keys, size_t *ret_count,
	       struct error *err);
/* id NULL: all keys of the prefix. Those of /etc stay, and are an error. */
int trust_remove(const char *prefix, const char *id, struct error *err);

#endif
