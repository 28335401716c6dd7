/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a group. What is written is read back: the kernel rounds, falls back to what
 * the group above has, or has no such file, and a limit that is not there must not be
 * taken for one.
 */
#include "policy/cgroup.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	VALUE_MAX = 1023,
	LIST_MAX = 8191,
	CPU_MAX = 8191,
	OLD_WEIGHT_MAX = 1000,
};

/* ---- sets of processors ---------------------------------------------------------------- */

static const char *read_cpu(const char *text, unsigned long *ret_cpu)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	*ret_cpu = strtoul(text, &end, 10);
	return errno || *ret_cpu > CPU_MAX ? NULL : end;
}

int cpu_set_parse(const char *text, struct cpu_set *ret_set)
{
	struct cpu_set set = { 0 };

	for (;;) {
		unsigned long first = 0, last = 0;

		text = read_cpu(text, &first);
		last = first;
		if (text && *text == '-')
			text = read_cpu(text + 1, &last);
		if (!text || last < first)
			return -1;
		for (; first <= last; first++)
			set.bits[first / 64] |= 1ULL << first % 64;
		if (*text != ',')
			break;
		text++;
	}
	if (*text && strcmp(text, "\n") != 0)
		return -1;
	*ret_set = set;
	return 0;
}

/* ---- one file -------------------------------------------------------------------------- */

/* A group's limits on their way into its files. */
struct writing {
	int group;
	bool old;
	const struct cgroup_limits *limits;
	struct error *err;
};

static int fail(const struct writing *writing, const char *file, const char *value)
{
	return error_errno_id(writing->err, ERROR_CGROUP, "set %s to %s", file, value);
}

static int read_value(int group, const char *file, char *value)
{
	if (files_read(group, file, value, VALUE_MAX) < 0)
		return -1;
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

static int refuse_value(const struct writing *writing, const char *file,
			const char *value, const char *present)
{
	return error_set(writing->err, ERROR_CGROUP,
			 "set %s to %s: the kernel made it %s", file, value, present);
}

/* Sets a file whose first line then is what was written. */
static int put_text(const struct writing *writing, const char *file, const char *value,
		    const char *shown)
{
	char present[VALUE_MAX + 1];

	if (files_write(writing->group, file, value) < 0 ||
	    read_value(writing->group, file, present) < 0)
		return fail(writing, file, value);
	if (strcmp(present, shown) != 0)
		return refuse_value(writing, file, value, present);
	return 0;
}

static int put_number(const struct writing *writing, const char *file, uint64_t number)
{
	char value[24];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)number);
	return put_text(writing, file, value, value);
}

static bool has_file(const struct writing *writing, const char *file)
{
	return faccessat(writing->group, file, F_OK, 0) == 0;
}

/* ---- memory ---------------------------------------------------------------------------- */

/* The kernel counts pages. */
static uint64_t whole_pages(uint64_t bytes)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return bytes / page * page;
}

static bool machine_swaps(void)
{
	char table[VALUE_MAX + 1];
	const char *second;

	if (files_read(AT_FDCWD, "/proc/swaps", table, VALUE_MAX) < 0)
		return errno != ENOENT;
	second = strchr(table, '\n');
	return second && second[1];
}

/*
 * Without a word about it a limited sandbox does not swap. Where there is no swap, nobody
 * has to be kept from it.
 */
static int put_swap(const struct writing *writing, const char *file, uint64_t bytes,
		    const char *unlimited)
{
	const struct cgroup_limits *limits = writing->limits;

	if (!has_file(writing, file)) {
		if (limits->memory_swap == UINT64_MAX ||
		    (!limits->has_memory_swap && !machine_swaps()))
			return 0;
		error_set(writing->err, ERROR_CGROUP,
			  "limit swap: this kernel does not count it");
		return error_hint(writing->err,
				  "--memory-swap -1 leaves it without a limit");
	}
	if (limits->has_memory_swap && limits->memory_swap == UINT64_MAX)
		return unlimited ? put_text(writing, file, unlimited, unlimited) : 0;
	return put_number(writing, file, bytes);
}

static int write_memory(const struct writing *writing)
{
	const struct cgroup_limits *limits = writing->limits;
	const uint64_t memory = whole_pages(limits->memory);
	const uint64_t both =
		limits->has_memory_swap ? whole_pages(limits->memory_swap) : memory;

	if (writing->old) {
		/* Of 5.10 and older: the groups below count here too. */
		(void)files_write(writing->group, "memory.use_hierarchy", "1");
		if (put_number(writing, "memory.limit_in_bytes", memory) < 0)
			return -1;
		return put_swap(writing, "memory.memsw.limit_in_bytes", both, NULL);
	}
	if (put_number(writing, "memory.max", memory) < 0 ||
	    put_swap(writing, "memory.swap.max", both - memory, "max") < 0)
		return -1;
	return put_number(writing, "memory.oom.group", 1);
}

