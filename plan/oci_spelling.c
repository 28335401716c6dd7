/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/oci_spelling.h"

#include <limits.h>
#include <string.h>

#include "plan/plan.h"

static const char *const log_formats[] = { "text", "json", NULL };

static const char *const runtimes[] = { "native", "runsc", NULL };

static const char *const gvisor_nets[] = { "netstack", "host", "none", NULL };

static const char *const landlock_modes[] = { "off", "auto", "require", NULL };

const char *const oci_root_kinds[] = { "host",  "directory", "empty",
				       "image", "served",    NULL };
const char *const oci_root_modes[] = { "cow", "ro", "rw", NULL };

#define FIELD(member) offsetof(struct plan, member)

/* clang-format off */
static const struct oci_field fields[] = {
	{ "sbx.hostname_optional", OCI_BOOL, FIELD(namespaces.hostname_optional), 0, 0, 0, NULL },
	{ "sbx.best_effort_limits", OCI_BOOL, FIELD(policy.limits.cgroup.best_effort), 0, 0, 0, NULL },
	{ "sbx.keep_groups", OCI_BOOL, FIELD(ids.keep_groups), 0, 0, 0, NULL },
	{ "sbx.emulate_root", OCI_BOOL, FIELD(policy.emulate_root), 0, 0, 0, NULL },
	{ "sbx.image", OCI_TEXT, FIELD(image.operand), 0, 0, 0, NULL },
	{ "sbx.image.no_cache", OCI_BOOL, FIELD(image.no_cache), 0, 0, 0, NULL },
	{ "sbx.image.cache_size", OCI_U64, FIELD(image.cache_size), 0, 0, 0, NULL },
	{ "sbx.image.signature", OCI_TEXT, FIELD(image.signature), 0, 0, 0, NULL },
	{ "sbx.image.insecure", OCI_BOOL, FIELD(image.insecure), 0, 0, 0, NULL },
	{ "sbx.image.squash", OCI_BOOL, FIELD(image.squash), 0, 0, 0, NULL },
	{ "sbx.upper", OCI_TEXT, FIELD(rootfs.upper), 0, 0, 0, NULL },
	{ "sbx.scratch_size", OCI_U64, FIELD(rootfs.scratch_size), 0, 0, 0, NULL },
	{ "sbx.env_home", OCI_BOOL, FIELD(process.env_home), 0, 0, 0, NULL },
	{ "sbx.user_name", OCI_TEXT, FIELD(process.user_name), 0, 0, 0, NULL },
	{ "sbx.gid_given", OCI_BOOL, FIELD(process.gid_given), 0, 0, 0, NULL },
	{ "sbx.policy", OCI_TEXT, FIELD(policy.operand), 0, 0, 0, NULL },
	{ "sbx.policy_by_libseccomp", OCI_BOOL, FIELD(policy.by_libseccomp), 0, 0, 0, NULL },
	{ "sbx.explains", OCI_BOOL, FIELD(policy.explains), 0, 0, 0, NULL },
	{ "sbx.denials", OCI_TEXT, FIELD(policy.denials), 0, 0, 0, NULL },
	{ "sbx.landlock", OCI_CHOICE, FIELD(policy.landlock.mode), 0, 0, 0, landlock_modes },
	{ "sbx.landlock_abi", OCI_INT, FIELD(policy.landlock.least_abi), 0, 0, 1000, NULL },
	{ "sbx.net.relay_off", OCI_BOOL, FIELD(net.relay_off), 0, 0, 0, NULL },
	{ "sbx.net.ip6_off", OCI_BOOL, FIELD(net.ip6_off), 0, 0, 0, NULL },
	{ "sbx.net.no_resolv", OCI_BOOL, FIELD(net.no_resolv), 0, 0, 0, NULL },
	{ "sbx.net.log", OCI_TEXT, FIELD(net.log_file), 0, 0, 0, NULL },
	{ "sbx.net.pcap", OCI_TEXT, FIELD(net.pcap_file), 0, 0, 0, NULL },
	{ "sbx.net.rate", OCI_U64, FIELD(net.rate), 0, 0, 0, NULL },
	{ "sbx.stdin_open", OCI_BOOL, FIELD(process.stdin_open), 0, 0, 0, NULL },
	{ "sbx.stdin_null", OCI_BOOL, FIELD(process.stdin_null), 0, 0, 0, NULL },
	{ "sbx.no_init", OCI_BOOL, FIELD(process.no_init), 0, 0, 0, NULL },
	{ "sbx.time_from_zero", OCI_BOOL, FIELD(namespaces.time_from_zero), 0, 0, 0, NULL },
	{ "sbx.fixed_addresses", OCI_BOOL, FIELD(process.fixed_addresses), 0, 0, 0, NULL },
	{ "sbx.one_processor", OCI_BOOL, FIELD(process.one_processor), 0, 0, 0, NULL },
	{ "sbx.runtime", OCI_CHOICE, FIELD(runtime.kind), 0, 0, 0, runtimes },
	{ "sbx.gvisor_net", OCI_CHOICE, FIELD(runtime.net), 0, 0, 0, gvisor_nets },
	{ "sbx.differences_refused", OCI_BOOL, FIELD(runtime.differences_refused), 0, 0, 0, NULL },
	{ "sbx.runsc", OCI_TEXT, FIELD(runtime.runsc), 0, 0, 0, NULL },
	{ "sbx.runsc_pin", OCI_TEXT, FIELD(runtime.pin), 0, 0, 0, NULL },
	{ "sbx.record", OCI_TEXT, FIELD(life.record), 0, 0, 0, NULL },
	{ "sbx.expect", OCI_TEXT, FIELD(life.expect), 0, 0, 0, NULL },
	{ "sbx.repeat", OCI_INT, FIELD(life.repeat), 0, 2, REPEAT_MAX, NULL },
	{ "sbx.stop_signal", OCI_INT, FIELD(process.stop_signal), 15, 1, 64, NULL },
	{ "sbx.detach", OCI_BOOL, FIELD(life.detach), 0, 0, 0, NULL },
	{ "sbx.name", OCI_TEXT, FIELD(life.name), 0, 0, 0, NULL },
	{ "sbx.pid_file", OCI_TEXT, FIELD(life.pid_file), 0, 0, 0, NULL },
	{ "sbx.log", OCI_TEXT, FIELD(life.log), 0, 0, 0, NULL },
	{ "sbx.ready_fd", OCI_INT, FIELD(life.ready_fd), -1, -1, INT_MAX, NULL },
	{ "sbx.status_fd", OCI_INT, FIELD(life.status_fd), -1, -1, INT_MAX, NULL },
	{ "sbx.stats", OCI_BOOL, FIELD(life.stats), 0, 0, 0, NULL },
	{ "sbx.stats_file", OCI_TEXT, FIELD(life.stats_file), 0, 0, 0, NULL },
	{ "sbx.timeout_ms", OCI_U64, FIELD(life.timeout_ms), 0, 0, 0, NULL },
	{ "sbx.kill_after_ms", OCI_U64, FIELD(life.kill_after_ms), 10000, 0, 0, NULL },
	{ "sbx.die_with_parent", OCI_BOOL, FIELD(life.die_with_parent), 0, 0, 0, NULL },
	{ "sbx.dry_run", OCI_BOOL, FIELD(life.dry_run), 0, 0, 0, NULL },
	{ "sbx.log_format", OCI_CHOICE, FIELD(life.log_format), 0, 0, 0, log_formats },
};
/* clang-format on */

