/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command's process does between its making and execve(2). It may be a child of
 * vfork(2), whose parent waits until it was executed, or finds the error in the memory that
 * both share: so nothing here allocates, and nothing of the init is changed but what is
 * meant to be.
 */
#include "launcher/command.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/container_process.h"
#include "launcher/execute.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <paths.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- who it is ----------------------------------------------------------------------- */

static int take_groups(const struct child *child, struct error *err)
{
	if (child->group_count == 0)
		return 0;
	if (sys_setgroups(child->group_count, child->groups) < 0) {
		error_errno_id(err, ERROR_GROUPS, "join the groups");
		return error_hint(
			err, "groups beyond the first need a map of subordinate ids");
	}
	return 0;
}

/* setresuid(2): EINVAL is an id that the user namespace does not map. */
static int refuse_id(const char *kind, unsigned id, struct error *err)
{
	if (errno != EINVAL)
		return error_errno_id(err, ERROR_IDS, "run with %s %u", kind, id);
	error_set(err, ERROR_IDS,
		  "run with %s %u: it is not mapped into the user namespace", kind, id);
	return error_hint(
		err, "cat /proc/self/uid_map inside shows those that are; more need a "
		     "map of subordinate ids");
}

/*
 * The capabilities stay as they are over the change of ids: what is kept of them is
 * decided by caps_apply() alone.
 */
int command_take_ids(const struct child *child, struct error *err)
{
	/* -1 means "as it is" to the kernel (setresuid(2)): the power that we have now. */
	if (child->uid == (uid_t)-1 || child->gid == (gid_t)-1)
		return error_set(err, ERROR_IDS, "run with id %u: it is nobody's",
				 (uid_t)-1);
	if (child->uid == geteuid() && child->gid == getegid())
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_IDS, "change the user");
	if (sys_setresgid(child->gid) < 0)
		return refuse_id("gid", child->gid, err);
	if (sys_setresuid(child->uid) < 0)
		return refuse_id("uid", child->uid, err);
	if (prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_IDS, "change the user");
	return 0;
}

/* ---- what it finds ------------------------------------------------------------------- */

int command_take_terminal(const struct child *child, struct error *err)
{
	if (child->terminal < 0)
		return 0;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(child->terminal, fd) < 0)
			return error_errno(err, "open the terminal");
	return 0;
}

/* A process group of its own in the init's session, and the terminal's if there is one. */
static int take_group(const struct child *child, struct error *err)
{
	pid_t own = getpid();

	if (child->plan->process.no_init)
		return 0;
	if (setpgid(0, 0) < 0)
		return error_errno(err, "make a process group");
	/* SIGTTOU, which a background process gets for this, is still blocked. */
	if (child->terminal >= 0 && ioctl(STDIN_FILENO, TIOCSPGRP, &own) < 0)
		return error_errno(err, "take the terminal");
	return 0;
}

int command_keep_descriptors(const struct process_spec *process, struct error *err)
{
	for (size_t i = 0; i < process->keep_fd_count; i++)
		if (fcntl(process->keep_fds[i], F_SETFD, 0) < 0)
			return error_errno(err, "keep descriptor %d",
					   process->keep_fds[i]);
	return 0;
}

void command_reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Of a directory outside of the root the kernel says "(unreachable)". */
int command_stands_inside(void)
{
	char path[PATH_MAX];

	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return -1;
	return path[0] == '/';
}

static int enter_directory(const struct process_spec *process, struct error *err)
{
	if (chdir(process->cwd) == 0 && command_stands_inside() > 0)
		return 0;
	error_errno_id(err, ERROR_WORKDIR, "enter the working directory %s",
		       process->cwd);
	return error_hint(err, "--workdir names another one; it must be there inside");
}

/*
 * Both stay over execve(2): personality(2), sched_setaffinity(2). Of the processors the
 * first is taken, which is the same one every time.
 */
