/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_JOIN_H
#define SBX_LAUNCHER_JOIN_H

/*
 * A process of ours becomes one of a running sandbox's: `sbx exec` and `sbx-oci exec` share
 * it. Between the join and execve(2) the process can be seen inside, so it is closed to the
 * sandbox (not dumpable), holds no descriptor that the request does not name, and nothing
 * of the sandbox's file system is executed or read but its passwd, where the plan asks for
 * a user by name, its pseudoterminals, and the command's own file.
 */

#include "launcher/executor.h"

#include <stdint.h>
#include <sys/types.h>

struct command_steps;
struct error;
struct plan;

/* Whom to join: a process of the sandbox, believed only with its start time. */
struct join_target {
	pid_t pid;
	uint64_t start_time; /* ticks since boot */
	/*
	 * Moves the process that calls it into the target's cgroup; it still sees what the
	 * caller of join_start() sees. NULL: it stays where the caller is.
	 */
	int (*enter_group)(void *context, struct error *err);
	void *context;
	bool stays; /* the process outlives the caller: without a death signal */
	/* NULL: a command as any; then the session keyring is left, else the caller saw to it. */
	const struct command_steps *steps;
};

/*
 * Clones a child which enters the target's namespaces by one setns(2) with its pidfd, checks
 * that each is the target's, and then becomes plan->process with plan->policy. The plan's
 * process has no_init. Turns come as from any start without an init: TURN_CONSOLE,
 * TURN_LISTENER, then the end of file where it was executed, or TURN_FAILED. The child is the
 * caller's own.
 */
int join_start(const struct plan *plan, const struct join_target *target,
	       const struct caller_text *caller, struct sandbox *ret_sandbox,
	       struct error *err);

#endif
