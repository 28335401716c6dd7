/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_FLOWS_H
#define SBX_NET_FLOWS_H

/*
 * What crosses the tap, flow by flow, in a table of fixed size. Whoever is in it was
 * admitted. Pure: the caller brings the time, and says what ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/rules.h"

enum {
	FLOWS_MAX = 8192,
};

/*
 * Of TCP, as far as the frame path must know. The sandbox's first packet begins at OPENING;
 * the answer with the right acknowledgement, and no other, makes it OPEN. CLOSED waits for the last
 * acknowledgements: nothing of it is open any more on either side.
 */
enum flow_state { FLOW_OPENING, FLOW_OPEN, FLOW_CLOSED };

struct hold;

struct flow {
	struct flow_key key;
	bool v6;
	bool inbound; /* begun from outside: a published port */
	bool fin_out, fin_in;
	bool crosses; /* of IPv4 for the sandbox: net/frame_cross.c */
	enum flow_state state;
	uint16_t mss;       /* that the sandbox announced; 0: none */
	uint32_t first_out; /* the sequence number of the sandbox's first byte */
	uint32_t next_out;  /* of its next new one */
	uint32_t acked_out; /* what has come back as received */
	bool watched;       /* its beginning is looked at: net/frame_hold.c */
	struct hold *hold;  /* a copy of that */
	uint16_t ahead;     /* segments that came after the last acknowledgement */
	uint64_t bytes_out, bytes_in;
	uint64_t journal; /* of journal_begin() */
	uint64_t used_ms;
	uint16_t next; /* in its bucket, or of the free ones; from 1 */
	bool taken;
};

struct flows;

struct flows *flows_new(void); /* NULL: no memory */
void flows_free(struct flows *flows);

/* NULL: there is none. Ports and addresses of key tell flows apart, and the protocol and v6. */
struct flow *flows_find(struct flows *flows, const struct flow_key *key, bool v6);

/* A new one, zeroed but for its key. NULL: the table is full. */
struct flow *flows_add(struct flows *flows, const struct flow_key *key, bool v6,
		       uint64_t now_ms);
void flows_remove(struct flows *flows, struct flow *flow);

/*
 * Goes through all: *cursor begins as 0. NULL: no more. What it returned may be removed.
 */
struct flow *flows_next(struct flows *flows, size_t *cursor);

size_t flows_count(const struct flows *flows);
size_t flows_count_tcp(const struct flows *flows);

/*
 * An old one, to make room: closed TCP, or no TCP at all where that counts too. NULL: there
 * is none.
 */
struct flow *flows_oldest(struct flows *flows, bool tcp_only);

/* Whether it has been idle for so long that it is over. */
bool flow_is_over(const struct flow *flow, uint64_t now_ms);

#endif
