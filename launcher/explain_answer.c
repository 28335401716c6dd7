/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the policy wing says of one call, in the launcher's words. Names of files and reasons
 * stand in texts of others: they are made printable here.
 */
#include "launcher/explain.h"

#include "base/error.h"
#include "base/text.h"
#include "policy/policy.h"
#include "policy/profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

static void write_rule(const struct policy_spec *policy, const struct verdict *verdict,
		       struct explained *to)
{
	char file[sizeof(to->rule) - 12];

	if (verdict->file) {
		text_printable(file, sizeof(file), verdict->file);
		snprintf(to->rule, sizeof(to->rule), "%s:%u", file, verdict->line);
	} else {
		text_printable(to->rule, sizeof(to->rule), profile_name(policy->profile));
	}
	if (verdict->why)
		text_printable(to->why, sizeof(to->why), verdict->why);
	else if (!verdict->file)
		(void)text_copy(to->why, sizeof(to->why), "no line allows it");
}

static void write_remedy(const struct policy_spec *policy, const struct verdict *verdict,
			 struct explained *to)
{
	char name[64];

	if (!verdict->allow[0])
		return;
	text_printable(name, sizeof(name), profile_name(policy->profile));
	if (strchr(name, '/'))
		snprintf(to->remedy, sizeof(to->remedy), "a line `%s: allow` in %s",
			 verdict->allow, name);
	else
		snprintf(to->remedy, sizeof(to->remedy), "--policy %s+%s", name,
			 verdict->allow);
}

/* Once; what could not be resolved will not be either when it is asked for again. */
static void resolve(struct answers *answers)
{
	const struct policy_spec *policy = answers->policy;
	const struct profile_conditions conditions = {
		.caps = policy->caps.kept,
		.kernel = policy->kernel,
		.emulate_root = policy->emulate_root,
	};
	struct error ignored;

	if (!answers->rules && policy->profile)
		answers->rules = profile_resolve(policy->profile, &conditions,
						 &answers->arena, &ignored);
}

void explain_answer(struct answers *answers, const struct seccomp_data *data,
		    struct explained *ret_explained)
{
	struct verdict verdict = { 0 };

	resolve(answers);
	if (answers->rules)
		rules_answer(answers->rules, data, &verdict);
	*ret_explained = (struct explained){
		.fake = verdict.fake,
		.value = verdict.value ? verdict.value : EPERM,
		.word = call_word(data),
	};
}

void explain_words(struct answers *answers, const struct seccomp_data *data,
		   struct explained *explained)
{
	struct verdict verdict;

	errno_text(explained->value, explained->error, sizeof(explained->error));
	call_text(data, explained->call, sizeof(explained->call));
	if (!answers->rules)
		return;
	rules_answer(answers->rules, data, &verdict);
	write_rule(answers->policy, &verdict, explained);
	write_remedy(answers->policy, &verdict, explained);
}
