/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's half of `sbx-bwrap`: the stages, and the life of the process above the
 * command where there is one. The order of what an observer can see is bubblewrap's.
 */
#include "launcher/wrap_child.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/child.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the launcher ------------------------------------------------------------------------ */

static bool launcher_is_gone(const struct child *child)
{
	struct pollfd end = { .fd = child->socket };

	return poll(&end, 1, 0) > 0 && end.revents & (POLLHUP | POLLERR);
}

/* Again after each change of credentials, which takes the death signal away (prctl(2)). */
static int watch_launcher(struct wrapped *wrapped, struct error *err)
{
	fd_close(&wrapped->child->launcher_socket);
	if (!wrapped->plan->life.die_with_parent)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_PDEATHSIG)");
	if (launcher_is_gone(wrapped->child))
		return error_set(err, ERROR_PLAIN, "The parent has gone away");
	return 0;
}

/* Whoever reads there waits for the end of the file, and that is the launcher's to make. */
static int leave_to_launcher(struct wrapped *wrapped, struct error *err)
{
	const struct wrap_spec *spec = wrapped->spec;
	const int fds[] = { spec->info_fd, spec->json_status_fd, spec->userns_block_fd };

	(void)err;
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return 0;
}

static bool is_asked_about(const struct wrap_spec *spec)
{
	return spec->info_fd >= 0 || spec->json_status_fd >= 0;
}

static int tell_namespaces(struct wrapped *wrapped, struct error *err)
{
	struct message message = { .turn = TURN_NAMESPACES };

	if (!is_asked_about(wrapped->spec))
		return 0;
	memset(message.namespaces, 0, sizeof(message.namespaces));
	for (enum ns_kind kind = NS_USER; kind < NS_TIME; kind++) {
		char path[64];
		struct stat status;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", ns_name(kind));
		if (stat(path, &status) == 0)
			message.namespaces[kind] = status.st_ino;
	}
	if (sync_send(wrapped->child->socket, &message, -1) < 0)
		return error_errno(err, "Write to the launcher");
	return 0;
}

static int await_turn(const struct wrapped *wrapped, enum turn turn, struct error *err)
{
	struct message message;
	int fd = -1;

	if (sync_receive(wrapped->child->socket, &message, &fd) == 1 &&
	    message.turn == turn)
		return 0;
	fd_close(&fd);
	return error_set(err, ERROR_PLAIN, "The parent has gone away");
}

static int await_caller(struct wrapped *wrapped, struct error *err)
{
	const int fd = wrapped->spec->block_fd;
	char byte;

	if (is_asked_about(wrapped->spec) && await_turn(wrapped, TURN_GO, err) < 0)
		return -1;
	if (fd >= 0) {
		(void)fd_read_all(fd, &byte, 1);
		(void)close(fd);
	}
	return 0;
}

/* ---- identity ---------------------------------------------------------------------------- */

/*
 * Who asked for other ids than its own means those of the joined namespace. With its
 * capabilities: a change from one id to another is no loss of power here.
 */
static int take_joined_ids(const struct wrapped *wrapped, struct error *err)
{
	const struct process_spec *process = &wrapped->plan->process;
	const bool other_uid = process->uid != wrapped->child->uid;
	const bool other_gid = process->gid != wrapped->child->gid;

	if (!other_uid && !other_gid)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_SECUREBITS)");
	if (other_gid && sys_setresgid(process->gid) < 0)
		return error_errno(err, "unable to switch to gid %u", process->gid);
	if (other_uid && sys_setresuid(process->uid) < 0)
		return error_errno(err, "unable to switch to uid %u", process->uid);
	if (prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_SECUREBITS)");
	return 0;
}

