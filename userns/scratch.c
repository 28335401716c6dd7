/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int tree_own(struct tree *tree, int fd, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_errno(err, "look at a new file system");
	if (tree_is_own(tree, &status))
		return 0;
	if (tree->own_count == TREE_OWN_MAX)
		return error_set(err, ERROR_RESOURCES, "make more than %d file systems",
				 TREE_OWN_MAX);
	tree->own[tree->own_count++] = status.st_dev;
	return 0;
}

bool tree_is_own(const struct tree *tree, const struct stat *status)
{
	if (protection_is_off("own directories"))
		return true;
	for (size_t i = 0; i < tree->own_count; i++)
		if (tree->own[i] == status->st_dev)
			return true;
	return false;
}

int tree_close_late(struct tree *tree, int mount_fd, struct error *err)
{
	if (tree->late_count == TREE_LATE_MAX) {
		close(mount_fd);
		return error_set(err, ERROR_RESOURCES,
				 "make more than %d places for mounts", TREE_LATE_MAX);
	}
	tree->late[tree->late_count++] = mount_fd;
	return 0;
}

/* Upwards from a mount to dir, or to the root, where ".." leads no further. */
static bool is_below(int mount_fd, const struct stat *dir)
{
	auto_close int at = openat(mount_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat status = { 0 };

	for (int depth = 0; at >= 0 && depth < PATH_MAX / 2; depth++) {
		const struct stat before = status;
		int parent;

		if (fstat(at, &status) < 0 || files_same(&status, &before))
			return false;
		if (files_same(&status, dir))
			return true;
		parent = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_close(&at);
		at = parent;
	}
	return false;
}

int tree_close_below(struct tree *tree, const struct stat *dir, struct error *err)
{
	for (size_t i = 0; i < tree->late_count;) {
		if (!is_below(tree->late[i], dir)) {
			i++;
			continue;
		}
		if (mount_change(tree, tree->late[i], MOUNT_ATTR_RDONLY, 0, false, err) <
		    0)
			return -1;
		fd_close(&tree->late[i]);
		tree->late[i] = tree->late[--tree->late_count];
	}
	return 0;
}

/* A new tmpfs is allowed to everybody: a filter refuses the call, or the kernel is old. */
static int refuse_scratch(struct error *err)
{
	if (err->errnum == ENOSYS || err->errnum == EPERM)
		err->id = ERROR_KERNEL;
	return error_within(err, "make the scratch space");
}

int scratch_open(struct tree *tree, struct error *err)
{
	auto_close int scratch = -1;
	char size[32];
	const char *options[] = { "mode", "0755", "size", size, NULL };

	snprintf(size, sizeof(size), "%llu",
		 (unsigned long long)tree->spec->scratch_size);
	if (tree->spec->scratch_size == 0)
		options[2] = NULL;
	scratch = mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	if (scratch < 0)
		return refuse_scratch(err);
	if (tree_own(tree, scratch, err) < 0)
		return -1;
	/*
	 * Look-ups from "/" do not see what is stacked on it, but "/.." does: a root that is
	 * not left by a pivot hides the scratch space below its own /dev.
	 */
	if (sys_move_mount(scratch, "", AT_FDCWD, tree->pivots ? "/" : "/dev",
			   MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno_id(err, ERROR_KERNEL, "place the scratch space");
	tree->scratch = fd_take(&scratch);
	return 0;
}

int scratch_dir(struct tree *tree, mode_t mode, struct error *err)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%u", tree->used++);
	if (mkdirat(tree->scratch, name, mode) < 0)
		return error_errno(err, "make a directory of the scratch space");
	fd = openat(tree->scratch, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open a directory of the scratch space");
	return fd;
}

int scratch_clone(int dir_fd, struct error *err)
{
	int fd = sys_open_tree(dir_fd, "",
			       AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return error_errno_id(err, ERROR_KERNEL,
				      "clone a directory of the scratch space");
	return fd;
}

int scratch_place(struct tree *tree, const char *dest, mode_t mode, struct error *err)
{
	auto_close int dir = scratch_dir(tree, mode, err);
	auto_close int clone = -1;

	if (dir < 0)
		return -1;
	clone = scratch_clone(dir, err);
	if (clone < 0)
		return -1;
	if (mount_place(tree, clone, dest, true, err) < 0)
		return -1;
	return fd_take(&clone);
}
