/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a container's group, from mkdir(2) to rmdir(2). An absolute path counts from the
 * top of each hierarchy. A relative one, or the container's id where there is none, counts
 * from the caller's own group; on v2 from the one above it, because a group that holds the
 * caller cannot pass controllers on (cgroups(7), "no internal processes").
 */
#include "policy/group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "policy/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LIST_MAX = 8191,
	REMOVE_TRIES = 200, /* of REMOVE_STEP_MS */
	REMOVE_STEP_MS = 5,
};

static int open_below(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int write_pid(int group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return files_write(group, "cgroup.procs", text);
}

/* ---- making ---------------------------------------------------------------------------- */

/* Of v1: a group begins without processors and memory nodes, and takes nobody then. */
static void copy_cpuset(int group, const char *file, const char *above)
{
	char list[LIST_MAX + 1];

	if (files_read(group, file, list, LIST_MAX) == 1 && list[0] == '\n' &&
	    files_read(group, above, list, LIST_MAX) > 0)
		(void)files_write(group, file, list);
}

/*
 * Passes on what the group itself gets. One by one, since one that cannot be passed on (that
 * of real-time processes, in a threaded group) does not keep back the others. What is missing
 * in the end is told by who needs it.
 */
static void switch_on_all(int group)
{
	char offered[LIST_MAX + 1], given[LIST_MAX + 1];
	char *save, *word;

	if (files_read(group, "cgroup.controllers", offered, LIST_MAX) <= 0 ||
	    files_read(group, "cgroup.subtree_control", given, LIST_MAX) < 0)
		return;
	if (strcmp(offered, given) == 0)
		return;
	for (word = strtok_r(offered, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save)) {
		char order[64];

		if (snprintf(order, sizeof(order), "+%s", word) < (int)sizeof(order))
			(void)files_write(group, "cgroup.subtree_control", order);
	}
}

/* One step down. Returns the directory. */
static int step(int parent, const char *name, const char *controllers, bool *ret_made)
{
	const int made = mkdirat(parent, name, 0755);
	int group;

	if (made < 0 && errno != EEXIST)
		return -1;
	group = open_below(parent, name);
	if (group < 0) {
		const int errnum = errno;

		if (made == 0)
			(void)unlinkat(parent, name, AT_REMOVEDIR);
		errno = errnum;
		return -1;
	}
	*ret_made = made == 0;
	if (made == 0 && strstr(controllers, "cpuset")) {
		copy_cpuset(group, "cpuset.cpus", "../cpuset.cpus");
		copy_cpuset(group, "cpuset.mems", "../cpuset.mems");
	}
	return group;
}

/* Down the path. Returns the last directory, -1 and errno. */
static int walk(const char *directory, const char *path, const char *controllers,
		bool switch_on, bool *ret_made)
{
	auto_close int group = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *at = path + strspn(path, "/");

	while (group >= 0 && *at) {
		const size_t length = strcspn(at, "/");
		char name[NAME_MAX + 1];
		int next;

		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		at += length + strspn(at + length, "/");
		if (strcmp(name, ".") == 0)
			continue;
		if (switch_on)
			switch_on_all(group);
		next = step(group, name, controllers, ret_made);
		if (next < 0)
			return -1;
		fd_close(&group);
		group = next;
	}
	return fd_take(&group);
}

/* ENOENT: something else is mounted over the hierarchy. */
static bool is_forbidden(int errnum)
{
	return errnum == EACCES || errnum == EPERM || errnum == EROFS || errnum == ENOENT;
}

/* A path that leads nowhere is the group where it begins. */
static bool is_empty(const char *path)
{
	while (*path == '/' || (*path == '.' && (path[1] == '/' || !path[1])))
		path++;
	return !*path;
}

/* Somebody else's group is not ours to kill and to remove; a new scope has its holder. */
static int check_empty(int group, const char *path, struct error *err)
{
	if (group_is_inhabited(group)) {
		error_set(err, ERROR_CGROUP,
			  "use the cgroup %s: other processes live in it", path);
		return error_hint(err, "give each container a cgroupsPath of its own");
	}
	return 0;
}

int group_add_part(struct container_group *group, const struct hierarchy *hierarchy,
		   const char *directory, const char *path, bool switch_on,
		   struct arena *arena, struct error *err)
{
	struct container_group_part *part = &group->parts[group->part_count];
	bool made = false;
	auto_close int dir =
		walk(directory, path, hierarchy->controllers, switch_on, &made);

	path += strspn(path, "/");
	if (dir < 0) {
		const bool forbidden = is_forbidden(errno);

		group_error(err, "make the cgroup %s/%s", directory, path);
		return forbidden ? 1 : -1;
	}
	if (!made && !group->scope && check_empty(dir, path, err) < 0)
		return -1;
	if (faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) < 0) {
		const bool forbidden = is_forbidden(errno);

		group_error(err, "use the cgroup %s/%s", directory, path);
		return forbidden ? 1 : -1;
	}
	*part = (struct container_group_part){
		.dir = fd_take(&dir),
		.inner = -1,
		.path = arena_printf(arena, "%s/%s", directory, path),
		.controllers = hierarchy->controllers,
		.made = made,
	};
	group->part_count++;
	return 0;
}

