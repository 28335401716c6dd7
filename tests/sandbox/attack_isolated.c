/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts where no namespace is around the command: what Landlock has to refuse, and what
 * the filter has to that stands in for what it does not know. CANARY_FILE lies in the home,
 * CANARY_PID is a process of the caller's, CANARY_DATAGRAM a socket in a directory.
 */
#include "tests/sandbox/attack.h"

#include "base/syscalls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { CALL_IO_URING_SETUP = 425, CALL_PIDFD_GETFD = 438 };

/* ---- files ------------------------------------------------------------------------------- */

static const char *home_of_canary(void)
{
	static char home[512];
	char *slash;

	snprintf(home, sizeof(home), "%s", canary("CANARY_FILE"));
	slash = strrchr(home, '/');
	*slash = '\0';
	return home;
}

static const char *read_home(void)
{
	static const char *const roots[] = { "/proc/self/root", "/proc/self/cwd/../../..",
					     "/proc/1/root", "/dev/fd/../../root" };
	const char *path = canary("CANARY_FILE");
	char other[1024];

	if (open(path, O_RDONLY) >= 0)
		return reached("read %s", path);
	if (opendir(home_of_canary()))
		return reached("listed %s", home_of_canary());
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		snprintf(other, sizeof(other), "%s%s", roots[i], path);
		if (open(other, O_RDONLY) >= 0)
			return reached("read %s", other);
	}
	if (symlink(path, "link") == 0 && open("link", O_RDONLY) >= 0)
		return reached("read %s by a link", path);
	return NULL;
}

/* In the directory that can be written, the hierarchy is another one. */
static const char *carry_home_over(void)
{
	char inside[600];
	const char *place = canary("TMPDIR");

	snprintf(inside, sizeof(inside), "%s/stolen", place);
	if (link(canary("CANARY_FILE"), inside) == 0 ||
	    rename(canary("CANARY_FILE"), inside) == 0 ||
	    rename(home_of_canary(), inside) == 0)
		return reached("carried it to %s", inside);
	return NULL;
}

static const char *write_outside(void)
{
	const char *home = home_of_canary();
	const char *const places[] = {
		home, "/tmp", "/var/tmp", "/dev/shm", "/run", "."
	};
	char path[700];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/sbx-attack", places[i]);
		if (open(path, O_WRONLY | O_CREAT, 0600) >= 0 || mkdir(path, 0700) == 0 ||
		    symlink("x", path) == 0 || mkfifo(path, 0600) == 0)
			return reached("made %s", path);
	}
	if (open(canary("CANARY_FILE"), O_WRONLY | O_APPEND) >= 0)
		return reached("opened %s for writing", canary("CANARY_FILE"));
	return NULL;
}

static const char *empty_outside(void)
{
	const char *path = canary("CANARY_FILE");
	struct stat status;

	if (truncate(path, 0) == 0 || open(path, O_RDONLY | O_TRUNC) >= 0)
		return reached("emptied %s", path);
	/* The attempt that fails for another reason may have done it nevertheless. */
	return stat(path, &status) == 0 && status.st_size == 0 ? reached("emptied it")
							       : NULL;
}

static const char *remove_outside(void)
{
	const char *path = canary("CANARY_FILE");
	char other[600];

	snprintf(other, sizeof(other), "%s.moved", path);
	if (rename(path, other) == 0 || unlink(path) == 0)
		return reached("removed %s", path);
	return NULL;
}

static const char *change_modes(void)
{
	const char *path = canary("CANARY_FILE");
	struct stat status;

	if (stat(path, &status) < 0)
		return NULL;
	if (chmod(path, status.st_mode & 07777) == 0 ||
	    fchmodat(AT_FDCWD, path, status.st_mode & 07777, 0) == 0 ||
	    chown(path, status.st_uid, status.st_gid) == 0 ||
	    utimensat(AT_FDCWD, path, NULL, 0) == 0)
		return reached("changed %s", path);
	return NULL;
}

