/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

#include "policy/profile_text.h"

#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void policies_init(struct policies *policies)
{
	*policies = (struct policies){ .conditions = { .kernel = 6U << 16 | 1 } };
}

void policies_free(struct policies *policies)
{
	arena_free(&policies->arena);
}

static void resolve(struct policies *policies)
{
	policies->rules =
		policies->profile
			? profile_rules(policies->profile, &policies->conditions,
					&policies->arena, NULL, &policies->err)
			: NULL;
}

void policies_read(struct policies *policies, const char *text)
{
	policies->err = (struct error){ 0 };
	policies->profile = NULL;
	profile_read_text(text, strlen(text), "p", &policies->places, &policies->arena,
			  &policies->profile, &policies->err);
	resolve(policies);
}

void policies_must_read(struct policies *policies, const char *text)
{
	policies_read(policies, text);
	if (!policies->rules)
		fail_msg("cannot %s (%s)", policies->err.text, policies->err.hint);
}

void policies_open(struct policies *policies, const char *operand)
{
	policies->err = (struct error){ 0 };
	policies->profile = NULL;
	profile_read(operand, &policies->places, &policies->arena, &policies->profile,
		     &policies->err);
	resolve(policies);
}

static uint32_t number_of(enum abi abi, const char *call)
{
	int number =
		call[0] >= '0' && call[0] <= '9' ? atoi(call) : call_number(abi, call);

	if (number < 0)
		fail_msg("%s has no %s", abi_name(abi), call);
	return (uint32_t)number;
}

const char *policies_answer(const struct policies *policies, enum abi abi,
			    const char *call, const uint64_t args[6])
{
	static char text[160];
	struct seccomp_data data = { .arch = abi_audit(abi) };
	const struct clause *clause;
	char action[64];

	data.nr = (int)number_of(abi, call);
	memcpy(data.args, args, sizeof(data.args));
	clause = rules_decide(policies->rules, &data);
	action_text(clause->action, action, sizeof(action));
	if (clause->source.file)
		snprintf(text, sizeof(text), "%s %s:%u", action, clause->source.file,
			 clause->source.line);
	else
		snprintf(text, sizeof(text), "%s", action);
	return text;
}
