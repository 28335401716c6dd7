/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_EGRESS_H
#define SBX_TESTS_UNIT_EGRESS_H

/* Egress rules in one line: "+host:80 -lan +example.com:443,sni". */

#include "base/arena.h"
#include "base/error.h"
#include "net/rules.h"

enum { EGRESS_RULES_MAX = 16, EGRESS_WORDS_MAX = 1024, EGRESS_NOW = 1000 };

struct egress {
	struct arena arena;
	char words[EGRESS_WORDS_MAX];
	struct rule_text texts[EGRESS_RULES_MAX];
	size_t count;
	struct rules rules;
	struct error err;
};

/* As rules_parse(), with the view of a host that egress_host() tells. */
int egress_read(struct egress *egress, const char *words);
void egress_free(struct egress *egress);

/*
 * A host at 192.168.1.5, 203.0.113.9, 2001:db8:1::5 and fe80::5, with the networks around
 * them (/24, /64), and a sandbox in 10.0.2.0/24 and fd00::/64 with .2 for the host.
 */
void egress_host(struct host_view *ret_view);

/* "tcp 10.0.0.1 80", "icmp ::1". */
struct flow_key egress_flow(const char *text);

/*
 * What the sandbox has looked up at EGRESS_NOW, for 300 s: "example.com 192.0.2.1
 * other.example 192.0.2.1". To be freed.
 */
struct names *egress_look_up(const char *pairs);

/* Several names at one address, one name at several, and names that lead inside. */
extern const char egress_looked_up[];

#endif
