/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody sees any more goes for good: it takes the ids that the files have. */
#include "launcher/images.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/cache.h"

#include <string.h>
#include <time.h>

enum {
	TREES_MAX = 256, /* that could not be removed, before it is given up */
	TRIES_MAX = 4,   /* of one */
};

/*
 * A tree that resists keeps its lock until the end, so that the next one is found instead of
 * it. Who was killed while it wrote may be writing for a moment still: a tree that is named
 * again, or could not be removed, is tried again.
 */
struct sweep {
	const struct cache *cache;
	const struct ids_spec *ids;
	struct arena *arena;
	int kept[TREES_MAX];
	size_t kept_count;
	const char *tree;
	int tries; /* of that tree */
};

static int remove_once(struct sweep *sweep, struct error *err)
{
	struct image_job job = {
		.task = IMAGE_TASK_REMOVE,
		.socket = -1,
		.input_fd = -1,
		.into = sweep->tree,
	};
	struct images_result result;

	if (images_do(sweep->ids, &job, NULL, sweep->arena, &result, err) < 0)
		return -1;
	images_result_close(&result);
	return 0;
}

/* 0: it may be gone; -1: it is given up. */
static int remove_tree(struct sweep *sweep, const char *tree, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int failed;

	if (!sweep->tree || strcmp(sweep->tree, tree) != 0)
		sweep->tries = 0;
	sweep->tree = tree;
	if (sweep->tries == TRIES_MAX)
		return error_set(err, ERROR_CACHE, "remove %s", tree);
	if (sweep->tries++ > 0)
		nanosleep(&pause, NULL);
	failed = remove_once(sweep, err);
	return sweep->tries == TRIES_MAX ? failed : 0;
}

size_t images_sweep(const struct cache *cache, const struct ids_spec *ids,
		    struct arena *arena, struct error *err)
{
	struct sweep sweep = { .cache = cache, .ids = ids, .arena = arena };

	while (sweep.kept_count < TREES_MAX) {
		auto_close int lock = -1;
		const char *tree = cache_next_trash(cache, arena, &lock);
		struct error failure;

		if (!tree)
			break;
		if (remove_tree(&sweep, tree, &failure) == 0)
			continue;
		*err = failure;
		sweep.kept[sweep.kept_count++] = fd_take(&lock);
	}
	for (size_t i = 0; i < sweep.kept_count; i++)
		fd_close(&sweep.kept[i]);
	return sweep.kept_count;
}
