/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/gvisor_log.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "tests/unit/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALL_MAX = 2 * 1024 * 1024 };

static const struct temporary *temporary;

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", temporary->path, name);
	return path;
}

/* An empty directory. */
static const char *fresh(const char *name)
{
	const int fd = open(temporary->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(files_remove_tree(fd, name), 0);
	close(fd);
	assert_int_equal(mkdir(path_of(name), 0700), 0);
	return path_of(name);
}

static void put(const char *name, const void *bytes, size_t size)
{
	assert_non_null(temporary_file(temporary, name, bytes, size));
}

/* All of a descriptor, from its start. It lives until the next call. */
static const char *text_of(int fd)
{
	static char text[ALL_MAX + 1];
	const ssize_t got = pread(fd, text, ALL_MAX, 0);

	assert_true(got >= 0);
	text[got] = '\0';
	return text;
}

/* ---- in the sandbox ---------------------------------------------------------------------- */

static void every_file_of_the_directory_comes_under_its_name(void **state)
{
	int log;

	temporary = *state;
	fresh("log");
	put("log/panic", "panic: oops", 11);
	put("log/runsc.log.boot.txt", "W1122 booted", 12);
	put("log/empty", "", 0);
	log = gvisor_log_gather(path_of("log"));
	assert_true(log >= 0);
	assert_non_null(strstr(text_of(log), "== panic ==\npanic: oops\n"));
	assert_non_null(strstr(text_of(log), "== runsc.log.boot.txt ==\nW1122 booted\n"));
	assert_null(strstr(text_of(log), "empty"));
	close(log);
}

static void of_a_long_file_both_ends_come(void **state)
{
	const size_t size = 300 * 1024;
	char *bytes = malloc(size);
	int log;

	temporary = *state;
	assert_non_null(bytes);
	memset(bytes, '.', size);
	memcpy(bytes, "begin", 5);
	memcpy(bytes + size - 3, "end", 3);
	fresh("log");
	put("log/long", bytes, size);
	free(bytes);
	log = gvisor_log_gather(path_of("log"));
	assert_non_null(strstr(text_of(log), "== long ==\nbegin..."));
	assert_non_null(strstr(text_of(log), "...end\n"));
	assert_non_null(strstr(text_of(log), "\n[241664 bytes left out]\n"));
	assert_true(strlen(text_of(log)) < 70000);
	close(log);
}

static void links_and_what_is_no_file_are_left(void **state)
{
	int log;

	temporary = *state;
	fresh("log");
	put("secret", "not for you", 11);
	assert_int_equal(symlink("../secret", path_of("log/link")), 0);
	assert_int_equal(mkfifo(path_of("log/fifo"), 0600), 0);
	assert_int_equal(mkdir(path_of("log/dir"), 0700), 0);
	log = gvisor_log_gather(path_of("log"));
	assert_string_equal(text_of(log), "");
	close(log);
	assert_int_equal(gvisor_log_gather(path_of("nowhere")), -1);
}

static void of_many_files_some_come(void **state)
{
	int log;

	temporary = *state;
	fresh("log");
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "log/%d", i);
		put(name, "x", 1);
	}
	log = gvisor_log_gather(path_of("log"));
	assert_true(strlen(text_of(log)) < 16 * sizeof("== 99 ==\nx\n"));
	close(log);
}

static void a_kernel_that_crashed_is_told_from_a_command_that_ended_so(void **state)
{
	struct error err = { 0 };

	temporary = *state;
	put("panic", "panic: oops\n\ngoroutine 1\n", 25);
	put("none", "", 0);
	assert_true(gvisor_log_has_panic(path_of("panic"), 2 << 8, &err));
	assert_string_equal(err.text, "go on: gVisor's kernel has crashed: panic: oops");
	assert_false(gvisor_log_has_panic(path_of("none"), 2 << 8, &err));
	assert_false(gvisor_log_has_panic(path_of("missing"), 2 << 8, &err));
	assert_false(gvisor_log_has_panic(path_of("panic"), 0, &err));
	assert_false(gvisor_log_has_panic(path_of("panic"), 9, &err));
}

/* ---- in the launcher --------------------------------------------------------------------- */

static int log_with(const char *text)
{
	const char *path = temporary_file(temporary, "given", text, strlen(text));
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* The names of what is kept, in one line; their number. */
static int kept(char *names, size_t size)
{
	struct dirent **entries = NULL;
	const int count =
		scandir(path_of("state/sbx/runsc-logs"), &entries, NULL, alphasort);
	int logs = 0;

	*names = '\0';
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(names + strlen(names), size - strlen(names), "%s ",
				 entries[i]->d_name);
			logs++;
		}
		free(entries[i]);
	}
	free((void *)entries);
	return logs;
}

static void begin(void **state)
{
	temporary = *state;
	setenv("XDG_STATE_HOME", fresh("state"), 1);
}

