/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as a set-up that can be compared: what decides how a run comes out, and nothing of
 * where its parts lie on this host, of who runs it, or of what the launcher does beside it.
 */
#include "base/json.h"
#include "plan/internal.h"
#include "plan/oci_spelling.h"
#include "plan/to_oci.h"

#include <string.h>

/* Times the command may feel; the rest of a life it never sees. */
static struct life_spec bare_life(const struct life_spec *life)
{
	return (struct life_spec){
		.ready_fd = -1,
		.status_fd = -1,
		.timeout_ms = life->timeout_ms,
		.kill_after_ms = life->kill_after_ms,
	};
}

/* The content of these has a digest of its own, or is the machine's. */
static struct mount_entry bare_entry(const struct mount_entry *entry)
{
	struct mount_entry bare = *entry;

	if (entry->kind == MOUNT_COW)
		bare.source = entry->dest;
	if (entry->kind == MOUNT_DATA && !strcmp(entry->dest, "/proc/cpuinfo")) {
		bare.content = NULL;
		bare.content_size = 0;
	}
	return bare;
}

/* What is covered only where a host has it says something about the host. */
static bool is_of_host(const struct mount_entry *entry)
{
	return entry->kind == MOUNT_MASK && entry->flags & MOUNT_F_OPTIONAL;
}

static struct rootfs_spec bare_rootfs(const struct plan *plan, struct arena *arena)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;
	struct mount_entry *mounts =
		arena_alloc_array(arena, rootfs->mount_count + 1, sizeof(*mounts));
	struct rootfs_spec bare = *rootfs;
	size_t count = 0;

	for (size_t i = 0; i < rootfs->mount_count; i++) {
		if (!is_of_host(&rootfs->mounts[i]))
			mounts[count++] = bare_entry(&rootfs->mounts[i]);
	}
	if (plan->image.operand)
		bare.kind = ROOT_MOUNT;
	bare.path = "";
	bare.upper = NULL;
	bare.layer_count = 0;
	bare.mounts = mounts;
	bare.mount_count = count;
	return bare;
}

struct json_value *plan_to_setup(const struct plan *plan, struct arena *arena)
{
	struct plan bare = *plan;
	struct json_value *document;

	bare.ids.uids.count = bare.ids.gids.count = 0;
	bare.image = (struct image_spec){ .squash = plan->image.squash };
	bare.rootfs = bare_rootfs(plan, arena);
	bare.life = bare_life(&plan->life);
	bare.process.argc = 0;
	bare.policy.denials = NULL;
	bare.net.log_file = bare.net.pcap_file = NULL;
	bare.runtime.runsc = bare.runtime.pin = NULL;
	bare.origin_count = 0;
	document = oci_document(&bare, arena);
	json_remove(document, "root");
	return document;
}
