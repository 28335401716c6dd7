/* SPDX-License-Identifier: Apache-2.0 */
/* What --isolation landlock cannot do, as nothing is mounted and no namespace is made. */
#include "base/error.h"
#include "plan/internal.h"
#include "plan/restricted.h"

#include <string.h>

/* Options that need a namespace, and the operands of theirs that do not. */
static const struct restricted restricted[] = {
	{ "root", { "host", "/" }, "a mount namespace", NULL },
	{ "root-mode", { "ro" }, "a mount namespace", NULL },
	{ "upper", { NULL }, "a mount namespace", NULL },
	{ "scratch-size", { NULL }, "a mount namespace", NULL },
	{ "shm-size", { NULL }, "a mount namespace", NULL },
	{ "cwd", { "ro", "rw", "off" }, "a mount namespace", "--cwd ro, or --cwd rw" },
	{ "cow", { NULL }, "a mount namespace", "--ro or --rw" },
	{ "mount", { NULL }, "a mount namespace", "--ro or --rw" },
	{ "tmpfs",
	  { NULL },
	  "a mount namespace",
	  "TMPDIR names a private directory that goes at the end" },
	{ "proc", { "host", "none" }, "a pid namespace", "--proc host, or --proc none" },
	{ "user", { NULL }, "a user namespace", NULL },
	{ "groups", { "keep" }, "a user namespace", "--groups keep" },
	{ "group-add", { NULL }, "a user namespace", NULL },
	{ "map", { NULL }, "a user namespace", NULL },
	{ "root-emu", { "auto", "off" }, "a user namespace", "leave --root-emu" },
	{ "hostname", { NULL }, "a uts namespace", NULL },
	{ "sysctl", { NULL }, "namespaces", NULL },
	{ "join", { NULL }, "namespaces", NULL },
	{ "net", { "none", "host" }, "a network namespace", "--net none, or --net host" },
	{ "dns", { NULL }, "a mount namespace", NULL },
	{ "add-host", { NULL }, "a mount namespace", NULL },
	{ "search", { NULL }, "a mount namespace", NULL },
	{ "cap-add", { NULL }, "a user namespace", NULL },
	{ "init", { "on" }, "a pid namespace", "leave --no-init" },
	{ "config", { NULL }, "namespaces", NULL },
	{ "pure", { "off" }, "namespaces", NULL },
	{ "record", { NULL }, "a mount namespace", NULL },
	{ "expect", { NULL }, "a mount namespace", NULL },
	{ "repeat", { NULL }, "a mount namespace", NULL },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int check_isolated_options(const struct draft *draft, struct error *err)
{
	static const struct restriction isolation = {
		restricted,
		COUNT(restricted),
		"--isolation landlock: it needs ",
		"--isolation userns",
	};

	return check_restricted(draft, &isolation, err);
}

/* A file is reached where it is, or not at all. */
static int check_place(const struct mount_entry *entry, struct error *err)
{
	if (entry->kind != MOUNT_BIND || entry->flags & MOUNT_F_OPTIONAL ||
	    !strcmp(entry->source, entry->dest))
		return 0;
	error_set(err, ERROR_USAGE,
		  "show %.80s at %.80s with --isolation landlock: it needs a mount "
		  "namespace",
		  entry->source, entry->dest);
	return error_hint(err, "files can only be shown where they are: --ro %.100s",
			  entry->source);
}

static int check_access(const struct mount_entry *entry, struct error *err)
{
	if (entry->kind != MOUNT_BIND || !(entry->flags & MOUNT_F_NOEXEC))
		return 0;
	error_set(
		err, ERROR_USAGE,
		"forbid execution in %.110s with --isolation landlock: it needs a mount "
		"namespace",
		entry->dest);
	return error_hint(err, "leave noexec");
}

/* Whether something is to be hidden in what can be written: nobody could keep it there. */
static int check_cover(const struct rootfs_spec *rootfs, size_t index, struct error *err)
{
	const struct mount_entry *cover = &rootfs->mounts[index];

	if (cover->kind != MOUNT_MASK)
		return 0;
	for (size_t i = 0; i < index; i++) {
		const struct mount_entry *entry = &rootfs->mounts[i];

		if (entry->kind != MOUNT_BIND || entry->flags & MOUNT_F_RDONLY ||
		    !path_is_within(cover->dest, entry->dest))
			continue;
		error_set(err, ERROR_USAGE,
			  "mask %.80s below %.80s with --isolation landlock: what can be "
			  "written cannot be hidden without a mount namespace",
			  cover->dest, entry->dest);
		return error_hint(err, "--ro %.100s", entry->dest);
	}
	return 0;
}

int check_isolated_files(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		const struct mount_entry *entry = &plan->rootfs.mounts[i];

		if (check_place(entry, err) < 0 || check_access(entry, err) < 0 ||
		    check_cover(&plan->rootfs, i, err) < 0)
			return -1;
	}
	return 0;
}
