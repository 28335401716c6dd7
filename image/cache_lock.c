/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of the cache (flock(2)). A lock file moves with its directory, and may be gone when
 * its lock is got: so each is looked at again afterwards. The lock is of the open file: what
 * is forked shares it, and it is free when the last of them is gone, however that was.
 */
#include "image/cache.h"

#include "base/fd.h"
#include "base/files.h"
#include "image/cache_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

/* Where nothing can be written (EROFS, EACCES), a shared lock needs no more than reading. */
static int open_lock(int dir, enum cache_lock_kind kind)
{
	const bool make = kind == CACHE_LOCK_NEW || kind == CACHE_LOCK_ANY;
	const int flags = O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	int fd = openat(dir, "lock", O_RDWR | flags | (make ? O_CREAT : 0), 0600);

	if (fd < 0 && kind == CACHE_LOCK_SHARED && (errno == EROFS || errno == EACCES))
		fd = openat(dir, "lock", O_RDONLY | flags);
	return fd;
}

/* ENOENT where the name leads to another file by now, or to none. */
static int check_current(const struct cache *cache, const char *path, int fd)
{
	char name[PATH_MAX];
	struct stat locked, found;

	snprintf(name, sizeof(name), "%s/lock", path);
	if (fstat(fd, &locked) < 0 ||
	    fstatat(cache->dir, name, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (files_same(&locked, &found))
		return 0;
	errno = ENOENT;
	return -1;
}

int cache_lock(const struct cache *cache, const char *path, enum cache_lock_kind kind)
{
	const bool shared = kind == CACHE_LOCK_SHARED || kind == CACHE_LOCK_NEW;
	auto_close int dir =
		openat(cache->dir, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int fd = dir < 0 ? -1 : open_lock(dir, kind);

	if (fd < 0 || flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0 ||
	    check_current(cache, path, fd) < 0)
		return -1;
	return fd_take(&fd);
}

int cache_await_lock(const struct cache *cache, const char *path,
		     enum cache_lock_kind kind)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0;; i++) {
		const int fd = cache_lock(cache, path, kind);

		if (fd >= 0 || errno != EWOULDBLOCK || i == CACHE_LOCK_WAIT_MS)
			return fd;
		nanosleep(&pause, NULL);
	}
}
