/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_FRESH_H
#define SBX_TESTS_UNIT_FRESH_H

/*
 * For tests of files, in a group with the setup and teardown of temporary.h: a directory for
 * each test.
 */
#include <sys/types.h>

/* A new directory; what is in it goes with the temporary one. */
int fresh_fd(void **state);

void make_file(int dir_fd, const char *name, const char *text);

/* The permissions of a file, not followed. */
mode_t mode_of(int dir_fd, const char *name);

/* -1 and this errno. */
void assert_fails(int result, int errnum);

#endif
