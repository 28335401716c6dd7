/* SPDX-License-Identifier: Apache-2.0 */

/* The network as annotations. */

#include "plan/to_oci.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/page.h"
#include "plan/oci_net.h"

#define FIELD(member) offsetof(struct net_spec, member)

const char *const oci_net_modes[] = { "plain", "user", "relay", NULL };

static const struct oci_net_field fields[] = {
	{ "sbx.net.address", OCI_NET_PREFIX, FIELD(address) },
	{ "sbx.net.gateway", OCI_NET_IP, FIELD(gateway) },
	{ "sbx.net.resolver", OCI_NET_IP, FIELD(dns) },
	{ "sbx.net.address6", OCI_NET_PREFIX, FIELD(address6) },
	{ "sbx.net.gateway6", OCI_NET_IP, FIELD(gateway6) },
	{ "sbx.net.resolver6", OCI_NET_IP, FIELD(dns6) },
	{ "sbx.net.mtu", OCI_NET_U32, FIELD(mtu) },
	{ "sbx.net.txqueuelen", OCI_NET_U32, FIELD(txqueuelen) },
};

const struct oci_net_field *oci_net_fields(size_t *ret_count)
{
	*ret_count = sizeof(fields) / sizeof(fields[0]);
	return fields;
}

static void put_field(struct json_value *annotations, const struct oci_net_field *field,
		      const struct net_spec *spec, struct arena *arena)
{
	static const struct ip none;
	const void *at = (const char *)spec + field->offset;
	const struct prefix *prefix = at;
	char text[PREFIX_TEXT_MAX];
	const struct ip *ip = at;

	switch (field->type) {
	case OCI_NET_PREFIX:
		if (prefix->bits)
			json_put_text(annotations, field->name,
				      prefix_format(prefix, text));
		return;
	case OCI_NET_IP:
		if (!ip_equal(ip, &none))
			json_put_text(annotations, field->name, ip_format(ip, text));
		return;
	case OCI_NET_U32:
		if (*(const uint32_t *)at)
			json_put_text(annotations, field->name,
				      arena_printf(arena, "%u", *(const uint32_t *)at));
		return;
	}
}

static void put_interface(struct json_value *annotations, const struct net_spec *spec)
{
	static const uint8_t none[6];
	const uint8_t *mac = spec->mac;
	char text[18];

	if (spec->ifname[0])
		json_put_text(annotations, OCI_NET_IFNAME, spec->ifname);
	if (!memcmp(mac, none, sizeof(none)))
		return;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	json_put_text(annotations, OCI_NET_MAC, text);
}

/* ---- lists ---------------------------------------------------------------------------- */

static void put_list(struct json_value *annotations, const char *name,
		     const struct page *list)
{
	if (list->used)
		json_put_text(annotations, name, page_text(list));
}

/* Where it came from is for people: what would end the line or the word is left out. */
static void put_rules(struct json_value *annotations, const struct net_spec *spec,
		      struct arena *arena)
{
	struct page list = { .arena = arena };

	for (size_t i = 0; i < spec->rule_count; i++) {
		const struct rule_text *rule = &spec->rules[i];
		const char *from = rule->from ? rule->from : "";

		page_put(&list, i ? "\n" : "");
		page_put(&list, rule->allow ? "allow\t" : "deny\t");
		page_put(&list, rule->dest);
		page_put(&list, "\t");
		page_put_bytes(&list, from, strcspn(from, "\n"));
	}
	put_list(annotations, OCI_NET_RULES, &list);
}

static void put_published(struct json_value *annotations, const struct net_spec *spec,
			  struct arena *arena)
{
	struct page list = { .arena = arena };

	for (size_t i = 0; i < spec->published_count; i++) {
		char text[PUBLISH_TEXT_MAX];

		net_format_publish(&spec->published[i], text, sizeof(text));
		page_put(&list, i ? "," : "");
		page_put(&list, text);
	}
	put_list(annotations, OCI_NET_PUBLISH, &list);
}

static void put_dns(struct json_value *annotations, const struct net_spec *spec,
		    struct arena *arena)
{
	struct page list = { .arena = arena };

	for (size_t i = 0; i < spec->upstream_count; i++) {
		char text[IP_TEXT_MAX];

		page_put(&list, i ? "," : "");
		page_put(&list, ip_format(&spec->upstreams[i], text));
	}
	put_list(annotations, OCI_NET_DNS, &list);
}

static void put_search(struct json_value *annotations, const struct net_spec *spec,
		       struct arena *arena)
{
	struct page list = { .arena = arena };

	for (size_t i = 0; i < spec->search_count; i++) {
		page_put(&list, i ? "," : "");
		page_put(&list, spec->search[i]);
	}
	put_list(annotations, OCI_NET_SEARCH, &list);
}

static void put_hosts(struct json_value *annotations, const struct net_spec *spec,
		      struct arena *arena)
{
	struct page list = { .arena = arena };

	for (size_t i = 0; i < spec->host_count; i++) {
		const struct host_name *host = &spec->hosts[i];
		char text[IP_TEXT_MAX];

		page_put(&list, i ? "," : "");
		page_put(&list, host->name);
		page_put(&list, ":");
		page_put(&list, host->gateway ? OCI_NET_GATEWAY
					      : ip_format(&host->address, text));
	}
	put_list(annotations, OCI_NET_HOSTS, &list);
}

void oci_put_net(struct json_value *annotations, const struct net_spec *spec,
		 struct arena *arena)
{
	if (spec->mode != NET_PLAIN)
		json_put_text(annotations, OCI_NET_MODE, oci_net_modes[spec->mode]);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		put_field(annotations, &fields[i], spec, arena);
	put_interface(annotations, spec);
	put_rules(annotations, spec, arena);
	put_published(annotations, spec, arena);
	put_dns(annotations, spec, arena);
	put_search(annotations, spec, arena);
	put_hosts(annotations, spec, arena);
}
