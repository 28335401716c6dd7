/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_TERMINAL_H
#define SBX_LAUNCHER_TERMINAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/*
 * Bytes on their way from one descriptor to another. The room for them is there from
 * flow_open() to flow_close(): most launchers never need it.
 */
struct flow {
	int from, to; /* -1: that side is closed */
	size_t start, end;
	char *bytes;
};

/*
 * The launcher's half of a terminal: what is typed goes to the master, what comes from it
 * goes out. The caller's terminal is raw meanwhile; terminal_restore() may be called at
 * any time, and again.
 */
struct terminal {
	int master;
	int caller; /* the descriptor of the caller's terminal, or -1 */
	struct termios before;
	bool raw;
	struct flow in, out;
};

enum { TERMINAL_EVENTS = 4 };

void terminal_init(struct terminal *terminal);

/* Takes the master; input: read what is typed from 0. */
void terminal_attach(struct terminal *terminal, int master, bool input);
void terminal_make_raw(struct terminal *terminal);
void terminal_restore(struct terminal *terminal);
void terminal_resize(const struct terminal *terminal);

void flow_init(struct flow *flow);

/* Without memory it stays closed. */
void flow_open(struct flow *flow, int from, int to);
void flow_close(struct flow *flow);

/* One flow as events for poll(2), and what they bring. pump returns false at its end. */
void flow_events(const struct flow *flow, struct pollfd events[2]);
bool flow_pump(struct flow *flow, const struct pollfd events[2]);

/* What is still in the terminal, after the sandbox has ended. */
void terminal_drain(struct terminal *terminal);
void terminal_free(struct terminal *terminal);

#endif
