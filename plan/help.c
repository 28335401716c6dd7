/* SPDX-License-Identifier: Apache-2.0 */
/* --help: the option table as text of 80 columns. */
#include "plan/internal.h"

#include <string.h>

enum {
	WIDTH = 80,
	INDENT = 26, /* where the descriptions stand */
};

/* Words from the column where the page stands, wrapped to INDENT. */
static void put_wrapped(struct page *page, const char *text, size_t column)
{
	while (*text) {
		size_t length = strcspn(text, " ");

		if (column > INDENT && column + 1 + length > WIDTH) {
			page_put(page, "\n");
			page_put_spaces(page, INDENT);
			column = INDENT;
		} else if (column > INDENT) {
			page_put(page, " ");
			column++;
		}
		page_put_bytes(page, text, length);
		column += length;
		text += length;
		text += strspn(text, " ");
	}
	page_put(page, "\n");
}

static void put_row(struct page *page, const struct option_row *row)
{
	size_t start = page->used, length;

	if (row->letter) {
		const char letter[] = { '-', row->letter, ',', ' ', '\0' };

		page_put(page, "  ");
		page_put(page, letter);
	} else {
		page_put_spaces(page, 6);
	}
	page_put(page, "--");
	page_put(page, row->flags & OPTION_EITHER ? "[no-]" : "");
	page_put(page, row->name);
	if (row->operand) {
		page_put(page, row->need == OPERAND_OPTIONAL ? "[=" : " ");
		page_put(page, row->operand);
		page_put(page, row->need == OPERAND_OPTIONAL ? "]" : "");
	}
	length = page->used - start;
	if (length + 2 > INDENT) {
		page_put(page, "\n");
		length = 0;
	}
	page_put_spaces(page, INDENT - length);
	put_wrapped(page, row->help, INDENT);
	if (row->alias) {
		page_put_spaces(page, INDENT);
		page_put(page, "(also --");
		page_put(page, row->alias);
		page_put(page, ")\n");
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
	page_put(page, topic->title);
	page_put(page, ":\n");
	put_rows(page, topic->name, 0);
}

static void put_overview(struct page *page)
{
	page_put(page, plan_usage());
	page_put(page, "\nRuns COMMAND in a sandbox, as an ordinary user.\n\n"
		       "The most used options:\n");
	put_rows(page, NULL, OPTION_COMMON);
	page_put(page, "\nMore: sbx run --help TOPIC, or --help all. Topics:\n");
	for (const struct option_topic *topic = option_topics(); topic->name; topic++) {
		size_t length = strlen(topic->name);

		page_put_spaces(page, 2);
		page_put(page, topic->name);
		page_put_spaces(page, INDENT - 2 - length);
		page_put(page, topic->title);
		page_put(page, "\n");
	}
}

static void put_notes(struct page *page)
{
	page_put(
		page,
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
			page_put(&page, "\n");
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
