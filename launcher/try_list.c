/* SPDX-License-Identifier: Apache-2.0 */
/* What a try changed, for people and for programs. Names are made printable. */
#include "launcher/try.h"

#include "base/error.h"
#include "base/json.h"
#include "base/page.h"
#include "launcher/command_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SIZE_TEXT = 16 };

static const char *const kinds[] = {
	[CHANGE_CREATED] = "created",
	[CHANGE_CHANGED] = "changed",
	[CHANGE_REMOVED] = "removed",
};

/* ---- a table --------------------------------------------------------------------------- */

/* As ls -h: 12, 3.4K, 120M. */
static const char *size_text(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char units[] = "BKMGTPE";
	double shown = (double)bytes;
	size_t unit = 0;

	while (shown >= 1000 && unit + 2 < sizeof(units)) {
		shown /= 1024;
		unit++;
	}
	if (!unit)
		snprintf(text, SIZE_TEXT, "%" PRIu64, bytes);
	else
		snprintf(text, SIZE_TEXT, shown < 10 ? "%.1f%c" : "%.0f%c", shown,
			 units[unit]);
	return text;
}

static void put_size(struct page *page, const struct change *change, bool there,
		     uint64_t size)
{
	char text[SIZE_TEXT];

	page_printf(page, " %6s",
		    !there || change->type == 'd' ? "-" : size_text(size, text));
}

/* What the sizes do not tell. */
static void put_note(struct page *page, const struct change *change)
{
	static const struct {
		char type;
		const char *text;
	} types[] = { { 'l', "link" }, { 'p', "pipe" }, { 's', "socket" } };

	if (change->type == 'd')
		page_put(page, "/");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == change->type)
			page_printf(page, "  (%s)", types[i].text);
	if (change->kind == CHANGE_CHANGED && change->mode_before != change->mode_after)
		page_printf(page, "  (mode %04o -> %04o)", change->mode_before,
			    change->mode_after);
	else if (change->kind == CHANGE_CHANGED && !change->content)
		page_put(page, change->type == 'd' ? "  (attributes)"
						   : "  (time or attributes)");
	/* Whoever brings back a program with another's rights should know. */
	if (change->kind == CHANGE_CREATED && change->mode_after & 06000 &&
	    change->type == 'f')
		page_printf(page, "  (mode %04o)", change->mode_after);
}

static void put_change(struct page *page, const char *prefix, const struct change *change)
{
	static const char marks[] = "+~-";

	page_put_bytes(page, &marks[change->kind], 1);
	put_size(page, change, change->kind != CHANGE_CREATED, change->before);
	put_size(page, change, change->kind != CHANGE_REMOVED, change->after);
	page_put(page, "  ");
	page_put_printable(page, prefix);
	page_put_printable(page, change->path);
	put_note(page, change);
	page_put(page, "\n");
}

static void put_totals(struct page *page, const struct try_entry *entry)
{
	uint64_t sizes[3] = { 0 };
	size_t counts[3] = { 0 };
	bool any = false;

	for (size_t i = 0; i < entry->count; i++) {
		for (size_t j = 0; j < entry->directories[i].count; j++) {
			const struct change *change = &entry->directories[i].changes[j];

			counts[change->kind]++;
			sizes[change->kind] += change->kind == CHANGE_REMOVED
						       ? change->before
						       : change->after;
		}
	}
	for (size_t i = 0; i < 3; i++) {
		char text[SIZE_TEXT];

		if (!counts[i])
			continue;
		page_printf(page, "%s%zu %s (%s)", any ? ", " : "", counts[i], kinds[i],
			    size_text(sizes[i], text));
		any = true;
	}
	page_put(page, any ? "\n" : "nothing was changed\n");
}

/* What stands before the paths of a directory: nothing, where one is in it. */
static const char *prefix_of(const struct try_directory *directory, const char *here,
			     struct arena *arena)
{
	return here && !strcmp(directory->path, here)
		       ? ""
		       : arena_printf(arena, "%s/", directory->path);
}

const char *try_table(const struct try_entry *entry, const char *here,
		      struct arena *arena)
{
	struct page page = { .arena = arena };

	for (size_t i = 0; i < entry->count; i++) {
		const struct try_directory *directory = &entry->directories[i];
		const char *prefix = prefix_of(directory, here, arena);

		for (size_t j = 0; j < directory->count; j++)
			put_change(&page, prefix, &directory->changes[j]);
	}
	put_totals(&page, entry);
	return page_text(&page);
}

