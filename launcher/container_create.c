/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/container.h"

#include "base/error.h"

int container_create(const struct plan *plan, const struct container_options *options,
		     const struct caller_text *caller, struct container_entry *entry,
		     struct container_record *record, struct sandbox *ret_sandbox,
		     struct error *err)
{
	(void)plan;
	(void)options;
	(void)caller;
	(void)entry;
	(void)record;
	(void)ret_sandbox;
	return error_set(err, ERROR_PLAIN, "create a container: it is not built yet");
}
