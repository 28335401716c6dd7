/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx image list`: what is kept. */
#include "launcher/commands_image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/page.h"
#include "image/cache.h"
#include "launcher/command_words.h"

#include <string.h>
#include <time.h>

enum {
	DIGEST_SHOWN = 12,
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
};

struct listing {
	struct cache_record *records;
	size_t count;
	uint64_t bytes;
};

/* Nothing is made by looking. */
static int read_listing(struct arena *arena, struct listing *ret_listing,
			struct error *err)
{
	struct listing listing = { .count = 0 };
	struct cache cache;
	const int opened = cache_open_existing(arena, &cache, err);
	int failed;

	*ret_listing = listing;
	if (opened <= 0)
		return opened;
	failed = cache_list(&cache, arena, &listing.records, &listing.count,
			    &listing.bytes, err);
	cache_close(&cache);
	if (!failed)
		*ret_listing = listing;
	return failed;
}

/* ---- for programs ---------------------------------------------------------------------- */

static void put_image(struct json_value *list, const struct cache_record *record,
		      struct arena *arena)
{
	struct json_value *object = json_put_object(list, NULL);

	json_put_text(object, "digest", record->id);
	json_put_text(object, "source", printable(arena, record->source));
	image_put_text(object, "tag", record->tag, arena);
	image_put_text(object, "kind", record->config.kind, arena);
	image_put_text(object, "reference", record->config.reference, arena);
	json_put_unsigned(object, "layers", record->key_count);
	json_put_unsigned(object, "bytes", record->bytes);
	json_put_text(object, "made", image_time_text(record->made, arena));
	json_put_text(object, "used", image_time_text(record->used, arena));
	image_put_text(object, "signer", record->signer, arena);
	json_put_text(object, "map", record->map);
}

static struct json_value *as_json(const struct listing *listing, struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *list;

	json_put_integer(object, "version", 1);
	json_put_unsigned(object, "bytes", listing->bytes);
	list = json_put_array(object, "images");
	for (size_t i = 0; i < listing->count; i++)
		put_image(list, &listing->records[i], arena);
	return object;
}

/* ---- for people ------------------------------------------------------------------------ */

static const char *age_text(int64_t since, struct arena *arena)
{
	const int64_t age = (int64_t)time(NULL) - since;

	if (age < MINUTE)
		return "now";
	if (age < HOUR)
		return arena_printf(arena, "%u min", (unsigned int)(age / MINUTE));
	if (age < 2 * DAY)
		return arena_printf(arena, "%u h", (unsigned int)(age / HOUR));
	return arena_printf(arena, "%u d", (unsigned int)(age / DAY));
}

static const char *source_text(const struct cache_record *record, struct arena *arena)
{
	const char *source = printable(arena, record->source);
	const char *tag = record->tag ? printable(arena, record->tag) : NULL;
	const size_t length = strlen(source), tag_length = tag ? strlen(tag) : 0;

	/* Where the operand ended with it, it is not said twice. */
	if (!tag || (length > tag_length && source[length - tag_length - 1] == ':' &&
		     strcmp(source + length - tag_length, tag) == 0))
		return source;
	return arena_printf(arena, "%s (%s)", source, tag);
}

static void put_row(struct page *page, const struct cache_record *record)
{
	struct arena *arena = page->arena;

	page_put(page,
		 arena_printf(arena, "%.*s  %6zu  %10s  %8s  %-16.16s  %s\n",
			      DIGEST_SHOWN, record->id + strlen("sha256:"),
			      record->key_count, image_size_text(record->bytes, arena),
			      age_text(record->used, arena),
			      record->signer ? printable(arena, record->signer) : "-",
			      source_text(record, arena)));
}

static const char *as_table(const struct listing *listing, struct arena *arena)
{
	struct page page = { .arena = arena };

	if (listing->count == 0)
		return "";
	page_put(&page, "DIGEST        LAYERS        SIZE      USED  SIGNER            "
			"SOURCE\n");
	for (size_t i = 0; i < listing->count; i++)
		put_row(&page, &listing->records[i]);
	page_put(&page, arena_printf(arena, "%s on the disk, shared layers once\n",
				     image_size_text(listing->bytes, arena)));
	return page_text(&page);
}

int image_list(struct image_request *request, struct error *err)
{
	struct arena *arena = &request->arena;
	struct listing listing;

	if (read_listing(arena, &listing, err) < 0)
		return -1;
	if (request->json)
		return image_say_json(as_json(&listing, arena), arena, err);
	return image_say(as_table(&listing, arena), err);
}
