/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group that systemd makes: a scope of the system's manager for root, else of the user's.
 * systemd starts no scope without a process, and the container has none yet when its limits
 * are set: sbx-scope lives in the scope until the container does, held by its standard
 * input. On v1 systemd makes its own hierarchy; ours follow its path.
 */
#include "policy/group.h"

#include "base/error.h"

int group_make_scope(const struct group_want *want, struct arena *arena,
		     struct container_group *group, struct error *err)
{
	(void)want;
	(void)arena;
	(void)group;
	error_set(err, ERROR_CGROUP,
		  "get a cgroup from systemd: this build does not ask it");
	return error_hint(err, "--cgroup-manager cgroupfs makes the cgroup by itself");
}

int group_scope_limits(const struct container_group *group,
		       const struct cgroup_resources *resources, struct error *err)
{
	(void)group;
	(void)resources;
	(void)err;
	return 0;
}

int group_stop_scope(const struct container_group *group, struct error *err)
{
	(void)group;
	(void)err;
	return 0;
}
