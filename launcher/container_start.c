/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a container that waits: a word to its process 1, and what that says until it is
 * executed.
 */
#include "launcher/container_life.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

/* 1: it was executed; 0: more is to come. */
static int take_turn(const struct plan *plan, const struct container_record *record,
		     int connection, struct error *err)
{
	struct message message = { 0 };
	struct error ignored;
	auto_close int fd = -1;

	if (sync_receive(connection, &message, &fd) != 1)
		return 1;
	if (message.turn == TURN_FAILED) {
		*err = message.err;
		return -1;
	}
	if (message.turn != TURN_LISTENER)
		return error_set(err, ERROR_PLAIN,
				 "start the container: a turn out of order");
	if (container_send_listener(plan, record, CONTAINER_CREATED, record->pid, fd,
				    err) == 0)
		return 0;
	/* Its calls would wait for nobody. */
	(void)container_kill(record, SIGKILL, false, &ignored);
	return -1;
}

/* What it has started it would end again: runtime-spec, runtime.md, "Lifecycle". */
static int run_hooks(const struct plan *plan, const struct container_record *record,
		     struct error *err)
{
	struct arena arena = { 0 };
	struct error ignored;
	int failed;

	if (plan->container.hooks[HOOK_POSTSTART].count == 0)
		return 0;
	failed = container_run_hooks(
		plan, HOOK_POSTSTART,
		container_state_text(record, CONTAINER_RUNNING, &arena), err);
	arena_free(&arena);
	if (failed)
		(void)container_kill(record, SIGKILL, false, &ignored);
	return failed;
}

static int say_start(const struct plan *plan, const struct container_entry *entry,
		     const struct container_record *record, struct error *err)
{
	auto_close int connection = container_connect_start(entry, err);
	int done = 0;

	if (connection < 0)
		return -1;
	if (sync_send_turn(connection, TURN_START, 0) < 0)
		return error_errno(err, "tell the container to start");
	while (done == 0)
		done = take_turn(plan, record, connection, err);
	/* Nobody listens there any more; who finds no place asks no further. */
	(void)unlinkat(entry->dir, "start", 0);
	return done < 0 ? -1 : run_hooks(plan, record, err);
}

int container_start(const struct plan *plan, const struct container_entry *entry,
		    const struct container_record *record, int *ret_notify,
		    struct error *err)
{
	auto_close int receiver = container_open_notify(entry, err);

	if (receiver < -1 || say_start(plan, entry, record, err) < 0)
		return -1;
	if (ret_notify) {
		*ret_notify = fd_take(&receiver);
		return 0;
	}
	if (receiver >= 0) {
		/* However long it takes: whoever wants to change it meanwhile may. */
		(void)flock(entry->dir, LOCK_UN);
		container_await_notify(receiver, record);
	}
	return 0;
}
