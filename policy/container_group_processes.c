/* SPDX-License-Identifier: Apache-2.0 */
/* Who lives in a group: the list of them, their end, and their standstill. */
#include "policy/group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "policy/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	DEPTH_MAX = 32,
	LIST_MAX = 4 << 20, /* bytes: what a kernel with 4 million pids could say */
	WAIT_TRIES = 2000,
	WAIT_STEP_MS = 5,
	REFREEZE = 50, /* steps */
};

/* ---- the list -------------------------------------------------------------------------- */

struct pid_list {
	struct arena *arena;
	pid_t *pids;
	size_t count;
};

static int add_pids(int group, struct pid_list *list)
{
	auto_close int file = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	size_t length;
	char *text =
		file < 0 ? NULL : files_read_all(list->arena, file, LIST_MAX, &length);
	char *end;

	if (!text)
		return errno == ENODEV || errno == ENOENT ? 0 : -1;
	for (long pid = strtol(text, &end, 10); end != text;
	     pid = strtol(text, &end, 10)) {
		text = end;
		/* 0: a process of a pid namespace that cannot be seen from here. */
		if (pid <= 0)
			continue;
		list->pids = arena_grow(list->arena, list->pids, list->count,
					sizeof(*list->pids));
		list->pids[list->count++] = (pid_t)pid;
	}
	return 0;
}

