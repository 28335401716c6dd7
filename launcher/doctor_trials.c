/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can only be known by trying. Each trial is a child with a pipe to its parent: it
 * makes the namespaces that it needs, does the one thing, and says which step failed. It
 * is ended by a timer, whatever the kernel does to it, and leaves nothing.
 */
#include "launcher/doctor.h"

#include "base/accounts.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "net/net.h"
#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TRIAL_SECONDS = 5,
	KEYRING_JOIN = 1, /* KEYCTL_JOIN_SESSION_KEYRING of keyctl(2) */
};

/* Ends a trial's function: 0, or -1 with the step that failed and errno as it is. */
static int fail(struct trial *trial, const char *step)
{
	trial->errnum = errno;
	text_copy(trial->step, sizeof(trial->step), step);
	return -1;
}

/* act runs in the child; argument is its own. */
static _Noreturn void run_child(int (*act)(struct trial *, const void *),
				const void *argument, int channel)
{
	struct trial trial = { .ran = true };

	alarm(TRIAL_SECONDS);
	act(&trial, argument);
	_exit(write(channel, &trial, sizeof(trial)) == sizeof(trial) ? 0 : 1);
}

static struct trial try_it(int (*act)(struct trial *, const void *), const void *argument)
{
	struct trial trial = { .ran = true };
	int channel[2];
	pid_t child;

	if (pipe2(channel, O_CLOEXEC) < 0) {
		fail(&trial, "make a pipe");
		return trial;
	}
	child = fork();
	if (child == 0)
		run_child(act, argument, channel[1]);
	close(channel[1]);
	if (child < 0) {
		fail(&trial, "start a process");
	} else if (read(channel[0], &trial, sizeof(trial)) != sizeof(trial)) {
		/* Killed by a filter, or by the timer. */
		errno = ENOSYS;
		fail(&trial, "survive the attempt");
	}
	close(channel[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return trial;
}

static int write_map(struct trial *trial, const char *path, uint32_t id)
{
	char text[32];

	snprintf(text, sizeof(text), "%u %u 1", id, id);
	return files_write(AT_FDCWD, path, text) < 0 ? fail(trial, "map its own id") : 0;
}

static int enter_user_namespace(struct trial *trial)
{
	uint32_t uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER) < 0)
		return fail(trial, "make a user namespace");
	if (files_write(AT_FDCWD, "/proc/self/setgroups", "deny") < 0)
		return fail(trial, "deny setgroups");
	if (write_map(trial, "/proc/self/uid_map", uid) < 0)
		return -1;
	return write_map(trial, "/proc/self/gid_map", gid);
}

