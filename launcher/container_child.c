/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process 1 of a container. It is the configured process itself, so it takes on everything
 * that it will have, and then waits: in accept(2) on a socket in the container's entry, for
 * whoever starts it. From then on there is nobody to live or die with: no death signal, no
 * lifeline.
 *
 * A connection that closes without a word is somebody who looked whether the container
 * still waits. The one that says TURN_START becomes the socket of the turns: its end of file
 * says that the process was executed.
 */
#include "launcher/child.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "launcher/command.h"
#include "launcher/container_life.h"
#include "launcher/execute.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- hooks --------------------------------------------------------------------------------- */

/* In the namespaces of the container; what is allocated goes with the execution. */
static int run_hooks(const struct child *child, enum hook_kind kind,
		     enum container_status status, struct error *err)
{
	struct arena arena = { 0 };
	int failed;

	if (child->plan->container.hooks[kind].count == 0)
		return 0;
	failed = container_run_hooks(child->plan, kind,
				     container_state_text(child->record, status, &arena),
				     err);
	arena_free(&arena);
	return failed;
}

static int await_go(const struct child *child, int *ret_value, struct error *err)
{
	struct message message;
	int fd = -1;

	if (sync_receive(child->socket, &message, &fd) != 1)
		return error_set(err, ERROR_PLAIN,
				 "go on: the one that creates the container is gone");
	fd_close(&fd);
	if (message.turn != TURN_GO)
		return error_set(err, ERROR_PLAIN, "go on: a turn out of order");
	*ret_value = message.value;
	return 0;
}

/*
 * All is mounted. Whoever creates the container applies its limits, and runs the hooks that
 * belong outside; then it is our turn (runtime-spec, runtime.md, "Lifecycle").
 */
static int tell_mounted(void *context, struct error *err)
{
	const struct child *child = context;
	int pid = 0;

	if (sync_send_turn(child->socket, TURN_MOUNTED, 0) < 0)
		return error_errno(err, "tell that all is mounted");
	if (await_go(child, &pid, err) < 0)
		return -1;
	child->record->pid = pid;
	return run_hooks(child, HOOK_CREATE_CONTAINER, CONTAINER_CREATING, err);
}

/* Only the owner of its file system may map the ids of a mount. */
static int ask_for_map(void *context, int entry, int mount, struct error *err)
{
	const struct child *child = context;
	const struct message message = { .turn = TURN_MOUNT_IDS, .value = entry };
	int ignored;

	if (sync_send(child->socket, &message, mount) < 0)
		return error_errno(err, "hand over the mount whose ids are mapped");
	return await_go(child, &ignored, err);
}

/* ---- the stages ---------------------------------------------------------------------------- */

/* Nothing of the caller's or of the launcher's stays open but what is named. */
static int close_the_rest(const struct child *child, struct error *err)
{
	const struct process_spec *process = &child->plan->process;
	enum { OWN = 3 };
	int kept[CONTAINER_FDS_MAX + OWN] = { child->socket, child->start_socket,
					      child->proc };

	if (process->keep_fd_count > CONTAINER_FDS_MAX)
		return error_set(err, ERROR_RESOURCES, "keep more than %d descriptors",
				 CONTAINER_FDS_MAX);
	for (size_t i = 0; i < process->keep_fd_count; i++)
		kept[i + OWN] = process->keep_fds[i];
	fd_close_all_but(3, kept, process->keep_fd_count + OWN);
	return 0;
}

static int watch_launcher(struct child *child, struct error *err)
{
	if (stage_watch_launcher(child, err) < 0)
		return -1;
	return close_the_rest(child, err);
}

static int reach_sources(struct child *child, struct error *err)
{
	(void)err;
	container_root_reach(&child->plan->rootfs, child->sources);
	return 0;
}

static int open_network(struct child *child, struct error *err)
{
	if (!child->plan->net.loopback)
		return 0;
	return net_loopback_up(err) < 0 ? -1 : net_open_low_ports(err);
}

static int make_time(struct child *child, struct error *err)
{
	if (stage_make_time(child, err) < 0)
		return -1;
	return namespaces_enter_time(&child->plan->namespaces, err);
}

/* Nobody waits for a word where nothing is to be done outside. */
static bool is_awaited(const struct plan *plan)
{
	const struct hook_list *hooks = plan->container.hooks;

	return plan->container.has_resources || hooks[HOOK_PRESTART].count ||
	       hooks[HOOK_CREATE_RUNTIME].count || hooks[HOOK_CREATE_CONTAINER].count ||
	       hooks[HOOK_START_CONTAINER].count;
}

