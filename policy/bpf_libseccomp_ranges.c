/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that depends on ranges of its arguments, or of their low bits. The answers are
 * asked of the rules themselves, between the values where they may change: argument by
 * argument, as long as it makes a difference. What is said to libseccomp are disjoint
 * parts, whatever expression they came from.
 */
#include "policy/bpf_libseccomp.h"

#include "policy/rules.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

/*
 * Comparisons that a range of values becomes (two blocks for each bit at most), rules of
 * one call (libseccomp takes its time over many), and points that are looked at.
 */
enum { COMPARISONS_MAX = 128, RULES_MAX = 512, POINTS_MAX = 1 << 12 };

/* A range of one argument, and the comparisons that it becomes. */
struct range {
	uint8_t argument;
	uint64_t mask, first, last;
	struct scmp_arg_cmp comparisons[COMPARISONS_MAX];
	unsigned int count;
};

/* A way through the arguments: those before depth have a comparison, the others none. */
struct descent {
	struct translation *to;
	struct survey *survey;
	uint8_t arguments[ARGUMENTS];
	unsigned int argument_count;
	struct scmp_arg_cmp comparisons[ARGUMENTS];
	unsigned int comparison_count;
	struct seccomp_data point;
};

static int compare_values(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Sorted, without doubles, and 0 first. */
static void order_limits(struct axis *axis)
{
	size_t kept = 1;

	axis->limits[axis->limit_count++] = 0;
	qsort(axis->limits, axis->limit_count, sizeof(axis->limits[0]), compare_values);
	for (size_t i = 1; i < axis->limit_count; i++) {
		if (axis->limits[i] != axis->limits[kept - 1])
			axis->limits[kept++] = axis->limits[i];
	}
	axis->limit_count = kept;
}

/* As blocks of values that have their upper bits in common: as few as there can be. */
static void compare_by_blocks(struct range *range)
{
	uint64_t first = range->first;

	for (;;) {
		uint64_t size = first ? first & -first : UINT64_C(1) << 32;

		while (size - 1 > range->last - first)
			size >>= 1;
		range->comparisons[range->count++] =
			SCMP_CMP64(range->argument, SCMP_CMP_MASKED_EQ,
				   range->mask & ~(size - 1), first);
		if (range->last - first == size - 1)
			return;
		first += size;
	}
}

/* The comparisons of a range that is not all there is. */
static int compare_range(const struct translation *to, struct range *range)
{
	range->count = 0;
	if (range->mask != UINT64_MAX) {
		compare_by_blocks(range);
		return 0;
	}
	if (range->first > UINT32_MAX ||
	    (range->last > UINT32_MAX && range->last != UINT64_MAX))
		return libseccomp_refuse(to, "a value of more than 32 bits");
	if (range->first == 0)
		range->comparisons[range->count++] =
			SCMP_CMP64(range->argument, SCMP_CMP_LE, range->last, 0);
	else if (range->last == UINT64_MAX)
		range->comparisons[range->count++] =
			SCMP_CMP64(range->argument, SCMP_CMP_GE, range->first, 0);
	else
		compare_by_blocks(range);
	return 0;
}

static const struct axis *axis_at(const struct descent *descent, unsigned int depth)
{
	return &descent->survey->axes[descent->arguments[depth]];
}

/* How many points the arguments from depth on have. */
static size_t count_points(const struct descent *descent, unsigned int depth)
{
	size_t product = 1;

	for (unsigned int i = depth; i < descent->argument_count; i++) {
		if (product <= POINTS_MAX)
			product *= axis_at(descent, i)->limit_count;
	}
	return product;
}

/* The answer at one of these points, counted as digits are. */
static uint32_t answer_at(const struct descent *descent, unsigned int depth, size_t point,
			  uint64_t value)
{
	struct seccomp_data data = descent->point;

	data.args[descent->arguments[depth]] = value;
	for (unsigned int i = depth + 1; i < descent->argument_count; i++) {
		const struct axis *axis = axis_at(descent, i);

		data.args[descent->arguments[i]] =
			axis->limits[point % axis->limit_count];
		point /= axis->limit_count;
	}
	return libseccomp_answer(descent->to, rules_decide(descent->to->rules, &data));
}

/* Whether the arguments behind depth are answered alike at both values of this one. */
static bool is_same(const struct descent *descent, unsigned int depth, uint64_t one,
		    uint64_t other)
{
	size_t points = count_points(descent, depth + 1);

	for (size_t i = 0; i < points; i++) {
		if (answer_at(descent, depth, i, one) !=
		    answer_at(descent, depth, i, other))
			return false;
	}
	return true;
}

/* Whether no argument from depth on makes a difference. */
static bool is_constant(const struct descent *descent, unsigned int depth)
{
	const struct axis *axis;

	if (depth == descent->argument_count)
		return true;
	axis = axis_at(descent, depth);
	for (size_t i = 1; i < axis->limit_count; i++) {
		if (!is_same(descent, depth, axis->limits[0], axis->limits[i]))
			return false;
	}
	for (size_t i = 1; i < count_points(descent, depth + 1); i++) {
		if (answer_at(descent, depth, i, 0) != answer_at(descent, depth, 0, 0))
			return false;
	}
	return true;
}

static int add_here(struct descent *descent)
{
	struct translation *to = descent->to;

	if (++descent->survey->rules > RULES_MAX)
		return libseccomp_refuse(to, "too many ranges of arguments");
	return libseccomp_add_rule(to, (uint32_t)descent->point.nr,
				   rules_decide(to->rules, &descent->point),
				   descent->comparisons, descent->comparison_count);
}

static int descend(struct descent *descent, unsigned int depth);

/* One range of the argument at depth: below each of its comparisons. */
static int add_range(struct descent *descent, unsigned int depth, struct range *range)
{
	bool is_whole = range->first == 0 && range->last == range->mask;

	descent->to->clause = &descent->to->call->clauses[0];
	descent->point.args[range->argument] = range->first;
	if (is_whole)
		return descend(descent, depth + 1);
	if (is_constant(descent, depth + 1) &&
	    libseccomp_answer(descent->to,
			      rules_decide(descent->to->rules, &descent->point)) ==
		    descent->to->fallback)
		return 0;
	if (compare_range(descent->to, range) < 0)
		return -1;
	descent->comparison_count++;
	for (unsigned int i = 0; i < range->count; i++) {
		descent->comparisons[descent->comparison_count - 1] =
			range->comparisons[i];
		if (descend(descent, depth + 1) < 0)
			return -1;
	}
	descent->comparison_count--;
	return 0;
}

static int add_axis(struct descent *descent, unsigned int depth)
{
	const struct axis *axis = axis_at(descent, depth);
	struct range range = { .argument = descent->arguments[depth],
			       .mask = axis->mask };

	for (size_t i = 1; i < axis->limit_count; i++) {
		if (is_same(descent, depth, range.first, axis->limits[i]))
			continue;
		range.last = axis->limits[i] - 1;
		if (add_range(descent, depth, &range) < 0)
			return -1;
		range.first = axis->limits[i];
	}
	range.last = axis->mask;
	if (add_range(descent, depth, &range) < 0)
		return -1;
	descent->point.args[range.argument] = 0;
	return 0;
}

static int descend(struct descent *descent, unsigned int depth)
{
	if (is_constant(descent, depth))
		return add_here(descent);
	return add_axis(descent, depth);
}

bool libseccomp_has_ranges(const struct survey *survey)
{
	bool any_wide = false;

	for (size_t i = 0; i < ARGUMENTS; i++) {
		const struct axis *axis = &survey->axes[i];

		if (!(survey->arguments & 1U << i))
			continue;
		if (axis->is_mixed || (axis->mask & (axis->mask + 1)) != 0)
			return false;
		any_wide |= axis->mask > UINT32_MAX;
	}
	return !any_wide || __builtin_popcount(survey->arguments) == 1;
}

int libseccomp_add_ranges(struct translation *to, struct survey *survey)
{
	struct descent descent = { .to = to, .survey = survey };

	descent.point.nr = (int)to->call->number;
	descent.point.arch = abi_audit(abi_native());
	for (unsigned int i = 0; i < ARGUMENTS; i++) {
		if (!(survey->arguments & 1U << i))
			continue;
		order_limits(&survey->axes[i]);
		descent.arguments[descent.argument_count++] = (uint8_t)i;
	}
	if (count_points(&descent, 0) > POINTS_MAX)
		return libseccomp_refuse(to, "too many ranges of arguments");
	return descend(&descent, 0);
}
