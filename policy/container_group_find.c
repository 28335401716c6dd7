/* SPDX-License-Identifier: Apache-2.0 */
/* Which hierarchies there are, and where the caller stands in each. */
#include "policy/group.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "policy/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

enum { MOUNTS_MAX = 16 << 20 };

/* Room for two paths is too much for a stack that calls on. */
struct places {
	char directory[PATH_MAX], top[PATH_MAX];
};

/* What one search works with: the table of mounts is asked for each hierarchy. */
struct search {
	FILE *mounts;
	struct places places;
	struct arena *arena; /* of what is found */
};

static int look_up(struct search *search, const char *controller, const char *own)
{
	rewind(search->mounts);
	return cgroup_directory(search->mounts, controller, own, search->places.directory,
				search->places.top);
}

/* A group outside of the cgroup namespace shows as "/..": then the top alone is known. */
static int locate(struct search *search, const char *controllers, const char *own,
		  struct hierarchy *ret_hierarchy)
{
	struct arena *arena = search->arena;
	const size_t length = strcspn(controllers, ",");
	const char *first = length ? arena_strndup(arena, controllers, length) : NULL;
	const bool seen = look_up(search, first, own) == 0;

	if (!seen && look_up(search, first, "/") < 0)
		return -1;
	*ret_hierarchy = (struct hierarchy){
		.controllers = arena_strdup(arena, controllers),
		.top = arena_strdup(arena, search->places.top),
		.own = seen ? arena_strdup(arena, search->places.directory) : NULL,
	};
	return 0;
}

/* `ID:CONTROLLERS:PATH` */
static int read_line(struct search *search, char *line, struct hierarchy *ret_hierarchy)
{
	char *controllers = strchr(line, ':');
	char *own = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!own)
		return -1;
	*controllers++ = '\0';
	*own++ = '\0';
	own[strcspn(own, "\n")] = '\0';
	return locate(search, controllers, own, ret_hierarchy);
}

static void read_groups(struct search *search, FILE *table, struct group_places *places)
{
	auto_free char *line = NULL;
	size_t room = 0;

	while (places->count < GROUP_HIERARCHIES_MAX &&
	       getline(&line, &room, table) > 0) {
		struct hierarchy *hierarchy = &places->list[places->count];
		const struct hierarchy first = places->list[0];

		if (read_line(search, line, hierarchy) < 0)
			continue;
		if (!*hierarchy->controllers && places->count > 0) {
			places->list[0] = *hierarchy;
			*hierarchy = first;
		}
		places->count++;
	}
}

/* A table of the kernel's as it is now: asked again, it would be made again. */
static FILE *open_copy(const char *path, struct arena *arena)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	char *text = fd < 0 ? NULL : files_read_all(arena, fd, MOUNTS_MAX, &length);

	return text && length ? fmemopen(text, length, "r") : NULL;
}

const struct group_places *group_find(struct arena *arena)
{
	struct group_places *places = arena_alloc(arena, sizeof(*places));
	struct arena own = { 0 };
	struct search *search = arena_alloc(&own, sizeof(*search));
	FILE *groups = fopen("/proc/self/cgroup", "re");

	search->arena = arena;
	search->mounts = open_copy("/proc/self/mountinfo", &own);
	if (groups && search->mounts)
		read_groups(search, groups, places);
	if (groups)
		(void)fclose(groups);
	if (search->mounts)
		(void)fclose(search->mounts);
	arena_free(&own);
	return places;
}

const struct group_places *group_places_of(const struct group_want *want,
					   struct arena *arena)
{
	return want->places ? want->places : group_find(arena);
}

/* ---- paths and words ------------------------------------------------------------------- */

int group_check_path(const char *what, const char *path, struct error *err)
{
	const char *at = path + strspn(path, "/");

	for (const char *c = path; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return error_set(err, ERROR_CGROUP,
					 "use the %s %s: no control characters", what,
					 path);
	}
	if (strlen(path) > PATH_MAX / 2)
		return error_set(err, ERROR_CGROUP, "use that %s: it is too long", what);
	while (*at) {
		const size_t length = strcspn(at, "/");

		if (length == 2 && strncmp(at, "..", 2) == 0)
			return error_set(err, ERROR_CGROUP,
					 "use the %s %s: it may not contain \"..\"", what,
					 path);
		if (length > NAME_MAX)
			return error_set(err, ERROR_CGROUP,
					 "use the %s %s: a name in it is too long", what,
					 path);
		at += length + strspn(at + length, "/");
	}
	return 0;
}

/*
 * Engines take the usual words of EACCES and EPERM, and of ENOENT, for a program that could
 * not be executed.
 */
static const char *reason(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
		return "this user may not";
	case EROFS:
		return "cgroups are mounted read-only here";
	case ENOENT:
		return "the kernel has no such file for this cgroup";
	case EBUSY:
		return "the kernel says that it is in use";
	default:
		return strerror(errnum);
	}
}

int group_error(struct error *err, const char *format, ...)
{
	const int errnum = errno;
	char text[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	error_set(err, ERROR_CGROUP, "%s: %s", text, reason(errnum));
	err->errnum = errnum;
	err->explained = true;
	return -1;
}

/* ---- parts ----------------------------------------------------------------------------- */

static bool names(const char *list, const char *word)
{
	const size_t length = strlen(word);

	while (*list) {
		const size_t part = strcspn(list, ",");

		if (part == length && strncmp(list, word, length) == 0)
			return true;
		list += part + strspn(list + part, ",");
	}
	return false;
}

const struct container_group_part *group_old_part(const struct container_group *group,
						  const char *controller)
{
	for (size_t i = 0; i < group->part_count; i++) {
		if (group->parts[i].dir >= 0 &&
		    names(group->parts[i].controllers, controller))
			return &group->parts[i];
	}
	return NULL;
}

const struct container_group_part *group_new_part(const struct container_group *group)
{
	for (size_t i = 0; i < group->part_count; i++) {
		if (group->parts[i].dir >= 0 && !*group->parts[i].controllers)
			return &group->parts[i];
	}
	return NULL;
}

const struct container_group_part *group_part_of(const struct container_group *group,
						 const char *old_controller,
						 const char *controller, bool *ret_old)
{
	const struct container_group_part *part =
		old_controller ? group_old_part(group, old_controller) : NULL;

	*ret_old = part != NULL;
	if (part || !controller)
		return part;
	return group_new_part(group);
}
