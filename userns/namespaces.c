/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces. Private ones are made by the one clone3(2) of the launcher; joined ones are
 * entered by the launcher just before it, the owner's user namespace first: only there
 * one has the power over them (setns(2), ioctl_ns(2)).
 */
#include "userns/userns.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define NSFS_MAGIC_NUMBER 0x6e736673
#define PROC_MAGIC_NUMBER 0x9fa0

enum { SYSCTL_MAX = 256 };

static const struct {
	const char *name;
	uint64_t flag;
} kinds[NS_COUNT] = {
	[NS_USER] = { "user", CLONE_NEWUSER },
	[NS_MOUNT] = { "mnt", CLONE_NEWNS },
	[NS_PID] = { "pid", CLONE_NEWPID },
	[NS_IPC] = { "ipc", CLONE_NEWIPC },
	[NS_UTS] = { "uts", CLONE_NEWUTS },
	[NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP },
	[NS_NET] = { "net", CLONE_NEWNET },
	[NS_TIME] = { "time", CLONE_NEWTIME },
};

const char *ns_name(enum ns_kind kind)
{
	return kinds[kind].name;
}

int ns_flag(enum ns_kind kind)
{
	return (int)kinds[kind].flag;
}

enum ns_kind ns_by_name(const char *name)
{
	enum ns_kind kind = NS_USER;

	while (kind < NS_COUNT && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return kind;
}

uint64_t namespaces_clone_flags(const struct namespaces_spec *spec)
{
	uint64_t flags = 0;

	for (enum ns_kind kind = NS_USER; kind < NS_TIME; kind++)
		if (spec->kinds[kind].mode == NS_PRIVATE &&
		    !protection_is_off(kinds[kind].name))
			flags |= kinds[kind].flag;
	return flags;
}

/* ---- joining ------------------------------------------------------------------------- */

static int refuse(enum ns_kind kind, const char *path, const char *why, struct error *err)
{
	error_set(err, ERROR_NAMESPACE, "join the %s namespace %s: %s", ns_name(kind),
		  path, why);
	return error_hint(err, "give a file as /proc/PID/ns/%s of a process of yours",
			  ns_name(kind));
}

/* A descriptor of the namespace at path, if it is one of that kind. */
static int open_namespace(enum ns_kind kind, const char *path, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct statfs where;
	int type;

	if (fd < 0)
		return error_errno_id(err, ERROR_NAMESPACE, "join the %s namespace %s",
				      ns_name(kind), path);
	if (fstatfs(fd, &where) < 0 || where.f_type != NSFS_MAGIC_NUMBER)
		return refuse(kind, path, "it is not a namespace", err);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return error_errno(err, "ask for the kind of %s", path);
	if ((uint64_t)type != kinds[kind].flag)
		return refuse(kind, path, "it is of another kind", err);
	return fd_take(&fd);
}

static bool same_namespace(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && files_same(&a, &b);
}

/*
 * The user namespace that owns fd, where it is another one than ours and below it; -1
 * with errno 0 where it is ours. EPERM: it is not below ours.
 */
static int foreign_owner(int fd)
{
	auto_close int owner = ioctl(fd, NS_GET_USERNS);

	if (owner < 0)
		return -1;
	if (same_namespace(owner, "/proc/self/ns/user")) {
		errno = 0;
		return -1;
	}
	return fd_take(&owner);
}

/* Whether setns(2) would be allowed: our own user namespace, or one that we made. */
static int check_owner(enum ns_kind kind, int fd, const char *path, struct error *err)
{
	auto_close int owner = -1;
	uid_t uid;

	if (kind == NS_USER) {
		if (same_namespace(fd, "/proc/self/ns/user"))
			return refuse(kind, path, "it is the one we are in", err);
		owner = dup(fd);
	} else {
		owner = foreign_owner(fd);
	}
	if (owner < 0)
		return geteuid() == 0 && errno == 0
			       ? 0
			       : refuse(kind, path, "it is not yours", err);
	if (ioctl(owner, NS_GET_OWNER_UID, &uid) < 0)
		return refuse(kind, path, "it is not yours", err);
	if (uid != geteuid() && geteuid() != 0)
		return refuse(kind, path, "it is not yours", err);
	return 0;
}

int namespaces_check_joinable(enum ns_kind kind, const char *path, struct error *err)
{
	auto_close int fd = open_namespace(kind, path, err);

	if (fd < 0)
		return -1;
	return check_owner(kind, fd, path, err);
}

static int enter(enum ns_kind kind, int fd, const char *path, struct error *err)
{
	if (setns(fd, (int)kinds[kind].flag) < 0)
		return error_errno_id(err, ERROR_NAMESPACE, "join the %s namespace %s",
				      ns_name(kind), path);
	return 0;
}

/* The user namespace comes first, given by name or as the owner of another one. */
static int enter_user_namespace(const struct namespaces_spec *spec, const int *fds,
				struct error *err)
{
	const struct ns_choice *user = &spec->kinds[NS_USER];

