/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on what belongs to the caller: descriptors, terminal, processes, keys, sockets. */
#include "tests/sandbox/attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- descriptors --------------------------------------------------------------------- */

static const char *look_for_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (list && (entry = readdir(list)) != NULL) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(list))
			return reached("descriptor %d is open", fd);
	}
	return NULL;
}

static const char *leave_by_directory(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		struct stat status;

		if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
			return reached("descriptor %d is a directory", fd);
		if (openat(fd, "..", O_PATH | O_CLOEXEC) >= 0)
			return reached("descriptor %d leads to a directory", fd);
	}
	return NULL;
}

static const char *write_stdin(void)
{
	static const char *const names[] = { "/proc/self/fd/0", "/proc/thread-self/fd/0",
					     "/dev/stdin", "/dev/fd/0" };
	struct stat status;

	if (fstat(0, &status) < 0)
		return reached("there is no standard input");
	if (!S_ISREG(status.st_mode))
		return NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (open(names[i], O_WRONLY | O_CLOEXEC) >= 0 ||
		    open(names[i], O_RDWR | O_CLOEXEC) >= 0)
			return reached("%s can be opened for writing", names[i]);
	if (write(0, "", 0) == 0)
		return reached("it is open for writing");
	if (fchmod(0, status.st_mode & 07777) == 0)
		return reached("its mode can be changed");
	if (futimens(0, NULL) == 0)
		return reached("its times can be changed");
	return NULL;
}

/* ---- the terminal -------------------------------------------------------------------- */

/* On kernels where TIOCSTI can be switched off it fails for this reason alone. */
static const char *use_terminal(void)
{
	char letter = 'x';
	char console[2] = { 3, 0 }; /* TIOCL_PASTESEL */
	const unsigned long high = 1UL << 31 << 1;

	if (!isatty(0))
		return reached("the test gives no terminal");
	if (ioctl(0, TIOCSTI, &letter) == 0 || ioctl(0, TIOCSTI | high, &letter) == 0)
		return reached("TIOCSTI pushes characters");
	if (ioctl(0, TIOCLINUX, console) == 0)
		return reached("TIOCLINUX pastes");
	if (open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0)
		return reached("/dev/tty is the caller's terminal");
	(void)setsid();
	if (ioctl(0, TIOCSCTTY, 0) == 0 || ioctl(0, TIOCSCTTY, 1) == 0)
		return reached("the caller's terminal can be taken");
	return NULL;
}

static const char *look_at_session(void)
{
	if (getsid(0) == 0)
		return reached("the session is one of outside");
	if (getpgrp() == 0)
		return reached("the process group is one of outside");
	return NULL;
}

/* ---- processes ------------------------------------------------------------------------- */

static const char *find_process(void)
{
	const char *number = canary("CANARY_PID");
	char path[64];

	if (kill((pid_t)atoi(number), 0) == 0 || errno == EPERM)
		return reached("process %s of outside takes signals", number);
	snprintf(path, sizeof(path), "/proc/%s", number);
	if (access(path, F_OK) == 0)
		return reached("%s shows a process of outside", path);
	return NULL;
}

/* Whoever is outside is looked after by the test itself. */
static const char *kill_everybody(void)
{
	signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
	(void)kill(-1, SIGKILL);
	return NULL;
}

/* ---- keys ------------------------------------------------------------------------------ */

static long keyctl(int command, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, command, a, b, c, d);
}

static const char *use_key(const char *number)
{
	char text[64];
	long key = atol(number);

	if (keyctl(KEYCTL_READ, key, (long)text, sizeof(text), 0) >= 0)
		return reached("key %s can be read", number);
	if (keyctl(KEYCTL_LINK, key, KEY_SPEC_THREAD_KEYRING, 0, 0) >= 0)
		return reached("key %s can be linked", number);
	if (keyctl(KEYCTL_UPDATE, key, (long)"", 0, 0) >= 0)
		return reached("key %s can be changed", number);
	if (keyctl(KEYCTL_REVOKE, key, 0, 0, 0) >= 0)
		return reached("key %s can be revoked", number);
	return NULL;
}

