/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resources of a container's configuration into the files of its group. Nothing is
 * dropped in silence: what was written is read back, and where a file is missing, only the
 * value that the kernel has anyway does not fail (engines send cpu.shares 1024 always).
 * Zero means "not set" where no limit can be zero, as engines send it.
 */
#include "policy/group.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "policy/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one file -------------------------------------------------------------------------- */

bool group_find_knob(const struct applying *applying, const struct knob *knob,
		     struct place *ret_place)
{
	bool old;
	const struct container_group_part *part = group_part_of(
		applying->group, knob->old_controller, knob->controller, &old);

	if (!part)
		return false;
	*ret_place = (struct place){ part->dir, old ? knob->old_file : knob->file, old };
	return ret_place->file && faccessat(part->dir, ret_place->file, F_OK, 0) == 0;
}

int group_fail_knob(const struct applying *applying, const struct knob *knob,
		    const struct place *place, const char *value)
{
	return group_error(applying->err, "set linux.resources.%s: write %s to %s",
			   knob->member, value, place->file);
}

#define OR_BEST_EFFORT "; or --cgroups best-effort"

static int refuse_value(const struct applying *applying, const struct knob *knob,
			const char *value, const char *present)
{
	error_set(applying->err, ERROR_CGROUP,
		  "set linux.resources.%s to %s: the kernel made it %.60s", knob->member,
		  value, *present ? present : "nothing");
	return error_hint(applying->err,
			  "give a value that this kernel takes in %s" OR_BEST_EFFORT,
			  knob->file ? knob->file : knob->old_file);
}

/* What v1 has for no limit: as many pages as a signed number counts. */
static bool is_unlimited(uint64_t value)
{
	return value >= (uint64_t)INT64_MAX / 65536 * 65536;
}

static int parse_limit(const char *text, uint64_t *ret_value)
{
	if (strcmp(text, "max") == 0 || strcmp(text, "-1") == 0) {
		*ret_value = UINT64_MAX;
		return 0;
	}
	if (text_to_u64(text, 10, ret_value) < 0)
		return -1;
	if (is_unlimited(*ret_value))
		*ret_value = UINT64_MAX;
	return 0;
}

int group_read_limit(int dir, const char *file, uint64_t *ret_value)
{
	char text[64];

	if (files_read(dir, file, text, sizeof(text) - 1) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	return parse_limit(text, ret_value);
}

static bool is_same(const struct knob *knob, uint64_t present, uint64_t wanted)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (present == wanted || (is_unlimited(present) && is_unlimited(wanted)))
		return true;
	return (text_starts_with(knob->member, "memory") ||
		text_starts_with(knob->member, "unified")) &&
	       present == wanted / page * page;
}

static void spell(const struct place *place, uint64_t value, char text[24])
{
	const bool is_max = !place->old || strcmp(place->file, "pids.max") == 0;

	if (value == UINT64_MAX)
		snprintf(text, 24, "%s", is_max ? "max" : "-1");
	else
		snprintf(text, 24, "%llu", (unsigned long long)value);
}

int group_put_number(const struct applying *applying, const struct knob *knob,
		     uint64_t value)
{
	struct place place = { -1, NULL, false };
	const bool found = group_find_knob(applying, knob, &place);
	uint64_t present;
	char text[24], shown[24];

	if (!found && is_same(knob, knob->usual, value))
		return 0;
	spell(&place, value, text);
	if (!found)
		return group_refuse_knob(applying, knob, text);
	if (group_read_limit(place.dir, place.file, &present) == 0 &&
	    is_same(knob, present, value))
		return 0;
	if (files_write(place.dir, place.file, text) < 0 ||
	    group_read_limit(place.dir, place.file, &present) < 0)
		return group_fail_knob(applying, knob, &place, text);
	if (is_same(knob, present, value))
		return 0;
	spell(&place, present, shown);
	return refuse_value(applying, knob, text, shown);
}

