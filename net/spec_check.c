/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits and contradictions of a spec. Whatever is wrong is named by the option that says
 * it, with what would be right.
 */
#include "net/net.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "net/dns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
	MTU_MIN = 68, /* RFC 791, 3.2 */
	MTU_MAX = 65521,
	MTU_MIN_IP6 = 1280, /* RFC 8200, 5 */
	IFNAME_MAX = 15,    /* IFNAMSIZ less the NUL */
	MAC_TEXT = 17,
	HOSTNAME_MAX = 253, /* RFC 1035, 2.3.4 as text */
	LABEL_MAX = 63,
	BITS_V4 = 96, /* what an IPv4 prefix is longer than it is written */
	BITS_MIN_V4 = 8 + BITS_V4,
	BITS_MAX_V4 = 29 + BITS_V4, /* the sandbox, the gateway and the resolver */
	BITS_MIN_V6 = 8,
	BITS_MAX_V6 = 125,
};

/* ---- names --------------------------------------------------------------------------- */

/* dev_valid_name() of the kernel, and the names that its sysctl directories have already. */
bool net_is_interface_name(const char *text)
{
	static const char *const taken[] = { ".", "..", "lo", "all", "default" };
	const size_t length = strlen(text);

	if (length == 0 || length > IFNAME_MAX)
		return false;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (!strcmp(text, taken[i]))
			return false;
	}
	for (; *text; text++) {
		/* a % would be made a number */
		if (!isgraph((unsigned char)*text) || strchr("/:%", *text))
			return false;
	}
	return true;
}

/* Two hexadecimal digits. */
static int read_octet(const char *text, uint8_t *ret_octet)
{
	char digits[3] = { text[0], text[1], '\0' };
	uint64_t value;

	if (strspn(digits, "0123456789abcdefABCDEF") != 2 ||
	    text_to_u64(digits, 16, &value) < 0)
		return -1;
	*ret_octet = (uint8_t)value;
	return 0;
}

int net_parse_mac(const char *text, uint8_t mac[6])
{
	if (strlen(text) != MAC_TEXT)
		return -1;
	for (size_t i = 0; i < 6; i++) {
		const char after = text[3 * i + 2];

		if (read_octet(text + 3 * i, &mac[i]) < 0 ||
		    (i < 5 && after != ':' && after != '-'))
			return -1;
	}
	return 0;
}

static bool is_label(const char *label, size_t length)
{
	if (length == 0 || length > LABEL_MAX || label[0] == '-' ||
	    label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)label[i]) && !strchr("-_", label[i]))
			return false;
	}
	return true;
}

bool net_is_domain(const char *text)
{
	if (strlen(text) > HOSTNAME_MAX)
		return false;
	for (;;) {
		const size_t length = strcspn(text, ".");

		if (!is_label(text, length))
			return false;
		text += length;
		/* a dot at the end says that it is the whole name */
		if (!text[0] || !text[1])
			return true;
		text++;
	}
}

/* ---- addresses ----------------------------------------------------------------------- */

static bool is_zero(const struct ip *ip)
{
	static const struct ip zero;

	return ip_equal(ip, &zero);
}

static bool is_within(const struct ip *ip, const char *prefix_text)
{
	struct prefix prefix;

	return prefix_parse(prefix_text, &prefix) == 0 && prefix_contains(&prefix, ip);
}

/* Addresses that no interface of a network may have. */
static const char *unusable(const struct ip *ip)
{
	static const struct {
		const char *prefix, *reason;
	} rows[] = {
		{ "0.0.0.0/8", "it means this host" },
		{ "127.0.0.0/8", "it is a loopback address" },
		{ "169.254.0.0/16", "it is a link-local address" },
		{ "224.0.0.0/4", "it is a multicast address" },
		{ "240.0.0.0/4", "it is reserved" },
		{ "::1/128", "it is a loopback address" },
		{ "::/128", "it is no address of a host" },
		{ "64:ff9b::/96", "it stands for an IPv4 address" },
		{ "fe80::/10", "it is a link-local address" },
		{ "ff00::/8", "it is a multicast address" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_within(ip, rows[i].prefix))
			return rows[i].reason;
	}
	return NULL;
}

