/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What a failure has left in the log and on stderr. */
struct said {
	char log[4096], plain[4096];
	int status;
};

static void read_file(const char *path, char *to, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t length = fd < 0 ? 0 : read(fd, to, size - 1);

	assert_true(length >= 0);
	to[length] = '\0';
	if (fd >= 0)
		close(fd);
}

enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_DEBUG };

static void tell(const struct oci_globals *globals, enum level level,
		 const struct error *err, struct said *said)
{
	switch (level) {
	case LEVEL_ERROR:
		said->status = oci_fail(globals, err);
		break;
	case LEVEL_WARNING:
		oci_warn(globals, "careful: %s", err->text);
		break;
	case LEVEL_DEBUG:
		oci_debug(globals, "look: %s", err->text);
		break;
	}
}

/* log: whether there is one. */
static struct said say(void **state, struct oci_globals globals, bool log,
		       enum level level, const struct error *err)
{
	const struct temporary *temporary = *state;
	const int kept = dup(STDERR_FILENO);
	char path[300], plain[300];
	struct said said = { 0 };
	int file;

	snprintf(path, sizeof(path), "%s/log", temporary->path);
	snprintf(plain, sizeof(plain), "%s/plain", temporary->path);
	file = open(plain, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(kept >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
	if (log)
		globals.log = path;
	tell(&globals, level, err, &said);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	close(kept);
	close(file);
	read_file(path, said.log, sizeof(said.log));
	read_file(plain, said.plain, sizeof(said.plain));
	unlink(path);
	return said;
}

static struct error sample(void)
{
	struct error err = { 0 };

	error_set(&err, ERROR_PLAIN, "open \"%s\"", "a\nb");
	err.errnum = ENOSPC;
	error_hint(&err, "make room");
	return err;
}

#define SENTENCE "cannot open \"a\\x0ab\": No space left on device"

static void an_error_is_one_json_object_in_the_log(void **state)
{
	const struct error err = sample();
	struct said said = say(state, (struct oci_globals){ .log_json = true }, true,
			       LEVEL_ERROR, &err);
	struct arena arena = { 0 };
	struct error bad;
	struct json_value *line =
		json_read(said.log, strlen(said.log), "log", &arena, &bad);
	const char *message = NULL, *level = NULL, *time = NULL;

	assert_int_equal(said.status, 1);
	assert_non_null(line);
	assert_ptr_equal(strchr(said.log, '\n'), said.log + strlen(said.log) - 1);
	assert_int_equal(json_get_text(line, "msg", &message, &bad), 0);
	assert_string_equal(message, SENTENCE " (make room)");
	assert_int_equal(json_get_text(line, "level", &level, &bad), 0);
	assert_string_equal(level, "error");
	assert_int_equal(json_get_text(line, "time", &time, &bad), 0);
	assert_int_equal(strlen(time), strlen("2026-01-02T03:04:05Z"));
	assert_string_equal(said.plain, "sbx-oci: " SENTENCE "\n"
					"sbx-oci: hint: make room\n");
	arena_free(&arena);
}

static void the_log_is_a_line_of_text_else(void **state)
{
	const struct error err = sample();
	struct said said = say(state, (struct oci_globals){ 0 }, true, LEVEL_ERROR, &err);

	assert_true(strncmp(said.log, "time=\"", 6) == 0);
	assert_non_null(strstr(said.log,
			       "\" level=error msg=\"cannot open \\\"a\\\\x0ab\\\": No "
			       "space left on device (make room)\"\n"));
	assert_int_equal(said.status, 1);
}

static void without_a_log_stderr_has_it_once(void **state)
{
	const struct error err = sample();
	struct said said =
		say(state, (struct oci_globals){ 0 }, false, LEVEL_ERROR, &err);

	assert_string_equal(said.log, "");
	assert_string_equal(said.plain, "sbx-oci: " SENTENCE "\n"
					"sbx-oci: hint: make room\n");
	said = say(state, (struct oci_globals){ .log_json = true }, false, LEVEL_ERROR,
		   &err);
	assert_true(said.plain[0] == '{');
	assert_ptr_equal(strchr(said.plain, '\n'), said.plain + strlen(said.plain) - 1);
}

static void a_log_is_added_to(void **state)
{
	const struct temporary *temporary = *state;
	const struct error err = sample();
	struct said said;

	temporary_file(temporary, "log", "before\n", 7);
	said = say(state, (struct oci_globals){ .log_json = true }, true, LEVEL_ERROR,
		   &err);
	assert_true(strncmp(said.log, "before\n{", 8) == 0);
}

static void a_file_may_be_named_as_crun_does(void **state)
{
	const struct temporary *temporary = *state;
	const struct error err = sample();
	char path[300], text[4096];
	struct oci_globals globals = { .log = path };
	struct error bad = { 0 };

	snprintf(path, sizeof(path), "file:%s/named", temporary->path);
	assert_int_equal(oci_open_log(&globals, &bad), 0);
	read_file(path + strlen("file:"), text, sizeof(text));
	assert_string_equal(text, "");
	oci_warn(&globals, "%s", err.text);
	read_file(path + strlen("file:"), text, sizeof(text));
	assert_non_null(strstr(text, "level=warning"));
}

static void warnings_and_details_go_to_the_log_alone(void **state)
{
	const struct error err = sample();
	struct said said =
		say(state, (struct oci_globals){ 0 }, true, LEVEL_WARNING, &err);

	assert_non_null(strstr(said.log, "level=warning msg=\"careful: "));
	assert_string_equal(said.plain, "");
	said = say(state, (struct oci_globals){ .debug = true }, true, LEVEL_DEBUG, &err);
	assert_non_null(strstr(said.log, "level=debug"));
	assert_string_equal(said.plain, "");
	said = say(state, (struct oci_globals){ 0 }, false, LEVEL_WARNING, &err);
	assert_true(strncmp(said.plain, "sbx-oci: warning: careful: ", 27) == 0);
}

static void levels_leave_out_what_was_not_asked_for(void **state)
{
	const struct error err = sample();
	struct said said = say(state, (struct oci_globals){ 0 }, true, LEVEL_DEBUG, &err);

	assert_string_equal(said.log, "");
	said = say(state, (struct oci_globals){ .errors_only = true }, true,
		   LEVEL_WARNING, &err);
	assert_string_equal(said.log, "");
}

static void a_log_that_cannot_be_written_is_an_error(void **state)
{
	const struct oci_globals globals = { .log = "/dev/null/log" };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(oci_open_log(&globals, &err), -1);
	assert_non_null(strstr(err.text, "/dev/null/log"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_one_json_object_in_the_log),
		cmocka_unit_test(the_log_is_a_line_of_text_else),
		cmocka_unit_test(without_a_log_stderr_has_it_once),
		cmocka_unit_test(a_log_is_added_to),
		cmocka_unit_test(a_file_may_be_named_as_crun_does),
		cmocka_unit_test(warnings_and_details_go_to_the_log_alone),
		cmocka_unit_test(levels_leave_out_what_was_not_asked_for),
		cmocka_unit_test(a_log_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
