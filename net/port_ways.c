/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways in. A server that listens on the interface or on every address gets the client's
 * own address to see: a socket with IP_TRANSPARENT may be bound to it (ip(7)), and the mark that the
 * inner half gave it leads the answers back to it, not to the tap. One that listens on loopback alone is
 * reached from loopback, and one of the other family as if the host's gateway had called. What the host's
 * own loopback calls itself means something else inside: such a client is the gateway, too.
 */
#include "net/port_parts.h"

#include <netinet/in.h>
#include <sys/socket.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum port_way way_next(enum port_way way, unsigned int tried)
{
	for (unsigned int i = 0; i < WAY_COUNT; i++) {
		const unsigned int next = (way + i) % WAY_COUNT;

		if (!(tried & 1U << next))
			return (enum port_way)next;
	}
	return WAY_COUNT;
}

static bool is_zero(const struct ip *ip)
{
	static const struct ip zero;

	return ip_equal(ip, &zero);
}

static bool is_loopback(const struct ip *ip)
{
	static const struct ip loopback6 = { { [15] = 1 } };

	return ip_is_v4(ip) ? ip->bytes[12] == 127 : ip_equal(ip, &loopback6);
}

/* fe80::/10 means another interface inside. */
static bool is_link_local(const struct ip *ip)
{
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* The sandbox's own networks: a client there would be taken for a neighbour. */
static bool is_inside(const struct net_spec *net, const struct ip *ip)
{
	return (net->address.bits && prefix_contains(&net->address, ip)) ||
	       (net->address6.bits && prefix_contains(&net->address6, ip));
}

static struct ip loopback_of(bool v4)
{
	static const struct ip loopback6 = { { [15] = 1 } };

	return v4 ? ip_from_v4(htonl(INADDR_LOOPBACK)) : loopback6;
}

/* To loopback: from there, by whatever port. */
static void to_loopback(bool v4, struct way_ends *ends)
{
	ends->to = loopback_of(v4);
}

/* To the interface. False: the sandbox has no address of that family. */
static bool to_interface(const struct net_spec *net, bool v4,
			 const struct port_client *client, struct way_ends *ends)
{
	const struct prefix *own = v4 ? &net->address : &net->address6;
	const struct ip *gateway = v4 ? &net->gateway : &net->gateway6;

	if (own->bits == 0 || is_zero(&own->ip))
		return false;
	ends->to = own->ip;
	ends->has_from = true;
	if (client && !is_loopback(&client->ip) && !is_link_local(&client->ip) &&
	    !is_inside(net, &client->ip))
		ends->from = client->ip;
	else
		ends->from = *gateway;
	ends->from_port = client ? client->port : 0;
	if (is_zero(&ends->from))
		ends->has_from = false;
	ends->kind.transparent = ends->has_from;
	return true;
}

bool way_ends(struct ports *ports, const struct listener *listener,
	      const struct port_client *client, enum port_way way,
	      struct way_ends *ret_ends)
{
	const struct net_spec *net = ports->spec.net;
	const bool same = way == WAY_SOURCE || way == WAY_LOOPBACK;
	const bool v4 = ip_is_v4(&client->ip) == same;
	const bool udp = listener->place.protocol == PROTOCOL_UDP;
	struct way_ends ends = {
		.kind = { v4 ? AF_INET : AF_INET6, udp ? SOCK_DGRAM : SOCK_STREAM,
			  false },
		.port = listener->place.guest_port,
	};

	if (way == WAY_LOOPBACK || way == WAY_OTHER_LOOPBACK)
		to_loopback(v4, &ends);
	else if (!to_interface(net, v4, same ? client : NULL, &ends))
		return false;
	/* Then the source is an address of the sandbox's own. */
	if (ends.kind.transparent &&
	    ((udp && !ports->spec.udp_source) || pool_refuses(&ports->pools, &ends.kind)))
		ends.has_from = ends.kind.transparent = false;
	if (pool_refuses(&ports->pools, &ends.kind))
		return false;
	*ret_ends = ends;
	return true;
}

static int bind_to(int fd, const struct way_ends *ends, uint16_t port)
{
	static const int on = 1;
	struct sockaddr_storage address;
	const socklen_t size = ip_to_sockaddr(&ends->from, port, &address);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (port == 0)
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
				 sizeof(on));
	return bind(fd, (const struct sockaddr *)&address, size);
}

/*
 * The client's port may be in use: two addresses of the host's loopback are one gateway
 * inside. Then another one serves; the address is what counts.
 */
int way_connect(int fd, const struct way_ends *ends)
{
	struct sockaddr_storage address;
	const socklen_t size = ip_to_sockaddr(&ends->to, ends->port, &address);

	if (ends->has_from && bind_to(fd, ends, ends->from_port) < 0 &&
	    (ends->from_port == 0 || bind_to(fd, ends, 0) < 0))
		return -1;
	return connect(fd, (const struct sockaddr *)&address, size);
}
