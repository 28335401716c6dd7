/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From lines to rules: which lines are there, by which numbers their calls are known, and
 * on how many bits their arguments are compared.
 */
#include "policy/native_resolve.h"

#include "base/arena.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Numbers below it are sorted by their place; the few above (arm's own) by qsort(3). */
enum { SMALL_NUMBERS = 1024 };

#define LOW_BITS ((uint64_t)0xffffffff)

static const struct condition always = { .kind = CONDITION_TEST };
static const struct condition never = { .kind = CONDITION_TEST };

/* ---- conditions ---- */

static const struct condition *join(struct native_resolving *resolving,
				    enum condition_kind kind,
				    const struct condition *left,
				    const struct condition *right)
{
	const struct condition *absorbing = kind == CONDITION_OR ? &always : &never;
	const struct condition *neutral = kind == CONDITION_OR ? &never : &always;
	struct condition *joined;

	if (left == absorbing || right == absorbing)
		return absorbing;
	if (left == neutral)
		return right;
	if (right == neutral)
		return left;
	joined = arena_alloc(resolving->arena, sizeof(*joined));
	joined->kind = kind;
	joined->left = left;
	joined->right = right;
	return joined;
}

/* An argument of 32 bits against a value beyond them. */
static const struct condition *compare_beyond(enum test_op op)
{
	return op == TEST_NE || op == TEST_LT || op == TEST_LE ? &always : &never;
}

static bool is_wide(const char *call, size_t argument, enum abi abi)
{
	size_t count = 0;
	const struct argument *arguments;

	if (!abi_is_wide(abi))
		return false;
	arguments = call_arguments(call, &count);
	return !arguments || argument >= count || arguments[argument].wide;
}

static const struct condition *test_of(struct native_resolving *resolving,
				       const struct native_expr *expr, const char *call)
{
	int argument = native_argument(expr, call);
	struct condition *condition;
	bool wide;

	/* The reader has looked already. */
	if (argument < 0)
		return &never;
	wide = is_wide(call, (size_t)argument, resolving->abi);
	if (!wide && expr->value >> 32 != 0 && expr->value >> 32 != LOW_BITS)
		return compare_beyond(expr->op);
	condition = arena_alloc(resolving->arena, sizeof(*condition));
	condition->kind = CONDITION_TEST;
	condition->test = (struct test){
		.argument = (uint8_t)argument,
		.wide = wide,
		.op = expr->op,
		.mask = expr->mask,
		.value = expr->value,
	};
	if (!wide) {
		condition->test.mask &= LOW_BITS;
		condition->test.value &= LOW_BITS;
	}
	/* The generators know "all bits" by this one mask. */
	if (condition->test.mask == LOW_BITS && !wide)
		condition->test.mask = UINT64_MAX;
	return condition;
}

static const struct condition *condition_of(struct native_resolving *resolving,
					    const struct native_expr *expr,
					    const char *call)
{
	if (expr->kind == CONDITION_TEST)
		return test_of(resolving, expr, call);
	return join(resolving, expr->kind, condition_of(resolving, expr->left, call),
		    condition_of(resolving, expr->right, call));
}

/* ---- lines ---- */

/* The level's lines of a call take the place of what it extends. */
static void add_link(struct native_resolving *resolving, const struct native_level *level,
		     const struct native_item *item)
{
	struct native_slot *slot = &resolving->slots[item->call->index];
	struct native_link *link = arena_alloc(resolving->arena, sizeof(*link));

	link->item = item;
	if (slot->level != level) {
		slot->call = item->call;
		slot->level = level;
		slot->first = NULL;
		slot->branch_count = 0;
		slot->by_name = false;
	}
	if (slot->first)
		slot->last->next = link;
	else
		slot->first = link;
	slot->last = link;
	slot->branch_count += item->line->branch_count;
	slot->by_name = slot->by_name || !item->by_group;
}

static void collect(struct native_resolving *resolving, const struct native_level *level)
{
	const struct native_line *line = NULL;
	bool is_there = false;

	if (level->base)
		collect(resolving, level->base);
	for (size_t i = 0; i < level->item_count; i++) {
		const struct native_item *item = level->items[i];

		if (!(item->abis >> resolving->abi & 1))
			continue;
		if (item->line != line) {
			line = item->line;
			is_there = native_when_holds(line->when, resolving->conditions,
						     resolving->abi);
		}
		if (is_there)
			add_link(resolving, level, item);
	}
}

/* ---- clauses ---- */

