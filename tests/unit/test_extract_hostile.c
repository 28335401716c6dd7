/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives that mean harm. Each scene lies in a directory whose other files are looked at
 * afterwards: "outside" must not change, and nothing called "escaped" may come up.
 */
#include "tests/unit/extracting.h"

#include "base/error.h"
#include "image/extract_parts.h"
#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void play_tar(void **state, const struct member *members, const char *error,
		     const struct sight *sights)
{
	const struct scene scene = {
		.options = { .whiteouts = true },
		.layers = { members },
		.error = error,
		.sights = sights,
	};

	scene_play(state, &scene);
}

/* ---- out of the tree --------------------------------------------------------------------- */

static void absolute_and_dotted_names_stay_inside(void **state)
{
	static const struct member members[] = {
		{ "/abs", .data = "1" },
		{ "//two//slashes/", '5', .mode = 0700 },
		{ "./././dot", .data = "2" },
		{ "a/b/../c", .data = "3" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "/abs", "f 644 1" }, { "/two/slashes", "d 700" },
		{ "/dot", "f 644 2" }, { "/a/c", "f 644 3" },
		{ "/a/b", "-" },       { 0 },
	};

	play_tar(state, members, NULL, sights);
}

static void names_that_lead_out_are_refused(void **state)
{
	static const char *const names[] = {
		"..",   "../escaped", "/../escaped",
		"./..", "a/../..",    "a/../../tree/escaped"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct member file[] = { { names[i], .data = "x" }, { 0 } };
		const struct member dir[] = { { names[i], '5', .mode = 0777 }, { 0 } };
		const struct member link[] = { { "own", .data = "x" },
					       { "link", '1', .data = names[i] },
					       { 0 } };

		play_tar(state, file, "extract ", NULL);
		play_tar(state, dir, "extract ", NULL);
		play_tar(state, link, "extract ", NULL);
	}
}

static void links_lead_nowhere_but_into_the_tree(void **state)
{
	static const struct member members[] = {
		{ "up", '2', .data = "../../../.." },
		{ "up/inside", .data = "1" },
		{ "root", '2', .data = "/" },
		{ "root/root/too", .data = "2" },
		{ "to", '2', .data = "/outside" },
		{ "to", .data = "3" },
		{ "dangling", '2', .data = "/new/../new/dir" },
		{ "dangling/f", .data = "4" },
		{ "proc", '2', .data = "/proc/self/cwd" },
		{ "fd/x", .data = "5" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "/inside", "f 644 1" },    { "/too", "f 644 2" }, { "/to", "f 644 3" },
		{ "/new/dir/f", "f 644 4" }, { "/outside", "-" },   { 0 },
	};

	play_tar(state, members, NULL, sights);
}

static void hard_links_find_nothing_outside(void **state)
{
	static const char *const targets[] = { "outside", "/outside",   "up/outside",
					       "nothing", "file/below", "up/.." };

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const struct member members[] = { { "up", '2', .data = ".." },
						  { "file", .data = "x" },
						  { "dir/link", '1', .data = targets[i] },
						  { 0 } };
		char text[100];

		snprintf(text, sizeof(text), "%s %s", i < 5 ? "find" : "link dir/link to",
			 i < 5 ? (targets[i][0] == '/' ? targets[i] + 1 : targets[i])
			       : "/");
		play_tar(state, members, text, NULL);
	}
}

/* An open link is never written through: each time the link goes. */
static void the_last_component_is_never_followed(void **state)
{
	static const struct member members[] = {
		{ "file", .data = "kept", .mode = 0600 },
		{ "l", '2', .data = "file" },
		{ "l", .data = "new", .mode = 04755 },
		{ "d/in", .data = "kept" },
		{ "m", '2', .data = "d" },
		{ "m", '5', .mode = 0700 },
		{ "n", '2', .data = "d" },
		{ "n", .type = '6' },
		{ "o", '2', .data = "file" },
		{ "o", '1', .data = "d/in" },
		{ "p", '2', .data = "file" },
		{ "p", .type = '3' },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "file", "f 600 kept" },   { "l", "f 4755 new" }, { "d", "d 755" },
		{ "d/in", "f 644+2 kept" }, { "m", "d 700" },      { "n", "p 644" },
		{ "o", "f 644+2 kept" },    { "p", "-" },          { 0 },
	};

	play_tar(state, members, NULL, sights);
}

