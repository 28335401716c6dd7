/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody sees any more goes for good: it takes the ids that the files have. */
#include "launcher/images.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/cache.h"

#include <string.h>

enum {
	TREES_MAX = 256, /* that could not be removed, before it is given up */
};

/*
 * A tree that resists keeps its lock until the end, so that the next one is found instead of
 * it. One that is named again right after it was emptied resists as well.
 */
struct sweep {
	const struct cache *cache;
	const struct ids_spec *ids;
	struct arena *arena;
	int kept[TREES_MAX];
	size_t kept_count;
	const char *last;
};

static int remove_tree(struct sweep *sweep, const char *tree, struct error *err)
{
	struct image_job job = {
		.task = IMAGE_TASK_REMOVE,
		.socket = -1,
		.input_fd = -1,
		.into = tree,
	};
	struct images_result result;
	const bool again = sweep->last && strcmp(sweep->last, tree) == 0;

	sweep->last = tree;
	if (again)
		return error_set(err, ERROR_CACHE, "remove %s", tree);
	if (images_do(sweep->ids, &job, NULL, sweep->arena, &result, err) < 0)
		return -1;
	images_result_close(&result);
	return 0;
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
