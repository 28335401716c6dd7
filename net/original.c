/* SPDX-License-Identifier: Apache-2.0 */
#include "net/original.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/*
 * linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h cannot be included together
 * with netinet/in.h.
 */
enum { ORIGINAL_DST = 80 };

static bool is_loopback(const struct ip *ip)
{
	if (ip_is_v4(ip))
		return ntohl(ip_to_v4(ip)) >> 24 == IN_LOOPBACKNET;
	return memcmp(ip->bytes, &in6addr_loopback, sizeof(ip->bytes)) == 0;
}

int original_destination(void *context, int fd, int family, struct ip *ret_to,
			 uint16_t *ret_port)
{
	const int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct sockaddr_storage original;
	socklen_t length = sizeof(original);
	uint16_t port;
	struct ip ip;

	(void)context;
	if (getsockopt(fd, level, ORIGINAL_DST, &original, &length) < 0 ||
	    ip_from_sockaddr(&original, &ip, &port) < 0)
		return -1;
	/*
	 * Connection tracking knows of direct ones, too: to the listener itself. Nothing else on
	 * the loopback interface is redirected.
	 */
	if (is_loopback(&ip))
		return -1;
	*ret_to = ip;
	*ret_port = port;
	return 0;
}
