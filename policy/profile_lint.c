/* SPDX-License-Identifier: Apache-2.0 */

/* What is allowed by the language and is most often a mistake. */
#include "policy/profile.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf_graph.h"
#include "policy/native.h"
#include "policy/profile_text.h"
#include "policy/prose.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

enum { FINDINGS_MAX = 200 };

struct linting {
	const struct profile *profile;
	const struct profile_conditions *conditions;
	const struct rules *rules;
	struct page page;
	size_t findings;
};

/* FILE:LINE: before a finding; the policy's name where no line is to blame. */
static struct page *find(struct linting *linting, const struct source_line *source)
{
	linting->findings++;
	if (source && source->file)
		prose_add_source(&linting->page, source);
	else
		page_printf(&linting->page, "%s", linting->profile->name);
	page_printf(&linting->page, ": ");
	return &linting->page;
}

static const struct call_rules *rules_of(const struct rules *rules, enum abi abi,
					 const char *call)
{
	int number = call_number(abi, call);

	for (size_t i = 0; number >= 0 && i < rules->abis[abi].count; i++) {
		if (rules->abis[abi].calls[i].number == (uint32_t)number)
			return &rules->abis[abi].calls[i];
	}
	return NULL;
}

static bool passes(struct action action)
{
	return action.kind == ACTION_ALLOW || action.kind == ACTION_LOG;
}

/* Whether some arguments let the call through. */
static bool may_pass(const struct rules *rules, const struct call_rules *call)
{
	if (!call)
		return passes(rules->known.action);
	for (size_t i = 0; i < call->clause_count; i++) {
		if (passes(call->clauses[i].action))
			return true;
	}
	return false;
}

static bool passes_always(const struct rules *rules, const struct call_rules *call)
{
	if (!call)
		return passes(rules->known.action);
	for (size_t i = 0; i < call->clause_count; i++) {
		if (!passes(call->clauses[i].action))
			return false;
	}
	return true;
}

static const struct source_line *source_of(const struct rules *rules,
					   const struct call_rules *call)
{
	return call ? &call->clauses[0].source : &rules->known.source;
}

/* ---- what every program needs ---- */

static void lint_basics(struct linting *linting)
{
	static const struct {
		const char *call, *without;
	} basics[] = {
		{ "execve", "no program can start another" },
		{ "exit_group", "no program can end in order" },
		{ "rt_sigreturn", "no program survives a signal that it handles" },
	};

	for (size_t i = 0; i < sizeof(basics) / sizeof(basics[0]); i++) {
		const struct call_rules *call =
			rules_of(linting->rules, abi_native(), basics[i].call);

		if (!may_pass(linting->rules, call))
			page_printf(find(linting, source_of(linting->rules, call)),
				    "%s is not allowed: %s\n", basics[i].call,
				    basics[i].without);
	}
}

static bool is_errno(const struct rules *rules, const struct call_rules *call, int number)
{
	const struct clause *clause =
		call ? &call->clauses[call->clause_count - 1] : &rules->known;

	return clause->action.kind == ACTION_ERRNO && clause->action.value == number;
}

static void lint_threads(struct linting *linting)
{
	enum abi abi = abi_native();
	const struct call_rules *clone = rules_of(linting->rules, abi, "clone");
	const struct call_rules *clone3 = rules_of(linting->rules, abi, "clone3");

	if (may_pass(linting->rules, clone) && is_errno(linting->rules, clone3, EPERM))
		page_printf(find(linting, source_of(linting->rules, clone3)),
			    "clone3 is refused by EPERM: libraries try clone only after "
			    "ENOSYS\n");
	if (clone && !passes_always(linting->rules, clone) &&
	    passes_always(linting->rules, clone3))
		page_printf(find(linting, source_of(linting->rules, clone3)),
			    "clone3 is allowed: what the line of clone refuses passes by "
			    "it\n");
}

/* ---- what stands open ---- */

static void lint_families(struct linting *linting)
{
	const struct call_rules *socket =
		rules_of(linting->rules, abi_native(), "socket");

	/* Where everything is allowed, that is what was wanted. */
	if (passes_always(linting->rules, socket) &&
	    !passes(linting->rules->known.action))
		page_printf(
			find(linting, source_of(linting->rules, socket)),
			"socket is allowed for every family, AF_ALG and AF_VSOCK among "
			"them: name those that are needed\n");
}

