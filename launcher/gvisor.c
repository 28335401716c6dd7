/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's half of a start with gVisor. */
#include "launcher/gvisor.h"

#include "base/error.h"
#include "launcher/child.h"
#include "launcher/executor.h"
#include "launcher/report.h"

#include <stdio.h>
#include <string.h>

static int gvisor_start(const struct plan *plan, const struct caller_text *caller,
			const struct bounds *bounds, struct sandbox *ret_sandbox,
			struct error *err)
{
	struct gvisor_start start = { 0 };

	if (gvisor_choose(plan, &start.choice, err) < 0)
		return -1;
	if (plan->life.log_format == LOG_TEXT)
		report_notes(start.choice.notes);
	snprintf(start.state, sizeof(start.state), "%s",
		 ret_sandbox->state[0] ? ret_sandbox->state : GVISOR_STATE);
	return namespaces_start(plan, caller, bounds, &start, ret_sandbox, err);
}

const struct executor gvisor_executor = { "runsc", gvisor_start, NULL };
