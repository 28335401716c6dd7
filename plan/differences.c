/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gVisor does otherwise than a plan says. Each was tried with releases of 2022 and 2024;
 * what is the same for everybody, as that /proc is gVisor's own, the manual tells.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"
#include "policy/profile.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	SHOWN_MAX = 100,   /* bytes of a foreign name */
	GVISOR_UMASK = 022 /* of every process that runsc starts */
};

struct differences {
	struct plan *plan;
	bool of_bundle; /* runsc reads it itself, and nothing of it is made by us */
	const char **list;
	size_t count;
};

static void add(struct differences *differences, const char *text)
{
	differences->list = arena_grow(&differences->plan->arena, differences->list,
				       differences->count, sizeof(*differences->list));
	differences->list[differences->count++] = text;
}

/* The name may be anything. */
static void add_named(struct differences *differences, const char *before,
		      const char *name, const char *behind)
{
	char shown[SHOWN_MAX];

	text_printable(shown, sizeof(shown), name);
	add(differences,
	    arena_printf(&differences->plan->arena, "%s%s%s", before, shown, behind));
}

/* ---- files ---- */

/* What lies there is made by gVisor's kernel, and nothing is mounted over it. */
static bool is_of_gvisor(const char *path)
{
	return path_is_within(path, "/proc") || path_is_within(path, "/sys") ||
	       path_is_within(path, "/dev");
}

static bool is_listed(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(list[i], text))
			return true;
	}
	return false;
}

/* Those that gVisor's /dev has, and that mean the same there. */
static bool has_device(const char *path)
{
	static const char *const devices[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/random",  "/dev/urandom",
		"/dev/tty",  "/dev/ptmx", "/dev/fuse", "/dev/net/tun", "/dev/console",
	};

	return is_listed(devices, COUNT(devices), path);
}

/* Its /proc and /sys have nothing of the kind. */
static bool is_missing_there(const char *path)
{
	const char *const *masked = plan_masked_paths();
	size_t count = 0;

	while (masked[count])
		count++;
	return is_listed(masked, count, path);
}

static void compare_source(struct differences *differences,
			   const struct mount_entry *entry)
{
	struct stat status;

	if (entry->flags & MOUNT_F_FD || !entry->source ||
	    stat(entry->source, &status) < 0)
		return;
	if (S_ISSOCK(status.st_mode))
		add_named(differences, "the socket ", entry->dest,
			  " cannot be connected to");
	else if (S_ISFIFO(status.st_mode))
		add_named(differences, "the FIFO ", entry->dest, " cannot be opened");
	else if ((S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) &&
		 !has_device(entry->dest))
		add_named(differences, "the device ", entry->dest, " cannot be opened");
	else if (is_of_gvisor(entry->dest) && !has_device(entry->dest))
		add_named(differences, "", entry->dest, " is gVisor's own");
}

static void compare_entry(struct differences *differences,
			  const struct mount_entry *entry)
{
	switch (entry->kind) {
	case MOUNT_BIND:
		compare_source(differences, entry);
		return;
	case MOUNT_DEVICE:
		if (!has_device(entry->dest))
			add_named(differences, "the device ", entry->dest,
				  " cannot be opened");
		return;
	case MOUNT_MASK:
		if ((is_of_gvisor(entry->dest) || differences->of_bundle) &&
		    !is_missing_there(entry->dest))
			add_named(differences, "", entry->dest, " is not hidden");
		return;
	case MOUNT_PROC:
		if (entry->source && !strcmp(entry->source, "pids"))
			add(differences, "/proc has more than processes");
		return;
	case MOUNT_MQUEUE:
	case MOUNT_CGROUP:
		add_named(differences, "", entry->dest, " is not mounted");
		return;
	case MOUNT_COW:
	case MOUNT_OVERLAY:
	case MOUNT_FILE:
	case MOUNT_DATA:
	case MOUNT_SYMLINK:
		if (is_of_gvisor(entry->dest))
			add_named(differences, "", entry->dest, " is gVisor's own");
		return;
	case MOUNT_READONLY:
		if (!is_of_gvisor(entry->dest) && differences->of_bundle)
			add_named(differences, "", entry->dest, " is not read-only");
		return;
	case MOUNT_TMPFS:
	case MOUNT_SCRATCH:
	case MOUNT_SYSFS:
	case MOUNT_DEV:
	case MOUNT_REMOUNT_RO:
	case MOUNT_DIR:
	case MOUNT_CHMOD:
	case MOUNT_FILESYSTEM:
		return;
	}
}

static void compare_files(struct differences *differences)
{
	const struct rootfs_spec *rootfs = &differences->plan->rootfs;

	for (size_t i = 0; i < rootfs->mount_count; i++)
		compare_entry(differences, &rootfs->mounts[i]);
}

/* ---- the process ---- */

static void compare_limits(struct differences *differences)
{
	static const int kept[] = { RLIMIT_AS,    RLIMIT_NPROC,  RLIMIT_CPU,
				    RLIMIT_CORE,  RLIMIT_FSIZE,  RLIMIT_NOFILE,
				    RLIMIT_STACK, RLIMIT_MEMLOCK };
	const struct limits_spec *limits = &differences->plan->policy.limits;

	for (size_t i = 0; i < limits->rlimit_count; i++) {
		size_t j = 0;

		while (j < COUNT(kept) && kept[j] != limits->rlimits[i].resource)
			j++;
		if (j == COUNT(kept))
			add_named(differences, "",
				  rlimit_name(limits->rlimits[i].resource),
				  " is shown, but not kept");
	}
	if (limits->cgroup.pids)
		add(differences, "--pids also counts threads of gVisor's own");
}

