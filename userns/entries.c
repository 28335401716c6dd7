/* SPDX-License-Identifier: Apache-2.0 */
/* Directories, files and links that are made in the new root: no mounts, or none to see. */
#include "userns/tree.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

mode_t mount_mode(const struct mount_entry *entry, mode_t usual)
{
	return entry->mode || entry->flags & MOUNT_F_MODE ? entry->mode : usual;
}

/*
 * The directory that takes the entry's name: one that was made here, if not everything
 * may be made. A link as last name is left to who asked for one.
 */
static int open_own_parent(struct tree *tree, const struct mount_entry *entry, char *name,
			   struct error *err)
{
	auto_close int parent = files_open_parent_in_root(tree->root, entry->dest, name);
	struct stat status;

	if (parent < 0 && errno == ENOENT) {
		char path[PATH_MAX];
		auto_close int made = -1;
		char *slash;

		snprintf(path, sizeof(path), "%s", entry->dest);
		slash = strrchr(path, '/');
		if (slash && slash != path)
			*slash = '\0';
		made = mountpoint_open(tree, path, true, err);
		if (made < 0)
			return -1;
		parent = files_open_parent_in_root(tree->root, entry->dest, name);
	}
	if (parent < 0 && errno == ENOTDIR)
		return error_errno(err, "make %s: find its parents", entry->dest);
	if (parent < 0 || fstat(parent, &status) < 0)
		return error_errno(err, "make %s", entry->dest);
	if (!tree->spec->makes_everywhere && !tree_is_own(tree, &status))
		return error_set(err, ERROR_MOUNT_POINT_MISSING,
				 "make %s: nothing is made in directories of the host",
				 entry->dest);
	return fd_take(&parent);
}

int entry_dir(struct tree *tree, const struct mount_entry *entry, int source,
	      struct error *err)
{
	auto_close int found = mountpoint_find(tree, entry->dest, false);
	auto_close int parent = -1;
	char name[NAME_MAX + 1];
	struct stat status;

	(void)source;
	if (found >= 0 && fstat(found, &status) == 0 && !S_ISDIR(status.st_mode)) {
		errno = ENOTDIR;
		return error_errno(err, "make the directory %s", entry->dest);
	}
	if (found >= 0)
		return 0;
	parent = open_own_parent(tree, entry, name, err);
	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, mount_mode(entry, 0755)) < 0)
		return error_errno(err, "make the directory %s", entry->dest);
	return 0;
}

/* With the content, or with all that comes from the descriptor, which is closed. */
static int fill_file(int file, const struct mount_entry *entry)
{
	auto_close int from = entry->flags & MOUNT_F_FD ? entry->fd : -1;

	if (from < 0)
		return fd_write_all(file, entry->content, entry->content_size);
	return fd_copy_all(from, file);
}

int entry_file(struct tree *tree, const struct mount_entry *entry, int source,
	       struct error *err)
{
	auto_close int parent = -1;
	auto_close int file = -1;
	char name[NAME_MAX + 1];

	(void)source;
	parent = open_own_parent(tree, entry, name, err);
	if (parent < 0)
		return -1;
	file = openat(parent, name,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		      mount_mode(entry, 0644));
	if (file < 0 || fill_file(file, entry) < 0)
		return error_errno(err, "write the file %s", entry->dest);
	return 0;
}

/* Nothing can be made there, or what is there is no file. */
static bool has_no_place(const struct error *err)
{
	switch (err->errnum) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case EACCES:
	case EPERM:
	case EROFS:
	case EOVERFLOW:
		return true;
	default:
		return err->id == ERROR_MOUNT_POINT_MISSING;
	}
}

/*
 * A link may lead to where even the parents are missing, as those into /run do: there they
 * are made.
 */
static int open_place(struct tree *tree, const struct mount_entry *entry,
		      struct error *err)
{
	auto_close int found = mountpoint_find(tree, entry->dest, false);
	char path[PATH_MAX];

	if (found >= 0 || tree->spec->makes_everywhere ||
	    strlen(entry->dest) >= sizeof(path))
		return mountpoint_open(tree, entry->dest, false, err);
	mountpoint_follow(tree, entry->dest, path);
	return mountpoint_open(tree, path, false, err);
}

