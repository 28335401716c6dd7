/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a group. Its directory is held locked (flock(2)) by the launcher, and the
 * kernel takes the lock back however the launcher ends: a group whose lock is free is a
 * left-over, and who makes the next one in that place removes it.
 */
#include "policy/cgroup.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_START "sbx-"
#define INNER      "inner"

enum {
	NAME_TRIES = 100,
	CLOSE_TRIES = 200, /* of CLOSE_STEP_MS */
	CLOSE_STEP_MS = 5,
	DEPTH_MAX = 32,
	PIDS_MAX = 65536, /* bytes of a list of processes */
};

static int open_below(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- removing -------------------------------------------------------------------------- */

static int remove_group(int parent, const char *name, int depth);

/* A list that changes while it is read leaves some for the next try. */
static void remove_below(int group, int depth)
{
	int fd = open_below(group, ".");
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!list) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(list))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			(void)remove_group(group, entry->d_name, depth + 1);
	}
	(void)closedir(list);
}

/* A group with processes stays: EBUSY. */
static int remove_group(int parent, const char *name, int depth)
{
	auto_close int group = -1;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (depth > DEPTH_MAX)
		return -1;
	group = open_below(parent, name);
	if (group < 0)
		return -1;
	remove_below(group, depth);
	return unlinkat(parent, name, AT_REMOVEDIR);
}

int cgroup_remove_tree(int parent, const char *name)
{
	return remove_group(parent, name, 0);
}

/* Whoever holds the lock lives. */
static void remove_unlocked(int parent, const char *name)
{
	auto_close int group = open_below(parent, name);

	if (group >= 0 && flock(group, LOCK_EX | LOCK_NB) == 0)
		(void)remove_group(parent, name, 0);
}

static void sweep(int parent)
{
	int fd = open_below(parent, ".");
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!list) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(list))) {
		if (text_starts_with(entry->d_name, NAME_START))
			remove_unlocked(parent, entry->d_name);
	}
	(void)closedir(list);
}

void cgroup_remove_left(const char *path)
{
	const char *name = strrchr(path, '/');
	char directory[PATH_MAX];
	auto_close int parent = -1;

	if (!name || !text_starts_with(name + 1, NAME_START) ||
	    text_copy(directory, sizeof(directory), path) < 0)
		return;
	directory[name - path] = '\0';
	parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0)
		remove_unlocked(parent, name + 1);
}

/* ---- making ---------------------------------------------------------------------------- */

/* Makes the directory and locks it. -1 and errno; EEXIST: another name may do. */
static int make_locked(int parent, const char *name)
{
	auto_close int group = -1;
	struct stat made, named;

	if (mkdirat(parent, name, 0755) < 0)
		return -1;
	group = open_below(parent, name);
	if (group >= 0 && flock(group, LOCK_EX | LOCK_NB) == 0 &&
	    fstat(group, &made) == 0 &&
	    fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    files_same(&made, &named))
		return fd_take(&group);
	/* Somebody took it for a left-over before it was locked. */
	(void)unlinkat(parent, name, AT_REMOVEDIR);
	errno = EEXIST;
	return -1;
}

static int enable(struct cgroup *group, int parent, unsigned int needed,
		  struct error *err)
{
	char list[256];

	if (files_read(parent, "cgroup.subtree_control", list, sizeof(list) - 1) < 0)
		return error_errno_id(err, ERROR_CGROUP, "read cgroup.subtree_control");
	needed &= ~controllers_listed(list);
	for (unsigned int bit = 1; bit <= needed; bit <<= 1) {
		char word[16];

		if (!(needed & bit))
			continue;
		snprintf(word, sizeof(word), "+%s", controller_name(bit, false));
		if (files_write(parent, "cgroup.subtree_control", word) < 0)
			return error_errno_id(err, ERROR_CGROUP,
					      "limit %s: switch the controller on",
					      controller_name(bit, false));
		group->enabled |= bit;
	}
	return 0;
}

static int write_pid(int group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return files_write(group, "cgroup.procs", text);
}

