/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes. The lock of the whole cache is held alone, so that nobody adds a record
 * meanwhile: what no record needs then is needed by running sandboxes at most, and those hold
 * the locks of their layers. A record goes before its layers: whoever is killed in between
 * leaves layers that no record needs, and these go first the next time.
 */
#include "image/cache.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/cache_parts.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NOTE_AGE_MAX_S =
		60 * 24 * 60 * 60, /* of notes about files that came to nothing */
};

struct layer {
	const char *key;
	uint64_t bytes;
	size_t needs; /* records */
	bool lasts;   /* can be used: cache_layer_lasts() */
	bool gone;
};

struct collector {
	const struct cache *cache;
	const struct cache_wish *wish;
	struct arena *arena;
	struct cache_record *records; /* the last used first */
	size_t record_count;
	struct layer *layers;
	size_t layer_count;
	uint64_t kept; /* bytes of the layers that are not gone */
	int64_t now;
	struct cache_freed freed;
};

/* ---- what there is --------------------------------------------------------------------- */

static int add_layer(void *context, const char *key)
{
	struct collector *all = context;
	const uint64_t bytes = cache_layer_bytes(all->cache, key, all->arena);

	all->layers = arena_grow(all->arena, all->layers, all->layer_count,
				 sizeof(*all->layers));
	all->layers[all->layer_count++] = (struct layer){
		.key = arena_strdup(all->arena, key),
		.bytes = bytes,
		.lasts = cache_layer_lasts(all->cache, key, all->arena),
	};
	all->kept += bytes;
	return 0;
}

static struct layer *find_layer(const struct collector *all, const char *key)
{
	for (size_t i = 0; i < all->layer_count; i++)
		if (strcmp(all->layers[i].key, key) == 0)
			return &all->layers[i];
	return NULL;
}

static void count_needs(struct collector *all, const struct cache_record *record)
{
	for (size_t i = 0; i < record->key_count; i++) {
		struct layer *layer = find_layer(all, record->keys[i]);

		if (layer)
			layer->needs++;
	}
}

static bool is_whole(const struct collector *all, const struct cache_record *record)
{
	for (size_t i = 0; i < record->key_count; i++) {
		const struct layer *layer = find_layer(all, record->keys[i]);

		if (!layer || layer->gone || !layer->lasts)
			return false;
	}
	return true;
}

static int take_stock(struct collector *all, struct error *err)
{
	uint64_t ignored;

	if (cache_list(all->cache, all->arena, &all->records, &all->record_count,
		       &ignored, err) < 0)
		return -1;
	if (cache_each(all->cache, "layers", add_layer, all) < 0)
		return cache_error(err, "read the cache", all->cache->path);
	for (size_t i = 0; i < all->record_count; i++)
		count_needs(all, &all->records[i]);
	return 0;
}

/* ---- layers ---------------------------------------------------------------------------- */

/* A lock on a layer that nobody uses; -1: it is used. */
static int claim_layer(const struct collector *all, const struct layer *layer)
{
	return cache_lock(all->cache, arena_printf(all->arena, "layers/%s", layer->key),
			  CACHE_LOCK_ANY);
}

static void drop_layer(struct collector *all, struct layer *layer)
{
	if (!all->wish->dry_run &&
	    cache_throw_away(all->cache, layer->key, all->arena) < 0)
		return;
	layer->gone = true;
	all->kept -= layer->bytes;
	all->freed.bytes += layer->bytes;
	all->freed.layer_count++;
}

/* Something in layers/ that is no layer is none of ours. */
static void drop_if_unused(struct collector *all, struct layer *layer)
{
	auto_close int lock = -1;

	if (!cache_is_name(layer->key))
		return;
	lock = claim_layer(all, layer);
	if (lock >= 0)
		drop_layer(all, layer);
}

/* ---- images ---------------------------------------------------------------------------- */

