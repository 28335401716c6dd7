/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_CACHE_H
#define SBX_IMAGE_CACHE_H

/*
 * What is kept of images, below $XDG_CACHE_HOME/sbx/images (0700). It is never needed: whoever
 * removes it loses time and nothing else.
 *
 *   layers/KEY/root/     the files of one layer as overlayfs(5) wants a lower directory
 *   layers/KEY/lock      held shared by every run that uses it
 *   layers/KEY/layer.json  its size, and the boot in which it was made
 *   layers/KEY/synced    its files are on the disk
 *   images/ID.json       a record: source, digests, config, layers, signer; its mtime is when
 *                        it was last used
 *   files/NAME           which image a file on the disk was, by its identity
 *   lock                 held shared while a record is written, alone while records go
 *   new/RANDOM/          what is being made; its lock is held, and whoever meets one with a
 *                        free lock removes it
 *
 * KEY is the chain of the layers and the id map that the files were written under. A thing
 * is made below new/ and renamed into place whole: nobody sees half of it, whenever anybody
 * is killed. Removing begins with a rename into new/ for the same reason. Files belong to
 * subordinate ids, so trees are removed by sbx-image (IMAGE_TASK_REMOVE), which the caller
 * starts for what cache_next_trash() names.
 *
 * Renamed is not written: the kernel keeps files in memory for a while, and when the power
 * goes a layer may stand in its place with files that are empty. Waiting for the disk would
 * cost more than the extraction, so nobody waits; a layer is believed if
 *   - it is marked as synced: syncfs(2) has returned before the mark was made; or
 *   - it was made in this boot (/proc/sys/kernel/random/boot_id): memory is still what it was.
 * What is neither is trash, and extracted again. A layer of this boot is written out beside
 * the run that made it, and where that was too short beside the next that uses it. Records
 * are texts that are read whole or not at all, and need no such thing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "image/image.h"

struct arena;
struct error;

struct cache {
	int dir;          /* -1: there is none */
	const char *path; /* absolute */
	int64_t opened;   /* seconds since 1970 */
};

/*
 * Makes the directories where they are missing. The error has a hint at --no-cache: below a
 * directory that is a link, is somebody else's or can be written by others, nothing is kept.
 */
int cache_open(struct arena *arena, struct cache *ret_cache, struct error *err);

/* The same, but makes nothing. 1: opened; 0: nothing was ever kept; -1: error. */
int cache_open_existing(struct arena *arena, struct cache *ret_cache, struct error *err);
void cache_close(struct cache *cache);

/*
 * $XDG_CACHE_HOME/sbx/NAME (0700), for what is kept beside images, under the same conditions.
 * Returns a descriptor, or -1 (with make false also where it is missing).
 */
int cache_open_folder(const char *name, bool make, struct arena *arena,
		      struct error *err);

/* A whole image, as it was once read. In the arena. */
struct cache_record {
	const char *id;     /* digest of the input, "sha256:HEX" */
	const char *source; /* what the user typed, absolute */
	const char *signer; /* id of the key; NULL: nobody asked for one */
	const char *map;    /* the id map's name: cache_map_name() */
	const char *tag;    /* of several images in one input; NULL: the only one */
	struct image_config config;
	const char *const *keys; /* of its layers, lowest first */
	size_t key_count;
	uint64_t bytes, entries;
	int64_t made, used; /* seconds since 1970 */
	long used_ns;       /* and what is behind them */
};

/* A short name of an id map and of squashing, for keys. map is the text of /proc/PID/uid_map
 * and gid_map as planned. */
const char *cache_map_name(const char *map, bool squash, struct arena *arena);

/*
 * The record of a file by device, inode, size, mtime and ctime, without reading it. A file
 * that was changed within the last two seconds is never found: its times could lie.
 * A layout is found by its index.json. tag: as image_job.tag. 1: found; 0: not; -1: error.
 */
int cache_find_file(const struct cache *cache, const struct stat *file, const char *tag,
		    const char *map, struct arena *arena, struct cache_record *ret_record,
		    struct error *err);

