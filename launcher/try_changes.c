/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of a try, and their way back. */
#include "launcher/try.h"

#include "base/error.h"
#include "base/page.h"
#include "launcher/report.h"

#include <string.h>

#define ORIGINALS "originals"

enum { NAMED_MAX = 20 };

int try_find(struct try_entry *entry, bool note, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < entry->count; i++) {
		struct try_directory *directory = &entry->directories[i];

		if (changes_find(directory->lower, directory->upper, arena,
				 &directory->changes, &directory->count, err) < 0)
			return -1;
		if (note &&
		    originals_note(directory->place, ORIGINALS, directory->changes,
				   directory->count, entry->began, arena, err) < 0)
			return -1;
	}
	return 0;
}

size_t try_count(const struct try_entry *entry)
{
	size_t count = 0;

	for (size_t i = 0; i < entry->count; i++)
		count += entry->directories[i].count;
	return count;
}

/* ---- whether it still fits ------------------------------------------------------------- */

struct conflicts {
	struct page page;
	size_t count;
	const char *first;
};

static void add_conflict(struct conflicts *conflicts, const char *path)
{
	if (!conflicts->count)
		conflicts->first = path;
	if (conflicts->count++ >= NAMED_MAX)
		return;
	page_put(&conflicts->page, "changed meanwhile: ");
	page_put_printable(&conflicts->page, path);
	page_put(&conflicts->page, "\n");
}

static int refuse(const struct try_entry *entry, const struct conflicts *conflicts,
		  struct error *err)
{
	if (conflicts->count > 1)
		report_notes(page_text(&conflicts->page));
	if (conflicts->count == 1)
		error_set(err, ERROR_STATE,
			  "commit: %s was changed meanwhile; nothing was done",
			  conflicts->first);
	else
		error_set(err, ERROR_STATE,
			  "commit: %zu files were changed meanwhile; nothing was done",
			  conflicts->count);
	return error_hint(err,
			  "sbx try --diff %s shows what it would do, --discard %s "
			  "gives it up",
			  entry->name, entry->name);
}

static int check_originals(const struct try_entry *entry, struct arena *arena,
			   struct error *err)
{
	struct conflicts conflicts = { .page = { .arena = arena } };

	for (size_t i = 0; i < entry->count; i++) {
		const struct try_directory *directory = &entry->directories[i];
		const char **paths;
		size_t count;

		if (originals_check(directory->place, ORIGINALS, directory->changes,
				    directory->count, arena, &paths, &count, err) < 0)
			return -1;
		for (size_t j = 0; j < count; j++)
			add_conflict(&conflicts, paths[j]);
	}
	return conflicts.count ? refuse(entry, &conflicts, err) : 0;
}

/* ---- the way back ---------------------------------------------------------------------- */

int try_commit(const struct try_store *store, struct try_entry *entry,
	       struct arena *arena, struct error *err)
{
	struct commit_layer *layers =
		arena_alloc_array(arena, entry->count + 1, sizeof(*layers));

	/* A run that was killed is noted now. */
	if (try_find(entry, entry->running, arena, err) < 0 ||
	    check_originals(entry, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < entry->count; i++) {
		const struct try_directory *directory = &entry->directories[i];

		layers[i] = (struct commit_layer){ .lower = directory->lower,
						   .upper = directory->upper,
						   .changes = directory->changes,
						   .count = directory->count };
	}
	if (commit_layers(layers, entry->count, entry->dir, arena, err) < 0)
		return -1;
	return try_entry_remove(store, entry, arena, err);
}
