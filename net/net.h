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

/*
 * In the child, with the caller's /proc and CAP_NET_ADMIN over its own network namespace:
 * anybody in there may listen below 1024 (ip-sysctl, ip_unprivileged_port_start). Where
 * /proc cannot be written to, they stay closed, which is no error.
 */
int net_open_low_ports(struct error *err);

#endif
