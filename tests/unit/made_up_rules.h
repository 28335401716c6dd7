/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_MADE_UP_RULES_H
#define SBX_TESTS_UNIT_MADE_UP_RULES_H

/* Rules that nobody would write, for tests of what is made of them. */
#include <stddef.h>
#include <stdint.h>

#include "policy/rules.h"

struct arena;

/* Chance: from bytes that somebody gives, 0 when they end, or from a seed. */
struct dice {
	const uint8_t *bytes; /* NULL: from the seed */
	size_t left;
	uint64_t seed; /* not 0 */
};

/* 0 to sides - 1; sides 0: any. */
uint64_t dice_roll(struct dice *dice, uint64_t sides);

/* What may be in the rules. */
struct made_up {
	unsigned int served;
	unsigned int clauses_max, depth_max; /* of a call; of an expression */
	unsigned int share; /* of the known calls, that have rules: a 256th */
	bool plain;         /* only allowed and denied */
};

void make_up_rules(struct dice *dice, const struct made_up *wanted, struct arena *arena,
		   struct rules *ret_rules);

/* A value near to what tests compare with, on either side of 2^32. */
uint64_t make_up_value(struct dice *dice);

/* (argument & mask) op value, as a condition that always lives. */
const struct condition *test_of(struct arena *arena, uint8_t argument, bool wide,
				enum test_op op, uint64_t mask, uint64_t value);
const struct condition *both_of(struct arena *arena, const struct condition *left,
				const struct condition *right);
const struct condition *either_of(struct arena *arena, const struct condition *left,
				  const struct condition *right);

#endif
