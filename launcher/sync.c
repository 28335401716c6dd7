/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/sync.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The error is long and rarely there: other turns end before it. */
static size_t message_size(enum turn turn)
{
	return turn == TURN_FAILED || turn == TURN_NAMESPACES
		       ? sizeof(struct message)
		       : offsetof(struct message, err);
}

static int send_message(int socket, const struct message *message, int fd, int flags,
			const uint64_t key[3])
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = { (void *)(uintptr_t)message, message_size(message->turn) };
	struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
	}
	for (;;) {
		if (syscall(SYS_sendmsg, socket, &header, MSG_NOSIGNAL | flags,
			    (long)key[0], (long)key[1], (long)key[2]) >= 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

static const uint64_t no_key[3];

int sync_send(int socket, const struct message *message, int fd)
{
	return send_message(socket, message, fd, 0, no_key);
}

int sync_send_keyed(int socket, const struct message *message, int fd,
		    const uint64_t key[3])
{
	return send_message(socket, message, fd, 0, key);
}

int sync_offer_turn(int socket, enum turn turn, int value)
{
	const struct message message = { .turn = turn, .value = value };

	return send_message(socket, &message, -1, MSG_DONTWAIT, no_key);
}

int sync_send_turn(int socket, enum turn turn, int value)
{
	const struct message message = { .turn = turn, .value = value };

	return sync_send(socket, &message, -1);
}

/*
 * The one descriptor that came along, or -1 in *ret_fd. The room for it is padded to that
 * of two: more than one are closed, and -1 returned.
 */
static int take_fd(struct msghdr *header, int *ret_fd)
{
	enum { ROOM = (CMSG_SPACE(sizeof(int)) - CMSG_LEN(0)) / sizeof(int) };
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fds[ROOM];
	size_t count;

	*ret_fd = -1;
	if (!control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(control), (count < ROOM ? count : ROOM) * sizeof(int));
	if (count == 1) {
		*ret_fd = fds[0];
		return 0;
	}
	for (size_t i = 0; i < count && i < ROOM; i++)
		close(fds[i]);
	return -1;
}

static bool is_whole(const struct message *message, size_t size, int flags)
{
	return !(flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	       size >= offsetof(struct message, err) && message->turn <= TURN_FAILED &&
	       size == message_size(message->turn);
}

int sync_receive(int socket, struct message *ret_message, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct message message;
	struct iovec data = { &message, sizeof(message) };
	struct msghdr header = { .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	ssize_t got;
	int fd;

	/*
	 * That the other side has gone without reading all is told first, and once; what it
	 * said before comes behind that.
	 */
	do
		got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0)
		return -1;
	if (got == 0)
		return 0;
	if (take_fd(&header, &fd) < 0 ||
	    !is_whole(&message, (size_t)got, header.msg_flags)) {
		if (fd >= 0)
			close(fd);
		errno = EPROTO;
		return -1;
	}
	/* Who took the sender over may have left the ends of its texts out. */
	message.err.text[sizeof(message.err.text) - 1] = '\0';
	message.err.hint[sizeof(message.err.hint) - 1] = '\0';
	memcpy(ret_message, &message, (size_t)got);
	*ret_fd = fd;
	return 1;
}
