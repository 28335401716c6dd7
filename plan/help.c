/* SPDX-License-Identifier: Apache-2.0 */
/* --help: the option table as text of 80 columns. */
#include "plan/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	WIDTH = 80,
	INDENT = 26, /* where the descriptions stand */
};

/* A text that grows. */
struct page {
	struct arena *arena;
	char *text;
	size_t used, size;
};

static void put_bytes(struct page *page, const char *bytes, size_t length)
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

static void put(struct page *page, const char *text)
{
	put_bytes(page, text, strlen(text));
}

static void put_spaces(struct page *page, size_t count)
{
	while (count-- > 0)
		put(page, " ");
}

/* Words from the column where the page stands, wrapped to INDENT. */
static void put_wrapped(struct page *page, const char *text, size_t column)
{
	while (*text) {
		size_t length = strcspn(text, " ");

		if (column > INDENT && column + 1 + length > WIDTH) {
			put(page, "\n");
			put_spaces(page, INDENT);
			column = INDENT;
		} else if (column > INDENT) {
			put(page, " ");
			column++;
		}
		put_bytes(page, text, length);
		column += length;
		text += length;
		text += strspn(text, " ");
	}
	put(page, "\n");
}

static void put_row(struct page *page, const struct option_row *row)
{
	size_t start = page->used, length;

	if (row->letter) {
		const char letter[] = { '-', row->letter, ',', ' ', '\0' };

		put(page, "  ");
		put(page, letter);
	} else {
		put_spaces(page, 6);
	}
	put(page, "--");
	put(page, row->flags & OPTION_EITHER ? "[no-]" : "");
	put(page, row->name);
	if (row->operand) {
		put(page, row->need == OPERAND_OPTIONAL ? "[=" : " ");
		put(page, row->operand);
		put(page, row->need == OPERAND_OPTIONAL ? "]" : "");
	}
	length = page->used - start;
	if (length + 2 > INDENT) {
		put(page, "\n");
		length = 0;
	}
	put_spaces(page, INDENT - length);
	put_wrapped(page, row->help, INDENT);
	if (row->alias) {
		put_spaces(page, INDENT);
		put(page, "(also --");
		put(page, row->alias);
		put(page, ")\n");
	}
}

static void put_rows(struct page *page, const char *topic, unsigned int flags)
{
	size_t count;
	const struct option_row *rows = option_rows(&count);

	for (size_t i = 0; i < count; i++) {
		if ((!topic || !strcmp(rows[i].topic, topic)) &&
		    (rows[i].flags & flags) == flags)
			put_row(page, &rows[i]);
	}
}

static void put_topic(struct page *page, const struct option_topic *topic)
{
	put(page, topic->title);
	put(page, ":\n");
	put_rows(page, topic->name, 0);
}

static void put_overview(struct page *page)
{
	put(page, plan_usage());
	put(page, "\nRuns COMMAND in a sandbox, as an ordinary user.\n\n"
		  "The most used options:\n");
	put_rows(page, NULL, OPTION_COMMON);
	put(page, "\nMore: sbx run --help TOPIC, or --help all. Topics:\n");
	for (const struct option_topic *topic = option_topics(); topic->name; topic++) {
		size_t length = strlen(topic->name);

		put_spaces(page, 2);
		put(page, topic->name);
		put_spaces(page, INDENT - 2 - length);
		put(page, topic->title);
		put(page, "\n");
	}
}

static void put_notes(struct page *page)
{
	put(page,
	    "\nA list is emptied by --no-NAME, a flag switched off. --option value and\n"
	    "--option=value are the same.\n");
}

const char *plan_help(const char *name, struct arena *arena)
{
	struct page page = { .arena = arena };
	bool all = !strcmp(name, "all");

	if (!*name) {
		put_overview(&page);
		return page.text;
	}
	for (const struct option_topic *topic = option_topics(); topic->name; topic++) {
		if (!all && strcmp(topic->name, name) != 0)
			continue;
		if (page.used)
			put(&page, "\n");
		put_topic(&page, topic);
	}
	if (page.used)
		put_notes(&page);
	return page.text;
}

const char *plan_usage(void)
{
	return "usage: sbx run [OPTIONS] [--] [COMMAND [ARG...]]";
}
