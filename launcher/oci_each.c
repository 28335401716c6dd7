/* SPDX-License-Identifier: Apache-2.0 */
/* crun's --regex: a command for all containers that match. */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/container.h"

#include <regex.h>

/* All of them are tried; the first failure is the one that is told. */
static int visit(const struct oci_globals *globals, const char *const *ids,
		 const regex_t *pattern, const struct oci_visitor *visitor,
		 struct error *err)
{
	int failed = 0;

	for (; *ids; ids++) {
		struct error here = { 0 };

		if (regexec(pattern, *ids, 0, NULL, 0) != 0 ||
		    visitor->visit(globals, *ids, visitor->context, &here) == 0)
			continue;
		if (!failed)
			*err = here;
		failed = -1;
	}
	return failed;
}

int oci_for_each(const struct oci_globals *globals, const char *expression,
		 const struct oci_visitor *visitor, struct error *err)
{
	struct arena arena = { 0 };
	auto_close int place = -1;
	const char *const *ids;
	regex_t pattern;
	int failed = -1;

	if (regcomp(&pattern, expression, REG_EXTENDED | REG_NOSUB) != 0)
		return error_set(err, ERROR_USAGE,
				 "read '%.100s': it is no regular expression",
				 expression);
	place = container_open_root(globals->root, true, err);
	if (place >= 0) {
		ids = container_list(place, &arena, err);
		if (ids)
			failed = visit(globals, ids, &pattern, visitor, err);
	}
	regfree(&pattern);
	arena_free(&arena);
	return failed;
}
