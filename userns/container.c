/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/container.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- the root ------------------------------------------------------------------------------ */

/*
 * Before anything is mounted: nothing of it may be seen outside, unless the configuration
 * shares it. Without a user namespace of its own a mount namespace is a peer of the outer one
 * (mount_namespaces(7)).
 */
static int loosen(const struct rootfs_spec *spec, struct error *err)
{
	unsigned long propagation = spec->propagation;

	if (propagation == 0)
		propagation = MS_SLAVE | MS_REC;
	else if (!(propagation & MS_SHARED))
		propagation = MS_REC | (propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE);
	if (mount(NULL, "/", NULL, propagation, NULL) < 0)
		return error_errno(err, "set the propagation of the outer mounts");
	return 0;
}

/* The root directory of the mount that dir lies on. */
static int top_of_mount(int dir)
{
	auto_close int top = fcntl(dir, F_DUPFD_CLOEXEC, 3);

	while (top >= 0) {
		auto_close int parent =
			openat(top, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct stat here, above;

		if (parent < 0 || fstat(top, &here) < 0 || fstat(parent, &above) < 0)
			return -1;
		if (!files_same_mount(top, parent) || files_same(&here, &above))
			break;
		fd_close(&top);
		top = fd_take(&parent);
	}
	return fd_take(&top);
}

/* With a shared parent the root itself would be mounted outside too. */
static int part_from_parent(const struct container *container, int dir, struct error *err)
{
	auto_close int top = -1;

	if (!(container->tree.spec->propagation & MS_SHARED))
		return 0;
	top = top_of_mount(dir);
	if (top < 0)
		return error_errno(err, "find the mount of the root");
	return container_propagate(container, top, MS_PRIVATE, err);
}

/*
 * What lies below the root already is as the configuration wants it, before mounts with words of
 * their own come. The root itself follows behind the pivot, which it must not be shared for
 * (pivot_root(2)).
 */
static int set_propagation_below(const struct container *container, struct error *err)
{
	const int root = container->tree.root;
	unsigned long propagation = container->tree.spec->propagation;

	if (!(propagation & MS_REC))
		return 0;
	if (propagation & MS_UNBINDABLE)
		propagation = MS_PRIVATE | MS_REC;
	if (container_propagate(container, root, propagation, err) < 0)
		return -1;
	return propagation & MS_SHARED
		       ? container_propagate(container, root, MS_PRIVATE, err)
		       : 0;
}

static int stack(int mount, int dir, struct error *err)
{
	return mount_attach(mount, dir, "the root", err);
}

/* What covers, and what replaces covers, is kept below the root. */
static int open_scratch(struct tree *tree, int dir, struct error *err)
{
	static const char *const options[] = { "mode", "0755", NULL };
	bool needed = false;

	for (size_t i = 0; i < tree->spec->mount_count; i++)
		needed = needed || tree->spec->mounts[i].kind == MOUNT_MASK;
	if (!needed)
		return 0;
	tree->scratch =
		mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	return tree->scratch < 0 ? -1 : stack(tree->scratch, dir, err);
}

static int open_root(struct container *container, struct error *err)
{
	struct tree *tree = &container->tree;
	const char *path = tree->spec->path;
	auto_close int dir = container_take_root(container);

	if (dir < 0)
		return error_errno_id(err, ERROR_ROOT_NOT_DIRECTORY, "open the root %s",
				      path);
	if (part_from_parent(container, dir, err) < 0)
		return -1;
	tree->root = mount_clone(dir, "", AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree->root < 0)
		return error_errno(err, "bind the root %s", path);
	if (open_scratch(tree, dir, err) < 0)
		return -1;
	if (stack(tree->root, dir, err) < 0)
		return -1;
	return set_propagation_below(container, err);
}

/* ---- the way in ---------------------------------------------------------------------------- */

static int pivot(const struct container *container, struct error *err)
{
	auto_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return error_errno(err, "open the old root");
	if (fchdir(container->tree.root) < 0)
		return error_errno(err, "enter the new root");
	if (sys_pivot_root(".", ".") < 0) {
		error_errno(err, "pivot into the new root");
		return err->errnum == EINVAL
			       ? error_hint(err, "a root in a ramfs cannot be left by "
						 "pivot_root(2): --no-pivot")
			       : -1;
	}
	if (protection_is_off("old root"))
		return 0;
	if (fchdir(old) < 0)
		return error_errno(err, "enter the old root");
	/* Letting go of it must not unmount it outside. */
	if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_errno(err, "part from the old root");
	return tree_let_go(err);
}

/*
 * Whoever may mount inside gets a procfs or sysfs without covers as long as there is one in the
 * mount namespace (mount_namespaces(7)); without a pivot those of the caller stay in it.
 */
static void hide_if_full(const char *point, void *context)
{
	const struct container *container = context;
	struct statfs where;

	if (strcmp(point, "/") == 0 ||
	    container_lies_in(point, container->tree.spec->path) ||
	    statfs(point, &where) < 0 ||
	    (where.f_type != PROC_MAGIC && where.f_type != SYSFS_MAGIC))
		return;
	if (umount2(point, MNT_DETACH) < 0)
		(void)mount("none", point, "tmpfs", MS_RDONLY, NULL);
}

/* For a root file system that cannot be left: it is covered, and stays beneath. */
static int move_over(struct container *container, struct error *err)
{
	if (mounts_visit(container->tree.proc, hide_if_full, container) < 0)
		return error_errno(err, "read the mount table");
	if (sys_move_mount(container->tree.root, "", AT_FDCWD, "/",
			   MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "move the new root over the old one");
	if (fchdir(container->tree.root) < 0 || chroot(".") < 0)
		return error_errno(err, "enter the new root");
	return 0;
}

static int go_in(struct container *container, struct error *err)
{
	const struct rootfs_spec *spec = container->tree.spec;
	const int failed =
		spec->no_pivot ? move_over(container, err) : pivot(container, err);

	if (failed ||
	    (spec->propagation != 0 &&
	     container_propagate(container, container->tree.root,
				 spec->propagation & ~(unsigned long)MS_REC, err) < 0))
		return -1;
	/* Last: without mount_setattr(2) it is the caller's /proc by now. */
	return chdir("/") < 0 ? error_errno(err, "stand at the new root") : 0;
}

/* ---- in order ------------------------------------------------------------------------------ */

static int take_sources(struct container *container, struct error *err)
{
	struct tree *tree = &container->tree;

	/* Where there is none, a kernel that needs it will say so. */
	tree->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < tree->spec->mount_count; i++) {
		if (container_take_source(container, i, err) == 0)
			continue;
		err->entry = -((int)i + 1);
		return error_within(err, "mount %s", tree->spec->mounts[i].dest);
	}
	return 0;
}

static int mount_all(struct container *container, bool covers, struct error *err)
{
	struct tree *tree = &container->tree;

	for (size_t i = 0; i < tree->spec->mount_count; i++) {
		const struct mount_entry *entry = &tree->spec->mounts[i];
		int failed;

		if (container_is_cover(entry) != covers)
			continue;
		tree->entry = (int)i + 1;
		failed = covers ? container_cover(container, entry, err)
				: container_mount(container, entry, tree->taken[i], err);
		fd_close(&tree->taken[i]);
		if (failed == 0)
			continue;
		err->entry = (int)i + 1;
		return -1;
	}
	return 0;
}

/* Hooks still write there: afterwards it is as the configuration says. */
static int close_root(struct container *container, struct error *err)
{
	const struct tree *tree = &container->tree;

	for (size_t i = 0; i < tree->late_count; i++)
		if (container_change(container, tree->late[i], MOUNT_ATTR_RDONLY, 0,
				     false, err) < 0)
			return -1;
	if (mount_all(container, true, err) < 0)
		return -1;
	if (tree->spec->mode != ROOT_RO || protection_is_off("read-only"))
		return 0;
	return container_change(container, tree->root, MOUNT_ATTR_RDONLY, 0, false, err);
}

static int build(void *context, struct error *err)
{
	struct container *container = context;
	const struct tree *tree = &container->tree;
	const struct root_listener *listener = tree->listener;

	if (tree->namespaces->kinds[NS_MOUNT].mode == NS_SHARED)
		return error_set(err, ERROR_CONFIG,
				 "mount without a mount namespace of its own");
	if (loosen(tree->spec, err) < 0 || take_sources(container, err) < 0 ||
	    open_root(container, err) < 0 || mount_all(container, false, err) < 0 ||
	    container_finish_dev(container, err) < 0)
		return -1;
	/* Nobody's working directory by then. */
	if (chdir("/") < 0)
		return error_errno(err, "stand at the old root");
	if (listener && listener->mounted &&
	    listener->mounted(listener->context, err) < 0)
		return -1;
	return close_root(container, err) < 0 ? -1 : go_in(container, err);
}

int container_root_enter(const struct rootfs_spec *spec,
			 const struct namespaces_spec *namespaces, bool console,
			 struct root_sources *sources,
			 const struct root_listener *listener, struct error *err)
{
	int taken[TREE_MOUNTS_MAX];
	struct container container = {
		.tree = tree_begin(spec, namespaces, console, listener, taken),
		.sources = sources,
	};
	int failed;

	container.tree.pivots = true;
	failed = tree_build(&container.tree, build, &container, err);
	container_close_sources(&container);
	return failed;
}
