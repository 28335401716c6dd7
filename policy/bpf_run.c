/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic BPF interpreted as the kernel does it for seccomp(2). A program that the kernel
 * would not take is not followed: it kills, and so does whatever it would read or jump to
 * outside of itself.
 */
#include "policy/bpf.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

struct machine {
	const struct seccomp_program *program;
	const struct seccomp_data *data;
	size_t next; /* instruction */
	uint32_t a, x;
	uint32_t memory[BPF_MEMWORDS];
	uint32_t result;
	bool has_ended;
	bool has_looked; /* at more than the number and the ABI */
};

static void end_with(struct machine *machine, uint32_t result)
{
	machine->result = result;
	machine->has_ended = true;
}

static bool fetch(struct machine *machine, struct sock_filter *ret_instruction)
{
	const char *bytes = machine->program->instructions;

	if (machine->next >= machine->program->count)
		return false;
	memcpy(ret_instruction, bytes + machine->next * sizeof(*ret_instruction),
	       sizeof(*ret_instruction));
	machine->next++;
	return true;
}

static void load(struct machine *machine, const struct sock_filter *instruction,
		 uint32_t *target)
{
	uint32_t k = instruction->k;

	if (BPF_SIZE(instruction->code) != BPF_W) {
		end_with(machine, SECCOMP_RET_KILL_PROCESS);
		return;
	}
	switch (BPF_MODE(instruction->code)) {
	case BPF_IMM:
		*target = k;
		return;
	case BPF_LEN:
		*target = sizeof(struct seccomp_data);
		return;
	case BPF_MEM:
		if (k >= BPF_MEMWORDS)
			break;
		*target = machine->memory[k];
		return;
	case BPF_ABS:
		if (k % 4 != 0 || k >= sizeof(struct seccomp_data) ||
		    BPF_CLASS(instruction->code) != BPF_LD)
			break;
		memcpy(target, (const char *)machine->data + k, sizeof(*target));
		if (k >= offsetof(struct seccomp_data, instruction_pointer))
			machine->has_looked = true;
		return;
	default:
		break;
	}
	end_with(machine, SECCOMP_RET_KILL_PROCESS);
}

static void store(struct machine *machine, uint32_t k, uint32_t value)
{
	if (k >= BPF_MEMWORDS)
		end_with(machine, SECCOMP_RET_KILL_PROCESS);
	else
		machine->memory[k] = value;
}

static void calculate(struct machine *machine, uint16_t operation, uint32_t operand)
{
	switch (operation) {
	case BPF_ADD:
		machine->a += operand;
		return;
	case BPF_SUB:
		machine->a -= operand;
		return;
	case BPF_MUL:
		machine->a *= operand;
		return;
	case BPF_DIV:
		/* The kernel ends such a program with 0, which kills the thread. */
		if (operand == 0)
			end_with(machine, SECCOMP_RET_KILL_THREAD);
		else
			machine->a /= operand;
		return;
	case BPF_AND:
		machine->a &= operand;
		return;
	case BPF_OR:
		machine->a |= operand;
		return;
	case BPF_XOR:
		machine->a ^= operand;
		return;
	case BPF_LSH:
		machine->a <<= operand & 31;
		return;
	case BPF_RSH:
		machine->a >>= operand & 31;
		return;
	case BPF_NEG:
		machine->a = -machine->a;
		return;
	default:
		end_with(machine, SECCOMP_RET_KILL_PROCESS);
	}
}

static void jump(struct machine *machine, const struct sock_filter *instruction,
		 uint32_t operand)
{
	bool holds;

	switch (BPF_OP(instruction->code)) {
	case BPF_JA:
		machine->next += instruction->k;
		return;
	case BPF_JEQ:
		holds = machine->a == operand;
		break;
	case BPF_JGT:
		holds = machine->a > operand;
		break;
	case BPF_JGE:
		holds = machine->a >= operand;
		break;
	case BPF_JSET:
		holds = (machine->a & operand) != 0;
		break;
	default:
		end_with(machine, SECCOMP_RET_KILL_PROCESS);
		return;
	}
	machine->next += holds ? instruction->jt : instruction->jf;
}

static void transfer(struct machine *machine, uint16_t code)
{
	if (code == (BPF_MISC | BPF_TAX))
		machine->x = machine->a;
	else if (code == (BPF_MISC | BPF_TXA))
		machine->a = machine->x;
	else
		end_with(machine, SECCOMP_RET_KILL_PROCESS);
}

static void step(struct machine *machine, const struct sock_filter *instruction)
{
	uint16_t code = instruction->code;
	uint32_t operand = BPF_SRC(code) == BPF_X ? machine->x : instruction->k;

	switch (BPF_CLASS(code)) {
	case BPF_LD:
		load(machine, instruction, &machine->a);
		return;
	case BPF_LDX:
		load(machine, instruction, &machine->x);
		return;
	case BPF_ST:
		store(machine, instruction->k, machine->a);
		return;
	case BPF_STX:
		store(machine, instruction->k, machine->x);
		return;
	case BPF_ALU:
		calculate(machine, BPF_OP(code), operand);
		return;
	case BPF_JMP:
		jump(machine, instruction, operand);
		return;
	case BPF_RET:
		end_with(machine, BPF_RVAL(code) == BPF_A ? machine->a : instruction->k);
		return;
	default:
		transfer(machine, code);
	}
}

static size_t run(struct machine *machine)
{
	struct sock_filter instruction;
	size_t steps = 0;

	while (!machine->has_ended && fetch(machine, &instruction)) {
		step(machine, &instruction);
		steps++;
	}
	if (!machine->has_ended)
		machine->result = SECCOMP_RET_KILL_PROCESS;
	return steps;
}

uint32_t bpf_run(const struct seccomp_program *program, const struct seccomp_data *data,
		 size_t *ret_steps)
{
	struct machine machine = { .program = program, .data = data };
	const size_t steps = run(&machine);

	if (ret_steps)
		*ret_steps = steps;
	return machine.result;
}

bool bpf_always_allows(const struct seccomp_program *program, uint32_t arch, int number)
{
	const struct seccomp_data data = { .nr = number, .arch = arch };
	struct machine machine = { .program = program, .data = &data };

	(void)run(&machine);
	return !machine.has_looked && machine.result == SECCOMP_RET_ALLOW;
}
