/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's half of `sbx-bwrap`. It makes the child, tells whoever asked about it, and
 * waits: it forwards no signal, and it returns as soon as the command has ended.
 */
#include "launcher/wrap.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "launcher/child.h"
#include "launcher/executor.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The launcher's view of one run. */
struct wrap {
	const struct plan *plan;
	pid_t child;
	int socket; /* turns with the child, or -1 */
	bool started;
};

/* ---- what is printed --------------------------------------------------------------------- */

static void print_line(const struct plan *plan, const char *level, const char *text)
{
	char printable[1024], line[1100];

	text_harmless(printable, sizeof(printable), text);
	snprintf(line, sizeof(line), "%sbwrap: %s\n",
		 plan->wrap.level_prefix ? level : "", printable);
	/* There is nobody else to tell. */
	(void)fd_write_all(STDERR_FILENO, line, strlen(line));
}

void wrap_report(const struct plan *plan, const struct error *err)
{
	char text[512];

	if (err->errnum && !err->explained)
		snprintf(text, sizeof(text), "%s: %s", err->text, strerror(err->errnum));
	else
		snprintf(text, sizeof(text), "%s", err->text);
	print_line(plan, "<3>", text);
}

void wrap_warn(const struct plan *plan, const char *text)
{
	print_line(plan, "<4>", text);
}

/* ---- who is told about the child --------------------------------------------------------- */

/* In the order of the names; the user namespace is never told. */
static const enum ns_kind told_kinds[] = { NS_CGROUP, NS_IPC, NS_MOUNT,
					   NS_NET,    NS_PID, NS_UTS };

static bool is_told(const struct plan *plan, enum ns_kind kind)
{
	return kind == NS_MOUNT || plan->namespaces.kinds[kind].mode == NS_PRIVATE;
}

/* The members behind "child-pid", each with a comma and a separator in front of it. */
static void list_namespaces(const struct plan *plan, const uint64_t *inodes,
			    const char *separator, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(told_kinds) / sizeof(*told_kinds); i++) {
		const enum ns_kind kind = told_kinds[i];
		int written;

		if (!is_told(plan, kind) || inodes[kind] == 0)
			continue;
		written = snprintf(text + used, size - used, ",%s\"%s-namespace\": %llu",
				   separator, ns_name(kind),
				   (unsigned long long)inodes[kind]);
		if (written < 0 || (size_t)written >= size - used)
			return;
		used += (size_t)written;
	}
}

static int write_info(const struct wrap *wrap, const uint64_t *inodes, struct error *err)
{
	const struct wrap_spec *spec = &wrap->plan->wrap;
	char members[512], text[640];

	if (spec->info_fd >= 0) {
		list_namespaces(wrap->plan, inodes, "\n    ", members, sizeof(members));
		snprintf(text, sizeof(text), "{\n    \"child-pid\": %d%s\n}\n",
			 wrap->child, members);
		if (fd_write_all(spec->info_fd, text, strlen(text)) < 0)
			return error_errno(err, "Write to info_fd");
		(void)close(spec->info_fd);
	}
	if (spec->json_status_fd >= 0) {
		list_namespaces(wrap->plan, inodes, " ", members, sizeof(members));
		snprintf(text, sizeof(text), "{ \"child-pid\": %d%s }\n", wrap->child,
			 members);
		(void)fd_write_all(spec->json_status_fd, text, strlen(text));
	}
	return 0;
}

static void write_exit_code(const struct wrap *wrap, int status)
{
	char text[64];

	if (wrap->plan->wrap.json_status_fd < 0 || !wrap->started)
		return;
	snprintf(text, sizeof(text), "{ \"exit-code\": %d }\n", status);
	(void)fd_write_all(wrap->plan->wrap.json_status_fd, text, strlen(text));
}

/* Whoever writes the id map of the child does it now, and says when it is done. */
static int await_foreign_map(const struct wrap *wrap, struct error *err)
{
	const int fd = wrap->plan->wrap.userns_block_fd;
	char byte;

	if (fd < 0)
		return 0;
	(void)fd_read_all(fd, &byte, 1);
	(void)close(fd);
	if (sync_send_turn(wrap->socket, TURN_IDS_MAPPED, 0) < 0 && errno != EPIPE)
		return error_errno(err, "Write to the child");
	return 0;
}

