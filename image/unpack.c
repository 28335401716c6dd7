/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/origin.h"

/*
 * What a layer is called where it is kept comes from the digest of its tar, so that has to be
 * checked, and not only the digest of the compressed bytes: else an image could give its own
 * files the name of somebody else's layer. Hence the filter runs by itself, and its output is
 * a stream with a digest of its own.
 */

enum { REST_MAX = 64 << 20 };

struct unpacker {
	struct stream *below;
	struct archive *archive;
	const unsigned char *bytes; /* what libarchive gave and nobody took yet */
	size_t length;
};

static void close_unpacker(void *context)
{
	struct unpacker *unpacker = context;

	archive_read_free(unpacker->archive);
	stream_free(unpacker->below);
	free(unpacker);
}

/* 1: there are some; 0: end; -1. */
static int get_bytes(struct unpacker *unpacker, struct error *err)
{
	const void *bytes = NULL;
	size_t length = 0;
	la_int64_t offset = 0;

	while (length == 0) {
		int result = archive_read_data_block(unpacker->archive, &bytes, &length,
						     &offset);

		if (result == ARCHIVE_EOF)
			return 0;
		if (result != ARCHIVE_OK)
			return reader_error(unpacker->archive,
					    stream_name(unpacker->below), err);
	}
	unpacker->bytes = bytes;
	unpacker->length = length;
	return 1;
}

static ssize_t read_unpacked(void *context, void *buffer, size_t size, struct error *err)
{
	struct unpacker *unpacker = context;
	size_t used = 0;

	while (used < size) {
		size_t part;

		if (unpacker->length == 0) {
			int got = get_bytes(unpacker, err);

			if (got < 0)
				return -1;
			if (got == 0)
				break;
		}
		part = unpacker->length < size - used ? unpacker->length : size - used;
		memcpy((char *)buffer + used, unpacker->bytes, part);
		unpacker->bytes += part;
		unpacker->length -= part;
		used += part;
	}
	return (ssize_t)used;
}

/* 1: it is compressed; 0: not; -1. */
static int is_compressed(struct stream *stream, struct error *err)
{
	const char *format;
	const void *bytes;
	ssize_t length = stream_read(stream, &bytes);

	if (length < 0)
		return error_set(err, ERROR_IMAGE, "%s", stream_error(stream));
	window_of(bytes, (size_t)length, &format);
	stream_give_back(stream);
	return length > 0 && format ? 1 : 0;
}

static int open_unpacker(struct unpacker *unpacker, struct error *err)
{
	struct archive_entry *entry;
	int result;

	unpacker->archive = reader_open_filters(unpacker->below, err);
	if (!unpacker->archive)
		return -1;
	result = archive_read_next_header(unpacker->archive, &entry);
	if (result == ARCHIVE_EOF)
		return error_set(err, ERROR_IMAGE, "read %s: it is empty",
				 stream_name(unpacker->below));
	return result == ARCHIVE_OK ? 0
				    : reader_error(unpacker->archive,
						   stream_name(unpacker->below), err);
}

static struct stream *unpack(struct stream *below, const struct stream_options *options,
			     struct error *err)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));
	const struct stream_origin origin = {
		.read = read_unpacked,
		.close = close_unpacker,
		.context = unpacker,
		.below = below,
		.rest_max = REST_MAX,
	};

	if (!unpacker) {
		error_errno(err, "read an image");
		stream_free(below);
		return NULL;
	}
	unpacker->below = below;
	if (open_unpacker(unpacker, err) < 0) {
		close_unpacker(unpacker);
		return NULL;
	}
	return stream_open_origin(&origin, options, err);
}

struct stream *stream_unpack(struct stream *below, const struct stream_options *options,
			     struct error *err)
{
	int compressed = is_compressed(below, err);

	if (compressed > 0)
		return unpack(below, options, err);
	if (compressed == 0)
		return below;
	stream_free(below);
	return NULL;
}
