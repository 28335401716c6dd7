/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/bpf.h"

#include "base/arena.h"
#include "base/error.h"
#include "made_up_rules.h"
#include "policy/bpf_graph.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct bpf_wishes no_wishes = { 0 };
static const struct start_key key = { { 0x1122334455667788U, 0x99aabbccddeeff00U,
					0x0123456789abcdefU } };

enum { ONLY_X86_64 = 1 << ABI_X86_64 };

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

static struct seccomp_program
generate(const struct rules *rules, const struct bpf_wishes *wishes, struct arena *arena)
{
	struct seccomp_program program = { 0 };
	struct error err = { 0 };

	if (bpf_generate(rules, wishes, arena, &program, &err) < 0)
		fail_msg("cannot %s", err.text);
	if (seccomp_check(&program, &err) < 0)
		fail_msg("cannot %s", err.text);
	return program;
}

static void assert_verified(const struct rules *rules, const struct bpf_wishes *wishes,
			    const struct seccomp_program *program)
{
	struct error err = { 0 };

	if (bpf_verify(rules, wishes, program, &err) < 0)
		fail_msg("cannot %s", err.text);
}

static uint32_t run(const struct seccomp_program *program, enum abi abi, uint32_t number,
		    uint64_t argument0)
{
	const struct seccomp_data data = {
		.nr = (int)number,
		.arch = abi_audit(abi),
		.args = { argument0 },
	};

	return bpf_run(program, &data, NULL);
}

/* Rules for this machine's ABI alone: this call, everything else allowed. */
static struct rules rules_for(struct arena *arena, uint32_t number,
			      const struct clause *clauses, size_t count)
{
	struct call_rules *call = arena_alloc(arena, sizeof(*call));
	struct rules rules = { .served = 1U << abi_native() };

	*call = (struct call_rules){ number, "call", clauses, count };
	rules.abis[abi_native()].calls = call;
	rules.abis[abi_native()].count = 1;
	rules.foreign.action.kind = ACTION_KILL;
	return rules;
}

static const struct clause deny = { .action = { ACTION_ERRNO, EPERM } };

/* One expression that allows; what it does not match is EPERM. */
static struct rules rules_allowing(struct arena *arena, const struct condition *when)
{
	struct clause *clauses = arena_alloc_array(arena, 2, sizeof(*clauses));

	clauses[0].when = when;
	clauses[1] = deny;
	return rules_for(arena, SYS_getppid, clauses, 2);
}

static void rules_of_every_shape_are_answered_as_written(void **state)
{
	static const unsigned int served[] = {
		ONLY_X86_64,
		1 << ABI_X86_64 | 1 << ABI_X32 | 1 << ABI_I386,
		1 << ABI_AARCH64,
		1 << ABI_I386 | 1 << ABI_ARM,
		1 << ABI_X32,
		(1 << ABI_COUNT) - 1,
		0,
	};
	struct dice dice = { .seed = 1 };

	(void)state;
	for (size_t i = 0; i < 70; i++) {
		const struct made_up wanted = { served[i % 7], 4, 3, 16, false };
		const struct bpf_wishes wishes = { .explains = i % 2,
						   .key = i % 3 ? &key : NULL };
		struct arena arena = { 0 };
		struct rules rules;
		struct seccomp_program program;

		make_up_rules(&dice, &wanted, &arena, &rules);
		program = generate(&rules, &wishes, &arena);
		assert_verified(&rules, &wishes, &program);
		arena_free(&arena);
	}
}

/* Random points beside those that the verifier thinks of. */
static void rules_about_one_argument_are_answered_as_written(void **state)
{
	struct dice dice = { .seed = 2 };

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		const struct made_up wanted = { ONLY_X86_64, 4, 3, 4, false };
		struct arena arena = { 0 };
		struct rules rules;
		struct seccomp_program program;

		make_up_rules(&dice, &wanted, &arena, &rules);
		program = generate(&rules, &no_wishes, &arena);
		for (size_t j = 0; j < rules.abis[ABI_X86_64].count; j++) {
			struct seccomp_data data = { .arch = abi_audit(ABI_X86_64) };

			data.nr = (int)rules.abis[ABI_X86_64].calls[j].number;
			for (int k = 0; k < 300; k++) {
				for (int l = 0; l < 6; l++)
					data.args[l] = make_up_value(&dice);
				assert_int_equal(
					bpf_run(&program, &data, NULL),
					bpf_return_value(
						rules_decide(&rules, &data)->action,
						&no_wishes));
			}
		}
		arena_free(&arena);
	}
}

