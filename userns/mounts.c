/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each kind of mount, and the table that names them. */
#include "userns/tree.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int mount_new(const char *type, const char *const *options, unsigned int attributes,
	      struct error *err)
{
	auto_close int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0)
		return error_errno(err, "open a %s", type);
	for (size_t i = 0; options && options[i]; i += 2) {
		unsigned int command =
			options[i + 1] ? SYS_FSCONFIG_SET_STRING : SYS_FSCONFIG_SET_FLAG;

		if (sys_fsconfig(fs, command, options[i], options[i + 1], 0) < 0)
			return error_errno(err, "set %s of a %s", options[i], type);
	}
	if (sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "make a %s", type);
	mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	if (mount < 0)
		return error_errno(err, "mount a %s", type);
	return mount;
}

/* Attaches a new mount at the entry's dest, a directory. */
static int place_new(struct tree *tree, const struct mount_entry *entry, int mount,
		     struct error *err)
{
	return mount_place(tree, mount, entry->dest, true, err);
}

int mount_clone(int dir_fd, const char *path, unsigned int flags)
{
	return sys_open_tree(dir_fd, path, flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* ---- sources --------------------------------------------------------------------------- */

/* flags: MOUNT_F_SRC_NOFOLLOW counts. */
static int open_source(const char *path, unsigned int flags, struct error *err)
{
	int fd = open(path, O_PATH | O_CLOEXEC |
				    (flags & MOUNT_F_SRC_NOFOLLOW ? O_NOFOLLOW : 0));

	if (fd < 0)
		return error_errno_id(
			err, errno == ENOENT ? ERROR_SOURCE_MISSING : ERROR_PLAIN,
			"open %s", path);
	return fd;
}

/* What the plan has looked at, and not what has taken its name since. */
static int check_looked_at(const struct mount_entry *entry, int source, struct error *err)
{
	struct stat status;

	if (entry->source_inode == 0)
		return 0;
	if (fstat(source, &status) < 0)
		return error_errno(err, "look at %s", entry->source);
	if (status.st_dev == entry->source_device && status.st_ino == entry->source_inode)
		return 0;
	errno = ESTALE;
	return error_set(err, ERROR_PLAIN, "open %s: it was exchanged while sbx looked",
			 entry->source);
}

static int open_looked_at(const struct mount_entry *entry, struct error *err)
{
	auto_close int source = open_source(entry->source, entry->flags, err);

	if (source < 0 || check_looked_at(entry, source, err) < 0)
		return -1;
	return fd_take(&source);
}

/*
 * A whole tree, detached, with the flags that it has now. Without what is mounted below only
 * where that hides nothing: mounts of the outer user namespace stay on what they cover
 * (EINVAL, mount_namespaces(7)). Closes the source.
 */
static int take_tree(int from, const char *path, unsigned int flags, struct error *err)
{
	auto_close int source = from;
	int clone = -1;

	if (source < 0)
		return -1;
	if (flags & MOUNT_F_SHALLOW)
		clone = mount_clone(source, "", AT_EMPTY_PATH);
	if (clone < 0)
		clone = mount_clone(source, "", AT_EMPTY_PATH | AT_RECURSIVE);
	if (clone < 0)
		return error_errno_id(err, errno == EPERM ? ERROR_KERNEL : ERROR_PLAIN,
				      "bind %s", path);
	return clone;
}

int mount_take_reached(const struct mount_entry *entry, int *source, struct error *err)
{
	auto_close int from = fd_take(source);

	if (check_looked_at(entry, from, err) < 0)
		return -1;
	return take_tree(fd_take(&from), entry->source, entry->flags, err);
}

/*
 * Closes the descriptor that the plan names: it was given for this alone. Its mount belongs
 * to the caller's mount namespace, so the same file is looked up in ours.
 */
static int take_descriptor(const struct mount_entry *entry, struct error *err)
{
	struct stat given, taken;
	auto_close int source = entry->fd;
	auto_close int clone = -1;
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", entry->fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return error_errno(err, "bind descriptor %d", entry->fd);
	path[length] = '\0';
	clone = mount_clone(AT_FDCWD, path, AT_RECURSIVE);
	if (clone < 0 || fstat(source, &given) < 0 || fstat(clone, &taken) < 0)
		return error_errno(err, "bind descriptor %d", entry->fd);
	if (!files_same(&given, &taken))
		return error_set(err, ERROR_PLAIN,
				 "bind descriptor %d: it shows another file", entry->fd);
	return fd_take(&clone);
}

/* While the caller's root can still be seen, where the layer lies. */
static int take_kept(struct tree *tree, const struct mount_entry *entry,
		     struct error *err)
{
	auto_close int lower = open_looked_at(entry, err);
	int overlay;

	if (lower < 0)
		return -1;
	overlay = overlay_open_kept(tree, lower, entry->upper, entry->work, err);
	return overlay < 0 ? error_within(err, "put a layer over %s", entry->source)
			   : overlay;
}

static bool shows_outer_proc(const struct tree *tree, const struct mount_entry *entry)
{
	if (entry->source && strcmp(entry->source, "host") == 0)
		return true;
	return tree->namespaces->kinds[NS_PID].mode == NS_SHARED;
}

int mount_take_source(struct tree *tree, const struct mount_entry *entry, int *ret_fd,
		      struct error *err)
{
	int fd = -1;

	*ret_fd = -1;
	if (entry->kind == MOUNT_BIND && entry->flags & MOUNT_F_FD)
		fd = take_descriptor(entry, err);
	else if (entry->kind == MOUNT_BIND)
		fd = take_tree(open_looked_at(entry, err), entry->source, entry->flags,
			       err);
	else if (entry->kind == MOUNT_COW && entry->upper)
		fd = take_kept(tree, entry, err);
	else if (entry->kind == MOUNT_COW)
		fd = open_looked_at(entry, err);
	else if (entry->kind == MOUNT_PROC && shows_outer_proc(tree, entry))
		fd = take_tree(open_source("/proc", 0, err), "/proc", 0, err);
	else
		return 0;
	if (fd < 0 && errno == ENOENT && (entry->flags & MOUNT_F_OPTIONAL))
		return 0;
	*ret_fd = fd;
	return fd < 0 ? -1 : 0;
}

/* ---- the kinds ----------------------------------------------------------------------- */

static int do_bind(struct tree *tree, const struct mount_entry *entry, int source,
		   struct error *err)
{
	const unsigned int attributes = mount_attributes(entry->flags);
	struct stat status;

	if (source < 0)
		return 0;
	if (fstat(source, &status) < 0)
		return error_errno(err, "look at the source of %s", entry->dest);
	if (mount_place(tree, source, entry->dest, S_ISDIR(status.st_mode), err) < 0)
		return -1;
	if (tree->spec->tolerates_submounts &&
	    mount_change(tree, source, attributes, 0, true, err) < 0)
		return mount_change(tree, source, attributes, 0, false, err);
	return mount_change(tree, source, attributes, 0, true, err);
}

static int do_cow(struct tree *tree, const struct mount_entry *entry, int source,
		  struct error *err)
{
	auto_close int overlay = -1;

	if (source < 0)
		return 0;
	/* With a layer that is kept it is the overlay already. */
	overlay = entry->upper ? fcntl(source, F_DUPFD_CLOEXEC, 3)
			       : overlay_open(tree, &source, 1, NULL, NULL, true, err);
	if (overlay < 0)
		return error_within(err, "put a layer over %s", entry->source);
	if (place_new(tree, entry, overlay, err) < 0)
		return -1;
	return mount_change(tree, overlay, mount_attributes(entry->flags), 0, false, err);
}

static int do_overlay(struct tree *tree, const struct mount_entry *entry, int source,
		      struct error *err)
{
	int lowers[TREE_LAYERS_MAX] = { -1 };
	auto_close int overlay = -1;
	size_t opened = 0;
	int failed = 0;

	(void)source;
	while (!failed && opened < entry->lower_count && opened < TREE_LAYERS_MAX) {
		lowers[opened] = open_source(entry->lowers[opened], 0, err);
		failed = lowers[opened] < 0 ? -1 : 0;
		opened += failed ? 0 : 1;
	}
	if (!failed)
		overlay = overlay_open(
			tree, lowers, entry->lower_count, entry->upper, entry->work,
			entry->upper || entry->flags & MOUNT_F_THROWAWAY, err);
	while (opened > 0)
		close(lowers[--opened]);
	if (overlay < 0 || place_new(tree, entry, overlay, err) < 0)
		return -1;
	return mount_change(tree, overlay, mount_attributes(entry->flags), 0, false, err);
}

static int do_tmpfs(struct tree *tree, const struct mount_entry *entry, int source,
		    struct error *err)
{
	auto_close int mount = -1;
	char mode[16], size[32];
	const char *options[] = { "mode", mode, "size", size, NULL };

	(void)source;
	snprintf(mode, sizeof(mode), "%o", mount_mode(entry, 0755));
	snprintf(size, sizeof(size), "%llu", (unsigned long long)entry->size);
	if (entry->size == 0)
		options[2] = NULL;
	mount = mount_new(
		"tmpfs", options,
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			mount_attributes(entry->flags & ~(unsigned int)MOUNT_F_RDONLY),
		err);
	if (mount < 0 || tree_own(tree, mount, err) < 0)
		return -1;
	if (place_new(tree, entry, mount, err) < 0)
		return -1;
	if (entry->flags & MOUNT_F_RDONLY)
		return tree_close_late(tree, fd_take(&mount), err);
	return 0;
}

static int do_scratch(struct tree *tree, const struct mount_entry *entry, int source,
		      struct error *err)
{
	auto_close int mount = -1;

	(void)source;
	if (protection_is_off("private directories"))
		return 0;
	mount = scratch_place(tree, entry->dest, entry->mode ? entry->mode : 0755, err);
	if (mount < 0)
		return -1;
	return mount_change(tree, mount, mount_attributes(entry->flags), 0, false, err);
}

/* ---- proc and sys -------------------------------------------------------------------- */

static int refuse_proc(int errnum, const struct mount_entry *entry, struct error *err)
{
	errno = errnum;
	if (errnum != EPERM)
		return error_errno(err, "mount a proc on %s", entry->dest);
	error_errno_id(
		err, ERROR_PROC_COVERED,
		"mount a proc on %s: /proc is partly covered here, as in a container",
		entry->dest);
	return error_hint(
		err,
		"--proc host shows the outer process list, --proc none has no /proc");
}

static int do_proc(struct tree *tree, const struct mount_entry *entry, int source,
		   struct error *err)
{
	static const char *const pids_only[] = { "subset", "pid", NULL };
	const bool pids = entry->source && strcmp(entry->source, "pids") == 0;
	auto_close int mount = -1;

	if (source >= 0) {
		if (place_new(tree, entry, source, err) < 0)
			return -1;
		return mount_change(tree, source,
				    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					    MOUNT_ATTR_NOEXEC,
				    0, true, err);
	}
	mount = mount_new("proc", pids ? pids_only : NULL,
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	if (mount < 0)
		return refuse_proc(err->errnum, entry, err);
	return place_new(tree, entry, mount, err);
}

/*
 * A new sysfs shows the devices of the network namespace that it is mounted in, so the
 * kernel wants that namespace to be ours. Else the outer one is good enough: it shows
 * what the caller sees.
 */
static int do_sysfs(struct tree *tree, const struct mount_entry *entry, int source,
		    struct error *err)
{
	const unsigned int attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	auto_close int mount = -1;
	auto_close int outer = -1;

	(void)source;
	if (tree->namespaces->kinds[NS_NET].mode == NS_PRIVATE)
		mount = mount_new("sysfs", NULL, attributes, err);
	if (mount >= 0)
		return place_new(tree, entry, mount, err);
	/* The host's own root shows it already, read-only. */
	if (!tree->pivots)
		return 0;
	outer = take_tree(open_source("/sys", 0, err), "/sys", 0, err);
	if (outer < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (place_new(tree, entry, outer, err) < 0)
		return -1;
	return mount_change(tree, outer, attributes, 0, true, err);
}

static int do_plain(const char *type, struct tree *tree, const struct mount_entry *entry,
		    struct error *err)
{
	auto_close int mount =
		mount_new(type, NULL,
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
				  mount_attributes(entry->flags),
			  err);

	if (mount < 0)
		return -1;
	return place_new(tree, entry, mount, err);
}

static int do_mqueue(struct tree *tree, const struct mount_entry *entry, int source,
		     struct error *err)
{
	(void)source;
	return do_plain("mqueue", tree, entry, err);
}

static int do_cgroup(struct tree *tree, const struct mount_entry *entry, int source,
		     struct error *err)
{
	(void)source;
	return do_plain("cgroup2", tree, entry, err);
}

/* ---- covers -------------------------------------------------------------------------- */

static int new_cover(struct tree *tree, bool directory, struct error *err)
{
	auto_close int made = -1;
	int clone;

	if (directory)
		made = scratch_dir(tree, 0555, err);
	else
		made = openat(tree->scratch, "empty",
			      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (made < 0)
		return directory ? -1 : error_errno(err, "make an empty file");
	clone = mount_clone(made, "", AT_EMPTY_PATH);
	return clone < 0 ? error_errno(err, "clone a cover") : clone;
}

/*
 * The first cover is attached and made read-only; further ones are clones of it, flags
 * and all.
 */
static int take_cover(struct tree *tree, bool directory, bool *ret_first,
		      struct error *err)
{
	int cover = directory ? tree->empty_dir : tree->empty_file;
	int clone;

	*ret_first = cover < 0;
	if (*ret_first)
		return new_cover(tree, directory, err);
	clone = mount_clone(cover, "", AT_EMPTY_PATH);
	return clone < 0 ? error_errno(err, "clone a cover") : clone;
}

bool mount_is_absent(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == EACCES;
}

int mount_cover(struct tree *tree, int place, const char *dest, struct error *err)
{
	auto_close int cover = -1;
	struct stat status;
	bool directory, first;

	if (fstat(place, &status) < 0)
		return error_errno(err, "mask %s", dest);
	if (S_ISLNK(status.st_mode))
		return 0;
	directory = S_ISDIR(status.st_mode);
	cover = take_cover(tree, directory, &first, err);
	if (cover < 0 || mount_attach(cover, place, dest, err) < 0)
		return -1;
	if (!first)
		return 0;
	if (mount_change(tree, cover, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, 0, false,
			 err) < 0)
		return -1;
	*(directory ? &tree->empty_dir : &tree->empty_file) = fd_take(&cover);
	return 0;
}

static int do_mask(struct tree *tree, const struct mount_entry *entry, int source,
		   struct error *err)
{
	auto_close int place =
		mountpoint_find(tree, entry->dest, entry->flags & MOUNT_F_NOFOLLOW);

	(void)source;
	if (protection_is_off("masks") ||
	    (place < 0 && (entry->flags & MOUNT_F_OPTIONAL) && mount_is_absent(errno)))
		return 0;
	if (place < 0)
		return error_errno_id(err, ERROR_SOURCE_MISSING, "mask %s", entry->dest);
	return mount_cover(tree, place, entry->dest, err);
}

static int do_readonly(struct tree *tree, const struct mount_entry *entry, int source,
		       struct error *err)
{
	auto_close int place = mountpoint_find(tree, entry->dest, false);
	auto_close int clone = -1;

	(void)source;
	if (place < 0)
		return mount_is_absent(errno) ? 0
					      : error_errno(err, "find %s", entry->dest);
	clone = mount_clone(place, "", AT_EMPTY_PATH | AT_RECURSIVE);
	if (clone < 0)
		return error_errno(err, "make %s read-only", entry->dest);
	if (mount_attach(clone, place, entry->dest, err) < 0)
		return -1;
	return mount_change(tree, clone, MOUNT_ATTR_RDONLY, 0, true, err);
}

static int do_remount_ro(struct tree *tree, const struct mount_entry *entry, int source,
			 struct error *err)
{
	auto_close int place = mountpoint_find(tree, entry->dest, false);

	(void)source;
	if (place < 0)
		return error_errno(err, "find %s", entry->dest);
	return mount_change(tree, place, MOUNT_ATTR_RDONLY, 0, false, err);
}

/* ---- the table ------------------------------------------------------------------------- */

static int (*const kinds[])(struct tree *tree, const struct mount_entry *entry,
			    int source, struct error *err) = {
	[MOUNT_BIND] = do_bind,
	[MOUNT_COW] = do_cow,
	[MOUNT_OVERLAY] = do_overlay,
	[MOUNT_TMPFS] = do_tmpfs,
	[MOUNT_SCRATCH] = do_scratch,
	[MOUNT_PROC] = do_proc,
	[MOUNT_SYSFS] = do_sysfs,
	[MOUNT_DEV] = dev_do,
	[MOUNT_MQUEUE] = do_mqueue,
	[MOUNT_CGROUP] = do_cgroup,
	[MOUNT_MASK] = do_mask,
	[MOUNT_READONLY] = do_readonly,
	[MOUNT_REMOUNT_RO] = do_remount_ro,
	[MOUNT_DIR] = entry_dir,
	[MOUNT_FILE] = entry_file,
	[MOUNT_DATA] = entry_data,
	[MOUNT_SYMLINK] = entry_symlink,
	[MOUNT_CHMOD] = entry_chmod,
};

int mount_do(struct tree *tree, const struct mount_entry *entry, int source,
	     struct error *err)
{
	return kinds[entry->kind](tree, entry, source, err);
}