static const char *use_session_key(void)
{
	const char *what = use_key(canary("CANARY_KEY"));

	if (what)
		return what;
	if (syscall(SYS_request_key, "user", "sbx-canary", NULL, 0) >= 0)
		return reached("the key is found by its name");
	if (keyctl(KEYCTL_LINK, atol(canary("CANARY_KEYRING")), KEY_SPEC_THREAD_KEYRING,
		   0, 0) >= 0)
		return reached("the caller's session keyring can be linked");
	return NULL;
}

/* ---- IPC and sockets ------------------------------------------------------------------- */

static const char *find_shared_memory(void)
{
	int key = atoi(canary("CANARY_SHM"));

	return shmget(key, 0, 0) >= 0 ? reached("segment %d of outside is there", key)
				      : NULL;
}

static const char *connect_abstract(void)
{
	const char *name = canary("CANARY_ABSTRACT");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t length = strlen(name);

	memcpy(address.sun_path + 1, name, length);
	if (connect(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) ==
	    0)
		return reached("the abstract socket %s answers", name);
	return NULL;
}

/* CANARY_SOCKETS: paths, with colons between them. */
static const char *connect_paths(void)
{
	char *list = strdup(canary("CANARY_SOCKETS"));

	for (char *path = strtok(list, ":"); path; path = strtok(NULL, ":")) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return reached("the socket %s answers", path);
		close(fd);
	}
	return NULL;
}

static const char *open_raw_sockets(void)
{
	if (socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0)
		return reached("a raw socket opens");
	if (socket(AF_PACKET, SOCK_RAW, 0) >= 0)
		return reached("a packet socket opens");
	return NULL;
}

static const char *connect_loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)atoi(canary("CANARY_PORT")));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return reached("the loopback of outside answers");
	return NULL;
}

/* ---- ids ------------------------------------------------------------------------------- */

static const char *change_ids(void)
{
	gid_t groups[64];
	int count = getgroups(64, groups);

	for (int i = 0; i < count; i++)
		if (groups[i] != getegid())
			return reached("the process is in group %u", groups[i]);
	if (setgroups(0, NULL) == 0)
		return reached("setgroups passes");
	for (uid_t id = 0; id < 70000; id += id < 10 ? 1 : 997)
		if (id != getuid() && syscall(SYS_setresuid, id, id, id) == 0)
			return reached("uid %u can be taken", id);
	return NULL;
}

/* ---- set-id programs ------------------------------------------------------------------ */

static const char *compare_ids(void)
{
	if (geteuid() != getuid() || getegid() != getgid())
		return reached("a set-id program runs as user %u", geteuid());
	return NULL;
}

static bool copy_self(const char *path)
{
	char bytes[65536];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	ssize_t got;

	while ((got = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)got) != got)
			return false;
	close(from);
	return close(to) == 0 && got == 0;
}

/* As root of the sandbox: a program of user 5, executed by user 6. */
static const char *execute_set_id(void)
{
	static const char *const places[] = { "/sbx-set-id", "/tmp/sbx-set-id",
					      "/dev/shm/sbx-set-id" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int status = 0;
		pid_t pid;

		if (!copy_self(places[i]) || chown(places[i], 5, 5) < 0 ||
		    chmod(places[i], 06755) < 0)
			return reached("%s cannot be prepared", places[i]);
		pid = fork();
		if (pid == 0) {
			if (syscall(SYS_setresgid, 6, 6, 6) == 0 &&
			    syscall(SYS_setresuid, 6, 6, 6) == 0)
				execl(places[i], "attack", "try", "effective-ids", NULL);
			_exit(2);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			return reached("%s has an effect", places[i]);
	}
	return NULL;
}

const struct attempt attempts_on_caller[] = {
	{ "descriptors", look_for_descriptors },
	{ "directories", leave_by_directory },
	{ "stdin", write_stdin },
	{ "terminal", use_terminal },
	{ "session", look_at_session },
	{ "process", find_process },
	{ "kill-everybody", kill_everybody },
	{ "key", use_session_key },
	{ "shared-memory", find_shared_memory },
	{ "abstract-socket", connect_abstract },
	{ "path-sockets", connect_paths },
	{ "raw-sockets", open_raw_sockets },
	{ "loopback", connect_loopback },
	{ "ids", change_ids },
	{ "effective-ids", compare_ids },
	{ "set-id", execute_set_id },
	{ NULL, NULL },
};
