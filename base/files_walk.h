/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_FILES_WALK_H
#define SBX_BASE_FILES_WALK_H

#include <sys/types.h>

/*
 * The walk behind files_open_in_root() and its neighbours of base/files.h, which say what
 * each of these three answers. For base/files.c and tests; nobody else needs it.
 *
 * A path is walked component by component, each opened with O_PATH | O_NOFOLLOW beneath
 * the one before, so no name is ever resolved by the kernel beyond one step. ".." does not
 * ask the kernel either: the names of the directories from the root to here are kept, and
 * the walk goes down again from the root without the last of them. Whoever renames
 * directories meanwhile can make it fail (EAGAIN), but cannot lead it out of the root.
 *
 * Nothing is allocated. What is still to be walked must fit 4 * PATH_MAX after links were
 * put in, and so must the names from the root to the result: else ENAMETOOLONG.
 */
int files_walk_open(int root_fd, const char *path, int flags, mode_t mode);
int files_walk_parent(int root_fd, const char *path, char *ret_name);
int files_walk_make_dirs(int root_fd, const char *path, mode_t mode);

#endif
