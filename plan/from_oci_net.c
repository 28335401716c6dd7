/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The network of a config.json. Without an annotation of ours there is none but loopback:
 * who wrote such a file sets the network up by other means.
 */
#include "plan/from_oci.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/oci_net.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"

enum { LIST_MAX = 10000 };

static const char *const read_here[] = {
	OCI_NET_MODE, OCI_NET_MAC,    OCI_NET_IFNAME, OCI_NET_RULES, OCI_NET_PUBLISH,
	OCI_NET_DNS,  OCI_NET_SEARCH, OCI_NET_HOSTS,  NULL,
};

static const struct oci_net_field *find_field(const char *name)
{
	size_t count;
	const struct oci_net_field *fields = oci_net_fields(&count);

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	}
	return NULL;
}

bool oci_is_net(const char *annotation)
{
	return find_field(annotation) || oci_choice(read_here, annotation) >= 0;
}

/* ---- fields --------------------------------------------------------------------------- */

static int read_field(const struct json_value *value, const struct oci_net_field *field,
		      struct net_spec *spec, struct error *err)
{
	void *at = (char *)spec + field->offset;
	const char *text;

	if (json_want_text(value, &text, err) < 0)
		return -1;
	switch (field->type) {
	case OCI_NET_PREFIX:
		if (!strchr(text, '/') || prefix_parse(text, at) < 0)
			return json_complain(value, err, "no address with a length");
		return 0;
	case OCI_NET_IP:
		if (ip_parse(text, at) < 0)
			return json_complain(value, err, "no address");
		return 0;
	case OCI_NET_U32:
		if (text_to_u32(text, at) < 0)
			return json_complain(value, err, "no number");
		return 0;
	}
	return 0;
}

static int read_fields(struct oci_reader *reader, struct error *err)
{
	for (size_t i = 0; i < json_count(reader->annotations); i++) {
		const struct oci_net_field *field =
			find_field(json_key_at(reader->annotations, i));

		if (field && read_field(json_at(reader->annotations, i), field,
					&reader->plan->net, err) < 0)
			return -1;
	}
	return 0;
}

static int read_mode(struct oci_reader *reader, struct error *err)
{
	const struct json_value *value;
	const char *text;
	int found = oci_annotation(reader, OCI_NET_MODE, &value, &text, err);
	int mode;

	if (found != 0)
		return found < 0 ? -1 : 0;
	mode = oci_choice(oci_net_modes, text);
	if (mode < 0)
		return json_complain(value, err, "not plain, user or relay");
	reader->plan->net.mode = (enum net_mode)mode;
	return 0;
}