/* Whether some layer that this image alone needs is used: then a run of it lives. */
static bool is_used(const struct collector *all, const struct cache_record *record)
{
	for (size_t i = 0; i < record->key_count; i++) {
		const struct layer *layer = find_layer(all, record->keys[i]);
		auto_close int lock = -1;

		if (!layer || layer->needs > 1)
			continue;
		lock = claim_layer(all, layer);
		if (lock < 0)
			return true;
	}
	return false;
}

static void drop_record(struct collector *all, const struct cache_record *record)
{
	const char *name =
		cache_record_name(record->id, record->tag, record->map, all->arena);

	if (!all->wish->dry_run &&
	    unlinkat(all->cache->dir, arena_printf(all->arena, "images/%s", name), 0) < 0)
		return;
	all->freed.records =
		arena_grow(all->arena, all->freed.records, all->freed.record_count,
			   sizeof(*all->freed.records));
	all->freed.records[all->freed.record_count++] = *record;
	for (size_t i = 0; i < record->key_count; i++) {
		struct layer *layer = find_layer(all, record->keys[i]);

		if (layer && --layer->needs == 0)
			drop_if_unused(all, layer);
	}
}

static bool has_to_go(const struct collector *all, const struct cache_record *record)
{
	const struct cache_wish *wish = all->wish;
	const int64_t age = all->now - record->used;

	return wish->all || all->kept > wish->max ||
	       (wish->max_age_s > 0 && age > 0 && (uint64_t)age > wish->max_age_s) ||
	       !is_whole(all, record);
}

static void drop_images(struct collector *all)
{
	for (size_t i = all->record_count; i-- > 0;) {
		const struct cache_record *record = &all->records[i];

		if (has_to_go(all, record) && !is_used(all, record))
			drop_record(all, record);
	}
}

/* ---- texts ----------------------------------------------------------------------------- */

/* What is no record, or no longer: half written ones of somebody who was killed too. */
static int remove_if_foreign(void *context, const char *name)
{
	const struct collector *all = context;
	struct cache_record ignored;

	if (cache_record_load(all->cache, name, all->arena, &ignored) != 1)
		(void)unlinkat(all->cache->dir,
			       arena_printf(all->arena, "images/%s", name), 0);
	return 0;
}

static int remove_if_useless(void *context, const char *name)
{
	const struct collector *all = context;

	if (!cache_note_serves(all->cache, name, all->now - NOTE_AGE_MAX_S, all->arena))
		(void)unlinkat(all->cache->dir,
			       arena_printf(all->arena, "files/%s", name), 0);
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------- */

static int collect(struct collector *all, struct error *err)
{
	if (take_stock(all, err) < 0)
		return -1;
	for (size_t i = 0; i < all->layer_count; i++)
		if (all->layers[i].needs == 0)
			drop_if_unused(all, &all->layers[i]);
	drop_images(all);
	if (all->wish->dry_run)
		return 0;
	(void)cache_each(all->cache, "images", remove_if_foreign, all);
	(void)cache_each(all->cache, "files", remove_if_useless, all);
	return 0;
}

int cache_collect(const struct cache *cache, const struct cache_wish *wish,
		  struct arena *arena, struct cache_freed *ret_freed, struct error *err)
{
	auto_close int lock = cache_await_lock(cache, ".", CACHE_LOCK_ANY);
	struct collector all = {
		.cache = cache,
		.wish = wish,
		.arena = arena,
		.now = cache_now(),
	};

	if (lock < 0)
		return cache_error(err, "lock the cache", cache->path);
	if (collect(&all, err) < 0)
		return -1;
	*ret_freed = all.freed;
	return 0;
}

int64_t cache_evict(const struct cache *cache, uint64_t max, uint64_t max_age_s,
		    struct error *err)
{
	const struct cache_wish wish = { .max = max, .max_age_s = max_age_s };
	struct cache_freed freed = { 0 };
	struct arena arena = { 0 };
	const int failed = cache_collect(cache, &wish, &arena, &freed, err);

	arena_free(&arena);
	return failed ? -1 : (int64_t)freed.bytes;
}
