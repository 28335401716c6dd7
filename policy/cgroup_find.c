/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a group can be made. In this order: below the caller's own group of cgroup v2, if
 * it is the caller's to use and nobody else lives there (a group whose controllers are
 * passed on holds no process, cgroups(7)); beside it; in a scope of the user's systemd; in
 * the hierarchies of cgroup v1.
 */
#include "policy/cgroup.h"

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FILE_MAX = 4096 };

/* ---- controllers ----------------------------------------------------------------------- */

static const struct controller_row {
	unsigned int bit;
	const char *name, *old_name;
} rows[] = {
	{ CONTROLLER_MEMORY, "memory", "memory" },
	{ CONTROLLER_PIDS, "pids", "pids" },
	{ CONTROLLER_CPU, "cpu", "cpu" },
	{ CONTROLLER_CPUSET, "cpuset", "cpuset" },
	{ CONTROLLER_IO, "io", "blkio" },
};

const char *controller_name(unsigned int bit, bool old)
{
	for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
		if (rows[i].bit == bit)
			return old ? rows[i].old_name : rows[i].name;
	}
	return NULL;
}

unsigned int controllers_needed(const struct cgroup_limits *limits)
{
	unsigned int set = 0;

	if (limits->memory || limits->has_memory_swap)
		set |= CONTROLLER_MEMORY;
	if (limits->pids)
		set |= CONTROLLER_PIDS;
	if (limits->cpu_quota_us)
		set |= CONTROLLER_CPU;
	if (limits->cpuset)
		set |= CONTROLLER_CPUSET;
	if (limits->io_weight)
		set |= CONTROLLER_IO;
	return set;
}

/* Whether word stands in a list of words between which any of the blanks stand. */
static bool is_listed(const char *list, const char *word, const char *blanks)
{
	const size_t length = strlen(word);

	for (;;) {
		const size_t part = strcspn(list, blanks);

		if (part == length && strncmp(list, word, length) == 0)
			return true;
		if (!list[part])
			return false;
		list += part + 1;
	}
}

unsigned int controllers_listed(const char *list)
{
	unsigned int set = 0;

	for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
		if (is_listed(list, rows[i].name, " \n"))
			set |= rows[i].bit;
	}
	return set;
}

char *controllers_text(unsigned int set, char *to)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
		if (!(set & rows[i].bit))
			continue;
		set &= ~rows[i].bit;
		used += (size_t)snprintf(to + used, CONTROLLERS_TEXT - used, "%s%s",
					 used == 0  ? ""
					 : set == 0 ? " and "
						    : ", ",
					 rows[i].name);
	}
	return to;
}

/* ---- the kernel's tables --------------------------------------------------------------- */

/* `ID:CONTROLLERS:PATH`; ID 0 without controllers is cgroup v2. */
static const char *own_path_in(char *line, const char *controller)
{
	char *list = strchr(line, ':');
	char *path = list ? strchr(list + 1, ':') : NULL;

	if (!path)
		return NULL;
	*path++ = '\0';
	*list++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (controller ? !is_listed(list, controller, ",")
		       : *list || strcmp(line, "0") != 0)
		return NULL;
	return path;
}

int cgroup_own_path(FILE *table, const char *controller, char *ret_path)
{
	auto_free char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, table) > 0) {
		const char *path = own_path_in(line, controller);

		if (path)
			return path[0] == '/' ? text_copy(ret_path, PATH_MAX, path) : -1;
	}
	return -1;
}

/* Blanks and backslashes stand as \ooo in the table. In place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				     (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

struct mount_line {
	char *root, *place, *type, *options;
};

/* `ID PARENT DEVICE ROOT PLACE FLAGS [FIELD…] - TYPE SOURCE OPTIONS` */
static int split_mount(char *line, struct mount_line *ret_mount)
{
	char *behind = strstr(line, " - ");
	char *save, *word;

	if (!behind)
		return -1;
	*behind = '\0';
	word = strtok_r(line, " ", &save);
	for (int i = 0; word && i < 3; i++)
		word = strtok_r(NULL, " ", &save);
	ret_mount->root = word;
	ret_mount->place = word ? strtok_r(NULL, " ", &save) : NULL;
	ret_mount->type = strtok_r(behind + 3, " ", &save);
	word = ret_mount->type ? strtok_r(NULL, " ", &save) : NULL;
	ret_mount->options = word ? strtok_r(NULL, " \n", &save) : NULL;
	if (!ret_mount->place || !ret_mount->options)
		return -1;
	unescape(ret_mount->root);
	unescape(ret_mount->place);
	return 0;
}

