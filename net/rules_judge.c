/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The judge. Rules are asked in order; which of them match is decided by what kind of place
 * the address is (rules_reach.c), so that what is closed by nature stays closed unless a
 * rule says so in words of its own. While names are in force, rules that do not name a
 * resolver do not match one.
 */
#include "net/rules.h"

#include "net/names.h"
#include "net/rules_parts.h"

#include <string.h>

/* One question, and what is found out for all rules. */
struct question {
	const struct rules *rules;
	const struct names *names;
	const struct flow_key *flow;
	uint64_t now_ms;
	enum reach reach;
	bool other_resolver;     /* while names are in force */
	const char *server_name; /* the only name that counts; NULL: all of the address */
	bool rebound;            /* a name matched, but for where it leads */
	const char *matched;     /* the name of the rule that matched */
};

static bool matches_ports(const struct rule *rule, const struct flow_key *flow)
{
	if (rule->protocol != PROTOCOL_ANY && rule->protocol != flow->protocol)
		return false;
	if (!rule->has_ports)
		return true;
	return flow->protocol != PROTOCOL_ICMP &&
	       port_range_has(&rule->ports, flow->port);
}

/* A denied CIDR is meant as wide as it is written, in both forms of the address. */
static bool matches_prefix(const struct rule *rule, const struct question *question)
{
	const struct ip *to = &question->flow->to;
	struct ip normal = ip_normal(to);

	if (rule->allow)
		return reach_opened_by(&question->rules->host, &rule->prefix, to);
	return prefix_contains(&rule->prefix, &normal) ||
	       prefix_contains(&rule->prefix, to);
}

/* The newest of the address's names that the rule and the question are about. */
static const char *find_name(const struct rule *rule, const struct question *question)
{
	size_t cursor = 0;

	if (!question->names)
		return NULL;
	for (;;) {
		const char *name = names_next(question->names, &question->flow->to,
					      question->now_ms, &cursor);
		const char *server_name = question->server_name;

		if (!name)
			return NULL;
		if (server_name && strcmp(server_name, name) != 0)
			continue;
		if (rules_name_matches(rule, name))
			return name;
	}
}

static bool may_lead_to(const struct rule *rule, enum reach reach)
{
	if (!rule->allow || reach == REACH_INTERNET)
		return true;
	return rule->private_too && (reach == REACH_LAN || reach == REACH_HOST);
}

static bool matches_name(const struct rule *rule, struct question *question)
{
	const char *name = find_name(rule, question);

	if (!name)
		return false;
	if (!may_lead_to(rule, question->reach)) {
		question->rebound = true;
		return false;
	}
	question->matched = name;
	return true;
}

/* The places that a rule names by a word of its own. */
static bool covers(enum rule_kind kind, enum reach reach)
{
	switch (kind) {
	case RULE_ANY:
		return reach <= REACH_HOST;
	case RULE_INTERNET:
		return reach == REACH_INTERNET;
	case RULE_LAN:
		return reach == REACH_LAN;
	case RULE_HOST:
		return reach == REACH_HOST;
	case RULE_PREFIX:
	case RULE_NAME:
		return false;
	}
	return false;
}

static bool matches(const struct rule *rule, struct question *question)
{
	if (!matches_ports(rule, question->flow))
		return false;
	if (rule->kind == RULE_PREFIX)
		return matches_prefix(rule, question);
	if (rule->kind == RULE_NAME)
		return matches_name(rule, question);
	return covers(rule->kind, question->reach);
}

/* ---- what names in force ask for ---- */

/* DNS, DNS over TLS or QUIC, and multicast DNS: RFC 1035, 7858, 9250, 6762. */
static bool is_for_resolver(const struct flow_key *flow)
{
	return flow->protocol != PROTOCOL_ICMP &&
	       (flow->port == 53 || flow->port == 853 || flow->port == 5353);
}

bool rules_names_resolver(const struct rule *rule)
{
	if (rule->kind == RULE_PREFIX && rule->prefix.bits == 128)
		return true;
	if (!rule->has_ports || rule->ports.first != rule->ports.last)
		return false;
	return rule->kind == RULE_PREFIX || rule->kind == RULE_HOST ||
	       rule->kind == RULE_NAME;
}

/* ---- flows ---- */

static enum why_denied why_by_rule(const struct question *question,
				   const struct rule *rule)
{
	if (!rule->allow)
		return DENIED_BY_RULE;
	/* QUIC and the like; clients fall back to TCP, where the name can be seen. */
	return rule->sni && question->flow->protocol != PROTOCOL_TCP ? DENIED_SNI_HIDDEN
								     : DENIED_NOT;
}

static enum why_denied why_by_place(const struct question *question)
{
	if (question->other_resolver && question->reach <= REACH_HOST)
		return DENIED_RESOLVER;
	switch (question->reach) {
	case REACH_INTERNET:
		return DENIED_BY_TAIL;
	case REACH_LAN:
		return question->rebound ? DENIED_REBOUND : DENIED_LAN;
	case REACH_HOST:
		return question->rebound ? DENIED_REBOUND : DENIED_HOST;
	case REACH_SPECIAL:
	case REACH_NOWHERE:
		break;
	}
	return DENIED_SPECIAL;
}

