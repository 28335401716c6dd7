/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx-oci update`: other limits for a container that is there. */
#include "launcher/oci_group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "update [OPTIONS] ID";

enum { DOCUMENT_MAX = 16 << 20 };

/* ---- numbers --------------------------------------------------------------------------- */

/* An option and the resource that it is. */
static const struct number_row {
	const char *name;
	size_t offset;
	bool is_size; /* "512m" */
	const char *help;
} rows[] = {
#define MEMBER(name) offsetof(struct cgroup_resources, name)
	{ "blkio-weight", MEMBER(io_weight), false,
	  "weight of block devices, 10 to 1000" },
	{ "cpu-period", MEMBER(cpu_period), false, "microseconds of a period" },
	{ "cpu-quota", MEMBER(cpu_quota), false,
	  "microseconds of the processors in a period; -1: no limit" },
	{ "cpu-burst", MEMBER(cpu_burst), false, "microseconds that may be saved up" },
	{ "cpu-share", MEMBER(cpu_shares), false,
	  "weight of the processors, 2 to 262144" },
	{ "cpu-rt-period", MEMBER(cpu_rt_period), false, "of real-time processes" },
	{ "cpu-rt-runtime", MEMBER(cpu_rt_runtime), false, "of real-time processes" },
	{ "cpu-idle", MEMBER(cpu_idle), false, "1: only time that nobody else wants" },
	{ "memory", MEMBER(memory), true, "bytes, or 512m; -1: no limit" },
	{ "memory-reservation", MEMBER(memory_reservation), true,
	  "what is kept for it where memory is short" },
	{ "memory-swap", MEMBER(memory_swap), true, "memory and swap together" },
	{ "kernel-memory", MEMBER(memory_kernel), true, NULL },
	{ "kernel-memory-tcp", MEMBER(memory_kernel_tcp), true, NULL },
	{ "pids-limit", MEMBER(pids), false, "processes and threads; -1: no limit" },
#undef MEMBER
};

enum { ROW_COUNT = sizeof(rows) / sizeof(*rows) };

static int read_number(const struct number_row *row, const char *text,
		       struct cgroup_resources *resources, struct error *err)
{
	struct cgroup_number *number =
		(struct cgroup_number *)((char *)resources + row->offset);
	uint64_t value = UINT64_MAX;

	if (strcmp(text, "-1") != 0 && (row->is_size ? text_to_size(text, &value)
						     : text_to_u64(text, 10, &value)) < 0)
		return error_set(err, ERROR_USAGE, "read --%s %.60s: no %s", row->name,
				 text, row->is_size ? "size such as 512m" : "number");
	*number = (struct cgroup_number){ true, value };
	return 0;
}

/* ---- documents ------------------------------------------------------------------------- */

static int read_document(const char *path, struct arena *arena,
			 struct cgroup_resources *ret_resources, struct error *err)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	auto_close int file = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				       : open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	const char *text =
		file < 0 ? NULL : files_read_all(arena, file, DOCUMENT_MAX, &length);

	if (!text) {
		const int errnum = errno;

		error_set(err, ERROR_CONFIG, "read the resources in %.150s: %s", path,
			  errnum == ENOENT ? "there is no such file" : strerror(errnum));
		err->errnum = errnum;
		err->explained = true;
		return -1;
	}
	return plan_read_resources(text, length, is_stdin ? "standard input" : path,
				   arena, ret_resources, err);
}

/* ---- the command ----------------------------------------------------------------------- */

struct update {
	const char *document, *cpus, *mems, *schema;
	const char *numbers[ROW_COUNT];
};

static int read_words(const char *const **words, struct update *update,
		      struct arena *arena, struct error *err)
{
	struct oci_option options[ROW_COUNT + 5] = {
		{ .name = "resources",
		  .letter = 'r',
		  .takes_value = true,
		  .value = &update->document,
		  .help = "a file with linux.resources of a config.json; - is standard "
			  "input" },
		{ .name = "cpuset-cpus",
		  .takes_value = true,
		  .value = &update->cpus,
		  .help = "processors, as 0-1,3" },
		{ .name = "cpuset-mems",
		  .takes_value = true,
		  .value = &update->mems,
		  .help = "memory nodes" },
		{ .name = "l3-cache-schema",
		  .takes_value = true,
		  .value = &update->schema },
		{ .name = "mem-bw-schema",
		  .takes_value = true,
		  .value = &update->schema },
	};

	for (size_t i = 0; i < ROW_COUNT; i++)
		options[i + 5] = (struct oci_option){
			.name = rows[i].name,
			.takes_value = true,
			.value = &update->numbers[i],
			.help = rows[i].help,
		};
	return oci_read_words(words, options, sizeof(options) / sizeof(*options), usage,
			      arena, err);
}

/* Options count beside a document, and more than it. */
static int read_resources(const struct update *update, struct arena *arena,
			  struct cgroup_resources *resources, struct error *err)
{
	if (update->schema) {
		error_set(err, ERROR_USAGE,
			  "set a schema of resctrl: sbx-oci does not use "
			  "it");
		return error_hint(err, "write to /sys/fs/resctrl, as root");
	}
	if (update->document &&
	    read_document(update->document, arena, resources, err) < 0)
		return -1;
	if (update->cpus)
		resources->cpus = update->cpus;
	if (update->mems)
		resources->mems = update->mems;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (update->numbers[i] &&
		    read_number(&rows[i], update->numbers[i], resources, err) < 0)
			return -1;
	}
	return 0;
}

static int refuse_runsc(const struct container_record *record, struct error *err)
{
	error_set(err, ERROR_CGROUP,
		  "update %.100s: runsc cannot change the limits of a container",
		  record->id);
	return error_hint(err, "create it with those that it is to have");
}

static int apply(const struct oci_globals *globals, const char *id,
		 const struct cgroup_resources *resources, struct arena *arena,
		 struct error *err)
{
	struct oci_group group = { 0 };
	int result = oci_group_open(globals, id, true, arena, &group, err);

	if (!result)
		result = oci_group_want_life(&group, "update", err);
	if (!result && group.record.runsc)
		result = refuse_runsc(&group.record, err);
	if (!result)
		result = group_apply(&group.group, resources, globals->best_effort, err);
	oci_group_close(&group);
	if (result > 0)
		oci_warn_of(globals, err);
	return result < 0 ? -1 : 0;
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	struct cgroup_resources resources = { 0 };
	struct update update = { 0 };
	const char *only[2] = { NULL };
	const char *id;

	if (read_words(&words, &update, arena, err) < 0)
		return -1;
	/* crun takes options behind the id as well. */
	only[0] = words[0];
	if (words[0]) {
		words++;
		if (read_words(&words, &update, arena, err) < 0)
			return -1;
	}
	id = oci_only_id(words[0] ? words - 1 : only, usage, err);
	if (!id || read_resources(&update, arena, &resources, err) < 0)
		return -1;
	return apply(globals, id, &resources, arena, err);
}

int oci_update(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
