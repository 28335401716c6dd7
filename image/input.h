/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_INPUT_H
#define SBX_IMAGE_INPUT_H

/*
 * Within sbx-image: where bytes come from. An image is named blobs and a text about them. The
 * blobs lie in a directory (OCI layout), in a tar that can be read anywhere (their places are
 * noted in one pass), or in a stream or a compressed file, which is spooled into memory
 * (memfd) first, because the text may come last. A tar of a root file system is no such
 * thing: it is read once, as it comes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "image/image.h"

struct archive;
struct arena;
struct error;

/* ---- bytes: stream.c ----------------------------------------------------------------- */

/*
 * A part of a descriptor, or a whole stream, hashed while it is read: sha256 where wanted
 * (in a thread beside the reader), blake2b where wanted. pread(2) where it can be.
 */
struct stream;

struct stream_options {
	uint64_t offset, size; /* size 0 and !part: to the end */
	bool part;
	bool sha256, blake2b;
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

struct stream *stream_open(int fd, const struct stream_options *options,
			   struct error *err);
void stream_free(struct stream *stream);
ssize_t stream_read(struct stream *stream,
		    const void **ret_bytes); /* 0: end; -1: errno */
uint64_t stream_done(const struct stream *stream);

/* Reads the rest, then the digests as hex ("" where not asked for). */
int stream_finish(struct stream *stream, char ret_sha256[65], char ret_blake2b[129],
		  struct error *err);

/*
 * A libarchive reader over a stream: tar with any filter, nothing else; no program is started
 * for a filter. Windows over 128 MiB are refused by name. The error of libarchive in words of
 * ours: reader_error().
 */
struct archive *reader_open(struct stream *stream, struct error *err);
int reader_error(struct archive *archive, const char *what, struct error *err);

/* ---- images: source.c ---------------------------------------------------------------- */

struct source_layer {
	const char *blob;   /* name in the source */
	const char *digest; /* "sha256:HEX" of the blob as it lies there, "": not said */
	const char *diff;   /* "sha256:HEX" of the tar in it, "": not said */
	uint64_t size;
};

struct source {
	struct image_config config;
	const struct source_layer *layers; /* config.layer_count; of a tar or ACI one */
	const char *digest;                /* of the manifest, where there is one */
	const char *strip;                 /* ACI: "rootfs/" */
	bool whiteouts;
	struct blobs
		*blobs; /* NULL: a plain tar, read by source_open_layer() as it comes */
	int fd;         /* of the input; -1: a directory */
	/* A plain tar whose first bytes were looked at: they are kept for the reader. */
	struct stream *begun;
};

/* Finds out what it is; for an image, reads its texts and chooses by tag and architecture. */
int source_open(const struct image_job *job, struct arena *arena,
		struct source *ret_source, struct error *err);
void source_close(struct source *source);

/* The stream of layer i, with its sha256 wanted and checked by source_close_layer(). */
struct stream *source_open_layer(struct source *source, size_t i,
				 const struct stream_options *options, struct error *err);
/* diff_sha256: of the uncompressed tar, where the caller hashed that; may be NULL. */
int source_close_layer(struct source *source, size_t i, struct stream *stream,
		       struct error *err);

/* ---- blobs.c ------------------------------------------------------------------------- */

struct blobs;

/* The directory of a layout; names are resolved beneath it. */
struct blobs *blobs_of_directory(int dir_fd, struct error *err);
/* A tar, plain or compressed, file or stream. */
struct blobs *blobs_of_archive(struct stream *stream, int fd, struct error *err);
void blobs_free(struct blobs *blobs);

bool blobs_have(const struct blobs *blobs, const char *name);
/* A small text, NUL-ended, at most max bytes. */
char *blobs_read(const struct blobs *blobs, const char *name, size_t max,
		 struct arena *arena, size_t *ret_length, struct error *err);
/* Where its bytes are: fd stays the blobs'. */
int blobs_place(const struct blobs *blobs, const char *name, int *ret_fd,
		uint64_t *ret_offset, uint64_t *ret_size, struct error *err);

/* ---- texts: oci_image.c docker_archive.c aci.c ---------------------------------------- */

/* Each fills config, layers, digest; pure but for reading blobs. */
int oci_image_read(const struct blobs *blobs, const struct image_job *job,
		   struct arena *arena, struct source *source, struct error *err);
int docker_archive_read(const struct blobs *blobs, const struct image_job *job,
			struct arena *arena, struct source *source, struct error *err);
/* The manifest of an ACI (appc specification, schema/aci). */
int aci_manifest_read(const char *text, size_t length, const struct image_job *job,
		      struct arena *arena, struct image_config *ret_config,
		      struct error *err);
/* The config blob of an OCI or docker image. */
int image_config_parse(const char *text, size_t length, struct arena *arena,
		       struct image_config *ret_config, struct error *err);

#endif
