/* SPDX-License-Identifier: Apache-2.0 */
#include "net/interface.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "net/net.h"
#include "net/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
	LOOPBACK_INDEX = 1, /* of every network namespace */
	TABLE_KEPT = 0x5b78,
	PRIORITY_KEPT = 10, /* behind the local table, before all others */
	MTU_DEFAULT = 1500,
	IPV6_MTU_MIN = 1280, /* RFC 8200, section 5 */
};

const char *interface_name(const struct net_spec *spec)
{
	return spec->ifname[0] ? spec->ifname : "tap0";
}

static bool is_given(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return true;
	return false;
}

static int make_link(int fd, const char *name, const char *kind, struct error *err)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	struct netlink_batch batch = { 0 };
	size_t info;

	netlink_begin(&batch, "make an interface that leads nowhere", RTM_NEWLINK,
		      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	netlink_put_text(&batch, IFLA_IFNAME, name);
	info = netlink_nest(&batch, IFLA_LINKINFO);
	netlink_put_text(&batch, IFLA_INFO_KIND, kind);
	netlink_nest_end(&batch, info);
	return netlink_send(fd, &batch, err);
}

int interface_make_dead_end(const struct net_spec *spec, struct error *err)
{
	static const char *const kinds[] = { "dummy", "bridge" };
	auto_close int fd = netlink_open(NETLINK_ROUTE);

	if (fd < 0)
		return error_errno_id(err, ERROR_NETWORK, "open a netlink socket");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (make_link(fd, interface_name(spec), kinds[i], err) == 0)
			return 0;
	return -1;
}

/* By its name: what the kernel gave it as an address, too. */
static int find_link(const char *name, int *ret_index, uint8_t ret_mac[6],
		     struct error *err)
{
	struct ifreq request = { 0 };
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int index;

	if (fd < 0)
		return error_errno_id(err, ERROR_NETWORK, "open a socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return error_errno_id(err, ERROR_NETWORK, "find the interface %s", name);
	index = request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return error_errno_id(err, ERROR_NETWORK, "read the MAC address of %s",
				      name);
	memcpy(ret_mac, request.ifr_hwaddr.sa_data, 6);
	*ret_index = index;
	return 0;
}

/* RFC 4291, appendix A: the interface identifier that is made of a MAC address. */
static void link_local(const uint8_t mac[6], uint8_t ret_address[16])
{
	const uint8_t address[16] = {
		0xfe,        0x80,        [8] = mac[0] ^ 2, [9] = mac[1],  [10] = mac[2],
		[11] = 0xff, [12] = 0xfe, [13] = mac[3],    [14] = mac[4], [15] = mac[5],
	};

	memcpy(ret_address, address, 16);
}

static void say_loopback(struct netlink_batch *batch)
{
	const struct ifinfomsg link = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = LOOPBACK_INDEX,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};

	netlink_begin(batch, "bring the loopback interface up", RTM_NEWLINK, NLM_F_ACK,
		      &link, sizeof(link));
}

/*
 * No address of the kernel's own choice (IN6_ADDR_GEN_MODE_NONE): the link-local one comes from us, without
 * the second that duplicate address detection takes. A kernel without IPv6 takes no such
 * attribute.
 */
