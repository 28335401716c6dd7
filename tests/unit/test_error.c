/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

/* Every field holds something, so that what is not set is seen. */
static struct error used_error(void)
{
	struct error err;

	memset(&err, 'x', sizeof(err));
	return err;
}

static void a_plain_failure_has_no_errno(void **state)
{
	struct error err = used_error();

	(void)state;
	errno = EACCES;
	assert_int_equal(error_set(&err, ERROR_USAGE, "use %s", "--x"), -1);
	assert_int_equal(err.errnum, 0);
	assert_int_equal(err.id, ERROR_USAGE);
	assert_string_equal(err.text, "use --x");
	assert_string_equal(err.hint, "");
	assert_int_equal(error_status(&err), 125);
}

static void the_errno_at_the_call_is_kept(void **state)
{
	struct error err = used_error();

	(void)state;
	errno = EACCES;
	assert_int_equal(error_errno(&err, "open %s", "/x"), -1);
	assert_int_equal(err.errnum, EACCES);
	assert_int_equal(err.id, ERROR_PLAIN);
	assert_string_equal(err.text, "open /x");
	err = used_error();
	errno = ENOENT;
	assert_int_equal(error_errno_id(&err, ERROR_SOURCE_MISSING, "open %d", 7), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(err.id, ERROR_SOURCE_MISSING);
	assert_string_equal(err.text, "open 7");
}

static void context_comes_in_front(void **state)
{
	struct error err = used_error();

	(void)state;
	errno = EACCES;
	error_errno_id(&err, ERROR_OVERLAY, "bind %s", "/srv");
	error_hint(&err, "--%s", "ro");
	assert_int_equal(error_within(&err, "mount %d", 3), -1);
	assert_string_equal(err.text, "mount 3: bind /srv");
	assert_string_equal(err.hint, "--ro");
	assert_int_equal(err.errnum, EACCES);
	assert_int_equal(err.id, ERROR_OVERLAY);
}

static void texts_that_are_too_long_are_cut(void **state)
{
	struct error err = used_error();
	char long_text[1001];

	(void)state;
	memset(long_text, '0', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	error_set(&err, ERROR_PLAIN, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_within(&err, "%s", "context");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(strncmp(err.text, "context: 000", 12), 0);
	error_within(&err, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_hint(&err, "%s", long_text);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void the_callers_text_is_made_printable_and_ours_is_not(void **state)
{
	struct error err = used_error();

	(void)state;
	error_set(&err, ERROR_PLAIN, "write \\: for %s", "a\\b\x1b[2J");
	assert_string_equal(err.text, "write \\: for a\\\\b\\x1b[2J");
	error_hint(&err, "sed 's/\\r$//' %s, not %c", "a\tb", '\n');
	assert_string_equal(err.hint, "sed 's/\\r$//' a\\x09b, not \\x0a");
	error_within(&err, "in %s", "c\rd");
	assert_string_equal(err.text, "in c\\x0dd: write \\: for a\\\\b\\x1b[2J");
	error_set(&err, ERROR_PLAIN, "open %s", "\xc3\xa4\xff");
	assert_string_equal(err.text, "open \xc3\xa4\\xff");
}

static void each_conversion_is_as_printf_has_it(void **state)
{
	struct error err = used_error();

	(void)state;
	error_set(&err, ERROR_PLAIN, "%d %d %u %c%%", INT_MIN, 7, UINT_MAX, 'x');
	assert_string_equal(err.text, "-2147483648 7 4294967295 x%");
	error_set(&err, ERROR_PLAIN, "%lld %llu %ld %lu", LLONG_MIN, ULLONG_MAX, -5L,
		  5UL);
	assert_string_equal(err.text, "-9223372036854775808 18446744073709551615 -5 5");
	error_set(&err, ERROR_PLAIN, "%zu %zd", sizeof(int), (ssize_t)-1);
	assert_string_equal(err.text, "4 -1");
	error_set(&err, ERROR_PLAIN, "%.3s %.*s %.*s%.0s", "abcdef", 2, "abcdef", -1,
		  "whole", "nothing");
	assert_string_equal(err.text, "abc ab whole");
}

static void a_cut_is_between_characters(void **state)
{
	struct error err = used_error();
	char text[300];

	(void)state;
	memset(text, '\x1b', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERROR_PLAIN, "x%s", text);
	assert_int_equal(strlen(err.text), 249);
	error_set(&err, ERROR_PLAIN, "%s%s%d more", text, "abc", 5);
	assert_int_equal(strlen(err.text), 251);
}

static void a_new_failure_forgets_the_older_one(void **state)
{
	struct error err = used_error();

	(void)state;
	error_set(&err, ERROR_USAGE, "a");
	error_hint(&err, "do this");
	err.status = 127;
	assert_int_equal(error_status(&err), 127);
	error_set(&err, ERROR_PLAIN, "b");
	assert_string_equal(err.hint, "");
	assert_int_equal(error_status(&err), 125);
}

static void every_id_has_a_name_of_its_own(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";

	(void)state;
	for (int i = ERROR_PLAIN; i <= ERROR_RESOURCES; i++) {
		const char *name = error_id_name((enum error_id)i);

		assert_non_null(name);
		assert_int_equal(strspn(name, letters), strlen(name));
		for (int j = ERROR_PLAIN; j < i; j++)
			assert_string_not_equal(name, error_id_name((enum error_id)j));
	}
	assert_string_equal(error_id_name(ERROR_SOURCE_MISSING), "source-missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_failure_has_no_errno),
		cmocka_unit_test(the_errno_at_the_call_is_kept),
		cmocka_unit_test(context_comes_in_front),
		cmocka_unit_test(texts_that_are_too_long_are_cut),
		cmocka_unit_test(the_callers_text_is_made_printable_and_ours_is_not),
		cmocka_unit_test(each_conversion_is_as_printf_has_it),
		cmocka_unit_test(a_cut_is_between_characters),
		cmocka_unit_test(a_new_failure_forgets_the_older_one),
		cmocka_unit_test(every_id_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
