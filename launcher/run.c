/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's way from a plan to the end of its sandbox. */
#include "launcher/run.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "launcher/bounds.h"
#include "launcher/doctor.h"
#include "launcher/executor.h"
#include "launcher/images.h"
#include "launcher/learn.h"
#include "launcher/monitor.h"
#include "launcher/record.h"
#include "launcher/report.h"
#include "launcher/signals.h"
#include "launcher/state.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- descriptors ----------------------------------------------------------------------- */

static bool is_named(const struct plan *plan, int fd)
{
	if (fd == plan->life.ready_fd || fd == plan->life.status_fd ||
	    (plan->rootfs.kind == ROOT_MOUNT && fd == plan->rootfs.mount))
		return true;
	for (size_t i = 0; i < plan->image.held_count; i++)
		if (plan->image.held[i] == fd)
			return true;
	for (size_t i = 0; i < plan->process.keep_fd_count; i++)
		if (plan->process.keep_fds[i] == fd)
			return true;
	return false;
}

static int highest_named(const struct plan *plan)
{
	int highest = plan->life.ready_fd > plan->life.status_fd ? plan->life.ready_fd
								 : plan->life.status_fd;

	if (plan->rootfs.kind == ROOT_MOUNT && plan->rootfs.mount > highest)
		highest = plan->rootfs.mount;
	for (size_t i = 0; i < plan->image.held_count; i++)
		if (plan->image.held[i] > highest)
			highest = plan->image.held[i];
	for (size_t i = 0; i < plan->process.keep_fd_count; i++)
		if (plan->process.keep_fds[i] > highest)
			highest = plan->process.keep_fds[i];
	return highest;
}

/*
 * Every descriptor that the caller handed on and the plan does not name is closed. Those
 * for the launcher alone are close-on-exec; those for the command become open in it.
 */
static int close_strangers(const struct plan *plan, struct error *err)
{
	const int highest = highest_named(plan);
	int first = 3;

	if (protection_is_off("descriptors"))
		return 0;
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

/* Before anybody can find the entry, the socket in it is served. */
static int publish(struct run *run, pid_t init, struct error *err)
{
	auto_close int listener = -1;

	if (run->network->service.pid > 0) {
		if (state_listen_net(&run->state, &listener, err) < 0)
			return -1;
		if (listener >= 0)
			(void)net_service_serve_ports(&run->network->service, listener);
	}
	return state_publish(&run->state, run->plan, init, err);
}

static bool needs_entry(const struct plan *plan)
{
	return plan->life.name || plan->life.detach;
}

static int on_started(void *context, pid_t init, struct error *err)
{
	struct run *run = context;
	const struct life_spec *life = &run->plan->life;

	if (write_pid_file(run->plan, init, err) < 0)
		return -1;
	if (needs_entry(run->plan) && publish(run, init, err) < 0)
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
	if (needs_entry(run->plan))
		return 0;
	if (run->state.dir >= 0 ||
	    state_claim(&run->state, run->plan, false, &ignored) == 0)
		(void)publish(run, init, &ignored);
	return 0;
}

static void on_written(void *context, int entry, int layer)
{
	const struct run *run = context;

	result_add_layer(run->result, run->plan, entry, layer);
}

/* ---- the run --------------------------------------------------------------------------- */

void run_end_as(const struct outcome *outcome)
{
	const int number = outcome->timed_out ? 0 : outcome->signal;
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

/* Before the command runs, which may write on the way to them. */
static int hold_places(struct run *run, struct error *err)
{
	const char *denials = run->plan->policy.denials;
	const char *stats = run->plan->life.stats_file;

	if (denials && files_hold_place(denials, &run->denials) < 0)
		return error_errno(err, "write the denials to %s", denials);
	if (stats && files_hold_place(stats, &run->stats) < 0)
		return error_errno(err, "write the statistics to %s", stats);
	return 0;
}

static const struct executor *executor_of(const struct plan *plan)
{
	if (plan->runtime.kind == RUNTIME_RUNSC)
		return &gvisor_executor;
	return plan->policy.landlock.whole ? &landlock_executor : &native_executor;
}

/* Others have an entry when they have lasted; what runsc remembers lies in one. */
static int claim(struct run *run, char *room, size_t size, struct error *err)
{
	const bool needed = needs_entry(run->plan);

	if (!needed && run->plan->runtime.kind != RUNTIME_RUNSC)
		return 0;
	if (state_claim(&run->state, run->plan, needed, err) < 0)
		return -1;
	if (run->plan->runtime.kind == RUNTIME_RUNSC)
		state_make_room(&run->state, room, size);
	return 0;
}

static int start_and_follow(struct run *run, const struct caller_text *caller,
			    struct outcome *outcome, struct error *err)
{
	const struct plan *plan = run->plan;
	const struct monitor_events events = {
		.started = on_started,
		.lasting = on_lasting,
		.written = run->result ? on_written : NULL,
		.context = run,
		.learner = run->learner,
		.ignored = &run->ignored,
		.denials = plan->policy.denials ? &run->denials : NULL,
	};
	const struct executor *executor = executor_of(plan);
	struct sandbox sandbox = { .init = -1,
				   .pidfd = -1,
				   .socket = -1,
				   .scratch = { .place = -1, .dir = -1 } };
	struct bounds bounds = { 0 };
	struct images_sync sync;
	int failed = hold_places(run, err);

	if (!failed)
		failed = images_hold_upper(plan, err);
	images_sync_begin(plan, &sync);
	network_init(&sandbox.network);
	run->network = &sandbox.network;
	if (!failed)
		failed = claim(run, sandbox.state, sizeof(sandbox.state), err);
	if (!failed)
		failed = bounds_make(plan, &bounds, err);
	run->state.group = &bounds.group;
	if (!failed)
		failed = executor->start(plan, caller, &bounds, &sandbox, err);
	if (!failed)
		failed = monitor_run(plan, &sandbox, &events, outcome, err);
	images_sync_end(&sync);
	network_end(&sandbox.network, plan);
	snprintf(outcome->network, sizeof(outcome->network), "%s", sandbox.network.stats);
	bounds_end(plan, &bounds, outcome, failed != 0, err);
	if (failed)
		outcome->status = error_status(err);
	if (executor->end)
		executor->end(&sandbox);
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
	case EFBIG:
		err->id = ERROR_RESOURCES;
		error_hint(err,
			   "ulimit -f raises the limit on the size of files; the network "
			   "of --net none needs none");
		break;
	case EAGAIN:
		err->id = ERROR_RESOURCES;
		error_hint(err, "ulimit -u shows how many processes this user may have");
		break;
	default:
		break;
	}
}

int run_to_end(struct run *run, const struct caller_text *caller)
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
	if (run->learner)
		run->learner->outcome = outcome;
	if (run->result) {
		run->result->ran = true;
		run->result->outcome = outcome;
	}
	if (run->ended)
		*run->ended = outcome;
	report_sigsys(plan, &outcome);
	report_ended(plan->life.detach ? -1 : plan->life.status_fd, &outcome);
	if (report_stats(plan, plan->life.stats_file ? &run->stats : NULL, &outcome,
			 &err) < 0) {
		report_error(&err, plan->life.log_format == LOG_JSON);
		return error_status(&err);
	}
	if (!plan->life.detach && !run->learner && !run->result && !run->ended)
		run_end_as(&outcome);
	return outcome.status;
}

