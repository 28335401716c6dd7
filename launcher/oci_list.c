/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx-oci list`: all containers of one root, as runc's table or its JSON. */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "launcher/container_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "list [-q] [-f table|json]";

enum {
	COLUMNS = 6,
	COLUMN_MIN = 12, /* runc's table: narrow columns are as wide as that */
	COLUMN_GAP = 3,
};

struct listing {
	const struct oci_globals *globals;
	struct arena *arena;
	const char *format; /* NULL: a table */
	bool quiet;
	const char *const *ids;
	const char *(*rows)[COLUMNS];
	size_t row_count;
	struct json_value *states;
};

static const char *printable(const char *text, struct arena *arena)
{
	const size_t size = 4 * (text ? strlen(text) : 0) + 1;

	return text_printable(arena_alloc(arena, size), size, text ? text : "");
}

static void add_row(struct listing *listing, const struct container_record *record,
		    enum container_status status)
{
	const int pid = status == CONTAINER_STOPPED ? 0 : record->pid;
	const char *const row[COLUMNS] = {
		record->id,
		arena_printf(listing->arena, "%d", pid),
		container_status_name(status),
		printable(record->bundle, listing->arena),
		printable(record->created, listing->arena),
		printable(record->owner, listing->arena),
	};

	listing->rows = arena_grow(listing->arena, (const void *)listing->rows,
				   listing->row_count, sizeof(row));
	memcpy((void *)listing->rows[listing->row_count++], (const void *)row,
	       sizeof(row));
}

/* One that was deleted meanwhile is no failure; one that cannot be read is no reason to
 * hide the others. */
static void add_container(struct listing *listing, int place, const char *id)
{
	struct container_entry entry;
	struct container_record record;
	enum container_status status;
	struct error err;

	if (container_look(place, id, &entry, &err) < 0)
		return;
	if (container_read(&entry, listing->arena, &record, &err) < 0) {
		if (err.id != ERROR_NO_SUCH_SANDBOX)
			oci_warn(listing->globals, "cannot %s (%s)", err.text, err.hint);
		container_close(&entry);
		return;
	}
	oci_name_owner(&record, listing->arena);
	status = container_status(&entry, &record);
	add_row(listing, &record, status);
	container_put_state(json_put_object(listing->states, NULL), &record, status);
	container_close(&entry);
}

static int gather(struct listing *listing, struct error *err)
{
	auto_close int place = container_open_root(listing->globals->root, false, err);

	/* Nothing was ever created: an empty list. */
	if (place < 0)
		return err->errnum == ENOENT ? 0 : -1;
	listing->ids = container_list(place, listing->arena, err);
	if (!listing->ids)
		return -1;
	for (const char *const *id = listing->ids; *id && !listing->quiet; id++)
		add_container(listing, place, *id);
	return 0;
}

/* ---- how it is shown --------------------------------------------------------------------- */

static void print_row(const char *const *row, const int *widths)
{
	for (size_t i = 0; i + 1 < COLUMNS; i++)
		printf("%-*s", widths[i], row[i]);
	printf("%s\n", row[COLUMNS - 1]);
}

static void print_table(const struct listing *listing)
{
	static const char *const heads[COLUMNS] = { "ID",     "PID",     "STATUS",
						    "BUNDLE", "CREATED", "OWNER" };
	int widths[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++) {
		size_t widest = strlen(heads[i]);

		for (size_t row = 0; row < listing->row_count; row++) {
			const size_t length = strlen(listing->rows[row][i]);

			widest = length > widest ? length : widest;
		}
		widest += COLUMN_GAP;
		widths[i] = (int)(widest < COLUMN_MIN ? COLUMN_MIN : widest);
	}
	print_row(heads, widths);
	for (size_t row = 0; row < listing->row_count; row++)
		print_row(listing->rows[row], widths);
}

static int print(const struct listing *listing, struct error *err)
{
	if (listing->quiet)
		for (const char *const *id = listing->ids; id && *id; id++)
			printf("%s\n", *id);
	else if (listing->format && strcmp(listing->format, "json") == 0)
		printf("%s\n",
		       json_write(listing->states, JSON_LAYOUT_LINE, listing->arena));
	else
		print_table(listing);
	return fflush(stdout) == 0 ? 0 : error_errno(err, "print the list");
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	struct listing listing = { .globals = globals, .arena = arena };
	const struct oci_option options[] = {
		{ .name = "quiet",
		  .letter = 'q',
		  .flag = &listing.quiet,
		  .help = "ids alone" },
		{ .name = "format",
		  .letter = 'f',
		  .takes_value = true,
		  .value = &listing.format,
		  .help = "table or json" },
	};

	if (oci_read_words(&words, options, sizeof(options) / sizeof(*options), usage,
			   arena, err) < 0)
		return -1;
	if (words[0] || (listing.format && strcmp(listing.format, "json") != 0 &&
			 strcmp(listing.format, "table") != 0)) {
		error_set(err, ERROR_USAGE, "list '%.60s': table and json are known",
			  words[0] ? words[0] : listing.format);
		return error_hint(err, "usage: sbx-oci %s", usage);
	}
	listing.states = json_make_array(arena);
	if (gather(&listing, err) < 0)
		return -1;
	return print(&listing, err);
}

int oci_list(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
