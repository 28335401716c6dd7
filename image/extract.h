/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_EXTRACT_H
#define SBX_IMAGE_EXTRACT_H

/*
 * Within sbx-image: the entries of an archive become files below ".". The process has been
 * pivoted: "." is "/", nothing else is mounted, so there is nothing that a name could reach.
 * What is here keeps to the rules of layers all the same, and holds the limits.
 */

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

struct archive;
struct archive_entry;
struct error;

enum {
	EXTRACT_ENTRIES_MAX = 4 << 20,
	EXTRACT_PATH_MAX = 4095,
	EXTRACT_RATIO_MAX = 1100, /* bytes out for a byte in, once there are many */
};

/* Of data: holes are not counted. */
#define EXTRACT_BYTES_MAX ((uint64_t)1 << 40)

struct extracted {
	uint64_t entries, bytes, devices, sockets, dropped_xattrs;
};

/* A tree being written: what all layers of an image go into, one after the other. */
struct extractor;

struct extract_options {
	bool squash;    /* every id is 0 */
	bool whiteouts; /* .wh.NAME removes: the archive is a layer */
	const char *
		strip; /* "rootfs/": only what is below it, without it (ACI); NULL: all */
	struct image_limits limits;
	/* Bytes of input that were read of this layer so far, for the ratio: at any time
	 * between its begin and finish. NULL: what libarchive says. */
	uint64_t (*input)(void *context);
	void *context;
};

/*
 * From here on the umask is 0. The locale must be "C" (extract_names.c), and ARCHIVE_WARN of
 * archive_read_next_header(3) no failure.
 */
struct extractor *extractor_new(const struct extract_options *options, struct error *err);
void extractor_free(struct extractor *extractor);

/*
 * A new layer begins: whiteouts and opaque marks hold for what was there before it, wherever
 * in it they stand. A tar of its own is one layer.
 */
void extractor_begin_layer(struct extractor *extractor);

/*
 * One entry, with its data read from the archive. On failure the tree is of no use any more.
 *
 * Directories that are missing are made (root's, 0755, with the time of the entry). A name
 * that is there already is made anew, but for a directory over a directory. Names that lead
 * out of the root by ".." are refused; absolute ones begin at the root.
 */
int extractor_add(struct extractor *extractor, struct archive *archive,
		  struct archive_entry *entry, struct error *err);

/* Modes and times of directories, which had to wait. */
int extractor_finish_layer(struct extractor *extractor, struct error *err);

const struct extracted *extractor_counts(const struct extractor *extractor);

#endif