	/* Nobody joins the one that it is in (setns(2), EINVAL). */
	if (user->mode == NS_JOINED)
		return same_namespace(fds[NS_USER], "/proc/self/ns/user")
			       ? 0
			       : enter(NS_USER, fds[NS_USER], user->path, err);
	for (enum ns_kind kind = NS_MOUNT; kind < NS_COUNT; kind++) {
		auto_close int owner = -1;

		if (fds[kind] < 0)
			continue;
		owner = foreign_owner(fds[kind]);
		if (owner >= 0)
			return enter(NS_USER, owner, spec->kinds[kind].path, err);
	}
	return 0;
}

/*
 * A pid namespace of another user namespace: one below that would have no power over it,
 * and its processes would have all power over ours.
 */
int namespaces_check_pid(const struct namespaces_spec *spec, struct error *err)
{
	const struct ns_choice *pid = &spec->kinds[NS_PID];
	auto_close int fd = -1;
	auto_close int owner = -1;

	if (pid->mode != NS_JOINED || spec->kinds[NS_USER].mode == NS_JOINED)
		return 0;
	fd = open_namespace(NS_PID, pid->path, err);
	if (fd < 0)
		return -1;
	owner = foreign_owner(fd);
	if (owner < 0)
		return 0;
	error_set(err, ERROR_NAMESPACE,
		  "join the pid namespace %s: it belongs to another user namespace",
		  pid->path);
	return error_hint(err, "join that one too: --join user:/proc/PID/ns/user");
}

static int enter_all(const struct namespaces_spec *spec, const int *fds,
		     struct error *err)
{
	if (enter_user_namespace(spec, fds, err) < 0)
		return -1;
	for (enum ns_kind kind = NS_MOUNT; kind < NS_COUNT; kind++)
		if (fds[kind] >= 0 &&
		    enter(kind, fds[kind], spec->kinds[kind].path, err) < 0)
			return -1;
	return 0;
}

int namespaces_join(const struct namespaces_spec *spec, struct error *err)
{
	int fds[NS_COUNT];
	int failed = 0;

	if (namespaces_check_pid(spec, err) < 0)
		return -1;
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		fds[kind] = -1;
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT && !failed; kind++) {
		if (spec->kinds[kind].mode != NS_JOINED)
			continue;
		fds[kind] = open_namespace(kind, spec->kinds[kind].path, err);
		failed = fds[kind] < 0 ? -1 : 0;
	}
	if (!failed)
		failed = enter_all(spec, fds, err);
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		fd_close(&fds[kind]);
	return failed;
}

int namespaces_explain_refusal(int errnum, struct error *err)
{
	errno = errnum;
	switch (errnum) {
	case EPERM:
	case ENOSYS:
		error_errno_id(err, ERROR_USERNS_FORBIDDEN, "make a user namespace");
		return error_hint(err, "sbx doctor says what forbids it here");
	case ENOSPC:
	case EUSERS:
		error_errno_id(
			err, ERROR_USERNS_LIMIT,
			"make the namespaces: a limit of user.max_*_namespaces is reached");
		return error_hint(err, "sysctl -a --pattern 'user.max_.*_namespaces'");
	case EINVAL:
		error_errno_id(err, ERROR_KERNEL, "make the namespaces");
		return error_hint(err,
				  "this kernel lacks one of them; sbx doctor says which");
	case EAGAIN:
		error_errno_id(err, ERROR_RESOURCES, "start a process");
		return error_hint(err, "ulimit -u shows how many this user may have");
	default:
		return error_errno(err, "make the namespaces");
	}
}

