/* SPDX-License-Identifier: Apache-2.0 */
#include "made_up_rules.h"

#include <errno.h>

#include "base/arena.h"

static uint64_t from_bytes(struct dice *dice, uint64_t sides)
{
	uint64_t value = 0, reach = 1;

	while (reach < sides || reach == 1) {
		value = value << 8 | (dice->left ? dice->bytes[0] : 0);
		if (dice->left) {
			dice->bytes++;
			dice->left--;
		}
		if (reach >= UINT64_C(1) << 56)
			break;
		reach <<= 8;
	}
	return value;
}

uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
	uint64_t value;

	if (dice->bytes) {
		value = from_bytes(dice, sides ? sides : UINT64_MAX);
	} else {
		dice->seed ^= dice->seed >> 12;
		dice->seed ^= dice->seed << 25;
		dice->seed ^= dice->seed >> 27;
		value = dice->seed * 0x2545f4914f6cdd1dU >> 1;
		value ^= dice->seed << 7;
	}
	return sides ? value % sides : value;
}

uint64_t make_up_value(struct dice *dice)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		5,
		38,
		40,
		0x7fffffff,
		0x80000000,
		0xfffffffe,
		0xffffffff,
		0x100000000,
		0x100000001,
		0x100000005,
		0x1ffffffff,
		0x200000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		0xffffffff00000000,
		0xffffffff00000001,
		0xfffffffffffffffe,
		UINT64_MAX,
	};
	uint64_t count = sizeof(values) / sizeof(values[0]);
	uint64_t turn = dice_roll(dice, count + 2);

	if (turn < count)
		return values[turn];
	return turn == count ? UINT64_C(1) << dice_roll(dice, 64) : dice_roll(dice, 0);
}

const struct condition *test_of(struct arena *arena, uint8_t argument, bool wide,
				enum test_op op, uint64_t mask, uint64_t value)
{
	struct condition *condition = arena_alloc(arena, sizeof(*condition));

	condition->kind = CONDITION_TEST;
	condition->test = (struct test){ argument, wide, op, mask, value };
	return condition;
}

static const struct condition *pair_of(struct arena *arena, enum condition_kind kind,
				       const struct condition *left,
				       const struct condition *right)
{
	struct condition *condition = arena_alloc(arena, sizeof(*condition));

	condition->kind = kind;
	condition->left = left;
	condition->right = right;
	return condition;
}

const struct condition *both_of(struct arena *arena, const struct condition *left,
				const struct condition *right)
{
	return pair_of(arena, CONDITION_AND, left, right);
}

const struct condition *either_of(struct arena *arena, const struct condition *left,
				  const struct condition *right)
{
	return pair_of(arena, CONDITION_OR, left, right);
}

static const struct condition *make_up_condition(struct dice *dice, struct arena *arena,
						 unsigned int depth)
{
	if (depth > 0 && dice_roll(dice, 2)) {
		enum condition_kind kind =
			dice_roll(dice, 2) ? CONDITION_AND : CONDITION_OR;
		const struct condition *left = make_up_condition(dice, arena, depth - 1);

		return pair_of(arena, kind, left,
			       make_up_condition(dice, arena, depth - 1));
	}
	/* Few arguments, so that tests meet. */
	uint8_t argument = (uint8_t)dice_roll(dice, dice_roll(dice, 4) ? 2 : 6);
	uint64_t mask = dice_roll(dice, 3) ? UINT64_MAX : make_up_value(dice);
	uint64_t value = make_up_value(dice);

	if (dice_roll(dice, 2))
		value &= mask;
	return test_of(arena, argument, dice_roll(dice, 2),
		       (enum test_op)dice_roll(dice, 6), mask, value);
}

static struct action make_up_action(struct dice *dice, const struct made_up *wanted)
{
	static const struct action actions[] = {
		{ ACTION_ALLOW, 0 },     { ACTION_ALLOW, 0 },
		{ ACTION_ERRNO, EPERM }, { ACTION_ERRNO, ENOSYS },
		{ ACTION_ERRNO, EPERM }, { ACTION_ERRNO, EAFNOSUPPORT },
		{ ACTION_FAKE, 0 },      { ACTION_FAKE, 7 },
		{ ACTION_KILL, 0 },      { ACTION_KILL_THREAD, 0 },
		{ ACTION_TRAP, 3 },      { ACTION_LOG, 0 },
		{ ACTION_NOTIFY, 0 },    { ACTION_TRACE, 9 },
	};

	/* The plain ones stand first. */
	return actions[dice_roll(
		dice, wanted->plain ? 6 : sizeof(actions) / sizeof(actions[0]))];
}

static struct clause make_up_clause(struct dice *dice, const struct made_up *wanted,
				    const struct condition *when)
{
	return (struct clause){
		.when = when,
		.action = make_up_action(dice, wanted),
		.source = { "made-up", (unsigned int)dice_roll(dice, 256), 1 },
	};
}

static struct call_rules make_up_call(struct dice *dice, const struct made_up *wanted,
				      struct arena *arena, uint32_t number)
{
	size_t count = 1;
	struct clause *clauses;

	if (wanted->clauses_max > 1 && dice_roll(dice, 3) == 0)
		count += (size_t)dice_roll(dice, wanted->clauses_max);
	clauses = arena_alloc_array(arena, count, sizeof(*clauses));
	for (size_t i = 0; i + 1 < count; i++)
		clauses[i] = make_up_clause(
			dice, wanted, make_up_condition(dice, arena, wanted->depth_max));
	clauses[count - 1] = make_up_clause(dice, wanted, NULL);
	return (struct call_rules){ number, "made_up", clauses, count };
}

static void make_up_abi(struct dice *dice, const struct made_up *wanted,
			struct arena *arena, enum abi abi, struct rules *rules)
{
	size_t known;
	const uint32_t *numbers = call_numbers(abi, &known);
	struct call_rules *calls = arena_alloc_array(arena, known + 1, sizeof(*calls));
	size_t count = 0;

	for (size_t i = 0; i < known; i++) {
		if (dice_roll(dice, 256) < wanted->share)
			calls[count++] = make_up_call(dice, wanted, arena, numbers[i]);
	}
	/* One that no table has. */
	if (dice_roll(dice, 2) && known > 0)
		calls[count++] = make_up_call(dice, wanted, arena,
					      numbers[known - 1] + 1 +
						      (uint32_t)dice_roll(dice, 1000));
	rules->abis[abi].calls = calls;
	rules->abis[abi].count = count;
}

void make_up_rules(struct dice *dice, const struct made_up *wanted, struct arena *arena,
		   struct rules *ret_rules)
{
	*ret_rules = (struct rules){ .served = wanted->served };
	ret_rules->foreign = make_up_clause(dice, wanted, NULL);
	ret_rules->known = make_up_clause(dice, wanted, NULL);
	ret_rules->unknown = make_up_clause(dice, wanted, NULL);
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (wanted->served & 1U << abi)
			make_up_abi(dice, wanted, arena, abi, ret_rules);
	}
}
