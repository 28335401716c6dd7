/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_INTERFACE_H
#define SBX_NET_INTERFACE_H

/*
 * The sandbox's interface, by rtnetlink(7) in the caller's network namespace: over the tap
 * device that is there, or, where nothing takes frames, a device that drops them.
 */

#include <stdbool.h>
#include <stdint.h>

struct error;
struct net_spec;

enum {
	/* Packets of sockets that keep a client's address, and of their answers. */
	MARK_KEEPS_CLIENT = 0x5b780001,
};

/* "tap0" where nobody chose one. */
const char *interface_name(const struct net_spec *spec);

/* Makes the device for NET_RELAY: a dummy, or a bridge without ports. */
int interface_make_dead_end(const struct net_spec *spec, struct error *err);

/*
 * Sets the interface up: MAC, MTU, queue length, addresses without duplicate address
 * detection, default routes; loopback too. It is up when this returns. ret_mac: what it has.
 */
int interface_set_up(const struct net_spec *spec, uint8_t ret_mac[6], struct error *err);

/*
 * Packets with MARK_KEEPS_CLIENT stay inside, whatever address they go to, and what a
 * listener accepts of them inherits the mark. Returns which families have it: 1: IPv4, 2: IPv6. Where /proc cannot be
 * written to, the mark must be inherited by other means: *ret_inherited is false.
 */
uint32_t interface_keep_marked(bool *ret_inherited);

/*
 * A reset from a port that nobody listens at finds back to its client likewise (ip-sysctl,
 * fwmark_reflect). Not where a packet filter judges by marks: it would meet its own resets.
 */
void interface_reflect_marks(void);

#endif
