/* SPDX-License-Identifier: Apache-2.0 */
/* --dry-run: the plan in plain words. */
#include "base/text.h"
#include "plan/internal.h"
#include "policy/profile.h"

#include <string.h>

enum { INDENT = 14 /* where the words of a line begin */ };

void page_begin(struct page *page, const char *name)
{
	page_put(page, name);
	page_put_spaces(page, INDENT - strlen(name));
}

static void begin(struct page *page, const char *name)
{
	page_begin(page, name);
}

/* ---- command ---- */

static void put_command(struct page *page, const struct process_spec *process)
{
	begin(page, "command");
	for (size_t i = 0; i < process->argc; i++) {
		page_put(page, i ? " " : "");
		page_put_printable(page, process->argv[i]);
	}
	page_put(page, "\n");
	begin(page, "starts in");
	page_put_printable(page, process->cwd);
	page_put(page, "\n");
}

static void put_user(struct page *page, const struct process_spec *process)
{
	begin(page, "user");
	if (process->user_name) {
		page_put_printable(page, process->user_name);
		page_put(page, " of the root's own passwd");
	} else {
		page_printf(page, "%u, group %u", process->uid, process->gid);
	}
	for (size_t i = 0; i < process->group_count; i++)
		page_printf(page, "%s%u", i ? " " : ", further groups ",
			    process->groups[i]);
	page_put(page, "\n");
}

/* ---- ids ---- */

static void put_map(struct page *page, const char *name, const struct id_map *map)
{
	begin(page, name);
	if (!map->count)
		page_put(page, "as in the namespace that is joined");
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];

		page_put(page, i ? ", " : "");
		if (range->count == 1)
			page_printf(page, "%u is %u of the host", range->inside,
				    range->outside);
		else
			page_printf(page, "%u to %u are %u to %u", range->inside,
				    range->inside + range->count - 1, range->outside,
				    range->outside + range->count - 1);
	}
	page_put(page, "\n");
}

static void put_ids(struct page *page, const struct ids_spec *ids)
{
	put_map(page, "user ids", &ids->uids);
	put_map(page, "group ids", &ids->gids);
	begin(page, "groups");
	page_put(page, ids->keep_groups
			       ? "the caller's supplementary groups are kept\n"
			       : "the caller's supplementary groups are dropped\n");
}

/* ---- namespaces ---- */

static void put_kinds(struct page *page, const struct namespaces_spec *namespaces,
		      enum ns_mode mode, const char *name)
{
	size_t count = 0;

	for (int kind = 0; kind < NS_COUNT; kind++) {
		const struct ns_choice *choice = &namespaces->kinds[kind];

		if (choice->mode != mode || kind == NS_TIME)
			continue;
		if (count++ == 0)
			begin(page, name);
		else
			page_put(page, " ");
		page_put(page, ns_name((enum ns_kind)kind));
		if (mode == NS_JOINED) {
			page_put(page, ":");
			page_put_printable(page, choice->path);
		}
	}
	page_put(page, count ? "\n" : "");
}

static void put_namespaces(struct page *page, const struct plan *plan)
{
	const struct namespaces_spec *namespaces = &plan->namespaces;

	put_kinds(page, namespaces, NS_PRIVATE, "private");
	put_kinds(page, namespaces, NS_SHARED, "shared");
	put_kinds(page, namespaces, NS_JOINED, "joined");
	describe_net(page, plan);
	if (namespaces->hostname) {
		begin(page, "host name");
		page_put_printable(page, namespaces->hostname);
		page_put(page, "\n");
	}
	if (namespaces->new_time) {
		begin(page, "clocks");
		page_put(page,
			 namespaces->time_from_zero
				 ? "since the start; the time of day is the host's\n"
				 : "a time namespace of its own\n");
	}
	for (size_t i = 0; i < namespaces->sysctl_count; i++) {
		begin(page, "sysctl");
		page_put_printable(page, namespaces->sysctls[i].key);
		page_put(page, " = ");
		page_put_printable(page, namespaces->sysctls[i].value);
		page_put(page, "\n");
	}
}

/* ---- files ---- */