/* A file of the scratch space, on dest. 1: there is no place for it. */
static int place_data(struct tree *tree, const struct mount_entry *entry, int clone,
		      struct error *err)
{
	auto_close int place = open_place(tree, entry, err);

	if (place < 0)
		return entry->flags & MOUNT_F_OPTIONAL && has_no_place(err) ? 1 : -1;
	return mount_attach(clone, place, entry->dest, err);
}

/*
 * Only the mount on dest leads to it. Its name in the scratch space goes at once only where
 * no mirror can be made of its directory: a mount of a file without a name cannot be cloned
 * and attached again.
 */
int entry_data(struct tree *tree, const struct mount_entry *entry, int source,
	       struct error *err)
{
	auto_close int file = -1;
	auto_close int clone = -1;
	char name[16];
	int missed;

	(void)source;
	snprintf(name, sizeof(name), "%u", tree->used++);
	file = openat(tree->scratch, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      mount_mode(entry, 0600));
	if (file < 0 || fill_file(file, entry) < 0)
		return error_errno(err, "write the file %s", entry->dest);
	clone = mount_clone(file, "", AT_EMPTY_PATH);
	if (clone < 0)
		return error_errno(err, "clone the file for %s", entry->dest);
	missed = place_data(tree, entry, clone, err);
	if (missed < 0)
		return -1;
	if ((missed || tree->spec->makes_everywhere) &&
	    unlinkat(tree->scratch, name, 0) < 0)
		return error_errno(err, "hide the file for %s", entry->dest);
	if (missed)
		return 0;
	return mount_change(tree, clone, mount_attributes(entry->flags), 0, false, err);
}

/* What is there already is left, if it is the same link. */
static int make_link(struct tree *tree, const struct mount_entry *entry,
		     struct error *err)
{
	auto_close int parent = -1;
	char dir[PATH_MAX], there[PATH_MAX];
	const char *name = strrchr(entry->dest, '/') + 1;
	ssize_t length;

	snprintf(dir, sizeof(dir), "%.*s", (int)(name - entry->dest), entry->dest);
	parent = mountpoint_find(tree, dir, false);
	if (parent < 0 && errno == ENOENT)
		parent = mountpoint_open(tree, dir, true, err);
	if (parent < 0)
		return error_errno(err, "make the link %s", entry->dest);
	if (symlinkat(entry->source, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, "make the link %s", entry->dest);
	length = readlinkat(parent, name, there, sizeof(there) - 1);
	if (length < 0)
		return error_set(
			err, ERROR_PLAIN,
			"make the link %s: destination exists and is not a symlink",
			entry->dest);
	there[length] = '\0';
	if (strcmp(there, entry->source) == 0)
		return 0;
	return error_set(err, ERROR_PLAIN, "make the link %s: existing destination is %s",
			 entry->dest, there);
}

int entry_symlink(struct tree *tree, const struct mount_entry *entry, int source,
		  struct error *err)
{
	auto_close int parent = -1;
	char name[NAME_MAX + 1];

	(void)source;
	if (tree->spec->makes_everywhere)
		return make_link(tree, entry, err);
	parent = open_own_parent(tree, entry, name, err);
	if (parent < 0)
		return -1;
	if (symlinkat(entry->source, parent, name) < 0)
		return error_errno(err, "make the link %s", entry->dest);
	return 0;
}

/* Through O_PATH, and so through /proc: to open a fifo would wait, a device would do things. */
static int change_mode(const struct tree *tree, int file, mode_t mode)
{
	char link[32];

	snprintf(link, sizeof(link), "self/fd/%d", file);
	return fchmodat(tree->proc, link, mode, 0);
}

int entry_chmod(struct tree *tree, const struct mount_entry *entry, int source,
		struct error *err)
{
	auto_close int file = mountpoint_find(tree, entry->dest, false);
	struct stat status;

	(void)source;
	if (file < 0 || fstat(file, &status) < 0)
		return error_errno(err, "change the mode of %s", entry->dest);
	if (!tree->spec->makes_everywhere && !tree_is_own(tree, &status))
		return error_set(err, ERROR_PLAIN,
				 "change the mode of %s: it belongs to the host",
				 entry->dest);
	if (change_mode(tree, file, entry->mode) < 0)
		return error_errno(err, "change the mode of %s", entry->dest);
	return 0;
}
