/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mounted, in order: what every sandbox has, what hides the host, the current
 * directory, and then what the user asked for, which may cover all of it.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo"

/* What the host's root may write through a procfs, whatever it may do otherwise. */
static const char *const read_only[] = {
	"/proc/bus", "/proc/dynamic_debug", "/proc/fs",
	"/proc/irq", "/proc/sys",           "/proc/sysrq-trigger",
};

/* Where daemons of the host keep sockets that are reached by path. */
static const char *const daemons[] = {
	"/var/lib/incus",      "/var/lib/lxd",     "/var/lib/docker",
	"/var/lib/containers", "/var/lib/libvirt", "/var/lib/sss",
	"/var/snap",           "/var/spool",       "/nix/var/nix/daemon-socket",
};

/* What the kernel keeps from everybody but root: passwords, and keys of the machine. */
static const char *const secrets[] = {
	"/etc/shadow",
	"/etc/shadow-",
	"/etc/gshadow",
	"/etc/gshadow-",
	"/etc/security/opasswd",
	"/etc/ssh/ssh_host_rsa_key",
	"/etc/ssh/ssh_host_ecdsa_key",
	"/etc/ssh/ssh_host_ed25519_key",
	"/etc/ssl/private",
	"/etc/pki/tls/private",
	"/etc/krb5.keytab",
	"/etc/wireguard",
	"/etc/NetworkManager/system-connections",
	"/var/backups",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The list while it grows; the plan's own is const. */
struct builder {
	struct draft *draft;
	struct mount_entry *entries;
	size_t count;
	const char *shown; /* the current directory, where it is shown */
	struct mount_entry net_files[NET_FILES];
	size_t net_file_count;
};

static void add(struct builder *builder, const struct mount_entry *entry)
{
	builder->entries = arena_grow(&builder->draft->plan.arena, builder->entries,
				      builder->count, sizeof(*builder->entries));
	builder->entries[builder->count++] = *entry;
}

static void add_scratch(struct builder *builder, const char *dest, mode_t mode)
{
	const struct mount_entry entry = { .kind = MOUNT_SCRATCH,
					   .dest = dest,
					   .mode = mode };

	add(builder, &entry);
}

static void add_cover(struct builder *builder, enum mount_kind kind, unsigned int flags,
		      const char *dest)
{
	const struct mount_entry entry = { .kind = kind, .flags = flags, .dest = dest };

	add(builder, &entry);
}

/* ---- what every sandbox has ---- */

static int make_proc(const struct draft *draft, struct mount_entry *ret_entry,
		     struct error *err)
{
	bool shared = draft->plan.namespaces.kinds[NS_PID].mode == NS_SHARED;
	struct mount_entry entry = { .kind = MOUNT_PROC, .dest = "/proc" };

	if (shared && (draft->proc == PROC_NEW || draft->proc == PROC_PIDS)) {
		error_set(err, ERROR_USAGE,
			  "mount a new /proc: it needs a pid namespace of its own");
		return error_hint(err, "--proc host, or leave --share pid");
	}
	if (draft->proc == PROC_NONE)
		entry.kind = MOUNT_MASK;
	else if (draft->proc == PROC_PIDS)
		entry.source = "pids";
	else if (draft->proc == PROC_HOST || shared)
		entry.source = "host";
	*ret_entry = entry;
	return 0;
}

static int add_proc(struct builder *builder, struct error *err)
{
	struct mount_entry entry = { .kind = MOUNT_PROC };

	if (make_proc(builder->draft, &entry, err) < 0)
		return -1;
	if (entry.kind == MOUNT_PROC || builder->draft->plan.rootfs.kind == ROOT_HOST)
		add(builder, &entry);
	return 0;
}

static void add_emulation(struct builder *builder)
{
	const struct mount_entry file = emulation_apt_file();

	if (builder->draft->plan.policy.emulate_root)
		add(builder, &file);
}

static void add_dev(struct builder *builder)
{
	const struct mount_entry entry = { .kind = MOUNT_DEV,
					   .dest = "/dev",
					   .size = builder->draft->shm_size };

	add(builder, &entry);
	add_emulation(builder);
}

static void add_sys(struct builder *builder)
{
	add_cover(builder, MOUNT_SYSFS, MOUNT_F_RDONLY, "/sys");
}

/* Whether /proc shows more than the processes. */
static bool has_whole_proc(const struct builder *builder)
{
	for (size_t i = 0; i < builder->count; i++) {
		const struct mount_entry *entry = &builder->entries[i];

		if (entry->kind == MOUNT_PROC)
			return !entry->source || strcmp(entry->source, "pids") != 0;
	}
	return false;
}

/* Each cover costs time, so only what is there and can be read is covered. */
static void add_masks(struct builder *builder)
{
	bool proc = has_whole_proc(builder);

	for (const char *const *path = plan_masked_paths(); *path; path++) {
		if ((proc || !path_is_within(*path, "/proc")) && access(*path, R_OK) == 0)
			add_cover(builder, MOUNT_MASK, MOUNT_F_OPTIONAL, *path);
	}
	if (!proc || builder->draft->caller.uid != 0)
		return;
	for (size_t i = 0; i < COUNT(read_only); i++)
		add_cover(builder, MOUNT_READONLY, MOUNT_F_OPTIONAL, read_only[i]);
}

/* Others than root are kept from them by the files' own modes. */
static void add_secret_covers(struct builder *builder)
{
	if (builder->draft->caller.uid != 0)
		return;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		if (access(secrets[i], F_OK) == 0)
			add_cover(builder, MOUNT_MASK, MOUNT_F_OPTIONAL, secrets[i]);
	}
}

