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

static bool can_bind(const struct ip *ip)
{
	struct sockaddr_storage address;
	const socklen_t length = ip_to_sockaddr(ip, 0, &address);
	auto_close int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0;
}

/* An own address of IPv4 sends to itself from itself, but for a second one of a network. */
static bool answers_itself(const struct ip *ip)
{
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(ip, 1, &address);
	auto_close int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ip from;
	uint16_t port;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, length) < 0)
		return false;
	length = sizeof(address);
	return getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
	       ip_from_sockaddr(&address, &from, &port) == 0 && ip_equal(&from, ip);
}

/*
 * Only own addresses can be bound (ip(7), EADDRNOTAVAIL), unless ip_nonlocal_bind is on: then
 * this one can, too, which is nobody's (RFC 5737, RFC 3849).
 */
bool outward_is_own(const struct ip *address)
{
	static const struct ip nobody6 = { { 0x20, 0x01, 0x0d, 0xb8 } };
	const struct ip nobody =
		ip_is_v4(address) ? ip_from_v4(htonl(0xc0000201)) : nobody6;

	if (!can_bind(address))
		return false;
	return !can_bind(&nobody) || answers_itself(address);
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
