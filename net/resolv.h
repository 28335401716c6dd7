/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_RESOLV_H
#define SBX_NET_RESOLV_H

/* The host's resolv.conf(5), read as the resolver of libc does. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

enum {
	RESOLV_SERVERS_MAX = 8, /* later ones are left out; glibc takes 3 */
	RESOLV_DOMAINS_MAX = 16,
	RESOLV_TEXT_MAX = 64 * 1024, /* what is behind that is not looked at */
};

struct resolv_server {
	struct ip ip;
	char zone[16]; /* "eth0" of fe80::1%eth0 (RFC 4007, 11); else "" */
};

/* Part of the text that was read: it has no NUL at its end. */
struct resolv_domain {
	const char *text;
	size_t length;
};

struct resolv {
	struct resolv_server servers[RESOLV_SERVERS_MAX];
	size_t server_count; /* 0: the resolver takes 127.0.0.1 */
	struct resolv_domain
		domains[RESOLV_DOMAINS_MAX]; /* of the last search or domain */
	size_t domain_count;
	bool by_tcp; /* options use-vc */
};

/* Lines that say nothing to us are passed over, as everywhere. text NULL: an empty file. */
void resolv_parse(const char *text, size_t length, struct resolv *ret_resolv);

#endif