/* The line of a table that begins with the first word of shown. */
static const char *find_line(char *table, const char *shown)
{
	const size_t length = strcspn(shown, " ");
	char *save, *line;

	for (line = strtok_r(table, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, shown, length) == 0 &&
		    (line[length] == ' ' || !line[length]))
			return line;
	}
	return "";
}

int group_put_line(const struct applying *applying, const struct knob *knob,
		   const char *text, const char *shown)
{
	struct place place;
	char table[GROUP_VALUE_MAX + 1];
	const char *line;

	if (!group_find_knob(applying, knob, &place))
		return group_refuse_knob(applying, knob, text);
	if (files_write(place.dir, place.file, text) < 0 ||
	    files_read(place.dir, place.file, table, GROUP_VALUE_MAX) < 0)
		return group_fail_knob(applying, knob, &place, text);
	line = find_line(table, shown);
	if (strcmp(line, shown) == 0)
		return 0;
	return refuse_value(applying, knob, text, line);
}

/* ---- why a file is missing ------------------------------------------------------------- */

static bool lists(int dir, const char *file, const char *word)
{
	char list[1024];
	char *save, *next;

	if (files_read(dir, file, list, sizeof(list) - 1) < 0)
		return false;
	for (next = strtok_r(list, " \n", &save); next;
	     next = strtok_r(NULL, " \n", &save)) {
		if (strcmp(next, word) == 0)
			return true;
	}
	return false;
}

static int refuse_without_group(const struct applying *applying, const struct knob *knob,
				const char *value)
{
	const char *controller =
		knob->controller ? knob->controller : knob->old_controller;

	if (applying->group->manager == GROUP_DISABLED)
		return error_set(applying->err, ERROR_CGROUP,
				 "set linux.resources.%s to %s: cgroups are disabled",
				 knob->member, value);
	error_set(
		applying->err, ERROR_CGROUP,
		"set linux.resources.%s to %s: no cgroup here is this user's, so there is "
		"no controller %s",
		knob->member, value, controller);
	return error_hint(
		applying->err,
		"--systemd-cgroup, or systemd-run --user --scope -p Delegate=yes, "
		"on a machine with cgroup v2" OR_BEST_EFFORT);
}

int group_refuse_knob(const struct applying *applying, const struct knob *knob,
		      const char *value)
{
	const struct container_group_part *part = group_new_part(applying->group);
	bool old;

	if (!group_is_there(applying->group))
		return refuse_without_group(applying, knob, value);
	if (group_part_of(applying->group, knob->old_controller, NULL, &old)) {
		error_set(
			applying->err, ERROR_CGROUP,
			"set linux.resources.%s to %s: the controller %s of cgroup v1 has "
			"no file for it here",
			knob->member, value, knob->old_controller);
		return error_hint(applying->err, "leave it out" OR_BEST_EFFORT);
	}
	if (!knob->controller) {
		error_set(
			applying->err, ERROR_CGROUP,
			"set linux.resources.%s to %s: the controller %s of cgroup v1 is "
			"not here, and v2 has nothing like it",
			knob->member, value, knob->old_controller);
		return error_hint(applying->err, "leave it out" OR_BEST_EFFORT);
	}
	if (part && lists(part->dir, "cgroup.controllers", knob->controller)) {
		error_set(applying->err, ERROR_CGROUP,
			  "set linux.resources.%s to %s: the controller %s has no %s in "
			  "this kernel",
			  knob->member, value, knob->controller, knob->file);
		return error_hint(applying->err, "leave it out" OR_BEST_EFFORT);
	}
	error_set(
		applying->err, ERROR_CGROUP,
		"set linux.resources.%s to %s: the cgroup does not get the controller %s "
		"from above",
		knob->member, value, knob->controller);
	return error_hint(applying->err,
			  "sudo systemctl edit user@.service, with [Service] and "
			  "Delegate=cpu cpuset io memory pids; or echo +%s into "
			  "cgroup.subtree_control above" OR_BEST_EFFORT,
			  knob->controller);
}

