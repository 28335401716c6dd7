/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same rules through libseccomp, which knows no order: a rule of its is a number, at
 * most one test for each argument, and an action; what no rule matches gets the default.
 *
 * Asked for 64 bits of several arguments by several rules it may not come back, and with
 * values from 2^32 on its program answers wrongly. So it is asked only for what it does
 * well:
 * - a call with one answer;
 * - a call that depends on one argument, or on the low bits of several: disjoint ranges of
 *   their values, of which each has one answer, as comparisons or as blocks of values with
 *   equal upper bits;
 * - a call with one clause about several arguments, where the rest gets the default.
 * Everything else is refused, and the program is verified before anybody sees it.
 */
#include "policy/bpf_libseccomp.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf_graph.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

int libseccomp_refuse(const struct translation *to, const char *what)
{
	const struct source_line *source = &to->clause->source;

	if (!source->file && to->call)
		source = &to->call->clauses[0].source;
	if (source->file)
		error_set(to->err, ERROR_POLICY,
			  "compile the policy: the libseccomp back end cannot say: "
			  "%s:%u, %s",
			  source->file, source->line, what);
	else
		error_set(to->err, ERROR_POLICY,
			  "compile the policy: the libseccomp back end cannot say: %s",
			  what);
	return error_hint(to->err, "use --seccomp-backend sbx");
}

/* ---- actions ---- */

/*
 * libseccomp has no data for notifications. They travel as messages for a tracer, which
 * are of the same shape, and become what they are in the finished program.
 */
static uint32_t stand_in(uint32_t value)
{
	if ((value & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_USER_NOTIF)
		return value;
	return SECCOMP_RET_TRACE | (value & SECCOMP_RET_DATA);
}

static int check_action(const struct translation *to)
{
	if (to->clause->action.kind == ACTION_TRACE)
		return libseccomp_refuse(to, "traces");
	if (to->clause->action.kind == ACTION_TRAP && to->clause->action.value != 0)
		return libseccomp_refuse(to, "traps with a number");
	return 0;
}

/* SCMP_ACT_… are the values that the kernel knows. */
uint32_t libseccomp_answer(const struct translation *to, const struct clause *clause)
{
	return stand_in(bpf_return_value(clause->action, to->wishes));
}

int libseccomp_add_rule(struct translation *to, uint32_t number,
			const struct clause *clause, const struct scmp_arg_cmp *tests,
			unsigned int count)
{
	uint32_t action = libseccomp_answer(to, clause);
	int failed;

	to->clause = clause;
	if (action == to->fallback)
		return 0;
	if (check_action(to) < 0)
		return -1;
	failed = seccomp_rule_add_exact_array(to->filter, action, (int)number, count,
					      tests);
	/* The same rule again is fine: two lines may say so. */
	if (failed && failed != -EEXIST)
		return libseccomp_refuse(to, "libseccomp refuses it");
	return 0;
}

/* ---- what a call looks at ---- */

static void reset_survey(struct survey *survey)
{
	for (size_t i = 0; i < ARGUMENTS; i++) {
		survey->axes[i].is_mixed = false;
		survey->axes[i].limit_count = 0;
	}
	survey->arguments = 0;
	survey->is_too_large = false;
	survey->work = survey->rules = 0;
}

static void survey_test(struct survey *survey, const struct test *test, bool abi_wide)
{
	struct axis *axis = &survey->axes[test->argument];
	uint64_t value = test->value & (test->wide ? UINT64_MAX : UINT32_MAX);
	uint64_t mask = test->mask & (test->wide && abi_wide ? UINT64_MAX : UINT32_MAX);

	if (!(survey->arguments & 1U << test->argument))
		axis->mask = mask;
	survey->arguments |= 1U << test->argument;
	axis->is_mixed |= axis->mask != mask;
	if (axis->limit_count + 3 > LIMITS_MAX) {
		survey->is_too_large = true;
		return;
	}
	if (value <= mask)
		axis->limits[axis->limit_count++] = value;
	if (value < mask)
		axis->limits[axis->limit_count++] = value + 1;
}

static void survey_condition(struct survey *survey, const struct condition *condition,
			     bool abi_wide)
{
	for (; condition->kind != CONDITION_TEST; condition = condition->right) {
		if (survey->work++ > GRAPH_WORK_MAX) {
			survey->is_too_large = true;
			return;
		}
		survey_condition(survey, condition->left, abi_wide);
	}
	survey_test(survey, &condition->test, abi_wide);
}

/* ---- one masked comparison, and whatever it does not match ---- */

static int add_block(struct translation *to, uint32_t number, uint8_t argument,
		     const struct clause *clause, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp test =
		SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value);

	return libseccomp_add_rule(to, number, clause, &test, 1);
}

