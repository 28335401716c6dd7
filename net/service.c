/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's and the child's side of sbx-net: it is started before the clone, so that it
 * gets ready while the sandbox is made, and hears from the child which network it is for.
 */
#include "net/net.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/own_program.h"
#include "base/text.h"
#include "net/messages.h"
#include "net/spec_words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	READY_MS = 10 * 1000, /* for sbx-net to set the network up */
	ENDING_MS = 1000,     /* for what is logged to be written */
	CONTROL_FD = 3,
	SANDBOX_FD = 4,
	LOG_FD = 5,
	PCAP_FD = 6,
	FREE_FD = 10, /* descriptors are moved out of the way of those */
};

/* ---- the start -------------------------------------------------------------------------- */

/* What the new process gets as 3, 4 and on; -1 where there is nothing. */
struct gifts {
	int fds[PCAP_FD - CONTROL_FD + 1];
};

/*
 * It ends with the launcher, and by nothing but that: what a terminal, a shell or a service
 * manager sends to all processes of a job is for the launcher, which may go on for long, and
 * the sandbox with it. A parent that is gone already sends no death signal.
 */
static void depend_on(pid_t launcher)
{
	sigset_t all;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != launcher)
		_exit(1);
	(void)setsid();
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

/* What a sanitizer has to say is for the tests. */
#ifdef SBX_SANITIZED
enum { STREAMS_CLOSED = 2 };
#else
enum { STREAMS_CLOSED = 3 };
#endif

/*
 * In the child of vfork(2): the launcher's memory is ours until execve(2). The streams are not
 * the user's: what sbx-net has to say it tells the launcher.
 */
static _Noreturn void become(const char *path, const char *const *words,
			     const struct gifts *gifts, int null, pid_t launcher,
			     volatile int *ret_errnum)
{
	static char *const environment[] = { NULL };

	depend_on(launcher);
	for (int fd = 0; fd < STREAMS_CLOSED; fd++)
		(void)dup2(null, fd);
	for (int fd = CONTROL_FD; fd <= PCAP_FD; fd++)
		if (gifts->fds[fd - CONTROL_FD] >= 0)
			(void)dup2(gifts->fds[fd - CONTROL_FD], fd);
	execve(path, (char *const *)(uintptr_t)words, environment);
	*ret_errnum = errno;
	_exit(1);
}

/*
 * For streams that nobody reads or feeds. Around us may be a mount of /dev that lets no
 * device be opened: the end of a pipe without another end serves as well.
 */
static int open_nothing(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), ends[2];

	if (null >= 0 || pipe2(ends, O_CLOEXEC) < 0)
		return null;
	close(ends[0]);
	return ends[1];
}

static int spawn(const char *path, const char *const *words, const struct gifts *gifts,
		 pid_t *ret_pid, struct error *err)
{
	auto_close int null = open_nothing();
	volatile int errnum = 0;
	const pid_t launcher = getpid();
	pid_t pid;

	if (null < 0)
		return error_errno(err, "open /dev/null");
	pid = vfork();
	if (pid == 0)
		become(path, words, gifts, null, launcher, &errnum);
	if (pid < 0)
		return error_errno(err, "start %s", path);
	*ret_pid = pid;
	if (errnum == 0)
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = errnum;
	return error_errno_id(err, ERROR_NETWORK, "execute %s", path);
}

/* Out of the way of the numbers that sbx-net gets; -1 stays -1. */
static int move_away(int fd)
{
	int moved;

	if (fd < 0)
		return -1;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD);
	close(fd);
	return moved;
}

/* A run before this one may have left a link or a FIFO there: neither is followed or waited for. */
static int open_file(const char *path, const char *what, int *ret_fd, struct error *err)
{
	const int flags =
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	if (!path)
		return 0;
	/* Of the links there are those to our own streams are no sandbox's work. */
	*ret_fd = open(path, flags | (text_starts_with(path, "/dev/") ? 0 : O_NOFOLLOW),
		       0666);
	if (*ret_fd >= 0)
		return 0;
	error_errno(err, "write %s to %s", what, path);
	return err->errnum == ELOOP
		       ? error_hint(err, "it is a link: name the file itself")
		       : -1;
}

static int open_gifts(const struct net_spec *spec, int ret_control[2], int ret_sandbox[2],
		      int *ret_log, int *ret_pcap, struct error *err)
{
	const int kind = SOCK_SEQPACKET | SOCK_CLOEXEC;

	if (open_file(spec->log_file, "the network's log", ret_log, err) < 0 ||
	    open_file(spec->pcap_file, "packets", ret_pcap, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, kind, 0, ret_control) < 0 ||
	    socketpair(AF_UNIX, kind, 0, ret_sandbox) < 0)
		return error_errno(err, "make a socket pair");
	return 0;
}

static int find_server(char *ret_path, struct error *err)
{
	if (own_program_find("sbx-net", ret_path) == 0)
		return 0;
	error_set(err, ERROR_NETWORK, "serve the network: %s is not there", ret_path);
	return error_hint(err, "--net none or --net host does without it");
}

/* The descriptors of gifts are the new process's alone. */
static int start_with(const struct net_spec *spec, const struct gifts *gifts,
		      pid_t *ret_pid, struct error *err)
{
	struct arena arena = { 0 };
	char path[PATH_MAX];
	int failed = find_server(path, err);

	if (failed == 0)
		failed =
			spawn(path, net_spec_to_words(spec, &arena), gifts, ret_pid, err);
	arena_free(&arena);
	return failed;
}

