/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's half of a start. It begins with every power in its own user namespace and
 * gives it away stage by stage; the table below is the order, and the order is a security
 * property. The command is started by the last stage but one: it takes what it keeps out
 * of what the child still has, and then the child, which is the init from then on, drops
 * the rest.
 */
#include "launcher/child.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * The death signal is armed as the first act; a launcher that died before it is seen by
 * the end of file on the socket, once our own copy of its end is closed.
 */
int stage_watch_launcher(struct child *child, struct error *err)
{
	struct pollfd end = { .fd = child->socket };

	if (!protection_is_off("death signal") &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "ask for the death signal");
	fd_close(&child->launcher_socket);
	fd_close(&child->net_control);
	if (poll(&end, 1, 0) < 0)
		return error_errno(err, "look for the launcher");
	if (end.revents & (POLLHUP | POLLERR))
		return error_set(err, ERROR_PLAIN, "go on without the launcher");
	return 0;
}

/*
 * Who has no id in the map can own no file: the first ids of the map are as good. A change
 * of ids takes the death signal and the own /proc files away (prctl(2)).
 */
static int take_mapped_ids(const struct child *child, struct error *err)
{
	const struct ids_spec *ids = &child->plan->ids;

	if (!child->own_ids_unmapped)
		return 0;
	if (sys_setresgid(ids->gids.ranges[0].inside) < 0 ||
	    sys_setresuid(ids->uids.ranges[0].inside) < 0)
		return error_errno_id(err, ERROR_IDS, "take the first ids of the map");
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "ask for the death signal again");
	return 0;
}

int stage_await_ids(struct child *child, struct error *err)
{
	struct message message;
	int fd = -1;

	if (child->plan->namespaces.kinds[NS_USER].mode != NS_PRIVATE)
		return 0;
	if (!child->mapped_by_parent)
		return ids_map_self(&child->plan->ids, err);
	if (sync_receive(child->socket, &message, &fd) != 1 ||
	    message.turn != TURN_IDS_MAPPED)
		return error_set(err, ERROR_PLAIN,
				 "wait for the ids: the launcher is gone");
	return take_mapped_ids(child, err);
}

/*
 * The root of the own cgroup namespace is where one lives when it is made: a child that was
 * moved makes it after that (cgroup_namespaces(7)).
 */
int stage_enter_cgroup(struct child *child, struct error *err)
{
	const struct ns_choice *own = &child->plan->namespaces.kinds[NS_CGROUP];
	struct message message;
	int fd = -1;

	cgroup_forget(&child->bounds.group);
	if (!child->moved)
		return 0;
	if (sync_receive(child->socket, &message, &fd) != 1 || message.turn != TURN_MOVED)
		return error_set(err, ERROR_PLAIN,
				 "wait for the cgroup: the launcher is gone");
	if (own->mode == NS_PRIVATE && !child->plan->policy.landlock.whole &&
	    !protection_is_off("cgroup") && unshare(CLONE_NEWCGROUP) < 0)
		return error_errno_id(err, ERROR_NAMESPACE, "make a cgroup namespace");
	return 0;
}

int stage_open_network(struct child *child, struct error *err)
{
	if (!child->plan->net.loopback)
		return 0;
	if (net_loopback_up(err) < 0)
		return -1;
	if (net_open_low_ports(err) < 0)
		return -1;
	return child->net_end < 0 ? 0 : net_service_enter(child->net_end, err);
}

/* sbx-net has worked on it since; nothing of it is the command's. */
int stage_await_network(struct child *child, struct error *err)
{
	if (child->net_end < 0)
		return 0;
	if (net_service_await(child->net_end, err) < 0)
		return -1;
	fd_close(&child->net_end);
	return 0;
}

int stdin_feed_by_pipe(const struct child *child, struct error *err)
{
	const struct message message = { .turn = TURN_STDIN_PIPE };
	auto_close int reading = -1;
	auto_close int writing = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe for the standard input");
	reading = ends[0];
	writing = ends[1];
	if (sync_send(child->socket, &message, writing) < 0)
		return error_errno(err, "hand the pipe of the standard input over");
	if (dup2(reading, STDIN_FILENO) < 0)
		return error_errno(err, "replace the standard input");
	return 0;
}

static int seal_stdin(struct child *child, struct error *err)
{
	int missed;

	if (child->stdin_path[0] == '\0' || child->plan->process.stdin_null)
		return 0;
	missed = stdin_seal(STDIN_FILENO, child->stdin_path, err);
	if (missed < 0)
		return -1;
	if (missed)
		return stdin_feed_by_pipe(child, err);
	child->stdin_sealed = true;
	return 0;
}

int stage_name_host(struct child *child, struct error *err)
{
	if (namespaces_set_hostname(&child->plan->namespaces, err) < 0)
		return -1;
	return namespaces_write_sysctls(&child->plan->namespaces, err);
}

int stage_make_time(struct child *child, struct error *err)
{
	return namespaces_make_time(&child->plan->namespaces, err);
}

/* Through the caller's /proc: the sandbox may have none. */
int stage_weigh_oom(struct child *child, struct error *err)
{
	return limits_weigh_oom(&child->plan->policy.limits, err);
}

