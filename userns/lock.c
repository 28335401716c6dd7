/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts that nothing inside can undo. Whoever keeps CAP_SYS_ADMIN could unmount what
 * covers and remount what is read-only. In a mount namespace of a user namespace further
 * in all these mounts are locked together, with their flags (mount_namespaces(7)).
 */
#include "userns/userns.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int mounts_lock_self(struct error *err)
{
	/* The other side writes our maps through /proc, which shows them to the owner only. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return error_errno(err, "let the maps be written");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		error_errno_id(err, ERROR_NAMESPACE, "lock the mounts of the sandbox");
		return error_hint(err, "CAP_SYS_ADMIN needs a user namespace of its own; "
				       "sbx doctor says what forbids it");
	}
	return 0;
}

/* Each range must lie within one of the parent: so the same ranges again, onto themselves. */
static int write_identity(int proc, pid_t child, const char *name,
			  const struct id_map *map, struct error *err)
{
	char path[64], text[4096];
	size_t used = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];
		int written = snprintf(text + used, sizeof(text) - used, "%u %u %u\n",
				       range->inside, range->inside, range->count);

		if (written < 0 || (size_t)written >= sizeof(text) - used)
			return error_set(err, ERROR_IDS,
					 "map that many ranges once more");
		used += (size_t)written;
	}
	snprintf(path, sizeof(path), "%d/%s", child, name);
	if (files_write(proc, path, text) < 0)
		return error_errno_id(err, ERROR_IDS, "map ids once more: write %s",
				      name);
	return 0;
}

int mounts_lock_child(const struct ids_spec *ids, pid_t child, struct error *err)
{
	auto_close int proc = namespaces_open_proc(err);

	if (proc < 0) {
		error_within(err, "lock the mounts");
		return error_hint(err, "CAP_SYS_ADMIN needs a /proc: --proc new");
	}
	if (write_identity(proc, child, "uid_map", &ids->uids, err) < 0)
		return -1;
	return write_identity(proc, child, "gid_map", &ids->gids, err);
}
