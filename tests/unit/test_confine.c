/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "net/confine.h"
#include "net/confine_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SKIPPED = 77 };

/* Each play is in a child of its own, which has no way back. How it ended. */
static int run(int (*play)(void))
{
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0)
		_exit(play());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	return status;
}

static void assert_good(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status))
		print_message("claim %d does not hold\n", WEXITSTATUS(status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int confine(void)
{
	struct error err;

	if (confine_outer(&err) == 0)
		return 0;
	/* A host without user namespaces for everybody. */
	if (strcmp(err.text, "make namespaces for sbx-net") == 0)
		_exit(SKIPPED);
	fprintf(stderr, "cannot %s: %s\n", err.text, strerror(err.errnum));
	_exit(99);
}

#define CLAIM(number, holds)                                                             \
	do {                                                                             \
		if (!(holds))                                                            \
			return number;                                                   \
	} while (0)

/* EPERM, whatever else would have been wrong with it. */
static bool refused(long result)
{
	return result == -1 && errno == EPERM;
}

static int serve_and_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	const int on = 1;
	int server, client, epoll, pipes[2], waiting = 0;

	confine();
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	CLAIM(1, server >= 0 && client >= 0);
	CLAIM(2, bind(server, (struct sockaddr *)&address, size) == 0 &&
			 listen(server, 5) == 0);
	CLAIM(3, getsockname(server, (struct sockaddr *)&address, &size) == 0);
	CLAIM(4, connect(client, (struct sockaddr *)&address, size) == 0);
	CLAIM(5, setsockopt(client, IPPROTO_TCP, 1, &on, sizeof(on)) == 0);
	CLAIM(6, ioctl(client, FIONREAD, &waiting) == 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	CLAIM(7, epoll >= 0 && pipe2(pipes, O_CLOEXEC) == 0);
	CLAIM(8, socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno == EAFNOSUPPORT);
	CLAIM(9, mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0) != MAP_FAILED);
	return 0;
}

static int reach_for_more(void)
{
	const pid_t parent = getppid();
	struct rlimit limit = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
	const int fd = 1;

	confine();
	CLAIM(1, refused(open("/etc/passwd", O_RDONLY)));
	CLAIM(2, refused(socket(AF_UNIX, SOCK_STREAM, 0)));
	CLAIM(3, refused(socket(AF_NETLINK, SOCK_RAW, 0)));
	CLAIM(4, refused(socket(AF_INET, SOCK_STREAM, 262 /* MPTCP */)));
	CLAIM(5, refused(kill(parent, 0)));
	CLAIM(6, refused(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)));
	/* musl says ENOMEM for EPERM. */
	CLAIM(7, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0) == MAP_FAILED &&
			 (errno == EPERM || errno == ENOMEM));
	CLAIM(8, refused(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, NULL, 0)));
	CLAIM(9, refused(ioctl(fd, TIOCSTI, "x")));
	CLAIM(10, refused(syscall(SYS_prlimit64, parent, RLIMIT_CORE, NULL, &limit)));
	CLAIM(11, setrlimit(RLIMIT_NOFILE, &limit) == -1);
	CLAIM(12, refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)));
	CLAIM(13, refused(chdir("/")));
	CLAIM(14, refused(syscall(SYS_ptrace, 16, parent, NULL, NULL)));
	/* Who owns a descriptor is sent signals, of a number that can be chosen. */
	CLAIM(15, refused(fcntl(socket(AF_INET, SOCK_DGRAM, 0), F_SETOWN, parent)));
	CLAIM(16, refused(fcntl(fd, F_SETSIG, SIGKILL)));
	CLAIM(17, fcntl(fd, F_GETFL) >= 0);
	return 0;
}

/* Of a process that has an empty root everything is known by its limits alone. */
static int count_limits(void)
{
	struct rlimit limit;

	confine();
	CLAIM(1, getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	CLAIM(2, getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_max == 0);
	CLAIM(3, getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max <= 65536);
	CLAIM(4, limit.rlim_cur == limit.rlim_max);
	return 0;
}

static int execute(void)
{
	confine();
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int make_namespace(void)
{
	confine();
	(void)unshare(CLONE_NEWUSER);
	return 1;
}

static void the_outer_half_can_serve(void **state)
{
	(void)state;
	assert_good(run(serve_and_connect));
}

static void the_outer_half_has_no_power(void **state)
{
	(void)state;
	assert_good(run(reach_for_more));
}

static void the_outer_half_is_limited(void **state)
{
	(void)state;
	assert_good(run(count_limits));
}

static void what_only_an_attacker_calls_ends_it(void **state)
{
	int (*const plays[])(void) = { execute, make_namespace };

	(void)state;
	for (size_t i = 0; i < sizeof(plays) / sizeof(*plays); i++) {
		const int status = run(plays[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

/* The child says what it sees of itself while it can. */
static void the_outer_half_keeps_its_death_signal(void **state)
{
	int told[2], lives[2], status;
	char letter;
	pid_t outer;

	(void)state;
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	assert_int_equal(pipe2(lives, O_CLOEXEC), 0);
	outer = fork();
	if (outer == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			confine();
			if (write(told[1], "x", 1) != 1)
				_exit(1);
			for (;;)
				(void)poll(NULL, 0, 1000);
		}
		/* Dies when the grandchild is confined. */
		close(told[1]);
		close(lives[1]);
		(void)!read(told[0], &letter, 1);
		_exit(0);
	}
	close(told[1]);
	close(lives[1]);
	assert_int_equal(waitpid(outer, &status, 0), outer);
	/* The end of the pipe: nobody holds its other end any more. */
	assert_int_equal(read(lives[0], &letter, 1), 0);
	close(told[0]);
	close(lives[0]);
}

static void the_programs_are_short_enough(void **state)
{
	struct sock_filter program[CONFINE_PROGRAM_MAX];

	(void)state;
	assert_in_range(confine_write_filter(CONFINE_OUTER, program), 100,
			CONFINE_PROGRAM_MAX - 20);
	assert_in_range(confine_write_filter(CONFINE_INNER, program), 40, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_outer_half_can_serve),
		cmocka_unit_test(the_outer_half_has_no_power),
		cmocka_unit_test(the_outer_half_is_limited),
		cmocka_unit_test(what_only_an_attacker_calls_ends_it),
		cmocka_unit_test(the_outer_half_keeps_its_death_signal),
		cmocka_unit_test(the_programs_are_short_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
