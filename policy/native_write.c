/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules as a native text. What a call answers is written once for all ABIs that answer the
 * same, and calls of one answer share a line.
 */
#include "policy/native_write.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/native.h"
#include "policy/prose.h"
#include "policy/rules.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 84 };

/* A call of some ABIs, and the text of its rules there. */
struct entry {
	const char *name;
	const char *text;
	unsigned int abis;
	bool done;
};

struct writing {
	const struct rules *rules;
	struct native_style style;
	struct arena *arena;
	struct entry *entries; /* by name, then by ABI */
	size_t count;
};

/* ---- the rules of one call ---- */

static bool is_fallback(const struct rules *rules, const struct clause *clause)
{
	return !clause->when && !clause->why &&
	       action_is_same(clause->action, rules->known.action);
}

static bool says_the_same_why(const struct clause *a, const struct clause *b)
{
	return a->why == b->why || (a->why && b->why && strcmp(a->why, b->why) == 0);
}

static void add_end(struct page *page, struct native_style style,
		    const struct clause *clause)
{
	if (clause->why) {
		page_printf(page, " explain ");
		prose_add_quoted(page, clause->why);
	}
	if (style.sources && clause->source.file) {
		page_printf(page, "  # ");
		prose_add_source(page, &clause->source);
	}
	page_printf(page, "\n");
}

/* Clauses with one reason, as the part of a line behind the name. */
static void add_clauses(struct page *page, struct native_style style,
			const struct clause *clauses, size_t count, const char *call)
{
	bool block = count > 1 || clauses[0].when;
	char action[64];

	page_printf(page, block ? ": {" : ": ");
	for (size_t i = 0; i < count; i++) {
		page_printf(page, "%s", i > 0 ? ", " : "");
		if (clauses[i].when) {
			prose_add_condition(page, clauses[i].when, call);
			page_printf(page, "; ");
		}
		page_printf(page, "%s",
			    action_text(clauses[i].action, action, sizeof(action)));
	}
	page_printf(page, "%s", block ? "}" : "");
	add_end(page, style, &clauses[count - 1]);
}

/* Lines, each ending with a newline; before each the name is to be put. */
static const char *text_of(const struct writing *writing, const struct call_rules *call)
{
	struct page page = { .arena = writing->arena };
	size_t first = 0, count = call->clause_count;

	if (count > 1 && is_fallback(writing->rules, &call->clauses[count - 1]))
		count--;
	while (first < count) {
		size_t last = first + 1;

		while (last < count &&
		       says_the_same_why(&call->clauses[first], &call->clauses[last]))
			last++;
		add_clauses(&page, writing->style, call->clauses + first, last - first,
			    call->name);
		first = last;
	}
	return page_text(&page);
}

/* ---- all calls ---- */

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : strcmp(left->text, right->text);
}

static int gather(struct writing *writing, const char *name, struct error *err)
{
	size_t total = 0;

	for (enum abi abi = 0; abi < ABI_COUNT; abi++)
		total += writing->rules->abis[abi].count;
	writing->entries =
		arena_alloc_array(writing->arena, total + 1, sizeof(struct entry));
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		for (size_t i = 0; i < writing->rules->abis[abi].count; i++) {
			const struct call_rules *call =
				&writing->rules->abis[abi].calls[i];
			struct entry *entry = &writing->entries[writing->count];

			if (writing->style.follows && abi == ABI_I386 && call->name &&
			    native_is_multiplexer(call->name))
				continue;
			writing->count++;
			if (!call->name && abi != abi_native())
				return error_set(
					err, ERROR_POLICY,
					"write %.100s: number %u of %s has no name", name,
					call->number, abi_name(abi));
			entry->name = call->name ? call->name
						 : arena_printf(writing->arena, "%u",
								call->number);
			entry->text = text_of(writing, call);
			entry->abis = 1U << abi;
		}
	}
	qsort(writing->entries, writing->count, sizeof(struct entry), compare_entries);
	return 0;
}

