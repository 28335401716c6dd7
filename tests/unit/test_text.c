/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KIB UINT64_C(1024)

static void numbers_are_read_whole(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(text_to_u64("0", 10, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(text_to_u64("18446744073709551615", 10, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(text_to_u64("fF", 16, &value), 0);
	assert_int_equal(value, 255);
	assert_int_equal(text_to_u64("007", 10, &value), 0);
	assert_int_equal(value, 7);
}

static void base_zero_knows_hexadecimal_and_octal(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(text_to_u64("0x10", 0, &value), 0);
	assert_int_equal(value, 16);
	assert_int_equal(text_to_u64("010", 0, &value), 0);
	assert_int_equal(value, 8);
	assert_int_equal(text_to_u64("10", 0, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(text_to_u64("0", 0, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(text_to_u64("0x", 0, &value), -1);
	assert_int_equal(text_to_u64("08", 0, &value), -1);
}

static void what_is_no_number_leaves_the_result(void **state)
{
	static const char *const bad[] = { "",
					   " 1",
					   "1 ",
					   "+1",
					   "-1",
					   "0x1",
					   "1.5",
					   "1a",
					   "a",
					   "18446744073709551616",
					   "99999999999999999999999" };
	uint64_t value = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_to_u64(bad[i], 10, &value), -1);
	assert_int_equal(value, 42);
}

static void ids_end_at_32_bits(void **state)
{
	uint32_t value = 42;

	(void)state;
	assert_int_equal(text_to_u32("4294967295", &value), 0);
	assert_true(value == UINT32_MAX);
	assert_int_equal(text_to_u32("4294967296", &value), -1);
	assert_true(value == UINT32_MAX);
}

static void integers_have_both_bounds(void **state)
{
	int value = 42;

	(void)state;
	assert_int_equal(text_to_int("-1000", -1000, 1000, &value), 0);
	assert_int_equal(value, -1000);
	assert_int_equal(text_to_int("1000", -1000, 1000, &value), 0);
	assert_int_equal(value, 1000);
	assert_int_equal(text_to_int("-1001", -1000, 1000, &value), -1);
	assert_int_equal(text_to_int("1001", -1000, 1000, &value), -1);
	assert_int_equal(text_to_int("--1", -1000, 1000, &value), -1);
	assert_int_equal(text_to_int("-", -1000, 1000, &value), -1);
	assert_int_equal(text_to_int("", -1000, 1000, &value), -1);
	assert_int_equal(text_to_int("99999999999999", INT32_MIN, INT32_MAX, &value), -1);
	assert_int_equal(text_to_int("-2147483648", INT32_MIN, INT32_MAX, &value), 0);
	assert_int_equal(value, INT32_MIN);
}

static void modes_are_octal_with_or_without_a_zero(void **state)
{
	uint32_t value = 42;

	(void)state;
	assert_int_equal(text_to_octal("0755", 07777, &value), 0);
	assert_int_equal(value, 0755);
	assert_int_equal(text_to_octal("1777", 07777, &value), 0);
	assert_int_equal(value, 01777);
	assert_int_equal(text_to_octal("10000", 07777, &value), -1);
	assert_int_equal(text_to_octal("0758", 07777, &value), -1);
	assert_int_equal(text_to_octal("0o755", 07777, &value), -1);
	assert_int_equal(text_to_octal("", 07777, &value), -1);
}

static void sizes_have_units_of_1024_in_any_case(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "512b", 512 },
		{ "64k", 64 * KIB },
		{ "64K", 64 * KIB },
		{ "10M", 10 * KIB * KIB },
		{ "10MB", 10 * KIB * KIB },
		{ "10mib", 10 * KIB * KIB },
		{ "2G", 2 * KIB * KIB * KIB },
		{ "1T", KIB * KIB * KIB * KIB },
		{ "15E", 15 * KIB * KIB * KIB * KIB * KIB * KIB },
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(text_to_size(sizes[i].text, &bytes), 0);
		assert_true(bytes == sizes[i].bytes);
	}
}

static void sizes_that_are_none_or_too_large_are_refused(void **state)
{
	static const char *const bad[] = { "",
					   "k",
					   "-1k",
					   "1.5G",
					   "1 k",
					   "1kk",
					   "1Mi",
					   "1Bi",
					   "1kib ",
					   "16E",
					   "18014398509481984k",
					   "1x" };
	uint64_t bytes = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_to_size(bad[i], &bytes), -1);
	assert_int_equal(bytes, 42);
}

static void durations_are_seconds_unless_they_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} durations[] = {
		{ "0", 0 },           { "10", 10000 },    { "250ms", 250 },
		{ "10s", 10000 },     { "5m", 300000 },   { "2h", 7200000 },
		{ "1d", 86400000 },   { "1m30s", 90000 }, { "1s500ms", 1500 },
		{ "1h1ms", 3600001 }, { "90m", 5400000 }, { "1d1h1m1s1ms", 90061001 },
	};
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		assert_int_equal(text_to_duration_ms(durations[i].text, &ms), 0);
		assert_true(ms == durations[i].ms);
	}
}

static void durations_that_are_none_or_too_long_are_refused(void **state)
{
	static const char *const bad[] = { "",
					   "s",
					   "-1s",
					   "1.5s",
					   "1 s",
					   "1s ",
					   "30s1m",
					   "1s1s",
					   "1m30",
					   "1w",
					   "1S",
					   "18446744073709551615",
					   "18446744073709551615d" };
	uint64_t ms = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_to_duration_ms(bad[i], &ms), -1);
	assert_int_equal(ms, 42);
}