/* ---- the others ------------------------------------------------------------------------ */

static int write_pids(const struct writing *writing)
{
	return put_number(writing, "pids.max", writing->limits->pids);
}

static int write_cpu(const struct writing *writing)
{
	const struct cgroup_limits *limits = writing->limits;
	char value[48];

	if (writing->old) {
		if (put_number(writing, "cpu.cfs_period_us", limits->cpu_period_us) < 0)
			return -1;
		return put_number(writing, "cpu.cfs_quota_us", limits->cpu_quota_us);
	}
	snprintf(value, sizeof(value), "%llu %llu",
		 (unsigned long long)limits->cpu_quota_us,
		 (unsigned long long)limits->cpu_period_us);
	return put_text(writing, "cpu.max", value, value);
}

/* A group of cgroup v1 begins without memory nodes, and takes nobody then. */
static int copy_nodes(const struct writing *writing)
{
	char nodes[LIST_MAX + 1];

	if (files_read(writing->group, "../cpuset.mems", nodes, LIST_MAX) < 0)
		return error_errno_id(writing->err, ERROR_CGROUP, "read cpuset.mems");
	if (files_write(writing->group, "cpuset.mems", nodes) < 0)
		return fail(writing, "cpuset.mems", nodes);
	return 0;
}

/* What the group has in effect: processors that are not there fall out in silence. */
static int write_cpuset(const struct writing *writing)
{
	const char *effective = has_file(writing, "cpuset.cpus.effective")
					? "cpuset.cpus.effective"
					: "cpuset.cpus";
	const char *wanted = writing->limits->cpuset;
	struct cpu_set asked, got;
	char list[LIST_MAX + 1];

	if (writing->old && copy_nodes(writing) < 0)
		return -1;
	if (files_write(writing->group, "cpuset.cpus", wanted) < 0 ||
	    files_read(writing->group, effective, list, LIST_MAX) < 0)
		return fail(writing, "cpuset.cpus", wanted);
	if (cpu_set_parse(wanted, &asked) == 0 && cpu_set_parse(list, &got) == 0 &&
	    memcmp(&asked, &got, sizeof(got)) == 0)
		return 0;
	list[strcspn(list, "\n")] = '\0';
	return refuse_value(writing, "cpuset.cpus", wanted, list[0] ? list : "nothing");
}

static int write_io(const struct writing *writing)
{
	const uint64_t weight = writing->limits->io_weight;
	const char *file = writing->old ? "blkio.bfq.weight" : "io.weight";
	char value[24], shown[40];

	if (!writing->old && !has_file(writing, file))
		file = "io.bfq.weight";
	if (!has_file(writing, file)) {
		error_set(writing->err, ERROR_CGROUP,
			  "limit io: this kernel has no weights for it");
		return error_hint(writing->err,
				  "they come with the module bfq or with iocost");
	}
	if (strcmp(file, "io.weight") != 0 && weight > OLD_WEIGHT_MAX)
		return error_set(writing->err, ERROR_CGROUP, "set %s to %llu: at most %d",
				 file, (unsigned long long)weight, OLD_WEIGHT_MAX);
	if (strcmp(file, "blkio.bfq.weight") == 0)
		return put_number(writing, file, weight);
	snprintf(value, sizeof(value), "%llu", (unsigned long long)weight);
	snprintf(shown, sizeof(shown), "default %s", value);
	return put_text(writing, file, value, shown);
}

static const struct {
	unsigned int controller;
	int (*write)(const struct writing *writing);
} writers[] = {
	{ CONTROLLER_MEMORY, write_memory }, { CONTROLLER_PIDS, write_pids },
	{ CONTROLLER_CPU, write_cpu },       { CONTROLLER_CPUSET, write_cpuset },
	{ CONTROLLER_IO, write_io },
};

int cgroup_write_limits(int group, const struct cgroup_limits *limits,
			unsigned int controllers, bool old, struct error *err)
{
	const struct writing writing = { group, old, limits, err };

	for (size_t i = 0; i < sizeof(writers) / sizeof(*writers); i++) {
		if (controllers & writers[i].controller && writers[i].write(&writing) < 0)
			return -1;
	}
	return 0;
}
