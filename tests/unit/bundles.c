/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bundles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "plan/plan.h"

#define NAME "/srv/bundle/config.json"

int bundle_open(void **state)
{
	*state = calloc(1, sizeof(struct plan));
	return *state ? 0 : -1;
}

int bundle_close(void **state)
{
	free(*state);
	return 0;
}

int bundle_give_back(void **state)
{
	plan_free(*state);
	memset(*state, 0, sizeof(struct plan));
	return 0;
}

struct plan *bundle_plan(void **state)
{
	return *state;
}

int bundle_try(void **state, const char *text, struct error *err)
{
	const size_t length = strlen(text);
	char *copy = malloc(length + 1);
	int failed;

	assert_non_null(copy);
	for (size_t i = 0; i <= length; i++)
		copy[i] = text[i];
	for (size_t i = 0; i < length; i++) {
		if (copy[i] == '\'')
			copy[i] = '"';
	}
	bundle_give_back(state);
	failed = plan_from_bundle(copy, length, NAME, NULL, *state, err);
	free(copy);
	return failed;
}

const struct plan *bundle_read(void **state, const char *text)
{
	struct error err;

	if (bundle_try(state, text, &err) < 0)
		fail_msg("%s\n%s", err.text, text);
	return *state;
}

void bundle_refuses(void **state, const char *text, const char *message)
{
	static const char prefix[] = "read " NAME ": ";
	struct error err = { 0 };

	if (bundle_try(state, text, &err) == 0)
		fail_msg("not refused: %s", text);
	if (strncmp(err.text, prefix, strlen(prefix)) != 0 ||
	    strcmp(err.text + strlen(prefix), message) != 0)
		fail_msg("\"%s\" of %s", err.text, text);
}

void bundle_ignores(const struct plan *plan, const char *line)
{
	for (size_t i = 0; plan->container.ignored[i]; i++) {
		if (!strcmp(plan->container.ignored[i], line))
			return;
	}
	fail_msg("not listed: %s", line);
}
