/* SPDX-License-Identifier: Apache-2.0 */

/*
 * linux.seccomp as rules, with the answers that runc gives through libseccomp:
 *
 * - What says the same as defaultAction is as if it were not there, except that runc counts
 *   its calls among those that the profile knows.
 * - The rules of a call have no order: one that asks for nothing decides alone, the first
 *   of several; else whichever holds decides.
 * - Numbers above the last one that the profile names are newer than it: runc answers them
 *   ENOSYS, unless defaultAction lets calls pass or says ENOSYS already.
 * - On i386, a rule for a call that goes through socketcall(2) or ipc(2) as well holds for
 *   it there too. The arguments proper lie in memory then: what a rule asks of argument 0
 *   becomes the selector, and tests of the others look at arguments of the multiplexer.
 */
#include "policy/oci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { OVERLAPS_MAX = 256 }; /* rules of a call that later ones are compared with */

/* One rule for one number. */
struct entry {
	uint32_t number;
	size_t order;
	const char *name; /* as the profile writes it */
	const struct oci_rule *rule;
	const struct source_line *source;
	uint32_t selector; /* what argument 0 must be; 0: it is no multiplexer's */
};

struct resolver {
	const struct oci_text *text;
	struct arena *arena;
	struct notes *notes; /* NULL: said already */
	enum abi abi;
	struct entry *entries; /* room for all there can be; used for each ABI again */
	size_t entry_count;
	uint32_t last; /* the highest number that the profile names */
	struct call_rules *calls;
	size_t call_count;
};

/* ---- which rules there are ---------------------------------------------------------- */

static bool asks_for_arch(const struct oci_filter *filter)
{
	static const char *const names[] = {
		[ABI_X86_64] = "amd64",  [ABI_X32] = "x32", [ABI_I386] = "x86",
		[ABI_AARCH64] = "arm64", [ABI_ARM] = "arm",
	};

	for (size_t i = 0; i < filter->arch_count; i++) {
		if (strcmp(filter->arches[i], names[abi_native()]) == 0)
			return true;
	}
	return false;
}

static bool is_included(const struct oci_filter *includes,
			const struct profile_conditions *conditions)
{
	if (includes->unmet || (includes->caps & ~conditions->caps) != 0)
		return false;
	if (includes->arch_count && !asks_for_arch(includes))
		return false;
	return !includes->has_kernel || conditions->kernel >= includes->kernel;
}

static bool is_excluded(const struct oci_filter *excludes,
			const struct profile_conditions *conditions)
{
	if ((excludes->caps & conditions->caps) != 0 || asks_for_arch(excludes))
		return true;
	return excludes->has_kernel && conditions->kernel >= excludes->kernel;
}

static void add_entry(struct resolver *resolver, int number, const struct oci_rule *rule,
		      const struct oci_name *name, uint32_t selector)
{
	if (number < 0)
		return;
	resolver->entries[resolver->entry_count] = (struct entry){
		(uint32_t)number, resolver->entry_count, name->name, rule, &name->source,
		selector,
	};
	resolver->entry_count++;
}

