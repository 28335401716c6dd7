/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: texts of ours about images. One that cannot be read, or says something else than
 * its name, is not there. The time of the last use is the file's own, so that using an image
 * writes no text.
 */
#include "image/cache.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "image/cache_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- documents ------------------------------------------------------------------------- */

/* As json_read() gave it, unrestored. */
static struct json_value *read_document(int fd, const char *name, struct arena *arena)
{
	struct json_value *document;
	struct error ignored;
	uint64_t version = 0;
	size_t length;
	const char *text = files_read_all(arena, fd, JSON_SIZE_MAX, &length);

	if (!text)
		return NULL;
	document = json_read(text, length, name, arena, &ignored);
	if (!document ||
	    json_get_unsigned(document, "version", UINT64_MAX, &version, &ignored) != 0 ||
	    version != 1)
		return NULL;
	return document;
}

static struct json_value *load_document(const struct cache *cache, const char *path,
					struct arena *arena)
{
	auto_close int fd =
		openat(cache->dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? NULL : read_document(fd, path, arena);
}

static void restore_document(struct json_value *document)
{
	if (json_get(document, "escaped_bytes"))
		json_restore_bytes(document);
}

struct json_value *cache_load_document(const struct cache *cache, const char *path,
				       struct arena *arena)
{
	struct json_value *document = load_document(cache, path, arena);

	restore_document(document);
	return document;
}

int cache_store_document(const struct cache *cache, const char *path,
			 struct json_value *document, struct arena *arena,
			 struct error *err)
{
	const char *text;

	if (json_has_escapes(document))
		json_put_bool(document, "escaped_bytes", true);
	text = json_write(document, JSON_LAYOUT_LINES, arena);
	if (files_replace(cache->dir, path, text, strlen(text), 0600) < 0)
		return cache_error(err, "write to the cache", cache->path);
	return 0;
}

/* ---- one record ------------------------------------------------------------------------ */

const char *cache_record_name(const char *id, const char *tag, const char *map,
			      struct arena *arena)
{
	if (!cache_is_digest(id) || !cache_is_name(map))
		return NULL;
	return arena_printf(arena, "%s-%s%s%s.json", id + strlen("sha256:"), map,
			    tag ? "-" : "", tag ? cache_short_name(tag, arena) : "");
}

static int read_keys(const struct json_value *document, struct cache_record *record,
		     struct error *err)
{
	if (json_get_texts(document, "keys", &record->keys, &record->key_count, err) != 0)
		return -1;
	for (size_t i = 0; i < record->key_count; i++)
		if (!cache_is_name(record->keys[i]))
			return -1;
	return 0;
}

/* 0, or -1 where a member is missing or is something else. */
static int read_record(struct json_value *document, struct arena *arena,
		       struct cache_record *record, struct error *err)
{
	const struct json_value *config = json_get(document, "config");

	/* What an image says restores its bytes itself. */
	if (!config || image_config_read(config, arena, &record->config, err) < 0)
		return -1;
	restore_document(document);
	if (json_get_text(document, "id", &record->id, err) != 0 ||
	    json_get_text(document, "map", &record->map, err) != 0 ||
	    json_get_text(document, "source", &record->source, err) != 0 ||
	    json_get_text(document, "tag", &record->tag, err) < 0 ||
	    json_get_text(document, "signer", &record->signer, err) < 0 ||
	    json_get_unsigned(document, "bytes", UINT64_MAX, &record->bytes, err) != 0 ||
	    json_get_unsigned(document, "entries", UINT64_MAX, &record->entries, err) !=
		    0 ||
	    json_get_integer(document, "made", INT64_MIN, INT64_MAX, &record->made,
			     err) != 0)
		return -1;
	return read_keys(document, record, err);
}

static bool is_named(const struct cache_record *record, const char *name,
		     struct arena *arena)
{
	const char *own = cache_record_name(record->id, record->tag, record->map, arena);

	return own && strcmp(own, name) == 0;
}

int cache_record_load(const struct cache *cache, const char *name, struct arena *arena,
		      struct cache_record *ret_record)
{
	const char *path = arena_printf(arena, "images/%s", name);
	struct cache_record record = { 0 };
	struct json_value *document;
	struct error ignored;
	struct stat info;

