/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of `sbx-oci` share: their frame, and the container that they are told of. */
#include "launcher/oci.h"

#include "base/accounts.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "launcher/container.h"

#include <errno.h>
#include <unistd.h>

static int open_entry(const struct oci_globals *globals, const char *id, bool locked,
		      struct container_entry *ret_entry, struct error *err)
{
	int place;
	int failed;

	if (container_check_id(id, err) < 0)
		return -1;
	place = container_open_root(globals->root, false, err);
	if (place < 0 && err->errnum == ENOENT) {
		error_set(err, ERROR_NO_SUCH_SANDBOX,
			  "find the container: container %.150s does not exist", id);
		return error_hint(err,
				  "nothing was ever created here; --root says where");
	}
	if (place < 0)
		return -1;
	if (locked)
		failed = container_open(place, id, ret_entry, err);
	else
		failed = container_look(place, id, ret_entry, err);
	if (failed)
		close(place);
	return failed;
}

int oci_find_container(const struct oci_globals *globals, const char *id, bool locked,
		       struct arena *arena, struct container_entry *ret_entry,
		       struct container_record *ret_record, struct error *err)
{
	if (open_entry(globals, id, locked, ret_entry, err) < 0)
		return -1;
	if (container_read(ret_entry, arena, ret_record, err) == 0)
		return 0;
	oci_leave_container(ret_entry);
	return -1;
}

void oci_leave_container(struct container_entry *entry)
{
	container_close(entry);
	fd_close(&entry->place);
}

void oci_name_owner(struct container_record *record, struct arena *arena)
{
	struct account account;
	struct error ignored;
	uint32_t uid;

	if (record->owner && text_to_u32(record->owner, &uid) == 0 &&
	    account_by_uid(-1, uid, &account, &ignored) == 0)
		record->owner = arena_strdup(arena, account.name);
}

int oci_command(const struct oci_globals *globals, const char *const *words,
		int (*run)(const struct oci_globals *globals, const char *const *words,
			   struct arena *arena, struct error *err))
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	int status = 0;

	if (run(globals, words, &arena, &err) < 0)
		status = oci_fail(globals, &err);
	arena_free(&arena);
	return status;
}
