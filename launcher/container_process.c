/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order. What raises something comes while every capability of the container's namespaces is
 * there: scheduling, limits above the present ones, groups, ids. Then the capabilities go.
 * What only lowers comes last, when the process is started: a limit of three descriptors must
 * not stop the wait for that. Descriptors are inherited and labels taken on by the next exec,
 * which may not be that of a hook, and the filter is behind all.
 */
#include "launcher/container_process.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/command.h"
#include "launcher/execute.h"
#include "launcher/schedule.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- groups -------------------------------------------------------------------------------- */

/* The own group is had anyway. */
static bool wants_more_groups(const struct process_spec *process)
{
	for (size_t i = 0; i < process->group_count; i++)
		if (process->groups[i] != process->gid)
			return true;
	return false;
}

/*
 * With one id that was mapped without newgidmap nobody may change groups (user_namespaces(7));
 * those of the caller stay, as containers of other runtimes have it there.
 */
static int take_groups(const struct plan *plan, struct error *err)
{
	const struct process_spec *process = &plan->process;

	if (plan->container.keep_original_groups || plan->ids.keep_groups ||
	    protection_is_off("groups"))
		return 0;
	if (sys_setgroups(process->group_count, process->groups) == 0)
		return 0;
	if (errno == EPERM && !wants_more_groups(process))
		return 0;
	if (errno != EPERM && errno != EINVAL)
		return error_errno_id(err, ERROR_GROUPS,
				      "join process.user.additionalGids");
	error_set(err, ERROR_GROUPS,
		  "join process.user.additionalGids: no such groups are mapped here");
	return error_hint(err,
			  "groups beyond the first need a map of subordinate ids; the "
			  "annotation run.oci.keep_original_groups leaves the caller's");
}

/* ---- the working directory ----------------------------------------------------------------- */

/*
 * What is missing is made for process 1, as engines expect; through no link of procfs. Whoever
 * comes later and misses one has mistyped it.
 */
static int make_directory(const char *path)
{
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int made = root < 0 ? -1 : files_make_dirs_in_root(root, path, 0755);

	return made < 0 ? -1 : fchdir(made);
}

static int refuse_directory(const char *path, struct error *err)
{
	error_errno_id(err, ERROR_WORKDIR, "enter the working directory %s", path);
	return error_hint(err, "process.cwd names it");
}

/*
 * With the power of the container's root; *ret_closed: only its user may come there. A path
 * that leads out, through a descriptor that somebody left open, is an attack.
 */
static int enter_directory(const struct child *child, bool *ret_closed, struct error *err)
{
	const char *path = child->plan->process.cwd;
	int inside;

	*ret_closed = false;
	if (chdir(path) < 0 &&
	    (errno != ENOENT || child->joins || make_directory(path) < 0)) {
		if (errno != EACCES)
			return refuse_directory(path, err);
		*ret_closed = true;
		return 0;
	}
	inside = command_stands_inside();
	if (inside < 0)
		return refuse_directory(path, err);
	if (inside == 0)
		return error_set(
			err, ERROR_WORKDIR,
			"enter the working directory %s: it lies outside of the container",
			path);
	return 0;
}

/* ---- powers -------------------------------------------------------------------------------- */

static bool is_filtered(const struct plan *plan)
{
	return plan->policy.filter.program.count > 0 && !protection_is_off("filter");
}

/*
 * Where new privileges may be had, only CAP_SYS_ADMIN may load a filter (seccomp(2)): it is
 * held until then, and the exec takes it away.
 */
static uint64_t held_for_filter(const struct plan *plan)
{
	return plan->policy.caps.may_gain && is_filtered(plan) ? caps_by_name("SYS_ADMIN")
							       : 0;
}

/* What cannot be granted was told by the launcher, which asked the same. */
static int take_capabilities(const struct plan *plan, struct error *err)
{
	struct caps_spec caps = plan->policy.caps;

	if (protection_is_off("capabilities"))
		return 0;
	if (caps.separate)
		(void)caps_grant(&caps, false);
	return caps_apply_holding(&caps, held_for_filter(plan) & caps_effective(), err);
}

static int settle(const struct child *child, struct error *err)
{
	const struct plan *plan = child->plan;
	const struct process_spec *process = &plan->process;
	bool closed = false;

	if (command_take_terminal(child, err) < 0 || schedule_take(process, err) < 0 ||
	    limits_raise(&plan->policy.limits, err) < 0 || take_groups(plan, err) < 0 ||
	    enter_directory(child, &closed, err) < 0 || command_take_ids(child, err) < 0)
		return -1;
	if (closed && (enter_directory(child, &closed, err) < 0 || closed))
		return closed ? refuse_directory(process->cwd, err) : -1;
	umask(process->umask);
	if (schedule_pose(process, err) < 0 || take_capabilities(plan, err) < 0 ||
	    command_watch_launcher(child, err) < 0)
		return -1;
	return plan->policy.caps.may_gain
		       ? 0
		       : landlock_restrict(&plan->policy.landlock, err);
}

/* ---- the start ----------------------------------------------------------------------------- */

/* The words that engines know a missing program by. */
static int find(const struct child *child, struct execution *execution, struct error *err)
{
	const struct plan *plan = child->plan;

	if (execution_prepare(execution, &plan->process,
			      is_filtered(plan) ? &plan->policy.filter : NULL, err) == 0)
		return 0;
	if (err->id != ERROR_COMMAND_NOT_FOUND)
		return -1;
	error_set(err, ERROR_COMMAND_NOT_FOUND,
		  "start: executable file `%s` not found in $PATH",
		  plan->process.argv[0]);
	err->errnum = ENOENT;
	err->status = 127;
	return -1;
}

static struct label_spec labels_of(const struct plan *plan)
{
	return (struct label_spec){ plan->process.apparmor, plan->process.selinux,
				    plan->rootfs.label };
}

/*
 * The labels are written by the process itself, through a procfs that is no work of the
 * container's: that of the caller, in which it has a name too.
 */
static int prepare(struct child *child, struct error *err)
{
	const struct label_spec labels = labels_of(child->plan);

	child->proc = -1;
	if (labels_check(&labels, err) < 0)
		return -1;
	if (!labels_are_asked(&labels))
		return 0;
	child->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return child->proc < 0 ? error_errno_id(err, ERROR_LABEL, "open /proc") : 0;
}

static int take_labels(const struct child *child, struct error *err)
{
	const struct label_spec labels = labels_of(child->plan);
	auto_close int attributes = -1;

	if (!labels_are_asked(&labels))
		return 0;
	attributes = labels_open(child->proc, err);
	return attributes < 0 ? -1 : labels_apply(attributes, &labels, err);
}

static int execute(const struct child *child, struct execution *execution,
		   struct error *err)
{
	const struct plan *plan = child->plan;
	const uint64_t held = held_for_filter(plan) & caps_permitted();

	if (take_labels(child, err) < 0 ||
	    command_keep_descriptors(&plan->process, err) < 0 ||
	    (!protection_is_off("limits") && limits_apply(&plan->policy.limits, err) < 0))
		return -1;
	command_reset_signals();
	if (held && caps_raise(held, err) < 0)
		return -1;
	return command_load_and_run(child, execution, err);
}

const struct command_steps container_steps = { prepare, settle, find, execute };
