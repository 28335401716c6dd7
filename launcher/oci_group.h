/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_OCI_GROUP_H
#define SBX_LAUNCHER_OCI_GROUP_H

/* The commands of `sbx-oci` that have to do with the cgroup of a container. */

#include "launcher/container.h"
#include "launcher/oci.h"

/* A container that was found, and its group, open. Zeroed memory is none. */
struct oci_group {
	struct container_entry entry;
	struct container_record record;
	struct container_group group;
	bool found;
};

/* Finds it by its id, and opens its group. oci_group_close() in the end, whatever happened. */
int oci_group_open(const struct oci_globals *globals, const char *id, bool locked,
		   struct arena *arena, struct oci_group *ret_group, struct error *err);
void oci_group_close(struct oci_group *group);

/* Fails unless the container is not stopped: "container not running". */
int oci_group_want_life(const struct oci_group *group, const char *verb,
			struct error *err);

#endif
