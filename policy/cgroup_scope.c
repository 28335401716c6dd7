/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's systemd gives a group away only over its bus, and D-Bus takes a library that
 * no front end is to carry: a program of its own, sbx-scope, asks, and is started only
 * here.
 */
#include "policy/cgroup.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/own_program.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SCOPE_MS = 7000 }; /* sbx-scope itself gives systemd five seconds */

#define PROGRAM "sbx-scope"

static bool is_runtime(const char *path)
{
	char socket[PATH_MAX];
	struct stat status;

	return snprintf(socket, sizeof(socket), "%s/systemd/private", path) <
		       (int)sizeof(socket) &&
	       stat(socket, &status) == 0 && S_ISSOCK(status.st_mode) &&
	       status.st_uid == geteuid();
}

void cgroup_systemd_runtime(char *ret_path)
{
	const char *given = getenv("XDG_RUNTIME_DIR");

	if (given && text_copy(ret_path, PATH_MAX, given) == 0 && is_runtime(ret_path))
		return;
	snprintf(ret_path, PATH_MAX, "/run/user/%u", geteuid());
	if (!is_runtime(ret_path))
		ret_path[0] = '\0';
}

static int find_program(char *ret_path, struct error *err)
{
	if (own_program_find(PROGRAM, ret_path) == 0)
		return 0;
	error_set(err, ERROR_CGROUP, "ask systemd for a cgroup: %s is not there",
		  ret_path);
	return error_hint(err,
			  "systemd-run --user --scope -p Delegate=yes sbx run ..., or "
			  "build with -Dscope=enabled");
}

static _Noreturn void become_program(const char *path, const char *runtime, int answer)
{
	char pid[16], directory[PATH_MAX + 20], bus[PATH_MAX + 50];
	char *const words[] = { (char *)PROGRAM, pid, NULL };
	char *const environment[] = { directory, bus, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(pid, sizeof(pid), "%d", getppid());
	snprintf(directory, sizeof(directory), "XDG_RUNTIME_DIR=%s", runtime);
	snprintf(bus, sizeof(bus), "DBUS_SESSION_BUS_ADDRESS=unix:path=%s/bus", runtime);
	if (null < 0 || dup2(null, 0) < 0 || dup2(answer, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	execve(path, words, environment);
	_exit(1);
}

static int milliseconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)((now.tv_sec - start->tv_sec) * 1000 +
		     (now.tv_nsec - start->tv_nsec) / 1000000);
}

/* What it says until it ends: nothing, or what went wrong. */
static bool read_answer(int pipe, char *answer, size_t size)
{
	struct pollfd events = { .fd = pipe, .events = POLLIN };
	struct timespec start;
	size_t used = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		const int left = SCOPE_MS - milliseconds_since(&start);
		ssize_t got;

		if (left <= 0 || used + 1 >= size)
			return false;
		if (poll(&events, 1, left) < 0 && errno != EINTR)
			return false;
		if (!events.revents)
			continue;
		got = read(pipe, answer + used, size - 1 - used);
		if (got < 0)
			return false;
		used += (size_t)got;
		answer[used] = '\0';
		if (got == 0)
			return true;
	}
}

static int run_program(const char *path, const char *runtime, char *answer, size_t size)
{
	auto_close int reading = -1;
	int ends[2], status = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	reading = ends[0];
	pid = fork();
	if (pid == 0)
		become_program(path, runtime, ends[1]);
	(void)close(ends[1]);
	if (pid < 0)
		return -1;
	if (!read_answer(reading, answer, size))
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0 : -1;
}

int cgroup_make_scope(const char *runtime, struct error *err)
{
	char path[PATH_MAX], answer[200] = "";

	if (find_program(path, err) < 0)
		return -1;
	if (run_program(path, runtime, answer, sizeof(answer)) == 0)
		return 0;
	answer[strcspn(answer, "\n")] = '\0';
	error_set(err, ERROR_CGROUP, "get a cgroup from systemd: %s",
		  answer[0] ? answer : "it does not answer");
	return error_hint(err, "systemd-run --user --scope true shows whether it works; "
			       "--limits best-effort does without");
}
