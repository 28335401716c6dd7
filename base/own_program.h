/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_OWN_PROGRAM_H
#define SBX_BASE_OWN_PROGRAM_H

#include <limits.h>

/*
 * Finds a program of the project that the front ends start ("sbx-net"): beside the running
 * one, as in the tree of a build, else where they are installed. -1, and ret_path names the
 * latter: it is not there.
 */
int own_program_find(const char *name, char ret_path[PATH_MAX]);

/*
 * Gives the pages of the own code back to the page cache, which has them again where they are
 * wanted: who waits for long needs few of them (madvise(2), MADV_DONTNEED).
 */
void own_program_give_back(void);

#endif
