/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/hasher.h"
#include "image/origin.h"

/*
 * Blocks in a ring: one is with whoever reads, the others are with the thread that hashes. A
 * block is filled again when so many came after it that both are done with it.
 */
enum {
	BLOCK_SIZE = 512 << 10,
	BLOCK_COUNT = 4,
	KEPT_STEP = 64 << 10,
	TAR_BLOCK = 512,
	THREAD_SIZE_MIN = 1 << 20, /* less is hashed before a thread has begun */
	PROGRESS_MS = 100,
};

struct stream {
	struct stream_options options;
	struct stream_origin origin; /* read NULL: the descriptor */
	int fd;
	bool seekable;
	uint64_t start, position, end; /* seekable: places in the file */

	unsigned char *blocks[BLOCK_COUNT];
	size_t next;
	const void *last; /* what was given out */
	size_t last_length;
	bool again;

	bool keeping, replay;
	unsigned char *kept;
	size_t kept_length, kept_size;

	struct hasher *hasher; /* NULL: nothing is wanted, or it is finished */
	char sha256[65], sha512[129], blake2b[129];
	uint64_t done;
	int64_t told_ms;
	bool ended, finished, filled_up;
	int errnum;
	struct error failure;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool stream_can_seek(int fd, uint64_t *ret_place, uint64_t *ret_size)
{
	struct stat file;
	off_t place;

	if (fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
		return false;
	place = lseek(fd, 0, SEEK_CUR);
	if (place < 0)
		return false;
	*ret_place = (uint64_t)place;
	*ret_size = place < file.st_size ? (uint64_t)(file.st_size - place) : 0;
	return true;
}

static uint64_t total_of(const struct stream *stream)
{
	return stream->seekable ? stream->end - stream->start : 0;
}

static int begin_hashing(struct stream *stream, struct error *err)
{
	const struct stream_options *options = &stream->options;
	bool large = !stream->seekable || total_of(stream) >= THREAD_SIZE_MIN;

	if (!options->sha256 && !options->sha512 && !options->blake2b)
		return 0;
	stream->hasher =
		hasher_open(options->sha256, options->sha512, options->blake2b, large);
	if (stream->hasher)
		return 0;
	errno = ENOMEM;
	return error_errno(err, "hash an image");
}

static struct stream *new_stream(const struct stream_options *options, struct error *err)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream) {
		error_errno(err, "read an image");
		return NULL;
	}
	stream->options = *options;
	stream->fd = -1;
	stream->told_ms = now_ms();
	return stream;
}

static void find_places(struct stream *stream)
{
	const struct stream_options *options = &stream->options;
	uint64_t place = 0;
	uint64_t size = 0;

	stream->seekable = stream_can_seek(stream->fd, &place, &size);
	stream->start = options->part || options->offset > 0 ? options->offset : place;
	stream->end = options->part                  ? options->offset + options->size
		      : stream->start > place + size ? stream->start
						     : place + size;
	stream->position = stream->start;
}

struct stream *stream_open(int fd, const struct stream_options *options,
			   struct error *err)
{
	struct stream *stream = new_stream(options, err);

	if (!stream) {
		if (options->own)
			close(fd);
		return NULL;
	}
	stream->fd = fd;
	find_places(stream);
	if (begin_hashing(stream, err) < 0) {
		stream_free(stream);
		return NULL;
	}
	return stream;
}

struct stream *stream_open_origin(const struct stream_origin *origin,
				  const struct stream_options *options, struct error *err)
{
	struct stream *stream = new_stream(options, err);

	if (!stream) {
		origin->close(origin->context);
		return NULL;
	}
	stream->origin = *origin;
	if (begin_hashing(stream, err) < 0) {
		stream_free(stream);
		return NULL;
	}
	return stream;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	hasher_free(stream->hasher);
	if (stream->origin.close)
		stream->origin.close(stream->origin.context);
	if (stream->options.own && stream->fd >= 0)
		close(stream->fd);
	for (size_t i = 0; i < BLOCK_COUNT; i++)
		free(stream->blocks[i]);
	free(stream->kept);
	free(stream);
}

struct stream *stream_below(struct stream *stream)
{
	return stream->origin.below ? stream->origin.below : stream;
}

uint64_t stream_done(const struct stream *stream)
{
	return stream->origin.below ? stream->origin.below->done : stream->done;
}

const char *stream_error(const struct stream *stream)
{
	return stream->failure.text;
}

const char *stream_name(const struct stream *stream)
{
	return stream->options.name ? stream->options.name : "it";
}

bool stream_is_hashed(const struct stream *stream)
{
	return stream->hasher;
}

