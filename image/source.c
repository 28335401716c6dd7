/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

/*
 * What the input is. A file is looked at as often as it takes. A stream is looked at once: if
 * it is a tar, what was seen of it is kept and read again; if it is an image, all of it goes
 * into memory, as its texts may come last, and is a file from then on.
 */

enum { CONFIG_ENTRIES_MAX = 4096 };

static const struct source_layer only_layer[] = { { "", "", "", 0 } };

/* Nobody said how much there is, and this process may not ask any more. */
static const uint64_t memory_default = UINT64_C(2) << 30;

static uint64_t memory_of(const struct image_job *job)
{
	return job->memory > 0 ? job->memory : memory_default;
}

static struct stream *open_whole(const struct source *source,
				 const struct stream_options *wanted, struct error *err)
{
	struct stream_options options = *wanted;

	options.offset = 0;
	options.size = 0;
	options.part = false;
	options.own = false;
	options.name = source->name;
	return stream_open(source->fd, &options, err);
}

/* The whole input was read by stream: it has to be the expected one. */
static int check_expected(const struct source *source, struct stream *stream,
			  struct error *err)
{
	static const char prefix[] = "blake2b:";
	char found[129] = "";

	if (stream_finish(stream, NULL, found, err) < 0)
		return -1;
	if (!source->expected)
		return 0;
	if (text_starts_with(source->expected, prefix) &&
	    strcmp(source->expected + strlen(prefix), found) == 0)
		return 0;
	return error_set(err, ERROR_SIGNATURE,
			 "take %s: it is not what was verified, it changed meanwhile",
			 source->name);
}

/* ---- tar and ACI --------------------------------------------------------------------- */

static void be_tar(struct source *source)
{
	static const char *const chains[] = { "", NULL };

	image_config_init(&source->config, "tar");
	source->config.chains = chains;
	source->config.layer_count = 1;
	source->layers = only_layer;
	source->digest = "";
}

static int be_aci(struct source *source, const struct image_job *job, const char *text,
		  size_t length, struct arena *arena, struct error *err)
{
	be_tar(source);
	if (aci_manifest_read(text, length, job, arena, &source->config, err) < 0)
		return -1;
	source->strip = "rootfs/";
	return 0;
}

/* A tar with a directory rootfs is an ACI if it has a manifest that says so. */
static int open_aci(struct source *source, const struct image_job *job,
		    struct arena *arena, struct error *err)
{
	const struct stream_options options = { .blake2b = source->expected };
	struct stream *stream = open_whole(source, &options, err);
	const char *text = NULL;
	size_t length = 0;
	int result;

	if (!stream)
		return -1;
	result = source_find_manifest(stream, source->name, arena, &text, &length, err);
	if (result == 0 && source->expected)
		result = check_expected(source, stream, err);
	stream_free(stream);
	if (result < 0)
		return -1;
	if (text && memmem(text, length, "acKind", strlen("acKind")))
		return be_aci(source, job, text, length, arena, err);
	be_tar(source);
	return 0;
}

/* ---- images -------------------------------------------------------------------------- */

static int open_blobs(struct source *source, const struct image_job *job,
		      struct error *err)
{
	const struct stream_options options = { .blake2b = source->expected };
	struct stream *stream = open_whole(source, &options, err);

	if (!stream)
		return -1;
	source->blobs =
		blobs_of_archive(stream, source->fd, source->place, memory_of(job), err);
	if (source->blobs && source->expected &&
	    check_expected(source, stream, err) < 0) {
		blobs_free(source->blobs);
		source->blobs = NULL;
	}
	stream_free(stream);
	return source->blobs ? 0 : -1;
}

static bool is_kind(const struct image_job *job, const char *kind)
{
	return job->kind && strcmp(job->kind, kind) == 0;
}

/* Newer archives of docker are both, and a layout has digests for all that is in it. */
static int open_image(struct source *source, const struct image_job *job,
		      struct arena *arena, struct error *err)
{
	const struct blobs *blobs;

	if (open_blobs(source, job, err) < 0)
		return -1;
	blobs = source->blobs;
	if (is_kind(job, "docker-archive"))
		return docker_archive_read(blobs, job, arena, source, err);
	if (is_kind(job, "oci-archive") ||
	    (blobs_have(blobs, "oci-layout") && blobs_have(blobs, "index.json")))
		return oci_image_read(blobs, job, arena, source, err);
	if (blobs_have(blobs, "manifest.json") || blobs_have(blobs, "repositories"))
		return docker_archive_read(blobs, job, arena, source, err);
	blobs_free(source->blobs);
	source->blobs = NULL;
	be_tar(source);
	return 0;
}

/* The index alone was verified, and is read once: all else has a digest that it leads to. */
static int hold_index(struct source *source, struct arena *arena, struct error *err)
{
	static const char name[] = "index.json";
	unsigned char digest[64];
	char found[8 + 2 * sizeof(digest) + 1] = "blake2b:";
	size_t length;
	const char *text =
		blobs_read(source->blobs, name, BLOBS_TEXT_MAX, arena, &length, err);

	if (!text)
		return -1;
	(void)crypto_generichash(digest, sizeof(digest), (const unsigned char *)text,
				 length, NULL, 0);
	(void)sodium_bin2hex(found + 8, sizeof(found) - 8, digest, sizeof(digest));
	if (strcmp(found, source->expected) != 0)
		return error_set(err, ERROR_SIGNATURE,
				 "take %s: its %s is not what was verified, it changed "
				 "meanwhile",
				 source->name, name);
	blobs_hold(source->blobs, name, text, length);
	return 0;
}