static void add_name(struct resolver *resolver, const struct oci_rule *rule,
		     const struct oci_name *name)
{
	const struct oci_multiplexed *multiplexed =
		resolver->abi == ABI_I386 ? oci_multiplexed(name->name) : NULL;
	int number = call_number(resolver->abi, name->name);

	add_entry(resolver, number, rule, name, 0);
	if (multiplexed) {
		add_entry(resolver, call_number(resolver->abi, multiplexed->through),
			  rule, name, multiplexed->selector);
		return;
	}
	if (number >= 0 && (uint32_t)number > resolver->last)
		resolver->last = (uint32_t)number;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

static void gather(struct resolver *resolver, const struct profile_conditions *conditions)
{
	for (size_t i = 0; i < resolver->text->rule_count; i++) {
		const struct oci_rule *rule = &resolver->text->rules[i];

		if (!is_included(&rule->includes, conditions) ||
		    is_excluded(&rule->excludes, conditions))
			continue;
		for (size_t j = 0; j < rule->name_count; j++)
			add_name(resolver, rule, &rule->names[j]);
	}
	if (resolver->entry_count)
		qsort(resolver->entries, resolver->entry_count,
		      sizeof(*resolver->entries), compare_entries);
}

/* ---- contradictions ----------------------------------------------------------------- */

static bool says_default(const struct resolver *resolver, const struct entry *entry)
{
	return action_is_same(entry->rule->action, resolver->text->fallback);
}

static bool decides_always(const struct entry *entry)
{
	return entry->rule->test_count == 0 && entry->selector == 0;
}

static void note_overruled(const struct resolver *resolver, const struct entry *loser,
			   const struct entry *winner)
{
	char lost[32], won[32];

	if (!resolver->notes || loser->selector)
		return;
	action_text(loser->rule->action, lost, sizeof(lost));
	action_text(winner->rule->action, won, sizeof(won));
	notes_add(resolver->notes, "%s:%u: %s: %s has no effect: %s:%u says %s always",
		  loser->source->file, loser->source->line, loser->name, lost,
		  winner->source->file, winner->source->line, won);
}

/* A rule that says what the default says does not keep others from saying otherwise. */
static void note_defaults(const struct resolver *resolver, const struct entry *entries,
			  size_t count)
{
	char word[32];

	for (size_t i = 0; resolver->notes && count > 1 && i < count; i++) {
		const struct entry *entry = &entries[i];

		if (!says_default(resolver, entry) || entry->selector)
			continue;
		notes_add(resolver->notes,
			  "%s:%u: %s: %s has no effect: it is the default, and other "
			  "rules of the call are stronger",
			  entry->source->file, entry->source->line, entry->name,
			  action_text(entry->rule->action, word, sizeof(word)));
	}
}

static bool test_holds(const struct test *test, uint64_t value)
{
	uint64_t have = value & test->mask;

	switch (test->op) {
	case TEST_EQ:
		return have == test->value;
	case TEST_NE:
		return have != test->value;
	case TEST_LT:
		return have < test->value;
	case TEST_LE:
		return have <= test->value;
	case TEST_GT:
		return have > test->value;
	case TEST_GE:
		return have >= test->value;
	}
	abort();
}

static bool is_exact(const struct test *test)
{
	return test->op == TEST_EQ && test->mask == UINT64_MAX;
}

static bool is_below(const struct test *test)
{
	return test->op == TEST_LT || test->op == TEST_LE;
}

static bool is_above(const struct test *test)
{
	return test->op == TEST_GT || test->op == TEST_GE;
}

/* Whether no value of the argument meets both. */
static bool tests_exclude(const struct test *a, const struct test *b)
{
	uint64_t common = a->mask & b->mask;

	if (is_exact(a))
		return !test_holds(b, a->value);
	if (is_exact(b))
		return !test_holds(a, b->value);
	if (a->op == TEST_EQ && b->op == TEST_EQ)
		return ((a->value ^ b->value) & common) != 0;
	if (is_below(b) && is_above(a))
		return tests_exclude(b, a);
	if (!is_below(a) || !is_above(b))
		return false;
	if (a->value < b->value)
		return true;
	return a->value == b->value && (a->op == TEST_LT || b->op == TEST_GT);
}

static bool rules_exclude(const struct oci_rule *a, const struct oci_rule *b)
{
	if (a->apart || b->apart)
		return false;
	for (size_t i = 0; i < a->test_count; i++) {
		for (size_t j = 0; j < b->test_count; j++) {
			if (a->tests[i].argument == b->tests[j].argument &&
			    tests_exclude(&a->tests[i], &b->tests[j]))
				return true;
		}
	}
	return false;
}

/* libseccomp promises no order between rules that hold both; here the first one decides. */
static void note_overlaps(const struct resolver *resolver, const struct entry *entries,
			  size_t index)
{
	const struct entry *later = &entries[index];

	if (!resolver->notes || later->selector)
		return;
	for (size_t i = 0; i < index && i < OVERLAPS_MAX; i++) {
		const struct entry *earlier = &entries[i];

		if (says_default(resolver, earlier) ||
		    action_is_same(earlier->rule->action, later->rule->action) ||
		    rules_exclude(earlier->rule, later->rule))
			continue;
		notes_add(
			resolver->notes,
			"%s:%u: %s: may say otherwise than %s:%u for the same arguments",
			later->source->file, later->source->line, later->name,
			earlier->source->file, earlier->source->line);
		return;
	}
}

/* ---- clauses ------------------------------------------------------------------------ */

static const struct condition *both(struct resolver *resolver,
				    const struct condition *left,
				    const struct condition *right)
{
	struct condition *condition;

	if (!left)
		return right;
	condition = arena_alloc(resolver->arena, sizeof(*condition));
	*condition = (struct condition){
		.kind = CONDITION_AND,
		.left = left,
		.right = right,
	};
	return condition;
}

/* For libseccomp x32 has arguments of 32 bits, whatever is above them in the register. */
static bool has_wide_arguments(enum abi abi)
{
	return abi == ABI_X86_64 || abi == ABI_AARCH64;
}

static const struct condition *one(struct resolver *resolver, struct test test)
{
	struct condition *condition = arena_alloc(resolver->arena, sizeof(*condition));

	test.wide = has_wide_arguments(resolver->abi);
	*condition = (struct condition){ .kind = CONDITION_TEST, .test = test };
	return condition;
}

static struct test select_call(const struct entry *entry)
{
	return (struct test){ 0, true, TEST_EQ, UINT64_MAX, entry->selector };
}

/* The tests from first up to, without, end. */
static const struct condition *join(struct resolver *resolver, const struct entry *entry,
				    size_t first, size_t end)
{
	const struct condition *condition = NULL;

	if (entry->selector)
		condition = one(resolver, select_call(entry));
	for (size_t i = first; i < end; i++) {
		const struct test *test = &entry->rule->tests[i];

		if (!entry->selector || test->argument != 0)
			condition = both(resolver, condition, one(resolver, *test));
	}
	return condition;
}

static void add_clause(struct resolver *resolver, struct call_rules *call,
		       const struct condition *when, struct action action,
		       struct source_line source)
{
	struct clause *clauses = arena_grow(resolver->arena, call->clauses,
					    call->clause_count, sizeof(*clauses));

	clauses[call->clause_count++] = (struct clause){ when, action, source, NULL };
	call->clauses = clauses;
}

static void add_rule(struct resolver *resolver, struct call_rules *call,
		     const struct entry *entry)
{
	const struct oci_rule *rule = entry->rule;
	size_t step = rule->apart ? 1 : rule->test_count;

	if (step == 0)
		step = 1;
	for (size_t i = 0; i == 0 || i < rule->test_count; i += step) {
		size_t end = i + step < rule->test_count ? i + step : rule->test_count;

		add_clause(resolver, call, join(resolver, entry, i, end), rule->action,
			   *entry->source);
	}
}

static const struct entry *find_deciding(const struct resolver *resolver,
					 const struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (decides_always(&entries[i]) && !says_default(resolver, &entries[i]))
			return &entries[i];
	}
	return NULL;
}

