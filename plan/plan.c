/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <string.h>

void plan_free(struct plan *plan)
{
	arena_free(&plan->arena);
	memset(plan, 0, sizeof(*plan));
}