const struct oci_field *oci_fields(size_t *ret_count)
{
	*ret_count = sizeof(fields) / sizeof(fields[0]);
	return fields;
}

const struct oci_field *oci_field_find(const char *annotation)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!strcmp(fields[i].name, annotation))
			return &fields[i];
	}
	return NULL;
}

int oci_choice(const char *const *choices, const char *word)
{
	for (int i = 0; choices[i]; i++) {
		if (!strcmp(choices[i], word))
			return i;
	}
	return -1;
}

static const char *const namespace_types[] = {
	[NS_USER] = "user",   [NS_MOUNT] = "mount", [NS_PID] = "pid",
	[NS_IPC] = "ipc",     [NS_UTS] = "uts",     [NS_CGROUP] = "cgroup",
	[NS_NET] = "network", [NS_TIME] = "time",   [NS_COUNT] = NULL,
};

const char *oci_namespace_type(enum ns_kind kind)
{
	return namespace_types[kind];
}

enum ns_kind oci_namespace_kind(const char *type)
{
	int kind = oci_choice(namespace_types, type);

	return kind < 0 ? NS_COUNT : (enum ns_kind)kind;
}

/* ---- mounts ------------------------------------------------------------------------- */

/*
 * Of two rows of a kind the one that stands for a source comes first. An option that is
 * implied must not be a flag in the spelling of its row, or it could not be told apart:
 * hence "rro" where the flags are plain.
 */
