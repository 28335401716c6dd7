/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_FIRST_PACKETS_H
#define SBX_NET_FIRST_PACKETS_H

/*
 * The outer half's end of the queue of first packets. It reads them itself, for each turn of
 * the inner half would cost a connection two changes of process; only a verdict takes power
 * over the sandbox's network, and goes by the inner half.
 */

#include <stdint.h>

#include "net/loop.h"
#include "net/rules.h"

struct first_packets;

struct first_packets_spec {
	struct loop *loop;
	int queue; /* INNER_FD_QUEUE; taken */
	/* A packet waits: its flow is NULL where it cannot be read. */
	void (*asked)(void *context, uint32_t id, const struct flow_key *flow);
	void *context;
};

/* NULL and errno. */
struct first_packets *first_packets_new(const struct first_packets_spec *spec);
void first_packets_free(struct first_packets *packets);

#endif
