/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for mounts. They are resolved inside the new root only, and nothing is ever made
 * in a directory of the host: what was made here is known by its device number. A parent
 * that is read-only is replaced by a mirror, a directory of the scratch space into which
 * its entries are mounted one by one; a mirror takes new names.
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	MIRROR_ENTRIES_MAX = 512,
	LINKS_MAX = 40, /* path_resolution(7) */
};

int mount_attach(int mount_fd, int place_fd, const char *dest, struct error *err)
{
	if (sys_move_mount(mount_fd, "", place_fd, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_errno(err, "mount on %s", dest);
	return 0;
}

int mountpoint_find(const struct tree *tree, const char *dest, bool nofollow)
{
	const int flags = O_PATH | (nofollow ? O_NOFOLLOW : 0);

	if (protection_is_off("destinations") && strcmp(dest, "/") != 0)
		return openat(tree->root, dest + 1, flags | O_CLOEXEC);
	return files_open_in_root(tree->root, dest, flags, 0);
}

/* ---- mirrors --------------------------------------------------------------------------- */

static int mirror_link(int from, int to, const char *name, struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(from, name, target, sizeof(target) - 1);

	if (length < 0)
		return error_errno(err, "read the link %s", name);
	target[length] = '\0';
	if (symlinkat(target, to, name) < 0)
		return error_errno(err, "make the link %s", name);
	return 0;
}

static int make_place(int parent, const char *name, bool directory, struct error *err)
{
	int fd;

	if (directory) {
		if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "make the mount point %s", name);
	} else {
		fd = openat(parent, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			    0444);
		if (fd < 0)
			return error_errno(err, "make the mount point %s", name);
		close(fd);
	}
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open the mount point %s", name);
	return fd;
}

static int mirror_entry(int from, int to, const char *name, struct error *err)
{
	auto_close int source = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	auto_close int clone = -1;
	auto_close int place = -1;
	struct stat status;

	/* What vanishes while we look was not there. */
	if (source < 0)
		return errno == ENOENT ? 0 : error_errno(err, "open %s", name);
	if (fstat(source, &status) < 0)
		return error_errno(err, "look at %s", name);
	if (S_ISLNK(status.st_mode))
		return mirror_link(from, to, name, err);
	clone = sys_open_tree(source, "",
			      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
				      OPEN_TREE_CLOEXEC);
	if (clone < 0)
		return error_errno(err, "clone %s", name);
	place = make_place(to, name, S_ISDIR(status.st_mode), err);
	if (place < 0)
		return -1;
	return mount_attach(clone, place, name, err);
}

static int refuse_mirror(struct error *err)
{
	return error_set(err, ERROR_MOUNT_POINT_MISSING,
			 "add a mount point: more than %d entries beside it",
			 MIRROR_ENTRIES_MAX);
}

static int mirror_records(int from, int to, const char *records, long size, size_t *count,
			  struct error *err)
{
	for (long at = 0; at < size;) {
		const struct sys_dirent *record = (const void *)(records + at);

		at += record->length;
		if (strcmp(record->name, ".") == 0 || strcmp(record->name, "..") == 0)
			continue;
		if (++*count > MIRROR_ENTRIES_MAX)
			return refuse_mirror(err);
		if (mirror_entry(from, to, record->name, err) < 0)
			return -1;
	}
	return 0;
}

static int mirror_entries(int from, int to, struct error *err)
{
	auto_close int list = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct sys_dirent) char records[8192];
	size_t count = 0;
	long size;

	if (list < 0)
		return error_errno(err, "list the parent");
	while ((size = sys_getdents64(list, records, sizeof(records))) > 0)
		if (mirror_records(from, to, records, size, &count, err) < 0)
			return -1;
	return size < 0 ? error_errno(err, "list the parent") : 0;
}

/*
 * A mirror of the root itself becomes the new root: it is stacked on the old one, and can
 * only be entered by a pivot from now on.
 */
