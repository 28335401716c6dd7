/* SPDX-License-Identifier: Apache-2.0 */
/* Shares of the processors, their time, and which of them. */
#include "policy/group.h"

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "policy/cgroup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SHARES_MIN = 2,
	SHARES_USUAL = 1024,
	SHARES_MAX = 262144,
	WEIGHT_MAX = 10000,
	PERIOD_USUAL_US = 100000,
};

/* ---- shares ---------------------------------------------------------------------------- */

uint64_t group_weight_of_shares(uint64_t shares)
{
	double l;

	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	l = log2((double)shares);
	return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

int group_apply_shares(const struct applying *applying)
{
	static const struct knob knob = { "cpu.shares", "cpu",        "cpu.shares",
					  "cpu",        "cpu.weight", SHARES_USUAL };
	const struct cgroup_number *shares = &applying->resources->cpu_shares;
	struct place place;

	if (!shares->given || shares->value == 0)
		return 0;
	if (group_find_knob(applying, &knob, &place) && !place.old)
		return group_put_number(applying, &knob,
					group_weight_of_shares(shares->value));
	return group_put_number(applying, &knob, shares->value);
}

/* An idle group has no weight of its own, so it is told last. */
int group_apply_idle(const struct applying *applying)
{
	static const struct knob knob = { "cpu.idle", "cpu",      "cpu.idle",
					  "cpu",      "cpu.idle", 0 };
	const struct cgroup_number *idle = &applying->resources->cpu_idle;

	return idle->given ? group_put_number(applying, &knob, idle->value) : 0;
}

/* ---- time ------------------------------------------------------------------------------ */

static const struct knob quota_knob = { "cpu.quota", "cpu",     "cpu.cfs_quota_us",
					"cpu",       "cpu.max", UINT64_MAX };

static const struct knob period_knob = { "cpu.period", "cpu", "cpu.cfs_period_us",
					 NULL,         NULL,  PERIOD_USUAL_US };

static const struct knob burst_knob = { "cpu.burst", "cpu",           "cpu.cfs_burst_us",
					"cpu",       "cpu.max.burst", 0 };

struct quota {
	struct cgroup_number quota, period;
};

static bool is_given(const struct cgroup_number *number)
{
	return number->given && number->value != 0;
}

static int put_quota_old(const struct applying *applying, const struct quota *wanted)
{
	if (!wanted->quota.given)
		return 0;
	return group_put_number(applying, &quota_knob, wanted->quota.value);
}

/* Neither may exceed what the group above has: if not in this order, then in the other. */
static int apply_quota_old(const struct applying *applying, const struct quota *wanted)
{
	if (!wanted->period.given)
		return put_quota_old(applying, wanted);
	if (group_put_number(applying, &period_knob, wanted->period.value) == 0)
		return put_quota_old(applying, wanted);
	if (applying->err->errnum != EINVAL || !wanted->quota.given ||
	    put_quota_old(applying, wanted) < 0)
		return -1;
	return group_put_number(applying, &period_knob, wanted->period.value);
}

static int apply_quota_new(const struct applying *applying, struct quota *wanted,
			   const struct place *place)
{
	char present[64], text[64], limit[24];
	const char *blank;

	if (files_read(place->dir, place->file, present, sizeof(present) - 1) < 0)
		return group_fail_knob(applying, &quota_knob, place, "it");
	present[strcspn(present, "\n")] = '\0';
	blank = strchr(present, ' ');
	if (!wanted->period.given)
		wanted->period.value =
			blank ? strtoull(blank, NULL, 10) : PERIOD_USUAL_US;
	if (!wanted->quota.given)
		snprintf(limit, sizeof(limit), "%.*s", (int)strcspn(present, " "),
			 present);
	else if (wanted->quota.value == UINT64_MAX)
		snprintf(limit, sizeof(limit), "max");
	else
		snprintf(limit, sizeof(limit), "%llu",
			 (unsigned long long)wanted->quota.value);
	snprintf(text, sizeof(text), "%s %llu", limit,
		 (unsigned long long)wanted->period.value);
	if (strcmp(text, present) == 0)
		return 0;
	return group_put_line(applying, &quota_knob, text, text);
}

static int refuse_quota(const struct applying *applying, const struct quota *wanted)
{
	if (wanted->quota.given && wanted->quota.value != UINT64_MAX)
		return group_put_number(applying, &quota_knob, wanted->quota.value);
	if (wanted->period.given)
		return group_put_number(applying, &period_knob, wanted->period.value);
	return 0;
}

/* The burst is at most the quota: before one that shrinks, behind one that grows. */
static int apply_burst(const struct applying *applying)
{
	const struct cgroup_number *burst = &applying->resources->cpu_burst;

	return burst->given ? group_put_number(applying, &burst_knob, burst->value) : 0;
}

int group_apply_quota(const struct applying *applying)
{
	struct quota wanted = { applying->resources->cpu_quota,
				applying->resources->cpu_period };
	struct place place;
	int failed = 0;

	wanted.quota.given = is_given(&wanted.quota);
	wanted.period.given = is_given(&wanted.period);
	if (applying->resources->cpu_burst.given &&
	    applying->resources->cpu_burst.value == 0)
		failed = apply_burst(applying);
	if (!failed && (wanted.quota.given || wanted.period.given)) {
		if (!group_find_knob(applying, &quota_knob, &place))
			failed = refuse_quota(applying, &wanted);
		else
			failed = place.old ? apply_quota_old(applying, &wanted)
					   : apply_quota_new(applying, &wanted, &place);
	}
	return failed ? failed : apply_burst(applying);
}

/* ---- which ones ------------------------------------------------------------------------ */

static const char *effective_of(const struct place *place)
{
	static const char *const nodes[] = { "cpuset.mems.effective",
					     "cpuset.effective_mems" };
	static const char *const processors[] = { "cpuset.cpus.effective",
						  "cpuset.effective_cpus" };
	const char *const *files =
		strcmp(place->file, "cpuset.mems") == 0 ? nodes : processors;

	if (faccessat(place->dir, files[place->old], F_OK, 0) == 0)
		return files[place->old];
	return place->file;
}

static int put_set(const struct applying *applying, const struct knob *knob,
		   const char *wanted)
{
	struct place place;
	struct cpu_set asked, got;
	char list[GROUP_VALUE_MAX + 1];

	if (!wanted || !*wanted)
		return 0;
	if (cpu_set_parse(wanted, &asked) < 0)
		return error_set(applying->err, ERROR_CGROUP,
				 "set linux.resources.%s to %s: that is no list such as "
				 "0-1,3",
				 knob->member, wanted);
	if (!group_find_knob(applying, knob, &place))
		return group_refuse_knob(applying, knob, wanted);
	if (files_write(place.dir, place.file, wanted) < 0 ||
	    files_read(place.dir, effective_of(&place), list, GROUP_VALUE_MAX) < 0)
		return group_fail_knob(applying, knob, &place, wanted);
	if (cpu_set_parse(list, &got) == 0 && memcmp(&asked, &got, sizeof(got)) == 0)
		return 0;
	list[strcspn(list, "\n")] = '\0';
	return error_set(applying->err, ERROR_CGROUP,
			 "set linux.resources.%s to %s: the kernel made it %s",
			 knob->member, wanted, list[0] ? list : "nothing");
}

int group_apply_cpuset(const struct applying *applying)
{
	static const struct knob processors = { "cpu.cpus", "cpuset",      "cpuset.cpus",
						"cpuset",   "cpuset.cpus", 0 };
	static const struct knob nodes = { "cpu.mems", "cpuset",      "cpuset.mems",
					   "cpuset",   "cpuset.mems", 0 };

	if (put_set(applying, &processors, applying->resources->cpus) < 0)
		return -1;
	return put_set(applying, &nodes, applying->resources->mems);
}
