/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for the mounts of a container. Nothing is looked up by a path twice: what was
 * found is held by its descriptor, and mounted on by it. Below /dev, /proc and /sys the
 * walk goes name by name and through no link, so a root with a link there cannot lead a
 * procfs, a device or a cover elsewhere (CVE-2025-31133, CVE-2025-52565). In other places
 * links are followed inside of the root, but not into a procfs or sysfs: a volume that
 * hid a part of them would make a fool of us and of what runs inside (CVE-2025-52881).
 */
#include "userns/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- paths ----------------------------------------------------------------------------- */

/* The end of path without its last component. */
static size_t cut(const char *path, size_t length)
{
	while (length > 0 && path[length - 1] != '/')
		length--;
	return length > 0 ? length - 1 : 0;
}

int container_clean(const char *dest, char *ret_path)
{
	size_t used = 0;

	ret_path[0] = '\0';
	while (*dest) {
		const size_t length = strcspn(dest, "/");

		if (length == 2 && strncmp(dest, "..", 2) == 0) {
			used = cut(ret_path, used);
		} else if (length > 0 && !(length == 1 && *dest == '.')) {
			if (used + length + 2 > PATH_MAX) {
				errno = ENAMETOOLONG;
				return -1;
			}
			ret_path[used++] = '/';
			memcpy(ret_path + used, dest, length);
			used += length;
		}
		dest += length + (dest[length] == '/');
	}
	if (used == 0)
		ret_path[used++] = '/';
	ret_path[used] = '\0';
	return 0;
}

bool container_lies_in(const char *path, const char *top)
{
	for (; *top; path++, top++)
		if (*path != *top)
			return false;
	return *path == '\0' || *path == '/';
}

static bool allows_no_links(const char *path)
{
	return container_lies_in(path, "/dev") || container_lies_in(path, "/proc") ||
	       container_lies_in(path, "/sys");
}

/* ---- without links ----------------------------------------------------------------------- */

static int make_name(int dir, const char *name, bool directory)
{
	auto_close int file = -1;

	if (directory)
		return mkdirat(dir, name, 0755) < 0 && errno != EEXIST ? -1 : 0;
	file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0644);
	return file < 0 && errno != EEXIST ? -1 : 0;
}

/* One name of dir; ELOOP: it is a link. */
static int step(int dir, const char *name)
{
	auto_close int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	if (!S_ISLNK(status.st_mode))
		return fd_take(&fd);
	errno = ELOOP;
	return -1;
}

/* The same; what is missing is made. */
static int step_made(int dir, const char *name, bool directory)
{
	const int fd = step(dir, name);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	return make_name(dir, name, directory) < 0 ? -1 : step(dir, name);
}