/* The launcher starts the server: it has to live where the command cannot see it. */
static int ask_for_server(void *context, const struct fuse_layers *layers,
			  struct error *err)
{
	const struct child *child = context;
	const struct message place = { .turn = TURN_LAYERS, .value = (int)layers->uid };
	const struct message device = { .turn = TURN_FUSE, .value = (int)layers->gid };

	if ((layers->place >= 0 && sync_send(child->socket, &place, layers->place) < 0) ||
	    sync_send(child->socket, &device, layers->device) < 0)
		return error_errno(err, "ask for a fuse-overlayfs");
	return 0;
}

/* Held open by the init: it goes with the sandbox. */
static int serve_machine(struct child *child, struct error *err)
{
	const char *machine = child->plan->rootfs.machine;

	if (!machine)
		return 0;
	child->binfmt = binfmt_register(machine, err);
	return child->binfmt < 0 ? -1 : 0;
}

/* The launcher reads it when all is over. */
static int tell_of_layer(void *context, int entry, int layer, struct error *err)
{
	const struct child *child = context;
	const struct message message = { .turn = TURN_WRITTEN, .value = entry };

	if (sync_send(child->socket, &message, layer) < 0)
		return error_errno(err, "hand over the layer that is written to");
	return 0;
}

int stage_enter_root(struct child *child, struct error *err)
{
	const struct plan *plan = child->plan;
	const struct fuse_server server = { ask_for_server, child };
	const struct root_listener listener = { .tell = tell_of_layer, .context = child };

	return rootfs_enter(&plan->rootfs, &plan->namespaces, plan->process.terminal,
			    &server, life_is_recorded(&plan->life) ? &listener : NULL,
			    err);
}

/* After the sources were opened: some may be readable by a group only. */
int stage_drop_groups(struct child *child, struct error *err)
{
	return protection_is_off("groups") ? 0 : ids_drop_groups(&child->plan->ids, err);
}

int stage_open_terminal(struct child *child, struct error *err)
{
	return child->plan->process.terminal ? terminal_open(child, err) : 0;
}

/*
 * A session of our own: no terminal of the caller, and no signal to its process group
 * reaches out. From here on init is a closed book to the command (prctl(2)).
 */
int stage_stand_alone(struct child *child, struct error *err)
{
	if (!protection_is_off("session") && setsid() < 0 && errno != EPERM)
		return error_errno(err, "make a session");
	if (!child->plan->policy.caps.may_gain &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "give up new privileges");
	if (!protection_is_off("closed init") && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "close the init to the command");
	return protection_is_off("closed init") ? 0 : caller_text_hide(child, err);
}

int stage_start_command(struct child *child, struct error *err)
{
	if (reaper_prepare(child, err) < 0)
		return -1;
	if (!child->steps && !protection_is_off("capabilities") &&
	    caps_bound(child->plan->policy.caps.kept, err) < 0)
		return -1;
	if (child->plan->process.no_init)
		return command_become(child, err);
	child->command = command_start(child, err);
	return child->command < 0 ? -1 : 0;
}

int stage_drop_capabilities(struct child *child, struct error *err)
{
	(void)child;
	return caps_drop_all(err);
}

/*
 * What the child does between clone3() and its life as the reaper, from the most power to
 * the least. This table is the order: nothing else decides it.
 */
static const struct stage native_stages[] = {
	{ "watch the launcher", stage_watch_launcher },
	{ "enter the cgroup", stage_enter_cgroup },
	{ "wait for ids", stage_await_ids },
	{ "open the network", stage_open_network },
	{ "weigh for memory", stage_weigh_oom },
	{ "seal the standard input", seal_stdin },
	{ "name the host", stage_name_host },
	{ "make a time of its own", stage_make_time },
	{ "serve another machine", serve_machine },
	{ "enter the root", stage_enter_root },
	{ "drop groups", stage_drop_groups },
	{ "find the user", identity_find },
	{ "stand alone", stage_stand_alone },
	{ "open the terminal", stage_open_terminal },
	{ "wait for the network", stage_await_network },
	{ "start the command", stage_start_command },
	{ "drop capabilities", stage_drop_capabilities },
};

int stages_run(struct child *child, const struct stage *stages, size_t count,
	       struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (stage_must_fail(stages[i].name))
			return error_set(err, ERROR_PLAIN, "%s: made to fail",
					 stages[i].name);
		if (stages[i].run(child, err) < 0)
			return -1;
	}
	return 0;
}

void child_live(struct child *child, const struct stage *stages, size_t count)
{
	struct message message = { .turn = TURN_FAILED };

	if (stages_run(child, stages, count, &message.err) < 0) {
		/* Whom should it be told if the launcher is gone too? */
		(void)sync_send(child->socket, &message, -1);
		/* It is no child of process 1 with --share pid. */
		if (child->command > 0)
			(void)kill(child->command, SIGKILL);
		_exit(125);
	}
	reaper_run(child);
}

void child_run(struct child *child)
{
	child_live(child, native_stages, sizeof(native_stages) / sizeof(*native_stages));
}
