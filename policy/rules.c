/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules evaluated as they stand. Nothing here knows of programs: what bpf.c makes of
 * rules is checked against this.
 */
#include "policy/rules.h"

#include "policy/bpf_graph.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>

bool action_is_same(struct action a, struct action b)
{
	return a.kind == b.kind && a.value == b.value;
}

static const char *action_word(enum action_kind kind)
{
	switch (kind) {
	case ACTION_ALLOW:
		return "allow";
	case ACTION_ERRNO:
		return "errno";
	case ACTION_FAKE:
		return "fake";
	case ACTION_KILL:
		return "kill";
	case ACTION_KILL_THREAD:
		return "kill-thread";
	case ACTION_TRAP:
		return "trap";
	case ACTION_LOG:
		return "log";
	case ACTION_NOTIFY:
		return "notify";
	case ACTION_TRACE:
		return "trace";
	}
	abort();
}

char *action_text(struct action action, char *buffer, size_t size)
{
	const char *word = action_word(action.kind);
	const char *name = NULL;

	if (action.kind == ACTION_ERRNO)
		name = errno_name(action.value);
	if (name)
		snprintf(buffer, size, "%s(%s)", word, name);
	else if (action.kind == ACTION_ERRNO || action.kind == ACTION_FAKE ||
		 action.value != 0)
		snprintf(buffer, size, "%s(%u)", word, action.value);
	else
		snprintf(buffer, size, "%s", word);
	return buffer;
}

static bool test_holds(const struct test *test, uint64_t argument)
{
	uint64_t width = test->wide ? UINT64_MAX : UINT32_MAX;
	uint64_t have = argument & test->mask & width;
	uint64_t value = test->value & width;

	switch (test->op) {
	case TEST_EQ:
		return have == value;
	case TEST_NE:
		return have != value;
	case TEST_LT:
		return have < value;
	case TEST_LE:
		return have <= value;
	case TEST_GT:
		return have > value;
	case TEST_GE:
		return have >= value;
	}
	abort();
}

/* The depth of what recurses here is bounded by CONDITION_DEPTH_MAX. */
static bool condition_holds(const struct condition *condition, const uint64_t *arguments)
{
	for (;;) {
		bool left;

		if (condition->kind == CONDITION_TEST)
			return test_holds(&condition->test,
					  arguments[condition->test.argument]);
		left = condition_holds(condition->left, arguments);
		if (left == (condition->kind == CONDITION_OR))
			return left;
		condition = condition->right;
	}
}

static const struct call_rules *find_call(const struct rules *rules, enum abi abi,
					  uint32_t number)
{
	size_t from = 0, to = rules->abis[abi].count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const struct call_rules *call = &rules->abis[abi].calls[middle];

		if (call->number == number)
			return call;
		if (call->number < number)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static bool is_known(enum abi abi, uint32_t number)
{
	size_t count = 0;
	const uint32_t *numbers = call_numbers(abi, &count);
	size_t from = 0;

	while (from < count) {
		size_t middle = from + (count - from) / 2;

		if (numbers[middle] == number)
			return true;
		if (numbers[middle] < number)
			from = middle + 1;
		else
			count = middle;
	}
	return false;
}

static const struct clause *call_decide(const struct call_rules *call,
					const uint64_t *arguments)
{
	for (size_t i = 0; i + 1 < call->clause_count; i++) {
		const struct clause *clause = &call->clauses[i];

		if (!clause->when || condition_holds(clause->when, arguments))
			return clause;
	}
	return &call->clauses[call->clause_count - 1];
}

enum abi abi_of(uint32_t audit, uint32_t number)
{
	if (audit == abi_audit(ABI_X86_64))
		return number >= X32_BIT && number != UINT32_MAX ? ABI_X32 : ABI_X86_64;
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (audit == abi_audit(abi))
			return abi;
	}
	return ABI_COUNT;
}

const struct clause *rules_decide(const struct rules *rules,
				  const struct seccomp_data *data)
{
	enum abi abi = abi_of(data->arch, (uint32_t)data->nr);
	const struct call_rules *call;
	uint64_t arguments[6];

	if (abi == ABI_COUNT || !(rules->served & 1U << abi))
		return &rules->foreign;
	for (size_t i = 0; i < 6; i++)
		arguments[i] = abi_is_wide(abi) ? data->args[i] : (uint32_t)data->args[i];
	call = find_call(rules, abi, (uint32_t)data->nr);
	if (call && call->clause_count > 0)
		return call_decide(call, arguments);
	return is_known(abi, (uint32_t)data->nr) ? &rules->known : &rules->unknown;
}
