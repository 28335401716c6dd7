/* SPDX-License-Identifier: Apache-2.0 */

/* The manifest of an ACI from anybody. */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "image/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct image_job job = { .input_fd = -1 };
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	if (aci_manifest_read((const char *)data, size, &job, &arena, &config, &err) == 0)
		json_write(image_config_write(&config, &arena), JSON_LAYOUT_LINE, &arena);
	arena_free(&arena);
	return 0;
}
