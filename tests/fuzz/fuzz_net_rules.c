/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Egress rules from anybody, and what follows from them for flows from anybody. Lines: "+DEST"
 * and "-DEST" are rules, "=NAME ADDRESS" what was looked up, "?PROTOCOL ADDRESS PORT" a flow.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "net/names.h"
#include "net/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES_MAX = 24, NOW = 1000 };

struct scene {
	struct arena arena;
	struct rule_text texts[RULES_MAX + 2]; /* with room for a suggestion */
	size_t count;
	struct names *names; /* NULL: nothing was looked up */
	struct rules rules;
};

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

static struct ip ip_of(const char *text)
{
	struct ip ip = { { 0 } };

	demand(ip_parse(text, &ip) == 0, "an address is read");
	return ip;
}

static void show_host(struct host_view *view)
{
	static struct ip addresses[2];
	static struct prefix on_link[2];

	addresses[0] = ip_of("192.168.1.5");
	addresses[1] = ip_of("2001:db8:1::5");
	prefix_parse("192.168.1.0/24", &on_link[0]);
	prefix_parse("2001:db8:1::/64", &on_link[1]);
	*view = (struct host_view){ .addresses = addresses,
				    .address_count = 2,
				    .on_link = on_link,
				    .on_link_count = 2,
				    .gateway = ip_of("10.0.2.2"),
				    .gateway6 = ip_of("fd00::2") };
	prefix_parse("10.0.2.0/24", &view->inside);
	prefix_parse("fd00::/64", &view->inside6);
}

/* ---- rules ---- */

static void check_rule(const struct rule *rule)
{
	struct ip first = prefix_first(&rule->prefix);

	demand(!rule->has_ports ||
		       (rule->ports.first > 0 && rule->ports.first <= rule->ports.last),
	       "ports are in order");
	demand(rule->protocol != PROTOCOL_ICMP, "no rule is about echo requests alone");
	demand(rule->kind != RULE_PREFIX || ip_equal(&first, &rule->prefix.ip),
	       "a network begins with zeros");
	demand((rule->kind == RULE_NAME) == (rule->name != NULL), "names have a name");
	if (rule->kind != RULE_NAME) {
		demand(!rule->private_too && !rule->sni, "its words go with a name");
		return;
	}
	demand(strlen(rule->name) > 0 && strlen(rule->name) < NAME_TEXT_MAX,
	       "a name has the length of one");
	demand(strspn(rule->name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
		       strlen(rule->name),
	       "a name has the bytes of one");
}

static bool read_rules(const struct rule_text *texts, size_t count, struct arena *arena,
		       struct rules *rules)
{
	struct error err = { 0 };

	if (rules_parse(texts, count, arena, rules, &err) == 0) {
		show_host(&rules->host);
		return true;
	}
	demand(err.text[0] != '\0' && err.id == ERROR_EGRESS, "an error says what it is");
	return false;
}

/* A rule in front of the others, as the command line would have it. */
static bool read_with(const struct scene *scene, const char *options, struct arena *arena,
		      struct rules *rules)
{
	struct rule_text texts[RULES_MAX + 2];
	char *words = arena_strdup(arena, options), *rest = words;
	size_t count = 0;

	for (;;) {
		char *word = strtok_r(NULL, " ", &rest);

		if (!word)
			break;
		if (strcmp(word, "--allow") == 0)
			continue;
		demand(count < 2, "there are two options at most");
		texts[count++] = (struct rule_text){ true, word, "command line" };
	}
	memcpy(texts + count, scene->texts, scene->count * sizeof(*texts));
	return read_rules(texts, count + scene->count, arena, rules);
}

/* ---- flows ---- */

/* The option may cover a rule behind it: then there is nothing to compare. */
static void check_suggestion(const struct scene *scene, const struct flow_key *flow,
			     const struct net_verdict *verdict)
{
	struct arena arena = { 0 };
	struct net_verdict with;
	struct rules rules;
	char option[512];

	rules_suggest(&scene->rules, flow, verdict, option, sizeof(option));
	demand(option[0] == '\0' || strncmp(option, "--allow ", 8) == 0,
	       "an option is one");
	demand(!verdict->allowed || option[0] == '\0', "what is allowed needs none");
	if (option[0] != '\0' && read_with(scene, option, &arena, &rules)) {
		rules_judge(&rules, scene->names, flow, NOW, &with);
		demand(with.allowed, "the option lets it through");
	}
	arena_free(&arena);
}

static void check_place(const struct flow_key *flow, const struct net_verdict *verdict)
{
	struct ip to = ip_normal(&flow->to);
	struct ip loopback = ip_of("127.0.0.1"), metadata = ip_of("169.254.169.254");
	bool is_closed = ip_equal(&to, &metadata) || ip_equal(&to, &loopback);
	enum rule_kind kind;

	if (!is_closed || !verdict->allowed)
		return;
	demand(verdict->rule != NULL, "the tail opens nothing that is closed");
	kind = verdict->rule->kind;
	if (kind == RULE_PREFIX)
		demand(verdict->rule->prefix.bits >= 96 + 4, "a CIDR names it");
	else
		demand(ip_equal(&to, &loopback) &&
			       (kind == RULE_HOST || kind == RULE_ANY ||
				(kind == RULE_NAME && verdict->rule->private_too)),
		       "only a CIDR opens metadata");
}

static void check_flow(const struct scene *scene, const struct flow_key *flow)
{
	struct net_verdict verdict, said;
	char text[256];

	rules_judge(&scene->rules, scene->names, flow, NOW, &verdict);
	demand(verdict.allowed == (verdict.why == DENIED_NOT), "a denial has a reason");
	demand(!verdict.allowed || !verdict.rule || verdict.rule->allow,
	       "what denies does not allow");
	demand(!verdict.sni || flow->protocol == PROTOCOL_TCP, "only TCP has TLS");
	demand(!verdict.rule || !verdict.rule->has_ports ||
		       port_range_has(&verdict.rule->ports, flow->port),
	       "the port is one of the rule's");
	check_place(flow, &verdict);
	check_suggestion(scene, flow, &verdict);
	rules_explain(&verdict, text, sizeof(text));
	demand(text[0] != '\0', "there are words for it");
	rules_judge_sni(&scene->rules, scene->names, flow, "a.example", NOW, &said);
	demand(!said.allowed || verdict.allowed || verdict.why == DENIED_BY_RULE,
	       "a server name opens nothing");
}

static void check_fixed_flows(const struct scene *scene)
{
	static const char *const addresses[] = { "127.0.0.1", "64:ff9b::a9fe:a9fe",
						 "10.0.2.2",  "8.8.8.8",
						 "fd12::1",   "2600::1" };
	static const uint16_t ports[] = { 53, 443 };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct flow_key flow = { .protocol = PROTOCOL_ICMP,
					 .to = ip_of(addresses[i]) };

		check_flow(scene, &flow);
		for (size_t j = 0; j < 4; j++) {
			flow.protocol = j < 2 ? PROTOCOL_TCP : PROTOCOL_UDP;
			flow.port = ports[j % 2];
			check_flow(scene, &flow);
		}
	}
}