static int enter_root(struct child *child, struct error *err)
{
	const struct plan *plan = child->plan;
	const struct root_listener listener = {
		.mounted = is_awaited(plan) ? tell_mounted : NULL,
		.map_ids = ask_for_map,
		.context = child,
	};

	return container_root_enter(&plan->rootfs, &plan->namespaces,
				    plan->process.terminal, child->sources, &listener,
				    err);
}

/* As for any command, but that new privileges may be wanted. */
static int stand_alone(struct child *child, struct error *err)
{
	if (!protection_is_off("session") && setsid() < 0 && errno != EPERM)
		return error_errno(err, "make a session");
	(void)prctl(PR_SET_NAME, "sbx-init", 0, 0, 0);
	if (protection_is_off("closed init"))
		return 0;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "close the init to the command");
	return caller_text_hide(child, err);
}

static int check_file(struct child *child, struct error *err)
{
	command_complete_environment(child);
	return command_check_file(child, err);
}

static int settle(struct child *child, struct error *err)
{
	return command_settle(child, err);
}

static int find_program(struct child *child, struct error *err)
{
	return command_find(child, child->execution, err);
}

/* Until the launcher goes its death is ours, and every word of it is awaited. */
static int part_from_launcher(struct child *child, struct error *err)
{
	struct message message;
	int fd = -1;

	if (listen(child->start_socket, 8) < 0)
		return error_errno(err, "listen where the container is started");
	if (sync_send_turn(child->socket, TURN_READY, 0) < 0 ||
	    sync_receive(child->socket, &message, &fd) != 1 || message.turn != TURN_LEAVE)
		return error_set(err, ERROR_PLAIN,
				 "go on: the one that creates the container is gone");
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, "live without the launcher");
	/* The launcher waits for this end of the turns, and goes. */
	fd_close(&child->socket);
	return 0;
}

/*
 * Whoever made the user namespace may look into it before the start, and set up the network of
 * the process (runtime-spec, runtime.md, "Lifecycle"). Where the namespace was there before, its
 * root can do that anyway, and nobody else shall. Nobody can write the file that we run from.
 */
static int open_to_owner(const struct child *child, bool open, struct error *err)
{
	if (child->plan->namespaces.kinds[NS_USER].mode != NS_PRIVATE)
		return 0;
	if (prctl(PR_SET_DUMPABLE, open ? 1 : 0, 0, 0, 0) < 0)
		return error_errno(err, "be seen until the start");
	return 0;
}

/* The connection that says so, or -1: it was none. */
static int accept_start(int listener)
{
	struct message message;
	auto_close int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	int fd = -1;

	if (connection < 0 || sync_receive(connection, &message, &fd) != 1)
		return -1;
	fd_close(&fd);
	return message.turn == TURN_START ? fd_take(&connection) : -1;
}

static int await_start(struct child *child, struct error *err)
{
	if (open_to_owner(child, true, err) < 0 || part_from_launcher(child, err) < 0)
		return -1;
	do
		child->socket = accept_start(child->start_socket);
	while (child->socket < 0);
	/* It listens on, until it is executed: so long the container is created, not running. */
	return open_to_owner(child, false, err);
}

static int run_start_hooks(struct child *child, struct error *err)
{
	return run_hooks(child, HOOK_START_CONTAINER, CONTAINER_CREATED, err);
}

/* From the most power to the least; the table is the order. */
static const struct stage container_stages[] = {
	{ "watch the launcher", watch_launcher },
	{ "enter the cgroup", stage_enter_cgroup },
	{ "reach the sources", reach_sources },
	{ "wait for ids", stage_await_ids },
	{ "open the network", open_network },
	{ "weigh for memory", stage_weigh_oom },
	{ "name the host", stage_name_host },
	{ "make a time of its own", make_time },
	{ "enter the root", enter_root },
	{ "find the user", identity_find },
	{ "stand alone", stand_alone },
	{ "open the terminal", stage_open_terminal },
	{ "look at the program", check_file },
	{ "become the process", settle },
	{ "find the program", find_program },
	{ "wait to be started", await_start },
	{ "run the hooks of the start", run_start_hooks },
};

void container_child_run(struct child *child)
{
	struct message message = { .turn = TURN_FAILED };
	struct root_sources sources;
	struct execution execution;

	child->sources = &sources;
	child->execution = &execution;
	if (stages_run(child, container_stages,
		       sizeof(container_stages) / sizeof(*container_stages),
		       &message.err) < 0) {
		if (child->socket >= 0)
			(void)sync_send(child->socket, &message, -1);
		_exit(125);
	}
	(void)command_execute(child, &execution, &message.err);
	command_fail(child, &message);
}
