/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_INNER_PARTS_H
#define SBX_NET_INNER_PARTS_H

/* The parts of the inner half (inner.h), which know each other. */

#include "net/messages.h"

enum { INNER_REQUESTS_MAX = 32 };

struct inner {
	const struct net_spec *spec;
	int outer; /* inner_messages; does not block */
	int queue; /* of first packets (packet_queue.h), for verdicts; -1: there is none */
	int fds[INNER_FD_COUNT]; /* -1: not there */
	uint16_t ports[INNER_FD_COUNT];
	struct inner_setup setup;

	/* What the outer half has no room for yet, in order. */
	struct inner_message requests[INNER_REQUESTS_MAX];
	uint32_t request_count;
};

/* Makes the interface, sockets and packet filter. */
int inner_set_up(struct inner *inner, struct error *err);

/* Answers until the outer half is gone: 0. */
int inner_serve(struct inner *inner, struct error *err);

/* A socket that keeps a client's address: IP_TRANSPARENT, and the mark. -1 and errno. */
int inner_make_socket(int family, int type, bool transparent);

#endif
