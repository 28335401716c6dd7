/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_BLOBS_H
#define SBX_IMAGE_BLOBS_H

/* What the blobs of an archive are, between blobs.c and blobs_archive.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct blob {
	const char *name; /* without "." and ".." */
	const char *link; /* the name that it stands for; NULL: it has bytes of its own */
	uint64_t offset, size;
	bool in_memory; /* offset is one of the memfd */
	size_t order;   /* the later one of a name counts */
};

struct blobs {
	struct arena arena;
	int dir;    /* a directory; -1: an archive */
	int file;   /* the archive: the caller's; -1: nothing lies in it */
	int memory; /* memfd; -1 */
	struct blob *list;
	size_t count;
	const char *held; /* the name of a text that blobs_hold() keeps; NULL: none */
	const char *held_text;
	size_t held_length;
};

/*
 * The path that `path` means in directory `base` ("" is the top), without "." and "..".
 * NULL: it leads out, or to the top itself.
 */
const char *blobs_resolve(const char *base, const char *path, struct arena *arena);

#endif
