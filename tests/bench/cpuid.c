/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID costs at the start of a program. glibc looks at the processor with it before
 * main(), and a virtual machine must trap each one. Counts them by single steps through
 * PROGRAM up to its end, and times the instruction.
 *
 *	cpuid PROGRAM [ARG…]
 *
 * Prints, separated by tabs: how many, ns for one, ms together. "none" where there is no
 * such instruction.
 */
#include <stdio.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STEPS_MAX = 5000000,
	REPEATS = 200,
	OPCODE = 0xa20f, /* the two bytes of CPUID, as a little-endian number */
};

static double time_one_ns(void)
{
	struct timespec begin;
	struct timespec end;
	unsigned int a;
	unsigned int b;
	unsigned int c;
	unsigned int d;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < REPEATS; i++)
		__cpuid(0, a, b, c, d);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 +
		(double)(end.tv_nsec - begin.tv_nsec)) /
	       REPEATS;
}

static bool stands_before_cpuid(pid_t pid)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) < 0)
		return false;

	long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)(uintptr_t)registers.rip, NULL);

	return (word & 0xffff) == OPCODE;
}

/* Returns how many CPUID the traced program executes until it ends. */
static int count_steps(pid_t pid)
{
	int count = 0;
	int status;

	for (int step = 0; step < STEPS_MAX; step++) {
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return count;
		if (stands_before_cpuid(pid))
			count++;
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
			return count;
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return count;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;

	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0)
		return 1;

	int count = count_steps(pid);
	double one_ns = time_one_ns();

	printf("%d\t%.0f\t%.3f\n", count, one_ns, count * one_ns / 1e6);
	return 0;
}

#else

int main(void)
{
	puts("none");
	return 0;
}

#endif
