/* SPDX-License-Identifier: Apache-2.0 */
/* The program `sbx-oci`: reads the options before the command, picks the command. */
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "launcher/executor.h"
#include "launcher/oci.h"
#include "launcher/own_copy.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	STATUS_FAILED = 1,
	STATUS_UNSUPPORTED = 69, /* EX_UNAVAILABLE of sysexits.h(3head) */
};

static int refuse_checkpoint(const struct oci_globals *globals, const char *const *words)
{
	struct error err;

	(void)words;
	error_set(&err, ERROR_USAGE,
		  "checkpoint or restore a container: it is not supported");
	error_hint(&err, "runc and crun do it with CRIU, as root");
	(void)oci_fail(globals, &err);
	return STATUS_UNSUPPORTED;
}

static const struct command {
	const char *name;
	int (*run)(const struct oci_globals *globals, const char *const *words);
	const char *help;
	bool enters; /* a process of ours is in a container for a moment */
} commands[] = {
	{ "create", oci_create, "make a container that waits to be started", true },
	{ "start", oci_start, "let a created container execute its process", false },
	{ "run", oci_run, "create, start, wait for the end, delete", true },
	{ "exec", oci_exec, "execute another process in a running container", true },
	{ "state", oci_state, "print the state of a container", false },
	{ "list", oci_list, "list containers", false },
	{ "ps", oci_ps, "list the processes of a container", false },
	{ "kill", oci_kill, "send a signal to a container", false },
	{ "delete", oci_delete, "remove what is left of a stopped container", false },
	{ "pause", oci_pause, "let all processes of a container stand still", false },
	{ "resume", oci_resume, "let them go on", false },
	{ "update", oci_update, "change the limits of a container", false },
	{ "events", oci_events, "print use of resources, and kills for want of memory",
	  false },
	{ "spec", oci_spec, "write a config.json to begin with", false },
	{ "features", oci_features, "print what this runtime can do, as JSON", false },
	{ "checkpoint", refuse_checkpoint, "not supported", false },
	{ "restore", refuse_checkpoint, "not supported", false },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(*commands) };

/* ---- the options before the command ------------------------------------------------------ */

struct global_words {
	bool systemd_cgroup, version;
	const char *manager, *log_format, *log_level, *cgroups, *rootless, *ignored;
};

static const char usage[] = "[OPTIONS] COMMAND [OPTIONS] [WORDS]";

static int read_options(const char *const **words, struct oci_globals *globals,
			struct global_words *read, struct arena *arena, struct error *err)
{
	const struct oci_option options[] = {
		{ .name = "root",
		  .takes_value = true,
		  .value = &globals->root,
		  .help = "where containers are remembered" },
		{ .name = "log",
		  .takes_value = true,
		  .value = &globals->log,
		  .help = "file:PATH, journald:NAME or syslog:NAME; else errors go to "
			  "stderr alone" },
		{ .name = "log-format",
		  .takes_value = true,
		  .value = &read->log_format,
		  .help = "text or json" },
		{ .name = "log-level",
		  .takes_value = true,
		  .value = &read->log_level,
		  .help = "error, warning or debug" },
		{ .name = "debug",
		  .flag = &globals->debug,
		  .help = "tell what is not obeyed, and more" },
		{ .name = "cgroup-manager",
		  .takes_value = true,
		  .value = &read->manager,
		  .help = "cgroupfs, systemd or disabled" },
		{ .name = "systemd-cgroup",
		  .flag = &read->systemd_cgroup,
		  .help = "as --cgroup-manager systemd" },
		{ .name = "cgroups",
		  .takes_value = true,
		  .value = &read->cgroups,
		  .help = "best-effort: a limit that cannot be applied is a warning; or "
			  "strict" },
		{ .name = "runtime",
		  .takes_value = true,
		  .value = &globals->runtime,
		  .help = "native, or runsc: the bundle is handed to gVisor" },
		{ .name = "platform",
		  .takes_value = true,
		  .value = &globals->platform,
		  .help = "of gVisor: auto, systrap, ptrace or kvm, or a list of them" },
		{ .name = "runsc",
		  .takes_value = true,
		  .value = &globals->runsc,
		  .help = "which file is runsc; else the one in PATH" },
		{ .name = "runsc-pin",
		  .takes_value = true,
		  .value = &globals->runsc_pin,
		  .help = "a file with the SHA-512 that runsc has to have" },
		{ .name = "rootless", .takes_value = true, .value = &read->rootless },
		{ .name = "criu", .takes_value = true, .value = &read->ignored },
		{ .name = "version",
		  .letter = 'v',
		  .flag = &read->version,
		  .help = "print the version and what was built in" },
	};

	return oci_read_words(words, options, sizeof(options) / sizeof(*options), usage,
			      arena, err);
}

/* The place of word in a NULL-ended list of choices; -1: err says which there are. */
static int choose(const char *option, const char *word, const char *const *choices,
		  struct error *err)
{
	for (int i = 0; choices[i]; i++)
		if (strcmp(word, choices[i]) == 0)
			return i;
	error_set(err, ERROR_USAGE, "read %s '%.60s': there is no such value", option,
		  word);
	return error_hint(err, "sbx-oci --help lists them");
}