/* Most calls have one clause: there is no room for more. */
static void decide_always(struct resolver *resolver, struct call_rules *call,
			  const struct entry *entries, size_t count,
			  const struct entry *winner)
{
	struct clause *clause = arena_alloc(resolver->arena, sizeof(*clause));

	*clause = (struct clause){ NULL, winner->rule->action, *winner->source, NULL };
	call->clauses = clause;
	call->clause_count = 1;
	for (size_t i = 0; i < count; i++) {
		if (!action_is_same(entries[i].rule->action, winner->rule->action))
			note_overruled(resolver, &entries[i], winner);
	}
}

static void decide_by_arguments(struct resolver *resolver, struct call_rules *call,
				const struct entry *entries, size_t count)
{
	const struct entry *spoken = NULL;

	for (size_t i = 0; i < count; i++) {
		if (says_default(resolver, &entries[i])) {
			spoken = decides_always(&entries[i]) ? &entries[i] : spoken;
			continue;
		}
		note_overlaps(resolver, entries, i);
		add_rule(resolver, call, &entries[i]);
	}
	if (call->clause_count)
		note_defaults(resolver, entries, count);
	add_clause(resolver, call, NULL, resolver->text->fallback,
		   spoken ? *spoken->source : resolver->text->fallback_source);
}

static struct call_rules *add_call(struct resolver *resolver, uint32_t number,
				   const char *name)
{
	struct call_rules *call = &resolver->calls[resolver->call_count++];

	*call = (struct call_rules){ .number = number, .name = name };
	return call;
}

/* A name in the tables, or as the profile has it: libseccomp may know more. */
static const char *name_of(const struct resolver *resolver, const struct entry *entry)
{
	const char *name = call_name(resolver->abi, entry->number);

	return name ? name : entry->name;
}

