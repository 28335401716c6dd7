/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_TEMPORARY_H
#define SBX_TESTS_UNIT_TEMPORARY_H

/*
 * A directory below $TMPDIR (or /tmp) for one test program, which makes it before its
 * tests and removes it after them: setup and teardown of a group, *state is a struct
 * temporary.
 */
struct temporary {
	int fd;         /* O_PATH */
	char path[200]; /* absolute, no trailing slash */
};

int temporary_make(void **state);
int temporary_remove(void **state);

/* Writes a file in it. Its path lives until the next call. */
const char *temporary_file(const struct temporary *temporary, const char *name,
			   const void *bytes, unsigned long length);

#endif
