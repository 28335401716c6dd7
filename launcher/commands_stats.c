/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx stats`: what running sandboxes use. A sandbox that has limits has a cgroup, which
 * counts for it; of another one the processes are found and added up: whoever descends from
 * its init, and who lives in its pid namespace.
 */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "launcher/command_words.h"
#include "launcher/state.h"
#include "policy/policy.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char usage[] = "sbx stats [--json] [--no-stream] [NAME]";

enum {
	ROUND_MS = 1000, /* between two tables */
	ONCE_MS = 250,   /* between two looks, where there is one table */
	STAT_MAX = 1024,
};

/* A process of the host, proc_pid_stat(5). */
struct process {
	pid_t pid, parent;
	uint64_t ticks, pages;
	uint64_t pid_namespace; /* inode; 0: it is not shown to us */
};

struct processes {
	struct process *list;
	size_t count;
};

/* What one sandbox used up to a moment. */
struct sample {
	const struct state_entry *entry;
	struct cgroup_now now;
	bool grouped;
	int64_t at_us;
};

struct samples {
	struct sample *list;
	int count;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- processes --------------------------------------------------------------------------- */

/* Fields of proc_pid_stat(5), from 0 for the one behind the name. */
enum { FIELD_PARENT = 1, FIELD_TICKS = 11, FIELD_TICKS_END = 15, FIELD_PAGES = 21 };

/* The name stands in parentheses and may hold anything: what counts is behind the last one. */
static int read_process(int dir, struct process *process)
{
	char text[STAT_MAX + 1];
	auto_close int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, STAT_MAX);
	const char *at;
	int field = 0;

	text[length > 0 ? length : 0] = '\0';
	at = strrchr(text, ')');
	at = at ? strchr(at, ' ') : NULL;
	for (; at && field <= FIELD_PAGES; at = strchr(at + 1, ' '), field++) {
		const unsigned long long value = strtoull(at, NULL, 10);

		if (field == FIELD_PARENT)
			process->parent = (pid_t)value;
		else if (field >= FIELD_TICKS && field < FIELD_TICKS_END)
			process->ticks += value;
		else if (field == FIELD_PAGES)
			process->pages = value;
	}
	return field > FIELD_PAGES ? 0 : -1;
}

static void add_process(struct processes *processes, int proc, const char *name,
			struct arena *arena)
{
	auto_close int dir = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process process = { .pid = (pid_t)strtol(name, NULL, 10) };
	struct stat status;

	if (dir < 0 || read_process(dir, &process) < 0)
		return;
	if (fstatat(dir, "ns/pid", &status, 0) == 0)
		process.pid_namespace = status.st_ino;
	processes->list =
		arena_grow(arena, processes->list, processes->count, sizeof(process));
	processes->list[processes->count++] = process;
}

static struct processes read_processes(struct arena *arena)
{
	struct processes processes = { 0 };
	DIR *directory = opendir("/proc");
	const struct dirent *found;

	while (directory && (found = readdir(directory)))
		if (isdigit((unsigned char)found->d_name[0]))
			add_process(&processes, dirfd(directory), found->d_name, arena);
	if (directory)
		closedir(directory);
	return processes;
}

/* Its command's, if that is another one than ours. */
static uint64_t namespace_of(const struct processes *processes,
			     const struct state_entry *entry)
{
	struct stat own;

	if (stat("/proc/self/ns/pid", &own) < 0)
		return 0;
	for (size_t i = 0; i < processes->count; i++)
		if (processes->list[i].parent == entry->init &&
		    processes->list[i].pid_namespace != own.st_ino)
			return processes->list[i].pid_namespace;
	return 0;
}

static bool is_of(const struct process *process, const struct state_entry *entry,
		  uint64_t pid_namespace, const struct processes *processes,
		  const bool *is_in)
{
	if (process->pid == entry->init ||
	    (pid_namespace && process->pid_namespace == pid_namespace))
		return true;
	for (size_t i = 0; i < processes->count; i++)
		if (processes->list[i].pid == process->parent)
			return is_in[i];
	return false;
}

/* A child may be listed before its parent: again, until nothing is found any more. */
static void add_up(const struct processes *processes, const struct state_entry *entry,
		   struct cgroup_now *now, struct arena *arena)
{
	const uint64_t tick_us = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t pid_namespace = namespace_of(processes, entry);
	bool *is_in = arena_alloc_array(arena, processes->count + 1, sizeof(*is_in));
	struct cgroup_now sum = { .memory_limit = UINT64_MAX };
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < processes->count; i++) {
			const struct process *process = &processes->list[i];

			if (is_in[i] ||
			    !is_of(process, entry, pid_namespace, processes, is_in))
				continue;
			is_in[i] = more = true;
			sum.pids++;
			sum.cpu_us += process->ticks * tick_us;
			sum.memory += process->pages * page;
		}
	}
	*now = sum;
}

/* ---- samples ----------------------------------------------------------------------------- */

/* What the groups do not count is counted as where there is none. */
static void take_sample(const struct state_entry *entry,
			const struct processes *processes, struct sample *sample,
			struct arena *arena)
{
	struct cgroup_now now;

	sample->entry = entry;
	sample->at_us = now_us();
	sample->grouped = entry->groups != NULL;
	memset(&sample->now, 0xff, sizeof(sample->now));
	for (const char *const *path = entry->groups; path && *path; path++)
		cgroup_read_now(*path, &sample->now);
	add_up(processes, entry, &now, arena);
	if (sample->now.memory == UINT64_MAX)
		sample->now.memory = now.memory;
	if (sample->now.pids == UINT64_MAX)
		sample->now.pids = now.pids;
	if (sample->now.cpu_us == UINT64_MAX)
		sample->now.cpu_us = now.cpu_us;
}

/* name: NULL for all. */
static int take_samples(const char *name, struct arena *arena,
			struct samples *ret_samples, struct error *err)
{
	const struct state_entry *entries = NULL;
	struct state_entry *one;
	struct processes processes;
	int count = 1;

	if (name) {
		one = arena_alloc(arena, sizeof(*one));
		if (state_find(name, arena, one, err) < 0)
			return -1;
		entries = one;
	} else {
		count = state_list(arena, &entries, err);
	}
	if (count < 0)
		return -1;
	processes = read_processes(arena);
	ret_samples->count = count;
	ret_samples->list =
		arena_alloc_array(arena, (size_t)count + 1, sizeof(struct sample));
	for (int i = 0; i < count; i++)
		take_sample(&entries[i], &processes, &ret_samples->list[i], arena);
	return 0;
}

/* Of one processor, in hundredths; of one that was not there before, nothing yet. */
static unsigned int percent_of(const struct sample *sample, const struct samples *before)
{
	for (int i = 0; i < before->count; i++) {
		const struct sample *old = &before->list[i];
		const int64_t passed = sample->at_us - old->at_us;

		if (old->entry->init != sample->entry->init || passed <= 0 ||
		    sample->now.cpu_us <= old->now.cpu_us)
			continue;
		return (unsigned int)((sample->now.cpu_us - old->now.cpu_us) * 100 /
				      (uint64_t)passed);
	}
	return 0;
}

/* ---- what is shown ----------------------------------------------------------------------- */

static const char *as_json(const struct samples *samples, const struct samples *before,
			   struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *list;

	json_put_integer(object, "version", 1);
	list = json_put_array(object, "sandboxes");
	for (int i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->list[i];
		struct json_value *row = json_put_object(list, NULL);

		json_put_text(row, "id", sample->entry->name);
		json_put_integer(row, "pid", sample->entry->init);
		json_put_unsigned(row, "cpu_percent", percent_of(sample, before));
		json_put_unsigned(row, "cpu_ms", sample->now.cpu_us / 1000);
		json_put_unsigned(row, "memory_bytes", sample->now.memory);
		if (sample->now.memory_limit == UINT64_MAX)
			json_put_null(row, "memory_limit_bytes");
		else
			json_put_unsigned(row, "memory_limit_bytes",
					  sample->now.memory_limit);
		json_put_unsigned(row, "pids", sample->now.pids);
		json_put_text(row, "counted_by",
			      sample->grouped ? "cgroup" : "processes");
	}
	return arena_printf(arena, "%s\n", json_write(object, JSON_LAYOUT_LINE, arena));
}

/* "12.3M" */
static const char *size_text(uint64_t bytes, struct arena *arena)
{
	static const char units[] = "KMGT";
	uint64_t tenths = bytes * 10 / 1024;
	size_t unit = 0;

	if (bytes == UINT64_MAX)
		return "-";
	while (tenths >= 10240 && units[unit + 1]) {
		tenths /= 1024;
		unit++;
	}
	return arena_printf(arena, "%llu.%llu%c", (unsigned long long)tenths / 10,
			    (unsigned long long)tenths % 10, units[unit]);
}

static const char *as_table(const struct samples *samples, const struct samples *before,
			    struct arena *arena)
{
	const char *table = arena_printf(arena, "%-20s %-10s %6s %9s %9s %6s\n", "NAME",
					 "PID", "CPU", "MEMORY", "LIMIT", "PIDS");

	for (int i = 0; i < samples->count; i++) {
		const struct sample *sample = &samples->list[i];

		table = arena_printf(arena, "%s%-20s %-10d %5u%% %9s %9s %6llu\n", table,
				     sample->entry->name, sample->entry->init,
				     percent_of(sample, before),
				     size_text(sample->now.memory, arena),
				     size_text(sample->now.memory_limit, arena),
				     (unsigned long long)sample->now.pids);
	}
	return table;
}

/* ---- the command ------------------------------------------------------------------------- */

static int show_once(const char *name, bool json, struct error *err)
{
	struct arena arena = { 0 };
	struct samples before, samples;
	int failed = take_samples(name, &arena, &before, err);

	if (!failed) {
		(void)poll(NULL, 0, ONCE_MS);
		failed = take_samples(name, &arena, &samples, err);
	}
	if (!failed)
		failed = say(json ? as_json(&samples, &before, &arena)
				  : as_table(&samples, &before, &arena)) == 0
				 ? 0
				 : 1;
	arena_free(&arena);
	return failed;
}

/* From the top of the terminal, again and again, until the one that was named has ended. */
static int show_live(const char *name, struct error *err)
{
	static const char clear[] = "\033[H\033[J";
	struct arena arenas[2] = { { 0 } };
	struct samples before = { 0 }, samples;
	int failed = 0;

	for (size_t round = 0; !failed; round++) {
		struct arena *arena = &arenas[round % 2];

		arena_free(arena);
		*arena = (struct arena){ 0 };
		failed = take_samples(name, arena, &samples, err);
		if (failed && round && err->id == ERROR_NO_SUCH_SANDBOX)
			failed = 2;
		if (failed)
			break;
		if (say(arena_printf(arena, "%s%s", clear,
				     as_table(&samples, &before, arena))))
			failed = 1;
		before = samples;
		(void)poll(NULL, 0, round ? ROUND_MS : ONCE_MS);
	}
	arena_free(&arenas[0]);
	arena_free(&arenas[1]);
	return failed == 2 ? 0 : failed;
}

int command_stats(const char *const *words)
{
	bool json = false, live = isatty(STDOUT_FILENO);
	const char *name = NULL;
	struct error err;
	int failed;

	for (; *words; words++) {
		if (asks_for_help(*words))
			return say_usage(
				usage,
				"Shows what the running sandboxes use: processors, memory, "
				"processes.\nOn a terminal again and again, unless "
				"--no-stream or --json is given.");
		if (strcmp(*words, "--json") == 0)
			json = true;
		else if (strcmp(*words, "--no-stream") == 0)
			live = false;
		else if (is_option(*words))
			return refuse_words(usage, "it does not take ", *words);
		else if (name)
			return refuse_words(
				usage, "one NAME is enough, this is one more: ", *words);
		else
			name = *words;
	}
	failed = live && !json ? show_live(name, &err) : show_once(name, json, &err);
	return failed < 0 ? complain(&err) : failed ? 125 : 0;
}
