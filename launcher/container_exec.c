/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another process of a container: joined as any (launcher/join.c), in the container's cgroup,
 * with the steps of its process 1, and told outside only once it was executed.
 */
#include "launcher/container_life.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "launcher/container_process.h"
#include "launcher/join.h"
#include "launcher/keyring.h"
#include "launcher/schedule.h"
#include "launcher/sync.h"
#include "plan/plan.h"
#include "policy/container_group.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One such process on its way. */
struct joining {
	const struct plan *plan;
	const struct container_record *record;
	const struct container_exec *request;
	struct container_group group;
	struct container_handle handle;
	int signals; /* what may end us before it was executed */
};

/* ---- its cgroup ---------------------------------------------------------------------------- */

/* "CONTROLLERS:PATH" on cgroup v1, "PATH" for all of them (runc exec --cgroup). */
static const char *path_below(const struct container_group_part *part, const char *word)
{
	const char *colon = strchr(word, ':');
	const size_t length = colon ? (size_t)(colon - word) : 0;

	if (!colon)
		return word;
	return strlen(part->controllers) == length &&
			       strncmp(part->controllers, word, length) == 0
		       ? colon + 1
		       : NULL;
}

/* Beneath the container's own, whatever the path says. */
static int enter_below(const struct container_group_part *part, const char *path,
		       struct error *err)
{
	auto_close int dir =
		files_open_in_root(part->dir, path, O_RDONLY | O_DIRECTORY, 0);

	if (dir >= 0 && files_write(dir, "cgroup.procs", "0") == 0)
		return 0;
	error_errno_id(err, ERROR_CGROUP, "enter the cgroup %s of the container", path);
	return error_hint(err, "--cgroup names one that is there, below the container's");
}

static int enter_group(const struct joining *joining, struct error *err)
{
	const struct container_group *group = &joining->group;
	const char *word = joining->request->cgroup;
	size_t entered = 0;

	if (!group_is_there(group) && word) {
		error_set(err, ERROR_CGROUP,
			  "enter the cgroup %s: the container has no cgroup of its own",
			  word);
		return error_hint(
			err,
			"leave out --cgroup; the process shares what process 1 is in");
	}
	if (!group_is_there(group))
		return 0;
	if (!word)
		return group_move(group, getpid(), err);
	for (size_t i = 0; i < group->part_count; i++) {
		const char *path = path_below(&group->parts[i], word);

		if (path && enter_below(&group->parts[i], path, err) < 0)
			return -1;
		entered += path != NULL;
	}
	return entered ? 0
		       : error_set(
				 err, ERROR_CGROUP,
				 "enter the cgroup %s: the container has no such hierarchy",
				 word);
}

/*
 * By the process that joins, before it does. What it runs on is said for both sides of the
 * move (runtime-spec, config.md, "execCPUAffinity").
 */
static int enter_bounds(void *context, struct error *err)
{
	const struct joining *joining = context;
	const struct process_spec *process = &joining->plan->process;

	if (schedule_bind(process->cpus_initial, err) < 0 ||
	    enter_group(joining, err) < 0)
		return -1;
	return schedule_bind(process->cpus_final, err);
}

/* ---- its start ----------------------------------------------------------------------------- */

static int take_console(struct joining *joining, int *master, struct error *err)
{
	const char *receiver = joining->request->console_socket;

	if (receiver)
		return container_send_fd(receiver, "/dev/ptmx", *master, err);
	joining->handle.console = fd_take(master);
	return 0;
}

/* 1: it was executed; 0: more is to come. */
static int take_turn(struct joining *joining, int socket, struct error *err)
{
	struct message message = { 0 };
	auto_close int fd = -1;

	/* Whoever is in the container already can stop the one that joins. */
	if (container_await_turn(socket, joining->signals, err) < 0)
		return error_within(err, "execute in the container");
	if (sync_receive(socket, &message, &fd) != 1)
		return 1;
	if (message.turn == TURN_FAILED) {
		*err = message.err;
		return -1;
	}
	if (message.turn == TURN_CONSOLE)
		return take_console(joining, &fd, err);
	if (message.turn == TURN_LISTENER)
		return container_send_listener(joining->plan, joining->record,
					       CONTAINER_RUNNING, joining->handle.pid, fd,
					       err);
	return error_set(err, ERROR_PLAIN,
			 "execute in the container: a turn out of order");
}

static int tell(const struct joining *joining, struct error *err)
{
	const struct container_exec *request = joining->request;

	if (request->pidfd_socket && container_send_fd(request->pidfd_socket, "pidfd",
						       joining->handle.pidfd, err) < 0)
		return -1;
	return request->pid_file
		       ? container_write_pid(request->pid_file, joining->handle.pid, err)
		       : 0;
}

static int start(struct joining *joining, const struct caller_text *caller,
		 struct error *err)
{
	const struct join_target target = {
		.pid = joining->record->pid,
		.start_time = joining->record->start_time,
		.enter_group = enter_bounds,
		.context = joining,
		.stays = joining->request->detach,
		.steps = &container_steps,
	};
	struct sandbox sandbox = { .init = -1, .pidfd = -1, .socket = -1 };
	int done = 0;

	if (join_start(joining->plan, &target, caller, &sandbox, err) < 0)
		return -1;
	joining->handle.pid = sandbox.init;
	joining->handle.pidfd = sandbox.pidfd;
	while (done == 0)
		done = take_turn(joining, sandbox.socket, err);
	fd_close(&sandbox.socket);
	/* One that was killed meanwhile has a status that says so. */
	return done < 0 ? -1 : tell(joining, err);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int check_terminal(const struct plan *plan, const struct container_exec *request,
			  struct error *err)
{
	if (plan->process.terminal && !request->console_socket && request->detach) {
		error_set(err, ERROR_USAGE,
			  "create a terminal that nobody would hold: it is detached, and "
			  "there is no console socket");
		return error_hint(err,
				  "--console-socket PATH takes it; or leave out --tty");
	}
	if (plan->process.terminal || !request->console_socket)
		return 0;
	error_set(err, ERROR_USAGE, "use the console socket: there is no terminal");
	return error_hint(err, "--tty asks for one; process.terminal does in --process");
}

static void give_up(const struct joining *joining)
{
	if (joining->handle.pid <= 0)
		return;
	(void)kill(joining->handle.pid, SIGKILL);
	while (waitpid(joining->handle.pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int run(struct joining *joining, const struct caller_text *caller, int *ret_status,
	       struct error *err)
{
	if (start(joining, caller, err) < 0) {
		give_up(joining);
		return -1;
	}
	if (!joining->request->detach)
		return container_attend(joining->plan, &joining->handle, ret_status, err);
	*ret_status = 0;
	return 0;
}

int container_exec(const struct plan *plan, const struct container_record *record,
		   const struct container_exec *request, const struct caller_text *caller,
		   int *ret_status, struct error *err)
{
	struct arena arena = { 0 };
	struct joining joining = { .plan = plan,
				   .record = record,
				   .request = request,
				   .handle = { .pid = -1, .pidfd = -1, .console = -1 } };
	auto_close int signals = -1;
	int failed;

	if (check_terminal(plan, request, err) < 0)
		return -1;
	signals = container_watch_signals(err);
	if (signals < 0)
		return -1;
	joining.signals = signals;
	failed = keyring_own(err) < 0;
	if (!failed && record->cgroup)
		failed = group_open(record->cgroup, &arena, &joining.group, err);
	if (!failed)
		failed = run(&joining, caller, ret_status, err);
	group_close(&joining.group);
	container_let_go(&joining.handle);
	arena_free(&arena);
	return failed ? -1 : 0;
}
