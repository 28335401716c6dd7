/* SPDX-License-Identifier: Apache-2.0 */
/* The program `sbx`: picks the command. */
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "launcher/commands.h"
#include "launcher/executor.h"
#include "launcher/report.h"
#include "plan/plan.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name;
	int (*with_caller)(const char *const *words, const struct caller_text *caller);
	int (*plain)(const char *const *words);
	const char *help;
} commands[] = {
	{ "run", command_run, NULL, "start a program in a sandbox" },
	{ "try", command_try, NULL,
	  "run a program on a copy of the directory, then commit or discard" },
	{ "config", NULL, command_config,
	  "print the plan of a run as an OCI config.json" },
	{ "doctor", NULL, command_doctor,
	  "say what this host can do, and how to mend it" },
	{ "list", NULL, command_list, "list running sandboxes" },
	{ "kill", NULL, command_kill, "send a signal to a running sandbox" },
	{ "stop", NULL, command_stop, "stop running sandboxes, in time or by force" },
	{ "wait", NULL, command_wait, "wait for the end of a running sandbox" },
	{ "exec", command_exec, NULL, "start one more program in a running sandbox" },
	{ "logs", NULL, command_logs, "show what a detached sandbox has written" },
	{ "stats", NULL, command_stats, "show what running sandboxes use" },
	{ "port", NULL, command_port,
	  "publish ports of a running sandbox, or no longer" },
	{ "policy", command_policy, NULL,
	  "list, show, check, explain, convert and learn policies" },
	{ "trust", NULL, command_trust, "say whose signatures count for which images" },
	{ "image", NULL, command_image, "look at, unpack and keep images" },
	{ "unshare", command_unshare, NULL,
	  "run a program in your subordinate ids only" },
	{ "completion", NULL, command_completion,
	  "print a completion script for a shell" },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(*commands) };

static int print_usage(int fd)
{
	dprintf(fd, "usage: sbx COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		dprintf(fd, "  %-11s %s\n", commands[i].name, commands[i].help);
	dprintf(fd, "\nsbx run --help lists the options, man sbx tells more.\n"
		    "A first sandbox: sbx run -- ls -l /\n");
	return fd == STDOUT_FILENO ? 0 : 125;
}

static int print_version(void)
{
	printf("sbx %s\n", SBX_VERSION);
	printf("features: %s\n", SBX_FEATURES);
	return fflush(stdout) == 0 ? 0 : 125;
}

static int unknown_command(const char *name)
{
	const char *names[COMMAND_COUNT + 1] = { NULL };
	const char *nearest;
	struct error err;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	error_set(&err, ERROR_USAGE, "do '%s': there is no such command", name);
	nearest = text_nearest(name, names);
	if (nearest)
		error_hint(&err, "sbx %s", nearest);
	else
		error_hint(&err,
			   "sbx --help lists them; a program is started by sbx run -- %s",
			   name);
	report_error(&err, false);
	return 125;
}

static int dispatch(const char *name, const char *const *words,
		    const struct caller_text *caller)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		if (commands[i].with_caller)
			return commands[i].with_caller(words, caller);
		return commands[i].plain(words);
	}
	return unknown_command(name);
}

static int print_command_help(const char *name)
{
	static const char *const words[] = { "--help", NULL };
	static const struct caller_text nothing = { NULL, 0 };

	return dispatch(name, words, &nothing);
}

int main(int argc, char **argv)
{
	const char *const *words = (const char *const *)(uintptr_t)argv;
	struct caller_text caller;

	if (fd_fill_standard() < 0 || argc < 1)
		return 125;
	if (argc == 1)
		return print_usage(STDERR_FILENO);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0 ||
	    strcmp(argv[1], "version") == 0)
		return print_version();
	if (strcmp(argv[1], "help") == 0 && argc > 2)
		return print_command_help(argv[2]);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return print_usage(STDOUT_FILENO);
	caller = caller_text_find(argc, argv);
	return dispatch(argv[1], words + 2, &caller);
}
