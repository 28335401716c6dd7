/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes system calls, by number, in the ABIs of this machine, and tells what came of them.
 * Lines come on standard input: ABI NUMBER ARGUMENT×6 WANTED NAME, all but the words in
 * hexadecimal, WANTED being allow, kill or eN, an errno. Each call is made by a child of its
 * own, so that whatever it does ends with it. What was answered otherwise is printed; the
 * last line counts: `N calls, M refused, K not as wanted`.
 *
 * Arguments of calls that are allowed are such that nothing comes of them, so these may fail
 * as the kernel likes. `attack_calls plain` prints what came of each call.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 300, ARGUMENTS = 6, ERRNO_MAX = 4095 };

struct call {
	char abi[8], wanted[8], name[64];
	uint64_t number, arguments[ARGUMENTS];
};

/* What the child leaves for its parent. */
struct outcome {
	volatile bool came_back;
	volatile long result;
};

static struct outcome *outcome;

#if defined __x86_64__
static long call_native(const struct call *call)
{
	register uint64_t a3 __asm__("r10") = call->arguments[3];
	register uint64_t a4 __asm__("r8") = call->arguments[4];
	register uint64_t a5 __asm__("r9") = call->arguments[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(call->number), "D"(call->arguments[0]),
			   "S"(call->arguments[1]), "d"(call->arguments[2]), "r"(a3),
			   "r"(a4), "r"(a5)
			 : "rcx", "r11", "memory");
	return result;
}

/*
 * The sixth argument is in ebp, which the compiler wants for itself; what is pushed is kept
 * from the red zone below the stack.
 */
static long call_int80(const struct call *call)
{
	const uint64_t *arguments = call->arguments;
	long result;

	__asm__ volatile("lea -256(%%rsp), %%rsp\n\t"
			 "push %%rbp\n\t"
			 "push %%rbx\n\t"
			 "mov 40(%%rsi), %%rbp\n\t"
			 "mov 0(%%rsi), %%rbx\n\t"
			 "mov 8(%%rsi), %%rcx\n\t"
			 "mov 16(%%rsi), %%rdx\n\t"
			 "mov 32(%%rsi), %%rdi\n\t"
			 "mov 24(%%rsi), %%rsi\n\t"
			 "int $0x80\n\t"
			 "pop %%rbx\n\t"
			 "pop %%rbp\n\t"
			 "lea 256(%%rsp), %%rsp"
			 : "=a"(result), "+S"(arguments)
			 : "0"(call->number)
			 : "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11", "memory");
	return (int)result;
}

static long make(const struct call *call)
{
	return strcmp(call->abi, "i386") == 0 ? call_int80(call) : call_native(call);
}
#elif defined __aarch64__
/* Programs of 32 bits cannot be entered from 64 bits by an instruction there. */
static long make(const struct call *call)
{
	register uint64_t x0 __asm__("x0") = call->arguments[0];
	register uint64_t x1 __asm__("x1") = call->arguments[1];
	register uint64_t x2 __asm__("x2") = call->arguments[2];
	register uint64_t x3 __asm__("x3") = call->arguments[3];
	register uint64_t x4 __asm__("x4") = call->arguments[4];
	register uint64_t x5 __asm__("x5") = call->arguments[5];
	register uint64_t x8 __asm__("x8") = call->number;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
			 : "memory");
	return (long)x0;
}
#endif

/* Whoever comes back from a clone with a process of its own is one too many. */
static void be_the_child(const struct call *call)
{
	const pid_t self = getpid();
	long result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	result = make(call);
	if (syscall(SYS_getpid) != self || (result == 0 && syscall(SYS_gettid) != self))
		syscall(SYS_exit, 0);
	outcome->result = result;
	outcome->came_back = true;
	syscall(SYS_exit_group, 0);
}

/* The status of wait(2); -1: it was stopped for taking too long. */
static int watch(pid_t child, int ended)
{
	struct pollfd waited = { .fd = ended, .events = POLLIN };
	const bool in_time = poll(&waited, 1, PATIENCE_MS) != 0;
	int status;

	kill(child, SIGKILL);
	while (waitpid(child, &status, 0) != child) {
		if (errno != EINTR)
			return 0;
	}
	return in_time ? status : -1;
}

static int start(const struct call *call, int *ret_ended)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) < 0)
		return -1;
	outcome->came_back = false;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		be_the_child(call);
	}
	close(ends[1]);
	*ret_ended = ends[0];
	return child;
}

/* "allow", "kill", "e38", or the errno that it failed with where that was allowed. */
static void make_in_child(const struct call *call, char *answer, size_t size)
{
	int ended = -1;
	const pid_t child = start(call, &ended);
	const int status = child < 0 ? 0 : watch(child, ended);

	close(ended);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(answer, size, "kill");
	else if (outcome->came_back && outcome->result < 0 &&
		 outcome->result >= -ERRNO_MAX)
		snprintf(answer, size, "e%ld", -outcome->result);
	else
		snprintf(answer, size, "done");
}

static bool is_as_wanted(const char *wanted, const char *answer)
{
	if (strcmp(wanted, "allow") == 0)
		return strcmp(answer, "kill") != 0;
	return strcmp(wanted, answer) == 0;
}

static int read_call(struct call *call)
{
	char line[512];
	uint64_t *a = call->arguments;

	if (!fgets(line, sizeof(line), stdin))
		return 0;
	if (sscanf(line, "%7s %lx %lx %lx %lx %lx %lx %lx %7s %63s", call->abi,
		   &call->number, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5], call->wanted,
		   call->name) != 10) {
		fprintf(stderr, "not a call: %s", line);
		return -1;
	}
	return 1;
}

static void print_call(const struct call *call, const char *answer)
{
	printf("%s %s(%lx, %lx, %lx, %lx) %s, wanted %s\n", call->abi, call->name,
	       call->arguments[0], call->arguments[1], call->arguments[2],
	       call->arguments[3], answer, call->wanted);
}

int main(int argc, char **argv)
{
	const bool plain = argc > 1 && strcmp(argv[1], "plain") == 0;
	static const struct rlimit no_core = { 0, 0 };
	unsigned int calls = 0, refused = 0, wrong = 0;
	struct call call;
	int got;

	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		return EXIT_FAILURE;
	setrlimit(RLIMIT_CORE, &no_core);
	while ((got = read_call(&call)) > 0) {
		char answer[24];

		make_in_child(&call, answer, sizeof(answer));
		calls++;
		refused += strcmp(call.wanted, "allow") != 0;
		if (plain)
			print_call(&call, answer);
		if (is_as_wanted(call.wanted, answer))
			continue;
		wrong++;
		if (!plain)
			print_call(&call, answer);
	}
	printf("%u calls, %u refused, %u not as wanted\n", calls, refused, wrong);
	return got < 0 || wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
