/* SPDX-License-Identifier: Apache-2.0 */
#include "image/sha256.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(struct fast_sha256),
	       "nettle's state fits");

static struct sha256_ctx *state_of(struct fast_sha256 *sha256)
{
	return (struct sha256_ctx *)(void *)sha256->state;
}

void fast_sha256_begin(struct fast_sha256 *sha256)
{
	nettle_sha256_init(state_of(sha256));
}

void fast_sha256_add(struct fast_sha256 *sha256, const void *bytes, size_t length)
{
	nettle_sha256_update(state_of(sha256), length, bytes);
}

void fast_sha256_end(struct fast_sha256 *sha256, char ret_hex[FAST_SHA256_HEX + 1])
{
	unsigned char digest[FAST_SHA256_SIZE];

	nettle_sha256_digest(state_of(sha256), sizeof(digest), digest);
	nettle_base16_encode_update(ret_hex, sizeof(digest), digest);
	ret_hex[FAST_SHA256_HEX] = '\0';
}
