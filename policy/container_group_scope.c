/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group that systemd makes: a scope of the system's manager for root, else of the user's.
 * systemd starts no scope without a process, and the container has none yet when its group is
 * made: sbx-scope lives in the scope until the container does, held by its standard input.
 * On v1 systemd makes its own hierarchy; the others follow its path.
 *
 * The limits are properties of the scope as well as files, or systemd would take them back
 * when it is reloaded. sbx-scope reads properties as annotations write them, "NAME=VALUE",
 * VALUE in the text form of GVariant.
 */
#include "policy/group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/key_value.h"
#include "base/text.h"
#include "policy/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "sbx-scope"

enum { WORDS_MAX = 96, CPUS_MAX = 8192 };

/* ---- words for sbx-scope ----------------------------------------------------------------- */

struct words {
	struct arena *arena;
	const char *words[WORDS_MAX + 1];
	size_t count;
};

static void add_word(struct words *words, const char *word)
{
	if (words->count < WORDS_MAX)
		words->words[words->count++] = word;
}

static void add_number(struct words *words, const char *name, uint64_t value)
{
	add_word(words, arena_printf(words->arena, "%s=uint64 %llu", name,
				     (unsigned long long)value));
}

static bool is_given(const struct cgroup_number *number)
{
	return number->given && number->value != 0;
}

/* Per second of time, in steps of ten milliseconds, as systemd keeps it. */
static void add_quota(struct words *words, const struct cgroup_resources *resources)
{
	const uint64_t period =
		is_given(&resources->cpu_period) ? resources->cpu_period.value : 100000;
	const uint64_t quota = resources->cpu_quota.value;
	uint64_t share = UINT64_MAX;

	if (!is_given(&resources->cpu_quota) && !is_given(&resources->cpu_period))
		return;
	if (is_given(&resources->cpu_quota)) {
		if (quota != UINT64_MAX && quota < UINT64_MAX / 1000000)
			share = (quota * 1000000 / period + 9999) / 10000 * 10000;
		add_number(words, "CPUQuotaPerSecUSec", share);
	}
	add_number(words, "CPUQuotaPeriodUSec", period);
}

/* A mask, the lowest processor first. */
static void add_set(struct words *words, const char *name, const char *list)
{
	struct cpu_set set;
	char text[6 * CPUS_MAX / 8 + 16];
	size_t used, last = 0;

	if (!list || !*list || cpu_set_parse(list, &set) < 0)
		return;
	for (size_t i = 0; i < CPUS_MAX / 8; i++) {
		if (set.bits[i / 8] >> i % 8 * 8 & 0xff)
			last = i;
	}
	used = (size_t)snprintf(text, sizeof(text), "[byte ");
	for (size_t i = 0; i <= last; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "0x%02x%s",
			(unsigned int)(set.bits[i / 8] >> i % 8 * 8 & 0xff),
			i == last ? "]" : ", ");
	add_word(words, arena_printf(words->arena, "%s=%s", name, text));
}

static void add_new_limits(struct words *words, const struct cgroup_resources *resources)
{
	const struct cgroup_number *memory = &resources->memory;
	const struct cgroup_number *swap = &resources->memory_swap;

	if (is_given(memory))
		add_number(words, "MemoryMax", memory->value);
	if (is_given(&resources->memory_reservation))
		add_number(words, "MemoryLow", resources->memory_reservation.value);
	if (is_given(swap) && swap->value == UINT64_MAX)
		add_number(words, "MemorySwapMax", UINT64_MAX);
	else if (is_given(swap) && is_given(memory) && swap->value >= memory->value)
		add_number(words, "MemorySwapMax", swap->value - memory->value);
	if (is_given(&resources->cpu_shares))
		add_number(words, "CPUWeight",
			   group_weight_of_shares(resources->cpu_shares.value));
	if (is_given(&resources->io_weight))
		add_number(words, "IOWeight",
			   group_io_weight(resources->io_weight.value));
	add_set(words, "AllowedCPUs", resources->cpus);
	add_set(words, "AllowedMemoryNodes", resources->mems);
}