static void lint_socketcall(struct linting *linting)
{
	const struct call_rules *socketcall =
		rules_of(linting->rules, ABI_I386, "socketcall");
	const struct call_rules *socket = rules_of(linting->rules, ABI_I386, "socket");

	if (!(linting->rules->served >> ABI_I386 & 1) || !socketcall)
		return;
	if (passes_always(linting->rules, socketcall) &&
	    !passes_always(linting->rules, socket))
		page_printf(
			find(linting, source_of(linting->rules, socketcall)),
			"socketcall of i386 is allowed: what the line of socket refuses "
			"passes by it\n");
}

static void lint_defaults(struct linting *linting)
{
	const struct rules *rules = linting->rules;

	if (passes(rules->foreign.action) && !passes(rules->known.action))
		page_printf(find(linting, &rules->foreign.source),
			    "other ABIs are allowed: every rule can be walked around\n");
	if (rules->unknown.action.kind == ACTION_ERRNO &&
	    rules->unknown.action.value != ENOSYS)
		page_printf(find(linting, &rules->unknown.source),
			    "calls that are newer than the tables are not answered by "
			    "ENOSYS: programs do not turn to older ones\n");
	if (passes(rules->unknown.action) && !passes(rules->known.action))
		page_printf(
			find(linting, &rules->unknown.source),
			"calls that are newer than the tables are allowed, while known "
			"ones are not: @known is for those\n");
}

/* ---- widths ---- */

static const struct test *wide_test(const struct condition *condition,
				    const struct argument *arguments, size_t count)
{
	const struct test *found;

	if (condition->kind == CONDITION_TEST) {
		const struct test *test = &condition->test;

		return test->wide && test->argument < count &&
				       !arguments[test->argument].wide
			       ? test
			       : NULL;
	}
	found = wide_test(condition->left, arguments, count);
	return found ? found : wide_test(condition->right, arguments, count);
}

static void lint_width(struct linting *linting, const struct call_rules *call)
{
	size_t count = 0;
	const struct argument *arguments =
		call->name ? call_arguments(call->name, &count) : NULL;

	for (size_t i = 0; arguments && i < call->clause_count; i++) {
		const struct clause *clause = &call->clauses[i];
		const struct test *test =
			clause->when ? wide_test(clause->when, arguments, count) : NULL;

		if (!test)
			continue;
		page_printf(
			find(linting, &clause->source),
			"%s: 64 bits of %s are compared, the kernel looks at 32: junk "
			"above them passes the test\n",
			call->name, arguments[test->argument].name);
		return;
	}
}

/* ---- lines without effect ---- */

struct line_key {
	const char *file;
	unsigned int line;
};

static int compare_keys(const void *a, const void *b)
{
	const struct line_key *left = a, *right = b;
	int order = strcmp(left->file, right->file);

	return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* The lines that answer something, sorted. */
static struct line_key *lines_of(const struct rules *rules, struct arena *arena,
				 size_t *ret_count)
{
	struct line_key *keys;
	size_t count = 0;

	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		for (size_t i = 0; i < rules->abis[abi].count; i++)
			count += rules->abis[abi].calls[i].clause_count;
	}
	keys = arena_alloc_array(arena, count + 1, sizeof(*keys));
	count = 0;
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		for (size_t i = 0; i < rules->abis[abi].count; i++) {
			const struct call_rules *call = &rules->abis[abi].calls[i];

			for (size_t j = 0; j < call->clause_count; j++) {
				const struct source_line *source =
					&call->clauses[j].source;

				if (!source->file)
					continue;
				keys[count].file = source->file;
				keys[count++].line = source->line;
			}
		}
	}
	qsort(keys, count, sizeof(*keys), compare_keys);
	*ret_count = count;
	return keys;
}

/* Whether a line should answer something on an ABI that is served. */
static bool is_asked_for(const struct linting *linting, const struct native_item *item)
{
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if ((linting->rules->served >> abi & 1) && (item->abis >> abi & 1) &&
		    call_number(abi, item->call->name) >= 0 &&
		    native_when_holds(item->line->when, linting->conditions, abi))
			return true;
	}
	return false;
}

/* Lines of the policy itself; those of what it extends are meant to be replaced. */
static void lint_dead_lines(struct linting *linting, const struct native_level *level,
			    struct arena *arena)
{
	const struct native_line *told = NULL;
	size_t count;
	const struct line_key *keys = lines_of(linting->rules, arena, &count);

	for (size_t i = 0; i < level->item_count && linting->findings < FINDINGS_MAX;
	     i++) {
		const struct native_item *item = level->items[i];
		const struct line_key key = { item->line->source.file,
					      item->line->source.line };

		if (item->line == told || !is_asked_for(linting, item) ||
		    bsearch(&key, keys, count, sizeof(key), compare_keys))
			continue;
		told = item->line;
		page_printf(find(linting, &item->line->source),
			    "the line has no effect: an earlier one decides %s always\n",
			    item->call->name);
	}
}

