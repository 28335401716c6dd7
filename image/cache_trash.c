/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is below new/ and not locked was left by somebody who was killed, or is to go. Its
 * trees are sbx-image's to remove; lock, texts and empty directories are removed here, the
 * lock last, so that nobody else takes a tree that is being removed.
 */
#include "image/cache.h"

#include "base/arena.h"
#include "base/fd.h"
#include "image/cache_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	NAMES_TRIED = 100,
};

const char *cache_random_name(struct arena *arena)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return NULL;
	return arena_printf(arena, "new/%016" PRIx64, number);
}

/* The lock goes along, and is still held. */
int cache_throw_away(const struct cache *cache, const char *key, struct arena *arena)
{
	const char *layer = arena_printf(arena, "layers/%s", key);

	for (int i = 0; i < NAMES_TRIED; i++) {
		const char *name = cache_random_name(arena);

		if (!name)
			return -1;
		if (renameat(cache->dir, layer, cache->dir, name) == 0)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -1;
	}
	return -1;
}

struct search {
	const struct cache *cache;
	struct arena *arena;
	const char *place;
	const char *tree; /* found: relative to the cache */
	int lock;
};

/* Removes what can be removed from here, and stops at what cannot. */
static int remove_or_stop(void *context, const char *name)
{
	struct search *search = context;
	const char *path = arena_printf(search->arena, "%s/%s", search->place, name);

	if (strcmp(name, "lock") == 0 || unlinkat(search->cache->dir, path, 0) == 0 ||
	    unlinkat(search->cache->dir, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	search->tree = path;
	return 1;
}

/* What is no directory, or has a link as its lock, was put there by nobody of ours. */
static int lock_or_remove(const struct search *search)
{
	const int fd = cache_lock(search->cache, search->place, CACHE_LOCK_ANY);

	if (fd < 0 && errno == ENOTDIR)
		(void)unlinkat(search->cache->dir, search->place, 0);
	if (fd >= 0 || errno != ELOOP)
		return fd;
	(void)unlinkat(search->cache->dir,
		       arena_printf(search->arena, "%s/lock", search->place), 0);
	return cache_lock(search->cache, search->place, CACHE_LOCK_ANY);
}

static int look_at(void *context, const char *name)
{
	struct search *search = context;
	auto_close int lock = -1;

	search->place = arena_printf(search->arena, "new/%s", name);
	lock = lock_or_remove(search);
	if (lock < 0)
		return 0;
	if (cache_each(search->cache, search->place, remove_or_stop, search) == 1) {
		search->lock = fd_take(&lock);
		return 1;
	}
	(void)unlinkat(search->cache->dir,
		       arena_printf(search->arena, "%s/lock", search->place), 0);
	(void)unlinkat(search->cache->dir, search->place, AT_REMOVEDIR);
	return 0;
}

static int stop(void *context, const char *name)
{
	(void)context;
	(void)name;
	return 1;
}

bool cache_has_trash(const struct cache *cache)
{
	return cache_each(cache, "new", stop, NULL) == 1;
}

const char *cache_next_trash(const struct cache *cache, struct arena *arena,
			     int *ret_lock)
{
	struct search search = { .cache = cache, .arena = arena, .lock = -1 };

	if (cache_each(cache, "new", look_at, &search) != 1)
		return NULL;
	*ret_lock = search.lock;
	return arena_printf(arena, "%s/%s", cache->path, search.tree);
}
