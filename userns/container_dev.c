/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of a container: made by mknod(2) where that is allowed, and else the host's,
 * bound. Those that every container has, and the links beside them, are of the runtime
 * specification (config-linux.md, "Default Devices"; runtime-linux.md, "Dev symbolic links").
 */
#include "userns/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct {
	const char *path;
	struct device_node node;
} nodes[] = {
	{ "/dev/null", { .type = 'c', .major = 1, .minor = 3 } },
	{ "/dev/zero", { .type = 'c', .major = 1, .minor = 5 } },
	{ "/dev/full", { .type = 'c', .major = 1, .minor = 7 } },
	{ "/dev/random", { .type = 'c', .major = 1, .minor = 8 } },
	{ "/dev/urandom", { .type = 'c', .major = 1, .minor = 9 } },
	{ "/dev/tty", { .type = 'c', .major = 5, .minor = 0 } },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

static mode_t type_of(const struct device_node *node)
{
	return node->type == 'b' ? S_IFBLK : node->type == 'p' ? S_IFIFO : S_IFCHR;
}

static bool is_node(const struct stat *status, const struct device_node *node)
{
	if ((status->st_mode & S_IFMT) != type_of(node))
		return false;
	return node->type == 'p' || status->st_rdev == makedev(node->major, node->minor);
}

/* ---- made ---------------------------------------------------------------------------------- */

/* 0: it is there, 1: it cannot be made here. */
static int make_node(int dir, const char *name, const struct device_node *node,
		     const char *dest, struct error *err)
{
	const mode_t mode = node->has_mode ? node->mode & 07777 : 0666;
	const dev_t number = node->type == 'p' ? 0 : makedev(node->major, node->minor);

	if (mknodat(dir, name, type_of(node) | mode, number) < 0)
		return errno == EPERM || errno == EEXIST || errno == EROFS
			       ? 1
			       : error_errno(err, "make the device %s", dest);
	if (!node->has_uid && !node->has_gid)
		return 0;
	if (fchownat(dir, name, node->has_uid ? node->uid : (uid_t)-1,
		     node->has_gid ? node->gid : (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir, name, mode, 0) < 0)
		return error_errno(err, "give the device %s to its owner", dest);
	return 0;
}

/* ---- bound --------------------------------------------------------------------------------- */

static int refuse_node(const char *dest, const struct device_node *node,
		       struct error *err)
{
	error_set(err, ERROR_DEVICE_MISSING,
		  "make the device %s: no %c %u:%u here, and none may be made", dest,
		  node->type, node->major, node->minor);
	return error_hint(err,
			  "devices are made by root of the machine alone (mknod(2)); "
			  "others are bound from the same path");
}

/* The host's file of that path, or of that number where udev names it. */
static int clone_node(const struct device_node *node, const char *dest, struct error *err)
{
	auto_close int clone = mount_clone(AT_FDCWD, dest, 0);
	struct stat status;
	char path[64];

	if (clone >= 0 && fstat(clone, &status) == 0 && is_node(&status, node))
		return fd_take(&clone);
	fd_close(&clone);
	snprintf(path, sizeof(path), "/dev/%s/%u:%u",
		 node->type == 'b' ? "block" : "char", node->major, node->minor);
	clone = mount_clone(AT_FDCWD, path, 0);
	if (clone >= 0 && fstat(clone, &status) == 0 && is_node(&status, node))
		return fd_take(&clone);
	return refuse_node(dest, node, err);
}

/* Its mode cannot be changed through the read-only mount; it can be written to. */
static int bind_node(struct container *container, const struct device_node *node,
		     const char *dest, struct error *err)
{
	auto_close int clone = clone_node(node, dest, err);
	auto_close int place = -1;

	if (clone < 0)
		return -1;
	place = container_place(container, dest, false, false, err);
	if (place < 0 || mount_attach(clone, place, dest, err) < 0)
		return -1;
	return mount_change(&container->tree, clone,
			    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
			    MOUNT_ATTR_NODEV, false, err);
}

/* ---- both ---------------------------------------------------------------------------------- */

static int place_node(struct container *container, const struct device_node *node,
		      const char *dest, struct error *err)
{
	auto_close int dir = -1;
	char name[NAME_MAX + 1];
	struct stat status;
	int missed;

	dir = container_parent(container, dest, name, err);
	if (dir < 0)
		return -1;
	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		if (is_node(&status, node))
			return 0;
		if (S_ISREG(status.st_mode))
			return bind_node(container, node, dest, err);
		return error_set(err, ERROR_DEVICE_MISSING,
				 "make the device %s: another file is there", dest);
	}
	missed = make_node(dir, name, node, dest, err);
	if (missed <= 0)
		return missed;
	return bind_node(container, node, dest, err);
}

int container_device(struct container *container, const struct mount_entry *entry,
		     struct error *err)
{
	char path[PATH_MAX];

	if (container_clean(entry->dest, path) < 0)
		return error_errno(err, "make the device %.64s", entry->dest);
	/* The host's /dev has what it has. */
	if (container->foreign_dev && container_lies_in(path, "/dev"))
		return 0;
	return place_node(container, entry->node, path, err);
}

/* ---- what is always there --------------------------------------------------------------------- */

static int place_link(int dev, const char *name, const char *target, struct error *err)
{
	if (symlinkat(target, dev, name) < 0 && errno != EEXIST)
		return error_errno(err, "make /dev/%s", name);
	return 0;
}

/* That of the host's devpts would be none of ours. */
static int place_ptmx(int dev, struct error *err)
{
	if (symlinkat("pts/ptmx", dev, "ptmx") == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, "make /dev/ptmx");
	/* A mount of the configuration stays (EBUSY). */
	if (unlinkat(dev, "ptmx", 0) < 0)
		return errno == EBUSY ? 0 : error_errno(err, "replace /dev/ptmx");
	return place_link(dev, "ptmx", "pts/ptmx", err);
}

static int place_links(const struct container *container, struct error *err)
{
	auto_close int dev = container_place(container, "/dev", true, false, err);

	if (dev < 0)
		return -1;
	for (size_t i = 0; i < COUNT(links); i++)
		if (place_link(dev, links[i].name, links[i].target, err) < 0)
			return -1;
	if (access("/proc/kcore", F_OK) == 0 &&
	    place_link(dev, "core", "/proc/kcore", err) < 0)
		return -1;
	return place_ptmx(dev, err);
}

/* What the configuration has put there is as good, whatever it is, but for a link. */
static int place_default(struct container *container, const char *path,
			 const struct device_node *node, struct error *err)
{
	auto_close int there = container_find(container, path);
	struct stat status;

	if (there >= 0 && fstat(there, &status) == 0 && S_ISCHR(status.st_mode))
		return 0;
	return place_node(container, node, path, err);
}

int container_finish_dev(struct container *container, struct error *err)
{
	if (container->foreign_dev)
		return 0;
	for (size_t i = 0; i < COUNT(nodes); i++)
		if (place_default(container, nodes[i].path, &nodes[i].node, err) < 0)
			return -1;
	if (container->tree.console) {
		auto_close int console =
			container_place(container, "/dev/console", false, false, err);

		if (console < 0)
			return -1;
	}
	return place_links(container, err);
}
