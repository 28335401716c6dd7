/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules as linux.seccomp for gVisor, whose kernel enforces them (runsc --oci-seccomp). It
 * reads that member otherwise than other runtimes do:
 *
 *   - Rules are tried in their order, and the first that holds decides, as with clauses. So
 *     what a clause says of arguments need not exclude what stood before it, and rules stay
 *     few: a program may have 4096 instructions there, as here.
 *   - SCMP_ACT_ERRNO is always EPERM. ENOSYS, on which programs fall back to older calls, is
 *     what SCMP_ACT_TRACE gives where nobody traces (seccomp(2)).
 *   - SCMP_ACT_KILL ends the thread, and there is no action for the process.
 *   - Only the machine's own calls are looked at: there are no others in gVisor.
 *   - Names that it does not know are passed over; it has no such calls.
 */
#include "policy/profile.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "policy/oci_cubes.h"
#include "policy/profile_text.h"

enum { ARGUMENTS = 6, RULES_MAX = 4096 };

/* The values of each argument that a rule holds for; no list: all of them. */
struct term {
	struct oci_cubes args[ARGUMENTS];
};

/* Of which one has to hold. */
struct terms {
	struct term *list;
	size_t count;
};

struct writer {
	struct oci_splitter splitter;
	struct json_value *syscalls;
	struct json_value *plain; /* behind them: whatever the arguments are */
	struct group {
		struct action action;
		struct json_value *names;
	} * groups;
	size_t group_count, rule_count;
	unsigned int losses;
};

/* ---- conditions --------------------------------------------------------------------- */

static void add_term(struct writer *writer, struct terms *terms, const struct term *term)
{
	if (terms->count == RULES_MAX) {
		writer->splitter.failed = true;
		return;
	}
	terms->list = arena_grow(writer->splitter.arena, terms->list, terms->count,
				 sizeof(*terms->list));
	terms->list[terms->count++] = *term;
}

/* Both; false: no values are left. */
static bool join(struct writer *writer, const struct term *a, const struct term *b,
		 struct term *ret_term)
{
	for (size_t i = 0; i < ARGUMENTS; i++) {
		const struct oci_cubes *left = &a->args[i], *right = &b->args[i];

		ret_term->args[i] = left->count ? *left : *right;
		if (!left->count || !right->count)
			continue;
		ret_term->args[i] = oci_intersect(&writer->splitter, left, right);
		if (!ret_term->args[i].count)
			return false;
	}
	return true;
}

static struct terms terms_of(struct writer *writer, const struct condition *condition);

static struct terms terms_of_both(struct writer *writer, const struct terms *left,
				  const struct terms *right)
{
	struct terms both = { NULL, 0 };
	struct term term;

	for (size_t i = 0; i < left->count; i++) {
		for (size_t j = 0; j < right->count && oci_step(&writer->splitter); j++) {
			if (join(writer, &left->list[i], &right->list[j], &term))
				add_term(writer, &both, &term);
		}
	}
	return both;
}

static struct terms terms_of_test(struct writer *writer, const struct test *test)
{
	struct terms terms = { NULL, 0 };
	struct term term = { .args = { { NULL, 0 } } };

	oci_add_test(&writer->splitter, &term.args[test->argument], test, true);
	if (term.args[test->argument].count)
		add_term(writer, &terms, &term);
	return terms;
}

static struct terms terms_of(struct writer *writer, const struct condition *condition)
{
	struct terms left, right;

	if (condition->kind == CONDITION_TEST)
		return terms_of_test(writer, &condition->test);
	left = terms_of(writer, condition->left);
	right = terms_of(writer, condition->right);
	if (condition->kind == CONDITION_AND)
		return terms_of_both(writer, &left, &right);
	for (size_t i = 0; i < right.count; i++)
		add_term(writer, &left, &right.list[i]);
	return left;
}

/* ---- rules -------------------------------------------------------------------------- */

static struct action action_for(struct writer *writer, struct action action)
{
	switch (action.kind) {
	case ACTION_ERRNO:
		if (action.value == ENOSYS)
			return (struct action){ ACTION_TRACE, 0 };
		if (action.value != EPERM)
			writer->losses |= PROFILE_LOSES_ERRNO;
		break;
	case ACTION_FAKE:
		writer->losses |= PROFILE_LOSES_ERRNO;
		break;
	case ACTION_KILL:
		writer->losses |= PROFILE_LOSES_KILL;
		break;
	case ACTION_LOG:
		writer->losses |= PROFILE_LOSES_LOG;
		return (struct action){ ACTION_ALLOW, 0 };
	case ACTION_ALLOW:
	case ACTION_KILL_THREAD:
	case ACTION_TRAP:
	case ACTION_NOTIFY: /* refused before: nobody would listen */
	case ACTION_TRACE:
		return (struct action){ action.kind, 0 };
	}
	if (action.kind == ACTION_KILL)
		return (struct action){ ACTION_KILL_THREAD, 0 };
	return (struct action){ ACTION_ERRNO, EPERM };
}

static void put_action(struct json_value *object, const char *key, struct action action)
{
	json_put_text(object, key,
		      action.kind == ACTION_KILL_THREAD ? "SCMP_ACT_KILL"
							: oci_actions[action.kind]);
}

/* Releases of 2022 know this one by the name of the library's function. */
static void put_name(struct json_value *names, const char *name)
{
	json_put_text(names, NULL, name);
	if (!strcmp(name, "pselect6"))
		json_put_text(names, NULL, "pselect");
}