static void a_log_is_kept_for_its_owner_and_named_in_the_hint(void **state)
{
	struct error err = { 0 };
	char names[256], *place;
	struct stat status;
	int log;

	begin(state);
	log = log_with("== panic ==\noops\n");
	error_set(&err, ERROR_RUNSC_START, "start gVisor");
	error_hint(&err, "try again");
	gvisor_log_keep(log, &err);
	close(log);
	assert_int_equal(kept(names, sizeof(names)), 1);
	assert_true(strncmp(err.hint, "try again; runsc's log: /", 25) == 0);
	place = strchr(err.hint, '/');
	assert_int_equal(stat(place, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat(path_of("state/sbx/runsc-logs"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	log = open(place, O_RDONLY | O_CLOEXEC);
	assert_string_equal(text_of(log), "== panic ==\noops\n");
	close(log);
}

static void the_oldest_logs_go_and_nothing_else(void **state)
{
	struct error err = { 0 };
	char names[1024];
	int log;

	begin(state);
	assert_int_equal(mkdir(path_of("state/sbx"), 0700), 0);
	assert_int_equal(mkdir(path_of("state/sbx/runsc-logs"), 0700), 0);
	for (int i = 0; i < 20; i++) {
		char name[64];

		snprintf(name, sizeof(name), "state/sbx/runsc-logs/200001%d-000000-1.log",
			 10 + i);
		put(name, "old", 3);
	}
	put("state/sbx/runsc-logs/notes.txt", "mine", 4);
	log = log_with("new");
	error_set(&err, ERROR_RUNSC_START, "start gVisor");
	gvisor_log_keep(log, &err);
	close(log);
	assert_int_equal(kept(names, sizeof(names)), 8 + 1);
	assert_non_null(strstr(names, "notes.txt"));
	assert_non_null(strstr(names, "20000129-"));
	assert_null(strstr(names, "20000122-"));
	assert_true(strncmp(err.hint, "runsc's log: /", 14) == 0);
}

static void what_is_endless_is_cut(void **state)
{
	struct error err = { 0 };
	struct stat status;
	int log;

	begin(state);
	log = log_with("begin");
	assert_int_equal(truncate(path_of("given"), 1LL << 40), 0);
	error_set(&err, ERROR_RUNSC_START, "start gVisor");
	gvisor_log_keep(log, &err);
	close(log);
	assert_int_equal(stat(strchr(err.hint, '/'), &status), 0);
	assert_int_equal(status.st_size, 1024 * 1024);
}

static void nothing_is_kept_of_a_command_that_is_missing(void **state)
{
	struct error err = { 0 };
	char names[256];
	int log;

	begin(state);
	log = log_with("something");
	error_set(&err, ERROR_COMMAND_NOT_FOUND, "start tool");
	err.status = 127;
	gvisor_log_keep(log, &err);
	close(log);
	assert_int_equal(kept(names, sizeof(names)), 0);
	assert_string_equal(err.hint, "");
}

static void without_a_place_the_error_stays_as_it_is(void **state)
{
	struct error err = { 0 };
	int log;

	begin(state);
	log = log_with("something");
	put("file", "", 0);
	setenv("XDG_STATE_HOME", path_of("file"), 1);
	error_set(&err, ERROR_RUNSC_START, "start gVisor");
	error_hint(&err, "try again");
	gvisor_log_keep(log, &err);
	assert_string_equal(err.text, "start gVisor");
	assert_string_equal(err.hint, "try again");
	begin(state);
	assert_int_equal(chmod(path_of("state"), 0777), 0);
	assert_int_equal(mkdir(path_of("state/sbx"), 0700), 0);
	assert_int_equal(mkdir(path_of("state/sbx/runsc-logs"), 0700), 0);
	assert_int_equal(chmod(path_of("state/sbx/runsc-logs"), 0777), 0);
	gvisor_log_keep(log, &err);
	assert_string_equal(err.hint, "try again");
	close(log);
}

static void a_hint_that_leaves_no_room_makes_room(void **state)
{
	struct error err = { 0 };
	int log;

	begin(state);
	log = log_with("something");
	error_set(&err, ERROR_RUNSC_START, "start gVisor");
	memset(err.hint, 'x', sizeof(err.hint) - 1);
	gvisor_log_keep(log, &err);
	close(log);
	assert_true(strncmp(err.hint, "runsc's log: /", 14) == 0);
	assert_int_equal(access(strchr(err.hint, '/'), R_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_of_the_directory_comes_under_its_name),
		cmocka_unit_test(of_a_long_file_both_ends_come),
		cmocka_unit_test(links_and_what_is_no_file_are_left),
		cmocka_unit_test(of_many_files_some_come),
		cmocka_unit_test(
			a_kernel_that_crashed_is_told_from_a_command_that_ended_so),
		cmocka_unit_test(a_log_is_kept_for_its_owner_and_named_in_the_hint),
		cmocka_unit_test(the_oldest_logs_go_and_nothing_else),
		cmocka_unit_test(what_is_endless_is_cut),
		cmocka_unit_test(nothing_is_kept_of_a_command_that_is_missing),
		cmocka_unit_test(without_a_place_the_error_stays_as_it_is),
		cmocka_unit_test(a_hint_that_leaves_no_room_makes_room),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