static int take_manager(const struct global_words *read, struct oci_globals *globals,
			struct error *err)
{
	static const char *const managers[] = { "cgroupfs", "systemd", "disabled", NULL };
	static const enum group_manager values[] = { GROUP_FILES, GROUP_SYSTEMD,
						     GROUP_DISABLED };
	static const char *const efforts[] = { "strict", "best-effort", NULL };
	int chosen;

	if (read->systemd_cgroup)
		globals->manager = GROUP_SYSTEMD;
	if (read->manager) {
		chosen = choose("--cgroup-manager", read->manager, managers, err);
		if (chosen < 0)
			return -1;
		globals->manager = values[chosen];
	}
	if (read->cgroups) {
		chosen = choose("--cgroups", read->cgroups, efforts, err);
		if (chosen < 0)
			return -1;
		globals->best_effort = chosen == 1;
	}
	return 0;
}

static int take_log(const struct global_words *read, struct oci_globals *globals,
		    struct error *err)
{
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const levels[] = { "error", "warning", "debug", NULL };
	int chosen;

	if (read->log_format) {
		chosen = choose("--log-format", read->log_format, formats, err);
		if (chosen < 0)
			return -1;
		globals->log_json = chosen == 1;
	}
	if (read->log_level) {
		chosen = choose("--log-level", read->log_level, levels, err);
		if (chosen < 0)
			return -1;
		globals->errors_only = chosen == 0;
		globals->debug |= chosen == 2;
	}
	return 0;
}

static int take_words(const struct global_words *read, struct oci_globals *globals,
		      struct error *err)
{
	static const char *const rootless[] = { "auto", "true", "false", NULL };

	if (take_log(read, globals, err) < 0)
		return -1;
	if (read->rootless && choose("--rootless", read->rootless, rootless, err) < 0)
		return -1;
	return take_manager(read, globals, err);
}

/* ---- the command -------------------------------------------------------------------------- */

static int print_commands(int fd)
{
	dprintf(fd, "\nCommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		dprintf(fd, "  %-11s %s\n", commands[i].name, commands[i].help);
	dprintf(fd,
		"\nsbx-oci COMMAND --help lists its options, man sbx-oci tells more.\n"
		"A first container: sbx-oci spec && sbx-oci run NAME\n");
	return fd == STDOUT_FILENO ? 0 : STATUS_FAILED;
}

static int print_usage(int fd)
{
	dprintf(fd, "usage: sbx-oci %s\n", usage);
	return print_commands(fd);
}

/* docker and podman show the first line; the specification's version is read by some. */
static int print_version(void)
{
	printf("sbx-oci version %s\n", SBX_VERSION);
	printf("spec: %s\n", OCI_VERSION_KNOWN);
	printf("options: %s\n", SBX_OCI_OPTIONS);
	printf("features: %s\n", SBX_FEATURES);
	return fflush(stdout) == 0 ? 0 : STATUS_FAILED;
}

static int refuse_command(const struct oci_globals *globals, const char *name)
{
	const char *names[COMMAND_COUNT + 1] = { NULL };
	const char *nearest;
	struct error err;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	error_set(&err, ERROR_USAGE, "do '%.60s': there is no such command", name);
	nearest = text_nearest(name, names);
	if (nearest)
		error_hint(&err, "did you mean sbx-oci %s?", nearest);
	else
		error_hint(&err, "sbx-oci --help lists them");
	return oci_fail(globals, &err);
}

/* Before anything is opened or said. */
static void protect_own_file(const char *name, char *const *argv)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].enters && strcmp(name, commands[i].name) == 0)
			own_copy_become(argv);
}

static int dispatch(const struct oci_globals *globals, const char *const *words)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(words[0], commands[i].name) == 0)
			return commands[i].run(globals, words + 1);
	return refuse_command(globals, words[0]);
}

/* `sbx-oci help`, `sbx-oci help COMMAND` */
static int answer_help(const struct oci_globals *globals, const char *command)
{
	const char *const words[] = { command, "--help", NULL };

	return command ? dispatch(globals, words) : print_usage(STDOUT_FILENO);
}

static int run(char *const *argv, struct oci_globals *globals, struct arena *arena)
{
	const char *const *words = (const char *const *)(uintptr_t)(argv + 1);
	struct global_words read = { 0 };
	struct error err = { 0 };

	if (read_options(&words, globals, &read, arena, &err) < 0 ||
	    take_words(&read, globals, &err) < 0) {
		if (err.id == ERROR_NO_COMMAND && fflush(stdout) == 0)
			return print_commands(STDOUT_FILENO);
		return oci_fail(globals, &err);
	}
	if (read.version || (words[0] && strcmp(words[0], "version") == 0))
		return print_version();
	if (!words[0])
		return print_usage(STDERR_FILENO);
	if (strcmp(words[0], "help") == 0)
		return answer_help(globals, words[1]);
	protect_own_file(words[0], argv);
	if (oci_open_log(globals, &err) < 0) {
		globals->log = NULL;
		return oci_fail(globals, &err);
	}
	return dispatch(globals, words);
}

/* A file that may not grow (RLIMIT_FSIZE) is an error, and no end of ours. */
static void refuse_large_files(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	struct oci_globals globals = { 0 };
	struct arena arena = { 0 };
	struct caller_text caller;
	int status;

	if (fd_fill_standard() < 0 || argc < 1)
		return STATUS_FAILED;
	refuse_large_files();
	caller = caller_text_find(argc, argv);
	globals.caller = &caller;
	status = run(argv, &globals, &arena);
	arena_free(&arena);
	return status;
}
