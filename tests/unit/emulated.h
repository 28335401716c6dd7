/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_EMULATED_H
#define SBX_TESTS_UNIT_EMULATED_H

#include <stdbool.h>

/*
 * Whether an emulator of user programs runs this one, as in a cross build. It is no kernel:
 * the child of posix_spawn(3) cannot tell its parent that there is no program, and a process
 * is shown its own /proc/self/stat with another start time than others are.
 */
bool is_emulated(void);

#endif
