/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PENDING_H
#define SBX_NET_PENDING_H

/*
 * First packets that wait for their answer: which question belongs to which packet. Bounded,
 * pure, without malloc.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/rules.h"

enum {
	PENDING_MAX = 2048,
	PENDING_BUCKETS = 1024,
	/* Answers come after the connect(2) of the outer half, which ends before that. */
	PENDING_LIFE_MS = 180 * 1000,
};

struct pending_entry {
	struct flow_key flow;
	uint32_t packet; /* the kernel's id of it */
	uint32_t turn;   /* how often this place was used: part of the question's id */
	uint64_t since_ms;
	uint16_t next; /* place + 1 in the bucket, or of the free ones */
	bool used;
};

/* Zeroed is empty. */
struct pending {
	uint16_t buckets[PENDING_BUCKETS]; /* place + 1 */
	uint16_t free;                     /* place + 1 */
	uint16_t touched;                  /* places from there on were never used */
	uint32_t count;
	struct pending_entry entries[PENDING_MAX];
};

enum pending_news {
	PENDING_NEW, /* ask, with *ret_id */
	PENDING_SAME, /* is being asked: *ret_old is the packet that waited before, drop it */
	PENDING_FULL, /* drop the new packet */
};

enum pending_news pending_add(struct pending *pending, const struct flow_key *flow,
			      uint32_t packet, uint64_t now_ms, uint32_t *ret_id,
			      uint32_t *ret_old);

/* Takes out what the question with that id was about; false: there is no such question. */
bool pending_take(struct pending *pending, uint32_t id, struct flow_key *ret_flow,
		  uint32_t *ret_packet);

/* Takes out one that has waited too long; false: there is none. For a table that is full. */
bool pending_expire(struct pending *pending, uint64_t now_ms, uint32_t *ret_packet);

#endif
