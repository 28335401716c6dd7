/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses a sandbox has when nobody chose. Its network is its own, so that any
 * number of sandboxes may have the same; but what it has inside it cannot reach outside, so that it
 * keeps clear of the networks and routes of the host.
 */
#include "net/net.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	BITS_V4 = 96,
	BITS_MAX = 125, /* of a network that has room for all */
	NETWORK_BITS_V4 = 24 + BITS_V4,
	NETWORK_BITS_V6 = 64,
	OWN_V4 = 100, /* the last byte of the sandbox's address */
	OWN_V6 = 0x64,
	GATEWAY = 2,
	RESOLVER = 3,
	/* A route that is shorter is the default one, or half of it. */
	ROUTE_BITS_MIN = 8,
	ROUTES_SIZE = 65536,
	ROUTES_MAX = 256,
	NETWORKS_V6 = 256,
};

/* ---- what the host has ---------------------------------------------------------------- */

struct taken {
	struct arena arena;
	struct host_view view;
	struct prefix routes[ROUTES_MAX];
	size_t route_count;
};

/* One line of /proc/net/route: the third and the ninth word are hexadecimal, as in memory. */
static bool read_route(const char *line, struct prefix *ret_route)
{
	char destination[16], mask[16];
	uint64_t address, bits;

	if (sscanf(line, "%*s %15s %*s %*s %*s %*s %*s %15s", destination, mask) != 2 ||
	    text_to_u64(destination, 16, &address) < 0 || address > UINT32_MAX ||
	    text_to_u64(mask, 16, &bits) < 0 || bits > UINT32_MAX)
		return false;
	ret_route->ip = ip_from_v4((uint32_t)address);
	ret_route->bits = (uint8_t)(BITS_V4 + __builtin_popcount((unsigned int)bits));
	return ret_route->bits >= BITS_V4 + ROUTE_BITS_MIN;
}

/* proc(5), /proc/net/route. Where it cannot be read, the networks have to do. */
static void read_routes(struct taken *taken)
{
	char *text = arena_alloc(&taken->arena, ROUTES_SIZE + 1);
	auto_close int fd = open("/proc/net/route", O_RDONLY | O_CLOEXEC);
	char *line;

	if (fd < 0 || fd_read_all(fd, text, ROUTES_SIZE) < 0)
		return;
	line = strchr(text, '\n');
	while (line && taken->route_count < ROUTES_MAX) {
		if (read_route(line + 1, &taken->routes[taken->route_count]))
			taken->route_count++;
		line = strchr(line + 1, '\n');
	}
}

static bool overlaps_network(const struct taken *taken, const struct prefix *prefix)
{
	for (size_t i = 0; i < taken->view.on_link_count; i++) {
		if (prefix_overlaps(&taken->view.on_link[i], prefix))
			return true;
	}
	for (size_t i = 0; i < taken->view.address_count; i++) {
		if (prefix_contains(prefix, &taken->view.addresses[i]))
			return true;
	}
	return false;
}

static bool overlaps_route(const struct taken *taken, const struct prefix *prefix)
{
	for (size_t i = 0; i < taken->route_count; i++) {
		if (prefix_overlaps(&taken->routes[i], prefix))
			return true;
	}
	return false;
}

/*
 * Whether a packet to the internet would find a route: a connected UDP socket sends
 * nothing (udp(7)).
 */
static bool host_has_ip6(void)
{
	struct sockaddr_in6 somewhere = { .sin6_family = AF_INET6,
					  .sin6_port = htons(53),
					  .sin6_addr = { { { 0x20 } } } };
	auto_close int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	somewhere.sin6_addr.s6_addr[15] = 1; /* 2000::1 */
	return fd >= 0 &&
	       connect(fd, (const struct sockaddr *)&somewhere, sizeof(somewhere)) == 0;
}

/* ---- networks ------------------------------------------------------------------------- */

static struct prefix make_v4(uint8_t a, uint8_t b, uint8_t c)
{
	const uint8_t bytes[4] = { a, b, c, OWN_V4 };
	struct prefix prefix = { .bits = NETWORK_BITS_V4 };
	uint32_t address;

	memcpy(&address, bytes, sizeof(address));
	prefix.ip = ip_from_v4(address);
	return prefix;
}

/* The nth network that comes into question; false: there are no more. */
static bool nth_v4(unsigned int n, struct prefix *ret_prefix)
{
	static const struct {
		uint8_t a, b, first;
	} ranges[] = { { 10, 0, 2 }, { 172, 29, 0 }, { 192, 168, 130 } };

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		const unsigned int count = 255U - ranges[i].first;

		if (n < count) {
			*ret_prefix = make_v4(ranges[i].a, ranges[i].b,
					      (uint8_t)(ranges[i].first + n));
			return true;
		}
		n -= count;
	}
	return false;
}