/* ---- what is set in them ------------------------------------------------------------- */

enum { SECOND = 1000000000 };

/* Nanoseconds are added to the seconds, which are rounded down. */
static struct timespec normal(int64_t seconds, int64_t nanoseconds)
{
	if (nanoseconds < 0) {
		seconds--;
		nanoseconds += SECOND;
	} else if (nanoseconds >= SECOND) {
		seconds++;
		nanoseconds -= SECOND;
	}
	return (struct timespec){ seconds, (long)nanoseconds };
}

/* What is added to the caller's clock: what was asked for, or what it shows, taken away. */
static int find_offset(const struct namespaces_spec *spec, clockid_t clock,
		       const struct time_offset *wanted, struct timespec *ret_offset)
{
	struct timespec now = { 0 };

	if (spec->time_from_zero && clock_gettime(clock, &now) < 0)
		return -1;
	*ret_offset = normal(wanted->seconds - now.tv_sec,
			     (int64_t)wanted->nanoseconds - now.tv_nsec);
	return 0;
}

static int set_clocks(const struct namespaces_spec *spec, struct error *err)
{
	struct timespec monotonic, boottime;
	char text[128];

	if (find_offset(spec, CLOCK_MONOTONIC, &spec->monotonic, &monotonic) < 0 ||
	    find_offset(spec, CLOCK_BOOTTIME, &spec->boottime, &boottime) < 0)
		return error_errno(err, "read the clocks");
	snprintf(text, sizeof(text), "monotonic %lld %ld\nboottime %lld %ld\n",
		 (long long)monotonic.tv_sec, monotonic.tv_nsec,
		 (long long)boottime.tv_sec, boottime.tv_nsec);
	if (files_write(AT_FDCWD, "/proc/self/timens_offsets", text) < 0)
		return error_errno_id(err, ERROR_NAMESPACE,
				      "set the clocks of the time namespace");
	return 0;
}

static bool has_offset(const struct time_offset *offset)
{
	return offset->seconds != 0 || offset->nanoseconds != 0;
}

int namespaces_make_time(const struct namespaces_spec *spec, struct error *err)
{
	if (!spec->new_time)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return error_errno_id(err, ERROR_NAMESPACE, "make a time namespace");
	return spec->time_from_zero || has_offset(&spec->monotonic) ||
			       has_offset(&spec->boottime)
		       ? set_clocks(spec, err)
		       : 0;
}

int namespaces_set_hostname(const struct namespaces_spec *spec, struct error *err)
{
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)))
		return error_errno(err, "set the domain name %s", spec->domainname);
	if (!spec->hostname)
		return 0;
	if (sethostname(spec->hostname, strlen(spec->hostname)) == 0)
		return 0;
	if (!spec->hostname_optional || (errno != EPERM && errno != ENOSYS))
		return error_errno(err, "set the host name %s", spec->hostname);
	return 0; /* refused by a filter around us: the namespace is our own */
}

/* Which namespace holds a key; those of the mount namespace and of none are refused. */
static const struct {
	const char *prefix;
	enum ns_kind kind;
} sysctl_owners[] = {
	{ "net/", NS_NET },
	{ "fs/mqueue/", NS_IPC },
	{ "kernel/msgmax", NS_IPC },
	{ "kernel/msgmnb", NS_IPC },
	{ "kernel/msgmni", NS_IPC },
	{ "kernel/msg_next_id", NS_IPC },
	{ "kernel/sem", NS_IPC },
	{ "kernel/shmall", NS_IPC },
	{ "kernel/shmmax", NS_IPC },
	{ "kernel/shmmni", NS_IPC },
	{ "kernel/shm_next_id", NS_IPC },
	{ "kernel/shm_rmid_forced", NS_IPC },
	{ "kernel/hostname", NS_UTS },
	{ "kernel/domainname", NS_UTS },
};

