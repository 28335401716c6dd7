/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct error err;

static int free_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct json_value *read_text(const char *text)
{
	return json_read(text, strlen(text), "config.json", &arena, &err);
}

static const char *write_line(const struct json_value *value)
{
	return json_write(value, JSON_LAYOUT_LINE, &arena);
}

/* What reading text and writing it again makes of it. */
static const char *again(const char *text)
{
	struct json_value *value = read_text(text);

	return value ? write_line(value) : err.text;
}

/* ---- writing ------------------------------------------------------------------------ */

static void members_keep_their_order(void **state)
{
	struct json_value *top = json_make_object(&arena);
	struct json_value *list = json_put_array(top, "list");

	(void)state;
	json_put_text(top, "z", "last letter");
	json_put_bool(top, "a", true);
	json_put_integer(list, NULL, INT64_MIN);
	json_put_unsigned(list, NULL, UINT64_MAX);
	json_put_null(list, NULL);
	json_put_bool(json_put_object(list, NULL), "deep", false);
	assert_string_equal(write_line(top),
			    "{\"list\":[-9223372036854775808,18446744073709551615,null,"
			    "{\"deep\":false}],\"z\":\"last letter\",\"a\":true}");
}

static void lines_are_indented(void **state)
{
	struct json_value *top = json_make_object(&arena);

	(void)state;
	json_put_text(json_put_array(top, "args"), NULL, "sh");
	json_put_array(top, "empty");
	assert_string_equal(json_write(top, JSON_LAYOUT_LINES, &arena),
			    "{\n  \"args\": [\n    \"sh\"\n  ],\n  \"empty\": []\n}\n");
}

static void a_key_that_is_put_twice_keeps_its_place(void **state)
{
	struct json_value *top = json_make_object(&arena);

	(void)state;
	json_put_integer(top, "a", 1);
	json_put_integer(top, "b", 2);
	json_put_text(top, "a", "new");
	assert_string_equal(write_line(top), "{\"a\":\"new\",\"b\":2}");
}

static void members_are_removed(void **state)
{
	struct json_value *top = read_text("{\"a\":1,\"b\":2,\"c\":3}");

	(void)state;
	json_remove(top, "b");
	json_remove(top, "missing");
	assert_string_equal(write_line(top), "{\"a\":1,\"c\":3}");
	json_remove(top, "a");
	json_remove(top, "c");
	assert_string_equal(write_line(top), "{}");
}

static void copies_are_independent(void **state)
{
	struct json_value *from = read_text("{\"a\":[1,-2,2.5,\"x\",null,true,{}]}");
	struct json_value *top = json_make_object(&arena);

	(void)state;
	json_put_copy(top, "copy", from);
	json_remove(from, "a");
	assert_string_equal(write_line(top),
			    "{\"copy\":{\"a\":[1,-2,2.5,\"x\",null,true,{}]}}");
}

static void characters_that_json_forbids_are_escaped(void **state)
{
	struct json_value *top = json_make_array(&arena);

	(void)state;
	json_put_text(top, NULL, "a\"b\\c\n\x1b\x7f/\xc3\xa9");
	assert_string_equal(write_line(top),
			    "[\"a\\\"b\\\\c\\u000a\\u001b\\u007f/\xc3\xa9\"]");
}

static void large_documents_are_written_whole(void **state)
{
	struct json_value *top = json_make_array(&arena);
	size_t length;

	(void)state;
	for (int i = 0; i < 10000; i++)
		json_put_text(top, NULL, "0123456789");
	length = strlen(write_line(top));
	assert_int_equal(length, 10000 * 13 + 1);
}

/* ---- places ------------------------------------------------------------------------- */

static void assert_place(const struct json_value *value, unsigned int line,
			 unsigned int column)
{
	assert_non_null(value);
	assert_int_equal(json_line(value), line);
	assert_int_equal(json_column(value), column);
}

