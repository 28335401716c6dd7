/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-on-write by overlayfs in the user namespace. The layers are mounted side by side
 * in a directory of the scratch space and named relative to it: so no path of the host is
 * looked up twice, and none needs quoting or a limit on its length.
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { OVERLAY_LOWERS_MAX = TREE_LAYERS_MAX, LAYER_NAME_SIZE = 4 };

static int explain_clone(struct error *err)
{
	if (errno != EINVAL)
		return error_errno(err, "clone a layer");
	error_set(err, ERROR_OVERLAY,
		  "make it copy-on-write: a file system is mounted below it");
	return error_hint(err, "take a directory below that, or read-only or "
			       "writable in place of copy-on-write");
}

/* Puts a clone of a layer below the current directory as name. */
static int place_clone(int layer, const char *name, struct error *err)
{
	auto_close int clone = sys_open_tree(
		layer, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (clone < 0)
		return explain_clone(err);
	if (mkdir(name, 0755) < 0 ||
	    sys_move_mount(clone, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "place a layer");
	return 0;
}

/*
 * What a layer is called beside the others. fsconfig(2) takes 255 bytes, so the names are
 * short; the lowest is the one that fuse-overlayfs is told of.
 */
static void name_layer(size_t index, char name[LAYER_NAME_SIZE])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const size_t base = sizeof(digits) - 1;
	char *end = name;

	if (index == 0)
		*end++ = 'l';
	if (index >= base)
		*end++ = digits[index / base];
	*end++ = digits[index % base];
	*end = '\0';
}

/* A mount that lies nowhere is no layer to clone: it is put there itself (open_tree(2)). */
static int place_detached(int layer, const char *name)
{
	if (mkdir(name, 0755) < 0)
		return -1;
	if (sys_move_mount(layer, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) == 0)
		return 0;
	(void)rmdir(name);
	return -1;
}

static int place_layer(const struct tree *tree, int layer, const char *name,
		       struct error *err)
{
	if (layer != tree->detached)
		return place_clone(layer, name, err);
	return place_detached(layer, name) < 0 ? error_errno(err, "place a layer") : 0;
}

/* The root of an overlay looks like its upper directory: like the top lower then. */
static int make_upper(int top, struct error *err)
{
	struct stat status;

	if (fstat(top, &status) < 0)
		return error_errno(err, "look at a layer");
	if (mkdir("upper", 0755) < 0 || mkdir("work", 0755) < 0)
		return error_errno(err, "make the upper layer");
	if (chmod("upper", status.st_mode & 07777) < 0)
		return error_errno(err, "set the mode of the upper layer");
	/* An owner that is not mapped cannot be given: fuse-overlayfs takes another. */
	if (chown("upper", status.st_uid, status.st_gid) < 0 && errno != EINVAL &&
	    errno != EPERM)
		return error_errno(err, "set the owner of the upper layer");
	return 0;
}

static int lower_names(size_t count, char *text, size_t size)
{
	size_t used = 0;

	/* overlayfs wants the topmost first; ours come with the lowest first. */
	for (size_t i = count; i-- > 0;) {
		char name[LAYER_NAME_SIZE];
		int written;

		name_layer(i, name);
		written =
			snprintf(text + used, size - used, "%s%s", used ? ":" : "", name);
		if (written < 0 || (size_t)written >= size - used)
			return -1;
		used += (size_t)written;
	}
	return 0;
}

static int refuse_overlay(struct error *err)
{
	int errnum = errno;

	error_errno_id(err, ERROR_OVERLAY, "mount an overlay");
	if (errnum == EPERM || errnum == ENODEV)
		return error_hint(err,
				  "kernels before 5.11 have no overlay for users; use "
				  "--root-mode ro or --cwd ro, or rw");
	return error_hint(
		err, "--root-mode ro or --cwd ro needs no overlay; rw writes through");
}

/* What is written: upper and work as names, both NULL for a read-only overlay. */
struct upper {
	const char *upper, *work;
	bool keeps;
};

static int set_upper(int fs, const struct upper *upper)
{
	if (!upper->upper)
		return 0;
	if (sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "upperdir", upper->upper, 0) < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "workdir", upper->work, 0) < 0)
		return -1;
	if (upper->keeps)
		return 0;
	/* Nothing of it is to survive a crash, so nothing has to be synced. */
	return sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "volatile", NULL, 0);
}

static int mount_layers(const char *lowers, const struct upper *upper, struct error *err)
{
	auto_close int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "lowerdir", lowers, 0) < 0)
		return refuse_overlay(err);
	if (set_upper(fs, upper) < 0)
		return refuse_overlay(err);
	if (sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return refuse_overlay(err);
	mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (mount < 0)
		return refuse_overlay(err);
	return mount;
}

