/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules as linux.seccomp. defaultAction is what unknown numbers get; a call that is known
 * and gets something else is listed by its name. What was written is read again, and has to
 * give the same answers: where it does not, JSON cannot say these rules.
 */
#include "policy/oci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "policy/bpf.h"

struct writer {
	const struct rules *rules;
	struct arena *arena;
	struct json_value *syscalls;
	struct group *groups; /* of calls that are answered whatever their arguments */
	size_t group_count;
	bool lists_all; /* runtimes take what lies above the last listed call as newer */
};

struct group {
	struct action action;
	struct json_value *names;
};

/* ---- actions ------------------------------------------------------------------------ */

static int complain(const struct clause *clause, const char *name, const char *message,
		    struct error *err)
{
	const struct source_line *source = &clause->source;

	error_set(err, ERROR_POLICY, "%s", message);
	if (name)
		error_within(err, "%s", name);
	if (source->file)
		error_within(err, "%s:%u", source->file, source->line);
	return error_within(err, "say it in JSON");
}

static bool can_say(struct action action)
{
	switch (action.kind) {
	case ACTION_FAKE:
	case ACTION_TRAP:
		return action.value == 0;
	case ACTION_ALLOW:
	case ACTION_ERRNO:
	case ACTION_KILL:
	case ACTION_KILL_THREAD:
	case ACTION_LOG:
	case ACTION_NOTIFY:
	case ACTION_TRACE:
		return true;
	}
	abort();
}

static int check_clauses(const struct clause *clauses, size_t count, const char *name,
			 struct error *err)
{
	char message[64] = "there is no ", *end = message + strlen(message);

	for (size_t i = 0; i < count; i++) {
		if (can_say(clauses[i].action))
			continue;
		action_text(clauses[i].action, end,
			    sizeof(message) - (size_t)(end - message));
		return complain(&clauses[i], name, message, err);
	}
	return 0;
}

static bool has_value(struct action action)
{
	return action.kind == ACTION_ERRNO || action.kind == ACTION_FAKE ||
	       action.kind == ACTION_TRACE;
}

static void put_action(struct json_value *object, const char *key, const char *value_key,
		       struct action action)
{
	json_put_text(object, key, oci_actions[action.kind]);
	if (has_value(action))
		json_put_unsigned(object, value_key, action.value);
}

/* ---- calls -------------------------------------------------------------------------- */

static struct json_value *put_rule(struct writer *writer, struct action action)
{
	struct json_value *rule = json_put_object(writer->syscalls, NULL);
	struct json_value *names = json_put_array(rule, "names");

	put_action(rule, "action", "errnoRet", action);
	return names;
}

/* Those that need no look at arguments share a rule for each action. */
static void put_plain(struct writer *writer, const char *name, struct action action)
{
	struct group *groups = writer->groups;
	size_t i = 0;

	while (i < writer->group_count && !action_is_same(groups[i].action, action))
		i++;
	if (i == writer->group_count) {
		groups = arena_grow(writer->arena, groups, i, sizeof(*groups));
		groups[i] = (struct group){ action, put_rule(writer, action) };
		writer->groups = groups;
		writer->group_count++;
	}
	json_put_text(groups[i].names, NULL, name);
}

static void put_args(struct json_value *rule, const struct oci_arg *args)
{
	struct json_value *array = json_put_array(rule, "args");

	for (unsigned int i = 0; i < 6; i++) {
		struct json_value *arg;

		if (!args[i].asked)
			continue;
		arg = json_put_object(array, NULL);
		json_put_unsigned(arg, "index", i);
		json_put_unsigned(arg, "value", args[i].value);
		if (args[i].op == OCI_MASKED_EQ)
			json_put_unsigned(arg, "valueTwo", args[i].second);
		json_put_text(arg, "op", oci_ops[args[i].op]);
	}
}

static bool is_plain(const struct oci_answer *answer)
{
	for (unsigned int i = 0; i < 6; i++) {
		if (answer->args[i].asked)
			return false;
	}
	return true;
}

static void put_answer(struct writer *writer, const char *name,
		       const struct oci_answer *answer)
{
	bool is_default = action_is_same(answer->action, writer->rules->unknown.action);
	struct json_value *rule;

	if (is_plain(answer) && (!is_default || writer->lists_all)) {
		put_plain(writer, name, answer->action);
	} else if (!is_default) {
		rule = json_put_object(writer->syscalls, NULL);
		json_put_text(json_put_array(rule, "names"), NULL, name);
		put_action(rule, "action", "errnoRet", answer->action);
		put_args(rule, answer->args);
	}
}

static int put_clauses(struct writer *writer, const char *name,
		       const struct clause *clauses, size_t count, struct error *err)
{
	struct oci_answers answers;

	if (check_clauses(clauses, count, name, err) < 0)
		return -1;
	if (oci_split(clauses, count, writer->arena, &answers) < 0)
		return complain(&clauses[0], name,
				"too many values have answers of their own", err);
	for (size_t i = 0; i < answers.count; i++)
		put_answer(writer, name, &answers.list[i]);
	return 0;
}

