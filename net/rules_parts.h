/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_RULES_PARTS_H
#define SBX_NET_RULES_PARTS_H

/* What the rooms of the egress rules share: read, compare, place, judge. */

#include "net/rules.h"

/* ---- rules_reach.c: what kind of place an address is ---- */

/* The first four are the words of the rules; the order is that of danger. */
enum reach {
	REACH_INTERNET,
	REACH_LAN,
	REACH_HOST,
	REACH_SPECIAL, /* opened by a CIDR that says so, and by nothing else */
	REACH_NOWHERE, /* in the sandbox's own network, where nobody is: opened by nothing */
};

/* Both as it was asked for and as it stands for (ip_normal()): the worst counts. */
enum reach reach_of(const struct host_view *host, const struct ip *address);

/* Loopback, or what stands for it (0.0.0.0, ::). */
bool reach_is_loopback(const struct ip *address);

/*
 * Does an `--allow CIDR` open this address? Not where the CIDR is wider than what is closed
 * by nature: 0.0.0.0/0 is not how somebody asks for the metadata server, 192.168.1.0/24
 * not how one asks for the services of the host itself.
 */
bool reach_opened_by(const struct host_view *host, const struct prefix *prefix,
		     const struct ip *address);

/* Does all of the prefix lie there, as far as that is known without a view of the host? */
bool reach_has_prefix(enum reach reach, const struct prefix *prefix);

/* Would `--allow opener` open all of `opened`, which it contains? Without a host's view. */
bool reach_opens_all(const struct prefix *opener, const struct prefix *opened);

/* ---- rules_read.c: one DEST ---- */

struct rule_list {
	struct rule *rules; /* arena_grow() */
	size_t count;
};

/* Adds the rules of one text, one for each range of ports. */
int rules_read(const struct rule_text *text, struct arena *arena, struct rule_list *list,
	       struct error *err);

/* NULL, or what is wrong with a name (lower case, no dot at the end). */
const char *rules_name_error(const char *name);

/* Does it end like an IPv4 address, in whatever form (10.0.0.1, 127.1, 0x7f000001)? */
bool rules_name_is_address(const char *name);

/* ---- rules_hint.c: what was meant by what cannot be read ---- */

/* Each sets a hint, where it knows one, and returns -1. `what` is in lower case. */
int rules_hint_url(const char *dest, struct error *err);
int rules_hint_ports(const char *what, const char *ports, struct error *err);
int rules_hint_protocol(const char *what, const char *protocol, struct error *err);
int rules_hint_address(const char *what, struct error *err);
int rules_hint_name(const char *what, const char *ports, struct error *err);

/* ---- rules_judge.c ---- */

/*
 * Does it name a resolver, so that it counts for DNS while names are in force? One about one
 * address, or about one port at some place that is not everywhere.
 */
bool rules_names_resolver(const struct rule *rule);

/* ---- rules_shadow.c: rules behind others ---- */

/*
 * A text of which no rule can ever match is an error. has_names: of struct rules, which
 * holds these.
 */
int rules_check_shadows(const struct rule_list *list, bool has_names, struct error *err);

/* ---- rules_name.c ---- */

/* RULE_NAME: is this name (lower case, no dot at the end) one of the rule's? */
bool rules_name_matches(const struct rule *rule, const char *name);

/* RULE_NAME: is whatever name is one of b's also one of a's? */
bool rules_name_covers(const struct rule *a, const struct rule *b);

#endif
