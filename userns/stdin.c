/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that was opened for reading can be opened again for writing through
 * /proc/self/fd/0, wherever it lies. A mount that is read-only refuses that: so the file
 * is opened once more, below a read-only clone of its directory.
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* A read-only clone of the directory of path; *ret_name is the rest. */
static int open_readonly_parent(const char *path, const char **ret_name)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const struct sys_mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_close int clone = -1;
	size_t length;

	if (path[0] != '/' || !slash || strlen(path) >= sizeof(parent))
		return -1;
	length = slash == path ? 1 : (size_t)(slash - path);
	memcpy(parent, path, length);
	parent[length] = '\0';
	clone = sys_open_tree(AT_FDCWD, parent, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	/* Mounts below that are locked to it have to come along. */
	if (clone < 0)
		clone = sys_open_tree(AT_FDCWD, parent,
				      AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (clone < 0)
		return -1;
	/* A detached mount is in no mount table: without mount_setattr it cannot be done. */
	if (sys_mount_setattr(clone, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly) < 0)
		return -1;
	*ret_name = slash + 1;
	return fd_take(&clone);
}

int stdin_seal(int fd, const char *path, struct error *err)
{
	const char *name = NULL;
	auto_close int parent = open_readonly_parent(path, &name);
	auto_close int again = -1;
	struct stat before, after;
	off_t offset = lseek(fd, 0, SEEK_CUR);

	if (parent < 0 || offset < 0)
		return 1;
	again = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (again < 0 || fstat(fd, &before) < 0 || fstat(again, &after) < 0 ||
	    !files_same(&before, &after))
		return 1;
	if (fcntl(again, F_SETFL, 0) < 0 || lseek(again, offset, SEEK_SET) < 0)
		return error_errno(err, "open the standard input again");
	if (dup2(again, fd) < 0)
		return error_errno(err, "replace the standard input");
	return 0;
}
