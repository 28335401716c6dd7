/* SPDX-License-Identifier: Apache-2.0 */
#include "image/commit.h"

#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/layered.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* One of each kind that a commit has to deal with. */
static void fill(const struct layered *layered)
{
	const int lower = layered->lower, upper = layered->upper;

	make_file(lower, "changed", "one");
	make_file(upper, "changed", "two!");
	make_file(lower, "mode", "m");
	copy_up(layered, "mode");
	assert_int_equal(fchmodat(upper, "mode", 0755, 0), 0);
	make_file(lower, "removed", "gone");
	make_whiteout(upper, "removed");
	make_dir(lower, "tree", 0755);
	make_dir(lower, "tree/below", 0755);
	make_file(lower, "tree/below/file", "gone");
	make_whiteout(upper, "tree");
	make_dir(upper, "new", 0750);
	make_file(upper, "new/file", "new");
	make_dir(upper, "new/closed", 0755);
	make_file(upper, "new/closed/file", "closed");
	assert_int_equal(fchmodat(upper, "new/closed", 0555, 0), 0);
	make_link(upper, "new/link", "/etc/passwd");
	assert_int_equal(mkfifoat(upper, "new/pipe", 0600), 0);
	make_dir(lower, "was-dir", 0755);
	make_file(lower, "was-dir/file", "gone");
	make_file(upper, "was-dir", "file now");
	make_file(lower, "was-file", "gone");
	make_dir(upper, "was-file", 0755);
	make_opaque(upper, "was-file");
	make_file(upper, "was-file/in", "in");
	make_file(lower, "was-file-too", "gone");
	make_link(upper, "was-file-too", "changed");
	make_dir(lower, "dressed", 0755);
	make_dir(upper, "dressed", 0700);
	make_file(lower, "dressed/stays", "stays");
	make_file(upper, "dressed/with\nline", "odd");
}

static const char wanted[] = "changed f 0644 two!\n"
			     "dressed d 0700\n"
			     "dressed/stays f 0644 stays\n"
			     "dressed/with\nline f 0644 odd\n"
			     "mode f 0755 m\n"
			     "new d 0750\n"
			     "new/closed d 0555\n"
			     "new/closed/file f 0644 closed\n"
			     "new/file f 0644 new\n"
			     "new/link l 0777 /etc/passwd\n"
			     "new/pipe p 0600\n"
			     "was-dir f 0644 file now\n"
			     "was-file d 0755\n"
			     "was-file/in f 0644 in\n"
			     "was-file-too l 0777 changed\n";

static bool make(struct layered *layered)
{
	layered_make(layered);
	if (layered_can(layered))
		return true;
	print_message("no whiteouts or attributes of the user here\n");
	layered_remove(layered);
	return false;
}

static struct commit_layer find(const struct layered *layered, struct arena *arena)
{
	struct change *changes = NULL;
	struct error err = { 0 };
	size_t count = 0;

	assert_int_equal(changes_find(layered->lower, layered->upper, arena, &changes,
				      &count, &err),
			 0);
	return (struct commit_layer){ layered->lower, layered->upper, changes, count };
}

static void bring_back(const struct layered *layered)
{
	struct arena arena = { 0 };
	const struct commit_layer layer = find(layered, &arena);
	struct error err = { 0 };

	if (commit_layers(&layer, 1, layered->journal, &arena, &err) < 0)
		fail_msg("%s", err.text);
	arena_free(&arena);
}

static void has(const struct layered *layered, const char *text)
{
	struct arena arena = { 0 };

	assert_string_equal(tree_text(layered->lower, &arena), text);
	arena_free(&arena);
}

static void a_commit_makes_the_directory_what_the_layer_showed(void **state)
{
	struct layered layered;

	(void)state;
	if (!make(&layered))
		skip();
	fill(&layered);
	bring_back(&layered);
	has(&layered, wanted);
	layered_remove(&layered);
}

