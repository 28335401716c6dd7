/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What the options of a command were read into. */
struct read {
	struct arena arena;
	struct error err;
	const char *bundle, *format, *const *words;
	const char **env;
	bool detach, tty;
	int failed;
};

static struct read read_words(const char *const *words)
{
	struct read read = { .words = words };
	const struct oci_option options[] = {
		{ .name = "bundle",
		  .letter = 'b',
		  .takes_value = true,
		  .value = &read.bundle,
		  .help = "a directory" },
		{ .name = "format", .takes_value = true, .value = &read.format },
		{ .name = "env",
		  .letter = 'e',
		  .takes_value = true,
		  .many = true,
		  .values = &read.env },
		{ .name = "detach", .letter = 'd', .flag = &read.detach },
		{ .name = "tty", .letter = 't', .flag = &read.tty },
	};

	read.failed =
		oci_read_words(&read.words, options, sizeof(options) / sizeof(*options),
			       "try [-b DIR] ID", &read.arena, &read.err);
	return read;
}

#define READ(...) read_words((const char *const[]){ __VA_ARGS__, NULL })

static void every_form_of_an_option_is_the_same(void **state)
{
	struct read forms[] = {
		READ("-b", "/x", "id"),       READ("-b/x", "id"),
		READ("--bundle", "/x", "id"), READ("--bundle=/x", "id"),
		READ("-bundle", "/x", "id"),  READ("-bundle=/x", "id"),
		READ("-tb", "/x", "id"),      READ("-b", "/y", "-b", "/x", "--", "id"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		assert_int_equal(forms[i].failed, 0);
		assert_string_equal(forms[i].bundle, "/x");
		assert_string_equal(forms[i].words[0], "id");
		assert_null(forms[i].words[1]);
		arena_free(&forms[i].arena);
	}
}

static void options_end_at_the_first_word(void **state)
{
	struct read read = READ("-d", "id", "-t", "--bundle", "/x");

	(void)state;
	assert_int_equal(read.failed, 0);
	assert_true(read.detach);
	assert_false(read.tty);
	assert_null(read.bundle);
	assert_string_equal(read.words[1], "-t");
	arena_free(&read.arena);
}

static void a_dash_alone_is_a_word(void **state)
{
	struct read read = READ("--format", "-", "-", "id");

	(void)state;
	assert_int_equal(read.failed, 0);
	assert_string_equal(read.format, "-");
	assert_string_equal(read.words[0], "-");
	arena_free(&read.arena);
}

static void flags_can_be_taken_back(void **state)
{
	struct read read = READ("-dt", "--detach=false", "--tty=true");

	(void)state;
	assert_int_equal(read.failed, 0);
	assert_false(read.detach);
	assert_true(read.tty);
	arena_free(&read.arena);
	read = READ("--detach=perhaps");
	assert_int_equal(read.failed, -1);
	arena_free(&read.arena);
}

static void values_that_may_come_often_are_a_list(void **state)
{
	struct read read = READ("-e", "A=1", "--env=B=2", "-eC", "id");

	(void)state;
	assert_int_equal(read.failed, 0);
	assert_string_equal(read.env[0], "A=1");
	assert_string_equal(read.env[1], "B=2");
	assert_string_equal(read.env[2], "C");
	assert_null(read.env[3]);
	arena_free(&read.arena);
}

static void mistakes_are_told_with_the_usage(void **state)
{
	struct read mistakes[] = {
		READ("--bundel", "/x"), READ("-x"),       READ("-dx"),
		READ("--bundle"),       READ("-b"),       READ("--nothing=1"),
		READ("--=x"),           READ("-nothing"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		assert_int_equal(mistakes[i].failed, -1);
		assert_int_equal(mistakes[i].err.id, ERROR_USAGE);
		assert_true(*mistakes[i].err.hint);
		arena_free(&mistakes[i].arena);
	}
	assert_string_equal(mistakes[0].err.hint, "did you mean --bundle?");
	assert_non_null(strstr(mistakes[3].err.hint, "try [-b DIR] ID"));
}

/* Runs it with stdout in a file, and returns what was written. */
static const char *help_of(struct read *ret_read, const char *word)
{
	static char text[2000];
	const int kept = dup(STDOUT_FILENO);
	const int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	const char *const words[] = { word, NULL };
	ssize_t length;

	if (file < 0)
		skip();
	fflush(stdout);
	assert_true(kept >= 0 && dup2(file, STDOUT_FILENO) >= 0);
	*ret_read = read_words(words);
	fflush(stdout);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	length = pread(file, text, sizeof(text) - 1, 0);
	assert_true(length >= 0);
	text[length] = '\0';
	close(kept);
	close(file);
	return text;
}

static void help_is_no_failure(void **state)
{
	static const char *const words[] = { "--help", "-h", "-help" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const struct oci_globals globals = { 0 };
		struct read read;
		const char *text = help_of(&read, words[i]);

		assert_non_null(strstr(text, "usage: sbx-oci try [-b DIR] ID\n"));
		assert_non_null(strstr(text, "-b, --bundle VALUE"));
		assert_null(strstr(text, "--format"));
		assert_int_equal(read.failed, -1);
		assert_int_equal(oci_fail(&globals, &read.err), 0);
		arena_free(&read.arena);
	}
}

static void one_id_is_what_is_left(void **state)
{
	const char *const one[] = { "web", NULL }, *const two[] = { "web", "db", NULL };
	const char *const none[] = { NULL };
	struct error err;

	(void)state;
	assert_string_equal(oci_only_id(one, "state ID", &err), "web");
	assert_null(oci_only_id(two, "state ID", &err));
	assert_non_null(strstr(err.text, "db"));
	assert_null(oci_only_id(none, "state ID", &err));
	assert_non_null(strstr(err.hint, "sbx-oci state ID"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_an_option_is_the_same),
		cmocka_unit_test(options_end_at_the_first_word),
		cmocka_unit_test(a_dash_alone_is_a_word),
		cmocka_unit_test(flags_can_be_taken_back),
		cmocka_unit_test(values_that_may_come_often_are_a_list),
		cmocka_unit_test(mistakes_are_told_with_the_usage),
		cmocka_unit_test(help_is_no_failure),
		cmocka_unit_test(one_id_is_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
