/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of the command in a process of its own: a child of vfork(2), or one in an address
 * space of its own, where its mounts have to be locked or its time is another one.
 */
#include "launcher/command.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "launcher/child.h"
#include "plan/plan.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Who can mount must not undo what was mounted here. */
static bool needs_lock(const struct plan *plan)
{
	return plan->policy.caps.kept & caps_by_name("SYS_ADMIN") &&
	       plan->namespaces.kinds[NS_USER].mode == NS_PRIVATE &&
	       !protection_is_off("locked mounts");
}

/*
 * A child of vfork(2) stays in the time namespace of its parent, or is not made at all
 * (before 6.3).
 */
static bool needs_fork(const struct plan *plan)
{
	return needs_lock(plan) || plan->namespaces.new_time;
}

/*
 * What the init and a command of another address space share: behind a filter nothing but
 * memory is sure to be heard.
 */
struct shared {
	struct error said;
	bool locks;
};

/* Tells the init that it waits, or why it cannot be; then does what any command does. */
static _Noreturn void become_apart(struct child *child, struct shared *shared, int report,
				   int go)
{
	char byte;

	if ((!shared->locks || mounts_lock_self(&shared->said) == 0) &&
	    fd_write_all(report, "", 1) == 0 && fd_read_all(go, &byte, 1) == 1 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		(void)command_take_all(child, &shared->said);
	command_end(child);
}

/* -1: the command is gone, or says that it cannot be. */
static int hear(const struct shared *shared, struct error *err)
{
	if (shared->said.text[0] == '\0')
		return 0;
	*err = shared->said;
	return -1;
}

static int lead(const struct child *child, pid_t pid, const struct shared *shared,
		int report, int *go, struct error *err)
{
	char byte;

	if (fd_read_all(report, &byte, 1) != 1)
		return hear(shared, err) < 0
			       ? -1
			       : error_set(err, ERROR_PLAIN,
					   "start the command: its process is gone");
	if (shared->locks && mounts_lock_child(&child->plan->ids, pid, err) < 0)
		return -1;
	if (fd_write_all(*go, "", 1) < 0)
		return error_errno(err, "let the command go on");
	fd_close(go);
	/* The end of file: it was executed, or has ended. */
	(void)fd_read_all(report, &byte, 1);
	return hear(shared, err);
}

static pid_t fork_apart(struct child *child, struct shared *shared, struct error *err)
{
	int report[2], go[2];
	int failed;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe to the command");
	pid = fork();
	if (pid == 0) {
		/* Only the init holds these ends: its death is the end of file. */
		close(report[0]);
		close(go[1]);
		become_apart(child, shared, report[1], go[0]);
	}
	close(report[1]);
	close(go[0]);
	failed = pid < 0 ? error_errno(err, "make a process for the command")
			 : lead(child, pid, shared, report[0], &go[1], err);
	close(report[0]);
	fd_close(&go[1]);
	return failed ? -1 : pid;
}

static pid_t start_apart(struct child *child, struct error *err)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (shared == MAP_FAILED)
		return error_errno(err, "share memory with the command");
	shared->locks = needs_lock(child->plan);
	pid = fork_apart(child, shared, err);
	(void)munmap(shared, sizeof(*shared));
	return pid;
}

pid_t command_start(struct child *child, struct error *err)
{
	volatile int failed = 0;
	pid_t pid;

	command_complete_environment(child);
	if (command_check_file(child, err) < 0)
		return -1;
	if (needs_fork(child->plan))
		return start_apart(child, err);
	pid = vfork();
	if (pid < 0)
		return error_errno_id(err, ERROR_RESOURCES,
				      "make a process for the command");
	if (pid == 0) {
		command_take_all(child, err);
		failed = 1;
		command_end(child);
	}
	return failed ? -1 : pid;
}
