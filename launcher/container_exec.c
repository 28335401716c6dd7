/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/container.h"

#include "base/error.h"

int container_exec(const struct plan *plan, const struct container_record *record,
		   const struct container_exec *request, const struct caller_text *caller,
		   int *ret_status, struct error *err)
{
	(void)plan;
	(void)record;
	(void)request;
	(void)caller;
	(void)ret_status;
	return error_set(err, ERROR_PLAIN, "execute in a container: it is not built yet");
}
