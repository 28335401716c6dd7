/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/blobs.h"
#include "image/input.h"
#include "tests/unit/made_images.h"
#include "tests/unit/temporary.h"

enum { MEMORY = 1 << 20 };

static struct blobs *blobs_of(int fd, bool hashed, struct error *err)
{
	const struct stream_options options = { .sha256 = hashed, .name = "x.tar" };
	struct stream *stream = stream_open(fd, &options, err);
	struct blobs *blobs = blobs_of_archive(stream, fd, 0, MEMORY, err);

	stream_free(stream);
	return blobs;
}

static void assert_text(const struct blobs *blobs, const char *name, const char *text)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	size_t length = 0;
	const char *found = blobs_read(blobs, name, 1000, &arena, &length, &err);

	if (!found)
		fail_msg("%s", err.text);
	assert_string_equal(found, text);
	assert_int_equal(length, strlen(text));
	assert_true(blobs_have(blobs, name));
	arena_free(&arena);
}

static void assert_missing(const struct blobs *blobs, const char *name)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	size_t length = 0;

	assert_null(blobs_read(blobs, name, 1000, &arena, &length, &err));
	assert_false(blobs_have(blobs, name));
	assert_int_equal(err.id, ERROR_IMAGE);
	arena_free(&arena);
}

static void make_members(struct made *made)
{
	static const char longer[] =
		"a/rather/long/name/that/does/not/fit/into/the/field/of/a/header/of/the/"
		"oldest/kind/so/that/a/header/of/its/own/comes/before/it/and/is/read/too";
	static const char umlaut[] = "\xc3\xa4.json";

	made_directory(made, "blobs");
	made_text(made, "manifest.json", "first");
	made_text(made, longer, "long");
	made_text(made, umlaut, "umlaut");
	made_text(made, "./b/layer.tar", "layer");
	made_symlink(made, "a/layer.tar", "../b/layer.tar");
	made_symlink(made, "top.tar", "b/layer.tar");
	made_hard_link(made, "hard.tar", "b/layer.tar");
	made_symlink(made, "twice.tar", "a/layer.tar");
	made_symlink(made, "loop", "loop");
	made_symlink(made, "out", "../../etc/passwd");
	made_symlink(made, "b/absolute", "/b/layer.tar");
	made_text(made, "../outside", "outside");
	made_text(made, "empty", "");
	made_text(made, "manifest.json", "second");
}

static void assert_members(const struct blobs *blobs)
{
	assert_text(blobs, "b/layer.tar", "layer");
	assert_text(blobs, "a/layer.tar", "layer");
	assert_text(blobs, "top.tar", "layer");
	assert_text(blobs, "hard.tar", "layer");
	assert_text(blobs, "twice.tar", "layer");
	assert_text(blobs, "b/absolute", "layer");
	assert_text(blobs, "\xc3\xa4.json", "umlaut");
	assert_text(blobs, "empty", "");
	assert_text(blobs, "manifest.json", "second");
	assert_text(blobs,
		    "a/rather/long/name/that/does/not/fit/into/the/field/of/a/header/of/"
		    "the/oldest/kind/so/that/a/header/of/its/own/comes/before/it/and/is/"
		    "read/too",
		    "long");
	assert_missing(blobs, "blobs");
	assert_missing(blobs, "loop");
	assert_missing(blobs, "out");
	assert_missing(blobs, "outside");
	assert_missing(blobs, "../outside");
	assert_missing(blobs, "nothing");
	assert_missing(blobs, "");
}

static void members_of_an_archive_are_found(void **state)
{
	static const char *const filters[] = { NULL, "gzip", "zstd" };

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		for (int hashed = 0; hashed < 2; hashed++) {
			struct made *made = made_begin(filters[i]);
			auto_close int fd = -1;
			struct blobs *blobs;
			struct error err = { 0 };

			make_members(made);
			fd = made_end(made);
			blobs = blobs_of(fd, hashed, &err);
			if (!blobs)
				fail_msg("%s", err.text);
			assert_members(blobs);
			blobs_free(blobs);
		}
	}
}

static void places_in_a_plain_archive_are_those_of_the_file(void **state)
{
	struct made *made = made_begin(NULL);
	auto_close int fd = -1;
	auto_close int place = -1;
	struct blobs *blobs;
	uint64_t offset;
	uint64_t size;
	struct error err;

	(void)state;
	made_text(made, "name", "text");
	fd = made_end(made);
	blobs = blobs_of(fd, false, &err);
	assert_int_equal(blobs_place(blobs, "name", &place, &offset, &size, &err), 0);
	assert_int_equal(offset, 512);
	assert_int_equal(size, 4);
	assert_int_equal(blobs->memory, -1);
	blobs_free(blobs);
}

