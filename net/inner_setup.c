/* SPDX-License-Identifier: Apache-2.0 */
#include "net/inner_parts.h"

#include "base/error.h"
#include "base/fd.h"
#include "net/interface.h"
#include "net/netfilter.h"
#include "net/packet_queue.h"
#include "net/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BACKLOG = 4096,        /* net.core.somaxconn is a limit, too */
	QUEUE_BYTES = 4 << 20, /* net.core.rmem_max, too */
};

/* ---- the interface -------------------------------------------------------------------- */

/*
 * Where a frame may be as large as a segment of TCP there is nothing to cut, and the kernel
 * sums it up for whoever sends it, beside us; else we would do that alone.
 */
static bool wants_offloads(const struct net_spec *spec)
{
	return !spec->foreign_stack || spec->mtu < NET_FOREIGN_MTU;
}

/* Without a tap nothing leaves: routes lead to a device that drops what it is given. */
static int make_interface(struct inner *inner, struct error *err)
{
	const struct net_spec *spec = inner->spec;

	snprintf(inner->setup.ifname, sizeof(inner->setup.ifname), "%s",
		 interface_name(spec));
	if (spec->mode == NET_RELAY) {
		if (interface_make_dead_end(spec, err) < 0)
			return -1;
	} else {
		inner->fds[INNER_FD_TAP] =
			tap_open(inner->setup.ifname, wants_offloads(spec), err);
		if (inner->fds[INNER_FD_TAP] < 0)
			return -1;
	}
	return interface_set_up(spec, inner->setup.mac, err);
}

/* ---- sockets ---------------------------------------------------------------------------- */

static int only_v6(int fd)
{
	const int on = 1;

	return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
}

/* On a port of the loopback address that the kernel chooses. */
static int bind_loopback(int fd, int family, uint16_t *ret_port)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct sockaddr *address =
		family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);

	if (family == AF_INET6 && only_v6(fd) < 0)
		return -1;
	if (bind(fd, address, size) < 0 || getsockname(fd, address, &size) < 0)
		return -1;
	*ret_port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return 0;
}

static int make_server(struct inner *inner, enum inner_fd which, int family, int type,
		       struct error *err)
{
	auto_close int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind_loopback(fd, family, &inner->ports[which]) < 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
		return error_errno_id(err, ERROR_NETWORK,
				      "listen on the sandbox's loopback address");
	inner->fds[which] = fd_take(&fd);
	return 0;
}

