/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of sbx-image. Whatever a name in an archive is (absolute, full of "..", through
 * links that the archive made before), the kernel resolves it from the root of the process
 * and never above it. So the target becomes that root, with nothing else mounted, and what
 * was there before is let go of: pivot_root(2).
 */
#include "image/confine_parts.h"
#include "image/tasks.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STACKED_MAX = 16 };

static int make_private(struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno_id(err, ERROR_IMAGE, "make the mounts private");
	return 0;
}

/*
 * Unmounting "." takes the topmost of what is stacked there, so it goes on until the old
 * root itself is gone: then "." is no place of this namespace any more (umount(2)).
 */
static int let_go(struct error *err)
{
	for (int i = 0; i < STACKED_MAX; i++) {
		if (umount2(".", MNT_DETACH) == 0)
			continue;
		if (errno == EINVAL && i > 0)
			return 0;
		break;
	}
	return error_errno_id(err, ERROR_IMAGE, "let go of the old root");
}

/*
 * A detached mount becomes the root: stacked on "/", and then, since pivot_root(2) allows both
 * names to be the same directory, under it.
 */
int confine_enter(int root, struct error *err)
{
	auto_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return error_errno_id(err, ERROR_IMAGE, "open the old root");
	if (sys_move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(root) < 0 || sys_pivot_root(".", ".") < 0)
		return error_errno_id(err, ERROR_IMAGE, "enter the root of sbx-image");
	if (fchdir(old) < 0)
		return error_errno_id(err, ERROR_IMAGE, "enter the old root");
	if (let_go(err) < 0)
		return -1;
	if (chdir("/") < 0)
		return error_errno_id(err, ERROR_IMAGE, "stand at the new root");
	return 0;
}

/* ---- in memory --------------------------------------------------------------------------- */

static int set_text(int fs, const char *key, const char *value)
{
	return value ? sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, key, value, 0) : 0;
}

/* size and inodes NULL: the kernel's default, half of the memory. */
static int make_memory(const char *size, const char *inodes, unsigned int attributes,
		       struct error *err)
{
	auto_close int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0 || set_text(fs, "size", size) < 0 ||
	    set_text(fs, "nr_inodes", inodes) < 0 || set_text(fs, "mode", "0755") < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return error_errno_id(err, ERROR_IMAGE, "make a file system in memory");
	mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	if (mount < 0)
		return error_errno_id(err, ERROR_IMAGE, "mount a file system in memory");
	return mount;
}

int confine_to_nothing(struct error *err)
{
	auto_close int root = -1;

	if (make_private(err) < 0)
		return -1;
	root = make_memory("4096", "2",
			   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				   MOUNT_ATTR_NOEXEC,
			   err);
	return root < 0 ? -1 : confine_enter(root, err);
}

int confine_to_memory(uint64_t size, struct error *err)
{
	auto_close int root = -1;
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	if (make_private(err) < 0)
		return -1;
	root = make_memory(size ? text : NULL, NULL, 0, err);
	return root < 0 ? -1 : confine_enter(root, err);
}

/* ---- a directory ------------------------------------------------------------------------- */

static int open_directory(const char *path, struct error *err)
{
	const int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno_id(err, ERROR_IMAGE, "open %s", path);
	return fd;
}

/*
 * A mount of the directory alone, which nothing else is seen through. The kernel refuses it
 * where another file system is mounted below (EINVAL): that one would be uncovered.
 */
int confine_clone_directory(int dir, const char *name, struct error *err)
{
	const int clone = sys_open_tree(
		dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (clone >= 0)
		return clone;
	if (errno != EINVAL)
		return error_errno_id(err, ERROR_IMAGE, "take %s as a root", name);
	error_set(err, ERROR_IMAGE,
		  "take %s as a root: a file system is mounted below it", name);
	return error_hint(err, "take a directory that has none below it");
}

int confine_to_fd(int dir, const char *name, struct error *err)
{
	auto_close int root = -1;

	if (make_private(err) < 0)
		return -1;
	root = confine_clone_directory(dir, name, err);
	return root < 0 ? -1 : confine_enter(root, err);
}

int confine_to_directory(const char *path, struct error *err)
{
	auto_close int dir = open_directory(path, err);

	return dir < 0 ? -1 : confine_to_fd(dir, path, err);
}

int confine_open_source(const char *path, struct error *err)
{
	const struct sys_mount_attr read_only = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC,
	};
	auto_close int dir = open_directory(path, err);
	auto_close int clone = -1;
	int fd;

	if (dir < 0)
		return -1;
	clone = sys_open_tree(dir, "",
			      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
				      OPEN_TREE_CLOEXEC);
	/* Before 5.12 a mount that is nowhere cannot be changed; nothing writes to it anyway. */
	if (clone < 0 ||
	    (sys_mount_setattr(clone, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only) < 0 &&
	     errno != ENOSYS))
		return error_errno_id(err, ERROR_IMAGE, "open %s", path);
	fd = openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno_id(err, ERROR_IMAGE, "open %s", path);
	return fd;
}

int confine_clone_root(struct error *err)
{
	const int clone =
		sys_open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (clone < 0)
		return error_errno_id(err, ERROR_IMAGE, "hand out what was unpacked");
	return clone;
}
