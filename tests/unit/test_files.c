/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/files.h"
#include "tests/unit/emulated.h"
#include "tests/unit/fresh.h"
#include "tests/unit/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_reads(int dir_fd, const char *name, const char *text)
{
	char buffer[256];

	assert_int_equal(files_read(dir_fd, name, buffer, sizeof(buffer) - 1),
			 strlen(text));
	assert_string_equal(buffer, text);
}

/* ---- whole files -------------------------------------------------------------------- */

static void a_file_is_read_up_to_its_bound(void **state)
{
	auto_close int root = fresh_fd(state);
	char buffer[6];

	make_file(root, "five", "12345");
	assert_int_equal(files_read(root, "five", buffer, 5), 5);
	assert_string_equal(buffer, "12345");
	assert_fails((int)files_read(root, "five", buffer, 4), EFBIG);
	assert_fails((int)files_read(root, "missing", buffer, 5), ENOENT);
	make_file(root, "empty", "");
	assert_int_equal(files_read(root, "empty", buffer, 5), 0);
	assert_string_equal(buffer, "");
}

static void writing_creates_nothing(void **state)
{
	auto_close int root = fresh_fd(state);

	make_file(root, "file", "12345");
	assert_int_equal(files_write(root, "file", "ab"), 0);
	assert_reads(root, "file", "ab345");
	assert_fails(files_write(root, "missing", "ab"), ENOENT);
	assert_fails(files_write(AT_FDCWD, "/dev/full", "ab"), ENOSPC);
}

static size_t count_entries(int dir_fd)
{
	DIR *directory =
		fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	size_t count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2; /* without itself and its parent */
}

static void a_file_is_replaced_whole_with_its_mode(void **state)
{
	auto_close int root = fresh_fd(state);
	mode_t mask;

	make_file(root, "target", "untouched");
	assert_int_equal(symlinkat("target", root, "file"), 0);
	mask = umask(0777);
	assert_int_equal(files_replace(root, "file", "new\0text", 8, 0644), 0);
	umask(mask);
	assert_int_equal(mode_of(root, "file"), 0644);
	assert_reads(root, "target", "untouched");
	assert_int_equal(files_replace(root, "file", "", 0, 0600), 0);
	assert_reads(root, "file", "");
	assert_int_equal(count_entries(root), 2);
}

static void a_replacement_that_fails_leaves_nothing(void **state)
{
	auto_close int root = fresh_fd(state);

	assert_int_equal(mkdirat(root, "dir", 0700), 0);
	assert_fails(files_replace(root, "dir", "x", 1, 0600), EISDIR);
	assert_fails(files_replace(root, "no/such", "x", 1, 0600), ENOENT);
	assert_int_equal(count_entries(root), 1);
}

static void a_place_is_held_whatever_becomes_of_the_way_to_it(void **state)
{
	auto_close int root = fresh_fd(state);
	struct files_place place;
	char path[64];

	assert_int_equal(mkdirat(root, "way", 0700), 0);
	assert_int_equal(mkdirat(root, "elsewhere", 0700), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/way/file", root);
	assert_int_equal(files_hold_place(path, &place), 0);
	assert_int_equal(renameat(root, "way", root, "moved"), 0);
	assert_int_equal(symlinkat("elsewhere", root, "way"), 0);
	assert_int_equal(files_replace(place.dir, place.name, "x", 1, 0600), 0);
	close(place.dir);
	assert_reads(root, "moved/file", "x");
	assert_int_equal(faccessat(root, "elsewhere/file", F_OK, 0), -1);
}

static void a_place_is_a_file_in_a_directory(void **state)
{
	struct files_place place;

	(void)state;
	assert_fails(files_hold_place("/no/such/file", &place), ENOENT);
	assert_fails(files_hold_place("/dev/null/file", &place), ENOTDIR);
	assert_fails(files_hold_place("/tmp/", &place), EISDIR);
	assert_int_equal(files_hold_place("file", &place), 0);
	assert_string_equal(place.name, "file");
	close(place.dir);
}

/* ---- removing ----------------------------------------------------------------------- */

static void trees_are_removed_with_all_that_is_in_them(void **state)
{
	auto_close int root = fresh_fd(state);
	char name[32];

	assert_int_equal(mkdirat(root, "tree", 0700), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "tree/file%d", i);
		make_file(root, name, "x");
		snprintf(name, sizeof(name), "tree/dir%d", i);
		assert_int_equal(mkdirat(root, name, 0700), 0);
		snprintf(name, sizeof(name), "tree/dir%d/fifo", i);
		assert_int_equal(mkfifoat(root, name, 0600), 0);
	}
	assert_int_equal(files_remove_tree(root, "tree"), 0);
	assert_int_equal(count_entries(root), 0);
	assert_int_equal(files_remove_tree(root, "tree"), 0);
	make_file(root, "file", "");
	assert_int_equal(files_remove_tree(root, "file"), 0);
	assert_int_equal(count_entries(root), 0);
}

