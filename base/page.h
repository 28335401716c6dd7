/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_PAGE_H
#define SBX_BASE_PAGE_H

#include <stddef.h>

struct arena;

/* A text that grows in an arena. Begins empty: { .arena = … }; text is NULL until then. */
struct page {
	struct arena *arena;
	char *text; /* NUL-ended */
	size_t used, size;
};

void page_put_bytes(struct page *page, const char *bytes, size_t length);
void page_put(struct page *page, const char *text);
void page_put_spaces(struct page *page, size_t count);
void page_printf(struct page *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* So that a terminal shows it and obeys nothing in it. */
void page_put_printable(struct page *page, const char *text);

/* Never NULL. */
const char *page_text(const struct page *page);

#endif
