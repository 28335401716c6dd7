/* SPDX-License-Identifier: Apache-2.0 */
/* A set of paths in little memory: only their hashes are kept (open addressing). */
#include "image/extract_parts.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 256 };

uint64_t path_key(const unsigned char secret[PATH_KEY_SECRET], uint64_t parent,
		  const char *name, size_t length)
{
	unsigned char text[sizeof(parent) + NAME_MAX];
	unsigned char hash[crypto_shorthash_BYTES];
	uint64_t key = 0;

	_Static_assert(crypto_shorthash_KEYBYTES == PATH_KEY_SECRET, "SipHash's key");
	_Static_assert(crypto_shorthash_BYTES == sizeof(key), "SipHash's result");
	if (length > NAME_MAX)
		length = NAME_MAX;
	memcpy(text, &parent, sizeof(parent));
	memcpy(text + sizeof(parent), name, length);
	crypto_shorthash(hash, text, sizeof(parent) + length, secret);
	memcpy(&key, hash, sizeof(key));
	/* 0 is an empty slot. */
	return key != 0 ? key : PATH_KEY_ROOT;
}

void key_set_free(struct key_set *set)
{
	free(set->slots);
	*set = (struct key_set){ 0 };
}

/* The slot of the key, or the empty one where it would be. */
static uint64_t *find_slot(uint64_t *slots, size_t size, uint64_t key)
{
	size_t at = (size_t)key & (size - 1);

	while (slots[at] != 0 && slots[at] != key)
		at = (at + 1) & (size - 1);
	return &slots[at];
}

static int grow(struct key_set *set)
{
	size_t size = set->size > 0 ? set->size * 2 : FIRST_SIZE;
	uint64_t *slots = calloc(size, sizeof(*slots));

	if (!slots) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < set->size; i++) {
		if (set->slots[i] != 0)
			*find_slot(slots, size, set->slots[i]) = set->slots[i];
	}
	free(set->slots);
	set->slots = slots;
	set->size = size;
	return 0;
}

int key_set_add(struct key_set *set, uint64_t key)
{
	uint64_t *slot;

	if (set->count >= set->size / 4 * 3 && grow(set) < 0)
		return -1;
	slot = find_slot(set->slots, set->size, key);
	if (*slot == key)
		return 0;
	*slot = key;
	set->count++;
	return 1;
}

bool key_set_has(const struct key_set *set, uint64_t key)
{
	return set->size > 0 && *find_slot(set->slots, set->size, key) == key;
}