/* Returns -1, and does so from now on. */
static ssize_t fail(struct stream *stream, int errnum)
{
	if (stream->failure.text[0] == '\0')
		error_set(&stream->failure, ERROR_IMAGE, "read %s: %s",
			  stream_name(stream),
			  strerror(errnum)); /* NOLINT(concurrency-mt-unsafe) */
	stream->errnum = errnum;
	errno = errnum;
	return -1;
}

static ssize_t read_seekable(struct stream *stream, void *buffer, size_t size)
{
	uint64_t left = stream->end - stream->position;
	ssize_t length;

	if (left == 0)
		return 0;
	if (size > left)
		size = (size_t)left;
	do {
		length = pread(stream->fd, buffer, size, (off_t)stream->position);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return fail(stream, errno);
	if (length == 0) {
		error_set(&stream->failure, ERROR_IMAGE,
			  "read %s: the file ends too early", stream_name(stream));
		return fail(stream, ENODATA);
	}
	stream->position += (uint64_t)length;
	return length;
}

static ssize_t read_pipe(struct stream *stream, void *buffer, size_t size)
{
	ssize_t length;

	do {
		length = read(stream->fd, buffer, size);
	} while (length < 0 && errno == EINTR);
	return length < 0 ? fail(stream, errno) : length;
}

static ssize_t read_any(struct stream *stream, void *buffer, size_t size)
{
	ssize_t length;

	if (!stream->origin.read)
		return stream->seekable ? read_seekable(stream, buffer, size)
					: read_pipe(stream, buffer, size);
	length = stream->origin.read(stream->origin.context, buffer, size,
				     &stream->failure);
	return length < 0 ? fail(stream, EIO) : length;
}

static ssize_t read_block(struct stream *stream, const void **ret_bytes)
{
	size_t i = stream->next;

	if (!stream->blocks[i])
		stream->blocks[i] = malloc(BLOCK_SIZE);
	if (!stream->blocks[i])
		return fail(stream, ENOMEM);
	if (stream->hasher)
		hasher_wait(stream->hasher, BLOCK_COUNT - 1);
	stream->next = (i + 1) % BLOCK_COUNT;
	*ret_bytes = stream->blocks[i];
	return read_any(stream, stream->blocks[i], BLOCK_SIZE);
}

/* Nothing is hashed here: that begins when the stream begins anew. */
static ssize_t read_kept(struct stream *stream, const void **ret_bytes)
{
	ssize_t length;

	if (stream->kept_length == stream->kept_size) {
		size_t size = stream->kept_size ? stream->kept_size * 2 : KEPT_STEP;
		unsigned char *kept =
			size <= STREAM_KEPT_MAX ? realloc(stream->kept, size) : NULL;

		if (!kept)
			return fail(stream, EFBIG);
		stream->kept = kept;
		stream->kept_size = size;
	}
	*ret_bytes = stream->kept + stream->kept_length;
	length = read_any(stream, stream->kept + stream->kept_length,
			  stream->kept_size - stream->kept_length);
	if (length > 0)
		stream->kept_length += (size_t)length;
	return length;
}

static ssize_t read_more(struct stream *stream, const void **ret_bytes)
{
	if (stream->keeping)
		return read_kept(stream, ret_bytes);
	if (stream->replay && stream->kept_length > 0) {
		stream->replay = false;
		*ret_bytes = stream->kept;
		return (ssize_t)stream->kept_length;
	}
	if (stream->ended)
		return 0;
	return read_block(stream, ret_bytes);
}

static void tell(struct stream *stream, bool at_end)
{
	int64_t now;

	if (!stream->options.progress)
		return;
	now = now_ms();
	if (!at_end && now - stream->told_ms < PROGRESS_MS)
		return;
	stream->told_ms = now;
	stream->options.progress(stream->options.context, stream->done, total_of(stream));
}

static void note_end(struct stream *stream)
{
	if (!stream->ended)
		tell(stream, true);
	stream->ended = true;
}

/* What is behind the last byte: nothing, or once what is missing of a block. */
static ssize_t fill_up(struct stream *stream, const void **ret_bytes)
{
	static const unsigned char zeros[TAR_BLOCK];
	const size_t over = (size_t)(stream->done % TAR_BLOCK);

	if (!stream->options.padded || stream->filled_up || over == 0)
		return 0;
	stream->filled_up = true;
	*ret_bytes = zeros;
	return (ssize_t)(TAR_BLOCK - over);
}

ssize_t stream_read(struct stream *stream, const void **ret_bytes)
{
	const void *bytes = NULL;
	ssize_t length;

	if (stream->again) {
		stream->again = false;
		*ret_bytes = stream->last;
		return (ssize_t)stream->last_length;
	}
	if (stream->errnum)
		return fail(stream, stream->errnum);
	length = read_more(stream, &bytes);
	if (length < 0)
		return -1;
	if (length == 0) {
		note_end(stream);
		return fill_up(stream, ret_bytes);
	}
	stream->last = bytes;
	stream->last_length = (size_t)length;
	stream->done += (uint64_t)length;
	if (stream->hasher && !stream->keeping)
		hasher_add(stream->hasher, bytes, (size_t)length);
	tell(stream, false);
	*ret_bytes = bytes;
	return length;
}

void stream_give_back(struct stream *stream)
{
	stream->again = stream->last_length > 0;
}

uint64_t stream_skip(struct stream *stream, uint64_t count)
{
	uint64_t left = stream->end - stream->position;

	if (!stream->seekable || stream->hasher || stream->keeping || stream->again)
		return 0;
	if (count > left)
		count = left;
	stream->position += count;
	stream->done += count;
	return count;
}

void stream_keep(struct stream *stream)
{
	stream->keeping = true;
}

int stream_restart(struct stream *stream, const struct stream_options *options,
		   struct error *err)
{
	hasher_free(stream->hasher);
	stream->hasher = NULL;
	stream->options.sha256 = options->sha256;
	stream->options.sha512 = options->sha512;
	stream->options.blake2b = options->blake2b;
	stream->options.progress = options->progress;
	stream->options.context = options->context;
	stream->keeping = false;
	stream->again = false;
	stream->last_length = 0;
	stream->replay = true;
	if (!stream->kept)
		stream->position = stream->start;
	stream->done = 0;
	/* Only too many kept bytes are forgiven: they are all there. */
	if (stream->errnum == EFBIG) {
		stream->errnum = 0;
		stream->failure.text[0] = '\0';
	}
	return begin_hashing(stream, err);
}

/* An archive that ended may be padded; a small file that unpacks to no end is an attack. */
static int read_rest(struct stream *stream, struct error *err)
{
	uint64_t rest = 0;

	for (;;) {
		const void *bytes;
		ssize_t length = stream_read(stream, &bytes);

		if (length < 0)
			return error_set(err, ERROR_IMAGE, "%s", stream->failure.text);
		if (length == 0)
			return 0;
		rest += (uint64_t)length;
		if (stream->origin.rest_max && rest > stream->origin.rest_max)
			return error_set(
				err, ERROR_IMAGE,
				"read %s: it goes on for more than %llu bytes behind the end of its archive",
				stream_name(stream),
				(unsigned long long)stream->origin.rest_max);
	}
}

static int finish(struct stream *stream, struct error *err)
{
	if (stream->finished)
		return 0;
	if (read_rest(stream, err) < 0)
		return -1;
	if (stream->hasher)
		hasher_end(stream->hasher, stream->sha256, stream->sha512,
			   stream->blake2b);
	hasher_free(stream->hasher);
	stream->hasher = NULL;
	stream->finished = true;
	return 0;
}

int stream_finish(struct stream *stream, char ret_sha256[65], char ret_blake2b[129],
		  struct error *err)
{
	if (finish(stream, err) < 0)
		return -1;
	if (ret_sha256)
		memcpy(ret_sha256, stream->sha256, sizeof(stream->sha256));
	if (ret_blake2b)
		memcpy(ret_blake2b, stream->blake2b, sizeof(stream->blake2b));
	return 0;
}

int stream_finish_sha512(struct stream *stream, char ret_sha512[129], struct error *err)
{
	if (finish(stream, err) < 0)
		return -1;
	memcpy(ret_sha512, stream->sha512, sizeof(stream->sha512));
	return 0;
}

int stream_spool(struct stream *stream, uint64_t max, struct error *err)
{
	auto_close int fd = memfd_create("image", MFD_CLOEXEC);
	uint64_t used = 0;

	if (fd < 0)
		return error_errno(err, "hold an image in memory");
	for (;;) {
		const void *bytes;
		ssize_t length = stream_read(stream, &bytes);

		if (length < 0)
			return error_set(err, ERROR_IMAGE, "%s", stream->failure.text);
		if (length == 0)
			break;
		used += (uint64_t)length;
		if (used > max)
			return error_set(
				err, ERROR_IMAGE,
				"hold an image in memory: it has more than %llu bytes",
				(unsigned long long)max);
		if (fd_write_all(fd, bytes, (size_t)length) < 0)
			return error_errno(err, "hold an image in memory");
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "hold an image in memory");
	return fd_take(&fd);
}
