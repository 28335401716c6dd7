/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/cache.h"
#include "tests/unit/cached.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char map[] = "0123456789abcdef";
static const char other_map[] = "fedcba9876543210";

/* As it was before it was read: changed long ago. */
static struct stat some_file(void)
{
	const time_t long_ago = time(NULL) - 100;

	return (struct stat){
		.st_dev = 7,
		.st_ino = 4711,
		.st_size = 1234,
		.st_mtim = { .tv_sec = long_ago, .tv_nsec = 1 },
		.st_ctim = { .tv_sec = long_ago, .tv_nsec = 2 },
	};
}

static struct cache_record some_record(struct cached *cached)
{
	static const char *const none[] = { NULL };
	static const char *const env[] = { "PATH=/bin", "ODD=\xff\n",
					   "ODDER=\xef\x9f\xbf", NULL };
	static const char *keys[1];

	keys[0] = cached_key(cached, 'a');
	return (struct cache_record){
		.id = cached_digest(cached, '1'),
		.source = "/srv/\xff \xef\x9e\x80.tar",
		.signer = "key",
		.map = map,
		.config = { .kind = "oci",
			    .entrypoint = none,
			    .command = none,
			    .env = env,
			    .volumes = none,
			    .labels = none,
			    .chains = none },
		.keys = keys,
		.key_count = 1,
		.bytes = UINT64_MAX,
		.entries = 17,
		.made = 1700000000,
	};
}

static int find(struct cached *cached, const struct stat *file, const char *tag,
		const char *with_map)
{
	struct cache_record record;
	struct error err;

	return cache_find_file(&cached->cache, file, tag, with_map, &cached->arena,
			       &record, &err);
}

static void publish(struct cached *cached, const struct stat *file, const char *tag)
{
	const struct cache_record record = some_record(cached);
	struct error err;

	assert_int_equal(cache_publish_image(&cached->cache, &record, file, tag, &err),
			 0);
}

static void a_file_is_known_again_with_all_that_was_said(void **state)
{
	struct cached *cached = *state;
	const struct stat file = some_file();
	struct cache_record found;
	struct error err;

	assert_int_equal(find(cached, &file, NULL, map), 0);
	publish(cached, &file, NULL);
	assert_int_equal(cache_find_file(&cached->cache, &file, NULL, map, &cached->arena,
					 &found, &err),
			 1);
	assert_string_equal(found.id, cached_digest(cached, '1'));
	assert_string_equal(found.source, "/srv/\xff \xef\x9e\x80.tar");
	assert_string_equal(found.signer, "key");
	assert_string_equal(found.map, map);
	assert_null(found.tag);
	assert_string_equal(found.config.env[1], "ODD=\xff\n");
	assert_string_equal(found.config.env[2], "ODDER=\xef\x9f\xbf");
	assert_int_equal(found.key_count, 1);
	assert_string_equal(found.keys[0], cached_key(cached, 'a'));
	assert_true(found.bytes == UINT64_MAX);
	assert_int_equal(found.entries, 17);
	assert_int_equal(found.made, 1700000000);
	assert_true(found.used <= time(NULL) && found.used + 10 > time(NULL));
}

static void any_change_of_the_file_makes_it_unknown(void **state)
{
	struct cached *cached = *state;
	const struct stat file = some_file();
	struct stat changed[7];

	publish(cached, &file, NULL);
	for (size_t i = 0; i < 7; i++)
		changed[i] = file;
	changed[0].st_dev++;
	changed[1].st_ino++;
	changed[2].st_size++;
	changed[3].st_mtim.tv_sec++;
	changed[4].st_mtim.tv_nsec++;
	changed[5].st_ctim.tv_sec++;
	changed[6].st_ctim.tv_nsec++;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(find(cached, &changed[i], NULL, map), 0);
	assert_int_equal(find(cached, &file, NULL, other_map), 0);
	assert_int_equal(find(cached, &file, "tag", map), 0);
	assert_int_equal(find(cached, &file, NULL, map), 1);
}

static void images_of_one_file_are_told_apart_by_their_tags(void **state)
{
	struct cached *cached = *state;
	const struct stat file = some_file();

	publish(cached, &file, "one");
	assert_int_equal(find(cached, &file, "one", map), 1);
	assert_int_equal(find(cached, &file, "two", map), 0);
	assert_int_equal(find(cached, &file, NULL, map), 0);
	publish(cached, &file, "two");
	assert_int_equal(find(cached, &file, "one", map), 1);
	assert_int_equal(find(cached, &file, "two", map), 1);
	assert_int_equal(cached_count(cached, "images"), 2);
}

static void a_file_that_was_just_changed_is_not_believed(void **state)
{
	struct cached *cached = *state;
	struct stat file = some_file(), old = some_file();

	file.st_ctim.tv_sec = time(NULL);
	publish(cached, &file, NULL);
	assert_int_equal(cached_count(cached, "files"), 0);
	assert_int_equal(cached_count(cached, "images"), 1);
	/* Also where its times say so only now: after it was set into the future. */
	file.st_ctim.tv_sec = time(NULL) + 1000;
	publish(cached, &file, NULL);
	assert_int_equal(find(cached, &file, NULL, map), 0);
	publish(cached, &old, NULL);
	assert_int_equal(find(cached, &old, NULL, map), 1);
}

