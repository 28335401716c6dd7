/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modes and times of directories wait for the end of the layer: each file that is made in a
 * directory changes its time, and a mode without w would be in the way of whoever has no
 * capabilities over it.
 */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FIRST_SIZE = 4096 };

/* One of them, before the bytes that its path does not share with the one before it. */
struct waiting {
	int64_t seconds;
	uint32_t nanoseconds;
	uint16_t mode, shared, own;
};

void later_free(struct later *later)
{
	free(later->bytes);
	*later = (struct later){ 0 };
}

static int make_room(struct later *later, size_t wanted, struct error *err)
{
	size_t size = later->size > 0 ? later->size : FIRST_SIZE;
	unsigned char *bytes;

	while (size < later->used + wanted)
		size *= 2;
	if (size == later->size)
		return 0;
	bytes = realloc(later->bytes, size);
	if (!bytes)
		return error_errno_id(err, ERROR_RESOURCES, "remember a directory");
	later->bytes = bytes;
	later->size = size;
	return 0;
}

static size_t shared_length(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] != '\0' && a[length] == b[length])
		length++;
	return length;
}

int later_add(struct later *later, int root, const char *path, unsigned int mode,
	      struct timespec time, struct error *err)
{
	struct waiting waiting = {
		.seconds = time.tv_sec,
		.nanoseconds = (uint32_t)time.tv_nsec,
		.mode = (uint16_t)mode,
	};
	size_t shared;
	size_t own;

	if (later->used + sizeof(waiting) + EXTRACT_PATH_MAX > LATER_MAX &&
	    later_apply(later, root, err) < 0)
		return -1;
	shared = shared_length(path, later->last);
	own = strlen(path + shared);
	waiting.shared = (uint16_t)shared;
	waiting.own = (uint16_t)own;
	if (make_room(later, sizeof(waiting) + own, err) < 0)
		return -1;
	memcpy(later->bytes + later->used, &waiting, sizeof(waiting));
	memcpy(later->bytes + later->used + sizeof(waiting), path + shared, own);
	memcpy(later->last + shared, path + shared, own + 1);
	later->used += sizeof(waiting) + own;
	return 0;
}

/*
 * The directory before, and how long its path is. What lies in it is opened from there: a
 * chain of directories would take the square of its length.
 */
struct before {
	int fd;
	size_t length;
};

static int open_waiting(int root, const struct before *before, const char *path,
			size_t shared)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	const char *rest = path + before->length;

	if (before->fd >= 0 && before->length > 0 && shared >= before->length &&
	    rest[0] == '/' && rest[1] != '/' && rest[1] != '\0')
		return openat(before->fd, rest + 1, flags);
	return openat(root, path[0] != '\0' ? path : ".", flags);
}

/* What is no directory any more was replaced meanwhile. */
static int apply_one(int root, const char *path, const struct waiting *waiting,
		     struct before *before)
{
	const struct timespec time = { .tv_sec = (time_t)waiting->seconds,
				       .tv_nsec = (long)waiting->nanoseconds };
	const struct timespec times[2] = { time, time };
	auto_close int fd = open_waiting(root, before, path, waiting->shared);
	auto_close int left = fd_take(&before->fd);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	if (waiting->mode != LATER_KEEPS_MODE && fchmod(fd, waiting->mode) < 0)
		return -1;
	if (futimens(fd, times) < 0)
		return -1;
	(void)left;
	before->fd = fd_take(&fd);
	before->length = (size_t)waiting->shared + waiting->own;
	return 0;
}

int later_apply(struct later *later, int root, struct error *err)
{
	struct before before = { .fd = -1 };
	char path[EXTRACT_PATH_MAX + 1] = "";
	char shown[SHOWN_MAX + 4];
	size_t at = 0;
	int failed = 0;

	while (at < later->used && !failed) {
		struct waiting waiting;

		memcpy(&waiting, later->bytes + at, sizeof(waiting));
		at += sizeof(waiting);
		memcpy(path + waiting.shared, later->bytes + at, waiting.own);
		path[waiting.shared + waiting.own] = '\0';
		at += waiting.own;
		failed = apply_one(root, path, &waiting, &before);
	}
	if (failed)
		error_errno_id(err, ERROR_IMAGE, "set mode and time of directory %s",
			       extract_shown(path, shown));
	fd_close(&before.fd);
	if (failed)
		return -1;
	later->used = 0;
	later->last[0] = '\0';
	return 0;
}
