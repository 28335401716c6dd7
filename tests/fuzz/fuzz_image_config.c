/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration of an image from anybody. What is read of it is written as a document of
 * ours and read again: it has to be the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "image/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *written(const struct image_config *config, struct arena *arena)
{
	return json_write(image_config_write(config, arena), JSON_LAYOUT_LINE, arena);
}

static void check_again(const struct image_config *config, struct arena *arena)
{
	const char *text = written(config, arena);
	struct image_config again;
	struct error err = { 0 };
	const struct json_value *document =
		json_read(text, strlen(text), "again", arena, &err);

	if (!document || image_config_read(document, arena, &again, &err) < 0) {
		fprintf(stderr, "refused what was written: %s\n%s", err.text, text);
		abort();
	}
	if (strcmp(written(&again, arena), text) != 0) {
		fprintf(stderr, "%s became %s\n", text, written(&again, arena));
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	if (image_config_parse((const char *)data, size, &arena, &config, NULL, &err) ==
	    0)
		check_again(&config, &arena);
	arena_free(&arena);
	return 0;
}