/* net.ipv4.conf.eth0/1.x: a dot is a separator unless the first separator is a slash. */
static int sysctl_path(const char *key, char *path, size_t size)
{
	const char first = key[strcspn(key, "./")];

	if (strlen(key) >= size || *key == '\0' || strstr(key, ".."))
		return -1;
	for (size_t i = 0; i <= strlen(key); i++) {
		if (first == '.' && (key[i] == '.' || key[i] == '/'))
			path[i] = key[i] == '.' ? '/' : '.';
		else
			path[i] = key[i];
	}
	return path[0] == '/' ? -1 : 0;
}

int sysctl_check(const struct namespaces_spec *spec, const char *key, struct error *err)
{
	char path[SYSCTL_MAX];

	if (sysctl_path(key, path, sizeof(path)) < 0)
		return error_set(err, ERROR_NAMESPACE,
				 "set the sysctl %.100s: it is no key", key);
	for (size_t i = 0; i < sizeof(sysctl_owners) / sizeof(*sysctl_owners); i++) {
		enum ns_kind kind = sysctl_owners[i].kind;

		if (!text_starts_with(path, sysctl_owners[i].prefix))
			continue;
		if (spec->kinds[kind].mode == NS_PRIVATE)
			return 0;
		return error_set(
			err, ERROR_NAMESPACE,
			"set the sysctl %s: the %s namespace is not the sandbox's own",
			key, ns_name(kind));
	}
	return error_set(err, ERROR_NAMESPACE,
			 "set the sysctl %s: it belongs to the whole machine", key);
}

int namespaces_open_proc(struct error *err)
{
	auto_close int fs = sys_fsopen("proc", FSOPEN_CLOEXEC);
	int proc;

	if (fs < 0 || sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return error_errno_id(err, ERROR_PROC_COVERED, "open a proc of its own");
	proc = sys_fsmount(fs, FSMOUNT_CLOEXEC,
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (proc < 0)
		return error_errno_id(err, ERROR_PROC_COVERED, "open a proc of its own");
	return proc;
}

/*
 * The names of the host are written by their own calls: their files belong to the root of
 * the machine in every namespace.
 */
static int write_sysctl(int proc, const char *key, const char *value)
{
	char path[SYSCTL_MAX + 8];

	if (strcmp(key, "kernel/hostname") == 0)
		return sethostname(value, strlen(value));
	if (strcmp(key, "kernel/domainname") == 0)
		return setdomainname(value, strlen(value));
	snprintf(path, sizeof(path), "sys/%s", key);
	return files_write(proc, path, value);
}

/*
 * Where /proc is partly covered no new one can be had. The caller's shows each process the
 * keys of its own namespaces too, but for what somebody made read-only in it.
 */
static int open_sysctls(struct error *err)
{
	struct statfs where;
	auto_close int proc = namespaces_open_proc(err);

	if (proc >= 0 || err->errnum != EPERM)
		return fd_take(&proc);
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return proc >= 0 && fstatfs(proc, &where) == 0 &&
			       where.f_type == PROC_MAGIC_NUMBER
		       ? fd_take(&proc)
		       : -1;
}

int namespaces_write_sysctls(const struct namespaces_spec *spec, struct error *err)
{
	auto_close int proc = -1;

	if (spec->sysctl_count == 0)
		return 0;
	proc = open_sysctls(err);
	if (proc < 0)
		return -1;
	for (size_t i = 0; i < spec->sysctl_count; i++) {
		const struct key_value *entry = &spec->sysctls[i];
		char key[SYSCTL_MAX];

		if (sysctl_path(entry->key, key, sizeof(key)) < 0)
			return error_set(err, ERROR_NAMESPACE, "set the sysctl %s",
					 entry->key);
		if (write_sysctl(proc, key, entry->value) < 0)
			return error_errno(err, "set the sysctl %s to %s", entry->key,
					   entry->value);
	}
	return 0;
}
