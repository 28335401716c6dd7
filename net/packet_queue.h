/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PACKET_QUEUE_H
#define SBX_NET_PACKET_QUEUE_H

/*
 * The kernel's queue of packets that wait for a verdict (nfnetlink_queue), of the caller's
 * network namespace. Only the socket that bound it hears of them and may decide.
 */

#include <stddef.h>
#include <stdint.h>

#include "net/netlink.h"
#include "net/rules.h"

enum {
	PACKET_QUEUE_NUMBER = 23416,
	PACKET_QUEUE_LENGTH =
		2048,            /* what is beyond that is dropped: TCP sends it again */
	PACKET_QUEUE_COPY = 320, /* bytes of each packet that are shown */
};

/* Binds the queue to a nfnetlink socket. */
int packet_queue_bind(int socket, struct error *err);

/* A packet that waits. flow.protocol is PROTOCOL_ANY where it is none that we know. */
struct queued_packet {
	uint32_t id; /* as the kernel calls it */
	struct flow_key flow;
};

/*
 * Reads one message of the queue. -1: it is none, or the packet cannot be read, then
 * *ret_packet has its id, and has_id tells so.
 */
int packet_queue_parse(const uint8_t *message, size_t size,
		       struct queued_packet *ret_packet, bool *ret_has_id);

/* The flow of an IP packet's first bytes. -1: it is none. */
int packet_flow(const uint8_t *bytes, size_t size, struct flow_key *ret_flow);

/* Adds verdicts to a batch: the packet goes on with a mark (0: as it is), or is dropped. */
void packet_queue_pass(struct netlink_batch *batch, uint32_t id, uint32_t mark);
void packet_queue_drop(struct netlink_batch *batch, uint32_t id);

#endif
