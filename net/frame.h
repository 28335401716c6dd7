/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_FRAME_H
#define SBX_NET_FRAME_H

/*
 * The tap's side: every frame that comes from the sandbox is parsed and sanitised, judged
 * by the rules, counted and written to the pcap before libslirp sees it, and what libslirp says goes
 * back the same way. The interface keeps its MTU: segments of up to 64 KB cross the device (virtio-net
 * header, TSO), and libslirp is told of a larger MSS.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/dns.h"
#include "net/gate.h"
#include "net/net.h"
#include "net/rate.h"

struct frame_path;

struct frame_spec {
	struct loop *loop;
	struct gate *gate;
	struct dns *dns;
	const struct net_spec *net;
	uint8_t mac[6]; /* of the sandbox's interface */
	int tap;        /* taken */
	int pcap;       /* -1: none; taken */
	struct rate *out, *in;

	bool relayed; /* TCP has another way: what comes here nevertheless is little */

	/* A line for the user, printable: what does not work here. May be NULL. */
	void (*tell)(void *context, const char *line);
	void *context;
};

struct frame_path *frame_path_new(const struct frame_spec *spec, struct error *err);
void frame_path_free(struct frame_path *path);

/*
 * Published ports where no socket can be made inside (libslirp's hostfwd); -1 and errno.
 * EOPNOTSUPP: UDP, which the spec did not publish from the beginning.
 */
int frame_path_publish(struct frame_path *path, enum net_protocol protocol,
		       const struct ip *host, uint16_t host_port, uint16_t guest_port);
int frame_path_unpublish(struct frame_path *path, enum net_protocol protocol,
			 const struct ip *host, uint16_t host_port);

#endif