static void a_directory_that_became_a_link_keeps_its_mode_to_itself(void **state)
{
	static const struct member members[] = {
		{ "d", '5', .mode = 0755 }, { "x", '5', .mode = 0777, .mtime = 5 },
		{ "x", '2', .data = "d" },  { "y", '5', .mode = 07777 },
		{ "y", .data = "f" },       { "z/sub", '5', .mode = 07777 },
		{ "z", .data = "f" },       { 0 },
	};
	static const struct sight sights[] = { { "d", "d 755" },
					       { "x", "l d" },
					       { "y", "f 644 f" },
					       { "z", "f 644 f" },
					       { 0 } };

	play_tar(state, members, NULL, sights);
}

static void loops_of_links_end(void **state)
{
	static const struct member members[] = { { "a", '2', .data = "b" },
						 { "b", '2', .data = "a" },
						 { "a/x", .data = "x" },
						 { 0 } };

	play_tar(state, members, "open directory a", NULL);
}

static void a_file_is_no_directory(void **state)
{
	static const struct member members[] = { { "f", .data = "x" },
						 { "f/x", .data = "x" },
						 { 0 } };

	play_tar(state, members, "open directory f", NULL);
}

static void the_root_stays_a_directory(void **state)
{
	static const char types[] = "012346";

	for (size_t i = 0; types[i] != '\0'; i++) {
		const struct member members[] = { { "x", .data = "x" },
						  { ".", types[i], .data = "x" },
						  { 0 } };

		play_tar(state, members, "extract /: the root can only be a directory",
			 NULL);
	}
}

/* ---- too much ---------------------------------------------------------------------------- */

static char *repeated(const char *part, size_t times)
{
	char *text = calloc(times, strlen(part) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < times; i++)
		strcat(text, part);
	return text;
}

static void long_names_are_refused_and_longer_ones_too(void **state)
{
	char *component = repeated("n", 256);
	char *most = repeated("n", 255);
	char *path = repeated("d/", 2048);
	char *longest = repeated("d/", 2047);
	const struct member members[][2] = {
		{ { component, .data = "x" }, { 0 } },
		{ { path, '5', .mode = 0755 }, { 0 } },
		{ { most, .data = "x" }, { 0 } },
		{ { longest, '5', .mode = 0755 }, { 0 } },
	};

	play_tar(state, members[0], "make ...nnn", NULL);
	path[strlen(path) - 1] = 'd';
	play_tar(state, members[1], "extract ...", NULL);
	play_tar(state, members[2], NULL, NULL);
	play_tar(state, members[3], NULL, NULL);
	free(component);
	free(most);
	free(path);
	free(longest);
}

enum { STEPS = 12, STEP_DEPTH = 450 };

/*
 * "s1" leads to a deep directory, "s2" to one as deep within that, and so on: deeper than
 * PATH_MAX, and than there are descriptors.
 */
static struct member *deep_members(size_t *ret_count)
{
	static struct member members[3 * STEPS + 4];
	char *deep = repeated("d/", STEP_DEPTH);
	size_t count = 0;

	for (unsigned int i = 0; i < STEPS; i++) {
		const char *from = i == 0 ? "deep" : members[count - 1].name;
		struct member *member = &members[count];
		char *name = NULL;
		char *link = NULL;

		assert_true(asprintf(&name, "%s/%s", from, deep) > 0);
		assert_true(asprintf(&link, "s%u", i + 1) > 0);
		member[0] = (struct member){ .name = name, .type = '5', .mode = 0755 };
		member[1] = (struct member){ .name = link, .type = '2', .data = name };
		count += 2;
	}
	free(deep);
	*ret_count = count;
	return members;
}

static void trees_deeper_than_any_path_can_be_made_and_removed(void **state)
{
	static const struct sight sights[] = { { "deep", "f 644 x" }, { 0 } };
	size_t count;
	struct member *members = deep_members(&count);

	members[count++] = (struct member){ .name = "deep", .data = "x" };
	members[count] = (struct member){ 0 };
	play_tar(state, members, NULL, sights);
}