int net_service_start(const struct net_spec *spec, struct net_service *ret_service,
		      struct error *err)
{
	struct net_service service = { .control = -1, .sandbox_end = -1 };
	int control[2] = { -1, -1 }, sandbox[2] = { -1, -1 };
	struct gifts gifts = { { -1, -1, -1, -1 } };
	int log = -1, pcap = -1;
	int failed = open_gifts(spec, control, sandbox, &log, &pcap, err);

	gifts.fds[0] = move_away(control[1]);
	gifts.fds[1] = move_away(sandbox[1]);
	gifts.fds[2] = move_away(log);
	gifts.fds[3] = move_away(pcap);
	if (failed == 0)
		failed = start_with(spec, &gifts, &service.pid, err);
	for (size_t i = 0; i < sizeof(gifts.fds) / sizeof(*gifts.fds); i++)
		fd_close(&gifts.fds[i]);
	if (failed) {
		fd_close(&control[0]);
		fd_close(&sandbox[0]);
		return -1;
	}
	service.control = control[0];
	service.sandbox_end = sandbox[0];
	*ret_service = service;
	return 0;
}

/* ---- in the child ----------------------------------------------------------------------- */

int net_service_enter(int sandbox_end, struct error *err)
{
	const struct sandbox_message message = { .word = SANDBOX_NAMESPACE };
	auto_close int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (own < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "open the sandbox's network namespace");
	/* One that is gone already has said why: net_service_await() hears it. */
	if (message_send(sandbox_end, &message, sizeof(message), &own, 1) < 0 &&
	    errno != EPIPE && errno != ECONNRESET)
		return error_errno_id(err, ERROR_NETWORK, "speak to sbx-net");
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whether there is something to be read before then. */
static bool is_heard(int socket, uint64_t until_ms)
{
	struct pollfd event = { .fd = socket, .events = POLLIN };

	for (;;) {
		const uint64_t now = now_ms();
		const int left = now < until_ms ? (int)(until_ms - now) : 0;

		if (poll(&event, 1, left) > 0)
			return true;
		if (left == 0)
			return false;
	}
}

/*
 * What sbx-net does in namespaces of its own is allowed to everybody: it is refused only by
 * what stands around sbx.
 */
static void explain(const struct error *err, struct error *ret_told)
{
	*ret_told = *err;
	if (err->id != ERROR_NETWORK)
		return;
	if (err->errnum == EPERM || err->errnum == EACCES || err->errnum == ENOSYS)
		error_set(ret_told, ERROR_NETWORK,
			  "%s (by a filter or a security module around sbx)", err->text);
	if (err->hint[0])
		error_hint(ret_told, "%s", err->hint);
	else
		error_hint(ret_told, "--net none or --net host does without sbx-net");
}

int net_service_await(int sandbox_end, struct error *err)
{
	struct sandbox_message message;
	int fds[INNER_FDS_MAX], got;
	size_t count = 0;

	if (!is_heard(sandbox_end, now_ms() + READY_MS))
		return error_set(err, ERROR_NETWORK,
				 "make the network: sbx-net does not answer");
	do
		got = message_receive(sandbox_end, &message, sizeof(message), fds,
				      &count);
	while (got < 0 && errno == ECONNRESET);
	while (count)
		close(fds[--count]);
	if (got == 1 && message.word == SANDBOX_READY)
		return 0;
	if (got == 1 && message.word == SANDBOX_FAILED) {
		explain(&message.err, err);
		return -1;
	}
	return error_set(err, ERROR_NETWORK, "make the network: sbx-net has ended");
}

/* ---- in the launcher -------------------------------------------------------------------- */

int net_service_hear(struct net_service *service, struct net_notice *ret_notice)
{
	struct control_message message;
	int fds[INNER_FDS_MAX];
	size_t count = 0;
	const int got =
		message_receive(service->control, &message, sizeof(message), fds, &count);

	while (count)
		close(fds[--count]);
	if (got != 1)
		return got;
	message.notice.text[sizeof(message.notice.text) - 1] = '\0';
	*ret_notice = message.notice;
	return 1;
}

int net_service_push_resolv_conf(struct net_service *service, const char *text,
				 size_t length)
{
	struct control_message message = { .word = CONTROL_RESOLV_CONF };

	if (!text) {
		message.word = CONTROL_RESOLV_SAME;
		return message_send(service->control, &message, sizeof(message), NULL, 0);
	}
	if (length >= sizeof(message.text))
		length = sizeof(message.text) - 1;
	memcpy(message.text, text, length);
	return message_send(service->control, &message, sizeof(message), NULL, 0);
}

int net_service_serve_ports(struct net_service *service, int listener)
{
	const struct control_message message = { .word = CONTROL_PORTS };

	return message_send(service->control, &message, sizeof(message), &listener, 1);
}

/* What it says last is heard, and lost but for the statistics. */
static void await_end(struct net_service *service, struct net_notice *ret_last)
{
	const struct control_message message = { .word = CONTROL_END };
	const uint64_t until_ms = now_ms() + ENDING_MS;
	struct net_notice notice;

	if (message_send(service->control, &message, sizeof(message), NULL, 0) < 0)
		return;
	while (is_heard(service->control, until_ms)) {
		if (net_service_hear(service, &notice) != 1)
			return;
		if (ret_last && notice.kind == NET_NOTICE_STATS)
			*ret_last = notice;
	}
}

void net_service_end(struct net_service *service, struct net_notice *ret_last,
		     int *ret_status)
{
	*ret_status = 0;
	if (service->pid <= 0)
		return;
	if (ret_last)
		await_end(service, ret_last);
	(void)kill(service->pid, SIGKILL);
	while (waitpid(service->pid, ret_status, 0) < 0 && errno == EINTR)
		;
	service->pid = 0;
	fd_close(&service->control);
	fd_close(&service->sandbox_end);
}
