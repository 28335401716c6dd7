/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_OCI_CUBES_H
#define SBX_POLICY_OCI_CUBES_H

/*
 * Sets of values of one argument. A cube is all values of which some bits are fixed. Any
 * comparison is at most 64 of them, whatever its mask, and each is a condition that JSON
 * has: SCMP_CMP_MASKED_EQ.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/oci.h"

struct oci_cube {
	uint64_t mask, value; /* no bit of value is outside mask */
};

/* No two of a list have a value in common. */
struct oci_cubes {
	struct oci_cube *list;
	size_t count;
};

struct oci_args {
	struct oci_arg *list;
	size_t count;
};

struct oci_splitter {
	struct arena *arena;
	size_t steps;
	bool failed; /* too much: what was made is of no use */
};

/* Counts what is done; false: it is too much by now. */
bool oci_step(struct oci_splitter *splitter);

void oci_add_cube(struct oci_splitter *splitter, struct oci_cubes *cubes,
		  struct oci_cube cube);

/* The values for which the test holds, or those for which it does not. */
void oci_add_test(struct oci_splitter *splitter, struct oci_cubes *cubes,
		  const struct test *test, bool holds);

struct oci_cubes oci_intersect(struct oci_splitter *splitter, const struct oci_cubes *a,
			       const struct oci_cubes *b);

/* Conditions of which one has to hold; one that is not asked: all values will do. */
struct oci_args oci_make_args(struct oci_splitter *splitter,
			      const struct oci_cubes *cubes);

#endif