static bool find_v4(const struct taken *taken, bool by_routes, struct prefix *ret_prefix)
{
	struct prefix prefix;

	for (unsigned int n = 0; nth_v4(n, &prefix); n++) {
		if (overlaps_network(taken, &prefix) ||
		    (by_routes && overlaps_route(taken, &prefix)))
			continue;
		*ret_prefix = prefix;
		return true;
	}
	return false;
}

static bool find_v6(const struct taken *taken, struct prefix *ret_prefix)
{
	for (unsigned int n = 0; n < NETWORKS_V6; n++) {
		struct prefix prefix = { .bits = NETWORK_BITS_V6 };

		prefix.ip.bytes[0] = 0xfd;
		prefix.ip.bytes[7] = (uint8_t)n;
		prefix.ip.bytes[15] = OWN_V6;
		if (overlaps_network(taken, &prefix))
			continue;
		*ret_prefix = prefix;
		return true;
	}
	return false;
}

/* Whoever may not look has the usual ones. */
static void look(struct taken *taken)
{
	struct error ignored;

	if (net_view_host(&taken->arena, &taken->view, &ignored) < 0)
		memset(&taken->view, 0, sizeof(taken->view));
	read_routes(taken);
}

/* ---- the addresses of a network ------------------------------------------------------- */

static bool is_set(const struct ip *ip)
{
	static const struct ip zero;

	return !ip_equal(ip, &zero);
}

/* Two addresses are not to be used, and three are: sandbox, gateway and resolver. */
static int check_room(const struct prefix *network, const char *option, const char *like,
		      struct error *err)
{
	char text[PREFIX_TEXT_MAX];

	if (network->bits <= BITS_MAX)
		return 0;
	error_set(err, ERROR_USAGE,
		  "use %s %s: there is no room for a gateway and a resolver", option,
		  prefix_format(network, text));
	return error_hint(err, "%s", like);
}

/* The nth address of the network, or the next one that neither a nor b is. */
static struct ip pick(const struct prefix *network, uint8_t n, const struct ip *a,
		      const struct ip *b)
{
	for (;; n++) {
		struct ip ip = prefix_first(network);

		ip.bytes[15] = (uint8_t)(ip.bytes[15] + n);
		if (!prefix_contains(network, &ip)) {
			n = 0;
			continue;
		}
		if (!ip_equal(&ip, a) && !ip_equal(&ip, b))
			return ip;
	}
}

static void fill(const struct prefix *network, struct ip *gateway, struct ip *dns)
{
	if (!is_set(gateway))
		*gateway = pick(network, GATEWAY, &network->ip, dns);
	if (!is_set(dns))
		*dns = pick(network, RESOLVER, &network->ip, gateway);
}

/* A network around a gateway that was given without one. */
static struct prefix around(const struct ip *gateway, uint8_t bits, uint8_t own)
{
	struct prefix prefix = { .ip = *gateway, .bits = bits };

	prefix.ip = prefix_first(&prefix);
	prefix.ip.bytes[15] = own == gateway->bytes[15] ? (uint8_t)(own + 1) : own;
	return prefix;
}

static int choose_v4(struct net_spec *spec, const struct taken *taken, struct error *err)
{
	if (!spec->address.bits && is_set(&spec->gateway))
		spec->address = around(&spec->gateway, NETWORK_BITS_V4, OWN_V4);
	if (!spec->address.bits && !find_v4(taken, true, &spec->address) &&
	    !find_v4(taken, false, &spec->address)) {
		error_set(err, ERROR_NETWORK,
			  "find a network: the host is in all of them");
		return error_hint(err, "--ip CIDR");
	}
	if (check_room(&spec->address, "--ip", "--ip 10.0.2.100/24", err) < 0)
		return -1;
	fill(&spec->address, &spec->gateway, &spec->dns);
	return 0;
}

static int choose_v6(struct net_spec *spec, const struct taken *taken, bool wanted,
		     struct error *err)
{
	if (spec->ip6_off)
		return 0;
	if (!spec->address6.bits && is_set(&spec->gateway6))
		spec->address6 = around(&spec->gateway6, NETWORK_BITS_V6, OWN_V6);
	if (!spec->address6.bits &&
	    (!(wanted || host_has_ip6()) || !find_v6(taken, &spec->address6)))
		return 0;
	if (check_room(&spec->address6, "--ip6", "--ip6 fd00::64/64", err) < 0)
		return -1;
	fill(&spec->address6, &spec->gateway6, &spec->dns6);
	return 0;
}

int net_choose_addresses(struct net_spec *spec, bool ip6_wanted, struct error *err)
{
	struct taken taken = { .route_count = 0 };
	int result;

	if (!spec->address.bits || (!spec->address6.bits && !spec->ip6_off))
		look(&taken);
	result = choose_v4(spec, &taken, err);
	if (result == 0)
		result = choose_v6(spec, &taken, ip6_wanted, err);
	arena_free(&taken.arena);
	return result;
}