static void a_copy_is_ended_even_when_it_is_cut(void **state)
{
	char to[4];

	(void)state;
	assert_int_equal(text_copy(to, sizeof(to), "abc"), 0);
	assert_string_equal(to, "abc");
	assert_int_equal(text_copy(to, sizeof(to), "abcd"), -1);
	assert_string_equal(to, "abc");
	assert_int_equal(text_copy(to, 1, "a"), -1);
	assert_string_equal(to, "");
	assert_int_equal(text_copy(to, 0, ""), -1);
}

static void a_prefix_may_be_all_of_it(void **state)
{
	(void)state;
	assert_true(text_starts_with("abc", "ab"));
	assert_true(text_starts_with("abc", "abc"));
	assert_true(text_starts_with("abc", ""));
	assert_false(text_starts_with("ab", "abc"));
}

static void only_shortest_forms_of_real_characters_are_utf8(void **state)
{
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xe0\x80\x80",
					   "\xed\xa0\x80",
					   "\xf0\x80\x80\x80",
					   "\xf4\x90\x80\x80",
					   "\xf8\x88\x80\x80\x80",
					   "\xff",
					   "\xe2\x82",
					   "\xc3\x28" };
	uint32_t code = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_utf8_length(bad[i], strlen(bad[i]), &code), 0);
	assert_int_equal(code, 42);
	assert_int_equal(text_utf8_length("", 0, &code), 0);
	assert_int_equal(text_utf8_length("\xe2\x82\xac", 3, &code), 3);
	assert_int_equal(code, 0x20ac);
	assert_int_equal(text_utf8_length("\xe2\x82\xac", 2, &code), 0);
	assert_int_equal(text_utf8_length("\xf4\x8f\xbf\xbf", 4, &code), 4);
	assert_int_equal(code, 0x10ffff);
}

static void ordinary_text_is_printable_as_it_is(void **state)
{
	char to[64];

	(void)state;
	assert_string_equal(
		text_printable(to, sizeof(to), "/srv/caf\xc3\xa9 \xe2\x82\xac"),
		"/srv/caf\xc3\xa9 \xe2\x82\xac");
}

static void what_a_terminal_obeys_is_shown_as_bytes(void **state)
{
	static const struct {
		const char *from, *shown;
	} texts[] = {
		{ "\x1b[31m", "\\x1b[31m" },
		{ "a\nb\tc", "a\\x0ab\\x09c" },
		{ "\x7f", "\\x7f" },
		{ "\\x1b", "\\\\x1b" },
		{ "\xff", "\\xff" },
		{ "\xc3", "\\xc3" },
		{ "\xc2\x9b", "\\xc2\\x9b" },          /* CSI in one character */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* right to left from here */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* isolate */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* line separator */
		{ "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81" }, /* a tag */
	};
	char to[64];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(text_printable(to, sizeof(to), texts[i].from),
				    texts[i].shown);
}

