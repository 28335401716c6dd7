/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/container.h"

#include "base/error.h"

const char *container_status_name(enum container_status status)
{
	(void)status;
	return "";
}

int container_check_id(const char *id, struct error *err)
{
	(void)id;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

int container_open_root(const char *root, bool make, struct error *err)
{
	(void)root;
	(void)make;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

int container_take(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err)
{
	(void)place;
	(void)id;
	(void)ret_entry;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

int container_open(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err)
{
	(void)place;
	(void)id;
	(void)ret_entry;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

void container_close(struct container_entry *entry)
{
	(void)entry;
}

int container_write(const struct container_entry *entry,
		    const struct container_record *record, struct error *err)
{
	(void)entry;
	(void)record;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

int container_read(const struct container_entry *entry, struct arena *arena,
		   struct container_record *ret_record, struct error *err)
{
	(void)entry;
	(void)arena;
	(void)ret_record;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

int container_keep_config(const struct container_entry *entry, const char *text,
			  size_t length, struct error *err)
{
	(void)entry;
	(void)text;
	(void)length;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

int container_read_plan(const struct container_entry *entry,
			const struct container_record *record, struct plan *ret_plan,
			struct error *err)
{
	(void)entry;
	(void)record;
	(void)ret_plan;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

enum container_status container_status(const struct container_entry *entry,
				       const struct container_record *record)
{
	(void)entry;
	(void)record;
	return CONTAINER_STOPPED;
}

const char *const *container_list(int place, struct arena *arena, struct error *err)
{
	(void)place;
	(void)arena;
	error_set(err, ERROR_PLAIN, "list containers: it is not built yet");
	return NULL;
}

int container_remove(struct container_entry *entry, struct error *err)
{
	(void)entry;
	return error_set(err, ERROR_PLAIN, "x: it is not built yet");
}

const char *container_state_text(const struct container_record *record,
				 enum container_status status, struct arena *arena)
{
	(void)record;
	(void)status;
	(void)arena;
	return "";
}