static void say_no_addresses(struct netlink_batch *batch)
{
	const size_t families = netlink_nest(batch, IFLA_AF_SPEC);
	const size_t inet6 = netlink_nest(batch, AF_INET6);

	netlink_put_u8(batch, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	netlink_nest_end(batch, inet6);
	netlink_nest_end(batch, families);
}

/* Two messages: an address can be changed only while the device is down. */
static void say_link(struct netlink_batch *batch, const struct net_spec *spec, int index)
{
	const uint32_t mtu = spec->mtu ? spec->mtu : MTU_DEFAULT;
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = index };

	netlink_begin(batch, "set MAC address and MTU of the interface", RTM_NEWLINK,
		      NLM_F_ACK, &link, sizeof(link));
	netlink_put_u32(batch, IFLA_MTU, mtu);
	if (is_given(spec->mac, sizeof(spec->mac)))
		netlink_put(batch, IFLA_ADDRESS, spec->mac, sizeof(spec->mac));
	if (spec->txqueuelen)
		netlink_put_u32(batch, IFLA_TXQLEN, spec->txqueuelen);

	netlink_begin(batch, "keep the kernel's IPv6 addresses off the interface",
		      RTM_NEWLINK, NLM_F_ACK, &link, sizeof(link));
	netlink_forgive(batch, EAFNOSUPPORT);
	say_no_addresses(batch);

	link.ifi_flags = IFF_UP;
	link.ifi_change = IFF_UP;
	netlink_begin(batch, "bring the interface up", RTM_NEWLINK, NLM_F_ACK, &link,
		      sizeof(link));
}

