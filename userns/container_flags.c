/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes and propagation of a container's mounts. Other than mount_change() nothing is
 * cut off from where it came: an engine says what propagates.
 */
#include "userns/container.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/syscalls.h"

#include <errno.h>

/* Access times are one field of the attributes: who sets one clears the others. */
#define ATTR_ATIME 0x70U

static int change(const struct container *container, int mount_fd, uint64_t set,
		  uint64_t clear, bool recursive)
{
	const struct sys_mount_attr attr = { .attr_set = set, .attr_clr = clear };

	if (sys_mount_setattr(mount_fd, "",
			      AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U),
			      &attr) == 0)
		return 0;
	/* EPERM may be a filter's answer to a call that it does not know. */
	if (errno != ENOSYS && errno != EPERM)
		return -1;
	return remount_tree(container->tree.proc, mount_fd, (unsigned int)set,
			    (unsigned int)clear, recursive, 0);
}

/*
 * What came from an outer user namespace keeps the flags that it has there
 * (mount_namespaces(7)); "rw" of an engine that adds it everywhere means: do not add "ro".
 * Access times that are set have to be those.
 */
int container_change(const struct container *container, int mount_fd, uint64_t set,
		     uint64_t clear, bool recursive, struct error *err)
{
	const uint64_t times = set & ATTR_ATIME ? ATTR_ATIME : 0;

	clear |= times;
	if (clear & ATTR_ATIME)
		clear |= ATTR_ATIME;
	if (set == 0 && clear == 0)
		return 0;
	if (change(container, mount_fd, set, clear, recursive) == 0)
		return 0;
	if (errno == EPERM && clear != times &&
	    change(container, mount_fd, set, times, recursive) == 0)
		return 0;
	return error_errno(err, "set the flags of a mount");
}

int container_propagate(const struct container *container, int mount_fd,
			unsigned long propagation, struct error *err)
{
	const bool recursive = propagation & MS_REC;
	const struct sys_mount_attr attr = { .propagation = propagation &
							    ~(unsigned long)MS_REC };

	if (sys_mount_setattr(mount_fd, "",
			      AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U),
			      &attr) == 0)
		return 0;
	if ((errno == ENOSYS || errno == EPERM) &&
	    remount_by_descriptor(container->tree.proc, mount_fd, propagation) == 0)
		return 0;
	return error_errno(err, "set the propagation of a mount");
}

uint64_t container_attributes(const struct mount_entry *entry)
{
	uint64_t attributes = mount_attributes(entry->flags);

	if (entry->attributes)
		attributes |= entry->attributes->set;
	if (protection_is_off("read-only"))
		attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return attributes;
}

int container_finish_mount(const struct container *container,
			   const struct mount_entry *entry, int mount_fd,
			   unsigned int without, struct error *err)
{
	static const struct mount_attributes none;
	const struct mount_attributes *more =
		entry->attributes ? entry->attributes : &none;
	const uint64_t left_out = mount_attributes(without);

	if (container_change(container, mount_fd, container_attributes(entry) & ~left_out,
			     more->clear, false, err) < 0)
		return -1;
	if (container_change(container, mount_fd, more->set_below & ~left_out,
			     more->clear_below, true, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(more->propagation) / sizeof(*more->propagation) &&
			   more->propagation[i];
	     i++)
		if (container_propagate(container, mount_fd, more->propagation[i], err) <
		    0)
			return -1;
	return 0;
}
