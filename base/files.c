/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"

#include "base/arena.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/files_walk.h"
#include "base/syscalls.h"

/* ---- beneath a root ----------------------------------------------------------------- */

enum { TRIES_MAX = 32 };

/*
 * openat2 gives up with EAGAIN where something was renamed or mounted anywhere on the
 * machine while it stood at a "..".
 */
static int try_openat2(int root_fd, const char *path, int flags, mode_t mode)
{
	const struct sys_open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? mode
										   : 0,
		.resolve = SYS_RESOLVE_IN_ROOT | SYS_RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	for (int i = 0; i < TRIES_MAX; i++) {
		fd = sys_openat2(root_fd, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

int files_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	int fd = try_openat2(root_fd, path, flags, mode);

	if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
		return fd;
	return files_walk_open(root_fd, path, flags, mode);
}

/*
 * The common case costs two calls: the last name stands in the path as it is and is no
 * link. 0: it was so and *ret_fd is the parent, 1: it needs the walk, -1 and errno.
 */
static int open_plain_parent(int root_fd, const char *path, char *ret_name, int *ret_fd)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t parent_length = (size_t)(name - path);
	char parent[PATH_MAX], target[1];
	auto_close int fd = -1;

	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strlen(name) > NAME_MAX || parent_length >= sizeof(parent))
		return 1;
	memcpy(parent, path, parent_length);
	parent[parent_length] = '\0';
	fd = files_open_in_root(root_fd, parent_length > 0 ? parent : "/",
				O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return -1;
	if (readlinkat(fd, name, target, sizeof(target)) >= 0)
		return 1;
	if (errno != EINVAL && errno != ENOENT)
		return -1;
	memcpy(ret_name, name, strlen(name) + 1);
	*ret_fd = fd_take(&fd);
	return 0;
}

int files_open_parent_in_root(int root_fd, const char *path, char *ret_name)
{
	int fd = -1;

	switch (open_plain_parent(root_fd, path, ret_name, &fd)) {
	case 0:
		return fd;
	case 1:
		return files_walk_parent(root_fd, path, ret_name);
	default:
		return -1;
	}
}

int files_make_dirs_in_root(int root_fd, const char *path, mode_t mode)
{
	int fd = files_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	return files_walk_make_dirs(root_fd, path, mode);
}

/* ---- whole files -------------------------------------------------------------------- */

ssize_t files_read(int dir_fd, const char *path, char *buffer, size_t max)
{
	auto_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = fd_read_all(fd, buffer, max + 1);
	if (length < 0)
		return -1;
	if ((size_t)length > max) {
		errno = EFBIG;
		return -1;
	}
	buffer[length] = '\0';
	return length;
}

/* A file of procfs takes its text in one call or not at all. */
int files_write(int dir_fd, const char *path, const char *text)
{
	auto_close int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC);
	size_t length = strlen(text);
	ssize_t written;

	if (fd < 0)
		return -1;
	do {
		written = write(fd, text, length);
	} while (written < 0 && errno == EINTR);
	if (written < 0)
		return -1;
	if ((size_t)written != length) {
		errno = EIO;
		return -1;
	}
	return 0;
}