/* Key of a layer by its chain and map. NULL: the chain is no digest ("sha256:HEX"). */
const char *cache_layer_key(const char *chain, const char *map, struct arena *arena);

/*
 * Takes a layer for use: ret_lock is to be held as long as it is used, ret_path is its root
 * directory. 1: it is there; 0: not; -1: error. One that a loss of power may have spoiled is
 * not there, and becomes trash.
 */
int cache_take_layer(const struct cache *cache, const char *key, struct arena *arena,
		     int *ret_lock, const char **ret_path, struct error *err);

/* A new place to extract into: ret_path is its empty root directory. */
struct cache_place {
	int lock;
	const char *name, *path;
};
int cache_make_place(const struct cache *cache, struct arena *arena,
		     struct cache_place *ret_place, struct error *err);

/*
 * Puts a place into its final one as layer `key`, and takes it as cache_take_layer() does. If
 * another process was faster, its layer is taken and the place becomes trash. Files that
 * nobody has checked against the digest in the key must not come here: others would use them.
 * On success the place is gone; on failure it is still the caller's to drop.
 */
int cache_publish_layer(const struct cache *cache, struct cache_place *place,
			const char *key, uint64_t bytes, struct arena *arena,
			int *ret_lock, const char **ret_path, struct error *err);

/*
 * The directories of those layers (their roots as they were taken) that are not marked as
 * synced, NULL-ended; NULL: all are.
 */
const char *const *cache_unsynced(const char *const *roots, size_t count,
				  struct arena *arena);

/*
 * Writes them out and marks them; they are still held. That takes as long as the disk does,
 * and no signal ends it before: it is for a process that nobody waits for. 0, or -1: some are
 * not marked.
 */
int cache_sync(const char *const *layers);

/* Leaves a place behind as trash. */
void cache_drop_place(const struct cache *cache, struct cache_place *place);

/*
 * Writes the record, and for a file its identity. file: as it was before it was read, and
 * after cache_open(); NULL: it is no file. A file that was changed within the two seconds
 * before that gets no identity: it could change again without a sign. The locks of the
 * layers are still held.
 */
int cache_publish_image(const struct cache *cache, const struct cache_record *record,
			const struct stat *file, const char *tag, struct error *err);

/* The record was used now. */
void cache_touch(const struct cache *cache, const struct cache_record *record);

/*
 * Makes trash of images and layers that nobody uses, the least recently used first, until all
 * layers together have at most max bytes, and of those not used for max_age_s seconds (0: any
 * age). Returns how many bytes that frees, -1 error. Layers that another image has stay.
 */
int64_t cache_evict(const struct cache *cache, uint64_t max, uint64_t max_age_s,
		    struct error *err);

/* What is to go, and what went. */
struct cache_wish {
	uint64_t max;       /* bytes that all layers together may keep */
	uint64_t max_age_s; /* of the last use; 0: any */
	bool all;           /* whatever is not in use */
	bool dry_run;       /* only tells */
};
struct cache_freed {
	struct cache_record *records;
	size_t record_count, layer_count;
	uint64_t bytes;
};

/* cache_evict() with a wish, telling what went. */
int cache_collect(const struct cache *cache, const struct cache_wish *wish,
		  struct arena *arena, struct cache_freed *ret_freed, struct error *err);

/* Something is being made, or was left by somebody who was killed. Cheap. */
bool cache_has_trash(const struct cache *cache);

/* The next tree that is to be removed, absolute, or NULL; what killed ones left is among them.
 * ret_lock is held until it is gone. */
const char *cache_next_trash(const struct cache *cache, struct arena *arena,
			     int *ret_lock);

/*
 * All records, the last used first, with the bytes of all their layers; ret_bytes counts
 * layers that images share once. 0 or -1.
 */
int cache_list(const struct cache *cache, struct arena *arena,
	       struct cache_record **ret_records, size_t *ret_count, uint64_t *ret_bytes,
	       struct error *err);

#endif
