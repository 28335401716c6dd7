/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/bpf.h"

#include "base/arena.h"
#include "base/error.h"
#include "made_up_rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static const struct bpf_wishes no_wishes = { 0 };
static const struct clause allow = { .action = { ACTION_ALLOW, 0 } };
static const struct clause deny = { .action = { ACTION_ERRNO, EPERM } };

static int clean_up(void **state)
{
	alarm(0);
	arena_free(*state);
	free(*state);
	return 0;
}

/* What does not come back ends the test. */
static int set_up(void **state)
{
	alarm(60);
	*state = calloc(1, sizeof(struct arena));
	return *state ? 0 : -1;
}

/* This call, ENOSYS for what nobody knows, EPERM for the rest. */
static struct rules rules_for(struct arena *arena, uint32_t number,
			      const struct clause *clauses, size_t count)
{
	struct call_rules *call = arena_alloc(arena, sizeof(*call));
	struct rules rules = { .served = 1U << abi_native() };

	*call = (struct call_rules){ number, "call", clauses, count };
	rules.abis[abi_native()].calls = call;
	rules.abis[abi_native()].count = 1;
	rules.foreign.action.kind = ACTION_KILL;
	rules.known = deny;
	rules.unknown.action = (struct action){ ACTION_ERRNO, ENOSYS };
	return rules;
}

static struct rules rules_allowing(struct arena *arena, const struct condition *when)
{
	struct clause *clauses = arena_alloc_array(arena, 2, sizeof(*clauses));

	clauses[0] = allow;
	clauses[0].when = when;
	clauses[0].source = (struct source_line){ "p.sbx", 7, 1 };
	clauses[1] = deny;
	return rules_for(arena, SYS_socket, clauses, 2);
}

/* Both programs for a call with these arguments, and what the rules say. */
static void assert_same(const struct rules *rules, const struct seccomp_program *ours,
			const struct seccomp_program *theirs,
			const struct seccomp_data *data)
{
	uint32_t wanted = bpf_return_value(rules_decide(rules, data)->action, &no_wishes);

	assert_int_equal(bpf_run(ours, data, NULL), wanted);
	assert_int_equal(bpf_run(theirs, data, NULL), wanted);
}

static const uint64_t boundaries[] = {
	0,           1,
	2,           3,
	16,          0x5412,
	0x7fffffff,  0x80000000,
	0xffffffff,  0x100000000,
	0x100000001, 0x100005412,
	0x200000000, 0xffffffff00000001,
	UINT64_MAX,
};

/* Every number of the ABIs of x86, with boundary arguments. */
static void assert_same_everywhere(const struct rules *rules, struct arena *arena)
{
	struct seccomp_program ours, theirs;
	struct error err = { 0 };

	if (bpf_generate(rules, &no_wishes, arena, &ours, &err) < 0 ||
	    bpf_generate_by_libseccomp(rules, &no_wishes, arena, &theirs, &err) < 0)
		fail_msg("cannot %s", err.text);
	for (uint32_t i = 0; i < 3 * 1101; i++) {
		static const uint32_t bits[] = { 0, X32_BIT, 0 };
		struct seccomp_data data = { .nr = (int)(i % 1101 | bits[i / 1101]) };

		data.arch = abi_audit(i / 1101 == 2 ? ABI_I386 : abi_native());
		for (size_t j = 0; j < sizeof(boundaries) / sizeof(boundaries[0]); j++) {
			data.args[j % 6] = boundaries[j];
			assert_same(rules, &ours, &theirs, &data);
			data.args[0] = boundaries[j];
			assert_same(rules, &ours, &theirs, &data);
		}
	}
}

static void assert_refused(const struct rules *rules, struct arena *arena,
			   const char *what)
{
	struct seccomp_program program = { NULL, 9 };
	struct error err = { 0 };

	assert_int_equal(
		bpf_generate_by_libseccomp(rules, &no_wishes, arena, &program, &err), -1);
	if (!strstr(err.text, "the libseccomp back end cannot say") ||
	    !strstr(err.text, what))
		fail_msg("\"%s\" does not say \"%s\"", err.text, what);
	assert_string_equal(err.hint, "use --seccomp-backend sbx");
	assert_int_equal(program.count, 9);
}

static void both_back_ends_answer_alike_for_constant_rules(void **state)
{
	const struct made_up wanted = { 1U << abi_native(), 1, 0, 128, true };
	struct dice dice = { .seed = 11 };

	for (int i = 0; i < 6; i++) {
		struct rules rules;

		make_up_rules(&dice, &wanted, *state, &rules);
		assert_same_everywhere(&rules, *state);
	}
}

