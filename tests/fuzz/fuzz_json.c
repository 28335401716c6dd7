/* SPDX-License-Identifier: Apache-2.0 */

/* A document from anybody. What is read is written, and reading that gives the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_layout(const struct json_value *value, enum json_layout layout,
			 struct arena *arena)
{
	const char *text = json_write(value, layout, arena);
	struct json_value *again;
	struct error err;

	again = json_read(text, strlen(text), "again", arena, &err);
	if (!again) {
		fprintf(stderr, "refused what was written: %s\n%s\n", err.text, text);
		abort();
	}
	if (json_has_escapes(value))
		json_restore_bytes(again);
	if (!json_is_same(value, again)) {
		fprintf(stderr, "not the same\n%s\n", text);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct json_value *value;
	struct error err;

	value = json_read((const char *)data, size, "input", &arena, &err);
	if (value) {
		check_layout(value, JSON_LAYOUT_LINE, &arena);
		check_layout(value, JSON_LAYOUT_LINES, &arena);
		/* Bytes of any kind come from undoing escapes that nobody made. */
		json_restore_bytes(value);
		check_layout(value, JSON_LAYOUT_LINE, &arena);
	}
	arena_free(&arena);
	return 0;
}