static int take_ids(struct wrapped *wrapped, struct error *err)
{
	switch (wrapped->plan->namespaces.kinds[NS_USER].mode) {
	case NS_SHARED:
		return 0;
	case NS_JOINED:
		return take_joined_ids(wrapped, err);
	case NS_PRIVATE:
		break;
	}
	if (wrapped->spec->userns_block_fd >= 0)
		return await_turn(wrapped, TURN_IDS_MAPPED, err);
	return ids_map_self(&wrapped->plan->ids, err) < 0 ? wrap_explain_map(err) : 0;
}

static int open_network(struct wrapped *wrapped, struct error *err)
{
	if (!wrapped->plan->net.loopback || net_loopback_up(err) == 0)
		return 0;
	errno = err->errnum;
	return error_errno(err, "loopback: Failed RTM_NEWADDR");
}

static int name_host(struct wrapped *wrapped, struct error *err)
{
	const char *name = wrapped->plan->namespaces.hostname;

	if (!name || sethostname(name, strlen(name)) == 0)
		return 0;
	return error_errno(err, "Can't set hostname to %s", name);
}

/* ---- the root ---------------------------------------------------------------------------- */

/* Through the caller's /proc: the sandbox may have none. */
static int weigh_oom(struct wrapped *wrapped, struct error *err)
{
	return limits_weigh_oom(&wrapped->plan->policy.limits, err);
}

static int enter_root(struct wrapped *wrapped, struct error *err)
{
	const struct plan *plan = wrapped->plan;

	if (wrapped->spec->disable_userns)
		wrapped->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rootfs_enter(&plan->rootfs, &plan->namespaces, false, NULL, NULL, err) == 0)
		return 0;
	(void)wrap_explain_root(plan, err);
	return -1;
}

static int enter_second_namespace(struct wrapped *wrapped, struct error *err)
{
	const int fd = wrapped->spec->userns2_fd;

	if (fd >= 0 && setns(fd, CLONE_NEWUSER) < 0)
		return error_errno(err, "Setting userns2 failed");
	return 0;
}

/* ---- where it stands --------------------------------------------------------------------- */

static const char *find_variable(const char *const *environment, const char *name)
{
	const size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 &&
		    (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static void set_variable(const char **environment, const char *name, const char *entry)
{
	const size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 &&
		    (*environment)[length] == '=')
			break;
	if (!*environment)
		environment[1] = NULL;
	*environment = entry;
}

static const char *choose_directory(const struct wrapped *wrapped)
{
	const char *old = wrapped->spec->old_cwd;
	const char *home = find_variable(wrapped->plan->process.env, "HOME");

	if (old && chdir(old) == 0)
		return old;
	if (home && chdir(home) == 0)
		return home;
	return chdir("/") == 0 ? "/" : NULL;
}

static int stand(struct wrapped *wrapped, struct error *err)
{
	const struct process_spec *process = &wrapped->plan->process;
	const char *directory = process->cwd;

	umask(process->umask);
	if (wrapped->spec->cwd_given && chdir(directory) < 0)
		return error_errno(err, "Can't chdir to %s", directory);
	if (!wrapped->spec->cwd_given)
		directory = choose_directory(wrapped);
	if (!directory)
		return error_errno(err, "Can't chdir to /");
	snprintf(wrapped->directory, sizeof(wrapped->directory), "PWD=%s", directory);
	set_variable((const char **)(uintptr_t)process->env, "PWD", wrapped->directory);
	if (wrapped->spec->new_session && setsid() < 0)
		return error_errno(err, "setsid");
	return 0;
}

static int lock_file(const char *path, struct error *err)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "Unable to open lock file %s", path);
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	error_errno(err, "Unable to lock file %s", path);
	close(fd);
	return -1;
}

/* ---- the command ------------------------------------------------------------------------- */

/* Returns only on failure. */
static int become(const struct wrapped *wrapped, struct error *err)
{
	const struct process_spec *process = &wrapped->plan->process;
	const char **words = (const char **)(uintptr_t)process->argv;
	const char *file = words[0];

	if (wrap_load_filters(wrapped, err) < 0)
		return -1;
	if (wrapped->spec->argv0)
		words[0] = wrapped->spec->argv0;
	environ = (char **)(uintptr_t)process->env;
	execvp(file, (char *const *)(uintptr_t)words);
	words[0] = file;
	return error_errno(err, "execvp %s", file);
}

