/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/fd.h"

enum {
	LINKS_MAX = 40, /* path_resolution(7) */
	ROOM = 4 * PATH_MAX,
	PROC_MAGIC = 0x9fa0,
	MOUNT_NOSYMFOLLOW = 0x2000, /* ST_NOSYMFOLLOW of statfs(2) */
};

struct walk {
	int root_fd; /* the caller's */
	int dir_fd;  /* where the walk stands; -1: at the root */
	unsigned int links;
	size_t at;       /* rest + at: what is still to be walked, ends with NUL */
	char rest[ROOM]; /* filled from its end, so that a link's target fits in front */
	size_t here_length;
	char here[ROOM]; /* "a/b/": the names from the root to dir_fd, without links */
};

/* One name of the path and what is behind it. */
struct component {
	char name[NAME_MAX + 1]; /* empty: the path ends where the walk stands */
	bool is_last;
	bool has_slash; /* is_last, and slashes follow: it must be a directory */
};

static int begin(struct walk *walk, int root_fd, const char *path)
{
	size_t length = strlen(path);

	walk->root_fd = root_fd;
	walk->dir_fd = -1;
	walk->links = 0;
	walk->here_length = 0;
	walk->at = ROOM - 1;
	walk->rest[walk->at] = '\0';
	if (length == 0) {
		errno = ENOENT;
		return -1;
	}
	if (length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	walk->at -= length;
	memcpy(walk->rest + walk->at, path, length);
	return 0;
}

static int current(const struct walk *walk)
{
	return walk->dir_fd >= 0 ? walk->dir_fd : walk->root_fd;
}

static void go_to_root(struct walk *walk)
{
	fd_close(&walk->dir_fd);
	walk->here_length = 0;
}

static int take_component(struct walk *walk, struct component *ret_component)
{
	const char *start = walk->rest + walk->at + strspn(walk->rest + walk->at, "/");
	size_t length = strcspn(start, "/");
	const char *behind = start + length;

	if (length > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(ret_component->name, start, length);
	ret_component->name[length] = '\0';
	ret_component->is_last = behind[strspn(behind, "/")] == '\0';
	ret_component->has_slash = ret_component->is_last && *behind == '/';
	walk->at = (size_t)(behind - walk->rest);
	return 0;
}

static bool is_dot(const char *name)
{
	return name[0] == '\0' || strcmp(name, ".") == 0;
}

static bool is_dot_dot(const char *name)
{
	return strcmp(name, "..") == 0;
}

/* As the kernel does for every name: a directory that may not be searched has no ".". */
static int check_searchable(const struct walk *walk)
{
	auto_close int fd = openat(current(walk), ".", O_PATH | O_CLOEXEC);

	return fd < 0 ? -1 : 0;
}

/* Stands in the directory that fd is; fd is taken over. */
static int enter(struct walk *walk, int *fd, const char *name)
{
	size_t length = strlen(name);

	if (length + 1 > ROOM - walk->here_length) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(walk->here + walk->here_length, name, length);
	walk->here[walk->here_length + length] = '/';
	walk->here_length += length + 1;
	fd_close(&walk->dir_fd);
	walk->dir_fd = fd_take(fd);
	return 0;
}

/* The length of here without its last name. */
static size_t parent_length(const struct walk *walk)
{
	size_t length = walk->here_length - 1;

	while (length > 0 && walk->here[length - 1] != '/')
		length--;
	return length;
}

/* Goes down from the root again, along the first length bytes of here. */
static int descend(struct walk *walk, size_t length)
{
	size_t start = 0;

	fd_close(&walk->dir_fd);
	walk->here_length = length;
	for (size_t i = 0; i < length; i++) {
		int fd;

		if (walk->here[i] != '/')
			continue;
		walk->here[i] = '\0';
		fd = openat(current(walk), walk->here + start,
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		walk->here[i] = '/';
		if (fd < 0) {
			/* It was there a moment ago: somebody renames. */
			if (errno == ENOENT || errno == ENOTDIR)
				errno = EAGAIN;
			return -1;
		}
		fd_close(&walk->dir_fd);
		walk->dir_fd = fd;
		start = i + 1;
	}
	return 0;
}

static int go_up(struct walk *walk)
{
	if (check_searchable(walk) < 0)
		return -1;
	if (walk->here_length == 0)
		return 0;
	return descend(walk, parent_length(walk));
}

/*
 * Links of procfs that lead to an object and not to a path. No flag tells them, but an
 * ordinary one either is as long as its size says and open to all (mounts, net), or names
 * a process by its number (self, thread-self).
 */
static bool is_magic(const struct stat *link, const char *target, size_t length)
{
	if (target[0] >= '0' && target[0] <= '9')
		return false;
	return (link->st_mode & 0777) != 0777 || (size_t)link->st_size != length;
}

/* Puts the target of a link in front of what is still to be walked. */
static int follow(struct walk *walk, int link_fd, const struct stat *link)
{
	char target[PATH_MAX];
	struct statfs fs;
	ssize_t length;

	if (walk->links++ >= LINKS_MAX) {
		errno = ELOOP;
		return -1;
	}
	if (fstatfs(link_fd, &fs) < 0)
		return -1;
	length = readlinkat(link_fd, "", target, sizeof(target));
	if (length < 0)
		return -1;
	if (((unsigned long)fs.f_flags & MOUNT_NOSYMFOLLOW) != 0 ||
	    (fs.f_type == PROC_MAGIC && is_magic(link, target, (size_t)length))) {
		errno = ELOOP;
		return -1;
	}
	if ((size_t)length > walk->at || length == sizeof(target)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (length > 0 && target[0] == '/')
		go_to_root(walk);
	walk->at -= (size_t)length;
	memcpy(walk->rest + walk->at, target, (size_t)length);
	return 0;
}

/* Opens the name itself, whatever it is. */
static int look_at(const struct walk *walk, const char *name, struct stat *ret_stat)
{
	auto_close int fd = openat(current(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret_stat) < 0)
		return -1;
	return fd_take(&fd);
}

/* Walks a name that is not the last, or the last one when it must be a directory. */
static int step(struct walk *walk, const char *name)
{
	auto_close int fd = -1;
	struct stat stat;

	if (is_dot(name))
		return check_searchable(walk);
	if (is_dot_dot(name))
		return go_up(walk);
	fd = look_at(walk, name, &stat);
	if (fd < 0)
		return -1;
	if (S_ISLNK(stat.st_mode))
		return follow(walk, fd, &stat);
	if (!S_ISDIR(stat.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return enter(walk, &fd, name);
}

/* The directory in which the walk stands, as a descriptor of the caller's own. */
static int give_current(struct walk *walk)
{
	if (walk->dir_fd >= 0)
		return fd_take(&walk->dir_fd);
	return openat(walk->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* ---- opening ------------------------------------------------------------------------ */

enum { GO_ON = -2 }; /* no descriptor yet: the walk is not at its end */

/* The last name where a link is to be followed: a descriptor, GO_ON, or -1. */
static int open_followed(struct walk *walk, const char *name, int flags, mode_t mode)
{
	auto_close int fd = -1;
	struct stat stat;

	fd = look_at(walk, name, &stat);
	if (fd < 0 && (errno != ENOENT || (flags & O_CREAT) == 0))
		return -1;
	if (fd >= 0 && S_ISLNK(stat.st_mode))
		return follow(walk, fd, &stat) < 0 ? -1 : GO_ON;
	if (fd >= 0 && (flags & (O_PATH | O_DIRECTORY)) == O_PATH)
		return fd_take(&fd);
	return openat(current(walk), name, flags | O_NOFOLLOW, mode);
}

static int open_last(struct walk *walk, const struct component *component, int flags,
		     mode_t mode)
{
	bool is_exclusive = (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0;

	if (component->has_slash && (flags & O_CREAT) != 0) {
		if (check_searchable(walk) == 0)
			errno = EISDIR; /* as the kernel says before it looks */
		return -1;
	}
	if (component->has_slash)
		flags = (flags & ~O_NOFOLLOW) | O_DIRECTORY;
	if ((flags & O_NOFOLLOW) != 0 || is_exclusive)
		return openat(current(walk), component->name, flags | O_NOFOLLOW, mode);
	return open_followed(walk, component->name, flags, mode);
}

/* Whether the path ends at a directory that has no name of its own in it. */
static bool ends_without_name(const struct component *component)
{
	return component->is_last &&
	       (is_dot(component->name) || is_dot_dot(component->name));
}

static int walk_open(struct walk *walk, int flags, mode_t mode)
{
	struct component component;
	int fd;

	do {
		if (take_component(walk, &component) < 0)
			return -1;
		if (ends_without_name(&component)) {
			if (is_dot_dot(component.name) && go_up(walk) < 0)
				return -1;
			return openat(current(walk), ".", flags, mode);
		}
		if (component.is_last)
			fd = open_last(walk, &component, flags, mode);
		else
			fd = step(walk, component.name) < 0 ? -1 : GO_ON;
	} while (fd == GO_ON);
	return fd;
}

int files_walk_open(int root_fd, const char *path, int flags, mode_t mode)
{
	struct walk walk;
	int fd;

	if (begin(&walk, root_fd, path) < 0)
		return -1;
	fd = walk_open(&walk, flags | O_CLOEXEC, mode);
	fd_close(&walk.dir_fd);
	return fd;
}

/* ---- the parent --------------------------------------------------------------------- */

/* The walk stands in the directory itself: its parent, and the name that it has there. */
static int give_parent(struct walk *walk, char *ret_name)
{
	size_t length, name_length;

	if (walk->here_length == 0) {
		ret_name[0] = '\0';
		return give_current(walk);
	}
	length = parent_length(walk);
	name_length = walk->here_length - length - 1;
	memcpy(ret_name, walk->here + length, name_length);
	ret_name[name_length] = '\0';
	return descend(walk, length) < 0 ? -1 : give_current(walk);
}

static int find_last(struct walk *walk, const struct component *component, char *ret_name)
{
	auto_close int fd = -1;
	struct stat stat;

	fd = look_at(walk, component->name, &stat);
	if (fd < 0 && errno != ENOENT)
		return -1;
	if (fd >= 0 && S_ISLNK(stat.st_mode))
		return follow(walk, fd, &stat) < 0 ? -1 : GO_ON;
	if (fd >= 0 && component->has_slash && !S_ISDIR(stat.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	memcpy(ret_name, component->name, sizeof(component->name));
	return give_current(walk);
}

static int walk_parent(struct walk *walk, char *ret_name)
{
	struct component component;
	int fd;

	do {
		if (take_component(walk, &component) < 0)
			return -1;
		if (component.is_last && !ends_without_name(&component)) {
			fd = find_last(walk, &component, ret_name);
			continue;
		}
		if (step(walk, component.name) < 0)
			return -1;
		fd = component.is_last ? give_parent(walk, ret_name) : GO_ON;
	} while (fd == GO_ON);
	return fd;
}

int files_walk_parent(int root_fd, const char *path, char *ret_name)
{
	char name[NAME_MAX + 1];
	struct walk walk;
	int fd;

	if (begin(&walk, root_fd, path) < 0)
		return -1;
	fd = walk_parent(&walk, name);
	fd_close(&walk.dir_fd);
	if (fd >= 0)
		memcpy(ret_name, name, strlen(name) + 1);
	return fd;
}

/* ---- making directories ------------------------------------------------------------- */

static int make_dir(const struct walk *walk, const char *name, mode_t mode)
{
	mode_t mask = umask(0); /* a mode of its own would need a second, racy step */
	int made = mkdirat(current(walk), name, mode);
	int errnum = errno;

	umask(mask);
	errno = errnum;
	return made < 0 && errnum != EEXIST ? -1 : 0;
}

static int walk_make_dirs(struct walk *walk, mode_t mode)
{
	struct component component;

	do {
		size_t at;

		if (take_component(walk, &component) < 0)
			return -1;
		at = walk->at;
		if (step(walk, component.name) == 0) {
			/* A link as last name has put its target in front. */
			if (walk->at != at)
				component.is_last = false;
			continue;
		}
		if (errno != ENOENT ||
		    make_dir(walk, component.name, component.is_last ? mode : 0755) < 0)
			return -1;
		if (step(walk, component.name) < 0)
			return -1;
	} while (!component.is_last);
	return give_current(walk);
}

int files_walk_make_dirs(int root_fd, const char *path, mode_t mode)
{
	struct walk walk;
	int fd;

	if (begin(&walk, root_fd, path) < 0)
		return -1;
	fd = walk_make_dirs(&walk, mode);
	fd_close(&walk.dir_fd);
	return fd;
}
