/* SPDX-License-Identifier: Apache-2.0 */
/* What a group has used, and whether it may have those limits at all. */
#include "policy/cgroup.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

enum { TABLE_MAX = 65536 };

/* ---- limits that contradict themselves ------------------------------------------------- */

enum {
	PERIOD_MIN_US = 1000, /* of the kernel: cpu.max */
	PERIOD_MAX_US = 1000000,
	WEIGHT_MAX = 10000,
};

static int check_memory(const struct cgroup_limits *limits, struct error *err)
{
	if (limits->memory > INT64_MAX)
		return error_set(err, ERROR_LIMIT, "limit memory to so much");
	if (!limits->has_memory_swap)
		return 0;
	if (limits->memory_swap > INT64_MAX && limits->memory_swap != UINT64_MAX)
		return error_set(err, ERROR_LIMIT, "limit swap to so much");
	if (!limits->memory) {
		error_set(err, ERROR_LIMIT,
			  "limit memory and swap together: there is no limit on memory");
		return error_hint(err, "--memory SIZE, beside --memory-swap");
	}
	if (limits->memory_swap >= limits->memory)
		return 0;
	error_set(err, ERROR_LIMIT,
		  "limit memory and swap together to less than memory alone");
	return error_hint(err, "--memory-swap is the sum: at least what --memory is");
}

static int check_cpu(const struct cgroup_limits *limits, struct error *err)
{
	if (limits->cpu_quota_us && (limits->cpu_quota_us < PERIOD_MIN_US ||
				     limits->cpu_period_us < PERIOD_MIN_US ||
				     limits->cpu_period_us > PERIOD_MAX_US))
		return error_set(err, ERROR_LIMIT,
				 "limit the processors to %llu us of each %llu us: at "
				 "least %d, of %d to %d",
				 (unsigned long long)limits->cpu_quota_us,
				 (unsigned long long)limits->cpu_period_us, PERIOD_MIN_US,
				 PERIOD_MIN_US, PERIOD_MAX_US);
	return 0;
}

int cgroup_check(const struct cgroup_limits *limits, struct error *err)
{
	struct cpu_set set;

	if (check_memory(limits, err) < 0 || check_cpu(limits, err) < 0)
		return -1;
	if (limits->cpuset && cpu_set_parse(limits->cpuset, &set) < 0)
		return error_set(err, ERROR_LIMIT,
				 "use the processors '%s': that is no list such as 0-1,3",
				 limits->cpuset);
	if (limits->io_weight > WEIGHT_MAX)
		return error_set(err, ERROR_LIMIT, "weigh io by %llu: 1 to %d",
				 (unsigned long long)limits->io_weight, WEIGHT_MAX);
	return 0;
}

/* ---- figures --------------------------------------------------------------------------- */

int cgroup_number(int group, const char *file, const char *key, uint64_t *ret_value)
{
	const size_t length = strlen(key);
	auto_free char *table = malloc(TABLE_MAX + 1);
	const char *line = table;

	if (!table || files_read(group, file, table, TABLE_MAX) < 0)
		return -1;
	if (!length) {
		table[strcspn(table, "\n")] = '\0';
		return text_to_u64(table, 10, ret_value);
	}
	while (line && (strncmp(line, key, length) != 0 || line[length] != ' ')) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return -1;
	*ret_value = strtoull(line + length, NULL, 10);
	return 0;
}

/* The sum over all devices: `8:0 rbytes=N wbytes=N …`. */
static void read_io(int group, struct cgroup_usage *usage)
{
	static const char reads[] = "rbytes=", writes[] = "wbytes=";
	auto_free char *table = malloc(TABLE_MAX + 1);
	char *save, *word;

	if (!table || files_read(group, "io.stat", table, TABLE_MAX) < 0)
		return;
	usage->read_bytes = usage->written_bytes = 0;
	for (word = strtok_r(table, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save)) {
		if (text_starts_with(word, reads))
			usage->read_bytes += strtoull(word + strlen(reads), NULL, 10);
		else if (text_starts_with(word, writes))
			usage->written_bytes += strtoull(word + strlen(writes), NULL, 10);
	}
}

