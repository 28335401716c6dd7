/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer does to those below it, flattened into one tree and over an overlay. */
#include "tests/unit/extracting.h"

#include "base/fd.h"
#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

/* Plays the layers once in one tree, once with the first one below an overlay. */
static void play_layers(void **state, const struct member *lower,
			const struct member *upper, const struct sight *sights,
			void (*after)(const struct extracted *))
{
	struct scene scene = {
		.options = { .whiteouts = true },
		.layers = { lower, upper },
		.sights = sights,
		.after = after,
	};

	scene_play(state, &scene);
	scene.overlaid = true;
	scene_play(state, &scene);
}

/* Most tests begin with this. */
static const struct member base[] = {
	{ "etc", '5', .mode = 0750, .mtime = 100 },
	{ "etc/one", .data = "1" },
	{ "etc/two", .data = "2" },
	{ "etc/sub", '5', .mode = 0755, .mtime = 200 },
	{ "etc/sub/three", .data = "3" },
	{ "etc/sub/deep/four", .data = "4", .mtime = 300 },
	{ "link", '2', .data = "etc/sub" },
	{ "top", .data = "t" },
	{ 0 },
};

static void whiteouts_remove_what_is_below(void **state)
{
	static const struct member upper[] = {
		{ .name = "etc/.wh.one" },    { .name = "etc/.wh.sub" },
		{ .name = ".wh.link" },       { .name = ".wh.not-there" },
		{ .name = "no/where/.wh.x" }, { 0 },
	};
	static const struct sight sights[] = {
		{ "etc", "d 750" }, { "etc/one", "-" },     { "etc/two", "f 644 2" },
		{ "etc/sub", "-" }, { "link", "-" },        { "top", "f 644 t" },
		{ "no", "-" },      { "etc/.wh.one", "-" }, { 0 },
	};

	play_layers(state, base, upper, sights, NULL);
}

static void whiteouts_go_through_links_of_their_parents(void **state)
{
	static const struct member upper[] = { { .name = "link/.wh.three" },
					       { "link/new", .data = "n" },
					       { .name = "etc/sub/.wh..wh..opq" },
					       { 0 } };
	static const struct sight sights[] = {
		{ "link", "l etc/sub" },
		{ "etc/sub/three", "-" },
		{ "etc/sub/deep", "-" },
		{ "etc/sub/new", "f 644 n" },
		{ 0 },
	};

	play_layers(state, base, upper, sights, NULL);
}

/* OCI image layer specification: whiteouts hold for lower layers only, in any order. */
static void whiteouts_spare_their_own_layer(void **state)
{
	static const struct member upper[] = {
		{ "top", .data = "new" },     { .name = ".wh.top" },
		{ "etc/one", .data = "own" }, { "etc/sub/own/file", .data = "o" },
		{ .name = "etc/.wh.sub" },    { .name = "etc/.wh..wh..opq" },
		{ "etc/after", .data = "a" }, { 0 },
	};
	static const struct sight sights[] = {
		{ "top", "f 644 new" },
		{ "etc/one", "f 644 own" },
		{ "etc/two", "-" },
		{ "etc/sub", "d 755" },
		{ "etc/sub/three", "-" },
		{ "etc/sub/deep", "-" },
		{ "etc/sub/own/file", "f 644 o" },
		{ "etc/after", "f 644 a" },
		{ 0 },
	};

	play_layers(state, base, upper, sights, NULL);
}

static void an_opaque_root_hides_all_below(void **state)
{
	static const struct member upper[] = { { "etc/new", .data = "n" },
					       { .name = ".wh..wh..opq" },
					       { "late", .data = "l" },
					       { 0 } };
	static const struct sight sights[] = {
		{ "etc/new", "f 644 n" },
		{ "etc/one", "-" },
		{ "etc/sub", "-" },
		{ "link", "-" },
		{ "top", "-" },
		{ "late", "f 644 l" },
		{ 0 },
	};

	play_layers(state, base, upper, sights, NULL);
}

static void layers_replace_and_add(void **state)
{
	static const struct member upper[] = {
		{ "etc", '5', .mode = 0700 },
		{ "etc/one", '5', .mode = 0711 },
		{ "etc/one/in", .data = "i" },
		{ "etc/sub", .data = "file" },
		{ "link", '5', .mode = 0755 },
		{ "link/x", .data = "x" },
		{ "top", '2', .data = "etc" },
		{ "top/more", .data = "m" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "etc", "d 700" },          { "etc/two", "f 644 2" },
		{ "etc/one", "d 711" },      { "etc/one/in", "f 644 i" },
		{ "etc/sub", "f 644 file" }, { "link", "d 755" },
		{ "link/x", "f 644 x" },     { "top", "l etc" },
		{ "etc/more", "f 644 m" },   { 0 },
	};

	play_layers(state, base, upper, sights, NULL);
}

/* By what is written: an overlay may show another inode number for each name. */
static void look_at_links(const struct extracted *counts)
{
	auto_close int fd = open("again", O_WRONLY | O_TRUNC | O_CLOEXEC);

	(void)counts;
	expect(fd >= 0 && write(fd, "new", 3) == 3, "cannot write");
	expect(strcmp(look("etc/two"), "f 644+2 new") == 0, "they are two files");
}

static void hard_links_reach_into_lower_layers(void **state)
{
	static const struct member upper[] = { { "again", '1', .data = "etc/two" },
					       { "etc/one", '1', .data = "/link/three" },
					       { 0 } };
	static const struct sight sights[] = { { "again", "f 644+2 2" },
					       { "etc/one", "f 644+2 3" },
					       { 0 } };

	play_layers(state, base, upper, sights, look_at_links);
}

