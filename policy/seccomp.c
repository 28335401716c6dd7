/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw seccomp filters: classic BPF over struct seccomp_data (seccomp(2)).
 *
 * The kernel refuses a bad program with a bare EINVAL, when everything else is done. The
 * same rules are applied here before anything is started, and the message names the
 * instruction. Jumps only go forward, so one pass in the order of the program sees every
 * path.
 */
#include "policy/policy.h"

#include "base/error.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

enum { ALL_SCRATCH = (1 << BPF_MEMWORDS) - 1 };

/* Every operation that a seccomp filter may use. */
static const uint16_t known_codes[] = {
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
	BPF_ALU | BPF_ADD | BPF_X,
	BPF_ALU | BPF_SUB | BPF_K,
	BPF_ALU | BPF_SUB | BPF_X,
	BPF_ALU | BPF_MUL | BPF_K,
	BPF_ALU | BPF_MUL | BPF_X,
	BPF_ALU | BPF_DIV | BPF_K,
	BPF_ALU | BPF_DIV | BPF_X,
	BPF_ALU | BPF_AND | BPF_K,
	BPF_ALU | BPF_AND | BPF_X,
	BPF_ALU | BPF_OR | BPF_K,
	BPF_ALU | BPF_OR | BPF_X,
	BPF_ALU | BPF_XOR | BPF_K,
	BPF_ALU | BPF_XOR | BPF_X,
	BPF_ALU | BPF_LSH | BPF_K,
	BPF_ALU | BPF_LSH | BPF_X,
	BPF_ALU | BPF_RSH | BPF_K,
	BPF_ALU | BPF_RSH | BPF_X,
	BPF_JMP | BPF_JA,
	BPF_JMP | BPF_JEQ | BPF_K,
	BPF_JMP | BPF_JEQ | BPF_X,
	BPF_JMP | BPF_JGT | BPF_K,
	BPF_JMP | BPF_JGT | BPF_X,
	BPF_JMP | BPF_JGE | BPF_K,
	BPF_JMP | BPF_JGE | BPF_X,
	BPF_JMP | BPF_JSET | BPF_K,
	BPF_JMP | BPF_JSET | BPF_X,
	BPF_RET | BPF_K,
	BPF_RET | BPF_A,
};

static struct sock_filter instruction_at(const struct seccomp_program *program,
					 size_t index)
{
	struct sock_filter instruction;

	/* The program is what a file held, at any alignment. */
	memcpy(&instruction,
	       (const char *)program->instructions + index * sizeof(instruction),
	       sizeof(instruction));
	return instruction;
}

static bool is_known(uint16_t code)
{
	for (size_t i = 0; i < sizeof(known_codes) / sizeof(known_codes[0]); i++) {
		if (known_codes[i] == code)
			return true;
	}
	return false;
}

static bool uses_scratch(const struct sock_filter *instruction)
{
	return instruction->code == BPF_ST || instruction->code == BPF_STX ||
	       instruction->code == (BPF_LD | BPF_MEM) ||
	       instruction->code == (BPF_LDX | BPF_MEM);
}

static bool is_return(const struct sock_filter *instruction)
{
	return instruction->code == (BPF_RET | BPF_K) ||
	       instruction->code == (BPF_RET | BPF_A);
}

/* Whether a jump from here ends inside; after is how many instructions follow. */
static bool jumps_inside(const struct sock_filter *instruction, size_t after)
{
	if (BPF_CLASS(instruction->code) != BPF_JMP)
		return true;
	if (BPF_OP(instruction->code) == BPF_JA)
		return instruction->k < after;
	return instruction->jt < after && instruction->jf < after;
}

/* What is wrong with an instruction, whatever stands around it; NULL: nothing. */
static const char *instruction_fault(const struct sock_filter *instruction, size_t after)
{
	uint16_t code = instruction->code;
	uint32_t k = instruction->k;

	if (!is_known(code))
		return "is no operation of a seccomp filter";
	if (code == (BPF_LD | BPF_W | BPF_ABS) &&
	    (k % 4 != 0 || k >= sizeof(struct seccomp_data)))
		return "loads from outside of struct seccomp_data";
	if (code == (BPF_ALU | BPF_DIV | BPF_K) && k == 0)
		return "divides by zero";
	if ((code == (BPF_ALU | BPF_LSH | BPF_K) ||
	     code == (BPF_ALU | BPF_RSH | BPF_K)) &&
	    k >= 32)
		return "shifts by more than 31 bits";
	if (uses_scratch(instruction) && k >= BPF_MEMWORDS)
		return "uses scratch memory that does not exist";
	if (!jumps_inside(instruction, after))
		return "jumps out of the program";
	return NULL;
}

/*
 * Which scratch words every path to an instruction has written. Starts full; each jump
 * takes away what its own path has not written.
 */
struct scratch {
	uint16_t at_jump_target[BPF_MAXINSNS];
	uint16_t now;
};

static void follow_jump(struct scratch *scratch, const struct sock_filter *instruction,
			size_t index)
{
	uint16_t *targets = scratch->at_jump_target + index + 1;

	if (BPF_OP(instruction->code) == BPF_JA) {
		targets[instruction->k] &= scratch->now;
	} else {
		targets[instruction->jt] &= scratch->now;
		targets[instruction->jf] &= scratch->now;
	}
	/* What follows a jump is reached only as a target of one. */
	scratch->now = ALL_SCRATCH;
}

static const char *scratch_fault(struct scratch *scratch,
				 const struct sock_filter *instruction, size_t index)
{
	scratch->now &= scratch->at_jump_target[index];
	if (BPF_CLASS(instruction->code) == BPF_JMP) {
		follow_jump(scratch, instruction, index);
		return NULL;
	}
	if (!uses_scratch(instruction))
		return NULL;

	uint16_t word = (uint16_t)(1U << instruction->k);

	if (instruction->code == BPF_ST || instruction->code == BPF_STX)
		scratch->now |= word;
	else if (!(scratch->now & word))
		return "reads scratch memory that was not written";
	return NULL;
}

int seccomp_check(const struct seccomp_program *program, struct error *err)
{
	struct scratch scratch = { .now = 0 };

	if (program->count == 0)
		return 0;
	if (program->count > BPF_MAXINSNS)
		return error_set(err, ERROR_SECCOMP,
				 "use the seccomp filter: it has %zu instructions, the "
				 "kernel takes %d",
				 program->count, BPF_MAXINSNS);

	memset(scratch.at_jump_target, 0xff, sizeof(scratch.at_jump_target));
	for (size_t i = 0; i < program->count; i++) {
		const struct sock_filter instruction = instruction_at(program, i);
		const char *fault =
			instruction_fault(&instruction, program->count - i - 1);

		if (!fault)
			fault = scratch_fault(&scratch, &instruction, i);
		if (!fault && i + 1 == program->count && !is_return(&instruction))
			fault = "is the last one and does not return";
		if (fault)
			return error_set(err, ERROR_SECCOMP,
					 "use the seccomp filter: instruction %zu %s", i,
					 fault);
	}
	return 0;
}
