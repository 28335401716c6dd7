/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_PLAN_EQUAL_H
#define SBX_TESTS_UNIT_PLAN_EQUAL_H

struct plan;

/*
 * The first field in which two plans differ, such as "rootfs.mounts[2].mode", or NULL if
 * they are the same in all but the arena, the origins, the choice of a time namespace,
 * which nobody looks at, and life.help, with which a plan is none. The text is good until the next call.
 */
const char *plan_difference(const struct plan *a, const struct plan *b);

#endif
