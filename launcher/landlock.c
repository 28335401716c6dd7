/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor of --isolation landlock, for hosts that forbid user namespaces: the command
 * is a child of the caller's, in the caller's namespaces, behind Landlock and a filter of
 * what Landlock leaves open. What the plan does not know before, the private directory, is
 * put into a copy of it.
 */
#include "launcher/executor.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/keyring.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MORE_PATHS = 2, /* the private directory, and the terminal */
	/* HOME and TMPDIR, the two that become known inside, and the end */
	MORE_VARIABLES = 5,
};

struct own_plan {
	struct plan plan;
	struct landlock_path *paths;
	const char **env;
	char home[PATH_MAX + 8], tmpdir[PATH_MAX + 8];
};

static bool has_variable(const char *const *env, const char *assignment)
{
	const size_t length = strcspn(assignment, "=") + 1;

	for (; *env; env++)
		if (strncmp(*env, assignment, length) == 0)
			return true;
	return false;
}

static void add_variable(struct own_plan *own, const char *assignment)
{
	struct process_spec *process = &own->plan.process;

	own->env[process->env_count] = NULL;
	if (!has_variable(own->env, assignment))
		own->env[process->env_count++] = assignment;
	own->env[process->env_count] = NULL;
}

/* Opens the private directory to the command, and tells it where it is. */
static int own_plan_make(const struct plan *plan, const struct scratch *scratch,
			 struct own_plan *own, struct error *err)
{
	const struct landlock_spec *landlock = &plan->policy.landlock;

	own->plan = *plan;
	own->paths = calloc(landlock->path_count + MORE_PATHS, sizeof(*own->paths));
	own->env = calloc(plan->process.env_count + MORE_VARIABLES, sizeof(*own->env));
	if (!own->paths || !own->env)
		return error_errno_id(err, ERROR_RESOURCES, "note the private directory");
	if (landlock->path_count)
		memcpy(own->paths, landlock->paths,
		       landlock->path_count * sizeof(*own->paths));
	own->paths[landlock->path_count] =
		(struct landlock_path){ .path = scratch->path, .writable = true };
	own->plan.policy.landlock.paths = own->paths;
	own->plan.policy.landlock.path_count++;
	if (plan->process.env_count)
		memcpy(own->env, plan->process.env,
		       plan->process.env_count * sizeof(*own->env));
	own->plan.process.env = own->env;
	snprintf(own->home, sizeof(own->home), "HOME=%s", scratch->path);
	snprintf(own->tmpdir, sizeof(own->tmpdir), "TMPDIR=%s", scratch->path);
	add_variable(own, own->home);
	add_variable(own, own->tmpdir);
	return 0;
}

static void own_plan_free(struct own_plan *own)
{
	free(own->paths);
	free(own->env);
}

static int fork_child(struct own_plan *own, const struct caller_text *caller,
		      const struct bounds *bounds, struct sandbox *sandbox,
		      struct error *err)
{
	auto_close int launcher_end = -1;
	auto_close int child_end = -1;
	struct child child = {
		.plan = &own->plan,
		.terminal = -1,
		.binfmt = -1,
		.net_control = -1,
		.net_end = -1,
		.caller_text = caller->start,
		.caller_text_size = caller->size,
		.bounds = *bounds,
		.spare_path = &own->paths[own->plan.policy.landlock.path_count],
	};
	int ends[2];
	int pidfd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "make a socket pair");
	launcher_end = ends[0];
	child_end = ends[1];
	child.launcher_socket = launcher_end;
	child.socket = child_end;
	own_file_note("/proc/self/exe", &child.own_file);
	pid = bounds_clone(&child, 0, &pidfd);
	if (pid < 0)
		return error_errno_id(err, ERROR_RESOURCES,
				      "make a process for the sandbox");
	if (pid == 0)
		child_run_in_place(&child);
	sandbox->init = pid;
	sandbox->pidfd = pidfd;
	sandbox->socket = fd_take(&launcher_end);
	if (bounds_move(&child, sandbox, err) == 0)
		return 0;
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -1;
}

/*
 * The launcher is seen by the command, as every process of the host is: it must tell
 * nothing (prctl(2)).
 */
static int landlock_start(const struct plan *plan, const struct caller_text *caller,
			  const struct bounds *bounds, struct sandbox *ret_sandbox,
			  struct error *err)
{
	struct own_plan own = { .paths = NULL };
	int failed;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "close the launcher to the sandbox");
	/* Should somebody kill the init, what it leaves is ours. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return error_errno(err, "become a reaper of the sandbox");
	if (keyring_leave(err) < 0 || scratch_make(&ret_sandbox->scratch, err) < 0)
		return -1;
	failed = own_plan_make(plan, &ret_sandbox->scratch, &own, err);
	if (!failed)
		failed = fork_child(&own, caller, bounds, ret_sandbox, err);
	own_plan_free(&own);
	return failed;
}

static void landlock_end(struct sandbox *sandbox)
{
	auto_close int children =
		open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

	if (children >= 0)
		children_kill(children);
	scratch_remove(&sandbox->scratch);
}

const struct executor landlock_executor = { "landlock", landlock_start, landlock_end };