static void values_know_where_they_stood(void **state)
{
	const struct json_value *top =
		read_text("\n {\"a\" :[true,-1.5e3, \"\xc3\xa9\\\"x:\" ,null,\n"
			  "18446744073709551615],\"b\":{\"c\":[]}, \"d\"\n:\n\t\"e\"}");
	const struct json_value *array = json_get(top, "a");

	(void)state;
	assert_place(top, 2, 2);
	assert_place(array, 2, 8);
	assert_place(json_at(array, 0), 2, 9);
	assert_place(json_at(array, 1), 2, 14);
	assert_place(json_at(array, 2), 2, 22);
	assert_place(json_at(array, 3), 2, 31);
	assert_place(json_at(array, 4), 3, 1);
	assert_place(json_get(json_get(top, "b"), "c"), 3, 32);
	assert_place(json_get(top, "d"), 5, 2);
	assert_place(json_make_object(&arena), 0, 0);
}

/* ---- bytes that are not UTF-8 ------------------------------------------------------- */

static void assert_comes_back(const char *bytes)
{
	struct json_value *top = json_make_object(&arena);
	const char *text, *restored;
	struct json_value *back;

	json_put_text(top, bytes, bytes);
	text = write_line(top);
	back = read_text(text);
	assert_non_null(back);
	json_restore_bytes(back);
	assert_int_equal(json_get_text(back, bytes, &restored, &err), 0);
	assert_string_equal(restored, bytes);
}

static void any_bytes_come_back(void **state)
{
	char all[256];

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	assert_comes_back(all);
	assert_comes_back("plain");
	assert_comes_back("caf\xc3\xa9");
	assert_comes_back("\xc3");
	assert_comes_back("\xef\x9e\x80 looks escaped");
	assert_comes_back("\xef\x9f\xbf\xef\x9e");
	assert_comes_back("\xed\xa0\x80 surrogate");
}

static void pairs_of_bytes_come_back(void **state)
{
	(void)state;
	for (int i = 1; i < 256; i += 3) {
		for (int j = 1; j < 256; j += 5) {
			const char bytes[] = { (char)i, (char)j, (char)0x9e, '\0' };

			assert_comes_back(bytes);
		}
		arena_free(&arena);
	}
}

static void only_documents_that_need_it_have_escapes(void **state)
{
	struct json_value *top = json_make_object(&arena);

	(void)state;
	json_put_text(top, "plain", "caf\xc3\xa9");
	assert_false(json_has_escapes(top));
	json_put_text(json_put_array(top, "args"), NULL, "caf\xe9");
	assert_true(json_has_escapes(top));
	top = json_make_object(&arena);
	json_put_bool(top, "\xff", true);
	assert_true(json_has_escapes(top));
	assert_true(json_has_escapes(read_text("[\"\\uf780\"]")));
}

/* ---- reading ------------------------------------------------------------------------ */

static void documents_are_read_as_they_are(void **state)
{
	(void)state;
	assert_string_equal(
		again(" { \"a\" : [ 1 , -1 , 1.5 , 1e3, true,false , null ] } "),
		"{\"a\":[1,-1,1.5,1000.0,true,false,null]}");
	assert_string_equal(again("[\"\\u00e9\\ud83d\\ude00\\n\"]"),
			    "[\"\xc3\xa9\xf0\x9f\x98\x80\\u000a\"]");
	assert_string_equal(again("[]"), "[]");
}

static void integers_are_exact_up_to_64_bits(void **state)
{
	(void)state;
	assert_string_equal(again("[9223372036854775807,9223372036854775808,1.5,"
				  "18446744073709551615,-9223372036854775808,2e0]"),
			    "[9223372036854775807,9223372036854775808,1.5,"
			    "18446744073709551615,-9223372036854775808,2.0]");
	assert_string_equal(again("{\"18446744073709551615\":\"18446744073709551615\"}"),
			    "{\"18446744073709551615\":\"18446744073709551615\"}");
	assert_string_equal(again("[\"\\\"18446744073709551615\",18446744073709551614]"),
			    "[\"\\\"18446744073709551615\",18446744073709551614]");
	assert_null(read_text("[18446744073709551616]"));
	assert_null(read_text("[-9223372036854775809]"));
	assert_null(read_text("[018446744073709551615]"));
	assert_null(read_text("[1e999]"));
}

