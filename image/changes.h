/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_CHANGES_H
#define SBX_IMAGE_CHANGES_H

/*
 * What a layer of overlayfs over a directory says that was changed, and how that is brought
 * back into the directory. For `sbx try`: the layer belongs to the caller, one id.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;

enum change_kind { CHANGE_CREATED, CHANGE_CHANGED, CHANGE_REMOVED };

struct change {
	enum change_kind kind;
	const char *path;       /* relative to the directory */
	char type;              /* as find -type: f d l p s */
	uint64_t before, after; /* sizes in bytes; 0 where there is none */
};

/*
 * In the order of the paths, each file by itself (what is below a directory that came or went
 * too). What was only looked at, or copied up without a difference, is left out.
 */
int changes_find(int lower, int upper, struct arena *arena, struct change **ret_changes,
		 size_t *ret_count, struct error *err);

#endif
