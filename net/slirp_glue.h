/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_SLIRP_GLUE_H
#define SBX_NET_SLIRP_GLUE_H

/*
 * The TCP/IP stack behind the frame path, which turns frames into sockets of the host:
 * libslirp (net/slirp.c), or a made-up one in tests. It decides nothing: what it is given was judged.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/net.h"

struct loop;
struct stack;

struct stack_spec {
	struct loop *loop; /* its sockets are waited for as the loop's poller */
	const struct net_spec *net;
	size_t mtu; /* of what it takes */
	size_t mru; /* of what it sends */
	bool host;  /* the gateway's address leads to the host's loopback */

	/* A frame for the sandbox, valid during the call. stack_input() may not be called from here. */
	void (*output)(void *context, uint8_t *frame, size_t size);

	/* Asked before each wait: may sockets be read now? No: *ret_wait_ms says how long not. */
	bool (*may_read)(void *context, int *ret_wait_ms);

	/* It has had its turn. stack_input() may be called again. */
	void (*settled)(void *context);
	void *context;
};

struct stack *stack_new(const struct stack_spec *spec, struct error *err);
void stack_free(struct stack *stack);

/* A frame of the sandbox, with whole checksums. */
void stack_input(struct stack *stack, const uint8_t *frame, size_t size);

/* "libslirp 4.7.0"; false: there is none in this build. */
bool stack_version(char *to, size_t size);

/* How many sockets it holds. */
size_t stack_sockets(const struct stack *stack);

/* Whether echo requests get out: the host may forbid it (ping_group_range). */
bool stack_can_echo(const struct stack *stack, bool v6);

/* -1 and errno. */
int stack_publish(struct stack *stack, enum net_protocol protocol, const struct ip *host,
		  uint16_t host_port, uint16_t guest_port);
int stack_unpublish(struct stack *stack, enum net_protocol protocol,
		    const struct ip *host, uint16_t host_port);

#endif
