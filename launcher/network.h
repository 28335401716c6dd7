/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_NETWORK_H
#define SBX_LAUNCHER_NETWORK_H

/*
 * The launcher's dealings with sbx-net: what it says is told to the user, changes of the
 * host's resolv.conf are handed on, and its end ends the sandbox.
 */

#include "net/net.h"

#include <stdbool.h>
#include <sys/stat.h>

struct error;
struct plan;

struct network {
	struct net_service service;
	struct stat resolv_conf; /* of the host, when it was last looked at */
	char failure[1024];      /* what sbx-net said before it ended; "" */
	char stats[1024];        /* its last word, a JSON object; "" */
};

/* For a sandbox that nobody serves. */
void network_init(struct network *network);

/* Starts sbx-net, if the plan wants it. Before the clone. */
int network_start(struct network *network, const struct plan *plan, struct error *err);

/*
 * There is something to be read. -1: sbx-net has ended, which ends the sandbox. raw: as of
 * report_offer().
 */
int network_hear(struct network *network, const struct plan *plan, bool raw,
		 struct error *err);

/* After the sandbox has ended. */
void network_end(struct network *network, const struct plan *plan);

#endif
