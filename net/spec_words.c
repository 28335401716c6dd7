/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends are ours and of one version, so the words are plain: a name and as many operands
 * as its row says. What the launcher alone needs (search domains, file names) is not said.
 */
#include "net/spec_words.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

/* ---- to words --------------------------------------------------------------------------- */

struct writer {
	struct arena *arena;
	const char **words;
	size_t count;
};

static void put(struct writer *writer, const char *word)
{
	writer->words = arena_grow(writer->arena, writer->words, writer->count,
				   sizeof(*writer->words));
	writer->words[writer->count++] = word;
}

static void put_pair(struct writer *writer, const char *name, const char *operand)
{
	put(writer, name);
	put(writer, operand);
}

static const struct ip no_ip;

static void put_ip(struct writer *writer, const char *name, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	if (!ip_equal(ip, &no_ip))
		put_pair(writer, name, arena_strdup(writer->arena, ip_format(ip, text)));
}

static void put_prefix(struct writer *writer, const char *name,
		       const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	if (prefix->bits)
		put_pair(writer, name,
			 arena_strdup(writer->arena, prefix_format(prefix, text)));
}

static void put_number(struct writer *writer, const char *name, uint64_t number)
{
	if (number)
		put_pair(writer, name,
			 arena_printf(writer->arena, "%llu", (unsigned long long)number));
}

static void put_rules(struct writer *writer, const struct net_spec *spec)
{
	for (size_t i = 0; i < spec->rule_count; i++) {
		put(writer, spec->rules[i].allow ? "allow" : "deny");
		put_pair(writer, spec->rules[i].dest, spec->rules[i].from);
	}
}

static void put_range(struct writer *writer, const struct port_range *range)
{
	put(writer, arena_printf(writer->arena, "%u", range->first));
	put(writer, arena_printf(writer->arena, "%u", range->last));
}

static void put_published(struct writer *writer, const struct net_spec *spec)
{
	for (size_t i = 0; i < spec->published_count; i++) {
		const struct publish *one = &spec->published[i];
		char host[IP_TEXT_MAX] = "-";

		if (one->host_given)
			ip_format(&one->host, host);
		put_pair(writer, "publish", protocol_name(one->protocol));
		put(writer, arena_strdup(writer->arena, host));
		put_range(writer, &one->host_ports);
		put_range(writer, &one->guest_ports);
	}
}

static void put_names(struct writer *writer, const struct net_spec *spec)
{
	for (size_t i = 0; i < spec->upstream_count; i++)
		put_ip(writer, "upstream", &spec->upstreams[i]);
	for (size_t i = 0; i < spec->host_count; i++) {
		const struct host_name *host = &spec->hosts[i];
		char address[IP_TEXT_MAX] = "gateway";

		if (!host->gateway)
			ip_format(&host->address, address);
		put(writer, "host");
		put_pair(writer, host->name, arena_strdup(writer->arena, address));
	}
}

/* Twelve digits. */
static void put_mac(struct writer *writer, const uint8_t mac[6])
{
	static const uint8_t none[6];

	if (memcmp(mac, none, sizeof(none)) != 0)
		put_pair(writer, "mac",
			 arena_printf(writer->arena, "%02x%02x%02x%02x%02x%02x", mac[0],
				      mac[1], mac[2], mac[3], mac[4], mac[5]));
}

const char *const *net_spec_to_words(const struct net_spec *spec, struct arena *arena)
{
	struct writer writer = { .arena = arena };

	put(&writer, "sbx-net");
	put_pair(&writer, "version", SBX_VERSION);
	put_pair(&writer, "mode", spec->mode == NET_RELAY ? "relay" : "user");
	if (spec->relay_off)
		put(&writer, "relay-off");
	if (spec->foreign_stack)
		put(&writer, "foreign-stack");
	put_prefix(&writer, "address", &spec->address);
	put_ip(&writer, "gateway", &spec->gateway);
	put_ip(&writer, "dns", &spec->dns);
	put_prefix(&writer, "address6", &spec->address6);
	put_ip(&writer, "gateway6", &spec->gateway6);
	put_ip(&writer, "dns6", &spec->dns6);
	put_number(&writer, "mtu", spec->mtu);
	put_number(&writer, "txqueuelen", spec->txqueuelen);
	if (spec->ifname[0])
		put_pair(&writer, "ifname", spec->ifname);
	put_mac(&writer, spec->mac);
	put_rules(&writer, spec);
	put_published(&writer, spec);
	put_names(&writer, spec);
	put_number(&writer, "rate", spec->rate);
	if (spec->log_file)
		put(&writer, "log");
	if (spec->pcap_file)
		put(&writer, "pcap");
	put(&writer, NULL);
	return writer.words;
}

