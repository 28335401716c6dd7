/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox's file system, seen from outside before it exists: which file of the host a
 * path inside will be. Links are followed as they will be followed there, one component
 * after another; each component belongs to the last operation that covers it.
 */
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 /* as path_resolution(7) */ };

struct walk {
	const struct plan *plan;
	char done[PATH_MAX]; /* what is resolved, as seen inside; "" is the root */
	char todo[PATH_MAX];
	int links;
};

/* Whether a later operation puts something below path, so that path has to be there. */
static bool leads_to_mount(const struct plan *plan, const char *path, size_t first)
{
	for (size_t i = first; i < plan->rootfs.mount_count; i++) {
		if (path_is_within(plan->rootfs.mounts[i].dest, path))
			return true;
	}
	return false;
}

static enum inside_answer missing(int errnum)
{
	errno = errnum;
	return INSIDE_MISSING;
}

static enum inside_answer join(char *host, const char *dir, const char *rest)
{
	int length;

	if (!strcmp(dir, "/"))
		dir = "";
	length = snprintf(host, PATH_MAX, "%s%s", dir, rest);
	if (length >= PATH_MAX)
		return missing(ENAMETOOLONG);
	if (length == 0)
		memcpy(host, "/", 2);
	return INSIDE_FOUND;
}

static enum inside_answer locate_empty(const struct plan *plan, const char *path,
				       const char *dest, size_t next)
{
	if (!strcmp(path, dest) || leads_to_mount(plan, path, next))
		return INSIDE_MADE;
	return missing(ENOENT);
}

/* What one covering operation says of path; transparent ones say nothing. */
static bool ask_entry(const struct plan *plan, size_t index, const char *path, char *host,
		      enum inside_answer *ret_answer)
{
	const struct mount_entry *entry = &plan->rootfs.mounts[index];
	const char *rest = path + (strcmp(entry->dest, "/") ? strlen(entry->dest) : 0);

	switch (entry->kind) {
	case MOUNT_BIND:
	case MOUNT_COW:
		*ret_answer = entry->flags & MOUNT_F_OPTIONAL
				      ? INSIDE_UNKNOWN
				      : join(host, entry->source, rest);
		return true;
	case MOUNT_TMPFS:
	case MOUNT_SCRATCH:
		*ret_answer = locate_empty(plan, path, entry->dest, index + 1);
		return true;
	case MOUNT_MASK:
		*ret_answer = *rest ? missing(ENOENT) : INSIDE_MADE;
		return true;
	case MOUNT_OVERLAY:
	case MOUNT_PROC:
	case MOUNT_SYSFS:
	case MOUNT_DEV:
	case MOUNT_MQUEUE:
	case MOUNT_CGROUP:
	case MOUNT_FILESYSTEM:
		*ret_answer = *rest ? INSIDE_UNKNOWN : INSIDE_MADE;
		return true;
	case MOUNT_DIR:
		*ret_answer = INSIDE_MADE;
		return *rest == '\0';
	case MOUNT_FILE:
	case MOUNT_DEVICE:
	case MOUNT_DATA:
	case MOUNT_SYMLINK:
		*ret_answer = INSIDE_UNKNOWN;
		return true;
	case MOUNT_READONLY:
	case MOUNT_REMOUNT_RO:
	case MOUNT_CHMOD:
		break;
	}
	return false;
}

/* The topmost layer that has it. A whiteout hides it from all below (overlayfs). */
static enum inside_answer join_layer(const struct rootfs_spec *rootfs, const char *path,
				     char *host)
{
	for (size_t i = rootfs->layer_count; i-- > 0;) {
		struct stat st;

		if (join(host, rootfs->layers[i], path) != INSIDE_FOUND)
			return INSIDE_UNKNOWN;
		if (lstat(host, &st) == 0)
			return S_ISCHR(st.st_mode) ? INSIDE_UNKNOWN : INSIDE_FOUND;
	}
	return join(host, rootfs->path, path);
}

enum inside_answer inside_locate(const struct plan *plan, const char *path, char *host)
{
	const struct rootfs_spec *rootfs = &plan->rootfs;
	enum inside_answer answer;

	for (size_t i = rootfs->mount_count; i-- > 0;) {
		if (path_is_within(path, rootfs->mounts[i].dest) &&
		    ask_entry(plan, i, path, host, &answer))
			return answer;
	}
	switch (rootfs->kind) {
	case ROOT_HOST:
		return join(host, "", path);
	case ROOT_DIRECTORY:
		return join_layer(rootfs, path, host);
	case ROOT_MOUNT:
		return rootfs->path ? join(host, rootfs->path, path) : INSIDE_UNKNOWN;
	case ROOT_SERVED:
		return INSIDE_UNKNOWN;
	case ROOT_EMPTY:
		break;
	}
	return locate_empty(plan, path, "/", 0);
}

