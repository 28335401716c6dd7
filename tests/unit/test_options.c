/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself, and what is made of it. */
#include "plan/options.h"

#include "tests/unit/planning.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EACH_ROW(row)                                                                    \
	size_t row_count;                                                                \
	const struct option_row *row = option_rows(&row_count);                          \
	for (const struct option_row *row_end = row + row_count; row < row_end; row++)

static bool is_topic(const char *name)
{
	for (const struct option_topic *topic = option_topics(); topic->name; topic++) {
		if (!strcmp(topic->name, name))
			return true;
	}
	return false;
}

static void each_row_is_whole(void **state)
{
	(void)state;
	EACH_ROW(row)
	{
		assert_non_null(row->name);
		assert_non_null(row->set);
		assert_true(strlen(row->help) > 0);
		assert_true(is_topic(row->topic));
		assert_int_equal(row->need != OPERAND_NONE, row->operand != NULL);
		assert_false(isupper((unsigned char)row->help[0]) &&
			     islower((unsigned char)row->help[1]));
	}
}

static void no_name_stands_twice(void **state)
{
	bool negated;

	(void)state;
	EACH_ROW(row)
	{
		assert_ptr_equal(option_find(row->name, &negated), row);
		assert_false(negated);
		if (row->alias) {
			assert_ptr_equal(option_find(row->alias, &negated), row);
		}
		if (row->letter) {
			assert_ptr_equal(option_find_letter(row->letter), row);
		}
	}
}

static void h_is_help_and_nothing_else(void **state)
{
	(void)state;
	assert_string_equal(option_find_letter('h')->name, "help");
}

static void lists_and_flags_can_be_taken_back(void **state)
{
	bool negated;

	(void)state;
	assert_string_equal(option_find("no-ro", &negated)->name, "ro");
	assert_true(negated);
	assert_string_equal(option_find("no-rw-bind", &negated)->name, "rw");
	assert_string_equal(option_find("no-init", &negated)->name, "init");
	assert_true(negated);
	assert_string_equal(option_find("no-config", &negated)->name, "no-config");
	assert_false(negated);
	assert_null(option_find("no-root", &negated));
	assert_null(option_find("no-rm", &negated));
	assert_null(option_find("no-help", &negated));
}

static void rows_of_later_wings_are_not_there(void **state)
{
	static const char *const later[] = { "checkpoint", "restore" };
	bool negated;

	(void)state;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		assert_null(option_find(later[i], &negated));
}

static void a_mistyped_name_has_a_nearest_one(void **state)
{
	(void)state;
	assert_string_equal(option_nearest("hostnam"), "hostname");
	assert_string_equal(option_nearest("volumes"), "volume");
	assert_null(option_nearest("entirely-something-else"));
}

static void help_has_each_option_in_80_columns(void **state)
{
	struct arena arena = { 0 };
	const char *text = plan_help("all", &arena);
	char name[64];

	(void)state;
	EACH_ROW(row)
	{
		snprintf(name, sizeof(name), "--%s%s",
			 row->flags & OPTION_EITHER ? "[no-]" : "", row->name);
		assert_non_null(strstr(text, name));
	}
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	arena_free(&arena);
}

static void each_topic_has_a_help_of_its_own(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (const struct option_topic *topic = option_topics(); topic->name; topic++) {
		assert_non_null(strstr(plan_help(topic->name, &arena), topic->title));
		assert_non_null(strstr(plan_help("", &arena), topic->name));
	}
	assert_null(plan_help("nothing", &arena));
	arena_free(&arena);
}

static void completions_know_each_option(void **state)
{
	struct arena arena = { 0 };
	const char *bash = plan_completion("bash", &arena);
	const char *zsh = plan_completion("zsh", &arena);
	const char *fish = plan_completion("fish", &arena);
	char name[64];

	(void)state;
	EACH_ROW(row)
	{
		snprintf(name, sizeof(name), "--%s", row->name);
		assert_non_null(strstr(bash, name));
		assert_non_null(strstr(zsh, name));
		snprintf(name, sizeof(name), " -l %s", row->name);
		assert_non_null(strstr(fish, name));
	}
	assert_non_null(strstr(bash, "'list gc inspect unpack verify'"));
	assert_non_null(strstr(zsh, " list gc inspect unpack verify;"));
	assert_non_null(strstr(fish, "'list gc inspect unpack verify'"));
	assert_non_null(strstr(bash, "own='--commit "));
	assert_null(plan_completion("csh", &arena));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_whole),
		cmocka_unit_test(no_name_stands_twice),
		cmocka_unit_test(h_is_help_and_nothing_else),
		cmocka_unit_test(lists_and_flags_can_be_taken_back),
		cmocka_unit_test(rows_of_later_wings_are_not_there),
		cmocka_unit_test(a_mistyped_name_has_a_nearest_one),
		cmocka_unit_test(help_has_each_option_in_80_columns),
		cmocka_unit_test(each_topic_has_a_help_of_its_own),
		cmocka_unit_test(completions_know_each_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
