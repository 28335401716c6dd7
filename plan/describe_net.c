/* SPDX-License-Identifier: Apache-2.0 */
/* The network in words, for --dry-run. */
#include "base/error.h"
#include "plan/internal.h"

#include <string.h>

static void put_plain(struct page *page, const struct plan *plan)
{
	switch (plan->namespaces.kinds[NS_NET].mode) {
	case NS_PRIVATE:
		page_put(page, "loopback only\n");
		break;
	case NS_SHARED:
		page_put(page, "the host's own, all of it\n");
		break;
	case NS_JOINED:
		page_put(page, "that of the namespace which is joined\n");
		break;
	}
}

static void put_served(struct page *page, const struct net_spec *spec)
{
	if (spec->mode == NET_RELAY)
		page_put(page, "its own, through the relay: TCP and names, no tap "
			       "device\n");
	else
		page_put(page, spec->relay_off || spec->foreign_stack
				       ? "its own, through libslirp alone\n"
				       : "its own, through libslirp and the relay\n");
}

/* ---- addresses ------------------------------------------------------------------------ */

static void put_family(struct page *page, const struct prefix *address,
		       const struct ip *gateway, const struct ip *dns)
{
	char own[PREFIX_TEXT_MAX], host[IP_TEXT_MAX], names[IP_TEXT_MAX];

	page_printf(page, "%s, the host is %s, names at %s", prefix_format(address, own),
		    ip_format(gateway, host), ip_format(dns, names));
}

static void put_interface(struct page *page, const struct net_spec *spec)
{
	page_begin(page, "interface");
	page_put_printable(page, spec->ifname[0] ? spec->ifname : "tap0");
	page_printf(page, ", MTU %u\n", spec->mtu ? spec->mtu : 1500);
	page_begin(page, "address");
	put_family(page, &spec->address, &spec->gateway, &spec->dns);
	page_put(page, "\n");
	page_begin(page, spec->address6.bits ? "" : "IPv6");
	if (spec->address6.bits)
		put_family(page, &spec->address6, &spec->gateway6, &spec->dns6);
	else
		page_put(page, spec->ip6_off ? "none" : "none: the host has no route");
	page_put(page, "\n");
}

/* ---- rules ---------------------------------------------------------------------------- */

static void put_rules(struct page *page, const struct net_spec *spec)
{
	struct rules rules;
	struct error ignored;

	for (size_t i = 0; i < spec->rule_count; i++) {
		const struct rule_text *rule = &spec->rules[i];

		page_begin(page, i ? "" : "may reach");
		page_put(page, rule->allow ? "allow " : "deny ");
		page_put_printable(page, rule->dest);
		page_put(page, " (");
		page_put_printable(page, rule->from);
		page_put(page, ")\n");
	}
	/* whoever made the plan has read them: net_check() */
	if (rules_parse(spec->rules, spec->rule_count, page->arena, &rules, &ignored) < 0)
		return;
	page_begin(page, spec->rule_count ? "" : "may reach");
	page_put(page, spec->rule_count ? "and then " : "");
	page_put(page, rules.tail_allows
			       ? "the internet; not the host, and none of its networks\n"
			       : "nothing else\n");
}

/* ---- ports and names ------------------------------------------------------------------ */

static void put_published(struct page *page, const struct net_spec *spec)
{
	for (size_t i = 0; i < spec->published_count; i++) {
		char text[PUBLISH_TEXT_MAX];

		net_format_publish(&spec->published[i], text, sizeof(text));
		page_begin(page, i ? "" : "published");
		page_printf(page, "%s\n", text);
	}
}

static void put_servers(struct page *page, const struct net_spec *spec)
{
	if (!spec->upstream_count)
		return;
	page_begin(page, "name servers");
	for (size_t i = 0; i < spec->upstream_count; i++) {
		char text[IP_TEXT_MAX];

		page_printf(page, "%s%s", i ? ", " : "",
			    ip_format(&spec->upstreams[i], text));
	}
	page_put(page, "\n");
}

static void put_search(struct page *page, const struct net_spec *spec)
{
	if (!spec->search_count)
		return;
	page_begin(page, "search");
	for (size_t i = 0; i < spec->search_count; i++) {
		page_put(page, i ? " " : "");
		page_put_printable(page, spec->search[i]);
	}
	page_put(page, "\n");
}

static void put_hosts(struct page *page, const struct net_spec *spec)
{
	for (size_t i = 0; i < spec->host_count; i++) {
		const struct host_name *host = &spec->hosts[i];
		char text[IP_TEXT_MAX];

		page_begin(page, i ? "" : "host names");
		page_put_printable(page, host->name);
		page_printf(page, " is %s\n",
			    host->gateway ? "the host" : ip_format(&host->address, text));
	}
}

static void put_names(struct page *page, const struct net_spec *spec)
{
	put_servers(page, spec);
	put_search(page, spec);
	put_hosts(page, spec);
	if (spec->no_resolv) {
		page_begin(page, "resolv.conf");
		page_put(page, "the root's own, as it is\n");
	}
}

static void put_files(struct page *page, const struct net_spec *spec)
{
	if (spec->log_file) {
		page_begin(page, "net log");
		page_put_printable(page, spec->log_file);
		page_put(page, "\n");
	}
	if (spec->pcap_file) {
		page_begin(page, "packets to");
		page_put_printable(page, spec->pcap_file);
		page_put(page, "\n");
	}
	if (spec->rate) {
		page_begin(page, "net rate");
		page_printf(page, "at most %llu bytes a second each way\n",
			    (unsigned long long)spec->rate);
	}
}

void describe_net(struct page *page, const struct plan *plan)
{
	const struct net_spec *spec = &plan->net;

	page_begin(page, "network");
	if (spec->mode == NET_PLAIN) {
		put_plain(page, plan);
	} else {
		put_served(page, spec);
		put_interface(page, spec);
		put_rules(page, spec);
		put_published(page, spec);
	}
	put_names(page, spec);
	put_files(page, spec);
	for (size_t i = 0; i < plan->note_count; i++) {
		page_begin(page, "note");
		page_put(page, plan->notes[i].text);
		page_put(page, "\n");
	}
}
