/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json_value.h"
#include "base/text.h"

/* Writing is ours, because jansson has no integers above INT64_MAX. */

/* Characters that stand for one byte each: FIRST is byte 0x80. */
enum { ESCAPE_FIRST = 0xf780, ESCAPE_LAST = 0xf7ff };

struct output {
	struct arena *arena;
	char *data;
	size_t used, size;
	enum json_layout layout;
};

static void write_bytes(struct output *output, const char *bytes, size_t length)
{
	if (length == 0)
		return;
	if (length > output->size - output->used) {
		size_t size = output->size * 2 + length + 1024;
		char *data = arena_alloc(output->arena, size);

		if (output->used > 0)
			memcpy(data, output->data, output->used);
		output->data = data;
		output->size = size;
	}
	memcpy(output->data + output->used, bytes, length);
	output->used += length;
}

static void write_text(struct output *output, const char *text)
{
	write_bytes(output, text, strlen(text));
}

static void write_line_end(struct output *output, size_t depth)
{
	if (output->layout == JSON_LAYOUT_LINE)
		return;
	write_text(output, "\n");
	for (size_t i = 0; i < depth; i++)
		write_text(output, "  ");
}

static bool is_escape(uint32_t code)
{
	return code >= ESCAPE_FIRST && code <= ESCAPE_LAST;
}

static void write_escaped_byte(struct output *output, unsigned char byte)
{
	uint32_t code = 0xf700U + byte;
	const char utf8[] = { (char)(0xe0 | code >> 12),
			      (char)(0x80 | (code >> 6 & 0x3f)),
			      (char)(0x80 | (code & 0x3f)) };

	write_bytes(output, utf8, sizeof(utf8));
}

static void write_character(struct output *output, const char *bytes, size_t length,
			    uint32_t code)
{
	char escaped[8];

	if (code == '"' || code == '\\') {
		write_text(output, "\\");
	} else if (code < 0x20 || code == 0x7f) {
		snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned int)code);
		write_text(output, escaped);
		return;
	}
	write_bytes(output, bytes, length);
}

static void write_string(struct output *output, const char *text)
{
	size_t left = strlen(text);

	write_text(output, "\"");
	while (left > 0) {
		uint32_t code = 0;
		size_t length = text_utf8_length(text, left, &code);

		if (length == 0 || is_escape(code)) {
			length = length ? length : 1;
			for (size_t i = 0; i < length; i++)
				write_escaped_byte(output, (unsigned char)text[i]);
		} else {
			write_character(output, text, length, code);
		}
		text += length;
		left -= length;
	}
	write_text(output, "\"");
}

static void write_integer(struct output *output, const struct json_value *value)
{
	char digits[24];

	if (value->negative)
		snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)value->number);
	else
		snprintf(digits, sizeof(digits), "%" PRIu64, value->number);
	write_text(output, digits);
}

static void write_real(struct output *output, double real)
{
	char digits[40];

	snprintf(digits, sizeof(digits), "%.17g", real);
	write_text(output, digits);
	if (!strpbrk(digits, ".e"))
		write_text(output, ".0"); /* else it would be read as an integer */
}

static void write_value(struct output *output, const struct json_value *value,
			size_t depth);

static void write_members(struct output *output, const struct json_value *value,
			  size_t depth)
{
	bool is_object = value->kind == JSON_KIND_OBJECT;

	write_text(output, is_object ? "{" : "[");
	for (size_t i = 0; i < value->count; i++) {
		if (i > 0)
			write_text(output, ",");
		write_line_end(output, depth + 1);
		if (is_object) {
			write_string(output, value->members[i]->key);
			write_text(output,
				   output->layout == JSON_LAYOUT_LINE ? ":" : ": ");
		}
		write_value(output, value->members[i], depth + 1);
	}
	if (value->count > 0)
		write_line_end(output, depth);
	write_text(output, is_object ? "}" : "]");
}

static void write_value(struct output *output, const struct json_value *value,
			size_t depth)
{
	switch (value->kind) {
	case JSON_KIND_NULL:
		write_text(output, "null");
		return;
	case JSON_KIND_BOOL:
		write_text(output, value->boolean ? "true" : "false");
		return;
	case JSON_KIND_INTEGER:
		write_integer(output, value);
		return;
	case JSON_KIND_REAL:
		write_real(output, value->real);
		return;
	case JSON_KIND_TEXT:
		write_string(output, value->text);
		return;
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		write_members(output, value, depth);
		return;
	}
}

char *json_write(const struct json_value *value, enum json_layout layout,
		 struct arena *arena)
{
	struct output output = { .arena = arena, .layout = layout };

	write_value(&output, value, 0);
	write_line_end(&output, 0);
	write_bytes(&output, "", 1);
	return output.data;
}

/* ---- bytes that are not UTF-8 ------------------------------------------------------- */

static bool needs_escapes(const char *text)
{
	size_t left = text ? strlen(text) : 0;

	while (left > 0) {
		uint32_t code = 0;
		size_t length = text_utf8_length(text, left, &code);

		if (length == 0 || is_escape(code))
			return true;
		text += length;
		left -= length;
	}
	return false;
}

bool json_has_escapes(const struct json_value *value)
{
	if (needs_escapes(value->key) || needs_escapes(value->text))
		return true;
	for (size_t i = 0; i < value->count; i++) {
		if (json_has_escapes(value->members[i]))
			return true;
	}
	return false;
}

static void restore_text(char *text)
{
	size_t left = text ? strlen(text) : 0;
	char *to = text;

	if (!text)
		return;
	while (left > 0) {
		uint32_t code = 0;
		size_t length = text_utf8_length(text, left, &code);

		if (length > 0 && is_escape(code)) {
			*to++ = (char)(code & 0xff);
		} else {
			length = length ? length : 1;
			memmove(to, text, length);
			to += length;
		}
		text += length;
		left -= length;
	}
	*to = '\0';
}

void json_restore_bytes(struct json_value *value)
{
	restore_text(value->key);
	restore_text(value->text);
	for (size_t i = 0; i < value->count; i++)
		json_restore_bytes(value->members[i]);
}