static const char *use_devices(void)
{
	static const char *const paths[] = { "/dev/ptmx", "/dev/pts/0", "/dev/pts/1",
					     "/dev/fuse", "/dev/kvm",   "/dev/tty1",
					     "/dev/rtc",  "/dev/hpet" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (open(paths[i], O_RDWR | O_NOCTTY) >= 0)
			return reached("opened %s", paths[i]);
	return NULL;
}

/* ---- sockets ----------------------------------------------------------------------------- */

/* Where Landlock knows sockets by their paths (ABI 9), those may be made. */
static bool is_watched(int family)
{
	enum { CALL_CREATE_RULESET = 444, ASK_VERSION = 1, ABI_UNIX_BY_PATH = 9 };

	return family == AF_UNIX && syscall(CALL_CREATE_RULESET, NULL, (size_t)0,
					    ASK_VERSION) >= ABI_UNIX_BY_PATH;
}

static const char *make_sockets(void)
{
	for (int family = 0; family < 64; family++)
		for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++)
			if (!is_watched(family) && socket(family, type, 0) >= 0)
				return reached("made a socket of family %d", family);
	return NULL;
}

/* With the host's network these two families are what was asked for, and routes. */
static const char *make_other_sockets(void)
{
	for (int family = 0; family < 64; family++)
		for (int protocol = 0; protocol < 32; protocol++) {
			if (family == AF_INET || family == AF_INET6 ||
			    is_watched(family) || (family == AF_NETLINK && protocol == 0))
				continue;
			for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++)
				if (socket(family, type, protocol) >= 0)
					return reached("family %d, protocol %d", family,
						       protocol);
		}
	return NULL;
}

static const char *redirect_pair(void)
{
	static const int types[] = { SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOCK_SEQPACKET };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 canary("CANARY_DATAGRAM"));
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		int pair[2];

		if (socketpair(AF_UNIX, types[i], 0, pair) < 0)
			continue;
		if (sendto(pair[0], "x", 1, 0, (const struct sockaddr *)&address,
			   sizeof(address)) == 1 &&
		    (types[i] == SOCK_DGRAM || types[i] == SOCK_RAW))
			return reached("sent to %s", address.sun_path);
		if (connect(pair[0], (const struct sockaddr *)&address,
			    sizeof(address)) == 0)
			return reached("connected a pair to %s", address.sun_path);
	}
	return NULL;
}

/* ---- processes --------------------------------------------------------------------------- */

static pid_t outer_process(void)
{
	return (pid_t)atoi(canary("CANARY_PID"));
}

static const char *send_signals(void)
{
	const pid_t pid = outer_process();
	siginfo_t info = { .si_signo = SIGCONT, .si_code = SI_QUEUE };
	int pidfd = sys_pidfd_open(pid, 0);

	if (kill(pid, 0) == 0 || kill(pid, SIGCONT) == 0)
		return reached("sent a signal to %d", pid);
	if (syscall(SYS_tgkill, pid, pid, 0) == 0 || syscall(SYS_tkill, pid, 0) == 0)
		return reached("sent a signal to its thread");
	if (syscall(SYS_rt_sigqueueinfo, pid, SIGCONT, &info) == 0)
		return reached("queued a signal");
	if (pidfd >= 0 && sys_pidfd_send_signal(pidfd, 0) == 0)
		return reached("sent a signal by its pidfd");
	return NULL;
}

/* The end of its time is a signal too. */
static const char *limit_others(void)
{
	const pid_t pid = outer_process();
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == 0 &&
	    syscall(SYS_prlimit64, pid, RLIMIT_CORE, &limit, NULL) == 0)
		return reached("changed a limit of it");
	return NULL;
}

static const char *read_process(pid_t pid)
{
	static const char *const files[] = { "environ",         "mem", "maps", "auxv",
					     "root/etc/passwd", "fd/0" };
	struct iovec local = { &pid, sizeof(pid) }, remote = { (void *)0x1000, 8 };
	int pidfd = sys_pidfd_open(pid, 0);
	char path[64], byte;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd = open(path, O_RDONLY | O_NONBLOCK);
		if (fd >= 0 && (i != 0 || read(fd, &byte, 1) == 1))
			return reached("opened %s", path);
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ||
	    ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0)
		return reached("traced %d", pid);
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT)
		return reached("read the memory of %d", pid);
	if (pidfd >= 0 && syscall(CALL_PIDFD_GETFD, pidfd, 0, 0) >= 0)
		return reached("took a descriptor of %d", pid);
	return NULL;
}

