/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_EXECUTE_H
#define SBX_LAUNCHER_EXECUTE_H

/*
 * The execution of the command. Its filter may forbid whatever the search for a program, or
 * the explanation of a failure, needs: so both are done before it is loaded, by the user that
 * the command will be. Behind it there is nothing but execve(2).
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct process_spec;
struct seccomp_filter;

enum { SHELL_WORDS_MAX = 64 };

struct execution {
	const struct process_spec *process;
	const struct seccomp_filter *filter; /* NULL: none will be loaded */
	char path[PATH_MAX];
	const char *shell_words[SHELL_WORDS_MAX]; /* for a file without a mark; or NULL */
	/* What to say, should execve(2) answer ENOENT, EACCES, ENOEXEC or anything else. */
	struct error missing, denied, format, other;
};

/* PATH of an environment, or what stands for it. */
const char *execution_search_path(const struct process_spec *process);

/* The next name that PATH makes of a command's; false behind the last. */
bool execution_next(const char **at, const char *name, char *path, size_t size);

/*
 * Finds the file; -1: there is none that could be executed. Without a filter nothing else is
 * looked at before it fails.
 */
int execution_prepare(struct execution *execution, const struct process_spec *process,
		      const struct seccomp_filter *filter, struct error *err);

/* Fills shell_words, where the file that was found is a script without a mark. */
void execution_prepare_shell(struct execution *execution);

/* Returns -1, for it returns only on failure. */
int execution_run(struct execution *execution, struct error *err);

#endif