static int add_masked(struct translation *to, const struct call_rules *call,
		      bool abi_wide)
{
	const struct test *test = &call->clauses[0].when->test;
	const struct clause *equal = &call->clauses[0];
	const struct clause *other = &call->clauses[1];
	uint64_t width = test->wide && abi_wide ? UINT64_MAX : UINT32_MAX;
	uint64_t mask = test->mask & width;
	uint64_t value = test->value & (test->wide ? UINT64_MAX : UINT32_MAX);

	if (test->op != TEST_EQ && test->op != TEST_NE)
		return libseccomp_refuse(to, "a range of some bits");
	if (test->op == TEST_NE) {
		equal = other;
		other = &call->clauses[0];
	}
	if (value & ~mask)
		return libseccomp_add_rule(to, call->number, other, NULL, 0);
	if (mask == 0)
		return libseccomp_add_rule(to, call->number, equal, NULL, 0);
	if (mask > UINT32_MAX)
		return libseccomp_refuse(to, "a mask of more than 32 bits");
	if (add_block(to, call->number, test->argument, equal, mask, value) < 0)
		return -1;
	/* Not equal is: one of the bits is otherwise. */
	for (; mask != 0; mask &= mask - 1) {
		uint64_t bit = mask & -mask;

		if (add_block(to, call->number, test->argument, other, bit,
			      ~value & bit) < 0)
			return -1;
	}
	return 0;
}

/* ---- one clause about several arguments ---- */

static int comparison_of(const struct translation *to, const struct test *test,
			 struct scmp_arg_cmp *ret_comparison)
{
	static const enum scmp_compare operators[] = {
		[TEST_EQ] = SCMP_CMP_EQ, [TEST_NE] = SCMP_CMP_NE, [TEST_LT] = SCMP_CMP_LT,
		[TEST_LE] = SCMP_CMP_LE, [TEST_GT] = SCMP_CMP_GT, [TEST_GE] = SCMP_CMP_GE,
	};
	uint64_t width = test->wide ? UINT64_MAX : UINT32_MAX;
	uint64_t mask = test->mask & width, value = test->value & width;

	if (value > UINT32_MAX)
		return libseccomp_refuse(to, "a value of more than 32 bits");
	if (mask == UINT64_MAX) {
		*ret_comparison =
			SCMP_CMP64(test->argument, operators[test->op], value, 0);
		return 0;
	}
	if (test->op != TEST_EQ || value & ~mask)
		return libseccomp_refuse(to, "a range of some bits");
	*ret_comparison = SCMP_CMP64(test->argument, SCMP_CMP_MASKED_EQ, mask, value);
	return 0;
}

/* The tests of an AND of tests, in any order; -1: it is something else. */
static int list_tests(const struct condition *condition, const struct test **ret_tests,
		      int count)
{
	for (; condition->kind == CONDITION_AND; condition = condition->right) {
		count = list_tests(condition->left, ret_tests, count);
		if (count < 0)
			return -1;
	}
	if (condition->kind != CONDITION_TEST || count == ARGUMENTS)
		return -1;
	ret_tests[count] = &condition->test;
	return count + 1;
}

static int add_conjunction(struct translation *to, const struct call_rules *call)
{
	struct scmp_arg_cmp comparisons[ARGUMENTS];
	const struct test *tests[ARGUMENTS];
	int count = list_tests(call->clauses[0].when, tests, 0);
	unsigned int seen = 0;

	to->clause = &call->clauses[0];
	for (int i = 0; i < count; i++) {
		if (seen & 1U << tests[i]->argument)
			return libseccomp_refuse(
				to, "several tests of one argument beside others");
		seen |= 1U << tests[i]->argument;
		if (comparison_of(to, tests[i], &comparisons[i]) < 0)
			return -1;
	}
	if (count < 0)
		return libseccomp_refuse(to, "several tests of several arguments");
	return libseccomp_add_rule(to, call->number, &call->clauses[0], comparisons,
				   (unsigned int)count);
}

/* ---- a call, and all of them ---- */