/* One family's part of a spec. */
struct side {
	const char *option; /* --ip or --ip6 */
	struct prefix address;
	struct ip gateway, dns;
	bool is_v4;
};

static struct ip with_last_bits(const struct prefix *network, uint8_t last)
{
	struct ip ip = prefix_first(network);

	ip.bytes[15] = (uint8_t)(ip.bytes[15] | last);
	return ip;
}

static int refuse_address(const struct side *side, const char *reason, struct error *err)
{
	const int bits = side->address.bits - (side->is_v4 ? BITS_V4 : 0);
	char ip[IP_TEXT_MAX], better[IP_TEXT_MAX];
	struct ip instead = with_last_bits(&side->address, side->is_v4 ? 4 : 0x64);

	error_set(err, ERROR_NETWORK, "use %s %s/%d: %s", side->option,
		  ip_format(&side->address.ip, ip), bits, reason);
	if (unusable(&instead) || ip_is_v4(&instead) != side->is_v4)
		return error_hint(err,
				  side->is_v4 ? "%s 10.0.2.100/24" : "%s fd00::64/64",
				  side->option);
	return error_hint(err, "%s %s/%d", side->option, ip_format(&instead, better),
			  bits);
}

static int refuse_length(const struct side *side, struct error *err)
{
	const int bits = side->address.bits - (side->is_v4 ? BITS_V4 : 0);
	char ip[IP_TEXT_MAX];

	error_set(err, ERROR_NETWORK, "use %s %s/%d: the length has to be %d to %d",
		  side->option, ip_format(&side->address.ip, ip), bits,
		  side->is_v4 ? BITS_MIN_V4 - BITS_V4 : BITS_MIN_V6,
		  side->is_v4 ? BITS_MAX_V4 - BITS_V4 : BITS_MAX_V6);
	return error_hint(err, "the sandbox, its gateway and its resolver need an "
			       "address each");
}

static int check_own(const struct side *side, struct error *err)
{
	const struct ip *own = &side->address.ip;
	const struct ip first = prefix_first(&side->address);
	const struct ip last = prefix_last(&side->address);
	const char *reason = unusable(own);

	if (side->address.bits < (side->is_v4 ? BITS_MIN_V4 : BITS_MIN_V6) ||
	    side->address.bits > (side->is_v4 ? BITS_MAX_V4 : BITS_MAX_V6))
		return refuse_length(side, err);
	if (ip_equal(own, &first))
		reason = "it is the address of the network itself";
	else if (side->is_v4 && ip_equal(own, &last))
		reason = "it is the network's broadcast address";
	return reason ? refuse_address(side, reason, err) : 0;
}

/* Why the address can be none of the network's others; NULL: it can. */
static const char *misplaced(const struct side *side, const struct ip *ip)
{
	const struct ip first = prefix_first(&side->address);
	const struct ip last = prefix_last(&side->address);

	if (!prefix_contains(&side->address, ip))
		return "it is not in the sandbox's network";
	if (ip_equal(ip, &side->address.ip))
		return "it is the sandbox's own address";
	if (ip_equal(ip, &first))
		return "it is the address of the network itself";
	if (side->is_v4 && ip_equal(ip, &last))
		return "it is the network's broadcast address";
	return NULL;
}

static int check_gateway(const struct side *side, struct error *err)
{
	const char *reason = misplaced(side, &side->gateway);
	char gateway[IP_TEXT_MAX], own[IP_TEXT_MAX];

	if (!reason)
		return 0;
	error_set(err, ERROR_NETWORK, "use --gateway %s: %s",
		  ip_format(&side->gateway, gateway), reason);
	return error_hint(err, "the network is %s/%d: leave --gateway, or %s another",
			  ip_format(&side->address.ip, own),
			  side->address.bits - (side->is_v4 ? BITS_V4 : 0), side->option);
}

