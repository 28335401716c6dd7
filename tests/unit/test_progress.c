/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MEGA UINT64_C(1000000)

static const char *line_of(uint64_t done, uint64_t total, uint64_t elapsed_ms,
			   unsigned int width)
{
	static char line[256];

	progress_line("debian.tar", done, total, elapsed_ms, width, line, sizeof(line));
	return line;
}

static void a_line_says_how_much_how_fast_and_how_long(void **state)
{
	const char *line = line_of(50 * MEGA, 200 * MEGA, 1000, 120);

	(void)state;
	assert_non_null(strstr(line, "debian.tar"));
	assert_non_null(strstr(line, " 25 %"));
	assert_non_null(strstr(line, "50 MB/s"));
	assert_non_null(strstr(line, "0:03 left"));
	assert_non_null(strstr(line, "[##########......"));
}

static void long_times_have_hours(void **state)
{
	(void)state;
	assert_non_null(strstr(line_of(MEGA, 7201 * MEGA, 1000, 120), "2:00:00 left"));
}

static void what_has_no_known_end_has_no_bar(void **state)
{
	const char *line = line_of(1500000, 0, 500, 120);

	(void)state;
	assert_non_null(strstr(line, "1.5 MB"));
	assert_null(strchr(line, '['));
	assert_null(strstr(line, "left"));
}

static void a_line_fits_into_every_terminal(void **state)
{
	(void)state;
	for (unsigned int width = 1; width <= 250; width++)
		assert_true(strlen(line_of(123 * MEGA, 456 * MEGA, 789, width)) < width);
}

static void the_bar_is_never_longer_than_whole(void **state)
{
	(void)state;
	assert_non_null(strstr(line_of(10 * MEGA, 10 * MEGA, 100, 120), "100 %"));
	assert_null(strchr(line_of(11 * MEGA, 10 * MEGA, 100, 120), '['));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_how_much_how_fast_and_how_long),
		cmocka_unit_test(long_times_have_hours),
		cmocka_unit_test(what_has_no_known_end_has_no_bar),
		cmocka_unit_test(a_line_fits_into_every_terminal),
		cmocka_unit_test(the_bar_is_never_longer_than_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
