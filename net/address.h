/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_ADDRESS_H
#define SBX_NET_ADDRESS_H

/*
 * Addresses of both families as one type, so that whoever compares two of them cannot
 * forget a form: an IPv4 address is kept as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), an IPv4
 * prefix is 96 bits longer than it is written.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ip {
	uint8_t bytes[16];
};

struct prefix {
	struct ip ip;
	uint8_t bits; /* 0 to 128 */
};

struct port_range {
	uint16_t first, last; /* both are in it */
};

enum {
	IP_TEXT_MAX = 46,       /* bytes of ip_format(), NUL among them */
	PREFIX_TEXT_MAX = 50,   /* of prefix_format() */
	ENDPOINT_TEXT_MAX = 54, /* of endpoint_format() */
};

bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_v4(const struct ip *ip);

/* In network byte order. */
struct ip ip_from_v4(uint32_t address);
uint32_t ip_to_v4(const struct ip *ip);

/* Strict: inet_pton(3)'s forms without a zone. -1 leaves *ret_ip as it was. */
int ip_parse(const char *text, struct ip *ret_ip);

/* An IPv4 address in dots. Returns to. */
char *ip_format(const struct ip *ip, char to[IP_TEXT_MAX]);

/*
 * The IPv4 address that an IPv6 one stands for is what counts: IPv4-mapped, NAT64
 * (64:ff9b::/96, RFC 6052), 6to4 (2002::/16), Teredo (2001::/32, the client's); anything
 * else is itself.
 */
struct ip ip_normal(const struct ip *ip);

/*
 * "10.0.0.0/8", "fd00::/64"; without a slash: the one address. Bits behind the length stay as
 * they were written. -1: it is none.
 */
int prefix_parse(const char *text, struct prefix *ret_prefix);

/* An IPv4 prefix in dots, with its own length. Returns to. */
char *prefix_format(const struct prefix *prefix, char to[PREFIX_TEXT_MAX]);

/* Within one family: ::/0 has all of IPv6, and nothing of IPv4. */
bool prefix_contains(const struct prefix *prefix, const struct ip *ip);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);

/* The first address of it, with all host bits 0; and the last, with all 1. */
struct ip prefix_first(const struct prefix *prefix);
struct ip prefix_last(const struct prefix *prefix);

/* "80" or "8000-8010", 1 to 65535. -1: it is none. */
int port_range_parse(const char *text, struct port_range *ret_range);
bool port_range_has(const struct port_range *range, uint16_t port);

/* "10.0.0.1:80", "[fd00::1]:80". Returns to. */
char *endpoint_format(const struct ip *ip, uint16_t port, char to[ENDPOINT_TEXT_MAX]);

/* AF_INET for what is IPv4, else AF_INET6. Returns the length. */
socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port,
			 struct sockaddr_storage *ret_address);

/* -1: another family. */
int ip_from_sockaddr(const struct sockaddr_storage *address, struct ip *ret_ip,
		     uint16_t *ret_port);

#endif