static void expect_time(const char *path, long long seconds)
{
	struct stat stat;

	expect(lstat(path, &stat) == 0, "%s is not there", path);
	expect(stat.st_mtim.tv_sec == seconds, "%s is of %d", path,
	       (int)stat.st_mtim.tv_sec);
}

static void look_at_times(const struct extracted *counts)
{
	(void)counts;
	expect_time("etc", 100);
	expect_time("etc/sub", 900);
	expect_time("etc/sub/deep", 300);
}

/* What runs sees no trace of when it was extracted. */
static void directories_keep_their_times_unless_told(void **state)
{
	static const struct member upper[] = {
		{ .name = "etc/.wh.one" },
		{ "etc/new", .data = "n" },
		{ "etc/sub/new", .data = "n" },
		{ "etc/sub", '5', .mode = 0755, .mtime = 900 },
		{ .name = "etc/sub/deep/.wh.four" },
		{ 0 }
	};

	play_layers(state, base, upper, NULL, look_at_times);
}

static void look_at_attributes(const struct extracted *counts)
{
	(void)counts;
	expect(getxattr("d", "user.old", NULL, 0) < 0, "the old attribute is there");
	expect(getxattr("d", "user.new", NULL, 0) == 1, "the new one is missing");
}

static void a_directory_told_again_has_the_new_attributes(void **state)
{
	static const struct member lower[] = {
		{ "d", '5', .mode = 0755,
		  .pax = { { "SCHILY.xattr.user.old", "1", 0 } } },
		{ 0 }
	};
	static const struct member upper[] = {
		{ "d", '5', .mode = 0755,
		  .pax = { { "SCHILY.xattr.user.new", "1", 0 } } },
		{ 0 }
	};

	play_layers(state, lower, upper, NULL, look_at_attributes);
}

static void the_notes_of_aufs_are_left_out(void **state)
{
	static const struct member upper[] = { { ".wh..wh.aufs", .mode = 0444 },
					       { ".wh..wh.plnk", '5', .mode = 0700 },
					       { ".wh..wh.plnk/1.2", .data = "x" },
					       { "new", .data = "n" },
					       { 0 } };
	static const struct sight sights[] = {
		{ ".wh..wh.aufs", "-" },
		{ ".wh..wh.plnk", "-" },
		{ "new", "f 644 n" },
		{ "top", "f 644 t" },
		{ 0 },
	};

	play_layers(state, base, upper, sights, NULL);
}

static void in_the_lowest_layer_whiteouts_hide_nothing(void **state)
{
	static const struct member only[] = { { "a", .data = "a" },
					      { .name = ".wh.a" },
					      { .name = ".wh..wh..opq" },
					      { 0 } };
	static const struct sight sights[] = { { "a", "f 644 a" },
					       { ".wh.a", "-" },
					       { 0 } };
	const struct scene scene = {
		.options = { .whiteouts = true },
		.layers = { only },
		.sights = sights,
	};

	scene_play(state, &scene);
}

static void a_tar_that_is_no_layer_has_names_like_whiteouts(void **state)
{
	static const struct member only[] = { { "a", .data = "a" },
					      { ".wh.a", .data = "x" },
					      { "d/.wh..wh..opq", .data = "x" },
					      { 0 } };
	static const struct sight sights[] = { { "a", "f 644 a" },
					       { ".wh.a", "f 644 x" },
					       { "d/.wh..wh..opq", "f 644 x" },
					       { 0 } };
	const struct scene scene = { .layers = { only }, .sights = sights };

	scene_play(state, &scene);
}

static void whiteouts_of_nothing_are_refused(void **state)
{
	static const char *const names[] = { ".wh.",       ".wh..",     ".wh...",
					     "etc/.wh...", ".wh.etc/x", "./.wh./" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct member upper[] = { { .name = names[i] }, { 0 } };
		const struct sight sights[] = { { "etc/one", "f 644 1" }, { 0 } };
		const struct scene scene = {
			.options = { .whiteouts = true },
			.layers = { base, upper },
			.sights = sights,
			.error = "extract ",
		};

		scene_play(state, &scene);
	}
}

static void a_layer_may_hide_many_files(void **state)
{
	enum { MANY = 3000 };
	static char names[MANY][16];
	static struct member lower[MANY + 1];
	static struct member upper[MANY / 2 + 2];
	const struct sight sights[] = {
		{ "d/0", "f 644 new" }, { "d/2", "f 644 new" },    { "d/1", "-" },
		{ "d/2999", "-" },      { "d/2998", "f 644 new" }, { 0 }
	};

	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "d/%zu", i);
		lower[i] = (struct member){ .name = names[i], .data = "old" };
		upper[i / 2] = (struct member){ .name = names[i / 2 * 2], .data = "new" };
	}
	upper[MANY / 2] = (struct member){ .name = "d/.wh..wh..opq" };
	play_layers(state, lower, upper, sights, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whiteouts_remove_what_is_below),
		cmocka_unit_test(whiteouts_go_through_links_of_their_parents),
		cmocka_unit_test(whiteouts_spare_their_own_layer),
		cmocka_unit_test(an_opaque_root_hides_all_below),
		cmocka_unit_test(layers_replace_and_add),
		cmocka_unit_test(hard_links_reach_into_lower_layers),
		cmocka_unit_test(directories_keep_their_times_unless_told),
		cmocka_unit_test(a_directory_told_again_has_the_new_attributes),
		cmocka_unit_test(the_notes_of_aufs_are_left_out),
		cmocka_unit_test(in_the_lowest_layer_whiteouts_hide_nothing),
		cmocka_unit_test(a_tar_that_is_no_layer_has_names_like_whiteouts),
		cmocka_unit_test(whiteouts_of_nothing_are_refused),
		cmocka_unit_test(a_layer_may_hide_many_files),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
