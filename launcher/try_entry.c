/* SPDX-License-Identifier: Apache-2.0 */
/* One try that is kept: its lock, and what stands in its document. */
#include "launcher/try.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "launcher/state_files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DOCUMENT "try.json"

enum { TRIES = 100, COMMAND_PART = 24, DOCUMENT_MAX = 1 << 20, LOCK_TRIES = 30 };

/* ---- the document ---------------------------------------------------------------------- */

int try_entry_save(const struct try_entry *entry, struct arena *arena, struct error *err)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *command, *directories;
	const char *text;

	json_put_integer(object, "version", 1);
	json_put_bool(object, "named", entry->named);
	json_put_bool(object, "running", entry->running);
	json_put_integer(object, "made", entry->made);
	json_put_integer(object, "began", entry->began);
	json_put_integer(object, "status", entry->status);
	command = json_put_array(object, "command");
	for (const char *const *word = entry->command; word && *word; word++)
		json_put_text(command, NULL, *word);
	directories = json_put_array(object, "directories");
	for (size_t i = 0; i < entry->count; i++) {
		struct json_value *directory = json_put_object(directories, NULL);

		json_put_text(directory, "path", entry->directories[i].path);
		json_put_unsigned(directory, "inode", entry->directories[i].inode);
	}
	if (json_has_escapes(object))
		json_put_bool(object, "escaped", true);
	text = json_write(object, JSON_LAYOUT_LINES, arena);
	if (files_replace(entry->dir, DOCUMENT, text, strlen(text), 0600) < 0)
		return error_errno_id(err, ERROR_STATE, "write down the try %s",
				      entry->name);
	return 0;
}

static int read_directories(const struct json_value *list, struct arena *arena,
			    struct try_entry *entry, struct error *err)
{
	entry->count = json_count(list);
	entry->directories =
		arena_alloc_array(arena, entry->count + 1, sizeof(*entry->directories));
	for (size_t i = 0; i < entry->count; i++) {
		struct try_directory *directory = &entry->directories[i];
		const struct json_value *object = json_at(list, i);

		directory->place = directory->lower = directory->upper = -1;
		if (json_want_text(json_get(object, "path"), &directory->path, err) < 0 ||
		    json_want_unsigned(json_get(object, "inode"), UINT64_MAX,
				       &directory->inode, err) < 0)
			return -1;
	}
	return 0;
}

static int read_document(const struct json_value *object, struct arena *arena,
			 struct try_entry *entry, struct error *err)
{
	const struct json_value *list = NULL;
	int64_t status = 0;
	size_t words;

	if (json_get_bool(object, "named", &entry->named, err) != 0 ||
	    json_get_bool(object, "running", &entry->running, err) != 0 ||
	    json_get_integer(object, "made", 0, INT64_MAX, &entry->made, err) != 0 ||
	    json_get_integer(object, "began", 0, INT64_MAX, &entry->began, err) != 0 ||
	    json_get_integer(object, "status", 0, 255, &status, err) != 0 ||
	    json_get_texts(object, "command", &entry->command, &words, err) != 0 ||
	    json_get_array(object, "directories", &list, err) != 0)
		return error_set(err, ERROR_STATE, "read the try %s: it is damaged",
				 entry->name);
	entry->status = (int)status;
	return read_directories(list, arena, entry, err);
}

/* 1: read; 0: there is no document (yet); -1: error. */
static int read_entry(int dir, struct arena *arena, struct try_entry *entry,
		      struct error *err)
{
	auto_close int fd = openat(dir, DOCUMENT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct json_value *object;
	bool escaped = false;
	size_t length = 0;
	char *text;

	if (fd < 0 && errno == ENOENT)
		return 0;
	text = fd < 0 ? NULL : files_read_all(arena, fd, DOCUMENT_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_STATE, "read the try %s", entry->name);
	object = json_read(text, length, entry->name, arena, err);
	if (!object)
		return -1;
	if (json_get_bool(object, "escaped", &escaped, err) == 0 && escaped)
		json_restore_bytes(object);
	return read_document(object, arena, entry, err) < 0 ? -1 : 1;
}

/* ---- the lock -------------------------------------------------------------------------- */

/* Who lists tries holds each for a moment. */
static int lock(int dir)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(dir, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -1;
		poll(NULL, 0, 1);
	}
	errno = EWOULDBLOCK;
	return -1;
}

/* 1: locked; 0: there is none; -1 and errno, EWOULDBLOCK where somebody has it. */
static int lock_directory(int store, const char *name, int *ret_dir)
{
	auto_close int dir = state_open_entry(store, name);

	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	if (lock(dir) < 0)
		return -1;
	if (!state_is_current(store, name, dir))
		return 0;
	*ret_dir = fd_take(&dir);
	return 1;
}

static int refuse_used(const char *name, struct error *err)
{
	if (errno != EWOULDBLOCK)
		return error_errno_id(err, ERROR_STATE, "open the try %s", name);
	error_set(err, ERROR_STATE, "use the try %s: another sbx try has it", name);
	return error_hint(err, "wait for its end");
}

void try_entry_close(struct try_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++) {
		fd_close(&entry->directories[i].place);
		fd_close(&entry->directories[i].lower);
		fd_close(&entry->directories[i].upper);
	}
	fd_close(&entry->dir);
}

/* ---- making one ------------------------------------------------------------------------ */