static int open_layout(struct source *source, const struct image_job *job,
		       struct arena *arena, struct error *err)
{
	source->blobs = blobs_of_directory(source->fd, err);
	if (!source->blobs || (source->expected && hold_index(source, arena, err) < 0))
		return -1;
	if (!blobs_have(source->blobs, "oci-layout") && !job->kind)
		return error_set(err, ERROR_IMAGE,
				 "read %s: it is a directory, and no OCI layout",
				 source->name);
	return oci_image_read(source->blobs, job, arena, source, err);
}

/* ---- which of them ------------------------------------------------------------------- */

static int look(const struct source *source, const struct image_job *job,
		enum source_shape *ret_shape, struct error *err)
{
	const struct stream_options options = { 0 };
	struct stream *stream;
	int result;

	if (job->kind) {
		*ret_shape = SOURCE_IMAGE;
		return 0;
	}
	stream = open_whole(source, &options, err);
	if (!stream)
		return -1;
	result = source_look(stream, source->name, ret_shape, err);
	stream_free(stream);
	return result;
}

static int open_shape(struct source *source, enum source_shape shape,
		      const struct image_job *job, struct arena *arena, struct error *err)
{
	switch (shape) {
	case SOURCE_IMAGE:
		return open_image(source, job, arena, err);
	case SOURCE_ACI:
		return open_aci(source, job, arena, err);
	case SOURCE_TAR:
		break;
	}
	be_tar(source);
	return 0;
}

static int open_file(struct source *source, const struct image_job *job,
		     struct arena *arena, struct error *err)
{
	enum source_shape shape = SOURCE_TAR;

	if (look(source, job, &shape, err) < 0)
		return -1;
	return open_shape(source, shape, job, arena, err);
}

static int look_at_stream(struct stream *stream, const struct image_job *job,
			  const char *name, enum source_shape *ret_shape,
			  struct error *err)
{
	const struct stream_options options = { 0 };

	*ret_shape = SOURCE_IMAGE;
	if (job->kind)
		return 0;
	stream_keep(stream);
	if (source_look(stream, name, ret_shape, err) < 0)
		return -1;
	return stream_restart(stream, &options, err);
}

static void hold_fd(struct source *source, int fd)
{
	if (source->own)
		close(source->fd);
	source->fd = fd;
	source->own = true;
}

static int open_stream(struct source *source, const struct image_job *job,
		       struct arena *arena, struct error *err)
{
	const struct stream_options options = { .name = source->name };
	struct stream *stream = stream_open(source->fd, &options, err);
	enum source_shape shape;
	int fd;

	if (!stream)
		return -1;
	if (look_at_stream(stream, job, source->name, &shape, err) < 0) {
		stream_free(stream);
		return -1;
	}
	if (shape == SOURCE_TAR) {
		source->begun = stream;
		be_tar(source);
		return 0;
	}
	fd = stream_spool(stream, memory_of(job), err);
	stream_free(stream);
	if (fd < 0)
		return -1;
	hold_fd(source, fd);
	source->place = 0;
	stream_can_seek(fd, &source->place, &source->size);
	return open_shape(source, shape, job, arena, err);
}

static int open_any(struct source *source, const struct image_job *job,
		    struct arena *arena, struct error *err)
{
	struct stat file;

	if (fstat(source->fd, &file) < 0)
		return error_errno_id(err, ERROR_IMAGE, "read %s", source->name);
	if (S_ISDIR(file.st_mode))
		return open_layout(source, job, arena, err);
	if (is_kind(job, "oci"))
		return error_set(err, ERROR_IMAGE,
				 "read %s: it is no directory, so no OCI layout",
				 source->name);
	if (stream_can_seek(source->fd, &source->place, &source->size))
		return open_file(source, job, arena, err);
	return open_stream(source, job, arena, err);
}

/*
 * What an image says of itself is read and kept by the front end, too, which has better
 * things to do with its memory.
 */
static int check_config(const struct source *source, struct error *err)
{
	const struct image_config *config = &source->config;
	const char *const *const lists[] = { config->entrypoint, config->command,
					     config->env, config->volumes,
					     config->labels };
	size_t count = config->port_count;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (size_t j = 0; lists[i] && lists[i][j]; j++)
			count++;
	if (count > CONFIG_ENTRIES_MAX)
		return error_set(err, ERROR_IMAGE,
				 "use %s: its configuration has %zu entries, at most %d "
				 "are read",
				 source->name, count, CONFIG_ENTRIES_MAX);
	return 0;
}

int source_open(const struct image_job *job, struct arena *arena,
		struct source *ret_source, struct error *err)
{
	struct source source = {
		.fd = job->input_fd,
		.expected = job->expected,
		.name = job->path ? job->path : "standard input",
		.digest = "",
	};

