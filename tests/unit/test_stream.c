/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/input.h"
#include "tests/unit/made_images.h"

static const char abc_sha256[] =
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char abc_sha512[] =
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
static const char abc_blake2b[] =
	"ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";

static const struct stream_options everything = {
	.sha256 = true,
	.sha512 = true,
	.blake2b = true,
};

static int file_of(const void *bytes, size_t length)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, length), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Bytes that are not all alike, to be freed. */
static unsigned char *many_bytes(size_t length)
{
	unsigned char *bytes = malloc(length);

	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 4099);
	return bytes;
}

static struct stream *opened(int fd, const struct stream_options *options)
{
	struct error err;
	struct stream *stream = stream_open(fd, options, &err);

	assert_non_null(stream);
	return stream;
}

static void assert_reads(struct stream *stream, const void *bytes, size_t length)
{
	size_t used = 0;

	for (;;) {
		const void *part;
		ssize_t got = stream_read(stream, &part);

		assert_true(got >= 0);
		if (got == 0)
			break;
		assert_true((size_t)got <= length - used);
		assert_memory_equal(part, (const char *)bytes + used, (size_t)got);
		used += (size_t)got;
	}
	assert_int_equal(used, length);
}

static void assert_digests(struct stream *stream, const char *sha256, const char *sha512,
			   const char *blake2b)
{
	char found_sha256[65];
	char found_sha512[129];
	char found_blake2b[129];
	struct error err;

	assert_int_equal(stream_finish(stream, found_sha256, found_blake2b, &err), 0);
	assert_int_equal(stream_finish_sha512(stream, found_sha512, &err), 0);
	assert_string_equal(found_sha256, sha256);
	assert_string_equal(found_sha512, sha512);
	assert_string_equal(found_blake2b, blake2b);
}

static void assert_sha256(struct stream *stream, const void *bytes, size_t length)
{
	struct arena arena = { 0 };
	char found[65];
	struct error err;

	assert_int_equal(stream_finish(stream, found, NULL, &err), 0);
	assert_string_equal(arena_printf(&arena, "sha256:%s", found),
			    digest_of(bytes, length, &arena));
	arena_free(&arena);
}

static void a_file_is_read_and_hashed(void **state)
{
	auto_close int fd = file_of("abc", 3);
	struct stream *stream = opened(fd, &everything);

	(void)state;
	assert_reads(stream, "abc", 3);
	assert_int_equal(stream_done(stream), 3);
	assert_digests(stream, abc_sha256, abc_sha512, abc_blake2b);
	assert_digests(stream, abc_sha256, abc_sha512, abc_blake2b);
	stream_free(stream);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
}

static void a_pipe_is_read_and_hashed(void **state)
{
	auto_close int fd = made_pipe("abc", 3);
	struct stream *stream = opened(fd, &everything);

	(void)state;
	assert_reads(stream, "abc", 3);
	assert_digests(stream, abc_sha256, abc_sha512, abc_blake2b);
	stream_free(stream);
}

static void finishing_reads_the_rest(void **state)
{
	auto_close int fd = file_of("abc", 3);
	struct stream *stream = opened(fd, &everything);

	(void)state;
	assert_digests(stream, abc_sha256, abc_sha512, abc_blake2b);
	stream_free(stream);
}

static void digests_nobody_asked_for_are_empty(void **state)
{
	const struct stream_options options = { 0 };
	auto_close int fd = file_of("abc", 3);
	struct stream *stream = opened(fd, &options);

	(void)state;
	assert_digests(stream, "", "", "");
	stream_free(stream);
}

static void a_file_begins_at_its_own_place(void **state)
{
	auto_close int fd = file_of("xxabc", 5);
	struct stream *stream;

	(void)state;
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	stream = opened(fd, &everything);
	assert_digests(stream, abc_sha256, abc_sha512, abc_blake2b);
	stream_free(stream);
}

