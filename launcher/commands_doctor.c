/* SPDX-License-Identifier: Apache-2.0 */
/* sbx doctor [--json]: the table of doctor.h, for people or for programs. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "launcher/doctor.h"
#include "launcher/report.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DOCTOR_WELL = 0, /* a sandbox with the defaults can be started here */
	DOCTOR_ILL = 1,
	DOCTOR_FAILED = 125,
	NAME_WIDTH = 26,
};

static const char usage[] =
	"usage: sbx doctor [--json]\n"
	"\n"
	"Shows what this host can do for a sandbox, what a missing part costs, and the one\n"
	"command that mends it. Ends with 0 if a sandbox with the defaults can be started\n"
	"here, with 1 if it cannot.\n"
	"\n"
	"  --json    the same for programs\n";

static const char *const state_names[] = {
	[ROW_OK] = "ok",
	[ROW_LIMITED] = "limited",
	[ROW_MISSING] = "missing",
};

struct choice {
	bool json, help;
};

static int parse_words(const char *const *words, struct choice *ret_choice)
{
	struct choice choice = { 0 };

	for (; *words; words++) {
		if (strcmp(*words, "--json") == 0) {
			choice.json = true;
		} else if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0) {
			choice.help = true;
		} else {
			struct error err;

			error_set(&err, ERROR_USAGE, "run doctor: unknown option %.100s",
				  *words);
			error_hint(&err, "its only option is --json");
			report_error(&err, false);
			return -1;
		}
	}
	*ret_choice = choice;
	return 0;
}

static void put_text_or_null(struct json_value *row, const char *key, const char *text)
{
	if (text[0])
		json_put_text(row, key, text);
	else
		json_put_null(row, key);
}

static void put_row(struct json_value *list, const struct doctor_row *row,
		    const struct finding *finding)
{
	struct json_value *object = json_put_object(list, NULL);

	json_put_text(object, "id", row->id);
	json_put_text(object, "name", row->name);
	json_put_text(object, "state", state_names[finding->state]);
	json_put_text(object, "found", finding->found);
	put_text_or_null(object, "costs", finding->costs);
	put_text_or_null(object, "remedy", finding->remedy);
}

static void print_json(const struct doctor_row *rows, const struct finding *findings,
		       size_t count)
{
	struct arena arena = { 0 };
	struct json_value *document = json_make_object(&arena);
	struct json_value *list;

	json_put_integer(document, "version", 1);
	list = json_put_array(document, "rows");
	for (size_t i = 0; i < count; i++)
		put_row(list, &rows[i], &findings[i]);
	fputs(json_write(document, JSON_LAYOUT_LINES, &arena), stdout);
	arena_free(&arena);
}

/* SGR sequences of ECMA-48, on a terminal only; NO_COLOR asks for none. */
static const char *colour_of(enum row_state state, bool coloured)
{
	static const char *const colours[] = {
		[ROW_OK] = "\033[32m",
		[ROW_LIMITED] = "\033[33m",
		[ROW_MISSING] = "\033[31m",
	};

	return coloured ? colours[state] : "";
}

static void print_row(const struct doctor_row *row, const struct finding *finding,
		      bool coloured)
{
	printf("%s%-8s%s %-*s %s\n", colour_of(finding->state, coloured),
	       state_names[finding->state], coloured ? "\033[m" : "", NAME_WIDTH,
	       row->name, finding->found);
	if (finding->costs[0])
		printf("%*s costs: %s\n", 8 + 1 + NAME_WIDTH, "", finding->costs);
	if (finding->remedy[0])
		printf("%*s mend:  %s\n", 8 + 1 + NAME_WIDTH, "", finding->remedy);
}

static bool is_fatal(const struct doctor_row *row, const struct finding *finding)
{
	return row->needed && finding->state == ROW_MISSING;
}

static void print_verdict(const struct doctor_row *rows, const struct finding *findings,
			  size_t count)
{
	const char *separator = "A sandbox with the defaults cannot be started here: ";
	bool well = true;

	putchar('\n');
	for (size_t i = 0; i < count; i++) {
		if (!is_fatal(&rows[i], &findings[i]))
			continue;
		printf("%s%s", separator, rows[i].name);
		separator = "; ";
		well = false;
	}
	puts(well ? "A sandbox with the defaults can be started here." : ".");
}

static void print_text(const struct doctor_row *rows, const struct finding *findings,
		       size_t count)
{
	bool coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	for (size_t i = 0; i < count; i++)
		print_row(&rows[i], &findings[i], coloured);
	print_verdict(rows, findings, count);
}

int command_doctor(const char *const *words)
{
	struct finding findings[64] = { 0 };
	struct host_facts facts;
	struct choice choice;
	size_t count;
	const struct doctor_row *rows = doctor_rows(&count);
	int status = DOCTOR_WELL;

	if (parse_words(words, &choice) < 0)
		return DOCTOR_FAILED;
	if (choice.help)
		return fputs(usage, stdout) < 0 ? DOCTOR_FAILED : DOCTOR_WELL;

	host_gather(&facts);
	host_probe_gvisor(&facts.gvisor);
	for (size_t i = 0; i < count; i++) {
		findings[i] = doctor_judge(rows[i].id, &facts);
		if (is_fatal(&rows[i], &findings[i]))
			status = DOCTOR_ILL;
	}
	if (choice.json)
		print_json(rows, findings, count);
	else
		print_text(rows, findings, count);
	return fflush(stdout) == 0 ? status : DOCTOR_FAILED;
}