static const char *read_other_process(void)
{
	return read_process(outer_process());
}

/* Name and parent of a process; -1: there is none. */
static pid_t look_up(pid_t pid, char *name, size_t size)
{
	char path[64], text[512], *start, *end;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	start = strchr(text, '(');
	end = strrchr(text, ')');
	snprintf(name, size, "%.*s", (int)(end - start - 1), start + 1);
	return (pid_t)atoi(end + 4);
}

/* The init and the launcher are seen: nothing else may be done with them. */
static const char *reach_above(void)
{
	char name[64];
	pid_t pid = getppid(), above;
	int met = 0;

	for (; pid > 1; pid = above) {
		const char *what = NULL;

		above = look_up(pid, name, sizeof(name));
		if (strncmp(name, "sbx", 3) == 0) {
			met++;
			what = kill(pid, 0) == 0 ? reached("sent a signal to %s", name)
						 : read_process(pid);
		}
		if (what)
			return what;
	}
	return met < 2 ? reached("nobody, as neither init nor launcher was found") : NULL;
}

/* ---- namespaces and mounts --------------------------------------------------------------- */

static const char *make_namespaces(void)
{
	static const int flags[] = { CLONE_NEWUSER,   CLONE_NEWNS,  CLONE_NEWPID,
				     CLONE_NEWNET,    CLONE_NEWIPC, CLONE_NEWUTS,
				     CLONE_NEWCGROUP, CLONE_NEWTIME };
	struct sys_clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	int fd = open("/proc/self/ns/user", O_RDONLY);

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		long pid;

		if (unshare(flags[i]) == 0 || unshare(CLONE_NEWUSER | flags[i]) == 0)
			return reached("unshared %x", (unsigned int)flags[i]);
		pid = syscall(SYS_clone,
			      (unsigned long)(CLONE_NEWUSER | flags[i] | SIGCHLD), NULL,
			      NULL, NULL, NULL);
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			return reached("cloned %x", (unsigned int)flags[i]);
	}
	if (syscall(SYS_clone3, &args, sizeof(args)) >= 0 || errno != ENOSYS)
		return reached("called clone3");
	if (setns(fd, 0) == 0 || errno != EPERM)
		return reached("called setns");
	return NULL;
}

static const char *change_mounts(void)
{
	if (mount("none", canary("TMPDIR"), "tmpfs", 0, NULL) == 0 ||
	    mount(canary("TMPDIR"), canary("TMPDIR"), NULL, MS_BIND, NULL) == 0)
		return reached("mounted");
	if (umount2("/proc", MNT_DETACH) == 0 || sys_pivot_root(".", ".") == 0 ||
	    chroot(".") == 0)
		return reached("changed the root");
	if (sys_open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE) >= 0 ||
	    sys_fsopen("tmpfs", 0) >= 0)
		return reached("used the new calls");
	return NULL;
}

static const char *use_ring(void)
{
	char parameters[256] = { 0 };

	return syscall(CALL_IO_URING_SETUP, 1, parameters) >= 0 ? reached("made a ring")
								: NULL;
}

static const char *type_into_terminal(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (ioctl(fd, TIOCSTI, "") == 0)
			return reached("typed into descriptor %d", fd);
	/* The kernel looks at the low half alone. */
	if (syscall(SYS_ioctl, 0, 0xffffffff00000000UL | TIOCSTI, "") == 0)
		return reached("typed by a wide number");
	return NULL;
}

const struct attempt attempts_on_isolation[] = {
	{ "read-home", read_home },
	{ "carry-home", carry_home_over },
	{ "write-outside", write_outside },
	{ "empty-outside", empty_outside },
	{ "remove-outside", remove_outside },
	{ "modes-outside", change_modes },
	{ "use-devices", use_devices },
	{ "sockets", make_sockets },
	{ "other-sockets", make_other_sockets },
	{ "pairs", redirect_pair },
	{ "signals", send_signals },
	{ "limits", limit_others },
	{ "read-process", read_other_process },
	{ "above", reach_above },
	{ "namespaces", make_namespaces },
	{ "mounts", change_mounts },
	{ "ring", use_ring },
	{ "type", type_into_terminal },
	{ 0 },
};
