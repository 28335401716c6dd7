/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_NETFILTER_H
#define SBX_NET_NETFILTER_H

/*
 * The packet filter that brings connections to the relay, in the caller's network
 * namespace. In this order, on the way out of a local socket:
 *
 *   untrack   what stays on loopback is none of our business, and as fast as before
 *   ask       the first packet of a connection to elsewhere waits in a queue
 *   refuse    what its answer marked is rejected: by a reset or by ICMP
 *   keep      connections that keep a client's address stay inside, both ways
 *   divert    DNS goes to the forwarder, TCP to the relay, but for what is marked DIRECT
 *
 * A sandbox with CAP_NET_ADMIN may remove it: what then leaves by the tap meets the same
 * rules in the frame path.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

struct error;

enum {
	/* Of packets, by the answer to their question. The first is interface.h's. */
	MARK_REFUSE = 0x5b780002,
	MARK_UNREACHABLE,
	MARK_PROHIBITED,
	MARK_DIRECT,
};

struct netfilter_spec {
	int family;
	uint16_t queue;
	uint16_t relay; /* ports of the loopback address; in host byte order */
	uint16_t dns, dns_tcp;
	struct ip dns_address; /* where the sandbox believes that it is */
	bool all_protocols; /* there is no tap: everything is asked for, not only TCP */
};

/* All of it, or nothing. The queue must have been bound. */
int netfilter_set_up(int socket, const struct netfilter_spec *spec, struct error *err);

#endif
