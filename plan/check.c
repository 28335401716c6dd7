/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that can be known before the first fork. It runs on every start, so a check
 * costs a system call or two, and what is wrong is looked into only once it is.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static int check_directory(const char *verb, const char *path, enum error_id id,
			   struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return path_explain(verb, path, errno, id, err);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, id, "%s %s: it is not a directory", verb, path);
	return 0;
}

static int check_root(const struct plan *plan, struct error *err)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;

	if (rootfs->kind == ROOT_DIRECTORY &&
	    check_directory("use the root", rootfs->path, ERROR_ROOT_NOT_DIRECTORY, err) <
		    0)
		return -1;
	if (rootfs->kind == ROOT_SERVED && fuse_image_check(rootfs->path, err) < 0)
		return -1;
	if (!rootfs->upper)
		return 0;
	if (rootfs->kind == ROOT_HOST || rootfs->mode != ROOT_COW) {
		error_set(err, ERROR_USAGE, "use --upper: the root is not copy-on-write");
		return error_hint(err, "--root DIR --root-mode cow");
	}
	return check_directory("use --upper", rootfs->upper, ERROR_SOURCE_MISSING, err);
}

static int check_source(const struct mount_entry *entry, struct error *err)
{
	struct stat st;

	if (stat(entry->source, &st) < 0)
		return entry->flags & MOUNT_F_OPTIONAL
			       ? 0
			       : path_explain("bind", entry->source, errno,
					      ERROR_SOURCE_MISSING, err);
	if (entry->kind == MOUNT_COW && !S_ISDIR(st.st_mode)) {
		error_set(err, ERROR_OVERLAY,
			  "show %s copy-on-write: it is not a directory", entry->source);
		return error_hint(err, "--ro %s, or --rw %s", entry->source,
				  entry->source);
	}
	return 0;
}

static int check_layers(const struct mount_entry *entry, struct error *err)
{
	for (size_t i = 0; i < entry->lower_count; i++) {
		if (check_directory("lay", entry->lowers[i], ERROR_SOURCE_MISSING, err) <
		    0)
			return -1;
	}
	if (!entry->upper)
		return 0;
	if (check_directory("write to", entry->upper, ERROR_SOURCE_MISSING, err) < 0)
		return -1;
	return check_directory("work in", entry->work, ERROR_SOURCE_MISSING, err);
}

/* A cover that the user names himself must have something to cover. */
static int check_cover(const struct plan *plan, size_t index, struct error *err)
{
	const struct mount_entry *entry = &plan->rootfs.mounts[index];
	struct plan before;
	char host[PATH_MAX];
	int errnum;

	if (entry->flags & MOUNT_F_OPTIONAL)
		return 0;
	before = *plan;
	before.rootfs.mount_count = index;
	if (inside_find(&before, entry->dest, host) != INSIDE_MISSING)
		return 0;
	errnum = errno;
	if (!inside_is_certain(&before))
		return 0;
	errno = errnum;
	return error_errno_id(err, ERROR_SOURCE_MISSING, "mask %s", entry->dest);
}

/*
 * The kernel mounts these only for who has the power over the namespace that they show. The
 * options make none of them: a configuration has asked.
 */
static int check_shown(const struct plan *plan, const struct mount_entry *entry,
		       struct error *err)
{
	const enum ns_kind kind = entry->kind == MOUNT_CGROUP ? NS_CGROUP : NS_IPC;

	if (entry->kind != MOUNT_CGROUP && entry->kind != MOUNT_MQUEUE)
		return 0;
	if (plan->namespaces.kinds[kind].mode != NS_SHARED)
		return 0;
	error_set(err, ERROR_NAMESPACE,
		  "mount %s: the %s namespace is not the sandbox's own", entry->dest,
		  ns_name(kind));
	return error_hint(err,
			  "put {\"type\": \"%s\"} into linux.namespaces of the "
			  "configuration, or take this mount out",
			  ns_name(kind));
}

/* What is changed where it is may be the root; what is mounted there would not be seen. */
static int check_dest(const struct mount_entry *entry, struct error *err)
{
	if (entry->kind == MOUNT_READONLY || entry->kind == MOUNT_CHMOD ||
	    entry->kind == MOUNT_DIR)
		return 0;
	if (strcmp(entry->dest, "/") != 0 && !path_ends_in_parent(entry->dest))
		return 0;
	error_set(err, ERROR_USAGE, "mount on %s: %s", entry->dest,
		  entry->dest[1] ? "its last part has to be a name"
				 : "it is the root itself");
	return error_hint(err, "--root DIR gives the sandbox another root");
}