/* ---- resolv.conf and hosts ---- */

static bool is_mounted_at(const struct draft *draft, const char *path)
{
	for (size_t i = 0; i < draft->mount_count; i++) {
		if (!strcmp(draft->mounts[i].dest, path))
			return true;
	}
	return false;
}

/* Whether something is still to come that would cover the file. */
static bool is_covered_later(const struct builder *builder, const char *dest)
{
	const struct draft *draft = builder->draft;

	if (builder->shown && path_is_within(dest, builder->shown))
		return true;
	for (size_t i = 0; i < draft->mount_count; i++) {
		if (path_is_within(dest, draft->mounts[i].dest))
			return true;
	}
	return false;
}

/* Those that can stand early, and at last all others; what the user mounts there holds. */
static void add_net_files(struct builder *builder, bool early)
{
	for (size_t i = 0; i < builder->net_file_count; i++) {
		const struct mount_entry *file = &builder->net_files[i];

		if (is_covered_later(builder, file->dest) != early &&
		    !is_mounted_at(builder->draft, file->dest))
			add(builder, file);
	}
}

static void find_net_files(struct builder *builder)
{
	struct rootfs_spec *rootfs = &builder->draft->plan.rootfs;
	const struct rootfs_spec before = *rootfs;

	/* what is there by now is what the root is looked at through */
	rootfs->mounts = builder->entries;
	rootfs->mount_count = builder->count;
	builder->net_file_count = net_files(builder->draft, builder->net_files);
	*rootfs = before;
}

/* The files of a configuration are made anew where they stand. */
static void renew_net_file(struct builder *builder, const struct mount_entry *entry)
{
	for (size_t i = 0; i < builder->net_file_count; i++) {
		if (!strcmp(builder->net_files[i].dest, entry->dest))
			add(builder, &builder->net_files[i]);
	}
}

/* One of another program gets none, unless an option asks for a network. */
static void add_missing_net_files(struct builder *builder)
{
	const struct net_words *net = &builder->draft->net;

	if (!net->chosen && !net->upstream_count && !net->search.count &&
	    !net->host_count)
		return;
	for (size_t i = 0; i < builder->net_file_count; i++) {
		bool there = false;

		for (size_t j = 0; j < builder->count && !there; j++)
			there = net_file_mounted(&builder->entries[j]) &&
				!strcmp(builder->entries[j].dest,
					builder->net_files[i].dest);
		if (!there)
			add(builder, &builder->net_files[i]);
	}
}

/* ---- the current directory ---- */

static enum cwd_choice cwd_choice(const struct draft *draft)
{
	if (draft->cwd != CWD_DEFAULT)
		return (enum cwd_choice)draft->cwd;
	if (draft->plan.policy.landlock.whole)
		return CWD_RO;
	return draft->plan.rootfs.kind == ROOT_HOST && !draft->from_config ? CWD_COW
									   : CWD_OFF;
}

