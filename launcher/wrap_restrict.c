/* SPDX-License-Identifier: Apache-2.0 */
/* sbx-bwrap: what a command may still do, and the process above it. */
#include "launcher/wrap_child.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILTER_MAX = 4096 * 8 };

/* ---- no further user namespaces ---------------------------------------------------------- */

static int write_to_proc(const struct wrapped *wrapped, const char *path,
			 const char *text)
{
	auto_close int fd = openat(wrapped->proc, path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : fd_write_all(fd, text, strlen(text));
}

/*
 * The limit is that of the first user namespace and counts the second one: whatever the
 * command writes to its own limit, a third one is refused.
 */
int wrap_enter_last_namespace(struct wrapped *wrapped, struct error *err)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	char uids[64], gids[64];

	if (!wrapped->spec->disable_userns)
		return 0;
	if (write_to_proc(wrapped, "sys/user/max_user_namespaces", "1") < 0)
		return error_errno(err, "sysctl user.max_user_namespaces = 1");
	if (unshare(CLONE_NEWUSER) < 0)
		return error_errno(err, "unshare user ns");
	snprintf(uids, sizeof(uids), "%u %u 1\n", uid, uid);
	snprintf(gids, sizeof(gids), "%u %u 1\n", gid, gid);
	/* Without its own capabilities over the map of groups it has to be given up. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (write_to_proc(wrapped, "self/uid_map", uids) < 0)
		return error_errno(err, "setting up uid map");
	if (write_to_proc(wrapped, "self/setgroups", "deny") < 0 && errno != EPERM)
		return error_errno(err, "error writing to setgroups");
	if (write_to_proc(wrapped, "self/gid_map", gids) < 0)
		return error_errno(err, "setting up gid map");
	return 0;
}

int wrap_assert_no_namespaces(struct wrapped *wrapped, struct error *err)
{
	pid_t pid;

	if (!wrapped->spec->disable_userns && !wrapped->spec->assert_userns_disabled)
		return 0;
	pid = vfork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	if (pid < 0)
		return error_errno(err, "fork");
	for (int status = 0;;) {
		if (waitpid(pid, &status, 0) < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(err, "waitpid");
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return error_set(err, ERROR_PLAIN,
					 "creation of new user namespaces was not "
					 "disabled as requested");
		return 0;
	}
}

/* ---- what it may do ---------------------------------------------------------------------- */

/*
 * The process above the command has a capability more than the command, one that no user
 * namespace but the first gives any use. So the command cannot look into it or trace it, as
 * callers outside can, who own the user namespace (PTRACE_MODE in ptrace(2)).
 */
uint64_t wrap_guard(const struct wrapped *wrapped)
{
	if (wrapped->plan->namespaces.kinds[NS_USER].mode == NS_SHARED)
		return 0;
	return wrapped->spec->reaper ? caps_by_name("CAP_WAKE_ALARM") : 0;
}

int wrap_restrict(struct wrapped *wrapped, struct error *err)
{
	if (wrapped->spec->keep_caps)
		return 0;
	if (limits_apply(&wrapped->plan->policy.limits, err) < 0 ||
	    caps_bound(wrapped->plan->policy.caps.kept, err) < 0 ||
	    caps_apply_holding(&wrapped->plan->policy.caps, wrap_guard(wrapped), err) < 0)
		return error_within(err, "Failed to drop capabilities");
	/* Whoever gets to know the process may look into it, as bubblewrap's callers do. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_DUMPABLE) failed");
	return 0;
}

static int refuse_filter(struct error *err)
{
	return error_set(
		err, ERROR_SECCOMP,
		"Unable to set up system call filtering as requested: "
		"prctl(PR_SET_SECCOMP) reported EINVAL. (Hint: this requires a kernel "
		"configured with CONFIG_SECCOMP and CONFIG_SECCOMP_FILTER.)");
}

int wrap_read_filter(struct wrapped *wrapped, struct error *err)
{
	static char data[FILTER_MAX + 1];
	auto_close int fd = wrapped->spec->seccomp_fd;
	ssize_t length;

	if (fd < 0)
		return 0;
	length = fd_read_all(fd, data, sizeof(data));
	if (length < 0)
		return error_errno(err, "Can't read seccomp data");
	if (length == 0)
		return refuse_filter(err);
	if (length % 8 != 0 || length > FILTER_MAX)
		return error_set(err, ERROR_SECCOMP,
				 "Invalid seccomp data, must be multiple of 8");
	wrapped->late_filter.instructions = data;
	wrapped->late_filter.count = (size_t)length / 8;
	return 0;
}

static int load_filter(const struct seccomp_program *program, struct error *err)
{
	if (program->count == 0 || seccomp_install(program, err) == 0)
		return 0;
	if (err->errnum == EINVAL)
		return refuse_filter(err);
	errno = err->errnum;
	return error_errno(err, "prctl(PR_SET_SECCOMP)");
}

int wrap_load_filters(const struct wrapped *wrapped, struct error *err)
{
	for (size_t i = 0; i < wrapped->spec->filter_count; i++)
		if (load_filter(&wrapped->spec->filters[i], err) < 0)
			return -1;
	if (load_filter(&wrapped->plan->policy.filter.program, err) < 0)
		return -1;
	return load_filter(&wrapped->late_filter, err);
}