/* What follows the mount's root in the path; NULL: it cannot be seen there. */
static const char *below(const char *root, const char *path)
{
	const size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, root, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return strcmp(path + length, "/") == 0 ? "" : path + length;
}

int cgroup_directory(FILE *mounts, const char *controller, const char *own_path,
		     char *ret_directory, char *ret_top)
{
	auto_free char *line = NULL;
	size_t room = 0;

	if (strncmp(own_path, "/..", 3) == 0)
		return -1; /* outside of the cgroup namespace */
	while (getline(&line, &room, mounts) > 0) {
		struct mount_line mount;
		const char *rest;

		if (split_mount(line, &mount) < 0 ||
		    strcmp(mount.type, controller ? "cgroup" : "cgroup2") != 0 ||
		    (controller && !is_listed(mount.options, controller, ",")))
			continue;
		rest = below(mount.root, own_path);
		if (!rest || snprintf(ret_directory, PATH_MAX, "%s%s", mount.place,
				      rest) >= PATH_MAX)
			continue;
		return text_copy(ret_top, PATH_MAX, mount.place);
	}
	return -1;
}

static int locate(const char *controller, char *ret_directory, char *ret_top)
{
	char own[PATH_MAX];
	FILE *table = fopen("/proc/self/cgroup", "re");
	int failed;

	if (!table)
		return -1;
	failed = cgroup_own_path(table, controller, own);
	(void)fclose(table);
	if (failed)
		return -1;
	table = fopen("/proc/self/mountinfo", "re");
	if (!table)
		return -1;
	failed = cgroup_directory(table, controller, own, ret_directory, ret_top);
	(void)fclose(table);
	return failed;
}

/* ---- one group ------------------------------------------------------------------------- */

static bool can_write(int group, const char *file)
{
	return faccessat(group, file, W_OK, AT_EACCESS) == 0;
}

/* Groups can be made in it, and children put into them. */
static bool is_ours(int group)
{
	return can_write(group, ".") && can_write(group, "cgroup.procs");
}

static unsigned int controllers_in(int group, const char *file)
{
	char list[FILE_MAX];

	if (files_read(group, file, list, sizeof(list) - 1) < 0)
		return 0;
	return controllers_listed(list);
}

/* Others than this process; one that cannot be read is full of them. */
static bool holds_others(int group)
{
	char list[FILE_MAX], own[16];

	if (files_read(group, "cgroup.procs", list, sizeof(list) - 1) < 0)
		return true;
	snprintf(own, sizeof(own), "%d\n", getpid());
	return list[0] && strcmp(list, own) != 0;
}

static bool holds_nobody(int group)
{
	char list[FILE_MAX];

	return files_read(group, "cgroup.procs", list, sizeof(list) - 1) == 0;
}

/* The root of the whole hierarchy passes controllers on whoever lives there. */
static bool is_root(int group)
{
	return faccessat(group, "cgroup.events", F_OK, 0) < 0;
}

/*
 * What the user's systemd manages is not to be changed behind its back, but where it says
 * that a group is somebody's own.
 */
static bool is_managed(int group, const char *directory)
{
	char mark[2];

	if (!strstr(directory, "/user@"))
		return false;
	return fgetxattr(group, "user.delegate", mark, sizeof(mark)) != 1 ||
	       mark[0] != '1';
}

static bool passes_on(int group, unsigned int needed)
{
	if ((controllers_in(group, "cgroup.subtree_control") & needed) == needed)
		return true;
	return (controllers_in(group, "cgroup.controllers") & needed) == needed &&
	       can_write(group, "cgroup.subtree_control") &&
	       (is_root(group) || holds_nobody(group));
}

