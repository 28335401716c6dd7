/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The join of a running sandbox. Three processes: the caller, which stays where it is; one
 * that it forks and which enters the namespaces; and the one which that clones as a sibling
 * of its own (CLONE_PARENT of clone(2)), since only what is made after the join lives in the
 * pid namespace. The second is gone at once. The third is a child of the caller's, and goes
 * through the stages below.
 *
 * Everything of the target is named by descriptors that were opened before anything was
 * joined, through the caller's /proc, while its start time said that it is the one that is
 * meant: a directory /proc/PID never becomes that of another process.
 */
#include "launcher/join.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/container_process.h"
#include "launcher/gvisor.h"
#include "launcher/keyring.h"
#include "launcher/state.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is known of the target before anything is joined. */
struct join {
	const struct join_target *target;
	int pidfd; /* -1: where a filter refuses it */
	int root;
	int namespaces[NS_COUNT]; /* those that are not ours already; else -1 */
};

/* ---- the target -------------------------------------------------------------------------- */

static int say_gone(const struct join_target *target, struct error *err)
{
	return error_set(err, ERROR_CONTAINER_STATE, "join process %d: it has ended",
			 target->pid);
}

/* Kernels before 5.6 have no time namespaces, and others may be built without some. */
static int open_namespace(int proc, enum ns_kind kind, int *ret_fd, struct error *err)
{
	char theirs[32], own[40];
	struct stat here, there;
	auto_close int fd = -1;

	snprintf(theirs, sizeof(theirs), "ns/%s", ns_name(kind));
	snprintf(own, sizeof(own), "/proc/self/ns/%s", ns_name(kind));
	fd = openat(proc, theirs, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && stat(own, &here) < 0)
		return 0;
	if (fd < 0 || fstat(fd, &there) < 0 || stat(own, &here) < 0)
		return error_errno_id(err, ERROR_NAMESPACE, "find the %s namespace",
				      ns_name(kind));
	if (!files_same(&here, &there))
		*ret_fd = fd_take(&fd);
	return 0;
}

static int open_all(struct join *join, struct error *err)
{
	auto_close int proc = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", join->target->pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return errno == ENOENT ? say_gone(join->target, err)
				       : error_errno(err, "look into %s", path);
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		if (open_namespace(proc, kind, &join->namespaces[kind], err) < 0)
			return -1;
	join->root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return join->root < 0 ? error_errno(err, "find the root") : 0;
}

static int find_target(struct join *join, struct error *err)
{
	const struct join_target *target = join->target;

	join->pidfd = sys_pidfd_open(target->pid, 0);
	if (join->pidfd < 0 && errno == ESRCH)
		return say_gone(target, err);
	if (open_all(join, err) < 0)
		return state_is_alive(target->pid, target->start_time)
			       ? error_within(err, "join process %d", target->pid)
			       : say_gone(target, err);
	/* Now: what was opened before belongs to the one that is still there. */
	return state_is_alive(target->pid, target->start_time) ? 0
							       : say_gone(target, err);
}

static void join_close(struct join *join)
{
	fd_close(&join->pidfd);
	fd_close(&join->root);
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		fd_close(&join->namespaces[kind]);
}

/* ---- the process that enters ------------------------------------------------------------- */

static int refuse(struct error *err)
{
	error_errno_id(err, ERROR_NAMESPACE, "enter the namespaces");
	return error_hint(err, "who started it can enter, and root");
}

/* One after the other, the user namespace first, for it has the power over the others. */
static int enter_each(const struct join *join, struct error *err)
{
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		if (join->namespaces[kind] >= 0 && setns(join->namespaces[kind], 0) < 0)
			return refuse(err);
	return 0;
}

/* By the pidfd at once since 5.8 (setns(2)). */
static int enter_namespaces(const struct join *join, struct error *err)
{
	int flags = 0;

	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		if (join->namespaces[kind] >= 0)
			flags |= ns_flag(kind);
	if (flags == 0)
		return 0;
	if (join->pidfd >= 0 && setns(join->pidfd, flags) == 0)
		return 0;
	if (join->pidfd >= 0 && errno == ESRCH)
		return say_gone(join->target, err);
	return join->pidfd < 0 || errno == EINVAL ? enter_each(join, err) : refuse(err);
}

/*
 * A process that was replaced by another one of the sandbox's making, a namespace that the
 * target has left meanwhile: whatever differs from what was opened is no join. proc is the
 * caller's /proc/self: that of the sandbox could say anything.
 */
static int check_namespaces(const struct join *join, int proc, struct error *err)
{
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++) {
		struct stat wanted, found;
		char path[40];

		if (join->namespaces[kind] < 0)
			continue;
		snprintf(path, sizeof(path), "ns/%s%s", ns_name(kind),
			 kind == NS_PID || kind == NS_TIME ? "_for_children" : "");
		if (fstat(join->namespaces[kind], &wanted) < 0 ||
		    fstatat(proc, path, &found, 0) < 0)
			return error_errno_id(err, ERROR_NAMESPACE,
					      "check the %s namespace", ns_name(kind));
		if (!files_same(&wanted, &found))
			return error_set(err, ERROR_NAMESPACE,
					 "join: the %s namespace has changed meanwhile",
					 ns_name(kind));
	}
	return 0;
}