	/* First the time: a record that takes this one's place meanwhile is younger. */
	if (fstatat(cache->dir, path, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	document = load_document(cache, path, arena);
	if (!document || read_record(document, arena, &record, &ignored) < 0 ||
	    !is_named(&record, name, arena))
		return 0;
	record.used = info.st_mtim.tv_sec;
	record.used_ns = info.st_mtim.tv_nsec;
	*ret_record = record;
	return 1;
}

static void put_optional(struct json_value *object, const char *key, const char *text)
{
	if (text)
		json_put_text(object, key, text);
	else
		json_put_null(object, key);
}

static struct json_value *write_record(const struct cache_record *record, const char *tag,
				       struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *keys;

	json_put_integer(object, "version", 1);
	json_put_text(object, "id", record->id);
	json_put_text(object, "map", record->map);
	put_optional(object, "tag", tag);
	json_put_text(object, "source", record->source);
	put_optional(object, "signer", record->signer);
	json_put_unsigned(object, "bytes", record->bytes);
	json_put_unsigned(object, "entries", record->entries);
	json_put_integer(object, "made", record->made);
	keys = json_put_array(object, "keys");
	for (size_t i = 0; i < record->key_count; i++)
		json_put_text(keys, NULL, record->keys[i]);
	json_put_copy(object, "config", image_config_write(&record->config, arena));
	return object;
}

int cache_record_store(const struct cache *cache, const struct cache_record *record,
		       const char *name, const char *tag, struct arena *arena,
		       struct error *err)
{
	return cache_store_document(cache, arena_printf(arena, "images/%s", name),
				    write_record(record, tag, arena), arena, err);
}

/* Where nothing can be written, the least recently used one is somebody else's question. */
void cache_touch(const struct cache *cache, const struct cache_record *record)
{
	struct arena arena = { 0 };
	const char *name =
		cache_record_name(record->id, record->tag, record->map, &arena);

	if (name)
		(void)utimensat(cache->dir, arena_printf(&arena, "images/%s", name), NULL,
				AT_SYMLINK_NOFOLLOW);
	arena_free(&arena);
}

/* ---- all records ----------------------------------------------------------------------- */

struct listing {
	const struct cache *cache;
	struct arena *arena;
	struct cache_record *records;
	size_t count;
	uint64_t bytes;
};

/* Those that were there before the image came too. */
static uint64_t bytes_of_layers(const struct listing *list,
				const struct cache_record *record)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < record->key_count; i++)
		bytes += cache_layer_bytes(list->cache, record->keys[i], list->arena);
	return bytes;
}

static int add_record(void *context, const char *name)
{
	struct listing *list = context;
	struct cache_record record;

	if (cache_record_load(list->cache, name, list->arena, &record) != 1)
		return 0;
	record.bytes = bytes_of_layers(list, &record);
	list->records = arena_grow(list->arena, list->records, list->count,
				   sizeof(*list->records));
	list->records[list->count++] = record;
	return 0;
}

static int add_bytes(void *context, const char *key)
{
	struct listing *list = context;

	list->bytes += cache_layer_bytes(list->cache, key, list->arena);
	return 0;
}

/* The last used first; those of one instant by their names, so that the order is always one. */
static int compare_records(const void *left, const void *right)
{
	const struct cache_record *a = left, *b = right;

	if (a->used != b->used)
		return a->used > b->used ? -1 : 1;
	if (a->used_ns != b->used_ns)
		return a->used_ns > b->used_ns ? -1 : 1;
	return strcmp(a->id, b->id);
}

int cache_list(const struct cache *cache, struct arena *arena,
	       struct cache_record **ret_records, size_t *ret_count, uint64_t *ret_bytes,
	       struct error *err)
{
	struct listing list = { .cache = cache, .arena = arena };

	if (cache_each(cache, "images", add_record, &list) < 0 ||
	    cache_each(cache, "layers", add_bytes, &list) < 0)
		return cache_error(err, "read the cache", cache->path);
	if (list.count > 1)
		qsort(list.records, list.count, sizeof(*list.records), compare_records);
	*ret_records = list.records;
	*ret_count = list.count;
	*ret_bytes = list.bytes;
	return 0;
}