static void messages_say_line_and_column(void **state)
{
	(void)state;
	assert_null(read_text("{\n  \"a\": 18446744073709551615, oops\n}"));
	assert_non_null(strstr(err.text, "read config.json: line 2, column "));
	assert_int_equal(err.id, ERROR_CONFIG);
	assert_null(read_text("[\"\x1b[31m\"]"));
	assert_null(strchr(err.text, '\x1b'));
}

static void a_key_that_stands_twice_is_refused(void **state)
{
	(void)state;
	assert_null(read_text("{\"a\":1,\"b\":{\"a\":1,\"a\":2}}"));
	assert_non_null(strstr(err.text, "duplicate"));
}

static void what_is_no_json_is_refused(void **state)
{
	static const char *const bad[] = {
		"",           "1",
		"\"a\"",      "{} {}",
		"{} x",       "[1,]",
		"{\"a\":1,}", "['a']",
		"[1 2]",      "{1:2}",
		"[\"\xff\"]", "[\"\\u0000\"]",
		"[\"a\nb\"]", "[\"\\ud800\"]",
		"// c\n[]",   "[NaN]",
		"[Infinity]", "[+1]",
		"[01]",       "[.5]",
		"[1.]",       "[0x10]",
		"[",          "{\"a\"",
		"[\"abc",     "[\"abc\\",
		"[-]",        "\xef\xbb\xbf[]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (read_text(bad[i]))
			fail_msg("%s was read", bad[i]);
	}
	assert_null(json_read("[\"a\0b\"]", 7, "x", &arena, &err));
	assert_null(json_read("[]\0", 3, "x", &arena, &err));
}

static void depth_is_bounded(void **state)
{
	char text[4 * JSON_DEPTH_MAX + 1] = "";

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_non_null(read_text(text));
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_null(read_text(text));
	assert_string_equal(err.text, "read config.json: values nest deeper than 64");
}

static void size_is_bounded(void **state)
{
	(void)state;
	assert_null(json_read("[]", (size_t)JSON_SIZE_MAX + 1, "x", &arena, &err));
	assert_string_equal(err.text, "read x: longer than 16 MiB");
}

static void sameness_knows_no_order_of_members(void **state)
{
	const struct json_value *a =
		read_text("{\"a\":1,\"b\":[1,2,{\"x\":null}],\"c\":2.5}");
	const struct json_value *b =
		read_text("{\"c\":2.5,\"b\":[1,2,{\"x\":null}],\"a\":1}");

	(void)state;
	assert_true(json_is_same(a, b));
	assert_true(json_is_same(read_text("[true]"), read_text("[true]")));
	assert_false(json_is_same(read_text("[true]"), read_text("[false]")));
	assert_false(json_is_same(read_text("[1,2]"), read_text("[2,1]")));
	assert_false(json_is_same(read_text("[1]"), read_text("[1,1]")));
	assert_false(json_is_same(read_text("[1]"), read_text("[1.0]")));
	assert_false(json_is_same(read_text("[1.5]"), read_text("[2.5]")));
	assert_false(json_is_same(read_text("{\"a\":1}"), read_text("{\"b\":1}")));
	assert_false(json_is_same(read_text("[\"a\"]"), read_text("[\"b\"]")));
	assert_false(
		json_is_same(read_text("[-1]"), read_text("[18446744073709551615]")));
}

/* ---- getting ------------------------------------------------------------------------ */

