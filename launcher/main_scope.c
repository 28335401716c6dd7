/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-scope: asks systemd for scopes (systemd.scope(5), org.freedesktop.systemd1(5)), and waits
 * until what was asked is done, five seconds at most.
 *
 *   sbx-scope PID
 *       puts the process into a new scope of this user's manager, delegated to it.
 *   sbx-scope hold system|user UNIT SLICE [NAME=VALUE...]
 *       makes the scope UNIT with itself in it, says "ok", and lives until its standard input ends.
 *   sbx-scope set system|user UNIT [NAME=VALUE...]
 *       sets properties of a unit, until it is gone.
 *   sbx-scope attach system|user UNIT PID
 *       has the manager move the process into it.
 *   sbx-scope stop system|user UNIT
 *       stops it; one that is gone is no error.
 *
 * Prints nothing else, or on the standard output why not.
 */
#include "launcher/scope_property.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define MANAGER      "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"

static const uint64_t wait_us = 5000000;

/* A job of systemd, and how it ended. */
struct job {
	const char *path;
	bool ended;
	char result[32];
};

static int say(const char *what, const sd_bus_error *error, int negative)
{
	printf("%s: %s\n", what,
	       error && error->message ? error->message : strerror(-negative));
	return 1;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- jobs -------------------------------------------------------------------------------- */

static int job_removed(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct job *job = context;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0 ||
	    !job->path || strcmp(path, job->path) != 0)
		return 0;
	job->ended = true;
	snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

static int await(sd_bus *bus, const struct job *job)
{
	const uint64_t end = now_us() + wait_us;

	while (!job->ended) {
		const uint64_t now = now_us();
		int got = sd_bus_process(bus, NULL);

		if (got < 0)
			return got;
		if (got > 0)
			continue;
		if (now >= end)
			return -ETIMEDOUT;
		got = sd_bus_wait(bus, end - now);
		if (got < 0 && got != -EINTR)
			return got;
	}
	return 0;
}

static int new_call(sd_bus *bus, const char *method, sd_bus_message **ret_call)
{
	return sd_bus_message_new_method_call(bus, ret_call, MANAGER, MANAGER_PATH,
					      MANAGER ".Manager", method);
}

/* Makes a call that starts a job, and waits for that. what completes "cannot". */
static int run_job(sd_bus *bus, sd_bus_message *call, const char *what)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct job job = { NULL, false, "" };
	int failed =
		sd_bus_match_signal(bus, NULL, MANAGER, MANAGER_PATH, MANAGER ".Manager",
				    "JobRemoved", job_removed, &job);

	if (failed >= 0)
		failed = sd_bus_call(bus, call, wait_us, &error, &reply);
	if (failed >= 0)
		failed = sd_bus_message_read(reply, "o", &job.path);
	if (failed < 0)
		return say(what, &error, failed);
	failed = await(bus, &job);
	if (failed < 0)
		return say(what, NULL, failed);
	if (strcmp(job.result, "done") == 0)
		return 0;
	printf("%s: %s\n", what, job.result);
	return 1;
}

/* ---- a new scope ------------------------------------------------------------------------- */

struct scope {
	const char *name, *slice; /* slice: NULL: where systemd puts it */
	uint32_t pid;
	const char *const *properties; /* NULL-ended; NULL: none */
};

static int append_more(sd_bus_message *message, const char *const *properties)
{
	int failed = 0;

	for (; failed >= 0 && properties && *properties; properties++) {
		failed = scope_property_append(message, *properties);
		if (failed < 0)
			printf("read the property %s\n", *properties);
	}
	return failed;
}

/* Of a container: its figures are counted, and it stops when we say, not before a shutdown. */
static int append_habits(sd_bus_message *message, const char *slice)
{
	static const char *const counted[] = { "MemoryAccounting", "CPUAccounting",
					       "IOAccounting", "TasksAccounting" };
	int failed = sd_bus_message_append(message, "(sv)", "Slice", "s", slice);

	for (size_t i = 0; failed >= 0 && i < sizeof(counted) / sizeof(*counted); i++)
		failed = sd_bus_message_append(message, "(sv)", counted[i], "b", 1);
	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "DefaultDependencies",
					       "b", 0);
	return failed;
}

static int append_properties(sd_bus_message *message, const struct scope *scope)
{
	int failed = sd_bus_message_open_container(message, 'a', "(sv)");

	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "PIDs", "au", 1,
					       scope->pid);
	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "Delegate", "b", 1);
	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "Description", "s",
					       scope->slice ? "a container of sbx-oci"
							    : "a sandbox of sbx");
	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "CollectMode", "s",
					       "inactive-or-failed");
	if (failed >= 0 && scope->slice)
		failed = append_habits(message, scope->slice);
	if (failed >= 0)
		failed = append_more(message, scope->properties);
	if (failed >= 0)
		failed = sd_bus_message_close_container(message);
	return failed;
}

