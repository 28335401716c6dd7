/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that depends on the values of one argument or two. The answers are asked of the
 * rules themselves, between the values where they may change, so what is said to libseccomp
 * are disjoint ranges, whatever expression they came from.
 */
#include "policy/bpf_libseccomp.h"

#include "policy/rules.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

/*
 * Comparisons that a range of values becomes (two blocks for each bit at most), and rules
 * of one call: libseccomp takes its time over many.
 */
enum { COMPARISONS_MAX = 128, RULES_MAX = 512 };

/* Where in the space of arguments: a value for each, those that are not looked at 0. */
struct point {
	uint32_t number;
	uint64_t values[ARGUMENTS];
};

/* A range of one argument, and the comparisons that it becomes. */
struct range {
	uint8_t argument;
	bool wide;
	uint64_t first, last;
	struct scmp_arg_cmp comparisons[COMPARISONS_MAX];
	unsigned int count;
};

static const struct clause *clause_at(const struct translation *to,
				      const struct point *point)
{
	struct seccomp_data data = { .nr = (int)point->number,
				     .arch = abi_audit(abi_native()) };

	for (size_t i = 0; i < ARGUMENTS; i++)
		data.args[i] = point->values[i];
	return rules_decide(to->rules, &data);
}

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
	uint64_t width = range->wide ? UINT64_MAX : UINT32_MAX;
	uint64_t first = range->first;

	for (;;) {
		uint64_t size = first ? first & -first : UINT64_C(1) << 32;

		while (size - 1 > range->last - first)
			size >>= 1;
		range->comparisons[range->count++] = SCMP_CMP64(
			range->argument, SCMP_CMP_MASKED_EQ, width & ~(size - 1), first);
		if (range->last - first == size - 1)
			return;
		first += size;
	}
}

/* The comparisons of a range that is not all there is. */
static int compare_range(const struct translation *to, struct range *range)
{
	range->count = 0;
	if (!range->wide) {
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

static bool is_whole(const struct range *range)
{
	return range->first == 0 &&
	       range->last == (range->wide ? UINT64_MAX : UINT32_MAX);
}

/* One rule for each comparison of the range, below one of outer. */
static int add_comparisons(struct translation *to, uint32_t number,
			   const struct scmp_arg_cmp *outer, const struct range *range,
			   const struct clause *clause)
{
	struct scmp_arg_cmp both[2];
	unsigned int count = 0;

	if (outer)
		both[count++] = *outer;
	if (range->count == 0)
		return libseccomp_add_rule(to, number, clause, both, count);
	for (unsigned int i = 0; i < range->count; i++) {
		both[count] = range->comparisons[i];
		if (libseccomp_add_rule(to, number, clause, both, count + 1) < 0)
			return -1;
	}
	return 0;
}

/* Rules for a range; below outer, where there is one. */
static int add_range(struct translation *to, struct survey *survey, uint32_t number,
		     const struct range *outer, struct range *range,
		     const struct clause *clause)
{
	unsigned int outer_count = outer ? outer->count : 1;

	if (libseccomp_answer(to, clause) == to->fallback)
		return 0;
	to->clause = clause;
	range->count = 0;
	if (!is_whole(range) && compare_range(to, range) < 0)
		return -1;
	survey->rules += (size_t)outer_count * range->count;
	if (survey->rules > RULES_MAX)
		return libseccomp_refuse(to, "too many ranges of arguments");
	for (unsigned int i = 0; i < outer_count; i++) {
		if (add_comparisons(to, number, outer ? &outer->comparisons[i] : NULL,
				    range, clause) < 0)
			return -1;
	}
	return 0;
}

static struct range whole_range(const struct survey *survey, uint8_t argument)
{
	return (struct range){
		.argument = argument,
		.wide = survey->axes[argument].wide,
		.last = survey->axes[argument].wide ? UINT64_MAX : UINT32_MAX,
	};
}

/* The ranges of one argument at a point of the other; neighbours of one answer are one. */
static int add_ranges(struct translation *to, struct survey *survey, uint8_t argument,
		      struct point *point, const struct range *outer)
{
	const struct axis *axis = &survey->axes[argument];
	struct range range = whole_range(survey, argument);
	const uint64_t end = range.last;
	const struct clause *clause, *next;

	point->values[argument] = 0;
	clause = clause_at(to, point);
	for (size_t i = 1; i < axis->limit_count; i++) {
		point->values[argument] = axis->limits[i];
		next = clause_at(to, point);
		if (libseccomp_answer(to, next) == libseccomp_answer(to, clause))
			continue;
		range.last = axis->limits[i] - 1;
		if (add_range(to, survey, point->number, outer, &range, clause) < 0)
			return -1;
		clause = next;
		range.first = axis->limits[i];
	}
	range.last = end;
	return add_range(to, survey, point->number, outer, &range, clause);
}

/* Whether all values of inner get the same at both values of outer. */
static bool is_same_column(const struct translation *to, const struct survey *survey,
			   uint8_t outer, uint8_t inner, const struct point *first,
			   uint64_t value)
{
	const struct axis *axis = &survey->axes[inner];
	struct point left = *first, right = *first;

	right.values[outer] = value;
	for (size_t i = 0; i < axis->limit_count; i++) {
		left.values[inner] = right.values[inner] = axis->limits[i];
		if (libseccomp_answer(to, clause_at(to, &left)) !=
		    libseccomp_answer(to, clause_at(to, &right)))
			return false;
	}
	return true;
}

static int add_column(struct translation *to, struct survey *survey, struct range *outer,
		      uint8_t inner, struct point *point)
{
	to->clause = &to->call->clauses[0];
	if (is_whole(outer))
		return add_ranges(to, survey, inner, point, NULL);
	if (compare_range(to, outer) < 0)
		return -1;
	return add_ranges(to, survey, inner, point, outer);
}

static int add_columns(struct translation *to, struct survey *survey, uint8_t outer,
		       uint8_t inner)
{
	const struct axis *axis = &survey->axes[outer];
	struct range column = whole_range(survey, outer);
	const uint64_t end = column.last;
	struct point point = { .number = to->call->number };

	for (size_t i = 1; i < axis->limit_count; i++) {
		point.values[outer] = column.first;
		if (is_same_column(to, survey, outer, inner, &point, axis->limits[i]))
			continue;
		column.last = axis->limits[i] - 1;
		if (add_column(to, survey, &column, inner, &point) < 0)
			return -1;
		column.first = axis->limits[i];
	}
	column.last = end;
	point.values[outer] = column.first;
	return add_column(to, survey, &column, inner, &point);
}

/* Arguments that only ranges are asked of: one of them, or two. */
int libseccomp_add_ranges(struct translation *to, struct survey *survey)
{
	uint8_t first = (uint8_t)__builtin_ctz(survey->arguments);
	unsigned int others = survey->arguments & (survey->arguments - 1);
	struct point point = { .number = to->call->number };

	order_limits(&survey->axes[first]);
	if (others == 0)
		return add_ranges(to, survey, first, &point, NULL);
	order_limits(&survey->axes[__builtin_ctz(others)]);
	return add_columns(to, survey, first, (uint8_t)__builtin_ctz(others));
}
