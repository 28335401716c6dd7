/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	STACKED_MAX = 16 /* the old root, the scratch space, a root, its mirrors */
};

/* ---- the root itself ----------------------------------------------------------------- */

/* The host's own root is writable only for who may make things everywhere. */
static unsigned int root_attributes(const struct rootfs_spec *spec)
{
	const bool writable = spec->mode != ROOT_RO &&
			      (spec->kind != ROOT_HOST || spec->makes_everywhere);

	return MOUNT_ATTR_NOSUID | (spec->devices ? 0 : MOUNT_ATTR_NODEV) |
	       (writable ? 0 : MOUNT_ATTR_RDONLY);
}

/* The namespace's own copy of the caller's tree, changed where it stands. */
static int open_host_root(struct tree *tree, struct error *err)
{
	tree->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tree->root < 0)
		return error_errno(err, "open the root");
	return mount_change(tree, tree->root, root_attributes(tree->spec), 0, true, err);
}

int rootfs_stack(int mount, struct error *err)
{
	if (sys_move_mount(mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "stack the new root");
	return 0;
}

/* Stacks a detached tree on "/": it is the new root from now on. */
static int stack_root(struct tree *tree, int mount, struct error *err)
{
	if (rootfs_stack(mount, err) < 0)
		return -1;
	tree->root = mount;
	return 0;
}

static int open_directory(const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno_id(err, ERROR_ROOT_NOT_DIRECTORY, "open the root %s",
				      path);
	return fd;
}

static int open_bound_root(struct tree *tree, struct error *err)
{
	auto_close int dir = open_directory(tree->spec->path, err);
	auto_close int clone = -1;

	if (dir < 0)
		return -1;
	clone = sys_open_tree(dir, "",
			      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
				      OPEN_TREE_CLOEXEC);
	if (clone < 0)
		return error_errno(err, "bind the root %s", tree->spec->path);
	/* Not before: a clone of "/" would have the scratch space in it. */
	if (scratch_open(tree, err) < 0 || stack_root(tree, clone, err) < 0)
		return -1;
	return mount_change(tree, fd_take(&clone), root_attributes(tree->spec), 0, true,
			    err);
}

/* DIR/upper and DIR/work: overlayfs wants both on one file system. */
static int prepare_kept_layer(const char *dir, const struct stat *lower, char *upper,
			      char *work, size_t size, struct error *err)
{
	if ((size_t)snprintf(upper, size, "%s/upper", dir) >= size ||
	    (size_t)snprintf(work, size, "%s/work", dir) >= size) {
		errno = ENAMETOOLONG;
		return error_errno(err, "keep the layer in %s", dir);
	}
	if (mkdir(upper, lower->st_mode & 07777) < 0 && errno != EEXIST)
		return error_errno(err, "make %s", upper);
	if (mkdir(work, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make %s", work);
	return 0;
}

/* An overlay over these, lowest first; the topmost says what a new upper looks like. */
static int open_overlay(struct tree *tree, const int *lowers, size_t count,
			struct error *err)
{
	char upper[PATH_MAX], work[PATH_MAX];
	const bool keeps = tree->spec->upper != NULL;
	struct stat status;

	if (fstat(lowers[count - 1], &status) < 0)
		return error_errno(err, "look at it");
	if (keeps && prepare_kept_layer(tree->spec->upper, &status, upper, work,
					sizeof(upper), err) < 0)
		return -1;
	return overlay_open(tree, lowers, count, keeps ? upper : NULL,
			    keeps ? work : NULL, tree->spec->mode == ROOT_COW, err);
}

static int stack_overlay(struct tree *tree, const int *lowers, size_t count,
			 const char *name, struct error *err)
{
	const int overlay = open_overlay(tree, lowers, count, err);

	if (overlay < 0)
		return error_within(err, "put a layer over the root %s", name);
	if (stack_root(tree, overlay, err) < 0)
		return -1;
	return tree->spec->mode == ROOT_COW
		       ? 0
		       : mount_change(tree, overlay, root_attributes(tree->spec), 0, true,
				      err);
}

static int open_layers(const struct rootfs_spec *spec, int *ret_layers, struct error *err)
{
	ret_layers[0] = open_directory(spec->path, err);
	if (ret_layers[0] < 0)
		return -1;
	for (size_t i = 0; i < spec->layer_count; i++) {
		ret_layers[i + 1] = open_directory(spec->layers[i], err);
		if (ret_layers[i + 1] < 0)
			return -1;
	}
	return 0;
}

static int open_layered_root(struct tree *tree, struct error *err)
{
	const struct rootfs_spec *spec = tree->spec;
	const size_t count = spec->layer_count + 1;
	int layers[TREE_LAYERS_MAX];
	int failed;

	if (count > TREE_LAYERS_MAX)
		return error_set(err, ERROR_OVERLAY, "use a root of more than %d layers",
				 TREE_LAYERS_MAX);
	for (size_t i = 0; i < count; i++)
		layers[i] = -1;
	failed = open_layers(spec, layers, err);
	if (!failed)
		failed = stack_overlay(tree, layers, count, spec->path, err);
	for (size_t i = 0; i < count; i++)
		fd_close(&layers[i]);
	return failed;
}

/* It is nobody else's: what is written can go into it. */
static int open_spare_root(struct tree *tree, struct error *err)
{
	const int mount = fcntl(tree->spec->mount, F_DUPFD_CLOEXEC, 3);

	if (mount < 0)
		return error_errno(err, "take the root");
	if (stack_root(tree, mount, err) < 0)
		return -1;
	if (tree->spec->mode == ROOT_COW && tree_own(tree, mount, err) < 0)
		return -1;
	return mount_change(tree, mount, root_attributes(tree->spec), 0, true, err);
}

static int open_served_root(struct tree *tree, struct error *err)
{
	auto_close int image = fuse_image_open(tree, err);

	if (image < 0)
		return -1;
	if (tree->spec->mode == ROOT_COW) {
		tree->detached = image;
		return stack_overlay(tree, &image, 1, tree->spec->path, err);
	}
	if (stack_root(tree, image, err) < 0)
		return -1;
	return mount_change(tree, fd_take(&image), root_attributes(tree->spec), 0, true,
			    err);
}

static int open_given_root(struct tree *tree, struct error *err)
{
	const struct rootfs_spec *spec = tree->spec;

	if (spec->mode != ROOT_COW || (spec->mount_is_spare && !spec->upper))
		return open_spare_root(tree, err);
	tree->detached = spec->mount;
	return stack_overlay(tree, &spec->mount, 1, "in memory", err);
}

static int open_empty_root(struct tree *tree, struct error *err)
{
	auto_close int dir = scratch_dir(tree, 0755, err);
	int clone;

	if (dir < 0)
		return -1;
	clone = scratch_clone(dir, err);
	if (clone < 0)
		return -1;
	return stack_root(tree, clone, err);
}

/* The scratch space first where the new root is made of it, and after it elsewhere. */
static int open_root(struct tree *tree, struct error *err)
{
	if (tree->spec->kind == ROOT_HOST) {
		if (open_host_root(tree, err) < 0)
			return -1;
		return scratch_open(tree, err);
	}
	tree->pivots = true;
	if (tree->spec->kind == ROOT_DIRECTORY && tree->spec->mode != ROOT_COW &&
	    !tree->spec->layer_count)
		return open_bound_root(tree, err);
	if (scratch_open(tree, err) < 0)
		return -1;
	if (tree->spec->kind == ROOT_MOUNT)
		return open_given_root(tree, err);
	if (tree->spec->kind == ROOT_SERVED)
		return open_served_root(tree, err);
	return tree->spec->kind == ROOT_EMPTY ? open_empty_root(tree, err)
					      : open_layered_root(tree, err);
}

/* ---- the way in ---------------------------------------------------------------------- */

/*
 * Unmounting "." takes the topmost of what is stacked there, so it goes on until the old
 * root itself is gone: then "." is no place of this namespace any more (umount(2)).
 */
int tree_let_go(struct error *err)
{
	for (int i = 0; i < STACKED_MAX; i++) {
		if (umount2(".", MNT_DETACH) == 0)
			continue;
		if (errno == EINVAL && i > 0)
			return 0;
		break;
	}
	return error_errno(err, "let go of the old root");
}

/*
 * Stacks the old root under the new one and lets go of it. pivot_root(2) allows both
 * names to be the same directory, so the new root needs no spare place in it.
 */
int tree_pivot(int root, struct error *err)
{
	auto_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return error_errno(err, "open the old root");
	if (fchdir(root) < 0)
		return error_errno(err, "enter the new root");
	if (sys_pivot_root(".", ".") < 0)
		return error_errno(err, "pivot into the new root");
	if (protection_is_off("old root"))
		return 0;
	if (fchdir(old) < 0)
		return error_errno(err, "enter the old root");
	return tree_let_go(err);
}

int rootfs_change(int mount, struct error *err)
{
	if (tree_pivot(mount, err) < 0)
		return -1;
	if (chdir("/") < 0)
		return error_errno(err, "stand at the new root");
	return 0;
}

static int finish(struct tree *tree, struct error *err)
{
	for (size_t i = 0; i < tree->late_count; i++)
		if (mount_change(tree, tree->late[i], MOUNT_ATTR_RDONLY, 0, false, err) <
		    0)
			return -1;
	if (tree->pivots)
		return rootfs_change(tree->root, err);
	if (chdir("/") < 0)
		return error_errno(err, "stand at the new root");
	return 0;
}

/* ---- in order ------------------------------------------------------------------------ */

static void raise_open_files(struct rlimit *ret_before)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, ret_before) < 0)
		return;
	all = *ret_before;
	all.rlim_cur = all.rlim_max;
	/* If it cannot be raised, the sources must do with what there is. */
	(void)setrlimit(RLIMIT_NOFILE, &all);
}

