/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_TRY_H
#define SBX_LAUNCHER_TRY_H

/*
 * `sbx try`: what is kept of tries, below $XDG_STATE_HOME/sbx/try (0700), and what is done with
 * it.
 *
 *   NAME/             held under flock(2) by whoever runs, commits or removes it
 *     try.json        directories, command, when the last run began, and whether it ended
 *     N/upper N/work  the layer over the directory N, as overlayfs wants it
 *     N/originals     image/changes.h
 *     journal         of a commit
 *
 * A run that did not end, of a try that nobody named, is nothing anybody waits for: whoever
 * meets one with a free lock removes it. What has a journal is finished or undone.
 * Removing begins with a rename to .gone-NAME.
 */

#include "base/arena.h"
#include "image/changes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct caller_text;
struct error;
struct outcome;
struct plan;

/* ---- what is kept: try_store.c, try_entry.c --------------------------------------------- */

struct try_store {
	int dir;          /* -1: there is none */
	const char *path; /* absolute */
};

struct try_directory {
	const char *path; /* absolute, as the plan has it */
	uint64_t inode;   /* of it */
	int place;        /* NAME/N; -1: not open */
	int lower, upper; /* -1: not open */
	struct change *changes;
	size_t count;
};

struct try_entry {
	const char *name;
	int dir; /* locked; -1: nobody's */
	bool named, running;
	int64_t began, made; /* ns and s since 1970 */
	int status;          /* of the last run */
	const char *const *command;
	struct try_directory *directories;
	size_t count;
};

/* make: where it is missing; else ret_store->dir is -1 then. */
int try_store_open(struct try_store *ret_store, bool make, struct arena *arena,
		   struct error *err);

/*
 * Removes what killed launchers left, and finishes or undoes their commits. What cannot be
 * is left alone.
 */
void try_store_clean(const struct try_store *store, struct arena *arena);

/* The names, sorted. */
int try_store_names(const struct try_store *store, struct arena *arena,
		    const char ***ret_names, size_t *ret_count, struct error *err);

bool try_is_name(const char *name);

/* A new one with that name, or one that is made up from the command. Locked. */
int try_entry_make(const struct try_store *store, const char *name, const char *command,
		   struct arena *arena, struct try_entry *ret_entry, struct error *err);

/*
 * Opens and locks the one of that name. 1: it is there; 0: there is none; -1: error (somebody
 * has it, or it is damaged). A commit that was begun is gone on with first.
 */
int try_entry_open(const struct try_store *store, const char *name, struct arena *arena,
		   struct try_entry *ret_entry, struct error *err);

/* As it is now, for those who list: not locked, directories not open. 1, 0, -1. */
int try_entry_look(const struct try_store *store, const char *name, struct arena *arena,
		   struct try_entry *ret_entry, bool *ret_used, struct error *err);

int try_entry_save(const struct try_entry *entry, struct arena *arena, struct error *err);
void try_entry_close(struct try_entry *entry);

/* With all that is in it. */
int try_entry_remove(const struct try_store *store, struct try_entry *entry,
		     struct arena *arena, struct error *err);

/* Opens the directories and their layers, which have to be the same ones. */
int try_entry_open_layers(struct try_entry *entry, struct arena *arena,
			  struct error *err);

/* ---- what is done with it: try_changes.c ------------------------------------------------ */

/* Finds the changes of all directories. note: the originals are noted, of a run that ended. */
int try_find(struct try_entry *entry, bool note, struct arena *arena, struct error *err);

size_t try_count(const struct try_entry *entry);

/* Brings all of it back, and removes the entry. */
int try_commit(const struct try_store *store, struct try_entry *entry,
	       struct arena *arena, struct error *err);

/* ---- what is shown: try_list.c, try_diff.c ---------------------------------------------- */

/* here: paths below this directory are shown relative to it. */
const char *try_table(const struct try_entry *entry, const char *here,
		      struct arena *arena);

/* The same as a document. */
const char *try_json(const struct try_entry *entry, struct arena *arena);

/* The table of all that are kept, or their document. */
int try_list_all(const struct try_store *store, bool json, struct arena *arena,
		 struct error *err);

/* Through a pager where the standard output is a terminal. */
int try_diff(const struct try_entry *entry, const char *here, struct arena *arena,
	     struct error *err);

/* ---- the command: commands_try.c, try_words.c, try_run.c -------------------------------- */

enum try_end { TRY_ASK, TRY_KEEP, TRY_DISCARD, TRY_COMMIT, TRY_COMMIT_ALWAYS };

struct try_request {
	bool help, list, diff, json;
	enum try_end end;
	const char *keep; /* --keep NAME */
	const char *in;   /* --in DIR; NULL: here */
	const char *const
		*names; /* of kept ones, behind --list, --diff, --commit, --discard */
	size_t name_count;
	const char *const *words; /* for `sbx run`; no option and no COMMAND: empty */
	bool has_words;
};

int try_read_words(const char *const *words, struct arena *arena,
		   struct try_request *ret_request, struct error *err);

/* The run and what comes behind it. Returns the exit status. */
int try_run(const struct try_request *request, const struct caller_text *caller,
	    pid_t parent, struct arena *arena);

/* What becomes of changes that are there: asks, or does what the request says. Returns -1 and
 * the error, or 0. */
int try_conclude(const struct try_request *request, const struct try_store *store,
		 struct try_entry *entry, const char *here, int status,
		 struct arena *arena, struct error *err);

#endif
