/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_IMAGE_H
#define SBX_IMAGE_IMAGE_H

/*
 * The door of the image wing: what the operand of --root is. Directories are served as
 * they are; reading archives comes through this door.
 */

struct error;

enum image_kind {
	IMAGE_HOST,      /* "host" or "/" */
	IMAGE_DIRECTORY, /* a directory, links followed */
	IMAGE_ARCHIVE,   /* a file with the marks of tar, a compressor, squashfs or erofs,
			  * "-", or one of oci: oci-archive: docker-archive: */
	IMAGE_REGISTRY,  /* docker:// or https:// */
	IMAGE_UNKNOWN,   /* a file of another kind */
};

/* Looks at the operand and, for a file, at its first bytes. -1: it is not there. */
int image_recognize(const char *operand, enum image_kind *ret_kind, struct error *err);

/* "a tar archive", "a gzip file" … for messages. */
const char *image_describe(const char *operand);

#endif
