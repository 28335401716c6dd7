/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's half of a start: what must be made before the clone, the one clone3(2),
 * and the id maps. The child's half is native_child.c.
 */
#include "launcher/executor.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/bounds.h"
#include "launcher/child.h"
#include "launcher/gvisor.h"
#include "launcher/keyring.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A standard input that is a regular file open for reading only: where it lies. */
void stdin_note(struct child *child)
{
	struct stat status;
	ssize_t length;

	if (fstat(STDIN_FILENO, &status) < 0 || !S_ISREG(status.st_mode) ||
	    (fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) != O_RDONLY ||
	    protection_is_off("seal stdin"))
		return;
	length = readlink("/proc/self/fd/0", child->stdin_path,
			  sizeof(child->stdin_path) - 1);
	child->stdin_path[length > 0 ? length : 0] = '\0';
	/* Without a name it cannot be opened again: the pipe is asked for with a bad one. */
	if (length <= 0)
		child->stdin_path[0] = '?';
}

static int clone_child(struct child *child, int launcher_socket,
		       struct sandbox *ret_sandbox, struct error *err)
{
	int pidfd = -1;
	pid_t pid = bounds_clone(child, namespaces_clone_flags(&child->plan->namespaces),
				 &pidfd);

	if (pid < 0)
		return namespaces_explain_refusal(errno, err);
	if (pid == 0 && child->gvisor)
		gvisor_child_run(child);
	if (pid == 0)
		child_run(child);
	ret_sandbox->init = pid;
	ret_sandbox->pidfd = pidfd;
	ret_sandbox->socket = launcher_socket;
	return 0;
}

static void give_up(struct sandbox *sandbox)
{
	(void)kill(sandbox->init, SIGKILL);
	while (waitpid(sandbox->init, NULL, 0) < 0 && errno == EINTR)
		;
	fd_close(&sandbox->pidfd);
}

static int map_ids(const struct plan *plan, struct sandbox *sandbox, struct error *err)
{
	if (stage_must_fail("map ids"))
		return error_set(err, ERROR_IDS, "map ids: made to fail");
	if (ids_map_child(&plan->ids, sandbox->init, err) < 0)
		return -1;
	/* A child that is gone has said why, or the end of the turns will tell. */
	if (sync_send_turn(sandbox->socket, TURN_IDS_MAPPED, 0) < 0 && errno != EPIPE)
		return error_errno(err, "tell the sandbox that its ids are mapped");
	return 0;
}

int namespaces_start(const struct plan *plan, const struct caller_text *caller,
		     const struct bounds *bounds, struct gvisor_start *gvisor,
		     struct sandbox *ret_sandbox, struct error *err)
{
	int ends[2];
	auto_close int launcher_end = -1;
	auto_close int child_end = -1;
	struct sandbox sandbox = { .init = -1, .pidfd = -1, .socket = -1 };
	struct network *network = &ret_sandbox->network;
	struct child child = {
		.plan = plan,
		.terminal = -1,
		.binfmt = -1,
		.caller_text = caller->start,
		.caller_text_size = caller->size,
		.bounds = *bounds,
		.gvisor = gvisor,
	};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "make a socket pair");
	launcher_end = ends[0];
	child_end = ends[1];
	/* First of all: it gets ready meanwhile. */
	if (network_start(network, plan, err) < 0)
		return -1;
	child.net_control = network->service.control;
	child.net_end = network->service.sandbox_end;
	if (keyring_leave(err) < 0 || namespaces_join(&plan->namespaces, err) < 0)
		return -1;
	/*
	 * In a user namespace that others are in already nobody may look into us, or into
	 * the child before it has dropped its power. No map has to be written then.
	 */
	if (plan->namespaces.kinds[NS_USER].mode == NS_JOINED &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "close the launcher to the sandbox");
	child.own_file.strict = plan->rootfs.kind != ROOT_HOST;
	own_file_note("/proc/self/exe", &child.own_file);
	if (!gvisor)
		stdin_note(&child);
	child.socket = child_end;
	child.launcher_socket = launcher_end;
	child.mapped_by_parent = ids_mapped_by_parent(&plan->ids) &&
				 plan->namespaces.kinds[NS_USER].mode == NS_PRIVATE;
	child.own_ids_unmapped =
		child.mapped_by_parent && !(id_map_covers(&plan->ids.uids, geteuid()) &&
					    id_map_covers(&plan->ids.gids, getegid()));
	if (clone_child(&child, launcher_end, &sandbox, err) < 0)
		return -1;
	if (bounds_move(&child, &sandbox, err) < 0 ||
	    (child.mapped_by_parent && map_ids(plan, &sandbox, err) < 0)) {
		give_up(&sandbox);
		return -1;
	}
	(void)fd_take(&launcher_end);
	fd_close(&network->service.sandbox_end);
	sandbox.network = *network;
	*ret_sandbox = sandbox;
	return 0;
}

static int native_start(const struct plan *plan, const struct caller_text *caller,
			const struct bounds *bounds, struct sandbox *ret_sandbox,
			struct error *err)
{
	return namespaces_start(plan, caller, bounds, NULL, ret_sandbox, err);
}

const struct executor native_executor = { "native", native_start, NULL };