static void printable_text_is_cut_between_characters(void **state)
{
	char to[6];

	(void)state;
	assert_string_equal(text_printable(to, sizeof(to), "abc\x1b"), "abc");
	assert_string_equal(text_printable(to, sizeof(to), "a\x1b"), "a\\x1b");
	assert_string_equal(text_printable(to, sizeof(to), "abcd\xc3\xa9"), "abcd");
	assert_string_equal(text_printable(to, 1, "a"), "");
	assert_ptr_equal(text_printable(to, 0, "a"), to);
}

static void the_nearest_word_is_found(void **state)
{
	static const char *const words[] = { "--hostname", "--root", "--root-mode",
					     "--ro", NULL };

	(void)state;
	assert_string_equal(text_nearest("--hostnme", words), "--hostname");
	assert_string_equal(text_nearest("--hsotname", words), "--hostname");
	assert_string_equal(text_nearest("--rooot", words), "--root");
	assert_string_equal(text_nearest("--root-modes", words), "--root-mode");
	assert_string_equal(text_nearest("--ro", words), "--ro");
}

static void a_word_far_from_all_has_no_nearest(void **state)
{
	static const char *const words[] = { "--hostname", "-p", NULL };
	static const char *const none[] = { NULL };
	char endless[200];

	(void)state;
	assert_null(text_nearest("--frobnicate", words));
	assert_null(text_nearest("-q", words));
	assert_null(text_nearest("", words));
	assert_null(text_nearest("--hostname", none));
	memset(endless, 'a', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_null(text_nearest(endless, words));
}

static void swapped_neighbours_are_one_edit(void **state)
{
	static const char *const words[] = { "abc", NULL };

	(void)state;
	assert_string_equal(text_nearest("acb", words), "abc");
	assert_null(text_nearest("cab", words));
}

static void patterns_match_whole_names(void **state)
{
	(void)state;
	assert_true(text_matches("LC_ALL", "LC_*"));
	assert_true(text_matches("LC_", "LC_*"));
	assert_true(text_matches("anything", "*"));
	assert_true(text_matches("", "*"));
	assert_true(text_matches("", ""));
	assert_true(text_matches("abcbcd", "a*bcd"));
	assert_true(text_matches("abc", "a?c"));
	assert_true(text_matches("abc", "**c"));
	assert_true(text_matches("a*c", "a*c"));
	assert_false(text_matches("LANG", "LC_*"));
	assert_false(text_matches("abc", "ab"));
	assert_false(text_matches("ab", "abc"));
	assert_false(text_matches("ac", "a?c"));
	assert_false(text_matches("abcd", "*bc"));
	assert_false(text_matches("", "?"));
}

static void a_hostile_pattern_ends_soon(void **state)
{
	char text[4096], pattern[64];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(pattern) - 2; i += 2)
		memcpy(pattern + i, "a*", 2);
	memcpy(pattern + sizeof(pattern) - 2, "b", 2);
	assert_false(text_matches(text, pattern));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_whole),
		cmocka_unit_test(base_zero_knows_hexadecimal_and_octal),
		cmocka_unit_test(what_is_no_number_leaves_the_result),
		cmocka_unit_test(ids_end_at_32_bits),
		cmocka_unit_test(integers_have_both_bounds),
		cmocka_unit_test(modes_are_octal_with_or_without_a_zero),
		cmocka_unit_test(sizes_have_units_of_1024_in_any_case),
		cmocka_unit_test(sizes_that_are_none_or_too_large_are_refused),
		cmocka_unit_test(durations_are_seconds_unless_they_have_units),
		cmocka_unit_test(durations_that_are_none_or_too_long_are_refused),
		cmocka_unit_test(a_copy_is_ended_even_when_it_is_cut),
		cmocka_unit_test(a_prefix_may_be_all_of_it),
		cmocka_unit_test(only_shortest_forms_of_real_characters_are_utf8),
		cmocka_unit_test(ordinary_text_is_printable_as_it_is),
		cmocka_unit_test(what_a_terminal_obeys_is_shown_as_bytes),
		cmocka_unit_test(printable_text_is_cut_between_characters),
		cmocka_unit_test(the_nearest_word_is_found),
		cmocka_unit_test(a_word_far_from_all_has_no_nearest),
		cmocka_unit_test(swapped_neighbours_are_one_edit),
		cmocka_unit_test(patterns_match_whole_names),
		cmocka_unit_test(a_hostile_pattern_ends_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
