/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of published ports on the host. They are bound before sbx-net confines itself, so
 * that a port which cannot be had ends the start, in words that say who has it.
 */
#include "net/port_parts.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,        /* the kernel cuts it to net.core.somaxconn */
	CHOOSE_TRIES = 64,     /* for a port that is free on both addresses */
	DESCRIPTORS_REST = 64, /* beside those of the ports */
};

static const char port_start_file[] = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/* ---- places ---------------------------------------------------------------------------- */

size_t publish_count(const struct publish *publish)
{
	return publish->guest_ports.last - publish->guest_ports.first + 1U;
}

size_t port_places(const struct publish *publish, size_t index, struct port_place *places)
{
	static const struct ip loopback6 = { { [15] = 1 } };
	const struct ip both[PUBLISH_ADDRESSES] = { ip_from_v4(htonl(INADDR_LOOPBACK)),
						    loopback6 };
	const size_t count = publish->host_given ? 1 : PUBLISH_ADDRESSES;
	const bool chosen = publish->host_ports.first == 0;

	for (size_t i = 0; i < count; i++)
		places[i] = (struct port_place){
			.host = publish->host_given ? publish->host : both[i],
			.host_port =
				chosen ? 0
				       : (uint16_t)(publish->host_ports.first + index),
			.guest_port = (uint16_t)(publish->guest_ports.first + index),
			.protocol = publish->protocol,
			.chosen = chosen,
		};
	return count;
}

/* ---- errors ---------------------------------------------------------------------------- */

/* The first port that an ordinary user may listen on; 0 where that cannot be read. */
static int read_port_start(void)
{
	char text[16];
	int start;

	if (files_read(AT_FDCWD, port_start_file, text, sizeof(text) - 1) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return text_to_int(text, 0, UINT16_MAX, &start) == 0 ? start : 0;
}

static int refuse_in_use(const struct port_place *place, const char *where,
			 struct error *err)
{
	char holder[128];

	error_set(err, ERROR_PORT, "publish port %u: %s is in use", place->host_port,
		  where);
	net_port_holder(place->protocol, &place->host, place->host_port, holder,
			sizeof(holder));
	if (holder[0])
		return error_hint(err, "%s holds it; -p %u alone takes a free port",
				  holder, place->guest_port);
	return error_hint(err, "-p %u alone takes a free port", place->guest_port);
}

static int refuse_low(const struct port_place *place, struct error *err)
{
	const int start = read_port_start();

	error_set(err, ERROR_PORT,
		  "publish port %u: this user may not listen on a port that low",
		  place->host_port);
	if (start > place->host_port)
		return error_hint(
			err,
			"net.ipv4.ip_unprivileged_port_start is %d: take a port "
			"from there on, or sudo sysctl -w "
			"net.ipv4.ip_unprivileged_port_start=%u",
			start, place->host_port);
	return error_hint(err, "net.ipv4.ip_unprivileged_port_start says where the ports "
			       "of ordinary users begin");
}

static int refuse_place(const struct port_place *place, int errnum, struct error *err)
{
	char where[ENDPOINT_TEXT_MAX];

	endpoint_format(&place->host, place->host_port, where);
	if (errnum == EADDRINUSE)
		return refuse_in_use(place, where, err);
	if (errnum == EACCES)
		return refuse_low(place, err);
	errno = errnum;
	error_errno_id(err, ERROR_PORT, "publish port %u: listen on %s", place->host_port,
		       where);
	if (errnum == EADDRNOTAVAIL)
		return error_hint(err, "ip addr shows the addresses of this host; "
				       "0.0.0.0 is all of IPv4, [::] all of IPv6");
	if (errnum == EMFILE || errnum == ENFILE)
		return error_hint(err, "ulimit -n says how many there may be: publish "
				       "fewer ports");
	return -1;
}

/* ---- sockets --------------------------------------------------------------------------- */

static int set_options(int fd, const struct port_place *place)
{
	static const int on = 1;
	const bool v4 = ip_is_v4(&place->host);

	/* [::] and 0.0.0.0 are published apart. */
	if (!v4 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -1;
	/* For UDP it would let two have the same port: socket(7). */
	if (place->protocol == PROTOCOL_TCP)
		return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (v4)
		return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
}

int port_open(const struct port_place *place)
{
	const bool tcp = place->protocol == PROTOCOL_TCP;
	struct sockaddr_storage address;
	const socklen_t size = ip_to_sockaddr(&place->host, place->host_port, &address);
	auto_close int fd = socket(
		address.ss_family,
		(tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || set_options(fd, place) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, size) < 0)
		return -1;
	if (tcp && listen(fd, BACKLOG) < 0)
		return -1;
	return fd_take(&fd);
}

static int read_bound_port(int fd, uint16_t *ret_port)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct ip ip;

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -1;
	return ip_from_sockaddr(&address, &ip, ret_port);
}

static bool is_family_missing(int errnum)
{
	return errnum == EAFNOSUPPORT || errnum == EADDRNOTAVAIL;
}

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fd_close(&fds[i]);
}