/* The first ABI that has a call speaks for it; that the others agree is seen at the end. */
static bool is_said(const struct writer *writer, enum abi abi, const char *name)
{
	if (abi != abi_native() && writer->rules->served & 1U << abi_native() &&
	    call_number(abi_native(), name) >= 0)
		return true;
	for (int other = 0; other < (int)abi; other++) {
		if (writer->rules->served & 1U << other &&
		    call_number((enum abi)other, name) >= 0)
			return true;
	}
	return false;
}

static int put_known(struct writer *writer, enum abi abi, uint32_t below,
		     const uint32_t **numbers, const uint32_t *end, struct error *err)
{
	for (; *numbers < end && **numbers < below; (*numbers)++) {
		const char *name = call_name(abi, **numbers);

		if (!is_said(writer, abi, name) &&
		    put_clauses(writer, name, &writer->rules->known, 1, err) < 0)
			return -1;
	}
	return 0;
}

static int put_abi(struct writer *writer, enum abi abi, struct error *err)
{
	const struct rules *rules = writer->rules;
	const uint32_t *numbers, *end;
	size_t count;

	numbers = call_numbers(abi, &count);
	end = numbers + count;
	for (size_t i = 0; i < rules->abis[abi].count; i++) {
		const struct call_rules *call = &rules->abis[abi].calls[i];
		const char *name = call_name(abi, call->number);

		if (put_known(writer, abi, call->number, &numbers, end, err) < 0)
			return -1;
		if (numbers < end && *numbers == call->number)
			numbers++;
		if (!name)
			name = call->name;
		if (call_number(abi, name) != (int)call->number)
			return complain(&call->clauses[0], name, "its number has no name",
					err);
		if (!is_said(writer, abi, name) &&
		    put_clauses(writer, name, call->clauses, call->clause_count, err) < 0)
			return -1;
	}
	return put_known(writer, abi, UINT32_MAX, &numbers, end, err);
}

/* ---- the whole ---------------------------------------------------------------------- */

static void put_words(struct json_value *document, const struct rules *rules)
{
	struct json_value *arches, *flags;

	put_action(document, "defaultAction", "defaultErrnoRet", rules->unknown.action);
	arches = json_put_array(document, "architectures");
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		if (rules->served & 1U << abi)
			json_put_text(arches, NULL, oci_arches[abi]);
	}
	flags = json_put_array(document, "flags");
	for (unsigned int i = 1; oci_flags[i]; i++) {
		if (rules->flags & 1U << (i - 1))
			json_put_text(flags, NULL, oci_flags[i]);
	}
}

/*
 * Numbers that no table has are the only ones for which the answers may differ: runtimes
 * take them as newer than the profile, and answer ENOSYS.
 */
static int check_again(const char *text, const struct rules *rules, struct arena *arena,
		       struct error *err)
{
	static const struct profile_conditions nobody;
	static const struct bpf_wishes plain;
	struct rules wanted = *rules, again;
	struct seccomp_program program;
	struct profile profile;

	if (oci_seccomp_read(text, strlen(text), "JSON", arena, &profile, err) < 0 ||
	    profile.resolve(&profile, &nobody, arena, &again, NULL, err) < 0 ||
	    bpf_generate(&again, &plain, arena, &program, err) < 0)
		return -1;
	wanted.unknown = again.unknown;
	return bpf_verify(&wanted, &plain, &program, err);
}

/*
 * The usual reason: runtimes let what a rule by arguments allows pass through the
 * multiplexer of i386 as well, where nobody sees the arguments.
 */
static void explain_multiplexed(const struct rules *rules, struct error *err)
{
	char message[96];

	for (size_t i = 0; i < rules->abis[ABI_I386].count; i++) {
		const struct call_rules *call = &rules->abis[ABI_I386].calls[i];
		const struct oci_multiplexed *multiplexed =
			call->name ? oci_multiplexed(call->name) : NULL;

		if (!multiplexed || !call->clauses[0].when)
			continue;
		snprintf(message, sizeof(message),
			 "by its arguments, it cannot be told apart in %s of i386",
			 multiplexed->through);
		complain(&call->clauses[0], call->name, message, err);
		return;
	}
}

static int put_calls(struct writer *writer, struct error *err)
{
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		if (writer->rules->served & 1U << abi &&
		    put_abi(writer, (enum abi)abi, err) < 0)
			return -1;
	}
	return 0;
}

const char *oci_seccomp_write(const struct rules *rules, struct arena *arena,
			      struct error *err)
{
	struct json_value *document = json_make_object(arena);
	struct writer writer = {
		.rules = rules,
		.arena = arena,
		.lists_all = oci_has_tail(rules->unknown.action),
	};
	const char *text;

	if (rules->foreign.action.kind != ACTION_KILL) {
		complain(&rules->foreign, NULL,
			 "other architectures are always killed there", err);
		return NULL;
	}
	if (check_clauses(&rules->unknown, 1, NULL, err) < 0)
		return NULL;
	put_words(document, rules);
	writer.syscalls = json_put_array(document, "syscalls");
	if (put_calls(&writer, err) < 0)
		return NULL;
	text = json_write(document, JSON_LAYOUT_LINES, arena);
	if (check_again(text, rules, arena, err) == 0)
		return text;
	error_within(err, "say it in JSON");
	if (rules->served & 1U << ABI_I386)
		explain_multiplexed(rules, err);
	error_hint(err, "a policy for one architecture (@arch native)");
	return NULL;
}
