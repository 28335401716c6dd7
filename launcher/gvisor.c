/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's half of a start with gVisor. */
#include "launcher/gvisor.h"

#include "base/error.h"
#include "launcher/executor.h"

static int gvisor_start(const struct plan *plan, const struct caller_text *caller,
			const struct bounds *bounds, struct sandbox *ret_sandbox,
			struct error *err)
{
	(void)plan;
	(void)caller;
	(void)bounds;
	(void)ret_sandbox;
	return error_set(err, ERROR_RUNSC_START, "start the sandbox in gVisor yet");
}

const struct executor gvisor_executor = { "runsc", gvisor_start, NULL };
