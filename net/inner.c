/* SPDX-License-Identifier: Apache-2.0 */
#include "net/inner.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "net/confine.h"
#include "net/inner_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Three processes take part. The outer half forks one that enters the sandbox's user and network namespace:
 * nobody else could, for a process leaves its user namespace for good. That one
 * clones the inner half into a pid namespace of its own, as a child of the outer half
 * (CLONE_PARENT), says which pid it has, and is gone.
 */
struct birth {
	pid_t pid; /* 0: err */
	struct error err;
};

/* The owner of a network namespace may be our own user namespace: then we are there. */
static int enter_user_namespace(int namespace_fd, struct error *err)
{
	auto_close int user = ioctl(namespace_fd, NS_GET_USERNS);

	if (user < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "find the owner of the sandbox's network");
	/* setns(2): EINVAL for the caller's own user namespace. */
	if (setns(user, CLONE_NEWUSER) < 0 && errno != EINVAL)
		return error_errno_id(err, ERROR_NETWORK,
				      "enter the sandbox's user namespace");
	return 0;
}

static int enter(int namespace_fd, struct error *err)
{
	if (enter_user_namespace(namespace_fd, err) < 0)
		return -1;
	if (setns(namespace_fd, CLONE_NEWNET) < 0)
		return error_errno_id(err, ERROR_NETWORK, "enter the sandbox's network");
	return 0;
}

/* SIGCHLD goes to the outer half, as of the process that enters: clone(2), CLONE_PARENT. */
static pid_t clone_inner(void)
{
	const struct sys_clone_args args = { .flags = CLONE_NEWPID | CLONE_PARENT };
	const pid_t pid = sys_clone3(&args);

	if (pid >= 0 || (errno != ENOSYS && errno != EPERM))
		return pid;
	return (pid_t)syscall(SYS_clone,
			      (unsigned long)(CLONE_NEWPID | CLONE_PARENT | SIGCHLD),
			      NULL, NULL, NULL, NULL);
}

/* ---- the inner half ------------------------------------------------------------------- */

static void say_failed(const struct inner *inner, const struct error *err)
{
	const struct inner_message message = { .word = INNER_FAILED, .err = *err };

	(void)message_send(inner->outer, &message, sizeof(message), NULL, 0);
}

/* The descriptors are the outer half's from now on. */
static int say_ready(struct inner *inner, struct error *err)
{
	const struct inner_message message = { .word = INNER_READY,
					       .setup = inner->setup };
	int fds[INNER_FD_COUNT];
	size_t count = 0;

	for (int i = 0; i < INNER_FD_COUNT; i++)
		if (inner->fds[i] >= 0)
			fds[count++] = inner->fds[i];
	if (message_send(inner->outer, &message, sizeof(message), fds, count) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "speak with the outer half of sbx-net");
	for (int i = 0; i < INNER_FD_COUNT; i++)
		fd_close(&inner->fds[i]);
	return 0;
}

/*
 * The death signal does not come for a parent that is gone already: then the other end of
 * the socket is, too.
 */
static int bind_to_outer(const struct inner *inner, struct error *err)
{
	struct pollfd waiting = { .fd = inner->outer };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_NETWORK, "set up the inner half");
	if (poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLHUP))
		return error_set(err, ERROR_NETWORK, "outlive the outer half");
	if (fcntl(inner->outer, F_SETFL, O_NONBLOCK) < 0)
		return error_errno_id(err, ERROR_NETWORK, "set up the inner half");
	fd_close_all_but(0, &inner->outer, 1);
	return 0;
}

/*
 * The sandbox may run from the moment the outer half hears INNER_READY; nothing of it is
 * read before the power is given away.
 */
static int live(struct inner *inner, struct error *err)
{
	if (bind_to_outer(inner, err) < 0 || inner_set_up(inner, err) < 0 ||
	    say_ready(inner, err) < 0)
		return -1;
	if (confine_inner(err) < 0)
		return -1;
	return inner_serve(inner, err);
}

_Noreturn static void run_inner(const struct net_spec *spec, int outer)
{
	struct inner *inner = calloc(1, sizeof(*inner));
	struct error err = { 0 };

	if (!inner)
		_exit(1);
	inner->spec = spec;
	inner->outer = outer;
	inner->queue = -1;
	for (int i = 0; i < INNER_FD_COUNT; i++)
		inner->fds[i] = -1;
	if (live(inner, &err) < 0) {
		say_failed(inner, &err);
		_exit(1);
	}
	_exit(0);
}

/* ---- its birth -------------------------------------------------------------------------- */

_Noreturn static void give_birth(const struct net_spec *spec, int namespace_fd, int outer,
				 int told)
{
	struct birth birth = { 0 };

	if (enter(namespace_fd, &birth.err) == 0) {
		birth.pid = clone_inner();
		if (birth.pid == 0)
			run_inner(spec, outer);
		if (birth.pid < 0) {
			birth.pid = 0;
			error_errno_id(&birth.err, ERROR_NETWORK,
				       "make a pid namespace for the inner half");
		}
	}
	_exit(fd_write_all(told, &birth, sizeof(birth)) < 0);
}

/* -1: the first process died without a word. */
static int await_birth(pid_t first, int told, struct birth *ret_birth)
{
	const ssize_t got = fd_read_all(told, ret_birth, sizeof(*ret_birth));
	pid_t reaped;

	do
		reaped = waitpid(first, NULL, 0);
	while (reaped < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(*ret_birth) ? 0 : -1;
}

pid_t inner_start(const struct net_spec *spec, int namespace_fd, int *ret_socket,
		  struct error *err)
{
	int ends[2], told[2];
	struct birth birth;
	pid_t first;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno_id(err, ERROR_NETWORK, "make a socket pair");
	auto_close int ours = ends[0], theirs = ends[1];

	if (pipe2(told, O_CLOEXEC) < 0)
		return error_errno_id(err, ERROR_NETWORK, "make a pipe");
	auto_close int hears = told[0], says = told[1];

	first = fork();
	if (first < 0)
		return error_errno_id(err, ERROR_NETWORK, "fork the inner half");
	if (first == 0)
		give_birth(spec, namespace_fd, theirs, says);
	fd_close(&says);
	if (await_birth(first, hears, &birth) < 0)
		return error_set(err, ERROR_NETWORK, "start the inner half of sbx-net");
	if (birth.pid == 0) {
		*err = birth.err;
		return -1;
	}
	*ret_socket = fd_take(&ours);
	return birth.pid;
}
