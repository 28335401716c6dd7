/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_CHANGES_H
#define SBX_IMAGE_CHANGES_H

/*
 * What a layer of overlayfs over a directory says that was changed, and how that is brought
 * back into the directory. For `sbx try`: the layer belongs to the caller, one id. Whoever
 * wrote it is not believed: names are resolved beneath the two directories, and no link in
 * them is followed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;

enum change_kind { CHANGE_CREATED, CHANGE_CHANGED, CHANGE_REMOVED };

/* A file as it is in the directory; mode 0: it is not there. Times in ns since 1970. */
struct original {
	uint64_t inode, size;
	int64_t mtime, ctime;
	mode_t mode;
};

struct change {
	enum change_kind kind;
	const char *path;               /* relative to the directory; "." is itself */
	char type;                      /* as find -type: f d l p s */
	uint64_t before, after;         /* sizes in bytes; 0 where there is none */
	mode_t mode_before, mode_after; /* permissions; 0 where there is none */
	bool content; /* CHANGED: the bytes or the target, not the mode, time or attributes alone */
	struct original original;
};

/*
 * In the order of a walk by sorted names, each file by itself (what is below a directory that
 * came or went too). What was only looked at, or copied up without a difference, is left out,
 * and so is the time of a directory. A file that became one of another type is removed, and
 * then created.
 */
int changes_find(int lower, int upper, struct arena *arena, struct change **ret_changes,
		 size_t *ret_count, struct error *err);

/*
 * Makes the directories `upper` and `work` of a layer in dir, the first one with the mode and
 * the attributes of lower. -1: the file system of dir cannot hold a layer.
 */
int layer_make(int lower, int dir, struct error *err);

/* ---- whether the directory is still what the layer was laid over: originals.c ---------- */

/*
 * Adds the originals of these changes to the file `name` of a directory, which is made where
 * it is missing. One that is in it stays as it was noted first. since: when the run began, in
 * ns; an original whose ctime is later was changed meanwhile, and is noted so.
 */
int originals_note(int dir, const char *name, const struct change *changes, size_t count,
		   int64_t since, struct arena *arena, struct error *err);

/* The paths, of these changes, whose originals are not what was noted. */
int originals_check(int dir, const char *name, const struct change *changes, size_t count,
		    struct arena *arena, const char ***ret_paths, size_t *ret_count,
		    struct error *err);

/* ---- the way back: commit.c ------------------------------------------------------------ */

struct commit_layer {
	int lower, upper;
	const struct change *changes; /* of changes_find(); not needed to go on */
	size_t count;
};

/*
 * Brings the changes into the directories. What is new is first staged beside its place under
 * a temporary name and synced; then a journal in the directory `journal` says so, and only
 * then are files renamed and removed. Where it fails before that, everything is as it was.
 *
 * Behind it the journal is still there, and files of the layer may be files of the directory:
 * the layer is not to be written again. It is removed together with the journal, the journal
 * not first.
 */
int commit_layers(const struct commit_layer *layers, size_t count, int journal,
		  struct arena *arena, struct error *err);

enum commit_left {
	COMMIT_NOTHING,  /* there is no journal */
	COMMIT_UNDONE,   /* it was still staging: the temporary names are gone */
	COMMIT_FINISHED, /* the rest was done */
};

/* What a commit that was killed left. undo: it is not finished, whatever it has done. */
int commit_go_on(const struct commit_layer *layers, size_t count, int journal, bool undo,
		 struct arena *arena, enum commit_left *ret_left, struct error *err);

/* Whether there is a journal. */
bool commit_is_begun(int journal);

#endif
