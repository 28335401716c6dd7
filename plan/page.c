/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "plan/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { INDENT = 14 /* where the words of --dry-run begin */ };

void page_put_bytes(struct page *page, const char *bytes, size_t length)
{
	if (page->size - page->used <= length) {
		size_t size = (page->used + length + 1) * 2;
		char *larger = arena_alloc(page->arena, size);

		if (page->used)
			memcpy(larger, page->text, page->used);
		page->text = larger;
		page->size = size;
	}
	memcpy(page->text + page->used, bytes, length);
	page->used += length;
	page->text[page->used] = '\0';
}

void page_put(struct page *page, const char *text)
{
	page_put_bytes(page, text, strlen(text));
}

void page_put_spaces(struct page *page, size_t count)
{
	while (count-- > 0)
		page_put_bytes(page, " ", 1);
}

void page_printf(struct page *page, const char *format, ...)
{
	va_list args;
	char text[512];
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length >= (int)sizeof(text))
		length = (int)sizeof(text) - 1;
	if (length > 0)
		page_put_bytes(page, text, (size_t)length);
}

void page_put_printable(struct page *page, const char *text)
{
	size_t size = strlen(text) * 4 + 1;
	char *shown = arena_alloc(page->arena, size);

	page_put(page, text_printable(shown, size, text));
}

void page_begin(struct page *page, const char *name)
{
	page_put(page, name);
	page_put_spaces(page, INDENT - strlen(name));
}
