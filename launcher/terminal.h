/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_TERMINAL_H
#define SBX_LAUNCHER_TERMINAL_H

#include "launcher/flow.h"

#include <poll.h>
#include <stdbool.h>
#include <termios.h>

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

/* What is still in the terminal, after the sandbox has ended. */
void terminal_drain(struct terminal *terminal);
void terminal_free(struct terminal *terminal);

#endif