static enum inside_answer judge_absent(const struct plan *plan, const char *path,
				       int errnum)
{
	if (errnum == ENOENT && leads_to_mount(plan, path, 0))
		return INSIDE_MADE;
	/* Root inside may look where the caller may not; --upper may hold what is missing. */
	if (plan->rootfs.kind != ROOT_HOST && (errnum == EACCES || plan->rootfs.upper))
		return INSIDE_UNKNOWN;
	return missing(errnum);
}

static enum inside_answer follow(struct walk *walk, const char *host, size_t parent)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlink(host, target, sizeof(target) - 1);

	if (length < 0 || ++walk->links > LINKS_MAX)
		return length < 0 ? INSIDE_UNKNOWN : missing(ELOOP);
	target[length] = '\0';
	memcpy(rest, walk->todo, strlen(walk->todo) + 1);
	if (snprintf(walk->todo, sizeof(walk->todo), "%s/%s", target, rest) >=
	    (int)sizeof(walk->todo))
		return missing(ENAMETOOLONG);
	walk->done[target[0] == '/' ? 0 : parent] = '\0';
	return INSIDE_FOUND;
}

/* Looks at walk->done, whose last component begins behind parent. */
static enum inside_answer look(struct walk *walk, size_t parent, char *host)
{
	enum inside_answer answer = inside_locate(walk->plan, walk->done, host);
	struct stat st;

	if (answer != INSIDE_FOUND)
		return answer;
	if (lstat(host, &st) < 0)
		return judge_absent(walk->plan, walk->done, errno);
	if (S_ISLNK(st.st_mode))
		return follow(walk, host, parent);
	if (!S_ISDIR(st.st_mode) && walk->todo[strspn(walk->todo, "/")])
		return missing(ENOTDIR);
	return INSIDE_FOUND;
}

/* Moves the next component from todo to done. Returns the length that done had. */
static size_t take_component(struct walk *walk)
{
	size_t used = strlen(walk->done), skip = strspn(walk->todo, "/");
	size_t length = strcspn(walk->todo + skip, "/");
	const char *name = walk->todo + skip;

	if (length == 2 && name[0] == '.' && name[1] == '.') {
		char *slash = strrchr(walk->done, '/');

		if (slash)
			*slash = '\0';
	} else if (length && !(length == 1 && name[0] == '.') &&
		   used + length + 2 < sizeof(walk->done)) {
		walk->done[used] = '/';
		memcpy(walk->done + used + 1, name, length);
		walk->done[used + 1 + length] = '\0';
	}
	memmove(walk->todo, name + length, strlen(name + length) + 1);
	return used;
}

/* A cover is a file or a directory, as what it covers is. */
static bool is_masked(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		if (plan->rootfs.mounts[i].kind == MOUNT_MASK &&
		    !strcmp(plan->rootfs.mounts[i].dest, path))
			return true;
	}
	return false;
}

enum inside_answer inside_find(const struct plan *plan, const char *path, char *host)
{
	struct walk walk; /* not zeroed: it is large, and this runs often */
	enum inside_answer answer;

	walk.plan = plan;
	walk.links = 0;
	walk.done[0] = '\0';
	if (text_copy(walk.todo, sizeof(walk.todo), path) < 0)
		return missing(ENAMETOOLONG);
	while (walk.todo[strspn(walk.todo, "/")]) {
		size_t parent = take_component(&walk);

		if (strlen(walk.done) <= parent)
			continue;
		answer = look(&walk, parent, host);
		if (answer == INSIDE_MISSING)
			memcpy(host, walk.done, strlen(walk.done) + 1);
		if (answer != INSIDE_FOUND && answer != INSIDE_MADE)
			return answer;
	}
	answer = inside_locate(plan, walk.done[0] ? walk.done : "/", host);
	return answer == INSIDE_MADE && is_masked(plan, walk.done) ? INSIDE_UNKNOWN
								   : answer;
}

static bool crosses_link(const struct plan *plan, const char *dest)
{
	const bool seen = plan->rootfs.path && plan->rootfs.kind != ROOT_SERVED;
	const char *root = seen ? plan->rootfs.path : "";
	char path[PATH_MAX];
	size_t start = strlen(root);
	struct stat st;

	if (snprintf(path, sizeof(path), "%s%s", root, dest) >= (int)sizeof(path))
		return true;
	for (char *at = path + start; *at;) {
		size_t length = 1 + strcspn(at + 1, "/");
		char kept = at[length];

		at[length] = '\0';
		if (lstat(path, &st) < 0)
			return false;
		if (S_ISLNK(st.st_mode))
			return true;
		at[length] = kept;
		at += length;
	}
	return false;
}

bool inside_is_certain(const struct plan *plan)
{
	if (plan->rootfs.kind == ROOT_EMPTY)
		return false;
	for (size_t i = 0; i < plan->rootfs.mount_count; i++) {
		/* a file at the end of a link takes nothing else along */
		if (!net_file_mounted(&plan->rootfs.mounts[i]) &&
		    crosses_link(plan, plan->rootfs.mounts[i].dest))
			return false;
	}
	return true;
}
