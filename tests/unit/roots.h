/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_ROOTS_H
#define SBX_TESTS_UNIT_ROOTS_H

/*
 * For tests that enter a root in a child (nursery.h) and look around there. The temporary
 * directory has `root`, the root of most tests, `source`, what they mount, and `low1` to
 * `low3`, which they lay over each other.
 */
#include "tests/unit/temporary.h"
#include "userns/userns.h"

/* Setup of a group; temporary_remove() is its teardown. */
int make_trees(void **state);

/* Runs part() in a child with all namespaces of its own. */
void play(void **state, void (*part)(const void *temporary));

/* A path below the temporary directory; several are valid at once. */
const char *path_of(const struct temporary *temporary, const char *name);

void make_dir(const struct temporary *temporary, const char *name);
bool is_there(const char *path);

/* 0 where the file can be written, or made. */
int errno_of_write(const char *path);

/* ---- in the child ---- */

/* A root of the test's own directory with these mounts. */
struct rootfs_spec with_mounts(const struct temporary *temporary, enum root_mode mode,
			       const struct mount_entry *mounts, size_t count);

void enter(const struct rootfs_spec *spec);

/* The root cannot be entered, and the error says this. */
void expect_refused(const struct rootfs_spec *spec, const char *text);

void expect_file(const char *path, const char *wanted);

#endif
