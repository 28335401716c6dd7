/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of mounts. mount_setattr(2) changes a whole tree in one call and needs no
 * mount table; where it is not to be had, remount.c does the same.
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/syscalls.h"

#include <errno.h>

unsigned int mount_attributes(unsigned int flags)
{
	unsigned int attributes = 0;

	if (flags & MOUNT_F_RDONLY)
		attributes |= MOUNT_ATTR_RDONLY;
	if (flags & MOUNT_F_NOSUID)
		attributes |= MOUNT_ATTR_NOSUID;
	if (flags & MOUNT_F_NODEV)
		attributes |= MOUNT_ATTR_NODEV;
	if (flags & MOUNT_F_NOEXEC)
		attributes |= MOUNT_ATTR_NOEXEC;
	return attributes;
}

/* What is really set: a test may leave a part of it out. */
static unsigned int attributes_in_force(unsigned int attributes)
{
	if (protection_is_off("read-only"))
		attributes &= ~(unsigned int)MOUNT_ATTR_RDONLY;
	if (protection_is_off("nosuid"))
		attributes &= ~(unsigned int)MOUNT_ATTR_NOSUID;
	if (protection_is_off("nodev"))
		attributes &= ~(unsigned int)MOUNT_ATTR_NODEV;
	return attributes;
}

/*
 * A changed tree is cut off from the mounts outside in the same call: what is mounted
 * there later would come in without these attributes.
 */
int mount_change(const struct tree *tree, int mount_fd, unsigned int add,
		 unsigned int clear, bool recursive, struct error *err)
{
	const unsigned int attributes = attributes_in_force(add);
	const struct sys_mount_attr attr = {
		.attr_set = attributes,
		.attr_clr = clear,
		.propagation = MS_PRIVATE,
	};
	const unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);

	/* A mount of its own that was made here is private already. */
	if (add == 0 && clear == 0 && !recursive)
		return 0;
	if (sys_mount_setattr(mount_fd, "", flags, &attr) == 0)
		return 0;
	/* EPERM may be a filter's answer to a call that it does not know. */
	if (errno != ENOSYS && errno != EPERM)
		return error_errno(err, "set the flags of a mount");
	if (remount_tree(tree->proc, mount_fd, attributes, clear, recursive, MS_PRIVATE) <
	    0)
		return error_errno(err, "set the flags of a mount");
	return 0;
}