static int fix_view(const struct process_spec *process, struct error *err)
{
	cpu_set_t all, one;
	size_t first = 0;

	if (process->fixed_addresses &&
	    personality((unsigned long)personality(0xffffffff) | ADDR_NO_RANDOMIZE) < 0)
		return error_errno(err, "choose no addresses at random");
	if (!process->one_processor)
		return 0;
	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return error_errno(err, "ask for the processors");
	while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &all))
		first++;
	CPU_SET(first, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		return error_errno(err, "keep to one processor");
	return 0;
}

/* ---- what is refused ------------------------------------------------------------------ */

static const char *find_variable(const char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 &&
		    (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static int refuse_own_file(const char *path, struct error *err)
{
	error_set(
		err, ERROR_COMMAND_NOT_EXECUTABLE,
		"start %s: it leads to the file of sbx itself, or cannot be read to tell",
		path);
	err->status = 126;
	return -1;
}

/* By the init, with all that it may still read: the user of the command may read less. */
int command_check_file(const struct child *child, struct error *err)
{
	const struct process_spec *process = &child->plan->process;
	const char *name = process->argv[0];
	const char *at = execution_search_path(process);
	char path[PATH_MAX];

	if (protection_is_off("own file") || chdir(process->cwd) < 0)
		return 0;
	if (strchr(name, '/'))
		return exec_leads_to(name, _PATH_BSHELL, &child->own_file)
			       ? refuse_own_file(name, err)
			       : 0;
	while (execution_next(&at, name, path, sizeof(path))) {
		if (access(path, F_OK) < 0)
			continue;
		if (exec_leads_to(path, _PATH_BSHELL, &child->own_file))
			return refuse_own_file(path, err);
	}
	return 0;
}

/* Who has an init does not need a death signal; who is process 1 itself does. */
int command_watch_launcher(const struct child *child, struct error *err)
{
	struct pollfd end = { .fd = child->socket };

	if (!child->plan->process.no_init)
		return 0;
	if (child->stays)
		return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0
			       ? error_errno(err, "give the death signal up")
			       : 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || poll(&end, 1, 0) < 0)
		return error_errno(err, "ask for the death signal");
	if (end.revents & (POLLHUP | POLLERR))
		return error_set(err, ERROR_PLAIN, "go on without the launcher");
	return 0;
}

/* ---- the filter, and what is left behind it -------------------------------------------- */

/*
 * The end of a process that the filter may have caught already. If it refuses even that, it
 * cannot refuse a fault.
 */
void command_end(const struct child *child)
{
	(void)seccomp_keyed_call(&child->plan->policy.filter, SYS_exit_group, 125, 0, 0);
	for (;;)
		__builtin_trap();
}

/* By one keyed sendmsg(2): a supervisor that does not listen yet is not asked. */
static int hand_over(const struct child *child, int listener, int errnum,
		     struct error *err)
{
	const struct message message = { .turn = TURN_LISTENER, .value = errnum };

	if (sync_send_keyed(child->socket, &message, listener,
			    child->plan->policy.filter.key) < 0)
		return error_errno(err, "hand the seccomp listener over");
	return 0;
}

static int load_filter(const struct child *child, struct error *err)
{
	const struct seccomp_filter *filter = &child->plan->policy.filter;
	struct error refusal = { 0 };
	int listener = -1;
	int nobody;

	/* Its supervisor is the launcher of the sandbox, which nobody can reach from here. */
	if (child->joins && filter->supervised)
		return seccomp_install_plain(filter, err);
	nobody = seccomp_install_filter(filter, &listener, err);
	if (nobody < 0)
		return -1;
	if (nobody && filter->notifies)
		return -1;
	if (nobody) {
		refusal = *err;
		if (seccomp_install_plain(filter, err) < 0)
			return -1;
	}
	if (!(filter->supervised || filter->notifies) || filter->program.count == 0)
		return 0;
	return hand_over(child, listener, refusal.errnum, err);
}

static bool is_filtered(const struct plan *plan)
{
	return plan->policy.filter.program.count > 0 && !protection_is_off("filter");
}

int command_find(const struct child *child, struct execution *execution,
		 struct error *err)
{
	const struct plan *plan = child->plan;

	if (child->steps)
		return child->steps->find(child, execution, err);
	return execution_prepare(execution, &plan->process,
				 is_filtered(plan) ? &plan->policy.filter : NULL, err);
}

/* The listener is close-on-exec; the filter judges whatever comes behind its loading. */
int command_load_and_run(const struct child *child, struct execution *execution,
			 struct error *err)
{
	if (is_filtered(child->plan) && load_filter(child, err) < 0)
		return -1;
	return execution_run(execution, err);
}

int command_execute(const struct child *child, struct execution *execution,
		    struct error *err)
{
	return child->steps ? child->steps->execute(child, execution, err)
			    : command_load_and_run(child, execution, err);
}

/*
 * Without a user namespace of its own nobody may shrink the bounding set; as no new
 * privileges are to be had, nothing in it counts.
 */
static int take_capabilities(const struct policy_spec *policy, struct error *err)
{
	if (protection_is_off("capabilities"))
		return 0;
	return policy->landlock.whole ? caps_drop_all(err)
				      : caps_apply(&policy->caps, err);
}

static int apply_limits(const struct child *child, struct error *err)
{
	if (limits_apply(&child->plan->policy.limits, err) < 0)
		return -1;
	return limits_lower(child->bounds.instead, child->bounds.instead_count, err);
}

/* In order: from what needs power to what takes it away. */
int command_settle(const struct child *child, struct error *err)
{
	const struct plan *plan = child->plan;

	if (child->steps)
		return child->steps->settle(child, err);
	if (command_take_terminal(child, err) < 0 || take_group(child, err) < 0 ||
	    command_keep_descriptors(&plan->process, err) < 0 ||
	    (!protection_is_off("limits") && apply_limits(child, err) < 0) ||
	    take_groups(child, err) < 0 || command_take_ids(child, err) < 0)
		return -1;
	if (enter_directory(&plan->process, err) < 0 || fix_view(&plan->process, err) < 0)
		return -1;
	if (!protection_is_off("umask"))
		umask(plan->process.umask);
	if (take_capabilities(&plan->policy, err) < 0)
		return -1;
	if (command_watch_launcher(child, err) < 0)
		return -1;
	if (landlock_restrict(&plan->policy.landlock, err) < 0)
		return -1;
	command_reset_signals();
	return 0;
}

int command_take_all(const struct child *child, struct error *err)
{
	struct execution execution;

	if (command_settle(child, err) < 0 || command_find(child, &execution, err) < 0)
		return -1;
	return command_execute(child, &execution, err);
}

int command_look(const struct child *child, struct execution *execution,
		 struct error *err)
{
	if (take_groups(child, err) < 0 || command_take_ids(child, err) < 0 ||
	    enter_directory(&child->plan->process, err) < 0)
		return -1;
	return execution_prepare(execution, &child->plan->process, NULL, err);
}

void command_complete_environment(const struct child *child)
{
	const char **environment = (const char **)(uintptr_t)child->plan->process.env;
	size_t count = child->plan->process.env_count;

	if (child->home[0] && !find_variable(environment, "HOME"))
		environment[count++] = child->home;
	/* A container has the variables of its configuration, and a HOME (runc's way). */
	if (child->user[0] && !child->plan->container.given &&
	    !find_variable(environment, "USER"))
		environment[count++] = child->user;
	environment[count] = NULL;
}

void command_fail(const struct child *child, const struct message *message)
{
	(void)sync_send_keyed(child->socket, message, -1, child->plan->policy.filter.key);
	command_end(child);
}

int command_become(struct child *child, struct error *err)
{
	struct message message = { .turn = TURN_FAILED };

	command_complete_environment(child);
	if (command_check_file(child, err) < 0)
		return -1;
	(void)command_take_all(child, &message.err);
	command_fail(child, &message);
}
