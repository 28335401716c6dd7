/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_OUTCOME_H
#define SBX_LAUNCHER_OUTCOME_H

#include <stdbool.h>

struct error;
struct outcome;

/* How a sandbox ended, in wait statuses. */
struct ending {
	bool no_init; /* the command was the init */
	bool told;    /* the init has said how the command ended: status */
	int status, init_status;
};

/*
 * Fills signal and status of an outcome that knows whether the command had started, and
 * whether its time was up. -1: there was no command that could have ended.
 */
int outcome_judge(struct outcome *outcome, const struct ending *ending,
		  struct error *err);

#endif