/* It held the root, or nobody is there who would write to it. */
static int close_input(const struct plan *plan, struct error *err)
{
	auto_close int fd = -1;

	if (!plan->process.stdin_null)
		return 0;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		return error_errno(err, "open /dev/null");
	return 0;
}

int run_take_caller(const struct plan *plan, sigset_t *ret_ignored, struct error *err)
{
	if (check_streams(err) < 0 || close_strangers(plan, err) < 0 ||
	    close_input(plan, err) < 0)
		return -1;
	return signals_prepare(ret_ignored, err);
}

static int prepare(struct run *run, pid_t parent, struct error *err)
{
	state_init(&run->state);
	return run_take_caller(run->plan, &run->ignored, err) < 0
		       ? -1
		       : arm_for_parent(run->plan, parent, err);
}

static int refuse(const struct plan *plan, const struct error *err)
{
	report_failed(plan->life.status_fd, err, -1, false);
	report_error(err, plan->life.log_format == LOG_JSON);
	return error_status(err);
}

int run_start(const struct plan *plan, const struct caller_text *caller, pid_t parent)
{
	struct run run = { .plan = plan, .announce = -1 };
	struct error err = { 0 };

	if (prepare(&run, parent, &err) < 0)
		return refuse(plan, &err);
	if (life_is_recorded(&plan->life))
		return run_recorded(&run, caller);
	return plan->life.detach ? run_detached(&run, caller) : run_to_end(&run, caller);
}

int run_watched(const struct plan *plan, const struct caller_text *caller, pid_t parent,
		struct learner *learner)
{
	struct run run = { .plan = plan, .announce = -1, .learner = learner };
	struct error err = { 0 };

	if (prepare(&run, parent, &err) < 0 || learner_keep_outputs(learner, &err) < 0)
		return refuse(plan, &err);
	return run_to_end(&run, caller);
}

int run_prepared(const struct plan *plan, const struct caller_text *caller, pid_t parent,
		 int (*complete)(void *context, struct error *err), void *context,
		 struct outcome *ret_outcome)
{
	struct run run = { .plan = plan, .announce = -1, .ended = ret_outcome };
	struct error err = { 0 };

	if (prepare(&run, parent, &err) < 0 || complete(context, &err) < 0)
		return refuse(plan, &err);
	return run_to_end(&run, caller);
}