static void compare_process(struct differences *differences)
{
	const struct plan *plan = differences->plan;
	struct arena *arena = &differences->plan->arena;

	if (plan->process.umask != GVISOR_UMASK)
		add(differences, arena_printf(arena, "the umask is %04o, not %04o",
					      (unsigned int)GVISOR_UMASK,
					      (unsigned int)plan->process.umask));
	if (plan->policy.caps.ambient)
		add(differences,
		    "the command is not root: at most its first program has capabilities");
	for (size_t i = 0; i < plan->namespaces.sysctl_count; i++)
		add_named(differences, "", plan->namespaces.sysctls[i].key,
			  " is not set");
}

/* ---- the policy ---- */

static int refuse_raw(struct error *err)
{
	error_set(err, ERROR_POLICY,
		  "use --seccomp with --runtime runsc: a raw program means the calls of "
		  "the host's kernel");
	return error_hint(err, "--seccomp FILE with OCI JSON, or --policy NAME");
}

static void compare_policy(struct differences *differences, unsigned int losses)
{
	const struct landlock_spec *landlock = &differences->plan->policy.landlock;

	if (losses & PROFILE_LOSES_ERRNO)
		add(differences, "the policy's errors are all EPERM");
	if (losses & PROFILE_LOSES_KILL)
		add(differences, "the policy kills a thread, not the process");
	if (losses & PROFILE_LOSES_LOG)
		add(differences, "the policy logs nothing");
	if (landlock->path_count || landlock->limits_bind || landlock->limits_connect)
		add(differences, "the policy's rules for Landlock do not hold");
}

/* The filter is gVisor's to load: ours would stop what runsc itself does. */
static int convert_policy(struct differences *differences, struct error *err)
{
	struct plan *plan = differences->plan;
	struct policy_spec *policy = &plan->policy;
	const struct profile_conditions conditions = {
		.caps = policy->caps.kept,
		.kernel = policy->kernel,
	};
	unsigned int losses = 0;

	if (!policy->profile)
		return policy->filter.program.count ? refuse_raw(err) : 0;
	plan->runtime.filter = profile_for_gvisor(policy->profile, &conditions,
						  &plan->arena, &losses, err);
	if (!plan->runtime.filter)
		return -1;
	memset(&policy->filter, 0, sizeof(policy->filter));
	compare_policy(differences, losses);
	return 0;
}

/* ---- what cannot be said ---- */

static bool is_utf8(const char *text)
{
	size_t size = strlen(text), length;
	uint32_t code;

	for (; size; text += length, size -= length) {
		length = text_utf8_length(text, size, &code);
		if (!length)
			return false;
	}
	return true;
}

/* A config.json holds UTF-8 alone (RFC 8259). */
static int check_text(const char *what, const char *text, struct error *err)
{
	if (is_utf8(text))
		return 0;
	return error_set(err, ERROR_RUNSC_START,
			 "start with --runtime runsc: %s %.100s is not UTF-8", what,
			 text);
}

static int check_texts(const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->process.argc; i++) {
		if (check_text("the argument", plan->process.argv[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < plan->process.env_count; i++) {
		if (check_text("the variable", plan->process.env[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		if (check_text("the path", plan->rootfs.mounts[i].dest, err) < 0)
			return -1;
	}
	return check_text("the directory", plan->process.cwd, err);
}

/* ---- the whole ---- */

static const char *join(const struct plan *plan, struct arena *arena)
{
	const char *const *at = plan->runtime.differences;
	const char *text = *at;

	while (*++at)
		text = arena_printf(arena, "%s; %s", text, *at);
	return text;
}

static void keep(struct differences *differences)
{
	if (!differences->count)
		return;
	add(differences, NULL);
	differences->plan->runtime.differences = differences->list;
}

static int tell(struct draft *draft, struct error *err)
{
	struct plan *plan = &draft->plan;
	const char *text;

	if (!plan->runtime.differences)
		return 0;
	text = join(plan, &plan->arena);
	if (plan->runtime.differences_refused) {
		error_set(err, ERROR_RUNSC_DIFFERENCE,
			  "keep all of the plan with gVisor: %.180s", text);
		return error_hint(err, "--differences warn");
	}
	add_note(draft, true, arena_printf(&plan->arena, "gVisor differs: %s", text));
	return 0;
}

static void compare(struct differences *differences)
{
	compare_files(differences);
	compare_process(differences);
	compare_limits(differences);
}

int expand_differences(struct draft *draft, struct error *err)
{
	struct differences differences = { .plan = &draft->plan };

	if (draft->plan.runtime.kind == RUNTIME_NATIVE)
		return 0;
	if (check_texts(&draft->plan, err) < 0)
		return -1;
	compare(&differences);
	if (convert_policy(&differences, err) < 0)
		return -1;
	keep(&differences);
	return tell(draft, err);
}

const char *plan_compare_bundle(struct plan *plan)
{
	struct differences differences = { .plan = plan, .of_bundle = true };

	compare(&differences);
	if (plan->policy.profile || plan->policy.filter.program.count)
		add(&differences,
		    "linux.seccomp is not passed on, for each of its errors "
		    "would be EPERM");
	if (plan->process.apparmor || plan->process.selinux)
		add(&differences, "no label of AppArmor or SELinux is set");
	keep(&differences);
	return differences.count ? join(plan, &plan->arena) : NULL;
}
