/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "launcher/executor.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch make(const struct temporary *place)
{
	struct scratch scratch;
	struct error err = { 0 };

	setenv("XDG_RUNTIME_DIR", place->path, 1);
	if (scratch_make(&scratch, &err) < 0)
		fail_msg("%s: %s", err.text, strerror(err.errnum));
	return scratch;
}

static bool is_there(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0;
}

static void it_is_private_and_goes_with_what_is_in_it(void **state)
{
	struct scratch scratch = make(*state);
	struct stat status;

	assert_int_equal(stat(scratch.path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(mkdirat(scratch.dir, "inner", 0700), 0);
	assert_int_equal(mkdirat(scratch.dir, "inner/closed", 0), 0);
	scratch_remove(&scratch);
	assert_false(is_there(scratch.path));
	assert_int_equal(scratch.dir, -1);
	assert_int_equal(scratch.place, -1);
	scratch_remove(&scratch);
}

static void two_of_them_do_not_meet(void **state)
{
	struct scratch one = make(*state);
	struct scratch other = make(*state);

	assert_string_not_equal(one.path, other.path);
	scratch_remove(&one);
	assert_true(is_there(other.path));
	scratch_remove(&other);
}

static void one_that_nobody_holds_is_removed_by_the_next(void **state)
{
	struct scratch left = make(*state);
	struct scratch next;

	assert_int_equal(mkdirat(left.dir, "inner", 0700), 0);
	close(left.dir);
	close(left.place);
	next = make(*state);
	assert_int_equal(faccessat(next.dir, "inner", F_OK, 0), -1);
	scratch_remove(&next);
	assert_false(is_there(left.path));
}

static void a_link_of_that_name_is_not_followed(void **state)
{
	const struct temporary *place = *state;
	struct scratch scratch = make(*state);
	struct scratch next;

	assert_int_equal(mkdirat(place->fd, "victim", 0700), 0);
	assert_int_equal(mkdirat(place->fd, "victim/inner", 0700), 0);
	assert_int_equal(symlinkat("../victim", scratch.place, ".private-1-0"), 0);
	next = make(*state);
	assert_int_equal(faccessat(place->fd, "victim/inner", F_OK, 0), 0);
	scratch_remove(&next);
	scratch_remove(&scratch);
}

static void nothing_held_is_nothing_to_remove(void **state)
{
	struct scratch scratch = { .place = -1, .dir = -1 };

	(void)state;
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_private_and_goes_with_what_is_in_it),
		cmocka_unit_test(two_of_them_do_not_meet),
		cmocka_unit_test(one_that_nobody_holds_is_removed_by_the_next),
		cmocka_unit_test(a_link_of_that_name_is_not_followed),
		cmocka_unit_test(nothing_held_is_nothing_to_remove),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
