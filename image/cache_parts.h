/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_CACHE_PARTS_H
#define SBX_IMAGE_CACHE_PARTS_H

/* What the files of the cache share; image/cache.h says how it holds together. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct cache;
struct cache_record;
struct error;
struct json_value;

#define CACHE_HINT "--no-cache keeps nothing and needs no place"

enum {
	CACHE_NAME_MAX = 255,
	CACHE_LOCK_WAIT_MS = 1000, /* for those who hold a lock for a few renames */
	CACHE_FRESH_S = 2,         /* how long the times of a changed file could lie */
	CACHE_DIGEST_SIZE = 71,    /* "sha256:" and 64 digits */
};

/* ---- cache.c ------------------------------------------------------------------------- */

/* 16 hex digits for a text that is ours: it tells texts apart, and guards nothing. */
const char *cache_short_name(const char *text, struct arena *arena);
bool cache_is_digest(const char *text);

/* Whether text can be the name of something in here: [A-Za-z0-9-]. */
bool cache_is_name(const char *text);
int64_t cache_now(void);

/* "cannot FORMAT: errno", with the id and the hint of the cache. */
int cache_error(struct error *err, const char *what, const char *name);

/* Calls visit for each name in the directory `path` of the cache, "." and ".." left out,
 * until it returns other than 0, which is returned. -1 and errno: it cannot be read. */
int cache_each(const struct cache *cache, const char *path,
	       int (*visit)(void *context, const char *name), void *context);

/* ---- cache_lock.c -------------------------------------------------------------------- */

enum cache_lock_kind {
	CACHE_LOCK_SHARED,
	CACHE_LOCK_ALONE,
	CACHE_LOCK_NEW, /* shared, and made where it is missing */
	CACHE_LOCK_ANY, /* alone, and made where it is missing */
};

/*
 * Locks the file "lock" in the directory `path` of the cache without waiting, and makes sure
 * that it is still there afterwards. -1 and errno: EWOULDBLOCK somebody holds it, ENOENT it
 * is not there, or no longer.
 */
int cache_lock(const struct cache *cache, const char *path, enum cache_lock_kind kind);

/* The same, and waits for CACHE_LOCK_WAIT_MS. */
int cache_await_lock(const struct cache *cache, const char *path,
		     enum cache_lock_kind kind);

/* ---- cache_trash.c ------------------------------------------------------------------- */

/* An unused name below new/, "new/RANDOM". */
const char *cache_random_name(struct arena *arena);

/* Moves a layer that is locked alone below new/. -1 and errno. */
int cache_throw_away(const struct cache *cache, const char *key, struct arena *arena);

/* ---- cache_records.c ----------------------------------------------------------------- */

/* Name of the record's file below images/. NULL: its id is none. */
const char *cache_record_name(const char *id, const char *tag, const char *map,
			      struct arena *arena);

/* 1: read; 0: there is none, or none that we can read. `used` is filled as well. */
int cache_record_load(const struct cache *cache, const char *name, struct arena *arena,
		      struct cache_record *ret_record);

int cache_record_store(const struct cache *cache, const struct cache_record *record,
		       const char *name, const char *tag, struct arena *arena,
		       struct error *err);

/* The document of a file in the cache, or NULL. */
struct json_value *cache_load_document(const struct cache *cache, const char *path,
				       struct arena *arena);
int cache_store_document(const struct cache *cache, const char *path,
			 struct json_value *document, struct arena *arena,
			 struct error *err);

/* ---- cache_files.c ------------------------------------------------------------------- */

/* Whether a file of files/ leads to a record that is there, and was used since then. */
bool cache_note_serves(const struct cache *cache, const char *name, int64_t since,
		       struct arena *arena);

/* ---- cache_sync.c -------------------------------------------------------------------- */

#define CACHE_SYNCED "synced" /* beside a layer whose files are on the disk */

/* What tells this boot from others; "": nobody knows. */
const char *cache_boot(struct arena *arena);

/* Whether a layer was written out, or no loss of power can have come in between. */
bool cache_layer_lasts(const struct cache *cache, const char *key, struct arena *arena);

/* ---- cache_layers.c ------------------------------------------------------------------ */

/* Bytes of a layer; 0 where nobody knows. */
uint64_t cache_layer_bytes(const struct cache *cache, const char *key,
			   struct arena *arena);

#endif