/* Not the root: the new one is stacked on it by then. */
static bool is_opened_late(const struct rootfs_spec *spec,
			   const struct mount_entry *entry)
{
	return spec->opens_late && entry->kind == MOUNT_BIND &&
	       !(entry->flags & MOUNT_F_FD) && strcmp(entry->source, "/") != 0;
}

static int take_source(struct tree *tree, size_t index, struct error *err)
{
	const struct mount_entry *entry = &tree->spec->mounts[index];

	if (mount_take_source(tree, entry, &tree->taken[index], err) == 0)
		return 0;
	err->entry = -((int)index + 1);
	return error_within(err, "mount %s", entry->dest);
}

static int take_sources(struct tree *tree, struct error *err)
{
	tree->host_dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tree->host_dev < 0)
		return error_errno_id(err, ERROR_DEVICE_MISSING, "open /dev of the host");
	/* Where there is none, a kernel that needs it will say so. */
	tree->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tree->spec->kind == ROOT_SERVED ||
	    (tree->spec->kind == ROOT_DIRECTORY && tree->spec->mode == ROOT_COW))
		fuse_take_device(tree);
	for (size_t i = 0; i < tree->spec->mount_count; i++) {
		const struct mount_entry *entry = &tree->spec->mounts[i];

		if (is_opened_late(tree->spec, entry))
			continue;
		if (take_source(tree, i, err) < 0)
			return -1;
		if (entry->kind == MOUNT_COW)
			fuse_take_device(tree);
	}
	return 0;
}

