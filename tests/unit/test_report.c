/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said is caught in a file and read back, to the byte: each field with values that
 * hardly any run gives. tests/sandbox/interfaces.sh holds real runs to docs/schema.
 */
#include "launcher/report.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "plan/plan.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char said[16384];

/* A descriptor for what is said; heard() closes it and reads all of it. */
static int listen_to(void **state)
{
	const struct temporary *temporary = *state;
	int fd = openat(temporary->fd, "said", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	assert_true(fd >= 0);
	return fd;
}

static const char *heard(int fd)
{
	ssize_t length;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	length = fd_read_all(fd, said, sizeof(said) - 1);
	assert_true(length >= 0);
	said[length] = '\0';
	close(fd);
	return said;
}

/* What report_error() says on the standard error. */
static const char *error_text(void **state, const struct error *err, bool json)
{
	const int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	const int fd = listen_to(state);

	assert_true(before >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	report_error(err, json);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
	return heard(fd);
}

/* ---- errors ------------------------------------------------------------------------------ */

static void an_error_is_one_line(void **state)
{
	struct error err;

	errno = EACCES;
	error_errno(&err, "open %s", "/srv/x");
	assert_string_equal(error_text(state, &err, false),
			    "sbx: cannot open /srv/x: Permission denied\n");
	error_set(&err, ERROR_USAGE, "use -x: no such option");
	assert_string_equal(error_text(state, &err, false),
			    "sbx: cannot use -x: no such option\n");
}

static void a_hint_is_a_second_line(void **state)
{
	struct error err;

	error_set(&err, ERROR_OVERLAY, "mount an overlay");
	error_hint(&err, "--cwd ro needs none");
	assert_string_equal(
		error_text(state, &err, false),
		"sbx: cannot mount an overlay\nsbx: hint: --cwd ro needs none\n");
}

static void what_the_text_explains_is_not_said_twice(void **state)
{
	struct error err;

	errno = ENOENT;
	error_errno(&err, "bind /x: it does not exist");
	err.explained = true;
	assert_string_equal(error_text(state, &err, false),
			    "sbx: cannot bind /x: it does not exist\n");
}

static void unprintable_text_is_escaped(void **state)
{
	struct error err;
	const char *text;

	error_set(&err, ERROR_PLAIN, "open %s", "a\nsbx: all is well\x1b[2J\x7f\xff\r");
	error_hint(&err, "b\x1b]0;title\a\nc");
	text = error_text(state, &err, false);
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || (*at >= ' ' && *at < 0x7f));
	/* Its own two ends of line and no more. */
	assert_non_null(strchr(text, '\n'));
	assert_int_equal(strncmp(strchr(text, '\n'), "\nsbx: hint: ", 12), 0);
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + strlen(text) - 1);
}

static void a_command_in_a_hint_is_as_it_is_typed(void **state)
{
	struct error err;

	error_set(&err, ERROR_PLAIN, "start %s", "a\\b");
	error_hint(&err, "sed -i 's/\\r$//' %s", "a\\b");
	assert_string_equal(error_text(state, &err, false),
			    "sbx: cannot start a\\\\b\n"
			    "sbx: hint: sed -i 's/\\r$//' a\\\\b\n");
}

/* What a sandbox sent may not have come from our own code. */
static void what_was_not_made_printable_is_harmless(void **state)
{
	struct error err = { .text = "go \x1b[2J on", .hint = "\r\n" };

	assert_string_equal(error_text(state, &err, false),
			    "sbx: cannot go \\x1b[2J on\nsbx: hint: \\x0d\\x0a\n");
}

