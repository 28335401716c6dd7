/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_FUZZ_TREE_H
#define SBX_TESTS_FUZZ_TREE_H

/*
 * Random trees of directories, files and symbolic links, and the claim that our walk and
 * openat2(2) say the same about any path in them. Everything is made from a string of
 * bytes, so a fuzzer can steer it and a seed repeats it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t left;
};

/* The next byte, 0 when there is none left. */
uint8_t bytes_take(struct bytes *bytes);

enum { TREE_DIRS_MAX = 12, TREE_PATH_MAX = 64 };

struct tree {
	int root_fd;             /* what paths are resolved in */
	int dirs[TREE_DIRS_MAX]; /* directories in it; the first one is the root */
	size_t dir_count;
};

/* A root with a random tree below the empty directory dir_fd. -1 and errno. */
int tree_make(struct tree *ret_tree, int dir_fd, struct bytes *bytes);
void tree_close(struct tree *tree);

/* A random path of short names, "..", "." and slashes. */
void tree_path(char path[static TREE_PATH_MAX], struct bytes *bytes);

/*
 * Resolves path in every way that base/files.h knows, some of which make it. NULL when
 * each has the answer of openat2, else what was different.
 */
const char *tree_compare(const struct tree *tree, const char *path);

/* Whether this kernel and filter have openat2 at all. */
bool tree_has_openat2(void);

#endif
