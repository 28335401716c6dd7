/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci_group.h"

#include "base/error.h"

int oci_group_open(const struct oci_globals *globals, const char *id, bool locked,
		   struct arena *arena, struct oci_group *ret_group, struct error *err)
{
	*ret_group = (struct oci_group){ 0 };
	if (oci_find_container(globals, id, locked, arena, &ret_group->entry,
			       &ret_group->record, err) < 0)
		return -1;
	ret_group->found = true;
	return group_open(ret_group->record.cgroup, arena, &ret_group->group, err);
}

void oci_group_close(struct oci_group *group)
{
	if (!group->found)
		return;
	group_close(&group->group);
	oci_leave_container(&group->entry);
	group->found = false;
}

int oci_group_want_life(const struct oci_group *group, const char *verb,
			struct error *err)
{
	if (container_status(&group->entry, &group->record) != CONTAINER_STOPPED)
		return 0;
	error_set(err, ERROR_CONTAINER_STATE, "%s %.100s: container not running", verb,
		  group->record.id);
	return error_hint(err, "sbx-oci state %.100s tells what it does",
			  group->record.id);
}
