/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where containers are remembered, and who holds which.
 *
 * A directory with a record is a container; one without is being made by whoever holds its
 * lock, or was left by a killed creator, and goes as soon as somebody meets it. The lock is
 * on the directory itself, so whoever got it looks whether the name still leads there:
 * meanwhile it may have been deleted, and made anew.
 */
#include "launcher/container.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "launcher/container_files.h"
#include "launcher/state_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	TAKE_TRIES = 50,
	LOCK_WAIT_MS = 10000,
	LOCK_PAUSE_MS = 10,
};

/* ---- ids -------------------------------------------------------------------------------- */

static bool is_id(const char *id)
{
	const size_t length = strlen(id);

	if (length == 0 || length > CONTAINER_ID_MAX || id[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)id[i]) && !strchr("_+-.", id[i]))
			return false;
	return true;
}

int container_check_id(const char *id, struct error *err)
{
	if (is_id(id))
		return 0;
	error_set(err, ERROR_USAGE, "take '%.80s' as the id of a container: %s", id,
		  *id ? "it is not of the form of one" : "it is empty");
	return error_hint(err,
			  "an id has letters, digits and _ + - . (not as the first), at "
			  "most %d",
			  CONTAINER_ID_MAX);
}

static int refuse_unknown(const char *id, struct error *err)
{
	error_set(err, ERROR_NO_SUCH_SANDBOX,
		  "find the container: container %.150s does not exist", id);
	return error_hint(err, "sbx-oci list shows those that do, of one --root");
}

/* ---- opening ---------------------------------------------------------------------------- */

/* -1 and errno: EPERM where others could have written to it. */
static int open_directory(int place, const char *id)
{
	auto_close int dir =
		openat(place, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0 || files_check_owner(dir, S_IWGRP | S_IWOTH) < 0)
		return -1;
	return fd_take(&dir);
}

