/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back of a layer into its directory, in two halves. Before the journal says that all
 * is staged nothing of the directory has been touched but for temporary names, and whatever
 * stops the commit is undone. Behind that point it only goes forward: each operation can be
 * done again and is then found to be done, so that whoever comes after a kill finishes.
 * Removals stand first, from the inside out; then what was staged takes its place, by one
 * rename each; modes and times of directories come last.
 */
#include "image/commit.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

void staged_name(const struct commit *commit, size_t i, char name[STAGED_NAME])
{
	snprintf(name, STAGED_NAME, ".sbx-try.%s.%zu", commit->id, i);
}

void commit_step(const struct commit *commit)
{
	if (commit->step)
		commit->step(commit->context);
}

/* ---- what is to be done ---------------------------------------------------------------- */

static void add(struct commit *commit, enum operation_kind kind, size_t layer,
		const struct change *change)
{
	commit->operations = arena_grow(commit->arena, commit->operations, commit->count,
					sizeof(*commit->operations));
	commit->operations[commit->count++] = (struct operation){
		.kind = kind,
		.layer = layer,
		.inode = change->original.inode,
		.mtime = change->original.mtime,
		.path = change->path,
	};
}

/* A file of another type that is no directory is replaced by one rename. */
static bool is_replaced(const struct commit_layer *layer, size_t i)
{
	const struct change *next = &layer->changes[i + 1];

	return layer->changes[i].type != 'd' && i + 1 < layer->count &&
	       next->kind == CHANGE_CREATED && next->type != 'd' &&
	       !strcmp(next->path, layer->changes[i].path);
}

static void add_removals(struct commit *commit, size_t at)
{
	const struct commit_layer *layer = &commit->layers[at];

	for (size_t i = layer->count; i-- > 0;) {
		const struct change *change = &layer->changes[i];

		if (change->kind != CHANGE_REMOVED || is_replaced(layer, i))
			continue;
		add(commit, change->type == 'd' ? OPERATION_RMDIR : OPERATION_UNLINK, at,
		    change);
	}
}

static bool is_put(const struct change *change)
{
	return change->kind == CHANGE_CREATED ||
	       (change->kind == CHANGE_CHANGED && change->content);
}

/* A new directory is staged with all that is in it. */
static void add_puts(struct commit *commit, size_t at)
{
	const struct commit_layer *layer = &commit->layers[at];
	const char *whole = NULL;

	for (size_t i = 0; i < layer->count; i++) {
		const struct change *change = &layer->changes[i];

		if (!is_put(change) || (whole && path_is_below(change->path, whole)))
			continue;
		add(commit, OPERATION_PUT, at, change);
		whole = change->type == 'd' ? change->path : NULL;
	}
}

static void add_dressings(struct commit *commit, size_t at)
{
	const struct commit_layer *layer = &commit->layers[at];

	for (size_t i = layer->count; i-- > 0;) {
		const struct change *change = &layer->changes[i];

		if (change->kind == CHANGE_CHANGED && !change->content)
			add(commit, OPERATION_DRESS, at, change);
	}
}

static int work_out(struct commit *commit, struct error *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return error_errno(err, "make a temporary name");
	snprintf(commit->id, sizeof(commit->id), "%016" PRIx64, number);
	for (size_t i = 0; i < commit->layer_count; i++)
		add_removals(commit, i);
	for (size_t i = 0; i < commit->layer_count; i++)
		add_puts(commit, i);
	for (size_t i = 0; i < commit->layer_count; i++)
		add_dressings(commit, i);
	return 0;
}

/* ---- doing it -------------------------------------------------------------------------- */