/* ---- from words ------------------------------------------------------------------------- */

struct reader {
	struct arena *arena;
	struct net_spec *spec;
	struct rule_text *rules;
	struct publish *published;
	struct ip *upstreams;
	struct host_name *hosts;
};

/* Each returns -1 for operands that are none of ours. */
typedef int take(struct reader *reader, const char *const *operands);

static int take_version(struct reader *reader, const char *const *operands)
{
	(void)reader;
	return strcmp(operands[0], SBX_VERSION) == 0 ? 0 : -1;
}

static int take_mode(struct reader *reader, const char *const *operands)
{
	reader->spec->mode = strcmp(operands[0], "relay") == 0 ? NET_RELAY : NET_USER;
	return 0;
}

static int take_relay_off(struct reader *reader, const char *const *operands)
{
	(void)operands;
	reader->spec->relay_off = true;
	return 0;
}

static int take_foreign_stack(struct reader *reader, const char *const *operands)
{
	(void)operands;
	reader->spec->foreign_stack = true;
	return 0;
}

static int take_address(struct reader *reader, const char *const *operands)
{
	return prefix_parse(operands[0], &reader->spec->address);
}

static int take_gateway(struct reader *reader, const char *const *operands)
{
	return ip_parse(operands[0], &reader->spec->gateway);
}

static int take_dns(struct reader *reader, const char *const *operands)
{
	return ip_parse(operands[0], &reader->spec->dns);
}

static int take_address6(struct reader *reader, const char *const *operands)
{
	return prefix_parse(operands[0], &reader->spec->address6);
}

static int take_gateway6(struct reader *reader, const char *const *operands)
{
	return ip_parse(operands[0], &reader->spec->gateway6);
}

static int take_dns6(struct reader *reader, const char *const *operands)
{
	return ip_parse(operands[0], &reader->spec->dns6);
}

static int take_mtu(struct reader *reader, const char *const *operands)
{
	return text_to_u32(operands[0], &reader->spec->mtu);
}

static int take_txqueuelen(struct reader *reader, const char *const *operands)
{
	return text_to_u32(operands[0], &reader->spec->txqueuelen);
}

static int take_ifname(struct reader *reader, const char *const *operands)
{
	return text_copy(reader->spec->ifname, sizeof(reader->spec->ifname), operands[0]);
}

static int take_mac(struct reader *reader, const char *const *operands)
{
	uint64_t number;

	if (text_to_u64(operands[0], 16, &number) < 0)
		return -1;
	for (size_t i = 0; i < 6; i++)
		reader->spec->mac[i] = (uint8_t)(number >> (40 - 8 * i));
	return 0;
}

static int take_rule(struct reader *reader, bool allow, const char *const *operands)
{
	struct net_spec *spec = reader->spec;

	reader->rules = arena_grow(reader->arena, reader->rules, spec->rule_count,
				   sizeof(*reader->rules));
	reader->rules[spec->rule_count++] = (struct rule_text){ .allow = allow,
								.dest = operands[0],
								.from = operands[1] };
	spec->rules = reader->rules;
	return 0;
}

static int take_allow(struct reader *reader, const char *const *operands)
{
	return take_rule(reader, true, operands);
}

static int take_deny(struct reader *reader, const char *const *operands)
{
	return take_rule(reader, false, operands);
}

/* Also 0 and 0, which port_range_parse() has no word for. */
static int read_range(const char *const *operands, struct port_range *ret_range)
{
	int first, last;

	if (text_to_int(operands[0], 0, UINT16_MAX, &first) < 0 ||
	    text_to_int(operands[1], 0, UINT16_MAX, &last) < 0)
		return -1;
	*ret_range = (struct port_range){ (uint16_t)first, (uint16_t)last };
	return 0;
}

