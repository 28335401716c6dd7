/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/container.h"

#include "base/error.h"

int container_run_hooks(const struct plan *plan, enum hook_kind kind,
			const char *state_text, struct error *err)
{
	(void)plan;
	(void)kind;
	(void)state_text;
	return error_set(err, ERROR_PLAIN, "run hooks: it is not built yet");
}
