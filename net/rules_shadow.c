/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules that stand behind others. What is compared are two rules at a time, by what is known
 * without a host: a rule that is hidden by several together is not found, and `lan` may
 * leave room for an address that turns out to be the host's own.
 */
#include "net/rules_parts.h"

#include "base/error.h"

static bool covers_ports(const struct rule *a, const struct rule *b)
{
	if (!a->has_ports)
		return true;
	return b->has_ports && a->ports.first <= b->ports.first &&
	       b->ports.last <= a->ports.last;
}

static bool lan_covers_prefix(const struct rule *b)
{
	/* One address may be the host's, or the gateway that stands for it. */
	if (b->allow && b->prefix.bits == 128)
		return false;
	return reach_has_prefix(REACH_LAN, &b->prefix);
}

static bool any_covers_prefix(const struct prefix *prefix)
{
	return reach_has_prefix(REACH_INTERNET, prefix) ||
	       reach_has_prefix(REACH_LAN, prefix) ||
	       reach_has_prefix(REACH_HOST, prefix);
}

static bool prefix_covers_prefix(const struct rule *a, const struct rule *b)
{
	struct ip first = prefix_first(&b->prefix);

	if (a->prefix.bits > b->prefix.bits || !prefix_contains(&a->prefix, &first))
		return false;
	return !a->allow || reach_opens_all(&a->prefix, &b->prefix);
}

static bool word_covers_prefix(const struct rule *a, const struct rule *b)
{
	if (a->kind == RULE_ANY)
		return any_covers_prefix(&b->prefix);
	if (a->kind == RULE_INTERNET)
		return reach_has_prefix(REACH_INTERNET, &b->prefix);
	if (a->kind == RULE_LAN)
		return lan_covers_prefix(b);
	return a->kind == RULE_HOST && reach_has_prefix(REACH_HOST, &b->prefix);
}

/* A name leads to the internet, and to the rest only where it may. */
static bool covers_name(const struct rule *a, const struct rule *b)
{
	if (a->kind == RULE_NAME)
		return (!a->allow || a->private_too || !b->private_too) &&
		       rules_name_covers(a, b);
	return a->kind == RULE_ANY || (a->kind == RULE_INTERNET && !b->private_too);
}

static bool covers_place(const struct rule *a, const struct rule *b)
{
	switch (b->kind) {
	case RULE_ANY:
		return a->kind == RULE_ANY;
	case RULE_INTERNET:
	case RULE_LAN:
	case RULE_HOST:
		return a->kind == b->kind || a->kind == RULE_ANY;
	case RULE_PREFIX:
		return a->kind == RULE_PREFIX ? prefix_covers_prefix(a, b)
					      : word_covers_prefix(a, b);
	case RULE_NAME:
		return covers_name(a, b);
	}
	return false;
}

/* While names are in force, a rule that names a resolver is asked past others. */
static bool is_kept_for_resolver(const struct rule *a, const struct rule *b)
{
	if (!a->allow || rules_names_resolver(a) || !rules_names_resolver(b))
		return false;
	return !b->has_ports || port_range_has(&b->ports, 53) ||
	       port_range_has(&b->ports, 853) || port_range_has(&b->ports, 5353);
}

/* Does the first match whatever the second matches? */
static bool covers(const struct rule *a, const struct rule *b)
{
	if (a->protocol != PROTOCOL_ANY && a->protocol != b->protocol)
		return false;
	return covers_ports(a, b) && covers_place(a, b);
}

static const struct rule *find_cover(const struct rule_list *list, size_t of,
				     bool has_names)
{
	const struct rule *rules = list->rules;

	for (size_t i = 0; i < of && rules[i].text != rules[of].text; i++) {
		if (has_names && is_kept_for_resolver(&rules[i], &rules[of]))
			continue;
		if (covers(&rules[i], &rules[of]))
			return &rules[i];
	}
	return NULL;
}

static int refuse_shadowed(const struct rule_text *behind, const struct rule_text *front,
			   struct error *err)
{
	error_set(err, ERROR_EGRESS,
		  "use --%s %.60s (%.40s): behind --%s %.60s (%.40s) it can never match",
		  behind->allow ? "allow" : "deny", behind->dest, behind->from,
		  front->allow ? "allow" : "deny", front->dest, front->from);
	return error_hint(
		err,
		"the first rule that matches decides: put it in front, or leave it out");
}

int rules_check_shadows(const struct rule_list *list, bool has_names, struct error *err)
{
	const struct rule *rules = list->rules;

	for (size_t i = 0; i < list->count;) {
		const struct rule_text *text = rules[i].text;
		const struct rule *cover = NULL;
		bool can_match = false;

		for (; i < list->count && rules[i].text == text; i++) {
			const struct rule *found = find_cover(list, i, has_names);

			can_match = can_match || !found;
			cover = cover ? cover : found;
		}
		if (!can_match)
			return refuse_shadowed(text, cover->text, err);
	}
	return 0;
}
