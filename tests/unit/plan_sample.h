/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_PLAN_SAMPLE_H
#define SBX_TESTS_UNIT_PLAN_SAMPLE_H

struct plan;

/* Plans for tests; all they point to is constant. */

/* The least that a plan can be. */
struct plan plan_sample_small(void);

/* One in which every field of every struct says something. */
struct plan plan_sample_full(void);

#endif
