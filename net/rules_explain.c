/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rules.h"

#include "base/text.h"
#include "net/rules_parts.h"

#include <stdio.h>
#include <string.h>

const char *protocol_name(enum net_protocol protocol)
{
	switch (protocol) {
	case PROTOCOL_ANY:
		break;
	case PROTOCOL_TCP:
		return "tcp";
	case PROTOCOL_UDP:
		return "udp";
	case PROTOCOL_ICMP:
		return "icmp";
	}
	return "any";
}

/* ---- the reason ---- */

static void explain_rule(const struct rule *rule, char *to, size_t size)
{
	char dest[128], from[128];

	if (!rule) {
		text_copy(to, size, "by a rule");
		return;
	}
	snprintf(to, size, "by --%s %s (%s)", rule->allow ? "allow" : "deny",
		 text_printable(dest, sizeof(dest), rule->text->dest),
		 text_printable(from, sizeof(from), rule->text->from));
}

static const char *reason(enum why_denied why)
{
	switch (why) {
	case DENIED_NOT:
		return "the internet is allowed";
	case DENIED_BY_RULE:
		return "by a rule";
	case DENIED_BY_TAIL:
		return "no rule allows it";
	case DENIED_HOST:
		return "an address of the host";
	case DENIED_LAN:
		return "an address of the local network";
	case DENIED_SPECIAL:
		return "a link-local, metadata, multicast or reserved address";
	case DENIED_RESOLVER:
		return "another resolver, while names are allowed";
	case DENIED_NAME:
		return "no rule allows the name";
	case DENIED_REBOUND:
		return "an allowed name that leads to a private address";
	case DENIED_SNI_OTHER:
		return "TLS for a server name that is not allowed there";
	case DENIED_SNI_HIDDEN:
		return "nothing that shows its server name, as TLS does";
	case DENIED_NO_PATH:
		return "only TCP and DNS leave without a tap device";
	}
	return "";
}

void rules_explain(const struct net_verdict *verdict, char *to, size_t size)
{
	bool by_rule = verdict->why == DENIED_BY_RULE ||
		       (verdict->why == DENIED_NOT && verdict->rule);

	if (by_rule)
		explain_rule(verdict->rule, to, size);
	else
		text_copy(to, size, reason(verdict->why));
}

/* ---- the option that helps ---- */

/* What comes first is asked first: an option of the command line overrules a file. */
static bool is_from_command_line(const struct rule *rule)
{
	return !rule || strcmp(rule->text->from, "command line") == 0;
}

/* Something would have to go away, or no rule is asked. */
static bool is_beyond_help(const struct rules *rules, const struct flow_key *flow,
			   const struct net_verdict *verdict)
{
	switch (verdict->why) {
	case DENIED_NOT:
	case DENIED_NO_PATH:
	case DENIED_SNI_HIDDEN:
		return true;
	case DENIED_BY_RULE:
		if (is_from_command_line(verdict->rule))
			return true;
		break;
	case DENIED_NAME:
	case DENIED_BY_TAIL:
	case DENIED_HOST:
	case DENIED_LAN:
	case DENIED_SPECIAL:
	case DENIED_RESOLVER:
	case DENIED_REBOUND:
	case DENIED_SNI_OTHER:
		break;
	}
	return flow && reach_of(&rules->host, &flow->to) == REACH_NOWHERE;
}

/* A rule that goes by name or CIDR closes the tail: what was open is to stay so. */
static const char *and_the_internet(const struct rules *rules)
{
	return rules->tail_allows ? " --allow internet" : "";
}

static void suggest_name(const struct rules *rules, const char *name, uint16_t port,
			 const char *more, char *to, size_t size)
{
	const char *dot = strchr(name, '.') ? "" : ".";

	if (rules_name_error(name) != NULL) {
		text_copy(to, size, "");
		return;
	}
	if (port > 0)
		snprintf(to, size, "--allow %s%s:%u%s%s", name, dot, (unsigned int)port,
			 more, and_the_internet(rules));
	else
		snprintf(to, size, "--allow %s%s%s", name, dot, and_the_internet(rules));
}

static void suggest_address(const struct rules *rules, const struct flow_key *flow,
			    char *to, size_t size)
{
	struct ip normal = ip_normal(&flow->to);
	char endpoint[ENDPOINT_TEXT_MAX];

	if (flow->port > 0)
		endpoint_format(&normal, flow->port, endpoint);
	else
		ip_format(&normal, endpoint);
	snprintf(to, size, "--allow %s%s", endpoint, and_the_internet(rules));
}

static void suggest_host(const struct flow_key *flow, char *to, size_t size)
{
	if (flow->port > 0)
		snprintf(to, size, "--allow host:%u", (unsigned int)flow->port);
	else
		snprintf(to, size, "--allow host");
}

/* A name says more than the address that it has today; it goes where names may lead. */
static void suggest_flow(const struct rules *rules, const struct flow_key *flow,
			 const struct net_verdict *verdict, char *to, size_t size)
{
	enum reach reach = reach_of(&rules->host, &flow->to);
	bool has_name = verdict->name && !rules_name_error(verdict->name) &&
			verdict->why != DENIED_RESOLVER;

	if (has_name && verdict->why == DENIED_REBOUND && flow->port > 0)
		suggest_name(rules, verdict->name, flow->port, ",private", to, size);
	else if (has_name && reach == REACH_INTERNET)
		suggest_name(rules, verdict->name, flow->port, "", to, size);
	else if (reach == REACH_HOST)
		suggest_host(flow, to, size);
	else
		suggest_address(rules, flow, to, size);
}

void rules_suggest(const struct rules *rules, const struct flow_key *flow,
		   const struct net_verdict *verdict, char *to, size_t size)
{
	enum { HTTPS = 443 }; /* a name that may not be looked up has no port yet */

	/* The question for a name is no flow that is to be allowed. */
	if (verdict->why == DENIED_NAME)
		flow = NULL;
	if (is_beyond_help(rules, flow, verdict) || (!flow && !verdict->name))
		text_copy(to, size, "");
	else if (!flow)
		suggest_name(rules, verdict->name, HTTPS,
			     verdict->why == DENIED_REBOUND ? ",private" : "", to, size);
	else
		suggest_flow(rules, flow, verdict, to, size);
}
