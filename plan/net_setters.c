/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setters of the network. What two options say together, and whether an address can be
 * used at all, is net_check()'s to judge.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <stdio.h>
#include <string.h>

enum {
	MTU_MIN = 68,
	MTU_MAX = 65521,
	TXQUEUELEN_MAX = 100000, /* each place costs the kernel memory at once */
	RATE_MIN = 1000,         /* bytes a second: below it nothing gets anywhere */
	MAC_TEXT = 17,
};

#define RATE_MAX UINT64_C(1000000000000)

static int refuse(struct error *err, const char *what, const char *operand)
{
	return error_set(err, ERROR_USAGE, "'%s' is %s", operand, what);
}

/* The option as it has to be typed where this one stands. */
static const char *dashes_of(const struct given *given)
{
	return given->level == LEVEL_COMMAND_LINE ? "--" : "";
}

/* ---- which network -------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum net_choice choice;
} net_words[] = {
	{ "user", NET_CHOICE_USER },   { "slirp", NET_CHOICE_USER },
	{ "none", NET_CHOICE_NONE },   { "host", NET_CHOICE_HOST },
	{ "relay", NET_CHOICE_RELAY },
};

enum { NET_WORDS = sizeof(net_words) / sizeof(net_words[0]) };

static int refuse_net(const struct given *given, struct error *err)
{
	static const char *const words[] = { "user", "slirp", "none",
					     "host", "relay", NULL };
	static const char *const bridged[] = { "bridge",      "private", "pasta",
					       "slirp4netns", "default", NULL };
	const char *nearest = text_nearest(given->operand, words);

	for (size_t i = 0; bridged[i]; i++) {
		if (text_starts_with(given->operand, bridged[i]))
			nearest = "user";
	}
	error_set(err, ERROR_USAGE, "'%s' is none of user, none, host, relay, ns:PATH",
		  given->operand);
	if (text_starts_with(given->operand, "/"))
		return error_hint(err, "%s%s ns:%s", dashes_of(given), given->name,
				  given->operand);
	if (nearest)
		return error_hint(err, "%s%s %s", dashes_of(given), given->name, nearest);
	return -1;
}

int set_net(struct draft *draft, const struct given *given, struct error *err)
{
	struct net_words *net = &draft->net;

	net->chosen = given;
	net->ns_path = NULL;
	for (size_t i = 0; i < NET_WORDS; i++) {
		if (strcmp(net_words[i].word, given->operand) != 0)
			continue;
		net->choice = net_words[i].choice;
		return 0;
	}
	if (!text_starts_with(given->operand, "ns:") || !given->operand[3])
		return refuse_net(given, err);
	net->choice = NET_CHOICE_NS;
	net->ns_path = path_of_caller(draft, given->base, given->operand + 3, err);
	return net->ns_path ? 0 : -1;
}

/* ---- egress --------------------------------------------------------------------------- */

static int add_rule(struct draft *draft, const struct given *given, bool allow)
{
	struct net_words *net = &draft->net;
	const struct rule_text rule = { allow, given->operand, given->from };

	net->rules = arena_grow(&draft->plan.arena, net->rules, net->rule_count,
				sizeof(*net->rules));
	net->rules[net->rule_count++] = rule;
	return 0;
}

int add_allow(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	return add_rule(draft, given, true);
}

int add_deny(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	return add_rule(draft, given, false);
}

/* ---- ports and names ------------------------------------------------------------------ */

int add_publish(struct draft *draft, const struct given *given, struct error *err)
{
	struct net_words *net = &draft->net;
	struct publish publish;

	if (net_parse_publish(given->operand, &publish, err) < 0)
		return -1;
	net->published = arena_grow(&draft->plan.arena, net->published,
				    net->published_count, sizeof(*net->published));
	net->published[net->published_count++] = publish;
	return 0;
}

int add_dns(struct draft *draft, const struct given *given, struct error *err)
{
	struct net_words *net = &draft->net;
	struct ip ip;

	if (ip_parse(given->operand, &ip) < 0)
		return refuse(err, "no address (such as 192.0.2.53 or 2001:db8::53)",
			      given->operand);
	net->upstreams = arena_grow(&draft->plan.arena, net->upstreams,
				    net->upstream_count, sizeof(*net->upstreams));
	net->upstreams[net->upstream_count++] = ip;
	return 0;
}

