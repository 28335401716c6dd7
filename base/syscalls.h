/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_SYSCALLS_H
#define SBX_BASE_SYSCALLS_H

/*
 * System calls and constants that a C library may not have yet, under names of our own,
 * so that glibc and musl of any age build the same. Each behaves as its manual page says:
 * -1 and errno. Numbers that are the same on every architecture are given here; the
 * others come from <sys/syscall.h>.
 */

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/types.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#define SYS_CLONE_INTO_CGROUP 0x200000000ULL
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif
#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 1
#endif
#ifndef FSMOUNT_CLOEXEC
#define FSMOUNT_CLOEXEC 1
#endif
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV  0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum {
	SYS_FSCONFIG_SET_FLAG = 0,
	SYS_FSCONFIG_SET_STRING = 1,
	SYS_FSCONFIG_SET_FD = 5,
	SYS_FSCONFIG_CREATE = 6,
};

enum {
	SYS_RESOLVE_NO_XDEV = 0x01,
	SYS_RESOLVE_NO_MAGICLINKS = 0x02,
	SYS_RESOLVE_NO_SYMLINKS = 0x04,
	SYS_RESOLVE_BENEATH = 0x08,
	SYS_RESOLVE_IN_ROOT = 0x10,
};

/* A flag of seccomp(2) since 5.19. */
#define SYS_SECCOMP_WAIT_KILLABLE_RECV (1U << 5)

/* struct clone_args of clone3(2), its first published size and the cgroup. */
struct sys_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
	uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* struct mount_attr of mount_setattr(2). */
struct sys_mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

/* struct open_how of openat2(2). */
struct sys_open_how {
	uint64_t flags, mode, resolve;
};

/* As fork(2): 0 in the child. */
pid_t sys_clone3(const struct sys_clone_args *args);

/*
 * A child as of fork(2) with the flags of clone(2), SIGCHLD at its end, and a pidfd: by
 * clone3(2), or by clone(2) where a filter refuses the newer call.
 */
pid_t sys_clone_child(uint64_t flags, int *ret_pidfd);

/* The same by clone3(2) alone, and in that group of cgroup v2 from the beginning (5.7). */
pid_t sys_clone_into(uint64_t flags, int cgroup, int *ret_pidfd);

/* As of fork(2), but a child of the caller's parent (CLONE_PARENT), and a pidfd. */
pid_t sys_clone_sibling(int *ret_pidfd);
int sys_open_tree(int dir_fd, const char *path, unsigned int flags);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to,
		   unsigned int flags);
int sys_fsopen(const char *type, unsigned int flags);
int sys_fsconfig(int fs_fd, unsigned int command, const char *key, const void *value,
		 int aux);
int sys_fsmount(int fs_fd, unsigned int flags, unsigned int attributes);
int sys_mount_setattr(int dir_fd, const char *path, unsigned int flags,
		      const struct sys_mount_attr *attr);
int sys_openat2(int dir_fd, const char *path, const struct sys_open_how *how);

/* Without flags, where a filter refuses it, by what /proc/self/fd lists. */
int sys_close_range(unsigned int first, unsigned int last, unsigned int flags);

/* A record of getdents64(2); the next one begins `length` bytes behind it. */
struct sys_dirent {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* RENAME_NOREPLACE */
int sys_rename_new(int from_dir, const char *from, int to_dir, const char *to);

/* The bytes that were read, 0 at the end. records is aligned for struct sys_dirent. */
long sys_getdents64(int fd, void *records, size_t size);
int sys_pidfd_open(pid_t pid, unsigned int flags);
int sys_pidfd_send_signal(int pidfd, int signal);

/* arguments: of the operation; a descriptor is returned with NEW_LISTENER. */
int sys_seccomp(unsigned int operation, unsigned int flags, void *arguments);
int sys_pivot_root(const char *new_root, const char *put_old);
long sys_keyctl(int command, unsigned long a, unsigned long b, unsigned long c,
		unsigned long d);

/* By the raw calls: no id is changed behind the program's back by the C library. */
int sys_setgroups(size_t count, const gid_t *groups);
int sys_setresuid(uid_t uid);
int sys_setresgid(gid_t gid);

#endif
