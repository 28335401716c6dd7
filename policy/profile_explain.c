/* SPDX-License-Identifier: Apache-2.0 */

/* What a policy says about one call, in words: for every argument, or for those at hand. */
#include "policy/profile.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/bpf_graph.h"
#include "policy/profile_text.h"
#include "policy/prose.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

/* "errno(EPERM)   [default:41: why]" and the end of the line. */
static void add_answer(struct page *page, const struct clause *clause)
{
	/* A reason is most often for what the line refuses. */
	const char *why = clause->action.kind == ACTION_ALLOW ? NULL : clause->why;
	char action[64];

	page_printf(page, "%s", action_text(clause->action, action, sizeof(action)));
	if (clause->source.file || why) {
		page_printf(page, "  [");
		prose_add_source(page, &clause->source);
		page_printf(page, "%s%s", clause->source.file && why ? ": " : "",
			    why ? why : "");
		page_printf(page, "]");
	}
	page_printf(page, "\n");
}

/* ---- explain ---- */

static const struct call_rules *rules_of(const struct rules *rules, enum abi abi,
					 uint32_t number)
{
	for (size_t i = 0; i < rules->abis[abi].count; i++) {
		if (rules->abis[abi].calls[i].number == number)
			return &rules->abis[abi].calls[i];
	}
	return NULL;
}

static void add_call(struct page *page, const struct rules *rules,
		     const struct call_rules *call)
{
	if (!call) {
		page_printf(page, "  not listed: ");
		add_answer(page, &rules->known);
		return;
	}
	for (size_t i = 0; i < call->clause_count; i++) {
		const struct clause *clause = &call->clauses[i];

		if (clause->when) {
			page_printf(page, "  %s", i > 0 ? "else if " : "if ");
			prose_add_condition(page, clause->when, call->name);
			page_printf(page, ": ");
		} else {
			page_printf(page, i > 0 ? "  else: " : "  always: ");
		}
		add_answer(page, clause);
	}
}

/* What is said for one ABI, without its name. */
static const char *words_for(const struct rules *rules, enum abi abi, const char *call,
			     struct arena *arena)
{
	struct page page = { .arena = arena };
	int number = call_number(abi, call);

	if (number < 0) {
		page_printf(&page, "  there is no such call\n");
		return page_text(&page);
	}
	add_call(&page, rules, rules_of(rules, abi, (uint32_t)number));
	return page_text(&page);
}

static void add_head(struct page *page, const char *call, unsigned int abis)
{
	const char *between = " on ";

	page_printf(page, "%s", call);
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		int number = call_number(abi, call);

		if (!(abis >> abi & 1))
			continue;
		page_printf(page, "%s%s", between, abi_name(abi));
		if (number >= 0)
			page_printf(page, " (%d)", number & ~X32_BIT);
		between = ", ";
	}
	page_printf(page, ":\n");
}

static int refuse_call(const char *call, struct error *err)
{
	const char *nearest = call_nearest(call);

	error_set(err, ERROR_POLICY, "explain \"%.60s\": no system call has this name",
		  call);
	return nearest ? error_hint(err, "the nearest is %s", nearest) : -1;
}

/* The ABIs, from this one on, of which the same is said. */
static unsigned int same_words(const char *const words[ABI_COUNT], enum abi abi)
{
	unsigned int same = 0;

	for (enum abi other = abi; other < ABI_COUNT; other++) {
		if (words[other] && strcmp(words[other], words[abi]) == 0)
			same |= 1U << other;
	}
	return same;
}

const char *profile_explain(const struct profile *profile,
			    const struct profile_conditions *conditions, const char *call,
			    struct arena *arena, struct error *err)
{
	const struct rules *rules;
	struct page page = { .arena = arena };
	const char *words[ABI_COUNT] = { 0 };
	unsigned int told = 0;

	if (call_number(abi_native(), call) == -2) {
		refuse_call(call, err);
		return NULL;
	}
	rules = profile_rules(profile, conditions, arena, NULL, err);
	if (!rules)
		return NULL;
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (rules->served >> abi & 1)
			words[abi] = words_for(rules, abi, call, arena);
	}
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		unsigned int same = words[abi] ? same_words(words, abi) : 0;

		if (!same || (told >> abi & 1))
			continue;
		told |= same;
		add_head(&page, call, same);
		page_printf(&page, "%s", words[abi]);
	}
	page_printf(&page, "on any other ABI: ");
	add_answer(&page, &rules->foreign);
	return page_text(&page);
}

/* ---- why ---- */

static const char *returned_text(uint32_t returned, const struct clause *clause,
				 char *buffer, size_t size)
{
	const struct bpf_wishes wishes = { 0 };

	/* Actions of two names may have one number, and a listener hides what it gets. */
	if (returned == bpf_return_value(clause->action, &wishes))
		return action_text(clause->action, buffer, size);
	snprintf(buffer, size, "%#x", returned);
	return buffer;
}

const char *profile_why(const struct profile *profile,
			const struct profile_conditions *conditions,
			const struct seccomp_data *data, struct arena *arena,
			struct error *err)
{
	const struct bpf_wishes wishes = { 0 };
	const struct rules *rules = profile_rules(profile, conditions, arena, NULL, err);
	struct page page = { .arena = arena };
	struct seccomp_program program;
	const struct clause *clause;
	char call[512], action[64];
	uint32_t returned;
	size_t steps;

	if (!rules || bpf_generate(rules, &wishes, arena, &program, err) < 0)
		return NULL;
	returned = bpf_run(&program, data, &steps);
	clause = rules_decide(rules, data);
	page_printf(&page, "%s: %s\n", call_text(data, call, sizeof(call)),
		    returned_text(returned, clause, action, sizeof(action)));
	if (clause->source.file) {
		page_printf(&page, "  decided by ");
		prose_add_source(&page, &clause->source);
		page_printf(&page, "\n");
	} else {
		page_printf(&page, "  no line says so: it is the default\n");
	}
	if (clause->why && clause->action.kind != ACTION_ALLOW)
		page_printf(&page, "  because %s\n", clause->why);
	page_printf(&page, "  %zu of %zu instructions\n", steps, program.count);
	return page_text(&page);
}
