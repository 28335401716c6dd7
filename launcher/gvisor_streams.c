/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/gvisor_streams.h"

#include "base/error.h"
#include "base/fd.h"
#include "launcher/child.h"
#include "launcher/gvisor.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONSOLE_MS = 10000 }; /* runsc has sent the master before create ends */

static void streams_init(struct gvisor_streams *streams)
{
	for (int i = 0; i < 3; i++)
		streams->inner[i] = streams->outer[i] = -1;
	streams->console = -1;
	streams->counts = streams->pty = false;
}

void gvisor_streams_close(struct gvisor_streams *streams)
{
	/* Several may be one. */
	if (streams->inner[2] == streams->inner[1])
		streams->inner[2] = -1;
	if (streams->inner[1] == streams->inner[0])
		streams->inner[1] = -1;
	for (int i = 0; i < 3; i++) {
		fd_close(&streams->inner[i]);
		fd_close(&streams->outer[i]);
	}
	fd_close(&streams->console);
}

/* ---- pipes ----------------------------------------------------------------------------- */

static int make_pipe(struct gvisor_streams *streams, int stream, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe for the standard streams");
	streams->inner[stream] = ends[stream != STDIN_FILENO];
	streams->outer[stream] = ends[stream == STDIN_FILENO];
	return 0;
}

/*
 * What is written to both comes in the order in which it was written: by one pipe. Two
 * descriptions of one file are told apart by what they are open for only.
 */
static bool are_same(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino &&
	       fcntl(a, F_GETFL) == fcntl(b, F_GETFL);
}

static bool is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static int make_pipes(struct gvisor_streams *streams, struct error *err)
{
	streams->counts = is_file(STDIN_FILENO);
	if (make_pipe(streams, STDIN_FILENO, err) < 0 ||
	    make_pipe(streams, STDOUT_FILENO, err) < 0)
		return -1;
	if (!are_same(STDOUT_FILENO, STDERR_FILENO))
		return make_pipe(streams, STDERR_FILENO, err);
	streams->inner[STDERR_FILENO] = streams->inner[STDOUT_FILENO];
	return 0;
}

/* ---- the terminal ---------------------------------------------------------------------- */

static int listen_for_console(struct error *err)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX,
					     .sun_path = GVISOR_CONSOLE };
	auto_close int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1) < 0)
		return error_errno(err, "make the console socket");
	return fd_take(&fd);
}

/* runsc's own streams are not the command's then: what it says is all that is in them. */
static int make_console(struct gvisor_streams *streams, struct error *err)
{
	streams->inner[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (streams->inner[0] < 0)
		return error_errno(err, "open /dev/null");
	if (make_pipe(streams, STDOUT_FILENO, err) < 0)
		return -1;
	streams->inner[STDERR_FILENO] = streams->inner[STDOUT_FILENO];
	streams->console = listen_for_console(err);
	return streams->console < 0 ? -1 : 0;
}

/* runsc passes on what the terminal sends to its session: that is ours. */
static int make_pty(const struct child *child, struct gvisor_streams *streams,
		    struct error *err)
{
	int slave = -1;

	streams->outer[1] = terminal_make(child, &slave, err);
	if (streams->outer[1] < 0)
		return -1;
	streams->inner[0] = streams->inner[1] = streams->inner[2] = slave;
	streams->pty = true;
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_errno(err, "make it the terminal of the session");
	return 0;
}

static int await(int fd, struct error *err)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int count;

	do
		count = poll(&ready, 1, CONSOLE_MS);
	while (count < 0 && errno == EINTR);
	if (count > 0)
		return 0;
	return error_set(err, ERROR_RUNSC_START, "get the terminal from runsc");
}

/* A byte or more of a name, and one descriptor (SCM_RIGHTS of unix(7)). */
static int receive_master(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char name[64];
	struct iovec data = { name, sizeof(name) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *part;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	part = CMSG_FIRSTHDR(&message);
	if (!part || part->cmsg_type != SCM_RIGHTS ||
	    part->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(part), sizeof(fd));
	return fd;
}

static int take_master(const struct gvisor_streams *streams, struct error *err)
{
	auto_close int connection = -1;
	auto_close int master = -1;

	if (await(streams->console, err) < 0)
		return -1;
	connection = accept4(streams->console, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		return error_errno(err, "get the terminal from runsc");
	if (await(connection, err) < 0)
		return -1;
	master = receive_master(connection);
	if (master < 0 || !isatty(master))
		return error_set(err, ERROR_RUNSC_START,
				 "get the terminal from runsc: it sent none");
	return fd_take(&master);
}

static int hand_terminal_over(struct gvisor_streams *streams, const struct child *child,
			      struct error *err)
{
	const struct message message = { .turn = TURN_CONSOLE };
	auto_close int master =
		streams->pty ? fd_take(&streams->outer[1]) : take_master(streams, err);

	if (master < 0)
		return -1;
	if (!streams->pty) {
		terminal_prepare(master, &child->plan->process);
		(void)unlink(GVISOR_CONSOLE);
	}
	if (sync_send(child->socket, &message, master) < 0)
		return error_errno(err, "hand the terminal over");
	return 0;
}

/* ---- the door -------------------------------------------------------------------------- */

int gvisor_streams_make(const struct child *child, struct gvisor_streams *ret_streams,
			struct error *err)
{
	struct gvisor_streams streams;
	int failed;

	streams_init(&streams);
	if (!child->plan->process.terminal)
		failed = make_pipes(&streams, err);
	else
		failed = child->joins ? make_pty(child, &streams, err)
				      : make_console(&streams, err);
	if (failed)
		gvisor_streams_close(&streams);
	*ret_streams = streams;
	return failed;
}

static int end_with_words(const struct gvisor_streams *streams)
{
	return streams->outer[STDERR_FILENO] >= 0 ? streams->outer[STDERR_FILENO]
						  : streams->outer[STDOUT_FILENO];
}

size_t gvisor_streams_words(const struct gvisor_streams *streams, char *text, size_t size)
{
	struct pollfd end = { .fd = end_with_words(streams), .events = POLLIN };
	size_t length = 0;

	while (length < size - 1 && poll(&end, 1, 0) > 0) {
		const ssize_t got = read(end.fd, text + length, size - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
	return length;
}

void gvisor_streams_hush(const struct gvisor_streams *streams)
{
	char text[4096];

	while (gvisor_streams_words(streams, text, sizeof(text)) > 0)
		;
}

static int hand_pipes_over(const struct gvisor_streams *streams,
			   const struct child *child, struct error *err)
{
	const struct message left = { .turn = TURN_STDIN_PIPE, .value = 1 };
	const struct message feed = { .turn = TURN_STDIN_PIPE };

	if ((streams->counts && sync_send(child->socket, &left, streams->inner[0]) < 0) ||
	    sync_send(child->socket, &feed, streams->outer[0]) < 0)
		return error_errno(err, "hand the standard input over");
	for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; stream++) {
		const struct message message = { .turn = TURN_OUTPUT, .value = stream };

		if (streams->outer[stream] >= 0 &&
		    sync_send(child->socket, &message, streams->outer[stream]) < 0)
			return error_errno(err, "hand the standard output over");
	}
	return 0;
}

int gvisor_streams_hand_over(struct gvisor_streams *streams, const struct child *child,
			     struct error *err)
{
	const bool terminal = streams->console >= 0 || streams->pty;

	if ((terminal ? hand_terminal_over(streams, child, err)
		      : hand_pipes_over(streams, child, err)) < 0)
		return -1;
	gvisor_streams_close(streams);
	return 0;
}