/* Returns whether the clause holds always. */
static bool add_clause(struct native_resolving *resolving, const struct native_slot *slot,
		       const struct native_line *line, const struct native_branch *branch,
		       struct clause *clause, size_t *count)
{
	const struct condition *when = &always;

	if (branch->expr)
		when = condition_of(resolving, branch->expr, slot->call->name);
	if (when == &never)
		return false;
	clause->when = when == &always ? NULL : when;
	clause->action = branch->action;
	clause->source = line->source;
	clause->why = line->why;
	++*count;
	return when == &always;
}

void native_fill_rules(struct native_resolving *resolving, const struct native_slot *slot,
		       struct call_rules *rules)
{
	struct clause *clauses = arena_alloc(resolving->arena,
					     (slot->branch_count + 1) * sizeof(*clauses));
	size_t count = 0;
	bool decided = false;

	for (const struct native_link *link = slot->first; link && !decided;
	     link = link->next) {
		const struct native_line *line = link->item->line;

		for (size_t i = 0; i < line->branch_count && !decided; i++)
			decided = add_clause(resolving, slot, line, &line->branches[i],
					     &clauses[count], &count);
	}
	if (!decided)
		clauses[count++] = resolving->rules->known;
	rules->name = slot->call->name;
	rules->clauses = clauses;
	rules->clause_count = count;
}

/* ---- the calls of an ABI ---- */

static int number_of(const struct native_call *call, enum abi abi)
{
	if (abi == abi_native())
		return call->number;
	return call->numbered ? -1 : call_number(abi, call->name);
}

