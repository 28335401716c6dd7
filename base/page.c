/* SPDX-License-Identifier: Apache-2.0 */
#include "base/page.h"

#include "base/arena.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_room(struct page *page, size_t more)
{
	size_t size = (page->used + more + 1) * 2;
	char *larger;

	if (page->size - page->used > more)
		return;
	larger = arena_alloc(page->arena, size);
	if (page->used > 0)
		memcpy(larger, page->text, page->used);
	page->text = larger;
	page->size = size;
}

void page_put_bytes(struct page *page, const char *bytes, size_t length)
{
	make_room(page, length);
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
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length > 0) {
		make_room(page, (size_t)length);
		vsnprintf(page->text + page->used, (size_t)length + 1, format, again);
		page->used += (size_t)length;
	}
	va_end(again);
}

void page_put_printable(struct page *page, const char *text)
{
	size_t size = strlen(text) * 4 + 1;
	char *shown = arena_alloc(page->arena, size);

	page_put(page, text_printable(shown, size, text));
}

const char *page_text(const struct page *page)
{
	return page->text ? page->text : "";
}
