/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_RELAY_H
#define SBX_NET_RELAY_H

/*
 * Outgoing TCP by splice. A first packet waits in the kernel's queue while the rules are asked
 * and the far side is connected to; then it goes on to one of our listeners inside, or is answered as
 * the far side answered. What is accepted is joined with the connection that waits for it.
 */

#include "net/gate.h"
#include "net/messages.h"
#include "net/splice.h"

struct relay;

struct relay_spec {
	struct loop *loop;
	struct gate *gate;
	struct splicer *splicer;
	struct rate *out, *in;
	/* Sends INNER_ANSWER. */
	void (*answer)(void *context, uint32_t id, enum inner_answer answer);
	void *context;
	int listeners[2]; /* -1: none; taken */
	bool has_direct;  /* INNER_DIRECT leads somewhere: there is a tap */
	/*
	 * No connection begins with a descriptor of this number or above (the lowest free one
	 * is always the next): they are left to names, ports and libslirp. 0: no bound.
	 */
	int fd_max;
	/* Where a connection wanted to go, -1: nowhere else. NULL: SO_ORIGINAL_DST says it. */
	int (*original)(void *context, int fd, int family, struct ip *ret_to,
			uint16_t *ret_port);
};

/* What was accepted and joined already lives on: the splicer has it. */
struct relay *relay_new(const struct relay_spec *spec, struct error *err);
void relay_free(struct relay *relay);

/* May this TCP connection begin? It is answered once, perhaps before this returns. */
void relay_ask(struct relay *relay, uint32_t id, const struct flow_key *flow);

#endif