static const char *above(const struct hierarchy *hierarchy, struct arena *arena)
{
	char *directory;

	if (!hierarchy->own)
		return hierarchy->top;
	if (strcmp(hierarchy->own, hierarchy->top) == 0)
		return hierarchy->top;
	directory = arena_strdup(arena, hierarchy->own);
	*strrchr(directory, '/') = '\0';
	return directory;
}

static const char *start_of(const struct hierarchy *hierarchy, bool absolute,
			    struct arena *arena)
{
	if (absolute)
		return hierarchy->top;
	if (!*hierarchy->controllers)
		return above(hierarchy, arena);
	return hierarchy->own ? hierarchy->own : hierarchy->top;
}

static bool wants_new(const struct cgroup_resources *resources)
{
	return resources && (resources->huge_pages.count || resources->rdma.count ||
			     resources->unified.count);
}

static int make_files(const struct group_want *want, struct arena *arena,
		      struct container_group *group, struct error *err)
{
	const struct group_places *places = group_places_of(want, arena);
	const struct hierarchy *hierarchies = places->list;
	const size_t count = places->count;
	const char *path = want->path && *want->path ? want->path : want->id;
	int failed = 0;

	if (is_empty(path))
		return error_set(err, ERROR_CGROUP,
				 "use the cgroupsPath %s: it names no group of its own",
				 path);
	group->unified = count == 1 && !*hierarchies[0].controllers;
	for (size_t i = 0; i < count; i++) {
		const struct hierarchy *hierarchy = &hierarchies[i];
		const bool switch_on = !*hierarchy->controllers &&
				       (group->unified || wants_new(want->resources));
		const int got = group_add_part(group, hierarchy,
					       start_of(hierarchy, path[0] == '/', arena),
					       path, switch_on, arena, err);

		if (got < 0)
			return -1;
		failed = got ? got : failed;
	}
	return want->path && *want->path && group->part_count == 0 ? failed : 0;
}

/* ---- below the group ------------------------------------------------------------------- */

static int hand_over(int group, uid_t owner, struct error *err)
{
	static const char *const files[] = { ".", "cgroup.procs",
					     "cgroup.subtree_control", "cgroup.threads" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (fchownat(group, files[i], owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0)
			return group_error(err, "give the cgroup to user %u", owner);
	}
	return 0;
}

/* With group->holder in it nothing can be passed on: it goes in first. */
static int make_inner(const struct group_want *want, struct container_group *group,
		      struct container_group_part *part, struct error *err)
{
	const char *const names[] = { want->systemd_subgroup, want->delegate };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const int outer = part->inner >= 0 ? part->inner : part->dir;
		int inner;
		bool made;

		if (!names[i] || is_empty(names[i]))
			continue;
		inner = walk(part->path, names[i], part->controllers, false, &made);
		if (inner < 0)
			return group_error(err, "make the cgroup %s in %s", names[i],
					   part->path);
		if (group->holder > 0)
			(void)write_pid(inner, group->holder);
		switch_on_all(outer);
		if (part->inner >= 0)
			fd_close(&part->inner);
		part->inner = inner;
	}
	return 0;
}

static int finish_part(const struct group_want *want, struct container_group *group,
		       struct container_group_part *part, struct error *err)
{
	/* v1 has nothing to delegate, and would want each limit twice. */
	if (!*part->controllers && group->unified &&
	    make_inner(want, group, part, err) < 0)
		return -1;
	if (part->inner < 0)
		part->inner = fcntl(part->dir, F_DUPFD_CLOEXEC, 3);
	if (part->inner < 0)
		return error_errno_id(err, ERROR_RESOURCES, "hold a cgroup");
	if (want->has_owner && !*part->controllers)
		return hand_over(part->inner, want->owner, err);
	return 0;
}