/* Nobody chooses it by an option: a configuration may. */
static int check_resolver(const struct side *side, struct error *err)
{
	const char *reason = misplaced(side, &side->dns);
	char dns[IP_TEXT_MAX];

	if (!reason && ip_equal(&side->dns, &side->gateway))
		reason = "it is the gateway";
	if (!reason)
		return 0;
	return error_set(err, ERROR_NETWORK, "answer names at %s: %s",
			 ip_format(&side->dns, dns), reason);
}

static int check_side(const struct side *side, struct error *err)
{
	if (ip_is_v4(&side->address.ip) != side->is_v4) {
		char ip[IP_TEXT_MAX];

		error_set(err, ERROR_NETWORK, "use %s %s: it is an %s address",
			  side->option, ip_format(&side->address.ip, ip),
			  side->is_v4 ? "IPv6" : "IPv4");
		return error_hint(err, side->is_v4 ? "--ip6" : "--ip");
	}
	if (check_own(side, err) < 0 || check_gateway(side, err) < 0)
		return -1;
	return check_resolver(side, err);
}

static int check_addresses(const struct net_spec *spec, struct error *err)
{
	const struct side v4 = { "--ip", spec->address, spec->gateway, spec->dns, true };
	const struct side v6 = { "--ip6", spec->address6, spec->gateway6, spec->dns6,
				 false };

	if (!spec->address.bits)
		return error_set(err, ERROR_NETWORK,
				 "serve the network: it has no IPv4 address");
	if (check_side(&v4, err) < 0)
		return -1;
	if (spec->ip6_off && spec->address6.bits)
		return error_set(err, ERROR_NETWORK,
				 "use an IPv6 address with --ip6 off");
	if (spec->address6.bits)
		return check_side(&v6, err);
	if (!is_zero(&spec->gateway6)) {
		error_set(err, ERROR_NETWORK, "use --gateway: there is no IPv6 here");
		return error_hint(err, "--ip6 CIDR");
	}
	return 0;
}

/* ---- the interface ------------------------------------------------------------------- */

static int check_mtu(const struct net_spec *spec, struct error *err)
{
	if (!spec->mtu)
		return 0;
	if (spec->mtu < MTU_MIN || spec->mtu > MTU_MAX) {
		error_set(err, ERROR_NETWORK,
			  "use --mtu %u: it is not within %d and %d, or 0", spec->mtu,
			  MTU_MIN, MTU_MAX);
		return error_hint(err, "--mtu 0 is the default of 1500");
	}
	if (spec->mtu < MTU_MIN_IP6 && !spec->ip6_off) {
		error_set(err, ERROR_NETWORK, "use --mtu %u: IPv6 needs %d", spec->mtu,
			  MTU_MIN_IP6);
		return error_hint(err, "--ip6 off");
	}
	return 0;
}

static int check_interface(const struct net_spec *spec, struct error *err)
{
	if (!memchr(spec->ifname, '\0', sizeof(spec->ifname)) ||
	    (spec->ifname[0] && !net_is_interface_name(spec->ifname))) {
		error_set(err, ERROR_NETWORK,
			  "use --ifname %.15s: it is no name of an "
			  "interface",
			  spec->ifname);
		return error_hint(err, "at most %d characters without blank, /, : and %%",
				  IFNAME_MAX);
	}
	if (spec->mac[0] & 1)
		return error_set(err, ERROR_NETWORK,
				 "use --mac: it is a multicast address");
	return check_mtu(spec, err);
}

/* ---- names --------------------------------------------------------------------------- */

