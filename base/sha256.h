/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_SHA256_H
#define SBX_BASE_SHA256_H

/* SHA-256 (FIPS 180-4), for programs that link no library for it. */

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_HEX = 2 * SHA256_SIZE };

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes so far */
	unsigned char block[64];
};

void sha256_begin(struct sha256 *sha256);
void sha256_add(struct sha256 *sha256, const void *bytes, size_t length);

/* 64 lower-case digits and a NUL. What was begun is over. */
void sha256_end(struct sha256 *sha256, char ret_hex[SHA256_HEX + 1]);

#endif
