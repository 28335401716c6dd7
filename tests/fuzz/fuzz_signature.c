/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys, signatures and lists of checksums are texts of anybody. The first byte says which of
 * them the rest is: whatever is understood holds what it promises.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "image/keys.h"
#include "image/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

static void check_key(const char *text, size_t size, struct arena *arena)
{
	struct public_key key, again;
	struct error err;

	if (public_key_parse(text, size, arena, &key, &err) < 0) {
		demand(err.id == ERROR_SIGNATURE && err.text[0], "a refusal says why");
		return;
	}
	demand(strspn(key.id, "0123456789ABCDEF") == strlen(key.id), "an id is digits");
	demand(strlen(key.id) == (key.scheme == TRUST_OPENPGP ? 40 : 16),
	       "an id is as long as ids are");
	if (key.scheme == TRUST_OPENPGP) {
		demand(public_key_parse(key.packets, key.packets_size, arena, &again,
					&err) == 0,
		       "packets without armour are a key");
	} else {
		demand(public_key_parse(key.signer, strlen(key.signer), arena, &again,
					&err) == 0,
		       "what is remembered of a key is one");
		demand(memcmp(key.point, again.point, sizeof(key.point)) == 0,
		       "it is the same key");
	}
	demand(strcmp(key.id, again.id) == 0, "it has the same id");
}

/* With a key of its own number, so that it comes to the sum. Nobody has signed the bytes. */
static void check_signature(const char *text, size_t size, struct arena *arena)
{
	struct public_key key = { .scheme = TRUST_SIGNIFY };
	const struct signature_judge *judge = NULL;
	unsigned char digest[BLAKE2B_SIZE];
	const char *const path = "key";
	struct signature signature;
	struct signature_check check;
	struct error err;

	if (signature_parse(text, size, arena, &signature, &err) < 0)
		return;
	demand(!signature.is_hashed || signature.comment, "what is hashed has a comment");
	memcpy(key.number, signature.number, sizeof(key.number));
	memset(key.point, 0x66, sizeof(key.point));
	key.point[0] = 0x58; /* the base point: RFC 8032 section 5.1 */
	demand(signature_begin(&signature, &key, &path, 1, arena, &check, &err) == 0,
	       "the key could have made it");
	signature_add(&check, text, size);
	demand(signature_end(&check, digest, &judge, &err) < 0 && !judge,
	       "what nobody has signed is not signed");
}

static void check_sums(const char *text, size_t size)
{
	char digits[2 * SHA512_SIZE + 1];
	struct error err;
	bool found;

	memset(digits, 'a', sizeof(digits) - 1);
	digits[sizeof(digits) - 1] = '\0';
	(void)sums_have(text, size, digits, &found, &err);
	demand(!found || size >= sizeof(digits) - 1, "what is found is there");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	char *text;

	if (size == 0 || sodium_init() < 0)
		return 0;
	/* In memory of its own, so that a byte too far is seen; NUL-ended, as files are read. */
	text = malloc(size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] == 'k')
		check_key(text, size - 1, &arena);
	else if (data[0] == 's')
		check_signature(text, size - 1, &arena);
	else
		check_sums(text, size - 1);
	free(text);
	arena_free(&arena);
	return 0;
}
