/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_NAMES_H
#define SBX_NET_NAMES_H

/*
 * Which names the sandbox's addresses were asked for by, and until when: the answers of our
 * own DNS, at most NAMES_MAX of them; the one that ends first makes room. A CNAME chain counts
 * for the name that was asked. One address may have several names. Addresses are kept and
 * looked for in their normal form (ip_normal()).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

enum {
	NAMES_MAX = 4096,
	NAMES_OF_ADDRESS_MAX = 256, /* so that no address makes a walk long */
	NAME_TEXT_MAX = 254, /* bytes of a name, NUL among them (RFC 1035, 2.3.4) */
	NAMES_SHORTEST_MS = 60 * 1000, /* an answer counts at least as long */
	NAMES_GRACE_MS = 30 * 1000,    /* and so much longer than it says */
};

struct names;

/* NULL: no memory. */
struct names *names_new(void);
void names_free(struct names *names);

void names_add(struct names *names, const char *name, const struct ip *address,
	       uint32_t ttl_s, uint64_t now_ms);

/*
 * Walks the names of an address that have not ended, the newest first: *cursor begins as 0.
 * NULL: no more. What is returned is valid until the next names_add().
 */
const char *names_next(const struct names *names, const struct ip *address,
		       uint64_t now_ms, size_t *cursor);

#endif
