/* SPDX-License-Identifier: Apache-2.0 */
#include "net/flows.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 4096,
	LOOKED_AT = 64, /* to find the oldest */

	/* libslirp keeps its sockets of UDP for as long, of which 240 s are the most. */
	IDLE_UDP_MS = 240 * 1000,
	IDLE_ECHO_MS = 60 * 1000,
	IDLE_OPENING_MS = 180 * 1000,
	IDLE_OPEN_MS = 24 * 60 * 60 * 1000,
	IDLE_CLOSED_MS = 20 * 1000,
};

struct flows {
	struct flow flows[FLOWS_MAX];
	uint16_t buckets[BUCKETS];
	uint16_t free;   /* the first of those that were given back */
	uint16_t unused; /* those from here on were never taken */
	uint16_t hand;   /* where flows_oldest() looks next */
	size_t count;
	size_t tcp; /* of them */
};

struct flows *flows_new(void)
{
	return calloc(1, sizeof(struct flows));
}

void flows_free(struct flows *flows)
{
	free(flows);
}

/* FNV-1a: the sandbox may only slow itself down. */
static uint32_t mix(uint32_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return hash;
}

static uint16_t *bucket_of(struct flows *flows, const struct flow_key *key)
{
	uint32_t hash = 2166136261;

	hash = mix(hash, key->to.bytes + 8, 8);
	hash = mix(hash, &key->port, sizeof(key->port));
	hash = mix(hash, &key->inside_port, sizeof(key->inside_port));
	return &flows->buckets[(hash ^ hash >> 15) % BUCKETS];
}

static bool is_flow(const struct flow *flow, const struct flow_key *key, bool v6)
{
	return flow->key.inside_port == key->inside_port && flow->key.port == key->port &&
	       flow->key.protocol == key->protocol && flow->v6 == v6 &&
	       ip_equal(&flow->key.to, &key->to) &&
	       ip_equal(&flow->key.inside, &key->inside);
}

struct flow *flows_find(struct flows *flows, const struct flow_key *key, bool v6)
{
	uint16_t at = *bucket_of(flows, key);

	while (at && !is_flow(&flows->flows[at - 1], key, v6))
		at = flows->flows[at - 1].next;
	return at ? &flows->flows[at - 1] : NULL;
}

struct flow *flows_add(struct flows *flows, const struct flow_key *key, bool v6,
		       uint64_t now_ms)
{
	uint16_t *bucket = bucket_of(flows, key);
	uint16_t at = flows->free;

	if (at)
		flows->free = flows->flows[at - 1].next;
	else if (flows->unused < FLOWS_MAX)
		at = ++flows->unused;
	else
		return NULL;
	flows->flows[at - 1] = (struct flow){
		.key = *key,
		.v6 = v6,
		.used_ms = now_ms,
		.taken = true,
		.next = *bucket,
	};
	*bucket = at;
	flows->count++;
	flows->tcp += key->protocol == PROTOCOL_TCP;
	return &flows->flows[at - 1];
}

void flows_remove(struct flows *flows, struct flow *flow)
{
	const uint16_t own = (uint16_t)(flow - flows->flows + 1);
	uint16_t *link = bucket_of(flows, &flow->key);

	while (*link != own)
		link = &flows->flows[*link - 1].next;
	*link = flow->next;
	flow->taken = false;
	flow->next = flows->free;
	flows->free = own;
	flows->count--;
	flows->tcp -= flow->key.protocol == PROTOCOL_TCP;
}

struct flow *flows_next(struct flows *flows, size_t *cursor)
{
	while (*cursor < flows->unused) {
		struct flow *flow = &flows->flows[(*cursor)++];

		if (flow->taken)
			return flow;
	}
	return NULL;
}

size_t flows_count(const struct flows *flows)
{
	return flows->count;
}

size_t flows_count_tcp(const struct flows *flows)
{
	return flows->tcp;
}

static bool may_go(const struct flow *flow, bool tcp_only)
{
	if (flow->key.protocol == PROTOCOL_TCP)
		return flow->taken && flow->state == FLOW_CLOSED;
	return flow->taken && !tcp_only;
}

/* The oldest of a few; of more only until there is one. */
struct flow *flows_oldest(struct flows *flows, bool tcp_only)
{
	struct flow *oldest = NULL;

	for (size_t i = 0; i < flows->unused && (i < LOOKED_AT || !oldest); i++) {
		struct flow *flow = &flows->flows[flows->hand % flows->unused];

		flows->hand = (uint16_t)((flows->hand + 1) % flows->unused);
		if (may_go(flow, tcp_only) &&
		    (!oldest || flow->used_ms < oldest->used_ms))
			oldest = flow;
	}
	return oldest;
}

static uint64_t patience_ms(const struct flow *flow)
{
	static const uint64_t of_tcp[] = {
		[FLOW_OPENING] = IDLE_OPENING_MS,
		[FLOW_OPEN] = IDLE_OPEN_MS,
		[FLOW_CLOSED] = IDLE_CLOSED_MS,
	};

	if (flow->key.protocol == PROTOCOL_TCP)
		return of_tcp[flow->state];
	return flow->key.protocol == PROTOCOL_UDP ? IDLE_UDP_MS : IDLE_ECHO_MS;
}

bool flow_is_over(const struct flow *flow, uint64_t now_ms)
{
	return now_ms > flow->used_ms && now_ms - flow->used_ms >= patience_ms(flow);
}
