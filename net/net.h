/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_NET_H
#define SBX_NET_NET_H

/*
 * The door of the network wing. Today a sandbox has a loopback interface and nothing
 * else; user-mode networking comes through this door.
 */

#include <stdbool.h>

struct error;

struct net_spec {
	bool loopback; /* bring `lo` up in a network namespace of its own */
};

/* In the child: needs CAP_NET_ADMIN over its network namespace. netdevice(7). */
int net_loopback_up(struct error *err);

#endif
