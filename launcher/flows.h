/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_FLOWS_H
#define SBX_LAUNCHER_FLOWS_H

/*
 * The command's standard streams, where it has pipes of ours instead of the caller's
 * descriptors: the launcher carries the bytes between both.
 */

#include "launcher/flow.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

struct flows {
	struct flow in;
	struct flow out[2];
	int unread; /* the other end of in's pipe, to count what is left in it; or -1 */
	int64_t start; /* where a standard input that is a file stood; -1: it is none */
	bool kept;     /* the launcher writes to its standard output itself */
};

enum { FLOWS_EVENTS = 3 * FLOW_EVENTS };

/* kept: a flow that ends leaves the standard output open. */
void flows_init(struct flows *flows, bool kept);

/* Feeds the pipe with the standard input; or, counting, only knows its reading end. */
void flows_take_input(struct flows *flows, int pipe, bool counting);

/*
 * For a command that has read the standard input itself, up to offset: the caller goes on
 * there. It is not to choose more than that: only forwards, and not beyond the end.
 */
void flows_move_input_to(int64_t offset);

/* Writes what comes from the pipe to the standard output or error (1, 2). Takes it. */
void flows_take_output(struct flows *flows, int stream, int pipe);

/* Whether something comes from the command that is not written yet. */
bool flows_are_open(const struct flows *flows);

/* All of them as events for poll(2), and what they bring. */
void flows_events(const struct flows *flows, struct pollfd events[FLOWS_EVENTS]);
void flows_pump(struct flows *flows, const struct pollfd events[FLOWS_EVENTS]);

/*
 * What is still in the pipes of a sandbox that has ended, for as long as somebody takes it.
 * Returns early by a signal that ends processes, whose number it is, or SIGALRM after
 * limit_ms (-1: none); else 0. signals: a signalfd, with those in ignored of no account.
 */
int flows_drain(struct flows *flows, int signals, const sigset_t *ignored, int limit_ms);

/*
 * Closes all. A standard input that is a file stands where the command stopped reading.
 * -1: what the command wrote is lost.
 */
int flows_end(struct flows *flows, struct error *err);

#endif
