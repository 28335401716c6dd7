/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory that an entry goes into. The kernel walks there, through links too: "bin/x"
 * goes into usr/bin where bin is a link. An absolute link begins at "/" of the process, which
 * is the tree's root, and ".." stays there.
 */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_PARENT = O_PATH | O_DIRECTORY | O_CLOEXEC };

void parents_forget(struct extractor *x)
{
	x->parent_stale = true;
}

/* ---- what is missing --------------------------------------------------------------------- */

/* Where a walk through links that lead to nothing yet ends. */
enum { LINKS_MAX = 8 };

static int make_way(struct extractor *x, int from, const char *path, int links,
		    struct timespec time, struct error *err);

/* A directory was made; length: of the part of x->parent_path that names it, 0: none does. */
static int note_made(struct extractor *x, int fd, const char *name, size_t length,
		     struct timespec time, struct error *err)
{
	char part[EXTRACT_PATH_MAX + 1];

	if (extract_count(x, &x->implied, err) < 0)
		return -1;
	if (fchownat(fd, name, 0, 0, AT_SYMLINK_NOFOLLOW) < 0)
		return extract_failed("own directory", x->parent_path, err);
	if (length == 0)
		return 0;
	memcpy(part, x->parent_path, length);
	part[length] = '\0';
	return later_add(&x->later, x->root, part, 0755, time, err);
}

/* The name is a link to what is not there yet. */
static int make_target(struct extractor *x, int fd, const char *name, int links,
		       struct timespec time, struct error *err)
{
	char target[EXTRACT_PATH_MAX + 1];
	ssize_t length = readlinkat(fd, name, target, sizeof(target) - 1);

	if (length < 0 || links >= LINKS_MAX) {
		errno = length < 0 ? errno : ELOOP;
		return extract_failed("open directory", x->parent_path, err);
	}
	target[length] = '\0';
	return make_way(x, target[0] == '/' ? x->root : fd, target, links + 1, time, err);
}

/* One step. Returns the directory. */
static int step_into(struct extractor *x, int fd, const char *name, size_t length,
		     int links, struct timespec time, struct error *err)
{
	int next;

	if (mkdirat(fd, name, 0755) == 0) {
		if (note_made(x, fd, name, links == 0 ? length : 0, time, err) < 0)
			return -1;
	} else if (errno != EEXIST) {
		return extract_failed("make directory", x->parent_path, err);
	}
	next = openat(fd, name, OPEN_PARENT);
	if (next >= 0)
		return next;
	if (errno == ENOENT)
		return make_target(x, fd, name, links, time, err);
	return extract_failed("open directory", x->parent_path, err);
}

/* Makes what is missing on a path. Returns the directory at its end. */
static int make_way(struct extractor *x, int from, const char *path, int links,
		    struct timespec time, struct error *err)
{
	auto_close int fd = openat(from, ".", OPEN_PARENT);
	char name[NAME_MAX + 1];
	size_t length = 0;

	if (fd < 0)
		return extract_failed("open directory", x->parent_path, err);
	for (;;) {
		size_t size;
		int next;

		length += strspn(path + length, "/");
		size = strcspn(path + length, "/");
		if (size == 0)
			return fd_take(&fd);
		if (size > NAME_MAX) {
			errno = ENAMETOOLONG;
			return extract_failed("make directory", x->parent_path, err);
		}
		memcpy(name, path + length, size);
		name[size] = '\0';
		length += size;
		next = step_into(x, fd, name, length, links, time, err);
		if (next < 0)
			return -1;
		fd_close(&fd);
		fd = next;
	}
}