static int enter_mount_namespace(struct trial *trial, int flags)
{
	if (enter_user_namespace(trial) < 0)
		return -1;
	if (unshare(CLONE_NEWNS | flags) < 0)
		return fail(trial, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(trial, "mount in a user namespace");
	return 0;
}

/* A namespace without power in it is what AppArmor's restriction leaves. */
static int try_userns(struct trial *trial, const void *argument)
{
	(void)argument;
	return enter_mount_namespace(trial, 0);
}

static int try_namespace(struct trial *trial, const void *argument)
{
	static const int flags[NS_COUNT] = {
		[NS_MOUNT] = CLONE_NEWNS,      [NS_PID] = CLONE_NEWPID,
		[NS_IPC] = CLONE_NEWIPC,       [NS_UTS] = CLONE_NEWUTS,
		[NS_CGROUP] = CLONE_NEWCGROUP, [NS_NET] = CLONE_NEWNET,
	};
	enum ns_kind kind = *(const enum ns_kind *)argument;
	struct error err = { 0 };

	if (enter_user_namespace(trial) < 0)
		return -1;
	if (unshare(flags[kind]) < 0)
		return fail(trial, "make the namespace");
	if (kind != NS_NET || net_loopback_up(&err) == 0)
		return 0;
	errno = err.errnum;
	return fail(trial, err.text);
}

/* Process 1 of the new pid namespace: only it has a new proc to mount. */
static int mount_proc(struct trial *trial, const void *argument)
{
	(void)argument;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return fail(trial, "mount a new proc");
	return 0;
}

static int try_proc(struct trial *trial, const void *argument)
{
	if (enter_mount_namespace(trial, CLONE_NEWPID) < 0)
		return -1;
	*trial = try_it(mount_proc, argument);
	return trial->errnum ? -1 : 0;
}

/* A mount that hangs nowhere; options are keys and values, a flag has the value NULL. */
static int mount_detached(const char *type, const char *const *options)
{
	auto_close int context = sys_fsopen(type, FSOPEN_CLOEXEC);

	if (context < 0)
		return -1;
	for (; options && *options; options += 2) {
		if (sys_fsconfig(context,
				 options[1] ? SYS_FSCONFIG_SET_STRING
					    : SYS_FSCONFIG_SET_FLAG,
				 options[0], options[1], 0) < 0)
			return -1;
	}
	if (sys_fsconfig(context, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return sys_fsmount(context, FSMOUNT_CLOEXEC, 0);
}

/* As a sandbox has it. Its lower layer holds one directory, "there". */
static int open_overlay(struct trial *trial)
{
	static const char *const options[] = { "lowerdir",  "lower",   "upperdir",
					       "upper",     "workdir", "work",
					       "userxattr", NULL,      NULL };
	static const char *const names[] = { "lower", "lower/there", "upper", "work" };
	int overlay;

	if (enter_mount_namespace(trial, 0) < 0)
		return -1;
	auto_close int scratch = mount_detached("tmpfs", NULL);

	if (scratch < 0 || fchdir(scratch) < 0)
		return fail(trial, "mount a tmpfs");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (mkdir(names[i], 0700) < 0)
			return fail(trial, "make a directory");
	}
	overlay = mount_detached("overlay", options);
	return overlay < 0 ? fail(trial, "mount an overlay") : overlay;
}

static int try_overlay(struct trial *trial, const void *argument)
{
	auto_close int overlay = open_overlay(trial);

	(void)argument;
	if (overlay < 0)
		return -1;
	auto_close int file =
		openat(overlay, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	return file < 0 ? fail(trial, "write to an overlay") : 0;
}

/* For which the upper layer has to keep attributes of the user. */
static int try_replacing(struct trial *trial, const void *argument)
{
	auto_close int overlay = open_overlay(trial);

	(void)argument;
	if (overlay < 0)
		return -1;
	if (unlinkat(overlay, "there", AT_REMOVEDIR) < 0 ||
	    mkdirat(overlay, "there", 0700) < 0)
		return fail(trial, "replace a directory in an overlay");
	return 0;
}

/* The calls that sbx builds every root with. */
static int try_mounts(struct trial *trial, const void *argument)
{
	(void)argument;
	if (enter_mount_namespace(trial, 0) < 0)
		return -1;
	auto_close int scratch = mount_detached("tmpfs", NULL);

	if (scratch < 0)
		return fail(trial, "call fsopen, fsconfig or fsmount");
	/* What is attached: older kernels clone nothing else (EINVAL). */
	auto_close int tree = sys_open_tree(
		AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (tree < 0)
		return fail(trial, "call open_tree");
	if (sys_move_mount(scratch, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(trial, "call move_mount");
	return 0;
}

static int try_mount_api(struct trial *trial, const void *argument)
{
	const struct sys_mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	const struct sys_open_how how = { .flags = O_PATH | O_CLOEXEC,
					  .resolve = SYS_RESOLVE_IN_ROOT };

	(void)argument;
	auto_close int beneath = sys_openat2(AT_FDCWD, "/", &how);

	if (beneath < 0)
		return fail(trial, "call openat2");
	if (enter_mount_namespace(trial, 0) < 0)
		return -1;
	auto_close int tree = sys_open_tree(
		AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (tree < 0)
		return fail(trial, "call open_tree");
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return fail(trial, "call mount_setattr");
	return 0;
}

static int try_keyring(struct trial *trial, const void *argument)
{
	(void)argument;
	if (sys_keyctl(KEYRING_JOIN, 0, 0, 0, 0) < 0)
		return fail(trial, "join a new session keyring");
	return 0;
}

/* ---- the map by newuidmap and newgidmap ---------------------------------------------- */

struct map_try {
	uint32_t uid, gid;
	struct subid_range uids, gids;
};

/* The namespace to map: lives until its standard input ends. */
static pid_t start_namespace(int *ret_stop)
{
	int made[2], stop[2];
	char byte;
	pid_t child;

	if (pipe2(made, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(stop, O_CLOEXEC) < 0) {
		close(made[0]);
		close(made[1]);
		return -1;
	}
	child = fork();
	if (child == 0) {
		alarm(TRIAL_SECONDS);
		close(stop[1]);
		if (unshare(CLONE_NEWUSER) < 0 || write(made[1], "", 1) != 1)
			_exit(1);
		_exit(read(stop[0], &byte, 1) < 0);
	}
	close(made[1]);
	close(stop[0]);
	if (child > 0 && read(made[0], &byte, 1) != 1) {
		waitpid(child, NULL, 0);
		child = -1;
	}
	close(made[0]);
	*ret_stop = stop[1];
	return child;
}

static int try_id_map(struct trial *trial, const void *argument)
{
	const struct map_try *map = argument;
	const struct id_range uids[] = { { 0, map->uid, 1 }, { 1, map->uids.start, 1 } };
	const struct id_range gids[] = { { 0, map->gid, 1 }, { 1, map->gids.start, 1 } };
	const struct ids_spec ids = { { uids, 2 }, { gids, 2 }, false };
	struct error err = { 0 };
	auto_close int stop = -1;
	pid_t child = start_namespace(&stop);
	int result;

	if (child < 0)
		return fail(trial, "make a user namespace");
	result = ids_map_child(&ids, child, &err);
	fd_close(&stop);
	waitpid(child, NULL, 0);
	if (result == 0)
		return 0;
	errno = err.errnum ? err.errnum : EPERM;
	return fail(trial, err.text);
}

/* Without ranges there is nothing to try, and the rows of the ranges say so. */
static void try_map_of(struct host_facts *facts)
{
	const char *name = facts->user[0] ? facts->user : NULL;
	struct map_try map = { .uid = facts->uid, .gid = facts->gid };
	struct error err = { 0 };

	if (subids_of_user(SUBID_UID, facts->uid, name, &map.uids, 1, &err) < 1 ||
	    subids_of_user(SUBID_GID, facts->uid, name, &map.gids, 1, &err) < 1 ||
	    subids_keep_mapped(SUBID_UID, &map.uids, 1) < 1 ||
	    subids_keep_mapped(SUBID_GID, &map.gids, 1) < 1)
		return;
	facts->id_map = try_it(try_id_map, &map);
}

/* ---- what a single system call tells --------------------------------------------------- */

static int landlock_or_errno(void)
{
	const int abi = landlock_abi();

	return abi == 0 ? -errno : abi;
}

static bool has_user_notification(void)
{
	const uint32_t action = SECCOMP_RET_USER_NOTIF;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void host_try(struct host_facts *facts)
{
	facts->landlock_abi = landlock_or_errno();
	facts->without_seccomp = !policy_is_built_in();
	facts->seccomp_level = seccomp_level();
	facts->seccomp_notify = has_user_notification();
	facts->keyring = try_it(try_keyring, NULL);
	facts->userns = try_it(try_userns, NULL);
	if (facts->userns.errnum)
		return;
	for (enum ns_kind kind = NS_MOUNT; kind <= NS_NET; kind++)
		facts->namespaces[kind] = try_it(try_namespace, &kind);
	facts->proc = try_it(try_proc, NULL);
	facts->overlay = try_it(try_overlay, NULL);
	facts->replacing = try_it(try_replacing, NULL);
	facts->mounts = try_it(try_mounts, NULL);
	facts->mount_api = try_it(try_mount_api, NULL);
	try_map_of(facts);
}