static void what_was_hashed_is_not_read_again(void **state)
{
	struct made *made = made_begin(NULL);
	auto_close int fd = -1;
	struct blobs *blobs;
	struct error err;

	(void)state;
	made_text(made, "name", "text");
	fd = made_end(made);
	blobs = blobs_of(fd, true, &err);
	assert_int_equal(pwrite(fd, "evil", 4, 512), 4);
	assert_text(blobs, "name", "text");
	blobs_free(blobs);
}

static void memory_for_blobs_is_bounded(void **state)
{
	static char bytes[MEMORY];
	struct made *made = made_begin("gzip");
	auto_close int fd = -1;
	struct error err;

	(void)state;
	made_file(made, "name", bytes, MEMORY);
	made_text(made, "more", "x");
	fd = made_end(made);
	assert_null(blobs_of(fd, false, &err));
	assert_string_equal(err.text,
			    "hold x.tar in memory: it has more than 1048576 bytes");
}

static void a_text_that_is_too_long_is_not_read(void **state)
{
	struct arena arena = { 0 };
	struct made *made = made_begin(NULL);
	auto_close int fd = -1;
	struct blobs *blobs;
	size_t length;
	struct error err;

	(void)state;
	made_text(made, "name", "text");
	fd = made_end(made);
	blobs = blobs_of(fd, false, &err);
	assert_null(blobs_read(blobs, "name", 3, &arena, &length, &err));
	assert_string_equal(err.text,
			    "read name of the image: it has 4 bytes, at most 3 are read");
	blobs_free(blobs);
	arena_free(&arena);
}

static void an_archive_that_ends_too_early_says_so(void **state)
{
	struct made *made = made_begin(NULL);
	auto_close int fd = -1;
	struct error err;

	(void)state;
	made_text(made, "name", "text");
	fd = made_end(made);
	assert_int_equal(ftruncate(fd, 514), 0);
	assert_null(blobs_of(fd, false, &err));
	assert_non_null(strstr(err.text, "read x.tar: it ends too early"));
}

static void a_directory_is_read_beneath(void **state)
{
	const struct temporary *temporary = *state;
	auto_close int dir = open(temporary->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int top = -1;
	struct blobs *blobs;
	struct error err;

	temporary_file(temporary, "secret", "secret", 6);
	assert_int_equal(mkdirat(dir, "layout", 0755), 0);
	temporary_file(temporary, "layout/index.json", "index", 5);
	top = openat(dir, "layout", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("../secret", top, "up"), 0);
	assert_int_equal(symlinkat("index.json", top, "link"), 0);
	assert_int_equal(mkfifoat(top, "fifo", 0644), 0);
	blobs = blobs_of_directory(top, &err);
	assert_text(blobs, "index.json", "index");
	assert_text(blobs, "link", "index");
	assert_missing(blobs, "up");
	assert_missing(blobs, "../secret");
	assert_missing(blobs, "fifo");
	assert_missing(blobs, ".");
	blobs_free(blobs);
}

static void assert_resolved(const char *base, const char *path, const char *expected)
{
	struct arena arena = { 0 };
	const char *found = blobs_resolve(base, path, &arena);

	if (expected)
		assert_string_equal(found, expected);
	else
		assert_null(found);
	arena_free(&arena);
}

static void names_are_resolved(void **state)
{
	(void)state;
	assert_resolved("", "a/b", "a/b");
	assert_resolved("", "./a//b/.", "a/b");
	assert_resolved("a", "../b/c", "b/c");
	assert_resolved("a/b", "../../c", "c");
	assert_resolved("a/b", "/c", "c");
	assert_resolved("a", "../../b", NULL);
	assert_resolved("", "..", NULL);
	assert_resolved("", "", NULL);
	assert_resolved("", "a/..", NULL);
	assert_resolved("a", "..", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_of_an_archive_are_found),
		cmocka_unit_test(places_in_a_plain_archive_are_those_of_the_file),
		cmocka_unit_test(what_was_hashed_is_not_read_again),
		cmocka_unit_test(memory_for_blobs_is_bounded),
		cmocka_unit_test(a_text_that_is_too_long_is_not_read),
		cmocka_unit_test(an_archive_that_ends_too_early_says_so),
		cmocka_unit_test(a_directory_is_read_beneath),
		cmocka_unit_test(names_are_resolved),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
