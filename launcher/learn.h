/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_LEARN_H
#define SBX_LAUNCHER_LEARN_H

/*
 * Watches a command for `sbx policy learn`: takes the notifications of its filter, notes
 * what they say, and lets the kernel go on where the base policy would.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/files.h"
#include "launcher/report.h"
#include "policy/policy.h"

struct error;
struct learned;
struct seccomp_data;

enum { LEARN_FAMILIAR = 1024 };

struct learner {
	struct learned *learned;
	struct seccomp_program base; /* the policy that holds; empty: none */
	uint64_t key[3];             /* of the calls that start the command */
	int listener;                /* -1: none, or none any more */
	bool writes_output;          /* the policy goes to the standard output */
	int output;           /* the caller's, which the command does not get; or -1 */
	const char *files[2]; /* what is written behind the run; NULL: none */
	struct files_place places[2];   /* of them, held before the command runs */
	bool deaf;                      /* nobody could listen */
	pid_t familiar[LEARN_FAMILIAR]; /* whose program was noted, at its remainder */
	struct outcome outcome;
};

/*
 * Where the policy goes to the standard output, the command writes to the standard error
 * from here on; and no link that it makes leads what is written to a file elsewhere.
 */
int learner_keep_outputs(struct learner *learner, struct error *err);

/* Takes the descriptor; -1: there is none. */
void learner_attach(struct learner *learner, int listener);

/* The listener is readable, or at its end: answers a bounded number of calls. */
void learner_serve(struct learner *learner);

/* What a call says about files and destinations; the process waits. learn_memory.c */
void learner_look(struct learner *learner, pid_t pid, const struct seccomp_data *data);

/* The program that a process executes, and its loader. */
void learner_meet(struct learner *learner, pid_t pid);

#endif
