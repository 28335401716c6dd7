/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/record.h"

#include "base/error.h"
#include "base/json.h"
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One run that wrote these files to one directory. */
static struct result wrote(const char *files, const char *dest, struct arena *arena)
{
	struct json_value *document;
	struct result result = { .ran = true, .view_count = 1, .digest = files };
	struct error err;

	document = json_read(files, strlen(files), "files", arena, &err);
	if (!document)
		fail_msg("%s: %s", files, err.text);
	result.views[0] = (struct view){
		.layer = -1, .dest = dest, .digest = files, .document = document
	};
	return result;
}

#define FILES(list) "{ \"files\": [ " list " ] }"

static void assert_difference(const char *first, const char *other, const char *wanted)
{
	struct arena arena = { NULL };
	const struct result one = wrote(first, "/w", &arena);
	const struct result two = wrote(other, "/w", &arena);
	const char *found = result_difference(&one, &two, &arena);

	if (wanted)
		assert_string_equal(found, wanted);
	else
		assert_null(found);
	arena_free(&arena);
}

static void the_first_file_that_differs_is_named(void **state)
{
	static const char a[] = FILES("{ \"path\": \"a\", \"sha256\": \"1\" }, "
				      "{ \"path\": \"b\", \"sha256\": \"2\" }");
	static const char b[] = FILES("{ \"path\": \"a\", \"sha256\": \"1\" }, "
				      "{ \"path\": \"b\", \"sha256\": \"3\" }");

	(void)state;
	assert_difference(a, a, NULL);
	assert_difference(a, b, "the content of /w/b differs");
}

static void a_file_of_one_run_alone_is_named(void **state)
{
	static const char both[] = FILES("{ \"path\": \"a\" }, { \"path\": \"b\" }");
	static const char last[] = FILES("{ \"path\": \"b\" }");
	static const char first[] = FILES("{ \"path\": \"a\" }");

	(void)state;
	assert_difference(both, last, "only the first run has /w/a");
	assert_difference(last, both, "the first run has no /w/a");
	assert_difference(both, first, "only the first run has /w/b");
	assert_difference(first, both, "the first run has no /w/b");
}

static void what_differs_has_a_name(void **state)
{
	static const struct {
		const char *one, *other, *wanted;
	} rows[] = {
		{ FILES("{ \"path\": \".\", \"mode\": \"0755\" }"),
		  FILES("{ \"path\": \".\", \"mode\": \"0700\" }"),
		  "the mode of /w differs" },
		{ FILES("{ \"path\": \"x\", \"type\": \"file\" }"),
		  FILES("{ \"path\": \"x\", \"type\": \"fifo\" }"),
		  "the type of /w/x differs" },
		{ FILES("{ \"path\": \"x\", \"size\": 1, \"sha256\": \"1\" }"),
		  FILES("{ \"path\": \"x\", \"size\": 2, \"sha256\": \"2\" }"),
		  "the size of /w/x differs" },
		{ FILES("{ \"path\": \"x\", \"attributes\": { \"user.a\": \"1\" } }"),
		  FILES("{ \"path\": \"x\" }"), "the attributes of /w/x differs" },
		{ "{ \"count\": 50000 }", "{ \"count\": 50001 }",
		  "/w has too many files to name the one that differs" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_difference(rows[i].one, rows[i].other, rows[i].wanted);
}

static void the_end_of_a_run_counts(void **state)
{
	struct arena arena = { NULL };
	struct result one = wrote(FILES(""), "/", &arena), two = one;

	(void)state;
	two.outcome.status = 7;
	assert_string_equal(result_difference(&one, &two, &arena),
			    "its exit status is 7, not 0");
	two = one;
	memcpy(two.output, "ab", 3);
	assert_string_equal(result_difference(&one, &two, &arena),
			    "the standard output differs");
	arena_free(&arena);
}

/* ---- set-ups --------------------------------------------------------------------------- */

static const char *setup(struct planning *at, const char *words, struct arena *arena)
{
	if (planning_root(at, words) < 0)
		fail_msg("%s: cannot %s", words, at->err.text);
	return json_write(plan_to_setup(&at->plan, arena), JSON_LAYOUT_LINE, arena);
}

static void what_does_not_decide_is_no_part_of_a_setup(void **state)
{
	static const char *const words[] = {
		"--pure --record r",        "--pure --repeat 2",    "--pure --name box",
		"--pure --pid-file p",      "--pure --status-fd 2", "--pure --stats",
		"--pure --die-with-parent",
	};
	struct planning *at = *state;
	struct arena arena = { NULL };
	const char *bare = setup(at, "--pure", &arena);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		assert_string_equal(setup(at, words[i], &arena), bare);
	assert_null(strstr(bare, planning_path(at, "root")));
	arena_free(&arena);
}

static void what_decides_is_a_part_of_a_setup(void **state)
{
	static const char *const words[] = {
		"",
		"--pure -e X=1",
		"--pure --hostname box",
		"--pure --timeout 5s",
		"--pure --cap-drop CHOWN",
		"--pure --tmpfs /x",
		"--pure -w /bin",
		"--pure --rlimit nofile=64",
	};
	struct planning *at = *state;
	struct arena arena = { NULL };
	const char *bare = setup(at, "--pure", &arena);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		assert_string_not_equal(setup(at, words[i], &arena), bare);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_file_that_differs_is_named),
		cmocka_unit_test(a_file_of_one_run_alone_is_named),
		cmocka_unit_test(what_differs_has_a_name),
		cmocka_unit_test(the_end_of_a_run_counts),
		cmocka_unit_test(what_does_not_decide_is_no_part_of_a_setup),
		cmocka_unit_test(what_decides_is_a_part_of_a_setup),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
