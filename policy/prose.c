/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/prose.h"

#include "base/arena.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOW_BITS ((uint64_t)0xffffffff)

enum { DECIMAL_MAX = 1024 };

void prose_add_quoted(struct page *page, const char *text)
{
	page_printf(page, "\"");
	for (; *text; text++)
		page_printf(page, *text == '"' || *text == '\\' ? "\\%c" : "%c",
			    (unsigned char)*text < ' ' ? ' ' : *text);
	page_printf(page, "\"");
}

/* ---- values ---- */

static void add_number(struct page *page, uint64_t value)
{
	if (value < DECIMAL_MAX)
		page_printf(page, "%" PRIu64, value);
	else
		page_printf(page, "%#" PRIx64, value);
}

static uint64_t highest_bit(uint64_t value)
{
	uint64_t bit = (uint64_t)1 << 63;

	while (!(value & bit))
		bit >>= 1;
	return bit;
}

/*
 * The highest bits by their names, until what is left has a name: of SOCK_RAW |
 * SOCK_CLOEXEC the lower half is no sum of flags. A number, where some bit has no name.
 */
static void add_flags(struct page *page, const char *family, uint64_t value)
{
	struct page flags = { .arena = page->arena };
	const char *name = constant_name(family, value), *between = "";

	for (uint64_t rest = value; !name;) {
		uint64_t bit = highest_bit(rest);
		const char *flag = constant_name(family, bit);

		rest &= ~bit;
		if (!flag || !rest) {
			add_number(page, value);
			return;
		}
		page_printf(&flags, "%s%s", between, flag);
		between = "|";
		name = constant_name(family, rest);
	}
	page_printf(page, "%s%s%s", page_text(&flags), between, name);
}

void prose_add_value(struct page *page, const struct argument *argument, uint64_t value)
{
	const char *name = NULL;

	if (argument && argument->family && argument->kind == ARGUMENT_WORD)
		name = constant_name(argument->family, value);
	if (name)
		page_printf(page, "%s", name);
	else if (argument && argument->family && argument->kind == ARGUMENT_FLAGS &&
		 value > 0)
		add_flags(page, argument->family, value);
	else
		add_number(page, value);
}

/* ---- conditions ---- */

static const struct argument *argument_of(const char *call, const struct test *test)
{
	size_t count = 0;
	const struct argument *arguments = call ? call_arguments(call, &count) : NULL;

	return arguments && test->argument < count ? &arguments[test->argument] : NULL;
}

static void add_name(struct page *page, const struct argument *argument,
		     const struct test *test)
{
	if (argument)
		page_printf(page, "%s", argument->name);
	else
		page_printf(page, "arg%u", test->argument);
}

static bool has_mask(const struct test *test)
{
	uint64_t all = test->wide ? UINT64_MAX : LOW_BITS;

	return (test->mask & all) != all;
}

/* Whether flags say all of it, bit by bit. */
static bool is_all_flags(const struct argument *argument, uint64_t mask)
{
	if (!argument || !argument->family || argument->kind != ARGUMENT_FLAGS)
		return false;
	for (uint64_t bit = 1; bit; bit <<= 1) {
		if ((mask & bit) && !constant_name(argument->family, bit))
			return false;
	}
	return true;
}

/* What has its highest bit is most often all but a few. */
static void add_mask(struct page *page, const struct argument *argument, uint64_t mask,
		     uint64_t all)
{
	bool inverts = mask & ~(all >> 1);
	uint64_t shown = inverts ? ~mask & all : mask;

	page_printf(page, "%s", inverts ? "~(" : "");
	if (shown && is_all_flags(argument, shown))
		add_flags(page, argument->family, shown);
	else
		add_number(page, shown);
	page_printf(page, "%s", inverts ? ")" : "");
}

static void add_test(struct page *page, const struct test *test, const char *call)
{
	static const char *const operators[] = {
		[TEST_EQ] = "==", [TEST_NE] = "!=", [TEST_LT] = "<",
		[TEST_LE] = "<=", [TEST_GT] = ">",  [TEST_GE] = ">=",
	};
	const struct argument *argument = argument_of(call, test);
	uint64_t all = test->wide ? UINT64_MAX : LOW_BITS;
	bool masked = has_mask(test);

	page_printf(page, "%s", masked ? "(" : "");
	add_name(page, argument, test);
	if (masked) {
		page_printf(page, " & ");
		add_mask(page, argument, test->mask & all, all);
		page_printf(page, ")");
	}
	page_printf(page, " %s ", operators[test->op]);
	prose_add_value(page, argument, test->value & all);
}

/* The one test of a set's members but for their values, or NULL. */
static const struct test *test_of_set(const struct condition *condition)
{
	const struct test *left, *right;

	if (condition->kind == CONDITION_TEST)
		return condition->test.op == TEST_EQ && !has_mask(&condition->test)
			       ? &condition->test
			       : NULL;
	if (condition->kind == CONDITION_AND)
		return NULL;
	left = test_of_set(condition->left);
	right = left ? test_of_set(condition->right) : NULL;
	return right && left->argument == right->argument && left->wide == right->wide
		       ? left
		       : NULL;
}

static void add_members(struct page *page, const struct condition *condition,
			const struct argument *argument, bool *is_first)
{
	const struct test *test = &condition->test;

	if (condition->kind != CONDITION_TEST) {
		add_members(page, condition->left, argument, is_first);
		add_members(page, condition->right, argument, is_first);
		return;
	}
	page_printf(page, "%s", *is_first ? "" : ", ");
	prose_add_value(page, argument,
			test->value & (test->wide ? UINT64_MAX : LOW_BITS));
	*is_first = false;
}

static void add_part(struct page *page, const struct condition *condition,
		     const char *call, enum condition_kind outer)
{
	bool is_set = condition->kind == CONDITION_OR && test_of_set(condition);
	bool encloses =
		condition->kind != CONDITION_TEST && condition->kind != outer && !is_set;

	page_printf(page, "%s", encloses ? "(" : "");
	prose_add_condition(page, condition, call);
	page_printf(page, "%s", encloses ? ")" : "");
}

void prose_add_condition(struct page *page, const struct condition *condition,
			 const char *call)
{
	const struct test *set;
	bool is_first = true;

	if (condition->kind == CONDITION_TEST) {
		add_test(page, &condition->test, call);
		return;
	}
	set = test_of_set(condition);
	if (set) {
		add_name(page, argument_of(call, set), set);
		page_printf(page, " in {");
		add_members(page, condition, argument_of(call, set), &is_first);
		page_printf(page, "}");
		return;
	}
	add_part(page, condition->left, call, condition->kind);
	page_printf(page, condition->kind == CONDITION_AND ? " && " : " || ");
	add_part(page, condition->right, call, condition->kind);
}

void prose_add_source(struct page *page, const struct source_line *source)
{
	char file[512];

	if (source->file)
		page_printf(page, "%s:%u",
			    text_printable(file, sizeof(file), source->file),
			    source->line);
}
