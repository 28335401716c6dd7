/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written down of a container, and what it is doing. A record is read with doubt:
 * it must be a plain file of this user's with every member that we write, and the id of its
 * directory.
 */
#include "launcher/container.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "launcher/container_files.h"
#include "launcher/state.h"
#include "policy/container_group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- writing ---------------------------------------------------------------------------- */

static void put_optional(struct json_value *object, const char *key, const char *text)
{
	if (text)
		json_put_text(object, key, text);
}

static void put_annotations(struct json_value *object,
			    const struct container_record *record)
{
	struct json_value *annotations;

	if (record->annotation_count == 0)
		return;
	annotations = json_put_object(object, "annotations");
	for (size_t i = 0; i < record->annotation_count; i++)
		json_put_text(annotations, record->annotations[i].key,
			      record->annotations[i].value);
}

static void put_texts(struct json_value *object, const char *key,
		      const char *const *texts)
{
	struct json_value *list;

	if (!texts)
		return;
	list = json_put_array(object, key);
	for (; *texts; texts++)
		json_put_text(list, NULL, *texts);
}

static const char *record_text(const struct container_record *record, struct arena *arena)
{
	struct json_value *object = json_make_object(arena);

	json_put_integer(object, "version", 1);
	json_put_text(object, "id", record->id);
	put_optional(object, "ociVersion", record->version);
	put_optional(object, "bundle", record->bundle);
	put_optional(object, "rootfs", record->rootfs);
	put_optional(object, "created", record->created);
	put_optional(object, "owner", record->owner);
	json_put_integer(object, "pid", record->pid);
	json_put_unsigned(object, "startTime", record->start_time);
	put_optional(object, "cgroup", record->cgroup);
	put_texts(object, "external", record->external);
	put_texts(object, "runsc", record->runsc);
	put_optional(object, "runscPin", record->runsc_pin);
	if (record->hides_net_core)
		json_put_bool(object, "hidesNetCore", true);
	put_annotations(object, record);
	json_put_bool(object, "systemd", record->systemd);
	json_put_bool(object, "terminal", record->terminal);
	if (json_has_escapes(object))
		json_put_bool(object, "escaped", true);
	return json_write(object, JSON_LAYOUT_LINE, arena);
}

int container_write(const struct container_entry *entry,
		    const struct container_record *record, struct error *err)
{
	struct arena arena = { 0 };
	const char *text = record_text(record, &arena);
	int failed = 0;

	if (files_replace(entry->dir, CONTAINER_RECORD_FILE, text, strlen(text), 0600) <
	    0)
		failed = container_refuse(err, "write the record of container %.100s",
					  entry->id);
	arena_free(&arena);
	return failed;
}

int container_keep_config(const struct container_entry *entry, const char *text,
			  size_t length, struct error *err)
{
	if (files_replace(entry->dir, CONTAINER_CONFIG_FILE, text, length, 0600) < 0)
		return container_refuse(err, "keep the configuration of container %.100s",
					entry->id);
	return 0;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* -1 and errno; EPERM: it is no file of this user's. */
static char *read_own_file(int dir, const char *name, struct arena *arena,
			   size_t *ret_length)
{
	auto_close int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    (status.st_mode & (S_IWGRP | S_IWOTH))) {
		errno = EPERM;
		return NULL;
	}
	return files_read_all(arena, fd, JSON_SIZE_MAX, ret_length);
}

static int read_annotations(const struct json_value *object, struct arena *arena,
			    struct container_record *record, struct error *err)
{
	const struct json_value *annotations = NULL;
	struct key_value *list;
	size_t count;

	if (json_get_object(object, "annotations", &annotations, err) < 0)
		return -1;
	count = json_count(annotations);
	list = arena_alloc_array(arena, count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		list[i].key = json_key_at(annotations, i);
		if (json_want_text(json_at(annotations, i), &list[i].value, err) < 0)
			return -1;
	}
	record->annotations = list;
	record->annotation_count = count;
	return 0;
}

static int read_process(const struct json_value *object, struct container_record *record,
			struct error *err)
{
	int64_t pid = 0;

	if (json_get_integer(object, "pid", 0, INT_MAX, &pid, err) < 0 ||
	    json_get_unsigned(object, "startTime", UINT64_MAX, &record->start_time, err) <
		    0)
		return -1;
	record->pid = (pid_t)pid;
	return 0;
}

