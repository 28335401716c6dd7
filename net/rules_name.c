/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rules_parts.h"

#include <string.h>

/* Is there a label or more, and a dot, in front of the rule's name? */
static bool is_below(const char *name, const char *of)
{
	size_t length = strlen(name), of_length = strlen(of);

	if (length < of_length + 2)
		return false;
	return name[length - of_length - 1] == '.' &&
	       strcmp(name + length - of_length, of) == 0;
}

bool rules_name_matches(const struct rule *rule, const char *name)
{
	if (rule->wildcard)
		return is_below(name, rule->name);
	return strcmp(name, rule->name) == 0;
}

bool rules_name_covers(const struct rule *a, const struct rule *b)
{
	if (!a->wildcard)
		return !b->wildcard && strcmp(a->name, b->name) == 0;
	if (b->wildcard && strcmp(a->name, b->name) == 0)
		return true;
	return is_below(b->name, a->name);
}
