/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A policy and all that it extends as one text. A line stays as it was written; what a
 * derived level says about a call takes it out of the lines below, for good where the
 * derived line is always there, else under the opposite of its condition.
 */
#include "policy/native_write.h"

#include "base/arena.h"
#include "policy/native.h"
#include "policy/prose.h"

#include <string.h>

enum { LEVELS_MAX = NATIVE_DEPTH_MAX, COLUMNS = 84 };

/* What derived levels say of one call, on one ABI. */
struct override {
	bool always;
	const char *unless; /* conditions, joined by &&; NULL: none */
};

struct showing {
	struct arena *arena;
	struct page page;
	const struct native_level *levels[LEVELS_MAX]; /* the derived one first */
	size_t level_count;
	size_t call_count;
	struct override *overrides; /* of the levels above: call, then ABI */
};

static struct override *override_of(const struct showing *showing, size_t call,
				    enum abi abi)
{
	return &showing->overrides[call * ABI_COUNT + abi];
}

/* One blank for many, and for what continued a line. */
static void add_written(struct page *page, const char *text, size_t length)
{
	bool blank = false;

	for (size_t i = 0; i < length; i++) {
		if (strchr(" \t\r\n\\", text[i])) {
			blank = true;
			continue;
		}
		page_printf(page, blank ? " %c" : "%c", text[i]);
		blank = false;
	}
}

/* ---- what a level takes from those below ---- */

static void add_override(const struct showing *showing, const struct native_item *item,
			 enum abi abi)
{
	struct override *override = override_of(showing, item->call->index, abi);
	const struct native_line *line = item->line;
	struct page opposite;

	if (!line->when) {
		override->always = true;
		return;
	}
	opposite = (struct page){ .arena = showing->arena };
	if (override->unless)
		page_printf(&opposite, "%s && ", override->unless);
	page_printf(&opposite, "!(");
	add_written(&opposite, line->when_text, line->when_length);
	page_printf(&opposite, ")");
	override->unless = page_text(&opposite);
}

static void add_overrides(const struct showing *showing, const struct native_level *level)
{
	for (size_t i = 0; i < level->item_count; i++) {
		for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
			if (level->items[i]->abis >> abi & 1)
				add_override(showing, level->items[i], abi);
		}
	}
}

/* ---- lines ---- */

/* ABIs for which an item is left as the guard says; guard NULL: without one. */
static unsigned int abis_left(const struct showing *showing,
			      const struct native_item *item, const char *guard)
{
	unsigned int abis = 0;

	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		const struct override *override =
			override_of(showing, item->call->index, abi);
		bool same =
			guard ? override->unless && strcmp(guard, override->unless) == 0
			      : !override->unless;

		if ((item->abis >> abi & 1) && !override->always && same)
			abis |= 1U << abi;
	}
	return abis;
}

static void add_abis(struct page *page, unsigned int abis)
{
	const char *between = "[arch=";

	if (abis == NATIVE_ABIS)
		return;
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (!(abis >> abi & 1))
			continue;
		page_printf(page, "%s%s", between, abi_name(abi));
		between = ",";
	}
	page_printf(page, "]");
}

static void add_rule(struct showing *showing, const struct native_line *line,
		     const char *guard)
{
	struct page *page = &showing->page;

	page_printf(page, line->matches ? ": {" : ": ");
	add_written(page, line->rule, line->rule_length);
	page_printf(page, line->matches ? "}" : "");
	if (line->when || guard) {
		page_printf(page, " when ");
		if (line->when) {
			page_printf(page, "%s", guard ? "(" : "");
			add_written(page, line->when_text, line->when_length);
			page_printf(page, "%s", guard ? ") && " : "");
		}
		page_printf(page, "%s", guard ? guard : "");
	}
	if (line->why) {
		page_printf(page, " explain ");
		prose_add_quoted(page, line->why);
	}
	page_printf(page, "  # ");
	prose_add_source(page, &line->source);
	page_printf(page, "\n");
}

/* One line for all calls of a line that have the same guard. */
static void show_items(struct showing *showing, struct native_item *const *items,
		       size_t count, const char *guard)
{
	struct page names = { .arena = showing->arena };
	size_t shown = 0, line_start = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned int abis = abis_left(showing, items[i], guard);

		if (!abis ||
		    (items[i]->by_group && native_is_multiplexer(items[i]->call->name)))
			continue;
		page_printf(&names, "%s", shown++ > 0 ? ", " : "");
		if (names.used - line_start > COLUMNS) {
			page_printf(&names, "\\\n  ");
			line_start = names.used;
		}
		page_printf(&names, "%s", items[i]->call->name);
		add_abis(&names, abis);
	}
	if (shown == 0)
		return;
	page_printf(&showing->page, shown > 1 ? "{%s}" : "%s", page_text(&names));
	add_rule(showing, items[0]->line, guard);
}