static int add_dependent(struct translation *to, const struct call_rules *call,
			 struct survey *survey)
{
	const struct clause *last = &call->clauses[call->clause_count - 1];
	bool is_one_test = call->clause_count == 2 && call->clauses[0].when &&
			   call->clauses[0].when->kind == CONDITION_TEST;

	to->clause = &call->clauses[0];
	if (survey->is_too_large)
		return libseccomp_refuse(to, "too many tests of one call");
	if (libseccomp_has_ranges(survey))
		return libseccomp_add_ranges(to, survey);
	if (is_one_test)
		return add_masked(to, call, abi_is_wide(abi_native()));
	if (call->clause_count == 2 && libseccomp_answer(to, last) == to->fallback)
		return add_conjunction(to, call);
	return libseccomp_refuse(to, "several tests of several arguments");
}

static int add_call(struct translation *to, const struct call_rules *call,
		    struct survey *survey)
{
	const struct seccomp_data anywhere = { .nr = (int)call->number,
					       .arch = abi_audit(abi_native()) };

	to->call = call;
	reset_survey(survey);
	for (size_t i = 0; i + 1 < call->clause_count && call->clauses[i].when; i++)
		survey_condition(survey, call->clauses[i].when,
				 abi_is_wide(abi_native()));
	if (survey->arguments != 0)
		return add_dependent(to, call, survey);
	return libseccomp_add_rule(to, call->number, rules_decide(to->rules, &anywhere),
				   NULL, 0);
}

static int add_known(struct translation *to)
{
	const struct call_rules *calls = to->rules->abis[abi_native()].calls;
	const struct call_rules *end = calls + to->rules->abis[abi_native()].count;
	size_t count;
	const uint32_t *numbers = call_numbers(abi_native(), &count);

	for (size_t i = 0; i < count; i++) {
		while (calls < end && calls->number < numbers[i])
			calls++;
		if (calls < end && calls->number == numbers[i])
			continue;
		to->call = NULL;
		if (libseccomp_add_rule(to, numbers[i], &to->rules->known, NULL, 0) < 0)
			return -1;
	}
	return 0;
}

static int add_everything(struct translation *to, struct survey *survey)
{
	const struct call_rules *calls = to->rules->abis[abi_native()].calls;

	for (size_t i = 0; i < to->rules->abis[abi_native()].count; i++) {
		if (add_call(to, &calls[i], survey) < 0)
			return -1;
	}
	return add_known(to);
}

/* ---- the filter ---- */

static int set_up_filter(struct translation *to)
{
	uint32_t foreign = libseccomp_answer(to, &to->rules->foreign);

	/* A tree; beside speed nothing depends on it. */
	(void)seccomp_attr_set(to->filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	to->clause = &to->rules->foreign;
	if (check_action(to) < 0)
		return -1;
	if (seccomp_attr_set(to->filter, SCMP_FLTATR_ACT_BADARCH, foreign) < 0)
		return libseccomp_refuse(to, "this answer to foreign calls");
	return 0;
}

static int translate(struct translation *to, struct arena *arena,
		     struct seccomp_program *ret_program)
{
	struct survey *survey = arena_alloc(arena, sizeof(*survey));
	int result = -1;

	to->filter = seccomp_init(to->fallback);
	if (!to->filter)
		return libseccomp_refuse(to, "this answer to unknown calls");
	if (set_up_filter(to) == 0 && add_everything(to, survey) == 0)
		result = libseccomp_finish(to, arena, ret_program);
	seccomp_release(to->filter);
	return result;
}

/*
 * All actions of Linux 4.14, which no kernel of ours is older than. libseccomp asks the
 * kernel by seccomp(2) otherwise, which a filter around us may forbid.
 */
enum { API_OF_ALL_ACTIONS = 4 };

int bpf_generate_by_libseccomp(const struct rules *rules, const struct bpf_wishes *wishes,
			       struct arena *arena, struct seccomp_program *ret_program,
			       struct error *err)
{
	struct translation to = {
		.rules = rules,
		.wishes = wishes,
		.clause = &rules->unknown,
		.err = err,
	};
	unsigned int level = seccomp_api_get();
	int result;

	to.fallback = libseccomp_answer(&to, &rules->unknown);
	if (rules->served != 1U << abi_native())
		return libseccomp_refuse(&to, "another ABI than this machine's own");
	if (check_action(&to) < 0)
		return -1;
	(void)seccomp_api_set(API_OF_ALL_ACTIONS);
	result = translate(&to, arena, ret_program);
	(void)seccomp_api_set(level);
	return result;
}
