/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each kind of mount of a container, and the table that names them. */
#include "userns/container.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- what may lie in /proc --------------------------------------------------------------- */

static bool is_procfs(int fd)
{
	struct statfs where;

	return fstatfs(fd, &where) == 0 && where.f_type == PROC_MAGIC;
}

/*
 * What is written to a process's files in /proc takes effect: labels, maps, names. Nothing
 * may stand in their place (CVE-2019-16884).
 */
static int check_proc(const struct mount_entry *entry, int source, struct error *err)
{
	char path[PATH_MAX];

	if (container_clean(entry->dest, path) < 0 || !container_lies_in(path, "/proc"))
		return 0;
	if (strcmp(path, "/proc") == 0) {
		if (entry->kind == MOUNT_PROC || (source >= 0 && is_procfs(source)) ||
		    (entry->kind == MOUNT_FILESYSTEM && strcmp(entry->type, "proc") == 0))
			return 0;
		return error_set(err, ERROR_CONFIG,
				 "mount on %s: only a procfs may be there", entry->dest);
	}
	if (path[6] < '0' || path[6] > '9')
		return 0;
	return error_set(err, ERROR_CONFIG, "mount on %s: it belongs to a process",
			 entry->dest);
}

/* ---- sources ------------------------------------------------------------------------------- */

static int map_ids(struct container *container, size_t index, int mount,
		   struct error *err)
{
	const struct root_listener *listener = container->tree.listener;
	const struct mount_entry *entry = &container->tree.spec->mounts[index];
	const bool outside =
		container->tree.namespaces->kinds[NS_USER].mode == NS_PRIVATE;

	if (!entry->id_map)
		return 0;
	/* The map is one of outer ids, and the files belong to the owner of the outer system. */
	if (outside && listener && listener->map_ids)
		return listener->map_ids(listener->context, (int)index + 1, mount, err);
	return mount_map_ids(mount, entry->id_map, err);
}

int container_take_source(struct container *container, size_t index, struct error *err)
{
	struct tree *tree = &container->tree;
	const struct mount_entry *entry = &tree->spec->mounts[index];
	int *reached = container_reached(container, index);

	if (entry->kind != MOUNT_BIND)
		return 0;
	if (reached)
		tree->taken[index] = mount_take_reached(entry, reached, err);
	else if (mount_take_source(tree, entry, &tree->taken[index], err) < 0)
		return -1;
	if (reached && tree->taken[index] < 0)
		return -1;
	return tree->taken[index] < 0
		       ? 0
		       : map_ids(container, index, tree->taken[index], err);
}

/* ---- the kinds ----------------------------------------------------------------------------- */

static int do_bind(struct container *container, const struct mount_entry *entry,
		   int source, struct error *err)
{
	auto_close int place = -1;
	struct stat status;

	if (source < 0)
		return 0;
	if (fstat(source, &status) < 0)
		return error_errno(err, "look at the source of %s", entry->dest);
	place = container_place(container, entry->dest, S_ISDIR(status.st_mode),
				entry->flags & MOUNT_F_NOFOLLOW, err);
	if (place < 0 || mount_attach(source, place, entry->dest, err) < 0)
		return -1;
	return container_finish_mount(container, entry, source, 0, err);
}

static int place_of(struct container *container, const struct mount_entry *entry,
		    struct error *err)
{
	return container_place(container, entry->dest, true,
			       entry->flags & MOUNT_F_NOFOLLOW, err);
}

static bool says_owner(const struct mount_entry *entry)
{
	return entry->data && (container_data_has(entry->data, "uid") ||
			       container_data_has(entry->data, "gid"));
}

/*
 * A tmpfs has the mode of what it covers, or its own (1777) where nothing was. It and what is
 * in it now are written before it becomes read-only.
 */
