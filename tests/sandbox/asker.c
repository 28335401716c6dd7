/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that asks for what its policy denies: sockets of families that are not let in.
 *
 * asker kinds N     one of N families after the other
 * asker again N     the same family N times
 * asker ever        for ever
 * asker storm N     N times, while signals interrupt it
 * asker threads     by threads that the end of the process meets while they wait
 * asker call NR     one system call; prints its errno, or "done"
 * asker foreign     one call of the 32-bit ABI
 * asker nothing     for nothing: no more than a C library needs
 * asker listen      tries to be a listener (seccomp_unotify(2)); prints "listens", or why not
 * asker hold CMD    is one, with nothing to listen to, while CMD runs below it
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAMILY = 1000, NO_CALL = 5000 };

static int ask(int family)
{
	if (socket(family, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT)
		return 0;
	fprintf(stderr, "socket(%d): %s\n", family, strerror(errno));
	return 1;
}

static int ask_kinds(const char *count)
{
	int wrong = 0;

	for (int i = 0; i < atoi(count); i++)
		wrong |= ask(FAMILY + i);
	return wrong;
}

static int ask_again(const char *count)
{
	int wrong = 0;

	for (int i = 0; i < atoi(count); i++)
		wrong |= ask(FAMILY);
	return wrong;
}

static void *ask_ever(void *nothing)
{
	for (;;)
		(void)socket(FAMILY, SOCK_STREAM, 0);
	return nothing;
}

static void on_alarm(int number)
{
	(void)number;
}

static int ask_in_storm(const char *count)
{
	const struct sigaction action = { .sa_handler = on_alarm,
					  .sa_flags = SA_RESTART };
	const struct itimerval often = { { 0, 50 }, { 0, 50 } };

	if (sigaction(SIGALRM, &action, NULL) < 0 ||
	    setitimer(ITIMER_REAL, &often, NULL) < 0)
		return 2;
	return ask_again(count);
}

static int ask_in_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		if (pthread_create(&thread, NULL, ask_ever, NULL) != 0)
			return 2;
	(void)poll(NULL, 0, 200);
	return 0;
}

static int make_call(const char *number)
{
	errno = 0;
	if (syscall(atol(number), -1, -1, -1, -1, -1, -1) == -1 && errno)
		printf("%s\n", strerror(errno));
	else
		puts("done");
	return 0;
}

static int make_foreign_call(void)
{
#ifdef __x86_64__
	long result;

	/* getpid(2) of i386 */
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	printf("it answered %ld\n", result);
	return 0;
#else
	return 77;
#endif
}

static int become_listener(void)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NO_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(instructions) / sizeof(*instructions),
					    instructions };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static int listen_once(void)
{
	puts(become_listener() < 0 ? strerror(errno) : "listens");
	return 0;
}

static int hold(char **command)
{
	int status;
	pid_t pid;

	if (become_listener() < 0)
		return 77;
	pid = fork();
	if (pid == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 2;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *operand = argc > 2 ? argv[2] : "1";

	if (strcmp(what, "nothing") == 0)
		return 0;
	if (strcmp(what, "kinds") == 0)
		return ask_kinds(operand);
	if (strcmp(what, "again") == 0)
		return ask_again(operand);
	if (strcmp(what, "ever") == 0)
		return ask_ever(NULL) != NULL;
	if (strcmp(what, "storm") == 0)
		return ask_in_storm(operand);
	if (strcmp(what, "threads") == 0)
		return ask_in_threads();
	if (strcmp(what, "call") == 0)
		return make_call(operand);
	if (strcmp(what, "foreign") == 0)
		return make_foreign_call();
	if (strcmp(what, "listen") == 0)
		return listen_once();
	if (strcmp(what, "hold") == 0 && argc > 2)
		return hold(argv + 2);
	return 2;
}