static int check_mounts(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		const struct mount_entry *entry = &plan->rootfs.mounts[i];

		if (check_dest(entry, err) < 0)
			return -1;
		if ((entry->kind == MOUNT_BIND || entry->kind == MOUNT_COW) &&
		    check_source(entry, err) < 0)
			return -1;
		if (entry->kind == MOUNT_OVERLAY && check_layers(entry, err) < 0)
			return -1;
		if (entry->kind == MOUNT_MASK && check_cover(plan, i, err) < 0)
			return -1;
		if (check_shown(plan, entry, err) < 0)
			return -1;
	}
	return 0;
}

static int refuse_workdir(const struct plan *plan, const char *where, const char *reason,
			  struct error *err)
{
	const char *cwd = plan->process.cwd;

	if (!inside_is_certain(plan))
		return 0;
	if (!strcmp(cwd, where))
		error_set(err, ERROR_WORKDIR, "start in %s: it %s", cwd, reason);
	else
		error_set(err, ERROR_WORKDIR, "start in %.110s: %.110s %s", cwd, where,
			  reason);
	return error_hint(err, "--ro, --rw or --tmpfs would put something there");
}

static int check_workdir(const struct plan *plan, struct error *err)
{
	char host[PATH_MAX];
	struct stat st;

	if (!strcmp(plan->process.cwd, "/"))
		return 0;
	switch (inside_find(plan, plan->process.cwd, host)) {
	case INSIDE_MADE:
	case INSIDE_UNKNOWN:
		return 0;
	case INSIDE_MISSING:
		return refuse_workdir(plan, host,
				      errno == EACCES ? "is out of reach"
				      : errno == ENOTDIR
					      ? "is not a directory"
					      : "does not exist in the sandbox",
				      err);
	case INSIDE_FOUND:
		break;
	}
	if (stat(host, &st) == 0 && !S_ISDIR(st.st_mode))
		return refuse_workdir(plan, plan->process.cwd, "is not a directory", err);
	if (plan->rootfs.kind == ROOT_HOST && access(host, X_OK) < 0)
		return refuse_workdir(plan, plan->process.cwd, "may not be entered", err);
	return 0;
}

/* ---- identity ---- */

static bool is_mapped(const struct id_map *map, uint32_t id)
{
	for (size_t i = 0; i < map->count; i++) {
		if (id >= map->ranges[i].inside &&
		    id - map->ranges[i].inside < map->ranges[i].count)
			return true;
	}
	return false;
}

static int refuse_unmapped(const char *what, uint32_t id, struct error *err)
{
	error_set(err, ERROR_IDS, "use the %s id %u: the sandbox's map does not have it",
		  what, id);
	return error_hint(err, "--map subuid, or --map with a range that holds it");
}

static int check_groups(const struct plan *plan, struct error *err)
{
	const struct process_spec *process = &plan->process;

	for (size_t i = 0; i < process->group_count; i++) {
		if (!is_mapped(&plan->ids.gids, process->groups[i]))
			return refuse_unmapped("group", process->groups[i], err);
	}
	if (process->group_count && plan->ids.keep_groups)
		return error_set(
			err, ERROR_GROUPS,
			"add groups: --groups keep leaves the caller's as they are");
	if (process->group_count && !ids_mapped_by_parent(&plan->ids)) {
		error_set(err, ERROR_GROUPS,
			  "add groups: a map of one id denies setgroups(2)");
		return error_hint(err, "--map subuid");
	}
	return 0;
}

static int check_helpers(const struct ids_spec *ids, struct error *err)
{
	static const char *const names[] = { "newuidmap", "newgidmap" };

	if (!ids_need_helper(ids))
		return 0;
	for (size_t i = 0; i < 2; i++) {
		if (ids_helper_path(names[i]))
			continue;
		error_set(err, ERROR_IDMAP_HELPER, "map ids: %s is not installed",
			  names[i]);
		return error_hint(
			err, "install the package uidmap (or shadow-utils), or --map "
			     "single --groups keep");
	}
	if (!ids_helpers_are_powerless())
		return 0;
	error_set(
		err, ERROR_IDMAP_HELPER,
		"map ids: newuidmap has no power, as sbx was started with no_new_privs");
	return error_hint(err, "--map single%s",
			  ids->keep_groups || !ids_has_extra_groups() ? ""
								      : " --groups keep");
}

