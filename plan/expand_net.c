/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which network a sandbox has. --net, --share net and --join net all say it; of two sources
 * the higher one holds, and in one source they must not contradict each other. What needs
 * somebody who serves the network is refused by name where nobody does.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum on_mode {
	ON_USER = 1 << 0,
	ON_RELAY = 1 << 1,
	ON_NONE = 1 << 2,
	ON_HOST = 1 << 3,
	ON_NS = 1 << 4,
	ON_SERVED = ON_USER | ON_RELAY,
	ON_ANY = ON_SERVED | ON_HOST | ON_NS,
};

/* With which networks an option has a meaning. */
static const struct net_option {
	const char *name;
	unsigned int modes;
} net_options[] = {
	{ "allow", ON_SERVED },       { "deny", ON_SERVED },
	{ "publish", ON_SERVED },     { "dns", ON_ANY },
	{ "search", ON_ANY },         { "ip", ON_SERVED },
	{ "ip6", ON_SERVED },         { "gateway", ON_SERVED },
	{ "mtu", ON_SERVED },         { "ifname", ON_SERVED },
	{ "mac", ON_SERVED },         { "txqueuelen", ON_SERVED },
	{ "net-log", ON_SERVED },     { "pcap", ON_USER },
	{ "net-rate", ON_SERVED },    { "relay", ON_SERVED },
	{ "publish-all", ON_SERVED },
};

/* What a sandbox has for whom nobody chose a network. */
static enum net_choice default_choice(const struct draft *draft)
{
	const bool none = draft->plan.runtime.kind == RUNTIME_RUNSC &&
			  draft->plan.runtime.net == GVISOR_NET_NONE;

	return draft->pure || none ? NET_CHOICE_NONE : NET_CHOICE_USER;
}

void add_note(struct draft *draft, bool told, const char *text)
{
	draft->notes = arena_grow(&draft->plan.arena, draft->notes, draft->note_count,
				  sizeof(*draft->notes));
	draft->notes[draft->note_count++] = (struct plan_note){ text, told };
	draft->plan.notes = draft->notes;
	draft->plan.note_count = draft->note_count;
}

/* ---- who chooses ---------------------------------------------------------------------- */

/* As it was written, and where that was in a file. */
static const char *spell(struct draft *draft, const struct given *given)
{
	struct arena *arena = &draft->plan.arena;
	const char *operand = given->operand ? given->operand : "";
	const char *space = given->operand ? " " : "";

	if (given->level == LEVEL_COMMAND_LINE)
		return arena_printf(arena, "--%s%s%s", given->name, space, operand);
	return arena_printf(arena, "%s%s%s (%s)", given->name, space, operand,
			    given->from);
}

static bool agree(const struct draft *draft)
{
	const struct ns_choice *kind = &draft->plan.namespaces.kinds[NS_NET];

	if (draft->net.choice == NET_CHOICE_HOST)
		return kind->mode == NS_SHARED;
	return draft->net.choice == NET_CHOICE_NS && kind->mode == NS_JOINED &&
	       !strcmp(kind->path, draft->net.ns_path);
}

/*
 * Which of the two options says it, in *ret_given; NULL: neither. Of one source they have to
 * say the same.
 */
static int find_decider(struct draft *draft, const struct given **ret_given,
			struct error *err)
{
	const struct given *net = draft->net.chosen, *other = draft->net.shared;

	*ret_given = net ? net : other;
	if (!net || !other)
		return 0;
	if (net->level != other->level)
		*ret_given = net->level < other->level ? net : other;
	if (net->level != other->level || agree(draft))
		return 0;
	error_set(err, ERROR_USAGE, "use %.100s with %.100s: there is one network",
		  spell(draft, net), spell(draft, other));
	return error_hint(err, "leave one of the two");
}

/* ---- what was chosen ------------------------------------------------------------------ */

static void set_choice_of(struct draft *draft, enum net_choice choice)
{
	struct ns_choice *kind = &draft->plan.namespaces.kinds[NS_NET];
	struct net_spec *spec = &draft->plan.net;

	spec->mode = choice == NET_CHOICE_USER    ? NET_USER
		     : choice == NET_CHOICE_RELAY ? NET_RELAY
						  : NET_PLAIN;
	*kind = (struct ns_choice){ .mode = NS_PRIVATE };
	if (choice == NET_CHOICE_HOST)
		kind->mode = NS_SHARED;
	if (choice == NET_CHOICE_NS)
		*kind = (struct ns_choice){ NS_JOINED, draft->net.ns_path };
}

