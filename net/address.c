/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { V4_OFFSET = 96 }; /* bits of ::ffff:0:0/96 */

static const struct ip mapped = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } };

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->bytes, mapped.bytes, V4_OFFSET / 8) == 0;
}

static struct ip from_four_bytes(const uint8_t *bytes)
{
	struct ip ip = mapped;

	memcpy(ip.bytes + V4_OFFSET / 8, bytes, 4);
	return ip;
}

struct ip ip_from_v4(uint32_t address)
{
	uint8_t bytes[4];

	memcpy(bytes, &address, sizeof(bytes));
	return from_four_bytes(bytes);
}

uint32_t ip_to_v4(const struct ip *ip)
{
	uint32_t address;

	memcpy(&address, ip->bytes + V4_OFFSET / 8, sizeof(address));
	return address;
}

int ip_parse(const char *text, struct ip *ret_ip)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret_ip = ip_from_v4(v4.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return -1;
	memcpy(ret_ip->bytes, &v6, sizeof(ret_ip->bytes));
	return 0;
}

char *ip_format(const struct ip *ip, char to[IP_TEXT_MAX])
{
	const char *text;

	if (ip_is_v4(ip))
		text = inet_ntop(AF_INET, ip->bytes + V4_OFFSET / 8, to, IP_TEXT_MAX);
	else
		text = inet_ntop(AF_INET6, ip->bytes, to, IP_TEXT_MAX);
	assert(text); /* there is room for every address */
	return to;
}

struct ip ip_normal(const struct ip *ip)
{
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t teredo[4] = { 0x20, 0x01 };
	const uint8_t *bytes = ip->bytes;
	uint8_t client[4];

	if (memcmp(bytes, nat64, sizeof(nat64)) == 0)
		return from_four_bytes(bytes + 12);
	if (bytes[0] == 0x20 && bytes[1] == 0x02)
		return from_four_bytes(bytes + 2);
	if (memcmp(bytes, teredo, sizeof(teredo)) != 0)
		return *ip;
	/* RFC 4380, 4: all bits of the client's address are turned over. */
	for (size_t i = 0; i < sizeof(client); i++)
		client[i] = (uint8_t)~bytes[12 + i];
	return from_four_bytes(client);
}

/* ---- prefixes ---- */

static bool prefix_is_v4(const struct prefix *prefix)
{
	return prefix->bits >= V4_OFFSET && ip_is_v4(&prefix->ip);
}

static int parse_length(const char *text, int max, uint8_t *ret_length)
{
	int length;

	/* "08" is a number, but not one that people write. */
	if (text[0] == '0' && text[1] != '\0')
		return -1;
	if (text_to_int(text, 0, max, &length) < 0)
		return -1;
	*ret_length = (uint8_t)length;
	return 0;
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strchr(text, '/');
	struct prefix prefix = { .bits = 128 };
	char address[IP_TEXT_MAX];
	bool is_v4;

	if (!slash) {
		if (ip_parse(text, &prefix.ip) < 0)
			return -1;
		*ret_prefix = prefix;
		return 0;
	}
	if ((size_t)(slash - text) >= sizeof(address))
		return -1;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (ip_parse(address, &prefix.ip) < 0)
		return -1;
	/* ::ffff:10.0.0.0/104 is IPv4, but its length is that of IPv6. */
	is_v4 = strchr(address, ':') == NULL;
	if (parse_length(slash + 1, is_v4 ? 32 : 128, &prefix.bits) < 0)
		return -1;
	if (is_v4)
		prefix.bits = (uint8_t)(prefix.bits + V4_OFFSET);
	*ret_prefix = prefix;
	return 0;
}

char *prefix_format(const struct prefix *prefix, char to[PREFIX_TEXT_MAX])
{
	char address[IP_TEXT_MAX];
	int bits = prefix->bits;

	if (prefix_is_v4(prefix))
		bits -= V4_OFFSET;
	snprintf(to, PREFIX_TEXT_MAX, "%s/%d", ip_format(&prefix->ip, address), bits);
	return to;
}