/* ---- plain numbers --------------------------------------------------------------------- */

static const struct number {
	size_t offset;
	bool zero_is_unset, zero_is_unlimited;
	struct knob knob;
} numbers[] = {
#define MEMBER(name) offsetof(struct cgroup_resources, name)
	{ MEMBER(memory_reservation),
	  true,
	  false,
	  { "memory.reservation", "memory", "memory.soft_limit_in_bytes", "memory",
	    "memory.low", UINT64_MAX } },
	{ MEMBER(memory_kernel),
	  true,
	  false,
	  { "memory.kernel", "memory", "memory.kmem.limit_in_bytes", NULL, NULL,
	    UINT64_MAX } },
	{ MEMBER(memory_kernel_tcp),
	  true,
	  false,
	  { "memory.kernelTCP", "memory", "memory.kmem.tcp.limit_in_bytes", NULL, NULL,
	    UINT64_MAX } },
	{ MEMBER(swappiness),
	  false,
	  false,
	  { "memory.swappiness", "memory", "memory.swappiness", NULL, NULL, 60 } },
	{ MEMBER(cpu_rt_period),
	  true,
	  false,
	  { "cpu.realtimePeriod", "cpu", "cpu.rt_period_us", NULL, NULL, 1000000 } },
	{ MEMBER(cpu_rt_runtime),
	  false,
	  false,
	  { "cpu.realtimeRuntime", "cpu", "cpu.rt_runtime_us", NULL, NULL, 0 } },
	{ MEMBER(pids),
	  false,
	  true,
	  { "pids.limit", "pids", "pids.max", "pids", "pids.max", UINT64_MAX } },
	{ MEMBER(io_leaf_weight),
	  true,
	  false,
	  { "blockIO.leafWeight", "blkio", "blkio.leaf_weight", NULL, NULL, 500 } },
#undef MEMBER
};

static int apply_number(const struct applying *applying, const struct number *number)
{
	const struct cgroup_number *given =
		(const struct cgroup_number *)((const char *)applying->resources +
					       number->offset);

	if (!given->given || (number->zero_is_unset && given->value == 0))
		return 0;
	return group_put_number(applying, &number->knob,
				number->zero_is_unlimited && given->value == 0
					? UINT64_MAX
					: given->value);
}

/* ---- all ------------------------------------------------------------------------------- */

/* Devices before all: who cannot be kept from them gets nothing at all. */
static int (*const steps[])(const struct applying *applying) = {
	group_apply_devices,    group_apply_memory, group_apply_oom_killer,
	group_apply_shares,     group_apply_quota,  group_apply_idle,
	group_apply_cpuset,     group_apply_io,     group_apply_io_rules,
	group_apply_huge_pages, group_apply_rdma,   group_apply_network,
	group_apply_unified,
};

/* What went wrong first, and whether to go on. */
struct outcome {
	bool best_effort, failed;
	struct error *err;
};

static bool goes_on(struct outcome *outcome, int result, const struct error *why)
{
	if (result == 0)
		return true;
	if (!outcome->failed)
		*outcome->err = *why;
	outcome->failed = true;
	return outcome->best_effort;
}

static int apply_all(const struct applying *applying, struct outcome *outcome)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (!goes_on(outcome, apply_number(applying, &numbers[i]), applying->err))
			return -1;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (!goes_on(outcome, steps[i](applying), applying->err))
			return -1;
	}
	return outcome->failed;
}

int group_apply(const struct container_group *group,
		const struct cgroup_resources *resources, bool best_effort,
		struct error *err)
{
	struct error why;
	const struct applying applying = { group, resources, &why };
	struct outcome outcome = { best_effort, false, err };

	if (!resources)
		return 0;
	if (group->scope &&
	    !goes_on(&outcome, group_scope_limits(group, resources, &why), &why))
		return -1;
	return apply_all(&applying, &outcome);
}
