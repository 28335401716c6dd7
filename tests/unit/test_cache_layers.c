/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "image/cache.h"
#include "tests/unit/cached.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	WORKERS = 8,
	ROUNDS = 20,
};

/* 1: taken, and let go again; else as cache_take_layer(). */
static int take(struct cached *cached, char digit)
{
	auto_close int lock = -1;
	const char *path;
	struct error err;

	return cache_take_layer(&cached->cache, cached_key(cached, digit), &cached->arena,
				&lock, &path, &err);
}

static struct cache_place make_place(struct cached *cached)
{
	struct cache_place place;
	struct error err;

	assert_int_equal(cache_make_place(&cached->cache, &cached->arena, &place, &err),
			 0);
	return place;
}

static void put(const char *directory, const char *name)
{
	char path[700];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void a_layer_is_taken_after_it_was_published(void **state)
{
	struct cached *cached = *state;
	struct cache_place place = make_place(cached);
	auto_close int lock = -1, again = -1;
	const char *path, *same;
	struct error err;

	assert_int_equal(take(cached, 'a'), 0);
	put(place.path, "file");
	assert_int_equal(cache_publish_layer(&cached->cache, &place,
					     cached_key(cached, 'a'), 5, &cached->arena,
					     &lock, &path, &err),
			 0);
	assert_int_equal(place.lock, -1);
	assert_int_equal(cache_take_layer(&cached->cache, cached_key(cached, 'a'),
					  &cached->arena, &again, &same, &err),
			 1);
	assert_string_equal(path, same);
	assert_true(path[0] == '/');
	assert_true(cached_has_layer(cached, 'a'));
	assert_int_equal(cached_count(cached, "new"), 0);
}

static void the_root_of_a_place_is_open_whatever_the_umask(void **state)
{
	const mode_t before = umask(077);
	struct cached *cached = *state;
	struct cache_place place = make_place(cached);
	struct stat info;

	umask(before);
	assert_int_equal(stat(place.path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0755);
	cache_drop_place(&cached->cache, &place);
	assert_int_equal(cached_count(cached, "new"), 0);
}

static void the_faster_of_two_wins_and_both_have_the_layer(void **state)
{
	struct cached *cached = *state;
	struct cache_place slow = make_place(cached);
	auto_close int fast = cached_publish(cached, 'a', 1), lock = -1;
	const char *path;
	struct error err;

	assert_true(fast >= 0);
	put(slow.path, "another");
	assert_int_equal(cache_publish_layer(&cached->cache, &slow,
					     cached_key(cached, 'a'), 1, &cached->arena,
					     &lock, &path, &err),
			 0);
	assert_true(lock >= 0);
	assert_true(cached_has_layer(cached, 'a'));
	assert_int_equal(cached_count(cached, "layers"), 1);
	assert_int_equal(cached_sweep(cached), 1);
	assert_int_equal(cached_count(cached, "new"), 0);
}

static void a_layer_that_cannot_be_taken_is_replaced_by_the_place_itself(void **state)
{
	struct cached *cached = *state;
	struct cache_place place = make_place(cached);
	char expected[600];
	auto_close int lock = -1;
	const char *path;
	struct error err;
	int other;

	cached_add_layer(cached, 'a', 1);
	snprintf(expected, sizeof(expected), "%s", place.path);
	other = open(cached_path(cached, arena_printf(&cached->arena, "layers/%s/lock",
						      cached_key(cached, 'a'))),
		     O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_int_equal(cache_publish_layer(&cached->cache, &place,
					     cached_key(cached, 'a'), 1, &cached->arena,
					     &lock, &path, &err),
			 0);
	assert_string_equal(path, expected);
	assert_int_equal(cached_sweep(cached), 0);
	close(other);
	fd_close(&lock);
	assert_int_equal(cached_sweep(cached), 0);
	assert_int_equal(cached_count(cached, "new"), 0);
	assert_true(cached_has_layer(cached, 'a'));
}

static void without_a_key_nothing_is_kept(void **state)
{
	struct cached *cached = *state;
	struct cache_place place = make_place(cached);
	auto_close int lock = -1;
	const char *path;
	struct error err;

	assert_int_equal(cache_take_layer(&cached->cache, NULL, &cached->arena, &lock,
					  &path, &err),
			 0);
	assert_int_equal(cache_publish_layer(&cached->cache, &place, NULL, 1,
					     &cached->arena, &lock, &path, &err),
			 0);
	assert_true(lock >= 0);
	fd_close(&lock);
	cached_sweep(cached);
	assert_int_equal(cached_count(cached, "new"), 0);
	assert_int_equal(cached_count(cached, "layers"), 0);
}

static void what_overlayfs_leaves_of_its_work_is_removed(void **state)
{
	struct cached *cached = *state;
	struct cache_place place = make_place(cached);
	const char *work = arena_printf(&cached->arena, "%s/../work", place.path);
	auto_close int lock = -1;
	const char *path;
	struct error err;

	assert_int_equal(mkdir(work, 0700), 0);
	assert_int_equal(mkdir(arena_printf(&cached->arena, "%s/work", work), 0), 0);
	assert_int_equal(cache_publish_layer(&cached->cache, &place,
					     cached_key(cached, 'a'), 1, &cached->arena,
					     &lock, &path, &err),
			 0);
	assert_int_equal(access(arena_printf(&cached->arena, "%s/../work", path), F_OK),
			 -1);
}

static void a_read_only_cache_still_serves(void **state)
{
	struct cached *cached = *state;
	const char *layer =
		arena_printf(&cached->arena, "layers/%s", cached_key(cached, 'a'));
	const char *lock = arena_printf(&cached->arena, "%s/lock", layer);

	if (geteuid() == 0)
		skip();
	cached_add_layer(cached, 'a', 1);
	assert_int_equal(fchmodat(cached->cache.dir, lock, 0400, 0), 0);
	assert_int_equal(fchmodat(cached->cache.dir, layer, 0500, 0), 0);
	assert_int_equal(take(cached, 'a'), 1);
	assert_int_equal(fchmodat(cached->cache.dir, layer, 0700, 0), 0);
}

/* ---- after a loss of power --------------------------------------------------------------- */

static const char *layer_file(struct cached *cached, const char *name)
{
	return arena_printf(&cached->arena, "layers/%s/%s", cached_key(cached, 'a'),
			    name);
}

/* As if the machine had been started anew since layer a was made. */
static void boot_anew(struct cached *cached, const char *description)
{
	assert_int_equal(files_replace(cached->cache.dir,
				       layer_file(cached, "layer.json"), description,
				       strlen(description), 0600),
			 0);
}

static const char *const *find_unsynced(struct cached *cached)
{
	const char *root = cached_path(cached, layer_file(cached, "root"));

	root = arena_strdup(&cached->arena, root);
	return cache_unsynced(&root, 1, &cached->arena);
}

static void a_layer_of_this_boot_is_to_be_synced_and_then_is(void **state)
{
	struct cached *cached = *state;
	const char *const *unsynced;

	cached_add_layer(cached, 'a', 1);
	unsynced = find_unsynced(cached);
	assert_non_null(unsynced);
	assert_null(unsynced[1]);
	assert_int_equal(cache_sync(unsynced), 0);
	assert_null(find_unsynced(cached));
	assert_true(cached_has(cached, layer_file(cached, "synced")));
	assert_int_equal(take(cached, 'a'), 1);
}

static void a_layer_of_another_boot_is_trash(void **state)
{
	static const char *const descriptions[] = {
		"{\"version\": 1, \"bytes\": 1, \"boot\": \"another\"}",
		"{\"version\": 1, \"bytes\": 1, \"boot\": \"\"}",
		"{\"version\": 1, \"bytes\": 1}",
		"",
	};
	struct cached *cached = *state;

	for (size_t i = 0; i < sizeof(descriptions) / sizeof(*descriptions); i++) {
		cached_add_layer(cached, 'a', 1);
		boot_anew(cached, descriptions[i]);
		assert_int_equal(take(cached, 'a'), 0);
		assert_false(cached_has_layer(cached, 'a'));
		assert_int_equal(cached_sweep(cached), 1);
		assert_int_equal(cached_count(cached, "new"), 0);
	}
	cached_add_layer(cached, 'a', 1);
	assert_int_equal(take(cached, 'a'), 1);
}

static void a_synced_layer_of_another_boot_is_taken(void **state)
{
	struct cached *cached = *state;

	cached_add_layer(cached, 'a', 1);
	assert_int_equal(cache_sync(find_unsynced(cached)), 0);
	boot_anew(cached, "");
	assert_int_equal(take(cached, 'a'), 1);
	assert_true(cached_has_layer(cached, 'a'));
}

static void what_another_process_syncs_is_left_to_it(void **state)
{
	struct cached *cached = *state;
	const char *const *unsynced;
	auto_close int other = -1;

	cached_add_layer(cached, 'a', 1);
	unsynced = find_unsynced(cached);
	other = open(unsynced[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_int_equal(cache_sync(unsynced), -1);
	assert_non_null(find_unsynced(cached));
}

static void a_layer_of_another_boot_that_somebody_holds_is_left_alone(void **state)
{
	struct cached *cached = *state;
	auto_close int lock = cached_publish(cached, 'a', 1);

	boot_anew(cached, "");
	assert_int_equal(take(cached, 'a'), 0);
	assert_true(cached_has_layer(cached, 'a'));
	fd_close(&lock);
	assert_int_equal(take(cached, 'a'), 0);
	assert_false(cached_has_layer(cached, 'a'));
}

static void images_whose_layers_may_be_spoiled_go_first(void **state)
{
	struct cached *cached = *state;
	struct error err;

	cached_add_layer(cached, 'a', 5);
	cached_add_layer(cached, 'b', 7);
	cached_add_image(cached, '1', "a", 1);
	cached_add_image(cached, '2', "b", 9);
	boot_anew(cached, "{\"version\": 1, \"bytes\": 5, \"boot\": \"another\"}");
	assert_int_equal(cache_evict(&cached->cache, 100, 0, &err), 5);
	assert_false(cached_has_layer(cached, 'a'));
	assert_false(cached_has_image(cached, '1'));
	assert_true(cached_has_image(cached, '2'));
}

/* ---- what was left behind -------------------------------------------------------------- */

/*
 * Each state in which a process can be killed while it makes or removes a layer: the shell
 * words make it below new/ or layers/.
 */
static void whatever_a_killed_process_leaves_is_never_seen_and_goes(void **state)
{
	static const char *const scenes[] = {
		"mkdir new/1",
		"mkdir new/1; : >new/1/lock",
		"mkdir -p new/1/root; : >new/1/lock",
		"mkdir -p new/1/root/a/b; : >new/1/lock; : >new/1/root/a/b/c",
		"mkdir -p new/1/root/a new/1/work/work; chmod 0 new/1/work/work; : >new/1/lock",
		"mkdir -p new/1/root/a; : >new/1/lock; echo '{' >new/1/layer.json.0000",
		"mkdir -p new/1/root/a; : >new/1/lock; echo '{}' >new/1/layer.json",
		"mkdir -p new/1/root/a; echo '{}' >new/1/layer.json",
		"mkdir -p new/1/root/a/b/c",
		": >new/1",
		"ln -s /etc new/1",
		"mkdir -p new/1/root; ln -s /etc new/1/lock",
	};
	struct cached *cached = *state;

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		const char *script = arena_printf(&cached->arena, "cd '%s'; %s",
						  cached->cache.path, scenes[i]);

		assert_int_equal(system(script), 0); /* NOLINT(cert-env33-c) */
		assert_int_equal(take(cached, '1'), 0);
		cached_sweep(cached);
		if (cached_count(cached, "new") != 0)
			fail_msg("something is left of: %s", scenes[i]);
	}
}

static void a_layer_that_is_not_whole_is_not_there(void **state)
{
	struct cached *cached = *state;
	const char *layer =
		arena_printf(&cached->arena, "layers/%s", cached_key(cached, 'a'));

	assert_int_equal(mkdirat(cached->cache.dir, layer, 0700), 0);
	assert_int_equal(take(cached, 'a'), 0);
	put(cached_path(cached, layer), "lock");
	assert_int_equal(take(cached, 'a'), 0);
	assert_int_equal(symlinkat("/etc", cached->cache.dir,
				   arena_printf(&cached->arena, "%s/root", layer)),
			 0);
	assert_int_equal(take(cached, 'a'), 0);
}

static void a_place_in_use_is_no_trash(void **state)
{
	struct cached *cached = *state;
	struct cache_place place = make_place(cached);

	put(place.path, "file");
	assert_int_equal(cached_sweep(cached), 0);
	fd_close(&place.lock);
	assert_int_equal(cached_sweep(cached), 1);
	assert_int_equal(cached_count(cached, "new"), 0);
}

static void a_tree_that_is_being_removed_is_nobody_elses(void **state)
{
	struct cached *cached = *state;
	struct cache_place place = make_place(cached);
	auto_close int first = -1, second = -1;

	put(place.path, "file");
	fd_close(&place.lock);
	assert_non_null(cache_next_trash(&cached->cache, &cached->arena, &first));
	assert_null(cache_next_trash(&cached->cache, &cached->arena, &second));
}

/* ---- several at once ------------------------------------------------------------------- */

static _Noreturn void publish_and_evict(struct cached *cached, unsigned int seed)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const char digit = "abc"[(i + seed) % 3];
		auto_close int lock = -1;
		const char *path;
		struct error err;
		int taken = cache_take_layer(&cached->cache, cached_key(cached, digit),
					     &cached->arena, &lock, &path, &err);

		if (taken < 0)
			_exit(1);
		if (taken == 0) {
			lock = cached_publish(cached, digit, 1);
			if (lock < 0)
				_exit(2);
		} else if (access(arena_printf(&cached->arena, "%s/file", path), F_OK)) {
			_exit(3); /* it is whole, and stays while it is held */
		}
		if (i % 4 == 0 && cache_evict(&cached->cache, 0, 0, &err) < 0)
			_exit(4);
		if (taken == 1 && access(path, F_OK) < 0)
			_exit(5);
	}
	_exit(0);
}

static void many_processes_publish_take_and_evict_at_once(void **state)
{
	struct cached *cached = *state;
	pid_t workers[WORKERS];
	struct error err;

	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		assert_true(workers[i] >= 0);
		if (workers[i] == 0)
			publish_and_evict(cached, i);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		int status;

		assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
		assert_int_equal(status, 0);
	}
	assert_true(cache_evict(&cached->cache, 0, 0, &err) >= 0);
	cached_sweep(cached);
	assert_int_equal(cached_count(cached, "new"), 0);
	assert_int_equal(cached_count(cached, "layers"), 0);
}

static _Noreturn void publish_for_ever(struct cached *cached)
{
	for (;;)
		publish_and_evict(cached, 0);
}

static void killed_at_any_instant_nothing_half_made_is_seen(void **state)
{
	struct cached *cached = *state;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		pid_t worker = fork();

		assert_true(worker >= 0);
		if (worker == 0)
			publish_for_ever(cached);
		usleep((i * 7919U) % 4000U);
		kill(worker, SIGKILL);
		assert_int_equal(waitpid(worker, NULL, 0), worker);
		for (const char *digit = "abc"; *digit; digit++)
			if (take(cached, *digit) == 1)
				assert_true(cached_has_layer(cached, *digit));
		cached_sweep(cached);
		assert_int_equal(cached_count(cached, "new"), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cached_make, cached_remove)
		TEST(a_layer_is_taken_after_it_was_published),
		TEST(the_root_of_a_place_is_open_whatever_the_umask),
		TEST(the_faster_of_two_wins_and_both_have_the_layer),
		TEST(a_layer_that_cannot_be_taken_is_replaced_by_the_place_itself),
		TEST(without_a_key_nothing_is_kept),
		TEST(what_overlayfs_leaves_of_its_work_is_removed),
		TEST(a_read_only_cache_still_serves),
		TEST(a_layer_of_this_boot_is_to_be_synced_and_then_is),
		TEST(a_layer_of_another_boot_is_trash),
		TEST(a_synced_layer_of_another_boot_is_taken),
		TEST(what_another_process_syncs_is_left_to_it),
		TEST(a_layer_of_another_boot_that_somebody_holds_is_left_alone),
		TEST(images_whose_layers_may_be_spoiled_go_first),
		TEST(whatever_a_killed_process_leaves_is_never_seen_and_goes),
		TEST(a_layer_that_is_not_whole_is_not_there),
		TEST(a_place_in_use_is_no_trash),
		TEST(a_tree_that_is_being_removed_is_nobody_elses),
		TEST(many_processes_publish_take_and_evict_at_once),
		TEST(killed_at_any_instant_nothing_half_made_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
