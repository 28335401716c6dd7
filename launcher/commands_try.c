/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx try`: a run whose changes are looked at before they count. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/command_words.h"
#include "launcher/try.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "sbx try [OPTIONS] [--] COMMAND [ARG...], or "
			    "sbx try --list|--diff|--commit|--discard NAME...";

static const char purpose[] =
	"Runs COMMAND on a copy-on-write view of the current directory, lists what it changed,\n"
	"and asks: commit, discard, or keep for later.\n"
	"\n"
	"  --commit[=always]  commit without asking; always: also where COMMAND failed\n"
	"  --discard          discard without asking\n"
	"  --keep NAME        keep as NAME without asking, and go on from there if it exists\n"
	"  --list, --diff     list or show the changes, do not ask, and keep them\n"
	"  --json             list them as JSON\n"
	"  --in DIR           in DIR instead of the current directory\n"
	"\n"
	"Without a COMMAND these are about tries that were kept: NAME is one of --list.\n"
	"The options of sbx run are options here too: --cow DIR adds a directory. sbx run --help lists the other options.";

/* ---- kept ones ------------------------------------------------------------------------- */

static int refuse_missing(const char *name, struct error *err)
{
	error_set(err, ERROR_STATE, "find the try '%s': none of that name is kept", name);
	return error_hint(err, "sbx try --list shows them; a command stands behind --");
}

static int find_changes(struct try_entry *entry, struct arena *arena, struct error *err)
{
	if (try_entry_open_layers(entry, arena, err) < 0)
		return -1;
	return try_find(entry, false, arena, err);
}

/* 0, or -1 and the error, or the exit status where the line is printed already. */
static int show(const struct try_request *request, struct try_entry *entry,
		struct arena *arena, struct error *err)
{
	char here[PATH_MAX];

	if (!request->list && !request->diff && !request->json)
		return 0;
	if (find_changes(entry, arena, err) < 0)
		return -1;
	if (!getcwd(here, sizeof(here)))
		here[0] = '\0';
	if (request->json)
		return say(try_json(entry, arena));
	if (request->diff)
		return try_diff(entry, here, arena, err);
	return say(try_table(entry, here, arena));
}

static int treat(const struct try_request *request, const struct try_store *store,
		 struct try_entry *entry, struct arena *arena, struct error *err)
{
	int status = show(request, entry, arena, err);

	if (status)
		return status;
	switch (request->end) {
	case TRY_DISCARD:
		return try_entry_remove(store, entry, arena, err);
	case TRY_COMMIT:
	case TRY_COMMIT_ALWAYS:
		if (try_entry_open_layers(entry, arena, err) < 0)
			return -1;
		return try_commit(store, entry, arena, err);
	case TRY_ASK:
	case TRY_KEEP:
		break;
	}
	return 0;
}

static int treat_name(const struct try_request *request, const struct try_store *store,
		      const char *name, struct arena *arena)
{
	struct try_entry entry = { .dir = -1 };
	struct error err = { 0 };
	int status =
		try_is_name(name) ? try_entry_open(store, name, arena, &entry, &err) : 0;

	if (status == 0)
		status = refuse_missing(name, &err);
	if (status > 0)
		status = treat(request, store, &entry, arena, &err);
	try_entry_close(&entry);
	return status < 0 ? complain(&err) : status;
}

static int treat_names(const struct try_request *request, const struct try_store *store,
		       struct arena *arena)
{
	int worst = 0;

	for (size_t i = 0; i < request->name_count; i++) {
		int status = treat_name(request, store, request->names[i], arena);

		worst = status ? status : worst;
	}
	return worst;
}

static int list_all(const struct try_request *request, const struct try_store *store,
		    struct arena *arena)
{
	struct error err = { 0 };
	int status = try_list_all(store, request->json, arena, &err);

	return status < 0 ? complain(&err) : status;
}

static int treat_kept(const struct try_request *request, struct arena *arena)
{
	struct try_store store = { .dir = -1 };
	struct error err = { 0 };
	int status;

	if (try_store_open(&store, false, arena, &err) < 0)
		return complain(&err);
	/* A commit that was killed is gone on with when its name is opened below. */
	if (request->name_count)
		status = treat_names(request, &store, arena);
	else if (request->list && request->end == TRY_ASK)
		status = list_all(request, &store, arena);
	else
		status = refuse_words(usage, "a NAME or a COMMAND is missing", "");
	fd_close(&store.dir);
	return status;
}

/* ---- the command ----------------------------------------------------------------------- */

static bool is_about_kept(const struct try_request *request)
{
	if (request->name_count)
		return true;
	return !request->has_words && !request->keep &&
	       (request->list || request->diff || request->end != TRY_ASK);
}

int command_try(const char *const *words, const struct caller_text *caller)
{
	const pid_t parent = getppid();
	struct arena arena = { 0 };
	struct try_request request;
	struct error err = { 0 };
	int status;

	if (try_read_words(words, &arena, &request, &err) < 0)
		status = complain(&err);
	else if (request.help)
		status = say_usage(usage, purpose);
	else if (is_about_kept(&request))
		status = treat_kept(&request, &arena);
	else
		status = try_run(&request, caller, parent, &arena);
	arena_free(&arena);
	return status;
}