static void check_line_of_flow(const struct scene *scene, const char *line)
{
	struct flow_key flow = { .protocol = PROTOCOL_TCP };
	char protocol[8], address[IP_TEXT_MAX];
	unsigned int port = 0;

	if (sscanf(line, "%7s %45s %5u", protocol, address, &port) != 3 ||
	    ip_parse(address, &flow.to) < 0 || port == 0 || port > UINT16_MAX)
		return;
	if (strcmp(protocol, "udp") == 0)
		flow.protocol = PROTOCOL_UDP;
	flow.port = (uint16_t)port;
	check_flow(scene, &flow);
}

static void check_name(const struct scene *scene, const char *name)
{
	struct net_verdict verdict;
	struct ip ip = ip_of("169.254.169.254");
	char text[512];

	rules_judge_name(&scene->rules, name, &verdict);
	demand(verdict.allowed == (verdict.why == DENIED_NOT), "a denial has a reason");
	rules_suggest(&scene->rules, NULL, &verdict, text, sizeof(text));
	rules_explain(&verdict, text, sizeof(text));
	if (scene->count == 0)
		demand(!rules_admit_answer(&scene->rules, name, &ip),
		       "no name is metadata's");
}

/* ---- lines ---- */

static void read_line(struct scene *scene, const char *line)
{
	char name[NAME_TEXT_MAX], address[IP_TEXT_MAX];
	struct ip ip;

	if ((line[0] == '+' || line[0] == '-') && scene->count < RULES_MAX)
		scene->texts[scene->count++] =
			(struct rule_text){ line[0] == '+', line + 1, "sbx.conf" };
	if (line[0] != '=' || sscanf(line + 1, "%253s %45s", name, address) != 2 ||
	    ip_parse(address, &ip) < 0)
		return;
	if (!scene->names)
		scene->names = names_new();
	if (!scene->names)
		abort();
	names_add(scene->names, name, &ip, 300, NOW);
}

static void check_lines(const struct scene *scene, const char *text, const char *end)
{
	for (const char *line = text; line < end; line += strlen(line) + 1) {
		if (line[0] == '?')
			check_line_of_flow(scene, line + 1);
		if (line[0] == '=')
			check_name(scene, line + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scene scene = { 0 };
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (char *at = strchr(text, '\n'); at; at = strchr(at + 1, '\n'))
		*at = '\0';
	for (const char *line = text; line < text + size; line += strlen(line) + 1)
		read_line(&scene, line);
	if (read_rules(scene.texts, scene.count, &scene.arena, &scene.rules)) {
		for (size_t i = 0; i < scene.rules.count; i++)
			check_rule(&scene.rules.rules[i]);
		check_fixed_flows(&scene);
		check_lines(&scene, text, text + size);
	}
	arena_free(&scene.arena);
	names_free(scene.names);
	free(text);
	return 0;
}
