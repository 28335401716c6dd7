/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_FOREIGN_CALLS_H
#define SBX_POLICY_FOREIGN_CALLS_H

/*
 * System calls that are newer than the lists, as far as libseccomp knows them. Two files
 * implement it: foreign_calls.c, and foreign_calls_none.c where there is no libseccomp.
 */

#include "policy/tables.h"

/* As call_number(). */
int foreign_call_number(enum abi abi, const char *name);

#endif