static void a_part_of_a_file_is_read(void **state)
{
	const struct stream_options options = {
		.offset = 2, .size = 3, .part = true, .sha256 = true
	};
	const struct stream_options nothing = { .offset = 2, .part = true };
	auto_close int fd = file_of("xxabcxx", 7);
	struct stream *stream = opened(fd, &options);

	(void)state;
	assert_reads(stream, "abc", 3);
	assert_digests(stream, abc_sha256, "", "");
	stream_free(stream);
	stream = opened(fd, &nothing);
	assert_reads(stream, "", 0);
	stream_free(stream);
}

static void a_part_that_is_not_there_is_an_error(void **state)
{
	const struct stream_options options = {
		.offset = 1, .size = 5, .part = true, .name = "the layer"
	};
	auto_close int fd = file_of("abc", 3);
	struct stream *stream = opened(fd, &options);
	struct error err;

	(void)state;
	assert_int_equal(stream_finish(stream, NULL, NULL, &err), -1);
	assert_string_equal(err.text, "read the layer: the file ends too early");
	assert_int_equal(err.id, ERROR_IMAGE);
	assert_int_equal(stream_finish(stream, NULL, NULL, &err), -1);
	stream_free(stream);
}

static void many_bytes_are_hashed_beside_the_reader(void **state)
{
	enum { LENGTH = (9 << 20) + 17 };
	const struct stream_options options = { .sha256 = true, .blake2b = true };
	unsigned char *bytes = many_bytes(LENGTH);
	auto_close int fd = file_of(bytes, LENGTH);
	struct stream *stream = opened(fd, &options);
	unsigned char digest[64];
	char hex[129];
	char found[129];
	struct error err;

	(void)state;
	assert_reads(stream, bytes, LENGTH);
	assert_sha256(stream, bytes, LENGTH);
	crypto_generichash_blake2b(digest, sizeof(digest), bytes, LENGTH, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	assert_int_equal(stream_finish(stream, NULL, found, &err), 0);
	assert_string_equal(found, hex);
	stream_free(stream);
	free(bytes);
}

static void a_stream_can_be_left_in_the_middle(void **state)
{
	enum { LENGTH = 4 << 20 };
	unsigned char *bytes = many_bytes(LENGTH);
	auto_close int fd = file_of(bytes, LENGTH);
	struct stream *stream = opened(fd, &everything);
	const void *part;

	(void)state;
	assert_true(stream_read(stream, &part) > 0);
	assert_true(stream_read(stream, &part) > 0);
	stream_free(stream);
	free(bytes);
}

static void bytes_given_back_come_again_and_count_once(void **state)
{
	auto_close int fd = file_of("abc", 3);
	struct stream *stream = opened(fd, &everything);
	const void *bytes;

	(void)state;
	assert_int_equal(stream_read(stream, &bytes), 3);
	stream_give_back(stream);
	assert_reads(stream, "abc", 3);
	assert_int_equal(stream_done(stream), 3);
	assert_digests(stream, abc_sha256, abc_sha512, abc_blake2b);
	stream_free(stream);
}

static void what_was_looked_at_in_a_pipe_is_read_again(void **state)
{
	enum { LENGTH = 50000 };
	const struct stream_options nothing = { 0 };
	const struct stream_options options = { .sha256 = true };
	unsigned char *bytes = many_bytes(LENGTH);
	auto_close int fd = made_pipe(bytes, LENGTH);
	struct stream *stream = opened(fd, &nothing);
	const void *part;
	struct error err;

	(void)state;
	stream_keep(stream);
	assert_true(stream_read(stream, &part) > 0);
	assert_int_equal(stream_restart(stream, &options, &err), 0);
	assert_int_equal(stream_done(stream), 0);
	assert_reads(stream, bytes, LENGTH);
	assert_sha256(stream, bytes, LENGTH);
	stream_free(stream);
	free(bytes);
}

static void too_much_to_keep_is_refused_and_not_lost(void **state)
{
	enum { LENGTH = STREAM_KEPT_MAX + (1 << 20) };
	const struct stream_options nothing = { 0 };
	const struct stream_options options = { .sha256 = true };
	unsigned char *bytes = many_bytes(LENGTH);
	auto_close int fd = file_of(bytes, LENGTH);
	struct stream *stream = opened(fd, &nothing);
	ssize_t length;
	struct error err;

	(void)state;
	stream_keep(stream);
	do {
		const void *part;

		length = stream_read(stream, &part);
	} while (length > 0);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(stream_restart(stream, &options, &err), 0);
	assert_reads(stream, bytes, LENGTH);
	assert_sha256(stream, bytes, LENGTH);
	stream_free(stream);
	free(bytes);
}

static void bytes_are_passed_over_where_nobody_hashes_them(void **state)
{
	const struct stream_options nothing = { 0 };
	auto_close int fd = file_of("abcdef", 6);
	auto_close int stream_fd = made_pipe("abc", 3);
	struct stream *stream = opened(fd, &nothing);

	(void)state;
	assert_int_equal(stream_skip(stream, 4), 4);
	assert_reads(stream, "ef", 2);
	assert_int_equal(stream_skip(stream, 1), 0);
	stream_free(stream);
	stream = opened(fd, &everything);
	assert_int_equal(stream_skip(stream, 4), 0);
	stream_free(stream);
	stream = opened(stream_fd, &nothing);
	assert_int_equal(stream_skip(stream, 1), 0);
	stream_free(stream);
}

static void a_stream_is_held_in_memory_up_to_a_bound(void **state)
{
	const struct stream_options nothing = { .name = "x" };
	auto_close int fd = file_of("abc", 3);
	struct stream *stream = opened(fd, &nothing);
	auto_close int spooled = -1;
	struct error err;
	char bytes[4];

	(void)state;
	spooled = stream_spool(stream, 3, &err);
	assert_true(spooled >= 0);
	assert_int_equal(read(spooled, bytes, sizeof(bytes)), 3);
	stream_free(stream);
	stream = opened(fd, &nothing);
	assert_int_equal(stream_spool(stream, 2, &err), -1);
	assert_string_equal(err.text,
			    "hold an image in memory: it has more than 2 bytes");
	stream_free(stream);
}

struct told {
	int times;
	uint64_t done, total;
};

static void tell(void *context, uint64_t done, uint64_t total)
{
	struct told *told = context;

	told->times++;
	told->done = done;
	told->total = total;
}

static void progress_is_told_at_the_end_and_seldom_before(void **state)
{
	enum { LENGTH = 4 << 20 };
	struct told told = { 0 };
	const struct stream_options options = { .progress = tell, .context = &told };
	unsigned char *bytes = many_bytes(LENGTH);
	auto_close int fd = file_of(bytes, LENGTH);
	struct stream *stream = opened(fd, &options);
	struct error err;

	(void)state;
	assert_int_equal(stream_finish(stream, NULL, NULL, &err), 0);
	assert_true(told.times >= 1);
	assert_int_equal(told.done, LENGTH);
	assert_int_equal(told.total, LENGTH);
	stream_free(stream);
	free(bytes);
}

/* ---- what is in a compressed stream -------------------------------------------------- */

static void both_sides_of_a_compressed_stream_are_hashed(void **state)
{
	static const char *const filters[] = { "gzip",  "zstd", "xz",
					       "bzip2", "lz4",  "lzip" };
	const struct stream_options sha256 = { .sha256 = true };
	struct arena arena = { 0 };
	size_t length;
	const char *tar = made_tar("name", "text", NULL, &arena, &length);

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		size_t packed_length;
		const char *packed =
			made_tar("name", "text", filters[i], &arena, &packed_length);
		auto_close int fd = file_of(packed, packed_length);
		struct error err;
		struct stream *stream = stream_unpack(opened(fd, &sha256), &sha256, &err);

		assert_non_null(stream);
		assert_reads(stream, tar, length);
		assert_sha256(stream, tar, length);
		assert_sha256(stream_below(stream), packed, packed_length);
		assert_int_equal(stream_done(stream), packed_length);
		stream_free(stream);
	}
	arena_free(&arena);
}

