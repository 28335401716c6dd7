/* SPDX-License-Identifier: Apache-2.0 */
#include "image/sha256.h"

#include <sodium.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct fast_sha256),
	       "libsodium's state fits");

static crypto_hash_sha256_state *state_of(struct fast_sha256 *sha256)
{
	return (crypto_hash_sha256_state *)(void *)sha256->state;
}

void fast_sha256_begin(struct fast_sha256 *sha256)
{
	crypto_hash_sha256_init(state_of(sha256));
}

void fast_sha256_add(struct fast_sha256 *sha256, const void *bytes, size_t length)
{
	crypto_hash_sha256_update(state_of(sha256), bytes, length);
}

void fast_sha256_end(struct fast_sha256 *sha256, char ret_hex[FAST_SHA256_HEX + 1])
{
	unsigned char digest[FAST_SHA256_SIZE];

	crypto_hash_sha256_final(state_of(sha256), digest);
	sodium_bin2hex(ret_hex, FAST_SHA256_HEX + 1, digest, sizeof(digest));
}
