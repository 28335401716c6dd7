/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_VERIFY_H
#define SBX_LAUNCHER_VERIFY_H

/*
 * Before a byte of an image is parsed: is it signed by a key that counts for its name? The
 * native kinds are checked by sbx-image, OpenPGP by gpgv in a sandbox of its own.
 */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;
struct trust_key;

/* What is known of the input then. All NULL: nothing covers it, or nobody wanted to know. */
struct verified {
	const char *signer;  /* the whole key, for cache_record.signer */
	const char *blake2b; /* for image_job.expected; of a layout: of its index.json */
	const char *id;      /* of the key, as people know it */
	const char *key;     /* its file */
	const char *comment; /* what was signed beside the file; NULL: nothing */
};

/*
 * Verifies the file, or the index.json of the layout, that operand names, if a prefix covers
 * name (trust_name()), or if signature names a file: --signature without a key is an error. All
 * else than a good signature is one: ERROR_SIGNATURE where it is not good. insecure: nothing
 * is verified, and a line on stderr says of what. A stream is refused: it is spooled first,
 * where trust_covers_signer(name, NULL) is 0 or a signature was named.
 */
int images_verify(const char *operand, const char *name, const char *signature,
		  bool insecure, struct arena *arena, struct verified *ret_verified,
		  struct error *err);

/*
 * The same of an open file, as what a stream was spooled into: it is read from its beginning,
 * and left there.
 */
int images_verify_fd(int fd, const char *name, const char *signature, bool insecure,
		     struct arena *arena, struct verified *ret_verified,
		     struct error *err);

/* The same with these keys, whatever covers the name. */
int images_verify_with(int fd, const char *name, const char *signature,
		       const struct trust_key *keys, size_t key_count,
		       struct arena *arena, struct verified *ret_verified,
		       struct error *err);

/*
 * Whether the SHA-512 of an open file is this: 128 hexadecimal digits, or one of those in the
 * list in this file. ret_sha512: what it is.
 */
int images_verify_sum(int fd, const char *name, const char *wanted, struct arena *arena,
		      const char **ret_sha512, struct error *err);

/* Its SHA-512, 128 small hexadecimal digits. */
int images_sha512(int fd, const char *name, struct arena *arena, const char **ret_sha512,
		  struct error *err);

/* The file of an operand whose signature counts: of a layout its index.json. */
const char *images_signed_file(const char *operand, struct arena *arena);

#endif