/* The root of a mount namespace is not that of whoever was put into a directory of it. */
static int enter_root(const struct join *join, struct error *err)
{
	struct stat wanted, found;

	if (fstat(join->root, &wanted) < 0 || stat("/", &found) < 0)
		return error_errno(err, "look at the root");
	if (join->namespaces[NS_MOUNT] < 0 && files_same(&wanted, &found))
		return 0;
	if (fchdir(join->root) < 0 || chroot(".") < 0)
		return error_errno(err, "enter the root");
	if (stat("/", &found) < 0 || !files_same(&wanted, &found))
		return error_set(err, ERROR_NAMESPACE, "enter the root: it is another");
	return 0;
}

/* Joining a user namespace may have opened the process to others (prctl(2)). */
static int enter(const struct join *join, const struct plan *plan, struct error *err)
{
	const struct join_target *target = join->target;
	auto_close int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		return error_errno(err, "open /proc");
	if ((target->enter_group && target->enter_group(target->context, err) < 0) ||
	    limits_weigh_oom(&plan->policy.limits, err) < 0 ||
	    enter_namespaces(join, err) < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "stay closed to the sandbox");
	return check_namespaces(join, proc, err) < 0 ? -1 : enter_root(join, err);
}

/* ---- the process that stays -------------------------------------------------------------- */

static int drop_groups(struct child *child, struct error *err)
{
	if (child->steps || protection_is_off("groups"))
		return 0;
	return ids_drop_groups(&child->plan->ids, err);
}

/*
 * A file of the caller's that is open for reading could be opened for writing through
 * /proc; no mount of its own can be made for it here. Engines hand on what they mean to.
 */
static int seal_stdin(struct child *child, struct error *err)
{
	return child->stdin_path[0] ? stdin_feed_by_pipe(child, err) : 0;
}

/* In the sandbox from the beginning; from the most power to the least. */
static const struct stage join_stages[] = {
	{ "watch the launcher", stage_watch_launcher },
	{ "seal the standard input", seal_stdin },
	{ "drop groups", drop_groups },
	{ "find the user", identity_find },
	{ "stand alone", stage_stand_alone },
	{ "open the terminal", stage_open_terminal },
	{ "start the command", stage_start_command },
};

/* Tells the caller of the child, or why there is none. */
static _Noreturn void enter_and_clone(struct join *join, struct child *child, int report)
{
	struct message message = { .turn = TURN_FAILED };
	int pidfd = -1;
	pid_t pid;

	if (enter(join, child->plan, &message.err) < 0) {
		(void)sync_send(report, &message, -1);
		_exit(125);
	}
	pid = sys_clone_sibling(&pidfd);
	if (pid == 0) {
		(void)close(report);
		join_close(join);
		if (child->gvisor)
			gvisor_exec_run(child);
		child_live(child, join_stages,
			   sizeof(join_stages) / sizeof(*join_stages));
	}
	if (pid < 0)
		error_errno_id(&message.err, ERROR_RESOURCES,
			       "make a process for the command");
	else
		message = (struct message){ .turn = TURN_STARTED, .value = pid };
	(void)sync_send(report, &message, pidfd);
	_exit(0);
}

/* ---- the caller -------------------------------------------------------------------------- */

static int hear(int report, struct sandbox *sandbox, struct error *err)
{
	struct message message;
	int fd = -1;

	if (sync_receive(report, &message, &fd) != 1)
		return error_set(err, ERROR_PLAIN,
				 "join the sandbox: the process that did is gone");
	if (message.turn == TURN_FAILED) {
		*err = message.err;
		return -1;
	}
	sandbox->init = message.value;
	sandbox->pidfd = fd;
	return 0;
}

static int start(struct join *join, struct child *child, struct sandbox *sandbox,
		 struct error *err)
{
	auto_close int ours = -1;
	auto_close int theirs = -1;
	int ends[2];
	int failed;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "make a socket pair");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid == 0) {
		(void)close(ours);
		enter_and_clone(join, child, theirs);
	}
	fd_close(&theirs);
	if (pid < 0)
		return error_errno_id(err, ERROR_RESOURCES, "make a process");
	failed = hear(ours, sandbox, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return failed;
}

int join_start(const struct plan *plan, const struct join_target *target,
	       const struct caller_text *caller, struct sandbox *ret_sandbox,
	       struct error *err)
{
	struct join join = { .target = target, .pidfd = -1, .root = -1 };
	struct child child = {
		.plan = plan,
		.terminal = -1,
		.binfmt = -1,
		.net_control = -1,
		.net_end = -1,
		.caller_text = caller->start,
		.caller_text_size = caller->size,
		.joins = true,
		.stays = target->stays,
		.steps = target->steps,
	};
	struct gvisor_start gvisor = { .state = GVISOR_STATE };
	auto_close int launcher_end = -1;
	auto_close int child_end = -1;
	int ends[2];
	int failed;

	if (plan->runtime.kind == RUNTIME_RUNSC)
		child.gvisor = &gvisor;
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		join.namespaces[kind] = -1;
	/* The sandbox may look at whoever is in its namespaces: at no moment at us. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "close the launcher to the sandbox");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "make a socket pair");
	launcher_end = child.launcher_socket = ends[0];
	child_end = ends[1];
	child.socket = child_end;
	if (target->steps ? target->steps->prepare(&child, err) < 0
			  : keyring_leave(err) < 0)
		return -1;
	child.own_file.strict = true;
	own_file_note("/proc/self/exe", &child.own_file);
	if (!plan->container.given && !child.gvisor)
		stdin_note(&child);
	failed = find_target(&join, err);
	if (!failed)
		failed = start(&join, &child, ret_sandbox, err);
	join_close(&join);
	if (!failed)
		ret_sandbox->socket = fd_take(&launcher_end);
	return failed;
}
