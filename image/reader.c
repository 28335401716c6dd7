/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <archive.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/*
 * libarchive over a stream. A filter that it was built without it would replace by a program:
 * such a filter is not offered at all.
 */
static const struct filter {
	int (*support)(struct archive *archive);
	const char *(*version)(void); /* NULL: it is libarchive's own */
} filters[] = {
	{ archive_read_support_filter_gzip, archive_zlib_version },
	{ archive_read_support_filter_xz, archive_liblzma_version },
	{ archive_read_support_filter_lzip, archive_liblzma_version },
	{ archive_read_support_filter_zstd, archive_libzstd_version },
	{ archive_read_support_filter_bzip2, archive_bzlib_version },
	{ archive_read_support_filter_lz4, archive_liblz4_version },
	{ archive_read_support_filter_compress, NULL },
};

/* What libarchive says, by a part of it, and what that means. The first that fits counts. */
static const struct meaning {
	const char *part;
	const char *words;
} meanings[] = {
	{ "Unrecognized archive format", "it is not a tar archive" },
	{ "requires too much memory", "it takes a window of more than 128 MiB" },
	{ "emory", "unpacking it takes more memory than it may have" },
	{ "runcated", "it ends too early" },
	{ "nexpected end of file", "it ends too early" },
	{ "remature end", "it ends too early" },
	{ "No progress is possible", "it ends too early" },
	{ "amaged", "it is damaged" },
	{ "orrupt", "it is damaged" },
	{ "hecksum", "it is damaged" },
	{ "decompression failed", "it is damaged" },
	{ "Lzma library error", "it is damaged" },
	{ "nvalid", "it is damaged" },
	{ "malformed", "it is damaged" },
	{ "bzip", "it is damaged" },
};

static int say(const char *said, const char *what, struct error *err)
{
	/* The stream's own words. */
	if (text_starts_with(said, "read "))
		return error_set(err, ERROR_IMAGE, "%s", said);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strstr(said, meanings[i].part))
			return error_set(err, ERROR_IMAGE, "read %s: %s (%s)", what,
					 meanings[i].words, said);
	}
	return error_set(err, ERROR_IMAGE, "read %s: %s", what, said);
}

int reader_error(struct archive *archive, const char *what, struct error *err)
{
	const char *said = archive_error_string(archive);

	return say(said ? said : "it is damaged", what, err);
}

static la_ssize_t read_stream(struct archive *archive, void *context,
			      const void **ret_bytes)
{
	struct stream *stream = context;
	ssize_t length = stream_read(stream, ret_bytes);

	if (length < 0)
		archive_set_error(archive, EIO, "%s", stream_error(stream));
	return length;
}

static la_int64_t skip_stream(struct archive *archive, void *context, la_int64_t request)
{
	(void)archive;
	return request > 0 ? (la_int64_t)stream_skip(context, (uint64_t)request) : 0;
}

static int refuse_window(struct stream *stream, struct error *err)
{
	const char *format;
	const void *bytes;
	uint64_t window;
	ssize_t length = stream_read(stream, &bytes);

	if (length < 0)
		return error_set(err, ERROR_IMAGE, "%s", stream_error(stream));
	if (length == 0)
		return error_set(err, ERROR_IMAGE, "read %s: it is empty",
				 stream_name(stream));
	window = window_of(bytes, (size_t)length, &format);
	stream_give_back(stream);
	if (window <= READER_WINDOW_MAX)
		return 0;
	error_set(err, ERROR_IMAGE,
		  "read %s: its %s window of %llu MiB is over the limit of 128 MiB",
		  stream_name(stream), format, (unsigned long long)(window >> 20));
	return error_hint(err, "compress it with a smaller window");
}

static void offer_filters(struct archive *archive)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		if (!filters[i].version || filters[i].version())
			filters[i].support(archive);
	}
}

enum { FILTERS_MAX = 2 }; /* one, and the bytes themselves */

static int open_archive(struct archive *archive, struct stream *stream, struct error *err)
{
	if (archive_read_open2(archive, stream, NULL, read_stream, skip_stream, NULL) !=
	    ARCHIVE_OK)
		return reader_error(archive, stream_name(stream), err);
	if (archive_filter_count(archive) > FILTERS_MAX)
		return error_set(err, ERROR_IMAGE,
				 "read %s: it is compressed more than once",
				 stream_name(stream));
	return 0;
}

static struct archive *open_reader(struct stream *stream, bool tar, struct error *err)
{
	struct archive *archive;

	if (refuse_window(stream, err) < 0)
		return NULL;
	archive = archive_read_new();
	if (!archive) {
		errno = ENOMEM;
		error_errno(err, "read an image");
		return NULL;
	}
	if (stream_below(stream) == stream)
		offer_filters(archive);
	if (tar)
		archive_read_support_format_tar(archive);
	else
		archive_read_support_format_raw(archive);
	if (open_archive(archive, stream, err) == 0)
		return archive;
	archive_read_free(archive);
	return NULL;
}

struct archive *reader_open(struct stream *stream, struct error *err)
{
	return open_reader(stream, true, err);
}

struct archive *reader_open_filters(struct stream *stream, struct error *err)
{
	return open_reader(stream, false, err);
}