static void put_root(struct page *page, const struct rootfs_spec *rootfs)
{
	static const char *const modes[] = {
		[ROOT_COW] = "copy-on-write",
		[ROOT_RO] = "read-only",
		[ROOT_RW] = "writable: what is written stays",
	};

	begin(page, "root");
	switch (rootfs->kind) {
	case ROOT_HOST:
		page_put(page, "the host's own");
		break;
	case ROOT_DIRECTORY:
		page_put_printable(page, rootfs->path);
		break;
	case ROOT_EMPTY:
		page_put(page, "empty");
		break;
	case ROOT_SERVED:
		page_put_printable(page, rootfs->path);
		page_put(page, ", through FUSE");
		break;
	case ROOT_MOUNT:
		page_put(page, "the image in memory");
		break;
	}
	page_printf(page, ", %s", modes[rootfs->mode]);
	if (rootfs->upper) {
		page_put(page, ", what is written is kept in ");
		page_put_printable(page, rootfs->upper);
	}
	if (rootfs->machine)
		page_printf(page, ", programs for %s run by qemu-user", rootfs->machine);
	page_put(page, "\n");
}

static void put_source(struct page *page, const struct mount_entry *entry)
{
	page_put_printable(page, entry->source);
	page_put(page, " of the host, ");
	if (entry->kind == MOUNT_COW)
		page_put(page, "copy-on-write");
	else
		page_put(page, entry->flags & MOUNT_F_RDONLY ? "read-only" : "writable");
	if (!(entry->flags & MOUNT_F_NODEV))
		page_put(page, ", devices work");
	if (entry->flags & MOUNT_F_NOEXEC)
		page_put(page, ", nothing can be executed");
	if (entry->flags & MOUNT_F_OPTIONAL)
		page_put(page, ", if it is there");
}

static void put_proc(struct page *page, const char *source)
{
	if (!source)
		page_put(page, "processes of the sandbox");
	else if (!strcmp(source, "pids"))
		page_put(page, "processes of the sandbox, and nothing else");
	else
		page_put(page, "the host's own: its processes can be seen");
}

static void put_empty(struct page *page, const struct mount_entry *entry)
{
	page_put(page, "empty, in memory");
	if (entry->size)
		page_printf(page, ", at most %llu bytes",
			    (unsigned long long)entry->size);
	if (entry->flags & MOUNT_F_RDONLY)
		page_put(page, ", read-only");
}

static void put_operation(struct page *page, const struct mount_entry *entry)
{
	switch (entry->kind) {
	case MOUNT_BIND:
	case MOUNT_COW:
		put_source(page, entry);
		break;
	case MOUNT_OVERLAY:
		page_printf(page, "%zu directories of the host, laid one over another",
			    entry->lower_count);
		break;
	case MOUNT_TMPFS:
	case MOUNT_SCRATCH:
		put_empty(page, entry);
		break;
	case MOUNT_PROC:
		put_proc(page, entry->source);
		break;
	case MOUNT_SYSFS:
		page_put(page, "the kernel's devices, read-only");
		break;
	case MOUNT_DEV:
		page_put(page, "null, zero, full, random, urandom, tty, pts, shm");
		break;
	case MOUNT_MQUEUE:
		page_put(page, "message queues");
		break;
	case MOUNT_FILESYSTEM:
		page_put(page, "a new file system: ");
		page_put_printable(page, entry->type);
		break;
	case MOUNT_DEVICE:
		page_put(page, "a device");
		break;
	case MOUNT_CGROUP:
		page_put(page, "the sandbox's cgroup");
		break;
	case MOUNT_MASK:
		page_put(page, "covered");
		break;
	case MOUNT_READONLY:
	case MOUNT_REMOUNT_RO:
		page_put(page, "made read-only");
		break;
	case MOUNT_DIR:
		page_put(page, "a directory that is made");
		break;
	case MOUNT_FILE:
	case MOUNT_DATA:
		page_put(page, "a file that is made");
		break;
	case MOUNT_SYMLINK:
		page_put(page, "a link to ");
		page_put_printable(page, entry->source);
		break;
	case MOUNT_CHMOD:
		page_printf(page, "gets the mode %04o", (unsigned int)entry->mode);
		break;
	}
}

static void put_files(struct page *page, const struct rootfs_spec *rootfs)
{
	put_root(page, rootfs);
	for (size_t i = 0; i < rootfs->mount_count; i++) {
		const struct mount_entry *entry = &rootfs->mounts[i];

		begin(page, i ? "" : "then, in turn");
		page_put_printable(page, entry->dest);
		page_put(page, ": ");
		put_operation(page, entry);
		page_put(page, "\n");
	}
}

/* ---- policy ---- */

