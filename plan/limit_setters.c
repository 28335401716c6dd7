/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of what a cgroup is to hold. */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <string.h>

enum {
	PERIOD_US = 100000, /* the kernel's own */
	CPUS_MAX = 8192,
};

static int refuse(struct error *err, const char *what, const char *operand)
{
	return error_set(err, ERROR_USAGE, "'%s' is %s", operand, what);
}

static bool is_unlimited(const char *text)
{
	return !strcmp(text, "unlimited") || !strcmp(text, "-1");
}

int set_memory_swap(struct draft *draft, const struct given *given, struct error *err)
{
	struct cgroup_limits *limits = &draft->plan.policy.limits.cgroup;
	uint64_t bytes = UINT64_MAX;

	if (!is_unlimited(given->operand) &&
	    (text_to_size(given->operand, &bytes) < 0 || bytes == 0))
		return refuse(err, "not a size (such as 64M or 2G, or unlimited)",
			      given->operand);
	limits->memory_swap = bytes;
	limits->has_memory_swap = true;
	return 0;
}

int set_pids(struct draft *draft, const struct given *given, struct error *err)
{
	uint32_t pids = 0;

	if (!is_unlimited(given->operand) &&
	    (text_to_u32(given->operand, &pids) < 0 || pids == 0))
		return refuse(err, "not a number of processes", given->operand);
	draft->plan.policy.limits.cgroup.pids = pids;
	return 0;
}

/* "2", "0.5", "1.25": microseconds of each period. -1: it is none. */
static int read_cpus(const char *text, uint64_t *ret_quota)
{
	const size_t length = strcspn(text, ".");
	uint64_t quota = 0, step = PERIOD_US;
	char whole[8];

	if (length >= sizeof(whole) || (text[length] && !text[length + 1]))
		return -1;
	memcpy(whole, text, length);
	whole[length] = '\0';
	if (text_to_u64(whole, 10, &quota) < 0 || quota > CPUS_MAX)
		return -1;
	quota *= PERIOD_US;
	for (const char *digit = text + length; *digit && *++digit;) {
		if (*digit < '0' || *digit > '9')
			return -1;
		step /= 10;
		quota += step * (uint64_t)(*digit - '0');
	}
	*ret_quota = quota;
	return 0;
}

int set_cpus(struct draft *draft, const struct given *given, struct error *err)
{
	struct cgroup_limits *limits = &draft->plan.policy.limits.cgroup;
	uint64_t quota;

	if (read_cpus(given->operand, &quota) < 0 || quota < PERIOD_US / 100)
		return refuse(err, "not a number of processors (such as 2 or 0.5)",
			      given->operand);
	limits->cpu_quota_us = quota;
	limits->cpu_period_us = PERIOD_US;
	return 0;
}

int set_cpuset(struct draft *draft, const struct given *given, struct error *err)
{
	const struct cgroup_limits limits = { .cpuset = given->operand };

	if (cgroup_check(&limits, err) < 0)
		return refuse(err, "not a list of processors (such as 0-1,3)",
			      given->operand);
	draft->plan.policy.limits.cgroup.cpuset = given->operand;
	return 0;
}

int set_io_weight(struct draft *draft, const struct given *given, struct error *err)
{
	int weight;

	if (text_to_int(given->operand, 1, 10000, &weight) < 0)
		return refuse(err, "not a weight from 1 to 10000", given->operand);
	draft->plan.policy.limits.cgroup.io_weight = (uint64_t)weight;
	return 0;
}