static void add_old_limits(struct words *words, const struct cgroup_resources *resources)
{
	if (is_given(&resources->memory))
		add_number(words, "MemoryLimit", resources->memory.value);
	if (is_given(&resources->cpu_shares))
		add_number(words, "CPUShares", resources->cpu_shares.value);
	if (is_given(&resources->io_weight))
		add_number(words, "BlockIOWeight", resources->io_weight.value);
}

static void add_limits(struct words *words, const struct cgroup_resources *resources,
		       bool unified)
{
	if (!resources)
		return;
	if (unified)
		add_new_limits(words, resources);
	else
		add_old_limits(words, resources);
	add_quota(words, resources);
	if (is_given(&resources->pids))
		add_number(words, "TasksMax", resources->pids.value);
}

/* ---- whose manager ----------------------------------------------------------------------- */

/* The runtime directory of the user's manager in room; NULL: the system's. */
static int find_manager(bool user, char room[PATH_MAX], const char **ret_runtime,
			struct error *err)
{
	*ret_runtime = NULL;
	if (!user)
		return 0;
	cgroup_systemd_runtime(room);
	if (room[0]) {
		*ret_runtime = room;
		return 0;
	}
	error_set(err, ERROR_CGROUP,
		  "get a cgroup from systemd: no manager of this user "
		  "runs");
	return error_hint(err, "log in, or sudo loginctl enable-linger, and set "
			       "XDG_RUNTIME_DIR=/run/user/UID; or --cgroup-manager "
			       "cgroupfs");
}

static int run(struct words *words, const char *runtime, bool holds,
	       struct scope_run *ret_run, struct error *err)
{
	*ret_run = (struct scope_run){
		.words = words->words,
		.runtime = runtime,
		.holds = holds,
	};
	words->words[words->count] = NULL;
	if (cgroup_run_scope(ret_run, err) == 0)
		return 0;
	return error_hint(err, "systemctl status shows whether systemd runs; or "
			       "--cgroup-manager cgroupfs");
}

/* ---- names ------------------------------------------------------------------------------- */

struct unit {
	const char *slice, *name;
};

static bool is_unit_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789:-_.\\@";

	return *name && !name[strspn(name, letters)] && strlen(name) < NAME_MAX;
}

/* "slice:prefix:name"; nothing: the usual slice, and the id. */
static int read_path(const struct group_want *want, bool user, struct arena *arena,
		     struct unit *ret_unit, struct error *err)
{
	const char *path = want->path && *want->path
				   ? want->path
				   : arena_printf(arena, ":sbx-oci:%s", want->id);
	const char *prefix = strchr(path, ':');
	const char *name = prefix ? strchr(prefix + 1, ':') : NULL;
	const char *slice;

	if (!name || strchr(name + 1, ':') || !name[1]) {
		error_set(err, ERROR_CGROUP,
			  "use the cgroupsPath %s: systemd wants slice:prefix:name",
			  path);
		return error_hint(err, "system.slice:sbx-oci:NAME; or --cgroup-manager "
				       "cgroupfs for a path");
	}
	slice = prefix == path ? user ? "user.slice" : "system.slice"
			       : arena_strndup(arena, path, (size_t)(prefix - path));
	ret_unit->slice = slice;
	ret_unit->name = arena_printf(arena, "%.*s%s%s.scope", (int)(name - prefix - 1),
				      prefix + 1, name - prefix > 1 ? "-" : "", name + 1);
	if (is_unit_name(ret_unit->slice) && is_unit_name(ret_unit->name) &&
	    strstr(ret_unit->slice, ".slice"))
		return 0;
	return error_set(err, ERROR_CGROUP,
			 "use the cgroupsPath %s: %s and %s are no names of units", path,
			 ret_unit->slice, ret_unit->name);
}

/* ---- the scope --------------------------------------------------------------------------- */

static int start_scope(const struct group_want *want, const struct unit *unit,
		       bool unified, struct arena *arena, struct container_group *group,
		       struct error *err)
{
	struct words words = { .arena = arena };
	char room[PATH_MAX];
	const char *runtime;
	struct scope_run holder;

