/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALONE "--no-config --isolation landlock "

static void needs_landlock(void)
{
	if (landlock_abi() >= 6)
		return;
	print_message("this kernel has Landlock ABI %d\n", landlock_abi());
	skip();
}

static void plans(struct planning *planning, const char *words)
{
	if (planning_words(planning, words) < 0)
		fail_msg("%s: %s", words, planning->err.text);
}

/* Whether path or what it lies in is among those that stay open; *ret_writable of it. */
static bool is_open(const struct planning *planning, const char *path, bool *ret_writable)
{
	const struct landlock_spec *landlock = &planning->plan.policy.landlock;
	bool found = false;

	*ret_writable = false;
	for (size_t i = 0; i < landlock->path_count; i++) {
		const size_t length = strlen(landlock->paths[i].path);

		if (strncmp(landlock->paths[i].path, path, length) != 0 ||
		    (path[length] != '/' && path[length] != '\0'))
			continue;
		found = true;
		*ret_writable |= landlock->paths[i].writable;
	}
	return found;
}

static bool can_be_read(const struct planning *planning, const char *path)
{
	bool writable;

	return is_open(planning, path, &writable);
}

static bool can_be_written(const struct planning *planning, const char *path)
{
	bool writable;

	return is_open(planning, path, &writable) && writable;
}

static void it_is_userns_unless_asked_for(void **state)
{
	struct planning *planning = *state;

	plans(planning, "--no-config -- /bin/sh");
	assert_false(planning->plan.policy.landlock.whole);
	plans(planning, "--no-config --isolation userns -- /bin/sh");
	assert_false(planning->plan.policy.landlock.whole);
}

static void no_namespace_is_made_and_the_network_is_closed(void **state)
{
	struct planning *planning = *state;

	needs_landlock();
	plans(planning, ALONE "-- /bin/sh");
	assert_true(planning->plan.policy.landlock.whole);
	assert_int_equal(planning->plan.policy.landlock.mode, LANDLOCK_REQUIRE);
	for (int kind = 0; kind < NS_COUNT; kind++)
		if (kind != NS_NET)
			assert_int_equal(planning->plan.namespaces.kinds[kind].mode,
					 NS_SHARED);
	assert_false(planning->plan.policy.landlock.reaches_network);
	assert_true(planning->plan.policy.landlock.filter.count > 0);
	plans(planning, ALONE "--share net -- /bin/sh");
	assert_true(planning->plan.policy.landlock.reaches_network);
}

static void the_root_is_open_but_for_the_homes_and_what_is_private(void **state)
{
	struct planning *planning = *state;

	needs_landlock();
	plans(planning, ALONE "-- /bin/sh");
	assert_true(can_be_read(planning, "/usr/bin/env"));
	assert_true(can_be_read(planning, "/proc/self/status"));
	assert_true(can_be_written(planning, "/dev/null"));
	assert_false(can_be_written(planning, "/usr/bin/env"));
	assert_false(can_be_read(planning, "/"));
	assert_false(can_be_read(planning, "/dev/pts/0"));
	assert_false(can_be_read(planning, "/run/user"));
	assert_false(can_be_read(planning, planning_path(planning, "home")));
	assert_false(can_be_read(planning, planning_path(planning, "home/.ssh/id")));
}

static void the_current_directory_is_read_unless_it_is_to_be_written(void **state)
{
	struct planning *planning = *state;
	const char *work = planning_path(planning, "work");

	needs_landlock();
	plans(planning, ALONE "-- /bin/sh");
	assert_true(can_be_read(planning, work));
	assert_false(can_be_written(planning, work));
	plans(planning, ALONE "--rw . -- /bin/sh");
	assert_true(can_be_written(planning, work));
	plans(planning, ALONE "--cwd rw -- /bin/sh");
	assert_true(can_be_written(planning, work));
	plans(planning, ALONE "--cwd off -- /bin/sh");
	assert_string_equal(planning->plan.process.cwd, "/");
}

