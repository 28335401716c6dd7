/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_SIGNATURE_H
#define SBX_IMAGE_SIGNATURE_H

/*
 * Within sbx-image: signatures of minisign(1) and signify(1) over bytes that pass by once.
 *
 * Whatever is hashed for the signature is hashed for the caller in the same pass: bytes that
 * change between two readings cannot be verified as one thing and used as another. minisign
 * signs the BLAKE2b of a file ("ED"), where that is easy. signify, and minisign of before
 * 0.8, sign the file itself ("Ed"), and a library checks that in one call with the whole file
 * in memory; so that sum (RFC 8032 section 5.1.7) is done here from the library's parts.
 */

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>

#include "image/keys.h"

struct arena;
struct error;

enum { SIGNATURE_SIZE = 64, BLAKE2B_SIZE = 64, SHA512_SIZE = 64 };

struct signature {
	unsigned char number[KEY_NUMBER_SIZE], bytes[SIGNATURE_SIZE];
	bool is_hashed; /* "ED" */
	const char
		*comment; /* minisign's trusted one, in the arena; NULL: signify's form */
	unsigned char
		comment_bytes[SIGNATURE_SIZE]; /* the signature over bytes and comment */
};

/* Strictly: the lines that must be there, and nothing behind them. */
int signature_parse(const char *text, size_t length, struct arena *arena,
		    struct signature *ret_signature, struct error *err);

/* A key that may have made the signature, and how far it has come to judge. */
struct signature_judge {
	const struct public_key *key;
	const char *path;
	crypto_hash_sha512_state sum; /* of R, A and the message */
};

struct signature_check {
	const struct signature *signature; /* NULL: only the digest is wanted */
	struct signature_judge *judges;
	size_t judge_count;
	crypto_generichash_state blake2b;
};

/*
 * Begins with those of the keys whose number is the signature's. -1: there is none, it is
 * foreign. sodium_init() was called.
 */
int signature_begin(const struct signature *signature, const struct public_key *keys,
		    const char *const *paths, size_t key_count, struct arena *arena,
		    struct signature_check *ret_check, struct error *err);

void signature_add(struct signature_check *check, const void *bytes, size_t length);

/*
 * The end of the bytes. ret_judge is the one whose signature it is; -1: nobody's. The digest
 * is told in any case.
 */
int signature_end(struct signature_check *check, unsigned char ret_blake2b[BLAKE2B_SIZE],
		  const struct signature_judge **ret_judge, struct error *err);

/* ---- sums.c ----------------------------------------------------------------------------- */

/*
 * Whether a list of checksums, as sha512sum(1) writes it or `sha512sum --tag`, has this one
 * (128 digits), for a file of any name. -1: it has none at all.
 */
int sums_have(const char *text, size_t length, const char *sha512, bool *ret_found,
	      struct error *err);

/* Whether it is a SHA-512 in hexadecimal digits. */
bool is_sha512(const char *text, size_t length);

#endif
