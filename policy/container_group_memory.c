/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and swap. v1 and the configuration count both together, v2 counts swap alone; v1
 * allows no moment at which both are less than memory.
 */
#include "policy/group.h"

#include "base/error.h"
#include "base/files.h"
#include "policy/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const struct knob memory_knob = {
	"memory.limit", "memory",     "memory.limit_in_bytes",
	"memory",       "memory.max", UINT64_MAX
};

static const struct knob swap_knob = {
	"memory.swap", "memory",          "memory.memsw.limit_in_bytes",
	"memory",      "memory.swap.max", UINT64_MAX
};

/* What is wanted of both; not given: as it is. */
struct both {
	struct cgroup_number memory, together;
};

static bool has_swap(void)
{
	char table[1024];
	const char *second;

	if (files_read(AT_FDCWD, "/proc/swaps", table, sizeof(table) - 1) < 0)
		return errno != ENOENT;
	second = strchr(table, '\n');
	return second && second[1];
}

/* Who has no limit on memory, or no swap to limit, has the limit on both already. */
static bool needs_no_swap_file(const struct both *both, uint64_t memory)
{
	return both->together.value == UINT64_MAX || both->together.value == memory ||
	       !has_swap();
}

static int put_together_old(const struct applying *applying, const struct both *both)
{
	struct place place;

	if (!both->together.given)
		return 0;
	if (!group_find_knob(applying, &swap_knob, &place) &&
	    needs_no_swap_file(both, both->memory.value))
		return 0;
	return group_put_number(applying, &swap_knob, both->together.value);
}

static int put_memory(const struct applying *applying, const struct both *both)
{
	if (!both->memory.given)
		return 0;
	if (group_put_number(applying, &memory_knob, both->memory.value) == 0)
		return 0;
	if (applying->err->errnum == EBUSY)
		return error_set(
			applying->err, ERROR_CGROUP,
			"set linux.resources.memory.limit to %llu: the container "
			"uses more already",
			(unsigned long long)both->memory.value);
	return -1;
}

static int apply_old(const struct applying *applying, struct both *both,
		     const struct place *place)
{
	uint64_t present = 0;
	bool swap_first;

	(void)group_read_limit(place->dir, place->file, &present);
	/* No limit on memory is none on both, or the kernel refuses it. */
	if (both->memory.given && both->memory.value == UINT64_MAX &&
	    !both->together.given)
		both->together = both->memory;
	swap_first = both->together.given && both->together.value > present;
	if (swap_first && put_together_old(applying, both) < 0)
		return -1;
	if (put_memory(applying, both) < 0)
		return -1;
	return swap_first ? 0 : put_together_old(applying, both);
}

static int apply_swap_new(const struct applying *applying, const struct both *both,
			  const struct place *place)
{
	uint64_t memory = both->memory.value;
	struct place swap;

	if (!both->together.given)
		return 0;
	if (!both->memory.given && group_read_limit(place->dir, place->file, &memory) < 0)
		memory = UINT64_MAX;
	if (both->together.value != UINT64_MAX && memory == UINT64_MAX)
		return error_set(applying->err, ERROR_CGROUP,
				 "set linux.resources.memory.swap: there is no "
				 "memory.limit, and both are counted together");
	if (!group_find_knob(applying, &swap_knob, &swap) &&
	    needs_no_swap_file(both, memory))
		return 0;
	return group_put_number(applying, &swap_knob,
				both->together.value == UINT64_MAX
					? UINT64_MAX
					: both->together.value - memory);
}

/* memory.max below what is used does not fail: it kills. */
static int check_usage(const struct applying *applying, const struct both *both,
		       const struct place *place)
{
	uint64_t used;

	if (!applying->resources->check_before_update || !both->memory.given ||
	    group_read_limit(place->dir, "memory.current", &used) < 0 ||
	    used <= both->memory.value)
		return 0;
	return error_set(
		applying->err, ERROR_CGROUP,
		"set linux.resources.memory.limit to %llu: the container uses %llu "
		"already, and checkBeforeUpdate is set",
		(unsigned long long)both->memory.value, (unsigned long long)used);
}

static int check_both(const struct both *both, struct error *err)
{
	if (!both->memory.given || !both->together.given ||
	    both->together.value >= both->memory.value)
		return 0;
	return error_set(
		err, ERROR_CGROUP,
		"set linux.resources.memory.swap to %llu: memory and swap together "
		"cannot be less than memory.limit",
		(unsigned long long)both->together.value);
}

static struct cgroup_number unless_zero(struct cgroup_number number)
{
	number.given = number.given && number.value != 0;
	return number;
}

int group_apply_memory(const struct applying *applying)
{
	struct both both = { unless_zero(applying->resources->memory),
			     unless_zero(applying->resources->memory_swap) };
	struct place place;

	if (!both.memory.given && !both.together.given)
		return 0;
	if (check_both(&both, applying->err) < 0)
		return -1;
	if (!group_find_knob(applying, &memory_knob, &place)) {
		if (both.memory.given &&
		    group_put_number(applying, &memory_knob, both.memory.value) < 0)
			return -1;
		return both.together.given ? group_put_number(applying, &swap_knob,
							      both.together.value)
					   : 0;
	}
	if (place.old)
		return apply_old(applying, &both, &place);
	if (check_usage(applying, &both, &place) < 0 ||
	    apply_swap_new(applying, &both, &place) < 0)
		return -1;
	return put_memory(applying, &both);
}

int group_apply_oom_killer(const struct applying *applying)
{
	static const struct knob knob = {
		"memory.disableOOMKiller", "memory", "memory.oom_control", NULL, NULL, 0
	};
	struct place place;
	uint64_t disabled;

	if (!applying->resources->disable_oom_killer)
		return 0;
	if (!group_find_knob(applying, &knob, &place))
		return group_refuse_knob(applying, &knob, "true");
	if (files_write(place.dir, place.file, "1") < 0)
		return group_fail_knob(applying, &knob, &place, "1");
	if (cgroup_number(place.dir, place.file, "oom_kill_disable", &disabled) < 0 ||
	    !disabled)
		return error_set(
			applying->err, ERROR_CGROUP,
			"set linux.resources.memory.disableOOMKiller: the kernel "
			"does not");
	return 0;
}
