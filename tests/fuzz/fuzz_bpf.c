/* SPDX-License-Identifier: Apache-2.0 */

/* Bytes are rules: the program made of them is one for the kernel, and answers as they do. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "tests/unit/made_up_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const struct error *err)
{
	fprintf(stderr, "cannot %s\n", err->text);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct start_key key = { { 0x1122334455667788U, 3, UINT64_MAX } };
	struct dice dice = { .bytes = data, .left = size };
	struct bpf_wishes wishes = { 0 };
	struct made_up wanted = { 0 };
	struct arena arena = { 0 };
	struct rules rules;
	struct seccomp_program program;
	struct error err = { 0 };

	if (size == 0)
		return 0;
	wanted.served = (unsigned int)dice_roll(&dice, 1 << ABI_COUNT);
	wanted.clauses_max = 1 + (unsigned int)dice_roll(&dice, 6);
	wanted.depth_max = (unsigned int)dice_roll(&dice, 5);
	wanted.share = (unsigned int)dice_roll(&dice, 64);
	wishes.explains = dice_roll(&dice, 2);
	wishes.key = dice_roll(&dice, 2) ? &key : NULL;
	make_up_rules(&dice, &wanted, &arena, &rules);
	if (bpf_generate(&rules, &wishes, &arena, &program, &err) == 0 &&
	    bpf_verify(&rules, &wishes, &program, &err) < 0)
		fail(&err);
	arena_free(&arena);
	return 0;
}
