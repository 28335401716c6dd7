/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container is made of may lie where only the user goes who creates it, in a home of
 * mode 700 say, and its ids may not be among the container's: an engine's --userns=auto. So it
 * is opened before the process becomes another user. What only the container's root reaches
 * is opened again afterwards, and then the reason is told.
 */
#include "userns/container.h"

#include "base/fd.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>

enum { REACHED_MAX = sizeof(((struct root_sources *)NULL)->mounts) / sizeof(int) };

/* Descriptors are for what comes later, too. */
static bool is_too_high(int fd)
{
	struct rlimit open_files;

	return getrlimit(RLIMIT_NOFILE, &open_files) < 0 ||
	       (rlim_t)fd >= open_files.rlim_cur / 2;
}

static int reach(const char *path, int flags)
{
	auto_close int fd = open(path, O_PATH | O_CLOEXEC | flags);

	return fd < 0 || is_too_high(fd) ? -1 : fd_take(&fd);
}

void container_root_reach(const struct rootfs_spec *spec,
			  struct root_sources *ret_sources)
{
	ret_sources->root = reach(spec->path, O_DIRECTORY);
	for (size_t i = 0; i < REACHED_MAX; i++) {
		const struct mount_entry *entry = &spec->mounts[i];

		ret_sources->mounts[i] = -1;
		if (i >= spec->mount_count || entry->kind != MOUNT_BIND ||
		    entry->flags & MOUNT_F_FD)
			continue;
		ret_sources->mounts[i] =
			reach(entry->source,
			      entry->flags & MOUNT_F_SRC_NOFOLLOW ? O_NOFOLLOW : 0);
	}
}

int *container_reached(const struct container *container, size_t index)
{
	struct root_sources *sources = container->sources;

	if (!sources || index >= REACHED_MAX || sources->mounts[index] < 0)
		return NULL;
	return &sources->mounts[index];
}

int container_take_root(const struct container *container)
{
	if (container->sources && container->sources->root >= 0)
		return fd_take(&container->sources->root);
	return open(container->tree.spec->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void container_close_sources(const struct container *container)
{
	struct root_sources *sources = container->sources;

	if (!sources)
		return;
	fd_close(&sources->root);
	for (size_t i = 0; i < REACHED_MAX; i++)
		fd_close(&sources->mounts[i]);
}
