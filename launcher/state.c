/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is a directory that its launcher holds locked (flock(2)) for as long as it
 * lives; the kernel takes the lock back when the last process that has it ends. In it
 * stand `entry.json`, which is there once the command runs, `status`, which says from
 * the first moment what a waiter is to answer: 137, until the launcher knows better, and where sbx-net
 * serves the sandbox the socket `net`, which `sbx port` speaks to.
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
#include "base/text.h"
#include "launcher/report.h"
#include "launcher/state_files.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CLAIM_TRIES = 2000, /* of 1 ms: what is killed holds its lock until it is gone */
	MADE_UP_NAMES = 100,
	KILLED_STATUS = 137,
};

/* ---- taking a name --------------------------------------------------------------------- */

static bool is_running(int place, const char *name)
{
	struct arena arena = { 0 };
	struct state_entry entry;
	auto_close int dir = state_open_running(place, name, &arena, &entry);

	arena_free(&arena);
	return dir >= 0 && state_is_alive(entry.init, entry.init_start);
}

static int check_name(const char *name, struct error *err)
{
	if (state_is_name(name))
		return 0;
	error_set(err, ERROR_USAGE, "use the name '%.80s'", name);
	return error_hint(
		err,
		"a name begins with a letter or digit and has at most %d letters, "
		"digits, '.', '_' and '-'",
		STATE_NAME_MAX);
}

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
	dir = state_open_entry(place, name);
	if (dir < 0) {
		errno = errno == ENOENT ? EAGAIN : errno;
		return -1;
	}
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return refuse_locked(place, name);
	if (state_is_current(place, name, dir)) {
		if (faccessat(dir, STATE_STATUS_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
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
	return pwrite(fd, text, STATE_STATUS_SIZE, 0) == STATE_STATUS_SIZE ? 0 : -1;
}

static int make_status_file(struct state *state)
{
	state->status_file = openat(state->dir, STATE_STATUS_FILE,
				    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (state->status_file >= 0 &&
	    write_status(state->status_file, KILLED_STATUS) == 0)
		return 0;
	return -1;
}

static void remove_entry(struct state *state)
{
	(void)unlinkat(state->dir, STATE_ENTRY_FILE, 0);
	(void)unlinkat(state->dir, STATE_STATUS_FILE, 0);
	(void)unlinkat(state->dir, STATE_NET_SOCKET, 0);
	(void)unlinkat(state->dir, STATE_PLAN_FILE, 0);
	(void)unlinkat(state->dir, STATE_ROOM, AT_REMOVEDIR);
	if (state_is_current(state->place, state->name, state->dir))
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
	char name[STATE_NAME_MAX];

	state_sweep(state->place);
	snprintf(name, sizeof(name), STATE_MADE_UP "%d", getpid());
	for (int i = 2; i < MADE_UP_NAMES; i++) {
		if (take_name(state, name) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
		snprintf(name, sizeof(name), STATE_MADE_UP "%d-%d", getpid(), i);
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
	int places[STATE_PLACES];
	bool runs = false;

	state_open_places(places);
	for (size_t i = 0; i < STATE_PLACES; i++)
		runs = runs || is_running(places[i], name);
	state_close_places(places);
	return runs;
}

static int claim(struct state *state, const char *name, bool needed, struct error *err)
{
	int taken;

	if (name && runs_anywhere(name))
		return refuse_name(name, err);
	state->place = state_open_place(needed, true, needed ? err : NULL);
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

static const char *root_text(const struct rootfs_spec *rootfs)
{
	switch (rootfs->kind) {
	case ROOT_HOST:
		break;
	case ROOT_SERVED:
	case ROOT_DIRECTORY:
		return rootfs->path;
	case ROOT_EMPTY:
		return "empty";
	case ROOT_MOUNT:
		return "image";
	}
	return "host";
}

static int put_process(struct json_value *object, const char *key, const char *start_key,
		       pid_t pid)
{
	uint64_t start;
	char state;

	if (state_read_stat(pid, &state, &start) < 0)
		return -1;
	json_put_integer(object, key, pid);
	json_put_unsigned(object, start_key, start);
	return 0;
}

/* So that whoever finds a left-over entry can remove them. */
static void put_groups(struct json_value *object, const struct cgroup *group)
{
	struct json_value *array;

	if (!group || group->part_count == 0)
		return;
	array = json_put_array(object, "cgroups");
	for (size_t i = 0; i < group->part_count; i++)
		json_put_text(array, NULL, group->parts[i].path);
}

static const char *entry_text(const struct state *state, const struct plan *plan,
			      pid_t init, struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *command;

	json_put_integer(object, "version", 1);
	json_put_bool(object, "named", plan->life.name != NULL);
	if (put_process(object, "init", "init_start", init) < 0 ||
	    put_process(object, "launcher", "launcher_start", getpid()) < 0)
		return NULL;
	json_put_text(object, "started", text_now(arena, 3));
	json_put_text(object, "root", root_text(&plan->rootfs));
	json_put_bool(object, "detached", plan->life.detach);
	json_put_integer(object, "stop_signal", plan->process.stop_signal);
	if (plan->life.detach && plan->life.log)
		json_put_text(object, "log", plan->life.log);
	command = json_put_array(object, "command");
	for (const char *const *word = plan->process.argv; *word; word++)
		json_put_text(command, NULL, *word);
	put_groups(object, state->group);
	if (json_has_escapes(object))
		json_put_bool(object, "escaped", true);
	return json_write(object, JSON_LAYOUT_LINES, arena);
}

int state_listen_net(const struct state *state, int *ret_listener, struct error *err)
{
	enum { CALLERS = 8 };
	struct sockaddr_un address;
	auto_close int fd = -1;

	*ret_listener = -1;
	if (state->dir < 0)
		return 0;
	state_net_address(state->dir, &address);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, CALLERS) < 0)
		return error_errno_id(err, ERROR_STATE,
				      "keep the state of the sandbox: make a socket");
	*ret_listener = fd_take(&fd);
	return 0;
}

void state_make_room(const struct state *state, char *ret_path, size_t size)
{
	char link[32];
	ssize_t length;

	ret_path[0] = '\0';
	if (state->dir < 0 ||
	    (mkdirat(state->dir, STATE_ROOM, 0700) < 0 && errno != EEXIST))
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", state->dir);
	length = readlink(link, ret_path, size - sizeof("/" STATE_ROOM));
	if (length <= 0 || ret_path[0] != '/')
		length = 0;
	else
		memcpy(ret_path + length, "/" STATE_ROOM, sizeof("/" STATE_ROOM) - 1);
	ret_path[length ? (size_t)length + sizeof("/" STATE_ROOM) - 1 : 0] = '\0';
}

int state_publish(struct state *state, const struct plan *plan, pid_t init,
		  struct error *err)
{
	struct arena arena = { 0 };
	const char *text;
	int failed = 0;

	if (state->dir < 0)
		return 0;
	text = entry_text(state, plan, init, &arena);
	if (!text)
		failed = error_errno_id(err, ERROR_STATE,
					"keep the state of the sandbox: read /proc");
	else if (state_keep_plan(state->dir, plan, &arena) < 0 ||
		 files_replace(state->dir, STATE_ENTRY_FILE, text, strlen(text), 0600) <
			 0)
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
