/* SPDX-License-Identifier: Apache-2.0 */
/* create, start, wait for the end, delete. */
#include "launcher/oci_make.h"

#include "base/error.h"
#include "launcher/oci_gvisor.h"

#include <signal.h>

static int remove_by_force(struct oci_made *made, struct error *err)
{
	return made->record.runsc
		       ? oci_gvisor_delete(&made->entry, &made->record, true, err)
		       : container_delete(&made->entry, &made->record, true, err);
}

/* What could not be started is not left behind. */
static void take_away(const struct oci_globals *globals, struct oci_made *made)
{
	struct error err = { 0 };

	if (remove_by_force(made, &err) != 0)
		oci_warn_of(globals, &err);
}

/* What was deleted meanwhile is gone, and another one of that id is not ours to remove. */
static bool find_again(struct oci_made *made, struct error *err)
{
	struct container_entry entry;
	struct container_record record;

	if (container_open(made->entry.place, made->record.id, &entry, err) < 0)
		return false;
	if (container_read(&entry, &made->arena, &record, err) == 0 &&
	    record.pid == made->record.pid &&
	    record.start_time == made->record.start_time) {
		made->entry = entry;
		return true;
	}
	container_close(&entry);
	return false;
}

static int stay(const struct oci_globals *globals, struct oci_made *made, bool keep,
		int *ret_status, struct error *err)
{
	int removed;

	/* While it runs others may change it, and delete it by force. */
	container_close(&made->entry);
	if (container_attend(&made->plan, &made->handle, ret_status, err) < 0)
		return -1;
	if (keep || !find_again(made, err))
		return 0;
	removed = made->record.runsc ? remove_by_force(made, err)
				     : container_take_away(&made->plan, &made->entry,
							   &made->record, err);
	if (removed > 0)
		oci_warn_of(globals, err);
	return removed < 0 ? -1 : 0;
}

static void signal_runsc(void *context, int number)
{
	struct oci_made *made = context;
	struct container_entry entry;
	struct error ignored;

	if (container_look(made->entry.place, made->record.id, &entry, &ignored) < 0)
		return;
	(void)oci_gvisor_kill(&entry, &made->record, number, false, &ignored);
	container_close(&entry);
}

static int start(struct oci_made *made, bool detach, struct error *err)
{
	if (!made->record.runsc)
		return container_start(&made->plan, &made->entry, &made->record,
				       detach ? NULL : &made->handle.notify, err);
	made->handle.signal = signal_runsc;
	made->handle.context = made;
	return oci_gvisor_start(&made->entry, &made->record, err);
}

static int run(const struct oci_globals *globals, struct oci_made *made,
	       const struct oci_run_words *read, int *ret_status, struct error *err)
{
	if (start(made, read->detach, err) < 0) {
		take_away(globals, made);
		return -1;
	}
	if (read->detach)
		return 0;
	return stay(globals, made, read->keep, ret_status, err);
}

int oci_run(const struct oci_globals *globals, const char *const *words)
{
	struct oci_run_words read = { 0 };
	struct oci_made made;
	struct error err = { 0 };
	int status = 0;

	if (oci_make(globals, words, &read, &made, &err) < 0 ||
	    run(globals, &made, &read, &status, &err) < 0)
		status = oci_fail(globals, &err);
	oci_made_free(&made);
	return status;
}
