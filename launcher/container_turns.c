/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with process 1 of a container that is being made. */
#include "launcher/container_life.h"

#include "base/error.h"
#include "base/fd.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A signal that would end us ends the creation: nothing of it is left then. */
static int judge_signal(int signals, struct error *err)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	return error_set(err, ERROR_PLAIN, "go on: signal %u (%s) came", info.ssi_signo,
			 strsignal((int)info.ssi_signo));
}

int container_await_turn(int socket, int signals, struct error *err)
{
	struct pollfd events[2] = {
		{ .fd = socket, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (events[0].revents == 0) {
		if (poll(events, 2, -1) < 0 && errno != EINTR)
			return error_errno(err, "wait for the container");
		if (events[1].revents && judge_signal(signals, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what is done for it -------------------------------------------------------------- */

static int run_hooks(const struct creation *creation, enum hook_kind kind,
		     struct error *err)
{
	if (creation->plan->container.hooks[kind].count == 0)
		return 0;
	return container_run_hooks(creation->plan, kind,
				   container_state_text(creation->record,
							CONTAINER_CREATING,
							creation->arena),
				   err);
}

static int apply_limits(const struct creation *creation, struct error *err)
{
	const struct container_spec *container = &creation->plan->container;
	const struct container_options *options = creation->options;
	int applied;

	if (!container->has_resources)
		return 0;
	applied = group_apply(&creation->group, &container->resources,
			      options->best_effort, err);
	if (applied > 0 && options->warn)
		options->warn(options->context, err);
	return applied < 0 ? -1 : 0;
}

/* Nodes have been made by now: rules for devices do not stand in their way. */
static int finish_outside(const struct creation *creation, struct error *err)
{
	if (apply_limits(creation, err) < 0)
		return -1;
	if (run_hooks(creation, HOOK_PRESTART, err) < 0 ||
	    run_hooks(creation, HOOK_CREATE_RUNTIME, err) < 0)
		return -1;
	if (sync_send_turn(creation->socket, TURN_GO, creation->pid) < 0 &&
	    errno != EPIPE)
		return error_errno(err, "tell the container to go on");
	return 0;
}

static int take_console(struct creation *creation, int *master, struct error *err)
{
	if (!creation->options->console_socket) {
		creation->console = fd_take(master);
		return 0;
	}
	return container_send_fd(creation->options->console_socket, "/dev/ptmx", *master,
				 err);
}

static int map_mount(const struct creation *creation, int entry, int mount,
		     struct error *err)
{
	const struct rootfs_spec *rootfs = &creation->plan->rootfs;

	if (entry < 1 || (size_t)entry > rootfs->mount_count ||
	    !rootfs->mounts[entry - 1].id_map)
		return error_set(err, ERROR_PLAIN, "map ids: there is no such mount");
	if (mount_map_ids(mount, rootfs->mounts[entry - 1].id_map, err) < 0)
		return -1;
	if (sync_send_turn(creation->socket, TURN_GO, 0) < 0 && errno != EPIPE)
		return error_errno(err, "tell the container to go on");
	return 0;
}

/* ---- turns ----------------------------------------------------------------------------- */

/* 1: it waits to be started. */
static int answer(struct creation *creation, const struct message *message, int *fd,
		  struct error *err)
{
	switch (message->turn) {
	case TURN_READY:
		return 1;
	case TURN_MOUNTED:
		return finish_outside(creation, err);
	case TURN_CONSOLE:
		return take_console(creation, fd, err);
	case TURN_MOUNT_IDS:
		return map_mount(creation, message->value, *fd, err);
	case TURN_FAILED:
		*err = message->err;
		return -1;
	case TURN_MOVED:
	case TURN_IDS_MAPPED:
	case TURN_NAMESPACES:
	case TURN_GO:
	case TURN_STDIN_PIPE:
	case TURN_OUTPUT:
	case TURN_LOG:
	case TURN_WRITTEN:
	case TURN_LAYERS:
	case TURN_FUSE:
	case TURN_LISTENER:
	case TURN_STARTED:
	case TURN_SIGNAL:
	case TURN_GROUP_SIGNAL:
	case TURN_STOPPED:
	case TURN_ENDED:
	case TURN_LEAVE:
	case TURN_START:
		break;
	}
	return error_set(err, ERROR_PLAIN, "go on: a turn out of order");
}

static int fail_without_word(const struct creation *creation, struct error *err)
{
	if (group_oom_kills(&creation->group) > 0) {
		error_set(err, ERROR_LIMIT,
			  "create the container: its memory limit was reached");
		return error_hint(err, "linux.resources.memory.limit raises it");
	}
	return error_set(err, ERROR_PLAIN,
			 "create the container: its process ended without a word");
}

int container_follow(struct creation *creation, struct error *err)
{
	int done = 0;

	while (done == 0) {
		struct message message = { 0 };
		auto_close int fd = -1;

		if (container_await_turn(creation->socket, creation->signals, err) < 0)
			return error_within(err, "create the container");
		if (sync_receive(creation->socket, &message, &fd) != 1)
			return fail_without_word(creation, err);
		done = answer(creation, &message, &fd, err);
	}
	return done < 0 ? -1 : 0;
}