/* Sets or clears all bits behind the first ones. */
static struct ip fill(const struct prefix *prefix, bool ones)
{
	struct ip ip = prefix->ip;
	size_t whole = prefix->bits / 8;
	uint8_t rest = (uint8_t)(0xff >> (prefix->bits % 8));

	if (whole >= sizeof(ip.bytes))
		return ip;
	ip.bytes[whole] =
		(uint8_t)(ones ? ip.bytes[whole] | rest : ip.bytes[whole] & ~rest);
	memset(ip.bytes + whole + 1, ones ? 0xff : 0, sizeof(ip.bytes) - whole - 1);
	return ip;
}

struct ip prefix_first(const struct prefix *prefix)
{
	return fill(prefix, false);
}

struct ip prefix_last(const struct prefix *prefix)
{
	return fill(prefix, true);
}

static bool agrees(const struct ip *a, const struct ip *b, uint8_t bits)
{
	size_t whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> (bits % 8));

	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return bits % 8 == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

bool prefix_contains(const struct prefix *prefix, const struct ip *ip)
{
	if (prefix_is_v4(prefix) != ip_is_v4(ip))
		return false;
	return agrees(&prefix->ip, ip, prefix->bits);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	if (prefix_is_v4(a) != prefix_is_v4(b))
		return false;
	return agrees(&a->ip, &b->ip, a->bits < b->bits ? a->bits : b->bits);
}

/* ---- ports ---- */

static int parse_port(const char *text, size_t length, uint16_t *ret_port)
{
	char digits[6];
	int port;

	if (length == 0 || length >= sizeof(digits))
		return -1;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (text_to_int(digits, 1, UINT16_MAX, &port) < 0)
		return -1;
	*ret_port = (uint16_t)port;
	return 0;
}

int port_range_parse(const char *text, struct port_range *ret_range)
{
	size_t length = strcspn(text, "-");
	struct port_range range;

	if (parse_port(text, length, &range.first) < 0)
		return -1;
	range.last = range.first;
	if (text[length] == '-' &&
	    parse_port(text + length + 1, strlen(text + length + 1), &range.last) < 0)
		return -1;
	if (range.last < range.first)
		return -1;
	*ret_range = range;
	return 0;
}

bool port_range_has(const struct port_range *range, uint16_t port)
{
	return range->first <= port && port <= range->last;
}

char *endpoint_format(const struct ip *ip, uint16_t port, char to[ENDPOINT_TEXT_MAX])
{
	char address[IP_TEXT_MAX];

	snprintf(to, ENDPOINT_TEXT_MAX, ip_is_v4(ip) ? "%s:%u" : "[%s]:%u",
		 ip_format(ip, address), (unsigned int)port);
	return to;
}

/* ---- the kernel's form ---- */

socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port,
			 struct sockaddr_storage *ret_address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(ret_address, 0, sizeof(*ret_address));
	if (ip_is_v4(ip)) {
		v4.sin_addr.s_addr = ip_to_v4(ip);
		memcpy(ret_address, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, ip->bytes, sizeof(ip->bytes));
	memcpy(ret_address, &v6, sizeof(v6));
	return sizeof(v6);
}

int ip_from_sockaddr(const struct sockaddr_storage *address, struct ip *ret_ip,
		     uint16_t *ret_port)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->ss_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		*ret_ip = ip_from_v4(v4.sin_addr.s_addr);
		*ret_port = ntohs(v4.sin_port);
		return 0;
	}
	if (address->ss_family != AF_INET6)
		return -1;
	memcpy(&v6, address, sizeof(v6));
	memcpy(ret_ip->bytes, &v6.sin6_addr, sizeof(ret_ip->bytes));
	*ret_port = ntohs(v6.sin6_port);
	return 0;
}