static void what_is_masked_is_left_out_entry_by_entry(void **state)
{
	struct planning *planning = *state;

	needs_landlock();
	planning_write(planning, "data/open/file", "");
	planning_write(planning, "data/closed/file", "");
	planning_write(planning, "data/other", "");
	plans(planning, ALONE "--ro @/data --mask @/data/closed -- /bin/sh");
	assert_true(can_be_read(planning, planning_path(planning, "data/open/file")));
	assert_true(can_be_read(planning, planning_path(planning, "data/other")));
	assert_false(can_be_read(planning, planning_path(planning, "data/closed/file")));
	assert_false(can_be_read(planning, planning_path(planning, "data/later")));
	planning_refuses(planning, ALONE "--rw @/data --mask @/data/closed -- /bin/sh",
			 "what can be written cannot be hidden");
}

static void a_private_directory_stands_for_the_home(void **state)
{
	struct planning *planning = *state;

	needs_landlock();
	plans(planning, ALONE "-- /bin/sh");
	assert_null(planning_env(planning, "HOME"));
	assert_non_null(planning_env(planning, "PATH"));
	plans(planning, ALONE "-e HOME=/srv -- /bin/sh");
	assert_string_equal(planning_env(planning, "HOME"), "/srv");
}

static void what_needs_a_namespace_is_refused_by_its_name(void **state)
{
	static const struct {
		const char *words, *text;
	} rows[] = {
		{ "-R @/root", "use --root " },
		{ "--root-mode cow", "use --root-mode cow" },
		{ "--cwd cow", "use --cwd cow" },
		{ "--cow .", "use --cow " },
		{ "--tmpfs /mnt", "use --tmpfs /mnt" },
		{ "--proc new", "use --proc new" },
		{ "--user 0", "use --user 0" },
		{ "--groups drop", "use --groups drop" },
		{ "--map single", "use --map single" },
		{ "--hostname x", "use --hostname x" },
		{ "--cap-add ALL", "use --cap-add ALL" },
		{ "--no-init", "use --no-init with" },
		{ "--ro /usr:/mnt", "show /usr at /mnt" },
	};
	struct planning *planning = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char words[128];

		snprintf(words, sizeof(words), ALONE "%s -- /bin/sh", rows[i].words);
		planning_refuses(planning, words, rows[i].text);
		assert_non_null(strstr(planning->err.text, "with --isolation landlock"));
	}
}

static void what_needs_none_is_taken(void **state)
{
	struct planning *planning = *state;

	needs_landlock();
	plans(planning, ALONE "--root host --root-mode ro --groups keep --proc host "
			      "--timeout 1m --rlimit nofile=100 -- /bin/sh");
	plans(planning, ALONE "--cap-drop ALL --stop-signal INT --name x -- /bin/sh");
}

static void words_tell_what_it_does_not_protect(void **state)
{
	struct planning *planning = *state;
	struct arena arena = { 0 };
	const char *lines;

	needs_landlock();
	plans(planning, ALONE "-- /bin/sh");
	lines = plan_unprotected(&planning->plan, &arena);
	assert_non_null(lines);
	assert_non_null(strstr(lines, "--dry-run"));
	lines = plan_describe(&planning->plan, &arena);
	assert_non_null(strstr(lines, "which files exist"));
	assert_null(strstr(lines, "user ids"));
	plans(planning, "--no-config -- /bin/sh");
	assert_null(plan_unprotected(&planning->plan, &arena));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_userns_unless_asked_for),
		cmocka_unit_test(no_namespace_is_made_and_the_network_is_closed),
		cmocka_unit_test(the_root_is_open_but_for_the_homes_and_what_is_private),
		cmocka_unit_test(
			the_current_directory_is_read_unless_it_is_to_be_written),
		cmocka_unit_test(what_is_masked_is_left_out_entry_by_entry),
		cmocka_unit_test(a_private_directory_stands_for_the_home),
		cmocka_unit_test(what_needs_a_namespace_is_refused_by_its_name),
		cmocka_unit_test(what_needs_none_is_taken),
		cmocka_unit_test(words_tell_what_it_does_not_protect),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
