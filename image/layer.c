/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer.h"

#include "base/arena.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* ---- beneath --------------------------------------------------------------------------- */

/* One component after the other, where openat2(2) is missing or refused by a filter. */
static int walk_open(int root, const char *path, int flags)
{
	int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (at >= 0) {
		char name[NAME_MAX + 1];
		size_t length = strcspn(path, "/");
		const bool last = path[length] == '\0';
		int next;

		if (length > NAME_MAX || length == 0 ||
		    (length == 2 && memcmp(path, "..", 2) == 0)) {
			close(at);
			errno = length > NAME_MAX ? ENAMETOOLONG : EXDEV;
			return -1;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		next = openat(at, name,
			      (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW |
				      O_CLOEXEC);
		close(at);
		if (last)
			return next;
		at = next;
		path += length + 1;
	}
	return -1;
}

int beneath_open(int root, const char *path, int flags)
{
	const struct sys_open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = SYS_RESOLVE_BENEATH | SYS_RESOLVE_NO_SYMLINKS |
			   SYS_RESOLVE_NO_XDEV,
	};
	int fd = sys_openat2(root, path, &how);

	if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
		return fd;
	return walk_open(root, path, flags);
}

int beneath_parent(int root, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return beneath_open(root, ".", O_PATH | O_DIRECTORY);
	if ((size_t)(slash - path) >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return beneath_open(root, parent, O_PATH | O_DIRECTORY);
}

const char *path_join(struct arena *arena, const char *dir, const char *name)
{
	return strcmp(dir, ".") == 0 ? arena_strdup(arena, name)
				     : arena_printf(arena, "%s/%s", dir, name);
}

bool path_is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && path[length] == '/';
}

/* ---- directories ----------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int directory_names(int dir, struct arena *arena, const char ***ret_names,
		    size_t *ret_count)
{
	const int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;
	const char **names = NULL;
	size_t count = 0;
	int errnum;

	if (!directory)
		return -1;
	for (errno = 0; (found = readdir(directory)) != NULL; errno = 0) {
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		names = arena_grow(arena, (const void *)names, count, sizeof(*names));
		names[count++] = arena_strdup(arena, found->d_name);
	}
	errnum = errno;
	closedir(directory);
	if (errnum) {
		errno = errnum;
		return -1;
	}
	if (count)
		qsort((void *)names, count, sizeof(*names), compare_names);
	*ret_names = names;
	*ret_count = count;
	return 0;
}

bool is_whiteout(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

bool is_opaque(int dir)
{
	char value = 0;

	return fgetxattr(dir, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

int read_figures(const char *text, uint64_t *ret_figures, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const size_t length = strcspn(text, " ");
		char figure[24];

		if (length >= sizeof(figure) ||
		    (text[length] == '\0') != (i + 1 == count))
			return -1;
		memcpy(figure, text, length);
		figure[length] = '\0';
		if (text_to_u64(figure, 10, &ret_figures[i]) < 0)
			return -1;
		text += length + 1;
	}
	return 0;
}

char type_letter(mode_t mode)
{
	static const struct {
		mode_t mode;
		char letter;
	} letters[] = { { S_IFREG, 'f' }, { S_IFDIR, 'd' },  { S_IFLNK, 'l' },
			{ S_IFIFO, 'p' }, { S_IFSOCK, 's' }, { S_IFCHR, 'c' } };

	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if ((mode & S_IFMT) == letters[i].mode)
			return letters[i].letter;
	return 'b';
}

/* ---- attributes ------------------------------------------------------------------------ */

enum { PROC_NAME = 40 };

/* The calls with a path take a descriptor of O_PATH by this name. */
static const char *name_of(int fd, char *name)
{
	snprintf(name, PROC_NAME, "/proc/self/fd/%d", fd);
	return name;
}

static bool is_overlays(const char *attribute)
{
	return strncmp(attribute, "user.overlay.", 13) == 0;
}

static bool is_own(const char *attribute)
{
	if (strncmp(attribute, "system.posix_acl_", 17) == 0)
		return true;
	return strncmp(attribute, "user.", 5) == 0 && !is_overlays(attribute);
}

/* NUL-ended names, one behind the other. 0 where there are none, or the file system has none. */
static size_t list_attributes(const char *file, struct arena *arena,
			      const char **ret_names)
{
	ssize_t size = listxattr(file, NULL, 0);
	char *names;

	if (size <= 0)
		return 0;
	names = arena_alloc(arena, (size_t)size + 1);
	size = listxattr(file, names, (size_t)size);
	*ret_names = names;
	return size < 0 ? 0 : (size_t)size;
}

/* NULL: there is none, or it may not be read. */
static const void *get_attribute(const char *file, const char *attribute,
				 struct arena *arena, size_t *ret_size)
{
	ssize_t size = getxattr(file, attribute, NULL, 0);
	void *value;

	if (size < 0)
		return NULL;
	value = arena_alloc(arena, (size_t)size + 1);
	size = getxattr(file, attribute, value, (size_t)size);
	*ret_size = size < 0 ? 0 : (size_t)size;
	return size < 0 ? NULL : value;
}

/* How many of a's own attributes there are; SIZE_MAX: one is another in b. */
static size_t count_same(const char *a, const char *b, struct arena *arena)
{
	const char *names = NULL;
	size_t size = list_attributes(a, arena, &names);
	size_t count = 0;

	for (size_t at = 0; at < size; at += strlen(names + at) + 1) {
		size_t one_size = 0, other_size = 0;
		const void *one, *other;

		if (!is_own(names + at))
			continue;
		one = get_attribute(a, names + at, arena, &one_size);
		other = get_attribute(b, names + at, arena, &other_size);
		if (!one != !other || one_size != other_size ||
		    (one && memcmp(one, other, one_size) != 0))
			return SIZE_MAX;
		count++;
	}
	return count;
}

bool attributes_are_same(int a, int b, struct arena *arena)
{
	char one[PROC_NAME], other[PROC_NAME];
	size_t same;

	name_of(a, one);
	name_of(b, other);
	same = count_same(one, other, arena);
	return same != SIZE_MAX && same == count_same(other, one, arena);
}

/* Those that only `to` has. */
static void remove_others(const char *from, const char *to, struct arena *arena)
{
	const char *names = NULL;
	size_t size = list_attributes(to, arena, &names);

	for (size_t at = 0; at < size; at += strlen(names + at) + 1)
		if (is_own(names + at) && getxattr(from, names + at, NULL, 0) < 0 &&
		    errno == ENODATA)
			(void)removexattr(to, names + at);
}

int attributes_copy(int from, int to, struct arena *arena)
{
	char source[PROC_NAME], target[PROC_NAME];
	const char *names = NULL;
	size_t size = list_attributes(name_of(from, source), arena, &names);

	remove_others(source, name_of(to, target), arena);
	for (size_t at = 0; at < size; at += strlen(names + at) + 1) {
		size_t length = 0;
		const void *value;

		if (!is_own(names + at))
			continue;
		value = get_attribute(source, names + at, arena, &length);
		/* A file system without them keeps what it can. */
		if (value && setxattr(target, names + at, value, length, 0) < 0 &&
		    errno != EOPNOTSUPP)
			return -1;
	}
	return 0;
}

void attributes_strip(int fd, struct arena *arena)
{
	char file[PROC_NAME];
	const char *names = NULL;
	size_t size = list_attributes(name_of(fd, file), arena, &names);

	for (size_t at = 0; at < size; at += strlen(names + at) + 1)
		if (is_overlays(names + at))
			(void)removexattr(file, names + at);
}

/* ---- whatever the mode ----------------------------------------------------------------- */

static int open_against_mode(int dir, const char *name, int flags,
			     struct opened *ret_opened)
{
	auto_close int found = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[PROC_NAME];
	struct stat status;

	if (found < 0 || fstat(found, &status) < 0)
		return -1;
	if (status.st_uid != geteuid() || S_ISLNK(status.st_mode) ||
	    chmod(name_of(found, path), (status.st_mode & 07777) | 0700) < 0) {
		errno = EACCES;
		return -1;
	}
	ret_opened->fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	ret_opened->mode = status.st_mode & 07777;
	ret_opened->changed = true;
	if (ret_opened->fd >= 0)
		return 0;
	(void)chmod(path, ret_opened->mode);
	return -1;
}

int layer_open(int dir, const char *name, int flags, struct opened *ret_opened)
{
	struct stat status;

	*ret_opened = (struct opened){ .fd = -1 };
	ret_opened->fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	if (ret_opened->fd < 0)
		return errno == EACCES ? open_against_mode(dir, name, flags, ret_opened)
				       : -1;
	/* A directory that can be read, but not searched. */
	if (fstat(ret_opened->fd, &status) == 0 && S_ISDIR(status.st_mode) &&
	    faccessat(ret_opened->fd, ".", X_OK, 0) < 0) {
		fd_close(&ret_opened->fd);
		return open_against_mode(dir, name, flags, ret_opened);
	}
	return 0;
}

void layer_close(struct opened *opened)
{
	if (opened->fd >= 0 && opened->changed)
		(void)fchmod(opened->fd, opened->mode);
	fd_close(&opened->fd);
}
