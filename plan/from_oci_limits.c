/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources: what a cgroup is to hold. from_oci_refuse.c refuses its other members. */
#include "plan/from_oci.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/plan.h"

enum {
	PERIOD_US = 100000, /* the kernel's own */
	OLD_WEIGHT_MIN =
		10, /* of blkio.weight, which OCI means; io.weight goes from 1 ... */
	OLD_WEIGHT_MAX = 1000,
	WEIGHT_MAX = 10000, /* ... to this */
};

/* A member of an object that may be missing. */
static int get_part(const struct json_value *resources, const char *key,
		    const struct json_value **ret_part, struct error *err)
{
	*ret_part = NULL;
	return json_get_object(resources, key, ret_part, err) < 0 ? -1 : 0;
}

/* No limit is 0, -1, or nothing at all. */
static int read_count(const struct json_value *part, const char *key, uint64_t *ret_value,
		      struct error *err)
{
	int64_t value = 0;

	if (json_get_integer(part, key, -1, INT64_MAX, &value, err) < 0)
		return -1;
	*ret_value = value > 0 ? (uint64_t)value : 0;
	return 0;
}

static int read_memory(const struct json_value *resources, struct cgroup_limits *limits,
		       struct error *err)
{
	const struct json_value *part;
	int64_t swap = 0;

	if (get_part(resources, "memory", &part, err) < 0 ||
	    read_count(part, "limit", &limits->memory, err) < 0 ||
	    json_get_integer(part, "swap", -1, INT64_MAX, &swap, err) < 0)
		return -1;
	limits->has_memory_swap = swap > 0 || (swap < 0 && limits->memory);
	if (limits->has_memory_swap)
		limits->memory_swap = swap < 0 ? UINT64_MAX : (uint64_t)swap;
	return 0;
}

static int read_cpu(const struct json_value *resources, struct cgroup_limits *limits,
		    struct error *err)
{
	const struct json_value *part;
	const char *cpus = NULL;

	if (get_part(resources, "cpu", &part, err) < 0 ||
	    read_count(part, "quota", &limits->cpu_quota_us, err) < 0 ||
	    read_count(part, "period", &limits->cpu_period_us, err) < 0 ||
	    json_get_text(part, "cpus", &cpus, err) < 0)
		return -1;
	if (!limits->cpu_quota_us)
		limits->cpu_period_us = 0;
	else if (!limits->cpu_period_us)
		limits->cpu_period_us = PERIOD_US;
	limits->cpuset = cpus && *cpus ? cpus : NULL;
	return 0;
}

static int read_io(const struct json_value *resources, struct cgroup_limits *limits,
		   struct error *err)
{
	const struct json_value *part;
	const char *weight = NULL;
	uint64_t old = 0;

	if (get_part(resources, "blockIO", &part, err) < 0 ||
	    json_get_unsigned(part, "weight", OLD_WEIGHT_MAX, &old, err) < 0)
		return -1;
	if (old && old < OLD_WEIGHT_MIN)
		return json_complain(json_get(part, "weight"), err, "less than %d",
				     OLD_WEIGHT_MIN);
	if (old)
		limits->io_weight = 1 + (old - OLD_WEIGHT_MIN) * (WEIGHT_MAX - 1) /
						(OLD_WEIGHT_MAX - OLD_WEIGHT_MIN);
	if (get_part(resources, "unified", &part, err) < 0 ||
	    json_get_text(part, "io.weight", &weight, err) < 0)
		return -1;
	if (weight && (text_to_u64(weight, 10, &limits->io_weight) < 0 ||
		       limits->io_weight < 1 || limits->io_weight > WEIGHT_MAX))
		return json_complain(json_get(part, "io.weight"), err,
				     "not a weight from 1 to %d", WEIGHT_MAX);
	return 0;
}

int oci_read_resources(struct oci_reader *reader, const struct json_value *linux_part,
		       struct error *err)
{
	struct cgroup_limits *limits = &reader->plan->policy.limits.cgroup;
	const struct json_value *resources, *pids;

	if (get_part(linux_part, "resources", &resources, err) < 0 ||
	    get_part(resources, "pids", &pids, err) < 0 ||
	    read_count(pids, "limit", &limits->pids, err) < 0 ||
	    read_memory(resources, limits, err) < 0 ||
	    read_cpu(resources, limits, err) < 0)
		return -1;
	return read_io(resources, limits, err);
}