/* An owner that reads as the overflow id has no mapping (user_namespaces(7)). */
static bool is_unmapped(int fd)
{
	enum { OVERFLOW_ID = 65534 };
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	return (status.st_uid == OVERFLOW_ID && geteuid() != OVERFLOW_ID) ||
	       (status.st_gid == OVERFLOW_ID && getegid() != OVERFLOW_ID);
}

/*
 * That a new directory hides the one below it is kept in an attribute of the user, which
 * tmpfs has since 6.6. Without them overlayfs is mounted all the same, and fails later
 * with EIO where a directory is emptied and removed, or replaced.
 */
static bool lacks_attributes(const char *upper)
{
	char value;

	return getxattr(upper, "user.overlay.opaque", &value, sizeof(value)) < 0 &&
	       errno == EOPNOTSUPP;
}

/* One line, of one id: "INSIDE OUTSIDE 1" (user_namespaces(7)). */
static bool maps_one_id(const struct tree *tree)
{
	char map[256];
	const char *end;

	if (tree->proc < 0 ||
	    files_read(tree->proc, "self/uid_map", map, sizeof(map) - 1) < 0)
		return false;
	end = strchr(map, '\n');
	return end && end[1] == '\0' && end - map > 2 && memcmp(end - 2, " 1", 2) == 0;
}

/* fuse-overlayfs knows one owner: with many, fewer directories are the smaller loss. */
static bool serves_better_by_fuse(const struct tree *tree, const struct upper *written)
{
	return lacks_attributes(written->upper) && fuse_can_serve(tree) &&
	       maps_one_id(tree);
}

/* The server is the caller, without any power: it writes as the owner of the layer. */
static int give_to_server(const struct upper *written, struct error *err)
{
	struct stat status;

	if (stat(written->upper, &status) < 0)
		return error_errno(err, "look at the upper layer");
	if (!written->keeps && chown(written->upper, geteuid(), getegid()) < 0)
		return error_errno(err, "set the owner of the upper layer");
	if (chmod(written->upper, (status.st_mode & 07777) | S_IRWXU) < 0)
		return error_errno(err, "set the mode of the upper layer");
	return 0;
}

/*
 * The layers have to lie in the current directory: a kept one is mounted there, with the
 * directory around it, since a file is renamed from work to upper.
 */
static int open_by_fuse(struct tree *tree, const struct upper *written, const char *why,
			struct error *err)
{
	auto_close int kept = -1;
	char parent[PATH_MAX];
	char *slash;

	if (give_to_server(written, err) < 0)
		return -1;
	if (!written->keeps)
		return fuse_overlay_open(tree, why, err);
	snprintf(parent, sizeof(parent), "%s", written->upper);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	kept = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (kept < 0)
		return error_errno(err, "open %s", parent);
	if (place_clone(kept, "kept", err) < 0)
		return -1;
	return fuse_overlay_open(tree, why, err);
}

/* An overlay may lie on another, but not on one that does so itself: then it is EINVAL. */
static bool lies_on_overlay(const int *lowers, size_t count)
{
	struct statfs where;

	for (size_t i = 0; i < count; i++)
		if (fstatfs(lowers[i], &where) == 0 &&
		    where.f_type == OVERLAYFS_SUPER_MAGIC)
			return true;
	return false;
}

/* What the kernel cannot do and fuse-overlayfs may; NULL: neither can. */
static const char *reason_for_fuse(int errnum, const int *lowers, size_t count)
{
	if (errnum == EPERM || errnum == ENODEV)
		return "make it copy-on-write: this kernel has no overlay for users";
	if (errnum == EINVAL && lies_on_overlay(lowers, count))
		return "make it copy-on-write: it lies on two layers already, and the "
		       "kernel takes no third";
	return NULL;
}

/*
 * What the kernel has made in there before it refused is closed to everybody, and in the
 * other's way.
 */
static int renew_work(const struct upper *written, struct error *err)
{
	char made[PATH_MAX + sizeof("/work")];

	if (written->keeps) {
		snprintf(made, sizeof(made), "%s/work", written->work);
		(void)rmdir(made);
		return 0;
	}
	if (rename("work", "refused") < 0 || mkdir("work", 0755) < 0)
		return error_errno(err, "make the upper layer again");
	return 0;
}