static int read_interface(struct oci_reader *reader, struct error *err)
{
	struct net_spec *spec = &reader->plan->net;
	const struct json_value *value;
	const char *text;
	int found = oci_annotation(reader, OCI_NET_IFNAME, &value, &text, err);

	if (found < 0)
		return -1;
	if (found == 0 && text_copy(spec->ifname, sizeof(spec->ifname), text) < 0)
		return json_complain(value, err, "too long for an interface");
	found = oci_annotation(reader, OCI_NET_MAC, &value, &text, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	if (net_parse_mac(text, spec->mac) < 0)
		return json_complain(value, err, "not six pairs of digits");
	return 0;
}

/* ---- lists ---------------------------------------------------------------------------- */

/* A list while it is read. */
struct list {
	struct oci_reader *reader;
	const struct json_value *value;
	void *entries;
	size_t count;
};

typedef int take_word(struct list *list, char *word, struct error *err);

/* Calls take with a copy of each part between the marks. 0 also where there is no list. */
static int read_list(struct oci_reader *reader, const char *name, const char *mark,
		     take_word *take, struct list *ret_list, struct error *err)
{
	struct list list = { .reader = reader };
	const char *text;
	int found = oci_annotation(reader, name, &list.value, &text, err);

	*ret_list = list;
	if (found != 0)
		return found < 0 ? -1 : 0;
	for (;;) {
		const size_t length = strcspn(text, mark);

		if (list.count == LIST_MAX)
			return json_complain(list.value, err, "more than %d", LIST_MAX);
		if (take(&list, arena_strndup(reader->arena, text, length), err) < 0)
			return -1;
		if (!text[length])
			break;
		text += length + 1;
	}
	*ret_list = list;
	return 0;
}

/* Room for one entry more, which is counted. */
static void *grow(struct list *list, size_t size)
{
	list->entries = arena_grow(list->reader->arena, list->entries, list->count, size);
	return (char *)list->entries + size * list->count++;
}

static int take_rule(struct list *list, char *word, struct error *err)
{
	char *dest = strchr(word, '\t');
	char *from = dest ? strchr(dest + 1, '\t') : NULL;
	struct rule_text rule;

	if (!from)
		return json_complain(list->value, err,
				     "not allow or deny, what, and where from");
	*dest++ = *from++ = '\0';
	rule = (struct rule_text){ !strcmp(word, "allow"), dest, from };
	if (!rule.allow && strcmp(word, "deny") != 0)
		return json_complain(list->value, err, "neither allow nor deny");
	*(struct rule_text *)grow(list, sizeof(rule)) = rule;
	return 0;
}

static int take_published(struct list *list, char *word, struct error *err)
{
	struct publish publish;
	struct error why;

	if (net_parse_publish(word, &publish, &why) < 0)
		return json_complain(list->value, err, "%s", why.text);
	*(struct publish *)grow(list, sizeof(publish)) = publish;
	return 0;
}

static int take_dns(struct list *list, char *word, struct error *err)
{
	struct ip ip;

	if (ip_parse(word, &ip) < 0)
		return json_complain(list->value, err, "not addresses, with commas");
	*(struct ip *)grow(list, sizeof(ip)) = ip;
	return 0;
}

static int take_domain(struct list *list, char *word, struct error *err)
{
	(void)err;
	*(const char **)grow(list, sizeof(const char *)) = word;
	return 0;
}

static int take_host(struct list *list, char *word, struct error *err)
{
	struct host_name host = { .name = word };
	char *address = strchr(word, ':');

	if (!address)
		return json_complain(list->value, err, "not NAME:ADDR, with commas");
	*address++ = '\0';
	host.gateway = !strcmp(address, OCI_NET_GATEWAY);
	if (!host.gateway && ip_parse(address, &host.address) < 0)
		return json_complain(list->value, err, "not NAME:ADDR, with commas");
	*(struct host_name *)grow(list, sizeof(host)) = host;
	return 0;
}

int oci_read_net(struct oci_reader *reader, struct error *err)
{
	struct net_spec *spec = &reader->plan->net;
	struct list rules, published, dns, search, hosts;

	if (read_mode(reader, err) < 0 || read_fields(reader, err) < 0 ||
	    read_interface(reader, err) < 0 ||
	    read_list(reader, OCI_NET_RULES, "\n", take_rule, &rules, err) < 0 ||
	    read_list(reader, OCI_NET_PUBLISH, ",", take_published, &published, err) <
		    0 ||
	    read_list(reader, OCI_NET_DNS, ",", take_dns, &dns, err) < 0 ||
	    read_list(reader, OCI_NET_SEARCH, ",", take_domain, &search, err) < 0 ||
	    read_list(reader, OCI_NET_HOSTS, ",", take_host, &hosts, err) < 0)
		return -1;
	spec->rules = rules.entries;
	spec->rule_count = rules.count;
	spec->published = published.entries;
	spec->published_count = published.count;
	spec->upstreams = dns.entries;
	spec->upstream_count = dns.count;
	spec->search = search.entries;
	spec->search_count = search.count;
	spec->hosts = hosts.entries;
	spec->host_count = hosts.count;
	return 0;
}
