/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_CACHED_H
#define SBX_TESTS_UNIT_CACHED_H

/* A cache of its own for each test, with images that nobody has extracted. */

#include "base/arena.h"
#include "base/error.h"
#include "image/cache.h"
#include "tests/unit/temporary.h"

#include <stdbool.h>

struct cached {
	struct temporary *temporary; /* XDG_CACHE_HOME is its path */
	struct arena arena;
	struct cache cache;
};

/* Set-up and teardown of each test; *state is a struct cached. */
int cached_make(void **state);
int cached_remove(void **state);

/* "sha256:" and that digit 64 times. */
const char *cached_digest(struct cached *cached, char digit);
const char *cached_key(struct cached *cached, char digit);

/* Makes and publishes a layer with one file in it; its lock, -1: there was no success. */
int cached_publish(struct cached *cached, char digit, uint64_t bytes);

/* The same, with its lock let go. */
void cached_add_layer(struct cached *cached, char digit, uint64_t bytes);

/* A record with these layers, the lowest first ("ab"), that was used so many seconds ago. */
void cached_add_image(struct cached *cached, char digit, const char *layers, int64_t ago);

/* A path below the cache; lives until the next call. */
const char *cached_path(const struct cached *cached, const char *name);
bool cached_has(const struct cached *cached, const char *name);
bool cached_has_layer(struct cached *cached, char digit);
bool cached_has_image(struct cached *cached, char digit);

/* How many names there are in a directory of the cache. */
int cached_count(struct cached *cached, const char *name);

/* Does what sbx-image would do, with all that is trash; how many trees that were. */
int cached_sweep(struct cached *cached);

#endif
