/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/sync.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The error is long and rarely there: other turns end before it. */
static size_t message_size(enum turn turn)
{
	return turn == TURN_FAILED ? sizeof(struct message)
				   : offsetof(struct message, err);
}

static int send_message(int socket, const struct message *message, int fd, int flags)
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
		if (sendmsg(socket, &header, MSG_NOSIGNAL | flags) >= 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

int sync_send(int socket, const struct message *message, int fd)
{
	return send_message(socket, message, fd, 0);
}

int sync_offer_turn(int socket, enum turn turn, int value)
{
	const struct message message = { .turn = turn, .value = value };

	return send_message(socket, &message, -1, MSG_DONTWAIT);
}

int sync_send_turn(int socket, enum turn turn, int value)
{
	const struct message message = { .turn = turn, .value = value };

	return sync_send(socket, &message, -1);
}

static int take_fd(struct msghdr *header)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fd;

	if (!control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_RIGHTS ||
	    control->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(control), sizeof(int));
	return fd;
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

	do
		got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? 0 : -1;
	if (got == 0)
		return 0;
	fd = take_fd(&header);
	if ((size_t)got < offsetof(struct message, err) || message.turn > TURN_FAILED ||
	    (size_t)got != message_size(message.turn)) {
		if (fd >= 0)
			close(fd);
		errno = EPROTO;
		return -1;
	}
	memcpy(ret_message, &message, (size_t)got);
	*ret_fd = fd;
	return 1;
}
