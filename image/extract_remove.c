/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a tree however deep: an archive can make one that is deeper than descriptors,
 * stack and PATH_MAX reach, by going through its own links. So the way down is a list of
 * names; only the lowest directories of it are open, and the way up is "..".
 */
#include "image/extract_parts.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_LEVELS = 24, OPEN_LEVEL = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct level {
	DIR *dir;     /* NULL: closed for the time being */
	size_t name;  /* where it begins in names */
	bool changed; /* since its list was begun */
};

struct descent {
	int base; /* the directory that the first level is in */
	struct level *levels;
	size_t depth, room;
	char *names;
	size_t names_used, names_size;
};

static void descent_free(struct descent *descent)
{
	while (descent->depth > 0) {
		DIR *dir = descent->levels[--descent->depth].dir;

		if (dir)
			closedir(dir);
	}
	free(descent->levels);
	free(descent->names);
}

static DIR *open_level(int dir, const char *name)
{
	auto_close int fd = openat(dir, name, OPEN_LEVEL);
	DIR *opened = fd < 0 ? NULL : fdopendir(fd);

	if (opened)
		fd_take(&fd);
	return opened;
}

/* Room for one more level with this name. */
static int make_room(struct descent *descent, size_t name_size)
{
	if (descent->depth == descent->room) {
		size_t room = descent->room > 0 ? descent->room * 2 : 64;
		struct level *levels = realloc(descent->levels, room * sizeof(*levels));

		if (!levels)
			return -1;
		descent->levels = levels;
		descent->room = room;
	}
	if (descent->names_used + name_size > descent->names_size) {
		size_t size = descent->names_size * 2 + name_size;
		char *names = realloc(descent->names, size);

		if (!names)
			return -1;
		descent->names = names;
		descent->names_size = size;
	}
	return 0;
}

static int go_down(struct descent *descent, int dir, const char *name)
{
	size_t size = strlen(name) + 1;
	struct level *level;
	DIR *opened;

	if (make_room(descent, size) < 0)
		return -1;
	opened = open_level(dir, name);
	if (!opened)
		return -1;
	if (descent->depth >= OPEN_LEVELS) {
		level = &descent->levels[descent->depth - OPEN_LEVELS];
		if (level->dir)
			closedir(level->dir);
		level->dir = NULL;
	}
	memcpy(descent->names + descent->names_used, name, size);
	descent->levels[descent->depth++] =
		(struct level){ .dir = opened, .name = descent->names_used };
	descent->names_used += size;
	return 0;
}

/* Leaves the last level, which is empty now, and removes it. */
static int go_up(struct descent *descent)
{
	struct level *level = &descent->levels[descent->depth - 1];
	struct level *above = descent->depth > 1 ? level - 1 : NULL;

	if (above && !above->dir) {
		above->dir = open_level(dirfd(level->dir), "..");
		if (!above->dir)
			return -1;
	}
	closedir(level->dir);
	descent->depth--;
	descent->names_used = level->name;
	if (above)
		above->changed = true;
	return unlinkat(above ? dirfd(above->dir) : descent->base,
			descent->names + level->name, AT_REMOVEDIR);
}

/* Removes the entry, or goes down into it. */
static int remove_entry(struct descent *descent, const char *name)
{
	struct level *level = &descent->levels[descent->depth - 1];

	if (unlinkat(dirfd(level->dir), name, 0) == 0) {
		level->changed = true;
		return 0;
	}
	if (errno != EISDIR)
		return -1;
	return go_down(descent, dirfd(level->dir), name);
}

/* One step. A list that was changed while it was read may have left something out. */
static int step(struct descent *descent)
{
	struct level *level = &descent->levels[descent->depth - 1];
	const struct dirent *entry;

	errno = 0;
	entry = readdir(level->dir);
	if (entry) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			return 0;
		return remove_entry(descent, entry->d_name);
	}
	if (errno != 0)
		return -1;
	if (!level->changed)
		return go_up(descent);
	level->changed = false;
	rewinddir(level->dir);
	return 0;
}

int tree_remove(int dir, const char *name)
{
	struct descent descent = { .base = dir };
	int failed;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	failed = go_down(&descent, dir, name);
	while (failed == 0 && descent.depth > 0)
		failed = step(&descent);
	if (failed != 0) {
		int errnum = errno;

		descent_free(&descent);
		errno = errnum;
		return -1;
	}
	descent_free(&descent);
	return 0;
}
