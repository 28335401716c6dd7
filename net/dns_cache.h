/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_CACHE_H
#define SBX_NET_DNS_CACHE_H

/*
 * Answers for as long as they say (RFC 1035, 7.4; RFC 2308, 5), in a fixed number of places;
 * a new one takes the place of one of a few others. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dns_message.h"

enum {
	DNS_CACHE_PLACES = 512,
	DNS_CACHE_MESSAGE_MAX = 1024, /* larger ones are not kept */
	DNS_CACHE_TTL_MAX = 3600,
};

struct dns_cache;

struct dns_cached {
	const uint8_t *message; /* until the next dns_cache_put() */
	size_t size;
	uint32_t age_s;
};

/* seed: random, so that nobody knows which names share a place. NULL: no memory. */
struct dns_cache *dns_cache_new(uint64_t seed);
void dns_cache_free(struct dns_cache *cache);

/* variant: what else makes answers differ. */
bool dns_cache_find(struct dns_cache *cache, const struct dns_question *question,
		    unsigned variant, uint64_t now_ms, struct dns_cached *ret_cached);
void dns_cache_put(struct dns_cache *cache, const struct dns_question *question,
		   unsigned variant, const uint8_t *message, size_t size, uint32_t ttl_s,
		   uint64_t now_ms);
void dns_cache_clear(struct dns_cache *cache);

#endif
