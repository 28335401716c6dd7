/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_COMMIT_H
#define SBX_IMAGE_COMMIT_H

/*
 * Between the files of the way back. Operations are worked out from the changes, written to
 * the journal, staged, and done; each of them can be done again.
 */

#include "image/changes.h"

#include <limits.h>
#include <stdint.h>

enum operation_kind {
	OPERATION_UNLINK = 'u',
	OPERATION_RMDIR = 'd',
	OPERATION_PUT = 'p',  /* the staged file or tree takes its place */
	OPERATION_DRESS = 'm' /* mode, time and attributes of the layer's file */
};

struct operation {
	enum operation_kind kind;
	size_t layer;
	/* Of what is removed or dressed: another file is somebody else's. */
	uint64_t inode;
	int64_t mtime;
	const char *path;
};

struct commit {
	const struct commit_layer *layers;
	size_t layer_count;
	int journal;
	struct arena *arena;
	char id[17]; /* in the temporary names */
	struct operation *operations;
	size_t count;
	struct links *links; /* of files that have been copied */
	/* For tests: called before each step on the file system. NULL: nobody. */
	void (*step)(void *context);
	void *context;
};

enum { STAGED_NAME = 64 };

/* What operation i is staged as, beside its path. */
void staged_name(const struct commit *commit, size_t i, char name[STAGED_NAME]);

void commit_step(const struct commit *commit);

/* commit.c; as commit_layers(), with the step. */
int commit_run(struct commit *commit, struct error *err);

/* commit_stage.c */
int stage_all(struct commit *commit, struct error *err);

/*
 * Mode and attributes of the file behind `from`, and the times of what is no directory; both
 * may be O_PATH. -1 and errno.
 */
int dress(const struct commit *commit, int from, int to);

/* commit_journal.c */
int journal_write(const struct commit *commit, struct error *err);
int journal_mark(const struct commit *commit, struct error *err); /* all is staged */
/* 1: there is one; 0: there is none; -1: error. */
int journal_read(struct commit *commit, bool *ret_staged, struct error *err);
int journal_remove(const struct commit *commit, struct error *err); /* undone */

#endif