static int check_want(const struct group_want *want, struct error *err)
{
	if (want->path && group_check_path("cgroupsPath", want->path, err) < 0)
		return -1;
	if (want->systemd_subgroup &&
	    group_check_path("annotation run.oci.systemd.subgroup",
			     want->systemd_subgroup, err) < 0)
		return -1;
	if (want->delegate && group_check_path("annotation run.oci.delegate-cgroup",
					       want->delegate, err) < 0)
		return -1;
	return 0;
}

int group_make(const struct group_want *want, struct arena *arena,
	       struct container_group *ret_group, struct error *err)
{
	struct container_group group = { .manager = want->manager, .holding = -1 };
	int made;

	if (want->manager == GROUP_DISABLED) {
		*ret_group = group;
		return 0;
	}
	if (check_want(want, err) < 0)
		return -1;
	made = want->manager == GROUP_SYSTEMD ? group_make_scope(want, arena, &group, err)
					      : make_files(want, arena, &group, err);
	for (size_t i = 0; made >= 0 && i < group.part_count; i++)
		made = finish_part(want, &group, &group.parts[i], err) < 0 ? -1 : made;
	if (made >= 0 && !want->best_effort &&
	    (!want->resources || want->resources->device_count == 0) &&
	    group_apply_usual_devices(&group, err) < 0)
		made = -1;
	if (made >= 0 && group_is_frozen(&group))
		made = error_set(err, ERROR_CGROUP, "use the cgroup %s: it is frozen",
				 group.parts[0].path);
	if (made < 0) {
		struct error ignored;

		(void)group_remove(&group, &ignored);
		group_close(&group);
		return -1;
	}
	*ret_group = group;
	return made;
}

/* ---- using ----------------------------------------------------------------------------- */

int group_clone_fd(const struct container_group *group)
{
	return group->unified && group->part_count == 1 ? group->parts[0].inner : -1;
}

int group_move(const struct container_group *group, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < group->part_count; i++) {
		const struct container_group_part *part = &group->parts[i];

		if (part->inner < 0 || write_pid(part->inner, pid) == 0)
			continue;
		if (!group->scope || (errno != EACCES && errno != EPERM))
			return group_error(err, "move the container into the cgroup %s",
					   part->path);
		if (group_attach_scope(group, pid, err) < 0)
			return -1;
		if (write_pid(part->inner, pid) < 0)
			return group_error(err, "move the container into the cgroup %s",
					   part->path);
	}
	return 0;
}

/* Who held the scope may go: either the container lives in it, or it ends. */
static void release_holder(struct container_group *group)
{
	if (group->holder <= 0)
		return;
	fd_close(&group->holding);
	while (waitpid(group->holder, NULL, 0) < 0 && errno == EINTR)
		;
	group->holder = 0;
}

void group_close(struct container_group *group)
{
	release_holder(group);
	for (size_t i = 0; i < group->part_count; i++) {
		fd_close(&group->parts[i].inner);
		fd_close(&group->parts[i].dir);
	}
	*group = (struct container_group){ .manager = GROUP_DISABLED, .holding = -1 };
}

/* ---- the record ------------------------------------------------------------------------ */

/*
 * A line for the group, "MANAGER UNIFIED USER SCOPE", and one for each part: "MADE
 * CONTROLLERS PATH". "-" stands for nothing.
 */
const char *group_record(const struct container_group *group, struct arena *arena)
{
	const char *text;

	if (group->part_count == 0)
		return NULL;
	text = arena_printf(arena, "%d %d %d %s\n", group->manager, group->unified,
			    group->user_manager, group->scope ? group->scope : "-");
	for (size_t i = 0; i < group->part_count; i++) {
		const struct container_group_part *part = &group->parts[i];

		text = arena_printf(arena, "%s%d %s %s\n", text, part->made,
				    *part->controllers ? part->controllers : "-",
				    part->path);
	}
	return text;
}

/* Whether this user may make directories where the path leads to. */
static bool can_be_made(const char *path)
{
	char directory[PATH_MAX];
	char *end;

	if (text_copy(directory, sizeof(directory), path) < 0)
		return false;
	while ((end = strrchr(directory, '/')) && end != directory) {
		*end = '\0';
		if (access(directory, F_OK) == 0)
			return faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) == 0;
	}
	return false;
}

