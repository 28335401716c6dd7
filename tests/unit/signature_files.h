/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_SIGNATURE_FILES_H
#define SBX_TESTS_UNIT_SIGNATURE_FILES_H

/* The files of tests/data/signatures. */

#include <stddef.h>

struct arena;

const char *signature_file_path(const char *name, struct arena *arena);
char *signature_file_read(const char *name, struct arena *arena, size_t *ret_length);

#endif
