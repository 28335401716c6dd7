/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A /dev of our own: the six nodes that every program expects, each a mount of the host's,
 * terminals of its own devpts, and shared memory. It takes no new files in the end.
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int major, minor;
} nodes[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },    { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },       { "ptmx", "pts/ptmx" },
};

static int make_file(int dir, const char *name, mode_t mode, struct error *err)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return error_errno(err, "make /dev/%s", name);
	return fd;
}

/*
 * The host's node: it must be the device that its name says, not a link to elsewhere. On
 * a read-only mount it can be written to all the same, but its mode cannot be changed.
 */
static int place_node(struct tree *tree, int dev, size_t index, struct error *err)
{
	const char *name = nodes[index].name;
	auto_close int clone = mount_clone(tree->host_dev, name, AT_SYMLINK_NOFOLLOW);
	auto_close int place = -1;
	struct stat status;

	if (clone < 0)
		return error_errno_id(err, ERROR_DEVICE_MISSING,
				      "take /dev/%s of the host", name);
	if (fstat(clone, &status) < 0 || !S_ISCHR(status.st_mode) ||
	    status.st_rdev != makedev(nodes[index].major, nodes[index].minor))
		return error_set(err, ERROR_DEVICE_MISSING,
				 "take /dev/%s of the host: it is another file", name);
	place = make_file(dev, name, 0444, err);
	if (place < 0 || mount_attach(clone, place, name, err) < 0)
		return -1;
	return mount_change(tree, clone,
			    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
			    MOUNT_ATTR_NODEV, false, err);
}

static int place_pts(int dev, struct error *err)
{
	static const char *const options[] = { "ptmxmode", "0666", "mode", "0620", NULL };
	auto_close int pts =
		mount_new("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);

	if (pts < 0)
		return -1;
	if (mkdirat(dev, "pts", 0755) < 0)
		return error_errno(err, "make /dev/pts");
	if (sys_move_mount(pts, "", dev, "pts", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount on /dev/pts");
	return 0;
}

/* size 0: a directory of the scratch space. */
static int place_shm(struct tree *tree, int dev, const struct mount_entry *entry,
		     struct error *err)
{
	auto_close int shm = -1;
	auto_close int dir = -1;
	char size[32];
	const char *options[] = { "mode", "1777", "size", size, NULL };
	const mode_t mode = entry->mode ? entry->mode : 01777;

	snprintf(size, sizeof(size), "%llu", (unsigned long long)entry->size);
	if (entry->size == 0) {
		dir = scratch_dir(tree, mode, err);
		if (dir < 0)
			return -1;
		shm = scratch_clone(dir, err);
	} else {
		shm = mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
				err);
	}
	if (shm < 0)
		return -1;
	if (mkdirat(dev, "shm", 01777) < 0)
		return error_errno(err, "make /dev/shm");
	if (sys_move_mount(shm, "", dev, "shm", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount on /dev/shm");
	return 0;
}

int dev_do(struct tree *tree, const struct mount_entry *entry, int source,
	   struct error *err)
{
	auto_close int dev = scratch_place(tree, entry->dest, 0755, err);

	(void)source;
	if (dev < 0)
		return -1;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		if (place_node(tree, dev, i, err) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return error_errno(err, "make /dev/%s", links[i].name);
	if (place_pts(dev, err) < 0 || place_shm(tree, dev, entry, err) < 0)
		return -1;
	if (tree->console) {
		auto_close int console = make_file(dev, "console", 0600, err);

		if (console < 0)
			return -1;
	}
	return entry->flags & MOUNT_F_OPEN ? 0
					   : tree_close_late(tree, fd_take(&dev), err);
}