static void entries_and_what_they_need_are_limited(void **state)
{
	static const struct member implied[] = { { "a/b/c/d", .data = "x" }, { 0 } };
	static const struct member members[] = {
		{ "a", .data = "x" }, { "b", .data = "x" }, { "c", .data = "x" }, { 0 }
	};
	struct scene scene = {
		.options = { .limits = { .entries = 2 } },
		.layers = { members },
		.error = "extract the archive: it has more than 2 entries",
	};

	scene_play(state, &scene);
	scene.options.limits.entries = 3;
	scene.error = NULL;
	scene_play(state, &scene);
	scene.layers[0] = implied;
	scene.error = "extract the archive: it has more than 3 entries";
	scene_play(state, &scene);
}

static void bytes_are_limited(void **state)
{
	static const struct member members[] = { { "a", .data = "12345" },
						 { "b", .data = "12345" },
						 { 0 } };
	struct scene scene = {
		.options = { .limits = { .bytes = 9 } },
		.layers = { members },
		.error = "extract b: the files have more than 9 bytes",
	};

	scene_play(state, &scene);
	scene.options.limits.bytes = 10;
	scene.error = NULL;
	scene_play(state, &scene);
}

/* What is not compressed has a ratio below 1, and holes are no bytes. */
static void ratios_are_limited_beyond_a_good_amount(void **state)
{
	static const struct member much[] = { { "a", .repeat = 101 << 20 },
					      { "b", .repeat = 1 << 20 },
					      { 0 } };
	static const struct member hole[] = {
		{ "GNUSparseFile.0/sparse", .size = 512, .repeat = 512,
		  .pax = { { "GNU.sparse.name", "sparse", 0 },
			   { "GNU.sparse.size", "8000000000", 0 },
			   { "GNU.sparse.numblocks", "1", 0 },
			   { "GNU.sparse.map", "524288,512", 0 } } },
		{ 0 },
	};
	struct scene scene = {
		.options = { .limits = { .ratio = 1 } },
		.layers = { much },
	};

	scene_play(state, &scene);
	scene.layers[0] = hole;
	scene_play(state, &scene);
	scene.layers[0] = much;
	scene.options.limits.ratio = 0;
	scene.compressed = true;
	scene.error = "extract a: more than 1100 bytes come out of each byte of input";
	scene_play(state, &scene);
}

static void a_full_place_is_said(void **state)
{
	static const struct member members[] = { { "a", .repeat = 4 << 20 }, { 0 } };
	const struct scene scene = {
		.layers = { members },
		.memory = 2 << 20,
		.error = "write a",
	};

	scene_play(state, &scene);
}

/* ---- lies -------------------------------------------------------------------------------- */

static void a_size_that_is_a_lie_is_an_error(void **state)
{
	static const uint64_t sizes[] = { 2000, 077777777777 };

	for (size_t i = 0; i < 2; i++) {
		const struct member members[] = {
			{ "before", .data = "x" },
			{ "f", .data = "short", .size = sizes[i], .lies = true },
			{ 0 },
		};

		play_tar(state, members, "read the content of f: ", NULL);
	}
}

static void a_hole_that_no_file_can_have_is_an_error(void **state)
{
	static const struct member members[] = {
		{ "GNUSparseFile.0/sparse", .size = 512, .repeat = 512,
		  .pax = { { "GNU.sparse.name", "sparse", 0 },
			   { "GNU.sparse.size", "1024", 0 },
			   { "GNU.sparse.numblocks", "1", 0 },
			   { "GNU.sparse.map", "9000000000000000,512", 0 } } },
		{ 0 },
	};

	play_tar(state, members, "extract sparse: it is longer than the archive says",
		 NULL);
}

static void times_of_no_clock_are_taken_as_far_as_they_go(void **state)
{
	static const struct member members[] = {
		{ "a", .pax = { { "mtime", "9223372036854775807", 0 } } },
		{ "b", .pax = { { "mtime", "-9223372036854775807", 0 } } },
		{ "c", .pax = { { "mtime", "99999999999999999999.99999999999", 0 } } },
		{ "d", '5', .mode = 0755, .pax = { { "mtime", "-1e9", 0 } } },
		{ "e", '2', .data = "a", .pax = { { "mtime", "1.9999999999", 0 } } },
		{ 0 },
	};
	static const struct sight sights[] = { { "a", "f 644" }, { "b", "f 644" },
					       { "c", "f 644" }, { "d", "d 755" },
					       { "e", "l a" },   { 0 } };

	play_tar(state, members, NULL, sights);
}

