/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is a directory that its launcher holds locked (flock(2)) for as long as it
 * lives; the kernel takes the lock back when the last process that has it ends. In it
 * stand `entry.json`, which is there once the command runs, and `status`, which says from
 * the first moment what a waiter is to answer: 137, until the launcher knows better.
 *
 * Whoever holds the lock may remove the directory; everybody else who opened it before
 * finds out by comparing what the name leads to with what was locked. So there is no lock
 * around all entries, and a launcher that is stopped holds up nobody but itself.
 */
#include "launcher/state.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "launcher/report.h"
#include "plan/plan.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

enum {
	SANDBOX_NAME_MAX = 64,
	CLAIM_TRIES = 2000, /* of 1 ms: what is killed holds its lock until it is gone */
	MADE_UP_NAMES = 100,
	PLACE_COUNT = 2,
	KILLED_STATUS = 137,
	STATUS_TEXT_SIZE = 4,
};

static const char entry_file[] = "entry.json";
static const char status_name[] = "status";

/* ---- names and processes --------------------------------------------------------------- */

static bool is_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > SANDBOX_NAME_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return false;
	return true;
}

static int check_name(const char *name, struct error *err)
{
	if (is_name(name))
		return 0;
	error_set(err, ERROR_USAGE, "use the name '%.80s'", name);
	return error_hint(
		err,
		"a name begins with a letter or digit and has at most %d letters, "
		"digits, '.', '_' and '-'",
		SANDBOX_NAME_MAX);
}

/* State and start time of a process, fields 3 and 22 of proc_pid_stat(5). */
static int read_stat(pid_t pid, char *ret_state, uint64_t *ret_start)
{
	char path[32], text[1024];
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (files_read(AT_FDCWD, path, text, sizeof(text) - 1) < 0)
		return -1;
	at = strrchr(text, ')');
	if (!at || at[1] != ' ')
		goto malformed;
	*ret_state = at[2];
	at += 2;
	for (int field = 3; field < 22; field++) {
		at = strchr(at, ' ');
		if (!at)
			goto malformed;
		at++;
	}
	at[strcspn(at, " \n")] = '\0';
	if (text_to_u64(at, 10, ret_start) == 0)
		return 0;
malformed:
	errno = EPROTO;
	return -1;
}

bool state_is_alive(pid_t pid, uint64_t start)
{
	uint64_t found;
	char state;

	return pid > 0 && read_stat(pid, &state, &found) == 0 && found == start &&
	       state != 'Z' && state != 'X';
}

/* ---- places ---------------------------------------------------------------------------- */

/* What others could write to is not believed. */
static int check_owner(int fd, mode_t forbidden)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	if (status.st_uid == geteuid() && !(status.st_mode & forbidden))
		return 0;
	errno = EPERM;
	return -1;
}

static int open_private(int parent, const char *name, bool make)
{
	auto_close int fd = -1;

	if (make && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || check_owner(fd, S_IRWXG | S_IRWXO) < 0)
		return -1;
	return fd_take(&fd);
}

static int open_runtime_place(bool make)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	auto_close int fd = -1;

	if (!path || path[0] != '/') {
		errno = ENOENT;
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || check_owner(fd, S_IWGRP | S_IWOTH) < 0)
		return -1;
	return open_private(fd, "sbx", make);
}

static int open_spare_place(bool make)
{
	auto_close int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[32];

	if (fd < 0)
		return -1;
	snprintf(name, sizeof(name), "sbx-%u", geteuid());
	return open_private(fd, name, make);
}

static int refuse_places(int runtime_errnum, struct error *err)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	const int spare_errnum = errno;

	error_set(err, ERROR_STATE, "use %s/sbx for the state: %s; and /tmp/sbx-%u",
		  path ? path : "XDG_RUNTIME_DIR", strerror(runtime_errnum), geteuid());
	err->errnum = spare_errnum;
	return error_hint(err,
			  "XDG_RUNTIME_DIR has to name a directory that only its owner "
			  "can write to");
}

/* The first of both that serves. -1: none; err may be NULL where nobody asks why. */
static int open_place(bool spare, bool make, struct error *err)
{
	int fd = open_runtime_place(make);
	int errnum = errno;

	if (fd < 0 && spare)
		fd = open_spare_place(make);
	if (fd < 0 && err)
		refuse_places(errnum, err);
	return fd;
}

/* Both, for those who look; -1: it is not there, or is nothing to be believed. */
static void open_places(int ret_places[PLACE_COUNT])
{
	ret_places[0] = open_runtime_place(false);
	ret_places[1] = open_spare_place(false);
}

