/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/learned.h"

#include "base/arena.h"
#include "policy/learn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static long most_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void many_files_cost_no_copy_for_each_pair(void **state)
{
	struct arena arena = { 0 };
	struct learned *learned = learn_new(&arena);
	const long before = most_kib();
	const struct seen_path *paths;
	char path[128];

	(void)state;
	for (int i = 0; i < PATHS_MAX; i++) {
		snprintf(path, sizeof(path), "/home/user/a/long/way/to/a/file/%d/file",
			 i);
		learn_file(learned, path, false);
	}
	(void)learned_rules_of_paths(learned, &arena, &paths);
	assert_in_range(most_kib() - before, 0, 64 * 1024);
	arena_free(&arena);
}

static void many_neighbours_become_their_directory(void **state)
{
	struct arena arena = { 0 };
	struct learned *learned = learn_new(&arena);
	const struct seen_path *paths;
	char path[32];

	(void)state;
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/srv/a/%d", i);
		learn_file(learned, path, false);
	}
	learn_file(learned, "/srv/ab/1", false);
	learn_file(learned, "/b", false);
	assert_int_equal(learned_rules_of_paths(learned, &arena, &paths), 3);
	assert_string_equal(paths[0].path, "/b");
	assert_string_equal(paths[1].path, "/srv/a");
	assert_string_equal(paths[2].path, "/srv/ab/1");
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_files_cost_no_copy_for_each_pair),
		cmocka_unit_test(many_neighbours_become_their_directory),
	};

	return cmocka_run_group_tests_name("learn_paths", tests, NULL, NULL);
}