/* A group whose controllers are passed on holds no process (cgroups(7)). */
static int step_aside(struct cgroup *group, int parent, struct error *err)
{
	char name[48];

	snprintf(name, sizeof(name), NAME_START "%d-launcher", getpid());
	group->launcher = make_locked(parent, name);
	if (group->launcher < 0 || write_pid(group->launcher, getpid()) < 0)
		return error_errno_id(err, ERROR_CGROUP, "move into a cgroup of its own");
	return 0;
}

static void step_back(struct cgroup *group, int parent)
{
	char name[48];

	if (group->launcher < 0)
		return;
	for (unsigned int bit = 1; bit <= group->enabled; bit <<= 1) {
		char word[16];

		if (!(group->enabled & bit))
			continue;
		snprintf(word, sizeof(word), "-%s", controller_name(bit, false));
		(void)files_write(parent, "cgroup.subtree_control", word);
	}
	(void)write_pid(parent, getpid());
	snprintf(name, sizeof(name), NAME_START "%d-launcher", getpid());
	(void)unlinkat(parent, name, AT_REMOVEDIR);
	fd_close(&group->launcher);
}

/* One name for all hierarchies: the first one decides. */
static int make_limits(struct cgroup *group, struct cgroup_part *part)
{
	for (unsigned int i = 0; i < NAME_TRIES; i++) {
		if (part == group->parts)
			snprintf(group->name, sizeof(group->name), NAME_START "%d-%u",
				 getpid(), i);
		part->limits = make_locked(part->parent, group->name);
		if (part->limits >= 0)
			return 0;
		if (errno != EEXIST || part != group->parts)
			return -1;
	}
	return -1;
}

static int make_inner(struct cgroup *group, struct cgroup_part *part,
		      const struct cgroup_limits *limits, struct error *err)
{
	const bool old = group->way == CGROUP_V1;

	if (cgroup_write_limits(part->limits, limits, part->controllers, old, err) < 0)
		return -1;
	if (!old &&
	    enable(&(struct cgroup){ 0 }, part->limits, part->controllers, err) < 0)
		return -1;
	if (mkdirat(part->limits, INNER, 0755) < 0)
		return error_errno_id(err, ERROR_CGROUP, "make a cgroup");
	part->inner = open_below(part->limits, INNER);
	if (part->inner < 0)
		return error_errno_id(err, ERROR_CGROUP, "open a cgroup");
	return cgroup_write_limits(part->inner, limits, part->controllers, old, err);
}

