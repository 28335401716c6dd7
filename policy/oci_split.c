/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Clauses in order, of which the first that holds decides, as rules without an order and
 * with one condition for each argument: that is all that JSON has.
 *
 * The values of one argument are parted by the tests on it, until all values of a part
 * have the same answers to all of them. What is left of the clauses for a part no longer
 * asks for that argument; parts for which the same is left are one. So each argument is
 * taken in turn, and what comes out is disjoint.
 */
#include "policy/oci_cubes.h"

#include <assert.h>

#include "base/arena.h"

enum {
	TESTS_MAX = 512,    /* on one argument of one call */
	ANSWERS_MAX = 4096, /* of a call */
	ARGUMENT_LAST = 5,
};

/* Clauses while arguments are taken out of them. */
struct rest {
	const struct clause *clauses;
	size_t count;
};

struct truths {
	uint64_t bits[TESTS_MAX / 64]; /* of the tests, in their order */
};

struct part {
	struct truths truths;
	struct oci_cubes cubes;
	struct rest rest;
};

/* ---- the tests of one argument ------------------------------------------------------ */

struct tests {
	struct test list[TESTS_MAX];
	size_t count;
};

static bool is_same_test(const struct test *a, const struct test *b)
{
	return a->argument == b->argument && a->wide == b->wide && a->op == b->op &&
	       a->mask == b->mask && a->value == b->value;
}

static size_t find_test(const struct tests *tests, const struct test *test)
{
	size_t i = 0;

	while (i < tests->count && !is_same_test(&tests->list[i], test))
		i++;
	return i;
}

static void gather_tests(struct oci_splitter *splitter, const struct condition *condition,
			 uint8_t argument, struct tests *tests)
{
	if (!oci_step(splitter))
		return;
	if (condition->kind != CONDITION_TEST) {
		gather_tests(splitter, condition->left, argument, tests);
		gather_tests(splitter, condition->right, argument, tests);
		return;
	}
	if (condition->test.argument != argument ||
	    find_test(tests, &condition->test) < tests->count)
		return;
	if (tests->count == TESTS_MAX)
		splitter->failed = true;
	else
		tests->list[tests->count++] = condition->test;
}

/* ---- what is left of clauses -------------------------------------------------------- */

static const struct condition always, never;

/* The condition where the tests on one argument are known. */
static const struct condition *reduce(struct oci_splitter *splitter,
				      const struct condition *condition,
				      const struct tests *tests,
				      const struct truths *truths)
{
	const struct condition *left, *right, *deciding;
	struct condition *both;
	size_t index;

	if (!oci_step(splitter))
		return &never;
	if (condition->kind == CONDITION_TEST) {
		index = find_test(tests, &condition->test);
		if (index == tests->count)
			return condition;
		return truths->bits[index / 64] & 1ULL << index % 64 ? &always : &never;
	}
	left = reduce(splitter, condition->left, tests, truths);
	right = reduce(splitter, condition->right, tests, truths);
	deciding = condition->kind == CONDITION_OR ? &always : &never;
	if (left == deciding || right == deciding)
		return deciding;
	if (left == &always || left == &never)
		return right;
	if (right == &always || right == &never)
		return left;
	both = arena_alloc(splitter->arena, sizeof(*both));
	*both = (struct condition){
		.kind = condition->kind,
		.left = left,
		.right = right,
	};
	return both;
}

static struct rest reduce_clauses(struct oci_splitter *splitter, const struct rest *rest,
				  const struct tests *tests, const struct truths *truths)
{
	struct clause *clauses =
		arena_alloc_array(splitter->arena, rest->count, sizeof(*clauses));
	struct rest left = { clauses, 0 };

	for (size_t i = 0; i < rest->count; i++) {
		struct clause clause = rest->clauses[i];
		const struct condition *when = &always;

		if (clause.when)
			when = reduce(splitter, clause.when, tests, truths);
		if (when == &never)
			continue;
		clause.when = when == &always ? NULL : when;
		clauses[left.count++] = clause;
		if (!clause.when)
			break;
	}
	return left;
}

static bool is_same_condition(struct oci_splitter *splitter, const struct condition *a,
			      const struct condition *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind || !oci_step(splitter))
		return false;
	if (a->kind == CONDITION_TEST)
		return is_same_test(&a->test, &b->test);
	return is_same_condition(splitter, a->left, b->left) &&
	       is_same_condition(splitter, a->right, b->right);
}

static bool is_same_rest(struct oci_splitter *splitter, const struct rest *a,
			 const struct rest *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!action_is_same(a->clauses[i].action, b->clauses[i].action) ||
		    !is_same_condition(splitter, a->clauses[i].when, b->clauses[i].when))
			return false;
	}
	return true;
}

/* ---- parts -------------------------------------------------------------------------- */

struct parts {
	struct part *list;
	size_t count;
};

