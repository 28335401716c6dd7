/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whiteouts (OCI image layer specification, "Whiteouts"): they hide what lower layers have,
 * and nothing of their own layer, wherever they stand in it. So what the layer made so far is
 * remembered (x->made); in the lowest layer there is nothing to hide, and nothing is
 * remembered. Over an overlay of the layers below, the kernel makes its own marks of what is
 * removed here.
 */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Directories within each other that one layer both makes and hides. */
enum { HIDE_DEPTH_MAX = 100 };

static int hide(struct extractor *x, int dir, const char *name, uint64_t key, int depth);

/* One name of a directory. deep: what is the layer's own is looked into. */
static int hide_listed(struct extractor *x, DIR *dir, const char *name, uint64_t key,
		       bool deep, int depth, bool *ret_removed)
{
	uint64_t own = path_key(x->secret, key, name, strlen(name));

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (key_set_has(&x->made, own))
		return deep ? hide(x, dirfd(dir), name, own, depth) : 0;
	*ret_removed = true;
	return tree_remove(dirfd(dir), name);
}

/* A list that was changed while it was read may have left something out: once more. */
static int hide_each(struct extractor *x, DIR *dir, uint64_t key, int depth)
{
	bool deep = true;
	bool removed = false;

	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (entry) {
			if (hide_listed(x, dir, entry->d_name, key, deep, depth,
					&removed) < 0)
				return -1;
			continue;
		}
		if (errno != 0)
			return -1;
		if (!removed)
			return 0;
		deep = removed = false;
		rewinddir(dir);
	}
}

/* Hides what is in a directory; the directory itself stays. */
static int hide_in(struct extractor *x, int fd, uint64_t key, int depth)
{
	DIR *dir = fdopendir(fd);
	int failed;
	int errnum;

	if (!dir) {
		errnum = errno;
		close(fd);
		errno = errnum;
		return -1;
	}
	failed = hide_each(x, dir, key, depth);
	errnum = errno;
	closedir(dir);
	errno = errnum;
	return failed;
}

static int hide(struct extractor *x, int dir, const char *name, uint64_t key, int depth)
{
	int fd;

	if (!key_set_has(&x->made, key))
		return tree_remove(dir, name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* a file or link, which is this layer's own */
		return errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? 0 : -1;
	if (depth >= HIDE_DEPTH_MAX) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	return hide_in(x, fd, key, depth + 1);
}

static int hide_all(struct extractor *x)
{
	int fd = openat(x->parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : hide_in(x, fd, x->parent_key, 0);
}

int layer_hide(struct extractor *x, enum whiteout kind, const char *path,
	       const char *hidden, struct error *err)
{
	const struct timespec none = { 0 };
	const char *name;
	uint64_t key;
	int entered;
	int failed;

	if (!x->layered || kind == WHITEOUT_IGNORED)
		return 0;
	entered = parents_enter(x, path, false, none, &name, err);
	if (entered <= 0)
		return entered;
	if (kind == WHITEOUT_OPAQUE) {
		failed = hide_all(x);
	} else {
		key = path_key(x->secret, x->parent_key, hidden, strlen(hidden));
		failed = hide(x, x->parent, hidden, key, 0);
	}
	parents_forget(x);
	return failed < 0 ? extract_failed("hide what lower layers have:", path, err) : 0;
}