static int compare_rules(const void *a, const void *b)
{
	const struct call_rules *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* Two names of one number, on this ABI: whoever names both has to mean one answer. */
static int check_same(const struct call_rules *a, const struct call_rules *b,
		      struct error *err)
{
	const struct source_line *source = &b->clauses[0].source;

	if (a->clause_count == 1 && b->clause_count == 1 &&
	    action_is_same(a->clauses[0].action, b->clauses[0].action))
		return 0;
	return error_set(err, ERROR_POLICY,
			 "read %.100s:%u: %s and %s (line %u) are one call",
			 source->file ? source->file : "", source->line, b->name, a->name,
			 a->clauses[0].source.line);
}

/*
 * In order of numbers, without doubles; what is in earlier wins where both lists have a
 * number. Both lists are sorted.
 */
static void merge(const struct call_rules *winning, size_t winning_count,
		  const struct call_rules *other, size_t other_count,
		  struct call_rules *ret_rules, size_t *ret_count)
{
	size_t i = 0, j = 0, count = 0;

	while (i < winning_count || j < other_count) {
		bool takes_other =
			i >= winning_count ||
			(j < other_count && other[j].number < winning[i].number);

		if (takes_other) {
			ret_rules[count++] = other[j++];
			continue;
		}
		if (j < other_count && other[j].number == winning[i].number)
			j++;
		ret_rules[count++] = winning[i++];
	}
	*ret_count = count;
}

static int sort_rules(struct native_resolving *resolving, struct call_rules *rules,
		      size_t count, struct error *err)
{
	uint32_t places[SMALL_NUMBERS] = { 0 };
	struct call_rules *sorted =
		arena_alloc(resolving->arena, (count + 1) * sizeof(*sorted));
	size_t used = 0, small;

	for (size_t i = 0; i < count; i++) {
		uint32_t number = rules[i].number & ~(uint32_t)X32_BIT;

		if (number >= SMALL_NUMBERS)
			continue;
		if (!places[number])
			places[number] = (uint32_t)i + 1;
		else if (check_same(&rules[places[number] - 1], &rules[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < SMALL_NUMBERS; i++) {
		if (places[i])
			sorted[used++] = rules[places[i] - 1];
	}
	small = used;
	for (size_t i = 0; i < count; i++) {
		if ((rules[i].number & ~(uint32_t)X32_BIT) >= SMALL_NUMBERS)
			sorted[used++] = rules[i];
	}
	if (used > small)
		qsort(sorted + small, used - small, sizeof(*sorted), compare_rules);
	resolving->rules->abis[resolving->abi].calls = sorted;
	resolving->rules->abis[resolving->abi].count = used;
	return 0;
}

static void add_foreign(struct native_resolving *resolving, const struct rules *base)
{
	enum abi abi = resolving->abi;
	size_t own = resolving->rules->abis[abi].count, others = base->abis[abi].count;
	struct call_rules *merged =
		arena_alloc(resolving->arena, (own + others + 1) * sizeof(*merged));
	size_t count;

	merge(resolving->rules->abis[abi].calls, own, base->abis[abi].calls, others,
	      merged, &count);
	resolving->rules->abis[abi].calls = merged;
	resolving->rules->abis[abi].count = count;
}

static int resolve_abi(struct native_resolving *resolving,
		       const struct native_policy *policy, struct error *err)
{
	/* Two places more are for the calls that stand for others. */
	struct call_rules *rules =
		arena_alloc(resolving->arena, (policy->call_count + 2) * sizeof(*rules));
	size_t count = 0;

	resolving->slots = arena_alloc(
		resolving->arena, (policy->call_count + 1) * sizeof(struct native_slot));
	collect(resolving, policy->top);
	if (resolving->abi == ABI_I386 &&
	    native_multiplex(resolving, policy->call_count, rules, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < policy->call_count; i++) {
		const struct native_slot *slot = &resolving->slots[i];
		int number;

		if (!slot->level || slot->replaced)
			continue;
		number = number_of(slot->call, resolving->abi);
		if (number < 0)
			continue;
		rules[count].number = (uint32_t)number;
		native_fill_rules(resolving, slot, &rules[count]);
		if (resolving->abi == ABI_I386)
			native_hide_arguments(&rules[count], resolving->arena);
		count++;
	}
	return sort_rules(resolving, rules, count, err);
}

/* ---- what holds for all ABIs ---- */

/* Which level says what is answered; NULL: what the lowest one extends does. */
static const struct native_level *
level_with(const struct native_level *level,
	   bool (*has)(const struct native_level *level))
{
	/* Where nobody says it, the lowest has it all the same: fill_defaults(). */
	while (!has(level) && level->base)
		level = level->base;
	return has(level) || !level->foreign_base ? level : NULL;
}

static bool has_default(const struct native_level *level)
{
	return level->has_default;
}

static bool has_known(const struct native_level *level)
{
	return level->has_known;
}

static bool has_foreign(const struct native_level *level)
{
	return level->has_foreign;
}

static void fill_answers(const struct native_level *top, const struct rules *base,
			 struct rules *rules)
{
	const struct native_level *level = level_with(top, has_default);

	rules->unknown = level ? level->on_unknown : base->unknown;
	level = level_with(top, has_known);
	rules->known = level ? level->on_known : base->known;
	level = level_with(top, has_foreign);
	rules->foreign = level ? level->on_foreign : base->foreign;
}

static unsigned int flags_of(const struct native_level *top, const struct rules *base)
{
	for (const struct native_level *level = top; level; level = level->base) {
		if (level->has_flags)
			return level->flags;
	}
	return base ? base->flags : 0;
}

static unsigned int served_of(const struct native_level *top, const struct rules *base)
{
	unsigned int native = 1U << abi_native();

	for (const struct native_level *level = top; level; level = level->base) {
		if (level->arch || level->arch_native)
			return (level->arch | (level->arch_native ? native : 0)) &
			       abi_served();
	}
	return base ? base->served : native;
}

static const struct profile *foreign_base(const struct native_level *level)
{
	while (level->base)
		level = level->base;
	return level->foreign_base;
}

int native_resolve(const struct profile *profile,
		   const struct profile_conditions *conditions, struct arena *arena,
		   struct rules *ret_rules, struct notes *notes, struct error *err)
{
	const struct native_policy *policy = profile->text;
	const struct profile *foreign = foreign_base(policy->top);
	struct rules rules = { 0 }, base = { 0 };
	struct native_resolving resolving = {
		.arena = arena,
		.conditions = conditions,
		.rules = &rules,
	};

	if (foreign &&
	    foreign->resolve(foreign, conditions, arena, &base, notes, err) < 0)
		return -1;
	fill_answers(policy->top, &base, &rules);
	rules.flags = flags_of(policy->top, foreign ? &base : NULL);
	rules.served = served_of(policy->top, foreign ? &base : NULL);
	if (rules.served == 0)
		return error_set(
			err, ERROR_POLICY,
			"use policy %.120s: its @arch names none that this machine has",
			profile->name);
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (!(rules.served >> abi & 1))
			continue;
		resolving.abi = abi;
		if (resolve_abi(&resolving, policy, err) < 0)
			return -1;
		if (foreign)
			add_foreign(&resolving, &base);
	}
	for (size_t i = 0; notes && i < policy->note_count; i++)
		notes_add(notes, "%s", policy->notes[i]);
	*ret_rules = rules;
	return 0;
}