/* "make-3f2a", or "try-3f2a" where the command's name is no name. */
static const char *make_up(const char *command, struct arena *arena)
{
	const char *slash = strrchr(command, '/');
	const char *base = slash ? slash + 1 : command;
	unsigned char bytes[2] = { 0 };
	char part[COMMAND_PART + 1] = "";
	size_t used = 0;

	for (; *base && used < COMMAND_PART; base++)
		if (isalnum((unsigned char)*base) || (used && strchr("._-", *base)))
			part[used++] = *base;
	/* A name that is taken is tried again. */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		bytes[0] = (unsigned char)getpid();
	return arena_printf(arena, "%s-%02x%02x", used ? part : "try", bytes[0],
			    bytes[1]);
}

/* 1: made and locked; 0: the name is taken; -1 and errno. */
static int try_to_make(int store, const char *name, int *ret_dir)
{
	int locked;

	if (mkdirat(store, name, 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	locked = lock_directory(store, name, ret_dir);
	/* Whoever cleans up has met it before it was locked, and removes it. */
	if (locked < 0 && errno == EWOULDBLOCK)
		return 0;
	return locked;
}

int try_entry_make(const struct try_store *store, const char *name, const char *command,
		   struct arena *arena, struct try_entry *ret_entry, struct error *err)
{
	struct try_entry entry = { .dir = -1, .named = name != NULL };

	for (int i = 0; i < TRIES; i++) {
		int made;

		entry.name = name ? name : make_up(command, arena);
		made = try_to_make(store->dir, entry.name, &entry.dir);
		if (made < 0)
			return error_errno_id(err, ERROR_STATE, "make %s/%s", store->path,
					      entry.name);
		if (made) {
			entry.made = time(NULL);
			*ret_entry = entry;
			return 0;
		}
	}
	return error_set(err, ERROR_STATE, "make the try %s: somebody else makes it too",
			 entry.name);
}

/* ---- opening one ----------------------------------------------------------------------- */

static int open_layer(const struct try_entry *entry, size_t i, struct arena *arena,
		      struct error *err)
{
	struct try_directory *directory = &entry->directories[i];
	const char *number = arena_printf(arena, "%zu", i);
	struct stat status;

	directory->place = openat(entry->dir, number,
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory->place < 0)
		return error_errno_id(err, ERROR_STATE, "open the layer of %s",
				      directory->path);
	/* Its mode may keep even its owner out. */
	directory->upper = openat(directory->place, "upper",
				  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	directory->lower = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory->upper < 0 || directory->lower < 0 ||
	    fstat(directory->lower, &status) < 0)
		return error_errno_id(err, ERROR_STATE, "open %s", directory->path);
	if (status.st_ino == directory->inode)
		return 0;
	error_set(err, ERROR_STATE, "go on with %s: %s is another directory now",
		  entry->name, directory->path);
	return error_hint(err, "sbx try --discard %s", entry->name);
}

int try_entry_open_layers(struct try_entry *entry, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < entry->count; i++)
		if (entry->directories[i].upper < 0 &&
		    open_layer(entry, i, arena, err) < 0)
			return -1;
	return 0;
}

static int go_on(const struct try_store *store, struct try_entry *entry,
		 struct arena *arena, enum commit_left *ret_left, struct error *err)
{
	struct commit_layer *layers =
		arena_alloc_array(arena, entry->count + 1, sizeof(*layers));

	if (try_entry_open_layers(entry, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < entry->count; i++)
		layers[i] = (struct commit_layer){ .lower = entry->directories[i].lower,
						   .upper = entry->directories[i].upper };
	if (commit_go_on(layers, entry->count, entry->dir, false, arena, ret_left, err) <
	    0)
		return -1;
	return *ret_left == COMMIT_FINISHED ? try_entry_remove(store, entry, arena, err)
					    : 0;
}

static int read_locked(const struct try_store *store, struct try_entry *entry,
		       struct arena *arena, struct error *err)
{
	enum commit_left left = COMMIT_NOTHING;
	int found = read_entry(entry->dir, arena, entry, err);

	if (found < 0)
		return -1;
	/* Its maker was killed before anything was in it. */
	if (!found)
		return try_entry_remove(store, entry, arena, err);
	if (commit_is_begun(entry->dir) && go_on(store, entry, arena, &left, err) < 0)
		return -1;
	return left == COMMIT_FINISHED ? 0 : 1;
}

int try_entry_open(const struct try_store *store, const char *name, struct arena *arena,
		   struct try_entry *ret_entry, struct error *err)
{
	struct try_entry entry = { .dir = -1, .name = name };
	int found = store->dir < 0 ? 0 : lock_directory(store->dir, name, &entry.dir);

	if (found < 0)
		return refuse_used(name, err);
	if (found)
		found = read_locked(store, &entry, arena, err);
	if (found == 1)
		*ret_entry = entry;
	else
		try_entry_close(&entry);
	return found;
}

int try_entry_look(const struct try_store *store, const char *name, struct arena *arena,
		   struct try_entry *ret_entry, bool *ret_used, struct error *err)
{
	struct try_entry entry = { .dir = -1, .name = name };
	auto_close int dir = state_open_entry(store->dir, name);
	int found;

	if (dir < 0)
		return 0;
	found = read_entry(dir, arena, &entry, err);
	if (found != 1)
		return found;
	*ret_used = flock(dir, LOCK_SH | LOCK_NB) < 0;
	*ret_entry = entry;
	return 1;
}
