/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "policy/policy.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

static int check(const struct sock_filter *instructions, size_t count, struct error *err)
{
	const struct seccomp_program program = { instructions, count };

	return seccomp_check(&program, err);
}

/* Two instructions: the given one, and a return. */
static void assert_fault(struct sock_filter instruction, const char *fault)
{
	const struct sock_filter instructions[] = { instruction, allow };
	struct error err = { 0 };

	assert_int_equal(check(instructions, 2, &err), -1);
	assert_int_equal(err.id, ERROR_SECCOMP);
	if (!strstr(err.text, fault))
		fail_msg("\"%s\" does not say \"%s\"", err.text, fault);
	assert_non_null(strstr(err.text, "instruction 0 "));
}

static void a_filter_that_the_kernel_takes_is_taken(void **state)
{
	const struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 1000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		allow,
	};
	struct error err = { 0 };

	(void)state;
	assert_int_equal(check(instructions, 7, &err), 0);
}

static void no_filter_is_fine(void **state)
{
	const struct seccomp_program none = { NULL, 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(seccomp_check(&none, &err), 0);
	assert_int_equal(seccomp_install(&none, &err), 0);
}

static void a_program_that_is_too_long_is_refused(void **state)
{
	struct sock_filter *instructions = calloc(4097, sizeof(*instructions));
	struct error err = { 0 };

	(void)state;
	assert_non_null(instructions);
	for (size_t i = 0; i < 4097; i++)
		instructions[i] = allow;
	assert_int_equal(check(instructions, 4096, &err), 0);
	assert_int_equal(check(instructions, 4097, &err), -1);
	assert_non_null(strstr(err.text, "4097"));
	free(instructions);
}

static void a_program_at_an_odd_address_is_read(void **state)
{
	char bytes[sizeof(allow) + 1];
	const struct seccomp_program program = { bytes + 1, 1 };
	struct error err = { 0 };

	(void)state;
	memcpy(bytes + 1, &allow, sizeof(allow));
	assert_int_equal(seccomp_check(&program, &err), 0);
}

static void each_fault_is_named(void **state)
{
	(void)state;
	assert_fault((struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		     "is no operation of a seccomp filter");
	assert_fault((struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 1),
		     "is no operation of a seccomp filter");
	assert_fault((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64),
		     "outside of struct seccomp_data");
	assert_fault((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2),
		     "outside of struct seccomp_data");
	assert_fault((struct sock_filter)BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0),
		     "divides by zero");
	assert_fault((struct sock_filter)BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32),
		     "shifts by more than 31 bits");
	assert_fault((struct sock_filter)BPF_STMT(BPF_ST, 16),
		     "scratch memory that does not exist");
	assert_fault((struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, 3),
		     "scratch memory that was not written");
	assert_fault((struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1),
		     "jumps out of the program");
	assert_fault((struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX),
		     "jumps out of the program");
	assert_fault((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		     "jumps out of the program");
}

static void the_last_instruction_returns(void **state)
{
	const struct sock_filter instructions[] = { allow,
						    BPF_STMT(BPF_LD | BPF_IMM, 0) };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(check(instructions, 2, &err), -1);
	assert_non_null(strstr(err.text, "instruction 1 is the last one"));
}

static void scratch_memory_is_written_on_every_path_before_it_is_read(void **state)
{
	struct sock_filter instructions[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_ST, 2),
		BPF_STMT(BPF_LD | BPF_MEM, 2),
		allow,
	};
	struct error err = { 0 };

	(void)state;
	assert_int_equal(check(instructions, 4, &err), -1);
	assert_non_null(strstr(err.text, "instruction 2 reads scratch memory"));
	instructions[0].jt = 0;
	assert_int_equal(check(instructions, 4, &err), 0);
}

static const uint16_t likely_codes[] = {
	BPF_LD | BPF_W | BPF_ABS,
	BPF_LD | BPF_W | BPF_LEN,
	BPF_LDX | BPF_W | BPF_LEN,
	BPF_LD | BPF_IMM,
	BPF_LDX | BPF_IMM,
	BPF_LD | BPF_MEM,
	BPF_LDX | BPF_MEM,
	BPF_ST,
	BPF_STX,
	BPF_MISC | BPF_TAX,
	BPF_MISC | BPF_TXA,
	BPF_ALU | BPF_NEG,
	BPF_ALU | BPF_ADD | BPF_K,
	BPF_ALU | BPF_DIV | BPF_K,
	BPF_ALU | BPF_DIV | BPF_X,
	BPF_ALU | BPF_LSH | BPF_K,
	BPF_ALU | BPF_RSH | BPF_X,
	BPF_JMP | BPF_JA,
	BPF_JMP | BPF_JEQ | BPF_K,
	BPF_JMP | BPF_JSET | BPF_X,
	BPF_RET | BPF_K,
	BPF_RET | BPF_A,
};