/* ---- a document ------------------------------------------------------------------------ */

static void put_mode(struct json_value *object, const char *key, mode_t mode)
{
	char text[8];

	snprintf(text, sizeof(text), "%04o", mode);
	json_put_text(object, key, text);
}

static void put_json_change(struct json_value *list, const struct change *change,
			    struct arena *arena)
{
	struct json_value *object = json_put_object(list, NULL);
	const char type[] = { change->type, '\0' };

	json_put_text(object, "kind", kinds[change->kind]);
	json_put_text(object, "path", printable(arena, change->path));
	json_put_text(object, "type", type);
	if (change->kind != CHANGE_CREATED) {
		json_put_unsigned(object, "before", change->before);
		put_mode(object, "mode_before", change->mode_before);
	}
	if (change->kind != CHANGE_REMOVED) {
		json_put_unsigned(object, "after", change->after);
		put_mode(object, "mode_after", change->mode_after);
	}
	if (change->kind == CHANGE_CHANGED)
		json_put_bool(object, "content", change->content);
}

const char *try_json(const struct try_entry *entry, struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *list;

	json_put_integer(object, "version", 1);
	json_put_text(object, "name", entry->name);
	list = json_put_array(object, "directories");
	for (size_t i = 0; i < entry->count; i++) {
		const struct try_directory *directory = &entry->directories[i];
		struct json_value *one = json_put_object(list, NULL);
		struct json_value *changes;

		json_put_text(one, "path", printable(arena, directory->path));
		changes = json_put_array(one, "changes");
		for (size_t j = 0; j < directory->count; j++)
			put_json_change(changes, &directory->changes[j], arena);
	}
	return arena_printf(arena, "%s\n", json_write(object, JSON_LAYOUT_LINE, arena));
}

/* ---- all of them ----------------------------------------------------------------------- */

struct listing {
	struct page page;
	struct json_value *object, *list;
};

static const char *time_text(int64_t seconds, struct arena *arena)
{
	const time_t moment = (time_t)seconds;
	char text[40];
	struct tm parts;

	if (!gmtime_r(&moment, &parts) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
		return "?";
	return arena_strdup(arena, text);
}

static void list_json(struct listing *listing, const struct try_entry *entry, bool used)
{
	struct arena *arena = listing->page.arena;
	struct json_value *object = json_put_object(listing->list, NULL);
	struct json_value *list;

	json_put_text(object, "name", entry->name);
	json_put_text(object, "made", time_text(entry->made, arena));
	json_put_bool(object, "in_use", used);
	json_put_integer(object, "status", entry->status);
	list = json_put_array(object, "command");
	for (const char *const *word = entry->command; word && *word; word++)
		json_put_text(list, NULL, printable(arena, *word));
	list = json_put_array(object, "directories");
	for (size_t i = 0; i < entry->count; i++)
		json_put_text(list, NULL, printable(arena, entry->directories[i].path));
}

static void list_line(struct listing *listing, const struct try_entry *entry, bool used)
{
	struct page *page = &listing->page;

	if (!page->text)
		page_printf(page, "%-24s %-24s %s\n", "NAME", "MADE", "DIRECTORY");
	page_printf(page, "%-24s %-24s", entry->name,
		    used ? "in use" : time_text(entry->made, page->arena));
	for (size_t i = 0; i < entry->count; i++) {
		page_put(page, " ");
		page_put_printable(page, entry->directories[i].path);
	}
	page_put(page, "\n");
}

int try_list_all(const struct try_store *store, bool json, struct arena *arena,
		 struct error *err)
{
	struct listing listing = { .page = { .arena = arena } };
	const char **names;
	size_t count;

	if (try_store_names(store, arena, &names, &count, err) < 0)
		return -1;
	listing.object = json_make_object(arena);
	json_put_integer(listing.object, "version", 1);
	listing.list = json_put_array(listing.object, "tries");
	for (size_t i = 0; i < count; i++) {
		struct try_entry entry = { .dir = -1 };
		struct error ignored;
		bool used = false;

		if (try_entry_look(store, names[i], arena, &entry, &used, &ignored) != 1)
			continue;
		if (json)
			list_json(&listing, &entry, used);
		else
			list_line(&listing, &entry, used);
	}
	return say(
		json ? arena_printf(arena, "%s\n",
				    json_write(listing.object, JSON_LAYOUT_LINE, arena))
		     : page_text(&listing.page));
}