static unsigned int mode_bit(const struct plan *plan)
{
	if (plan->net.mode != NET_PLAIN)
		return plan->net.mode == NET_USER ? ON_USER : ON_RELAY;
	switch (plan->namespaces.kinds[NS_NET].mode) {
	case NS_SHARED:
		return ON_HOST;
	case NS_JOINED:
		return ON_NS;
	case NS_PRIVATE:
		break;
	}
	return ON_NONE;
}

/* For an error: who chose, or what it amounts to. */
static const char *mode_text(struct draft *draft, const struct given *decider)
{
	if (decider)
		return spell(draft, decider);
	switch (mode_bit(&draft->plan)) {
	case ON_RELAY:
		return "--net relay";
	case ON_HOST:
		return "--net host";
	case ON_NS:
		return "--net ns:PATH";
	default:
		return draft->plan.net.mode == NET_USER ? "--net user" : "--net none";
	}
}

/* What a lower source says of a network that a higher one has replaced means nothing. */
static bool is_moot(const struct given *given, const struct given *decider)
{
	return decider && given->level > decider->level;
}

static int refuse_option(struct draft *draft, const struct given *given,
			 const struct given *decider, struct error *err)
{
	const char *mode = mode_text(draft, decider);

	error_set(err, ERROR_USAGE, "use %.100s with %.100s: %s", spell(draft, given),
		  mode,
		  mode_bit(&draft->plan) == ON_RELAY
			  ? "it needs a tap device"
			  : "it is for a network that sbx serves");
	return error_hint(err, "--net user");
}

static int check_options(struct draft *draft, const struct given *decider,
			 struct error *err)
{
	const unsigned int mode = mode_bit(&draft->plan);

	for (size_t i = 0; i < draft->given_count; i++) {
		const struct given *given = &draft->given[i];

		if (given->negated || strcmp(given->row->topic, "network") != 0 ||
		    is_moot(given, decider) || !given_holds(draft, i))
			continue;
		for (size_t j = 0; j < COUNT(net_options); j++) {
			if (!strcmp(net_options[j].name, given->row->name) &&
			    !(net_options[j].modes & mode))
				return refuse_option(draft, given, decider, err);
		}
	}
	return 0;
}

/* ---- the device ----------------------------------------------------------------------- */

/* The option that cannot do without a tap device, or NULL. */
static const char *needs_tap(const struct draft *draft)
{
	if (draft->plan.net.pcap_file)
		return "--pcap";
	if (draft->plan.net.foreign_stack)
		return "--runtime runsc";
	return draft->plan.net.relay_off ? "--relay off" : NULL;
}

static int refuse_device(const char *option, struct error *err)
{
	if (net_has_slirp())
		error_errno_id(err, ERROR_DEVICE_MISSING, "use %s: open /dev/net/tun",
			       option);
	else
		error_set(err, ERROR_DEVICE_MISSING,
			  "use %s: sbx-net is built without libslirp", option);
	return error_hint(err, "--net relay has TCP and names without it");
}

/* Whoever asked for a tap device has to get one; else the relay does nearly as well. */
static int choose_device(struct draft *draft, bool asked, struct error *err)
{
	struct net_spec *spec = &draft->plan.net;
	const char *option = needs_tap(draft);

	if (spec->mode != NET_USER || (net_has_slirp() && net_probe_tap() == 0))
		return 0;
	if (asked || option)
		return refuse_device(option ? option : "--net user", err);
	spec->mode = NET_RELAY;
	add_note(draft, false,
		 net_has_slirp()
			 ? arena_printf(&draft->plan.arena,
					"/dev/net/tun cannot be used (%s): --net relay, "
					"with TCP and names alone",
					strerror(errno))
			 : "sbx-net is built without libslirp: --net relay, with TCP and "
			   "names alone");
	return 0;
}

/* ---- the spec ------------------------------------------------------------------------- */

static bool is_set(const struct ip *ip)
{
	static const struct ip zero;

	return !ip_equal(ip, &zero);
}

/* Both lists, one behind the other. */
static void *chain(struct arena *arena, const void *first, size_t first_count,
		   const void *second, size_t second_count, size_t size)
{
	char *list = arena_alloc_array(arena, first_count + second_count + 1, size);

	if (first_count)
		memcpy(list, first, first_count * size);
	if (second_count)
		memcpy(list + first_count * size, second, second_count * size);
	return list;
}

