/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts with ids of their own: the kernel takes the map from a user namespace that has it
 * (mount_setattr(2), since 5.12), so one is made for that.
 */
#include "userns/userns.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

/* Holds the namespace until it is killed. */
static void hold_namespace(void) __attribute__((noreturn));
static void hold_namespace(void)
{
	for (;;)
		pause();
}

/* The namespace of the child, with the maps. */
static int map_child(pid_t child, const struct mount_id_map *map, struct error *err)
{
	const struct ids_spec ids = { .uids = map->uids, .gids = map->gids };
	char path[40];
	int namespace;

	if (ids_map_child(&ids, child, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	return namespace < 0 ? error_errno(err, "open the map of a mount") : namespace;
}

static int open_map(const struct mount_id_map *map, struct error *err)
{
	const struct sys_clone_args args = { .flags = CLONE_NEWUSER,
					     .exit_signal = SIGCHLD };
	const pid_t child = sys_clone3(&args);
	int namespace;

	if (child < 0)
		return error_errno_id(err, ERROR_IDS, "make a user namespace for a map");
	if (child == 0)
		hold_namespace();
	namespace = map_child(child, map, err);
	(void)kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	return namespace;
}

int mount_map_ids(int mount, const struct mount_id_map *map, struct error *err)
{
	auto_close int namespace = -1;
	struct sys_mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };

	if (map->uids.count == 0 && map->gids.count == 0)
		return 0;
	namespace = open_map(map, err);
	if (namespace < 0)
		return error_within(err, "map the ids of a mount");
	attr.userns_fd = (uint64_t) namespace;
	if (sys_mount_setattr(mount, "",
			      AT_EMPTY_PATH | (map->recursive ? AT_RECURSIVE : 0U),
			      &attr) == 0)
		return 0;
	error_errno_id(err, ERROR_IDS, "map the ids of a mount");
	switch (err->errnum) {
	case EPERM:
		return error_hint(err,
				  "only who mounted the file system may: rootless, a "
				  "tmpfs or an overlay of its own; else chown the files");
	case EINVAL:
	case ENOSYS:
		return error_hint(err,
				  "this file system or this kernel cannot; "
				  "ext4, xfs and btrfs can since Linux 5.12 to 5.15");
	default:
		return -1;
	}
}
