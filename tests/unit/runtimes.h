/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_RUNTIMES_H
#define SBX_TESTS_UNIT_RUNTIMES_H

/*
 * What runc makes of a profile: the steps of Docker and podman, of the runtime, and then
 * libseccomp itself, written down here a second time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"
#include "policy/profile.h"
#include "policy/tables.h"

struct arena;
struct json_value;
struct seccomp_data;

struct reference {
	struct seccomp_program program;
	bool hides_newer;
	uint32_t last[ABI_COUNT]; /* the highest number that the profile names */
};

/* Fails the test where it cannot. */
void reference_make(const struct json_value *profile,
		    const struct profile_conditions *conditions, struct arena *arena,
		    struct reference *ret_reference);

/* SECCOMP_RET_… with its data. */
uint32_t reference_answer(const struct reference *reference,
			  const struct seccomp_data *data);

/* Whether libseccomp has a call of this number. */
bool reference_knows(enum abi abi, uint32_t number);

#endif