static int start_scope(sd_bus *bus, const struct scope *scope)
{
	sd_bus_message *call = NULL;
	int failed = new_call(bus, "StartTransientUnit", &call);

	if (failed >= 0)
		failed = sd_bus_message_append(call, "ss", scope->name, "fail");
	if (failed >= 0)
		failed = append_properties(call, scope);
	if (failed >= 0)
		failed = sd_bus_message_append(call, "a(sa(sv))", 0);
	if (failed < 0)
		return say("start a scope", NULL, failed);
	return run_job(bus, call, "start a scope");
}

/* A pid comes again; the clock does not. */
static int start_scope_of(sd_bus *bus, uint32_t pid)
{
	char name[80];
	const struct scope scope = { .name = name, .pid = pid };

	snprintf(name, sizeof(name), "sbx-%u-%llu.scope", pid,
		 (unsigned long long)now_us());
	return start_scope(bus, &scope);
}

/* ---- the commands ------------------------------------------------------------------------ */

static int hold(sd_bus *bus, const char *unit, const char *const *words)
{
	const struct scope scope = {
		.name = unit,
		.slice = words[0],
		.pid = (uint32_t)getpid(),
		.properties = words + 1,
	};
	char byte;

	if (!words[0] || start_scope(bus, &scope) != 0)
		return 1;
	puts("ok");
	if (fflush(stdout) != 0)
		return 1;
	while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
		;
	return 0;
}

static int set(sd_bus *bus, const char *unit, const char *const *words)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL;
	int failed = new_call(bus, "SetUnitProperties", &call);

	if (failed >= 0)
		failed = sd_bus_message_append(call, "sb", unit, 1);
	if (failed >= 0)
		failed = sd_bus_message_open_container(call, 'a', "(sv)");
	if (failed >= 0)
		failed = append_more(call, words);
	if (failed >= 0)
		failed = sd_bus_message_close_container(call);
	if (failed >= 0)
		failed = sd_bus_call(bus, call, wait_us, &error, NULL);
	return failed < 0 ? say("set properties of the scope", &error, failed) : 0;
}

static int attach(sd_bus *bus, const char *unit, const char *const *words)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char *end = NULL;
	const unsigned long pid = words[0] ? strtoul(words[0], &end, 10) : 0;
	int failed;

	if (pid == 0 || *end || pid > INT32_MAX)
		return say("attach to the scope", NULL, -EINVAL);
	failed = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER ".Manager",
				    "AttachProcessesToUnit", &error, NULL, "ssau", unit,
				    "", 1, (uint32_t)pid);
	return failed < 0 ? say("attach to the scope", &error, failed) : 0;
}

static int stop(sd_bus *bus, const char *unit, const char *const *words)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL, *call = NULL;
	int failed;

	(void)words;
	failed = sd_bus_call_method(bus, MANAGER, MANAGER_PATH, MANAGER ".Manager",
				    "GetUnit", &error, &reply, "s", unit);
	if (failed < 0 && sd_bus_error_has_name(&error, MANAGER ".NoSuchUnit"))
		return 0;
	failed = new_call(bus, "StopUnit", &call);
	if (failed >= 0)
		failed = sd_bus_message_append(call, "ss", unit, "replace");
	if (failed < 0)
		return say("stop the scope", NULL, failed);
	return run_job(bus, call, "stop the scope");
}

static const struct command {
	const char *name;
	int (*run)(sd_bus *bus, const char *unit, const char *const *words);
} commands[] = {
	{ "hold", hold },
	{ "set", set },
	{ "attach", attach },
	{ "stop", stop },
};

static int open_bus(bool system, sd_bus **ret_bus)
{
	const int failed =
		system ? sd_bus_open_system(ret_bus) : sd_bus_open_user(ret_bus);

	if (failed >= 0)
		return 0;
	return say(system ? "open the system's bus" : "open the bus of this user", NULL,
		   failed);
}

static int run_command(const char *const *words)
{
	sd_bus *bus = NULL;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(words[0], commands[i].name) != 0)
			continue;
		if (open_bus(strcmp(words[1], "system") == 0, &bus) != 0)
			return 1;
		return commands[i].run(bus, words[2], words + 3);
	}
	printf("usage: sbx-scope PID | hold|set|attach|stop system|user UNIT ...\n");
	return 2;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	const unsigned long pid = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
	sd_bus *bus = NULL;

	if (argc > 3)
		return run_command((const char *const *)(uintptr_t)(argv + 1));
	if (pid == 0 || *end || pid > INT32_MAX) {
		printf("usage: sbx-scope PID | hold|set|attach|stop system|user UNIT ...\n");
		return 2;
	}
	return open_bus(false, &bus) != 0 ? 1 : start_scope_of(bus, (uint32_t)pid);
}