static int replace_root(struct tree *tree, int mount, struct error *err)
{
	int copy = fcntl(mount, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return error_errno(err, "keep the new root");
	fd_close(&tree->root);
	tree->root = copy;
	tree->pivots = true;
	return 0;
}

static int place_mirror(struct tree *tree, int clone, int original, bool is_root,
			struct error *err)
{
	if (mount_attach(clone, original, "a read-only parent", err) < 0)
		return -1;
	return is_root ? replace_root(tree, clone, err) : 0;
}

/* Before anything is changed: half a mirror would hide the other half. */
static int check_mirror(int original, struct error *err)
{
	auto_close int list = openat(original, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct sys_dirent) char records[8192];
	size_t count = 0;
	long size;

	if (list < 0)
		return error_errno(err, "list the parent");
	while ((size = sys_getdents64(list, records, sizeof(records))) > 0) {
		for (long at = 0; at < size; count++)
			at += ((const struct sys_dirent *)(const void *)(records + at))
				      ->length;
	}
	if (size < 0)
		return error_errno(err, "list the parent");
	return count > MIRROR_ENTRIES_MAX + 2 ? refuse_mirror(err) : 0;
}

static int mirror(struct tree *tree, int original, struct error *err)
{
	auto_close int dir = -1;
	auto_close int clone = -1;
	struct stat status, root;

	if (fstat(original, &status) < 0 || fstat(tree->root, &root) < 0)
		return error_errno(err, "look at a read-only parent");
	if (check_mirror(original, err) < 0)
		return -1;
	if (tree_close_below(tree, &status, err) < 0)
		return -1;
	dir = scratch_dir(tree, status.st_mode & 07777, err);
	if (dir < 0)
		return -1;
	clone = scratch_clone(dir, err);
	if (clone < 0)
		return -1;
	if (place_mirror(tree, clone, original, files_same(&status, &root), err) < 0)
		return -1;
	if (mirror_entries(original, clone, err) < 0)
		return -1;
	return tree_close_late(tree, fd_take(&clone), err);
}

/* ---- making what is missing ------------------------------------------------------------ */

static int refuse_to_make(const char *dest, struct error *err)
{
	error_set(
		err, ERROR_MOUNT_POINT_MISSING,
		"mount on %s: it is missing, and nothing is made in directories of the host",
		dest);
	return error_hint(err,
			  "make it first (mkdir or touch), or mount on another place");
}

/* The parent may take new names: it was made here, or becomes a mirror. */
static int allow_names(struct tree *tree, int parent, const char *dest, struct error *err)
{
	struct stat status;
	struct statvfs mount;

	if (fstat(parent, &status) < 0 || fstatvfs(parent, &mount) < 0)
		return error_errno(err, "look at the parent of %s", dest);
	if (!S_ISDIR(status.st_mode)) {
		errno = ENOTDIR;
		return error_errno(err, "mount on %s", dest);
	}
	if (!(mount.f_flag & ST_RDONLY))
		return tree->spec->makes_everywhere || tree_is_own(tree, &status)
			       ? 0
			       : refuse_to_make(dest, err);
	if (mirror(tree, parent, err) < 0)
		return error_within(err, "mount on %s", dest);
	return 0;
}

/* Shortens path to its parent. */
static void cut_last(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	while (length > 1 && path[length - 1] != '/')
		length--;
	while (length > 1 && path[length - 1] == '/')
		length--;
	path[length] = '\0';
}

/* Makes sure that the parents of dest are there, and take a new name. */
static int open_parents(struct tree *tree, const char *dest, struct error *err)
{
	char path[PATH_MAX], parent[PATH_MAX];
	auto_close int made = -1;

	(void)text_copy(parent, sizeof(parent), dest);
	cut_last(parent);
	(void)text_copy(path, sizeof(path), parent);
	for (;;) {
		auto_close int found = mountpoint_find(tree, path, false);

		if (found >= 0) {
			if (allow_names(tree, found, dest, err) < 0)
				return -1;
			break;
		}
		if (errno != ENOENT || strcmp(path, "/") == 0)
			return error_errno(err, "mount on %s", dest);
		cut_last(path);
	}
	made = files_make_dirs_in_root(tree->root, parent, 0755);
	if (made < 0)
		return error_errno(err, "mount on %s: make %s", dest, parent);
	return 0;
}

/* A chain of missing parents that is longer is made in the general way. */
enum { OWN_PARENTS_MAX = 16 };

/*
 * The most common case, at once: the parent was made here and takes the name, or is missing
 * in such a one itself.
 */
static int make_in_own(struct tree *tree, const char *dest, bool directory, int depth)
{
	char name[NAME_MAX + 1];
	auto_close int parent = files_open_parent_in_root(tree->root, dest, name);
	struct stat status;
	struct error ignored;

	if (parent < 0 && errno == ENOENT && depth < OWN_PARENTS_MAX) {
		char path[PATH_MAX];
		auto_close int made = -1;

		(void)text_copy(path, sizeof(path), dest);
		cut_last(path);
		made = make_in_own(tree, path, true, depth + 1);
		if (made >= 0)
			parent = files_open_parent_in_root(tree->root, dest, name);
	}
	if (parent < 0 || fstat(parent, &status) < 0 || !S_ISDIR(status.st_mode) ||
	    !tree_is_own(tree, &status))
		return -1;
	return make_place(parent, name, directory, &ignored);
}

/* 1: path was a link, and is now what that leads to. */
static int follow_link(const struct tree *tree, char *path)
{
	auto_close int link = mountpoint_find(tree, path, true);
	char target[PATH_MAX];
	struct stat status;
	ssize_t length;
	size_t kept;

	if (link < 0 || fstat(link, &status) < 0 || !S_ISLNK(status.st_mode))
		return 0;
	length = readlinkat(link, "", target, sizeof(target) - 1);
	if (length <= 0)
		return 0;
	target[length] = '\0';
	if (target[0] == '/')
		return text_copy(path, PATH_MAX, target) < 0 ? 0 : 1;
	cut_last(path);
	kept = strlen(path);
	if (kept + (size_t)length + 2 > PATH_MAX)
		return 0;
	path[kept] = '/';
	memcpy(path + kept + 1, target, (size_t)length + 1);
	return 1;
}

void mountpoint_follow(const struct tree *tree, const char *dest, char *path)
{
	(void)text_copy(path, PATH_MAX, dest);
	for (int links = 0; links < LINKS_MAX && follow_link(tree, path) > 0; links++)
		continue;
}

static int make_missing(struct tree *tree, const char *dest, bool directory,
			struct error *err)
{
	auto_close int parent = -1;
	char name[NAME_MAX + 1];
	int made = make_in_own(tree, dest, directory, 0);

	if (made >= 0)
		return made;
	if (open_parents(tree, dest, err) < 0)
		return -1;
	parent = files_open_parent_in_root(tree->root, dest, name);
	if (parent < 0)
		return error_errno(err, "mount on %s", dest);
	/* A dangling link may have led elsewhere than to the parent that was looked at. */
	if (allow_names(tree, parent, dest, err) < 0)
		return -1;
	fd_close(&parent);
	parent = files_open_parent_in_root(tree->root, dest, name);
	if (parent < 0)
		return error_errno(err, "mount on %s", dest);
	return make_place(parent, name, directory, err);
}

/*
 * A mount on the root would not be seen from "/", but from "/..": it is never what was
 * meant. Another mount of the same directory is another place.
 */
static bool is_root(const struct tree *tree, int place, const struct stat *status)
{
	struct stat root;

	if (fstat(tree->root, &root) < 0 || !files_same(status, &root))
		return false;
	return files_same_mount(place, tree->root);
}

static int refuse_root(const char *dest, struct error *err)
{
	error_set(err, ERROR_USAGE, "mount on %s: it is the root itself", dest);
	return error_hint(err, "--root DIR gives the sandbox another root");
}

int mountpoint_open(struct tree *tree, const char *dest, bool directory,
		    struct error *err)
{
	auto_close int place = -1;
	struct stat status;

	if (strlen(dest) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return error_errno(err, "mount on %.64s", dest);
	}
	place = mountpoint_find(tree, dest, false);
	if (place < 0 && errno == ENOENT)
		return make_missing(tree, dest, directory, err);
	if (place < 0 && errno == ENOTDIR)
		return error_errno(err, "mount on %s: find its parents", dest);
	if (place < 0)
		return error_errno(err, "mount on %s", dest);
	if (fstat(place, &status) < 0)
		return error_errno(err, "look at %s", dest);
	if (!tree->spec->makes_everywhere && is_root(tree, place, &status))
		return refuse_root(dest, err);
	if (S_ISDIR(status.st_mode) != directory) {
		errno = directory ? ENOTDIR : EISDIR;
		return error_errno(err, "mount on %s", dest);
	}
	return fd_take(&place);
}

int mount_place(struct tree *tree, int mount_fd, const char *dest, bool directory,
		struct error *err)
{
	auto_close int place = mountpoint_open(tree, dest, directory, err);
	struct stat status;
	bool root;

	if (place < 0)
		return -1;
	if (fstat(place, &status) < 0)
		return error_errno(err, "look at %s", dest);
	root = tree->spec->makes_everywhere && is_root(tree, place, &status);
	if (mount_attach(mount_fd, place, dest, err) < 0)
		return -1;
	return root ? replace_root(tree, mount_fd, err) : 0;
}