static void what_is_not_compressed_stays_as_it_is(void **state)
{
	auto_close int fd = file_of("abc", 3);
	struct stream *stream = opened(fd, &everything);
	struct error err;

	(void)state;
	assert_ptr_equal(stream_unpack(stream, &everything, &err), stream);
	assert_ptr_equal(stream_below(stream), stream);
	assert_digests(stream, abc_sha256, abc_sha512, abc_blake2b);
	stream_free(stream);
}

static void a_compressed_stream_that_ends_too_early_says_so(void **state)
{
	static const char *const filters[] = { "gzip", "zstd", "xz", "bzip2", "lz4" };
	const struct stream_options options = { .name = "x.tar" };
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		size_t length;
		const char *packed =
			made_tar("name", "text", filters[i], &arena, &length);
		auto_close int fd = file_of(packed, length / 2);
		struct error err;
		struct stream *stream =
			stream_unpack(opened(fd, &options), &options, &err);

		if (stream)
			assert_int_equal(stream_finish(stream, NULL, NULL, &err), -1);
		if (!strstr(err.text, "read x.tar: it ends too early"))
			fail_msg("%s: %s", filters[i], err.text);
		stream_free(stream);
	}
	arena_free(&arena);
}

static void a_compressed_stream_without_end_is_given_up(void **state)
{
	enum { LENGTH = 65 << 20 };
	const struct stream_options options = { .name = "x.tar" };
	struct arena arena = { 0 };
	struct made *made = made_begin("zstd");
	char *bytes = calloc(1, LENGTH);
	auto_close int fd = -1;
	struct stream *stream;
	struct error err;

	(void)state;
	made_file(made, "name", bytes, LENGTH);
	fd = made_end(made);
	free(bytes);
	stream = stream_unpack(opened(fd, &options), &options, &err);
	assert_non_null(stream);
	assert_int_equal(stream_finish(stream, NULL, NULL, &err), -1);
	assert_string_equal(err.text,
			    "read x.tar: it goes on for more than 67108864 bytes behind "
			    "the end of its archive");
	stream_free(stream);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_and_hashed),
		cmocka_unit_test(a_pipe_is_read_and_hashed),
		cmocka_unit_test(finishing_reads_the_rest),
		cmocka_unit_test(digests_nobody_asked_for_are_empty),
		cmocka_unit_test(a_file_begins_at_its_own_place),
		cmocka_unit_test(a_part_of_a_file_is_read),
		cmocka_unit_test(a_part_that_is_not_there_is_an_error),
		cmocka_unit_test(many_bytes_are_hashed_beside_the_reader),
		cmocka_unit_test(a_stream_can_be_left_in_the_middle),
		cmocka_unit_test(bytes_given_back_come_again_and_count_once),
		cmocka_unit_test(what_was_looked_at_in_a_pipe_is_read_again),
		cmocka_unit_test(too_much_to_keep_is_refused_and_not_lost),
		cmocka_unit_test(bytes_are_passed_over_where_nobody_hashes_them),
		cmocka_unit_test(a_stream_is_held_in_memory_up_to_a_bound),
		cmocka_unit_test(progress_is_told_at_the_end_and_seldom_before),
		cmocka_unit_test(both_sides_of_a_compressed_stream_are_hashed),
		cmocka_unit_test(what_is_not_compressed_stays_as_it_is),
		cmocka_unit_test(a_compressed_stream_that_ends_too_early_says_so),
		cmocka_unit_test(a_compressed_stream_without_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
