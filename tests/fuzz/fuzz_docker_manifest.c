/* SPDX-License-Identifier: Apache-2.0 */

/* What docker saves, from anybody, all texts of it: see image_texts.h. */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "image/input.h"
#include "tests/fuzz/image_texts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tags[] = { NULL, "a" };
	struct blobs *blobs = image_texts_make(data, size);

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		const struct image_job job = {
			.input_fd = -1,
			.tag = tags[i],
			.arch = "arm/v6",
		};
		struct source source = { .fd = -1 };
		struct arena arena = { 0 };
		struct error err;

		if (docker_archive_read(blobs, &job, &arena, &source, &err) == 0)
			image_texts_use(&source);
		arena_free(&arena);
	}
	blobs_free(blobs);
	return 0;
}