static void members_are_counted_and_walked(void **state)
{
	const struct json_value *top = read_text("{\"a\":[10,20],\"b\":{}}");
	uint32_t number;

	(void)state;
	assert_int_equal(json_count(top), 2);
	assert_int_equal(json_count(NULL), 0);
	assert_string_equal(json_key_at(top, 1), "b");
	assert_int_equal(json_kind_of(json_at(top, 1)), JSON_KIND_OBJECT);
	assert_int_equal(json_want_u32(json_at(json_get(top, "a"), 1), &number, &err), 0);
	assert_int_equal(number, 20);
	assert_null(json_get(json_get(json_get(top, "no"), "such"), "thing"));
	assert_null(json_get(json_get(top, "a"), "a"));
}

static void missing_and_null_members_leave_the_result(void **state)
{
	const struct json_value *top = read_text("{\"a\":null}"), *value = top;
	const char *text = "as it was";
	const char *const *texts = NULL;
	uint64_t number = 42;
	uint32_t id = 42;
	int64_t integer = 42;
	size_t count = 42;
	bool is_on = true;

	(void)state;
	for (int i = 0; i < 3; i++) {
		const char *key = i ? "a" : "b";
		const struct json_value *from = i == 2 ? NULL : top;

		assert_int_equal(json_get_text(from, key, &text, &err), 1);
		assert_int_equal(json_get_texts(from, key, &texts, &count, &err), 1);
		assert_int_equal(json_get_unsigned(from, key, 9, &number, &err), 1);
		assert_int_equal(json_get_integer(from, key, 0, 9, &integer, &err), 1);
		assert_int_equal(json_get_u32(from, key, &id, &err), 1);
		assert_int_equal(json_get_bool(from, key, &is_on, &err), 1);
		assert_int_equal(json_get_object(from, key, &value, &err), 1);
		assert_int_equal(json_get_array(from, key, &value, &err), 1);
	}
	assert_string_equal(text, "as it was");
	assert_int_equal(number + id + count, 126);
	assert_int_equal(integer, 42);
	assert_true(is_on);
	assert_ptr_equal(value, top);
}

