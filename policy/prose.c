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

static void make_room(struct prose *prose, size_t more)
{
	size_t size = prose->size ? prose->size : 256;
	char *larger;

	if (prose->length + more < prose->size)
		return;
	while (size <= prose->length + more)
		size *= 2;
	larger = arena_alloc(prose->arena, size);
	if (prose->length > 0)
		memcpy(larger, prose->text, prose->length);
	prose->text = larger;
	prose->size = size;
}

void prose_add(struct prose *prose, const char *format, ...)
{
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length > 0) {
		make_room(prose, (size_t)length + 1);
		vsnprintf(prose->text + prose->length, (size_t)length + 1, format, again);
		prose->length += (size_t)length;
	}
	va_end(again);
}

const char *prose_text(const struct prose *prose)
{
	return prose->text ? prose->text : "";
}

void prose_add_quoted(struct prose *prose, const char *text)
{
	prose_add(prose, "\"");
	for (; *text; text++)
		prose_add(prose, *text == '"' || *text == '\\' ? "\\%c" : "%c",
			  (unsigned char)*text < ' ' ? ' ' : *text);
	prose_add(prose, "\"");
}

/* ---- values ---- */

static void add_number(struct prose *prose, uint64_t value)
{
	if (value < DECIMAL_MAX)
		prose_add(prose, "%" PRIu64, value);
	else
		prose_add(prose, "%#" PRIx64, value);
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
static void add_flags(struct prose *prose, const char *family, uint64_t value)
{
	struct prose flags = { .arena = prose->arena };
	const char *name = constant_name(family, value), *between = "";

	for (uint64_t rest = value; !name;) {
		uint64_t bit = highest_bit(rest);
		const char *flag = constant_name(family, bit);

		rest &= ~bit;
		if (!flag || !rest) {
			add_number(prose, value);
			return;
		}
		prose_add(&flags, "%s%s", between, flag);
		between = "|";
		name = constant_name(family, rest);
	}
	prose_add(prose, "%s%s%s", prose_text(&flags), between, name);
}

void prose_add_value(struct prose *prose, const struct argument *argument, uint64_t value)
{
	const char *name = NULL;

	if (argument && argument->family && argument->kind == ARGUMENT_WORD)
		name = constant_name(argument->family, value);
	if (name)
		prose_add(prose, "%s", name);
	else if (argument && argument->family && argument->kind == ARGUMENT_FLAGS &&
		 value > 0)
		add_flags(prose, argument->family, value);
	else
		add_number(prose, value);
}

/* ---- conditions ---- */

static const struct argument *argument_of(const char *call, const struct test *test)
{
	size_t count = 0;
	const struct argument *arguments = call ? call_arguments(call, &count) : NULL;

	return arguments && test->argument < count ? &arguments[test->argument] : NULL;
}

static void add_name(struct prose *prose, const struct argument *argument,
		     const struct test *test)
{
	if (argument)
		prose_add(prose, "%s", argument->name);
	else
		prose_add(prose, "arg%u", test->argument);
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
static void add_mask(struct prose *prose, const struct argument *argument, uint64_t mask,
		     uint64_t all)
{
	bool inverts = mask & ~(all >> 1);
	uint64_t shown = inverts ? ~mask & all : mask;

	prose_add(prose, "%s", inverts ? "~(" : "");
	if (shown && is_all_flags(argument, shown))
		add_flags(prose, argument->family, shown);
	else
		add_number(prose, shown);
	prose_add(prose, "%s", inverts ? ")" : "");
}

static void add_test(struct prose *prose, const struct test *test, const char *call)
{
	static const char *const operators[] = {
		[TEST_EQ] = "==", [TEST_NE] = "!=", [TEST_LT] = "<",
		[TEST_LE] = "<=", [TEST_GT] = ">",  [TEST_GE] = ">=",
	};
	const struct argument *argument = argument_of(call, test);
	uint64_t all = test->wide ? UINT64_MAX : LOW_BITS;
	bool masked = has_mask(test);

	prose_add(prose, "%s", masked ? "(" : "");
	add_name(prose, argument, test);
	if (masked) {
		prose_add(prose, " & ");
		add_mask(prose, argument, test->mask & all, all);
		prose_add(prose, ")");
	}
	prose_add(prose, " %s ", operators[test->op]);
	prose_add_value(prose, argument, test->value & all);
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

static void add_members(struct prose *prose, const struct condition *condition,
			const struct argument *argument, bool *is_first)
{
	const struct test *test = &condition->test;

	if (condition->kind != CONDITION_TEST) {
		add_members(prose, condition->left, argument, is_first);
		add_members(prose, condition->right, argument, is_first);
		return;
	}
	prose_add(prose, "%s", *is_first ? "" : ", ");
	prose_add_value(prose, argument,
			test->value & (test->wide ? UINT64_MAX : LOW_BITS));
	*is_first = false;
}

static void add_part(struct prose *prose, const struct condition *condition,
		     const char *call, enum condition_kind outer)
{
	bool is_set = condition->kind == CONDITION_OR && test_of_set(condition);
	bool encloses =
		condition->kind != CONDITION_TEST && condition->kind != outer && !is_set;

	prose_add(prose, "%s", encloses ? "(" : "");
	prose_add_condition(prose, condition, call);
	prose_add(prose, "%s", encloses ? ")" : "");
}

void prose_add_condition(struct prose *prose, const struct condition *condition,
			 const char *call)
{
	const struct test *set;
	bool is_first = true;

	if (condition->kind == CONDITION_TEST) {
		add_test(prose, &condition->test, call);
		return;
	}
	set = test_of_set(condition);
	if (set) {
		add_name(prose, argument_of(call, set), set);
		prose_add(prose, " in {");
		add_members(prose, condition, argument_of(call, set), &is_first);
		prose_add(prose, "}");
		return;
	}
	add_part(prose, condition->left, call, condition->kind);
	prose_add(prose, condition->kind == CONDITION_AND ? " && " : " || ");
	add_part(prose, condition->right, call, condition->kind);
}

void prose_add_source(struct prose *prose, const struct source_line *source)
{
	char file[512];

	if (source->file)
		prose_add(prose, "%s:%u",
			  text_printable(file, sizeof(file), source->file), source->line);
}