int add_search(struct draft *draft, const struct given *given, struct error *err)
{
	struct text_list *search = &draft->net.search;

	if (!net_is_domain(given->operand))
		return refuse(err, "no domain (such as corp.example)", given->operand);
	search->texts = arena_grow(&draft->plan.arena, search->texts, search->count,
				   sizeof(*search->texts));
	search->texts[search->count++] = given->operand;
	return 0;
}

/* Brackets around an IPv6 address are what docker's users may write. */
static int read_bracketed(const char *text, struct ip *ret_ip)
{
	char bare[IP_TEXT_MAX];
	const size_t length = strlen(text);

	if (text[0] != '[')
		return ip_parse(text, ret_ip);
	if (text[length - 1] != ']' || length - 2 >= sizeof(bare))
		return -1;
	memcpy(bare, text + 1, length - 2);
	bare[length - 2] = '\0';
	return ip_parse(bare, ret_ip);
}

int add_host(struct draft *draft, const struct given *given, struct error *err)
{
	static const char form[] =
		"not NAME:ADDR (such as db.test:192.0.2.7, or db.test:host-gateway)";
	const char *colon = strchr(given->operand, ':');
	struct net_words *net = &draft->net;
	struct host_name host = { .gateway = false };

	if (!colon || colon == given->operand)
		return refuse(err, form, given->operand);
	host.name = arena_strndup(&draft->plan.arena, given->operand,
				  (size_t)(colon - given->operand));
	host.gateway = !strcmp(colon + 1, "host-gateway");
	if (!host.gateway && read_bracketed(colon + 1, &host.address) < 0)
		return refuse(err, form, given->operand);
	if (!net_is_domain(host.name))
		return refuse(err, "no name of a host", host.name);
	net->hosts = arena_grow(&draft->plan.arena, net->hosts, net->host_count,
				sizeof(*net->hosts));
	net->hosts[net->host_count++] = host;
	return 0;
}

int set_resolv(struct draft *draft, const struct given *given, struct error *err)
{
	(void)err;
	draft->plan.net.no_resolv = given->negated;
	return 0;
}

/* ---- addresses ------------------------------------------------------------------------ */

static int read_cidr(const char *text, bool wants_v4, struct prefix *ret_prefix,
		     struct error *err)
{
	const char *form = wants_v4 ? "no network (such as 10.0.2.100/24)"
				    : "neither off nor auto nor a network (such as "
				      "fd00::64/64)";
	struct prefix prefix;

	if (prefix_parse(text, &prefix) < 0)
		return refuse(err, form, text);
	if (!strchr(text, '/')) {
		error_set(err, ERROR_USAGE, "'%s' has no length", text);
		return error_hint(err, "%s/%d is a network of the usual length", text,
				  wants_v4 ? 24 : 64);
	}
	if (ip_is_v4(&prefix.ip) != wants_v4) {
		error_set(err, ERROR_USAGE, "'%s' is of %s", text,
			  wants_v4 ? "IPv6" : "IPv4");
		return error_hint(err, "%s %.60s", wants_v4 ? "--ip6" : "--ip", text);
	}
	*ret_prefix = prefix;
	return 0;
}

int set_ip(struct draft *draft, const struct given *given, struct error *err)
{
	return read_cidr(given->operand, true, &draft->net.ip, err);
}

int set_ip6(struct draft *draft, const struct given *given, struct error *err)
{
	struct net_words *net = &draft->net;

	net->ip6_off = !strcmp(given->operand, "off");
	net->ip6_given = true;
	if (net->ip6_off || !strcmp(given->operand, "auto")) {
		net->ip6 = (struct prefix){ .bits = 0 };
		return 0;
	}
	return read_cidr(given->operand, false, &net->ip6, err);
}

int set_gateway(struct draft *draft, const struct given *given, struct error *err)
{
	struct ip ip;

	if (ip_parse(given->operand, &ip) < 0)
		return refuse(err, "no address (such as 10.0.2.2)", given->operand);
	*(ip_is_v4(&ip) ? &draft->net.gateway : &draft->net.gateway6) = ip;
	return 0;
}