static void members_of_the_right_kind_are_given(void **state)
{
	const struct json_value *top = read_text(
		"{\"t\":\"x\",\"l\":[\"a\",\"b\"],\"n\":7,\"i\":-7,\"b\":true,\"o\":{}}");
	const struct json_value *value;
	const char *text;
	const char *const *texts;
	uint64_t number;
	uint32_t id;
	int64_t integer;
	size_t count;
	bool is_on;

	(void)state;
	assert_int_equal(json_get_text(top, "t", &text, &err), 0);
	assert_string_equal(text, "x");
	assert_int_equal(json_get_texts(top, "l", &texts, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(texts[1], "b");
	assert_null(texts[2]);
	assert_int_equal(json_get_unsigned(top, "n", 7, &number, &err), 0);
	assert_int_equal(json_get_u32(top, "n", &id, &err), 0);
	assert_int_equal(number + id, 14);
	assert_int_equal(json_get_integer(top, "i", -7, 7, &integer, &err), 0);
	assert_int_equal(integer, -7);
	assert_int_equal(json_get_bool(top, "b", &is_on, &err), 0);
	assert_true(is_on);
	assert_int_equal(json_get_object(top, "o", &value, &err), 0);
	assert_int_equal(json_get_array(top, "l", &value, &err), 0);
	assert_int_equal(json_count(value), 2);
}

static void a_field_of_the_wrong_kind_is_named(void **state)
{
	const struct json_value *top =
		read_text("{\"process\":{\"cwd\":7,\"args\":[\"sh\",[]]},\"on\":1}");
	const struct json_value *process = NULL;
	const char *text;
	const char *const *texts;
	size_t count;
	bool is_on;

	(void)state;
	assert_int_equal(json_get_object(top, "process", &process, &err), 0);
	assert_int_equal(json_get_text(process, "cwd", &text, &err), -1);
	assert_string_equal(err.text, "process.cwd: not a string");
	assert_int_equal(err.id, ERROR_CONFIG);
	assert_int_equal(json_get_texts(process, "args", &texts, &count, &err), -1);
	assert_string_equal(err.text, "process.args[1]: not a string");
	assert_int_equal(json_get_bool(top, "on", &is_on, &err), -1);
	assert_string_equal(err.text, "on: not true or false");
	assert_int_equal(json_want_kind(top, JSON_KIND_ARRAY, &err), -1);
	assert_string_equal(err.text, "the document: not an array");
	assert_string_equal(json_path(process, &arena), "process");
	assert_string_equal(json_path(top, &arena), "the document");
}

static void a_number_out_of_bounds_is_named(void **state)
{
	const struct json_value *top = read_text(
		"{\"a\":-1,\"b\":4294967296,\"c\":18446744073709551615,\"d\":1.0}");
	uint32_t id = 42;
	int64_t integer = 42;

	(void)state;
	assert_int_equal(json_get_u32(top, "a", &id, &err), -1);
	assert_string_equal(err.text, "a: not within 0 and 4294967295");
	assert_int_equal(json_get_u32(top, "b", &id, &err), -1);
	assert_int_equal(json_get_integer(top, "c", -5, INT64_MAX, &integer, &err), -1);
	assert_int_equal(json_get_integer(top, "a", 0, 5, &integer, &err), -1);
	assert_string_equal(err.text, "a: not within 0 and 5");
	assert_int_equal(json_get_u32(top, "d", &id, &err), -1);
	assert_string_equal(err.text, "d: not an integer");
	assert_int_equal(id + (uint32_t)integer, 84);
}

static void foreign_keys_in_messages_are_printable_and_cut(void **state)
{
	char text[1200];
	const struct json_value *top;

	(void)state;
	snprintf(text, sizeof(text), "{\"\\u001b[2J\":{\"%01000d\":1}}", 0);
	top = read_text(text);
	assert_non_null(top);
	assert_int_equal(json_complain(json_at(json_at(top, 0), 0), &err, "bad"), -1);
	assert_null(strchr(err.text, '\x1b'));
	assert_int_equal(strncmp(err.text, "\\x1b[2J.000", 11), 0);
}

static void the_first_unknown_key_is_found(void **state)
{
	static const char *const known[] = { "a", "b", NULL };

	(void)state;
	assert_null(json_unknown_key(read_text("{\"b\":1,\"a\":1}"), known));
	assert_null(json_unknown_key(read_text("{}"), known));
	assert_string_equal(
		json_unknown_key(read_text("{\"a\":1,\"c\":1,\"d\":1}"), known), "c");
}

#define TEST(name) cmocka_unit_test_teardown(name, free_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(members_keep_their_order),
		TEST(lines_are_indented),
		TEST(a_key_that_is_put_twice_keeps_its_place),
		TEST(members_are_removed),
		TEST(copies_are_independent),
		TEST(characters_that_json_forbids_are_escaped),
		TEST(large_documents_are_written_whole),
		TEST(values_know_where_they_stood),
		TEST(any_bytes_come_back),
		TEST(pairs_of_bytes_come_back),
		TEST(only_documents_that_need_it_have_escapes),
		TEST(documents_are_read_as_they_are),
		TEST(integers_are_exact_up_to_64_bits),
		TEST(messages_say_line_and_column),
		TEST(a_key_that_stands_twice_is_refused),
		TEST(what_is_no_json_is_refused),
		TEST(depth_is_bounded),
		TEST(size_is_bounded),
		TEST(sameness_knows_no_order_of_members),
		TEST(members_are_counted_and_walked),
		TEST(missing_and_null_members_leave_the_result),
		TEST(members_of_the_right_kind_are_given),
		TEST(a_field_of_the_wrong_kind_is_named),
		TEST(a_number_out_of_bounds_is_named),
		TEST(foreign_keys_in_messages_are_printable_and_cut),
		TEST(the_first_unknown_key_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