static void make_calls(struct resolver *resolver, bool has_tail)
{
	const struct entry *entries = resolver->entries;
	size_t count;

	for (size_t i = 0; i < resolver->entry_count; i += count) {
		const struct entry *winner;
		struct call_rules *call;

		for (count = 1; i + count < resolver->entry_count &&
				entries[i + count].number == entries[i].number;)
			count++;
		if (has_tail && entries[i].number > resolver->last)
			return;
		call = add_call(resolver, entries[i].number,
				name_of(resolver, &entries[i]));
		winner = find_deciding(resolver, &entries[i], count);
		if (winner)
			decide_always(resolver, call, &entries[i], count, winner);
		else
			decide_by_arguments(resolver, call, &entries[i], count);
	}
}

/* ---- what is newer than the profile ------------------------------------------------- */

static const char newer[] = "it is newer than every call that the profile names";

bool oci_has_tail(struct action fallback)
{
	switch (fallback.kind) {
	case ACTION_ALLOW:
	case ACTION_LOG:
	case ACTION_TRACE:
	case ACTION_NOTIFY:
		return false;
	case ACTION_ERRNO:
		return fallback.value != ENOSYS;
	case ACTION_FAKE:
	case ACTION_KILL:
	case ACTION_KILL_THREAD:
	case ACTION_TRAP:
		return true;
	}
	abort();
}

static struct clause newer_clause(void)
{
	return (struct clause){ .action = { ACTION_ERRNO, ENOSYS }, .why = newer };
}

static void add_newer(struct resolver *resolver)
{
	struct clause *clause = arena_alloc(resolver->arena, sizeof(*clause));
	const uint32_t *numbers;
	size_t count;

	*clause = newer_clause();
	numbers = call_numbers(resolver->abi, &count);
	for (size_t i = 0; i < count; i++) {
		struct call_rules *call;

		if (numbers[i] <= resolver->last)
			continue;
		call = add_call(resolver, numbers[i],
				call_name(resolver->abi, numbers[i]));
		call->clauses = clause;
		call->clause_count = 1;
	}
}

/* ---- the whole ---------------------------------------------------------------------- */

/* For the calls that the entries are of, and those that are newer. */
static void make_call_room(struct resolver *resolver, bool has_tail)
{
	const uint32_t *numbers;
	size_t count, newer_count = 0;

	numbers = call_numbers(resolver->abi, &count);
	while (has_tail && newer_count < count &&
	       numbers[count - 1 - newer_count] > resolver->last)
		newer_count++;
	resolver->calls =
		arena_alloc_array(resolver->arena, resolver->entry_count + newer_count,
				  sizeof(*resolver->calls));
}

/* A name of a multiplexed call stands for two entries. */
static struct entry *make_room(const struct oci_text *text, struct arena *scratch)
{
	size_t names = 0;

	for (size_t i = 0; i < text->rule_count; i++)
		names += text->rules[i].name_count;
	return arena_alloc_array(scratch, names * 2, sizeof(struct entry));
}

int oci_resolve(const struct profile *profile,
		const struct profile_conditions *conditions, struct arena *arena,
		struct rules *ret_rules, struct notes *notes, struct error *err)
{
	const struct oci_text *text = profile->text;
	struct rules rules = {
		.served = (text->served & abi_served()) | 1U << abi_native(),
		.foreign = { .action = { ACTION_KILL, 0 } },
		.known = { .action = text->fallback, .source = text->fallback_source },
		.flags = text->flags,
	};

	struct arena scratch = { 0 };
	struct entry *entries = make_room(text, &scratch);

	(void)err;
	rules.unknown = rules.known;
	for (size_t i = 0; notes && i < text->notes.count; i++)
		notes_add(notes, "%s", text->notes.lines[i]);
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		struct resolver resolver = {
			.text = text,
			.arena = arena,
			.notes = abi == (int)abi_native() ? notes : NULL,
			.abi = (enum abi)abi,
			.entries = entries,
		};
		bool tail;

		if (!(rules.served & 1U << abi))
			continue;
		gather(&resolver, conditions);
		tail = oci_has_tail(text->fallback) && resolver.last > 0;
		make_call_room(&resolver, tail);
		make_calls(&resolver, tail);
		if (tail)
			add_newer(&resolver);
		if (tail && abi == (int)abi_native())
			rules.unknown = newer_clause();
		rules.abis[abi].calls = resolver.calls;
		rules.abis[abi].count = resolver.call_count;
	}
	arena_free(&scratch);
	*ret_rules = rules;
	return 0;
}
