/* SPDX-License-Identifier: Apache-2.0 */
#include "net/messages.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_space {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(INNER_FDS_MAX * sizeof(int))];
};

int message_send(int socket, const void *message, size_t size, const int *fds,
		 size_t fd_count)
{
	union fd_space space = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)message, .iov_len = size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd_count > INNER_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (fd_count) {
		const size_t length = fd_count * sizeof(int);

		header.msg_control = &space;
		header.msg_controllen = CMSG_SPACE(length);
		space.header.cmsg_level = SOL_SOCKET;
		space.header.cmsg_type = SCM_RIGHTS;
		space.header.cmsg_len = CMSG_LEN(length);
		memcpy(CMSG_DATA(&space.header), fds, length);
	}
	do
		sent = sendmsg(socket, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* One header is all that the kernel makes of descriptors that were sent together. */
static size_t take_fds(struct msghdr *header, int *fds)
{
	size_t count = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part;
	     part = CMSG_NXTHDR(header, part)) {
		const size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS ||
		    count + here > INNER_FDS_MAX)
			continue;
		memcpy(fds + count, CMSG_DATA(part), here * sizeof(int));
		count += here;
	}
	return count;
}

int message_receive(int socket, void *message, size_t size, int *fds,
		    size_t *ret_fd_count)
{
	union fd_space space;
	struct iovec part = { .iov_base = message, .iov_len = size };
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &space,
		.msg_controllen = sizeof(space),
	};
	ssize_t got;
	size_t count;

	do
		got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	count = take_fds(&header, fds);
	if ((size_t)got == size && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		*ret_fd_count = count;
		return 1;
	}
	while (count)
		close(fds[--count]);
	if (got == 0)
		return 0;
	errno = EPROTO;
	return -1;
}
