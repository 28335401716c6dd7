/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_LAYER_H
#define SBX_IMAGE_LAYER_H

/* What those share who read a layer of overlayfs and bring it back. layer.c */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct arena;
struct error;

/*
 * Opens path beneath root; no component may be a link or lie on another file system. -1 and
 * errno: EXDEV and ELOOP for those.
 */
int beneath_open(int root, const char *path, int flags);

/* The directory that path lies in, O_PATH; *ret_name, in path, is its last component. */
int beneath_parent(int root, const char *path, const char **ret_name);

/* "DIR/NAME"; DIR "." is left out. */
const char *path_join(struct arena *arena, const char *dir, const char *name);

/* Whether path lies below dir; not dir itself. */
bool path_is_below(const char *path, const char *dir);

/* The names in a directory, sorted by their bytes. -1 and errno. dir stays open. */
int directory_names(int dir, struct arena *arena, const char ***ret_names,
		    size_t *ret_count);

/* How overlayfs says that a name of the directory below is gone (its documentation). */
bool is_whiteout(const struct stat *status);

/* Whether the directory hides what is below it. */
bool is_opaque(int dir);

/* Exactly count decimal figures with blanks between them. -1: it is something else. */
int read_figures(const char *text, uint64_t *ret_figures, size_t count);

/* f d l p s c b, as find(1) calls them. */
char type_letter(mode_t mode);

/*
 * Extended attributes that are somebody's own: user.* without those of overlayfs, and access
 * lists. fd may be O_PATH; a file or a directory.
 */
bool attributes_are_same(int a, int b, struct arena *arena);
int attributes_copy(int from, int to, struct arena *arena);

/* Takes those of overlayfs away. */
void attributes_strip(int fd, struct arena *arena);

/*
 * Opens a file or a directory of the caller's own for reading, whatever its mode says: then
 * it is readable until layer_close() gives the mode back.
 */
struct opened {
	int fd;
	mode_t mode;  /* what it had */
	bool changed; /* it has to be given back */
};

int layer_open(int dir, const char *name, int flags, struct opened *ret_opened);
void layer_close(struct opened *opened);

#endif
