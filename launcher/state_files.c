/* SPDX-License-Identifier: Apache-2.0 */
/* Where entries lie and what stands in them: for those who take one and those who look. */
#include "launcher/state_files.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "launcher/state.h"
#include "policy/policy.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- names and processes --------------------------------------------------------------- */

bool state_is_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > STATE_NAME_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return false;
	return true;
}

/* The numbered field of proc_pid_stat(5) behind the one that at is. */
static char *next_field(char *at, int from, int to)
{
	for (; at && from < to; from++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at;
}

struct stat_fields {
	char state;
	unsigned long threads;
	uint64_t start;
};

/*
 * Of a process or a thread: fields 3, 20 and 22 of proc_pid_stat(5), and among its flags (9)
 * that it ends: process 1 of a pid namespace stays so until all in there were reaped, and has
 * let go of everything before.
 */
static int read_stat(const char *path, struct stat_fields *ret_fields)
{
	enum { ENDS = 0x4 /* PF_EXITING */ };
	char text[1024];
	char *state, *flags, *threads, *start;

	if (files_read(AT_FDCWD, path, text, sizeof(text) - 1) < 0)
		return -1;
	state = strrchr(text, ')');
	state = state && state[1] == ' ' ? state + 2 : NULL;
	flags = next_field(state, 3, 9);
	threads = next_field(flags, 9, 20);
	start = next_field(threads, 20, 22);
	if (!state || !start) {
		errno = EPROTO;
		return -1;
	}
	start[strcspn(start, " \n")] = '\0';
	if (text_to_u64(start, 10, &ret_fields->start) < 0) {
		errno = EPROTO;
		return -1;
	}
	ret_fields->state = *state;
	if (strtoul(flags, NULL, 10) & ENDS)
		ret_fields->state = 'X';
	ret_fields->threads = strtoul(threads, NULL, 10);
	return 0;
}

static bool is_over(char state)
{
	return state == 'Z' || state == 'X';
}

/* The state of a thread that goes on; 'X': there is none. */
static char find_live_thread(pid_t pid)
{
	char path[64];
	const struct dirent *found;
	char state = 'X';
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads)
		return state;
	while (is_over(state) && (found = readdir(threads))) {
		struct stat_fields fields;

		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/stat", pid,
			 found->d_name);
		if (found->d_name[0] != '.' && read_stat(path, &fields) == 0)
			state = fields.state;
	}
	closedir(threads);
	return state;
}

int state_read_stat(pid_t pid, char *ret_state, uint64_t *ret_start)
{
	struct stat_fields fields;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_stat(path, &fields) < 0)
		return -1;
	/* Whose first thread has ended plays dead, and runs on in the others. */
	if (is_over(fields.state) && fields.threads > 1)
		fields.state = find_live_thread(pid);
	*ret_state = fields.state;
	*ret_start = fields.start;
	return 0;
}

bool state_is_alive(pid_t pid, uint64_t start)
{
	uint64_t found;
	char state;

	return pid > 0 && state_read_stat(pid, &state, &found) == 0 && found == start &&
	       !is_over(state);
}

/* ---- places ---------------------------------------------------------------------------- */

static int open_private(int parent, const char *name, bool make)
{
	auto_close int fd = -1;

	if (make && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || files_check_owner(fd, S_IRWXG | S_IRWXO) < 0)
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
	if (fd < 0 || files_check_owner(fd, S_IWGRP | S_IWOTH) < 0)
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
int state_open_place(bool spare, bool make, struct error *err)
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
void state_open_places(int ret_places[STATE_PLACES])
{
	ret_places[0] = open_runtime_place(false);
	ret_places[1] = open_spare_place(false);
}

void state_close_places(int places[STATE_PLACES])
{
	for (size_t i = 0; i < STATE_PLACES; i++)
		fd_close(&places[i]);
}

/* ---- reading an entry ------------------------------------------------------------------ */

int state_open_entry(int place, const char *name)
{
	return openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* By the descriptor: the path of the entry may be longer than an address can be (unix(7)). */
void state_net_address(int dir, struct sockaddr_un *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
		 "/proc/self/fd/%d/%s", dir, STATE_NET_SOCKET);
}

/* Whether the name still leads to the directory that was opened. */
bool state_is_current(int place, const char *name, int dir)
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
	if (json_get_text(object, "log", &entry->log, &err) < 0 ||
	    json_get_texts(object, "cgroups", &entry->groups, &count, &err) < 0)
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
	const char *text = read_text(dir, STATE_ENTRY_FILE, arena, &length);

	if (!text)
		return -1;
	object = json_read(text, length, STATE_ENTRY_FILE, arena, &err);
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

static void remove_groups(int dir)
{
	struct arena arena = { 0 };
	const char *const *paths = NULL;
	size_t length, count = 0;
	struct json_value *object;
	struct error err;
	const char *text = read_text(dir, STATE_ENTRY_FILE, &arena, &length);

	object = text ? json_read(text, length, STATE_ENTRY_FILE, &arena, &err) : NULL;
	if (object && json_get_texts(object, "cgroups", &paths, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++)
			cgroup_remove_left(paths[i]);
	}
	arena_free(&arena);
}

/*
 * Removes an entry whose lock is free. dir has it shared, and gets it alone unless
 * somebody else looks at this moment: then that one removes it.
 */
static void remove_left_over(int place, const char *name, int dir)
{
	if (flock(dir, LOCK_EX | LOCK_NB) < 0 || !state_is_current(place, name, dir))
		return;
	remove_groups(dir);
	(void)files_remove_tree(place, name);
}

void state_sweep(int place)
{
	auto_close int again = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *found;

	if (!directory)
		return;
	(void)fd_take(&again);
	while ((found = readdir(directory))) {
		auto_close int dir = -1;

		if (!text_starts_with(found->d_name, STATE_MADE_UP))
			continue;
		dir = state_open_entry(place, found->d_name);
		if (dir >= 0 && flock(dir, LOCK_SH | LOCK_NB) == 0)
			remove_left_over(place, found->d_name, dir);
	}
	closedir(directory);
}

/*
 * Looks at one name. Returns its directory if a sandbox of that name runs; -1 if not. A
 * left-over is removed.
 */
int state_open_running(int place, const char *name, struct arena *arena,
		       struct state_entry *ret_entry)
{
	auto_close int dir = place < 0 ? -1 : state_open_entry(place, name);
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