static struct json_value *put_rule(struct writer *writer, struct json_value *list,
				   struct action action, struct json_value **ret_names)
{
	struct json_value *rule = json_put_object(list, NULL);

	*ret_names = json_put_array(rule, "names");
	put_action(rule, "action", action);
	if (++writer->rule_count > RULES_MAX)
		writer->splitter.failed = true;
	return rule;
}

/* Calls that are answered whatever their arguments share a rule for each action. */
static void put_plain(struct writer *writer, const char *name, struct action action)
{
	size_t i = 0;

	while (i < writer->group_count &&
	       !action_is_same(writer->groups[i].action, action))
		i++;
	if (i == writer->group_count) {
		writer->groups = arena_grow(writer->splitter.arena, writer->groups, i,
					    sizeof(*writer->groups));
		writer->groups[i].action = action;
		put_rule(writer, writer->plain, action, &writer->groups[i].names);
		writer->group_count++;
	}
	put_name(writer->groups[i].names, name);
}

static void put_arg(struct json_value *array, unsigned int index,
		    const struct oci_arg *asked)
{
	struct json_value *arg = json_put_object(array, NULL);

	json_put_unsigned(arg, "index", index);
	json_put_unsigned(arg, "value", asked->value);
	if (asked->op == OCI_MASKED_EQ)
		json_put_unsigned(arg, "valueTwo", asked->second);
	json_put_text(arg, "op", oci_ops[asked->op]);
}

/* A rule for each choice of one condition for each argument. */
static void put_choices(struct writer *writer, const char *name, struct action action,
			const struct oci_args *args)
{
	size_t chosen[ARGUMENTS] = { 0 };
	unsigned int i;

	do {
		struct json_value *names;
		struct json_value *rule =
			put_rule(writer, writer->syscalls, action, &names);
		struct json_value *array = json_put_array(rule, "args");

		put_name(names, name);
		for (i = 0; i < ARGUMENTS; i++) {
			if (args[i].count && args[i].list[chosen[i]].asked)
				put_arg(array, i, &args[i].list[chosen[i]]);
		}
		for (i = 0; i < ARGUMENTS && ++chosen[i] >= args[i].count; i++)
			chosen[i] = 0;
	} while (i < ARGUMENTS && !writer->splitter.failed);
}

static void put_term(struct writer *writer, const char *name, struct action action,
		     const struct term *term)
{
	struct oci_args args[ARGUMENTS];

	for (size_t i = 0; i < ARGUMENTS; i++) {
		args[i] = (struct oci_args){ NULL, 0 };
		if (term->args[i].count)
			args[i] = oci_make_args(&writer->splitter, &term->args[i]);
	}
	put_choices(writer, name, action, args);
}

static void put_call(struct writer *writer, const char *name,
		     const struct clause *clauses, size_t count, struct action fallback)
{
	const struct clause *clause = clauses;
	struct action action;

	for (; count > 1 && clause->when; clause++, count--) {
		const struct terms terms = terms_of(writer, clause->when);

		action = action_for(writer, clause->action);
		for (size_t i = 0; i < terms.count; i++)
			put_term(writer, name, action, &terms.list[i]);
	}
	action = action_for(writer, clause->action);
	if (!action_is_same(action, fallback))
		put_plain(writer, name, action);
}

/* ---- the whole ---------------------------------------------------------------------- */

static void put_calls(struct writer *writer, const struct rules *rules,
		      struct action fallback)
{
	const enum abi abi = abi_native();
	const struct call_rules *call = rules->abis[abi].calls;
	const struct call_rules *end = call + rules->abis[abi].count;
	const uint32_t *numbers;
	size_t count;

	numbers = call_numbers(abi, &count);
	for (size_t i = 0; i < count && !writer->splitter.failed; i++) {
		const char *name = call_name(abi, numbers[i]);

		while (call < end && call->number < numbers[i])
			call++;
		if (call < end && call->number == numbers[i])
			put_call(writer, name, call->clauses, call->clause_count,
				 fallback);
		else
			put_call(writer, name, &rules->known, 1, fallback);
	}
}

const struct json_value *profile_for_gvisor(const struct profile *profile,
					    const struct profile_conditions *conditions,
					    struct arena *arena, unsigned int *ret_losses,
					    struct error *err)
{
	const struct rules *rules = profile_rules(profile, conditions, arena, NULL, err);
	struct writer writer = { .splitter = { .arena = arena } };
	struct json_value *document;
	struct action fallback;

	if (!rules)
		return NULL;
	document = json_make_object(arena);
	fallback = action_for(&writer, rules->unknown.action);
	put_action(document, "defaultAction", fallback);
	json_put_text(json_put_array(document, "architectures"), NULL,
		      oci_arches[abi_native()]);
	writer.syscalls = json_put_array(document, "syscalls");
	writer.plain = json_make_array(arena);
	put_calls(&writer, rules, fallback);
	for (size_t i = 0; i < json_count(writer.plain); i++)
		json_put_copy(writer.syscalls, NULL, json_at(writer.plain, i));
	if (writer.splitter.failed) {
		error_set(err, ERROR_POLICY,
			  "hand the policy %s to gVisor: it is too long",
			  profile_name(profile));
		error_hint(err,
			   "--policy none: gVisor's kernel is between it and the host's");
		return NULL;
	}
	*ret_losses = writer.losses;
	return document;
}
