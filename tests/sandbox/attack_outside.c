/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test needs outside of the sandbox.
 *
 *   attack make abstract NAME     listens on an abstract socket until it is killed
 *   attack make socket PATH       the same at a path
 *   attack make datagrams PATH    a socket for datagrams at a path
 *   attack make port              the same on a port of 127.0.0.1, which it prints
 *   attack make shm               a segment of shared memory: prints its key, removes it at TERM
 *   attack make key COMMAND...    a new session keyring with a key in it, for the command:
 *                                 CANARY_KEY and CANARY_KEYRING
 *   attack make handle PATH       prints a file handle of PATH
 *   attack make terminal COMMAND...  the command as leader of a session on a new terminal
 *                                 that is its standard input alone
 *   attack make swaps A B         exchanges the names A and B until it is killed
 */
#include "tests/sandbox/attack.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* Nothing of a test lives longer than this. */
enum { LIFE_SECONDS = 120 };

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* The test reads this line, and knows then that the canary is there. */
static _Noreturn void wait_until_killed(const char *line)
{
	printf("%s\n", line);
	fflush(stdout);
	alarm(LIFE_SECONDS);
	for (;;)
		pause();
}

static int listen_unix(const char *path, bool abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (length + 2 > sizeof(address.sun_path))
		return fail(path);
	memcpy(address.sun_path + abstract, path, length);
	if (bind(fd, (const struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1)) < 0 ||
	    listen(fd, 8) < 0)
		return fail(path);
	wait_until_killed("ready");
}

static int make_abstract(char **words)
{
	return listen_unix(words[0], true);
}

static int make_socket(char **words)
{
	return listen_unix(words[0], false);
}

static int make_datagrams(char **words)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (strlen(words[0]) >= sizeof(address.sun_path))
		return fail(words[0]);
	strcpy(address.sun_path, words[0]);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(words[0]);
	wait_until_killed("ready");
}

static int make_port(char **words)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char number[16];

	(void)words;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (const struct sockaddr *)&address, size) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return fail("port");
	snprintf(number, sizeof(number), "%u", ntohs(address.sin_port));
	wait_until_killed(number);
}

static volatile int segment = -1;

static void remove_segment(int number)
{
	(void)number;
	(void)shmctl(segment, IPC_RMID, NULL);
	_exit(0);
}

static int make_shm(char **words)
{
	char key[16];

	(void)words;
	snprintf(key, sizeof(key), "%d", 0x5b000000 + getpid());
	segment = shmget(atoi(key), 4096, IPC_CREAT | IPC_EXCL | 0666);
	if (segment < 0)
		return fail("shmget");
	signal(SIGTERM, remove_segment);
	signal(SIGALRM, remove_segment);
	wait_until_killed(key);
}

static int make_key(char **words)
{
	char text[32];
	long keyring, key;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return fail("keyctl");
	key = syscall(SYS_add_key, "user", "sbx-canary", "secret", 6,
		      KEY_SPEC_SESSION_KEYRING);
	keyring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	if (key < 0 || keyring < 0)
		return fail("add_key");
	snprintf(text, sizeof(text), "%ld", key);
	setenv("CANARY_KEY", text, 1);
	snprintf(text, sizeof(text), "%ld", keyring);
	setenv("CANARY_KEYRING", text, 1);
	execvp(words[0], words);
	return fail(words[0]);
}

static int make_handle(char **words)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} file = { .handle = { .handle_bytes = MAX_HANDLE_SZ } };
	int mount;

	if (name_to_handle_at(AT_FDCWD, words[0], &file.handle, &mount, 0) < 0)
		return fail(words[0]);
	printf("%d.", file.handle.handle_type);
	for (unsigned int i = 0; i < file.handle.handle_bytes; i++)
		printf("%02x", file.handle.f_handle[i]);
	printf("\n");
	return 0;
}

static _Noreturn void lead_session(int slave, char **words)
{
	(void)setsid();
	if (ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, 0) < 0)
		_exit(fail("terminal"));
	close(slave);
	execvp(words[0], words);
	_exit(fail(words[0]));
}

static int make_terminal(char **words)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave, status;
	pid_t pid;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return fail("posix_openpt");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0)
		return fail("ptsname");
	pid = fork();
	if (pid == 0)
		lead_session(slave, words);
	close(slave);
	alarm(LIFE_SECONDS);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int make_swaps(char **words)
{
	alarm(LIFE_SECONDS);
	for (;;)
		if (syscall(SYS_renameat2, AT_FDCWD, words[0], AT_FDCWD, words[1],
			    RENAME_EXCHANGE) < 0)
			return fail("renameat2");
}

static const struct thing {
	const char *name;
	int words;
	int (*make)(char **words);
} things[] = {
	{ "abstract", 1, make_abstract },
	{ "socket", 1, make_socket },
	{ "datagrams", 1, make_datagrams },
	{ "port", 0, make_port },
	{ "shm", 0, make_shm },
	{ "key", 1, make_key },
	{ "handle", 1, make_handle },
	{ "terminal", 1, make_terminal },
	{ "swaps", 2, make_swaps },
};

int outside(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++)
		if (strcmp(argv[0], things[i].name) == 0 && argc > things[i].words)
			return things[i].make(argv + 1);
	fprintf(stderr, "attack: cannot make %s\n", argv[0]);
	return 2;
}
