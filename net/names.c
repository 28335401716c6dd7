/* SPDX-License-Identifier: Apache-2.0 */
#include "net/names.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUCKET_COUNT = 1024,
	NOBODY = 0, /* entries are counted from 1 in the chains */
};

struct entry {
	struct ip address;
	uint16_t next;
	char name[NAME_TEXT_MAX];
};

/*
 * A chain for each bucket, the newest first. When they end stands apart, so that the search
 * for the first of them to end reads 32 KB and not all names.
 */
struct names {
	uint16_t chains[BUCKET_COUNT];
	uint16_t used;
	uint64_t ends_ms[NAMES_MAX];
	struct entry entries[NAMES_MAX];
};

struct names *names_new(void)
{
	return calloc(1, sizeof(struct names));
}

void names_free(struct names *names)
{
	free(names);
}

/* FNV-1a. Who floods one chain slows down a walk over NAMES_MAX entries, at most. */
static size_t bucket_of(const struct ip *address)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * 16777619U;
	return (hash ^ hash >> 16) % BUCKET_COUNT;
}

static void unchain(struct names *names, uint16_t number)
{
	struct entry *entry = &names->entries[number - 1];
	uint16_t *link = &names->chains[bucket_of(&entry->address)];

	while (*link != number)
		link = &names->entries[*link - 1].next;
	*link = entry->next;
}

static void chain(struct names *names, uint16_t number)
{
	struct entry *entry = &names->entries[number - 1];
	uint16_t *head = &names->chains[bucket_of(&entry->address)];

	entry->next = *head;
	*head = number;
}

/* Of all of them the one that ends first. */
static uint16_t find_first_to_end(const struct names *names)
{
	size_t first = 0;

	for (size_t i = 1; i < NAMES_MAX; i++) {
		if (names->ends_ms[i] < names->ends_ms[first])
			first = i;
	}
	return (uint16_t)(first + 1);
}

/*
 * The entry of this name and address; or, where the address has as many names as it may
 * have, the one of them that ends first; or NOBODY.
 */
static uint16_t find_place_at(const struct names *names, const char *name,
			      const struct ip *address)
{
	uint16_t at = names->chains[bucket_of(address)], first = NOBODY;
	size_t count = 0;

	for (; at != NOBODY; at = names->entries[at - 1].next) {
		const struct entry *entry = &names->entries[at - 1];

		if (!ip_equal(&entry->address, address))
			continue;
		if (strcmp(entry->name, name) == 0)
			return at;
		if (first == NOBODY || names->ends_ms[at - 1] < names->ends_ms[first - 1])
			first = at;
		count++;
	}
	return count >= NAMES_OF_ADDRESS_MAX ? first : NOBODY;
}

/* An entry for it, in no chain. */
static uint16_t take_place(struct names *names, const char *name,
			   const struct ip *address)
{
	uint16_t number = find_place_at(names, name, address);

	if (number == NOBODY && names->used < NAMES_MAX)
		return ++names->used;
	if (number == NOBODY)
		number = find_first_to_end(names);
	unchain(names, number);
	return number;
}

void names_add(struct names *names, const char *name, const struct ip *address,
	       uint32_t ttl_s, uint64_t now_ms)
{
	struct ip normal = ip_normal(address);
	uint64_t lasts_ms = (uint64_t)ttl_s * 1000;
	struct entry *entry;
	uint16_t number;

	if (strlen(name) >= NAME_TEXT_MAX)
		return;
	/* RFC 2181, 8: with the highest bit it counts as 0. */
	if (ttl_s > INT32_MAX || lasts_ms < NAMES_SHORTEST_MS)
		lasts_ms = NAMES_SHORTEST_MS;
	number = take_place(names, name, &normal);
	entry = &names->entries[number - 1];
	/* An earlier answer for a longer time still holds. */
	if (!ip_equal(&entry->address, &normal) || strcmp(entry->name, name) != 0)
		names->ends_ms[number - 1] = 0;
	if (names->ends_ms[number - 1] < now_ms + lasts_ms + NAMES_GRACE_MS)
		names->ends_ms[number - 1] = now_ms + lasts_ms + NAMES_GRACE_MS;
	entry->address = normal;
	text_copy(entry->name, sizeof(entry->name), name);
	chain(names, number);
}

const char *names_next(const struct names *names, const struct ip *address,
		       uint64_t now_ms, size_t *cursor)
{
	struct ip normal = ip_normal(address);
	uint16_t at = *cursor == 0 ? names->chains[bucket_of(&normal)]
				   : names->entries[*cursor - 1].next;

	for (; at != NOBODY; at = names->entries[at - 1].next) {
		const struct entry *entry = &names->entries[at - 1];

		if (!ip_equal(&entry->address, &normal) ||
		    names->ends_ms[at - 1] <= now_ms)
			continue;
		*cursor = at;
		return entry->name;
	}
	return NULL;
}