static void a_file_written_anew_has_one_note(void **state)
{
	struct cached *cached = *state;
	struct stat file = some_file();

	publish(cached, &file, NULL);
	file.st_mtim.tv_sec++;
	publish(cached, &file, NULL);
	assert_int_equal(cached_count(cached, "files"), 1);
	assert_int_equal(find(cached, &file, NULL, map), 1);
}

static void touching_makes_it_the_last_used(void **state)
{
	struct cached *cached = *state;
	struct cache_record *records;
	uint64_t bytes;
	size_t count;
	struct error err;

	cached_add_image(cached, '1', "", 100);
	cached_add_image(cached, '2', "", 200);
	cached_add_image(cached, '3', "", 50);
	assert_int_equal(cache_list(&cached->cache, &cached->arena, &records, &count,
				    &bytes, &err),
			 0);
	assert_int_equal(count, 3);
	assert_string_equal(records[0].id, cached_digest(cached, '3'));
	assert_string_equal(records[2].id, cached_digest(cached, '2'));
	cache_touch(&cached->cache, &records[2]);
	assert_int_equal(cache_list(&cached->cache, &cached->arena, &records, &count,
				    &bytes, &err),
			 0);
	assert_string_equal(records[0].id, cached_digest(cached, '2'));
}

static void layers_that_images_share_are_counted_once(void **state)
{
	struct cached *cached = *state;
	struct cache_record *records;
	uint64_t bytes;
	size_t count;
	struct error err;

	cached_add_layer(cached, 'a', 100);
	cached_add_layer(cached, 'b', 20);
	cached_add_layer(cached, 'c', 3);
	cached_add_image(cached, '1', "ab", 1);
	cached_add_image(cached, '2', "ac", 1);
	assert_int_equal(cache_list(&cached->cache, &cached->arena, &records, &count,
				    &bytes, &err),
			 0);
	assert_int_equal(count, 2);
	assert_int_equal(bytes, 123);
	assert_int_equal(records[0].bytes + records[1].bytes, 223);
}

/* ---- texts that are none of ours ------------------------------------------------------- */

static void write_text(struct cached *cached, const char *name, const char *text)
{
	auto_close int fd = openat(cached->cache.dir, name,
				   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void records_that_cannot_be_read_are_not_there_and_go(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"version\":1}",
		"{\"version\":2,\"id\":\"x\"}",
		"{\"version\":1,\"id\":7}",
		"{\"version\":1,\"id\":\"../../x\",\"map\":\"m\",\"source\":\"/\",\"bytes\":1,"
		"\"entries\":1,\"made\":1,\"keys\":[],\"config\":{}}",
		"{\"version\":1,\"id\":\"x\",\"map\":\"m\",\"source\":\"/\",\"bytes\":-1,"
		"\"entries\":1,\"made\":1,\"keys\":[\"../../..\"],\"config\":{}}",
	};
	struct cached *cached = *state;
	const char *name =
		arena_printf(&cached->arena, "images/%s.json", cached_key(cached, '1'));
	struct cache_record *records;
	struct error err;
	uint64_t bytes;
	size_t count;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_text(cached, name, texts[i]);
		assert_int_equal(cache_list(&cached->cache, &cached->arena, &records,
					    &count, &bytes, &err),
				 0);
		assert_int_equal(count, 0);
		assert_true(cache_evict(&cached->cache, UINT64_MAX, 0, &err) == 0);
		assert_int_equal(cached_count(cached, "images"), 0);
	}
}

static void a_record_under_another_name_is_not_there(void **state)
{
	struct cached *cached = *state;
	struct cache_record *records;
	struct error err;
	uint64_t bytes;
	size_t count;

	cached_add_image(cached, '1', "", 1);
	assert_int_equal(renameat(cached->cache.dir,
				  arena_printf(&cached->arena, "images/%s.json",
					       cached_key(cached, '1')),
				  cached->cache.dir,
				  arena_printf(&cached->arena, "images/%s.json",
					       cached_key(cached, '2'))),
			 0);
	assert_int_equal(cache_list(&cached->cache, &cached->arena, &records, &count,
				    &bytes, &err),
			 0);
	assert_int_equal(count, 0);
}

static void notes_that_lead_nowhere_find_nothing_and_go(void **state)
{
	struct cached *cached = *state;
	const struct stat file = some_file();
	struct error err;

	publish(cached, &file, NULL);
	assert_int_equal(unlinkat(cached->cache.dir,
				  arena_printf(&cached->arena, "images/%s.json",
					       cached_key(cached, '1')),
				  0),
			 0);
	assert_int_equal(find(cached, &file, NULL, map), 0);
	write_text(cached, "files/x.json.0123456789abcdef", "{\"version\":1,");
	write_text(cached, "files/y.json",
		   "{\"version\":1,\"file\":\"x\",\"record\":\"../../../etc/passwd\"}");
	assert_true(cache_evict(&cached->cache, UINT64_MAX, 0, &err) == 0);
	assert_int_equal(cached_count(cached, "files"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cached_make, cached_remove)
		TEST(a_file_is_known_again_with_all_that_was_said),
		TEST(any_change_of_the_file_makes_it_unknown),
		TEST(images_of_one_file_are_told_apart_by_their_tags),
		TEST(a_file_that_was_just_changed_is_not_believed),
		TEST(a_file_written_anew_has_one_note),
		TEST(touching_makes_it_the_last_used),
		TEST(layers_that_images_share_are_counted_once),
		TEST(records_that_cannot_be_read_are_not_there_and_go),
		TEST(a_record_under_another_name_is_not_there),
		TEST(notes_that_lead_nowhere_find_nothing_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