/* libseccomp's program allows 2^32: its high word is not more than that of 0xffffffff. */
static void two_rules_that_cover_all_values_leave_no_gap(void **state)
{
	static const uint64_t points[] = { 0,           0xfffffffe,  0xffffffff,
					   0x100000000, 0x100000001, UINT64_MAX };
	struct clause clauses[3] = { deny, deny, { .action = { ACTION_ALLOW, 0 } } };
	struct rules rules;
	struct seccomp_program program;

	clauses[0].when = test_of(*state, 0, true, TEST_LT, UINT64_MAX, 0x100000000);
	clauses[1].when = test_of(*state, 0, true, TEST_GE, UINT64_MAX, 0xffffffff);
	rules = rules_for(*state, SYS_getppid, clauses, 3);
	program = generate(&rules, &no_wishes, *state);
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		assert_int_equal(run(&program, abi_native(), SYS_getppid, points[i]),
				 SECCOMP_RET_ERRNO | EPERM);
	assert_verified(&rules, &no_wishes, &program);
}

/* seccomp_rule_add(3) does not come back from the second of these. */
static void rules_with_a_common_first_test_are_compiled(void **state)
{
	struct clause clauses[3] = { deny, deny, { .action = { ACTION_ALLOW, 0 } } };
	const struct condition *first = test_of(*state, 0, true, TEST_NE, UINT64_MAX, 0);
	struct rules rules;
	struct seccomp_program program;

	clauses[0].when =
		both_of(*state, first, test_of(*state, 2, true, TEST_GE, UINT64_MAX, 38));
	clauses[1].when =
		both_of(*state, first, test_of(*state, 2, true, TEST_EQ, UINT64_MAX, 40));
	rules = rules_for(*state, SYS_socket, clauses, 3);
	program = generate(&rules, &no_wishes, *state);
	assert_verified(&rules, &no_wishes, &program);
}

