/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_POLICIES_H
#define SBX_TESTS_UNIT_POLICIES_H

/* Policies as texts, and what they answer, for tests in one line each. */

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "policy/profile.h"
#include "policy/rules.h"
#include "policy/tables.h"

/* One policy, read and resolved. */
struct policies {
	struct arena arena;
	struct error err;
	struct profile_places places;
	struct profile_conditions conditions; /* the kernel is 6.1 */
	const struct profile *profile;        /* NULL: err says why */
	const struct rules *rules;            /* NULL: err says why */
};

void policies_init(struct policies *policies);
void policies_free(struct policies *policies);

/* Reads a text by the name "p", then resolves it; a failure is in err. */
void policies_read(struct policies *policies, const char *text);

/* The same, and a failure fails the test. */
void policies_must_read(struct policies *policies, const char *text);

/* The same of an operand. */
void policies_open(struct policies *policies, const char *operand);

/* "allow", "errno(EPERM) p:3": the action, and the line where there is one. The text lives
 * until the next call. */
const char *policies_answer(const struct policies *policies, enum abi abi,
			    const char *call, const uint64_t args[6]);

/* What is expected of a call of x86_64 (its first arguments are given). */
#define assert_answer(policies, expected, call, ...)                                     \
	assert_string_equal(policies_answer(policies, ABI_X86_64, call,                  \
					    (const uint64_t[6]){ __VA_ARGS__ }),         \
			    expected)
#define assert_answer_on(policies, abi, expected, call, ...)                             \
	assert_string_equal(policies_answer(policies, abi, call,                         \
					    (const uint64_t[6]){ __VA_ARGS__ }),         \
			    expected)

#endif
