/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/container.h"
#include "launcher/oci_gvisor.h"

static const char usage[] = "delete [OPTIONS] ID";

struct delete_words {
	bool force, regex;
	struct arena *arena;
};

/* One that is not there is as good as deleted: engines clean up twice. */
static int delete_one(const struct oci_globals *globals, const char *id, void *context,
		      struct error *err)
{
	const struct delete_words *read = context;
	struct container_entry entry;
	struct container_record record;
	int done;

	if (oci_find_container(globals, id, true, read->arena, &entry, &record, err) < 0)
		return read->force && err->id == ERROR_NO_SUCH_SANDBOX ? 0 : -1;
	done = record.runsc ? oci_gvisor_delete(&entry, &record, read->force, err)
			    : container_delete(&entry, &record, read->force, err);
	if (done > 0)
		oci_warn_of(globals, err);
	oci_leave_container(&entry);
	return done < 0 ? -1 : 0;
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	struct delete_words read = { .arena = arena };
	const struct oci_option options[] = {
		{ .name = "force",
		  .letter = 'f',
		  .flag = &read.force,
		  .help = "kill it first; none of that id is no error" },
		{ .name = "regex",
		  .letter = 'r',
		  .flag = &read.regex,
		  .help = "all whose id matches this regular expression" },
	};
	const struct oci_visitor visitor = { delete_one, &read };
	const char *id;

	if (oci_read_words(&words, options, sizeof(options) / sizeof(*options), usage,
			   arena, err) < 0)
		return -1;
	if (read.regex && words[0] && !words[1])
		return oci_for_each(globals, words[0], &visitor, err);
	id = oci_only_id(words, usage, err);
	return id ? delete_one(globals, id, &read, err) : -1;
}

int oci_delete(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