static void a_layer_of_another_file_system_is_copied(void **state)
{
	struct layered layered;
	struct stat one, other;

	(void)state;
	if (!make(&layered))
		skip();
	if (!layered_part(&layered) || !layered_can(&layered)) {
		layered_remove(&layered);
		skip();
	}
	fill(&layered);
	assert_int_equal(linkat(layered.upper, "new/file", layered.upper, "new/again", 0),
			 0);
	assert_int_equal(utimensat(layered.upper, "new/file",
				   (struct timespec[]){ { 1, 2 }, { 3, 4 } }, 0),
			 0);
	bring_back(&layered);
	assert_int_equal(fstatat(layered.lower, "new/file", &one, 0), 0);
	assert_int_equal(fstatat(layered.lower, "new/again", &other, 0), 0);
	assert_int_equal(one.st_ino, other.st_ino);
	assert_int_equal(one.st_mtim.tv_sec, 3);
	assert_int_equal(unlinkat(layered.lower, "new/again", 0), 0);
	has(&layered, wanted);
	layered_remove(&layered);
}

static void times_attributes_and_names_of_one_file_come_along(void **state)
{
	struct layered layered;
	struct stat one, other;
	char value = 0;
	auto_close int fd = -1;

	(void)state;
	if (!make(&layered))
		skip();
	make_file(layered.upper, "a", "1");
	assert_int_equal(linkat(layered.upper, "a", layered.upper, "b", 0), 0);
	fd = openat(layered.upper, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "user.comment", "c", 1, 0), 0);
	assert_int_equal(fsetxattr(fd, "user.overlay.origin", "o", 1, 0), 0);
	assert_int_equal(utimensat(layered.upper, "a",
				   (struct timespec[]){ { 1, 2 }, { 3, 4 } }, 0),
			 0);
	bring_back(&layered);
	assert_int_equal(fstatat(layered.lower, "a", &one, 0), 0);
	assert_int_equal(fstatat(layered.lower, "b", &other, 0), 0);
	assert_int_equal(one.st_ino, other.st_ino);
	assert_int_equal(one.st_mtim.tv_sec, 3);
	fd_close(&fd);
	fd = openat(layered.lower, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(fd, "user.comment", &value, 1), 1);
	assert_int_equal(value, 'c');
	assert_int_equal(fgetxattr(fd, "user.overlay.origin", &value, 1), -1);
	layered_remove(&layered);
}

static void a_link_in_the_directory_leads_no_commit_out_of_it(void **state)
{
	struct layered layered;
	struct arena arena = { 0 };
	struct commit_layer layer;
	struct error err = { 0 };

	(void)state;
	if (!make(&layered))
		skip();
	make_dir(layered.top, "outside", 0755);
	make_dir(layered.lower, "d", 0755);
	make_dir(layered.upper, "d", 0755);
	make_file(layered.upper, "d/file", "1");
	layer = find(&layered, &arena);
	/* Somebody exchanges it between the list and the commit. */
	assert_int_equal(unlinkat(layered.lower, "d", AT_REMOVEDIR), 0);
	make_link(layered.lower, "d", "../outside");
	assert_int_equal(commit_layers(&layer, 1, layered.journal, &arena, &err), -1);
	assert_int_equal(faccessat(layered.top, "outside/file", F_OK, 0), -1);
	assert_false(commit_is_begun(layered.journal));
	arena_free(&arena);
	layered_remove(&layered);
}

static void a_commit_that_cannot_be_staged_leaves_everything_as_it_was(void **state)
{
	struct layered layered;
	struct arena arena = { 0 };
	struct commit_layer layer;
	struct error err = { 0 };
	const char *before;

	(void)state;
	if (!make(&layered))
		skip();
	if (geteuid() == 0) {
		layered_remove(&layered);
		skip();
	}
	fill(&layered);
	make_dir(layered.lower, "zz", 0755);
	make_dir(layered.upper, "zz", 0755);
	make_file(layered.upper, "zz/file", "1");
	assert_int_equal(fchmodat(layered.lower, "zz", 0555, 0), 0);
	assert_int_equal(fchmodat(layered.upper, "zz", 0555, 0), 0);
	before = tree_text(layered.lower, &arena);
	layer = find(&layered, &arena);
	assert_int_equal(commit_layers(&layer, 1, layered.journal, &arena, &err), -1);
	assert_int_equal(err.errnum, EACCES);
	has(&layered, before);
	assert_false(commit_is_begun(layered.journal));
	arena_free(&arena);
	layered_remove(&layered);
}

