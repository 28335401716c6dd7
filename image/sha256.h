/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_SHA256_H
#define SBX_IMAGE_SHA256_H

/*
 * Within sbx-image: SHA-256 by the fastest library that the build found. nettle uses the
 * processor's own instructions (sha256_nettle.c); libsodium, which is always there, does not
 * (sha256_sodium.c) and takes six times as long where there are some.
 */

#include <stdalign.h>
#include <stddef.h>

enum { FAST_SHA256_SIZE = 32, FAST_SHA256_HEX = 2 * FAST_SHA256_SIZE };

/* What either library keeps. */
struct fast_sha256 {
	alignas(64) unsigned char state[192];
};

void fast_sha256_begin(struct fast_sha256 *sha256);
void fast_sha256_add(struct fast_sha256 *sha256, const void *bytes, size_t length);

/* 64 lower-case digits and a NUL. What was begun is over. */
void fast_sha256_end(struct fast_sha256 *sha256, char ret_hex[FAST_SHA256_HEX + 1]);

#endif
