/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "launcher/container.h"

#include <stdio.h>

static const char usage[] = "state ID";

static int print_state(const struct oci_globals *globals, const char *id,
		       struct arena *arena, struct error *err)
{
	struct container_entry entry;
	struct container_record record;

	if (oci_find_container(globals, id, false, arena, &entry, &record, err) < 0)
		return -1;
	oci_name_owner(&record, arena);
	fputs(container_state_text(&record, container_status(&entry, &record), arena),
	      stdout);
	oci_leave_container(&entry);
	if (fflush(stdout) != 0)
		return error_errno(err, "print the state");
	return 0;
}

static int run(const struct oci_globals *globals, const char *const *words,
	       struct arena *arena, struct error *err)
{
	const char *id;

	if (oci_read_words(&words, NULL, 0, usage, arena, err) < 0)
		return -1;
	id = oci_only_id(words, usage, err);
	return id ? print_state(globals, id, arena, err) : -1;
}

int oci_state(const struct oci_globals *globals, const char *const *words)
{
	return oci_command(globals, words, run);
}
