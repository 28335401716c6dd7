/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the originals of changed files were like when they were first seen to be changed. A
 * file of the directory that somebody else writes to later has another ctime, which no
 * program can set back; and so has one that was written while the command ran: later than
 * the run's start. Of a directory only its inode and mode are compared, since its times
 * change with every file in it.
 *
 * The file holds, for each path, a line of figures and the path, each ended by NUL.
 */
#include "image/changes.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/page.h"
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS_MAX = 1 << 30 }; /* bytes */

struct record {
	const char *path;
	struct original original;
	bool stale; /* was changed while the command ran */
};

struct records {
	struct record *all; /* sorted by path */
	size_t count;
};

static int compare_paths(const void *a, const void *b)
{
	const struct record *one = a, *other = b;

	return strcmp(one->path, other->path);
}

static struct record *find(const struct records *records, const char *path)
{
	const struct record wanted = { .path = path };

	if (!records->count)
		return NULL;
	return bsearch(&wanted, records->all, records->count, sizeof(*records->all),
		       compare_paths);
}

static void sort(struct records *records)
{
	if (records->count)
		qsort(records->all, records->count, sizeof(*records->all), compare_paths);
}

/* ---- the file -------------------------------------------------------------------------- */

enum { FIGURES = 6 };

static int parse_figures(const char *text, struct record *ret_record)
{
	uint64_t figures[FIGURES];

	if (read_figures(text, figures, FIGURES) < 0)
		return -1;
	*ret_record = (struct record){
		.stale = figures[0] != 0,
		.original = {
			.inode = figures[1],
			.size = figures[2],
			.mtime = (int64_t)figures[3],
			.ctime = (int64_t)figures[4],
			.mode = (mode_t)figures[5],
		},
	};
	return 0;
}

static int parse(const char *text, size_t length, struct arena *arena,
		 struct records *records)
{
	const char *const end = text + length;

	while (text < end) {
		struct record record;

		if (parse_figures(text, &record) < 0)
			return -1;
		text += strlen(text) + 1;
		if (text >= end)
			return -1;
		record.path = text;
		text += strlen(text) + 1;
		records->all = arena_grow(arena, records->all, records->count,
					  sizeof(*records->all));
		records->all[records->count++] = record;
	}
	return 0;
}

/* A file that is not there holds none. */
static int read_records(int dir, const char *name, struct arena *arena,
			struct records *ret_records, struct error *err)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct records records = { 0 };
	size_t length;
	char *text;

	if (fd < 0 && errno == ENOENT) {
		*ret_records = records;
		return 0;
	}
	text = fd < 0 ? NULL : files_read_all(arena, fd, RECORDS_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_STATE,
				      "read what was noted of the originals");
	if (parse(text, length, arena, &records) < 0)
		return error_set(err, ERROR_STATE,
				 "read what was noted of the originals: it is damaged");
	sort(&records);
	*ret_records = records;
	return 0;
}

static int write_records(int dir, const char *name, const struct records *records,
			 struct arena *arena, struct error *err)
{
	struct page page = { .arena = arena };

	for (size_t i = 0; i < records->count; i++) {
		const struct record *record = &records->all[i];
		const struct original *original = &record->original;

		page_printf(&page,
			    "%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u",
			    record->stale, original->inode, original->size,
			    (uint64_t)original->mtime, (uint64_t)original->ctime,
			    original->mode);
		page_put_bytes(&page, "", 1);
		page_put_bytes(&page, record->path, strlen(record->path) + 1);
	}
	if (files_replace(dir, name, page.text ? page.text : "", page.used, 0600) < 0)
		return error_errno_id(err, ERROR_STATE, "note the originals");
	return 0;
}

/* ---- noting and comparing -------------------------------------------------------------- */

int originals_note(int dir, const char *name, const struct change *changes, size_t count,
		   int64_t since, struct arena *arena, struct error *err)
{
	struct records before = { 0 }, all = { 0 };

	if (read_records(dir, name, arena, &before, err) < 0)
		return -1;
	all.all = arena_alloc_array(arena, before.count + count + 1, sizeof(*all.all));
	all.count = before.count;
	if (before.count)
		memcpy(all.all, before.all, before.count * sizeof(*all.all));
	for (size_t i = 0; i < count; i++) {
		const struct change *change = &changes[i];

		if (find(&before, change->path))
			continue;
		all.all[all.count++] = (struct record){
			.path = change->path,
			.original = change->original,
			.stale = change->original.mode &&
				 !S_ISDIR(change->original.mode) &&
				 change->original.ctime > since,
		};
	}
	sort(&all);
	return write_records(dir, name, &all, arena, err);
}

static bool is_same(const struct original *was, const struct original *is)
{
	if (was->mode != is->mode)
		return false;
	if (was->mode == 0)
		return true;
	if (S_ISDIR(was->mode))
		return was->inode == is->inode;
	return was->inode == is->inode && was->size == is->size &&
	       was->mtime == is->mtime && was->ctime == is->ctime;
}

int originals_check(int dir, const char *name, const struct change *changes, size_t count,
		    struct arena *arena, const char ***ret_paths, size_t *ret_count,
		    struct error *err)
{
	struct records records = { 0 };
	const char **paths = NULL;
	size_t found = 0;

	if (read_records(dir, name, arena, &records, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct change *change = &changes[i];
		const struct record *record = find(&records, change->path);

		if (record && !record->stale &&
		    is_same(&record->original, &change->original))
			continue;
		paths = arena_grow(arena, (const void *)paths, found, sizeof(*paths));
		paths[found++] = change->path;
	}
	*ret_paths = paths;
	*ret_count = found;
	return 0;
}
