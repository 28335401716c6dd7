/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which record a file on the disk stands for, without reading it: as long as device, inode,
 * size and both times are what they were when it was read. The name of such a note is made of
 * what stays the same when a file is written anew, so that the newer note takes its place.
 */
#include "image/cache.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/cache_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	NANOSECONDS = 1000000000,
};

static const char *note_path(const struct stat *file, const char *tag, const char *map,
			     struct arena *arena)
{
	const char *text = arena_printf(arena, "%ju %ju %s %s%s", (uintmax_t)file->st_dev,
					(uintmax_t)file->st_ino, map, tag ? "tag " : "",
					tag ? tag : "");

	return arena_printf(arena, "files/%s.json", cache_short_name(text, arena));
}

/* Everything that has to be the same, in one text. */
static const char *identity_text(const struct stat *file, const char *tag,
				 const char *map, struct arena *arena)
{
	return arena_printf(arena, "%ju %ju %jd %jd.%09ld %jd.%09ld %s %s%s",
			    (uintmax_t)file->st_dev, (uintmax_t)file->st_ino,
			    (intmax_t)file->st_size, (intmax_t)file->st_mtim.tv_sec,
			    file->st_mtim.tv_nsec, (intmax_t)file->st_ctim.tv_sec,
			    file->st_ctim.tv_nsec, map, tag ? "tag " : "",
			    tag ? tag : "");
}

/* Changed so late that a change after it could have left the same times; or in the future. */
static bool is_fresh(const struct stat *file, int64_t now)
{
	const int64_t latest = file->st_mtim.tv_sec > file->st_ctim.tv_sec
				       ? file->st_mtim.tv_sec
				       : file->st_ctim.tv_sec;

	return latest + CACHE_FRESH_S >= now;
}

/* ---- finding --------------------------------------------------------------------------- */

static const char *find_note(const struct cache *cache, const struct stat *file,
			     const char *tag, const char *map, struct arena *arena)
{
	const char *path = note_path(file, tag, map, arena);
	const struct json_value *note = cache_load_document(cache, path, arena);
	const char *identity = NULL, *record = NULL;
	struct error ignored;

	if (json_get_text(note, "file", &identity, &ignored) != 0 ||
	    json_get_text(note, "record", &record, &ignored) != 0 ||
	    strcmp(identity, identity_text(file, tag, map, arena)) != 0 ||
	    strchr(record, '/'))
		return NULL;
	/* It was of use: cache_collect() lets those go that were not for long. */
	(void)utimensat(cache->dir, path, NULL, AT_SYMLINK_NOFOLLOW);
	return record;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int cache_find_file(const struct cache *cache, const struct stat *file, const char *tag,
		    const char *map, struct arena *arena, struct cache_record *ret_record,
		    struct error *err)
{
	struct cache_record record;
	const char *name;

	(void)err;
	if (is_fresh(file, cache_now()))
		return 0;
	name = find_note(cache, file, tag, map, arena);
	if (!name || cache_record_load(cache, name, arena, &record) != 1 ||
	    !is_same(record.tag, tag) || !is_same(record.map, map))
		return 0;
	*ret_record = record;
	return 1;
}

bool cache_note_serves(const struct cache *cache, const char *name, int64_t since,
		       struct arena *arena)
{
	const char *path = arena_printf(arena, "files/%s", name);
	const struct json_value *note = cache_load_document(cache, path, arena);
	const char *record = NULL;
	struct error ignored;
	struct stat info;

	return json_get_text(note, "record", &record, &ignored) == 0 &&
	       !strchr(record, '/') &&
	       fstatat(cache->dir, arena_printf(arena, "images/%s", record), &info,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(cache->dir, path, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	       info.st_mtim.tv_sec >= since;
}

/* ---- writing --------------------------------------------------------------------------- */

static int write_note(const struct cache *cache, const struct stat *file, const char *tag,
		      const char *map, const char *record, struct arena *arena,
		      struct error *err)
{
	struct json_value *note = json_make_object(arena);

	json_put_integer(note, "version", 1);
	json_put_text(note, "file", identity_text(file, tag, map, arena));
	json_put_text(note, "record", record);
	return cache_store_document(cache, note_path(file, tag, map, arena), note, arena,
				    err);
}

/*
 * The record before the note, so that no note leads nowhere. The lock keeps records and
 * layers together: nobody counts who needs what while something is added. Whoever holds it
 * for long was stopped, and then waiting does not help.
 */
static int publish(const struct cache *cache, const struct cache_record *record,
		   const struct stat *file, const char *tag, struct arena *arena,
		   struct error *err)
{
	const char *name = cache_record_name(record->id, tag, record->map, arena);
	auto_close int lock = cache_await_lock(cache, ".", CACHE_LOCK_NEW);

	(void)lock; /* held to the end, or else not to be had */
	if (!name)
		return error_set(err, ERROR_CACHE, "keep an image without a digest");
	if (cache_record_store(cache, record, name, tag, arena, err) < 0)
		return -1;
	if (!file || is_fresh(file, cache->opened))
		return 0;
	return write_note(cache, file, tag, record->map, name, arena, err);
}

int cache_publish_image(const struct cache *cache, const struct cache_record *record,
			const struct stat *file, const char *tag, struct error *err)
{
	struct arena arena = { 0 };
	const int failed = publish(cache, record, file, tag, &arena, err);

	arena_free(&arena);
	return failed;
}
