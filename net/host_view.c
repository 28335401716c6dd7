/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/arena.h"
#include "base/error.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

enum { ADDRESS_BITS = 128 };

static bool read_address(const struct sockaddr *from, struct ip *ret_ip)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	uint16_t port;

	if (!from || (from->sa_family != AF_INET && from->sa_family != AF_INET6))
		return false;
	memcpy(&address, from,
	       from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
	return ip_from_sockaddr(&address, ret_ip, &port) == 0;
}

/* How many bits of a mask are set: of IPv4 those in front are. */
static uint8_t count_bits(const struct sockaddr *mask, bool is_v4)
{
	struct ip ip;
	int bits = 0;

	if (!read_address(mask, &ip))
		return ADDRESS_BITS;
	for (size_t i = is_v4 ? 12 : 0; i < sizeof(ip.bytes); i++)
		bits += __builtin_popcount(ip.bytes[i]);
	return (uint8_t)(bits + (is_v4 ? 96 : 0));
}

static void add_address(struct arena *arena, struct host_view *view, const struct ip *ip)
{
	struct ip *list =
		arena_grow(arena, view->addresses, view->address_count, sizeof(*list));

	list[view->address_count++] = *ip;
	view->addresses = list;
}

static void add_network(struct arena *arena, struct host_view *view,
			const struct prefix *prefix)
{
	struct prefix *list =
		arena_grow(arena, view->on_link, view->on_link_count, sizeof(*list));

	list[view->on_link_count++] = *prefix;
	view->on_link = list;
}

static bool is_point_to_point(const struct ifaddrs *each)
{
	return (each->ifa_flags & IFF_POINTOPOINT) && each->ifa_dstaddr;
}

/*
 * An address alone has no network. The far end of a point-to-point link is on-link; loopback
 * and link-local addresses have rules of their own.
 */
static void add_interface(struct arena *arena, struct host_view *view,
			  const struct ifaddrs *each)
{
	struct prefix prefix;
	struct ip far;

	if (!read_address(each->ifa_addr, &prefix.ip))
		return;
	add_address(arena, view, &prefix.ip);
	if (each->ifa_flags & IFF_LOOPBACK)
		return;
	prefix.bits = count_bits(each->ifa_netmask, ip_is_v4(&prefix.ip));
	if (prefix.bits < ADDRESS_BITS)
		add_network(arena, view, &prefix);
	if (is_point_to_point(each) && read_address(each->ifa_dstaddr, &far) &&
	    !ip_equal(&far, &prefix.ip))
		add_network(arena, view, &(struct prefix){ far, ADDRESS_BITS });
}

int net_view_host(struct arena *arena, struct host_view *ret_view, struct error *err)
{
	struct host_view view = { .address_count = 0 };
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "look at the networks of the host");
	for (const struct ifaddrs *each = list; each; each = each->ifa_next)
		add_interface(arena, &view, each);
	freeifaddrs(list);
	ret_view->addresses = view.addresses;
	ret_view->address_count = view.address_count;
	ret_view->on_link = view.on_link;
	ret_view->on_link_count = view.on_link_count;
	return 0;
}
