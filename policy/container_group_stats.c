/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group uses, in the members and units of runc's `events --stats` (nanoseconds, bytes);
 * a figure that this kernel does not tell is 0, no limit is 18446744073709551615.
 */
#include "policy/group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLE_MAX = 65536 };

static const uint64_t second_ns = 1000000000;

static uint64_t number_in(const struct container_group_part *part, const char *file,
			  const char *key, uint64_t factor)
{
	uint64_t value;

	if (!part || cgroup_number(part->dir, file, key, &value) < 0)
		return 0;
	return value * factor;
}

static uint64_t limit_in(const struct container_group_part *part, const char *file)
{
	uint64_t value;

	if (!part || group_read_limit(part->dir, file, &value) < 0)
		return 0;
	return value;
}

/* NULL: it cannot be read. In the arena. */
static char *table_in(const struct container_group_part *part, const char *file,
		      struct arena *arena)
{
	char *table = arena_alloc(arena, TABLE_MAX + 1);

	if (!part || files_read(part->dir, file, table, TABLE_MAX) < 0)
		return NULL;
	return table;
}

/* ---- processors ------------------------------------------------------------------------ */

/* `NUMBER NUMBER …`, or a column of a table with a head and the processor in front. */
static void put_list(struct json_value *parent, const char *key, const char *table,
		     int column)
{
	struct json_value *list = json_put_array(parent, key);
	const char *line = table;

	while (line && column && (line = strchr(line, '\n')) != NULL && line[1]) {
		char *at = (char *)line + 1;
		uint64_t value = 0;

		for (int i = 0; i <= column; i++)
			value = strtoull(at, &at, 10);
		json_put_unsigned(list, NULL, value);
		line++;
	}
	while (line && !column) {
		char *end;
		const uint64_t value = strtoull(line, &end, 10);

		if (end == line)
			break;
		json_put_unsigned(list, NULL, value);
		line = end;
	}
}

static void put_usage_old(struct json_value *usage, const struct container_group *group,
			  struct arena *arena)
{
	const struct container_group_part *part = group_old_part(group, "cpuacct");
	const uint64_t tick_ns = second_ns / (uint64_t)sysconf(_SC_CLK_TCK);
	const char *all = table_in(part, "cpuacct.usage_all", arena);

	json_put_unsigned(usage, "total", number_in(part, "cpuacct.usage", "", 1));
	put_list(usage, "percpu", table_in(part, "cpuacct.usage_percpu", arena), 0);
	put_list(usage, "percpu_kernel", all, 2);
	put_list(usage, "percpu_user", all, 1);
	json_put_unsigned(usage, "kernel",
			  number_in(part, "cpuacct.stat", "system", tick_ns));
	json_put_unsigned(usage, "user",
			  number_in(part, "cpuacct.stat", "user", tick_ns));
}

static void put_usage_new(struct json_value *usage,
			  const struct container_group_part *part)
{
	json_put_unsigned(usage, "total",
			  number_in(part, "cpu.stat", "usage_usec", 1000));
	json_put_unsigned(usage, "kernel",
			  number_in(part, "cpu.stat", "system_usec", 1000));
	json_put_unsigned(usage, "user", number_in(part, "cpu.stat", "user_usec", 1000));
}

static void put_processors(struct json_value *data, const struct container_group *group,
			   struct arena *arena)
{
	struct json_value *object = json_put_object(data, "cpu");
	struct json_value *usage = json_put_object(object, "usage");
	struct json_value *throttling = json_put_object(object, "throttling");
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "cpu", "cpu", &old);
	const bool accounted = group_old_part(group, "cpuacct") != NULL;

	if (accounted)
		put_usage_old(usage, group, arena);
	else
		put_usage_new(usage, group_new_part(group));
	json_put_unsigned(throttling, "periods",
			  number_in(part, "cpu.stat", "nr_periods", 1));
	json_put_unsigned(throttling, "throttledPeriods",
			  number_in(part, "cpu.stat", "nr_throttled", 1));
	json_put_unsigned(throttling, "throttledTime",
			  old ? number_in(part, "cpu.stat", "throttled_time", 1)
			      : number_in(part, "cpu.stat", "throttled_usec", 1000));
}

static void put_set(struct json_value *object, const char *key,
		    const struct container_group_part *part, const char *file,
		    struct arena *arena)
{
	struct json_value *list = json_put_array(object, key);
	const char *text = table_in(part, file, arena);
	struct cpu_set set;

	if (!text || cpu_set_parse(text, &set) < 0)
		return;
	for (unsigned int i = 0; i < 64 * sizeof(set.bits) / sizeof(*set.bits); i++) {
		if (set.bits[i / 64] >> i % 64 & 1)
			json_put_unsigned(list, NULL, i);
	}
}

