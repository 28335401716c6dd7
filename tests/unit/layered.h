/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_LAYERED_H
#define SBX_TESTS_UNIT_LAYERED_H

/* A directory and a layer over it, made by hand, below a directory that is removed after. */

#include "base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct layered {
	int top, lower, upper, journal;
	char path[200], apart[200]; /* apart: "", or where the layer lies */
};

/* In memory where it can be: the disk is synced by what is tested. */
void layered_make(struct layered *layered);
void layered_remove(struct layered *layered);

/* Moves the empty layer to another file system. false: there is none here. */
bool layered_part(struct layered *layered);

/* Paths below dir. Whatever fails ends the test. */
void make_dir(int dir, const char *path, mode_t mode);
void make_file(int dir, const char *path, const char *text);
void make_link(int dir, const char *path, const char *target);
void make_whiteout(int dir, const char *path);
void make_opaque(int dir, const char *path);

/* As overlayfs copies a file up: content, mode and time. */
void copy_up(const struct layered *layered, const char *path);

/* Whether whiteouts and attributes can be made here. */
bool layered_can(const struct layered *layered);

/* Every file below dir: path, type, mode, content or target; sorted. */
const char *tree_text(int dir, struct arena *arena);

#endif