static int check_names(const struct net_spec *spec, struct error *err)
{
	if (spec->upstream_count > DNS_UPSTREAMS_MAX)
		return error_set(err, ERROR_NETWORK, "use --dns: more than %d of them",
				 DNS_UPSTREAMS_MAX);
	for (size_t i = 0; i < spec->upstream_count; i++) {
		const struct ip *ip = &spec->upstreams[i];
		char text[IP_TEXT_MAX];

		if (is_within(ip, "127.0.0.0/8") || is_within(ip, "::1/128") ||
		    !unusable(ip))
			continue;
		return error_set(err, ERROR_NETWORK, "use --dns %s: %s",
				 ip_format(ip, text), unusable(ip));
	}
	for (size_t i = 0; i < spec->search_count; i++) {
		if (!net_is_domain(spec->search[i]))
			return error_set(err, ERROR_NETWORK,
					 "use --search %.80s: it is no domain",
					 spec->search[i]);
	}
	for (size_t i = 0; i < spec->host_count; i++) {
		if (!net_is_domain(spec->hosts[i].name))
			return error_set(err, ERROR_NETWORK,
					 "use --add-host %.80s: it is no name of a host",
					 spec->hosts[i].name);
	}
	return 0;
}

/* ---- published ports ------------------------------------------------------------------ */

/* Of which family, loopback alone or all: as bits, so that two of them can be compared. */
static bool hosts_overlap(const struct publish *a, const struct publish *b)
{
	const struct publish *given = a->host_given ? a : b;
	const struct publish *other = a->host_given ? b : a;

	if (!given->host_given)
		return true;
	if (!other->host_given)
		return is_within(&given->host, "127.0.0.1/32") ||
		       is_within(&given->host, "0.0.0.0/32") ||
		       is_within(&given->host, "::1/128") || is_zero(&given->host);
	if (ip_is_v4(&a->host) != ip_is_v4(&b->host))
		return false;
	return ip_equal(&a->host, &b->host) || is_zero(&a->host) || is_zero(&b->host) ||
	       is_within(&a->host, "0.0.0.0/32") || is_within(&b->host, "0.0.0.0/32");
}

static bool ports_overlap(const struct publish *a, const struct publish *b)
{
	if (a->protocol != b->protocol || !a->host_ports.first || !b->host_ports.first)
		return false;
	return a->host_ports.first <= b->host_ports.last &&
	       b->host_ports.first <= a->host_ports.last && hosts_overlap(a, b);
}

static int check_published(const struct net_spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->published_count; i++) {
		for (size_t j = 0; j < i; j++) {
			char one[80], other[80];

			if (!ports_overlap(&spec->published[i], &spec->published[j]))
				continue;
			net_format_publish(&spec->published[j], one, sizeof(one));
			net_format_publish(&spec->published[i], other, sizeof(other));
			return error_set(err, ERROR_PORT,
					 "publish %s: %s takes the same port of the host",
					 other, one);
		}
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------ */

static int check_rules(const struct net_spec *spec, struct error *err)
{
	struct arena arena = { 0 };
	struct rules rules;
	int result;

	if (!spec->rule_count)
		return 0;
	result = rules_parse(spec->rules, spec->rule_count, &arena, &rules, err);
	arena_free(&arena);
	return result;
}

/* A restriction that nobody would keep is a hole. */
static int check_plain(const struct net_spec *spec, struct error *err)
{
	const struct {
		bool wanted;
		const char *what;
	} rows[] = {
		{ spec->rule_count > 0, "apply --allow and --deny" },
		{ spec->published_count > 0, "publish ports" },
		{ spec->rate > 0, "keep --net-rate" },
		{ spec->log_file != NULL, "write --net-log" },
		{ spec->pcap_file != NULL, "write --pcap" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].wanted)
			continue;
		error_set(err, ERROR_NETWORK, "%s: nobody serves this network",
			  rows[i].what);
		return error_hint(err, "--net user");
	}
	return 0;
}

int net_check(const struct net_spec *spec, struct error *err)
{
	if (check_names(spec, err) < 0)
		return -1;
	if (spec->mode == NET_PLAIN)
		return check_plain(spec, err);
	if (spec->mode == NET_RELAY && (spec->relay_off || spec->pcap_file)) {
		error_set(err, ERROR_NETWORK,
			  "use %s with --net relay: it needs a tap "
			  "device",
			  spec->pcap_file ? "--pcap" : "--relay off");
		return error_hint(err, "--net user");
	}
	if (check_interface(spec, err) < 0 || check_addresses(spec, err) < 0 ||
	    check_published(spec, err) < 0)
		return -1;
	return check_rules(spec, err);
}
