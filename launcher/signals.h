/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_SIGNALS_H
#define SBX_LAUNCHER_SIGNALS_H

/* The signals of a process that stays beside what it has started. */

#include <signal.h>

struct error;

/* Those that are passed on: all but what a fault in the process itself raises. */
void signals_forwarded(sigset_t *ret_set);

/*
 * Every signal that can be waited for is blocked, dispositions are the default ones.
 * *ret_ignored: those that the caller ignores, as nohup(1) does with HUP.
 */
int signals_prepare(sigset_t *ret_ignored, struct error *err);

#endif