static int read_flags(const struct json_value *object, struct container_record *record,
		      struct error *err)
{
	if (json_get_bool(object, "systemd", &record->systemd, err) < 0 ||
	    json_get_bool(object, "terminal", &record->terminal, err) < 0 ||
	    json_get_bool(object, "hidesNetCore", &record->hides_net_core, err) < 0)
		return -1;
	return 0;
}

static int read_texts(const struct json_value *object, struct container_record *record,
		      struct error *err)
{
	const struct {
		const char *key;
		const char **value;
		bool needed;
	} texts[] = {
		{ "id", &record->id, true },
		{ "ociVersion", &record->version, true },
		{ "bundle", &record->bundle, true },
		{ "rootfs", &record->rootfs, false },
		{ "created", &record->created, true },
		{ "owner", &record->owner, false },
		{ "cgroup", &record->cgroup, false },
		{ "runscPin", &record->runsc_pin, false },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const int missing =
			json_get_text(object, texts[i].key, texts[i].value, err);

		if (missing < 0)
			return -1;
		if (missing && texts[i].needed)
			return error_set(err, ERROR_CONFIG, "%s is missing",
					 texts[i].key);
	}
	return 0;
}

static int read_members(const struct json_value *object, struct arena *arena,
			struct container_record *record, struct error *err)
{
	size_t count;

	if (read_texts(object, record, err) < 0 ||
	    read_process(object, record, err) < 0 ||
	    read_flags(object, record, err) < 0 ||
	    json_get_texts(object, "external", &record->external, &count, err) < 0 ||
	    json_get_texts(object, "runsc", &record->runsc, &count, err) < 0)
		return -1;
	return read_annotations(object, arena, record, err);
}

static int parse_record(const char *text, size_t length, struct arena *arena,
			struct container_record *record, struct error *err)
{
	struct json_value *object =
		json_read(text, length, CONTAINER_RECORD_FILE, arena, err);
	bool escaped = false;

