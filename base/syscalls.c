/* SPDX-License-Identifier: Apache-2.0 */
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since 5.1 new system calls have one number on every architecture but alpha. */
enum {
	NUMBER_PIDFD_SEND_SIGNAL = 424,
	NUMBER_OPEN_TREE = 428,
	NUMBER_MOVE_MOUNT = 429,
	NUMBER_FSOPEN = 430,
	NUMBER_FSCONFIG = 431,
	NUMBER_FSMOUNT = 432,
	NUMBER_PIDFD_OPEN = 434,
	NUMBER_CLONE3 = 435,
	NUMBER_CLOSE_RANGE = 436,
	NUMBER_OPENAT2 = 437,
	NUMBER_MOUNT_SETATTR = 442,
};

pid_t sys_clone3(const struct sys_clone_args *args)
{
	return (pid_t)syscall(NUMBER_CLONE3, args, sizeof(*args));
}

pid_t sys_clone_into(uint64_t flags, int cgroup, int *ret_pidfd)
{
	const struct sys_clone_args args = {
		.flags = flags | CLONE_PIDFD | SYS_CLONE_INTO_CGROUP,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup,
	};

	return sys_clone3(&args);
}

pid_t sys_clone_child(uint64_t flags, int *ret_pidfd)
{
	const struct sys_clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = sys_clone3(&args);

	/* EPERM may be the kernel's own answer: then it is the older call's too. */
	if (pid >= 0 || (errno != ENOSYS && errno != EPERM))
		return pid;
	/* The first three arguments are the same on all architectures but s390 and cris. */
	return (pid_t)syscall(SYS_clone, (unsigned long)(flags | CLONE_PIDFD | SIGCHLD),
			      NULL, ret_pidfd, NULL, NULL);
}

/* The signal at its end is that of the caller's own (clone(2)). */
pid_t sys_clone_sibling(int *ret_pidfd)
{
	const struct sys_clone_args args = {
		.flags = CLONE_PARENT | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
	};
	pid_t pid = sys_clone3(&args);

	if (pid >= 0 || (errno != ENOSYS && errno != EPERM))
		return pid;
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_PARENT | CLONE_PIDFD),
			      NULL, ret_pidfd, NULL, NULL);
}

int sys_open_tree(int dir_fd, const char *path, unsigned int flags)
{
	return (int)syscall(NUMBER_OPEN_TREE, dir_fd, path, flags);
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to,
		   unsigned int flags)
{
	return (int)syscall(NUMBER_MOVE_MOUNT, from_fd, from, to_fd, to, flags);
}

int sys_fsopen(const char *type, unsigned int flags)
{
	return (int)syscall(NUMBER_FSOPEN, type, flags);
}

int sys_fsconfig(int fs_fd, unsigned int command, const char *key, const void *value,
		 int aux)
{
	return (int)syscall(NUMBER_FSCONFIG, fs_fd, command, key, value, aux);
}

int sys_fsmount(int fs_fd, unsigned int flags, unsigned int attributes)
{
	return (int)syscall(NUMBER_FSMOUNT, fs_fd, flags, attributes);
}

int sys_mount_setattr(int dir_fd, const char *path, unsigned int flags,
		      const struct sys_mount_attr *attr)
{
	return (int)syscall(NUMBER_MOUNT_SETATTR, dir_fd, path, flags, attr,
			    sizeof(*attr));
}

int sys_openat2(int dir_fd, const char *path, const struct sys_open_how *how)
{
	return (int)syscall(NUMBER_OPENAT2, dir_fd, path, how, sizeof(*how));
}

int sys_rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 1U << 0);
}

long sys_getdents64(int fd, void *records, size_t size)
{
	return syscall(SYS_getdents64, fd, records, size);
}

/* The number that the name of an entry of /proc/self/fd is; UINT_MAX for "." and "..". */
static unsigned int descriptor_of(const char *name)
{
	unsigned int number = 0;

	for (; *name; name++) {
		if (*name < '0' || *name > '9')
			return UINT_MAX;
		number = number * 10 + (unsigned int)(*name - '0');
	}
	return number;
}

static void close_listed(const char *records, long size, unsigned int first,
			 unsigned int last, int list)
{
	for (long at = 0; at < size;) {
		const struct sys_dirent *record = (const void *)(records + at);
		const unsigned int fd = descriptor_of(record->name);

		at += record->length;
		if (fd >= first && fd <= last && fd <= INT_MAX && (int)fd != list)
			(void)close((int)fd);
	}
}

/* The list goes on by numbers, so what is closed on the way does not disturb it. */
static int close_one_by_one(unsigned int first, unsigned int last)
{
	_Alignas(struct sys_dirent) char records[4096];
	const int list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long size;

	if (list < 0)
		return -1;
	while ((size = sys_getdents64(list, records, sizeof(records))) > 0)
		close_listed(records, size, first, last, list);
	(void)close(list);
	return size < 0 ? -1 : 0;
}

int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	if (syscall(NUMBER_CLOSE_RANGE, first, last, flags) == 0)
		return 0;
	if (flags || (errno != ENOSYS && errno != EPERM))
		return -1;
	return close_one_by_one(first, last);
}

int sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(NUMBER_PIDFD_OPEN, pid, flags);
}

int sys_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(NUMBER_PIDFD_SEND_SIGNAL, pidfd, signal, NULL, 0U);
}

int sys_seccomp(unsigned int operation, unsigned int flags, void *arguments)
{
	return (int)syscall(SYS_seccomp, operation, flags, arguments);
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

long sys_keyctl(int command, unsigned long a, unsigned long b, unsigned long c,
		unsigned long d)
{
	return syscall(SYS_keyctl, command, a, b, c, d);
}

int sys_setgroups(size_t count, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

int sys_setresuid(uid_t uid)
{
	return (int)syscall(SYS_setresuid, uid, uid, uid);
}

int sys_setresgid(gid_t gid)
{
	return (int)syscall(SYS_setresgid, gid, gid, gid);
}
