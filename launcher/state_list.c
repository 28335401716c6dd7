/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands ask of the state: which sandboxes run, and how one ended. */
#include "launcher/state.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "launcher/state_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

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

		if (!state_is_name(found->d_name))
			continue;
		dir = state_open_running(place, found->d_name, listing->arena, &entry);
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
	int places[STATE_PLACES];
	int failed = 0;

	state_open_places(places);
	for (size_t i = 0; i < STATE_PLACES && !failed; i++)
		if (places[i] >= 0)
			failed = list_place(places[i], &listing, err);
	state_close_places(places);
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
	int places[STATE_PLACES];
	int dir = -1;

	if (state_is_name(name)) {
		state_open_places(places);
		for (size_t i = 0; i < STATE_PLACES && dir < 0; i++)
			dir = state_open_running(places[i], name, arena, ret_entry);
		state_close_places(places);
	}
	return dir < 0 ? refuse_unknown(name, arena, err) : dir;
}

int state_find(const char *name, struct arena *arena, struct state_entry *ret_entry,
	       struct error *err)
{
	auto_close int dir = find_running(name, arena, ret_entry, err);

	return dir < 0 ? -1 : 0;
}

int state_find_plan(const char *name, struct arena *arena, struct state_entry *ret_entry,
		    struct plan *ret_plan, struct error *err)
{
	auto_close int dir = find_running(name, arena, ret_entry, err);

	return dir < 0 ? -1 : state_read_plan(dir, ret_plan, err);
}

/* In the order of their birth, or of that of their dead parents (proc_pid_children(5)). */
pid_t state_find_command(const struct state_entry *entry, bool no_init)
{
	auto_close int fd = -1;
	char path[64], list[16];
	ssize_t length;

	if (no_init)
		return entry->init;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", entry->init,
		 entry->init);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);
	if (length < 0)
		return -1;
	list[length] = '\0';
	errno = ESRCH;
	return length ? (pid_t)strtol(list, NULL, 10) : -1;
}

static int connect_net(int dir, const char *name, int *ret_socket, struct error *err)
{
	struct sockaddr_un address;
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	state_net_address(dir, &address);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		*ret_socket = fd_take(&fd);
		return 0;
	}
	if (fd >= 0 && errno != ENOENT)
		return error_errno_id(err, ERROR_NETWORK, "speak with sbx-net of %s",
				      name);
	error_set(err, ERROR_NETWORK, "find sbx-net of %s: no network is served there",
		  name);
	return error_hint(err, "sbx run --net user gives a sandbox one whose ports can "
			       "be published");
}

int state_connect_net(const char *name, int *ret_socket, struct error *err)
{
	struct arena arena = { 0 };
	struct state_entry entry;
	auto_close int dir = find_running(name, &arena, &entry, err);

	arena_free(&arena);
	return dir < 0 ? -1 : connect_net(dir, name, ret_socket, err);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* For poll(2): -1 without a limit; at most a round where nothing else would wake it. */
static int left_until(int64_t deadline, int round_ms)
{
	const int64_t left = deadline - now_ms();

	if (deadline < 0)
		return round_ms;
	if (left <= 0)
		return 0;
	return round_ms >= 0 && left > round_ms ? round_ms : (int)left;
}

/* The pid may have been given to somebody else before it was opened. */
int state_await_end(const struct state_entry *entry, int timeout_ms, struct error *err)
{
	const int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	auto_close int pidfd = sys_pidfd_open(entry->launcher, 0);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	/* Where a filter refuses pidfds, looking again now and then has to do. */
	const int round_ms = pidfd < 0 ? 20 : -1;

	if (pidfd < 0 && errno != ESRCH && errno != ENOSYS && errno != EPERM)
		return error_errno(err, "wait for process %d", entry->launcher);
	while (state_is_alive(entry->launcher, entry->launcher_start)) {
		const int left = left_until(deadline, round_ms);

		if (left == 0)
			return 1;
		if (poll(&end, 1, left) < 0 && errno != EINTR)
			return error_errno(err, "wait for process %d", entry->launcher);
	}
	return 0;
}

static int read_status(int fd, int *ret_status, struct error *err)
{
	char text[STATE_STATUS_SIZE + 1] = "";
	ssize_t length = pread(fd, text, STATE_STATUS_SIZE, 0);

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
		status_file =
			openat(dir, STATE_STATUS_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (status_file < 0)
			failed = refuse_unknown(name, &arena, err);
	}
	if (!failed)
		failed = state_await_end(&entry, -1, err);
	arena_free(&arena);
	return failed ? -1 : read_status(status_file, ret_status, err);
}
