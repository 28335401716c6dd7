/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to a container, and its end. */
#include "launcher/container_life.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/state.h"
#include "launcher/state_files.h"
#include "plan/plan.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

enum { DYING_MS = 10000, PAUSE_MS = 20 };

/*
 * The pidfd is opened first: if the process still is the one that is meant, so is whom the
 * descriptor names. Also one that looks dead: what goes is to end in any case.
 */
static int open_remains(const struct container_record *record)
{
	auto_close int pidfd = -1;
	uint64_t start;
	char state;

	if (record->pid > 0)
		pidfd = sys_pidfd_open(record->pid, 0);
	else
		errno = ESRCH;
	if (pidfd < 0)
		return -1;
	if (state_read_stat(record->pid, &state, &start) < 0 ||
	    start != record->start_time) {
		errno = ESRCH;
		return -1;
	}
	return fd_take(&pidfd);
}

int container_open_process(const struct container_record *record)
{
	auto_close int pidfd = open_remains(record);

	if (pidfd < 0)
		return -1;
	if (!state_is_alive(record->pid, record->start_time)) {
		errno = ESRCH;
		return -1;
	}
	return fd_take(&pidfd);
}

/* ---- signals ------------------------------------------------------------------------------ */

/* Of a group that stands still nobody would see what was sent. */
static int signal_group(const struct container_record *record, int number,
			struct error *err)
{
	struct arena arena = { 0 };
	struct container_group group = { 0 };
	int failed = group_open(record->cgroup, &arena, &group, err);

	if (failed == 0) {
		failed = group_kill(&group, number, err);
		if (failed == 0 && number == SIGKILL && group_is_frozen(&group))
			failed = group_freeze(&group, false, err);
		group_close(&group);
	}
	arena_free(&arena);
	return failed;
}

/* A frozen process of cgroup v1 dies when it runs again. */
static void wake(const struct container_record *record)
{
	struct arena arena = { 0 };
	struct container_group group = { 0 };
	struct error ignored;

	if (record->cgroup && group_open(record->cgroup, &arena, &group, &ignored) == 0) {
		if (group_is_frozen(&group))
			(void)group_freeze(&group, false, &ignored);
		group_close(&group);
	}
	arena_free(&arena);
}

int container_kill(const struct container_record *record, int number, bool all,
		   struct error *err)
{
	auto_close int pidfd = -1;

	if (all && record->cgroup)
		return signal_group(record, number, err);
	pidfd = container_open_process(record);
	if (pidfd < 0 && errno == ESRCH)
		return error_set(err, ERROR_CONTAINER_STATE,
				 "signal %s: container not running", record->id);
	if (pidfd < 0)
		return error_errno(err, "find the process of %s", record->id);
	if (sys_pidfd_send_signal(pidfd, number) < 0) {
		if (errno == ESRCH)
			return error_set(err, ERROR_CONTAINER_STATE,
					 "signal %s: container not running", record->id);
		return error_errno(err, "signal %s", record->id);
	}
	if (number == SIGKILL)
		wake(record);
	return 0;
}

/* ---- the end ------------------------------------------------------------------------------ */

/* Dead is enough: whose child it is reaps it, sooner or later. */
static int kill_and_wait(const struct container_record *record, struct error *err)
{
	struct pollfd end = { .fd = open_remains(record), .events = POLLIN };
	auto_close int pidfd = end.fd;

	if (pidfd < 0)
		return errno == ESRCH
			       ? 0
			       : error_errno(err, "find the process of %s", record->id);
	if (sys_pidfd_send_signal(pidfd, SIGKILL) < 0 && errno != ESRCH)
		return error_errno(err, "kill the process of %s", record->id);
	wake(record);
	for (int waited = 0; waited < DYING_MS; waited += PAUSE_MS)
		if (poll(&end, 1, PAUSE_MS) > 0 ||
		    !state_is_alive(record->pid, record->start_time))
			return 0;
	return error_set(err, ERROR_CONTAINER_STATE, "kill %s: its process does not end",
			 record->id);
}

/* Who is left in it goes first: without a pid namespace of its own nobody else ends them. */
static int remove_group(const struct container_record *record, struct error *err)
{
	struct arena arena = { 0 };
	struct container_group group = { 0 };
	int failed;

	if (!record->cgroup)
		return 0;
	failed = group_open(record->cgroup, &arena, &group, err);
	if (failed == 0) {
		struct error ignored;

		(void)group_kill(&group, SIGKILL, &ignored);
		failed = group_remove(&group, err);
		group_close(&group);
	}
	arena_free(&arena);
	return failed < 0 ? -1 : 0;
}

int container_take_away(const struct plan *plan, struct container_entry *entry,
			const struct container_record *record, struct error *err)
{
	struct arena arena = { 0 };
	struct error from_hooks = { 0 };
	const char *state;
	int failed;

	if (remove_group(record, err) < 0)
		return -1;
	state = container_state_text(record, CONTAINER_STOPPED, &arena);
	failed = plan && plan->container.hooks[HOOK_POSTSTOP].count &&
		 container_run_hooks(plan, HOOK_POSTSTOP, state, &from_hooks) < 0;
	arena_free(&arena);
	if (container_remove(entry, err) < 0)
		return -1;
	if (failed)
		*err = from_hooks;
	return failed;
}

static int refuse_running(const struct container_record *record,
			  enum container_status status, struct error *err)
{
	error_set(err, ERROR_CONTAINER_STATE, "delete %s: container is not stopped: %s",
		  record->id, container_status_name(status));
	return error_hint(err, "--force kills it first");
}

int container_delete(struct container_entry *entry, const struct container_record *record,
		     bool force, struct error *err)
{
	const enum container_status status = container_status(entry, record);
	struct plan plan = { 0 };
	struct error unread;
	int done;

	/*
	 * runtime-spec, runtime.md, "Delete": what has not ended stays as it is. Its creator was
	 * killed where it has no process yet: we hold it.
	 */
	if (!force && status != CONTAINER_STOPPED && record->pid > 0)
		return refuse_running(record, status, err);
	/* Where it is dead already that is found soon. */
	if (kill_and_wait(record, err) < 0)
		return -1;
	/* Without its configuration it can be taken away all the same. */
	done = container_read_created(entry, record, &plan, &unread);
	done = container_take_away(done < 0 ? NULL : &plan, entry, record, err);
	plan_free(&plan);
	return done;
}