/* ---- branches without effect ---- */

enum { VALUES_MAX = 64, TRIES_MAX = 4096 };

struct values {
	uint64_t list[6][VALUES_MAX];
	size_t count[6];
	bool is_unclear; /* too many, or bits that depend on each other */
};

static void add_values(struct values *values, const struct condition *condition)
{
	const struct test *test = &condition->test;
	size_t *count;

	if (condition->kind != CONDITION_TEST) {
		add_values(values, condition->left);
		add_values(values, condition->right);
		return;
	}
	count = &values->count[test->argument];
	if (test->mask != UINT64_MAX || *count + 3 > VALUES_MAX) {
		values->is_unclear = true;
		return;
	}
	for (uint64_t near = 0; near < 3; near++)
		values->list[test->argument][(*count)++] = test->value + near - 1;
}

static size_t tries_of(struct values *values)
{
	size_t tries = 1;

	for (size_t i = 0; i < 6; i++) {
		if (values->count[i] == 0)
			values->count[i] = 1;
		if (tries <= TRIES_MAX)
			tries *= values->count[i];
	}
	return tries;
}

/* Marks the clauses that decide some call at the bounds of the tests. */
static void mark_deciding(const struct linting *linting, enum abi abi,
			  const struct call_rules *call, const struct values *values,
			  size_t tries, bool *decides)
{
	for (size_t i = 0; i < tries; i++) {
		struct seccomp_data data = { .nr = (int)call->number,
					     .arch = abi_audit(abi) };
		size_t rest = i;

		for (size_t j = 0; j < 6; j++) {
			data.args[j] = values->list[j][rest % values->count[j]];
			rest /= values->count[j];
		}
		decides[rules_decide(linting->rules, &data) - call->clauses] = true;
	}
}

static void lint_branches(struct linting *linting, enum abi abi,
			  const struct call_rules *call, struct arena *arena)
{
	struct values values = { 0 };
	bool *decides;
	size_t tries;

	for (size_t i = 0; i < call->clause_count; i++) {
		if (call->clauses[i].when)
			add_values(&values, call->clauses[i].when);
	}
	tries = tries_of(&values);
	if (values.is_unclear || tries > TRIES_MAX || call->clause_count < 2)
		return;
	decides = arena_alloc_array(arena, call->clause_count, sizeof(*decides));
	mark_deciding(linting, abi, call, &values, tries, decides);
	for (size_t i = 0; i < call->clause_count; i++) {
		const struct clause *clause = &call->clauses[i];

		if (decides[i] || !clause->source.file)
			continue;
		if (!clause->when &&
		    clause->source.line == linting->rules->known.source.line)
			continue;
		page_printf(find(linting, &clause->source), "%s: ", call->name);
		if (clause->when)
			prose_add_condition(&linting->page, clause->when, call->name);
		else
			page_printf(&linting->page, "what is left over");
		page_printf(&linting->page, " never decides\n");
	}
}

/* ---- all of it ---- */

static void lint_calls(struct linting *linting, struct arena *arena)
{
	enum abi abi = abi_native();

	/* One ABI shows what is wrong with a line. */
	for (size_t i = 0;
	     i < linting->rules->abis[abi].count && linting->findings < FINDINGS_MAX;
	     i++) {
		lint_width(linting, &linting->rules->abis[abi].calls[i]);
		lint_branches(linting, abi, &linting->rules->abis[abi].calls[i], arena);
	}
}

const char *profile_lint(const struct profile *profile,
			 const struct profile_conditions *conditions, struct arena *arena,
			 struct error *err)
{
	struct linting linting = {
		.profile = profile,
		.conditions = conditions,
		.page = { .arena = arena },
	};
	struct notes notes = { .arena = arena };
	const struct profile *whole = profile_whole(profile, err);
	const struct native_policy *policy = whole ? native_policy(whole) : NULL;

	linting.rules =
		whole ? profile_rules(whole, conditions, arena, &notes, err) : NULL;
	if (!linting.rules)
		return NULL;
	lint_basics(&linting);
	lint_threads(&linting);
	lint_families(&linting);
	lint_socketcall(&linting);
	lint_defaults(&linting);
	lint_calls(&linting, arena);
	if (policy)
		lint_dead_lines(&linting, policy->top, arena);
	for (size_t i = 0; i < notes.count; i++)
		page_printf(&linting.page, "%s\n", notes.lines[i]);
	return page_text(&linting.page);
}
