/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_MONITOR_H
#define SBX_LAUNCHER_MONITOR_H

#include "launcher/executor.h"
#include "launcher/report.h"

#include <signal.h>

struct error;
struct files_place;
struct learner;
struct plan;
struct state;

/*
 * What is told when the command runs. started may fail: the sandbox is then ended.
 */
struct monitor_events {
	int (*started)(void *context, pid_t init, struct error *err);
	int (*lasting)(void *context, pid_t init,
		       struct error *err); /* it runs for a while */
	/* A layer that takes what is written, as userns.h says; NULL: nobody asks. */
	void (*written)(void *context, int entry, int layer);
	void *context;
	struct learner *learner; /* who watches the command; NULL: nobody */
	const sigset_t *ignored; /* signals that the caller ignored: not passed on */
	const struct files_place *denials; /* where they are written */
};

/*
 * Follows a sandbox to its end: passes signals on, relays the terminal, feeds the
 * standard input, and takes the resources back. 0: the command ran and ended, *ret_outcome
 * says how; -1: it did not start or sbx could not go on (ret_outcome->command_started).
 */
int monitor_run(const struct plan *plan, struct sandbox *sandbox,
		const struct monitor_events *events, struct outcome *ret_outcome,
		struct error *err);

#endif
