/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the changes: the user is asked, or has said it before. */
#include "launcher/try.h"

#include "base/error.h"
#include "base/fd.h"
#include "launcher/command_words.h"
#include "launcher/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 80 };

struct decision {
	const struct try_request *request;
	const struct try_store *store;
	struct try_entry *entry;
	const char *here;
	int status; /* of the command */
	struct arena *arena;
};

/* ---- the ends -------------------------------------------------------------------------- */

static int keep(const struct decision *decision, struct error *err)
{
	const char *name = decision->entry->name;

	decision->entry->named = true;
	if (try_entry_save(decision->entry, decision->arena, err) < 0)
		return -1;
	if (decision->request->json)
		return 0;
	(void)say(arena_printf(decision->arena,
			       "kept as %s: sbx try --commit %s, or --discard %s\n", name,
			       name, name));
	return 0;
}

static int discard(const struct decision *decision, struct error *err)
{
	return try_entry_remove(decision->store, decision->entry, decision->arena, err);
}

static int commit(const struct decision *decision, struct error *err)
{
	return try_commit(decision->store, decision->entry, decision->arena, err);
}

/* Who only meant to have good results gets none of the others, but loses nothing. */
static int commit_if_good(const struct decision *decision, struct error *err)
{
	if (decision->status == 0)
		return commit(decision, err);
	report_notes(arena_printf(decision->arena,
				  "not committed: the command ended with status %d; "
				  "--commit=always does it all the same\n",
				  decision->status));
	return keep(decision, err);
}

static int end(const struct decision *decision, enum try_end how, struct error *err)
{
	switch (how) {
	case TRY_DISCARD:
		return discard(decision, err);
	case TRY_COMMIT:
		return commit_if_good(decision, err);
	case TRY_COMMIT_ALWAYS:
		return commit(decision, err);
	case TRY_ASK:
	case TRY_KEEP:
		break;
	}
	return keep(decision, err);
}

/* ---- asking ---------------------------------------------------------------------------- */

/* One line of the terminal, its first letter; 0: there is nobody any more. */
static char read_answer(void)
{
	char line[ANSWER_MAX];
	ssize_t length;

	do
		length = read(STDIN_FILENO, line, sizeof(line));
	while (length < 0 && errno == EINTR);
	if (length <= 0)
		return 0;
	for (ssize_t i = 0; i < length; i++)
		if (line[i] != ' ' && line[i] != '\t')
			return line[i];
	return '\n';
}

static void tell(const char *text)
{
	(void)fd_write_all(STDERR_FILENO, text, strlen(text));
}

static void tell_error(const struct error *err)
{
	report_error(err, false);
}

/* 0: done; 1: asks again; -1: error. */
static int answer(const struct decision *decision, char letter, struct error *err)
{
	switch (letter) {
	case 'c':
		if (commit(decision, err) == 0)
			return 0;
		/* What stays may still be looked at, kept or discarded. */
		if (decision->entry->dir < 0)
			return -1;
		tell_error(err);
		return 1;
	case 'd':
		return discard(decision, err);
	case 0:
		tell("\n");
		return keep(decision, err);
	case 'k':
		return keep(decision, err);
	case 'f':
		if (try_diff(decision->entry, decision->here, decision->arena, err) < 0)
			tell_error(err);
		return 1;
	case 'l':
		(void)say(try_table(decision->entry, decision->here, decision->arena));
		return 1;
	default:
		tell("c  commit: bring the changes into the directory\n"
		     "d  discard them\n"
		     "k  keep them apart, for sbx try --commit or --discard later\n"
		     "f  show what differs\n"
		     "l  list them again\n");
		return 1;
	}
}

static int ask(const struct decision *decision, struct error *err)
{
	int again;

	do {
		tell("[c]ommit, [d]iscard, [k]eep, di[f]f, [?] ");
		again = answer(decision, read_answer(), err);
	} while (again > 0);
	return again;
}

/* ---- the whole ------------------------------------------------------------------------- */

static bool can_ask(const struct try_request *request)
{
	return request->end == TRY_ASK && !request->keep && !request->list &&
	       !request->diff && !request->json && isatty(STDIN_FILENO) &&
	       isatty(STDERR_FILENO);
}

static int show(const struct decision *decision, struct error *err)
{
	const char *text;

	if (decision->request->diff && !decision->request->json)
		return try_diff(decision->entry, decision->here, decision->arena, err);
	text = decision->request->json
		       ? try_json(decision->entry, decision->arena)
		       : try_table(decision->entry, decision->here, decision->arena);
	if (fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		return error_errno(err, "list the changes");
	return 0;
}

int try_conclude(const struct try_request *request, const struct try_store *store,
		 struct try_entry *entry, const char *here, int status,
		 struct arena *arena, struct error *err)
{
	const struct decision decision = {
		.request = request,
		.store = store,
		.entry = entry,
		.here = here,
		.status = status,
		.arena = arena,
	};
	const bool committed =
		request->end == TRY_COMMIT || request->end == TRY_COMMIT_ALWAYS;

	if (show(&decision, err) < 0)
		return -1;
	/* A name was asked for to be there afterwards. */
	if (!try_count(entry) && (!request->keep || committed))
		return discard(&decision, err);
	return can_ask(request) ? ask(&decision, err) : end(&decision, request->end, err);
}