/* What a policy asks: AF_…, TIOCSTI, CLONE_NEW…, personality. */
static void both_back_ends_answer_alike_about_arguments(void **state)
{
	const struct condition *conditions[] = {
		test_of(*state, 0, true, TEST_LT, UINT64_MAX, 16),
		test_of(*state, 0, true, TEST_GE, UINT64_MAX, 0x80000000),
		test_of(*state, 1, false, TEST_NE, UINT64_MAX, 0x5412),
		test_of(*state, 0, false, TEST_EQ, 0x7e020000, 0),
		test_of(*state, 0, false, TEST_NE, 0x7e020000, 0x20000),
		test_of(*state, 0, false, TEST_LT, UINT64_MAX, 0x80000000),
		either_of(*state, test_of(*state, 0, false, TEST_EQ, UINT64_MAX, 1),
			  either_of(*state,
				    test_of(*state, 0, false, TEST_EQ, UINT64_MAX, 2),
				    test_of(*state, 0, false, TEST_EQ, UINT64_MAX, 10))),
		both_of(*state, test_of(*state, 0, true, TEST_GT, UINT64_MAX, 3),
			test_of(*state, 0, true, TEST_NE, UINT64_MAX, 16)),
		both_of(*state, test_of(*state, 0, false, TEST_GT, UINT64_MAX, 3),
			test_of(*state, 0, false, TEST_LE, UINT64_MAX, 0xfffffff0)),
		both_of(*state, test_of(*state, 0, true, TEST_GT, UINT64_MAX, 0),
			test_of(*state, 0, true, TEST_LE, UINT64_MAX, 0xfffffff0)),
		either_of(*state, test_of(*state, 0, false, TEST_LE, UINT64_MAX, 2),
			  both_of(*state,
				  test_of(*state, 0, false, TEST_EQ, UINT64_MAX, 16),
				  test_of(*state, 2, false, TEST_EQ, UINT64_MAX, 0))),
		either_of(
			*state, test_of(*state, 0, false, TEST_EQ, UINT64_MAX, 1),
			both_of(*state,
				both_of(*state,
					test_of(*state, 0, false, TEST_EQ, UINT64_MAX, 2),
					test_of(*state, 1, false, TEST_NE, 0xf, 3)),
				test_of(*state, 2, false, TEST_LE, UINT64_MAX, 16))),
		test_of(*state, 0, true, TEST_EQ, 0, 0),
		test_of(*state, 0, true, TEST_EQ, 0xf0, 0x100),
	};

	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		const struct rules rules = rules_allowing(*state, conditions[i]);

		assert_same_everywhere(&rules, *state);
	}
}

static void one_clause_about_several_arguments_is_said_before_the_default(void **state)
{
	struct clause clauses[2] = { allow, deny };
	struct rules rules = rules_for(*state, SYS_socket, clauses, 2);

	clauses[0].when =
		both_of(*state,
			both_of(*state, test_of(*state, 0, true, TEST_EQ, UINT64_MAX, 16),
				test_of(*state, 1, true, TEST_EQ, 0xf, 2)),
			test_of(*state, 2, false, TEST_EQ, UINT64_MAX, 3));
	rules.unknown = deny;
	assert_same_everywhere(&rules, *state);
}

/* What it is asked for, about one argument or several; each is verified. */
static void random_rules_about_arguments_come_back_and_are_right(void **state)
{
	struct dice dice = { .seed = 12 };
	unsigned int compiled = 0;

	(void)state;
	for (int i = 0; i < 600; i++) {
		struct arena arena = { 0 };
		const struct condition *when = NULL;
		bool wide = dice_roll(&dice, 2), masked = dice_roll(&dice, 4) == 0;
		struct rules rules;
		struct seccomp_program program;
		struct error err;

		bool several = dice_roll(&dice, 2);

		for (uint64_t j = masked ? 1 : 1 + dice_roll(&dice, 4); j > 0; j--) {
			const struct condition *one = test_of(
				&arena, several ? (uint8_t)dice_roll(&dice, 3) : 0, wide,
				(enum test_op)dice_roll(&dice, 6),
				masked ? dice_roll(&dice, 0) : UINT64_MAX,
				dice_roll(&dice, dice_roll(&dice, 2) ? 0x100000000 : 50));

			if (!when)
				when = one;
			else
				when = dice_roll(&dice, 2) ? both_of(&arena, when, one)
							   : either_of(&arena, when, one);
		}
		rules = rules_allowing(&arena, when);
		if (bpf_generate_by_libseccomp(&rules, &no_wishes, &arena, &program,
					       &err) == 0)
			compiled++;
		else if (!strstr(err.text, "cannot say"))
			fail_msg("cannot %s", err.text);
		arena_free(&arena);
	}
	assert_true(compiled > 300);
}