static const char *unsuitable(const struct draft *draft, const char *cwd)
{
	static const char *const trees[] = { "/run", "/dev", "/proc", "/sys" };

	if (!strcmp(cwd, "/"))
		return "it is the root";
	for (size_t i = 0; i < draft->caller.home_count; i++) {
		const char *home = draft->caller.homes[i];

		if (!strcmp(home, cwd))
			return "it is the home directory, which is hidden";
		if (path_is_within(home, cwd))
			return "the home directory, which is hidden, lies below it";
	}
	if (!strcmp(cwd, "/tmp"))
		return "/tmp is private in the sandbox";
	for (size_t i = 0; i < COUNT(trees); i++) {
		if (path_is_within(cwd, trees[i]))
			return "the sandbox has its own there";
	}
	return NULL;
}

/* The directory that is shown at its own path, or NULL: none. */
static int find_shown(struct draft *draft, const char **ret_cwd, struct error *err)
{
	const char *cwd, *reason;

	*ret_cwd = NULL;
	if (cwd_choice(draft) == CWD_OFF)
		return 0;
	cwd = caller_cwd(draft);
	if (!cwd) {
		error_errno_id(err, ERROR_CWD_UNSUITABLE, "find the current directory");
		return error_hint(err, "--cwd off");
	}
	if (caller_homes(draft, err) < 0)
		return -1;
	reason = unsuitable(draft, cwd);
	if (reason) {
		error_set(err, ERROR_CWD_UNSUITABLE, "show the current directory %s: %s",
			  cwd, reason);
		return error_hint(err, "start in a subdirectory, or --cwd off");
	}
	*ret_cwd = cwd;
	return 0;
}

static bool is_mounted_by_user(const struct draft *draft, const char *path)
{
	for (size_t i = 0; i < draft->mount_count; i++) {
		if (draft->mounts[i].kind != MOUNT_MASK &&
		    !strcmp(draft->mounts[i].dest, path))
			return true;
	}
	return false;
}

static void add_cwd(struct builder *builder, const char *cwd)
{
	struct mount_entry entry = {
		.kind = MOUNT_BIND,
		.flags = MOUNT_F_NOSUID | MOUNT_F_NODEV,
		.source = cwd,
		.dest = cwd,
	};
	enum cwd_choice choice = cwd_choice(builder->draft);

	note_source(&entry, ".");
	if (choice == CWD_COW)
		entry.kind = MOUNT_COW;
	if (choice == CWD_RO)
		entry.flags |= MOUNT_F_RDONLY;
	add(builder, &entry);
}

/* ---- the two kinds of root ---- */

static void add_daemon_covers(struct builder *builder, const char *cwd, bool above)
{
	for (size_t i = 0; i < COUNT(daemons); i++) {
		bool covers_cwd = cwd && path_is_within(cwd, daemons[i]);

		if (covers_cwd == above && access(daemons[i], F_OK) == 0)
			add_cover(builder, MOUNT_MASK,
				  MOUNT_F_OPTIONAL | MOUNT_F_NOFOLLOW, daemons[i]);
	}
}

static int add_host_base(struct builder *builder, struct error *err)
{
	struct draft *draft = builder->draft;

	if (caller_homes(draft, err) < 0)
		return -1;
	for (size_t i = 0; i < draft->caller.home_count; i++)
		add_scratch(builder, draft->caller.homes[i], 0700);
	add_scratch(builder, "/tmp", 01777);
	add_scratch(builder, "/run", 0755);
	add_dev(builder);
	if (add_proc(builder, err) < 0)
		return -1;
	add_sys(builder);
	find_net_files(builder);
	add_net_files(builder, true);
	add_masks(builder);
	add_secret_covers(builder);
	return 0;
}

static int add_directory_base(struct builder *builder, struct error *err)
{
	if (add_proc(builder, err) < 0)
		return -1;
	add_sys(builder);
	add_dev(builder);
	if (builder->draft->plan.rootfs.mode != ROOT_RW) {
		add_scratch(builder, "/tmp", 01777);
		add_scratch(builder, "/run", 0755);
	}
	find_net_files(builder);
	add_net_files(builder, true);
	add_masks(builder);
	return 0;
}