static int64_t time_of(const struct stat *status)
{
	return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* Somebody else's file that came to stand there meanwhile is left alone. */
static int take_away(const struct operation *operation, int parent, const char *name)
{
	const bool directory = operation->kind == OPERATION_RMDIR;
	struct stat status;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (status.st_ino != operation->inode || !S_ISDIR(status.st_mode) != !directory)
		return 0;
	/* The number of a file that is gone is soon given to another. */
	if (!directory && time_of(&status) != operation->mtime)
		return 0;
	return unlinkat(parent, name, directory ? AT_REMOVEDIR : 0);
}

static int put(const struct commit *commit, size_t i, int parent, const char *name)
{
	char staged[STAGED_NAME];

	staged_name(commit, i, staged);
	if (renameat(parent, staged, parent, name) == 0)
		return 0;
	/* It was done already. */
	return errno == ENOENT ? 0 : -1;
}

static int dress_one(const struct commit *commit, const struct operation *operation,
		     int parent, const char *name)
{
	auto_close int from = beneath_open(commit->layers[operation->layer].upper,
					   operation->path, O_PATH);
	auto_close int to = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat was, is;

	if (from < 0 || to < 0 || fstat(from, &is) < 0 || fstat(to, &was) < 0)
		return -1;
	if (was.st_ino != operation->inode ||
	    (was.st_mode & S_IFMT) != (is.st_mode & S_IFMT))
		return 0;
	return dress(commit, from, to);
}

/* A directory on the way, which may be a file or a link by now. */
static bool is_gone(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP;
}

static int operate(const struct commit *commit, size_t i)
{
	const struct operation *operation = &commit->operations[i];
	const char *name;
	auto_close int parent = beneath_parent(commit->layers[operation->layer].lower,
					       operation->path, &name);

	commit_step(commit);
	if (parent < 0)
		return is_gone(errno) && operation->kind != OPERATION_PUT ? 0 : -1;
	switch (operation->kind) {
	case OPERATION_UNLINK:
	case OPERATION_RMDIR:
		return take_away(operation, parent, name);
	case OPERATION_PUT:
		return put(commit, i, parent, name);
	case OPERATION_DRESS:
		return dress_one(commit, operation, parent, name);
	}
	return -1;
}

static int sweep(const struct commit *commit, struct error *err)
{
	for (size_t i = 0; i < commit->count; i++) {
		if (operate(commit, i) == 0)
			continue;
		error_errno(err, "commit %s", commit->operations[i].path);
		return error_hint(err, "what was staged waits: commit it again");
	}
	commit_step(commit);
	for (size_t i = 0; i < commit->layer_count; i++)
		if (syncfs(commit->layers[i].lower) < 0)
			return error_errno(err, "write the changes to the disk");
	return 0;
}

static int undo(const struct commit *commit, struct error *err)
{
	for (size_t i = 0; i < commit->count; i++) {
		const struct operation *operation = &commit->operations[i];
		char staged[STAGED_NAME];
		const char *name;
		auto_close int parent = -1;

		if (operation->kind != OPERATION_PUT)
			continue;
		commit_step(commit);
		parent = beneath_parent(commit->layers[operation->layer].lower,
					operation->path, &name);
		staged_name(commit, i, staged);
		if (parent >= 0 && files_remove_tree(parent, staged) < 0)
			return error_errno(err, "remove %s beside %s", staged,
					   operation->path);
	}
	return journal_remove(commit, err);
}

/* ---- the doors ------------------------------------------------------------------------- */

int commit_run(struct commit *commit, struct error *err)
{
	struct error ignored;

	if (work_out(commit, err) < 0)
		return -1;
	if (!commit->count)
		return 0;
	if (journal_write(commit, err) < 0)
		return -1;
	if (stage_all(commit, err) == 0 && journal_mark(commit, err) == 0)
		return sweep(commit, err);
	(void)undo(commit, &ignored);
	return -1;
}

int commit_layers(const struct commit_layer *layers, size_t count, int journal,
		  struct arena *arena, struct error *err)
{
	struct commit commit = {
		.layers = layers, .layer_count = count, .journal = journal, .arena = arena
	};

	return commit_run(&commit, err);
}

int commit_go_on(const struct commit_layer *layers, size_t count, int journal,
		 bool wants_undo, struct arena *arena, enum commit_left *ret_left,
		 struct error *err)
{
	struct commit commit = {
		.layers = layers, .layer_count = count, .journal = journal, .arena = arena
	};
	bool staged = false;
	int found = journal_read(&commit, &staged, err);

	if (found < 0)
		return -1;
	if (!found) {
		*ret_left = COMMIT_NOTHING;
		return 0;
	}
	*ret_left = staged && !wants_undo ? COMMIT_FINISHED : COMMIT_UNDONE;
	return *ret_left == COMMIT_FINISHED ? sweep(&commit, err) : undo(&commit, err);
}
