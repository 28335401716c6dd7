/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PIPES_H
#define SBX_NET_PIPES_H

/*
 * Pipes that splice(2) moves pages through. A direction borrows one while it has something to
 * move and gives it back empty, so a few serve thousands of connections.
 */

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct pipes;

struct pipe {
	struct pipe *next;
	int read, write;
	size_t size; /* bytes that it may hold */
};

struct pipes *pipes_new(struct loop *loop);

/* All of them must have been given back. */
void pipes_free(struct pipes *pipes);

/* NULL: there are enough, or no descriptors for more. */
struct pipe *pipes_take(struct pipes *pipes);

/* empty: false where something was left in it. */
void pipes_give(struct pipes *pipes, struct pipe *pipe, bool empty);

#endif
