/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a run as rules. Another run of the same command opens other temporary files
 * and other objects of a repository, so that the exact list would hold once: where many
 * neighbours were used the directory stands for them, and names that differ from run to
 * run give way to their directory at once.
 */
#include "policy/learned.h"

#include "base/arena.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
	WRITTEN_NEIGHBOURS = 3, /* directories of one directory that were written */
	READ_NEIGHBOURS = 8,    /* files of one directory that were read */
};

/* Never as a whole for reading: what lies there is not of one kind. */
static const char *const kept_apart[] = {
	"/",         "/etc",     "/home", "/root",      "/usr",     "/usr/bin",
	"/usr/sbin", "/bin",     "/sbin", "/usr/share", "/usr/lib", "/lib",
	"/var",      "/var/lib", "/run",  "/dev",       NULL,
};

/* Names below them belong to one run. */
static const char *const volatile_places[] = { "/tmp",     "/var/tmp", "/dev/shm",
					       "/dev/pts", "/proc",    NULL };

static bool is_listed(const char *path, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(path, *list) == 0)
			return true;
	}
	return false;
}

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	if (length == 1)
		return true;
	return strncmp(path, dir, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

static const char *volatile_place_of(const char *path)
{
	for (const char *const *place = volatile_places; *place; place++) {
		if (is_below(path, *place))
			return *place;
	}
	return NULL;
}

/* The directory of a path; "/" of one in it. */
static const char *parent_of(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

static int by_path(const void *a, const void *b)
{
	const struct seen_path *one = a, *other = b;
	const int order = strcmp(one->path, other->path);

	return order ? order : (int)other->access - (int)one->access;
}

/* A listing says nothing about what lies below, but it needs no second one there. */
static bool covers(const struct seen_path *one, const struct seen_path *other)
{
	return is_below(other->path, one->path) && other->access <= one->access;
}

/* A directory comes to stand in front of all below it, and of doubles the one written. */
static size_t drop_covered(struct seen_path *paths, size_t count)
{
	size_t kept = 0;

	qsort(paths, count, sizeof(*paths), by_path);
	for (size_t i = 0; i < count; i++) {
		bool covered = false;

		for (size_t j = 0; j < kept && !covered; j++) {
			if (!covers(&paths[j], &paths[i]))
				continue;
			paths[j].times += paths[i].times;
			covered = true;
		}
		if (!covered)
			paths[kept++] = paths[i];
	}
	return kept;
}

/* Without a copy: a command that opens many files has this asked for each pair of them. */
static bool is_right_in(const char *path, const char *dir)
{
	const char *name = strrchr(path, '/') + 1;
	const size_t length = (size_t)(name - path) - (name - path > 1);

	return *name && strncmp(path, dir, length) == 0 && dir[length] == '\0';
}

static size_t count_children(const struct seen_path *paths, size_t count, const char *dir,
			     enum seen_access access)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += paths[i].access == access && is_right_in(paths[i].path, dir);
	return found;
}

static bool is_worth(const struct seen_path *paths, size_t count, size_t index,
		     const char *dir)
{
	const enum seen_access access = paths[index].access;
	const size_t enough =
		access == SEEN_WRITTEN ? WRITTEN_NEIGHBOURS : READ_NEIGHBOURS;

	return access != SEEN_LISTED && !is_listed(dir, kept_apart) &&
	       count_children(paths, count, dir, access) >= enough;
}

static bool widen(struct seen_path *paths, size_t count, struct arena *arena)
{
	bool changed = false;

	for (size_t i = 0; i < count; i++) {
		const char *dir;

		if (strcmp(paths[i].path, "/") == 0)
			continue;
		dir = parent_of(paths[i].path, arena);
		if (!is_worth(paths, count, i, dir))
			continue;
		paths[i].path = dir;
		changed = true;
	}
	return changed;
}

size_t learned_rules_of_paths(const struct learned *learned, struct arena *arena,
			      const struct seen_path **ret_paths)
{
	struct seen_path *paths =
		arena_alloc_array(arena, learned->path_count + 1, sizeof(*paths));
	size_t count = learned->path_count;

	for (size_t i = 0; i < count; i++) {
		const char *place = volatile_place_of(learned->paths[i].path);

		paths[i] = learned->paths[i];
		if (place) {
			paths[i].path = place;
			if (paths[i].access == SEEN_LISTED)
				paths[i].access = SEEN_READ;
		}
	}
	count = drop_covered(paths, count);
	for (int round = 0; round < 8 && widen(paths, count, arena); round++)
		count = drop_covered(paths, count);
	*ret_paths = paths;
	return count;
}
