/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/cache.h"
#include "tests/unit/cached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t evict(struct cached *cached, uint64_t max, uint64_t max_age_s)
{
	struct error err;

	return cache_evict(&cached->cache, max, max_age_s, &err);
}

/* Three images of 100 bytes each, 3 being the last used. */
static void add_three(struct cached *cached)
{
	cached_add_layer(cached, 'a', 100);
	cached_add_layer(cached, 'b', 100);
	cached_add_layer(cached, 'c', 100);
	cached_add_image(cached, '1', "a", 300);
	cached_add_image(cached, '2', "b", 200);
	cached_add_image(cached, '3', "c", 100);
}

static void the_least_recently_used_goes_first(void **state)
{
	struct cached *cached = *state;

	add_three(cached);
	assert_int_equal(evict(cached, 300, 0), 0);
	assert_int_equal(evict(cached, 299, 0), 100);
	assert_false(cached_has_image(cached, '1'));
	assert_false(cached_has_layer(cached, 'a'));
	assert_true(cached_has_image(cached, '2'));
	assert_true(cached_has_layer(cached, 'c'));
	assert_int_equal(cached_count(cached, "new"), 1);
	assert_int_equal(evict(cached, 0, 0), 200);
	assert_int_equal(cached_count(cached, "layers"), 0);
	assert_int_equal(cached_count(cached, "images"), 0);
	assert_int_equal(cached_sweep(cached), 3);
	assert_int_equal(cached_count(cached, "new"), 0);
}

static void age_counts_from_the_last_use(void **state)
{
	struct cached *cached = *state;

	add_three(cached);
	assert_int_equal(evict(cached, UINT64_MAX, 250), 100);
	assert_false(cached_has_image(cached, '1'));
	assert_true(cached_has_image(cached, '2'));
	assert_int_equal(evict(cached, UINT64_MAX, 1000), 0);
}

static void what_a_run_holds_stays(void **state)
{
	struct cached *cached = *state;
	auto_close int lock = -1;
	const char *path;
	struct error err;

	add_three(cached);
	assert_int_equal(cache_take_layer(&cached->cache, cached_key(cached, 'a'),
					  &cached->arena, &lock, &path, &err),
			 1);
	assert_int_equal(evict(cached, 100, 0), 200);
	assert_true(cached_has_image(cached, '1'));
	assert_true(cached_has_layer(cached, 'a'));
	fd_close(&lock);
	assert_int_equal(evict(cached, 0, 0), 100);
}

static void what_another_image_has_stays(void **state)
{
	struct cached *cached = *state;

	cached_add_layer(cached, 'a', 100);
	cached_add_layer(cached, 'b', 10);
	cached_add_layer(cached, 'c', 1);
	cached_add_image(cached, '1', "ab", 300);
	cached_add_image(cached, '2', "ac", 200);
	assert_int_equal(evict(cached, 101, 0), 10);
	assert_false(cached_has_image(cached, '1'));
	assert_false(cached_has_layer(cached, 'b'));
	assert_true(cached_has_layer(cached, 'a'));
	assert_int_equal(evict(cached, 0, 0), 101);
}

static void a_run_of_one_image_keeps_shared_layers_of_it(void **state)
{
	struct cached *cached = *state;
	auto_close int low = -1, high = -1;
	const char *path;
	struct error err;

	cached_add_layer(cached, 'a', 100);
	cached_add_layer(cached, 'b', 10);
	cached_add_image(cached, '1', "a", 300);
	cached_add_image(cached, '2', "ab", 200);
	assert_int_equal(cache_take_layer(&cached->cache, cached_key(cached, 'a'),
					  &cached->arena, &low, &path, &err),
			 1);
	assert_int_equal(cache_take_layer(&cached->cache, cached_key(cached, 'b'),
					  &cached->arena, &high, &path, &err),
			 1);
	assert_int_equal(evict(cached, 0, 0), 0);
	assert_true(cached_has_image(cached, '2'));
	assert_true(cached_has_layer(cached, 'a'));
}

