/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_FAILPOINT_H
#define SBX_BASE_FAILPOINT_H

/*
 * Only in a test build (-Dfailpoints=true) these look at the environment: SBX_TEST_FAIL
 * names the stage that is to fail, SBX_TEST_OFF the protection that is to be left out, so
 * that the test of each can be seen to fail, and a variable of at_most_for_test() what an
 * older kernel would answer. Everywhere else they are constants.
 */

#include <stdbool.h>

#ifdef SBX_FAILPOINTS
#include <stdlib.h>
#include <string.h>

static inline bool failpoint_is(const char *variable, const char *name)
{
	const char *value = getenv(variable);

	return value && strcmp(value, name) == 0;
}

static inline int failpoint_at_most(const char *variable, int number)
{
	const char *value = getenv(variable);
	const long given = value ? strtol(value, NULL, 10) : number;

	return given < number ? (int)given : number;
}

#define stage_must_fail(name)              failpoint_is("SBX_TEST_FAIL", name)
#define protection_is_off(name)            failpoint_is("SBX_TEST_OFF", name)
#define at_most_for_test(variable, number) failpoint_at_most(variable, number)
#else
#define stage_must_fail(name)              ((void)(name), false)
#define protection_is_off(name)            ((void)(name), false)
#define at_most_for_test(variable, number) ((void)(variable), (number))
#endif

#endif
