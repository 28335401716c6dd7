/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/rules.h"

#include "base/arena.h"
#include "made_up_rules.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int clean_up(void **state)
{
	arena_free(*state);
	free(*state);
	return 0;
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct arena));
	return *state ? 0 : -1;
}

static void actions_are_told_as_they_are_written(void **state)
{
	static const struct {
		struct action action;
		const char *text;
	} rows[] = {
		{ { ACTION_ALLOW, 0 }, "allow" },
		{ { ACTION_ERRNO, EPERM }, "errno(EPERM)" },
		{ { ACTION_ERRNO, 4000 }, "errno(4000)" },
		{ { ACTION_FAKE, 0 }, "fake(0)" },
		{ { ACTION_FAKE, 12 }, "fake(12)" },
		{ { ACTION_KILL, 0 }, "kill" },
		{ { ACTION_KILL_THREAD, 0 }, "kill-thread" },
		{ { ACTION_TRAP, 0 }, "trap" },
		{ { ACTION_TRAP, 3 }, "trap(3)" },
		{ { ACTION_LOG, 0 }, "log" },
		{ { ACTION_NOTIFY, 0 }, "notify" },
		{ { ACTION_TRACE, 0 }, "trace" },
	};
	char buffer[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(action_text(rows[i].action, buffer, sizeof(buffer)),
				    rows[i].text);
	assert_string_equal(action_text(rows[1].action, buffer, 6), "errno");
}

static void actions_with_other_values_are_other_actions(void **state)
{
	const struct action a = { ACTION_ERRNO, EPERM }, b = { ACTION_ERRNO, ENOSYS },
			    c = { ACTION_FAKE, EPERM };

	(void)state;
	assert_true(action_is_same(a, a));
	assert_false(action_is_same(a, b));
	assert_false(action_is_same(a, c));
}

/* Lines say which clause it was. */
static struct clause clause_at(unsigned int line, const struct condition *when)
{
	return (struct clause){ .when = when, .source = { "p", line, 1 } };
}

static unsigned int line_for(const struct rules *rules, uint32_t arch, uint32_t number,
			     uint64_t argument)
{
	const struct seccomp_data data = {
		.nr = (int)number,
		.arch = arch,
		.args = { argument, argument },
	};

	return rules_decide(rules, &data)->source.line;
}

/* What the tests below start from: call 41 with these clauses. */
static struct rules rules_with(struct arena *arena, enum abi abi, uint32_t number,
			       const struct clause *clauses, size_t count)
{
	struct call_rules *call = arena_alloc(arena, sizeof(*call));
	struct rules rules = { .served = 1U << abi };

	*call = (struct call_rules){ number, "call", clauses, count };
	rules.abis[abi].calls = call;
	rules.abis[abi].count = 1;
	rules.known = clause_at(100, NULL);
	rules.unknown = clause_at(101, NULL);
	rules.foreign = clause_at(102, NULL);
	return rules;
}

static void the_first_clause_that_holds_decides(void **state)
{
	const struct clause clauses[] = {
		clause_at(1, test_of(*state, 0, true, TEST_EQ, UINT64_MAX, 5)),
		clause_at(2, test_of(*state, 0, true, TEST_LT, UINT64_MAX, 10)),
		clause_at(3, NULL),
	};
	const struct rules rules = rules_with(*state, ABI_X86_64, 41, clauses, 3);

	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 5), 1);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 6), 2);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 10), 3);
}

static void calls_without_rules_are_known_unknown_or_foreign(void **state)
{
	const struct clause clause = clause_at(1, NULL);
	struct rules rules = rules_with(*state, ABI_X86_64, 41, &clause, 1);

	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 42, 0), 100);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 9999, 0), 101);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, X32_BIT | 41, 0), 102);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, UINT32_MAX, 0), 101);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_I386, 41, 0), 102);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_S390X, 41, 0), 102);
	rules.served |= 1U << ABI_X32;
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, X32_BIT | 41, 0), 100);
}

static void narrow_tests_and_narrow_abis_see_32_bits(void **state)
{
	const struct clause narrow[] = {
		clause_at(1, test_of(*state, 0, false, TEST_EQ, UINT64_MAX, 0x700000005)),
		clause_at(2, NULL),
	};
	const struct clause wide[] = {
		clause_at(1, test_of(*state, 0, true, TEST_EQ, UINT64_MAX, 5)),
		clause_at(2, NULL),
	};
	struct rules rules = rules_with(*state, ABI_X86_64, 41, narrow, 2);

	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 0x900000005), 1);
	rules = rules_with(*state, ABI_X86_64, 41, wide, 2);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 0x900000005), 2);
	rules = rules_with(*state, ABI_I386, 41, wide, 2);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_I386, 41, 0x900000005), 1);
}

static void operators_are_unsigned_and_masks_come_first(void **state)
{
	static const struct {
		enum test_op op;
		bool less, equal, more;
	} rows[] = {
		{ TEST_EQ, false, true, false }, { TEST_NE, true, false, true },
		{ TEST_LT, true, false, false }, { TEST_LE, true, true, false },
		{ TEST_GT, false, false, true }, { TEST_GE, false, true, true },
	};
	const uint64_t value = 0x8000000000000010;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct clause clauses[] = {
			clause_at(1, test_of(*state, 1, true, rows[i].op, ~UINT64_C(0xf),
					     value)),
			clause_at(0, NULL),
		};
		const struct rules rules = rules_with(*state, ABI_X86_64, 41, clauses, 2);

		assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 1),
				 rows[i].less);
		assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, value + 9),
				 rows[i].equal);
		assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, value + 16),
				 rows[i].more);
	}
}

static void expressions_are_alternatives_of_conditions(void **state)
{
	const struct condition *small = test_of(*state, 0, true, TEST_LT, UINT64_MAX, 10);
	const struct condition *odd = test_of(*state, 1, true, TEST_EQ, 1, 1);
	const struct condition *hundred =
		test_of(*state, 0, true, TEST_EQ, UINT64_MAX, 100);
	const struct clause clauses[] = {
		clause_at(1, either_of(*state, both_of(*state, small, odd), hundred)),
		clause_at(2, NULL),
	};
	const struct rules rules = rules_with(*state, ABI_X86_64, 41, clauses, 2);

	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 7), 1);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 8), 2);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 11), 2);
	assert_int_equal(line_for(&rules, AUDIT_ARCH_X86_64, 41, 100), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_are_told_as_they_are_written),
		cmocka_unit_test(actions_with_other_values_are_other_actions),
		cmocka_unit_test_setup_teardown(the_first_clause_that_holds_decides,
						set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			calls_without_rules_are_known_unknown_or_foreign, set_up,
			clean_up),
		cmocka_unit_test_setup_teardown(narrow_tests_and_narrow_abis_see_32_bits,
						set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			operators_are_unsigned_and_masks_come_first, set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			expressions_are_alternatives_of_conditions, set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