/* A new file beside path. Its name is left in name (size bytes). */
static int create_beside(int dir_fd, const char *path, char *name, size_t size)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		uint64_t number = 0;
		int length, fd;

		if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
			return -1;
		length = snprintf(name, size, "%s.%016" PRIx64, path, number);
		if (length < 0 || (size_t)length >= size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		fd = openat(dir_fd, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static int fill(int fd, const char *text, size_t length, mode_t mode)
{
	return fchmod(fd, mode) < 0 ? -1 : fd_write_all(fd, text, length);
}

int files_replace(int dir_fd, const char *path, const char *text, size_t length,
		  mode_t mode)
{
	char name[PATH_MAX];
	auto_close int fd = create_beside(dir_fd, path, name, sizeof(name));
	int errnum;

	if (fd < 0)
		return -1;
	if (fill(fd, text, length, mode) == 0 &&
	    renameat(dir_fd, name, dir_fd, path) == 0)
		return 0;
	errnum = errno;
	unlinkat(dir_fd, name, 0);
	errno = errnum;
	return -1;
}

int files_hold_place(const char *path, struct files_place *ret_place)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char dir[PATH_MAX] = ".";

	if (!*name || (size_t)(name - path) >= sizeof(dir)) {
		errno = *name ? ENAMETOOLONG : EISDIR;
		return -1;
	}
	if (slash) {
		memcpy(dir, path, (size_t)(name - path));
		dir[name - path] = '\0';
	}
	*ret_place = (struct files_place){
		.dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.name = name,
	};
	return ret_place->dir < 0 ? -1 : 0;
}

/* ---- removing ----------------------------------------------------------------------- */

/*
 * Directories are emptied one inside the other down to DEPTH_MAX, each with a descriptor
 * and a buffer; one that lies deeper is first moved up into the top directory, where its
 * turn comes, so that no depth of a tree can exhaust anything.
 */
enum { DEPTH_MAX = 24 };

struct removal {
	int top_fd;
	dev_t device;
	int errnum; /* the first thing that did not work; 0: none yet */
	unsigned int moved;
};

struct entry {
	uint64_t inode;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

/* As the reader of a directory gives them: struct linux_dirent64 of getdents64(2). */
union entries {
	char bytes[4096];
	struct entry align;
};

static void note(struct removal *removal)
{
	if (removal->errnum == 0)
		removal->errnum = errno;
}

/* A directory of ours may have a mode that keeps us out. */
static void make_accessible(int parent_fd, const char *name)
{
	auto_close int fd =
		openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[64];

	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* If this fails, so does the second try to open, and that is what is told. */
	if (chmod(path, 0700) < 0)
		return;
}

static int open_to_empty(const struct removal *removal, int parent_fd, const char *name)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_close int fd = openat(parent_fd, name, flags);
	struct stat stat;

	if (fd < 0 && errno == EACCES) {
		make_accessible(parent_fd, name);
		fd = openat(parent_fd, name, flags);
	}
	if (fd < 0 || fstat(fd, &stat) < 0)
		return -1;
	if (removal->top_fd >= 0 && stat.st_dev != removal->device) {
		errno = EXDEV;
		return -1;
	}
	if ((stat.st_mode & 0700) != 0700 && fchmod(fd, stat.st_mode | 0700) < 0)
		return -1;
	return fd_take(&fd);
}

static void remove_directory(struct removal *removal, int parent_fd, const char *name,
			     unsigned int depth);

/* Gives a directory that lies too deep a place in the top directory. */
static void move_up(struct removal *removal, int parent_fd, const char *name)
{
	char new_name[48];

	snprintf(new_name, sizeof(new_name), ".removed.%ld.%u", (long)getpid(),
		 removal->moved++);
	if (renameat(parent_fd, name, removal->top_fd, new_name) < 0 && errno != ENOENT)
		note(removal);
}

/*
 * Removes a directory unless something is in it. A mount point (EBUSY) is none to empty:
 * what is mounted there may be a bind of the same file system. errno is 0 when it is gone.
 */
static bool is_to_empty(int parent_fd, const char *name)
{
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		errno = 0;
	return errno == ENOTEMPTY || errno == EEXIST;
}

static void remove_entry(struct removal *removal, int parent_fd, const char *name,
			 unsigned int depth)
{
	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return;
	if (errno != EISDIR || !is_to_empty(parent_fd, name)) {
		if (errno != 0)
			note(removal);
		return;
	}
	if (depth >= DEPTH_MAX)
		move_up(removal, parent_fd, name);
	else
		remove_directory(removal, parent_fd, name, depth);
}

/* One pass over a directory. Returns how many entries it had, -1 and errno. */
static long empty_once(struct removal *removal, int fd, unsigned int depth)
{
	union entries entries;
	long seen = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	for (;;) {
		long size =
			syscall(SYS_getdents64, fd, entries.bytes, sizeof(entries.bytes));

		if (size <= 0)
			return size < 0 ? -1 : seen;
		for (long at = 0; at < size;) {
			const struct entry *entry =
				(const struct entry *)(const void *)(entries.bytes + at);

			at += entry->size;
			if (strcmp(entry->name, ".") == 0 ||
			    strcmp(entry->name, "..") == 0)
				continue;
			remove_entry(removal, fd, entry->name, depth + 1);
			seen++;
		}
	}
}

/* Some file systems leave entries out of a list that is changed while it is read. */
static void empty_directory(struct removal *removal, int fd, unsigned int depth)
{
	while (removal->errnum == 0) {
		long seen = empty_once(removal, fd, depth);

		if (seen < 0)
			note(removal);
		if (seen <= 0)
			return;
	}
}

static void remove_directory(struct removal *removal, int parent_fd, const char *name,
			     unsigned int depth)
{
	auto_close int fd = open_to_empty(removal, parent_fd, name);

	if (fd < 0) {
		if (errno != ENOENT)
			note(removal);
		return;
	}
	empty_directory(removal, fd, depth);
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		note(removal);
}

static int remove_top(struct removal *removal, int dir_fd, const char *name)
{
	auto_close int fd = open_to_empty(removal, dir_fd, name);
	struct stat stat;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &stat) < 0)
		return -1;
	removal->top_fd = fd;
	removal->device = stat.st_dev;
	empty_directory(removal, fd, 0);
	if (removal->errnum != 0) {
		errno = removal->errnum;
		return -1;
	}
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

