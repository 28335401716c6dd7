/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_GATE_H
#define SBX_NET_GATE_H

/*
 * Where relay, frame path and DNS ask whether something may pass: the rules, the names that
 * were looked up, and the journal that is told of every denial.
 */

#include <stdbool.h>

#include "net/journal.h"
#include "net/names.h"
#include "net/rules.h"

struct loop;

struct gate {
	struct rules *rules; /* what is found out about the host is noted in it */
	struct names *names;
	struct journal *journal;
	struct loop *loop;
};

/* Judges, and notes a denial. */
bool gate_admits(struct gate *gate, const struct flow_key *flow,
		 struct net_verdict *ret_verdict);
bool gate_admits_name(struct gate *gate, const char *name,
		      struct net_verdict *ret_verdict);
bool gate_admits_sni(struct gate *gate, const struct flow_key *flow,
		     const char *server_name, struct net_verdict *ret_verdict);

/* The first bytes are no TLS, or hide the name. */
void gate_deny_hidden(struct gate *gate, const struct flow_key *flow, const char *name);

/*
 * The address outside that a destination of the sandbox is reached at: the gateway stands
 * for the host's loopback, everything else for itself.
 */
struct ip gate_outside(const struct gate *gate, const struct ip *to);

#endif
