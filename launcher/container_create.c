/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container from its plan to the point where its process waits to be started. Whoever
 * creates it may be killed at any instant: until TURN_LEAVE process 1 dies with it.
 */
#include "launcher/container_life.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/child.h"
#include "launcher/container_process.h"
#include "launcher/keyring.h"
#include "launcher/signals.h"
#include "launcher/state_files.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- before it is made ------------------------------------------------------------------- */

static int check_terminal(const struct plan *plan,
			  const struct container_options *options, struct error *err)
{
	if (plan->process.terminal && !options->console_socket && !options->attached) {
		error_set(err, ERROR_USAGE,
			  "create a terminal that nobody would hold: process.terminal is "
			  "true, and there is no console socket");
		return error_hint(err, "--console-socket PATH takes it; or set "
				       "process.terminal to false in config.json");
	}
	if (!plan->process.terminal && options->console_socket) {
		error_set(
			err, ERROR_USAGE,
			"use the console socket: process.terminal is false in config.json");
		return error_hint(err, "leave --console-socket out, or set it to true");
	}
	return 0;
}

int container_watch_signals(struct error *err)
{
	static const int ending[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	sigset_t set, ignored;
	int fd;

	if (signals_prepare(&ignored, err) < 0)
		return -1;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		if (!sigismember(&ignored, ending[i]))
			sigaddset(&set, ending[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_errno(err, "watch signals") : fd;
}

static int make_group(struct creation *creation, struct error *err)
{
	const struct container_options *options = creation->options;
	const struct container_spec *container = &creation->plan->container;
	const struct group_want want = {
		.places = options->no_cgroup ? NULL : group_find(creation->arena),
		.manager = options->no_cgroup        ? GROUP_DISABLED
			   : options->systemd_cgroup ? GROUP_SYSTEMD
						     : GROUP_FILES,
		.path = container->cgroups_path,
		.id = creation->entry->id,
		.resources = container->has_resources ? &container->resources : NULL,
		.best_effort = options->best_effort,
		.systemd_subgroup = container->systemd_subgroup,
		.delegate = container->delegate_cgroup,
		.systemd_properties = container->systemd_properties,
		.systemd_property_count = container->systemd_property_count,
	};

	struct container_record *record = creation->record;
	const char *ahead = group_record_ahead(&want, creation->arena);
	int made;

	/* So that it is found again, should we be killed on the way. */
	record->cgroup = ahead;
	if (ahead && container_write(creation->entry, record, err) < 0)
		return -1;
	made = group_make(&want, creation->arena, &creation->group, err);
	if (made < 0)
		return -1;
	if (made > 0 && options->warn)
		options->warn(options->context, err);
	record->cgroup = group_record(&creation->group, creation->arena);
	record->systemd = creation->group.scope != NULL;
	if (!record->cgroup || (ahead && strcmp(ahead, record->cgroup) == 0))
		return 0;
	return container_write(creation->entry, record, err);
}

/* ---- the start ---------------------------------------------------------------------------- */

static int start(struct creation *creation, const struct caller_text *caller,
		 struct error *err)
{
	int ends[2];
	auto_close int child_end = -1;
	auto_close int listener = -1;
	struct child child = {
		.plan = creation->plan,
		.net_control = -1,
		.net_end = -1,
		.terminal = -1,
		.binfmt = -1,
		.caller_text = caller->start,
		.caller_text_size = caller->size,
		.record = creation->record,
		.own_file.strict = true,
	};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "make a socket pair");
	creation->socket = ends[0];
	child_end = ends[1];
	listener = container_bind_start(creation->entry, err);
	if (listener < 0)
		return -1;
	own_file_note("/proc/self/exe", &child.own_file);
	child.launcher_socket = ends[0];
	child.socket = child_end;
	child.start_socket = listener;
	child.steps = &container_steps;
	if (container_steps.prepare(&child, err) < 0)
		return -1;
	return container_clone(creation, &child, err);
}

static int record_process(struct creation *creation, struct error *err)
{
	struct container_record *record = creation->record;

	char state;

	record->pid = creation->pid;
	if (state_read_stat(record->pid, &state, &record->start_time) < 0)
		return error_errno(err, "ask when the container began");
	return container_write(creation->entry, record, err);
}

/*
 * Until process 1 has closed its end our death is still its own. An end for another reason shows
 * in the pidfd.
 */
static int leave(const struct creation *creation, struct error *err)
{
	struct pollfd ended = { .fd = creation->pidfd, .events = POLLIN };
	struct message message;
	int fd = -1;

	if (sync_send_turn(creation->socket, TURN_LEAVE, 0) < 0)
		return error_errno(err, "leave the container to itself");
	if (sync_receive(creation->socket, &message, &fd) == 0 && poll(&ended, 1, 0) == 0)
		return 0;
	fd_close(&fd);
	return error_set(err, ERROR_PLAIN,
			 "create the container: its process ended without a word");
}

/* Who was told of it may act at once: so these come last. */
static int tell(const struct creation *creation, struct error *err)
{
	const struct container_options *options = creation->options;
	const char *receiver = creation->plan->container.pidfd_receiver;

	if (options->pidfd_socket &&
	    container_send_fd(options->pidfd_socket, "pidfd", creation->pidfd, err) < 0)
		return -1;
	if (receiver && container_send_fd(receiver, "pidfd", creation->pidfd, err) < 0)
		return -1;
	if (options->pid_file &&
	    container_write_pid(options->pid_file, creation->pid, err) < 0)
		return -1;
	if (container_publish_start(creation->entry, err) < 0)
		return -1;
	return leave(creation, err);
}

/* What has been there has an end, with its hooks (runtime-spec, runtime.md, "Lifecycle"). */
static void run_last_hooks(const struct creation *creation)
{
	const struct container_options *options = creation->options;
	const char *state;
	struct error err;

	if (creation->plan->container.hooks[HOOK_POSTSTOP].count == 0)
		return;
	state = container_state_text(creation->record, CONTAINER_STOPPED,
				     creation->arena);
	if (container_run_hooks(creation->plan, HOOK_POSTSTOP, state, &err) < 0 &&
	    options->warn)
		options->warn(options->context, &err);
}

static void give_up(struct creation *creation)
{
	struct error ignored;

	if (creation->pid > 0) {
		(void)kill(creation->pid, SIGKILL);
		while (waitpid(creation->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (creation->group.part_count > 0) {
		(void)group_kill(&creation->group, SIGKILL, &ignored);
		(void)group_remove(&creation->group, &ignored);
	}
	fd_close(&creation->pidfd);
	fd_close(&creation->console);
	if (creation->pid > 0)
		run_last_hooks(creation);
}

/* The quota of keys is small, and no reason to fail. */
static void take_keyring(const struct creation *creation, struct error *err)
{
	const struct container_options *options = creation->options;

	if (!options->no_new_keyring && keyring_own(err) > 0 && options->warn)
		options->warn(options->context, err);
}

static int make(struct creation *creation, const struct caller_text *caller,
		struct error *err)
{
	if (make_group(creation, err) < 0)
		return -1;
	take_keyring(creation, err);
	/* It is written while process 1 is busy with its mounts. */
	if (start(creation, caller, err) < 0 || record_process(creation, err) < 0)
		return -1;
	if (container_follow(creation, err) < 0)
		return -1;
	return tell(creation, err);
}

int container_create(const struct plan *plan, const struct container_options *options,
		     const struct caller_text *caller,
		     const struct container_entry *entry, struct container_record *record,
		     struct arena *arena, struct container_handle *ret_handle,
		     struct error *err)
{
	auto_close int signals = -1;
	struct creation creation = {
		.plan = plan,
		.options = options,
		.entry = entry,
		.record = record,
		.arena = arena,
		.pid = -1,
		.pidfd = -1,
		.socket = -1,
		.console = -1,
	};
	int failed;

	if (check_terminal(plan, options, err) < 0)
		return -1;
	signals = container_watch_signals(err);
	if (signals < 0)
		return -1;
	creation.signals = signals;
	failed = make(&creation, caller, err);
	fd_close(&creation.socket);
	if (failed)
		give_up(&creation);
	group_close(&creation.group);
	if (failed)
		return -1;
	*ret_handle = (struct container_handle){ .pid = creation.pid,
						 .pidfd = creation.pidfd,
						 .console = creation.console,
						 .notify = -1 };
	return 0;
}

void container_let_go(struct container_handle *handle)
{
	fd_close(&handle->pidfd);
	fd_close(&handle->console);
	fd_close(&handle->notify);
}
