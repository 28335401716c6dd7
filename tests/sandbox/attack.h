/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_SANDBOX_ATTACK_H
#define SBX_TESTS_SANDBOX_ATTACK_H

/*
 * Attempts to reach from inside a sandbox what it must not give. None of them does harm
 * where it succeeds: files are opened and not written, calls get arguments that the kernel
 * refuses only behind its permission check, and what is looked for is a canary of the test,
 * which hands it over in the variables CANARY_… of the environment.
 */

#include <stdbool.h>

struct attempt {
	const char *name;
	const char *(*run)(void); /* NULL: held; else what was reached */
};

/* Each ends with a row without a name. */
extern const struct attempt attempts_on_init[];
extern const struct attempt attempts_on_isolation[];
extern const struct attempt attempts_on_caller[];
extern const struct attempt attempts_on_files[];
extern const struct attempt attempts_on_mounts[];

/* What an attempt returns when it got through; kept until the next call. */
const char *reached(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A variable of the environment; ends the attempt where the test has not set it. */
const char *canary(const char *name);

/* A new user and mount namespace, with the caller's ids mapped to themselves. */
bool enter_nested(int more_flags);

/* The part of the program that runs outside: makes canaries and waits. attack_outside.c */
int outside(int argc, char **argv);

#endif