/* Entries of one name and one text are one. */
static void unite(struct writing *writing)
{
	size_t kept = 0;

	for (size_t i = 0; i < writing->count; i++) {
		struct entry *entry = &writing->entries[i];

		if (kept > 0 && compare_entries(entry, &writing->entries[kept - 1]) == 0)
			writing->entries[kept - 1].abis |= entry->abis;
		else
			writing->entries[kept++] = *entry;
	}
	writing->count = kept;
}

/* Whether an ABI has the call but this entry says nothing of it. */
static bool is_for_some(const struct writing *writing, const struct entry *entry)
{
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if ((writing->rules->served >> abi & 1) && !(entry->abis >> abi & 1) &&
		    call_number(abi, entry->name) >= 0)
			return true;
	}
	return false;
}

static void add_name(struct page *page, const struct writing *writing,
		     const struct entry *entry)
{
	const char *between = "[arch=";

	page_printf(page, "%s", entry->name);
	if (!is_for_some(writing, entry))
		return;
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (!(entry->abis >> abi & 1))
			continue;
		page_printf(page, "%s%s", between, abi_name(abi));
		between = ",";
	}
	page_printf(page, "]");
}

/* The names of all entries with this text, which has one line. */
static void add_names(struct page *page, struct writing *writing, size_t first)
{
	const char *text = writing->entries[first].text;
	size_t count = 0, line_start = 0;
	struct page names = { .arena = writing->arena };

	for (size_t i = first; i < writing->count; i++) {
		if (writing->entries[i].done ||
		    strcmp(writing->entries[i].text, text) != 0)
			continue;
		writing->entries[i].done = true;
		page_printf(&names, "%s", count++ > 0 ? ", " : "");
		if (names.used - line_start > COLUMNS) {
			page_printf(&names, "\\\n  ");
			line_start = names.used;
		}
		add_name(&names, writing, &writing->entries[i]);
	}
	page_printf(page, count > 1 ? "{%s}" : "%s", page_text(&names));
}

static void add_calls(struct page *page, struct writing *writing)
{
	for (size_t i = 0; i < writing->count; i++) {
		struct entry *entry = &writing->entries[i];
		const char *text = entry->text;
		bool one_line = strchr(text, '\n') == text + strlen(text) - 1;

		if (entry->done)
			continue;
		/* An argument has its own name for each call. */
		if (one_line && text[2] != '{') {
			add_names(page, writing, i);
			page_printf(page, "%s", text);
			continue;
		}
		for (; *text; text = strchr(text, '\n') + 1) {
			add_name(page, writing, entry);
			page_printf(page, "%.*s", (int)(strchr(text, '\n') + 1 - text),
				    text);
		}
		entry->done = true;
	}
}

/* ---- the head ---- */

static void add_answer(struct page *page, struct native_style style, const char *name,
		       const struct clause *clause)
{
	char action[64];

	page_printf(page, "@%s %s", name,
		    action_text(clause->action, action, sizeof(action)));
	add_end(page, style, clause);
}

static void add_head(struct page *page, struct native_style style,
		     const struct rules *rules)
{
	static const char *const flags[] = { " log", " spec-allow", " wait-killable" };

	page_printf(page, "%%sbx-policy 1\n@arch");
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (rules->served >> abi & 1)
			page_printf(page, " %s", abi_name(abi));
	}
	page_printf(page, "\n");
	add_answer(page, style, "default", &rules->unknown);
	add_answer(page, style, "known", &rules->known);
	add_answer(page, style, "foreign", &rules->foreign);
	if (rules->flags) {
		page_printf(page, "@flags");
		for (unsigned int i = 0; i < 3; i++)
			page_printf(page, "%s", rules->flags >> i & 1 ? flags[i] : "");
		page_printf(page, "\n");
	}
	page_printf(page, "\n");
}

const char *native_write(const struct rules *rules, struct native_style style,
			 const char *name, struct arena *arena, struct error *err)
{
	struct writing writing = { .rules = rules, .style = style, .arena = arena };
	struct page page = { .arena = arena };

	if (gather(&writing, name, err) < 0)
		return NULL;
	unite(&writing);
	add_head(&page, style, rules);
	if (style.follows)
		page_printf(&page,
			    "# socketcall and ipc of i386 answer as the calls that they "
			    "stand for.\n\n");
	add_calls(&page, &writing);
	return page_text(&page);
}
