/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack try NAME...     attempts, each in a process of its own with a time limit
 * attack make THING...   canaries and other help for the test, outside of the sandbox
 *
 * Prints one line for each attempt, "held NAME" or "REACHED NAME: what". Status 0: all held.
 */
#include "tests/sandbox/attack.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SECONDS = 30,
	STATUS_HELD = 40,
	STATUS_REACHED = 41,
	STATUS_UNSET = 42,
};

const char *reached(const char *format, ...)
{
	static char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return text;
}

const char *canary(const char *name)
{
	const char *value = getenv(name);

	if (value)
		return value;
	dprintf(STDOUT_FILENO, "the test has not set %s: ", name);
	_exit(STATUS_UNSET);
}

static _Noreturn void run_one(const struct attempt *attempt)
{
	const char *what;

	alarm(SECONDS);
	what = attempt->run();
	if (what)
		dprintf(STDOUT_FILENO, "REACHED %s: %s\n", attempt->name, what);
	_exit(what ? STATUS_REACHED : STATUS_HELD);
}

/* Death by a filter counts as held, every other strange end does not. */
static int judge(const char *name, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		printf("held %s\n", name);
		return 0;
	}
	if (WIFSIGNALED(status)) {
		printf("REACHED %s: ended by signal %d\n", name, WTERMSIG(status));
		return 1;
	}
	if (WEXITSTATUS(status) == STATUS_HELD)
		printf("held %s\n", name);
	else if (WEXITSTATUS(status) != STATUS_REACHED)
		printf("REACHED %s: ended with status %d\n", name, WEXITSTATUS(status));
	return WEXITSTATUS(status) != STATUS_HELD;
}

static int try_attempt(const struct attempt *attempt)
{
	int status = 0;
	int failed;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_one(attempt);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("REACHED %s: cannot be tried\n", attempt->name);
		return 1;
	}
	failed = judge(attempt->name, status);
	fflush(stdout);
	return failed;
}

static const struct attempt *find(const char *name)
{
	static const struct attempt *const tables[] = {
		attempts_on_init, attempts_on_caller, attempts_on_files,
		attempts_on_mounts, attempts_on_isolation
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct attempt *at = tables[i]; at->name; at++)
			if (strcmp(at->name, name) == 0)
				return at;
	return NULL;
}

static int try_all(char **names)
{
	int failed = 0;

	for (; *names; names++) {
		const struct attempt *attempt = find(*names);

		if (!attempt) {
			printf("REACHED %s: there is no such attempt\n", *names);
			failed = 1;
			continue;
		}
		failed |= try_attempt(attempt);
	}
	return failed;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "try") == 0)
		return try_all(argv + 2);
	if (argc > 2 && strcmp(argv[1], "make") == 0)
		return outside(argc - 2, argv + 2);
	fprintf(stderr, "usage: attack try NAME... | attack make THING...\n");
	return 2;
}
