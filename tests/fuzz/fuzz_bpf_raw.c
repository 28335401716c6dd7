/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bytes are a program, as from a file. What the checker takes ends within as many steps as
 * it has instructions; what it does not take may do nothing worse.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "policy/bpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t head = sizeof(struct seccomp_data);
	struct seccomp_data call;
	struct seccomp_program program;
	struct error err = { 0 };
	size_t steps = 0;
	uint8_t *bytes;

	if (size < head)
		return 0;
	memcpy(&call, data, head);
	program.count = (size - head) / sizeof(struct sock_filter);
	/* Exactly as long as it is, so that reading behind it is seen. */
	bytes = malloc(program.count * sizeof(struct sock_filter) + 1);
	if (!bytes)
		abort();
	memcpy(bytes, data + head, program.count * sizeof(struct sock_filter));
	program.instructions = bytes;

	uint32_t result = bpf_run(&program, &call, &steps);
	bool is_taken = seccomp_check(&program, &err) == 0;

	demand(steps <= program.count, "no instruction is executed twice");
	demand(is_taken || err.text[0], "a fault has a text");
	demand(program.count > 0 || result == SECCOMP_RET_KILL_PROCESS,
	       "no program kills");
	free(bytes);
	return 0;
}
