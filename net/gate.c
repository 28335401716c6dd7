/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "net/loop.h"
#include "net/outward.h"

/* Networks come and go: whether an address is the host's is looked at for every flow. */
static bool is_found_own(struct gate *gate, const struct ip *to)
{
	const struct ip normal = ip_normal(to);
	struct ip *found = &gate->rules->host.found;

	if (outward_is_own(to)) {
		*found = *to;
		return true;
	}
	if (ip_equal(&normal, to) || !outward_is_own(&normal))
		return false;
	*found = normal;
	return true;
}

bool gate_admits(struct gate *gate, const struct flow_key *flow,
		 struct net_verdict *ret_verdict)
{
	gate->rules->host.found = (struct ip){ 0 };
	rules_judge(gate->rules, gate->names, flow, loop_now_ms(gate->loop), ret_verdict);
	if (ret_verdict->allowed && is_found_own(gate, &flow->to))
		rules_judge(gate->rules, gate->names, flow, loop_now_ms(gate->loop),
			    ret_verdict);
	if (!ret_verdict->allowed)
		journal_denied(gate->journal, flow, ret_verdict);
	return ret_verdict->allowed;
}

bool gate_admits_name(struct gate *gate, const char *name,
		      struct net_verdict *ret_verdict)
{
	rules_judge_name(gate->rules, name, ret_verdict);
	if (!ret_verdict->allowed)
		journal_denied_name(gate->journal, name, ret_verdict);
	return ret_verdict->allowed;
}

bool gate_admits_sni(struct gate *gate, const struct flow_key *flow,
		     const char *server_name, struct net_verdict *ret_verdict)
{
	rules_judge_sni(gate->rules, gate->names, flow, server_name,
			loop_now_ms(gate->loop), ret_verdict);
	if (!ret_verdict->allowed)
		journal_denied(gate->journal, flow, ret_verdict);
	return ret_verdict->allowed;
}

/* The rule that would have let it through is the one to name. */
void gate_deny_hidden(struct gate *gate, const struct flow_key *flow, const char *name)
{
	struct net_verdict verdict;

	rules_judge(gate->rules, gate->names, flow, loop_now_ms(gate->loop), &verdict);
	verdict.allowed = false;
	verdict.why = DENIED_SNI_HIDDEN;
	if (name)
		verdict.name = name;
	journal_denied(gate->journal, flow, &verdict);
}

static bool is_zero(const struct ip *ip)
{
	static const struct ip zero;

	return memcmp(ip, &zero, sizeof(zero)) == 0;
}

struct ip gate_outside(const struct gate *gate, const struct ip *to)
{
	const struct host_view *host = &gate->rules->host;
	const struct ip normal = ip_normal(to);

	if (!is_zero(&host->gateway) && ip_equal(&normal, &host->gateway))
		return ip_from_v4(htonl(INADDR_LOOPBACK));
	if (!is_zero(&host->gateway6) && ip_equal(&normal, &host->gateway6)) {
		struct ip loopback;

		memcpy(loopback.bytes, &in6addr_loopback, sizeof(loopback.bytes));
		return loopback;
	}
	return *to;
}
