/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: made below new/, seen below layers/, and held by a shared lock from the first. */
#include "image/cache.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/cache_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PLACES_TRIED = 100,
	ROOT_MODE = 0755, /* of a root that its archive says nothing about */
};

static const char *layer_path(const char *key, const char *below, struct arena *arena)
{
	return arena_printf(arena, "layers/%s%s", key, below);
}

static bool is_directory(const struct cache *cache, const char *path)
{
	struct stat info;

	return fstatat(cache->dir, path, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(info.st_mode);
}

/* ---- taking ---------------------------------------------------------------------------- */

/* Missing, going, or somebody's who was stopped just while removing it: not there. */
static bool means_missing(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP ||
	       errnum == EWOULDBLOCK;
}

/* Unless somebody has put a better one there meanwhile, or holds it: a run of another machine. */
static void discard(const struct cache *cache, const char *key, struct arena *arena)
{
	auto_close int lock =
		cache_lock(cache, layer_path(key, "", arena), CACHE_LOCK_ALONE);

	if (lock >= 0 && !cache_layer_lasts(cache, key, arena))
		(void)cache_throw_away(cache, key, arena);
}

int cache_take_layer(const struct cache *cache, const char *key, struct arena *arena,
		     int *ret_lock, const char **ret_path, struct error *err)
{
	auto_close int lock = -1;

	if (!key || !cache_is_name(key))
		return 0;
	lock = cache_await_lock(cache, layer_path(key, "", arena), CACHE_LOCK_SHARED);
	if (lock < 0 && means_missing(errno))
		return 0;
	if (lock < 0)
		return cache_error(err, "take from the cache layer", key);
	if (!is_directory(cache, layer_path(key, "/root", arena)))
		return 0;
	if (!cache_layer_lasts(cache, key, arena)) {
		fd_close(&lock);
		discard(cache, key, arena);
		return 0;
	}
	*ret_lock = fd_take(&lock);
	*ret_path = arena_printf(arena, "%s/layers/%s/root", cache->path, key);
	return 1;
}

/* ---- making ---------------------------------------------------------------------------- */

/*
 * A directory and its lock. Between the two it looks like trash: whoever takes it for that
 * has its lock, or has removed it, and the next name is tried. -1 and errno.
 */
static int make_locked(const struct cache *cache, struct arena *arena,
		       const char **ret_name, int *ret_lock)
{
	for (int i = 0; i < PLACES_TRIED; i++) {
		const char *name = cache_random_name(arena);

		if (!name)
			return -1;
		if (mkdirat(cache->dir, name, S_IRWXU) < 0) {
			if (errno != EEXIST)
				return -1;
			continue;
		}
		*ret_lock = cache_lock(cache, name, CACHE_LOCK_NEW);
		*ret_name = name;
		if (*ret_lock >= 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != ENOENT)
			return -1;
	}
	return -1;
}

/* umask(2) must not keep anybody out of "/". */
static int make_root(const struct cache *cache, const char *root)
{
	return mkdirat(cache->dir, root, ROOT_MODE) < 0 ||
			       fchmodat(cache->dir, root, ROOT_MODE, 0) < 0
		       ? -1
		       : 0;
}

int cache_make_place(const struct cache *cache, struct arena *arena,
		     struct cache_place *ret_place, struct error *err)
{
	struct cache_place place = { .lock = -1 };
	const char *root;

	if (make_locked(cache, arena, &place.name, &place.lock) < 0)
		return cache_error(err, "write to the cache", cache->path);
	root = arena_printf(arena, "%s/root", place.name);
	place.path = arena_printf(arena, "%s/%s", cache->path, root);
	if (make_root(cache, root) < 0) {
		cache_error(err, "write to the cache", cache->path);
		cache_drop_place(cache, &place);
		return -1;
	}
	*ret_place = place;
	return 0;
}

void cache_drop_place(const struct cache *cache, struct cache_place *place)
{
	struct arena arena = { 0 };

	/* What is empty goes at once; else cache_next_trash() finds it. */
	if (place->lock >= 0 &&
	    unlinkat(cache->dir, arena_printf(&arena, "%s/root", place->name),
		     AT_REMOVEDIR) == 0) {
		(void)unlinkat(cache->dir, arena_printf(&arena, "%s/lock", place->name),
			       0);
		(void)unlinkat(cache->dir, place->name, AT_REMOVEDIR);
	}
	fd_close(&place->lock);
	arena_free(&arena);
}

/* ---- publishing ------------------------------------------------------------------------ */

/* What overlayfs leaves of its work directory: empty ones (confine_to_layers(), volatile). */
static void remove_work(const struct cache *cache, const char *name, struct arena *arena)
{
	static const char *const left[] = { "work/work", "work/incompat/volatile",
					    "work/incompat", "work/index", "work" };

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		(void)unlinkat(cache->dir, arena_printf(arena, "%s/%s", name, left[i]),
			       AT_REMOVEDIR);
}

static int describe_layer(const struct cache *cache, const char *name, uint64_t bytes,
			  struct arena *arena, struct error *err)
{
	struct json_value *document = json_make_object(arena);

	json_put_integer(document, "version", 1);
	json_put_unsigned(document, "bytes", bytes);
	json_put_text(document, "boot", cache_boot(arena));
	return cache_store_document(cache, arena_printf(arena, "%s/layer.json", name),
				    document, arena, err);
}

/* The place itself serves the run that made it, and is trash afterwards. */
static void keep_place(struct cache_place *place, int *ret_lock, const char **ret_path)
{
	*ret_path = place->path;
	*ret_lock = fd_take(&place->lock);
}

/*
 * rename(2) onto a directory that is not empty is refused: a layer is never replaced. One
 * that is there and cannot be taken (its lock is held by somebody who was stopped, or it is
 * broken) is left alone.
 */
static int rename_place(const struct cache *cache, struct cache_place *place,
			const char *key, struct arena *arena, int *ret_lock,
			const char **ret_path, struct error *err)
{
	int taken;

	if (renameat(cache->dir, place->name, cache->dir, layer_path(key, "", arena)) ==
	    0) {
		*ret_lock = fd_take(&place->lock);
		*ret_path = arena_printf(arena, "%s/layers/%s/root", cache->path, key);
		return 0;
	}
	if (errno != ENOTEMPTY && errno != EEXIST)
		return cache_error(err, "keep in the cache layer", key);
	taken = cache_take_layer(cache, key, arena, ret_lock, ret_path, err);
	if (taken == 1)
		cache_drop_place(cache, place);
	if (taken == 0)
		keep_place(place, ret_lock, ret_path);
	return taken < 0 ? -1 : 0;
}

int cache_publish_layer(const struct cache *cache, struct cache_place *place,
			const char *key, uint64_t bytes, struct arena *arena,
			int *ret_lock, const char **ret_path, struct error *err)
{
	if (!key || !cache_is_name(key)) {
		keep_place(place, ret_lock, ret_path);
		return 0;
	}
	remove_work(cache, place->name, arena);
	if (describe_layer(cache, place->name, bytes, arena, err) < 0)
		return -1;
	return rename_place(cache, place, key, arena, ret_lock, ret_path, err);
}

uint64_t cache_layer_bytes(const struct cache *cache, const char *key,
			   struct arena *arena)
{
	const char *path = layer_path(key, "/layer.json", arena);
	const struct json_value *document = cache_load_document(cache, path, arena);
	struct error ignored;
	uint64_t bytes = 0;

	(void)json_get_unsigned(document, "bytes", UINT64_MAX, &bytes, &ignored);
	return bytes;
}