int inner_make_socket(int family, int type, bool transparent)
{
	auto_close int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const uint32_t mark = MARK_KEEPS_CLIENT;
	const int on = 1;

	if (fd < 0 || (family == AF_INET6 && only_v6(fd) < 0))
		return -1;
	if (!transparent)
		return fd_take(&fd);
	if (setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		       family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on,
		       sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	return fd_take(&fd);
}

/* ---- what brings connections to us ------------------------------------------------------ */

struct family_parts {
	int family;
	uint32_t bit;
	enum inner_fd relay, dns, dns_tcp;
};

static const struct family_parts families[] = {
	{ AF_INET, 1, INNER_FD_RELAY4, INNER_FD_DNS4, INNER_FD_DNS_TCP4 },
	{ AF_INET6, 2, INNER_FD_RELAY6, INNER_FD_DNS6, INNER_FD_DNS_TCP6 },
};

static void forget_servers(struct inner *inner, const struct family_parts *parts)
{
	fd_close(&inner->fds[parts->relay]);
	fd_close(&inner->fds[parts->dns]);
	fd_close(&inner->fds[parts->dns_tcp]);
}

static int divert(struct inner *inner, const struct family_parts *parts,
		  struct error *err)
{
	const struct net_spec *spec = inner->spec;
	const bool v4 = parts->family == AF_INET;
	struct netfilter_spec filter = {
		.family = parts->family,
		.queue = PACKET_QUEUE_NUMBER,
		.dns_address = v4 ? spec->dns : spec->dns6,
		.all_protocols = spec->mode == NET_RELAY,
	};

	if (make_server(inner, parts->relay, parts->family, SOCK_STREAM, err) < 0 ||
	    make_server(inner, parts->dns, parts->family, SOCK_DGRAM, err) < 0 ||
	    make_server(inner, parts->dns_tcp, parts->family, SOCK_STREAM, err) < 0)
		return -1;
	filter.relay = inner->ports[parts->relay];
	filter.dns = inner->ports[parts->dns];
	filter.dns_tcp = inner->ports[parts->dns_tcp];
	return netfilter_set_up(inner->queue, &filter, err);
}

static int open_queue(struct inner *inner, struct error *err)
{
	const int bytes = QUEUE_BYTES, on = 1;
	auto_close int fd = netlink_open(NETLINK_NETFILTER);

	if (fd < 0)
		return error_errno_id(err, ERROR_NETWORK, "open a socket of netfilter");
	if (packet_queue_bind(fd, err) < 0)
		return -1;
	/* What does not fit is dropped, and sent again: netlink(7), NETLINK_NO_ENOBUFS. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	inner->queue = fd_take(&fd);
	return 0;
}

static void say_why(struct inner *inner, const struct error *err)
{
	snprintf(inner->setup.why_no_relay, sizeof(inner->setup.why_no_relay),
		 "cannot %.70s: %.40s", err->text, strerror(err->errnum));
}

static void divert_all(struct inner *inner)
{
	const bool given[] = { inner->spec->address.bits != 0,
			       inner->spec->address6.bits != 0 };
	struct error err = { 0 };

	if (open_queue(inner, &err) < 0) {
		say_why(inner, &err);
		return;
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		if (!given[i])
			continue;
		if (divert(inner, &families[i], &err) == 0) {
			inner->setup.diverts |= families[i].bit;
			continue;
		}
		forget_servers(inner, &families[i]);
		say_why(inner, &err);
	}
	if (inner->setup.diverts == 0)
		fd_close(&inner->queue);
}

/*
 * One socket of each kind is made, to see whether it can be. Answers of TCP inherit the
 * mark; those of UDP have it from the packet filter alone.
 */
static void keep_clients(struct inner *inner)
{
	bool inherited;
	const uint32_t routed = interface_keep_marked(&inherited);
	uint32_t kept = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		auto_close int fd =
			inner_make_socket(families[i].family, SOCK_STREAM, true);

		if (fd >= 0)
			kept |= routed & families[i].bit;
	}
	inner->setup.keeps_tcp = inherited ? kept : kept & inner->setup.diverts;
	inner->setup.keeps_udp_source =
		inner->setup.diverts != 0 &&
		(kept & inner->setup.diverts) == inner->setup.diverts;
}

/*
 * What goes through the network namespace by packet(7) passes no filter of it and reaches
 * no socket in it.
 */
static void bring_nothing(struct inner *inner)
{
	snprintf(inner->setup.why_no_relay, sizeof(inner->setup.why_no_relay),
		 "the sandbox has a network stack of its own");
}

static int bring_connections(struct inner *inner, struct error *err)
{
	if (inner->spec->foreign_stack) {
		bring_nothing(inner);
		return 0;
	}
	if (inner->spec->relay_off) {
		keep_clients(inner);
		interface_reflect_marks();
		snprintf(inner->setup.why_no_relay, sizeof(inner->setup.why_no_relay),
			 "the relay is off (--relay off, --pcap)");
		return 0;
	}
	divert_all(inner);
	keep_clients(inner);
	if (inner->spec->mode != NET_RELAY || inner->setup.diverts != 0)
		return 0;
	error_set(err, ERROR_NETWORK, "relay connections: %s", inner->setup.why_no_relay);
	return error_hint(err, "a kernel with nf_tables and NFQUEUE; or --net user");
}

/* Both halves use the socket: one reads, the other may decide. */
static int share_queue(struct inner *inner, struct error *err)
{
	if (inner->queue < 0)
		return 0;
	inner->fds[INNER_FD_QUEUE] = fcntl(inner->queue, F_DUPFD_CLOEXEC, 0);
	return inner->fds[INNER_FD_QUEUE] < 0
		       ? error_errno_id(err, ERROR_NETWORK, "share the queue of packets")
		       : 0;
}

int inner_set_up(struct inner *inner, struct error *err)
{
	if (make_interface(inner, err) < 0 || bring_connections(inner, err) < 0 ||
	    share_queue(inner, err) < 0)
		return -1;
	for (int i = 0; i < INNER_FD_COUNT; i++)
		if (inner->fds[i] >= 0)
			inner->setup.has |= 1U << i;
	return 0;
}
