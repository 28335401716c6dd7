/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/container_group.h"

#include "base/error.h"

int group_make(const struct group_want *want, struct arena *arena,
	       struct container_group *ret_group, struct error *err)
{
	(void)want;
	(void)arena;
	(void)ret_group;
	return error_set(err, ERROR_PLAIN, "make a cgroup: it is not built yet");
}

int group_clone_fd(const struct container_group *group)
{
	(void)group;
	return -1;
}

int group_move(const struct container_group *group, pid_t pid, struct error *err)
{
	(void)group;
	(void)pid;
	return error_set(err, ERROR_PLAIN, "move a process: it is not built yet");
}

int group_apply(const struct container_group *group,
		const struct cgroup_resources *resources, bool best_effort,
		struct error *err)
{
	(void)group;
	(void)resources;
	(void)best_effort;
	return error_set(err, ERROR_PLAIN, "limit resources: it is not built yet");
}

const char *group_record(const struct container_group *group, struct arena *arena)
{
	(void)group;
	(void)arena;
	return NULL;
}

int group_open(const char *record, struct arena *arena, struct container_group *ret_group,
	       struct error *err)
{
	(void)record;
	(void)arena;
	(void)ret_group;
	return error_set(err, ERROR_PLAIN, "open a cgroup: it is not built yet");
}

void group_close(struct container_group *group)
{
	(void)group;
}

int group_pids(const struct container_group *group, struct arena *arena, pid_t **ret_pids,
	       size_t *ret_count, struct error *err)
{
	(void)group;
	(void)arena;
	(void)ret_pids;
	(void)ret_count;
	return error_set(err, ERROR_PLAIN, "list processes: it is not built yet");
}

int group_kill(const struct container_group *group, int number, struct error *err)
{
	(void)group;
	(void)number;
	return error_set(err, ERROR_PLAIN, "kill a cgroup: it is not built yet");
}

int group_freeze(const struct container_group *group, bool frozen, struct error *err)
{
	(void)group;
	(void)frozen;
	return error_set(err, ERROR_PLAIN, "freeze a cgroup: it is not built yet");
}

bool group_is_frozen(const struct container_group *group)
{
	(void)group;
	return false;
}

int group_remove(struct container_group *group, struct error *err)
{
	(void)group;
	return error_set(err, ERROR_PLAIN, "remove a cgroup: it is not built yet");
}

struct json_value *group_stats(const struct container_group *group, struct arena *arena)
{
	(void)group;
	(void)arena;
	return NULL;
}

int group_watch_oom(const struct container_group *group, struct error *err)
{
	(void)group;
	return error_set(err, ERROR_PLAIN, "watch a cgroup: it is not built yet");
}

uint64_t group_oom_kills(const struct container_group *group)
{
	(void)group;
	return 0;
}