/*
 * One try on all addresses. Where nobody gave an address, a host without IPv4 or IPv6 is
 * served on what it has. -1 and errno; *ret_failed is which place it was.
 */
static int try_places(struct port_place *places, size_t count, int *fds,
		      size_t *ret_failed)
{
	uint16_t port = places[0].host_port;
	size_t opened = 0;

	for (size_t i = 0; i < count; i++) {
		places[i].host_port = port;
		fds[i] = port_open(&places[i]);
		if (fds[i] < 0 && (count == 1 || !is_family_missing(errno) ||
				   (i + 1 == count && opened == 0))) {
			const int errnum = errno;

			close_all(fds, i);
			*ret_failed = i;
			errno = errnum;
			return -1;
		}
		if (fds[i] < 0)
			continue;
		opened++;
		if (port == 0 && read_bound_port(fds[i], &port) == 0)
			places[i].host_port = port;
	}
	return 0;
}

int port_open_all(const struct publish *publish, size_t index, int *fds,
		  struct port_place *places, struct error *err)
{
	struct port_place wanted[PUBLISH_ADDRESSES];
	const size_t count = port_places(publish, index, wanted);
	size_t failed = 0;

	for (int i = 0; i < CHOOSE_TRIES; i++) {
		memcpy(places, wanted, sizeof(wanted));
		if (try_places(places, count, fds, &failed) == 0)
			return (int)count;
		if (!wanted[0].chosen || errno != EADDRINUSE)
			break;
	}
	return refuse_place(&places[failed], errno, err);
}

/* ---- before the confinement ------------------------------------------------------------ */

static size_t count_places(const struct net_spec *net)
{
	size_t count = 0;

	for (size_t i = 0; i < net->published_count; i++)
		count += publish_count(&net->published[i]) *
			 (net->published[i].host_given ? 1 : PUBLISH_ADDRESSES);
	return count;
}

/* The soft limit is for programs that use select(2), which we do not. */
static void raise_limit(size_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur >= wanted + DESCRIPTORS_REST)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int bind_published(const struct publish *publish, int *fds, size_t *used,
			  struct error *err)
{
	struct port_place places[PUBLISH_ADDRESSES];

	for (size_t i = 0; i < publish_count(publish); i++) {
		const int count = port_open_all(publish, i, fds + *used, places, err);

		if (count < 0)
			return -1;
		*used += (size_t)count;
	}
	return 0;
}

int ports_bind(const struct net_spec *net, struct arena *arena, int **ret_fds,
	       size_t *ret_count, struct error *err)
{
	const size_t count = count_places(net);
	size_t used = 0;
	int *fds;

	if (count > PORT_LISTENERS_MAX) {
		error_set(err, ERROR_PORT, "publish %zu ports: there are at most %d",
			  count, PORT_LISTENERS_MAX);
		return error_hint(err, "a port without an address counts for 127.0.0.1 "
				       "and for [::1]");
	}
	raise_limit(count);
	fds = arena_alloc_array(arena, count ? count : 1, sizeof(*fds));
	for (size_t i = 0; i < net->published_count; i++) {
		if (bind_published(&net->published[i], fds, &used, err) == 0)
			continue;
		close_all(fds, used);
		return -1;
	}
	*ret_fds = fds;
	*ret_count = count;
	return 0;
}
