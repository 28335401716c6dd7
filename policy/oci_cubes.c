/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/oci_cubes.h"

#include <stdlib.h>

#include "base/arena.h"

enum { CUBES_MAX = 8192, STEPS_MAX = 1 << 22, BITS = 64 };

bool oci_step(struct oci_splitter *splitter)
{
	if (++splitter->steps > STEPS_MAX)
		splitter->failed = true;
	return !splitter->failed;
}

void oci_add_cube(struct oci_splitter *splitter, struct oci_cubes *cubes,
		  struct oci_cube cube)
{
	if (cubes->count >= CUBES_MAX) {
		splitter->failed = true;
		return;
	}
	cubes->list = arena_grow(splitter->arena, cubes->list, cubes->count,
				 sizeof(*cubes->list));
	cubes->list[cubes->count++] = cube;
}

/* ---- a test as cubes ---------------------------------------------------------------- */

/*
 * The values whose masked bits are below value, or at least value: from the highest bit
 * down, each bit that may differ gives one cube of those that are equal above it.
 */
static void add_compared(struct oci_splitter *splitter, struct oci_cubes *cubes,
			 uint64_t mask, uint64_t value, bool below)
{
	struct oci_cube equal = { 0, 0 };

	for (int i = BITS - 1; i >= 0; i--) {
		uint64_t bit = 1ULL << i, wanted = value & bit;

		if (mask & bit) {
			bool differs_below = wanted != 0;

			if (differs_below == below)
				oci_add_cube(splitter, cubes,
					     (struct oci_cube){ equal.mask | bit,
								equal.value |
									(wanted ^ bit) });
			equal.mask |= bit;
			equal.value |= wanted;
		} else if (wanted) {
			if (below)
				oci_add_cube(splitter, cubes, equal);
			return;
		}
	}
	if (!below)
		oci_add_cube(splitter, cubes, equal);
}

static void add_unequal(struct oci_splitter *splitter, struct oci_cubes *cubes,
			uint64_t mask, uint64_t value)
{
	struct oci_cube equal = { 0, 0 };

	if (value & ~mask) {
		oci_add_cube(splitter, cubes, equal);
		return;
	}
	for (int i = BITS - 1; i >= 0; i--) {
		uint64_t bit = 1ULL << i;

		if (!(mask & bit))
			continue;
		oci_add_cube(splitter, cubes,
			     (struct oci_cube){ equal.mask | bit,
						equal.value | ((value & bit) ^ bit) });
		equal.mask |= bit;
		equal.value |= value & bit;
	}
}

static enum test_op opposite(enum test_op op)
{
	switch (op) {
	case TEST_EQ:
		return TEST_NE;
	case TEST_NE:
		return TEST_EQ;
	case TEST_LT:
		return TEST_GE;
	case TEST_LE:
		return TEST_GT;
	case TEST_GT:
		return TEST_LE;
	case TEST_GE:
		return TEST_LT;
	}
	abort();
}

void oci_add_test(struct oci_splitter *splitter, struct oci_cubes *cubes,
		  const struct test *test, bool holds)
{
	enum test_op op = holds ? test->op : opposite(test->op);
	uint64_t width = test->wide ? UINT64_MAX : UINT32_MAX;
	uint64_t mask = test->mask & width, value = test->value & width;

	switch (op) {
	case TEST_EQ:
		if (!(value & ~mask))
			oci_add_cube(splitter, cubes, (struct oci_cube){ mask, value });
		return;
	case TEST_NE:
		add_unequal(splitter, cubes, mask, value);
		return;
	case TEST_LT:
	case TEST_GE:
		add_compared(splitter, cubes, mask, value, op == TEST_LT);
		return;
	case TEST_LE:
	case TEST_GT:
		if (value != UINT64_MAX)
			add_compared(splitter, cubes, mask, value + 1, op == TEST_LE);
		else if (op == TEST_LE)
			oci_add_cube(splitter, cubes, (struct oci_cube){ 0, 0 });
		return;
	}
}

struct oci_cubes oci_intersect(struct oci_splitter *splitter, const struct oci_cubes *a,
			       const struct oci_cubes *b)
{
	struct oci_cubes both = { NULL, 0 };

	for (size_t i = 0; i < a->count; i++) {
		for (size_t j = 0; j < b->count && oci_step(splitter); j++) {
			const struct oci_cube *left = &a->list[i], *right = &b->list[j];

			if ((left->value ^ right->value) & left->mask & right->mask)
				continue;
			oci_add_cube(splitter, &both,
				     (struct oci_cube){ left->mask | right->mask,
							left->value | right->value });
		}
	}
	return both;
}

