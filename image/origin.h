/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_ORIGIN_H
#define SBX_IMAGE_ORIGIN_H

/* A stream over something else than a descriptor: known to stream.c and unpack.c alone. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct stream;
struct stream_options;

struct stream_origin {
	/* As read(2), but -1 comes with err; it need not fill the buffer. */
	ssize_t (*read)(void *context, void *buffer, size_t size, struct error *err);
	void (*close)(void *context);
	void *context;
	struct stream *below; /* it tells how far the input is */
	uint64_t rest_max;    /* so much may follow what was read, when it is finished */
};

/* NULL: error, and the origin is closed. */
struct stream *stream_open_origin(const struct stream_origin *origin,
				  const struct stream_options *options,
				  struct error *err);

#endif
