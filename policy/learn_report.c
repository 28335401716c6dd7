/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen, for people: plain text, or one page of HTML that asks for nothing from
 * elsewhere. Names of files and commands are foreign text in both.
 */
#include "policy/learn.h"

#include "base/page.h"
#include "base/text.h"
#include "policy/learned.h"
#include "policy/tables.h"

#include <stdio.h>
#include <string.h>

struct report {
	bool html;
	struct page page;
};

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>What a command did</title>\n<style>\n"
	":root { color-scheme: light dark }\n"
	"body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto;\n"
	"  padding: 0 1em }\n"
	"table { border-collapse: collapse; width: 100% }\n"
	"td, th { text-align: left; padding: .2em .8em .2em 0; vertical-align: top;\n"
	"  border-bottom: 1px solid #8884 }\n"
	"td:first-child { text-align: right; font-variant-numeric: tabular-nums; width: 6em }\n"
	"code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere }\n"
	".denied { color: #c22 }\n"
	"</style></head><body>\n";

static void put_html(struct page *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			page_put(to, "&lt;");
			break;
		case '>':
			page_put(to, "&gt;");
			break;
		case '&':
			page_put(to, "&amp;");
			break;
		case '"':
			page_put(to, "&quot;");
			break;
		default:
			page_put_bytes(to, text, 1);
		}
	}
}

/* Foreign text: nothing in it is obeyed by a terminal or a browser. */
static void put_foreign(struct report *report, const char *text)
{
	char shown[4096 * 4 + 1];

	text_printable(shown, sizeof(shown), text);
	if (report->html)
		put_html(&report->page, shown);
	else
		page_put(&report->page, shown);
}

static void begin_table(struct report *report, const char *title)
{
	page_printf(&report->page, report->html ? "<h2>%s</h2>\n<table>\n" : "\n%s\n",
		    title);
}

static void end_table(struct report *report)
{
	page_put(&report->page, report->html ? "</table>\n" : "");
}

static void put_row(struct report *report, uint64_t times, const char *what,
		    const char *more, bool denied)
{
	if (report->html) {
		page_printf(&report->page, "<tr%s><td>%llu</td><td><code>",
			    denied ? " class=\"denied\"" : "", (unsigned long long)times);
		put_foreign(report, what);
		page_put(&report->page, "</code></td><td>");
		put_foreign(report, more);
		page_put(&report->page, "</td></tr>\n");
		return;
	}
	page_printf(&report->page, "%10llu  ", (unsigned long long)times);
	put_foreign(report, what);
	page_put(&report->page, *more ? "  " : "");
	put_foreign(report, more);
	page_put(&report->page, "\n");
}

/* ---- calls ---- */

static void describe_value(const char *call, const struct told_argument *told,
			   uint32_t value, char *text, size_t size)
{
	size_t count = 0;
	const struct argument *arguments = call_arguments(call, &count);
	const char *name = NULL;

	if (told->index < count && arguments[told->index].family)
		name = constant_name(arguments[told->index].family, value);
	if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "%#x", value);
}

static void describe_use(const struct seen_call *call, const struct seen_use *use,
			 char *text, size_t size)
{
	const struct told_argument *told = learned_told(call->name);
	size_t used = (size_t)snprintf(text, size, "%s", call->name);

	for (size_t i = 0; told && i < TOLD_MAX && told[i].mask && used < size; i++) {
		char value[64];

		describe_value(call->name, &told[i], use->values[i], value,
			       sizeof(value));
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "(",
					 value);
	}
	if (told && used < size)
		snprintf(text + used, size - used, ")");
}

static void put_calls(struct report *report, const struct learned *learned, bool denied)
{
	begin_table(report, denied ? "Denied" : "System calls");
	for (size_t i = 0; i < learned->call_count; i++) {
		const struct seen_call *call = &learned->calls[i];

		for (size_t j = 0; j < call->use_count; j++) {
			const struct seen_use *use = &call->uses[j];
			const char *name = errno_name(use->errnum);
			char text[256];

			if ((use->errnum != 0) != denied)
				continue;
			describe_use(call, use, text, sizeof(text));
			put_row(report, use->times, text, denied && name ? name : "",
				denied);
		}
	}
	end_table(report);
}

/* ---- files ---- */

static void put_paths(struct report *report, const char *title,
		      const struct seen_path *paths, size_t count)
{
	static const char *const used[] = { "listed", "", "written" };

	if (count == 0)
		return;
	begin_table(report, title);
	for (size_t i = 0; i < count; i++)
		put_row(report, paths[i].times, paths[i].path, used[paths[i].access],
			false);
	end_table(report);
}

static void put_head(struct report *report, const char *command)
{
	page_put(&report->page, report->html ? page_head : "What a command did: ");
	page_put(&report->page,
		 report->html ? "<h1>What a command did</h1>\n<p><code>" : "");
	put_foreign(report, command);
	page_put(&report->page, report->html ? "</code></p>\n" : "\n");
}

static void put_all(struct report *report, const struct learned *learned,
		    const char *command)
{
	put_head(report, command);
	put_calls(report, learned, true);
	put_calls(report, learned, false);
	put_paths(report, "Files", learned->paths, learned->path_count);
	if (learned->paths_lost)
		page_printf(&report->page, "%s%llu more were too many to note%s\n",
			    report->html ? "<p>" : "",
			    (unsigned long long)learned->paths_lost,
			    report->html ? "</p>" : "");
	put_paths(report, "Destinations", learned->destinations,
		  learned->destination_count);
	page_put(&report->page, report->html ? "</body></html>\n" : "");
}

const char *learn_report(const struct learned *learned, const char *command, bool html,
			 struct arena *arena)
{
	struct report report = { .html = html, .page.arena = arena };

	put_all(&report, learned, command);
	return page_text(&report.page);
}