/*
 * seccomp_rule_add(3) does not come back from the second one: so it is not asked for 64 bits
 * of two arguments, and for 32 bits only in ranges that part each other.
 */
static void clauses_with_a_common_first_test_are_refused_or_said_apart(void **state)
{
	for (int wide = 0; wide < 2; wide++) {
		struct clause clauses[3] = { deny, deny, allow };
		const struct condition *first =
			test_of(*state, 0, wide, wide ? TEST_NE : TEST_EQ, UINT64_MAX, 2);
		const struct rules rules = rules_for(*state, SYS_socket, clauses, 3);

		clauses[0].when = both_of(
			*state, first, test_of(*state, 2, wide, TEST_GE, UINT64_MAX, 38));
		clauses[0].source = (struct source_line){ "p.sbx", 7, 1 };
		clauses[1].when = both_of(
			*state, first, test_of(*state, 2, wide, TEST_EQ, UINT64_MAX, 40));
		if (wide)
			assert_refused(&rules, *state, "p.sbx:7, several tests");
		else
			assert_same_everywhere(&rules, *state);
	}
}

/* It would allow 2^32, which the second one denies. */
static void values_of_more_than_32_bits_are_refused(void **state)
{
	struct clause clauses[3] = { deny, deny, allow };
	const struct rules rules = rules_for(*state, SYS_getppid, clauses, 3);
	struct rules other = rules_allowing(
		*state, test_of(*state, 0, true, TEST_LT, UINT64_MAX, 0x100000000));

	assert_refused(&other, *state, "p.sbx:7, a value of more than 32 bits");
	other = rules_allowing(*state,
			       test_of(*state, 0, true, TEST_EQ, UINT64_MAX << 20, 0));
	assert_refused(&other, *state, "p.sbx:7, a mask of more than 32 bits");

	/* These two cover everything: one answer, which it can say. */
	clauses[0].when = test_of(*state, 0, true, TEST_LT, UINT64_MAX, 0x100000000);
	clauses[1].when = test_of(*state, 0, true, TEST_GE, UINT64_MAX, 0xffffffff);
	assert_same_everywhere(&rules, *state);
}

static void what_it_has_no_word_for_is_refused(void **state)
{
	struct clause clause = { .action = { ACTION_TRACE, 1 },
				 .source = { "p.sbx", 3, 1 } };
	struct rules rules = rules_for(*state, SYS_socket, &clause, 1);

	assert_refused(&rules, *state, "p.sbx:3, traces");
	clause.action = (struct action){ ACTION_TRAP, 5 };
	assert_refused(&rules, *state, "p.sbx:3, traps with a number");
	clause.action = (struct action){ ACTION_ALLOW, 0 };
	rules.served |= 1U << ABI_I386;
	assert_refused(&rules, *state, "another ABI");
}

static void keys_and_notifications_are_there_as_well(void **state)
{
	const struct start_key key = { { 1, 0x200000003, UINT64_MAX } };
	const struct bpf_wishes wishes = { .explains = true, .key = &key };
	const struct rules rules = rules_for(*state, SYS_getppid, &deny, 1);
	struct seccomp_data data = { .nr = SYS_execve, .arch = abi_audit(abi_native()) };
	struct seccomp_program program;
	struct error err;

	if (bpf_generate_by_libseccomp(&rules, &wishes, *state, &program, &err) < 0)
		fail_msg("cannot %s", err.text);
	assert_int_equal(bpf_run(&program, &data, NULL),
			 SECCOMP_RET_USER_NOTIF | 0x8000 | EPERM);
	memcpy(&data.args[3], key.words, sizeof(key.words));
	assert_int_equal(bpf_run(&program, &data, NULL), SECCOMP_RET_ALLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			both_back_ends_answer_alike_for_constant_rules, set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			both_back_ends_answer_alike_about_arguments, set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			one_clause_about_several_arguments_is_said_before_the_default,
			set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			random_rules_about_arguments_come_back_and_are_right, set_up,
			clean_up),
		cmocka_unit_test_setup_teardown(
			clauses_with_a_common_first_test_are_refused_or_said_apart,
			set_up, clean_up),
		cmocka_unit_test_setup_teardown(values_of_more_than_32_bits_are_refused,
						set_up, clean_up),
		cmocka_unit_test_setup_teardown(what_it_has_no_word_for_is_refused,
						set_up, clean_up),
		cmocka_unit_test_setup_teardown(keys_and_notifications_are_there_as_well,
						set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
