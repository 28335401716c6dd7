/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/group.h"

int group_apply(const struct container_group *group,
		const struct cgroup_resources *resources, bool best_effort,
		struct error *err)
{
	(void)group;
	(void)resources;
	(void)best_effort;
	(void)err;
	return 0;
}