static void hostile_whiteouts_remove_nothing_outside(void **state)
{
	static const struct member lower[] = { { "up", '2', .data = ".." },
					       { "sub/up", '2', .data = "../.." },
					       { "keep", .data = "k" },
					       { 0 } };
	static const struct member upper[] = { { .name = "up/.wh.outside" },
					       { .name = "sub/up/.wh.outside" },
					       { .name = "up/up/sub/up/.wh..wh..opq" },
					       { 0 } };
	static const struct sight sights[] = { { "keep", "-" }, { 0 } };
	const struct scene scene = {
		.options = { .whiteouts = true },
		.layers = { lower, upper },
		.sights = sights,
	};

	scene_play(state, &scene);
}

/* What a layer makes and hides again is gone through by recursion, so it has a bound. */
static void a_layer_that_hides_its_own_depths_is_refused(void **state)
{
	static const struct member lower[] = { { "x", .data = "x" }, { 0 } };
	char *deep = repeated("d/", 150);
	const struct member upper[] = { { deep, '5', .mode = 0755 },
					{ .name = ".wh.d" },
					{ 0 } };
	const struct scene scene = {
		.options = { .whiteouts = true },
		.layers = { lower, upper },
		.error = "hide what lower layers have: .wh.d",
	};

	scene_play(state, &scene);
	free(deep);
}

/* ---- pure parts -------------------------------------------------------------------------- */

static void keys_tell_paths_apart(void **state)
{
	static const unsigned char secret[PATH_KEY_SECRET] = "0123456789abcde";
	const uint64_t a = path_key(secret, PATH_KEY_ROOT, "a", 1);
	struct key_set set = { 0 };

	(void)state;
	assert_true(a != path_key(secret, PATH_KEY_ROOT, "b", 1));
	assert_true(a != path_key(secret, a, "a", 1));
	for (uint64_t i = 0; i < 10000; i++) {
		assert_int_equal(key_set_add(&set, i * 977 + 1), 1);
		assert_int_equal(key_set_add(&set, i * 977 + 1), 0);
	}
	assert_true(key_set_has(&set, 1));
	assert_true(key_set_has(&set, 977 * 9999 + 1));
	assert_false(key_set_has(&set, 2));
	key_set_free(&set);
	assert_false(key_set_has(&set, 1));
}

static void messages_show_the_end_of_long_paths(void **state)
{
	char *path = repeated("abcdefghij", 50);
	char buffer[SHOWN_MAX + 4];

	(void)state;
	assert_string_equal(extract_shown("", buffer), "/");
	assert_string_equal(extract_shown("usr", buffer), "usr");
	assert_int_equal(strlen(extract_shown(path, buffer)), SHOWN_MAX + 3);
	assert_memory_equal(buffer, "...abcdefghij", 13);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absolute_and_dotted_names_stay_inside),
		cmocka_unit_test(names_that_lead_out_are_refused),
		cmocka_unit_test(links_lead_nowhere_but_into_the_tree),
		cmocka_unit_test(hard_links_find_nothing_outside),
		cmocka_unit_test(the_last_component_is_never_followed),
		cmocka_unit_test(a_directory_that_became_a_link_keeps_its_mode_to_itself),
		cmocka_unit_test(loops_of_links_end),
		cmocka_unit_test(a_file_is_no_directory),
		cmocka_unit_test(the_root_stays_a_directory),
		cmocka_unit_test(long_names_are_refused_and_longer_ones_too),
		cmocka_unit_test(trees_deeper_than_any_path_can_be_made_and_removed),
		cmocka_unit_test(entries_and_what_they_need_are_limited),
		cmocka_unit_test(bytes_are_limited),
		cmocka_unit_test(ratios_are_limited_beyond_a_good_amount),
		cmocka_unit_test(a_full_place_is_said),
		cmocka_unit_test(a_size_that_is_a_lie_is_an_error),
		cmocka_unit_test(a_hole_that_no_file_can_have_is_an_error),
		cmocka_unit_test(times_of_no_clock_are_taken_as_far_as_they_go),
		cmocka_unit_test(hostile_whiteouts_remove_nothing_outside),
		cmocka_unit_test(a_layer_that_hides_its_own_depths_is_refused),
		cmocka_unit_test(keys_tell_paths_apart),
		cmocka_unit_test(messages_show_the_end_of_long_paths),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