static int do_tmpfs(struct container *container, const struct mount_entry *entry,
		    int source, struct error *err)
{
	auto_close int there = container_find(container, entry->dest);
	auto_close int place = place_of(container, entry, err);
	auto_close int mount = -1;
	struct stat status;

	(void)source;
	if (place < 0)
		return -1;
	if (fstat(place, &status) < 0)
		return error_errno(err, "look at %s", entry->dest);
	mount = container_new(container, entry, "tmpfs",
			      there < 0 ? 0 : status.st_mode & 07777, place, err);
	if (mount < 0)
		return -1;
	if (entry->flags & MOUNT_F_COPYUP &&
	    container_copy(place, mount, !says_owner(entry), err) < 0)
		return error_within(err, "fill the tmpfs on %s", entry->dest);
	if (container_finish_mount(container, entry, mount, MOUNT_F_RDONLY, err) < 0)
		return -1;
	if (!(container_attributes(entry) & MOUNT_ATTR_RDONLY))
		return 0;
	return tree_close_late(&container->tree, fd_take(&mount), err);
}

static int do_new(struct container *container, const struct mount_entry *entry,
		  const char *type, int place, struct error *err)
{
	auto_close int mount = container_new(container, entry, type, 0, place, err);

	return mount < 0 ? -1 : container_finish_mount(container, entry, mount, 0, err);
}

/* What the caller has there, in its place. */
static int do_outer(struct container *container, const struct mount_entry *entry,
		    int outer, int place, struct error *err)
{
	auto_close int clone = mount_clone(outer, "", AT_EMPTY_PATH | AT_RECURSIVE);

	if (clone < 0)
		return error_errno(err, "bind the outer one on %s", entry->dest);
	if (mount_attach(clone, place, entry->dest, err) < 0 ||
	    container_change(container, clone, container_attributes(entry), 0, true,
			     err) < 0)
		return -1;
	return container_finish_mount(container, entry, clone, 0, err);
}

/* Where the process list is the caller's, its procfs is as good as a new one. */
static int do_proc(struct container *container, const struct mount_entry *entry,
		   int source, struct error *err)
{
	const struct tree *tree = &container->tree;
	const bool pids = entry->source && strcmp(entry->source, "pids") == 0;
	struct mount_entry pids_only = *entry;
	auto_close int place = place_of(container, entry, err);

	(void)source;
	if (place < 0)
		return -1;
	pids_only.source = NULL;
	pids_only.data = "subset=pid";
	if (do_new(container, pids ? &pids_only : entry, "proc", place, err) == 0)
		return 0;
	if (err->errnum != EPERM)
		return -1;
	if (tree->namespaces->kinds[NS_PID].mode == NS_SHARED && tree->proc >= 0)
		return do_outer(container, entry, tree->proc, place, err);
	error_set(err, ERROR_PROC_COVERED,
		  "mount a proc on %s: /proc is partly covered here, as in a container",
		  entry->dest);
	return error_hint(err,
			  "let the mount be {\"type\": \"bind\", \"source\": \"/proc\", "
			  "\"options\": [\"rbind\"]}: it shows the outer processes");
}

/* A new one needs power over the network namespace that it shows. */
static int do_sysfs(struct container *container, const struct mount_entry *entry,
		    int source, struct error *err)
{
	auto_close int place = place_of(container, entry, err);
	auto_close int outer = -1;

	(void)source;
	if (place < 0)
		return -1;
	if (do_new(container, entry, "sysfs", place, err) == 0)
		return 0;
	if (err->errnum != EPERM)
		return -1;
	outer = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (outer < 0)
		return error_errno(err, "open /sys");
	return do_outer(container, entry, outer, place, err);
}

static int do_mqueue(struct container *container, const struct mount_entry *entry,
		     int source, struct error *err)
{
	auto_close int place = place_of(container, entry, err);

	(void)source;
	if (place < 0)
		return -1;
	if (do_new(container, entry, "mqueue", place, err) == 0)
		return 0;
	return err->errnum == EPERM
		       ? error_hint(err, "message queues are those of the ipc namespace: "
					 "the container needs one of its own")
		       : -1;
}