static void put_caps(struct page *page, const struct caps_spec *caps)
{
	begin(page, "capabilities");
	if (!caps->kept)
		page_put(page, "none");
	for (unsigned int i = 0; i < 64; i++) {
		const char *name = caps->kept >> i & 1 ? caps_name(i) : NULL;

		if (name)
			page_printf(page, "%s%s",
				    caps->kept & ((1ULL << i) - 1) ? " " : "", name);
	}
	page_put(page, caps->ambient ? " (ambient)\n" : "\n");
}

static void put_limit(struct page *page, uint64_t value)
{
	if (value == UINT64_MAX)
		page_put(page, "unlimited");
	else
		page_printf(page, "%llu", (unsigned long long)value);
}

static void put_swap(struct page *page, const struct cgroup_limits *limits)
{
	if (!limits->has_memory_swap)
		page_put(page, " and no swap\n");
	else if (limits->memory_swap == UINT64_MAX)
		page_put(page, " and any swap\n");
	else
		page_printf(page, " and %llu of swap\n",
			    (unsigned long long)(limits->memory_swap - limits->memory));
}

static void put_processors(struct page *page, const struct cgroup_limits *limits)
{
	if (limits->cpu_quota_us) {
		begin(page, "processors");
		page_printf(page, "%llu us of each %llu us\n",
			    (unsigned long long)limits->cpu_quota_us,
			    (unsigned long long)limits->cpu_period_us);
	}
	if (limits->cpuset) {
		begin(page, "processors");
		page_put_printable(page, limits->cpuset);
		page_put(page, " alone\n");
	}
}

static void put_cgroup(struct page *page, const struct cgroup_limits *limits)
{
	if (limits->memory) {
		begin(page, "memory");
		page_printf(page, "at most %llu bytes",
			    (unsigned long long)limits->memory);
		put_swap(page, limits);
	}
	if (limits->pids) {
		begin(page, "processes");
		page_printf(page, "at most %llu\n", (unsigned long long)limits->pids);
	}
	put_processors(page, limits);
	if (limits->io_weight) {
		begin(page, "disk share");
		page_printf(page, "%llu\n", (unsigned long long)limits->io_weight);
	}
	if (limits->best_effort && cgroup_is_needed(limits)) {
		begin(page, "note");
		page_put(page, "limits that cannot be set here are left out\n");
	}
}

static void put_limits(struct page *page, const struct limits_spec *limits)
{
	put_cgroup(page, &limits->cgroup);
	for (size_t i = 0; i < limits->rlimit_count; i++) {
		begin(page, i ? "" : "limits");
		page_printf(page, "%s ", rlimit_name(limits->rlimits[i].resource));
		put_limit(page, limits->rlimits[i].soft);
		page_put(page, ", at most ");
		put_limit(page, limits->rlimits[i].hard);
		page_put(page, "\n");
	}
	if (limits->has_oom_score_adj) {
		begin(page, "oom score");
		page_printf(page, "%d\n", limits->oom_score_adj);
	}
}

static void put_filter(struct page *page, const struct policy_spec *policy)
{
	begin(page, "system calls");
	if (policy->profile) {
		page_put(page, "policy ");
		page_put_printable(page, profile_name(policy->profile));
		page_put(page, ", ");
	}
	if (policy->filter.program.count)
		page_printf(page, "a seccomp filter of %zu instructions%s\n",
			    policy->filter.program.count,
			    policy->explains ? ", denials are told" : "");
	else
		page_put(page, "no seccomp filter\n");
}

static void put_landlock(struct page *page, const struct landlock_spec *landlock)
{
	if (landlock->mode == LANDLOCK_OFF || landlock->whole)
		return;
	begin(page, "landlock");
	page_put(page, landlock->mode == LANDLOCK_AUTO ? "what the kernel has of: "
						       : "required: ");
	page_put(page, landlock->scope_signal ? "signals stay inside" : "no scope");
	if (landlock->scope_abstract_unix)
		page_put(page, ", abstract sockets too");
	if (landlock->limits_connect)
		page_printf(page, ", TCP to %zu ports", landlock->connect_count);
	if (landlock->limits_bind)
		page_printf(page, ", TCP from %zu ports", landlock->bind_count);
	if (landlock->path_count)
		page_printf(page, ", %zu paths only", landlock->path_count);
	page_put(page, "\n");
}