static void say_address4(struct netlink_batch *batch, const struct net_spec *spec,
			 int index)
{
	const uint32_t address = ip_to_v4(&spec->address.ip);
	const uint8_t bits = (uint8_t)(spec->address.bits - 96);
	const struct ifaddrmsg header = {
		.ifa_family = AF_INET,
		.ifa_prefixlen = bits,
		.ifa_flags = IFA_F_PERMANENT,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = (uint32_t)index,
	};

	netlink_begin(batch, "give the interface its IPv4 address", RTM_NEWADDR,
		      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put(batch, IFA_LOCAL, &address, sizeof(address));
	netlink_put(batch, IFA_ADDRESS, &address, sizeof(address));
	if (bits < 31) {
		const uint32_t broadcast = address | htonl(UINT32_MAX >> bits);

		netlink_put(batch, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	}
}

static void say_address6(struct netlink_batch *batch, const uint8_t address[16],
			 uint8_t bits, uint8_t scope, int index)
{
	const struct ifaddrmsg header = {
		.ifa_family = AF_INET6,
		.ifa_prefixlen = bits,
		.ifa_flags = IFA_F_NODAD | IFA_F_PERMANENT,
		.ifa_scope = scope,
		.ifa_index = (uint32_t)index,
	};

	netlink_begin(batch, "give the interface its IPv6 address", RTM_NEWADDR,
		      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put(batch, IFA_LOCAL, address, 16);
	netlink_put(batch, IFA_ADDRESS, address, 16);
}

static void say_default_route(struct netlink_batch *batch, int family,
			      const struct ip *gateway, int index)
{
	const struct rtmsg header = {
		.rtm_family = (uint8_t)family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	const uint32_t gateway4 = ip_to_v4(gateway);

	netlink_begin(batch,
		      family == AF_INET ? "set the default route of IPv4"
					: "set the default route of IPv6",
		      RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &header,
		      sizeof(header));
	if (family == AF_INET)
		netlink_put(batch, RTA_GATEWAY, &gateway4, sizeof(gateway4));
	else
		netlink_put(batch, RTA_GATEWAY, gateway->bytes, sizeof(gateway->bytes));
	netlink_put_u32(batch, RTA_OIF, (uint32_t)index);
}

static void say_addresses(struct netlink_batch *batch, const struct net_spec *spec,
			  const uint8_t mac[6], int index)
{
	uint8_t local[16];

	if (spec->address.bits) {
		say_address4(batch, spec, index);
		if (is_given(spec->gateway.bytes, sizeof(spec->gateway.bytes)))
			say_default_route(batch, AF_INET, &spec->gateway, index);
	}
	if (!spec->address6.bits)
		return;
	link_local(mac, local);
	say_address6(batch, local, 64, RT_SCOPE_LINK, index);
	say_address6(batch, spec->address6.ip.bytes, spec->address6.bits,
		     RT_SCOPE_UNIVERSE, index);
	if (is_given(spec->gateway6.bytes, sizeof(spec->gateway6.bytes)))
		say_default_route(batch, AF_INET6, &spec->gateway6, index);
}

/*
 * Router advertisements would add addresses of their own, if any came. /proc may be
 * read-only, as in a container: the frame path lets none in.
 */
static void refuse_advertisements(const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", name);
	(void)files_write(AT_FDCWD, path, "0");
}

/*
 * The kernel limits how many ICMP errors it sends (icmp(7), icmp_ratemask): the 51st
 * connection in a row that is rejected by one would wait a second for nothing. Without the
 * bit of destination unreachable, they are not counted. IPv6 counts none that stay inside.
 */
static void reject_without_limit(void)
{
	(void)files_write(AT_FDCWD, "/proc/sys/net/ipv4/icmp_ratemask", "6160");
}

int interface_set_up(const struct net_spec *spec, uint8_t ret_mac[6], struct error *err)
{
	const char *name = interface_name(spec);
	auto_close int fd = netlink_open(NETLINK_ROUTE);
	struct netlink_batch batch = { 0 };
	uint8_t mac[6] = { 0 };
	int index = 0;

	if (fd < 0)
		return error_errno_id(err, ERROR_NETWORK, "open a netlink socket");
	if (find_link(name, &index, mac, err) < 0)
		return -1;
	if (is_given(spec->mac, sizeof(spec->mac)))
		memcpy(mac, spec->mac, sizeof(mac));
	reject_without_limit();
	if (spec->address6.bits)
		refuse_advertisements(name);
	say_loopback(&batch);
	say_link(&batch, spec, index);
	say_addresses(&batch, spec, mac, index);
	if (netlink_send(fd, &batch, err) < 0)
		return -1;
	memcpy(ret_mac, mac, sizeof(mac));
	return 0;
}

/* ---- the client's address ----------------------------------------------------------- */

static void say_kept(struct netlink_batch *batch, int family)
{
	const struct fib_rule_hdr rule = {
		.family = (uint8_t)family,
		.action = FR_ACT_TO_TBL,
	};
	const struct rtmsg route = {
		.rtm_family = (uint8_t)family,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_HOST,
		.rtm_type = RTN_LOCAL,
	};

	netlink_begin(batch, "add a routing rule", RTM_NEWRULE,
		      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &rule, sizeof(rule));
	netlink_put_u32(batch, FRA_PRIORITY, PRIORITY_KEPT);
	netlink_put_u32(batch, FRA_FWMARK, MARK_KEEPS_CLIENT);
	netlink_put_u32(batch, FRA_TABLE, TABLE_KEPT);
	netlink_begin(batch, "add a local route", RTM_NEWROUTE,
		      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	netlink_put_u32(batch, RTA_TABLE, TABLE_KEPT);
	netlink_put_u32(batch, RTA_OIF, LOOPBACK_INDEX);
}

/* One switch for both families, in spite of its name (ip-sysctl, tcp_fwmark_accept). */
uint32_t interface_keep_marked(bool *ret_inherited)
{
	static const int families[] = { AF_INET, AF_INET6 };
	auto_close int fd = netlink_open(NETLINK_ROUTE);
	struct netlink_batch batch = { 0 };
	struct error ignored;
	uint32_t kept = 0;

	*ret_inherited =
		files_write(AT_FDCWD, "/proc/sys/net/ipv4/tcp_fwmark_accept", "1") == 0;
	if (fd < 0)
		return 0;
	for (uint32_t i = 0; i < 2; i++) {
		netlink_reset(&batch);
		say_kept(&batch, families[i]);
		if (netlink_send(fd, &batch, &ignored) == 0)
			kept |= 1U << i;
	}
	return kept;
}

void interface_reflect_marks(void)
{
	(void)files_write(AT_FDCWD, "/proc/sys/net/ipv4/fwmark_reflect", "1");
	(void)files_write(AT_FDCWD, "/proc/sys/net/ipv6/fwmark_reflect", "1");
}
