/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_cache.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 }; /* places that a name may take */

struct place {
	uint64_t ends_ms; /* 0: empty */
	uint64_t came_ms;
	uint64_t hash;
	struct dns_question question;
	unsigned variant;
	uint16_t size;
	uint8_t message[DNS_CACHE_MESSAGE_MAX];
};

struct dns_cache {
	uint64_t seed;
	struct place places[DNS_CACHE_PLACES];
};

/* Pages that no answer has come to are never touched. */
struct dns_cache *dns_cache_new(uint64_t seed)
{
	struct dns_cache *cache = calloc(1, sizeof(*cache));

	if (cache != NULL)
		cache->seed = seed;
	return cache;
}

void dns_cache_free(struct dns_cache *cache)
{
	free(cache);
}

void dns_cache_clear(struct dns_cache *cache)
{
	for (size_t i = 0; i < DNS_CACHE_PLACES; i++) {
		if (cache->places[i].ends_ms != 0)
			cache->places[i].ends_ms = 0;
	}
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

/* Letters count alike: the bit that tells them apart is set in all bytes. */
static uint64_t hash_of(const struct dns_cache *cache,
			const struct dns_question *question, unsigned variant)
{
	uint64_t hash = mix(cache->seed, (uint64_t)question->type << 32 | variant);

	for (size_t i = 0; i < question->name.size; i++)
		hash = mix(hash, question->name.bytes[i] | 0x20U);
	return hash;
}

static struct place *first_way(struct dns_cache *cache, uint64_t hash)
{
	return &cache->places[(hash >> 32) % (DNS_CACHE_PLACES / WAYS) * WAYS];
}

static bool is_about(const struct place *place, uint64_t hash,
		     const struct dns_question *question, unsigned variant)
{
	return place->ends_ms != 0 && place->hash == hash && place->variant == variant &&
	       place->question.type == question->type &&
	       place->question.class == question->class &&
	       dns_name_equal(&place->question.name, &question->name);
}

bool dns_cache_find(struct dns_cache *cache, const struct dns_question *question,
		    unsigned variant, uint64_t now_ms, struct dns_cached *ret_cached)
{
	const uint64_t hash = hash_of(cache, question, variant);
	struct place *place = first_way(cache, hash);

	for (int way = 0; way < WAYS; way++, place++) {
		if (place->ends_ms <= now_ms || !is_about(place, hash, question, variant))
			continue;
		ret_cached->message = place->message;
		ret_cached->size = place->size;
		ret_cached->age_s = (uint32_t)((now_ms - place->came_ms) / 1000);
		return true;
	}
	return false;
}

/* The same question's, else the one that ends first; an empty one has ended long ago. */
static struct place *choose(struct dns_cache *cache, uint64_t hash,
			    const struct dns_question *question, unsigned variant)
{
	struct place *way = first_way(cache, hash), *chosen = way;

	for (int i = 0; i < WAYS; i++, way++) {
		if (is_about(way, hash, question, variant))
			return way;
		if (way->ends_ms < chosen->ends_ms)
			chosen = way;
	}
	return chosen;
}

void dns_cache_put(struct dns_cache *cache, const struct dns_question *question,
		   unsigned variant, const uint8_t *message, size_t size, uint32_t ttl_s,
		   uint64_t now_ms)
{
	const uint64_t hash = hash_of(cache, question, variant);
	struct place *place;

	if (ttl_s == 0 || size > DNS_CACHE_MESSAGE_MAX)
		return;
	if (ttl_s > DNS_CACHE_TTL_MAX)
		ttl_s = DNS_CACHE_TTL_MAX;
	place = choose(cache, hash, question, variant);
	place->came_ms = now_ms;
	place->ends_ms = now_ms + (uint64_t)ttl_s * 1000;
	place->hash = hash;
	place->variant = variant;
	place->size = (uint16_t)size;
	memcpy(place->message, message, size);
	place->question.type = question->type;
	place->question.class = question->class;
	place->question.name.size = question->name.size;
	memcpy(place->question.name.bytes, question->name.bytes, question->name.size);
}