static void layers_that_no_image_has_go_unless_one_is_being_made(void **state)
{
	struct cached *cached = *state;
	auto_close int lock = cached_publish(cached, 'a', 100);

	assert_true(lock >= 0);
	assert_int_equal(evict(cached, UINT64_MAX, 0), 0);
	assert_true(cached_has_layer(cached, 'a'));
	fd_close(&lock);
	assert_int_equal(evict(cached, UINT64_MAX, 0), 100);
	assert_false(cached_has_layer(cached, 'a'));
}

static void an_image_without_all_its_layers_goes(void **state)
{
	struct cached *cached = *state;

	cached_add_layer(cached, 'a', 100);
	cached_add_image(cached, '1', "ab", 1);
	assert_int_equal(evict(cached, UINT64_MAX, 0), 100);
	assert_false(cached_has_image(cached, '1'));
}

static void a_dry_run_says_the_same_and_changes_nothing(void **state)
{
	struct cached *cached = *state;
	struct cache_wish wish = { .max = 150, .dry_run = true };
	struct cache_freed dry, real;
	struct error err;

	add_three(cached);
	cached_add_layer(cached, 'd', 7);
	assert_int_equal(cache_collect(&cached->cache, &wish, &cached->arena, &dry, &err),
			 0);
	assert_int_equal(cached_count(cached, "layers"), 4);
	assert_int_equal(cached_count(cached, "images"), 3);
	assert_int_equal(cached_count(cached, "new"), 0);
	wish.dry_run = false;
	assert_int_equal(
		cache_collect(&cached->cache, &wish, &cached->arena, &real, &err), 0);
	assert_int_equal(dry.bytes, 207);
	assert_int_equal(real.bytes, 207);
	assert_int_equal(dry.record_count, 2);
	assert_int_equal(real.record_count, 2);
	assert_int_equal(dry.layer_count, 3);
	assert_int_equal(real.layer_count, 3);
	assert_string_equal(real.records[0].id, cached_digest(cached, '1'));
}

static void all_means_empty_images_too(void **state)
{
	struct cached *cached = *state;
	const struct cache_wish wish = { .max = UINT64_MAX, .all = true };
	struct cache_freed freed;
	struct error err;

	cached_add_layer(cached, 'a', 0);
	cached_add_image(cached, '1', "a", 1);
	cached_add_image(cached, '2', "", 1);
	assert_int_equal(
		cache_collect(&cached->cache, &wish, &cached->arena, &freed, &err), 0);
	assert_int_equal(cached_count(cached, "images"), 0);
	assert_int_equal(cached_count(cached, "layers"), 0);
}

/* What a process leaves that was killed while it evicted. */
static void an_eviction_that_was_cut_short_is_finished_by_the_next(void **state)
{
	struct cached *cached = *state;

	add_three(cached);
	/* Killed behind the record, before its layer. */
	assert_int_equal(unlinkat(cached->cache.dir,
				  arena_printf(&cached->arena, "images/%s.json",
					       cached_key(cached, '2')),
				  0),
			 0);
	/* Killed behind the rename of a layer. */
	assert_int_equal(renameat(cached->cache.dir,
				  arena_printf(&cached->arena, "layers/%s",
					       cached_key(cached, 'c')),
				  cached->cache.dir, "new/0123456789abcdef"),
			 0);
	assert_int_equal(evict(cached, UINT64_MAX, 0), 100);
	assert_false(cached_has_layer(cached, 'b'));
	assert_true(cached_has_layer(cached, 'a'));
	assert_true(cached_has_image(cached, '1'));
	assert_int_equal(cached_sweep(cached), 2);
	assert_int_equal(cached_count(cached, "new"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cached_make, cached_remove)
		TEST(the_least_recently_used_goes_first),
		TEST(age_counts_from_the_last_use),
		TEST(what_a_run_holds_stays),
		TEST(what_another_image_has_stays),
		TEST(a_run_of_one_image_keeps_shared_layers_of_it),
		TEST(layers_that_no_image_has_go_unless_one_is_being_made),
		TEST(an_image_without_all_its_layers_goes),
		TEST(a_dry_run_says_the_same_and_changes_nothing),
		TEST(all_means_empty_images_too),
		TEST(an_eviction_that_was_cut_short_is_finished_by_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
