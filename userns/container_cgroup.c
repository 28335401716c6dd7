/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroups that a container sees: those of its own cgroup namespace, or with the
 * caller's its own group alone. With version 1 there is a directory for each hierarchy
 * (cgroups(7)); a container engine asks for the one type "cgroup" either way.
 */
#include "userns/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUP2_MAGIC 0x63677270

enum { LIST_MAX = 8192 };

/* One line of /proc/self/cgroup: "5:cpu,cpuacct:/path". */
struct hierarchy {
	char *names; /* "" is version 2, "name=x" has no controllers */
	char *path;
};

static bool next_line(char **rest, struct hierarchy *ret_hierarchy)
{
	char *line = *rest;
	char *end = strchr(line, '\n');
	char *first = strchr(line, ':');
	char *second = first ? strchr(first + 1, ':') : NULL;

	if (!end || !second || second > end)
		return false;
	*end = '\0';
	*second = '\0';
	*rest = end + 1;
	ret_hierarchy->names = first + 1;
	ret_hierarchy->path = second + 1;
	return true;
}

/*
 * The caller's own place for cgroups tells which version counts here, whatever else the
 * kernel has. Version 2 alone has one line only, which begins with "0::".
 */
static bool is_unified(const char *list)
{
	struct statfs where;

	if (statfs("/sys/fs/cgroup", &where) == 0 && where.f_type == CGROUP2_MAGIC)
		return true;
	return text_starts_with(list, "0::") && strchr(list, '\n') &&
	       strchr(list, '\n')[1] == '\0';
}

/* ---- one hierarchy ---------------------------------------------------------------------- */

static int set_controllers(int fs, char *names)
{
	char *rest = NULL;

	if (text_starts_with(names, "name="))
		return sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "none", NULL, 0) < 0 ||
				       sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "name",
						    names + 5, 0) < 0
			       ? -1
			       : 0;
	for (char *name = strtok_r(names, ",", &rest); name;
	     name = strtok_r(NULL, ",", &rest))
		if (sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, name, NULL, 0) < 0)
			return -1;
	return 0;
}

/* -1 and errno. */
static int new_hierarchy(const struct hierarchy *hierarchy)
{
	auto_close int fs =
		sys_fsopen(*hierarchy->names ? "cgroup" : "cgroup2", FSOPEN_CLOEXEC);
	char names[NAME_MAX + 1];

	if (fs < 0 || text_copy(names, sizeof(names), hierarchy->names) < 0)
		return -1;
	(void)sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "source", "cgroup", 0);
	if (set_controllers(fs, names) < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

/* The own group, where the caller sees it. -1 and errno. */
static int bound_hierarchy(const struct hierarchy *hierarchy, const char *name)
{
	char path[PATH_MAX];
	const int length = snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s", name,
				    hierarchy->path);

	if (length < 0 || (size_t)length >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return mount_clone(AT_FDCWD, path, AT_RECURSIVE);
}

/* Detached. -1 and errno. */
static int open_hierarchy(const struct container *container,
			  const struct hierarchy *hierarchy, const char *name)
{
	const bool own = container->tree.namespaces->kinds[NS_CGROUP].mode != NS_SHARED;

	return own ? new_hierarchy(hierarchy) : bound_hierarchy(hierarchy, name);
}

/* ---- version 2 ---------------------------------------------------------------------------- */

static int place_unified(const struct container *container,
			 const struct mount_entry *entry, char *list, int place,
			 struct error *err)
{
	struct hierarchy hierarchy;
	auto_close int mount = -1;
	bool found = false;

	while (!found && next_line(&list, &hierarchy))
		found = !*hierarchy.names;
	if (!found) {
		errno = EPROTO;
		return error_errno(err, "read the own cgroup");
	}
	mount = open_hierarchy(container, &hierarchy, "");
	if (mount < 0)
		return error_errno(err, "mount the cgroups on %s", entry->dest);
	if (mount_attach(mount, place, entry->dest, err) < 0)
		return -1;
	return container_finish_mount(container, entry, mount, 0, err);
}

/* ---- version 1, and both --------------------------------------------------------------------- */

/* "cpu" beside "cpu,cpuacct". */
static void link_names(int dir, const char *names)
{
	char all[NAME_MAX + 1];
	char *rest = NULL;

	if (!strchr(names, ',') || text_copy(all, sizeof(all), names) < 0)
		return;
	for (char *name = strtok_r(all, ",", &rest); name;
	     name = strtok_r(NULL, ",", &rest))
		(void)!symlinkat(names, dir, name);
}

/* One that cannot be seen here is left out: version 1 has many, and nobody needs all. */
static int place_hierarchy(const struct container *container,
			   const struct mount_entry *entry, int dir,
			   const struct hierarchy *hierarchy, struct error *err)
{
	const char *name = text_starts_with(hierarchy->names, "name=")
				   ? hierarchy->names + 5
				   : hierarchy->names;
	auto_close int mount = -1;
	auto_close int place = -1;

	if (!*name)
		name = "unified";
	mount = open_hierarchy(container, hierarchy, name);
	if (mount < 0)
		return 0;
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "make a place for the cgroups of %s", name);
	place = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return error_errno(err, "make a place for the cgroups of %s", name);
	if (mount_attach(mount, place, name, err) < 0)
		return -1;
	link_names(dir, name);
	return container_finish_mount(container, entry, mount, 0, err);
}

static int place_many(struct container *container, const struct mount_entry *entry,
		      char *list, int place, struct error *err)
{
	static const char *const options[] = { "mode", "0755", "source", "tmpfs", NULL };
	auto_close int dir = mount_new("tmpfs", options, 0, err);
	struct hierarchy hierarchy;

	if (dir < 0 || mount_attach(dir, place, entry->dest, err) < 0)
		return -1;
	while (next_line(&list, &hierarchy))
		if (place_hierarchy(container, entry, dir, &hierarchy, err) < 0)
			return -1;
	return container_finish_mount(container, entry, dir, 0, err);
}

int container_cgroup(struct container *container, const struct mount_entry *entry,
		     struct error *err)
{
	auto_close int place = container_place(container, entry->dest, true, false, err);
	char list[LIST_MAX + 1];

	if (place < 0)
		return -1;
	if (files_read(container->tree.proc, "self/cgroup", list, LIST_MAX) < 0)
		return error_errno(err, "read the own cgroup");
	return is_unified(list) ? place_unified(container, entry, list, place, err)
				: place_many(container, entry, list, place, err);
}
