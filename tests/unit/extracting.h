/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_EXTRACTING_H
#define SBX_TESTS_UNIT_EXTRACTING_H

/*
 * Archives made by hand, so that they can say anything, and extracted as sbx-image does it:
 * by root of a user namespace with one id, in a tree that is the process's root.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/extract.h"

/* A record of a pax header. size 0: a text. */
struct pax {
	const char *key, *value;
	size_t size;
};

/* A member of a tar. */
struct member {
	const char *name; /* NULL ends a list; more than 100 bytes go into a pax header */
	char type;        /* of ustar; 0 is '0' */
	unsigned int mode;
	const char *data; /* or where a link leads */
	struct pax pax[4];
	uint64_t size;   /* 0: that of the data */
	bool lies;       /* the header has this size, the archive only the data */
	uint64_t repeat; /* the data is so many zeros instead */
	unsigned int uid, gid, mtime;
};

/* What look() shall say of a path afterwards. */
struct sight {
	const char *path; /* NULL ends a list */
	const char *wanted;
};

enum { SCENE_LAYERS_MAX = 3 };

struct scene {
	struct extract_options options;
	const struct member *layers[SCENE_LAYERS_MAX]; /* NULL ends them */
	const char *error; /* of the first failure: its text begins so; NULL: none */
	const char *hint;  /* as error */
	const struct sight *sights;
	void (*after)(const struct extracted *counts); /* in the tree */
	/* The first layer is extracted by itself, and lies below an overlay. */
	bool overlaid;
	bool compressed; /* zstd(1), all layers */
	uint64_t memory; /* bytes of the tree's file system; 0: enough */
};

/* Plays it in a directory of its own: *state is a struct temporary. */
void scene_play(void **state, const struct scene *scene);

/*
 * In a scene: "f 644 CONTENT", "d 755", "l TARGET", "p 644", "c 0:0", with "+N" behind the
 * mode where a file has N names; "-" where there is nothing. Until the next call.
 */
const char *look(const char *path);

#endif