static void a_narrow_test_does_not_see_the_high_word(void **state)
{
	const struct rules rules = rules_allowing(
		*state, test_of(*state, 0, false, TEST_NE, UINT64_MAX, 0x5412));
	struct seccomp_program program = generate(&rules, &no_wishes, *state);

	assert_int_equal(run(&program, abi_native(), SYS_getppid, 0x5412),
			 SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(run(&program, abi_native(), SYS_getppid, 0xdead00005412),
			 SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(run(&program, abi_native(), SYS_getppid, 0x5413),
			 SECCOMP_RET_ALLOW);
}

static void x32_is_foreign_unless_it_is_served(void **state)
{
	const struct rules rules = rules_for(*state, SYS_getppid, &deny, 1);
	struct seccomp_program program = generate(&rules, &no_wishes, *state);

	if (abi_native() != ABI_X86_64)
		skip();

	assert_int_equal(run(&program, ABI_X86_64, SYS_getppid, 0),
			 SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(run(&program, ABI_X86_64, X32_BIT | SYS_getppid, 0),
			 SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(run(&program, ABI_X86_64, X32_BIT, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(run(&program, ABI_I386, SYS_getppid, 0),
			 SECCOMP_RET_KILL_PROCESS);
	/* A tracer that skips a call leaves this number. */
	assert_int_equal(run(&program, ABI_X86_64, UINT32_MAX, 0), SECCOMP_RET_ALLOW);
}

static void denials_are_notified_where_they_are_explained(void **state)
{
	const struct bpf_wishes wishes = { .explains = true };
	const struct {
		struct action action;
		uint32_t plain, explained;
	} rows[] = {
		{ { ACTION_ERRNO, EPERM },
		  SECCOMP_RET_ERRNO | EPERM,
		  SECCOMP_RET_USER_NOTIF | 0x8000 | EPERM },
		{ { ACTION_ERRNO, EAFNOSUPPORT },
		  SECCOMP_RET_ERRNO | EAFNOSUPPORT,
		  SECCOMP_RET_USER_NOTIF | 0x8000 | EAFNOSUPPORT },
		{ { ACTION_ERRNO, ENOSYS },
		  SECCOMP_RET_ERRNO | ENOSYS,
		  SECCOMP_RET_ERRNO | ENOSYS },
		{ { ACTION_FAKE, 0 }, SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO },
		{ { ACTION_FAKE, 5 },
		  SECCOMP_RET_USER_NOTIF | 5,
		  SECCOMP_RET_USER_NOTIF | 5 },
		{ { ACTION_NOTIFY, 0 }, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_USER_NOTIF },
		{ { ACTION_KILL, 0 },
		  SECCOMP_RET_KILL_PROCESS,
		  SECCOMP_RET_KILL_PROCESS },
		{ { ACTION_KILL_THREAD, 0 },
		  SECCOMP_RET_KILL_THREAD,
		  SECCOMP_RET_KILL_THREAD },
		{ { ACTION_TRAP, 2 }, SECCOMP_RET_TRAP | 2, SECCOMP_RET_TRAP | 2 },
		{ { ACTION_TRACE, 2 }, SECCOMP_RET_TRACE | 2, SECCOMP_RET_TRACE | 2 },
		{ { ACTION_LOG, 0 }, SECCOMP_RET_LOG, SECCOMP_RET_LOG },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct clause clause = { .action = rows[i].action };
		const struct rules rules = rules_for(*state, SYS_getppid, &clause, 1);
		struct seccomp_program program = generate(&rules, &no_wishes, *state);

		assert_int_equal(run(&program, abi_native(), SYS_getppid, 0),
				 rows[i].plain);
		program = generate(&rules, &wishes, *state);
		assert_int_equal(run(&program, abi_native(), SYS_getppid, 0),
				 rows[i].explained);
	}
}

static void the_key_opens_what_a_start_needs(void **state)
{
	const struct bpf_wishes wishes = { .key = &key };
	const struct clause kill = { .action = { ACTION_KILL, 0 } };
	struct rules rules = rules_for(*state, SYS_getppid, &deny, 1);
	struct seccomp_program program;
	struct seccomp_data data = { .nr = SYS_execve, .arch = abi_audit(abi_native()) };

	rules.known = rules.unknown = kill;
	program = generate(&rules, &wishes, *state);
	assert_int_equal(bpf_run(&program, &data, NULL), SECCOMP_RET_KILL_PROCESS);
	memcpy(&data.args[3], key.words, sizeof(key.words));
	assert_int_equal(bpf_run(&program, &data, NULL), SECCOMP_RET_ALLOW);
	data.nr = SYS_getpid;
	assert_int_equal(bpf_run(&program, &data, NULL), SECCOMP_RET_KILL_PROCESS);
	data.nr = SYS_execve;
	data.args[5] ^= UINT64_C(1) << 63;
	assert_int_equal(bpf_run(&program, &data, NULL), SECCOMP_RET_KILL_PROCESS);
	assert_verified(&rules, &wishes, &program);

	/* Also where the ABI of the start is foreign. */
	rules.served = 1 << ABI_I386;
	program = generate(&rules, &wishes, *state);
	assert_verified(&rules, &wishes, &program);
	data.args[5] ^= UINT64_C(1) << 63;
	assert_int_equal(bpf_run(&program, &data, NULL), SECCOMP_RET_ALLOW);
}

/* Which words a constant answer may need: nothing else stays in the kernel's bitmap. */
static bool loads_arguments(const struct seccomp_program *program, uint32_t number)
{
	const struct sock_filter *instructions = program->instructions;
	uint32_t accumulator = 0;

	for (size_t at = 0;; at++) {
		const struct sock_filter *now = &instructions[at];
		bool holds;

		if (now->code == (BPF_LD | BPF_W | BPF_ABS)) {
			if (now->k > offsetof(struct seccomp_data, arch))
				return true;
			accumulator = now->k ? abi_audit(ABI_X86_64) : number;
			continue;
		}
		if (now->code == (BPF_RET | BPF_K))
			return false;
		if (now->code == (BPF_JMP | BPF_JA)) {
			at += now->k;
			continue;
		}
		assert_int_equal(BPF_CLASS(now->code), BPF_JMP);
		holds = BPF_OP(now->code) == BPF_JEQ ? accumulator == now->k
						     : accumulator >= now->k;
		at += holds ? now->jt : now->jf;
	}
}

static bool is_constant(const struct call_rules *call)
{
	for (size_t i = 0; i + 1 < call->clause_count; i++) {
		if (!action_is_same(call->clauses[i].action,
				    call->clauses[call->clause_count - 1].action))
			return false;
	}
	return true;
}

static void constant_answers_look_at_no_argument(void **state)
{
	const struct made_up wanted = { ONLY_X86_64, 4, 3, 250, false };
	struct dice dice = { .seed = 3 };

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		struct arena arena = { 0 };
		struct rules rules;
		struct seccomp_program program;
		size_t at = 0;

		make_up_rules(&dice, &wanted, &arena, &rules);
		program = generate(&rules, &no_wishes, &arena);
		for (uint32_t number = 0; number < 2000; number++) {
			const struct call_rules *call = &rules.abis[ABI_X86_64].calls[at];
			bool has_rules = at < rules.abis[ABI_X86_64].count &&
					 call->number == number;

			at += has_rules;
			if (!has_rules || is_constant(call))
				assert_false(loads_arguments(&program, number));
		}
		arena_free(&arena);
	}
}

/* Alternatives in both shapes that a parser may build. */
static const struct condition *many_tests(struct arena *arena, uint32_t count,
					  bool left_first)
{
	const struct condition *all = NULL;

	for (uint32_t i = 0; i < count; i++) {
		const struct condition *one = test_of(arena, (uint8_t)(i % 2), i % 3 == 0,
						      TEST_EQ, UINT64_MAX, i * 7);

		if (!all)
			all = one;
		else
			all = left_first ? either_of(arena, all, one)
					 : either_of(arena, one, all);
	}
	return all;
}

static void calls_with_many_tests_pass_the_limit_of_a_jump(void **state)
{
	for (uint32_t count = 200; count <= 900; count += 100) {
		struct rules rules =
			rules_allowing(*state, many_tests(*state, count, count % 200));
		struct seccomp_program program = generate(&rules, &no_wishes, *state);

		assert_true(program.count > count);
		assert_verified(&rules, &no_wishes, &program);
	}
}

static void a_program_that_is_too_long_says_how_long_it_is(void **state)
{
	const struct rules rules = rules_allowing(*state, many_tests(*state, 3000, true));
	struct seccomp_program program = { NULL, 7 };
	struct error err = { 0 };

	assert_int_equal(bpf_generate(&rules, &no_wishes, *state, &program, &err), -1);
	assert_int_equal(err.id, ERROR_POLICY);
	assert_non_null(strstr(err.text, "instructions, the kernel takes 4096"));
	assert_int_equal(program.count, 7);
}

static void an_expression_without_bounds_is_refused(void **state)
{
	const struct condition *shared = test_of(*state, 0, true, TEST_EQ, UINT64_MAX, 1);
	struct seccomp_program program;
	struct error err = { 0 };
	struct rules rules = rules_allowing(
		*state, many_tests(*state, CONDITION_DEPTH_MAX + 2, false));

	assert_int_equal(bpf_generate(&rules, &no_wishes, *state, &program, &err), -1);
	assert_non_null(strstr(err.text, "nested deeper than 4096"));

	/* Each holds the one before twice. */
	for (int i = 0; i < 40; i++)
		shared = either_of(*state, shared, shared);
	rules = rules_allowing(*state, shared);
	assert_int_equal(bpf_generate(&rules, &no_wishes, *state, &program, &err), -1);
	assert_non_null(strstr(err.text, "more than 1048576 tests"));
}

static void the_verifier_notices_one_wrong_answer(void **state)
{
	struct rules rules = rules_allowing(
		*state, test_of(*state, 3, true, TEST_LE, UINT64_MAX, 0x1234567890));
	struct seccomp_program program = generate(&rules, &no_wishes, *state);
	struct sock_filter *wrong =
		arena_alloc_array(*state, program.count, sizeof(*wrong));
	struct error err = { 0 };

	for (size_t i = 0; i < program.count; i++) {
		memcpy(wrong, program.instructions, program.count * sizeof(*wrong));
		if (BPF_CLASS(wrong[i].code) == BPF_LD)
			continue;
		wrong[i].k ^= 1;
		assert_int_equal(
			bpf_verify(&rules, &no_wishes,
				   &(struct seccomp_program){ wrong, program.count },
				   &err),
			-1);
		assert_non_null(strstr(err.text, "trust the program"));
	}
}

static void programs_that_the_kernel_would_refuse_kill(void **state)
{
	static const struct sock_filter bad[][2] = {
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0xfffffffc),
		  BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_LDX | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_LD | BPF_MEM, 1U << 31), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_ALU | 0xf0, 1), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_JMP | 0xf0, 1), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_MISC | 0x40, 1), BPF_STMT(BPF_RET | BPF_A, 0) },
		{ BPF_STMT(BPF_LD | BPF_IMM, 1), BPF_STMT(BPF_LD | BPF_IMM, 1) },
	};
	const struct seccomp_data data = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			bpf_run(&(struct seccomp_program){ bad[i], 2 }, &data, NULL),
			SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(bpf_run(&(struct seccomp_program){ NULL, 0 }, &data, NULL),
			 SECCOMP_RET_KILL_PROCESS);
}

