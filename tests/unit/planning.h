/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_PLANNING_H
#define SBX_TESTS_UNIT_PLANNING_H

/*
 * For tests of plan/: a place of its own with a home, a configuration, a directory root
 * and a directory to work in, which is the current one.
 *
 *   home/            $HOME; home/.config/sbx is the configuration
 *   root/            a directory root: bin/tool (a script), bin/sh, etc/passwd, etc/group
 *   work/            the current directory
 */
#include "base/error.h"
#include "plan/plan.h"

struct planning {
	char path[200];
	struct plan plan;
	struct error err;
	const struct plan_roots *roots; /* NULL: images are refused */
};

/* Setup and teardown of a group; *state is a struct planning. */
int planning_make(void **state);
int planning_remove(void **state);

/* A path below the place; lives until the eighth next call. */
const char *planning_path(const struct planning *planning, const char *name);

/* Writes a file, with its missing parents; mode 0644. Its path as above. */
const char *planning_write(const struct planning *planning, const char *name,
			   const char *text);

/*
 * plan_from_args() of words that blanks separate; @ at the start of a word, or behind = or
 * :, is the place's path. The plan and the error of the last call are kept in planning.
 */
int planning_words(struct planning *planning, const char *words);

/* The same with --no-config in front and `tool` behind, in the directory root. */
int planning_root(struct planning *planning, const char *words);

/* Both fail the test where the plan is made, or ends otherwise. */
void planning_refuses(struct planning *planning, const char *words, const char *text);
void planning_refuses_root(struct planning *planning, const char *words,
			   const char *text);

/* The first operation on dest, or NULL; the number of operations before it. */
const struct mount_entry *planning_mount(const struct planning *planning,
					 const char *dest, size_t *ret_index);

/* The value of a variable, or NULL. */
const char *planning_env(const struct planning *planning, const char *name);

#endif
