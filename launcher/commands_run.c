/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx run` and `sbx config`. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "launcher/doctor.h"
#include "launcher/executor.h"
#include "launcher/monitor.h"
#include "launcher/report.h"
#include "launcher/state.h"
#include "plan/plan.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* One run, from the plan to the end. */
struct run {
	const struct plan *plan;
	struct state state;
	sigset_t ignored; /* signals that the caller ignores */
	int announce;     /* -d: the waiting parent's pipe, or -1 */
};

/* ---- descriptors ----------------------------------------------------------------------- */

static bool is_named(const struct plan *plan, int fd)
{
	if (fd == plan->life.ready_fd || fd == plan->life.status_fd)
		return true;
	for (size_t i = 0; i < plan->process.keep_fd_count; i++)
		if (plan->process.keep_fds[i] == fd)
			return true;
	return false;
}

/*
 * Every descriptor that the caller handed on and the plan does not name is closed. Those
 * for the launcher alone are close-on-exec; those for the command become open in it.
 */
static int close_strangers(const struct plan *plan, struct error *err)
{
	int highest = plan->life.ready_fd > plan->life.status_fd ? plan->life.ready_fd
								 : plan->life.status_fd;
	int first = 3;

	if (protection_is_off("descriptors"))
		return 0;
	for (size_t i = 0; i < plan->process.keep_fd_count; i++)
		if (plan->process.keep_fds[i] > highest)
			highest = plan->process.keep_fds[i];
	for (int fd = 3; fd <= highest; fd++) {
		if (!is_named(plan, fd))
			continue;
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return error_errno(err, "use descriptor %d", fd);
		if (fd > first)
			(void)sys_close_range((unsigned int)first, (unsigned int)fd - 1,
					      0);
		first = fd + 1;
	}
	if (sys_close_range((unsigned int)first, UINT_MAX, 0) < 0)
		return error_errno(err, "close the caller's descriptors");
	return 0;
}

/*
 * A directory, or a file that was only looked up, is no stream but a way to whatever lies
 * below it.
 */
static int check_streams(struct error *err)
{
	static const char *const names[] = { "input", "output", "error" };

	for (int fd = 0; fd <= 2; fd++) {
		struct stat status;
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fstat(fd, &status) < 0)
			return error_errno(err, "use the standard %s", names[fd]);
		if (S_ISDIR(status.st_mode) || flags & O_PATH)
			return error_set(err, ERROR_USAGE,
					 "use the standard %s: it is a %s", names[fd],
					 S_ISDIR(status.st_mode)
						 ? "directory"
						 : "file that was not opened");
	}
	return 0;
}

/* ---- what is told ---------------------------------------------------------------------- */

static int write_pid_file(const struct plan *plan, pid_t init, struct error *err)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", init);

	if (!plan->life.pid_file)
		return 0;
	if (files_replace(AT_FDCWD, plan->life.pid_file, text, (size_t)length, 0644) < 0)
		return error_errno(err, "write the pid file %s", plan->life.pid_file);
	return 0;
}

/* If it is still ours: who has the name now may keep the file. */
static void remove_pid_file(const struct plan *plan, pid_t init)
{
	char text[16];

	if (!plan->life.pid_file ||
	    files_read(AT_FDCWD, plan->life.pid_file, text, sizeof(text) - 1) < 0)
		return;
	if (strtol(text, NULL, 10) == init)
		(void)unlink(plan->life.pid_file);
}

/* The waiting parent of a detached run is told 'no error'. */
static void let_parent_go(struct run *run)
{
	const struct error none = { 0 };

	if (run->announce < 0)
		return;
	(void)fd_write_all(run->announce, &none, sizeof(none));
	fd_close(&run->announce);
}

static int on_started(void *context, pid_t init, struct error *err)
{
	struct run *run = context;
	const struct life_spec *life = &run->plan->life;

	if (write_pid_file(run->plan, init, err) < 0)
		return -1;
	if ((life->name || life->detach) &&
	    state_publish(&run->state, run->plan, init, err) < 0)
		return -1;
	if (life->ready_fd >= 0) {
		(void)fd_write_all(life->ready_fd, "\n", 1);
		(void)close(life->ready_fd);
	}
	report_started(life->status_fd, init);
	let_parent_go(run);
	return 0;
}

/* Other runs are shown where that costs nothing: a folder that cannot be used is none. */
static int on_lasting(void *context, pid_t init, struct error *err)
{
	struct run *run = context;
	struct error ignored;

	(void)err;
	if (run->plan->life.name || run->plan->life.detach)
		return 0;
	if (state_claim(&run->state, run->plan, false, &ignored) == 0)
		(void)state_publish(&run->state, run->plan, init, &ignored);
	return 0;
}

/* ---- the run --------------------------------------------------------------------------- */

/* If INT or QUIT hit us and the command alike, a shell that waits for us has to know. */
static void die_of(int number)
{
	sigset_t set;

	if (number != SIGINT && number != SIGQUIT)
		return;
	sigemptyset(&set);
	sigaddset(&set, number);
	(void)signal(number, SIG_DFL);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)raise(number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int arm_for_parent(const struct plan *plan, pid_t parent, struct error *err)
{
	if (!plan->life.die_with_parent)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "ask for the parent's death signal");
	if (getppid() != parent)
		return error_set(err, ERROR_PLAIN, "go on: the parent is gone already");
	return 0;
}

static int start_and_follow(struct run *run, const struct caller_text *caller,
			    struct outcome *outcome, struct error *err)
{
	const struct plan *plan = run->plan;
	const struct monitor_events events = { on_started, on_lasting, run,
					       &run->ignored };
	struct sandbox sandbox = { .init = -1, .pidfd = -1, .socket = -1 };
	int failed = 0;

	if (plan->life.name || plan->life.detach)
		failed = state_claim(&run->state, plan, true, err);
	if (!failed)
		failed = native_executor.start(plan, caller, &sandbox, err);
	if (!failed)
		failed = monitor_run(plan, &sandbox, &events, outcome, err);
	if (failed)
		outcome->status = error_status(err);
	remove_pid_file(plan, outcome->init);
	state_end(&run->state, outcome);
	return failed;
}

/* What ran out has a name and a remedy, whichever step was the one to meet it. */
static void name_resources(struct error *err)
{
	if (err->id != ERROR_PLAIN || err->hint[0])
		return;
	switch (err->errnum) {
	case EMFILE:
		err->id = ERROR_RESOURCES;
		error_hint(err,
			   "ulimit -n raises the limit on open files; 16 are enough");
		break;
	case ENFILE:
	case ENOMEM:
		err->id = ERROR_RESOURCES;
		break;
	case EAGAIN:
		err->id = ERROR_RESOURCES;
		error_hint(err, "ulimit -u shows how many processes this user may have");
		break;
	default:
		break;
	}
}

static int run_plan(struct run *run, const struct caller_text *caller)
{
	const struct plan *plan = run->plan;
	struct outcome outcome = { .init = -1 };
	struct error err = { 0 };

	if (start_and_follow(run, caller, &outcome, &err) < 0) {
		doctor_explain(&err);
		name_resources(&err);
		report_failed(plan->life.status_fd, &err, outcome.init,
			      outcome.command_started);
		if (run->announce >= 0)
			(void)fd_write_all(run->announce, &err, sizeof(err));
		else
			report_error(&err, plan->life.log_format == LOG_JSON);
		return error_status(&err);
	}
	report_ended(plan->life.detach ? -1 : plan->life.status_fd, &outcome);
	if (report_stats(plan, &outcome, &err) < 0) {
		report_error(&err, plan->life.log_format == LOG_JSON);
		return error_status(&err);
	}
	if (!plan->life.detach && outcome.signal && !outcome.timed_out)
		die_of(outcome.signal);
	return outcome.status;
}

/* ---- detached -------------------------------------------------------------------------- */

static int replace_stream(int stream, const char *path, int flags, struct error *err)
{
	auto_close int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, stream) < 0)
		return error_errno(err, "open %s", path);
	return 0;
}

static int replace_streams(const struct plan *plan, struct error *err)
{
	const char *log = plan->life.log;

	if (plan->process.stdin_null && replace_stream(0, "/dev/null", O_RDONLY, err) < 0)
		return -1;
	if (log && strcmp(log, "-") == 0)
		return 0;
	if (replace_stream(1, log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND,
			   err) < 0)
		return -1;
	if (dup2(1, 2) < 0)
		return error_errno(err, "open the log");
	return 0;
}

/* The process that stays: it is the launcher of the sandbox from here on. */
static _Noreturn void stay(struct run *run, const struct caller_text *caller,
			   int announce)
{
	struct error err = { 0 };

	run->announce = announce;
	if (setsid() < 0)
		error_errno(&err, "make a session");
	else if (replace_streams(run->plan, &err) == 0)
		_exit(run_plan(run, caller));
	(void)fd_write_all(announce, &err, sizeof(err));
	_exit(125);
}

/*
 * The caller's child waits until the command runs or has failed. "started" carries no
 * error; an end of file without a word is a launcher that died.
 */
static int detach(struct run *run, const struct caller_text *caller)
{
	const bool json = run->plan->life.log_format == LOG_JSON;
	struct error err = { 0 };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_errno(&err, "make a pipe");
		report_error(&err, json);
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		stay(run, caller, ends[1]);
	}
	close(ends[1]);
	if (pid < 0)
		error_errno(&err, "make a process");
	else if (fd_read_all(ends[0], &err, sizeof(err)) != sizeof(err))
		error_set(&err, ERROR_PLAIN, "detach: the launcher was killed");
	close(ends[0]);
	if (err.text[0] == '\0')
		return 0;
	report_error(&err, json);
	return error_status(&err);
}

/* ---- the commands ---------------------------------------------------------------------- */

static int print(const char *text)
{
	struct error err;

	if (fd_write_all(STDOUT_FILENO, text, strlen(text)) == 0)
		return 0;
	error_errno(&err, "write to the standard output");
	report_error(&err, false);
	return 125;
}

static int run_checked(const struct plan *plan, const struct caller_text *caller,
		       pid_t parent)
{
	struct run run = { .plan = plan, .announce = -1 };
	struct error err = { 0 };

	state_init(&run.state);
	if (check_streams(&err) < 0 || close_strangers(plan, &err) < 0 ||
	    arm_for_parent(plan, parent, &err) < 0 ||
	    signals_prepare(&run.ignored, &err) < 0) {
		report_failed(plan->life.status_fd, &err, -1, false);
		report_error(&err, plan->life.log_format == LOG_JSON);
		return error_status(&err);
	}
	return plan->life.detach ? detach(&run, caller) : run_plan(&run, caller);
}

static int print_help(const char *topic, struct arena *arena)
{
	const char *text = plan_help(topic, arena);

	return print(text ? text : plan_usage());
}

static int refuse(const char *const *words, const struct error *err)
{
	report_error(err, plan_log_format(words) == LOG_JSON);
	return error_status(err);
}

static int refuse_run(const char *const *words, const struct error *err)
{
	report_failed(plan_status_fd(words), err, -1, false);
	return refuse(words, err);
}

/* What the plan cannot know is asked too: whether the name is free. */
static int dry_run(struct plan *plan, const char *const *words)
{
	struct error err = { 0 };

	if (state_check(plan, &err) < 0)
		return refuse_run(words, &err);
	return print(plan_describe(plan, &plan->arena));
}

int command_run(const char *const *words, const struct caller_text *caller)
{
	const pid_t parent = getppid();
	struct plan plan = { 0 };
	struct error err = { 0 };
	int status;

	if (plan_from_args(words, &plan, &err) < 0)
		status = refuse_run(words, &err);
	else if (plan.life.help)
		status = print_help(plan.life.help, &plan.arena);
	else if (plan.life.dry_run)
		status = dry_run(&plan, words);
	else
		status = run_checked(&plan, caller, parent);
	plan_free(&plan);
	return status;
}

int command_config(const char *const *words)
{
	const bool diff = words[0] && strcmp(words[0], "--diff") == 0;
	struct plan plan = { 0 };
	struct error err = { 0 };
	int status;

	if (plan_from_args(words + diff, &plan, &err) < 0)
		status = refuse(words + diff, &err);
	else if (plan.life.help)
		status = print(
			"usage: sbx config [--diff] [OPTIONS OF sbx run] [COMMAND [ARG...]]\n"
			"Prints the plan of that run as an OCI config.json, --diff only what\n"
			"differs from the defaults. sbx run --help lists the options.\n");
	else
		status = print(plan_to_oci(&plan, diff, &plan.arena));
	plan_free(&plan);
	return status;
}
