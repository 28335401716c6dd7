/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_RUN_H
#define SBX_LAUNCHER_RUN_H

/* A run: a checked plan becomes a sandbox, and its end an exit status. */

#include <signal.h>
#include <sys/types.h>

#include "base/files.h"
#include "launcher/state.h"

struct caller_text;
struct learner;
struct outcome;
struct plan;
struct result;

/* One run, from the plan to the end. */
struct network;

struct run {
	const struct plan *plan;
	struct state state;
	sigset_t ignored;                  /* signals that the caller ignores */
	int announce;                      /* -d: the waiting parent's pipe, or -1 */
	struct learner *learner;           /* who watches the command; NULL: nobody */
	struct result *result;             /* what is kept of it; NULL: nothing */
	struct files_place denials, stats; /* where they are written, if they are */
	struct network *network;           /* of the sandbox that runs */
	struct outcome *ended; /* for who goes on behind the run; NULL: nobody */
};

/*
 * Looks at what the caller handed on, then runs the plan in the foreground or detached.
 * parent: who had started us. Returns the exit status, whatever there was to say is said.
 */
int run_start(const struct plan *plan, const struct caller_text *caller, pid_t parent);

/*
 * As run_start() in the foreground, for a plan whose filter tells a learner of the calls.
 * learner->outcome says how it ended; what a signal asks for is left to run_end_as().
 */
int run_watched(const struct plan *plan, const struct caller_text *caller, pid_t parent,
		struct learner *learner);

/*
 * As run_start() in the foreground, for who goes on when it has ended. prepare() is called
 * when the caller's descriptors are closed, so that its own stay open; it may complete the
 * plan. Behind it the standard output is /dev/null, and signals that can be waited for are
 * blocked.
 */
int run_prepared(const struct plan *plan, const struct caller_text *caller, pid_t parent,
		 int (*prepare)(void *context, struct error *err), void *context,
		 struct outcome *ret_outcome);

/*
 * Does not return where INT or QUIT hit us and the command alike: a shell that waits for us
 * has to know.
 */
void run_end_as(const struct outcome *outcome);

/*
 * Looks at what the caller handed on: streams that are some, no descriptor that the plan does
 * not name, signals blocked; *ret_ignored are those that the caller ignores. run.c
 */
int run_take_caller(const struct plan *plan, sigset_t *ret_ignored, struct error *err);

/* From here to the end of the sandbox. Returns the exit status. run.c */
int run_to_end(struct run *run, const struct caller_text *caller);

/* The same in a process of its own; returns once the command runs. detach.c */
int run_detached(struct run *run, const struct caller_text *caller);

#endif