static void take(struct cgroup_search *search, enum cgroup_way way, const char *directory,
		 unsigned int controllers)
{
	struct cgroup_spot *spot = &search->spots[search->spot_count++];

	search->way = way;
	(void)text_copy(spot->directory, sizeof(spot->directory), directory);
	spot->controllers = controllers;
}

static int open_group(const char *directory)
{
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- cgroup v2 ------------------------------------------------------------------------- */

static void try_alone(struct cgroup_search *search)
{
	auto_close int group = open_group(search->own);

	if (group < 0 || !is_ours(group))
		return;
	if (is_root(group)) {
		if (passes_on(group, search->needed))
			take(search, CGROUP_BESIDE, search->own, search->needed);
		return;
	}
	if ((controllers_in(group, "cgroup.controllers") & search->needed) !=
		    search->needed ||
	    !can_write(group, "cgroup.subtree_control"))
		return;
	search->crowded = holds_others(group);
	if (!search->crowded)
		take(search, CGROUP_ALONE, search->own, search->needed);
}

static void try_beside(struct cgroup_search *search, const char *top)
{
	char directory[PATH_MAX];
	auto_close int group = -1;

	if (strcmp(search->own, top) == 0)
		return;
	(void)text_copy(directory, sizeof(directory), search->own);
	*strrchr(directory, '/') = '\0';
	group = open_group(directory);
	if (group < 0 || !is_ours(group) || is_managed(group, directory))
		return;
	search->withheld = search->needed & ~controllers_in(group, "cgroup.controllers");
	if (!passes_on(group, search->needed))
		return;
	take(search, CGROUP_BESIDE, directory, search->needed);
}

/* What the user's manager got, where its group has the usual place. */
static unsigned int delegated(const char *top)
{
	char path[PATH_MAX];
	auto_close int group = -1;
	const unsigned int uid = geteuid();

	if (snprintf(path, sizeof(path), "%s/user.slice/user-%u.slice/user@%u.service",
		     top, uid, uid) >= (int)sizeof(path))
		return ~0U;
	group = open_group(path);
	return group < 0 ? ~0U : controllers_in(group, "cgroup.controllers");
}

static void try_systemd(struct cgroup_search *search, const char *top)
{
	char runtime[PATH_MAX];

	cgroup_systemd_runtime(runtime);
	search->systemd = runtime[0] != '\0';
	if (!search->systemd || search->lacking)
		return;
	search->undelegated = search->needed & ~delegated(top);
	if (!search->undelegated)
		search->way = CGROUP_SYSTEMD;
}

static void search_new(struct cgroup_search *search, bool scope)
{
	char top[PATH_MAX];
	auto_close int hierarchy = -1;

	if (locate(NULL, search->own, top) < 0) {
		search->own[0] = '\0';
		return;
	}
	hierarchy = open_group(top);
	search->lacking =
		search->needed & ~controllers_in(hierarchy, "cgroup.controllers");
	try_alone(search);
	if (!search->way)
		try_beside(search, top);
	if (!search->way && scope)
		try_systemd(search, top);
}

/* ---- cgroup v1 ------------------------------------------------------------------------- */

static void search_old(struct cgroup_search *search)
{
	bool ours = true;

	for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
		char directory[PATH_MAX], top[PATH_MAX];
		auto_close int group = -1;

		if (!(search->needed & rows[i].bit))
			continue;
		if (locate(rows[i].old_name, directory, top) < 0) {
			ours = false;
			continue;
		}
		search->old |= rows[i].bit;
		group = open_group(directory);
		ours = ours && group >= 0 && is_ours(group);
		if (ours)
			take(search, CGROUP_V1, directory, rows[i].bit);
	}
	if (!ours) {
		search->way = CGROUP_NONE;
		search->spot_count = 0;
	}
}

void cgroup_search(unsigned int needed, bool scope, struct cgroup_search *ret_search)
{
	*ret_search = (struct cgroup_search){ .needed = needed, .lacking = needed };
	search_new(ret_search, scope);
	if (!ret_search->way)
		search_old(ret_search);
}
