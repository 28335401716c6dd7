/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen, for people: plain text, or one page of HTML that asks for nothing from
 * elsewhere. Names of files and commands are foreign text in both.
 */
#include "policy/learn.h"

#include "base/arena.h"
#include "base/text.h"
#include "policy/learned.h"
#include "policy/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
	bool html;
	FILE *to;
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

static void put_html(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

/* Foreign text: nothing in it is obeyed by a terminal or a browser. */
static void put_foreign(const struct report *report, const char *text)
{
	char shown[4096 * 4 + 1];

	text_printable(shown, sizeof(shown), text);
	if (report->html)
		put_html(report->to, shown);
	else
		fputs(shown, report->to);
}

static void begin_table(const struct report *report, const char *title)
{
	fprintf(report->to, report->html ? "<h2>%s</h2>\n<table>\n" : "\n%s\n", title);
}

static void end_table(const struct report *report)
{
	fputs(report->html ? "</table>\n" : "", report->to);
}

static void put_row(const struct report *report, uint64_t times, const char *what,
		    const char *more, bool denied)
{
	if (report->html) {
		fprintf(report->to, "<tr%s><td>%llu</td><td><code>",
			denied ? " class=\"denied\"" : "", (unsigned long long)times);
		put_foreign(report, what);
		fputs("</code></td><td>", report->to);
		put_foreign(report, more);
		fputs("</td></tr>\n", report->to);
		return;
	}
	fprintf(report->to, "%10llu  ", (unsigned long long)times);
	put_foreign(report, what);
	fputs(*more ? "  " : "", report->to);
	put_foreign(report, more);
	fputc('\n', report->to);
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

static void put_calls(const struct report *report, const struct learned *learned,
		      bool denied)
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

static void put_paths(const struct report *report, const char *title,
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

static void put_head(const struct report *report, const char *command)
{
	fputs(report->html ? page_head : "What a command did: ", report->to);
	fputs(report->html ? "<h1>What a command did</h1>\n<p><code>" : "", report->to);
	put_foreign(report, command);
	fputs(report->html ? "</code></p>\n" : "\n", report->to);
}

static void put_all(const struct report *report, const struct learned *learned,
		    const char *command)
{
	put_head(report, command);
	put_calls(report, learned, true);
	put_calls(report, learned, false);
	put_paths(report, "Files", learned->paths, learned->path_count);
	if (learned->paths_lost)
		fprintf(report->to, "%s%llu more were too many to note%s\n",
			report->html ? "<p>" : "",
			(unsigned long long)learned->paths_lost,
			report->html ? "</p>" : "");
	put_paths(report, "Destinations", learned->destinations,
		  learned->destination_count);
	fputs(report->html ? "</body></html>\n" : "", report->to);
}

const char *learn_report(const struct learned *learned, const char *command, bool html,
			 struct arena *arena)
{
	struct report report = { .html = html };
	char *text = NULL, *kept;
	size_t size = 0;

	report.to = open_memstream(&text, &size);
	if (!report.to)
		abort();
	put_all(&report, learned, command);
	if (fclose(report.to) != 0)
		abort();
	kept = arena_strndup(arena, text, size);
	free(text);
	return kept;
}