/* A program of few instructions that is often right, and often just wrong. */
static size_t make_program(unsigned int *seed, struct sock_filter *ret_program)
{
	static const uint32_t values[] = {
		0, 1, 2, 4, 15, 16, 31, 32, 60, 64, 0x7fff0000
	};
	size_t count = 1 + (size_t)rand_r(seed) % 8;

	for (size_t i = 0; i < count; i++) {
		struct sock_filter *instruction = &ret_program[i];
		int luck = rand_r(seed) % 100;

		instruction->code = luck < 95 ? likely_codes[rand_r(seed) % 22]
					      : (uint16_t)(rand_r(seed) % 512);
		instruction->jt = (uint8_t)(rand_r(seed) % 4);
		instruction->jf = (uint8_t)(rand_r(seed) % 4);
		instruction->k = values[rand_r(seed) % 11];
		if (luck < 40)
			instruction->k &= 3;
	}
	if (rand_r(seed) % 10)
		ret_program[count - 1] = allow;
	return count;
}

/* Whether a child can load it. What the filter then does to the child does not matter. */
static bool kernel_takes(const struct sock_filter *program, size_t count)
{
	int *answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sock_fprog filter = { (unsigned short)count,
				     (struct sock_filter *)program };
	bool taken;
	pid_t child;

	assert_ptr_not_equal(answer, MAP_FAILED);
	*answer = -1;
	child = fork();
	if (child == 0) {
		alarm(10);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		*answer = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0
				  ? errno
				  : 0;
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(*answer == 0 || *answer == EINVAL);
	taken = *answer == 0;
	munmap(answer, sizeof(*answer));
	return taken;
}

/* An emulator of user programs has no filters, and a kernel may be built without. */
static void skip_without_filters(void)
{
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		skip();
}

static void the_answer_is_the_kernels_own_for_random_programs(void **state)
{
	struct sock_filter program[8];
	unsigned int seed = 1, taken = 0, refused = 0;

	(void)state;
	skip_without_filters();
	for (unsigned int round = 0; round < 600; round++) {
		struct error err = { 0 };
		size_t count = make_program(&seed, program);
		bool ours = check(program, count, &err) == 0;
		bool theirs = kernel_takes(program, count);

		if (ours != theirs)
			fail_msg("program %u of %zu instructions: kernel %s, we: %s",
				 round, count, theirs ? "takes it" : "refuses it",
				 ours ? "good" : err.text);
		*(ours ? &taken : &refused) += 1;
	}
	/* Else the programs were not of the kind that tells something. */
	assert_true(taken > 50 && refused > 50);
}

static void a_filter_that_was_installed_works(void **state)
{
	const struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		allow,
	};
	const struct seccomp_program program = { instructions, 4 };
	int status = 0;
	pid_t child;

	(void)state;
	skip_without_filters();
	child = fork();
	if (child == 0) {
		struct error err = { 0 };

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(1);
		if (seccomp_install(&program, &err) < 0)
			_exit(2);
		_exit(syscall(SYS_getppid) == -1 && errno == EDOM ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void libseccomp_knows_this_kernel(void **state)
{
	(void)state;
	if (!policy_is_built_in())
		skip();
	assert_true(seccomp_level() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_that_the_kernel_takes_is_taken),
		cmocka_unit_test(no_filter_is_fine),
		cmocka_unit_test(a_program_that_is_too_long_is_refused),
		cmocka_unit_test(a_program_at_an_odd_address_is_read),
		cmocka_unit_test(each_fault_is_named),
		cmocka_unit_test(the_last_instruction_returns),
		cmocka_unit_test(
			scratch_memory_is_written_on_every_path_before_it_is_read),
		cmocka_unit_test(the_answer_is_the_kernels_own_for_random_programs),
		cmocka_unit_test(a_filter_that_was_installed_works),
		cmocka_unit_test(libseccomp_knows_this_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