static void the_longest_error_is_whole(void **state)
{
	struct error err;
	char longest[sizeof(err.text) + 10];
	const char *text;

	memset(longest, '\x1b', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	error_set(&err, ERROR_PLAIN, "%s", longest);
	error_hint(&err, "%s", longest);
	err.errnum = ENAMETOOLONG;
	text = error_text(state, &err, false);
	snprintf(longest, sizeof(longest), ": %s\nsbx: hint: ", strerror(ENAMETOOLONG));
	assert_non_null(strstr(text, longest));
	assert_int_equal(text[strlen(text) - 1], '\n');
}

/* The time is the only part that nobody can know: it is made the same. */
static const char *without_time(const char *text)
{
	static char line[sizeof(said)];
	char *time;

	snprintf(line, sizeof(line), "%s", text);
	time = strstr(line, "\"time\":\"");
	assert_non_null(time);
	time += strlen("\"time\":\"");
	for (const char *form = "0000-00-00T00:00:00.000Z"; *form; form++, time++) {
		if (*form != '0')
			assert_int_equal(*time, *form);
		else
			assert_true(*time >= '0' && *time <= '9');
		*time = *form;
	}
	assert_int_equal(*time, '"');
	return line;
}

static void as_json_it_is_one_object_on_one_line(void **state)
{
	struct error err;

	errno = ENOENT;
	error_errno_id(&err, ERROR_SOURCE_MISSING, "bind \"x\"\n");
	error_hint(&err, "mkdir x");
	assert_string_equal(
		without_time(error_text(state, &err, true)),
		"{\"version\":1,\"time\":\"0000-00-00T00:00:00.000Z\",\"level\":\"error\","
		"\"id\":\"source-missing\",\"message\":\"cannot bind \\\"x\\\"\\\\x0a: No such "
		"file or directory\",\"hint\":\"mkdir x\",\"errno\":2}\n");
}

static void what_there_is_not_is_null(void **state)
{
	struct error err;

	error_set(&err, ERROR_PLAIN, "go on");
	assert_string_equal(
		without_time(error_text(state, &err, true)),
		"{\"version\":1,\"time\":\"0000-00-00T00:00:00.000Z\",\"level\":\"error\","
		"\"id\":\"plain\",\"message\":\"cannot go on\",\"hint\":null,"
		"\"errno\":null}\n");
}

/* ---- --status-fd ------------------------------------------------------------------------- */

static void the_start_is_told(void **state)
{
	const int fd = listen_to(state);

	report_started(fd, 1234);
	assert_string_equal(heard(fd),
			    "{\"version\":1,\"event\":\"started\",\"pid\":1234,"
			    "\"command_started\":true}\n");
}

static void a_failure_tells_whether_the_command_had_started(void **state)
{
	struct error err;
	int fd = listen_to(state);

	error_set(&err, ERROR_COMMAND_NOT_FOUND, "start x: not found in PATH");
	err.status = 127;
	report_failed(fd, &err, -1, false);
	assert_string_equal(
		heard(fd),
		"{\"version\":1,\"event\":\"failed\",\"pid\":null,"
		"\"command_started\":false,\"status\":127,\"error\":{"
		"\"id\":\"command-not-found\",\"message\":\"cannot start x: not "
		"found in PATH\",\"hint\":null,\"errno\":null}}\n");
	fd = listen_to(state);
	errno = ENOSPC;
	error_errno_id(&err, ERROR_STATE, "write");
	error_hint(&err, "df");
	report_failed(fd, &err, 77, true);
	assert_string_equal(
		heard(fd),
		"{\"version\":1,\"event\":\"failed\",\"pid\":77,"
		"\"command_started\":true,\"status\":125,\"error\":{"
		"\"id\":\"state\",\"message\":\"cannot write: No space left on "
		"device\",\"hint\":\"df\",\"errno\":28}}\n");
}

static void the_end_is_told_with_status_and_signal(void **state)
{
	static const struct {
		struct outcome outcome;
		const char *line;
	} ends[] = {
		{ { .init = 9, .status = 3 },
		  "{\"version\":1,\"event\":\"exited\",\"pid\":9,\"command_started\":true,"
		  "\"status\":3,\"signal\":null}\n" },
		{ { .init = 9, .status = 143, .signal = SIGTERM },
		  "{\"version\":1,\"event\":\"exited\",\"pid\":9,\"command_started\":true,"
		  "\"status\":143,\"signal\":\"SIGTERM\"}\n" },
		{ { .init = 9, .status = 124, .signal = SIGKILL, .timed_out = true },
		  "{\"version\":1,\"event\":\"timeout\",\"pid\":9,\"command_started\":true,"
		  "\"status\":124,\"signal\":\"SIGKILL\"}\n" },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const int fd = listen_to(state);

		report_ended(fd, &ends[i].outcome);
		assert_string_equal(heard(fd), ends[i].line);
	}
}

static void signals_without_a_name_have_a_number(void **state)
{
	const struct outcome outcome = { .init = 9, .status = 128 + 40, .signal = 40 };
	const int fd = listen_to(state);

	report_ended(fd, &outcome);
	heard(fd);
	assert_non_null(strstr(said, "\"signal\":\"SIGRT"));
}

static void without_a_descriptor_nothing_is_said(void **state)
{
	const struct outcome outcome = { .init = 9 };
	const struct error err = { .text = "go on" };

	(void)state;
	errno = 0;
	report_started(-1, 1);
	report_failed(-1, &err, 1, true);
	report_ended(-1, &outcome);
	assert_int_equal(errno, 0);
}

/* ---- --stats ----------------------------------------------------------------------------- */

static const struct outcome figures = {
	.status = 137,
	.signal = SIGKILL,
	.wall_ms = UINT64_C(9007199254740993),
	.user_ms = 20,
	.system_ms = 3,
	.max_rss_kib = 4096,
};
static const char figures_line[] =
	"{\"version\":1,\"wall_ms\":9007199254740993,\"user_ms\":20,\"system_ms\":3,"
	"\"max_rss_kib\":4096,\"status\":137,\"signal\":\"SIGKILL\",\"cgroup\":null,\"network\":null}\n";

static void figures_are_exact_and_written_whole(void **state)
{
	const struct temporary *temporary = *state;
	struct plan plan = { 0 };
	struct error err = { 0 };
	char path[300], text[512];
	struct stat status;

	snprintf(path, sizeof(path), "%s/stats", temporary->path);
	plan.life.stats = true;
	plan.life.stats_file = path;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(report_stats(&plan, NULL, &figures, &err), 0);
		assert_true(files_read(AT_FDCWD, path, text, sizeof(text) - 1) > 0);
		assert_string_equal(text, figures_line);
	}
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
}

