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

static _Noreturn void become_program(const char *path, const struct scope_run *run,
				     int question, int answer)
{
	char directory[PATH_MAX + 20], bus[PATH_MAX + 50];
	char *const environment[] = { run->runtime ? directory : NULL, bus, NULL };
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (run->runtime) {
		snprintf(directory, sizeof(directory), "XDG_RUNTIME_DIR=%s",
			 run->runtime);
		snprintf(bus, sizeof(bus), "DBUS_SESSION_BUS_ADDRESS=unix:path=%s/bus",
			 run->runtime);
	}
	if (null < 0 || dup2(question >= 0 ? question : null, 0) < 0 ||
	    dup2(answer, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	execve(path, (char *const *)(uintptr_t)run->words, environment);
	_exit(1);
}

static int milliseconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)((now.tv_sec - start->tv_sec) * 1000 +
		     (now.tv_nsec - start->tv_nsec) / 1000000);
}

/* What it says until it ends, or for a whole line. */
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
		if (got == 0 || strchr(answer, '\n'))
			return true;
	}
}

static int await_end(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0 : -1;
}

/* question: both ends of a pipe, or -1 twice. */
static int start_and_listen(const char *path, struct scope_run *run, int question[2],
			    char *answer, size_t size)
{
	auto_close int reading = -1;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	reading = ends[0];
	pid = fork();
	if (pid == 0)
		become_program(path, run, question[0], ends[1]);
	(void)close(ends[1]);
	fd_close(&question[0]);
	if (pid < 0)
		return -1;
	if (!read_answer(reading, answer, size)) {
		(void)kill(pid, SIGKILL);
	} else if (run->holds && strcmp(answer, "ok\n") == 0) {
		run->pid = pid;
		run->holding = question[1];
		question[1] = -1;
		return 0;
	}
	fd_close(&question[1]);
	return await_end(pid);
}

int cgroup_run_scope(struct scope_run *run, struct error *err)
{
	char path[PATH_MAX], answer[200] = "";
	int question[2] = { -1, -1 };
	int failed;

	run->pid = 0;
	run->holding = -1;
	if (find_program(path, err) < 0)
		return -1;
	if (run->holds && pipe2(question, O_CLOEXEC) < 0)
		return error_errno_id(err, ERROR_RESOURCES, "open a pipe");
	failed = start_and_listen(path, run, question, answer, sizeof(answer));
	fd_close(&question[0]);
	fd_close(&question[1]);
	if (!failed)
		return 0;
	answer[strcspn(answer, "\n")] = '\0';
	error_set(err, ERROR_CGROUP, "get a cgroup from systemd: %s",
		  answer[0] ? answer : "it does not answer");
	return error_hint(err, "systemd-run --user --scope true shows whether it works; "
			       "--limits best-effort does without");
}

int cgroup_make_scope(const char *runtime, struct error *err)
{
	char pid[16];
	const char *const words[] = { PROGRAM, pid, NULL };
	struct scope_run run = { .words = words, .runtime = runtime };

	snprintf(pid, sizeof(pid), "%d", getpid());
	return cgroup_run_scope(&run, err);
}
