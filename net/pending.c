/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pending.h"

#include <string.h>

static uint32_t mix(uint32_t hash, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619; /* FNV-1a */
	return hash;
}

/*
 * The sandbox may choose flows that fall into one bucket: it then waits for itself, at most
 * PENDING_MAX entries long.
 */
static uint16_t *bucket_of(struct pending *pending, const struct flow_key *flow)
{
	const uint8_t ports[5] = {
		(uint8_t)(flow->inside_port >> 8), (uint8_t)flow->inside_port,
		(uint8_t)(flow->port >> 8),        (uint8_t)flow->port,
		(uint8_t)flow->protocol,
	};
	uint32_t hash = mix(2166136261U, flow->to.bytes, sizeof(flow->to.bytes));

	hash = mix(hash, flow->inside.bytes, sizeof(flow->inside.bytes));
	hash = mix(hash, ports, sizeof(ports));
	return &pending->buckets[(hash ^ hash >> 16) % PENDING_BUCKETS];
}

static bool same_flow(const struct flow_key *a, const struct flow_key *b)
{
	return a->inside_port == b->inside_port && a->port == b->port &&
	       a->protocol == b->protocol &&
	       memcmp(a->to.bytes, b->to.bytes, sizeof(a->to.bytes)) == 0 &&
	       memcmp(a->inside.bytes, b->inside.bytes, sizeof(a->inside.bytes)) == 0;
}

static uint32_t id_of(const struct pending *pending, uint16_t place)
{
	return pending->entries[place].turn * PENDING_MAX + place;
}

/* -1: there is no place. */
static int take_place(struct pending *pending)
{
	int place;

	if (pending->free) {
		place = pending->free - 1;
		pending->free = pending->entries[place].next;
		return place;
	}
	if (pending->touched == PENDING_MAX)
		return -1;
	return pending->touched++;
}

enum pending_news pending_add(struct pending *pending, const struct flow_key *flow,
			      uint32_t packet, uint64_t now_ms, uint32_t *ret_id,
			      uint32_t *ret_old)
{
	uint16_t *bucket = bucket_of(pending, flow);
	struct pending_entry *entry;
	int place;

	for (uint16_t at = *bucket; at; at = pending->entries[at - 1].next) {
		entry = &pending->entries[at - 1];
		if (!same_flow(&entry->flow, flow))
			continue;
		*ret_old = entry->packet;
		entry->packet = packet;
		return PENDING_SAME;
	}
	place = take_place(pending);
	if (place < 0)
		return PENDING_FULL;
	entry = &pending->entries[place];
	entry->flow = *flow;
	entry->packet = packet;
	entry->turn++;
	entry->since_ms = now_ms;
	entry->next = *bucket;
	entry->used = true;
	*bucket = (uint16_t)(place + 1);
	pending->count++;
	*ret_id = id_of(pending, (uint16_t)place);
	return PENDING_NEW;
}

static void remove_place(struct pending *pending, uint16_t place)
{
	struct pending_entry *entry = &pending->entries[place];
	uint16_t *link = bucket_of(pending, &entry->flow);

	while (*link != place + 1)
		link = &pending->entries[*link - 1].next;
	*link = entry->next;
	entry->next = pending->free;
	entry->used = false;
	pending->free = (uint16_t)(place + 1);
	pending->count--;
}

bool pending_take(struct pending *pending, uint32_t id, struct flow_key *ret_flow,
		  uint32_t *ret_packet)
{
	const uint16_t place = (uint16_t)(id % PENDING_MAX);
	const struct pending_entry *entry = &pending->entries[place];

	if (!entry->used || id_of(pending, place) != id)
		return false;
	*ret_flow = entry->flow;
	*ret_packet = entry->packet;
	remove_place(pending, place);
	return true;
}

bool pending_expire(struct pending *pending, uint64_t now_ms, uint32_t *ret_packet)
{
	for (uint16_t place = 0; place < pending->touched; place++) {
		const struct pending_entry *entry = &pending->entries[place];

		if (!entry->used || now_ms - entry->since_ms < PENDING_LIFE_MS)
			continue;
		*ret_packet = entry->packet;
		remove_place(pending, place);
		return true;
	}
	return false;
}