/* One writable layer over one directory: where the kernel cannot, fuse-overlayfs may. */
static int open_written(struct tree *tree, const int *lowers, size_t count,
			const char *names, const struct upper *written, struct error *err)
{
	struct error refusal;
	const char *why;
	int overlay;

	if (count == 1 && is_unmapped(lowers[0]))
		return open_by_fuse(
			tree, written,
			"make it copy-on-write: its owner or group is not mapped", err);
	if (count == 1 && serves_better_by_fuse(tree, written))
		return open_by_fuse(tree, written, "make it copy-on-write", err);
	overlay = mount_layers(names, written, &refusal);
	if (overlay >= 0) {
		/* One was taken for each: where descriptors are few, it is missed. */
		if (tree->fuse_count > 0)
			fd_close(&tree->fuse[--tree->fuse_count]);
		return overlay;
	}
	why = reason_for_fuse(refusal.errnum, lowers, count);
	if (count != 1 || !why) {
		*err = refusal;
		return -1;
	}
	if (renew_work(written, err) < 0)
		return -1;
	return open_by_fuse(tree, written, why, err);
}

static int enter_place(struct tree *tree, const int *lowers, size_t count,
		       struct error *err)
{
	auto_close int place = scratch_dir(tree, 0755, err);

	if (place < 0)
		return -1;
	if (fchdir(place) < 0)
		return error_errno(err, "enter the scratch space");
	for (size_t i = 0; i < count; i++) {
		char name[LAYER_NAME_SIZE];

		name_layer(i, name);
		if (place_layer(tree, lowers[i], name, err) < 0)
			return -1;
	}
	return 0;
}

/* The clone outlives this namespace as long as somebody holds it. */
static int tell_of_layer(const struct tree *tree, const struct upper *written,
			 struct error *err)
{
	const struct root_listener *listener = tree->listener;
	auto_close int layer = -1;

	if (!listener)
		return 0;
	layer = sys_open_tree(AT_FDCWD, written->upper,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (layer < 0)
		return error_errno(err, "clone the layer that is written to");
	return listener->tell(listener->context, tree->entry, layer, err);
}

int overlay_open(struct tree *tree, const int *lowers, size_t count, const char *upper,
		 const char *work, bool writable, struct error *err)
{
	auto_close int overlay = -1;
	struct upper written = { upper, work, upper != NULL };
	char names[256]; /* fsconfig(2) */

	if (count == 0 || count > OVERLAY_LOWERS_MAX ||
	    lower_names(count, names, sizeof(names)) < 0)
		return error_set(err, ERROR_OVERLAY, "overlay more than %d directories",
				 OVERLAY_LOWERS_MAX);
	if (enter_place(tree, lowers, count, err) < 0)
		return -1;
	if (writable && !upper) {
		if (make_upper(lowers[count - 1], err) < 0)
			return -1;
		written = (struct upper){ "upper", "work", false };
	}
	if (writable && tell_of_layer(tree, &written, err) < 0)
		return -1;
	overlay = writable ? open_written(tree, lowers, count, names, &written, err)
			   : mount_layers(names, &written, err);
	if (overlay < 0 || tree_own(tree, overlay, err) < 0)
		return -1;
	return fd_take(&overlay);
}

/* ---- a layer that is kept ---------------------------------------------------------------- */

/* A mount below it would be left out, and the kernel says no more than EINVAL then. */
static int check_whole(int lower, struct error *err)
{
	auto_close int clone = sys_open_tree(
		lower, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	return clone < 0 ? explain_clone(err) : 0;
}

static void name_descriptor(int fd, char *name, size_t size)
{
	snprintf(name, size, "/proc/self/fd/%d", fd);
}

/*
 * By their descriptors, so that no letter of a path has to be quoted. Who reads the layer
 * later knows what the kernel writes into one; fuse-overlayfs has marks of its own.
 */
int overlay_open_kept(struct tree *tree, int lower, const char *upper, const char *work,
		      struct error *err)
{
	auto_close int above = open(upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int beside = open(work, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char names[3][32];
	/*
	 * Volatile: else its end would wait for the whole disk. Whoever brings the layer back
	 * syncs that.
	 */
	const struct upper written = { names[1], names[2], false };
	auto_close int overlay = -1;

	if (above < 0 || beside < 0)
		return error_errno(err, "open the layer %s", upper);
	if (is_unmapped(lower)) {
		error_set(err, ERROR_OVERLAY,
			  "keep what is written: its owner or group is not mapped");
		return error_hint(err, "chgrp it to your own group");
	}
	name_descriptor(lower, names[0], sizeof(names[0]));
	name_descriptor(above, names[1], sizeof(names[1]));
	name_descriptor(beside, names[2], sizeof(names[2]));
	if (check_whole(lower, err) < 0)
		return -1;
	overlay = mount_layers(names[0], &written, err);
	if (overlay < 0 || tree_own(tree, overlay, err) < 0)
		return -1;
	return fd_take(&overlay);
}
