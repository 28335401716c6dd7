/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clone of the child. A pid namespace below one that was joined can only be made by a
 * process that lives in the joined one (pid_namespaces(7)): one in between makes the child
 * as a sibling of its own (clone(2), CLONE_PARENT), and is gone.
 */
#include "launcher/wrap.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "plan/plan.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The pid of who has written one byte, as the launcher sees it (unix(7)). */
static pid_t receive_pid(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	struct ucred sender;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_CREDENTIALS)
		return -1;
	memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	return sender.pid;
}

/* In between: 0 or the errno of the clone is its exit status. */
static _Noreturn void clone_sibling(struct child *child, uint64_t flags, int pid_socket)
{
	const struct sys_clone_args args = { .flags = flags | CLONE_PARENT };
	const pid_t pid = sys_clone3(&args);

	if (pid != 0)
		_exit(pid < 0 ? errno : 0);
	(void)fd_write_all(pid_socket, "", 1);
	(void)close(pid_socket);
	wrap_child_run(child);
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ECHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static pid_t clone_below(struct child *child, uint64_t flags)
{
	const int on = 1;
	int ends[2], failed;
	auto_close int receiver = -1;
	auto_close int sender = -1;
	pid_t between;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	receiver = ends[0];
	sender = ends[1];
	if (setsockopt(receiver, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -1;
	between = fork();
	if (between < 0)
		return -1;
	if (between == 0)
		clone_sibling(child, flags, sender);
	fd_close(&sender);
	failed = wait_for(between);
	if (failed) {
		errno = failed;
		return -1;
	}
	return receive_pid(receiver);
}

int wrap_join(const struct plan *plan, struct error *err)
{
	struct namespaces_spec spec = plan->namespaces;
	const bool joins_user = spec.kinds[NS_USER].mode == NS_JOINED;

	if (spec.kinds[NS_PID].path)
		spec.kinds[NS_PID].mode = NS_JOINED;
	if (namespaces_join(&spec, err) < 0) {
		if (joins_user)
			return wrap_explain_join(err);
		errno = err->errnum ? err->errnum : EINVAL;
		return error_errno(err, "Setting pidns failed");
	}
	if (joins_user && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_DUMPABLE) failed");
	return 0;
}

pid_t wrap_clone(struct child *child)
{
	auto_close int pidfd = -1;
	const struct namespaces_spec *spec = &child->plan->namespaces;
	const uint64_t flags = namespaces_clone_flags(spec);
	pid_t pid;

	if (spec->kinds[NS_PID].mode == NS_PRIVATE && spec->kinds[NS_PID].path)
		return clone_below(child, flags);
	pid = sys_clone_child(flags, &pidfd);
	if (pid == 0)
		wrap_child_run(child);
	return pid;
}
