/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gVisor mounts over the root that it is given.
 *
 * The kernel of the host has mounted everything in that root already, and keeps read-only
 * what is to be. runsc shows the root as files that nobody else changes, and remembers what
 * it has seen of them. Hence two kinds of mounts are left: file systems that only gVisor's
 * own kernel can fill (proc, sysfs, /dev) or has faster (tmpfs), and what others may change
 * meanwhile: files and directories of the host.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"
#include "plan/to_gvisor.h"

struct mounts {
	const struct plan *plan;
	const struct gvisor_inside *inside;
	struct json_value *list;
	struct arena *arena;
};

static bool is_within(const char *path, const char *dir)
{
	const size_t length = strlen(dir);

	return !strncmp(path, dir, length) && (path[length] == '/' || !path[length]);
}

static struct json_value *put_mount(const struct mounts *mounts, const char *dest,
				    const char *type, const char *source)
{
	struct json_value *mount = json_put_object(mounts->list, NULL);

	json_put_text(mount, "destination", dest);
	json_put_text(mount, "type", type);
	json_put_text(mount, "source", source);
	return json_put_array(mount, "options");
}

static void put_flags(struct json_value *options, unsigned int flags)
{
	if (flags & MOUNT_F_RDONLY)
		json_put_text(options, NULL, "ro");
	if (flags & MOUNT_F_NOSUID)
		json_put_text(options, NULL, "nosuid");
	if (flags & MOUNT_F_NODEV)
		json_put_text(options, NULL, "nodev");
	if (flags & MOUNT_F_NOEXEC)
		json_put_text(options, NULL, "noexec");
}

/* ---- gVisor's own ------------------------------------------------------------------- */

/* The entries behind this one that would lie below it are hidden by a new mount. */
static bool holds_others(const struct plan *plan, size_t index)
{
	const char *dest = plan->rootfs.mounts[index].dest;

	for (size_t i = index + 1; i < plan->rootfs.mount_count; i++) {
		if (is_within(plan->rootfs.mounts[i].dest, dest))
			return true;
	}
	return false;
}

/*
 * One that is not in the root's tree but in memory of gVisor's own, which counts for the
 * same cgroup. What holds more than itself stays where the kernel has built it.
 */
static void put_tmpfs(const struct mounts *mounts, size_t index)
{
	const struct mount_entry *entry = &mounts->plan->rootfs.mounts[index];
	const uint64_t size =
		entry->size ? entry->size : mounts->plan->rootfs.scratch_size;
	struct json_value *options;

	if (holds_others(mounts->plan, index) || entry->flags & MOUNT_F_COPYUP)
		return;
	options = put_mount(mounts, entry->dest, "tmpfs", "tmpfs");
	put_flags(options, entry->flags);
	json_put_text(options, NULL,
		      arena_printf(mounts->arena, "mode=%04o",
				   entry->mode || entry->flags & MOUNT_F_MODE
					   ? entry->mode
					   : 0755));
	json_put_text(options, NULL,
		      arena_printf(mounts->arena, "uid=%u", mounts->inside->own_uid));
	json_put_text(options, NULL,
		      arena_printf(mounts->arena, "gid=%u", mounts->inside->own_gid));
	if (size)
		json_put_text(options, NULL,
			      arena_printf(mounts->arena, "size=%llu",
					   (unsigned long long)size));
}

static void put_dev(const struct mounts *mounts, const struct mount_entry *entry)
{
	struct json_value *options;

	put_mount(mounts, entry->dest, "tmpfs", "tmpfs");
	options = put_mount(mounts, arena_printf(mounts->arena, "%s/shm", entry->dest),
			    "tmpfs", "tmpfs");
	json_put_text(options, NULL,
		      arena_printf(mounts->arena, "mode=%04o",
				   entry->mode ? entry->mode : 01777));
	if (entry->size)
		json_put_text(options, NULL,
			      arena_printf(mounts->arena, "size=%llu",
					   (unsigned long long)entry->size));
}

/* ---- what others change ------------------------------------------------------------- */

/* What lies in one of these is gVisor's, whatever the root has there. */
static bool is_of_gvisor(const char *path)
{
	return is_within(path, "/proc") || is_within(path, "/sys") ||
	       is_within(path, "/dev");
}

/*
 * The source is looked up outside of the root, where its links would lead elsewhere. So both
 * names are what the links inside make of them; we stand in that root.
 */
static void put_shared(const struct mounts *mounts, const struct mount_entry *entry)
{
	char real[PATH_MAX];
	const char *dest = realpath(entry->dest, real) ? real : entry->dest;
	struct json_value *options;

	if (is_of_gvisor(dest))
		return;
	options = put_mount(
		mounts, dest, "bind",
		arena_printf(mounts->arena, "%s%s", mounts->inside->root, dest));
	json_put_text(options, NULL, "rbind");
	put_flags(options, entry->flags);
}

static void put_entry(const struct mounts *mounts, size_t index)
{
	const struct mount_entry *entry = &mounts->plan->rootfs.mounts[index];

	switch (entry->kind) {
	case MOUNT_PROC:
		put_mount(mounts, entry->dest, "proc", "proc");
		return;
	case MOUNT_SYSFS:
		put_flags(put_mount(mounts, entry->dest, "sysfs", "sysfs"), entry->flags);
		return;
	case MOUNT_DEV:
		put_dev(mounts, entry);
		return;
	case MOUNT_TMPFS:
	case MOUNT_SCRATCH:
		put_tmpfs(mounts, index);
		return;
	case MOUNT_BIND:
		put_shared(mounts, entry);
		return;
	case MOUNT_COW:
	case MOUNT_OVERLAY:
	case MOUNT_MQUEUE:
	case MOUNT_CGROUP:
	case MOUNT_MASK:
	case MOUNT_READONLY:
	case MOUNT_REMOUNT_RO:
	case MOUNT_DIR:
	case MOUNT_FILE:
	case MOUNT_DATA:
	case MOUNT_SYMLINK:
	case MOUNT_CHMOD:
	case MOUNT_FILESYSTEM:
	case MOUNT_DEVICE:
		return;
	}
}

static bool is_mounted(const struct json_value *list, const char *dest)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *text = NULL;
		struct error none;

		if (json_get_text(json_at(list, i), "destination", &text, &none) == 0 &&
		    !strcmp(text, dest))
			return true;
	}
	return false;
}

/* Where nobody mounts anything there and it is empty, gVisor would put a tmpfs over it. */
static void put_own_tmp(const struct mounts *mounts)
{
	const struct mount_entry tmp = { .kind = MOUNT_BIND, .dest = "/tmp" };
	struct stat status;

	if (!is_mounted(mounts->list, tmp.dest) && lstat(tmp.dest, &status) == 0 &&
	    S_ISDIR(status.st_mode))
		put_shared(mounts, &tmp);
}

void gvisor_put_mounts(struct json_value *document, const struct plan *plan,
		       const struct gvisor_inside *inside, struct arena *arena)
{
	const struct mounts mounts = { plan, inside, json_put_array(document, "mounts"),
				       arena };

	for (size_t i = 0; i < plan->rootfs.mount_count; i++)
		put_entry(&mounts, i);
	put_own_tmp(&mounts);
}