static pid_t start_below(const struct wrapped *wrapped, struct error *err)
{
	volatile int failed = 0;
	const pid_t above = getpid();
	pid_t pid = vfork();

	if (pid < 0)
		return error_errno(err, "Can't fork for child");
	if (pid == 0) {
		if (wrapped->plan->life.die_with_parent &&
		    (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != above))
			error_set(err, ERROR_PLAIN, "The parent has gone away");
		else
			become(wrapped, err);
		failed = 1;
		_exit(1);
	}
	return failed ? -1 : pid;
}

/* Until the last process below has ended; the launcher returns when the command has. */
static _Noreturn void reap(struct wrapped *wrapped)
{
	struct child *child = wrapped->child;
	int result = 0;

	for (;;) {
		int status;
		const pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno != EINTR)
			break;
		if (pid != child->command)
			continue;
		result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		(void)sync_send_turn(child->socket, TURN_ENDED, status);
		fd_close(&child->socket);
	}
	_exit(result);
}

/* Locks are held, and the caller's descriptor stays open, as long as this process lives. */
static int hold(struct wrapped *wrapped, int *kept, size_t size, size_t *ret_count,
		struct error *err)
{
	const struct wrap_spec *spec = wrapped->spec;
	size_t count = 0;

	kept[count++] = wrapped->child->socket;
	kept[count++] = spec->sync_fd;
	for (size_t i = 0; i < spec->lock_file_count; i++) {
		if (count == size)
			return error_set(err, ERROR_RESOURCES, "Too many lock files");
		kept[count] = lock_file(spec->lock_files[i], err);
		if (kept[count++] < 0)
			return -1;
	}
	*ret_count = count;
	return 0;
}

static int stay_above(struct wrapped *wrapped, struct error *err)
{
	struct child *child = wrapped->child;
	int kept[256];
	size_t count = 0;

	if (hold(wrapped, kept, sizeof(kept) / sizeof(*kept), &count, err) < 0 ||
	    caller_text_hide(child, err) < 0)
		return -1;
	/* The command gets a name of its own by executing. */
	(void)prctl(PR_SET_NAME, "sbx-init", 0, 0, 0);
	child->command = start_below(wrapped, err);
	if (child->command < 0 ||
	    (!wrapped->spec->keep_caps && caps_drop_to(wrap_guard(wrapped), err) < 0) ||
	    watch_launcher(wrapped, err) < 0)
		return -1;
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	fd_close_all_but(3, kept, count);
	(void)sync_send_turn(child->socket, TURN_STARTED, child->command);
	if (wrap_load_filters(wrapped, err) < 0)
		return -1;
	reap(wrapped);
}

static int start_command(struct wrapped *wrapped, struct error *err)
{
	if (wrapped->spec->reaper)
		return stay_above(wrapped, err);
	return become(wrapped, err);
}

static int (*const stages[])(struct wrapped *wrapped, struct error *err) = {
	watch_launcher,
	leave_to_launcher,
	tell_namespaces,
	take_ids,
	open_network,
	name_host,
	weigh_oom,
	enter_root,
	enter_second_namespace,
	wrap_enter_last_namespace,
	wrap_assert_no_namespaces,
	wrap_restrict,
	watch_launcher,
	await_caller,
	wrap_read_filter,
	stand,
	start_command,
};

void wrap_child_run(struct child *child)
{
	struct message message = { .turn = TURN_FAILED };
	struct wrapped wrapped = {
		.child = child,
		.plan = child->plan,
		.spec = &child->plan->wrap,
		.proc = -1,
	};

	for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++)
		if (stages[i](&wrapped, &message.err) < 0)
			break;
	(void)sync_send(child->socket, &message, -1);
	if (child->command > 0)
		(void)kill(child->command, SIGKILL);
	_exit(1);
}
