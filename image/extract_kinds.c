/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kind of file is made anew: what has its name goes first, so that a link is never
 * followed and what other names have is never written into. Only a directory over a directory
 * stays, and gets owner, mode and time.
 */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/fd.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPECIAL_BITS = 07000 };

/* make() tries once: 0, or -1 and errno, EEXIST where something has the name. */
static int make_anew(struct making *making, int (*make)(struct making *making),
		     const char *verb, struct error *err)
{
	if (make(making) == 0)
		return 0;
	if (errno != EEXIST)
		return extract_failed(verb, making->path, err);
	parents_forget(making->x);
	if (tree_remove(making->parent, making->name) < 0)
		return extract_failed("replace", making->path, err);
	if (make(making) < 0)
		return extract_failed(verb, making->path, err);
	return 0;
}

/* ---- directories ------------------------------------------------------------------------- */

static int finish_directory(struct making *making, bool existed, struct error *err)
{
	const bool clears = existed && making->x->layered;
	auto_close int fd = -1;

	if (metadata_own(making, err) < 0)
		return -1;
	if (clears || metadata_has_xattrs(making)) {
		fd = openat(making->parent, making->name[0] != '\0' ? making->name : ".",
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return extract_failed("open directory", making->path, err);
		if (clears)
			metadata_clear_xattrs(fd);
		metadata_add_xattrs(making, fd);
	}
	return later_add(&making->x->later, making->x->root, making->path, making->mode,
			 making->times[1], err);
}

int make_root(struct making *making, struct error *err)
{
	return finish_directory(making, true, err);
}

/* Whether it is there, and may stay. */
static bool is_directory(const struct making *making)
{
	struct stat stat;

	return fstatat(making->parent, making->name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(stat.st_mode);
}

static int make_directory_once(struct making *making)
{
	return mkdirat(making->parent, making->name, 0700);
}

int make_directory(struct making *making, struct error *err)
{
	bool existed = false;

	if (make_directory_once(making) < 0) {
		existed = errno == EEXIST && is_directory(making);
		if (!existed &&
		    make_anew(making, make_directory_once, "make directory", err) < 0)
			return -1;
	}
	return finish_directory(making, existed, err);
}

/* ---- files ------------------------------------------------------------------------------- */

static int make_file_once(struct making *making)
{
	making->fd = openat(making->parent, making->name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    making->mode & 0777);
	return making->fd < 0 ? -1 : 0;
}

/*
 * In this order: writing and a new owner take the setuid bit and the file capabilities away
 * (chown(2), capabilities(7)), and all of it changes the time.
 */
static int finish_file(struct making *making, int fd, struct error *err)
{
	if (data_write(making, fd, err) < 0 || metadata_own(making, err) < 0)
		return -1;
	if ((making->mode & SPECIAL_BITS) != 0 && fchmod(fd, making->mode) < 0)
		return extract_failed("set the mode of", making->path, err);
	if (metadata_has_xattrs(making))
		metadata_add_xattrs(making, fd);
	if (futimens(fd, making->times) < 0)
		return extract_failed("set the time of", making->path, err);
	return 0;
}

int make_file(struct making *making, struct error *err)
{
	auto_close int fd = -1;

	if (make_anew(making, make_file_once, "make", err) < 0)
		return -1;
	fd = fd_take(&making->fd);
	return finish_file(making, fd, err);
}

/* ---- links and fifos --------------------------------------------------------------------- */

static int make_symlink_once(struct making *making)
{
	return symlinkat(archive_entry_symlink(making->entry), making->parent,
			 making->name);
}

/* What has no descriptor of its own: no attribute can be kept. */
static int finish_nameless(struct making *making, struct error *err)
{
	if (metadata_own(making, err) < 0)
		return -1;
	if (metadata_has_xattrs(making))
		metadata_add_xattrs(making, -1);
	if (utimensat(making->parent, making->name, making->times, AT_SYMLINK_NOFOLLOW) <
	    0)
		return extract_failed("set the time of", making->path, err);
	return 0;
}

int make_symlink(struct making *making, struct error *err)
{
	const char *target = archive_entry_symlink(making->entry);
	char shown[SHOWN_MAX + 4];

	if (!target || target[0] == '\0')
		return error_set(err, ERROR_IMAGE, "extract %s: a link without a target",
				 extract_shown(making->path, shown));
	if (make_anew(making, make_symlink_once, "make link", err) < 0)
		return -1;
	return finish_nameless(making, err);
}

static int make_fifo_once(struct making *making)
{
	return mknodat(making->parent, making->name, S_IFIFO | (making->mode & 0777), 0);
}

int make_fifo(struct making *making, struct error *err)
{
	if (make_anew(making, make_fifo_once, "make fifo", err) < 0)
		return -1;
	return finish_nameless(making, err);
}

/* ---- what is left out -------------------------------------------------------------------- */

/* By its name in the archive, as a hard link would have it. */
static uint64_t key_of_name(const struct extractor *x, const char *path)
{
	uint64_t key = PATH_KEY_ROOT;

	while (*path != '\0') {
		size_t size = strcspn(path, "/");

		key = path_key(x->secret, key, path, size);
		path += size + (path[size] == '/' ? 1 : 0);
	}
	return key;
}

int make_nothing(struct making *making, struct error *err)
{
	struct extractor *x = making->x;

	if (archive_entry_filetype(making->entry) == AE_IFSOCK)
		x->counts.sockets++;
	else
		x->counts.devices++;
	if (key_set_add(&x->skipped, key_of_name(x, making->path)) < 0)
		return error_errno_id(err, ERROR_RESOURCES, "remember a device");
	parents_forget(x);
	if (tree_remove(making->parent, making->name) < 0)
		return extract_failed("replace", making->path, err);
	return 0;
}

/* ---- hard links -------------------------------------------------------------------------- */

static int make_link_once(struct making *making)
{
	/* The root itself: the kernel says why not. */
	const char *target = making->target[0] != '\0' ? making->target : ".";

	return linkat(making->x->root, target, making->parent, making->name, 0);
}

/* A file may be linked to itself, or once more: to clear the way would lose it. */
static bool is_linked(const struct making *making)
{
	struct stat a;
	struct stat b;

	return fstatat(making->x->root, making->target, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(making->parent, making->name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !S_ISDIR(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int link_failed(const struct making *making, struct error *err)
{
	const int errnum = errno;
	char shown[SHOWN_MAX + 4];
	char target[SHOWN_MAX + 4];

	extract_shown(making->path, shown);
	if (errnum == ENOENT || errnum == ENOTDIR)
		return error_set(err, ERROR_IMAGE, "find %s, which %s is a hard link to",
				 extract_shown(making->target, target),
				 extract_shown(making->path, shown));
	if (errnum == EPERM)
		return error_set(err, ERROR_IMAGE, "link %s to %s: that is a directory",
				 extract_shown(making->path, shown),
				 extract_shown(making->target, target));
	errno = errnum;
	return error_errno_id(err, ERROR_IMAGE, "link %s to %s",
			      extract_shown(making->path, shown),
			      extract_shown(making->target, target));
}

int make_link(struct making *making, struct error *err)
{
	char target[EXTRACT_PATH_MAX + 1];
	int wanted = entry_path(archive_entry_hardlink(making->entry),
				making->x->options.strip, target, err);

	if (wanted < 0)
		return -1;
	making->target = target;
	if (wanted == 0) { /* beside strip */
		errno = ENOENT;
		return link_failed(making, err);
	}
	if (make_link_once(making) == 0)
		return 0;
	if (errno == EEXIST) {
		if (is_linked(making))
			return 0;
		parents_forget(making->x);
		if (tree_remove(making->parent, making->name) == 0 &&
		    make_link_once(making) == 0)
			return 0;
	}
	if (errno == ENOENT &&
	    key_set_has(&making->x->skipped, key_of_name(making->x, making->target)))
		return make_nothing(making, err);
	return link_failed(making, err);
}