/* ---- cubes as conditions ------------------------------------------------------------ */

static void add_arg(struct oci_splitter *splitter, struct oci_args *args, int op,
		    uint64_t value, uint64_t second)
{
	args->list =
		arena_grow(splitter->arena, args->list, args->count, sizeof(*args->list));
	args->list[args->count++] = (struct oci_arg){ op, value, second, true };
}

static void add_cube_arg(struct oci_splitter *splitter, struct oci_args *args,
			 struct oci_cube cube)
{
	if (cube.mask == UINT64_MAX)
		add_arg(splitter, args, TEST_EQ, cube.value, 0);
	else
		add_arg(splitter, args, OCI_MASKED_EQ, cube.mask, cube.value);
}

struct range {
	uint64_t first, last;
};

static int compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	if (left->first == right->first)
		return 0;
	return left->first < right->first ? -1 : 1;
}

/* Whether the fixed bits are the highest: then the values follow each other. */
static bool is_range(const struct oci_cube *cube)
{
	return (cube->mask | (cube->mask - 1)) == UINT64_MAX;
}

/* The ranges of cubes in rising order, neighbours joined; NULL: they are none. */
static struct range *make_ranges(struct oci_splitter *splitter,
				 const struct oci_cubes *cubes, size_t *ret_count)
{
	struct range *ranges =
		arena_alloc_array(splitter->arena, cubes->count, sizeof(*ranges));
	size_t count = 0;

	for (size_t i = 0; i < cubes->count; i++) {
		const struct oci_cube *cube = &cubes->list[i];

		if (!is_range(cube))
			return NULL;
		ranges[i] = (struct range){ cube->value, cube->value | ~cube->mask };
	}
	qsort(ranges, cubes->count, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < cubes->count; i++) {
		if (count && ranges[count - 1].last + 1 == ranges[i].first)
			ranges[count - 1].last = ranges[i].last;
		else
			ranges[count++] = ranges[i];
	}
	*ret_count = count;
	return ranges;
}

/* The largest cube that begins at first and does not go beyond last, one by one. */
static void add_inner_range(struct oci_splitter *splitter, struct oci_args *args,
			    struct range range)
{
	while (range.first <= range.last) {
		uint64_t size = 1;

		while (!(range.first & size) && range.first + size * 2 - 1 <= range.last)
			size *= 2;
		add_cube_arg(splitter, args,
			     (struct oci_cube){ ~(size - 1), range.first });
		range.first += size;
	}
}

static void add_range(struct oci_splitter *splitter, struct oci_args *args,
		      struct range range)
{
	if (range.first == range.last)
		add_arg(splitter, args, TEST_EQ, range.first, 0);
	else if (range.first == 0)
		add_arg(splitter, args, TEST_LE, range.last, 0);
	else if (range.last == UINT64_MAX)
		add_arg(splitter, args, TEST_GE, range.first, 0);
	else
		add_inner_range(splitter, args, range);
}

static bool is_all_but_one(const struct range *ranges, size_t count)
{
	return count == 2 && ranges[0].first == 0 && ranges[1].last == UINT64_MAX &&
	       ranges[0].last + 2 == ranges[1].first;
}

/* One of them has to hold. Not asked: all values do. */
struct oci_args oci_make_args(struct oci_splitter *splitter,
			      const struct oci_cubes *cubes)
{
	struct oci_args args = { NULL, 0 };
	size_t count = 0;
	const struct range *ranges = make_ranges(splitter, cubes, &count);

	for (size_t i = 0; !ranges && i < cubes->count; i++)
		add_cube_arg(splitter, &args, cubes->list[i]);
	if (!ranges)
		return args;
	if (count == 1 && ranges[0].first == 0 && ranges[0].last == UINT64_MAX) {
		add_arg(splitter, &args, TEST_EQ, 0, 0);
		args.list[0].asked = false;
	} else if (is_all_but_one(ranges, count)) {
		add_arg(splitter, &args, TEST_NE, ranges[0].last + 1, 0);
	} else {
		for (size_t i = 0; i < count; i++)
			add_range(splitter, &args, ranges[i]);
	}
	return args;
}
