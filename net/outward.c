/* SPDX-License-Identifier: Apache-2.0 */
#include "net/outward.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

int outward_connect(const struct ip *to, uint16_t port, int fd_max, int *ret_fd)
{
	struct sockaddr_storage address;
	const socklen_t length = ip_to_sockaddr(to, port, &address);
	auto_close int fd =
		socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int errnum = 0;

	if (fd < 0)
		return errno;
	if (fd_max && fd >= fd_max)
		return EMFILE;
	if (connect(fd, (struct sockaddr *)&address, length) < 0)
		errnum = errno;
	/* One that is near has answered already, and need not be waited for: connect(2). */
	if (errnum == EINPROGRESS &&
	    (connect(fd, (struct sockaddr *)&address, length) == 0 || errno == EISCONN))
		errnum = 0;
	else if (errnum == EINPROGRESS && errno != EALREADY)
		errnum = errno;
	if (errnum == 0 || errnum == EINPROGRESS)
		*ret_fd = fd_take(&fd);
	return errnum;
}

struct ip outward_other_loopback(const struct ip *loopback)
{
	struct ip other = ip_from_v4(htonl(INADDR_LOOPBACK));

	if (ip_equal(loopback, &other))
		memcpy(other.bytes, &in6addr_loopback, sizeof(other.bytes));
	return other;
}

enum inner_answer outward_answer(int errnum, enum inner_answer when_full)
{
	switch (errnum) {
	case ECONNREFUSED:
	case ECONNRESET:
		return INNER_REFUSE;
	case ETIMEDOUT:
		return INNER_DROP;
	case EACCES:
	case EPERM: /* a packet filter of the host's */
		return INNER_PROHIBITED;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL: /* no port is left */
	case EAGAIN:
		return when_full;
	default:
		return INNER_UNREACHABLE;
	}
}
