/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --isolation landlock: the list of mounts says, as ever, what is shown and what is hidden;
 * here it becomes a list of paths that Landlock leaves open. Landlock knows no exceptions
 * below an open path, so a directory that holds something hidden is opened entry by entry,
 * and cannot be listed itself. What is made there later stays closed.
 */
#include "base/error.h"
#include "base/fd.h"
#include "plan/internal.h"
#include "policy/profile.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What programs expect of /dev. The terminals of others are not among it. */
static const char *const devices[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int expand_isolation(struct draft *draft, struct error *err)
{
	struct ns_choice *kinds = draft->plan.namespaces.kinds;

	if (draft->isolation != ISOLATION_LANDLOCK)
		return 0;
	if (check_isolated_options(draft, err) < 0)
		return -1;
	draft->plan.policy.landlock.whole = true;
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (kind != NS_NET)
			kinds[kind] = (struct ns_choice){ .mode = NS_SHARED };
	}
	draft->plan.ids.keep_groups = true;
	return 0;
}

/* ---- paths ------------------------------------------------------------------------------- */

struct opener {
	struct arena *arena;
	const struct rootfs_spec *rootfs;
	struct landlock_path *paths;
	size_t count;
};

static void add_open(struct opener *opener, const char *path, bool writable,
		     bool optional)
{
	const struct landlock_path entry = { .path = path,
					     .writable = writable,
					     .optional = optional };

	opener->paths = arena_grow(opener->arena, opener->paths, opener->count,
				   sizeof(*opener->paths));
	opener->paths[opener->count++] = entry;
}

/* The directories of processes that do not run yet could not be opened one by one. */
bool isolation_hides(const struct mount_entry *entry)
{
	switch (entry->kind) {
	case MOUNT_SCRATCH:
	case MOUNT_DEV:
		return true;
	case MOUNT_MASK:
		return !strcmp(entry->dest, "/proc") ||
		       !path_is_within(entry->dest, "/proc");
	case MOUNT_BIND:
	case MOUNT_COW:
	case MOUNT_OVERLAY:
	case MOUNT_TMPFS:
	case MOUNT_PROC:
	case MOUNT_SYSFS:
	case MOUNT_MQUEUE:
	case MOUNT_CGROUP:
	case MOUNT_FILESYSTEM:
	case MOUNT_DEVICE:
	case MOUNT_READONLY:
	case MOUNT_REMOUNT_RO:
	case MOUNT_DIR:
	case MOUNT_FILE:
	case MOUNT_DATA:
	case MOUNT_SYMLINK:
	case MOUNT_CHMOD:
		break;
	}
	return false;
}

enum hidden { HIDDEN_NOTHING, HIDDEN_BELOW, HIDDEN_ALL };

/* How much of path is hidden by the entries from index on. */
static enum hidden what_is_hidden(const struct opener *opener, const char *path,
				  size_t index)
{
	enum hidden most = HIDDEN_NOTHING;

	for (; index < opener->rootfs->mount_count; index++) {
		const struct mount_entry *entry = &opener->rootfs->mounts[index];

		if (!isolation_hides(entry))
			continue;
		if (path_is_within(path, entry->dest))
			return HIDDEN_ALL;
		if (path_is_within(entry->dest, path))
			most = HIDDEN_BELOW;
	}
	return most;
}

/* The names in a directory, without links: where those lead is open, or is not. */
static const char **list_names(struct arena *arena, const char *path, size_t *ret_count)
{
	const char **names = NULL;
	DIR *dir = opendir(path);

	*ret_count = 0;
	if (!dir)
		return NULL;
	for (struct dirent *each = readdir(dir); each; each = readdir(dir)) {
		if (!strcmp(each->d_name, ".") || !strcmp(each->d_name, "..") ||
		    each->d_type == DT_LNK)
			continue;
		names = arena_grow(arena, names, *ret_count, sizeof(*names));
		names[(*ret_count)++] = arena_strdup(arena, each->d_name);
	}
	closedir(dir);
	return names;
}

static void open_path(struct opener *opener, const char *path,
		      const struct landlock_path *how, size_t index);

static void open_entries(struct opener *opener, const char *path,
			 const struct landlock_path *how, size_t index)
{
	/* One of them may vanish before the start, or be out of our reach. */
	const struct landlock_path entry = { .writable = how->writable,
					     .optional = true };
	size_t count;
	const char **names = list_names(opener->arena, path, &count);

	for (size_t i = 0; i < count; i++)
		open_path(opener,
			  arena_printf(opener->arena, "%s/%s", path[1] ? path : "",
				       names[i]),
			  &entry, index);
}

/* As deep as something is hidden, and no deeper. */
static void open_path(struct opener *opener, const char *path,
		      const struct landlock_path *how, size_t index)
{
	switch (what_is_hidden(opener, path, index)) {
	case HIDDEN_ALL:
		return;
	case HIDDEN_BELOW:
		open_entries(opener, path, how, index);
		return;
	case HIDDEN_NOTHING:
		add_open(opener, path, how->writable, how->optional);
		return;
	}
}

static void open_devices(struct opener *opener)
{
	for (size_t i = 0; i < COUNT(devices); i++)
		add_open(opener, devices[i], true, true);
}

/* Where names are looked up may be noted in /run, which is closed. */
static void open_resolver(struct opener *opener)
{
	char real[PATH_MAX];

	if (realpath("/etc/resolv.conf", real))
		add_open(opener, arena_strdup(opener->arena, real), false, true);
}

/* A socket that the command was given must not become another one. */
static void close_network(struct plan *plan)
{
	struct landlock_spec *landlock = &plan->policy.landlock;

	landlock->reaches_network = plan->namespaces.kinds[NS_NET].mode == NS_SHARED;
	if (!landlock->reaches_network)
		landlock->limits_connect = landlock->limits_bind = true;
}

/* There is no other wall: what it cannot keep has to be given up by name. */
static int demand(const struct draft *draft, struct landlock_spec *landlock,
		  struct error *err)
{
	if (!draft->landlock)
		landlock->mode = LANDLOCK_REQUIRE;
	if (landlock->mode != LANDLOCK_OFF)
		return 0;
	return error_set(err, ERROR_USAGE,
			 "use --landlock off with --isolation landlock: nothing would be "
			 "left");
}

int expand_open_paths(struct draft *draft, struct error *err)
{
	struct plan *plan = &draft->plan;
	struct landlock_spec *landlock = &plan->policy.landlock;
	struct opener opener = { .arena = &plan->arena, .rootfs = &plan->rootfs };
	const struct landlock_path reading = { .writable = false };

	if (!landlock->whole)
		return 0;
	if (demand(draft, landlock, err) < 0 || check_isolated_files(plan, err) < 0)
		return -1;
	open_path(&opener, "/", &reading, 0);
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		const struct mount_entry *entry = &plan->rootfs.mounts[i];
		const struct landlock_path how = {
			.writable = !(entry->flags & MOUNT_F_RDONLY),
			.optional = entry->flags & MOUNT_F_OPTIONAL,
		};

		if (entry->kind == MOUNT_DEV)
			open_devices(&opener);
		if (entry->kind == MOUNT_BIND && !strcmp(entry->source, entry->dest))
			open_path(&opener, entry->source, &how, i + 1);
	}
	close_network(plan);
	if (landlock->reaches_network)
		open_resolver(&opener);
	landlock->keeps_modes =
		plan->policy.profile && profile_is(plan->policy.profile, "strict");
	landlock->paths = opener.paths;
	landlock->path_count = opener.count;
	return landlock_close_rest(landlock, &plan->arena, err);
}