/* As on a full disk: nothing more can be written. */
static void a_commit_that_finds_no_room_leaves_everything_as_it_was(void **state)
{
	static char large[20000];
	struct layered layered;
	struct arena arena = { 0 };
	struct commit_layer layer;
	struct error err = { 0 };
	struct rlimit before, small;
	const char *was;
	int failed;

	(void)state;
	if (!make(&layered))
		skip();
	if (!layered_part(&layered) || !layered_can(&layered)) {
		layered_remove(&layered);
		skip();
	}
	memset(large, 'x', sizeof(large) - 1);
	fill(&layered);
	make_file(layered.upper, "new/large", large);
	was = tree_text(layered.lower, &arena);
	layer = find(&layered, &arena);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 10000;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	failed = commit_layers(&layer, 1, layered.journal, &arena, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(failed, -1);
	assert_int_equal(err.errnum, EFBIG);
	has(&layered, was);
	assert_false(commit_is_begun(layered.journal));
	arena_free(&arena);
	layered_remove(&layered);
}

/* ---- killed ---------------------------------------------------------------------------- */

static void die_at(void *context)
{
	int *left = context;

	if ((*left)-- == 0)
		(void)kill(getpid(), SIGKILL);
}

/* Whether it was killed before it was done. */
static bool commit_and_die(const struct layered *layered, int step)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct arena arena = { 0 };
		struct change *changes = NULL;
		struct error err = { 0 };
		size_t count = 0;
		int failed = changes_find(layered->lower, layered->upper, &arena,
					  &changes, &count, &err);
		const struct commit_layer layer = { layered->lower, layered->upper,
						    changes, count };
		struct commit commit = {
			.layers = &layer,
			.layer_count = 1,
			.journal = layered->journal,
			.arena = &arena,
			.step = die_at,
			.context = &step,
		};

		_exit(failed || commit_run(&commit, &err) < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

static void go_on(const struct layered *layered, const char *before)
{
	struct arena arena = { 0 };
	const struct commit_layer layer = { layered->lower, layered->upper, NULL, 0 };
	enum commit_left left = COMMIT_NOTHING;
	struct error err = { 0 };

	if (commit_go_on(&layer, 1, layered->journal, false, &arena, &left, &err) < 0)
		fail_msg("%s", err.text);
	has(layered, left == COMMIT_FINISHED ? wanted : before);
	arena_free(&arena);
}

static void a_commit_that_is_killed_at_any_step_is_undone_or_finished(void **state)
{
	struct arena arena = { 0 };
	bool killed = true;

	(void)state;
	for (int step = 0; killed; step++) {
		struct layered layered;
		const char *before;

		if (!make(&layered))
			skip();
		fill(&layered);
		before = tree_text(layered.lower, &arena);
		killed = commit_and_die(&layered, step);
		go_on(&layered, before);
		/* Nor does it matter whether that one was killed, too. */
		go_on(&layered, before);
		if (!commit_is_begun(layered.journal))
			bring_back(&layered);
		has(&layered, wanted);
		layered_remove(&layered);
		assert_true(step < 200);
	}
	arena_free(&arena);
}

static void a_file_that_came_after_the_kill_is_not_removed(void **state)
{
	struct layered layered;
	struct arena arena = { 0 };
	struct commit_layer layer = { 0 };
	enum commit_left left = COMMIT_NOTHING;
	struct error err = { 0 };
	int step = 0;

	(void)state;
	if (!make(&layered))
		skip();
	layer = (struct commit_layer){ layered.lower, layered.upper, NULL, 0 };
	make_file(layered.lower, "a", "1");
	make_whiteout(layered.upper, "a");
	while (commit_and_die(&layered, step) &&
	       faccessat(layered.lower, "a", F_OK, 0) == 0)
		step++;
	make_file(layered.lower, "a", "mine");
	assert_int_equal(
		commit_go_on(&layer, 1, layered.journal, false, &arena, &left, &err), 0);
	assert_int_equal(left, COMMIT_FINISHED);
	has(&layered, "a f 0644 mine\n");
	arena_free(&arena);
	layered_remove(&layered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commit_makes_the_directory_what_the_layer_showed),
		cmocka_unit_test(a_layer_of_another_file_system_is_copied),
		cmocka_unit_test(times_attributes_and_names_of_one_file_come_along),
		cmocka_unit_test(a_link_in_the_directory_leads_no_commit_out_of_it),
		cmocka_unit_test(
			a_commit_that_cannot_be_staged_leaves_everything_as_it_was),
		cmocka_unit_test(a_commit_that_finds_no_room_leaves_everything_as_it_was),
		cmocka_unit_test(
			a_commit_that_is_killed_at_any_step_is_undone_or_finished),
		cmocka_unit_test(a_file_that_came_after_the_kill_is_not_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