/* 1: x->parent is it, and *ret_made says whether it is new; 0: it is missing, and stays so. */
static int open_parent(struct extractor *x, bool make, struct timespec time,
		       bool *ret_made, struct error *err)
{
	const char *path = x->parent_path;

	*ret_made = false;
	x->parent = openat(x->root, path[0] != '\0' ? path : ".", OPEN_PARENT);
	if (x->parent >= 0)
		return 1;
	if (errno != ENOENT)
		return extract_failed("open directory", path, err);
	if (!make)
		return 0;
	*ret_made = true;
	x->parent = make_way(x, x->root, path, 0, time, err);
	return x->parent < 0 ? -1 : 1;
}

/* ---- where it really is ------------------------------------------------------------------ */

/*
 * Goes through the components of where the parent really is. record: they are in the set from
 * now on. Returns the key of the last one, 0 and an error.
 */
static uint64_t walk_keys(struct extractor *x, bool record, struct error *err)
{
	char path[EXTRACT_PATH_MAX + 1];
	uint64_t key = PATH_KEY_ROOT;
	size_t size;

	/* getcwd(3) would go on by itself where the path is too long for the kernel. */
	if (fchdir(x->parent) < 0 || syscall(SYS_getcwd, path, sizeof(path)) < 0 ||
	    fchdir(x->root) < 0) {
		extract_failed("find out where this is:", x->parent_path, err);
		return 0;
	}
	for (const char *at = path; *at != '\0'; at += size) {
		if (*at == '/') {
			size = 1;
			continue;
		}
		size = strcspn(at, "/");
		key = path_key(x->secret, key, at, size);
		if (record && key_set_add(&x->made, key) < 0) {
			error_errno_id(err, ERROR_RESOURCES, "remember a directory");
			return 0;
		}
	}
	return key;
}

/*
 * A directory of a lower layer keeps its time, unless an entry says another: what runs from
 * the image should not see when it was extracted.
 */
static int keep_time(struct extractor *x, const char *path, struct error *err)
{
	struct stat stat;
	int is_new = key_set_add(&x->made, path_key(x->secret, x->parent_key, "", 0));

	if (is_new < 0)
		return error_errno_id(err, ERROR_RESOURCES, "remember a directory");
	if (is_new == 0)
		return 0;
	if (fstat(x->parent, &stat) < 0)
		return extract_failed("look at directory", path, err);
	return later_add(&x->later, x->root, path, LATER_KEEPS_MODE, stat.st_mtim, err);
}

static int note_parent(struct extractor *x, bool is_new, struct timespec time,
		       struct error *err)
{
	x->parent_recorded = false;
	if (is_new && later_add(&x->later, x->root, x->parent_path, 0755, time, err) < 0)
		return -1;
	if (!x->layered)
		return 0;
	x->parent_key = walk_keys(x, false, err);
	if (x->parent_key == 0)
		return -1;
	return is_new ? 0 : keep_time(x, x->parent_path, err);
}

/* ---- the door ---------------------------------------------------------------------------- */

int parents_enter(struct extractor *x, const char *path, bool make, struct timespec time,
		  const char **ret_name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	bool is_new;
	int entered;

	*ret_name = slash ? slash + 1 : path;
	if (x->parent >= 0 && !x->parent_stale &&
	    strncmp(x->parent_path, path, length) == 0 && x->parent_path[length] == '\0')
		return 1;
	fd_close(&x->parent);
	x->parent_stale = false;
	memcpy(x->parent_path, path, length);
	x->parent_path[length] = '\0';
	entered = open_parent(x, make, time, &is_new, err);
	if (entered <= 0)
		return entered;
	if (note_parent(x, is_new, time, err) < 0) {
		parents_forget(x);
		return -1;
	}
	return 1;
}

int parents_record(struct extractor *x, const char *name, struct error *err)
{
	if (!x->layered)
		return 0;
	if (!x->parent_recorded && walk_keys(x, true, err) == 0)
		return -1;
	x->parent_recorded = true;
	if (key_set_add(&x->made,
			path_key(x->secret, x->parent_key, name, strlen(name))) < 0)
		return error_errno_id(err, ERROR_RESOURCES, "remember a file");
	return 0;
}
