/* SPDX-License-Identifier: Apache-2.0 */
#include "image/changes.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/page.h"
#include "tests/unit/layered.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int set_up(void **state)
{
	static struct layered layered;

	layered_make(&layered);
	*state = &layered;
	return 0;
}

static int tear_down(void **state)
{
	layered_remove(*state);
	return 0;
}

static struct layered *needs_marks(void **state)
{
	struct layered *layered = *state;

	if (!layered_can(layered)) {
		print_message("no whiteouts or attributes of the user here\n");
		skip();
	}
	return layered;
}

/* "+f a 0>3" and so on, with a "!" where the content differs. */
static const char *text(const struct change *changes, size_t count, struct arena *arena)
{
	struct page page = { .arena = arena };

	for (size_t i = 0; i < count; i++)
		page_printf(&page, "%c%c %s %d>%d%s\n", "+~-"[changes[i].kind],
			    changes[i].type, changes[i].path, (int)changes[i].before,
			    (int)changes[i].after, changes[i].content ? "!" : "");
	return page_text(&page);
}

static void find(const struct layered *layered, const char *wanted)
{
	struct arena arena = { 0 };
	struct change *changes = NULL;
	struct error err = { 0 };
	size_t count = 0;

	assert_int_equal(changes_find(layered->lower, layered->upper, &arena, &changes,
				      &count, &err),
			 0);
	assert_string_equal(text(changes, count, &arena), wanted);
	arena_free(&arena);
}

static void an_empty_layer_has_no_changes(void **state)
{
	const struct layered *layered = *state;

	make_file(layered->lower, "a", "one");
	make_dir(layered->lower, "d", 0755);
	find(layered, "");
}

static void files_that_are_new_or_other_are_told_with_their_sizes(void **state)
{
	const struct layered *layered = *state;

	make_file(layered->lower, "a", "one");
	make_file(layered->upper, "a", "more");
	make_file(layered->upper, "b", "12");
	find(layered, "~f a 3>4!\n+f b 0>2\n");
}

static void a_file_that_was_only_copied_up_is_left_out(void **state)
{
	const struct layered *layered = *state;

	make_dir(layered->lower, "d", 0750);
	make_dir(layered->upper, "d", 0750);
	make_file(layered->lower, "d/a", "one");
	copy_up(layered, "d/a");
	find(layered, "");
}

static void the_same_size_and_time_hide_no_other_content(void **state)
{
	const struct layered *layered = *state;
	struct stat status;

	make_file(layered->lower, "a", "one");
	copy_up(layered, "a");
	assert_int_equal(fstatat(layered->lower, "a", &status, 0), 0);
	make_file(layered->upper, "a", "two");
	assert_int_equal(utimensat(layered->upper, "a",
				   (struct timespec[]){ status.st_atim, status.st_mtim },
				   0),
			 0);
	find(layered, "~f a 3>3!\n");
}

static void modes_and_times_alone_are_changes(void **state)
{
	const struct layered *layered = *state;

	make_file(layered->lower, "m", "1");
	copy_up(layered, "m");
	assert_int_equal(fchmodat(layered->upper, "m", 0755, 0), 0);
	make_file(layered->lower, "t", "1");
	copy_up(layered, "t");
	assert_int_equal(utimensat(layered->upper, "t",
				   (struct timespec[]){ { 1, 0 }, { 1, 0 } }, 0),
			 0);
	make_dir(layered->lower, "d", 0755);
	make_dir(layered->upper, "d", 0700);
	find(layered, "~d d 0>0\n~f m 1>1\n~f t 1>1\n");
}

static void attributes_of_the_user_alone_are_changes(void **state)
{
	const struct layered *layered = needs_marks(state);
	auto_close int fd = -1;

	make_file(layered->lower, "a", "1");
	copy_up(layered, "a");
	fd = openat(layered->upper, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "user.overlay.origin", "x", 1, 0), 0);
	find(layered, "");
	assert_int_equal(fsetxattr(fd, "user.comment", "x", 1, 0), 0);
	find(layered, "~f a 1>1\n");
}

