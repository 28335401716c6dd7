/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an image, tells what it says of itself, and unpacks it. What has a name outside (the
 * input, the target, the layers below it) is opened first; then the target becomes the root,
 * the power goes, and only then the first byte of the input is read.
 */
#include "image/tasks.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/extract.h"
#include "image/input.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { MOUNTS_MAX = 64 };

/* ---- before the power goes --------------------------------------------------------------- */

/* A path is the caller's: it may be a FIFO, which is a stream as standard input is. */
static int open_input(const struct image_job *job, struct error *err)
{
	auto_close int fd = -1;
	struct stat status;

	if (!job->path || job->input_fd >= 0)
		return job->input_fd;
	fd = open(job->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno_id(err, ERROR_IMAGE, "open %s", job->path);
	return S_ISDIR(status.st_mode) ? confine_open_source(job->path, err)
				       : fd_take(&fd);
}

/* Half of what the machine has, as tmpfs(5) takes it: nobody can be asked later. */
static uint64_t memory_of(const struct image_job *job)
{
	struct sysinfo machine;

	if (job->memory || sysinfo(&machine) < 0)
		return job->memory;
	return (uint64_t)machine.totalram * machine.mem_unit / 2;
}

static int enter_root(const struct image_job *job, struct error *err)
{
	if (job->task == IMAGE_TASK_INSPECT)
		return confine_to_nothing(err);
	if (!job->into)
		return confine_to_memory(job->memory, err);
	return confine_to_layers(job->lowers, job->lower_count, job->into, err);
}

/* Behind the filter no mount is made: those that are handed out at the end exist before. */
static int clone_root(const struct image_job *job, int *ret_mounts, struct error *err)
{
	if (job->mounts > MOUNTS_MAX)
		return error_set(err, ERROR_IMAGE, "hand out %d mounts", job->mounts);
	for (int i = 0; i < job->mounts; i++) {
		ret_mounts[i] = confine_clone_root(err);
		if (ret_mounts[i] < 0)
			return -1;
	}
	return 0;
}

static int hand_out(const struct image_job *job, const int *mounts, struct error *err)
{
	const struct image_turn turn = { .kind = IMAGE_TURN_MOUNT };

	for (int i = 0; i < job->mounts; i++)
		if (image_turn_send(job->socket, &turn, NULL, mounts[i]) < 0)
			return error_errno_id(err, ERROR_IMAGE,
					      "hand out what was unpacked");
	return 0;
}

/* ---- the layers -------------------------------------------------------------------------- */

struct extraction {
	const struct image_job *job;
	struct source source;
	struct extractor *extractor;
	struct stream *stream; /* of the layer at hand */
	uint64_t done, total;  /* bytes of the layers before this one, and of all */
	char digest[sizeof("sha256:") + 64];
};

static uint64_t count_input(void *context)
{
	const struct extraction *extraction = context;

	return stream_done(stream_below(extraction->stream));
}

/* Whoever shows it may be gone: that is found out when there is something to be said. */
static void tell_progress(void *context, uint64_t done, uint64_t total)
{
	const struct extraction *extraction = context;
	const struct image_turn turn = {
		.kind = IMAGE_TURN_PROGRESS,
		.done = extraction->done + done,
		.total = extraction->total ? extraction->total : total,
	};

	(void)image_turn_send(extraction->job->socket, &turn, NULL, -1);
}

static int unpack(struct extraction *extraction, struct stream *stream, struct error *err)
{
	struct archive *archive = reader_open(stream, err);
	struct archive_entry *entry;
	int failed = archive ? 0 : -1;

	while (!failed) {
		const int status = archive_read_next_header(archive, &entry);

		if (status == ARCHIVE_EOF)
			break;
		failed = status == ARCHIVE_OK || status == ARCHIVE_WARN
				 ? extractor_add(extraction->extractor, archive, entry,
						 err)
				 : reader_error(archive, extraction->source.name, err);
	}
	if (archive)
		(void)archive_read_free(archive);
	return failed;
}

/* What a tar or an ACI is called is known when it was read to its end. */
static int note_digest(struct extraction *extraction, struct stream *stream,
		       struct error *err)
{
	char sha256[65];

	if (extraction->source.blobs || extraction->job->undigested)
		return 0;
	if (stream_finish(stream_below(stream), sha256, NULL, err) < 0)
		return -1;
	snprintf(extraction->digest, sizeof(extraction->digest), "sha256:%s", sha256);
	return 0;
}

static int extract_layer(struct extraction *extraction, size_t i, struct error *err)
{
	const bool is_whole = extraction->source.blobs == NULL;
	const struct stream_options options = {
		.sha256 = is_whole && !extraction->job->undigested,
		.blake2b = is_whole && extraction->source.expected,
		.progress = tell_progress,
		.context = extraction,
	};
	struct stream *stream = source_open_layer(&extraction->source, i, &options, err);
	int failed;

	if (!stream)
		return -1;
	extraction->stream = stream;
	extractor_begin_layer(extraction->extractor);
	failed = unpack(extraction, stream, err) < 0 ||
		 extractor_finish_layer(extraction->extractor, err) < 0 ||
		 note_digest(extraction, stream, err) < 0;
	if (failed) { /* the rest of it may be endless */
		stream_free(stream);
		return -1;
	}
	if (source_close_layer(&extraction->source, i, stream, err) < 0)
		return -1;
	extraction->done += extraction->source.layers[i].size;
	return 0;
}

static int choose_layers(const struct image_job *job, const struct source *source,
			 size_t *ret_first, size_t *ret_end, struct error *err)
{
	const size_t count = source->config.layer_count;

	*ret_first = job->first < 0 ? 0 : (size_t)job->first;
	*ret_end = job->last < 0 ? count : (size_t)job->last + 1;
	if (*ret_first > *ret_end || *ret_end > count)
		return error_set(err, ERROR_IMAGE,
				 "unpack layers %d to %d of an image that has %zu",
				 job->first, job->last, count);
	return 0;
}

static int extract_layers(struct extraction *extraction, struct error *err)
{
	size_t first, end;

	if (choose_layers(extraction->job, &extraction->source, &first, &end, err) < 0)
		return -1;
	for (size_t i = first; i < end; i++)
		extraction->total += extraction->source.layers[i].size;
	for (size_t i = first; i < end; i++)
		if (extract_layer(extraction, i, err) < 0)
			return -1;
	return 0;
}

/* ---- what is told ------------------------------------------------------------------------ */

static void tell_skipped(const struct image_job *job, uint64_t count, const char *what)
{
	struct image_turn turn = { .kind = IMAGE_TURN_NOTE };

	if (count == 0)
		return;
	snprintf(turn.text, sizeof(turn.text), "%llu %s%s left out",
		 (unsigned long long)count, what, count == 1 ? " was" : "s were");
	(void)image_turn_send(job->socket, &turn, NULL, -1);
}

static int tell_outcome(const struct extraction *extraction, struct arena *arena,
			struct error *err)
{
	const struct extracted *counts = extractor_counts(extraction->extractor);
	struct json_value *document = json_make_object(arena);
	const char *digest = extraction->source.digest;

	tell_skipped(extraction->job, counts->devices, "device file");
	tell_skipped(extraction->job, counts->sockets, "socket");
	tell_skipped(extraction->job, counts->dropped_xattrs, "extended attribute");
	json_put_text(document, "digest",
		      digest && digest[0] ? digest : extraction->digest);
	json_put_unsigned(document, "entries", counts->entries);
	json_put_unsigned(document, "bytes", counts->bytes);
	json_put_unsigned(document, "skipped_devices", counts->devices);
	return image_document_send(extraction->job->socket, document, arena, err);
}

/* What the layers are as they lie in the image; nothing of them was read. */
static int tell_parts(const struct image_job *job, const struct source *source,
		      struct arena *arena, struct error *err)
{
	struct json_value *document = json_make_object(arena);
	struct json_value *layers = json_put_array(document, "layers");

	json_put_text(document, "digest", source->digest ? source->digest : "");
	for (size_t i = 0; i < source->config.layer_count; i++) {
		struct json_value *layer = json_put_object(layers, NULL);

		json_put_text(layer, "digest", source->layers[i].digest);
		json_put_unsigned(layer, "bytes", source->layers[i].size);
	}
	return image_document_send(job->socket, document, arena, err);
}

static int extract(struct extraction *extraction, struct arena *arena, struct error *err)
{
	const struct extract_options options = {
		.squash = extraction->job->squash,
		.whiteouts = extraction->source.whiteouts,
		.strip = extraction->source.strip,
		.limits = extraction->job->limits,
		.input = count_input,
		.context = extraction,
	};
	int failed;

	extraction->extractor = extractor_new(&options, err);
	if (!extraction->extractor)
		return -1;
	failed = extract_layers(extraction, err) < 0 ||
		 tell_outcome(extraction, arena, err) < 0;
	extractor_free(extraction->extractor);
	return failed ? -1 : 0;
}

static int read_image(const struct image_job *job, struct arena *arena, struct error *err)
{
	struct extraction extraction = { .job = job };
	int failed = 0;

	if (source_open(job, arena, &extraction.source, err) < 0)
		return -1;
	if (extraction.source.digest[0] != '\0')
		extraction.source.config.digest = extraction.source.digest;
	if (image_document_send(job->socket,
				image_config_write(&extraction.source.config, arena),
				arena, err) < 0)
		failed = -1;
	else if (job->task == IMAGE_TASK_EXTRACT)
		failed = extract(&extraction, arena, err);
	else
		failed = tell_parts(job, &extraction.source, arena, err);
	source_close(&extraction.source);
	return failed;
}

int task_extract(const struct image_job *job, struct arena *arena, struct error *err)
{
	const bool writes = job->task == IMAGE_TASK_EXTRACT;
	struct image_job opened = *job;
	int mounts[MOUNTS_MAX] = { -1 };

	opened.input_fd = open_input(job, err);
	if (opened.input_fd < 0)
		return -1;
	opened.memory = memory_of(job);
	if (enter_root(job, err) < 0 || (writes && clone_root(job, mounts, err) < 0))
		return -1;
	if (confine_process(writes ? CONFINE_WRITES : CONFINE_READS, true, err) < 0)
		return -1;
	if (read_image(&opened, arena, err) < 0)
		return -1;
	return writes ? hand_out(job, mounts, err) : 0;
}
