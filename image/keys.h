/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_KEYS_H
#define SBX_IMAGE_KEYS_H

/*
 * Within the wing: public keys as files hold them. Nothing is computed with them here; that
 * is for sbx-image and gpgv.
 *
 * A key of minisign(1) or signify(1) is base64 of "Ed", a number of 8 bytes and the point of
 * 32, below a line of comment or alone. One of OpenPGP is a sequence of packets (RFC 4880),
 * perhaps with armour around it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "image/trust.h"

struct arena;
struct error;

enum {
	KEY_FILE_MAX = 1 << 20,
	SIGNATURE_FILE_MAX = 64 << 10,
	KEY_NUMBER_SIZE = 8,
	KEY_POINT_SIZE = 32,
	KEY_ID_SIZE = 41,      /* 40 digits of a fingerprint and a NUL */
	KEY_BASE64_SIZE = 57,  /* a whole Ed25519 key, and a NUL */
	FINGERPRINT_BYTES = 20 /* of a key of version 4, RFC 4880 section 12.2 */
};

struct public_key {
	enum trust_scheme scheme;
	char id[KEY_ID_SIZE];
	char signer[KEY_BASE64_SIZE]; /* as trust_key.signer */
	/* minisign and signify */
	unsigned char number[KEY_NUMBER_SIZE], point[KEY_POINT_SIZE];
	/* OpenPGP: the packets, in the arena */
	const void *packets;
	size_t packets_size;
};

/* The text completes "use the key FILE: ". */
int public_key_parse(const char *bytes, size_t length, struct arena *arena,
		     struct public_key *ret_key, struct error *err);

/* A regular file of at most max bytes. -1: err says "read PATH". NUL-ended, in the arena. */
char *key_file_read(const char *path, size_t max, struct arena *arena, size_t *ret_length,
		    struct error *err);

/* Reads and parses; the error is ERROR_SIGNATURE and names the path. */
int public_key_read(const char *path, struct arena *arena, struct public_key *ret_key,
		    struct error *err);

/* As minisign prints it: 16 digits, the last byte first. */
void key_number_text(const unsigned char number[KEY_NUMBER_SIZE],
		     char ret_text[KEY_ID_SIZE]);

/* ---- lines, base64, armour: armor.c ----------------------------------------------------- */

/*
 * The line at *at, its length without the newline and a carriage return before it, and *at
 * behind it. NULL at the end of the text.
 */
const char *line_take(const char **at, const char *end, size_t *ret_length);

/* Whether there is nothing but blanks and newlines. */
bool is_blank(const char *at, const char *end);

/*
 * RFC 4648 section 4, strictly: no blanks, padding as it must be, no bits lost. Returns how
 * many bytes that makes, -1 for anything else, or for more than size.
 */
ssize_t base64_decode(const char *text, size_t length, unsigned char *to, size_t size);

/* to has room for (length + 2) / 3 * 4 + 1. */
void base64_encode(const unsigned char *bytes, size_t length, char *to);

/*
 * Takes the armour off (RFC 4880 section 6.2): one block of this type ("PUBLIC KEY BLOCK"),
 * with its checksum where there is one. In the arena. The error says what is wrong with it.
 */
int armor_remove(const char *text, size_t length, const char *type, struct arena *arena,
		 unsigned char **ret_bytes, size_t *ret_size, struct error *err);

/* ---- OpenPGP: openpgp.c ----------------------------------------------------------------- */

/*
 * Whether these packets are one public key of version 4, and its fingerprint as 40 digits.
 * Subkeys, names and signatures behind it are not looked into.
 */
int openpgp_key_id(const unsigned char *packets, size_t size, struct arena *arena,
		   char ret_id[KEY_ID_SIZE], struct error *err);

/* SHA-1 (FIPS 180-4): it is what fingerprints are made of, and good for nothing else. */
void sha1(const unsigned char *bytes, size_t length,
	  unsigned char ret_digest[FINGERPRINT_BYTES]);

#endif
