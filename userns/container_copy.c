/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tmpfs begins with (tmpcopyup): the files below a directory of the root, by
 * descriptors and without following a link.
 */
#include "userns/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 };

static int copy_dir(int from, int to, unsigned int depth, struct error *err);

/* Owner before mode: chown(2) takes set-id bits away. Ids that are not mapped stay ours. */
static int copy_owner(int dir, const char *name, const struct stat *status)
{
	if (fchownat(dir, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) <
		    0 &&
	    errno != EINVAL && errno != EPERM)
		return -1;
	if (!S_ISLNK(status->st_mode) &&
	    fchmodat(dir, name, status->st_mode & 07777, 0) < 0)
		return -1;
	return 0;
}

static int copy_times(int dir, const char *name, const struct stat *status)
{
	const struct timespec times[] = { status->st_atim, status->st_mtim };

	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_link(int from, int to, const char *name)
{
	char target[PATH_MAX];
	const ssize_t length = readlinkat(from, name, target, sizeof(target) - 1);

	if (length < 0)
		return -1;
	target[length] = '\0';
	return symlinkat(target, to, name);
}

static int copy_file(int from, int to, const char *name)
{
	auto_close int source =
		openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_close int file = -1;

	if (source < 0)
		return -1;
	file = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0600);
	return file < 0 ? -1 : fd_copy_all(source, file);
}

static int copy_below(int from, int to, const char *name, unsigned int depth,
		      struct error *err)
{
	auto_close int source =
		openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int dir = -1;

	if (source < 0 || mkdirat(to, name, 0700) < 0)
		return error_errno(err, "copy the directory %s", name);
	dir = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "copy the directory %s", name);
	return copy_dir(source, dir, depth + 1, err);
}

static int copy_kind(int from, int to, const char *name, const struct stat *status,
		     unsigned int depth, struct error *err)
{
	int failed;

	switch (status->st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_below(from, to, name, depth, err);
	case S_IFLNK:
		failed = copy_link(from, to, name);
		break;
	case S_IFREG:
		failed = copy_file(from, to, name);
		break;
	default:
		failed = mknodat(to, name, status->st_mode, status->st_rdev);
		break;
	}
	return failed < 0 ? error_errno(err, "copy %s", name) : 0;
}

static int copy_entry(int from, int to, const char *name, unsigned int depth,
		      struct error *err)
{
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "look at %s", name);
	if (copy_kind(from, to, name, &status, depth, err) < 0)
		return -1;
	if (copy_owner(to, name, &status) < 0 || copy_times(to, name, &status) < 0)
		return error_errno(err, "give %s to its owner", name);
	return 0;
}

static int copy_records(int from, int to, const char *records, long size,
			unsigned int depth, struct error *err)
{
	for (long at = 0; at < size;) {
		const struct sys_dirent *record = (const void *)(records + at);

		at += record->length;
		if (strcmp(record->name, ".") == 0 || strcmp(record->name, "..") == 0)
			continue;
		if (copy_entry(from, to, record->name, depth, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_dir(int from, int to, unsigned int depth, struct error *err)
{
	_Alignas(struct sys_dirent) char records[2048];
	long size;

	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_RESOURCES,
				 "copy directories more than %d deep", DEPTH_MAX);
	while ((size = sys_getdents64(from, records, sizeof(records))) > 0)
		if (copy_records(from, to, records, size, depth, err) < 0)
			return -1;
	return size < 0 ? error_errno(err, "list a directory") : 0;
}

/* The mode of the new one was set when it was made. */
int container_copy(int from_dir, int to_dir, bool owned, struct error *err)
{
	auto_close int from = openat(from_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int to = openat(to_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (from < 0 || to < 0 || fstat(from, &status) < 0)
		return error_errno(err, "open what is there");
	if (copy_dir(from, to, 0, err) < 0)
		return -1;
	if (owned && fchown(to, status.st_uid, status.st_gid) < 0 && errno != EINVAL &&
	    errno != EPERM)
		return error_errno(err, "give it to its owner");
	return 0;
}