static int build(void *context, struct error *err)
{
	struct tree *tree = context;

	if (take_sources(tree, err) < 0 || open_root(tree, err) < 0)
		return -1;
	for (size_t i = 0; i < tree->spec->mount_count; i++) {
		const struct mount_entry *entry = &tree->spec->mounts[i];

		if (is_opened_late(tree->spec, entry) && take_source(tree, i, err) < 0)
			return -1;
		tree->entry = (int)i + 1;
		if (mount_do(tree, entry, tree->taken[i], err) < 0) {
			err->entry = (int)i + 1;
			return -1;
		}
		fd_close(&tree->taken[i]);
	}
	return finish(tree, err);
}

static void close_all(struct tree *tree)
{
	for (size_t i = 0; i < tree->spec->mount_count; i++)
		fd_close(&tree->taken[i]);
	for (size_t i = 0; i < tree->late_count; i++)
		fd_close(&tree->late[i]);
	for (size_t i = 0; i < tree->fuse_count; i++)
		fd_close(&tree->fuse[i]);
	fd_close(&tree->root);
	fd_close(&tree->host_dev);
	fd_close(&tree->proc);
	fd_close(&tree->scratch);
	fd_close(&tree->empty_dir);
	fd_close(&tree->empty_file);
}

struct tree tree_begin(const struct rootfs_spec *spec,
		       const struct namespaces_spec *namespaces, bool console,
		       const struct root_listener *listener, int *taken)
{
	return (struct tree){
		.spec = spec,
		.namespaces = namespaces,
		.console = console,
		.listener = listener,
		.root = -1,
		.host_dev = -1,
		.proc = -1,
		.scratch = -1,
		.detached = -1,
		.empty_dir = -1,
		.empty_file = -1,
		.taken = taken,
	};
}

int tree_build(struct tree *tree, int (*build_it)(void *context, struct error *err),
	       void *context, struct error *err)
{
	struct rlimit open_files = { RLIM_INFINITY, RLIM_INFINITY };
	const mode_t mask = umask(0);
	int failed;

	if (tree->spec->mount_count > TREE_MOUNTS_MAX)
		return error_set(err, ERROR_RESOURCES, "mount more than %d things",
				 TREE_MOUNTS_MAX);
	for (size_t i = 0; i < tree->spec->mount_count; i++)
		tree->taken[i] = -1;
	raise_open_files(&open_files);
	failed = build_it(context, err);
	close_all(tree);
	/* Lowering to what it was cannot fail. */
	(void)setrlimit(RLIMIT_NOFILE, &open_files);
	umask(mask);
	return failed;
}

int rootfs_enter(const struct rootfs_spec *spec, const struct namespaces_spec *namespaces,
		 bool console, const struct fuse_server *server,
		 const struct root_listener *listener, struct error *err)
{
	int taken[TREE_MOUNTS_MAX];
	struct tree tree = tree_begin(spec, namespaces, console, listener, taken);
	int failed;

	tree.server = server;
	failed = tree_build(&tree, build, &tree, err);
	if (failed && err->errnum == ENOSYS && err->id == ERROR_PLAIN)
		err->id = ERROR_KERNEL;
	return failed;
}
