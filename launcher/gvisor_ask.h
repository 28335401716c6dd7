/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GVISOR_ASK_H
#define SBX_LAUNCHER_GVISOR_ASK_H

/*
 * A program that is asked something, and that may be anybody's: it has no descriptor of the
 * caller's and nothing of its environment, may say so much and no more, and is killed when its
 * time is over. What it says is its own: it is matched, and printed only by way of error_set().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { GVISOR_ANSWER_MAX = 64 << 10 };

/* A tmpfs, for what is asked apart. */
#define GVISOR_TRIAL_STATE "/dev/shm"

struct gvisor_question {
	pid_t pid; /* 0: none; -1: it could not be started, errnum says why */
	int pidfd, output;
	int errnum;
};

struct gvisor_answer {
	bool in_time;
	int status;                       /* of waitpid(2) */
	size_t size;                      /* of what it has said, on both streams */
	char text[GVISOR_ANSWER_MAX + 1]; /* without NUL bytes, and ended by one */
};

/*
 * Starts it with these words (argv, NULL-ended). apart: as uid 0 of namespaces of its own, its
 * pid namespace among them, so that nothing of it is left when it is killed.
 */
struct gvisor_question gvisor_ask(const char *path, const char *const *words, bool apart);

/* What CLOCK_MONOTONIC says, in milliseconds. */
uint64_t gvisor_now_ms(void);

/* Waits for its end, until then. -1 and errno: it was never started. */
int gvisor_hear(struct gvisor_question *question, uint64_t until_ms,
		struct gvisor_answer *ret_answer);

#endif
