/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx image gc`: what is kept no longer. */
#include "launcher/commands_image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/page.h"
#include "base/text.h"
#include "image/cache.h"
#include "launcher/command_words.h"
#include "launcher/images.h"

static int read_wish(const struct image_request *request, struct cache_wish *ret_wish,
		     struct error *err)
{
	struct cache_wish wish = {
		.max = UINT64_MAX,
		.all = request->all,
		.dry_run = request->dry_run,
	};
	uint64_t age_ms = 0;

	if (request->max && text_to_size(request->max, &wish.max) < 0) {
		error_set(err, ERROR_USAGE, "use --max %s: it is no size", request->max);
		return error_hint(err, "--max 500M, or 10G");
	}
	if (request->older && text_to_duration_ms(request->older, &age_ms) < 0) {
		error_set(err, ERROR_USAGE, "use --older %s: it is no time",
			  request->older);
		return error_hint(err, "--older 12h, or 30d");
	}
	/* In whole seconds, and none of them would mean any age. */
	wish.max_age_s = age_ms / 1000;
	if (request->older && wish.max_age_s == 0)
		wish.all = true;
	*ret_wish = wish;
	return 0;
}

static const char *describe(const struct cache_freed *freed, bool dry_run,
			    struct arena *arena)
{
	struct page page = { .arena = arena };

	for (size_t i = 0; i < freed->record_count; i++)
		page_put(&page, arena_printf(arena, "%.19s  %s\n", freed->records[i].id,
					     printable(arena, freed->records[i].source)));
	page_put(&page,
		 arena_printf(arena, "%s %zu image%s, %zu layer%s: %s\n",
			      dry_run ? "would remove" : "removed", freed->record_count,
			      freed->record_count == 1 ? "" : "s", freed->layer_count,
			      freed->layer_count == 1 ? "" : "s",
			      image_size_text(freed->bytes, arena)));
	return page_text(&page);
}

/* What was taken out of sight, and what killed ones have left. */
static int sweep(const struct cache *cache, struct arena *arena, struct error *err)
{
	struct ids_spec ids;
	struct error why;
	bool single;
	size_t left;

	if (images_default_ids(arena, &ids, &single, err) < 0)
		return -1;
	left = images_sweep(cache, &ids, arena, &why);
	if (left == 0)
		return 0;
	*err = why;
	return error_within(err, "empty the cache: %zu tree%s left", left,
			    left == 1 ? " is" : "s are");
}

static int collect(const struct cache *cache, const struct cache_wish *wish,
		   struct arena *arena, struct error *err)
{
	struct cache_freed freed;

	if (cache_collect(cache, wish, arena, &freed, err) < 0)
		return -1;
	if (!wish->dry_run && sweep(cache, arena, err) < 0)
		return -1;
	return image_say(describe(&freed, wish->dry_run, arena), err);
}

int image_gc(struct image_request *request, struct error *err)
{
	static const struct cache_freed nothing = { .bytes = 0 };
	struct arena *arena = &request->arena;
	struct cache_wish wish = { .max = UINT64_MAX };
	struct cache cache;
	int opened, failed;

	if (read_wish(request, &wish, err) < 0)
		return -1;
	opened = cache_open_existing(arena, &cache, err);
	if (opened < 0)
		return -1;
	if (opened == 0)
		return image_say(describe(&nothing, wish.dry_run, arena), err);
	failed = collect(&cache, &wish, arena, err);
	cache_close(&cache);
	return failed;
}
