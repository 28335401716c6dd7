/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_SPLICE_H
#define SBX_NET_SPLICE_H

/*
 * Two connected sockets, joined: what one says the other hears (splice(2)), half-closes
 * and resets among it. Of outgoing connections and of published ports alike.
 */

#include <stdint.h>

#include "net/rate.h"

struct loop;

struct splice_pair; /* lives until both sides have ended */

struct splice_ends {
	int inside, outside;   /* taken; non-blocking */
	struct rate *out, *in; /* NULL: unlimited; one each for all pairs of a splicer */
	/* Both are closed; with the bytes that each side has taken. May be NULL. */
	void (*ended)(void *context, uint64_t bytes_out, uint64_t bytes_in);
	void *context;
};

struct splicer; /* the pipes that pairs share, and the list of pairs */

struct splicer *splicer_new(struct loop *loop);

/* Ends all pairs, and tells. */
void splicer_free(struct splicer *splicer);

/* 0, or -1 and errno; the sockets are closed then, and ended() is not called. */
int splicer_join(struct splicer *splicer, const struct splice_ends *ends);

#endif