static void every_operation_is_interpreted(void **state)
{
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), /* 64 */
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16), /* 100 */
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), /* 164 */
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 4), /* 160 */
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3), /* 480 */
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), /* 7 */
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4), /* 112 */
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 3),  /* 115 */
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1), /* 114 */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1), /* 57 */
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff), /* 199 */
		BPF_STMT(BPF_LDX | BPF_MEM, 3),            /* 164 */
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_STX, 0),
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_LDX | BPF_IMM, 199),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x38, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 3),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_RET | BPF_K, 4),
		BPF_STMT(BPF_LD | BPF_MEM, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct seccomp_program whole = { program,
					       sizeof(program) / sizeof(program[0]) };
	const struct seccomp_data data = { .args = { 100 } };
	struct error err = { 0 };
	size_t steps = 0;

	(void)state;
	assert_int_equal(seccomp_check(&whole, &err), 0);
	assert_int_equal(bpf_run(&whole, &data, &steps), 164);
	assert_int_equal(steps, 24);
}

static void division_by_zero_ends_the_thread(void **state)
{
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_IMM, 5),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct seccomp_data data = { 0 };

	(void)state;
	assert_int_equal(bpf_run(&(struct seccomp_program){ program, 3 }, &data, NULL),
			 SECCOMP_RET_KILL_THREAD);
}

