/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_STATE_HOME_H
#define SBX_LAUNCHER_STATE_HOME_H

#include <stdbool.h>

struct arena;
struct error;

/*
 * What is kept between runs: directories below $XDG_STATE_HOME/sbx (~/.local/state/sbx), for
 * nobody else. Opens the one called name; make: where it is missing, with what is missing on
 * the way to it; else *ret_dir is -1 then. *ret_path, in the arena, is NULL where there is no
 * home.
 */
int state_home_open(const char *name, bool make, struct arena *arena, int *ret_dir,
		    const char **ret_path, struct error *err);

#endif