static void put_cpuset(struct json_value *data, const struct container_group *group,
		       struct arena *arena)
{
	static const char *const flags[] = {
		"cpu_exclusive",   "mem_hardwall",       "mem_exclusive",
		"memory_migrate",  "memory_spread_page", "memory_spread_slab",
		"memory_pressure", "sched_load_balance", "sched_relax_domain_level",
	};
	struct json_value *object = json_put_object(data, "cpuset");
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "cpuset", "cpuset", &old);

	put_set(object, "cpus", part, old ? "cpuset.cpus" : "cpuset.cpus.effective",
		arena);
	put_set(object, "mems", part, old ? "cpuset.mems" : "cpuset.mems.effective",
		arena);
	for (size_t i = 0; old && i < sizeof(flags) / sizeof(*flags); i++) {
		char file[64];
		uint64_t value;

		snprintf(file, sizeof(file), "cpuset.%s", flags[i]);
		/* -1 is among them: the usual one of the last. */
		if (cgroup_number(part->dir, file, "", &value) == 0)
			json_put_unsigned(object, flags[i], value);
		else
			json_put_integer(object, flags[i], -1);
	}
}

/* ---- memory ---------------------------------------------------------------------------- */

static void put_entry(struct json_value *object, const char *key, uint64_t limit,
		      uint64_t usage, uint64_t max, uint64_t failures)
{
	struct json_value *entry = json_put_object(object, key);

	json_put_unsigned(entry, "limit", limit);
	json_put_unsigned(entry, "usage", usage);
	json_put_unsigned(entry, "max", max);
	json_put_unsigned(entry, "failcnt", failures);
}

static void put_entry_old(struct json_value *object, const char *key,
			  const struct container_group_part *part, const char *prefix)
{
	static const char *const ends[] = { "limit_in_bytes", "usage_in_bytes",
					    "max_usage_in_bytes", "failcnt" };
	uint64_t values[4];

	for (size_t i = 0; i < 4; i++) {
		char file[64];

		snprintf(file, sizeof(file), "%s.%s", prefix, ends[i]);
		values[i] = number_in(part, file, "", 1);
	}
	put_entry(object, key, values[0], values[1], values[2], values[3]);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

/* v2 counts swap alone; whoever reads this expects both together. */
static void put_memory_new(struct json_value *object,
			   const struct container_group_part *part)
{
	const uint64_t limit = limit_in(part, "memory.max");
	const uint64_t usage = number_in(part, "memory.current", "", 1);
	const uint64_t max = number_in(part, "memory.peak", "", 1);

	json_put_unsigned(object, "cache", number_in(part, "memory.stat", "file", 1));
	put_entry(object, "usage", limit, usage, max,
		  number_in(part, "memory.events", "max", 1));
	put_entry(object, "swap", sum(limit, limit_in(part, "memory.swap.max")),
		  usage + number_in(part, "memory.swap.current", "", 1), 0,
		  number_in(part, "memory.swap.events", "fail", 1));
	put_entry(object, "kernel", 0, number_in(part, "memory.stat", "kernel", 1), 0, 0);
	put_entry(object, "kernelTCP", 0, number_in(part, "memory.stat", "sock", 1), 0,
		  0);
}

static void put_memory_old(struct json_value *object,
			   const struct container_group_part *part)
{
	json_put_unsigned(object, "cache", number_in(part, "memory.stat", "cache", 1));
	put_entry_old(object, "usage", part, "memory");
	put_entry_old(object, "swap", part, "memory.memsw");
	put_entry_old(object, "kernel", part, "memory.kmem");
	put_entry_old(object, "kernelTCP", part, "memory.kmem.tcp");
}

static void put_raw(struct json_value *object, char *table)
{
	struct json_value *raw = json_put_object(object, "raw");
	char *save, *line;

	if (!table)
		return;
	for (line = strtok_r(table, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(line, ' ');
		uint64_t value;

		if (!blank || text_to_u64(blank + 1, 10, &value) < 0)
			continue;
		*blank = '\0';
		json_put_unsigned(raw, line, value);
	}
}

static void put_memory(struct json_value *data, const struct container_group *group,
		       struct arena *arena)
{
	struct json_value *object = json_put_object(data, "memory");
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "memory", "memory", &old);

	if (old)
		put_memory_old(object, part);
	else
		put_memory_new(object, part);
	put_raw(object, table_in(part, "memory.stat", arena));
}

/* ---- the others ------------------------------------------------------------------------ */

/* No limit is 0 here, says runc. */
static void put_pids(struct json_value *data, const struct container_group *group)
{
	struct json_value *object = json_put_object(data, "pids");
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "pids", "pids", &old);
	const uint64_t limit = limit_in(part, "pids.max");

	json_put_unsigned(object, "current", number_in(part, "pids.current", "", 1));
	json_put_unsigned(object, "limit", limit == UINT64_MAX ? 0 : limit);
}

