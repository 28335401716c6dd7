/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_BUILTIN_RULES_H
#define SBX_TESTS_UNIT_BUILTIN_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

/* The test fails where there is none of this name. */
const struct builtin *find_builtin(const char *name);

/* What its text says for these capabilities; the test fails where it does not compile. */
const struct rules *rules_of_builtin(const char *name, uint64_t caps, bool emulate_root,
				     struct arena *arena);

#endif