static void figures_of_a_group_are_told_as_far_as_they_are_known(void **state)
{
	const struct temporary *temporary = *state;
	struct outcome outcome = figures;
	struct plan plan = { 0 };
	struct error err = { 0 };
	char path[300], text[1024];

	snprintf(path, sizeof(path), "%s/stats", temporary->path);
	plan.life.stats = true;
	plan.life.stats_file = path;
	outcome.has_usage = true;
	outcome.usage = (struct cgroup_usage){ .memory_peak = 7,
					       .swap_peak = UINT64_MAX,
					       .oom_kills = 2 };
	assert_int_equal(report_stats(&plan, NULL, &outcome, &err), 0);
	assert_true(files_read(AT_FDCWD, path, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "\"cgroup\":{\"memory_peak\":7,\"swap_peak\":null,"
				     "\"pids_peak\":0,"));
	assert_non_null(strstr(text, "\"oom_kills\":2},\"network\":null}\n"));
}

static void what_the_network_has_carried_stands_in_the_figures(void **state)
{
	struct temporary *temporary = *state;
	struct plan plan = { 0 };
	struct outcome outcome = figures;
	struct error err = { 0 };
	char path[300], text[1024];

	snprintf(path, sizeof(path), "%s/stats", temporary->path);
	plan.life.stats = true;
	plan.life.stats_file = path;
	snprintf(outcome.network, sizeof(outcome.network), "{\"denied\":3}");
	assert_int_equal(report_stats(&plan, NULL, &outcome, &err), 0);
	assert_true(files_read(AT_FDCWD, path, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, ",\"network\":{\"denied\":3}}\n"));
}

static void figures_are_not_written_unless_asked_for(void **state)
{
	const struct plan plan = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(report_stats(&plan, NULL, &figures, &err), 0);
}

static void a_file_of_figures_that_cannot_be_written_is_an_error(void **state)
{
	struct plan plan = { 0 };
	struct error err = { 0 };

	(void)state;
	plan.life.stats = true;
	plan.life.stats_file = "/nowhere/at/all/stats";
	assert_int_equal(report_stats(&plan, NULL, &figures, &err), -1);
	assert_string_equal(err.text, "write the statistics to /nowhere/at/all/stats");
	assert_int_equal(err.errnum, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_one_line),
		cmocka_unit_test(a_hint_is_a_second_line),
		cmocka_unit_test(what_the_text_explains_is_not_said_twice),
		cmocka_unit_test(unprintable_text_is_escaped),
		cmocka_unit_test(a_command_in_a_hint_is_as_it_is_typed),
		cmocka_unit_test(what_was_not_made_printable_is_harmless),
		cmocka_unit_test(the_longest_error_is_whole),
		cmocka_unit_test(as_json_it_is_one_object_on_one_line),
		cmocka_unit_test(what_there_is_not_is_null),
		cmocka_unit_test(the_start_is_told),
		cmocka_unit_test(a_failure_tells_whether_the_command_had_started),
		cmocka_unit_test(the_end_is_told_with_status_and_signal),
		cmocka_unit_test(signals_without_a_name_have_a_number),
		cmocka_unit_test(without_a_descriptor_nothing_is_said),
		cmocka_unit_test(figures_are_exact_and_written_whole),
		cmocka_unit_test(figures_of_a_group_are_told_as_far_as_they_are_known),
		cmocka_unit_test(what_the_network_has_carried_stands_in_the_figures),
		cmocka_unit_test(figures_are_not_written_unless_asked_for),
		cmocka_unit_test(a_file_of_figures_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