static void put_transfer(struct json_value *list, unsigned int major, unsigned int minor,
			 const char *operation, uint64_t value)
{
	struct json_value *entry = json_put_object(list, NULL);

	json_put_unsigned(entry, "major", major);
	json_put_unsigned(entry, "minor", minor);
	json_put_text(entry, "op", operation);
	json_put_unsigned(entry, "value", value);
}

/* `MAJ:MIN REST`: the rest, behind its blank; NULL: it is another kind of line. */
static const char *read_device(const char *line, unsigned int *ret_major,
			       unsigned int *ret_minor)
{
	char *end;

	*ret_major = (unsigned int)strtoul(line, &end, 10);
	if (end == line || *end != ':')
		return NULL;
	line = end + 1;
	*ret_minor = (unsigned int)strtoul(line, &end, 10);
	return end == line || *end != ' ' ? NULL : end + 1;
}

/* `MAJ:MIN OPERATION VALUE` */
static void put_transfers_old(struct json_value *list, char *table)
{
	char *save, *line;

	for (line = table ? strtok_r(table, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned int major, minor;
		const char *rest = read_device(line, &major, &minor);
		char operation[16];

		if (!rest || !strchr(rest, ' '))
			continue;
		snprintf(operation, sizeof(operation), "%.*s", (int)strcspn(rest, " "),
			 rest);
		put_transfer(list, major, minor, operation,
			     strtoull(strchr(rest, ' '), NULL, 10));
	}
}

static uint64_t value_of(const char *fields, const char *key)
{
	const char *at = strstr(fields, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* `MAJ:MIN rbytes=N wbytes=N rios=N wios=N …` */
static void put_transfers_new(struct json_value *bytes, struct json_value *counts,
			      char *table)
{
	char *save, *line;

	for (line = table ? strtok_r(table, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned int major, minor;
		const char *rest = read_device(line, &major, &minor);

		if (!rest)
			continue;
		put_transfer(bytes, major, minor, "Read", value_of(rest, "rbytes="));
		put_transfer(bytes, major, minor, "Write", value_of(rest, "wbytes="));
		put_transfer(counts, major, minor, "Read", value_of(rest, "rios="));
		put_transfer(counts, major, minor, "Write", value_of(rest, "wios="));
	}
}

static void put_io(struct json_value *data, const struct container_group *group,
		   struct arena *arena)
{
	struct json_value *object = json_put_object(data, "blkio");
	struct json_value *bytes = json_put_array(object, "ioServiceBytesRecursive");
	struct json_value *counts = json_put_array(object, "ioServicedRecursive");
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "blkio", "io", &old);

	if (!old) {
		put_transfers_new(bytes, counts, table_in(part, "io.stat", arena));
		return;
	}
	put_transfers_old(
		bytes,
		table_in(part, "blkio.throttle.io_service_bytes_recursive", arena));
	put_transfers_old(counts,
			  table_in(part, "blkio.throttle.io_serviced_recursive", arena));
}

/* name: "hugetlb.2MB.current", or of v1 "hugetlb.2MB.usage_in_bytes". */
static void put_page_size(struct json_value *object,
			  const struct container_group_part *part, const char *name,
			  bool old)
{
	const char *size = name + strlen("hugetlb.");
	char key[32], file[64];
	struct json_value *entry;

	snprintf(key, sizeof(key), "%.*s", (int)strcspn(size, "."), size);
	entry = json_put_object(object, key);
	json_put_unsigned(entry, "usage", number_in(part, name, "", 1));
	snprintf(file, sizeof(file), "hugetlb.%.20s.%s", key,
		 old ? "max_usage_in_bytes" : "max");
	json_put_unsigned(entry, "max", old ? number_in(part, file, "", 1) : 0);
	snprintf(file, sizeof(file), "hugetlb.%.20s.%s", key, old ? "failcnt" : "events");
	json_put_unsigned(entry, "failcnt", number_in(part, file, old ? "" : "max", 1));
}

static bool is_page_file(const char *name, bool old)
{
	const char *end;

	if (!text_starts_with(name, "hugetlb."))
		return false;
	end = strchr(name + strlen("hugetlb."), '.');
	return end && strcmp(end, old ? ".usage_in_bytes" : ".current") == 0;
}

static void put_huge_pages(struct json_value *data, const struct container_group *group)
{
	struct json_value *object = json_put_object(data, "hugetlb");
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "hugetlb", "hugetlb", &old);
	int fd = part ? openat(part->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *names = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!names) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(names))) {
		if (is_page_file(entry->d_name, old))
			put_page_size(object, part, entry->d_name, old);
	}
	(void)closedir(names);
}

struct json_value *group_stats(const struct container_group *group, struct arena *arena)
{
	struct json_value *data = json_make_object(arena);

	put_processors(data, group, arena);
	put_cpuset(data, group, arena);
	put_memory(data, group, arena);
	put_pids(data, group);
	put_io(data, group, arena);
	put_huge_pages(data, group);
	(void)json_put_object(data, "intel_rdt");
	json_put_null(data, "network_interfaces");
	return data;
}
