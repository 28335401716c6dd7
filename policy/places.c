/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/places.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "policy/readers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".sbx"

enum { NAMES_MAX = 1024, FILE_MAX = 4 << 20 };

const struct builtin *builtin_find(const char *name)
{
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		if (strcmp(builtin->name, name) == 0)
			return builtin;
	}
	return NULL;
}

bool policy_text_is_json(const struct policy_text *text)
{
	static const char blanks[] = " \t\r\n";
	const char *at = text->text + strspn(text->text, blanks);

	if (*at != '{')
		return false;
	at++;
	at += strspn(at, blanks);
	return *at == '"' || *at == '}' || *at == '\0';
}

/* ---- files ---- */

static int fill_from_fd(int fd, size_t max, struct arena *arena,
			struct policy_text *ret_text, struct error *err)
{
	struct stat status;
	size_t length;
	char *text;

	if (fstat(fd, &status) < 0)
		return error_errno_id(err, ERROR_POLICY, "read policy %s",
				      ret_text->name);
	text = files_read_all(arena, fd, max, &length);
	if (!text && errno == EFBIG) {
		error_set(err, ERROR_POLICY, "read policy %s: it is too long",
			  ret_text->name);
		return error_hint(err,
				  "a policy has at most %zu KiB, its includes counted",
				  max >> 10);
	}
	if (!text)
		return error_errno_id(err, ERROR_POLICY, "read policy %s",
				      ret_text->name);
	ret_text->text = text;
	ret_text->length = length;
	ret_text->device = (uint64_t)status.st_dev;
	ret_text->inode = (uint64_t)status.st_ino;
	return 0;
}

static const char *directory_of(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return NULL;
	return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

int policy_text_by_path(const char *path, const char *dir, const char *home, size_t max,
			struct arena *arena, struct policy_text *ret_text,
			struct error *err)
{
	const char *full = path;
	auto_close int fd = -1;
	struct policy_text found = { .name = path };

	if (text_starts_with(path, "~/")) {
		if (!home)
			return error_set(err, ERROR_POLICY,
					 "read policy %s: the home is unknown", path);
		full = arena_printf(arena, "%s%s", home, path + 1);
	} else if (path[0] != '/' && dir) {
		full = arena_printf(arena, "%s/%s", dir, path);
	}
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_errno_id(err,
				      errno == ENOENT || errno == ENOTDIR
					      ? ERROR_SOURCE_MISSING
					      : ERROR_POLICY,
				      "read policy %s", path);
	if (fill_from_fd(fd, max, arena, &found, err) < 0)
		return -1;
	found.dir = directory_of(full, arena);
	*ret_text = found;
	return 0;
}

/* ---- names ---- */

static bool is_policy_name(const char *name)
{
	return name[0] && name[0] != '.' && name[0] != '-' && !strchr(name, '/') &&
	       strlen(name) < 128;
}

const char *policy_path(const char *name, const struct profile_places *places,
			struct arena *arena)
{
	static const char *const endings[] = { "", SUFFIX };

	if (!places || !places->dirs || !is_policy_name(name))
		return NULL;
	for (const char *const *dir = places->dirs; *dir; dir++) {
		for (size_t i = 0; i < 2; i++) {
			const char *path =
				arena_printf(arena, "%s/%s%s", *dir, name, endings[i]);
			struct stat status;

			if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
				return path;
		}
	}
	return NULL;
}

bool policy_name_exists(const char *name, const struct profile_places *places,
			struct arena *arena)
{
	return builtin_find(name) || policy_path(name, places, arena);
}

static int refuse_name(const char *name, const struct profile_places *places,
		       struct arena *arena, struct error *err)
{
	const char *nearest = text_nearest(name, policy_names(places, arena));

	error_set(err, ERROR_POLICY, "find policy %s", name);
	if (nearest)
		return error_hint(err, "the nearest is %s; a file has a slash: ./%s",
				  nearest, name);
	return error_hint(err, "sbx policy list; a file has a slash: ./%s", name);
}

int policy_text_by_name(const char *name, const struct profile_places *places,
			struct arena *arena, struct policy_text *ret_text,
			struct error *err)
{
	const struct builtin *builtin = builtin_find(name);
	const char *path;

	if (builtin) {
		*ret_text = (struct policy_text){
			.name = builtin->name,
			.text = builtin->text,
			.length = builtin->length,
			.builtin = builtin,
		};
		return 0;
	}
	path = policy_path(name, places, arena);
	if (!path)
		return refuse_name(name, places, arena, err);
	return policy_text_by_path(path, NULL, NULL, FILE_MAX, arena, ret_text, err);
}

/* ---- all of them ---- */

struct names {
	struct arena *arena;
	const char **list;
	size_t count;
};

static void add_name(struct names *names, const char *name)
{
	names->list =
		arena_grow(names->arena, names->list, names->count, sizeof(*names->list));
	names->list[names->count++] = name;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_names_of_dir(struct names *names, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return;
	for (entry = readdir(dir); entry && names->count < NAMES_MAX;
	     entry = readdir(dir)) {
		size_t length = strlen(entry->d_name), cut = strlen(SUFFIX);

		if (!is_policy_name(entry->d_name) || entry->d_type == DT_DIR)
			continue;
		if (length > cut && strcmp(entry->d_name + length - cut, SUFFIX) == 0)
			length -= cut;
		add_name(names, arena_strndup(names->arena, entry->d_name, length));
	}
	closedir(dir);
}

const char *const *policy_names(const struct profile_places *places, struct arena *arena)
{
	struct names names = { .arena = arena };
	size_t builtin_count, kept;

	for (const struct builtin *builtin = builtins; builtin->name; builtin++)
		add_name(&names, builtin->name);
	builtin_count = names.count;
	for (const char *const *dir = places ? places->dirs : NULL; dir && *dir; dir++)
		add_names_of_dir(&names, *dir);
	if (names.count > builtin_count)
		qsort(names.list + builtin_count, names.count - builtin_count,
		      sizeof(*names.list), compare_names);
	kept = builtin_count;
	for (size_t i = builtin_count; i < names.count; i++) {
		if ((kept > builtin_count &&
		     strcmp(names.list[i], names.list[kept - 1]) == 0) ||
		    builtin_find(names.list[i]))
			continue;
		names.list[kept++] = names.list[i];
	}
	names.count = kept;
	add_name(&names, NULL);
	return names.list;
}