/* Puts what was given in front of what a configuration has. */
#define PREPEND(list, count, given, given_count)                                         \
	do {                                                                             \
		if (given_count) {                                                       \
			(list) = chain(arena, (given), (given_count), (list), (count),   \
				       sizeof(*(list)));                                 \
			(count) += (given_count);                                        \
		}                                                                        \
	} while (0)

static void fill_names(struct draft *draft)
{
	struct arena *arena = &draft->plan.arena;
	const struct net_words *net = &draft->net;
	struct net_spec *spec = &draft->plan.net;

	PREPEND(spec->upstreams, spec->upstream_count, net->upstreams,
		net->upstream_count);
	PREPEND(spec->search, spec->search_count, net->search.texts, net->search.count);
	PREPEND(spec->hosts, spec->host_count, net->hosts, net->host_count);
}

static void fill_served(struct draft *draft)
{
	struct arena *arena = &draft->plan.arena;
	const struct net_words *net = &draft->net;
	struct net_spec *spec = &draft->plan.net;

	PREPEND(spec->rules, spec->rule_count, net->rules, net->rule_count);
	PREPEND(spec->published, spec->published_count, net->published,
		net->published_count);
}

/* Of a configuration stays what the options leave: other addresses have other neighbours. */
static int fill_addresses(struct draft *draft, struct error *err)
{
	const struct net_words *net = &draft->net;
	struct net_spec *spec = &draft->plan.net;
	static const struct ip none;

	if (net->ip.bits) {
		spec->address = net->ip;
		spec->gateway = spec->dns = none;
	}
	if (net->ip6_given) {
		spec->ip6_off = net->ip6_off;
		spec->address6 = net->ip6;
		spec->gateway6 = spec->dns6 = none;
	}
	if (is_set(&net->gateway)) {
		spec->gateway = net->gateway;
		spec->dns = none;
	}
	if (is_set(&net->gateway6)) {
		spec->gateway6 = net->gateway6;
		spec->dns6 = none;
	}
	return net_choose_addresses(spec, false, err);
}

/* Of a network that nobody serves only the names are left, and of loopback those of hosts. */
static void forget_served(struct draft *draft)
{
	const struct net_spec before = draft->plan.net;
	struct net_spec *spec = &draft->plan.net;

	*spec = (struct net_spec){ .hosts = before.hosts,
				   .host_count = before.host_count,
				   .no_resolv = before.no_resolv };
	if (draft->plan.namespaces.kinds[NS_NET].mode == NS_PRIVATE)
		return;
	spec->upstreams = before.upstreams;
	spec->upstream_count = before.upstream_count;
	spec->search = before.search;
	spec->search_count = before.search_count;
}

static void choose_paths(struct draft *draft, const struct given *decider)
{
	struct net_spec *spec = &draft->plan.net;
	const struct given *relay = find_given(draft, "relay");
	const struct given *pcap = find_given(draft, "pcap");

	if (spec->mode == NET_RELAY && pcap && is_moot(pcap, decider))
		spec->pcap_file = NULL;
	if (relay && !(spec->mode == NET_RELAY && is_moot(relay, decider)))
		spec->relay_off = draft->relay == RELAY_OFF;
	if (!spec->pcap_file || spec->relay_off || spec->foreign_stack)
		return;
	spec->relay_off = true;
	add_note(draft, false, "--pcap: the relay is off, so that each packet is seen");
}

static int fill_spec(struct draft *draft, const struct given *decider, bool asked,
		     struct error *err)
{
	fill_names(draft);
	if (draft->plan.net.mode == NET_PLAIN) {
		forget_served(draft);
		return 0;
	}
	fill_served(draft);
	choose_paths(draft, decider);
	if (choose_device(draft, asked, err) < 0)
		return -1;
	return fill_addresses(draft, err);
}

int expand_net(struct draft *draft, struct error *err)
{
	struct plan *plan = &draft->plan;
	const struct given *decider;
	bool asked;

	if (find_decider(draft, &decider, err) < 0)
		return -1;
	if (decider && decider == draft->net.chosen)
		set_choice_of(draft, draft->net.choice);
	else if (decider)
		plan->net.mode = NET_PLAIN;
	else if (!draft->from_config && !plan->policy.landlock.whole)
		set_choice_of(draft, default_choice(draft));
	asked = decider || draft->from_config;
	if (choose_gvisor_net(draft, mode_text(draft, decider), err) < 0 ||
	    check_options(draft, decider, err) < 0 ||
	    fill_spec(draft, decider, asked, err) < 0)
		return -1;
	plan->net.loopback = plan->namespaces.kinds[NS_NET].mode == NS_PRIVATE;
	return 0;
}
