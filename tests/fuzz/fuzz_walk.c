/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A tree and paths, made from the input: base/files_walk.c gives the answer of openat2(2)
 * to each of them (tests/fuzz/tree.h).
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/files.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char place[200];

static void remove_place(void)
{
	rmdir(place);
}

static int open_place(void)
{
	static int place_fd = -1;
	const char *parent = getenv("TMPDIR");

	if (place_fd >= 0)
		return place_fd;
	snprintf(place, sizeof(place), "%s/sbx-fuzz.XXXXXX",
		 parent && parent[0] == '/' ? parent : "/tmp");
	if (!mkdtemp(place) || atexit(remove_place) != 0)
		abort();
	place_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place_fd < 0)
		abort();
	return place_fd;
}

static void compare_paths(const struct tree *tree, struct bytes *bytes)
{
	for (int i = 0; i < 4; i++) {
		char path[TREE_PATH_MAX];
		const char *difference;

		tree_path(path, bytes);
		difference = tree_compare(tree, path);
		if (difference) {
			fprintf(stderr, "%s\n", difference);
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = { data, size };
	auto_close int dir_fd = -1;
	int place_fd = open_place();
	struct tree tree;

	if (!tree_has_openat2())
		return 0;
	if (mkdirat(place_fd, "tree", 0700) < 0)
		abort();
	dir_fd = openat(place_fd, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || tree_make(&tree, dir_fd, &bytes) < 0)
		abort();
	compare_paths(&tree, &bytes);
	tree_close(&tree);
	if (files_remove_tree(place_fd, "tree") < 0)
		abort();
	return 0;
}