static void close_places(int places[PLACE_COUNT])
{
	for (size_t i = 0; i < PLACE_COUNT; i++)
		fd_close(&places[i]);
}

/* ---- reading an entry ------------------------------------------------------------------ */

static int open_entry(int place, const char *name)
{
	return openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether the name still leads to the directory that was opened. */
static bool is_current(int place, const char *name, int dir)
{
	struct stat by_name, by_fd;

	return fstatat(place, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(dir, &by_fd) == 0 && files_same(&by_name, &by_fd);
}

static const char *read_text(int dir, const char *name, struct arena *arena,
			     size_t *ret_length)
{
	auto_close int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	ssize_t length;
	char *text;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	if (!S_ISREG(status.st_mode) || status.st_size > JSON_SIZE_MAX)
		return NULL;
	text = arena_alloc(arena, (size_t)status.st_size + 1);
	length = fd_read_all(fd, text, (size_t)status.st_size);
	*ret_length = length < 0 ? 0 : (size_t)length;
	return length < 0 ? NULL : text;
}

static int read_pid(const struct json_value *object, const char *key, pid_t *ret_pid,
		    struct error *err)
{
	uint64_t value = 0;

	if (json_get_unsigned(object, key, INT32_MAX, &value, err) != 0 || value == 0)
		return -1;
	*ret_pid = (pid_t)value;
	return 0;
}

static int read_members(const struct json_value *object, struct state_entry *entry)
{
	struct error err;
	int64_t stop_signal = 0;
	size_t count = 0;

	if (read_pid(object, "init", &entry->init, &err) != 0 ||
	    read_pid(object, "launcher", &entry->launcher, &err) != 0 ||
	    json_get_unsigned(object, "init_start", UINT64_MAX, &entry->init_start,
			      &err) ||
	    json_get_unsigned(object, "launcher_start", UINT64_MAX,
			      &entry->launcher_start, &err) ||
	    json_get_integer(object, "stop_signal", 1, SIGRTMAX, &stop_signal, &err))
		return -1;
	entry->stop_signal = (int)stop_signal;
	if (json_get_bool(object, "named", &entry->named, &err) ||
	    json_get_bool(object, "detached", &entry->detached, &err) ||
	    json_get_text(object, "started", &entry->started, &err) ||
	    json_get_text(object, "root", &entry->root, &err) ||
	    json_get_texts(object, "command", &entry->command, &count, &err) ||
	    count == 0)
		return -1;
	return 0;
}

/* 0, or -1: nothing was published, or it is not what a launcher writes. */
static int read_entry(int dir, const char *name, struct arena *arena,
		      struct state_entry *ret_entry)
{
	struct state_entry entry = { .name = arena_strdup(arena, name) };
	struct json_value *object;
	struct error err;
	bool escaped = false;
	size_t length;
	const char *text = read_text(dir, entry_file, arena, &length);

	if (!text)
		return -1;
	object = json_read(text, length, entry_file, arena, &err);
	if (!object || json_get_bool(object, "escaped", &escaped, &err) < 0)
		return -1;
	if (escaped)
		json_restore_bytes(object);
	if (read_members(object, &entry) < 0)
		return -1;
	*ret_entry = entry;
	return 0;
}

/* ---- left-overs ------------------------------------------------------------------------ */

/*
 * Removes an entry whose lock is free. dir has it shared, and gets it alone unless
 * somebody else looks at this moment: then that one removes it.
 */
static void remove_left_over(int place, const char *name, int dir)
{
	if (flock(dir, LOCK_EX | LOCK_NB) == 0 && is_current(place, name, dir))
		(void)files_remove_tree(place, name);
}

/*
 * Looks at one name. Returns its directory if a sandbox of that name runs; -1 if not. A
 * left-over is removed.
 */
static int open_running(int place, const char *name, struct arena *arena,
			struct state_entry *ret_entry)
{
	auto_close int dir = place < 0 ? -1 : open_entry(place, name);
	struct state_entry entry;

	if (dir < 0)
		return -1;
	if (flock(dir, LOCK_SH | LOCK_NB) == 0) {
		remove_left_over(place, name, dir);
		return -1;
	}
	if (read_entry(dir, name, arena, &entry) < 0 ||
	    !state_is_alive(entry.launcher, entry.launcher_start))
		return -1;
	*ret_entry = entry;
	return fd_take(&dir);
}

/* One whose init has ended already is about to go: its name can be waited for. */
static bool is_running(int place, const char *name)
{
	struct arena arena = { 0 };
	struct state_entry entry;
	auto_close int dir = open_running(place, name, &arena, &entry);

	arena_free(&arena);
	return dir >= 0 && state_is_alive(entry.init, entry.init_start);
}

/* ---- taking a name --------------------------------------------------------------------- */

void state_init(struct state *state)
{
	*state = (struct state){ .place = -1, .dir = -1, .status_file = -1 };
}

static void forget(struct state *state)
{
	fd_close(&state->status_file);
	fd_close(&state->dir);
	fd_close(&state->place);
	state->name[0] = '\0';
}

/* Somebody else has the lock: EEXIST if it is a sandbox, EAGAIN if it soon is free. */
static int refuse_locked(int place, const char *name)
{
	if (errno != EWOULDBLOCK)
		return -1;
	if (is_running(place, name)) {
		errno = EEXIST;
		return -1;
	}
	poll(NULL, 0, 1);
	errno = EAGAIN;
	return -1;
}

/* One try of take_directory(). -1 with EAGAIN: another one may do better. */
static int try_directory(int place, const char *name)
{
	auto_close int dir = -1;

	if (mkdirat(place, name, 0700) < 0 && errno != EEXIST)
		return -1;
	dir = open_entry(place, name);
	if (dir < 0) {
		errno = errno == ENOENT ? EAGAIN : errno;
		return -1;
	}
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return refuse_locked(place, name);
	if (is_current(place, name, dir)) {
		if (faccessat(dir, status_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return fd_take(&dir);
		if (files_remove_tree(place, name) < 0)
			return -1;
	}
	errno = EAGAIN;
	return -1;
}

/*
 * Makes the directory of that name and locks it. -1: EEXIST if a sandbox has it. What a
 * killed launcher left is removed first.
 */
static int take_directory(int place, const char *name)
{
	for (int i = 0; i < CLAIM_TRIES; i++) {
		int dir = try_directory(place, name);

		if (dir >= 0 || errno != EAGAIN)
			return dir;
	}
	errno = EEXIST;
	return -1;
}

/* Its bytes are there from the beginning: a disk that fills up later does not matter. */
static int write_status(int fd, int status)
{
	char text[16];

	snprintf(text, sizeof(text), "%-3d\n", status & 0xff);
	return pwrite(fd, text, STATUS_TEXT_SIZE, 0) == STATUS_TEXT_SIZE ? 0 : -1;
}

static int make_status_file(struct state *state)
{
	state->status_file = openat(state->dir, status_name,
				    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (state->status_file >= 0 &&
	    write_status(state->status_file, KILLED_STATUS) == 0)
		return 0;
	return -1;
}

static void remove_entry(struct state *state)
{
	(void)unlinkat(state->dir, entry_file, 0);
	(void)unlinkat(state->dir, status_name, 0);
	if (is_current(state->place, state->name, state->dir))
		(void)unlinkat(state->place, state->name, AT_REMOVEDIR);
	forget(state);
}

/* -1 and errno. */
static int take_name(struct state *state, const char *name)
{
	int errnum;

	state->dir = take_directory(state->place, name);
	if (state->dir < 0)
		return -1;
	(void)text_copy(state->name, sizeof(state->name), name);
	if (make_status_file(state) == 0)
		return 0;
	errnum = errno;
	remove_entry(state);
	errno = errnum;
	return -1;
}

static int make_up_name(struct state *state)
{
	char name[SANDBOX_NAME_MAX];

	snprintf(name, sizeof(name), "run-%d", getpid());
	for (int i = 2; i < MADE_UP_NAMES; i++) {
		if (take_name(state, name) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
		snprintf(name, sizeof(name), "run-%d-%d", getpid(), i);
	}
	return -1;
}

static int refuse_name(const char *name, struct error *err)
{
	error_set(err, ERROR_NAME_TAKEN, "use the name %s: a running sandbox has it",
		  name);
	return error_hint(err, "sbx list shows it, sbx kill %s ends it", name);
}

/* Whether it runs in the other place: the caller's environment may have changed. */
static bool runs_anywhere(const char *name)
{
	int places[PLACE_COUNT];
	bool runs = false;

	open_places(places);
	for (size_t i = 0; i < PLACE_COUNT; i++)
		runs = runs || is_running(places[i], name);
	close_places(places);
	return runs;
}

static int claim(struct state *state, const char *name, bool needed, struct error *err)
{
	int taken;

	if (name && runs_anywhere(name))
		return refuse_name(name, err);
	state->place = open_place(needed, true, needed ? err : NULL);
	if (state->place < 0)
		return needed ? -1 : 0;
	taken = name ? take_name(state, name) : make_up_name(state);
	if (taken == 0)
		return 0;
	fd_close(&state->place);
	if (!needed)
		return 0;
	if (errno == EEXIST && name)
		return refuse_name(name, err);
	error_errno_id(err, ERROR_STATE, "keep the state of the sandbox");
	return error_hint(err,
			  "--name and --detach need space below XDG_RUNTIME_DIR or /tmp");
}

int state_claim(struct state *state, const struct plan *plan, bool needed,
		struct error *err)
{
	const char *name = plan->life.name;
	mode_t before;
	int claimed;

	if (name && check_name(name, err) < 0)
		return -1;
	before = umask(S_IRWXG | S_IRWXO);
	claimed = claim(state, name, needed, err);
	(void)umask(before);
	return claimed;
}

int state_check(const struct plan *plan, struct error *err)
{
	const char *name = plan->life.name;

	if (!name)
		return 0;
	if (check_name(name, err) < 0)
		return -1;
	return runs_anywhere(name) ? refuse_name(name, err) : 0;
}

/* ---- telling --------------------------------------------------------------------------- */

static const char *now_text(struct arena *arena)
{
	struct timespec now;
	struct tm parts;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	return arena_printf(arena, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static const char *root_text(const struct rootfs_spec *rootfs)
{
	switch (rootfs->kind) {
	case ROOT_HOST:
		break;
	case ROOT_DIRECTORY:
		return rootfs->path;
	case ROOT_EMPTY:
		return "empty";
	}
	return "host";
}

static int put_process(struct json_value *object, const char *key, const char *start_key,
		       pid_t pid)
{
	uint64_t start;
	char state;

	if (read_stat(pid, &state, &start) < 0)
		return -1;
	json_put_integer(object, key, pid);
	json_put_unsigned(object, start_key, start);
	return 0;
}

static const char *entry_text(const struct plan *plan, pid_t init, struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *command;

	json_put_integer(object, "version", 1);
	json_put_bool(object, "named", plan->life.name != NULL);
	if (put_process(object, "init", "init_start", init) < 0 ||
	    put_process(object, "launcher", "launcher_start", getpid()) < 0)
		return NULL;
	json_put_text(object, "started", now_text(arena));
	json_put_text(object, "root", root_text(&plan->rootfs));
	json_put_bool(object, "detached", plan->life.detach);
	json_put_integer(object, "stop_signal", plan->process.stop_signal);
	command = json_put_array(object, "command");
	for (const char *const *word = plan->process.argv; *word; word++)
		json_put_text(command, NULL, *word);
	if (json_has_escapes(object))
		json_put_bool(object, "escaped", true);
	return json_write(object, JSON_LAYOUT_LINES, arena);
}

int state_publish(struct state *state, const struct plan *plan, pid_t init,
		  struct error *err)
{
	struct arena arena = { 0 };
	const char *text;
	int failed = 0;

	if (state->dir < 0)
		return 0;
	text = entry_text(plan, init, &arena);
	if (!text)
		failed = error_errno_id(err, ERROR_STATE,
					"keep the state of the sandbox: read /proc");
	else if (files_replace(state->dir, entry_file, text, strlen(text), 0600) < 0)
		failed =
			error_errno_id(err, ERROR_STATE, "keep the state of the sandbox");
	arena_free(&arena);
	if (failed)
		remove_entry(state);
	return failed;
}

void state_end(struct state *state, const struct outcome *outcome)
{
	if (state->dir < 0)
		return;
	(void)write_status(state->status_file, outcome->status);
	remove_entry(state);
}

/* ---- for the commands ------------------------------------------------------------------ */

struct listing {
	struct arena *arena;
	struct state_entry *entries;
	size_t count;
};

static int list_place(int place, struct listing *listing, struct error *err)
{
	auto_close int again = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;

	if (!directory)
		return error_errno_id(err, ERROR_STATE, "list the running sandboxes");
	(void)fd_take(&again);
	while ((found = readdir(directory))) {
		struct state_entry entry;
		int dir;

		if (!is_name(found->d_name))
			continue;
		dir = open_running(place, found->d_name, listing->arena, &entry);
		if (dir < 0)
			continue;
		close(dir);
		listing->entries = arena_grow(listing->arena, listing->entries,
					      listing->count, sizeof(entry));
		listing->entries[listing->count++] = entry;
	}
	closedir(directory);
	return 0;
}

static int compare_age(const void *a, const void *b)
{
	const struct state_entry *one = a, *other = b;
	int order;

	if (one->launcher_start != other->launcher_start)
		return one->launcher_start < other->launcher_start ? -1 : 1;
	order = strcmp(one->started, other->started);
	return order ? order : strcmp(one->name, other->name);
}

int state_list(struct arena *arena, const struct state_entry **ret_entries,
	       struct error *err)
{
	struct listing listing = { .arena = arena };
	int places[PLACE_COUNT];
	int failed = 0;

	open_places(places);
	for (size_t i = 0; i < PLACE_COUNT && !failed; i++)
		if (places[i] >= 0)
			failed = list_place(places[i], &listing, err);
	close_places(places);
	if (failed)
		return -1;
	if (listing.count)
		qsort(listing.entries, listing.count, sizeof(*listing.entries),
		      compare_age);
	*ret_entries = listing.entries;
	return (int)listing.count;
}

static int refuse_unknown(const char *name, struct arena *arena, struct error *err)
{
	const struct state_entry *entries = NULL;
	struct error ignored;
	int count = state_list(arena, &entries, &ignored);
	const char **names;
	const char *nearest;

	error_set(err, ERROR_NO_SUCH_SANDBOX,
		  "find the sandbox '%.80s': none of that name runs", name);
	if (count <= 0)
		return -1;
	names = arena_alloc_array(arena, (size_t)count + 1, sizeof(*names));
	for (int i = 0; i < count; i++)
		names[i] = entries[i].name;
	nearest = text_nearest(name, names);
	if (nearest)
		return error_hint(err, "did you mean %s?", nearest);
	return error_hint(err, "sbx list shows those that run");
}

/* The directory of a running sandbox, or -1 and the error. */
static int find_running(const char *name, struct arena *arena,
			struct state_entry *ret_entry, struct error *err)
{
	int places[PLACE_COUNT];
	int dir = -1;

	if (is_name(name)) {
		open_places(places);
		for (size_t i = 0; i < PLACE_COUNT && dir < 0; i++)
			dir = open_running(places[i], name, arena, ret_entry);
		close_places(places);
	}
	return dir < 0 ? refuse_unknown(name, arena, err) : dir;
}

int state_find(const char *name, struct arena *arena, struct state_entry *ret_entry,
	       struct error *err)
{
	auto_close int dir = find_running(name, arena, ret_entry, err);

	return dir < 0 ? -1 : 0;
}

/* Returns once the launcher has ended, at once if it has already. */
static int await_launcher(const struct state_entry *entry, struct error *err)
{
	auto_close int pidfd = sys_pidfd_open(entry->launcher, 0);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	/* Where a filter refuses pidfds, looking again now and then has to do. */
	const int round_ms = pidfd < 0 ? 20 : -1;

	if (pidfd < 0 && errno != ESRCH && errno != ENOSYS && errno != EPERM)
		return error_errno(err, "wait for process %d", entry->launcher);
	/* The pid may have been given to somebody else before we opened it. */
	while (state_is_alive(entry->launcher, entry->launcher_start))
		if (poll(&end, 1, round_ms) < 0 && errno != EINTR)
			return error_errno(err, "wait for process %d", entry->launcher);
	return 0;
}

static int read_status(int fd, int *ret_status, struct error *err)
{
	char text[STATUS_TEXT_SIZE + 1] = "";
	ssize_t length = pread(fd, text, STATUS_TEXT_SIZE, 0);

	if (length < 0)
		return error_errno_id(err, ERROR_STATE, "read how the sandbox ended");
	text[strcspn(text, " \n")] = '\0';
	if (text_to_int(text, 0, 255, ret_status) < 0)
		return error_set(err, ERROR_STATE, "read how the sandbox ended");
	return 0;
}

int state_wait(const char *name, int *ret_status, struct error *err)
{
	struct arena arena = { 0 };
	struct state_entry entry = { 0 };
	auto_close int dir = find_running(name, &arena, &entry, err);
	auto_close int status_file = -1;
	int failed = dir < 0 ? -1 : 0;

	/* Opened before the wait: the launcher unlinks it, but writes to it first. */
	if (!failed) {
		status_file = openat(dir, status_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (status_file < 0)
			failed = refuse_unknown(name, &arena, err);
	}
	if (!failed)
		failed = await_launcher(&entry, err);
	arena_free(&arena);
	return failed ? -1 : read_status(status_file, ret_status, err);
}
