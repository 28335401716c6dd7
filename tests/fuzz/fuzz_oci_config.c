/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A config.json from anybody. What is read is written and read again: it has to be the
 * same plan.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/internal.h"
#include "tests/unit/plan_equal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct plan *plan)
{
	struct arena arena = { 0 };
	struct plan again = { 0 };
	const char *text = plan_to_oci(plan, false, &arena);
	const char *field;
	struct error err;

	if (plan_from_oci(text, strlen(text), "again.json", &again, &err) < 0) {
		fprintf(stderr, "refused what was written: %s\n%s", err.text, text);
		abort();
	}
	field = plan_difference(plan, &again);
	if (field) {
		fprintf(stderr, "%s differs\n%s", field, text);
		abort();
	}
	plan_free(&again);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan plan = { 0 };
	struct error err;

	if (plan_from_oci((const char *)data, size, "config.json", &plan, &err) == 0)
		check_again(&plan);
	plan_free(&plan);
	return 0;
}