static void a_whiteout_removes_a_tree_file_by_file(void **state)
{
	const struct layered *layered = needs_marks(state);

	make_dir(layered->lower, "d", 0755);
	make_dir(layered->lower, "d/e", 0755);
	make_file(layered->lower, "d/e/f", "123");
	make_file(layered->lower, "g", "4");
	make_whiteout(layered->upper, "d");
	make_whiteout(layered->upper, "g");
	make_whiteout(layered->upper, "never");
	find(layered, "-d d 0>0\n-d d/e 0>0\n-f d/e/f 3>0\n-f g 1>0\n");
}

static void an_opaque_directory_hides_what_was_in_it(void **state)
{
	const struct layered *layered = needs_marks(state);

	make_dir(layered->lower, "d", 0755);
	make_file(layered->lower, "d/a", "1");
	make_file(layered->lower, "d/b", "2");
	make_dir(layered->upper, "d", 0755);
	copy_up(layered, "d/a");
	make_file(layered->upper, "d/c", "3");
	make_opaque(layered->upper, "d");
	find(layered, "-f d/b 1>0\n+f d/c 0>1\n");
}

static void another_type_is_a_removal_and_a_creation(void **state)
{
	const struct layered *layered = needs_marks(state);

	make_dir(layered->lower, "d", 0755);
	make_file(layered->lower, "d/a", "1");
	make_file(layered->upper, "d", "22");
	make_file(layered->lower, "f", "1");
	make_dir(layered->upper, "f", 0755);
	make_opaque(layered->upper, "f");
	make_file(layered->upper, "f/x", "1");
	make_file(layered->lower, "l", "1");
	make_link(layered->upper, "l", "f/x");
	find(layered, "-d d 0>0\n-f d/a 1>0\n+f d 0>2\n"
		      "-f f 1>0\n+d f 0>0\n+f f/x 0>1\n"
		      "-f l 1>0\n+l l 0>3\n");
}

static void links_are_compared_and_never_followed(void **state)
{
	const struct layered *layered = *state;

	make_dir(layered->lower, "outside", 0755);
	make_file(layered->lower, "outside/x", "1");
	make_link(layered->lower, "same", "outside");
	make_link(layered->upper, "same", "outside");
	make_link(layered->lower, "other", "outside");
	make_link(layered->upper, "other", "/etc");
	make_link(layered->upper, "new", "/etc");
	find(layered, "+l new 0>4\n~l other 7>4!\n");
}

static void names_of_any_bytes_come_as_they_are(void **state)
{
	const struct layered *layered = *state;

	make_file(layered->upper, "a\nb", "");
	make_file(layered->upper, "\xff\x01", "");
	make_file(layered->upper, " ", "");
	find(layered, "+f   0>0\n+f a\nb 0>0\n+f \xff\x01 0>0\n");
}

