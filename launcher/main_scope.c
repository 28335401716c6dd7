/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbx-scope PID: asks the systemd of this user to put the process into a scope of its own
 * that is delegated to it (systemd.scope(5), org.freedesktop.systemd1(5)), and waits until
 * that is done, five seconds at most. Prints nothing, or on the standard output why not.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define MANAGER      "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"

static const uint64_t wait_us = 5000000;

/* The job that starts the scope, and how it ended. */
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

static int append_properties(sd_bus_message *message, uint32_t pid)
{
	int failed = sd_bus_message_open_container(message, 'a', "(sv)");

	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "PIDs", "au", 1, pid);
	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "Delegate", "b", 1);
	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "Description", "s",
					       "a sandbox of sbx");
	if (failed >= 0)
		failed = sd_bus_message_append(message, "(sv)", "CollectMode", "s",
					       "inactive-or-failed");
	if (failed >= 0)
		failed = sd_bus_message_close_container(message);
	return failed;
}

static int make_call(sd_bus *bus, uint32_t pid, sd_bus_message **ret_call)
{
	char name[80];
	int failed =
		sd_bus_message_new_method_call(bus, ret_call, MANAGER, MANAGER_PATH,
					       MANAGER ".Manager", "StartTransientUnit");

	/* A pid comes again; the clock does not. */
	snprintf(name, sizeof(name), "sbx-%u-%llu.scope", pid,
		 (unsigned long long)now_us());
	if (failed >= 0)
		failed = sd_bus_message_append(*ret_call, "ss", name, "fail");
	if (failed >= 0)
		failed = append_properties(*ret_call, pid);
	if (failed >= 0)
		failed = sd_bus_message_append(*ret_call, "a(sa(sv))", 0);
	return failed;
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

static int start_scope(sd_bus *bus, uint32_t pid)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL, *reply = NULL;
	struct job job = { NULL, false, "" };
	int failed =
		sd_bus_match_signal(bus, NULL, MANAGER, MANAGER_PATH, MANAGER ".Manager",
				    "JobRemoved", job_removed, &job);

	if (failed >= 0)
		failed = make_call(bus, pid, &call);
	if (failed >= 0)
		failed = sd_bus_call(bus, call, wait_us, &error, &reply);
	if (failed >= 0)
		failed = sd_bus_message_read(reply, "o", &job.path);
	if (failed < 0)
		return say("start a scope", &error, failed);
	failed = await(bus, &job);
	if (failed < 0)
		return say("wait for the scope", NULL, failed);
	if (strcmp(job.result, "done") == 0)
		return 0;
	printf("start a scope: %s\n", job.result);
	return 1;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	const unsigned long pid = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
	sd_bus *bus = NULL;
	int failed;

	if (pid == 0 || *end || pid > INT32_MAX) {
		printf("usage: sbx-scope PID\n");
		return 2;
	}
	failed = sd_bus_open_user(&bus);
	if (failed < 0)
		return say("open the bus of this user", NULL, failed);
	return start_scope(bus, (uint32_t)pid);
}
