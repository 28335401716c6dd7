/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "launcher/gvisor_known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_release(const char *text, const char *release, unsigned int date)
{
	char found[64] = "";

	assert_true(gvisor_read_release(text, found));
	assert_string_equal(found, release);
	assert_int_equal(gvisor_date_of(found), date);
}

static void a_release_is_read_as_upstream_and_as_distributions_write_it(void **state)
{
	(void)state;
	assert_release("runsc version release-20250407.0\nspec: 1.0.0\n",
		       "release-20250407.0", 20250407);
	assert_release("runsc version 0.0~20221219.0\nspec: 1.0.2-dev\n",
		       "0.0~20221219.0", 20221219);
	assert_release("runsc version 0.0~20240729.0-4+b1", "0.0~20240729.0-4+b1",
		       20240729);
	assert_release("runsc version VERSION_MISSING\n", "VERSION_MISSING", 0);
	assert_release("runsc version 123456789.0\n", "123456789.0", 0);
}

static void what_is_no_release_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"runc version 1.1.5\n",
		"runsc version \n",
		"runsc version release-\033[31m\n",
		"runsc version a b\n",
		" runsc version 1\n",
	};
	char found[64] = "untouched";
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(gvisor_read_release(texts[i], found));
	/* As long as what is found may not be. */
	snprintf(text, sizeof(text), "runsc version %064d\n", 1);
	assert_false(gvisor_read_release(text, found));
	assert_string_equal(found, "untouched");
}

static void flags_are_read_from_the_list_that_go_writes(void **state)
{
	bool is_list;

	(void)state;
	assert_int_equal(gvisor_read_flags("  -directfs\n"
					   "    \tdirectly access the file systems\n"
					   "  -overlay2 value\n"
					   "    \twrap mounts with -host-uds\n"
					   "  -platform string\n"
					   "    \tspecifies which platform to use\n"
					   "  -file-access-mounts value\n"
					   "  -rootless",
					   &is_list),
			 GVISOR_DIRECTFS | GVISOR_OVERLAY2 | GVISOR_ROOTLESS);
	assert_true(is_list);
	assert_int_equal(gvisor_read_flags("usage of something -directfs\n", &is_list),
			 0);
	assert_false(is_list);
}

static void platforms_are_words_on_lines_of_their_own(void **state)
{
	(void)state;
	assert_int_equal(gvisor_read_platforms("kvm\nptrace\n"),
			 1U << PLATFORM_KVM | 1U << PLATFORM_PTRACE);
	assert_int_equal(gvisor_read_platforms("kvm\nsystrap\nptrace"),
			 1U << PLATFORM_KVM | 1U << PLATFORM_PTRACE |
				 1U << PLATFORM_SYSTRAP);
	assert_int_equal(gvisor_read_platforms("kvm is one\nptracer\n\n"), 0);
}

/* Whatever a program says: nothing is read behind its end, and what is taken is sound. */
static void any_text_can_be_read(void **state)
{
	static const char letters[] = "runsc version -release0.0~2022\n \t\x1b-platform";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char *text = calloc(1, 41);
		char release[64] = "";
		bool is_list;

		assert_non_null(text);
		strcpy(text, round % 2 ? "runsc version " : "");
		for (size_t i = strlen(text); i < 40; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		if (gvisor_read_release(text, release))
			(void)gvisor_date_of(release);
		assert_null(strpbrk(release, " \t\n\x1b"));
		(void)gvisor_read_flags(text, &is_list);
		(void)gvisor_read_platforms(text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_release_is_read_as_upstream_and_as_distributions_write_it),
		cmocka_unit_test(what_is_no_release_is_none),
		cmocka_unit_test(flags_are_read_from_the_list_that_go_writes),
		cmocka_unit_test(platforms_are_words_on_lines_of_their_own),
		cmocka_unit_test(any_text_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