/* clang-format off */
static const struct oci_mount_row mount_rows[] = {
	{ MOUNT_BIND, "bind", "bind", NULL, NULL, OCI_CARRIES_SOURCE, true, { "rbind" } },
	{ MOUNT_COW, "cow", "bind", NULL, NULL, OCI_CARRIES_SOURCE, false, { "rbind", "rro" } },
	{ MOUNT_OVERLAY, "overlay", "overlay", "overlay", NULL, OCI_CARRIES_LAYERS, false, { NULL } },
	{ MOUNT_TMPFS, "tmpfs", "tmpfs", "tmpfs", NULL, OCI_CARRIES_MODE | OCI_CARRIES_SIZE, false, { NULL } },
	{ MOUNT_SCRATCH, "scratch", "tmpfs", "tmpfs", NULL, OCI_CARRIES_MODE, false, { NULL } },
	{ MOUNT_PROC, "proc-pids", "proc", "proc", "pids", 0, false, { "subset=pid" } },
	{ MOUNT_PROC, "proc-host", "bind", "/proc", "host", 0, true, { "rbind" } },
	{ MOUNT_PROC, "proc", "proc", "proc", NULL, 0, false, { NULL } },
	{ MOUNT_SYSFS, "sysfs", "sysfs", "sysfs", NULL, 0, false, { NULL } },
	{ MOUNT_DEV, "dev", "tmpfs", "tmpfs", NULL, 0, false, { "strictatime", "mode=755" } },
	{ MOUNT_MQUEUE, "mqueue", "mqueue", "mqueue", NULL, 0, false, { NULL } },
	{ MOUNT_CGROUP, "cgroup", "cgroup", "cgroup", NULL, 0, false, { NULL } },
	{ MOUNT_MASK, "mask", "tmpfs", "tmpfs", NULL, 0, false, { "rro" } },
	{ MOUNT_READONLY, "readonly", "none", "none", NULL, 0, false, { "remount", "rbind", "rro" } },
	{ MOUNT_DIR, "dir", "tmpfs", "tmpfs", NULL, OCI_CARRIES_MODE, false, { NULL } },
	{ MOUNT_FILE, "file", "bind", "/dev/null", NULL, 0, true, { "rbind" } },
	{ MOUNT_DATA, "data", "bind", "/dev/null", NULL, 0, true, { "rbind" } },
	{ MOUNT_SYMLINK, "symlink", "none", NULL, NULL, OCI_CARRIES_SOURCE, false, { NULL } },
	{ MOUNT_CHMOD, "chmod", "none", "none", NULL, 0, false, { NULL } },
};
/* clang-format on */