/* What a call of the child answers under the filter: 0, or its errno. */
static int live_answer(const struct seccomp_program *program, uint64_t argument0)
{
	struct error err = { 0 };
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    seccomp_install(program, &err) < 0)
			_exit(200);
		_exit(syscall(SYS_getppid, argument0) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_kernel_answers_as_the_interpreter_does(void **state)
{
	static const uint64_t points[] = { 0,           1,           0xffffffff,
					   0x100000000, 0x100000001, 0x500000000,
					   0x500000001, UINT64_MAX };
	struct dice dice = { .seed = 4 };

	/* An emulator of user programs has no filters. */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		skip();
	for (int i = 0; i < 24; i++) {
		const struct condition *when = test_of(
			*state, 0, i % 2, (enum test_op)(i % 6),
			i % 4 ? UINT64_MAX : make_up_value(&dice), make_up_value(&dice));
		const struct rules rules = rules_allowing(*state, when);
		struct seccomp_program program = generate(&rules, &no_wishes, *state);

		for (size_t j = 0; j < sizeof(points) / sizeof(points[0]); j++) {
			uint32_t wanted =
				run(&program, abi_native(), SYS_getppid, points[j]);

			assert_int_equal(live_answer(&program, points[j]),
					 wanted == SECCOMP_RET_ALLOW ? 0 : EPERM);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_every_shape_are_answered_as_written),
		cmocka_unit_test(rules_about_one_argument_are_answered_as_written),
		cmocka_unit_test_setup_teardown(
			two_rules_that_cover_all_values_leave_no_gap, set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			rules_with_a_common_first_test_are_compiled, set_up, clean_up),
		cmocka_unit_test_setup_teardown(a_narrow_test_does_not_see_the_high_word,
						set_up, clean_up),
		cmocka_unit_test_setup_teardown(x32_is_foreign_unless_it_is_served,
						set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			denials_are_notified_where_they_are_explained, set_up, clean_up),
		cmocka_unit_test_setup_teardown(the_key_opens_what_a_start_needs, set_up,
						clean_up),
		cmocka_unit_test(constant_answers_look_at_no_argument),
		cmocka_unit_test_setup_teardown(
			calls_with_many_tests_pass_the_limit_of_a_jump, set_up, clean_up),
		cmocka_unit_test_setup_teardown(
			a_program_that_is_too_long_says_how_long_it_is, set_up, clean_up),
		cmocka_unit_test_setup_teardown(an_expression_without_bounds_is_refused,
						set_up, clean_up),
		cmocka_unit_test_setup_teardown(the_verifier_notices_one_wrong_answer,
						set_up, clean_up),
		cmocka_unit_test(programs_that_the_kernel_would_refuse_kill),
		cmocka_unit_test(every_operation_is_interpreted),
		cmocka_unit_test(division_by_zero_ends_the_thread),
		cmocka_unit_test_setup_teardown(
			the_kernel_answers_as_the_interpreter_does, set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
