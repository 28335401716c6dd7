/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/cache.h"
#include "image/cache_parts.h"
#include "tests/unit/cached.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- where it lies --------------------------------------------------------------------- */

static void assert_refused(const char *text)
{
	struct cache cache = { .dir = -1 };
	struct arena arena = { 0 };
	struct error err;

	assert_int_equal(cache_open(&arena, &cache, &err), -1);
	assert_int_equal(cache.dir, -1);
	assert_int_equal(err.id, ERROR_CACHE);
	assert_non_null(strstr(err.text, text));
	assert_non_null(strstr(err.hint, "--no-cache"));
	arena_free(&arena);
}

static mode_t mode_of(const char *path)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	return info.st_mode & 07777;
}

static void all_directories_are_for_the_owner_alone(void **state)
{
	struct cached *cached = *state;

	assert_int_equal(mode_of(cached_path(cached, "")), 0700);
	assert_int_equal(mode_of(cached_path(cached, "..")), 0700);
	assert_int_equal(mode_of(cached_path(cached, "layers")), 0700);
	assert_int_equal(mode_of(cached_path(cached, "images")), 0700);
	assert_int_equal(mode_of(cached_path(cached, "files")), 0700);
	assert_int_equal(mode_of(cached_path(cached, "new")), 0700);
}

static void what_others_can_only_read_is_closed_to_them(void **state)
{
	struct cached *cached = *state;
	struct cache cache;
	struct error err;

	assert_int_equal(chmod(cached_path(cached, ""), 0755), 0);
	assert_int_equal(cache_open(&cached->arena, &cache, &err), 0);
	assert_int_equal(mode_of(cached_path(cached, "")), 0700);
	cache_close(&cache);
}

static void what_others_can_write_is_refused(void **state)
{
	static const char *const names[] = {
		"..", "", "layers", "images", "files", "new"
	};
	struct cached *cached = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(chmod(cached_path(cached, names[i]), 0720), 0);
		assert_refused("others can write to it");
		assert_int_equal(chmod(cached_path(cached, names[i]), 0702), 0);
		assert_refused("others can write to it");
		assert_int_equal(chmod(cached_path(cached, names[i]), 0700), 0);
	}
}

static void links_are_refused(void **state)
{
	static const char *const names[] = { "../../sbx", "", "layers", "new" };
	struct cached *cached = *state;
	char path[600], aside[600];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/sbx%s%s", cached->temporary->path,
			 i ? "/images/" : "", i ? names[i] : "");
		if (path[strlen(path) - 1] == '/')
			path[strlen(path) - 1] = '\0';
		snprintf(aside, sizeof(aside), "%s/aside", cached->temporary->path);
		assert_int_equal(rename(path, aside), 0);
		assert_int_equal(symlink(aside, path), 0);
		assert_refused("it is a link, or no directory");
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rename(aside, path), 0);
	}
}

static void what_belongs_to_somebody_else_is_refused(void **state)
{
	struct cached *cached = *state;

	if (geteuid() == 0)
		skip();
	/* Only root can give something away, so somebody else's has to be found. */
	assert_int_equal(rename(cached_path(cached, ".."), cached->temporary->path), -1);
	setenv("XDG_CACHE_HOME", "/proc/1", 1);
	assert_refused("/proc/1");
	setenv("XDG_CACHE_HOME", cached->temporary->path, 1);
}

static void a_relative_or_missing_place_is_an_error(void **state)
{
	struct cached *cached = *state;

	setenv("XDG_CACHE_HOME", "cache", 1);
	assert_refused("XDG_CACHE_HOME is not absolute: cache");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	assert_refused("neither XDG_CACHE_HOME nor HOME says where it is");
	setenv("HOME", cached->temporary->path, 1);
}

static void missing_parents_are_made(void **state)
{
	struct cached *cached = *state;
	struct cache cache;
	struct error err;

	setenv("HOME", cached->temporary->path, 1);
	unsetenv("XDG_CACHE_HOME");
	assert_int_equal(cache_open_existing(&cached->arena, &cache, &err), 0);
	assert_int_equal(cache_open(&cached->arena, &cache, &err), 0);
	cache_close(&cache);
	assert_int_equal(cache_open_existing(&cached->arena, &cache, &err), 1);
	assert_true(strstr(cache.path, "/.cache/sbx/images") != NULL);
	cache_close(&cache);
	setenv("XDG_CACHE_HOME",
	       arena_printf(&cached->arena, "%s/a/b/c", cached->temporary->path), 1);
	assert_int_equal(cache_open(&cached->arena, &cache, &err), 0);
	cache_close(&cache);
}

static void a_file_in_the_way_is_an_error(void **state)
{
	struct cached *cached = *state;

	setenv("XDG_CACHE_HOME", temporary_file(cached->temporary, "file", "", 0), 1);
	assert_refused("/file");
	setenv("XDG_CACHE_HOME",
	       arena_printf(&cached->arena, "%s/file/below", cached->temporary->path), 1);
	assert_refused("/file/below");
}

static void a_place_that_cannot_be_written_is_an_error(void **state)
{
	struct cached *cached = *state;
	struct cache_place place;
	struct error err;

	if (geteuid() == 0)
		skip();
	assert_int_equal(chmod(cached_path(cached, "new"), 0500), 0);
	assert_int_equal(cache_make_place(&cached->cache, &cached->arena, &place, &err),
			 -1);
	assert_int_equal(err.errnum, EACCES);
	assert_non_null(strstr(err.hint, "--no-cache"));
	assert_int_equal(chmod(cached_path(cached, "new"), 0700), 0);
}

/* ---- names ----------------------------------------------------------------------------- */

static void only_digests_are_keys_of_layers(void **state)
{
	struct cached *cached = *state;
	struct arena *arena = &cached->arena;

	assert_string_equal(
		cache_layer_key("sha256:0123456789abcdef0123456789abcdef0123456789abcdef"
				"0123456789abcdef",
				"f00", arena),
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-f00");
	assert_null(cache_layer_key("", "f00", arena));
	assert_null(cache_layer_key("sha256:../../../../../../etc", "f00", arena));
	assert_null(
		cache_layer_key("sha256:0123456789abcdef0123456789abcdef0123456789abcdef"
				"0123456789abcde/",
				"f00", arena));
	assert_null(
		cache_layer_key("sha512:0123456789abcdef0123456789abcdef0123456789abcdef"
				"0123456789abcdef",
				"f00", arena));
}

static void other_maps_have_other_names(void **state)
{
	struct cached *cached = *state;
	struct arena *arena = &cached->arena;
	const char *name = cache_map_name("0 1000 1\n", false, arena);

	assert_string_equal(name, cache_map_name("0 1000 1\n", false, arena));
	assert_string_not_equal(name, cache_map_name("0 1001 1\n", false, arena));
	assert_string_not_equal(name, cache_map_name("0 1000 1\n", true, arena));
	assert_int_equal(strlen(name), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cached_make, cached_remove)
		TEST(all_directories_are_for_the_owner_alone),
		TEST(what_others_can_only_read_is_closed_to_them),
		TEST(what_others_can_write_is_refused),
		TEST(links_are_refused),
		TEST(what_belongs_to_somebody_else_is_refused),
		TEST(a_relative_or_missing_place_is_an_error),
		TEST(missing_parents_are_made),
		TEST(a_file_in_the_way_is_an_error),
		TEST(a_place_that_cannot_be_written_is_an_error),
		TEST(only_digests_are_keys_of_layers),
		TEST(other_maps_have_other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
