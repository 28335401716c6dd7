/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_FUZZ_IMAGE_TEXTS_H
#define SBX_TESTS_FUZZ_IMAGE_TEXTS_H

/*
 * Blobs for fuzzing: the input is a file of members, each a line "NAME" and a text up to the
 * next line that is a single dot. Where "@N" stands in a text, the digest and size of the Nth
 * member (from 1, an earlier one) take its place, as members of a descriptor, and "#N" is its
 * digest alone; a member whose name is "@" is named by its digest, below blobs/.
 */

#include <stddef.h>
#include <stdint.h>

struct blobs;

/* NULL: there is nothing in it. To be freed with blobs_free(). */
struct blobs *image_texts_make(const uint8_t *data, size_t size);

/* Every layer of an image that was read is there for the reader, or fails cleanly. */
struct source;
void image_texts_use(const struct source *source);

#endif
