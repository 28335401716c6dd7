/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What kind of place an address is. The tables are those of the special-purpose address
 * registries of IANA (RFC 6890), as far as they tell apart what a sandbox must be kept from. Ranges
 * for documentation and for benchmarks lead nowhere or, where a host uses them for itself (a
 * proxy that makes up addresses, say), to the internet: they count as it.
 */
#include "net/rules_parts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* clang-format off */
#define V4(a, b, c, d, length) \
	{ { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d } }, 96 + (length) }
#define V6(a, b, length) { { { a, b } }, length }

static const struct prefix loopback[] = {
	V4(127, 0, 0, 0, 8),
	V4(0, 0, 0, 0, 32),                                           /* ip(7): INADDR_ANY */
	{ { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } }, 128 }, /* ::1 */
	{ { { 0 } }, 128 },                                           /* :: */
};

static const struct prefix special[] = {
	V4(0, 0, 0, 0, 8),          /* "this network", RFC 791 */
	V4(100, 100, 100, 200, 32), /* metadata of Alibaba */
	V4(168, 63, 129, 16, 32),   /* metadata of Azure */
	V4(169, 254, 0, 0, 16),     /* link-local, RFC 3927; metadata of most */
	V4(192, 0, 0, 0, 24),       /* protocol assignments, RFC 6890; metadata of Oracle */
	V4(224, 0, 0, 0, 4),        /* multicast, RFC 5771 */
	V4(240, 0, 0, 0, 4),        /* reserved, and the broadcast, RFC 1112 */
	/* metadata of AWS: fd00:ec2::254 */
	{ { { 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54 } }, 128 },
	/* metadata of Google: fd20:ce::254 */
	{ { { 0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54 } }, 128 },
	/* All but 2000::/3 (global unicast), fc00::/7 (ULA): RFC 4291, 2.4 */
	V6(0x00, 0, 3), V6(0x40, 0, 2), V6(0x80, 0, 2), V6(0xc0, 0, 3), V6(0xe0, 0, 4),
	V6(0xf0, 0, 5), V6(0xf8, 0, 6), V6(0xfe, 0, 9),
	V6(0xfe, 0x80, 10),         /* link-local */
	V6(0xfe, 0xc0, 10),         /* site-local, RFC 3879 */
	V6(0xff, 0, 8),             /* multicast */
};

static const struct prefix lan[] = {
	V4(10, 0, 0, 0, 8), V4(172, 16, 0, 0, 12), V4(192, 168, 0, 0, 16), /* RFC 1918 */
	V4(100, 64, 0, 0, 10),                                             /* RFC 6598 */
	V6(0xfc, 0, 7),                                                    /* RFC 4193 */
};
/* clang-format on */

static bool any_contains(const struct prefix *prefixes, size_t count, const struct ip *ip)
{
	for (size_t i = 0; i < count; i++) {
		if (prefix_contains(&prefixes[i], ip))
			return true;
	}
	return false;
}

/* ---- addresses ---- */

static bool is_of_host(const struct host_view *host, const struct ip *ip)
{
	static const struct ip nothing;

	for (size_t i = 0; i < host->address_count; i++) {
		if (ip_equal(&host->addresses[i], ip))
			return true;
	}
	if (ip_equal(&host->found, ip) && !ip_equal(&host->found, &nothing))
		return true;
	if (ip_equal(&host->gateway, ip) && !ip_equal(&host->gateway, &nothing))
		return true;
	return ip_equal(&host->gateway6, ip) && !ip_equal(&host->gateway6, &nothing);
}

static bool is_inside(const struct host_view *host, const struct ip *ip)
{
	return (host->inside.bits > 0 && prefix_contains(&host->inside, ip)) ||
	       (host->inside6.bits > 0 && prefix_contains(&host->inside6, ip));
}

static enum reach reach_by_host(const struct host_view *host, const struct ip *ip)
{
	if (is_of_host(host, ip))
		return REACH_HOST;
	if (is_inside(host, ip))
		return REACH_NOWHERE;
	return any_contains(host->on_link, host->on_link_count, ip) ? REACH_LAN
								    : REACH_INTERNET;
}

enum reach reach_of(const struct host_view *host, const struct ip *address)
{
	struct ip normal = ip_normal(address);
	enum reach as_asked = reach_by_host(host, address);
	enum reach reach = reach_by_host(host, &normal);

	if (reach < as_asked)
		reach = as_asked;
	if (reach >= REACH_HOST)
		return reach;
	if (any_contains(loopback, COUNT(loopback), &normal))
		return REACH_HOST;
	if (any_contains(special, COUNT(special), &normal))
		return REACH_SPECIAL;
	return any_contains(lan, COUNT(lan), &normal) ? REACH_LAN : reach;
}

bool reach_is_loopback(const struct ip *address)
{
	struct ip normal = ip_normal(address);

	return any_contains(loopback, COUNT(loopback), &normal);
}

/* ---- prefixes ---- */

static bool is_within(const struct prefix *inner, const struct prefix *outer)
{
	return inner->bits >= outer->bits && prefix_overlaps(inner, outer);
}

static bool within_any(const struct prefix *prefix, const struct prefix *ranges,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_within(prefix, &ranges[i]))
			return true;
	}
	return false;
}

static bool overlaps_any(const struct prefix *prefix, const struct prefix *ranges,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (prefix_overlaps(prefix, &ranges[i]))
			return true;
	}
	return false;
}

/* Is there a range with this address in it, and the prefix in the range? */
static bool names_range(const struct prefix *prefix, const struct prefix *ranges,
			size_t count, const struct ip *address)
{
	for (size_t i = 0; i < count; i++) {
		if (prefix_contains(&ranges[i], address) && is_within(prefix, &ranges[i]))
			return true;
	}
	return false;
}

bool reach_opened_by(const struct host_view *host, const struct prefix *prefix,
		     const struct ip *address)
{
	struct ip normal = ip_normal(address);
	bool is_in = prefix_contains(prefix, &normal);

	switch (reach_of(host, address)) {
	case REACH_INTERNET:
		return is_in || prefix_contains(prefix, address);
	case REACH_LAN:
		return is_in;
	case REACH_HOST:
		return is_in && (prefix->bits == 128 ||
				 names_range(prefix, loopback, COUNT(loopback), &normal));
	case REACH_SPECIAL:
		return is_in && names_range(prefix, special, COUNT(special), &normal);
	case REACH_NOWHERE:
		break;
	}
	return false;
}

bool reach_has_prefix(enum reach reach, const struct prefix *prefix)
{
	if (reach == REACH_HOST)
		return within_any(prefix, loopback, COUNT(loopback));
	/* What is closed within a wider prefix is closed to the prefix, too. */
	if (within_any(prefix, loopback, COUNT(loopback)) ||
	    within_any(prefix, special, COUNT(special)))
		return false;
	if (reach == REACH_LAN)
		return within_any(prefix, lan, COUNT(lan));
	return reach == REACH_INTERNET && !overlaps_any(prefix, lan, COUNT(lan));
}

/* Is there something of the prefix in these ranges that a wider opener does not name? */
static bool leaves_closed(const struct prefix *opener, const struct prefix *opened,
			  const struct prefix *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (prefix_overlaps(opened, &ranges[i]) && !is_within(opener, &ranges[i]))
			return true;
	}
	return false;
}

bool reach_opens_all(const struct prefix *opener, const struct prefix *opened)
{
	return !leaves_closed(opener, opened, loopback, COUNT(loopback)) &&
	       !leaves_closed(opener, opened, special, COUNT(special));
}