static bool has_record(int dir)
{
	return faccessat(dir, CONTAINER_RECORD_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void pause_for_lock(void)
{
	const struct timespec time = { 0, LOCK_PAUSE_MS * 1000000L };

	nanosleep(&time, NULL);
}

/* Locked, and still the one of that name. -1 and errno: EWOULDBLOCK, ESTALE. */
static int try_lock(int place, const char *id, int dir)
{
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return -1;
	if (state_is_current(place, id, dir))
		return 0;
	errno = ESTALE;
	return -1;
}

static void give_entry(int place, int *dir, const char *id, bool held,
		       struct container_entry *ret_entry)
{
	ret_entry->held = held;
	ret_entry->place = place;
	ret_entry->dir = fd_take(dir);
	ret_entry->id = id;
}

void container_close(struct container_entry *entry)
{
	/* The lock goes with us, also where a child of ours has the directory open still. */
	if (entry->dir >= 0)
		(void)flock(entry->dir, LOCK_UN);
	entry->held = false;
	fd_close(&entry->dir);
}

static int refuse_entry(const char *id, struct error *err)
{
	if (errno == ENOENT)
		return refuse_unknown(id, err);
	return container_refuse(err, "open the container %.150s", id);
}

int container_look(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err)
{
	auto_close int dir = -1;

	if (container_check_id(id, err) < 0)
		return -1;
	dir = open_directory(place, id);
	if (dir < 0)
		return refuse_entry(id, err);
	give_entry(place, &dir, id, false, ret_entry);
	return 0;
}

int container_open(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err)
{
	if (container_check_id(id, err) < 0)
		return -1;
	for (int waited = 0; waited < LOCK_WAIT_MS; waited += LOCK_PAUSE_MS) {
		auto_close int dir = open_directory(place, id);

		if (dir < 0)
			return refuse_entry(id, err);
		if (try_lock(place, id, dir) == 0) {
			/* What a killed creator left: nobody else would have the lock free. */
			if (!has_record(dir)) {
				(void)files_remove_tree(place, id);
				return refuse_unknown(id, err);
			}
			give_entry(place, &dir, id, true, ret_entry);
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != ESTALE)
			return container_refuse(err, "lock the container %.150s", id);
		pause_for_lock();
	}
	error_set(err, ERROR_CONTAINER_STATE,
		  "change the container %.150s: another process is changing it", id);
	return error_hint(err, "it is being created, started or deleted; try again");
}

/* ---- a new one -------------------------------------------------------------------------- */

static int refuse_taken(const char *id, struct error *err)
{
	error_set(err, ERROR_NAME_TAKEN,
		  "make a container %.150s: one of that id already exists", id);
	return error_hint(err, "sbx-oci delete removes one that has stopped");
}

/* By the name of the place: whoever gave no --root may not know it. */
static void refuse_to_make(int place, const char *id, struct error *err)
{
	const int errnum = errno;
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
	length = readlink(link, path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	errno = errnum;
	container_refuse(err, "make the container %.60s in %.100s", id, path);
}

enum taking { TAKING_DONE, TAKING_AGAIN, TAKING_REFUSED };

/* What a killed creator left is removed: what is in it would be in the way. */
static enum taking take_once(int place, const char *id, struct container_entry *ret_entry,
			     struct error *err)
{
	const bool made = mkdirat(place, id, 0700) == 0;
	auto_close int dir = -1;

	if (!made && errno != EEXIST) {
		refuse_to_make(place, id, err);
		return TAKING_REFUSED;
	}
	dir = open_directory(place, id);
	if (dir < 0 && errno == ENOENT)
		return TAKING_AGAIN;
	if (dir < 0) {
		container_refuse(err, "open the container %.150s", id);
		return TAKING_REFUSED;
	}
	if (try_lock(place, id, dir) < 0) {
		if (made || errno != EWOULDBLOCK)
			return TAKING_AGAIN;
		refuse_taken(id, err);
		return TAKING_REFUSED;
	}
	if (has_record(dir)) {
		refuse_taken(id, err);
		return TAKING_REFUSED;
	}
	if (!made)
		return files_remove_tree(place, id) == 0 ? TAKING_AGAIN : TAKING_REFUSED;
	give_entry(place, &dir, id, true, ret_entry);
	return TAKING_DONE;
}

int container_take(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err)
{
	if (container_check_id(id, err) < 0)
		return -1;
	for (int i = 0; i < TAKE_TRIES; i++) {
		refuse_taken(id, err);
		switch (take_once(place, id, ret_entry, err)) {
		case TAKING_DONE:
			return 0;
		case TAKING_REFUSED:
			return -1;
		case TAKING_AGAIN:
			pause_for_lock();
		}
	}
	return refuse_taken(id, err);
}

/* ---- all of them ------------------------------------------------------------------------ */

/* Whether it is one; what nobody holds and has no record goes. */
static bool is_container(int place, const char *id)
{
	auto_close int dir = is_id(id) ? open_directory(place, id) : -1;

	if (dir < 0)
		return false;
	if (has_record(dir))
		return true;
	if (try_lock(place, id, dir) == 0 && !has_record(dir))
		(void)files_remove_tree(place, id);
	return false;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *container_list(int place, struct arena *arena, struct error *err)
{
	auto_close int again = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;
	const char **ids = NULL;
	size_t count = 0;

	if (!directory) {
		container_refuse(err, "list the containers");
		return NULL;
	}
	(void)fd_take(&again);
	while ((found = readdir(directory))) {
		if (!is_container(place, found->d_name))
			continue;
		ids = arena_grow(arena, ids, count, sizeof(*ids));
		ids[count++] = arena_strdup(arena, found->d_name);
	}
	closedir(directory);
	if (count)
		qsort(ids, count, sizeof(*ids), compare_ids);
	ids = arena_grow(arena, ids, count, sizeof(*ids));
	ids[count] = NULL;
	return ids;
}

int container_remove(struct container_entry *entry, struct error *err)
{
	int failed = unlinkat(entry->dir, CONTAINER_RECORD_FILE, 0);

	/* Without its record it is none, however far the rest comes. */
	if (!failed || errno == ENOENT)
		failed = files_remove_tree(entry->place, entry->id);
	if (failed)
		container_refuse(err, "forget the container %.150s", entry->id);
	container_close(entry);
	return failed;
}
