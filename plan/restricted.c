/* SPDX-License-Identifier: Apache-2.0 */
/* What one option leaves no room for: others, but for some of their operands. */
#include "plan/restricted.h"

#include "base/error.h"
#include "plan/internal.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_allowed(const struct restricted *row, const char *value)
{
	for (size_t i = 0; i < COUNT(row->allowed) && row->allowed[i]; i++) {
		if (!strcmp(row->allowed[i], value))
			return true;
	}
	return false;
}

static int refuse(const struct plan_origin *origin, const struct restricted *row,
		  const struct restriction *by, struct error *err)
{
	const bool is_flag = !strcmp(row->option, "init");
	const bool in_file = strcmp(origin->from, "command line") != 0;

	error_set(err, ERROR_USAGE, "use %s%s%s%.60s%s%.80s with %s%s",
		  is_flag ? "--no-" : "--", origin->option, is_flag ? "" : " ",
		  is_flag ? "" : origin->value, in_file ? " of " : "",
		  in_file ? origin->from : "", by->with, row->why);
	return error_hint(err, "%s", row->hint ? row->hint : by->hint);
}

int check_restricted(const struct draft *draft, const struct restriction *by,
		     struct error *err)
{
	const struct plan *plan = &draft->plan;

	for (size_t i = 0; i < plan->origin_count; i++) {
		const struct plan_origin *origin = &plan->origins[i];

		for (size_t j = 0; j < by->count; j++) {
			if (!strcmp(by->rows[j].option, origin->option) &&
			    !is_allowed(&by->rows[j], origin->value))
				return refuse(origin, &by->rows[j], by, err);
		}
	}
	return 0;
}
