/* SPDX-License-Identifier: Apache-2.0 */
#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/input.h"
#include "tests/unit/made_images.h"

static const struct stream_options named = { .name = "x.tar" };

static int file_of(const void *bytes, size_t length)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, length), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Reads all of it; -1 and err. */
static int read_all(const void *bytes, size_t length, struct error *err)
{
	auto_close int fd = file_of(bytes, length);
	struct stream *stream = stream_open(fd, &named, err);
	struct archive *archive = reader_open(stream, err);
	struct archive_entry *entry;
	int result = ARCHIVE_FATAL;

	while (archive) {
		result = archive_read_next_header(archive, &entry);
		if (result == ARCHIVE_OK)
			result = archive_read_data_skip(archive);
		if (result != ARCHIVE_OK)
			break;
	}
	if (archive && result != ARCHIVE_EOF)
		reader_error(archive, "x.tar", err);
	archive_read_free(archive);
	stream_free(stream);
	return result == ARCHIVE_EOF ? 0 : -1;
}

static void assert_refused(const void *bytes, size_t length, const char *text)
{
	struct error err = { 0 };

	assert_int_equal(read_all(bytes, length, &err), -1);
	if (!strstr(err.text, text))
		fail_msg("%s", err.text);
	assert_int_equal(err.id, ERROR_IMAGE);
}

static void tars_of_all_filters_are_read(void **state)
{
	static const char *const filters[] = { NULL,    "gzip", "zstd", "xz",
					       "bzip2", "lz4",  "lzip", "compress" };
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		size_t length;
		const char *tar = made_tar("name", "text", filters[i], &arena, &length);
		struct error err;

		if (read_all(tar, length, &err) < 0)
			fail_msg("%s: %s", filters[i], err.text);
	}
	arena_free(&arena);
}

static void what_is_no_tar_is_said_in_words(void **state)
{
	static const char text[1024] = "a text";

	(void)state;
	assert_refused("", 0, "read x.tar: it is empty");
	assert_refused(text, sizeof(text), "read x.tar: it is not a tar archive");
	assert_refused("abc", 3, "read x.tar: it is not a tar archive");
}

static void other_archives_are_none(void **state)
{
	static const char ar[] = "!<arch>\nname/           0           0     0     "
				 "100644  4         `\ntext";
	static const char cpio[] =
		"07070100000001000081A4000000000000000000000001000000010000000000000000"
		"000000000000000000000000000500000000name";

	(void)state;
	assert_refused(ar, sizeof(ar), "read x.tar: it is not a tar archive");
	assert_refused(cpio, sizeof(cpio), "read x.tar: it is not a tar archive");
	assert_refused("PK\3\4", 4, "read x.tar: it is not a tar archive");
}

static void a_tar_that_ends_too_early_says_so(void **state)
{
	static const char *const filters[] = { NULL, "gzip", "zstd", "xz", "bzip2" };
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		size_t length;
		const char *tar = made_tar("name", "text", filters[i], &arena, &length);

		assert_refused(tar, filters[i] ? length / 2 : 514,
			       "read x.tar: it ends too early");
	}
	arena_free(&arena);
}

/*
 * Only filters whose checksums libarchive looks at: that of gzip it passes over, and in a zstd
 * file there need not be one.
 */
static void a_damaged_tar_says_so(void **state)
{
	static const char *const filters[] = { "xz", "bzip2" };
	struct arena arena = { 0 };
	char text[60000];
	uint32_t number = 1;

	(void)state;
	/* what does not become much smaller, so that the middle is not the header */
	for (size_t i = 0; i < sizeof(text); i++) {
		number = number * 1103515245 + 12345;
		text[i] = (char)('!' + (number >> 16) % 90);
	}
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		size_t length;
		char *tar = (char *)made_tar("name", text, filters[i], &arena, &length);

		for (size_t j = length / 2; j < length / 2 + 8; j++)
			tar[j] = (char)~tar[j];
		assert_refused(tar, length, "read x.tar: it is damaged");
	}
	arena_free(&arena);
}

static void two_filters_are_one_too_many(void **state)
{
	struct arena arena = { 0 };
	struct made *made = made_begin(NULL);
	size_t length;
	const char *tar = made_tar("name", "text", "gzip", &arena, &length);
	auto_close int fd = memfd_create("twice", MFD_CLOEXEC);
	struct archive *writer = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t packed_length;
	const char *packed;

	(void)state;
	close(made_end(made));
	archive_write_set_format_raw(writer);
	archive_write_add_filter_gzip(writer);
	assert_int_equal(archive_write_open_fd(writer, fd), ARCHIVE_OK);
	archive_entry_set_pathname(entry, "x");
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(writer, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(writer, tar, length), length);
	archive_write_close(writer);
	archive_write_free(writer);
	archive_entry_free(entry);
	packed = made_bytes(fd, &arena, &packed_length);
	assert_refused(packed, packed_length,
		       "read x.tar: it is compressed more than once");
	arena_free(&arena);
}

/* ---- windows ------------------------------------------------------------------------- */

#define ASSERT_WINDOW(bytes, expected)                                                   \
	do {                                                                             \
		const char *format;                                                      \
                                                                                         \
		assert_int_equal(window_of(bytes, sizeof(bytes) - 1, &format),           \
				 expected);                                              \
		assert_non_null(format);                                                 \
	} while (0)