static int check_map(const char *what, const struct id_map *map, struct error *err)
{
	if (map->count == 0) {
		error_set(err, ERROR_IDS, "map %ss: the configuration has no map", what);
		return error_hint(err, "--map auto");
	}
	return id_map_check(map, err) < 0 ? error_within(err, "map %ss", what) : 0;
}

static int check_ids(const struct plan *plan, struct error *err)
{
	const struct process_spec *process = &plan->process;

	if (plan->namespaces.kinds[NS_USER].mode == NS_JOINED)
		return 0;
	if (check_map("user", &plan->ids.uids, err) < 0 ||
	    check_map("group", &plan->ids.gids, err) < 0)
		return -1;
	if (!process->user_name || process->uid) {
		if (!is_mapped(&plan->ids.uids, process->uid))
			return refuse_unmapped("user", process->uid, err);
		if (!is_mapped(&plan->ids.gids, process->gid))
			return refuse_unmapped("group", process->gid, err);
	}
	if (check_groups(plan, err) < 0)
		return -1;
	return check_helpers(&plan->ids, err);
}

/* ---- namespaces ---- */

static int check_namespaces(const struct plan *plan, struct error *err)
{
	const struct namespaces_spec *namespaces = &plan->namespaces;

	for (int kind = 0; kind < NS_COUNT; kind++) {
		const struct ns_choice *choice = &namespaces->kinds[kind];

		if (choice->mode == NS_JOINED &&
		    namespaces_check_joinable((enum ns_kind)kind, choice->path, err) < 0)
			return -1;
	}
	if (namespaces_check_pid(namespaces, err) < 0)
		return -1;
	if (namespaces->hostname && namespaces->kinds[NS_UTS].mode != NS_PRIVATE) {
		error_set(
			err, ERROR_USAGE,
			"set the host name: the uts namespace is not the sandbox's own");
		return error_hint(err, "leave --hostname, or --share uts and --join uts");
	}
	for (size_t i = 0; i < namespaces->sysctl_count; i++) {
		if (sysctl_check(namespaces, namespaces->sysctls[i].key, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- life ---- */

static int check_descriptor(const char *option, int fd, struct error *err)
{
	if (fd < 0 || fcntl(fd, F_GETFD) >= 0)
		return 0;
	return error_set(err, ERROR_USAGE, "use %s: the descriptor %d is not open",
			 option, fd);
}

static int check_descriptors(const struct plan *plan, struct error *err)
{
	const struct process_spec *process = &plan->process;

	for (size_t i = 0; i < process->keep_fd_count; i++) {
		if (check_descriptor("--keep-fd or --preserve-fds", process->keep_fds[i],
				     err) < 0)
			return -1;
	}
	if (check_descriptor("--ready-fd", plan->life.ready_fd, err) < 0)
		return -1;
	return check_descriptor("--status-fd", plan->life.status_fd, err);
}

static int refuse_pair(const char *a, const char *b, const char *why, struct error *err)
{
	return error_set(err, ERROR_USAGE, "use %s with %s: %s", a, b, why);
}

/* A file that is written beside and renamed needs a directory that takes new names. */
static int check_place(const char *what, const char *path, struct error *err)
{
	char parent[PATH_MAX];
	char *slash;

	if (!path)
		return 0;
	if (text_copy(parent, sizeof(parent), path) < 0) {
		errno = ENAMETOOLONG;
		return error_errno(err, "%s %s", what, path);
	}
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	if (access(slash ? parent : ".", W_OK | X_OK) < 0)
		return error_errno(err, "%s %s", what, path);
	return 0;
}

static int check_init(const struct plan *plan, struct error *err)
{
	const struct life_spec *life = &plan->life;

	if (!plan->process.no_init)
		return 0;
	if (life->detach)
		return refuse_pair(
			"--no-init", "--detach",
			"in the background an init has to wait for the command", err);
	if (plan->process.terminal)
		return refuse_pair("--no-init", "--tty",
				   "a terminal needs an init behind it", err);
	if (life->timeout_ms)
		return refuse_pair("--no-init", "--timeout",
				   "the init is who looks at the clock", err);
	if (plan->policy.caps.kept & caps_by_name("SYS_ADMIN"))
		return refuse_pair("--no-init", "--cap-add SYS_ADMIN",
				   "an init has to lock the mounts first", err);
	return 0;
}

static int check_lock(const struct plan *plan, struct error *err)
{
	const struct ns_choice *kinds = plan->namespaces.kinds;
	const char *other;

	if (!(plan->policy.caps.kept & caps_by_name("SYS_ADMIN")))
		return 0;
	if (kinds[NS_USER].mode == NS_PRIVATE && kinds[NS_PID].mode == NS_PRIVATE)
		return 0;
	other = kinds[NS_USER].mode == NS_JOINED  ? "--join user"
		: kinds[NS_PID].mode == NS_JOINED ? "--join pid"
						  : "--share pid";
	error_set(
		err, ERROR_USAGE,
		"use --cap-add %s with %s: the mounts can only be locked with a user and "
		"a pid namespace of its own",
		plan->policy.caps.kept == caps_all() ? "ALL" : "SYS_ADMIN", other);
	return error_hint(err, "--cap-drop SYS_ADMIN behind it, or leave %s", other);
}

static int check_life(const struct plan *plan, struct error *err)
{
	const struct life_spec *life = &plan->life;

	if (life->detach && life->die_with_parent)
		return refuse_pair("--die-with-parent", "--detach",
				   "what runs in the background outlives its parent",
				   err);
	if (check_init(plan, err) < 0 || check_lock(plan, err) < 0)
		return -1;
	if (life->log && !life->detach)
		return error_set(err, ERROR_USAGE, "use --log: it needs --detach");
	if (check_place("write the pid file", life->pid_file, err) < 0 ||
	    check_place("write the statistics to", life->stats_file, err) < 0)
		return -1;
	return check_descriptors(plan, err);
}

static int check_policy(const struct plan *plan, struct error *err)
{
	const struct policy_spec *policy = &plan->policy;
	/* asking for all of them costs a system call each */
	uint64_t unknown = policy->caps.kept ? policy->caps.kept & ~caps_all() : 0;

	if (unknown)
		return error_set(err, ERROR_CAPABILITIES,
				 "keep %s: this kernel does not know it",
				 caps_name((unsigned int)__builtin_ctzll(unknown)));
	if (limits_check(&policy->limits, err) < 0 ||
	    cgroup_check(&policy->limits.cgroup, err) < 0 ||
	    landlock_check(&policy->landlock, err) < 0)
		return -1;
	if (policy->profile && !policy->filter.program.count && !plan->runtime.filter)
		return error_set(err, ERROR_POLICY, "use the policy %s: no program",
				 profile_name(policy->profile));
	return policy->filter.program.count ? seccomp_check(&policy->filter.program, err)
					    : 0;
}

/* ---- network ---- */

/* A file that is there has to take what is written; for another one there has to be a place. */
static int check_output(const char *what, const char *path, struct error *err)
{
	if (path && access(path, F_OK) == 0)
		return access(path, W_OK) < 0 ? error_errno(err, "%s %s", what, path) : 0;
	return check_place(what, path, err);
}

static int check_network(const struct plan *plan, struct error *err)
{
	const struct net_spec *net = &plan->net;

	if (net->mode != NET_PLAIN && plan->namespaces.kinds[NS_NET].mode != NS_PRIVATE)
		return error_set(err, ERROR_NETWORK,
				 "serve the network: it is not the sandbox's own");
	if (net_check(net, err) < 0 ||
	    check_output("write the log of the network to", net->log_file, err) < 0)
		return -1;
	return check_output("write packets to", net->pcap_file, err);
}

int plan_check(const struct plan *plan, struct error *err)
{
	if (check_life(plan, err) < 0 || check_policy(plan, err) < 0 ||
	    check_root(plan, err) < 0 || check_mounts(plan, err) < 0 ||
	    check_ids(plan, err) < 0 || check_namespaces(plan, err) < 0 ||
	    check_network(plan, err) < 0 || check_workdir(plan, err) < 0)
		return -1;
	return check_command(plan, err);
}