/* A child that has failed so far says so in the next turn. */
static int tell_about_child(struct wrap *wrap, struct error *err)
{
	const struct wrap_spec *spec = &wrap->plan->wrap;
	struct message message = { 0 };
	int fd = -1;

	if (spec->info_fd < 0 && spec->json_status_fd < 0)
		return 0;
	if (sync_receive(wrap->socket, &message, &fd) != 1)
		return error_set(err, ERROR_PLAIN, "The child has gone away");
	fd_close(&fd);
	if (message.turn != TURN_NAMESPACES) {
		*err = message.err;
		return -1;
	}
	if (write_info(wrap, message.namespaces, err) < 0 ||
	    await_foreign_map(wrap, err) < 0)
		return -1;
	if (sync_send_turn(wrap->socket, TURN_GO, 0) < 0 && errno != EPIPE)
		return error_errno(err, "Write to the child");
	return 0;
}

/* ---- the start --------------------------------------------------------------------------- */

static int arm_for_parent(const struct plan *plan, pid_t parent, struct error *err)
{
	if (!plan->life.die_with_parent)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_PDEATHSIG)");
	if (getppid() != parent)
		return error_set(err, ERROR_PLAIN, "The parent has gone away");
	return 0;
}

static int prepare(const struct plan *plan, pid_t parent, struct error *err)
{
	/* Whoever ignores it (Erlang) would take the status of our child away from us. */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR)
		return error_errno(err, "signal(SIGCHLD)");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_NO_NEW_PRIVS) failed");
	for (size_t i = 0; i < plan->wrap.own_fd_count; i++)
		if (fcntl(plan->wrap.own_fds[i], F_SETFD, FD_CLOEXEC) < 0)
			return error_set(err, ERROR_USAGE, "Invalid fd: %d",
					 plan->wrap.own_fds[i]);
	return arm_for_parent(plan, parent, err);
}

/* Only what it needs stays open in the launcher: pipes must see their end in time. */
static void close_the_rest(const struct wrap *wrap)
{
	const struct wrap_spec *spec = &wrap->plan->wrap;
	const int kept[] = { wrap->socket, spec->info_fd, spec->json_status_fd,
			     spec->userns_block_fd };

	fd_close_all_but(3, kept, sizeof(kept) / sizeof(*kept));
}

static int start(struct wrap *wrap, const struct caller_text *caller, struct error *err)
{
	int ends[2];
	struct child child = {
		.plan = wrap->plan,
		/* As they are before another user namespace is joined. */
		.uid = geteuid(),
		.gid = getegid(),
		.terminal = -1,
		.binfmt = -1,
		.caller_text = caller->start,
		.caller_text_size = caller->size,
	};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socketpair");
	wrap->socket = ends[0];
	child.launcher_socket = ends[0];
	child.socket = ends[1];
	if (wrap_join(wrap->plan, err) < 0) {
		(void)close(ends[1]);
		return -1;
	}
	wrap->child = wrap_clone(&child);
	if (wrap->child < 0)
		wrap_explain_clone(errno, err);
	(void)close(ends[1]);
	return wrap->child < 0 ? -1 : 0;
}

/* ---- the end ----------------------------------------------------------------------------- */

static int status_of(int wait_status)
{
	if (WIFEXITED(wait_status))
		return WEXITSTATUS(wait_status);
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return 255;
}

static int wait_for_child(const struct wrap *wrap)
{
	int status = 0;

	while (waitpid(wrap->child, &status, 0) < 0)
		if (errno != EINTR)
			return 255;
	return status_of(status);
}

static int fail(const struct wrap *wrap, const struct error *err)
{
	if (wrap->child > 0) {
		(void)kill(wrap->child, SIGKILL);
		(void)wait_for_child(wrap);
	}
	wrap_report(wrap->plan, err);
	return 1;
}

/* Until the child says how the command ended, or is gone: then it was the command itself. */
static int follow(struct wrap *wrap)
{
	struct message message = { 0 };
	int status, fd = -1;

	while (sync_receive(wrap->socket, &message, &fd) == 1) {
		fd_close(&fd);
		if (message.turn == TURN_FAILED)
			return fail(wrap, &message.err);
		wrap->started |= message.turn == TURN_STARTED;
		if (message.turn != TURN_ENDED)
			continue;
		status = status_of(message.value);
		write_exit_code(wrap, status);
		return status;
	}
	/* By executing, a command without a process above it took the socket with it. */
	wrap->started |= !wrap->plan->wrap.reaper;
	status = wait_for_child(wrap);
	write_exit_code(wrap, status);
	return status;
}

int wrap_run(const struct plan *plan, const struct caller_text *caller, pid_t parent)
{
	struct wrap wrap = { .plan = plan, .child = -1, .socket = -1 };
	struct error err = { 0 };

	if (prepare(plan, parent, &err) < 0 || start(&wrap, caller, &err) < 0)
		return fail(&wrap, &err);
	close_the_rest(&wrap);
	if (tell_about_child(&wrap, &err) < 0)
		return fail(&wrap, &err);
	return follow(&wrap);
}
