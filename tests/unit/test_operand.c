/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "image/image.h"
#include "tests/unit/temporary.h"

/* tag NULL: there is none */
static void assert_operand(const struct temporary *temporary, const char *scheme,
			   const char *text, const char *path, const char *tag)
{
	struct arena arena = { 0 };
	const char *operand =
		arena_printf(&arena, "%s%s/%s", scheme, temporary->path, text);
	const char *found_tag = "untouched";
	const char *found = image_operand_path(operand, &arena, &found_tag);

	assert_string_equal(found, arena_printf(&arena, "%s/%s", temporary->path, path));
	if (tag)
		assert_string_equal(found_tag, tag);
	else
		assert_null(found_tag);
	arena_free(&arena);
}

static void a_path_is_itself(void **state)
{
	const struct temporary *temporary = *state;

	temporary_file(temporary, "x.tar", "", 0);
	assert_operand(temporary, "", "x.tar", "x.tar", NULL);
	assert_operand(temporary, "", "x.tar:tag", "x.tar:tag", NULL);
	assert_operand(temporary, "", "missing", "missing", NULL);
}

static void a_scheme_is_taken_off(void **state)
{
	const struct temporary *temporary = *state;

	temporary_file(temporary, "x.tar", "", 0);
	assert_operand(temporary, "oci:", "x.tar", "x.tar", NULL);
	assert_operand(temporary, "oci-archive:", "x.tar", "x.tar", NULL);
	assert_operand(temporary, "docker-archive:", "x.tar", "x.tar", NULL);
	assert_operand(temporary, "oci:", "missing", "missing", NULL);
}

static void what_follows_an_existing_path_is_a_tag(void **state)
{
	const struct temporary *temporary = *state;

	temporary_file(temporary, "x.tar", "", 0);
	assert_operand(temporary, "oci:", "x.tar:tag", "x.tar", "tag");
	assert_operand(temporary, "docker-archive:", "x.tar:localhost/tiny:latest",
		       "x.tar", "localhost/tiny:latest");
	assert_operand(temporary, "oci:", "x.tar:", "x.tar", NULL);
	assert_operand(temporary, "oci:", "missing:tag", "missing:tag", NULL);
}

static void a_path_may_have_colons(void **state)
{
	const struct temporary *temporary = *state;

	temporary_file(temporary, "a:b", "", 0);
	assert_operand(temporary, "oci:", "a:b", "a:b", NULL);
	assert_operand(temporary, "oci:", "a:b:c", "a:b", "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_itself),
		cmocka_unit_test(a_scheme_is_taken_off),
		cmocka_unit_test(what_follows_an_existing_path_is_a_tag),
		cmocka_unit_test(a_path_may_have_colons),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