static bool is_new_guard(const char *guard, const char *const *guards, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(guards[i], guard) == 0)
			return false;
	}
	return true;
}

static void show_line(struct showing *showing, struct native_item *const *items,
		      size_t count)
{
	const char **guards = NULL;
	size_t guard_count = 0;

	show_items(showing, items, count, NULL);
	for (size_t i = 0; i < count; i++) {
		for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
			const char *guard =
				override_of(showing, items[i]->call->index, abi)->unless;

			if (!guard || !is_new_guard(guard, guards, guard_count))
				continue;
			guards = arena_grow(showing->arena, guards, guard_count,
					    sizeof(*guards));
			guards[guard_count++] = guard;
			show_items(showing, items, count, guard);
		}
	}
}

static void show_level(struct showing *showing, const struct native_level *level)
{
	size_t first = 0;

	while (first < level->item_count) {
		size_t last = first + 1;

		while (last < level->item_count &&
		       level->items[last]->line == level->items[first]->line)
			last++;
		show_line(showing, level->items + first, last - first);
		first = last;
	}
}

/* ---- what holds for all calls ---- */

static void show_answer(struct page *page, const char *name, const struct clause *clause)
{
	char action[64];

	page_printf(page, "@%s %s", name,
		    action_text(clause->action, action, sizeof(action)));
	if (clause->why) {
		page_printf(page, " explain ");
		prose_add_quoted(page, clause->why);
	}
	page_printf(page, clause->source.file ? "  # " : "");
	prose_add_source(page, &clause->source);
	page_printf(page, "\n");
}

static void show_arch(struct page *page, const struct native_level *level)
{
	if (!level->arch && !level->arch_native)
		return;
	page_printf(page, "@arch%s", level->arch_native ? " native" : "");
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		if (level->arch >> abi & 1)
			page_printf(page, " %s", abi_name(abi));
	}
	page_printf(page, "\n");
}

static void show_flags(struct page *page, const struct native_level *level)
{
	static const char *const names[] = { " log", " spec-allow", " wait-killable" };

	page_printf(page, "@flags");
	for (unsigned int i = 0; i < 3; i++)
		page_printf(page, "%s", level->flags >> i & 1 ? names[i] : "");
	page_printf(page, "\n");
}

/* The level that says it, or the lowest: what it has then is the default. */
static const struct native_level *
level_with(const struct showing *showing, bool (*says)(const struct native_level *level))
{
	for (size_t i = 0; i < showing->level_count; i++) {
		if (says(showing->levels[i]))
			return showing->levels[i];
	}
	return showing->levels[showing->level_count - 1];
}

static bool says_default(const struct native_level *level)
{
	return level->has_default;
}

static bool says_known(const struct native_level *level)
{
	return level->has_known;
}

static bool says_foreign(const struct native_level *level)
{
	return level->has_foreign;
}

static bool says_arch(const struct native_level *level)
{
	return level->arch || level->arch_native;
}

static bool says_flags(const struct native_level *level)
{
	return level->has_flags;
}

static void show_head(struct showing *showing)
{
	struct page *page = &showing->page;
	const struct native_level *flags = level_with(showing, says_flags);

	page_printf(page, "%%sbx-policy 1\n");
	show_arch(page, level_with(showing, says_arch));
	show_answer(page, "default", &level_with(showing, says_default)->on_unknown);
	show_answer(page, "known", &level_with(showing, says_known)->on_known);
	show_answer(page, "foreign", &level_with(showing, says_foreign)->on_foreign);
	if (flags->has_flags)
		show_flags(page, flags);
	page_printf(page, "\n");
}

static void show_settings(struct showing *showing, const struct profile *profile)
{
	const char *section = "";

	for (size_t i = 0; i < profile->setting_count; i++) {
		const struct profile_setting *setting = &profile->settings[i];

		if (strcmp(setting->section, section) != 0) {
			section = setting->section;
			page_printf(&showing->page, "\n[%s]\n", section);
		}
		page_printf(&showing->page, "%s = ", setting->key);
		prose_add_quoted(&showing->page, setting->value);
		page_printf(&showing->page, "  # %s:%u\n", setting->file, setting->line);
	}
}

const char *native_show(const struct profile *profile, const struct native_policy *policy,
			struct arena *arena)
{
	struct showing showing = { .arena = arena, .page = { .arena = arena } };

	for (const struct native_level *level = policy->top;
	     level && showing.level_count < LEVELS_MAX; level = level->base)
		showing.levels[showing.level_count++] = level;
	showing.call_count = policy->call_count;
	showing.overrides = arena_alloc_array(arena, policy->call_count + 1,
					      ABI_COUNT * sizeof(struct override));
	show_head(&showing);
	for (size_t i = 0; i < showing.level_count; i++) {
		show_level(&showing, showing.levels[i]);
		add_overrides(&showing, showing.levels[i]);
	}
	show_settings(&showing, profile);
	return page_text(&showing.page);
}
