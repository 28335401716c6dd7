/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_EXECUTOR_H
#define SBX_LAUNCHER_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct plan;

/* The memory of the caller's arguments and environment: the init wipes its copy. */
struct caller_text {
	char *start;
	size_t size;
};

/* From main()'s arguments. caller_text.c */
struct caller_text caller_text_find(int argc, char **argv);

/* A sandbox as the process that started it sees it. Descriptors are -1 when there is none. */
struct sandbox {
	pid_t init; /* our child: process 1 of the sandbox; its own until it is waited for */
	int pidfd;  /* of init */
	int socket; /* turns with init; -1 once it was closed by the other side */
};

/*
 * Turns a plan into processes. The native one is ours; another one hands the plan on. A
 * start returns as soon as the child is on its way: what becomes of it comes as turns over
 * the sandbox's socket, which launcher/monitor.c follows to the end.
 */
struct executor {
	const char *name;
	int (*start)(const struct plan *plan, const struct caller_text *caller,
		     struct sandbox *ret_sandbox, struct error *err);
};

extern const struct executor native_executor;

#endif