/* ---- the interface -------------------------------------------------------------------- */

int set_mtu(struct draft *draft, const struct given *given, struct error *err)
{
	int mtu;

	if (text_to_int(given->operand, 0, MTU_MAX, &mtu) < 0 || (mtu && mtu < MTU_MIN))
		return error_set(err, ERROR_USAGE,
				 "'%s' is not a number from %d to %d, or 0 for the "
				 "default",
				 given->operand, MTU_MIN, MTU_MAX);
	draft->plan.net.mtu = (uint32_t)mtu;
	return 0;
}

int set_ifname(struct draft *draft, const struct given *given, struct error *err)
{
	if (!net_is_interface_name(given->operand))
		return refuse(err,
			      "no name for an interface (at most 15 characters, no "
			      "blank, '/', ':' or '%')",
			      given->operand);
	return text_copy(draft->plan.net.ifname, sizeof(draft->plan.net.ifname),
			 given->operand);
}

int set_mac(struct draft *draft, const struct given *given, struct error *err)
{
	static const uint8_t none[6];
	char alone[MAC_TEXT + 1];
	uint8_t mac[6];

	if (net_parse_mac(given->operand, mac) < 0)
		return refuse(err, "not six pairs of digits (such as 02:00:00:00:00:01)",
			      given->operand);
	if (mac[0] & 1) {
		snprintf(alone, sizeof(alone), "%02x%s", mac[0] & 0xfeU,
			 given->operand + 2);
		refuse(err, "a multicast address", given->operand);
		return error_hint(err, "%s%s %s", dashes_of(given), given->name, alone);
	}
	if (!memcmp(mac, none, sizeof(none)))
		return refuse(err, "no address of an interface", given->operand);
	memcpy(draft->plan.net.mac, mac, sizeof(mac));
	return 0;
}

int set_txqueuelen(struct draft *draft, const struct given *given, struct error *err)
{
	int length;

	if (text_to_int(given->operand, 0, TXQUEUELEN_MAX, &length) < 0)
		return error_set(
			err, ERROR_USAGE,
			"'%s' is not a number from 1 to %d, or 0 for the default",
			given->operand, TXQUEUELEN_MAX);
	draft->plan.net.txqueuelen = (uint32_t)length;
	return 0;
}

/* ---- the rate ------------------------------------------------------------------------- */

/* "10Mbit": bits a second, in the powers of ten that networks are sold by. */
static int read_bits(const char *text, size_t length, uint64_t *ret_rate)
{
	static const struct {
		char letter;
		uint64_t factor;
	} units[] = { { 'k', 1000 },    { 'K', 1000 },       { 'm', 1000000 },
		      { 'M', 1000000 }, { 'g', 1000000000 }, { 'G', 1000000000 } };
	uint64_t factor = 1, number;
	char digits[20];

	if (length == 0 || length >= sizeof(digits))
		return -1;
	memcpy(digits, text, length);
	digits[length] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (digits[length - 1] != units[i].letter)
			continue;
		factor = units[i].factor;
		digits[length - 1] = '\0';
		break;
	}
	if (text_to_u64(digits, 10, &number) < 0 || number > 8 * RATE_MAX / factor)
		return -1;
	*ret_rate = number * factor / 8;
	return 0;
}

static int read_rate(const char *text, uint64_t *ret_rate)
{
	const char *bit = strstr(text, "bit");

	if (bit && (!strcmp(bit, "bit") || !strcmp(bit, "bits") || !strcmp(bit, "bit/s")))
		return read_bits(text, (size_t)(bit - text), ret_rate);
	return text_to_size(text, ret_rate);
}

int set_net_rate(struct draft *draft, const struct given *given, struct error *err)
{
	uint64_t rate;

	if (read_rate(given->operand, &rate) < 0) {
		refuse(err, "no rate", given->operand);
		return error_hint(err, "10Mbit is ten million bits a second, 10M ten "
				       "times 1024 * 1024 bytes");
	}
	if (rate < RATE_MIN || rate > RATE_MAX)
		return refuse(err,
			      rate < RATE_MIN ? "less than 1000 bytes a second"
					      : "more than can be counted",
			      given->operand);
	draft->plan.net.rate = rate;
	return 0;
}