static int take_publish(struct reader *reader, const char *const *operands)
{
	struct net_spec *spec = reader->spec;
	struct publish one = {
		.protocol = strcmp(operands[0], "udp") == 0 ? PROTOCOL_UDP : PROTOCOL_TCP,
		.host_given = strcmp(operands[1], "-") != 0,
	};

	if ((one.host_given && ip_parse(operands[1], &one.host) < 0) ||
	    read_range(operands + 2, &one.host_ports) < 0 ||
	    read_range(operands + 4, &one.guest_ports) < 0)
		return -1;
	reader->published = arena_grow(reader->arena, reader->published,
				       spec->published_count, sizeof(one));
	reader->published[spec->published_count++] = one;
	spec->published = reader->published;
	return 0;
}

static int take_upstream(struct reader *reader, const char *const *operands)
{
	struct net_spec *spec = reader->spec;
	struct ip one;

	if (ip_parse(operands[0], &one) < 0)
		return -1;
	reader->upstreams = arena_grow(reader->arena, reader->upstreams,
				       spec->upstream_count, sizeof(one));
	reader->upstreams[spec->upstream_count++] = one;
	spec->upstreams = reader->upstreams;
	return 0;
}

static int take_host(struct reader *reader, const char *const *operands)
{
	struct net_spec *spec = reader->spec;
	struct host_name one = {
		.name = operands[0],
		.gateway = strcmp(operands[1], "gateway") == 0,
	};

	if (!one.gateway && ip_parse(operands[1], &one.address) < 0)
		return -1;
	reader->hosts =
		arena_grow(reader->arena, reader->hosts, spec->host_count, sizeof(one));
	reader->hosts[spec->host_count++] = one;
	spec->hosts = reader->hosts;
	return 0;
}

static int take_rate(struct reader *reader, const char *const *operands)
{
	return text_to_u64(operands[0], 10, &reader->spec->rate);
}

/* The files themselves came as descriptors. */
static int take_log(struct reader *reader, const char *const *operands)
{
	(void)operands;
	reader->spec->log_file = "log";
	return 0;
}

static int take_pcap(struct reader *reader, const char *const *operands)
{
	(void)operands;
	reader->spec->pcap_file = "pcap";
	return 0;
}

static const struct word {
	const char *name;
	size_t operands;
	take *take;
} known_words[] = {
	{ "version", 1, take_version },
	{ "mode", 1, take_mode },
	{ "relay-off", 0, take_relay_off },
	{ "foreign-stack", 0, take_foreign_stack },
	{ "address", 1, take_address },
	{ "gateway", 1, take_gateway },
	{ "dns", 1, take_dns },
	{ "address6", 1, take_address6 },
	{ "gateway6", 1, take_gateway6 },
	{ "dns6", 1, take_dns6 },
	{ "mtu", 1, take_mtu },
	{ "txqueuelen", 1, take_txqueuelen },
	{ "ifname", 1, take_ifname },
	{ "mac", 1, take_mac },
	{ "allow", 2, take_allow },
	{ "deny", 2, take_deny },
	{ "publish", 6, take_publish },
	{ "upstream", 1, take_upstream },
	{ "host", 2, take_host },
	{ "rate", 1, take_rate },
	{ "log", 0, take_log },
	{ "pcap", 0, take_pcap },
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(known_words) / sizeof(*known_words); i++)
		if (strcmp(known_words[i].name, name) == 0)
			return &known_words[i];
	return NULL;
}

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

int net_spec_from_words(const char *const *words, struct arena *arena,
			struct net_spec *ret_spec, struct error *err)
{
	struct net_spec spec = { 0 };
	struct reader reader = { .arena = arena, .spec = &spec };
	const size_t count = count_words(words);
	size_t at = 1;

	while (at < count) {
		const struct word *word = find_word(words[at]);

		if (!word || word->operands > count - at - 1 ||
		    word->take(&reader, words + at + 1) < 0)
			return error_set(err, ERROR_NETWORK,
					 "read the words for sbx-net: %s", words[at]);
		at += 1 + word->operands;
	}
	*ret_spec = spec;
	return 0;
}
