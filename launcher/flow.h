/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_FLOW_H
#define SBX_LAUNCHER_FLOW_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes on their way from one descriptor to another. What was read is written before more is
 * read, so memory stays bounded and who writes is slowed down by who reads. The room for
 * them is there from flow_open() to flow_close(): most launchers never need it.
 */
struct flow {
	int from, to; /* -1: that side is closed */
	bool spliced; /* from pipe to pipe or file, without room of our own (splice(2)) */
	bool full;    /* spliced: the target was */
	bool watched; /* a reader that is gone ends it, before anything is written */
	size_t piece; /* so much is written at once: what poll(2) promises not to block */
	bool socket;
	size_t start, end;
	char *bytes;
	int lost; /* errno: what was read could not be written */
};

enum { FLOW_EVENTS = 2 };

void flow_init(struct flow *flow);

/* Without memory it stays closed. Both descriptors stay the caller's. */
void flow_open(struct flow *flow, int from, int to);

/* One side is a pipe of our own: by splice(2) where the other one can, and watched. */
void flow_open_watched(struct flow *flow, int from, int to);
void flow_close(struct flow *flow);

/* As events for poll(2), and what they bring. pump returns false at its end. */
void flow_events(const struct flow *flow, struct pollfd events[FLOW_EVENTS]);
bool flow_pump(struct flow *flow, const struct pollfd events[FLOW_EVENTS]);

/* Whether it waits for who takes the bytes, and not for who makes them. */
bool flow_is_full(const struct flow *flow);

#endif
