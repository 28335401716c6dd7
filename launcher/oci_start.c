/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "launcher/container.h"
#include "launcher/oci_gvisor.h"
#include "plan/plan.h"

static const char usage[] = "start ID";

/* Only who waits can be started; a dead one says so too. */
static int check_status(const struct container_entry *entry,
			const struct container_record *record, struct error *err)
{
	const enum container_status status = container_status(entry, record);

	if (status == CONTAINER_CREATED || status == CONTAINER_PAUSED)
		return 0;
	error_set(err, ERROR_CONTAINER_STATE, "start %s: container is not created: %s",
		  record->id, container_status_name(status));
	if (status == CONTAINER_STOPPED)
		return error_hint(err, "sbx-oci delete %s, then create it again",
				  record->id);
	return error_hint(err, "sbx-oci exec executes another process in one that runs");
}

static int start(const struct oci_globals *globals, const char *id, struct arena *arena,
		 struct error *err)
{
	struct container_entry entry;
	struct container_record record;
	struct plan plan = { 0 };
	int failed;

	if (oci_find_container(globals, id, true, arena, &entry, &record, err) < 0)
		return -1;
	failed = check_status(&entry, &record, err) < 0;
	if (!failed && record.runsc)
		failed = oci_gvisor_start(&entry, &record, err);
	else if (!failed)
		failed = container_read_created(&entry, &record, &plan, err) < 0 ||
			 container_start(&plan, &entry, &record, NULL, err) < 0;
	oci_leave_container(&entry);
	plan_free(&plan);
	return failed ? -1 : 0;
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	const char *id;

	if (oci_read_words(&words, NULL, 0, usage, arena, err) < 0)
		return -1;
	id = oci_only_id(words, usage, err);
	return id ? start(globals, id, arena, err) : -1;
}

int oci_start(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