	if (!object || json_want_kind(object, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_bool(object, "escaped", &escaped, err) < 0)
		return -1;
	if (escaped)
		json_restore_bytes(object);
	return read_members(object, arena, record, err);
}

static int refuse_damaged(const struct container_entry *entry, struct error *err)
{
	err->id = ERROR_STATE;
	error_within(err, "believe the record of container %.100s", entry->id);
	return error_hint(err, "sbx-oci delete --force removes it");
}

/* Whether anybody, be it ourselves, changes it now. */
static bool is_held(const struct container_entry *entry)
{
	auto_close int again =
		openat(entry->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return again >= 0 && flock(again, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* There is none: it is being created, or its creator was killed. */
static int refuse_missing(const struct container_entry *entry, struct error *err)
{
	if (is_held(entry))
		return error_set(
			err, ERROR_NO_SUCH_SANDBOX,
			"find the container: container %.100s does not exist yet: it is "
			"being created",
			entry->id);
	return error_set(err, ERROR_NO_SUCH_SANDBOX,
			 "find the container: container %.150s does not exist",
			 entry->id);
}

int container_read(const struct container_entry *entry, struct arena *arena,
		   struct container_record *ret_record, struct error *err)
{
	struct container_record record = { 0 };
	size_t length = 0;
	const char *text =
		read_own_file(entry->dir, CONTAINER_RECORD_FILE, arena, &length);

	if (!text && errno == ENOENT)
		return refuse_missing(entry, err);
	if (!text) {
		container_refuse(err, "read it");
		return refuse_damaged(entry, err);
	}
	if (parse_record(text, length, arena, &record, err) < 0)
		return refuse_damaged(entry, err);
	if (strcmp(record.id, entry->id) != 0) {
		error_set(err, ERROR_STATE, "it is another one's");
		return refuse_damaged(entry, err);
	}
	*ret_record = record;
	return 0;
}

static const char *read_config(const struct container_entry *entry, struct arena *arena,
			       size_t *ret_length, struct error *err)
{
	const char *text =
		read_own_file(entry->dir, CONTAINER_CONFIG_FILE, arena, ret_length);

	if (!text)
		container_refuse(err, "read the configuration of container %.100s",
				 entry->id);
	return text;
}

static const char *config_name(const struct container_record *record, struct arena *arena)
{
	return arena_printf(arena, "%s/%s", record->bundle, CONTAINER_CONFIG_FILE);
}

int container_read_plan(const struct container_entry *entry,
			const struct container_record *record, struct plan *ret_plan,
			struct error *err)
{
	struct arena *arena = &ret_plan->arena;
	size_t length = 0;
	const char *text = read_config(entry, arena, &length, err);

	return text ? plan_from_bundle(text, length, config_name(record, arena), NULL,
				       ret_plan, err)
		    : -1;
}

int container_read_created(const struct container_entry *entry,
			   const struct container_record *record, struct plan *ret_plan,
			   struct error *err)
{
	struct arena *arena = &ret_plan->arena;
	size_t length = 0;
	const char *text = read_config(entry, arena, &length, err);

	return text ? plan_from_created(text, length, config_name(record, arena),
					ret_plan, err)
		    : -1;
}

/* ---- what it is doing ------------------------------------------------------------------- */

const char *container_status_name(enum container_status status)
{
	static const char *const names[] = {
		[CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created",
		[CONTAINER_RUNNING] = "running",   [CONTAINER_PAUSED] = "paused",
		[CONTAINER_STOPPED] = "stopped",
	};

	return names[status];
}

/* Process 1 listens until it executes its process: the socket is close-on-exec. */
static bool awaits_start(const struct container_entry *entry)
{
	auto_close int fd =
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		 entry->dir, CONTAINER_SOCKET);
	return fd >= 0 &&
	       (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
		errno == EAGAIN);
}

/* By somebody else: where nobody does, the creator was killed, and process 1 dies of that. */
static enum container_status judge_unfinished(const struct container_entry *entry)
{
	return !entry->held && is_held(entry) ? CONTAINER_CREATING : CONTAINER_STOPPED;
}

static bool has(const struct container_entry *entry, const char *name)
{
	return faccessat(entry->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_unfinished(const struct container_entry *entry)
{
	return has(entry, CONTAINER_UNFINISHED);
}

static bool is_frozen(const struct container_record *record)
{
	struct arena arena = { 0 };
	struct container_group group = { 0 };
	struct error ignored;
	bool frozen = false;

	if (record->cgroup && group_open(record->cgroup, &arena, &group, &ignored) == 0) {
		frozen = group_is_frozen(&group);
		group_close(&group);
	}
	arena_free(&arena);
	return frozen;
}

/* runsc's own process says nothing of that: what we did with it is written down. */
static enum container_status judge_gvisor(const struct container_entry *entry)
{
	if (has(entry, CONTAINER_PAUSED_FILE))
		return CONTAINER_PAUSED;
	return has(entry, CONTAINER_CREATED_FILE) ? CONTAINER_CREATED : CONTAINER_RUNNING;
}

enum container_status container_status(const struct container_entry *entry,
				       const struct container_record *record)
{
	if (record->pid == 0)
		return judge_unfinished(entry);
	if (!state_is_alive(record->pid, record->start_time))
		return CONTAINER_STOPPED;
	if (record->runsc)
		return judge_gvisor(entry);
	if (is_frozen(record))
		return CONTAINER_PAUSED;
	if (awaits_start(entry))
		return CONTAINER_CREATED;
	return is_unfinished(entry) ? judge_unfinished(entry) : CONTAINER_RUNNING;
}

/* ---- the state --------------------------------------------------------------------------- */

void container_put_state(struct json_value *object, const struct container_record *record,
			 enum container_status status)
{
	put_optional(object, "ociVersion", record->version);
	json_put_text(object, "id", record->id);
	json_put_integer(object, "pid", status == CONTAINER_STOPPED ? 0 : record->pid);
	json_put_text(object, "status", container_status_name(status));
	put_optional(object, "bundle", record->bundle);
	put_optional(object, "rootfs", record->rootfs);
	put_optional(object, "created", record->created);
	put_annotations(object, record);
	json_put_text(object, "owner", record->owner ? record->owner : "");
}

const char *container_state_text(const struct container_record *record,
				 enum container_status status, struct arena *arena)
{
	struct json_value *object = json_make_object(arena);

	container_put_state(object, record, status);
	return json_write(object, JSON_LAYOUT_LINES, arena);
}