static const struct rule *find_rule(struct question *question)
{
	const struct rules *rules = question->rules;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rules[i];

		if (question->other_resolver && rule->allow &&
		    !rules_names_resolver(rule))
			continue;
		if (matches(rule, question))
			return rule;
	}
	return NULL;
}

static const char *newest_name(const struct question *question)
{
	size_t cursor = 0;

	if (!question->names)
		return NULL;
	return names_next(question->names, &question->flow->to, question->now_ms,
			  &cursor);
}

static void judge(struct question *question, struct net_verdict *ret_verdict)
{
	struct net_verdict verdict = { .why = DENIED_NOT };

	question->reach = reach_of(&question->rules->host, &question->flow->to);
	question->other_resolver =
		question->rules->has_names && is_for_resolver(question->flow);
	verdict.rule = find_rule(question);
	verdict.name = question->matched ? question->matched : newest_name(question);
	if (verdict.rule)
		verdict.why = why_by_rule(question, verdict.rule);
	else if (!question->rules->tail_allows || question->reach != REACH_INTERNET)
		verdict.why = why_by_place(question);
	verdict.allowed = verdict.why == DENIED_NOT;
	verdict.sni = verdict.allowed && verdict.rule && verdict.rule->sni;
	*ret_verdict = verdict;
}

void rules_judge(const struct rules *rules, const struct names *names,
		 const struct flow_key *flow, uint64_t now_ms,
		 struct net_verdict *ret_verdict)
{
	struct question question = {
		.rules = rules, .names = names, .flow = flow, .now_ms = now_ms
	};

	judge(&question, ret_verdict);
}

void rules_judge_sni(const struct rules *rules, const struct names *names,
		     const struct flow_key *flow, const char *server_name,
		     uint64_t now_ms, struct net_verdict *ret_verdict)
{
	struct question question = { .rules = rules,
				     .names = names,
				     .flow = flow,
				     .now_ms = now_ms,
				     .server_name = server_name };

	judge(&question, ret_verdict);
	ret_verdict->name = server_name;
	if (!ret_verdict->allowed && ret_verdict->why != DENIED_BY_RULE)
		ret_verdict->why = DENIED_SNI_OTHER;
}

/* ---- names ---- */

/* A place that names are needed for, though no rule names one. */
static bool opens_addresses(const struct rules *rules)
{
	for (size_t i = 0; i < rules->count && !rules->has_names; i++) {
		const struct rule *rule = &rules->rules[i];

		if (rule->allow && (rule->kind == RULE_LAN || rule->kind == RULE_PREFIX))
			return true;
	}
	return false;
}

/* Whatever the port: a rule about some ports says nothing of a look-up, unless it allows. */
static bool decides_lookup(const struct rules *rules, const struct rule *rule,
			   const char *name)
{
	bool is_whole = !rule->has_ports && rule->protocol == PROTOCOL_ANY;

	if (!rule->allow && !is_whole)
		return false;
	if (rule->kind == RULE_NAME)
		return rules_name_matches(rule, name);
	if (rule->kind != RULE_ANY && rule->kind != RULE_INTERNET)
		return false;
	return rule->allow || !opens_addresses(rules);
}

void rules_judge_name(const struct rules *rules, const char *name,
		      struct net_verdict *ret_verdict)
{
	struct net_verdict verdict = { .name = name };

	for (size_t i = 0; i < rules->count && !verdict.rule; i++) {
		if (decides_lookup(rules, &rules->rules[i], name))
			verdict.rule = &rules->rules[i];
	}
	if (verdict.rule)
		verdict.why = verdict.rule->allow ? DENIED_NOT : DENIED_BY_RULE;
	else
		verdict.why = rules->has_names ? DENIED_NAME : DENIED_NOT;
	verdict.allowed = verdict.why == DENIED_NOT;
	*ret_verdict = verdict;
}

/* Does a rule open that place to whatever name leads there, or to this one? */
static bool opens_answer(const struct rules *rules, const struct rule *rule,
			 const char *name, const struct ip *address, enum reach reach)
{
	if (!rule->allow)
		return false;
	if (rule->kind == RULE_PREFIX)
		return reach_opened_by(&rules->host, &rule->prefix, address);
	if (rule->kind == RULE_NAME)
		return may_lead_to(rule, reach) && rules_name_matches(rule, name);
	return covers(rule->kind, reach);
}

bool rules_admit_answer(const struct rules *rules, const char *name,
			const struct ip *address)
{
	enum reach reach = reach_of(&rules->host, address);

	if (reach == REACH_INTERNET)
		return true;
	if (!rules->has_names &&
	    (reach == REACH_LAN || (reach == REACH_HOST && !reach_is_loopback(address))))
		return true;
	for (size_t i = 0; i < rules->count; i++) {
		if (opens_answer(rules, &rules->rules[i], name, address, reach))
			return true;
	}
	return false;
}