static void zstd_says_its_window(void **state)
{
	(void)state;
	/* a window descriptor: exponent 10 + 17, mantissa 0 */
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\x00\x88", UINT64_C(128) << 20);
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\x00\x89", UINT64_C(144) << 20);
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\x00\xa8", UINT64_C(2) << 30);
	/* one segment: the size of the content, in 1, 2, 4 and 8 bytes */
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\x20\x05", 5);
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\x60\x05\x01", 0x105 + 256);
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\xa0\x01\x02\x03\x04", 0x04030201);
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\xe3\xaa\xaa\xaa\xaa\x01\x02\x03\x04\x05\0\0\0",
		      UINT64_C(0x0504030201));
	/* behind a frame that is to be skipped */
	ASSERT_WINDOW("\x53\x2a\x4d\x18\x02\0\0\0xx\x28\xb5\x2f\xfd\x00\xa8",
		      UINT64_C(2) << 30);
	/* cut */
	ASSERT_WINDOW("\x28\xb5\x2f\xfd", 0);
	ASSERT_WINDOW("\x28\xb5\x2f\xfd\xe3\xaa", 0);
	ASSERT_WINDOW("\x53\x2a\x4d\x18\xff\xff\xff\xff", 0);
}

static void xz_and_lzip_say_their_dictionary(void **state)
{
	(void)state;
	/* block header: size, flags, LZMA2, one byte, the dictionary */
	ASSERT_WINDOW("\xfd"
		      "7zXZ\0\0\4\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16",
		      8 << 20);
	ASSERT_WINDOW("\xfd"
		      "7zXZ\0\0\4\xe6\xd6\xb4\x46\x02\x00\x21\x01\x1f",
		      UINT64_C(192) << 20);
	ASSERT_WINDOW("\xfd"
		      "7zXZ\0\0\4\xe6\xd6\xb4\x46\x02\x00\x21\x01\x28",
		      UINT32_MAX);
	/* with both sizes, and x86 code before it */
	ASSERT_WINDOW(
		"\xfd"
		"7zXZ\0\0\4\xe6\xd6\xb4\x46\x04\xc1\x80\x01\x05\x04\x00\x21\x01\x1e",
		UINT64_C(128) << 20);
	/* cut, and numbers without end */
	ASSERT_WINDOW("\xfd"
		      "7zXZ\0\0\4\xe6\xd6\xb4\x46\x02\x00\x21",
		      0);
	ASSERT_WINDOW(
		"\xfd"
		"7zXZ\0\0\4\xe6\xd6\xb4\x46\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		0);
	ASSERT_WINDOW("LZIP\1\x17", 8 << 20);
	ASSERT_WINDOW("LZIP\1\x1d", UINT64_C(512) << 20);
	ASSERT_WINDOW("LZIP\1\x38", 15 << 20);
}

static void filters_without_a_window_have_a_name(void **state)
{
	const char *name;
	char tar[512] = "BZh is the name of this file";

	(void)state;
	ASSERT_WINDOW("\x1f\x8b\x08", 0);
	ASSERT_WINDOW("BZh9", 0);
	assert_int_equal(window_of("abc", 3, &name), 0);
	assert_null(name);
	memcpy(tar + 257, "ustar", 5);
	assert_int_equal(window_of(tar, sizeof(tar), &name), 0);
	assert_null(name);
}

static void a_window_over_the_limit_is_refused_by_name(void **state)
{
	(void)state;
	assert_refused("\x28\xb5\x2f\xfd\x00\xa8", 6,
		       "read x.tar: its zstd window of 2048 MiB is over the limit of 128 "
		       "MiB");
	assert_refused("\xfd"
		       "7zXZ\0\0\4\xe6\xd6\xb4\x46\x02\x00\x21\x01\x1f",
		       17,
		       "read x.tar: its xz window of 192 MiB is over the limit of 128 "
		       "MiB");
	assert_refused("LZIP\1\x1d", 6,
		       "read x.tar: its lzip window of 512 MiB is over the limit of 128 "
		       "MiB");
}

static void names_beyond_ascii_stay_as_they_are(void **state)
{
	static const char name[] = "caf\xc3\xa9/\xe6\x97\xa5";
	struct arena arena = { 0 };
	size_t length;
	const char *tar;
	auto_close int fd = -1;
	struct archive_entry *entry;
	struct archive *archive;
	struct stream *stream;
	struct error err;

	(void)state;
	tar = made_tar(name, "text", NULL, &arena, &length);
	fd = file_of(tar, length);
	stream = stream_open(fd, &named, &err);
	archive = reader_open(stream, &err);
	assert_non_null(archive);
	assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry), name);
	archive_read_free(archive);
	stream_free(stream);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tars_of_all_filters_are_read),
		cmocka_unit_test(what_is_no_tar_is_said_in_words),
		cmocka_unit_test(other_archives_are_none),
		cmocka_unit_test(a_tar_that_ends_too_early_says_so),
		cmocka_unit_test(a_damaged_tar_says_so),
		cmocka_unit_test(two_filters_are_one_too_many),
		cmocka_unit_test(zstd_says_its_window),
		cmocka_unit_test(xz_and_lzip_say_their_dictionary),
		cmocka_unit_test(filters_without_a_window_have_a_name),
		cmocka_unit_test(a_window_over_the_limit_is_refused_by_name),
		cmocka_unit_test(names_beyond_ascii_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