	if (source.fd < 0 && job->path) {
		source.fd = open(job->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
		source.own = true;
	}
	if (source.fd < 0)
		return error_errno_id(err, ERROR_IMAGE, "read %s", source.name);
	if (open_any(&source, job, arena, err) < 0 || check_config(&source, err) < 0) {
		source_close(&source);
		return -1;
	}
	*ret_source = source;
	return 0;
}

void source_close(struct source *source)
{
	stream_free(source->begun);
	source->begun = NULL;
	blobs_free(source->blobs);
	source->blobs = NULL;
	if (source->own && source->fd >= 0)
		close(source->fd);
	source->fd = -1;
	source->own = false;
}

/* ---- layers -------------------------------------------------------------------------- */

static struct stream *open_tar(struct source *source, const struct stream_options *wanted,
			       struct error *err)
{
	struct stream_options options = *wanted;
	struct stream *stream = source->begun;

	if (source->expected)
		options.blake2b = true;
	if (!stream)
		return open_whole(source, &options, err);
	source->begun = NULL;
	if (stream_restart(stream, &options, err) == 0)
		return stream;
	stream_free(stream);
	return NULL;
}

static void want_digest(const char *digest, struct stream_options *options)
{
	options->sha256 = options->sha256 || text_starts_with(digest, "sha256:");
	options->sha512 = options->sha512 || text_starts_with(digest, "sha512:");
}

/* -1: it cannot be read. */
static int is_compressed(int fd, uint64_t offset)
{
	unsigned char head[512];
	const char *format;
	ssize_t length = pread(fd, head, sizeof(head), (off_t)offset);

	if (length < 0)
		return -1;
	window_of(head, (size_t)length, &format);
	return format ? 1 : 0;
}

static struct stream *open_blob(int fd, uint64_t offset, const struct source_layer *layer,
				const char *name, const struct stream_options *wanted,
				struct error *err)
{
	struct stream_options options = {
		.offset = offset,
		.size = layer->size,
		.part = true,
		.own = true,
		.name = name,
		.progress = wanted->progress,
		.context = wanted->context,
	};
	struct stream_options above = { .name = name };
	int compressed = is_compressed(fd, offset);
	struct stream *stream;

	if (compressed < 0) {
		error_errno_id(err, ERROR_IMAGE, "read %s", name);
		close(fd);
		return NULL;
	}
	want_digest(layer->digest, &options);
	want_digest(layer->diff, compressed ? &above : &options);
	(compressed ? &above : &options)->padded = layer->digest[0] || layer->diff[0];
	stream = stream_open(fd, &options, err);
	return stream ? stream_unpack(stream, &above, err) : NULL;
}

struct stream *source_open_layer(struct source *source, size_t i,
				 const struct stream_options *options, struct error *err)
{
	const struct source_layer *layer = &source->layers[i];
	uint64_t offset = 0;
	uint64_t size = 0;
	int fd = -1;

	if (!source->blobs)
		return open_tar(source, options, err);
	if (blobs_place(source->blobs, layer->blob, &fd, &offset, &size, err) < 0)
		return NULL;
	if (size != layer->size) {
		error_set(err, ERROR_IMAGE,
			  "read %s of the image: it has %llu bytes, its descriptor says "
			  "%llu",
			  layer->blob, (unsigned long long)size,
			  (unsigned long long)layer->size);
		close(fd);
		return NULL;
	}
	return open_blob(fd, offset, layer, layer->blob, options, err);
}

static int check_digest(struct stream *stream, const char *digest, const char *what,
			const char *blob, struct error *err)
{
	char sha256[65] = "";
	char sha512[129] = "";
	const char *found = sha256;

	if (stream_finish(stream, sha256, NULL, err) < 0 ||
	    stream_finish_sha512(stream, sha512, err) < 0)
		return -1;
	if (digest[0] == '\0')
		return 0;
	if (text_starts_with(digest, "sha512:"))
		found = sha512;
	if (strcmp(strchr(digest, ':') + 1, found) == 0)
		return 0;
	return error_set(err, ERROR_IMAGE,
			 "take the layer %s: %s another digest than the "
			 "image says",
			 blob, what);
}

static int check_layer(const struct source *source, size_t i, struct stream *stream,
		       struct error *err)
{
	const struct source_layer *layer = &source->layers[i];

	if (!source->blobs)
		return check_expected(source, stream, err);
	/* It was read when the whole had been verified: a digest has to say that it is still that. */
	if (source->expected && !layer->diff[0] && !layer->digest[0])
		return error_set(err, ERROR_SIGNATURE,
				 "take %s as verified: no digest in it says what %s is",
				 source->name, layer->blob);
	if (check_digest(stream, layer->diff, "what is in it has", layer->blob, err) < 0)
		return -1;
	return check_digest(stream_below(stream), layer->digest, "it has", layer->blob,
			    err);
}

int source_close_layer(struct source *source, size_t i, struct stream *stream,
		       struct error *err)
{
	int result = check_layer(source, i, stream, err);

	stream_free(stream);
	return result;
}