static int add_below(int group, struct pid_list *list, int depth)
{
	int fd = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int failed = add_pids(group, list);

	if (!names) {
		fd_close(&fd);
		return errno == ENOENT || errno == ENODEV ? failed : -1;
	}
	while (!failed && depth < DEPTH_MAX && (entry = readdir(names))) {
		auto_close int below = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = openat(group, entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			failed = add_below(below, list, depth + 1);
	}
	(void)closedir(names);
	return failed;
}

/* Also those that have no pid here. */
static bool has_process(int group)
{
	auto_close int file = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char digit;

	return file >= 0 && read(file, &digit, 1) > 0;
}

static bool is_inhabited(int group, int depth)
{
	int fd = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd < 0 ? NULL : fdopendir(fd);
	bool inhabited = has_process(group);
	const struct dirent *entry;

	if (!names) {
		fd_close(&fd);
		return inhabited;
	}
	while (!inhabited && depth < DEPTH_MAX && (entry = readdir(names))) {
		auto_close int below = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = openat(group, entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		inhabited = below >= 0 && is_inhabited(below, depth + 1);
	}
	(void)closedir(names);
	return inhabited;
}

bool group_is_inhabited(int group)
{
	return is_inhabited(group, 0);
}

/* The hierarchy that says best who belongs to it: nobody leaves it unasked. */
static const struct container_group_part *any_part(const struct container_group *group)
{
	static const char *const preferred[] = { "freezer", "pids", "devices", "memory" };
	const struct container_group_part *part =
		group->unified ? group_new_part(group) : NULL;

	for (size_t i = 0; !part && i < sizeof(preferred) / sizeof(*preferred); i++)
		part = group_old_part(group, preferred[i]);
	return part ? part : group_new_part(group);
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

int group_pids(const struct container_group *group, struct arena *arena, pid_t **ret_pids,
	       size_t *ret_count, struct error *err)
{
	const struct container_group_part *part = any_part(group);
	struct pid_list list = { .arena = arena };

	if (part && add_below(part->dir, &list, 0) < 0)
		return group_error(err, "list the processes of the cgroup %s",
				   part->path);
	if (list.count)
		qsort(list.pids, list.count, sizeof(*list.pids), compare_pids);
	*ret_pids = list.pids;
	*ret_count = list.count;
	return 0;
}

/* ---- the end --------------------------------------------------------------------------- */

/* Signals whoever is there. Returns how many there were, or -1. */
static int signal_all(const struct container_group *group, int number, struct error *err)
{
	struct arena arena = { 0 };
	pid_t *pids = NULL;
	size_t count = 0;
	int failed = group_pids(group, &arena, &pids, &count, err);

	for (size_t i = 0; !failed && i < count; i++) {
		if (kill(pids[i], number) < 0 && errno != ESRCH)
			failed = group_error(err, "signal process %d", pids[i]);
	}
	arena_free(&arena);
	return failed ? -1 : (int)count;
}

/* New ones may be made while the list is gone through: again, until it has nobody. */
static int kill_each(const struct container_group *group, struct error *err)
{
	for (int i = 0; i < WAIT_TRIES; i++) {
		const int count = signal_all(group, SIGKILL, err);

		if (count <= 0)
			return count;
		poll(NULL, 0, i < 10 ? 1 : WAIT_STEP_MS);
	}
	return error_set(err, ERROR_CGROUP, "kill all processes of the container");
}

int group_kill(const struct container_group *group, int number, struct error *err)
{
	const struct container_group_part *part = group_new_part(group);

	if (number != SIGKILL)
		return signal_all(group, number, err) < 0 ? -1 : 0;
	/* Since 5.14. It reaches the frozen ones too; who is left has to be waited for. */
	if (part)
		(void)files_write(part->dir, "cgroup.kill", "1");
	/* What stands still in v1 takes no signal. */
	if (!group->unified && group_is_frozen(group) &&
	    group_freeze(group, false, err) < 0)
		return -1;
	return kill_each(group, err);
}

/* ---- standstill ------------------------------------------------------------------------ */

static const struct container_group_part *freezer_of(const struct container_group *group,
						     bool *ret_old)
{
	return group_part_of(group, "freezer", "", ret_old);
}

static bool reads_as(int group, const char *file, const char *state)
{
	char text[32];

	if (files_read(group, file, text, sizeof(text) - 1) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, state) == 0;
}

static bool stands_still(const struct container_group_part *part, bool old)
{
	uint64_t frozen;

	if (old)
		return reads_as(part->dir, "freezer.state", "FROZEN");
	return cgroup_number(part->dir, "cgroup.events", "frozen", &frozen) == 0 &&
	       frozen;
}

bool group_is_frozen(const struct container_group *group)
{
	bool old;
	const struct container_group_part *part = freezer_of(group, &old);

	if (!part)
		return false;
	if (old)
		return !reads_as(part->dir, "freezer.state", "THAWED") &&
		       faccessat(part->dir, "freezer.state", F_OK, 0) == 0;
	return stands_still(part, false);
}

/*
 * A process that is being made while v1 freezes can keep the group in between for ever
 * (freezer-subsystem.rst, FREEZING): let go and begin again.
 */
static int order(const struct container_group_part *part, bool old, bool frozen, int step)
{
	if (!old)
		return step ? 0
			    : files_write(part->dir, "cgroup.freeze", frozen ? "1" : "0");
	if (step % REFREEZE)
		return 0;
	if (step && frozen)
		(void)files_write(part->dir, "freezer.state", "THAWED");
	return files_write(part->dir, "freezer.state", frozen ? "FROZEN" : "THAWED");
}

static bool has_come(const struct container_group_part *part, bool old, bool frozen)
{
	if (frozen || !old)
		return stands_still(part, old) == frozen;
	return reads_as(part->dir, "freezer.state", "THAWED");
}

int group_freeze(const struct container_group *group, bool frozen, struct error *err)
{
	const char *verb = frozen ? "pause" : "resume";
	bool old;
	const struct container_group_part *part = freezer_of(group, &old);

	if (!part) {
		error_set(err, ERROR_CGROUP,
			  "%s the container: it has no cgroup of its own", verb);
		return error_hint(err,
				  "as an ordinary user: systemd-run --user --scope -p "
				  "Delegate=yes, or --systemd-cgroup");
	}
	for (int i = 0; i < WAIT_TRIES; i++) {
		if (order(part, old, frozen, i) < 0)
			return group_error(err, "%s the container", verb);
		if (has_come(part, old, frozen))
			return 0;
		poll(NULL, 0, i < 10 ? 1 : WAIT_STEP_MS);
	}
	if (frozen)
		(void)order(part, old, false, 0);
	return error_set(err, ERROR_CGROUP,
			 "%s the container: its processes do not follow", verb);
}

/* ---- killed for want of memory ------------------------------------------------------------ */

uint64_t group_oom_kills(const struct container_group *group)
{
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "memory", "memory", &old);
	uint64_t kills;

	if (!part ||
	    cgroup_number(part->dir, old ? "memory.oom_control" : "memory.events",
			  "oom_kill", &kills) < 0)
		return 0;
	return kills;
}

static int watch_new(const struct container_group_part *part)
{
	char path[PATH_MAX];
	auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch < 0 ||
	    snprintf(path, sizeof(path), "/proc/self/fd/%d/memory.events", part->dir) >=
		    (int)sizeof(path) ||
	    inotify_add_watch(watch, path, IN_MODIFY) < 0)
		return -1;
	return fd_take(&watch);
}

/* "EVENTFD CONTROL" into cgroup.event_control (cgroup-v1/memory.rst, 10). */
static int watch_old(const struct container_group_part *part)
{
	auto_close int events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	auto_close int control =
		openat(part->dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char line[32];

	if (events < 0 || control < 0)
		return -1;
	snprintf(line, sizeof(line), "%d %d", events, control);
	if (files_write(part->dir, "cgroup.event_control", line) < 0)
		return -1;
	return fd_take(&events);
}

int group_watch_oom(const struct container_group *group, struct error *err)
{
	bool old;
	const struct container_group_part *part =
		group_part_of(group, "memory", "memory", &old);
	int watch;

	if (!part)
		return error_set(
			err, ERROR_CGROUP,
			"watch the memory of the container: it has no cgroup with "
			"the controller memory");
	watch = old ? watch_old(part) : watch_new(part);
	if (watch < 0)
		return group_error(err, "watch the memory of the container");
	return watch;
}
