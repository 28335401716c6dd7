/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clone of process 1 of a container. Whoever creates the container stays where it is:
 * hooks run in its namespaces, and what it writes lies in its tree. So namespaces that are
 * joined are joined by a process in between, which makes the child as a sibling of its own
 * (clone(2), CLONE_PARENT), and is gone.
 */
#include "launcher/container_life.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool joins_any(const struct namespaces_spec *spec)
{
	for (int kind = 0; kind < NS_COUNT; kind++)
		if (spec->kinds[kind].mode == NS_JOINED)
			return true;
	return false;
}

/* ---- the child itself ------------------------------------------------------------------ */

/* Where the group cannot be entered at once, the child is moved there and told. */
static pid_t clone_here(struct child *child, int group, int *ret_pidfd)
{
	const uint64_t flags = namespaces_clone_flags(&child->plan->namespaces);

	if (group >= 0) {
		const pid_t pid = sys_clone_into(flags, group, ret_pidfd);

		/* EACCES: between our group and that one lies what is not ours. */
		if (pid >= 0 || (errno != ENOSYS && errno != EPERM && errno != EACCES &&
				 errno != EINVAL && errno != E2BIG))
			return pid;
		child->moved = true;
	}
	return sys_clone_child(flags & ~(child->moved ? (uint64_t)CLONE_NEWCGROUP : 0),
			       ret_pidfd);
}

/* No signal is named: with CLONE_PARENT it is that of the caller. */
static pid_t clone_sibling(struct child *child)
{
	uint64_t flags = namespaces_clone_flags(&child->plan->namespaces);
	struct sys_clone_args args = { 0 };

	if (child->moved)
		flags &= ~(uint64_t)CLONE_NEWCGROUP;
	args.flags = flags | CLONE_PARENT;
	return sys_clone3(&args);
}

/* Shares the memory of its parent, which waits: vfork(2). */
static _Noreturn void join_and_clone(struct child *child, volatile pid_t *ret_pid,
				     struct error *err)
{
	const struct namespaces_spec *spec = &child->plan->namespaces;
	pid_t pid;

	if (namespaces_join(spec, err) < 0)
		_exit(1);
	/* In a user namespace that others are in nobody may look into us or into the child. */
	if (spec->kinds[NS_USER].mode == NS_JOINED &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		error_errno(err, "close the launcher to the container");
		_exit(1);
	}
	pid = clone_sibling(child);
	if (pid == 0)
		container_child_run(child);
	if (pid < 0)
		namespaces_explain_refusal(errno, err);
	*ret_pid = pid;
	_exit(pid < 0);
}

static int clone_joined(struct creation *creation, struct child *child, struct error *err)
{
	volatile pid_t pid = -1;
	pid_t between;

	child->moved = creation->group.part_count > 0;
	between = vfork();
	if (between < 0)
		return error_errno_id(err, ERROR_RESOURCES, "make a process");
	if (between == 0)
		join_and_clone(child, &pid, err);
	while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return -1;
	creation->pid = pid;
	creation->pidfd = sys_pidfd_open(pid, 0);
	return creation->pidfd < 0 ? error_errno(err, "watch the container") : 0;
}

/* A configuration may be one for root: other namespaces need a user namespace around them. */
static int refuse_clone(const struct creation *creation, int errnum, struct error *err)
{
	if (errnum != EPERM ||
	    creation->plan->namespaces.kinds[NS_USER].mode != NS_SHARED)
		return namespaces_explain_refusal(errnum, err);
	error_set(
		err, ERROR_USERNS_FORBIDDEN,
		"make the namespaces: the configuration has no user namespace, and without "
		"one that is for root alone");
	return error_hint(err,
			  "add {\"type\": \"user\"} to linux.namespaces, or take what "
			  "sbx-oci spec writes");
}

static int clone_new(struct creation *creation, struct child *child, struct error *err)
{
	const int group = group_clone_fd(&creation->group);
	int pidfd = -1;
	pid_t pid;

	child->moved = group < 0 && creation->group.part_count > 0;
	pid = clone_here(child, group, &pidfd);
	if (pid < 0)
		return refuse_clone(creation, errno, err);
	if (pid == 0)
		container_child_run(child);
	creation->pid = pid;
	creation->pidfd = pidfd;
	return 0;
}

/* ---- what it waits for -------------------------------------------------------------------- */

static int move(const struct creation *creation, const struct child *child,
		struct error *err)
{
	if (!child->moved)
		return 0;
	if (group_move(&creation->group, creation->pid, err) < 0)
		return -1;
	if (sync_send_turn(creation->socket, TURN_MOVED, 0) < 0 && errno != EPIPE)
		return error_errno(err, "tell the container that it was moved");
	return 0;
}

/* In the words of a configuration, where the wing knows those of sbx run. */
static int refuse_map(struct error *err)
{
	if (!ids_helper_path("newuidmap") || !ids_helper_path("newgidmap"))
		return error_hint(err,
				  "sudo apt-get install uidmap, or map no id but this "
				  "user's");
	return error_hint(
		err, "linux.uidMappings and gidMappings may name this user's id, and "
		     "its ranges in /etc/subuid and /etc/subgid; left out, they are "
		     "made of these");
}

static int map_ids(const struct creation *creation, const struct child *child,
		   struct error *err)
{
	if (!child->mapped_by_parent)
		return 0;
	if (ids_map_child(&creation->plan->ids, creation->pid, err) < 0)
		return refuse_map(err);
	/* A child that is gone has said why, or the end of the turns will tell. */
	if (sync_send_turn(creation->socket, TURN_IDS_MAPPED, 0) < 0 && errno != EPIPE)
		return error_errno(err, "tell the container that its ids are mapped");
	return 0;
}

int container_clone(struct creation *creation, struct child *child, struct error *err)
{
	const struct plan *plan = creation->plan;
	const bool own_ids = plan->namespaces.kinds[NS_USER].mode == NS_PRIVATE;

	child->mapped_by_parent = own_ids && ids_mapped_by_parent(&plan->ids);
	child->own_ids_unmapped =
		child->mapped_by_parent && !(id_map_covers(&plan->ids.uids, geteuid()) &&
					     id_map_covers(&plan->ids.gids, getegid()));
	if ((joins_any(&plan->namespaces) ? clone_joined(creation, child, err)
					  : clone_new(creation, child, err)) < 0)
		return -1;
	return move(creation, child, err) < 0 ? -1 : map_ids(creation, child, err);
}
