/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/bounds.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/executor.h"
#include "launcher/report.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>

enum {
	RUNSC_TASKS = 128, /* threads of runsc's own, in a sandbox that does little */
};

/* What is a process or thread of ours, and not what the user counts, comes on top. */
static struct cgroup_limits limits_of(const struct plan *plan)
{
	struct cgroup_limits limits = plan->policy.limits.cgroup;

	if (limits.pids && !plan->process.no_init)
		limits.pids++;
	if (limits.pids && plan->runtime.kind == RUNTIME_RUNSC)
		limits.pids += RUNSC_TASKS;
	return limits;
}

int bounds_check(const struct plan *plan, struct error *err)
{
	const struct cgroup_limits *limits = &plan->policy.limits.cgroup;

	if (!cgroup_is_needed(limits) || limits->best_effort)
		return 0;
	return cgroup_check_place(limits, err);
}

static void fall_back(const struct plan *plan, const struct cgroup_limits *limits,
		      struct bounds *bounds, const struct error *why)
{
	char text[120] = "gVisor is not limited";
	struct error warning;

	/* What is set for each process would hit runsc, which maps terabytes. */
	if (plan->runtime.kind != RUNTIME_RUNSC)
		bounds->instead_count =
			cgroup_fall_back(limits, bounds->instead, text, sizeof(text));
	error_set(&warning, why->id, "%.130s; %s", why->text, text);
	warning.errnum = 0;
	report_warning(&warning, plan->life.log_format == LOG_JSON);
}

int bounds_make(const struct plan *plan, struct bounds *ret_bounds, struct error *err)
{
	const struct cgroup_limits limits = limits_of(plan);

	*ret_bounds = (struct bounds){ 0 };
	if (!cgroup_is_needed(&limits))
		return 0;
	if (cgroup_open(&limits, &ret_bounds->group, err) == 0)
		return 0;
	if (!limits.best_effort)
		return -1;
	fall_back(plan, &limits, ret_bounds, err);
	return 0;
}

pid_t bounds_clone(struct child *child, uint64_t flags, int *ret_pidfd)
{
	const struct cgroup *group = &child->bounds.group;
	const int directory = cgroup_clone_fd(group);

	child->moved = false;
	if (directory >= 0) {
		const pid_t pid = sys_clone_into(flags, directory, ret_pidfd);

		if (pid >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL &&
				 errno != E2BIG))
			return pid;
	}
	child->moved = group->way != CGROUP_NONE;
	if (child->moved)
		flags &= ~(uint64_t)CLONE_NEWCGROUP;
	return sys_clone_child(flags, ret_pidfd);
}

int bounds_move(const struct child *child, const struct sandbox *sandbox,
		struct error *err)
{
	if (!child->moved)
		return 0;
	if (stage_must_fail("move"))
		return error_set(err, ERROR_CGROUP, "move: made to fail");
	if (cgroup_move(&child->bounds.group, sandbox->init, err) < 0)
		return -1;
	if (sync_send_turn(sandbox->socket, TURN_MOVED, 0) < 0 && errno != EPIPE)
		return error_errno(err, "tell the sandbox that it was moved");
	return 0;
}

/* "2G", where it is a whole number of them. */
static const char *size_text(uint64_t bytes, char *to, size_t size)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	size_t unit = 0;

	while (bytes && bytes % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(*units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(to, size, "%llu%s", (unsigned long long)bytes, units[unit]);
	return to;
}

static void note_memory(const struct plan *plan, const struct outcome *outcome,
			bool failed, struct error *err)
{
	const uint64_t killed = outcome->usage.oom_kills;
	char size[32];

	size_text(plan->policy.limits.cgroup.memory, size, sizeof(size));
	if (!failed) {
		const uint64_t others = killed > outcome->init_killed
						? killed - outcome->init_killed
						: killed;

		report_memory(size, others, plan->life.log_format == LOG_JSON);
		return;
	}
	if (outcome->command_started)
		return;
	error_set(err, ERROR_LIMIT,
		  "start the command: the memory limit of %s was reached", size);
	error_hint(err, "--memory raises it");
}

void bounds_end(const struct plan *plan, struct bounds *bounds, struct outcome *outcome,
		bool failed, struct error *err)
{
	if (bounds->group.way == CGROUP_NONE)
		return;
	cgroup_read_usage(&bounds->group, &outcome->usage);
	outcome->has_usage = true;
	cgroup_close(&bounds->group);
	if (outcome->usage.oom_kills)
		note_memory(plan, outcome, failed, err);
}