enum { MOUNT_ROWS = sizeof(mount_rows) / sizeof(mount_rows[0]) };

const struct oci_mount_row *oci_mount_row_for(const struct mount_entry *entry)
{
	for (size_t i = 0; i < MOUNT_ROWS; i++) {
		const struct oci_mount_row *row = &mount_rows[i];

		if (row->kind != entry->kind)
			continue;
		if (!row->stands_for ||
		    (entry->source && !strcmp(row->stands_for, entry->source)))
			return row;
	}
	return NULL;
}

const struct oci_mount_row *oci_mount_row_named(const char *name)
{
	for (size_t i = 0; i < MOUNT_ROWS; i++) {
		if (!strcmp(mount_rows[i].name, name))
			return &mount_rows[i];
	}
	return NULL;
}

static bool has_word(const char *const *words, const char *word)
{
	return words && oci_choice(words, word) >= 0;
}

const struct oci_mount_row *oci_mount_row_of(const char *type, const char *destination,
					     const char *const *options)
{
	static const char *const same_name[] = { "tmpfs",  "proc",    "sysfs",
						 "mqueue", "overlay", NULL };

	if (has_word(options, "bind") || has_word(options, "rbind"))
		return oci_mount_row_named("bind");
	if (!type)
		return NULL;
	if (!strcmp(type, "bind"))
		return oci_mount_row_named("bind");
	if (!strcmp(type, "tmpfs") && !strcmp(destination, "/dev"))
		return oci_mount_row_named("dev");
	if (!strcmp(type, "proc") && has_word(options, "subset=pid"))
		return oci_mount_row_named("proc-pids");
	if (!strcmp(type, "cgroup") || !strcmp(type, "cgroup2"))
		return oci_mount_row_named("cgroup");
	return has_word(same_name, type) ? oci_mount_row_named(type) : NULL;
}

static const struct flag_word {
	unsigned int flag;
	const char *plain, *recursive;
} flag_words[] = {
	{ MOUNT_F_RDONLY, "ro", "rro" },
	{ MOUNT_F_NOSUID, "nosuid", "rnosuid" },
	{ MOUNT_F_NODEV, "nodev", "rnodev" },
	{ MOUNT_F_NOEXEC, "noexec", "rnoexec" },
};

const char *oci_flag_word(unsigned int flag, bool recursive)
{
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++) {
		if (flag_words[i].flag == flag)
			return recursive ? flag_words[i].recursive : flag_words[i].plain;
	}
	return NULL;
}

unsigned int oci_flag_of(const char *word)
{
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++) {
		if (!strcmp(word, flag_words[i].plain) ||
		    !strcmp(word, flag_words[i].recursive))
			return flag_words[i].flag;
	}
	return 0;
}

char *oci_escape_layer(const char *path, struct arena *arena)
{
	char *text = arena_alloc(arena, strlen(path) * 2 + 1);
	char *to = text;

	for (; *path; path++) {
		if (strchr("\\:,", *path))
			*to++ = '\\';
		*to++ = *path;
	}
	return text;
}

char *oci_next_layer(const char **list, struct arena *arena)
{
	const char *end = *list;
	char *text, *to;

	while (*end && *end != ':')
		end += *end == '\\' && end[1] ? 2 : 1;
	text = to = arena_alloc(arena, (size_t)(end - *list) + 1);
	for (const char *from = *list; from < end; from++) {
		if (*from == '\\' && from + 1 < end)
			from++;
		*to++ = *from;
	}
	*list = *end ? end + 1 : NULL;
	return text;
}

bool oci_is_plain_cover(const struct mount_entry *entry, enum mount_kind kind)
{
	return entry->kind == kind && entry->flags == MOUNT_F_OPTIONAL &&
	       !entry->source && !entry->mode && !entry->size && !entry->lower_count &&
	       !entry->upper && !entry->work && !entry->content_size;
}