static void put_policy(struct page *page, const struct plan *plan)
{
	const struct policy_spec *policy = &plan->policy;

	put_caps(page, &policy->caps);
	if (plan->runtime.kind == RUNTIME_RUNSC)
		describe_inner_filter(page, plan);
	else
		put_filter(page, policy);
	put_landlock(page, &policy->landlock);
	if (policy->emulate_root) {
		begin(page, "root's calls");
		page_put(page, "chown, setuid, mknod of devices and their like seem to "
			       "succeed\n");
	}
	put_limits(page, &policy->limits);
}

/* ---- process and life ---- */

static void put_environment(struct page *page, const struct process_spec *process)
{
	begin(page, "environment");
	for (size_t i = 0; i < process->env_count; i++) {
		const char *name = arena_strndup(page->arena, process->env[i],
						 strcspn(process->env[i], "="));

		page_put(page, i ? " " : "");
		page_put_printable(page, name);
	}
	page_put(page, process->env_home ? " HOME USER\n" : "\n");
}

static const char *init_words(const struct plan *plan)
{
	if (plan->process.no_init)
		return "no init\n";
	return plan->namespaces.kinds[NS_PID].mode == NS_PRIVATE
		       ? "an init as process 1\n"
		       : "an init above it\n";
}

/* What --pure makes the same for each run. */
static void put_sameness(struct page *page, const struct process_spec *process)
{
	const bool both = process->fixed_addresses && process->one_processor;

	if (!process->fixed_addresses && !process->one_processor)
		return;
	begin(page, "the same");
	page_put(page, process->fixed_addresses ? "addresses of memory" : "");
	page_put(page, both ? ", " : "");
	page_put(page, process->one_processor ? "one processor\n" : "\n");
}

static void put_process(struct page *page, const struct plan *plan)
{
	const struct process_spec *process = &plan->process;

	put_environment(page, process);
	begin(page, "process");
	page_printf(page, "umask %04o, ", (unsigned int)process->umask);
	page_put(page, process->terminal ? "a terminal of its own, "
					 : "no terminal of its own, ");
	page_put(page, init_words(plan));
	put_sameness(page, process);
	for (size_t i = 0; i < process->keep_fd_count; i++) {
		if (i == 0)
			begin(page, "inherits");
		page_printf(page, "%sdescriptor %d", i ? ", " : "", process->keep_fds[i]);
	}
	page_put(page, process->keep_fd_count ? "\n" : "");
}

static void put_comparison(struct page *page, const struct life_spec *life)
{
	if (life->repeat) {
		begin(page, "runs");
		page_printf(page, "%d times, and compares\n", life->repeat);
	}
	if (life->record) {
		begin(page, "record");
		page_put_printable(page, life->record);
		page_put(page, "\n");
	}
	if (life->expect) {
		begin(page, "expects");
		page_put_printable(page, life->expect);
		page_put(page, "\n");
	}
}

static void put_life(struct page *page, const struct plan *plan)
{
	const struct life_spec *life = &plan->life;

	begin(page, "ends");
	if (life->detach)
		page_put(page, "with the command, in the background");
	else
		page_put(page, "with the command or with sbx");
	if (life->die_with_parent)
		page_put(page, " or with the process that started sbx");
	if (life->timeout_ms)
		page_printf(page, ", %s after %llu ms",
			    signal_name(plan->process.stop_signal, page->arena),
			    (unsigned long long)life->timeout_ms);
	page_put(page, "\n");
	put_comparison(page, life);
	if (plan->namespaces.kinds[NS_PID].mode != NS_PRIVATE) {
		begin(page, "note");
		page_put(page,
			 "without a pid namespace of its own, what the command leaves "
			 "running is ended only as far as it can be found\n");
	}
}

/* Of a configuration: what is passed over. */
static void put_ignored(struct page *page, const char *const *ignored)
{
	for (; ignored && *ignored; ignored++) {
		begin(page, "ignored");
		page_put_printable(page, *ignored);
		page_put(page, "\n");
	}
}

const char *plan_describe(const struct plan *plan, struct arena *arena)
{
	struct page page = { .arena = arena };

	put_command(&page, &plan->process);
	put_user(&page, &plan->process);
	if (plan->policy.landlock.whole) {
		describe_isolation(&page, plan);
	} else {
		put_ids(&page, &plan->ids);
		put_files(&page, &plan->rootfs);
		put_namespaces(&page, plan);
	}
	put_policy(&page, plan);
	put_process(&page, plan);
	put_life(&page, plan);
	describe_runtime(&page, &plan->runtime);
	put_ignored(&page, plan->container.ignored);
	return page.text;
}
