/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

/* Digests as the image specification writes them: "ALGORITHM:HEX", descriptor.md. */
static const struct algorithm {
	const char *prefix;
	size_t bytes;
	int (*hash)(unsigned char *digest, const unsigned char *bytes,
		    unsigned long long length);
} algorithms[] = {
	{ "sha256:", crypto_hash_sha256_BYTES, crypto_hash_sha256 },
	{ "sha512:", crypto_hash_sha512_BYTES, crypto_hash_sha512 },
};

static const struct algorithm *find(const char *digest)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (text_starts_with(digest, algorithms[i].prefix))
			return &algorithms[i];
	}
	return NULL;
}

bool digest_is_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		if (!is_digit && (text[i] < 'a' || text[i] > 'f'))
			return false;
	}
	return true;
}

bool digest_is_text(const char *digest)
{
	const struct algorithm *algorithm = find(digest);
	const char *hex;

	if (!algorithm)
		return false;
	hex = digest + strlen(algorithm->prefix);
	return strlen(hex) == algorithm->bytes * 2 &&
	       digest_is_hex(hex, algorithm->bytes * 2);
}

static char *compute(const struct algorithm *algorithm, const void *bytes, size_t length,
		     struct arena *arena)
{
	unsigned char digest[crypto_hash_sha512_BYTES];
	char hex[crypto_hash_sha512_BYTES * 2 + 1];

	algorithm->hash(digest, bytes, length);
	sodium_bin2hex(hex, sizeof(hex), digest, algorithm->bytes);
	return arena_printf(arena, "%s%s", algorithm->prefix, hex);
}

bool digest_matches(const char *like, const void *bytes, size_t length)
{
	struct arena arena = { 0 };
	const struct algorithm *algorithm = find(like);
	bool is_same =
		algorithm && strcmp(compute(algorithm, bytes, length, &arena), like) == 0;

	arena_free(&arena);
	return is_same;
}

const char *digest_of(const void *bytes, size_t length, struct arena *arena)
{
	return compute(&algorithms[0], bytes, length, arena);
}

/* "Layer ChainID": the first is its diff_id, then each the digest of "CHAIN DIFF". */
const char *const *digest_chains(const char *const *diffs, size_t count,
				 struct arena *arena)
{
	const char **chains = arena_alloc_array(arena, count + 1, sizeof(*chains));

	for (size_t i = 0; i < count; i++) {
		const char *both;

		if (i == 0) {
			chains[0] = arena_strdup(arena, diffs[0]);
			continue;
		}
		both = arena_printf(arena, "%s %s", chains[i - 1], diffs[i]);
		chains[i] = digest_of(both, strlen(both), arena);
	}
	return chains;
}