static void add_part(struct oci_splitter *splitter, struct parts *parts, struct part part)
{
	if (part.cubes.count == 0)
		return;
	parts->list = arena_grow(splitter->arena, parts->list, parts->count,
				 sizeof(*parts->list));
	parts->list[parts->count++] = part;
}

static struct parts part_by(struct oci_splitter *splitter, const struct parts *parts,
			    const struct test *test, size_t index)
{
	struct oci_cubes holds = { NULL, 0 }, fails = { NULL, 0 };
	struct parts finer = { NULL, 0 };

	oci_add_test(splitter, &holds, test, true);
	oci_add_test(splitter, &fails, test, false);
	for (size_t i = 0; i < parts->count && !splitter->failed; i++) {
		struct part part = parts->list[i];
		struct part other = part;

		part.truths.bits[index / 64] |= 1ULL << index % 64;
		part.cubes = oci_intersect(splitter, &parts->list[i].cubes, &holds);
		other.cubes = oci_intersect(splitter, &parts->list[i].cubes, &fails);
		add_part(splitter, &finer, part);
		add_part(splitter, &finer, other);
	}
	return finer;
}

static struct parts part_all(struct oci_splitter *splitter, const struct tests *tests)
{
	struct parts parts = { NULL, 0 };
	struct part whole = { 0 };

	oci_add_cube(splitter, &whole.cubes, (struct oci_cube){ 0, 0 });
	add_part(splitter, &parts, whole);
	for (size_t i = 0; i < tests->count && !splitter->failed; i++)
		parts = part_by(splitter, &parts, &tests->list[i], i);
	return parts;
}

/* Parts for which the same is left become one. */
static struct parts unite(struct oci_splitter *splitter, const struct parts *parts,
			  const struct rest *rest, const struct tests *tests)
{
	struct parts united = { NULL, 0 };

	for (size_t i = 0; i < parts->count && !splitter->failed; i++) {
		struct part part = parts->list[i];
		size_t same = 0;

		part.rest = reduce_clauses(splitter, rest, tests, &part.truths);
		while (same < united.count &&
		       !is_same_rest(splitter, &united.list[same].rest, &part.rest))
			same++;
		if (same == united.count) {
			add_part(splitter, &united, part);
			continue;
		}
		for (size_t j = 0; j < part.cubes.count; j++)
			oci_add_cube(splitter, &united.list[same].cubes,
				     part.cubes.list[j]);
	}
	return united;
}

/* ---- the whole ---------------------------------------------------------------------- */

struct answers {
	struct oci_answer *list;
	size_t count;
};

static void add_answer(struct oci_splitter *splitter, struct answers *answers,
		       const struct oci_answer *answer)
{
	if (answers->count >= ANSWERS_MAX) {
		splitter->failed = true;
		return;
	}
	answers->list = arena_grow(splitter->arena, answers->list, answers->count,
				   sizeof(*answers->list));
	answers->list[answers->count++] = *answer;
}

static struct answers split(struct oci_splitter *splitter, const struct rest *rest,
			    uint8_t argument);

static void split_part(struct oci_splitter *splitter, const struct part *part,
		       uint8_t argument, struct answers *answers)
{
	struct oci_args args = oci_make_args(splitter, &part->cubes);
	struct answers below = split(splitter, &part->rest, (uint8_t)(argument + 1));

	for (size_t i = 0; i < args.count; i++) {
		for (size_t j = 0; j < below.count; j++) {
			struct oci_answer answer = below.list[j];

			answer.args[argument] = args.list[i];
			add_answer(splitter, answers, &answer);
		}
	}
}

/* From this argument on; those before are taken out of rest. */
static struct answers split(struct oci_splitter *splitter, const struct rest *rest,
			    uint8_t argument)
{
	struct answers answers = { NULL, 0 };
	struct tests tests = { .count = 0 };
	struct parts parts;

	if (splitter->failed || rest->count == 0)
		return answers;
	if (!rest->clauses[0].when) {
		struct oci_answer answer = { .action = rest->clauses[0].action };

		add_answer(splitter, &answers, &answer);
		return answers;
	}
	assert(argument <= ARGUMENT_LAST);
	for (size_t i = 0; i < rest->count; i++) {
		if (rest->clauses[i].when)
			gather_tests(splitter, rest->clauses[i].when, argument, &tests);
	}
	if (tests.count == 0)
		return split(splitter, rest, (uint8_t)(argument + 1));
	parts = part_all(splitter, &tests);
	parts = unite(splitter, &parts, rest, &tests);
	for (size_t i = 0; i < parts.count && !splitter->failed; i++)
		split_part(splitter, &parts.list[i], argument, &answers);
	return answers;
}

int oci_split(const struct clause *clauses, size_t count, struct arena *arena,
	      struct oci_answers *ret_answers)
{
	struct oci_splitter splitter = { .arena = arena };
	const struct rest rest = { clauses, count };
	struct answers answers = split(&splitter, &rest, 0);

	if (splitter.failed)
		return -1;
	*ret_answers = (struct oci_answers){ answers.list, answers.count };
	return 0;
}
