/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/container.h"

#include "base/error.h"

int container_start(const struct plan *plan, const struct container_entry *entry,
		    const struct container_record *record, struct error *err)
{
	(void)plan;
	(void)entry;
	(void)record;
	return error_set(err, ERROR_PLAIN, "start a container: it is not built yet");
}

int container_kill(const struct container_record *record, int number, bool all,
		   struct error *err)
{
	(void)record;
	(void)number;
	(void)all;
	return error_set(err, ERROR_PLAIN, "kill a container: it is not built yet");
}

int container_delete(struct container_entry *entry, const struct container_record *record,
		     bool force, struct error *err)
{
	(void)entry;
	(void)record;
	(void)force;
	return error_set(err, ERROR_PLAIN, "delete a container: it is not built yet");
}