static int make_part(struct cgroup *group, const struct cgroup_spot *spot,
		     const struct cgroup_limits *limits, struct error *err)
{
	struct cgroup_part *part = &group->parts[group->part_count++];

	*part = (struct cgroup_part){
		.parent = -1, .limits = -1, .inner = -1, .controllers = spot->controllers
	};
	part->parent = open(spot->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (part->parent < 0)
		return error_errno_id(err, ERROR_CGROUP, "open the cgroup %s",
				      spot->directory);
	sweep(part->parent);
	if (group->way == CGROUP_ALONE && step_aside(group, part->parent, err) < 0)
		return -1;
	if (group->way != CGROUP_V1 &&
	    enable(group, part->parent, spot->controllers, err) < 0)
		return -1;
	if (make_limits(group, part) < 0)
		return error_errno_id(err, ERROR_CGROUP, "make a cgroup below %s",
				      spot->directory);
	snprintf(part->path, sizeof(part->path), "%.4000s/%s", spot->directory,
		 group->name);
	return make_inner(group, part, limits, err);
}

/* ---- the door -------------------------------------------------------------------------- */

bool cgroup_is_needed(const struct cgroup_limits *limits)
{
	return controllers_needed(limits) != 0;
}

int cgroup_check_place(const struct cgroup_limits *limits, struct error *err)
{
	auto_free struct cgroup_search *search = malloc(sizeof(*search));

	if (!search)
		return error_errno(err, "look for a cgroup");
	cgroup_search(controllers_needed(limits), true, search);
	return search->way == CGROUP_NONE ? cgroup_refuse(search, err) : 0;
}

static int find_place(unsigned int needed, struct cgroup_search *search,
		      struct error *err)
{
	char runtime[PATH_MAX];

	cgroup_search(needed, true, search);
	if (search->way == CGROUP_SYSTEMD) {
		cgroup_systemd_runtime(runtime);
		if (cgroup_make_scope(runtime, err) < 0)
			return -1;
		cgroup_search(needed, false, search);
	}
	return search->way == CGROUP_NONE ? cgroup_refuse(search, err) : 0;
}

int cgroup_open(const struct cgroup_limits *limits, struct cgroup *ret_group,
		struct error *err)
{
	auto_free struct cgroup_search *search = malloc(sizeof(*search));
	struct cgroup *group = ret_group;

	if (!search)
		return error_errno(err, "look for a cgroup");
	if (find_place(controllers_needed(limits), search, err) < 0)
		return -1;
	*group = (struct cgroup){ .way = search->way, .launcher = -1 };
	for (size_t i = 0; i < search->spot_count; i++) {
		if (make_part(group, &search->spots[i], limits, err) < 0) {
			cgroup_close(group);
			return -1;
		}
	}
	return 0;
}

int cgroup_clone_fd(const struct cgroup *group)
{
	return group->way == CGROUP_NONE || group->way == CGROUP_V1
		       ? -1
		       : group->parts[0].inner;
}

int cgroup_move(const struct cgroup *group, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < group->part_count; i++) {
		if (write_pid(group->parts[i].inner, pid) < 0)
			return error_errno_id(err, ERROR_CGROUP,
					      "move the sandbox into its cgroup");
	}
	return 0;
}

int cgroup_join(const char *path, struct error *err)
{
	char procs[PATH_MAX];

	if (snprintf(procs, sizeof(procs), "%s/" INNER "/cgroup.procs", path) <
		    (int)sizeof(procs) &&
	    files_write(AT_FDCWD, procs, "0") == 0)
		return 0;
	error_errno_id(err, ERROR_CGROUP, "enter the cgroup %s", path);
	return error_hint(err,
			  "call it from where the sandbox was started: a user may move "
			  "processes only within the groups that are its own");
}

void cgroup_forget(struct cgroup *group)
{
	if (group->way == CGROUP_NONE)
		return;
	for (size_t i = 0; i < group->part_count; i++) {
		fd_close(&group->parts[i].inner);
		fd_close(&group->parts[i].limits);
		fd_close(&group->parts[i].parent);
	}
	fd_close(&group->launcher);
	*group = (struct cgroup){ 0 };
}

/* Where the kernel cannot kill a group (before 5.14) its list is gone through. */
static void kill_all(const struct cgroup_part *part)
{
	auto_free char *list = NULL;
	char *save, *word;

	if (files_write(part->limits, "cgroup.kill", "1") == 0)
		return;
	list = malloc(PIDS_MAX + 1);
	if (!list || files_read(part->inner, "cgroup.procs", list, PIDS_MAX) < 0)
		return;
	for (word = strtok_r(list, "\n", &save); word;
	     word = strtok_r(NULL, "\n", &save)) {
		const long pid = strtol(word, NULL, 10);

		if (pid > 0)
			(void)kill((pid_t)pid, SIGKILL);
	}
}

static void remove_part(const struct cgroup *group, const struct cgroup_part *part)
{
	if (part->limits < 0)
		return;
	for (int i = 0; i < CLOSE_TRIES; i++) {
		if (remove_group(part->parent, group->name, 0) == 0)
			return;
		kill_all(part);
		poll(NULL, 0, CLOSE_STEP_MS);
	}
}

void cgroup_close(struct cgroup *group)
{
	if (group->way == CGROUP_NONE)
		return;
	for (size_t i = 0; i < group->part_count; i++)
		remove_part(group, &group->parts[i]);
	step_back(group, group->parts[0].parent);
	cgroup_forget(group);
}
