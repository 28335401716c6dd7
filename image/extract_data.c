/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a file: blocks, with holes between them, as long as the limits allow. */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/fd.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <unistd.h>

/* Below this, no ratio is too good: a small file may be nothing but zeros. */
static const uint64_t ratio_counts_from = (uint64_t)100 << 20;

uint64_t data_input(struct extractor *x, struct archive *archive)
{
	const struct extract_options *options = &x->options;
	const int64_t bytes = options->input ? (int64_t)options->input(options->context)
					     : archive_filter_bytes(archive, -1);

	if (bytes > 0)
		x->read_here = (uint64_t)bytes;
	return x->read_before + x->read_here;
}

static int count_bytes(struct making *making, uint64_t size, struct error *err)
{
	struct extractor *x = making->x;
	const uint64_t bytes_max =
		extract_limit(x->options.limits.bytes, EXTRACT_BYTES_MAX);
	const uint64_t ratio = extract_limit(x->options.limits.ratio, EXTRACT_RATIO_MAX);
	char shown[SHOWN_MAX + 4];

	if (size > bytes_max || x->counts.bytes > bytes_max - size)
		return error_set(err, ERROR_IMAGE,
				 "extract %s: the files have more than %llu bytes",
				 extract_shown(making->path, shown),
				 (unsigned long long)bytes_max);
	/* What this block came from is not counted as read yet: without it, then. */
	if (x->counts.bytes < ratio_counts_from ||
	    x->counts.bytes / ratio <= data_input(x, making->archive)) {
		x->counts.bytes += size;
		return 0;
	}
	return error_set(
		err, ERROR_IMAGE,
		"extract %s: more than %llu bytes come out of each byte of input",
		extract_shown(making->path, shown), (unsigned long long)ratio);
}

static int bad_data(const struct making *making, struct error *err)
{
	const char *reason = archive_error_string(making->archive);
	char shown[SHOWN_MAX + 4];

	return error_set(err, ERROR_IMAGE, "read the content of %s: %s",
			 extract_shown(making->path, shown),
			 reason ? reason : "the archive is damaged");
}

static int write_failed(const struct making *making, struct error *err)
{
	char shown[SHOWN_MAX + 4];

	if (errno != EINVAL && errno != EFBIG)
		return extract_failed("write", making->path, err);
	return error_set(err, ERROR_IMAGE, "extract %s: no file can be that long here",
			 extract_shown(making->path, shown));
}

/* A block of the file, at its place; *at is where the last one ended. */
static int write_block(struct making *making, int fd, const void *bytes, size_t size,
		       uint64_t offset, uint64_t *at, struct error *err)
{
	const uint64_t whole = (uint64_t)archive_entry_size(making->entry);
	char shown[SHOWN_MAX + 4];

	if (offset > whole || size > whole - offset)
		return error_set(err, ERROR_IMAGE,
				 "extract %s: it is longer than the archive says",
				 extract_shown(making->path, shown));
	if (count_bytes(making, size, err) < 0)
		return -1;
	if (offset != *at && lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return write_failed(making, err);
	if (fd_write_all(fd, bytes, size) < 0)
		return write_failed(making, err);
	*at = offset + size;
	return 0;
}

int data_write(struct making *making, int fd, struct error *err)
{
	const int64_t whole = archive_entry_size(making->entry);
	const void *bytes;
	uint64_t at = 0;
	int64_t offset;
	size_t size;
	int got;

	if (whole <= 0)
		return 0;
	for (;;) {
		got = archive_read_data_block(making->archive, &bytes, &size, &offset);
		if (got == ARCHIVE_EOF)
			break;
		if ((got != ARCHIVE_OK && got != ARCHIVE_WARN) || offset < 0)
			return bad_data(making, err);
		if (size > 0 &&
		    write_block(making, fd, bytes, size, (uint64_t)offset, &at, err) < 0)
			return -1;
	}
	/* A hole at the end. */
	if (at < (uint64_t)whole && ftruncate(fd, whole) < 0)
		return write_failed(making, err);
	return 0;
}