/* path is clean. */
static int walk(int root, const char *path, bool makes, bool directory)
{
	auto_close int at = fcntl(root, F_DUPFD_CLOEXEC, 3);
	char name[NAME_MAX + 1];

	while (at >= 0 && *path == '/' && path[1]) {
		const size_t length = strcspn(++path, "/");
		int next;

		if (length > NAME_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		path += length;
		next = makes ? step_made(at, name, *path || directory) : step(at, name);
		fd_close(&at);
		at = next;
	}
	return fd_take(&at);
}

/* ---- with links that stay inside ----------------------------------------------------------- */

/* Where a place is reached by a link, it must not be one that others rely on. */
static int check_kind(int place)
{
	struct statfs where;

	if (fstatfs(place, &where) < 0)
		return -1;
	if (where.f_type != PROC_MAGIC && where.f_type != SYSFS_MAGIC)
		return 0;
	errno = ELOOP;
	return -1;
}

static int make_in_root(const struct container *container, const char *path,
			bool directory, bool nofollow)
{
	const int root = container->tree.root;
	char parent[PATH_MAX], name[NAME_MAX + 1];
	auto_close int dir = -1;
	const size_t length = cut(path, strlen(path));

	snprintf(parent, sizeof(parent), "%.*s/", (int)length, path);
	dir = files_make_dirs_in_root(root, parent, 0755);
	if (dir < 0 || check_kind(dir) < 0)
		return -1;
	if (nofollow)
		return step_made(dir, path + length + 1, directory);
	/* The last name may be a link to one that is not there yet. */
	fd_close(&dir);
	dir = files_open_parent_in_root(root, path, name);
	if (dir < 0 || check_kind(dir) < 0)
		return -1;
	return step_made(dir, name, directory);
}

static int find(const struct container *container, const char *path, bool nofollow)
{
	const int root = container->tree.root;
	auto_close int place = -1;

	if (allows_no_links(path) || strcmp(path, "/") == 0)
		return walk(root, path, false, false);
	place = files_open_in_root(root, path, O_PATH | (nofollow ? O_NOFOLLOW : 0), 0);
	if (place < 0 || check_kind(place) < 0)
		return -1;
	return fd_take(&place);
}

/* ---- places ---------------------------------------------------------------------------------- */

int container_find(const struct container *container, const char *dest)
{
	char path[PATH_MAX];

	return container_clean(dest, path) < 0 ? -1 : find(container, path, false);
}

static int find_or_make(const struct container *container, const char *path,
			bool directory, bool nofollow)
{
	const int place = find(container, path, nofollow);

	if (place >= 0 || errno != ENOENT)
		return place;
	if (allows_no_links(path))
		return walk(container->tree.root, path, true, directory);
	return make_in_root(container, path, directory, nofollow);
}

static int refuse_place(const char *dest, const char *path, struct error *err)
{
	if (errno == ELOOP && allows_no_links(path)) {
		error_set(err, ERROR_PLAIN,
			  "mount on %s: a part of it is a symbolic link in the root",
			  dest);
		return error_hint(err, "what lies below /dev, /proc and /sys is reached "
				       "through no link; mend the root file system");
	}
	if (errno == ELOOP)
		return error_set(err, ERROR_PLAIN,
				 "mount on %s: its links lead to /proc or /sys, or in a "
				 "circle",
				 dest);
	return error_errno_id(err, ERROR_MOUNT_POINT_MISSING, "mount on %s", dest);
}

int container_place(const struct container *container, const char *dest, bool directory,
		    bool nofollow, struct error *err)
{
	auto_close int place = -1;
	char path[PATH_MAX];
	struct stat status;

	if (container_clean(dest, path) < 0)
		return error_errno(err, "mount on %.64s", dest);
	if (strcmp(path, "/") == 0)
		return error_set(err, ERROR_USAGE, "mount on %s: it is the root itself",
				 dest);
	place = find_or_make(container, path, directory, nofollow);
	if (place < 0)
		return refuse_place(dest, path, err);
	if (fstat(place, &status) < 0)
		return error_errno(err, "look at %s", dest);
	if (S_ISDIR(status.st_mode) != directory) {
		errno = directory ? ENOTDIR : EISDIR;
		return error_errno(err, "mount on %s", dest);
	}
	return fd_take(&place);
}

int container_parent(const struct container *container, const char *dest, char *ret_name,
		     struct error *err)
{
	char path[PATH_MAX];
	auto_close int dir = -1;
	size_t length;

	if (container_clean(dest, path) < 0)
		return error_errno(err, "make %.64s", dest);
	length = cut(path, strlen(path));
	if (strlen(path + length) < 2 || strlen(path + length + 1) > NAME_MAX) {
		errno = EINVAL;
		return error_errno(err, "make %s", dest);
	}
	memcpy(ret_name, path + length + 1, strlen(path + length + 1) + 1);
	if (length == 0) {
		dir = fcntl(container->tree.root, F_DUPFD_CLOEXEC, 3);
	} else {
		path[length] = '\0';
		dir = container_place(container, path, true, false, err);
		return fd_take(&dir);
	}
	return dir < 0 ? error_errno(err, "make %s", dest) : fd_take(&dir);
}
