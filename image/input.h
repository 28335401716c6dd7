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

#include "base/json.h"
#include "image/image.h"

struct archive;
struct arena;
struct error;
struct json_value;

/* ---- bytes: stream.c ----------------------------------------------------------------- */

/*
 * A part of a descriptor, or a whole stream, hashed while it is read: one digest in a thread
 * beside the reader, where a thread can be had and the input is large. pread(2) where it can
 * be; the descriptor's own place does not move then.
 */
struct stream;

struct stream_options {
	uint64_t offset, size; /* size 0 and !part: to the end */
	bool part;             /* exactly these bytes: fewer are an error */
	bool sha256, sha512, blake2b;
	bool own; /* the descriptor is closed with the stream */
	/*
	 * It is a tar whose digest is known: one that lacks the padding of its last file is
	 * filled up with zeros, which no digest counts. umoci 0.4.7 writes such layers.
	 */
	bool padded;
	const char *name; /* for messages, as long as the stream; NULL: "it" */
	/* At most ten times a second, and once at the end. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

struct stream *stream_open(int fd, const struct stream_options *options,
			   struct error *err);
void stream_free(struct stream *stream);

/*
 * 0: end; -1: errno, and stream_error() says more. The bytes are good until the next call. A
 * reader may give them back once: it gets them again.
 */
ssize_t stream_read(struct stream *stream, const void **ret_bytes);
void stream_give_back(struct stream *stream);

/* What stopped stream_read(): "read NAME: …". */
const char *stream_error(const struct stream *stream);
const char *stream_name(const struct stream *stream);
bool stream_is_hashed(const struct stream *stream);

/* Bytes of the input so far: of a compressed layer, as it lies there. */
uint64_t stream_done(const struct stream *stream);

/*
 * Reads the rest, then the digests as hex ("" where not asked for; each may be NULL). May be
 * called again.
 */
int stream_finish(struct stream *stream, char ret_sha256[65], char ret_blake2b[129],
		  struct error *err);
int stream_finish_sha512(struct stream *stream, char ret_sha512[129], struct error *err);

/*
 * For who must look before the bytes are read in earnest: what is read of a stream that is
 * kept is held in memory, STREAM_KEPT_MAX bytes at most (EFBIG). stream_restart() begins
 * anew, with these options; offset, size and own stay.
 */
enum { STREAM_KEPT_MAX = 16 << 20 };
void stream_keep(struct stream *stream);
int stream_restart(struct stream *stream, const struct stream_options *options,
		   struct error *err);

/* Passes over bytes without reading them, where nothing is hashed; how many it were. */
uint64_t stream_skip(struct stream *stream, uint64_t count);

/* Whether fd can be read at any place, and how many bytes it has from its own place on. */
bool stream_can_seek(int fd, uint64_t *ret_place, uint64_t *ret_size);

/*
 * All of the stream in a memfd, at most max bytes; it is at its end afterwards. -1: error.
 */
int stream_spool(struct stream *stream, uint64_t max, struct error *err);

/*
 * What is in a compressed stream, hashed by itself; `below` is closed with it. unpack.c. A
 * stream that is not compressed is given back as it is. NULL: error, and below is closed.
 */
struct stream *stream_unpack(struct stream *below, const struct stream_options *options,
			     struct error *err);
/* The compressed one; the stream itself where there is none. */
struct stream *stream_below(struct stream *stream);

/* ---- archives: reader.c, window.c ------------------------------------------------------ */

/*
 * A libarchive reader over a stream: tar with any filter, nothing else; no program is started
 * for a filter. Windows over 128 MiB are refused by name. The stream must live longer.
 */
struct archive *reader_open(struct stream *stream, struct error *err);

/* The same, but not a tar: the bytes behind the filters as one entry. */
struct archive *reader_open_filters(struct stream *stream, struct error *err);

/* What libarchive says, in words of ours: "read WHAT: …". Returns -1. */
int reader_error(struct archive *archive, const char *what, struct error *err);

/* A window over this is not unpacked. */
enum { READER_WINDOW_MAX = 128 << 20 };

/*
 * The memory that the first bytes of a zstd, xz or lzip file ask for (RFC 8878 3.1.1.1.2,
 * the .xz file format 3.1.5 and 5.3.1, lzip's header); 0: none that is known. ret_name is the
 * format, or NULL.
 */
uint64_t window_of(const void *bytes, size_t length, const char **ret_name);

/* ---- images: source.c, source_look.c --------------------------------------------------- */

struct source_layer {
	const char *blob;   /* name in the source */
	const char *digest; /* "sha256:HEX" of the blob as it lies there, "": not said */
	const char *diff;   /* "sha256:HEX" of the tar in it, "": not said */
	uint64_t size;      /* of the blob */
};

struct source {
	struct image_config config;
	const struct source_layer *layers; /* config.layer_count; of a tar or ACI one */
	/* Of an image "sha256:…": of the manifest, for docker-archive of the config; "": of the
	 * whole input, which is known when it was read. */
	const char *digest;
	const char *strip; /* ACI: "rootfs/" */
	bool whiteouts;
	struct blobs
		*blobs; /* NULL: a plain tar, read by source_open_layer() as it comes */
	int fd;         /* of the input, or of a copy in memory; -1: there is none */
	uint64_t place; /* where the input begins in fd */
	uint64_t size;  /* of it; 0: a stream */
	/* A plain tar whose first bytes were looked at: they are kept for the reader. */
	struct stream *begun;
	const char *name;     /* of the input, for messages */
	const char *expected; /* as image_job.expected */
	bool own;             /* fd is closed by source_close() */
};

/*
 * Finds out what it is; for an image, reads its texts and chooses by tag and architecture. The
 * input is job->input_fd where there is one (the caller's), else job->path is opened. With
 * job->expected the texts are those of the bytes with that digest. job->memory bounds what of
 * a stream or a compressed image is held in memory; 0: 2 GiB.
 */
int source_open(const struct image_job *job, struct arena *arena,
		struct source *ret_source, struct error *err);
void source_close(struct source *source);

/*
 * Layer i as a tar: what it was compressed with is already taken off where its digest has to
 * be checked. Of options only progress, context and, for a tar and an ACI, the digests count.
 */
struct stream *source_open_layer(struct source *source, size_t i,
				 const struct stream_options *options, struct error *err);

/*
 * Reads what is left and closes the stream, in any case; of a layer that was given up,
 * stream_free() is enough. -1: its digests are not those that
 * the image says (of the blob as it lies there, of the tar in it), or the whole input is not
 * the expected one.
 */
int source_close_layer(struct source *source, size_t i, struct stream *stream,
		       struct error *err);

/* What the first entries of a tar are like. source_look.c */
enum source_shape {
	SOURCE_TAR,
	SOURCE_IMAGE, /* as docker save and OCI archives begin */
	SOURCE_ACI,   /* rootfs or manifest */
};
int source_look(struct stream *stream, const char *name, enum source_shape *ret_shape,
		struct error *err);

/*
 * The text of the member `manifest` of an ACI; NULL and 0: it has none. Reads to the end where
 * the stream is hashed.
 */
int source_find_manifest(struct stream *stream, const char *name, struct arena *arena,
			 const char **ret_text, size_t *ret_length, struct error *err);

/* ---- blobs.c, blobs_archive.c ---------------------------------------------------------- */

struct blobs;

/* Bytes of a manifest. As JSON in memory it is up to fifty times as much. */
enum { BLOBS_TEXT_MAX = 1 << 20 };

/* The directory of a layout; names are resolved beneath it. dir_fd stays the caller's. */
struct blobs *blobs_of_directory(int dir_fd, struct error *err);

/*
 * A tar, plain or compressed, in a descriptor that can be read anywhere and stays the
 * caller's; the stream is a fresh one over it. Where the stream is hashed it is read to its
 * end, and what is small is held in memory as it was hashed. memory: bytes at most that
 * are.
 */
struct blobs *blobs_of_archive(struct stream *stream, int fd, uint64_t place,
			       uint64_t memory, struct error *err);
void blobs_free(struct blobs *blobs);

bool blobs_have(const struct blobs *blobs, const char *name);
/* From now on name is this text, whatever is written to it: it was compared with a digest. */
void blobs_hold(struct blobs *blobs, const char *name, const char *text, size_t length);
/* A small text, NUL-ended, at most max bytes. */
char *blobs_read(const struct blobs *blobs, const char *name, size_t max,
		 struct arena *arena, size_t *ret_length, struct error *err);
/* Where its bytes are; ret_fd is the caller's. */
int blobs_place(const struct blobs *blobs, const char *name, int *ret_fd,
		uint64_t *ret_offset, uint64_t *ret_size, struct error *err);

/* ---- digests: digest_text.c ------------------------------------------------------------ */

/* "sha256:" and 64, or "sha512:" and 128 small hex digits (image-spec, descriptor.md). */
bool digest_is_text(const char *digest);
bool digest_is_hex(const char *text, size_t length);

/* Of bytes in memory, with the algorithm of `like`. */
bool digest_matches(const char *like, const void *bytes, size_t length);
const char *digest_of(const void *bytes, size_t length, struct arena *arena);

/* The ChainID of the layers up to each of them (image-spec, config.md). */
const char *const *digest_chains(const char *const *diffs, size_t count,
				 struct arena *arena);

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
/*
 * The config blob of an OCI or docker image; layers and chains as its rootfs says. ret_diffs:
 * the diff_ids in it, NULL-ended; may be NULL.
 */
int image_config_parse(const char *text, size_t length, struct arena *arena,
		       struct image_config *ret_config, const char *const **ret_diffs,
		       struct error *err);

/* Everything empty, lists too. */
void image_config_init(struct image_config *config, const char *kind);

/* -1: it is for another kernel than Linux. */
int image_config_check_os(const struct image_config *config, struct error *err);

/*
 * Chooses a descriptor of an index by tag (by_name: the index of a layout) and platform.
 * oci_choose.c. NULL: error.
 */
const struct json_value *oci_choose(const struct json_value *manifests,
				    const struct image_job *job, bool by_name,
				    const char **ret_name, struct arena *arena,
				    struct error *err);

/* ---- what these share: texts.c ---------------------------------------------------------- */

/* A document of a stranger. NULL: error "read NAME: …". */
struct json_value *texts_read(const char *text, size_t length, const char *name,
			      struct arena *arena, struct error *err);
/* Puts "read NAME" before what json_want_…() and its kin say. Returns -1. */
int texts_complain(const char *name, struct error *err);

/* A member that has to be there, and be of that kind. NULL: error. */
const struct json_value *texts_member(const struct json_value *object, const char *key,
				      enum json_kind kind, struct error *err);
int texts_want_text(const struct json_value *object, const char *key,
		    const char **ret_text, struct error *err);
int texts_want_unsigned(const struct json_value *object, const char *key, uint64_t max,
			uint64_t *ret_value, struct error *err);

/*
 * Whether an image of this name is meant by a tag: exactly, or by its end ("latest" and
 * "tiny" are "localhost/tiny:latest").
 */
bool texts_is_exact(const char *name, const char *tag);
bool texts_is_near(const char *name, const char *tag);

/* "alpine:3, busybox:1 …" for messages. */
const char *texts_joined(const char *const *texts, size_t count, struct arena *arena);

#endif
