/* SPDX-License-Identifier: Apache-2.0 */
#include "egress.h"

#include "net/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ip ip_of(const char *text)
{
	struct ip ip;

	if (ip_parse(text, &ip) < 0)
		abort();
	return ip;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	if (prefix_parse(text, &prefix) < 0)
		abort();
	return prefix;
}

void egress_host(struct host_view *ret_view)
{
	static struct ip addresses[4];
	static struct prefix on_link[4];

	addresses[0] = ip_of("192.168.1.5");
	addresses[1] = ip_of("203.0.113.9");
	addresses[2] = ip_of("2001:db8:1::5");
	addresses[3] = ip_of("fe80::5");
	on_link[0] = prefix_of("192.168.1.0/24");
	on_link[1] = prefix_of("203.0.113.0/24");
	on_link[2] = prefix_of("2001:db8:1::/64");
	on_link[3] = prefix_of("fe80::/64");
	*ret_view = (struct host_view){
		.addresses = addresses,
		.address_count = 4,
		.on_link = on_link,
		.on_link_count = 4,
		.gateway = ip_of("10.0.2.2"),
		.gateway6 = ip_of("fd00::2"),
		.inside = prefix_of("10.0.2.0/24"),
		.inside6 = prefix_of("fd00::/64"),
	};
}

int egress_read(struct egress *egress, const char *words)
{
	char *rest = egress->words, *word;

	memset(egress, 0, sizeof(*egress));
	if (strlen(words) >= sizeof(egress->words))
		abort();
	memcpy(egress->words, words, strlen(words) + 1);
	for (word = strtok_r(rest, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (egress->count >= EGRESS_RULES_MAX || !strchr("+-", word[0]))
			abort();
		egress->texts[egress->count++] =
			(struct rule_text){ word[0] == '+', word + 1, "command line" };
	}
	if (rules_parse(egress->texts, egress->count, &egress->arena, &egress->rules,
			&egress->err) < 0)
		return -1;
	egress_host(&egress->rules.host);
	return 0;
}

void egress_free(struct egress *egress)
{
	arena_free(&egress->arena);
}

struct flow_key egress_flow(const char *text)
{
	struct flow_key flow = { .protocol = PROTOCOL_ICMP };
	char protocol[8] = "", address[IP_TEXT_MAX] = "";
	unsigned int port = 0;

	if (sscanf(text, "%7s %45s %u", protocol, address, &port) < 2)
		abort();
	if (strcmp(protocol, "tcp") == 0)
		flow.protocol = PROTOCOL_TCP;
	if (strcmp(protocol, "udp") == 0)
		flow.protocol = PROTOCOL_UDP;
	flow.to = ip_of(address);
	flow.port = (uint16_t)port;
	return flow;
}

struct names *egress_look_up(const char *pairs)
{
	struct names *names = names_new();
	char name[NAME_TEXT_MAX], address[IP_TEXT_MAX];
	int length;

	if (!names)
		abort();
	for (; sscanf(pairs, "%253s %45s%n", name, address, &length) == 2;
	     pairs += length) {
		struct ip ip = ip_of(address);

		names_add(names, name, &ip, 300, EGRESS_NOW);
	}
	return names;
}

const char egress_looked_up[] =
	"example.com 192.0.2.1 www.example.com 192.0.2.1 a.b.example.com 192.0.2.2 "
	"example.com 2001:db8:7::1 inside.example 10.1.2.3 inside.example fd12::1 "
	"host.example 192.168.1.5 loop.example 127.0.0.1 meta.example 169.254.169.254 "
	"postgres 10.5.5.5 notexample.com 192.0.2.9";