static int add_base(struct builder *builder, struct error *err)
{
	struct mount_entry pure[PURE_FILES];
	size_t count;

	if ((builder->draft->plan.rootfs.kind == ROOT_HOST
		     ? add_host_base(builder, err)
		     : add_directory_base(builder, err)) < 0)
		return -1;
	count = has_whole_proc(builder) ? pure_files(builder->draft, pure) : 0;
	for (size_t i = 0; i < count; i++)
		add(builder, &pure[i]);
	return 0;
}

static int add_zone(struct builder *builder, struct error *err)
{
	struct draft *draft = builder->draft;
	struct mount_entry entry = {
		.kind = MOUNT_BIND,
		.flags = MOUNT_F_RDONLY | MOUNT_F_NOSUID | MOUNT_F_NODEV |
			 MOUNT_F_OPTIONAL,
		.dest = "/etc/localtime",
	};

	if (!draft->tz)
		return 0;
	entry.source = arena_printf(&draft->plan.arena, ZONES "/%s", draft->tz);
	if (draft->tz[0] == '/' || strstr(draft->tz, "..") ||
	    access(entry.source, R_OK) < 0) {
		error_set(err, ERROR_USAGE, "use --tz: there is no time zone '%.80s'",
			  draft->tz);
		return error_hint(err, "names are those below " ZONES
				       ", such as Europe/Berlin");
	}
	if (draft->plan.rootfs.mode != ROOT_RW)
		add(builder, &entry);
	return 0;
}

static void choose_workdir(struct draft *draft, const char *shown)
{
	struct process_spec *process = &draft->plan.process;

	if (draft->workdir)
		process->cwd = draft->workdir;
	else if (shown)
		process->cwd = shown;
	else if (!process->cwd)
		process->cwd = "/";
}

/* What --config mounted, but for what an option says otherwise. */
static int add_configured(struct builder *builder, struct error *err)
{
	const struct draft *draft = builder->draft;
	const struct rootfs_spec *rootfs = &draft->plan.rootfs;

	builder->net_file_count = net_files(builder->draft, builder->net_files);
	for (size_t i = 0; i < rootfs->mount_count; i++) {
		struct mount_entry entry = rootfs->mounts[i];

		if (entry.kind == MOUNT_PROC && draft->proc != PROC_DEFAULT &&
		    make_proc(draft, &entry, err) < 0)
			return -1;
		if (entry.kind == MOUNT_DEV && draft->shm_size)
			entry.size = draft->shm_size;
		if (emulation_mounted(&entry))
			continue;
		if (net_file_mounted(&entry)) {
			renew_net_file(builder, &entry);
			continue;
		}
		add(builder, &entry);
		if (entry.kind == MOUNT_DEV && !strcmp(entry.dest, "/dev"))
			add_emulation(builder);
	}
	add_missing_net_files(builder);
	return 0;
}

int expand_mounts(struct draft *draft, struct error *err)
{
	struct builder builder = { .draft = draft };
	struct rootfs_spec *rootfs = &draft->plan.rootfs;
	const char *shown;
	/* Landlock's mode closes sockets by another way. */
	bool covers = rootfs->kind == ROOT_HOST && !draft->from_config &&
		      !draft->plan.policy.landlock.whole;

	if (find_shown(draft, &shown, err) < 0)
		return -1;
	builder.shown = shown;
	if ((draft->from_config ? add_configured(&builder, err)
				: add_base(&builder, err)) < 0)
		return -1;
	if (covers)
		add_daemon_covers(&builder, shown, true);
	if (shown && !is_mounted_by_user(draft, shown))
		add_cwd(&builder, shown);
	/* behind the current directory, which may hold some of them again */
	if (covers)
		add_daemon_covers(&builder, shown, false);
	for (size_t i = 0; i < draft->mount_count; i++)
		add(&builder, &draft->mounts[i]);
	if (add_zone(&builder, err) < 0)
		return -1;
	if (!draft->from_config)
		add_net_files(&builder, false);
	rootfs->mounts = builder.entries;
	rootfs->mount_count = builder.count;
	choose_workdir(draft, shown);
	return 0;
}
