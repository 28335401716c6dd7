/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What failed, in the words that bubblewrap has for it: its callers look for them in what
 * it prints.
 */
#include "launcher/wrap.h"

#include "base/error.h"
#include "plan/plan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int wrap_explain_clone(int errnum, struct error *err)
{
	errno = errnum;
	switch (errnum) {
	case EINVAL:
		return error_set(
			err, ERROR_KERNEL,
			"Creating new namespace failed, likely because the kernel does not "
			"support user namespaces.  bwrap must be installed setuid on such "
			"systems.");
	case EPERM:
		return error_set(
			err, ERROR_USERNS_FORBIDDEN,
			"No permissions to create a new namespace, likely because the kernel "
			"does not allow non-privileged user namespaces. On e.g. debian this can "
			"be enabled with 'sysctl kernel.unprivileged_userns_clone=1'.");
	case ENOSPC:
		return error_set(err, ERROR_USERNS_LIMIT,
				 "Creating new namespace failed: nesting depth or "
				 "/proc/sys/user/max_*_namespaces exceeded (ENOSPC)");
	default:
		return error_errno(err, "Creating new namespace failed");
	}
}

int wrap_explain_join(struct error *err)
{
	/* What is no namespace at all the kernel was not asked about. */
	if (err->errnum == EINVAL || err->errnum == 0)
		return error_set(
			err, ERROR_NAMESPACE,
			"Joining the specified user namespace failed, it might not be a "
			"descendant of the current user namespace.");
	errno = err->errnum;
	return error_errno(err, "Joining specified user namespace failed");
}

int wrap_explain_map(struct error *err)
{
	const bool groups = strstr(err->text, "gid_map") != NULL;
	const bool deny = strstr(err->text, "setgroups") != NULL;

	errno = err->errnum;
	return error_errno(err, "%s",
			   deny     ? "error writing to setgroups"
			   : groups ? "setting up gid map"
				    : "setting up uid map");
}

/* ---- file-system operations -------------------------------------------------------------- */

/* Something stands where a directory has to be. */
static bool is_no_directory(const struct mount_entry *entry, const struct error *cause,
			    struct error *err)
{
	if (cause->errnum != ENOTDIR || cause->entry < 0 || entry->kind == MOUNT_FILE ||
	    entry->kind == MOUNT_CHMOD || entry->kind == MOUNT_REMOUNT_RO)
		return false;
	if (strstr(cause->text, "find its parents") || entry->kind == MOUNT_SYMLINK)
		error_errno(err, "Can't mkdir parents for %s", entry->dest);
	else
		error_errno(err, "Can't mkdir %s", entry->dest);
	return true;
}

static int explain_bind(const struct mount_entry *entry, const struct error *cause,
			struct error *err)
{
	const char *source = entry->source ? entry->source : "descriptor";

	if (entry->flags & MOUNT_F_FD && cause->errnum == 0)
		return error_set(err, ERROR_PLAIN, "Race condition binding dirfd");
	if (cause->entry < 0)
		return error_errno(err, "Can't find source path %s", source);
	if (cause->errnum == EISDIR)
		return error_errno(err, "Can't create file at %s", entry->dest);
	return error_errno(
		err, "Can't bind mount %s on %s: Unable to mount source on destination",
		source, entry->dest);
}

static int explain_overlay(const struct mount_entry *entry, const struct error *cause,
			   struct error *err)
{
	if (cause->errnum == ELOOP)
		return error_errno(
			err,
			"Can't make overlay mount on %s with options userxattr: "
			"Overlay directories may not overlap",
			entry->dest);
	if (cause->id == ERROR_SOURCE_MISSING)
		return error_errno(err, "Can't find source path of %s", entry->dest);
	return error_errno(err, "Can't make overlay mount on %s with options userxattr",
			   entry->dest);
}

static int explain_link(const struct mount_entry *entry, const struct error *cause,
			struct error *err)
{
	const char *reason = strstr(cause->text, "existing destination is ");

	if (!reason)
		reason = strstr(cause->text, "destination exists and is not a symlink");
	if (!reason)
		return error_errno(err, "Can't make symlink at %s", entry->dest);
	return error_set(err, ERROR_PLAIN, "Can't make symlink at %s: %s", entry->dest,
			 reason);
}

static int explain_data(const struct mount_entry *entry, const struct error *cause,
			struct error *err)
{
	if (cause->errnum == EISDIR)
		return error_set(err, ERROR_PLAIN, "Destination is not a file %s",
				 entry->dest);
	return error_errno(err, "Can't write data to file %s", entry->dest);
}

/* Kinds whose one text ends with DEST. */
static const char *const texts[] = {
	[MOUNT_TMPFS] = "Can't mount tmpfs on",
	[MOUNT_PROC] = "Can't mount proc on",
	[MOUNT_DEV] = "Can't mount devpts on",
	[MOUNT_MQUEUE] = "Can't mount mqueue on",
	[MOUNT_READONLY] = "Can't remount readonly on",
	[MOUNT_REMOUNT_RO] = "Can't remount readonly on",
	[MOUNT_DIR] = "Can't mkdir",
	[MOUNT_FILE] = "Can't create file",
	[MOUNT_CHMOD] = NULL,
};

static int explain_plainly(const struct mount_entry *entry, struct error *err)
{
	const char *text =
		entry->kind < sizeof(texts) / sizeof(*texts) ? texts[entry->kind] : NULL;

	if (!text)
		return -1;
	return error_errno(err, "%s %s", text, entry->dest);
}

/* A mount table that is full is told by name, whatever was tried. */
static int explain_full(struct error *err)
{
	return error_set(err, ERROR_RESOURCES,
			 "Limit exceeded (ENOSPC). (Hint: Check that "
			 "/proc/sys/fs/mount-max is sufficient, typically 100000)");
}

int wrap_explain_root(const struct plan *plan, struct error *err)
{
	const struct error cause = *err;
	const int index = cause.entry < 0 ? -cause.entry : cause.entry;
	const struct mount_entry *entry;
	char mode[16];

	if (index < 1 || (size_t)index > plan->rootfs.mount_count) {
		errno = cause.errnum;
		return error_errno(err, "Can't %s", cause.text);
	}
	entry = &plan->rootfs.mounts[index - 1];
	if (cause.errnum == ENOSPC && entry->kind != MOUNT_FILE &&
	    entry->kind != MOUNT_DATA)
		return explain_full(err);
	errno = cause.errnum;
	if (is_no_directory(entry, &cause, err))
		return -1;
	switch ((int)entry->kind) {
	case MOUNT_BIND:
		return explain_bind(entry, &cause, err);
	case MOUNT_OVERLAY:
		return explain_overlay(entry, &cause, err);
	case MOUNT_SYMLINK:
		return explain_link(entry, &cause, err);
	case MOUNT_DATA:
		return explain_data(entry, &cause, err);
	case MOUNT_CHMOD:
		snprintf(mode, sizeof(mode), "%#o", (unsigned int)entry->mode);
		return error_errno(err, "Can't chmod %s %s", mode, entry->dest);
	default:
		return explain_plainly(entry, err);
	}
}
