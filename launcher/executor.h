/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_EXECUTOR_H
#define SBX_LAUNCHER_EXECUTOR_H

#include "launcher/network.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bounds;
struct error;
struct plan;

/* The memory of the caller's arguments and environment: the init wipes its copy. */
struct caller_text {
	char *start;
	size_t size;
};

/* From main()'s arguments. caller_text.c */
struct caller_text caller_text_find(int argc, char **argv);

/*
 * A directory of the run's own: the command's HOME and TMPDIR where nothing can be mounted.
 * scratch.c
 */
struct scratch {
	int place, dir;
	char name[32]; /* empty: there is none */
	char path[PATH_MAX];
};

/* Makes it in the state folder. What killed launchers left there is removed on the way. */
int scratch_make(struct scratch *ret_scratch, struct error *err);

/* With everything in it. */
void scratch_remove(struct scratch *scratch);

/* A sandbox as the process that started it sees it. Descriptors are -1 when there is none. */
struct sandbox {
	pid_t init; /* our child: process 1 of the sandbox; its own until it is waited for */
	int pidfd;  /* of init */
	int socket; /* turns with init; -1 once it was closed by the other side */
	struct network network; /* its sbx-net, where it has one */
	struct scratch scratch; /* removed by the executor's end */
	/* A directory of its entry in the state folder, for what it starts (runsc); "": none. */
	char state[PATH_MAX];
};

/*
 * Turns a plan into processes. The native one is ours; another one hands the plan on. A
 * start returns as soon as the child is on its way: what becomes of it comes as turns over
 * the sandbox's socket, which launcher/monitor.c follows to the end.
 */
struct executor {
	const char *name;
	int (*start)(const struct plan *plan, const struct caller_text *caller,
		     const struct bounds *bounds, struct sandbox *ret_sandbox,
		     struct error *err);
	/* After the init was waited for, or where start failed. NULL: nothing is left. */
	void (*end)(struct sandbox *sandbox);
};

extern const struct executor native_executor;

/* --isolation landlock: without namespaces. */
extern const struct executor landlock_executor;

/* --runtime runsc: namespaces of our own, and gVisor's kernel in them (gvisor.h). */
extern const struct executor gvisor_executor;

#endif