int files_remove_tree(int dir_fd, const char *name)
{
	struct removal removal = { .top_fd = -1 };

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	if (is_to_empty(dir_fd, name))
		return remove_top(&removal, dir_fd, name);
	return errno == 0 ? 0 : -1;
}

int files_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* struct statx, of which older C libraries do not know all: where its members are. */
enum {
	IDENTITY_MASK = 0x103, /* type, mode, inode */
	MOUNT_MASK = 0x1000,
	MASK_AT = 0,
	MODE_AT = 28,
	INODE_AT = 32,
	DEVICE_AT = 136, /* major and minor number */
	MOUNT_AT = 0x90,
	STATUS_SIZE = 256,
};

static bool find_mount_id(const unsigned char *status, uint64_t *ret_id)
{
	uint32_t mask;

	memcpy(&mask, status + MASK_AT, sizeof(mask));
	if (!(mask & MOUNT_MASK))
		return false;
	memcpy(ret_id, status + MOUNT_AT, sizeof(*ret_id));
	return true;
}

bool files_mount_id(int fd, uint64_t *ret_id)
{
	unsigned char status[STATUS_SIZE] = { 0 };

	return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, MOUNT_MASK, status) == 0 &&
	       find_mount_id(status, ret_id);
}

/* Where a filter knows no statx(2). */
static int identify_by_stat(const char *path, struct files_identity *ret_identity)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -1;
	*ret_identity = (struct files_identity){
		.device = { major(status.st_dev), minor(status.st_dev) },
		.inode = status.st_ino,
		.mode = status.st_mode,
	};
	return 0;
}

int files_identify(const char *path, struct files_identity *ret_identity)
{
	unsigned char status[STATUS_SIZE] = { 0 };
	struct files_identity identity = { 0 };
	uint16_t mode;

	if (syscall(SYS_statx, AT_FDCWD, path, 0, IDENTITY_MASK | MOUNT_MASK, status) < 0)
		return errno == ENOSYS || errno == EPERM
			       ? identify_by_stat(path, ret_identity)
			       : -1;
	memcpy(&mode, status + MODE_AT, sizeof(mode));
	memcpy(&identity.inode, status + INODE_AT, sizeof(identity.inode));
	memcpy(identity.device, status + DEVICE_AT, sizeof(identity.device));
	identity.mode = mode;
	identity.has_mount = find_mount_id(status, &identity.mount);
	*ret_identity = identity;
	return 0;
}

bool files_identical(const struct files_identity *a, const struct files_identity *b)
{
	if (a->inode != b->inode || a->device[0] != b->device[0] ||
	    a->device[1] != b->device[1])
		return false;
	return !a->has_mount || !b->has_mount || a->mount == b->mount;
}

bool files_same_mount(int a, int b)
{
	uint64_t mount_a, mount_b;

	return !files_mount_id(a, &mount_a) || !files_mount_id(b, &mount_b) ||
	       mount_a == mount_b;
}

char *files_read_all(struct arena *arena, int fd, size_t max, size_t *ret_length)
{
	struct stat status;
	size_t size = 4096, used = 0;
	char *text;

	if (fstat(fd, &status) == 0 && status.st_size > 0 && (size_t)status.st_size < max)
		size = (size_t)status.st_size + 1;
	text = arena_alloc(arena, size + 1);
	for (;;) {
		const ssize_t count = fd_read_all(fd, text + used, size - used);
		char *larger;

		if (count < 0)
			return NULL;
		used += (size_t)count;
		if (used > max) {
			errno = EFBIG;
			return NULL;
		}
		if (used < size)
			break;
		larger = arena_alloc(arena, size * 2 + 1);
		memcpy(larger, text, used);
		text = larger;
		size *= 2;
	}
	text[used] = '\0';
	*ret_length = used;
	return text;
}

int files_check_owner(int fd, mode_t forbidden)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	if (status.st_uid == geteuid() && !(status.st_mode & forbidden))
		return 0;
	errno = EPERM;
	return -1;
}