	if (find_manager(group->user_manager, room, &runtime, err) < 0)
		return -1;
	add_word(&words, PROGRAM);
	add_word(&words, "hold");
	add_word(&words, runtime ? "user" : "system");
	add_word(&words, unit->name);
	add_word(&words, unit->slice);
	add_limits(&words, want->resources, unified);
	for (size_t i = 0; i < want->systemd_property_count; i++)
		add_word(&words,
			 arena_printf(arena, "%s=%s", want->systemd_properties[i].key,
				      want->systemd_properties[i].value));
	if (run(&words, runtime, true, &holder, err) < 0)
		return -1;
	group->scope = unit->name;
	group->holder = holder.pid;
	group->holding = holder.holding;
	return 0;
}

static const char *path_of_holder(pid_t holder, bool unified, struct arena *arena)
{
	char *path = arena_alloc(arena, PATH_MAX);
	char name[40];
	FILE *table;
	int failed;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", holder);
	table = fopen(name, "re");
	if (!table)
		return NULL;
	failed = cgroup_own_path(table, unified ? NULL : "name=systemd", path);
	(void)fclose(table);
	return failed ? NULL : path;
}

/* Not a part of the machine's root: who maps ids only has the user's manager. */
static bool is_of_user(void)
{
	char map[64];

	if (geteuid() != 0 ||
	    files_read(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map) - 1) < 0)
		return true;
	return !strstr(map, "4294967295");
}

int group_make_scope(const struct group_want *want, struct arena *arena,
		     struct container_group *group, struct error *err)
{
	const struct group_places *places = group_places_of(want, arena);
	const struct hierarchy *hierarchies = places->list;
	const size_t count = places->count;
	const char *path;
	struct unit unit = { NULL, NULL };

	group->unified = count == 1 && !*hierarchies[0].controllers;
	group->user_manager = is_of_user();
	if (read_path(want, group->user_manager, arena, &unit, err) < 0 ||
	    start_scope(want, &unit, group->unified, arena, group, err) < 0)
		return -1;
	path = path_of_holder(group->holder, group->unified, arena);
	if (!path)
		return error_set(err, ERROR_CGROUP, "find the cgroup of %s", unit.name);
	for (size_t i = 0; i < count; i++) {
		if (group_add_part(group, &hierarchies[i], hierarchies[i].top, path,
				   false, arena, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- later ------------------------------------------------------------------------------- */

static int tell(const struct container_group *group, struct words *words,
		struct error *err)
{
	char room[PATH_MAX];
	const char *runtime;
	struct scope_run done;

	if (find_manager(group->user_manager, room, &runtime, err) < 0)
		return -1;
	words->words[2] = runtime ? "user" : "system";
	return run(words, runtime, false, &done, err);
}

int group_scope_limits(const struct container_group *group,
		       const struct cgroup_resources *resources, struct error *err)
{
	struct arena arena = { 0 };
	struct words words = { .arena = &arena,
			       .words = { PROGRAM, "set", "", group->scope },
			       .count = 4 };
	int failed = 0;

	/* A new scope was started with them. */
	if (group->holder > 0)
		return 0;
	add_limits(&words, resources, group->unified);
	if (words.count > 4)
		failed = tell(group, &words, err);
	arena_free(&arena);
	return failed;
}

/*
 * From a group that is not the user's only systemd may move a process into one that is
 * (cgroups(7), "Cgroup delegation").
 */
int group_attach_scope(const struct container_group *group, pid_t pid, struct error *err)
{
	struct arena arena = { 0 };
	struct words words = { .arena = &arena,
			       .words = { PROGRAM, "attach", "", group->scope },
			       .count = 4 };
	int failed;

	add_word(&words, arena_printf(&arena, "%d", pid));
	failed = tell(group, &words, err);
	arena_free(&arena);
	return failed;
}

int group_stop_scope(const struct container_group *group, struct error *err)
{
	struct words words = { .words = { PROGRAM, "stop", "", group->scope },
			       .count = 4 };

	return tell(group, &words, err);
}