static void links_are_removed_and_not_followed(void **state)
{
	auto_close int root = fresh_fd(state);

	assert_int_equal(mkdirat(root, "kept", 0700), 0);
	make_file(root, "kept/file", "kept");
	assert_int_equal(mkdirat(root, "tree", 0700), 0);
	assert_int_equal(symlinkat("../kept", root, "tree/link"), 0);
	assert_int_equal(symlinkat("kept", root, "link"), 0);
	assert_int_equal(files_remove_tree(root, "tree"), 0);
	assert_int_equal(files_remove_tree(root, "link"), 0);
	assert_reads(root, "kept/file", "kept");
}

static void directories_that_keep_us_out_are_removed(void **state)
{
	auto_close int root = fresh_fd(state);

	assert_int_equal(mkdirat(root, "tree", 0700), 0);
	assert_int_equal(mkdirat(root, "tree/a", 0700), 0);
	assert_int_equal(mkdirat(root, "tree/a/b", 0700), 0);
	make_file(root, "tree/a/b/file", "");
	assert_int_equal(fchmodat(root, "tree/a/b", 0, 0), 0);
	assert_int_equal(fchmodat(root, "tree/a", 0500, 0), 0);
	assert_int_equal(fchmodat(root, "tree", 0, 0), 0);
	assert_int_equal(files_remove_tree(root, "tree"), 0);
	assert_int_equal(count_entries(root), 0);
}

static void no_depth_is_too_deep(void **state)
{
	auto_close int root = fresh_fd(state);
	auto_close int here = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 2000; i++) {
		int next;

		assert_int_equal(mkdirat(here, i == 0 ? "tree" : "d", 0700), 0);
		next = openat(here, i == 0 ? "tree" : "d",
			      O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		make_file(next, "file", "");
		close(here);
		here = next;
	}
	assert_int_equal(files_remove_tree(root, "tree"), 0);
	assert_int_equal(count_entries(root), 0);
}

/* In a user namespace of its own: 0 the tree is left with EBUSY or EXDEV, 77 no namespace. */
static int remove_around_a_mount(int root, const char *type)
{
	char path[64];
	int removed;

	/* The working directory goes along into the new namespace, a descriptor does not. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", root);
	if (chdir(path) < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 77;
	if (type && mount("none", "tree/mount", type, 0, NULL) < 0)
		return 77;
	if (!type && mount("kept", "tree/mount", NULL, MS_BIND, NULL) < 0)
		return 77;
	removed = files_remove_tree(AT_FDCWD, "tree");
	return removed == -1 && (errno == EBUSY || errno == EXDEV) ? 0 : 1;
}

static void what_is_mounted_in_a_tree_is_left(void **state)
{
	static const char *const types[] = { NULL, "tmpfs" };
	auto_close int root = fresh_fd(state);

	assert_int_equal(mkdirat(root, "kept", 0700), 0);
	make_file(root, "kept/file", "kept");
	for (int i = 0; i < 2; i++) {
		int status;
		pid_t pid;

		assert_int_equal(mkdirat(root, "tree", 0700), 0);
		assert_int_equal(mkdirat(root, "tree/mount", 0700), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(remove_around_a_mount(root, types[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
		assert_reads(root, "kept/file", "kept");
		assert_int_equal(files_remove_tree(root, "tree"), 0);
	}
}

static void mounts_are_told_apart_by_descriptor(void **state)
{
	auto_close int root = fresh_fd(state);
	auto_close int again = openat(root, ".", O_PATH | O_CLOEXEC);
	auto_close int proc = open("/proc", O_PATH | O_CLOEXEC);
	uint64_t mount, mount_again;

	/* An emulator does not pass the ids of mounts on. */
	if (is_emulated())
		skip();
	assert_true(files_same_mount(root, again));
	assert_false(files_same_mount(root, proc));
	assert_true(files_mount_id(root, &mount));
	assert_true(files_mount_id(again, &mount_again));
	assert_true(mount == mount_again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_up_to_its_bound),
		cmocka_unit_test(writing_creates_nothing),
		cmocka_unit_test(a_file_is_replaced_whole_with_its_mode),
		cmocka_unit_test(a_replacement_that_fails_leaves_nothing),
		cmocka_unit_test(a_place_is_held_whatever_becomes_of_the_way_to_it),
		cmocka_unit_test(a_place_is_a_file_in_a_directory),
		cmocka_unit_test(trees_are_removed_with_all_that_is_in_them),
		cmocka_unit_test(links_are_removed_and_not_followed),
		cmocka_unit_test(directories_that_keep_us_out_are_removed),
		cmocka_unit_test(no_depth_is_too_deep),
		cmocka_unit_test(what_is_mounted_in_a_tree_is_left),
		cmocka_unit_test(mounts_are_told_apart_by_descriptor),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
