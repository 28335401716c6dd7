/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_NURSERY_H
#define SBX_TESTS_UNIT_NURSERY_H

/*
 * Tests that change what a process is: each runs in a child with namespaces of its own,
 * where it is uid 0 of a map of one id. In the child cmocka's assertions do not work:
 * expect() takes their place.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * Runs play() in a child with these namespaces (CLONE_NEW…; the user namespace is always
 * among them). The test fails with what expect() said there, and is skipped with the
 * reason where the namespaces are refused.
 */
void nursery_run(uint64_t flags, void (*play)(const void *context), const void *context);

/* In the child: says so and ends it, unless the claim is true. */
void expect(bool claim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In the child: what a file says, without the newline at its end; "" if it says nothing. */
const char *expect_text(const char *path);

#endif