static const struct figure {
	unsigned int controller; /* 0: every group has it */
	bool old;
	const char *file, *key;
	size_t offset;
	uint64_t divisor;
} figures[] = {
#define USAGE(member) offsetof(struct cgroup_usage, member)
	{ CONTROLLER_MEMORY, false, "memory.peak", "", USAGE(memory_peak), 1 },
	{ CONTROLLER_MEMORY, false, "memory.swap.peak", "", USAGE(swap_peak), 1 },
	{ CONTROLLER_MEMORY, false, "memory.events", "oom_kill", USAGE(oom_kills), 1 },
	{ CONTROLLER_PIDS, false, "pids.peak", "", USAGE(pids_peak), 1 },
	{ 0, false, "cpu.stat", "usage_usec", USAGE(cpu_us), 1 },
	{ 0, false, "cpu.stat", "user_usec", USAGE(cpu_user_us), 1 },
	{ 0, false, "cpu.stat", "system_usec", USAGE(cpu_system_us), 1 },
	{ CONTROLLER_CPU, false, "cpu.stat", "nr_throttled", USAGE(throttled), 1 },
	{ CONTROLLER_CPU, false, "cpu.stat", "throttled_usec", USAGE(throttled_us), 1 },
	{ CONTROLLER_MEMORY, true, "memory.max_usage_in_bytes", "", USAGE(memory_peak),
	  1 },
	{ CONTROLLER_MEMORY, true, "memory.oom_control", "oom_kill", USAGE(oom_kills),
	  1 },
	{ CONTROLLER_PIDS, true, "pids.peak", "", USAGE(pids_peak), 1 },
	{ CONTROLLER_CPU, true, "cpu.stat", "nr_throttled", USAGE(throttled), 1 },
	{ CONTROLLER_CPU, true, "cpu.stat", "throttled_time", USAGE(throttled_us), 1000 },
#undef USAGE
};

static void read_part(const struct cgroup_part *part, bool old,
		      struct cgroup_usage *usage)
{
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		const struct figure *figure = &figures[i];
		uint64_t value;

		if (figure->old != old || (figure->controller & ~part->controllers) ||
		    cgroup_number(part->limits, figure->file, figure->key, &value) < 0)
			continue;
		*(uint64_t *)((char *)usage + figure->offset) = value / figure->divisor;
	}
	/* Nobody adds up what happens below, in cgroup v1 or with memory_localevents. */
	if (part->controllers & CONTROLLER_MEMORY && usage->oom_kills == 0)
		(void)cgroup_number(part->inner,
				    old ? "memory.oom_control" : "memory.events",
				    "oom_kill", &usage->oom_kills);
	if (!old)
		read_io(part->limits, usage);
}

void cgroup_read_usage(const struct cgroup *group, struct cgroup_usage *ret_usage)
{
	memset(ret_usage, 0xff, sizeof(*ret_usage));
	ret_usage->oom_kills = 0;
	for (size_t i = 0; i < group->part_count; i++)
		read_part(&group->parts[i], group->way == CGROUP_V1, ret_usage);
}

/* Files of both versions: a group has those of one. */
void cgroup_read_now(const char *path, struct cgroup_now *now)
{
	static const struct {
		const char *file, *key;
		size_t offset;
		uint64_t divisor;
	} rows[] = {
#define NOW(member) offsetof(struct cgroup_now, member)
		{ "memory.current", "", NOW(memory), 1 },
		{ "memory.usage_in_bytes", "", NOW(memory), 1 },
		{ "memory.max", "", NOW(memory_limit), 1 },
		{ "memory.limit_in_bytes", "", NOW(memory_limit), 1 },
		{ "pids.current", "", NOW(pids), 1 },
		{ "cpu.stat", "usage_usec", NOW(cpu_us), 1 },
		{ "cpuacct.usage", "", NOW(cpu_us), 1000 },
#undef NOW
	};
	auto_close int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t value;

	for (size_t i = 0; group >= 0 && i < sizeof(rows) / sizeof(*rows); i++)
		if (cgroup_number(group, rows[i].file, rows[i].key, &value) == 0)
			*(uint64_t *)((char *)now + rows[i].offset) =
				value / rows[i].divisor;
}

/* ---- without a group ------------------------------------------------------------------- */

/* Before 5.14 RLIMIT_NPROC counts all processes of the user, outside as well. */
static bool counts_by_namespace(void)
{
	struct utsname name;
	unsigned long major, minor;
	char *end;

	if (uname(&name) < 0)
		return false;
	major = strtoul(name.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > 5 || (major == 5 && minor >= 14);
}

/*
 * RLIMIT_DATA counts what a process may write of its own memory, where RLIMIT_AS would count
 * what it only reserves.
 */
size_t cgroup_fall_back(const struct cgroup_limits *limits,
			struct rlimit_entry *ret_entries, char *ret_text, size_t size)
{
	unsigned int rest = controllers_needed(limits);
	char names[CONTROLLERS_TEXT];
	size_t count = 0, used = 0;

	ret_text[0] = '\0';
	if (limits->memory) {
		rest &= ~(unsigned int)CONTROLLER_MEMORY;
		ret_entries[count++] = (struct rlimit_entry){ RLIMIT_DATA, limits->memory,
							      limits->memory };
		used += (size_t)snprintf(ret_text + used, size - used,
					 "memory is limited for each process");
	}
	if (limits->pids && counts_by_namespace()) {
		rest &= ~(unsigned int)CONTROLLER_PIDS;
		ret_entries[count++] =
			(struct rlimit_entry){ RLIMIT_NPROC, limits->pids, limits->pids };
		used += (size_t)snprintf(ret_text + used, size - used,
					 "%spids%s for each user", used ? ", " : "",
					 limits->memory ? "" : " are limited");
	}
	if (rest)
		snprintf(ret_text + used, size - used, "%s%s not at all",
			 used ? ", " : "", controllers_text(rest, names));
	return count;
}