const char *group_record_ahead(const struct group_want *want, struct arena *arena)
{
	struct container_group group = { .manager = want->manager, .holding = -1 };
	const char *path = want->path && *want->path ? want->path : want->id;
	const struct group_places *places;

	if (want->manager != GROUP_FILES)
		return NULL;
	places = group_places_of(want, arena);
	group.unified = places->count == 1 && !*places->list[0].controllers;
	for (size_t i = 0; i < places->count; i++) {
		const char *directory = start_of(&places->list[i], path[0] == '/', arena);
		const char *whole =
			arena_printf(arena, "%s/%s", directory, path + strspn(path, "/"));

		if (access(whole, F_OK) == 0 || !can_be_made(whole))
			continue;
		group.parts[group.part_count++] = (struct container_group_part){
			.dir = -1,
			.inner = -1,
			.path = whole,
			.controllers = places->list[i].controllers,
			.made = true,
		};
	}
	return group_record(&group, arena);
}

static int refuse_record(struct error *err)
{
	return error_set(err, ERROR_STATE, "read the record of a cgroup");
}

static int open_inner(struct container_group_part *part)
{
	part->dir = open(part->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	part->inner = part->dir < 0 ? -1 : fcntl(part->dir, F_DUPFD_CLOEXEC, 3);
	return part->dir < 0 && errno != ENOENT && errno != ENODEV ? -1 : 0;
}

/* A group that is gone is no error: its descriptor is -1. */
static int read_part(char *line, struct container_group *group, struct error *err)
{
	struct container_group_part *part = &group->parts[group->part_count];
	char *controllers = strchr(line, ' ');
	char *path = controllers ? strchr(controllers + 1, ' ') : NULL;

	if (!path || group->part_count >= GROUP_HIERARCHIES_MAX || path[1] != '/')
		return refuse_record(err);
	*controllers++ = '\0';
	*path++ = '\0';
	*part = (struct container_group_part){
		.path = path,
		.controllers = strcmp(controllers, "-") == 0 ? "" : controllers,
		.made = line[0] == '1',
	};
	if (open_inner(part) < 0)
		return group_error(err, "open the cgroup %s", path);
	group->part_count++;
	return 0;
}

static int read_head(const char *line, struct container_group *group, struct error *err)
{
	if (strlen(line) < 7 || line[0] < '0' || line[0] > '0' + GROUP_DISABLED ||
	    line[1] != ' ' || line[3] != ' ' || line[5] != ' ')
		return refuse_record(err);
	group->manager = (enum group_manager)(line[0] - '0');
	group->unified = line[2] == '1';
	group->user_manager = line[4] == '1';
	group->scope = strcmp(line + 6, "-") == 0 ? NULL : line + 6;
	return 0;
}

int group_open(const char *record, struct arena *arena, struct container_group *ret_group,
	       struct error *err)
{
	struct container_group group = { .holding = -1 };
	char *save, *line;

	if (!record) {
		*ret_group = group;
		return 0;
	}
	line = strtok_r(arena_strdup(arena, record), "\n", &save);
	if (!line || read_head(line, &group, err) < 0)
		return line ? -1 : refuse_record(err);
	for (line = strtok_r(NULL, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (read_part(line, &group, err) < 0) {
			group_close(&group);
			return -1;
		}
	}
	*ret_group = group;
	return 0;
}

/* ---- removing -------------------------------------------------------------------------- */

static int remove_part(const struct container_group_part *part)
{
	const char *name = strrchr(part->path, '/');
	auto_close int parent = -1;
	char directory[PATH_MAX];

	if (!part->made || !name ||
	    text_copy(directory, sizeof(directory), part->path) < 0)
		return 0;
	directory[name - part->path] = '\0';
	parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return 0;
	for (int i = 0; cgroup_remove_tree(parent, name + 1) < 0; i++) {
		if (errno != EBUSY || i == REMOVE_TRIES)
			return -1;
		poll(NULL, 0, REMOVE_STEP_MS);
	}
	return 0;
}

int group_remove(struct container_group *group, struct error *err)
{
	int failed = 0;

	release_holder(group);
	if (group->scope)
		failed = group_stop_scope(group, err);
	for (size_t i = 0; i < group->part_count; i++) {
		const struct container_group_part *part = &group->parts[i];

		if (remove_part(part) < 0)
			failed = group_error(err, "remove the cgroup %s", part->path);
	}
	return failed;
}
