/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

	(void)state;
	error_set(&err, ERROR_PLAIN, "%01000d", 0);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_within(&err, "%s", "context");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(strncmp(err.text, "context: 000", 12), 0);
	error_within(&err, "%01000d", 0);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_hint(&err, "%01000d", 0);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
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
		cmocka_unit_test(a_new_failure_forgets_the_older_one),
		cmocka_unit_test(every_id_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
