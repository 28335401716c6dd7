/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "image/input.h"

enum { LINKS_MAX = 8 };

struct blobs *blobs_of_directory(int dir_fd, struct error *err)
{
	struct blobs *blobs = calloc(1, sizeof(*blobs));

	if (!blobs) {
		error_errno(err, "read an image");
		return NULL;
	}
	blobs->dir = dir_fd;
	blobs->file = -1;
	blobs->memory = -1;
	return blobs;
}

void blobs_free(struct blobs *blobs)
{
	if (!blobs)
		return;
	fd_close(&blobs->memory);
	arena_free(&blobs->arena);
	free(blobs);
}

/* How long the path is without its last component. */
static size_t length_above(const char *path, size_t length)
{
	while (length > 0 && path[length - 1] != '/')
		length--;
	return length > 0 ? length - 1 : 0;
}

const char *blobs_resolve(const char *base, const char *path, struct arena *arena)
{
	char *result = arena_alloc(arena, strlen(base) + strlen(path) + 2);
	size_t used = path[0] == '/' ? 0 : strlen(base);
	size_t length;

	memcpy(result, base, used);
	for (; *path; path += length) {
		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 0 || (length == 1 && path[0] == '.'))
			continue;
		if (length == 2 && path[0] == '.' && path[1] == '.') {
			if (used == 0)
				return NULL;
			used = length_above(result, used);
			continue;
		}
		if (used > 0)
			result[used++] = '/';
		memcpy(result + used, path, length);
		used += length;
	}
	result[used] = '\0';
	return used == 0 ? NULL : result;
}

static int compare(const void *key, const void *member)
{
	const struct blob *blob = member;

	return strcmp(key, blob->name);
}

/* Links followed. NULL: it is not there. */
static const struct blob *find(const struct blobs *blobs, const char *name)
{
	for (int i = 0; i < LINKS_MAX && name && blobs->count > 0; i++) {
		const struct blob *blob =
			bsearch(name, blobs->list, blobs->count, sizeof(*blob), compare);

		if (!blob || !blob->link)
			return blob;
		name = blob->link;
	}
	return NULL;
}

/* Not blocking: whatever lies there, nobody is waited for. */
static int open_file(const struct blobs *blobs, const char *name, struct stat *ret_file)
{
	auto_close int fd = files_open_in_root(
		blobs->dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);

	if (fd < 0 || fstat(fd, ret_file) < 0)
		return -1;
	if (!S_ISREG(ret_file->st_mode)) {
		errno = EINVAL;
		return -1;
	}
	return fd_take(&fd);
}

bool blobs_have(const struct blobs *blobs, const char *name)
{
	struct stat file;
	auto_close int fd = -1;

	if (blobs->dir < 0)
		return find(blobs, name);
	fd = open_file(blobs, name, &file);
	return fd >= 0;
}

static int place_in_archive(const struct blobs *blobs, const char *name, int *ret_fd,
			    uint64_t *ret_offset, uint64_t *ret_size, struct error *err)
{
	const struct blob *blob = find(blobs, name);
	int fd;

	if (!blob)
		return error_set(err, ERROR_IMAGE, "find %s in the image", name);
	fd = fcntl(blob->in_memory ? blobs->memory : blobs->file, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, "read %s of the image", name);
	*ret_fd = fd;
	*ret_offset = blob->offset;
	*ret_size = blob->size;
	return 0;
}

int blobs_place(const struct blobs *blobs, const char *name, int *ret_fd,
		uint64_t *ret_offset, uint64_t *ret_size, struct error *err)
{
	struct stat file;
	int fd;

	if (blobs->dir < 0)
		return place_in_archive(blobs, name, ret_fd, ret_offset, ret_size, err);
	fd = open_file(blobs, name, &file);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERROR_IMAGE, "find %s in the image", name);
	if (fd < 0 && errno == EINVAL)
		return error_set(err, ERROR_IMAGE, "read %s of the image: it is no file",
				 name);
	if (fd < 0)
		return error_errno_id(err, ERROR_IMAGE, "read %s of the image", name);
	*ret_fd = fd;
	*ret_offset = 0;
	*ret_size = (uint64_t)file.st_size;
	return 0;
}

static int read_place(int fd, char *text, size_t length, off_t offset)
{
	size_t used = 0;

	while (used < length) {
		ssize_t part =
			pread(fd, text + used, length - used, offset + (off_t)used);

		if (part < 0 && errno == EINTR)
			continue;
		if (part == 0)
			errno = ENODATA;
		if (part <= 0)
			return -1;
		used += (size_t)part;
	}
	return 0;
}

void blobs_hold(struct blobs *blobs, const char *name, const char *text, size_t length)
{
	blobs->held = arena_strdup(&blobs->arena, name);
	blobs->held_text = arena_strndup(&blobs->arena, text, length);
	blobs->held_length = length;
}

char *blobs_read(const struct blobs *blobs, const char *name, size_t max,
		 struct arena *arena, size_t *ret_length, struct error *err)
{
	auto_close int fd = -1;
	uint64_t offset = 0;
	uint64_t size = 0;
	char *text;

	if (blobs->held && strcmp(blobs->held, name) == 0 && blobs->held_length <= max) {
		*ret_length = blobs->held_length;
		return arena_strndup(arena, blobs->held_text, blobs->held_length);
	}
	if (blobs_place(blobs, name, &fd, &offset, &size, err) < 0)
		return NULL;
	if (size > max) {
		error_set(err, ERROR_IMAGE,
			  "read %s of the image: it has %llu bytes, at most %zu are read",
			  name, (unsigned long long)size, max);
		return NULL;
	}
	text = arena_alloc(arena, (size_t)size + 1);
	if (read_place(fd, text, (size_t)size, (off_t)offset) < 0) {
		error_errno_id(err, ERROR_IMAGE, "read %s of the image", name);
		return NULL;
	}
	*ret_length = (size_t)size;
	return text;
}
