/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_MADE_IMAGES_H
#define SBX_TESTS_UNIT_MADE_IMAGES_H

/*
 * Archives and images in memory, for tests of what reads them. A writer ends the test where
 * something fails.
 */

#include <stddef.h>

struct arena;
struct made;

/* filter: as libarchive calls it ("gzip", "zstd" …), or NULL. */
struct made *made_begin(const char *filter);
void made_directory(struct made *made, const char *name);
void made_file(struct made *made, const char *name, const void *bytes, size_t length);
void made_text(struct made *made, const char *name, const char *text);
void made_symlink(struct made *made, const char *name, const char *target);
void made_hard_link(struct made *made, const char *name, const char *target);

/* A memfd at its beginning, which is the caller's. */
int made_end(struct made *made);

/* A tar with one file, as bytes in the arena. */
const char *made_tar(const char *name, const char *text, const char *filter,
		     struct arena *arena, size_t *ret_length);

/* Everything in a descriptor that has a size. */
const char *made_bytes(int fd, struct arena *arena, size_t *ret_length);

/* A pipe with these bytes in it (they must fit), its writing end closed. */
int made_pipe(const void *bytes, size_t length);

/* Adds a blob under its sha256 digest, and returns a descriptor of it as JSON. */
const char *made_blob(struct made *made, const char *type, const void *bytes,
		      size_t length, struct arena *arena);

/*
 * Adds an image of one layer with a file of that name, for an architecture, and returns a
 * descriptor of its manifest. more: members behind the digest, as ",\"platform\":{…}", or "".
 */
const char *made_image(struct made *made, const char *file, const char *arch,
		       const char *more, struct arena *arena);

/* Adds oci-layout and an index.json with these descriptors, with commas between. */
void made_index(struct made *made, const char *descriptors, struct arena *arena);

#endif
