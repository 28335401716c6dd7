/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rules.h"

#include "base/error.h"
#include "net/rules_parts.h"

enum {
	RULES_MAX = 4096, /* each is compared with each, and with every first packet */
};

/* `internet` and `any` with ports leave most of the internet to the tail. */
static bool closes_tail(const struct rule *rule)
{
	if (!rule->allow)
		return false;
	switch (rule->kind) {
	case RULE_NAME:
	case RULE_PREFIX:
		return true;
	case RULE_ANY:
	case RULE_INTERNET:
		return rule->has_ports || rule->protocol != PROTOCOL_ANY;
	case RULE_LAN:
	case RULE_HOST:
		break;
	}
	return false;
}

static void look_over(const struct rule_list *list, struct rules *rules)
{
	rules->tail_allows = true;
	for (size_t i = 0; i < list->count; i++) {
		const struct rule *rule = &list->rules[i];

		if (closes_tail(rule))
			rules->tail_allows = false;
		if (rule->allow && rule->kind == RULE_NAME)
			rules->has_names = true;
	}
}

int rules_parse(const struct rule_text *texts, size_t count, struct arena *arena,
		struct rules *ret_rules, struct error *err)
{
	struct rule_list list = { 0 };
	struct rules rules = { 0 };

	for (size_t i = 0; i < count; i++) {
		if (rules_read(&texts[i], arena, &list, err) < 0)
			return -1;
		if (list.count > RULES_MAX)
			return error_set(err, ERROR_EGRESS,
					 "use more than %d egress rules", RULES_MAX);
	}
	rules.rules = list.rules;
	rules.count = list.count;
	look_over(&list, &rules);
	if (rules_check_shadows(&list, rules.has_names, err) < 0)
		return -1;
	*ret_rules = rules;
	return 0;
}
