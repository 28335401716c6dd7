/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx-oci ps`: the processes of a container, as the numbers that the caller sees, or as those
 * lines of ps(1) which are about them.
 */
#include "launcher/oci_group.h"
#include "launcher/oci_gvisor.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] = "ps [OPTIONS] ID [OPTIONS OF PS]";

enum { TABLE_MAX = 64 << 20 };

struct processes {
	pid_t *pids; /* ascending */
	size_t count;
};

/* ---- JSON ------------------------------------------------------------------------------ */

static void print_json(const struct processes *processes, struct arena *arena)
{
	struct json_value *list = json_make_array(arena);

	for (size_t i = 0; i < processes->count; i++)
		json_put_integer(list, NULL, processes->pids[i]);
	puts(json_write(list, JSON_LAYOUT_LINE, arena));
}

/* ---- the table ------------------------------------------------------------------------- */

static _Noreturn void become_ps(const char *const *options, int out)
{
	static const char *const usual[] = { "-ef", NULL };
	const char *words[64] = { "ps" };
	size_t count = 1;

	for (options = *options ? options : usual;
	     *options && count + 1 < sizeof(words) / sizeof(*words); options++)
		words[count++] = *options;
	if (dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
	execvp("ps", (char *const *)(uintptr_t)words);
	_exit(127);
}

/* What ps(1) says, in the arena. */
static char *ask_ps(const char *const *options, struct arena *arena, struct error *err)
{
	int ends[2], status = -1;
	size_t length;
	char *table;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_errno_id(err, ERROR_RESOURCES, "open a pipe");
		return NULL;
	}
	pid = fork();
	if (pid == 0)
		become_ps(options, ends[1]);
	(void)close(ends[1]);
	table = pid < 0 ? NULL : files_read_all(arena, ends[0], TABLE_MAX, &length);
	(void)close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (table && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return table;
	error_set(err, ERROR_PLAIN, "list processes: ps %s",
		  WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "is not installed"
								  : "failed");
	error_hint(err, "--format json lists their numbers without it");
	return NULL;
}

/* The column that is called PID; -1: there is none. */
static int find_column(const char *head)
{
	for (int column = 0;; column++) {
		size_t length;

		head += strspn(head, " \t");
		length = strcspn(head, " \t\n");
		if (!length)
			return -1;
		if (length == 3 && strncmp(head, "PID", 3) == 0)
			return column;
		head += length;
	}
}

static long number_in(const char *line, int column)
{
	for (int i = 0; i < column; i++) {
		line += strspn(line, " \t");
		line += strcspn(line, " \t\n");
	}
	return strtol(line, NULL, 10);
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

static int print_table(const struct processes *processes, const char *const *options,
		       struct arena *arena, struct error *err)
{
	char *table = ask_ps(options, arena, err);
	char *save, *line;
	int column;

	line = table ? strtok_r(table, "\n", &save) : NULL;
	if (!table)
		return -1;
	column = line ? find_column(line) : -1;
	if (column < 0) {
		error_set(err, ERROR_USAGE,
			  "find processes in what ps says: it has no "
			  "column PID");
		return error_hint(err, "sbx-oci ps ID -o pid,user,args");
	}
	puts(line);
	while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
		const pid_t pid = (pid_t)number_in(line, column);

		if (processes->count && bsearch(&pid, processes->pids, processes->count,
						sizeof(pid), compare_pids))
			puts(line);
	}
	return 0;
}

/* ---- the command ----------------------------------------------------------------------- */

/* Without a group of its own process 1 is all that is known of a container. */
static int list(const struct oci_group *group, struct arena *arena,
		struct processes *processes, struct error *err)
{
	if (group_is_there(&group->group))
		return group_pids(&group->group, arena, &processes->pids,
				  &processes->count, err);
	if (container_status(&group->entry, &group->record) == CONTAINER_STOPPED)
		return 0;
	processes->pids = arena_alloc(arena, sizeof(*processes->pids));
	processes->pids[0] = group->record.pid;
	processes->count = 1;
	return 0;
}

/* The processes of another kernel: ps(1) sees none of them. */
static int become_runsc(const struct container_record *record, const char *id, bool json,
			struct error *err)
{
	const char *const words[] = { json ? "--format=json" : "--format=table", id,
				      NULL };

	return oci_gvisor_become(record, "ps", words, err);
}

static int print(const struct oci_globals *globals, const char *const *words, bool json,
		 struct arena *arena, struct error *err)
{
	struct oci_group group = { 0 };
	struct processes processes = { 0 };
	int failed = oci_group_open(globals, words[0], false, arena, &group, err);

	if (!failed && group.record.runsc)
		failed = become_runsc(&group.record, words[0], json, err);
	if (!failed)
		failed = list(&group, arena, &processes, err);
	oci_group_close(&group);
	if (failed)
		return -1;
	if (json)
		print_json(&processes, arena);
	else if (print_table(&processes, words + 1, arena, err) < 0)
		return -1;
	return fflush(stdout) == 0 ? 0 : error_errno(err, "print the processes");
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	const char *format = "table";
	const struct oci_option options[] = {
		{ .name = "format",
		  .letter = 'f',
		  .takes_value = true,
		  .value = &format,
		  .help = "table, as ps(1) prints it, or json" },
	};

	if (oci_read_words(&words, options, 1, usage, arena, err) < 0)
		return -1;
	if (!words[0]) {
		error_set(err, ERROR_USAGE, "go on: the id of a container is missing");
		return error_hint(err, "usage: sbx-oci %s", usage);
	}
	if (strcmp(format, "json") != 0 && strcmp(format, "table") != 0)
		return error_set(err, ERROR_USAGE,
				 "print processes as '%.60s': table or json", format);
	return print(globals, words, strcmp(format, "json") == 0, arena, err);
}

int oci_ps(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