static void what_nobody_may_read_is_listed_and_keeps_its_mode(void **state)
{
	const struct layered *layered = *state;
	struct stat status;

	make_dir(layered->upper, "d", 0755);
	make_file(layered->upper, "d/a", "1");
	assert_int_equal(fchmodat(layered->upper, "d", 0, 0), 0);
	make_file(layered->lower, "f", "1");
	copy_up(layered, "f");
	assert_int_equal(fchmodat(layered->upper, "f", 0, 0), 0);
	find(layered, "+d d 0>0\n+f d/a 0>1\n~f f 1>1\n");
	assert_int_equal(fstatat(layered->upper, "d", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0);
	assert_int_equal(fstatat(layered->upper, "f", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0);
}

/* ---- originals ------------------------------------------------------------------------- */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Until the clock of files has passed what it was. */
static void await_tick(void)
{
	struct timespec coarse;
	int64_t since = now();

	do
		clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
	while ((int64_t)coarse.tv_sec * 1000000000 + coarse.tv_nsec <= since);
}

static void check(const struct layered *layered, int64_t since, bool note,
		  const char *wanted)
{
	struct page page = { 0 };
	struct arena arena = { 0 };
	struct change *changes;
	struct error err = { 0 };
	const char **paths;
	size_t count, found;

	page.arena = &arena;
	assert_int_equal(changes_find(layered->lower, layered->upper, &arena, &changes,
				      &count, &err),
			 0);
	if (note)
		assert_int_equal(originals_note(layered->journal, "originals", changes,
						count, since, &arena, &err),
				 0);
	assert_int_equal(originals_check(layered->journal, "originals", changes, count,
					 &arena, &paths, &found, &err),
			 0);
	for (size_t i = 0; i < found; i++)
		page_printf(&page, "%s ", paths[i]);
	assert_string_equal(page_text(&page), wanted);
	arena_free(&arena);
}

static void an_original_that_was_changed_during_the_run_is_found(void **state)
{
	const struct layered *layered = *state;
	int64_t since;

	make_file(layered->lower, "a", "1");
	make_file(layered->lower, "b", "1");
	await_tick();
	since = now();
	await_tick();
	make_file(layered->upper, "a", "22");
	make_file(layered->upper, "b", "22");
	make_file(layered->lower, "b", "3");
	check(layered, since, true, "b ");
	/* Also where another run comes to the same end. */
	check(layered, now(), true, "b ");
}

static void an_original_that_was_changed_later_is_found(void **state)
{
	const struct layered *layered = needs_marks(state);
	struct stat status;
	int64_t since;

	make_file(layered->lower, "a", "1");
	make_file(layered->lower, "gone", "1");
	make_dir(layered->lower, "d", 0755);
	make_file(layered->upper, "a", "22");
	make_file(layered->upper, "new", "22");
	make_whiteout(layered->upper, "gone");
	make_whiteout(layered->upper, "d");
	await_tick();
	since = now();
	check(layered, since, true, "");
	await_tick();
	check(layered, since, false, "");
	/* Nobody can set the ctime back. */
	assert_int_equal(fstatat(layered->lower, "a", &status, 0), 0);
	make_file(layered->lower, "a", "3");
	assert_int_equal(utimensat(layered->lower, "a",
				   (struct timespec[]){ status.st_atim, status.st_mtim },
				   0),
			 0);
	make_file(layered->lower, "new", "3");
	make_file(layered->lower, "d/late", "3");
	make_file(layered->lower, "gone", "2");
	check(layered, since, false, "a d/late gone new ");
}

static void an_original_is_judged_by_the_run_that_changed_it(void **state)
{
	const struct layered *layered = *state;
	int64_t since;

	make_file(layered->lower, "a", "1");
	make_file(layered->lower, "b", "1");
	make_file(layered->upper, "a", "22");
	await_tick();
	check(layered, now(), true, "");
	await_tick();
	/* Between two runs, and not touched by the first one. */
	make_file(layered->lower, "b", "4");
	await_tick();
	since = now();
	make_file(layered->upper, "b", "22");
	check(layered, since, true, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_layer_has_no_changes),
		TEST(files_that_are_new_or_other_are_told_with_their_sizes),
		TEST(a_file_that_was_only_copied_up_is_left_out),
		TEST(the_same_size_and_time_hide_no_other_content),
		TEST(modes_and_times_alone_are_changes),
		TEST(attributes_of_the_user_alone_are_changes),
		TEST(a_whiteout_removes_a_tree_file_by_file),
		TEST(an_opaque_directory_hides_what_was_in_it),
		TEST(another_type_is_a_removal_and_a_creation),
		TEST(links_are_compared_and_never_followed),
		TEST(names_of_any_bytes_come_as_they_are),
		TEST(what_nobody_may_read_is_listed_and_keeps_its_mode),
		TEST(an_original_that_was_changed_during_the_run_is_found),
		TEST(an_original_that_was_changed_later_is_found),
		TEST(an_original_is_judged_by_the_run_that_changed_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