static int do_filesystem(struct container *container, const struct mount_entry *entry,
			 int source, struct error *err)
{
	auto_close int place = place_of(container, entry, err);

	(void)source;
	return place < 0 ? -1 : do_new(container, entry, entry->type, place, err);
}

static int do_cgroup(struct container *container, const struct mount_entry *entry,
		     int source, struct error *err)
{
	(void)source;
	return container_cgroup(container, entry, err);
}

/* Of what is mounted there by now. */
static int do_remount_ro(struct container *container, const struct mount_entry *entry,
			 int source, struct error *err)
{
	auto_close int place = container_find(container, entry->dest);

	(void)source;
	if (place < 0)
		return error_errno(err, "find %s", entry->dest);
	return container_change(container, place, MOUNT_ATTR_RDONLY, 0, false, err);
}

static int do_device(struct container *container, const struct mount_entry *entry,
		     int source, struct error *err)
{
	(void)source;
	return container_device(container, entry, err);
}

/* ---- the table ------------------------------------------------------------------------------- */

static int (*const kinds[])(struct container *container, const struct mount_entry *entry,
			    int source, struct error *err) = {
	[MOUNT_BIND] = do_bind,
	[MOUNT_TMPFS] = do_tmpfs,
	[MOUNT_PROC] = do_proc,
	[MOUNT_SYSFS] = do_sysfs,
	[MOUNT_MQUEUE] = do_mqueue,
	[MOUNT_CGROUP] = do_cgroup,
	[MOUNT_REMOUNT_RO] = do_remount_ro,
	[MOUNT_FILESYSTEM] = do_filesystem,
	[MOUNT_DEVICE] = do_device,
};

static void note_dev(struct container *container, const struct mount_entry *entry)
{
	char path[PATH_MAX];

	if (container_clean(entry->dest, path) == 0 && strcmp(path, "/dev") == 0)
		container->foreign_dev = entry->kind == MOUNT_BIND;
}

int container_mount(struct container *container, const struct mount_entry *entry,
		    int source, struct error *err)
{
	if ((size_t)entry->kind >= sizeof(kinds) / sizeof(*kinds) || !kinds[entry->kind])
		return error_set(err, ERROR_CONFIG,
				 "mount on %s: no mount of this kind for a container",
				 entry->dest);
	if (check_proc(entry, source, err) < 0)
		return -1;
	note_dev(container, entry);
	return kinds[entry->kind](container, entry, source, err);
}

/* ---- covers ---------------------------------------------------------------------------------- */

bool container_is_cover(const struct mount_entry *entry)
{
	return entry->kind == MOUNT_MASK || entry->kind == MOUNT_READONLY;
}

static int make_readonly(struct container *container, const struct mount_entry *entry,
			 int place, struct error *err)
{
	auto_close int clone = mount_clone(place, "", AT_EMPTY_PATH | AT_RECURSIVE);

	if (clone < 0)
		return error_errno(err, "make %s read-only", entry->dest);
	if (mount_attach(clone, place, entry->dest, err) < 0)
		return -1;
	return mount_change(&container->tree, clone, MOUNT_ATTR_RDONLY, 0, true, err);
}

int container_cover(struct container *container, const struct mount_entry *entry,
		    struct error *err)
{
	auto_close int place = container_find(container, entry->dest);

	if (protection_is_off("masks") || (place < 0 && mount_is_absent(errno)))
		return 0;
	if (place < 0)
		return error_errno(err, "%s %s",
				   entry->kind == MOUNT_MASK ? "mask" : "find",
				   entry->dest);
	return entry->kind == MOUNT_MASK
		       ? mount_cover(&container->tree, place, entry->dest, err)
		       : make_readonly(container, entry, place, err);
}
