/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/join.h"

#include "base/error.h"

int join_start(const struct plan *plan, const struct join_target *target,
	       const struct caller_text *caller, struct sandbox *ret_sandbox,
	       struct error *err)
{
	(void)plan;
	(void)target;
	(void)caller;
	(void)ret_sandbox;
	return error_set(err, ERROR_PLAIN, "join a container: it is not built yet");
}
