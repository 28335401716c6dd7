/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_is_within(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	if (!strcmp(dir, "/"))
		return path[0] == '/';
	return !strncmp(path, dir, length) &&
	       (path[length] == '/' || path[length] == '\0');
}

/* Appends one component to a path that ends without a slash. */
static size_t add_component(char *to, size_t used, const char *name, size_t length,
			    bool separate)
{
	if (separate)
		to[used++] = '/';
	memcpy(to + used, name, length);
	return used + length;
}

char *path_clean(struct arena *arena, const char *path)
{
	char *clean = arena_alloc(arena, strlen(path) + 2);
	bool absolute = path[0] == '/';
	size_t used = 0;

	while (*path) {
		size_t length = strcspn(path, "/");

		if (length && !(length == 1 && path[0] == '.'))
			used = add_component(clean, used, path, length, absolute || used);
		path += length;
		path += strspn(path, "/");
	}
	if (!used)
		clean[used++] = absolute ? '/' : '.';
	clean[used] = '\0';
	return clean;
}

bool path_ends_in_parent(const char *path)
{
	const char *last = strrchr(path, '/');

	return strcmp(last ? last + 1 : path, "..") == 0;
}

static const char *home_of_caller(struct draft *draft, struct error *err)
{
	const char *home = getenv("HOME");

	if (home && home[0] == '/')
		return home;
	if (caller_account(draft, err) < 0)
		return NULL;
	if (draft->caller.has_account)
		return draft->caller.account.home;
	error_set(err, ERROR_USAGE, "expand ~: HOME is not set");
	return NULL;
}

static const char *joined(struct draft *draft, const char *dir, const char *rest)
{
	struct arena *arena = &draft->plan.arena;

	return path_clean(arena, arena_printf(arena, "%s/%s", dir, rest));
}

const char *path_of_caller(struct draft *draft, const char *base, const char *text,
			   struct error *err)
{
	if (text[0] == '~' && (text[1] == '/' || text[1] == '\0')) {
		base = home_of_caller(draft, err);
		return base ? joined(draft, base, text + 1) : NULL;
	}
	if (text[0] == '/')
		return path_clean(&draft->plan.arena, text);
	if (base)
		return joined(draft, base, text);
	base = caller_cwd(draft);
	if (base)
		return joined(draft, base, text);
	error_errno(err, "find the current directory, which %s starts from", text);
	return NULL;
}

/* The end of the shortest leading part that cannot be reached, or NULL. */
static char *find_obstacle(char *path)
{
	for (char *end = path + 1;; end++) {
		char kept;
		struct stat st;
		int failed;

		end += strcspn(end, "/");
		kept = *end;
		*end = '\0';
		failed = stat(path, &st) < 0 || (kept && !S_ISDIR(st.st_mode)) ||
			 (kept && access(path, X_OK) < 0);
		if (failed)
			return end;
		if (!kept)
			return NULL;
		*end = kept;
	}
}

static const char *explain_obstacle(const char *part)
{
	struct stat st;

	if (lstat(part, &st) < 0)
		return errno == EACCES ? "out of reach" : "does not exist";
	if (S_ISLNK(st.st_mode) && stat(part, &st) < 0)
		return "is a link to nowhere";
	if (!S_ISDIR(st.st_mode))
		return "is not a directory";
	return "may not be searched (no execute permission)";
}

int path_explain(const char *verb, const char *path, int errnum, enum error_id id,
		 struct error *err)
{
	char part[PATH_MAX];

	if (path[0] == '/' && !text_copy(part, sizeof(part), path) &&
	    find_obstacle(part)) {
		error_set(err, id, "%s %.90s: %.90s %s", verb, path,
			  strcmp(part, path) ? part : "it", explain_obstacle(part));
		err->errnum = errnum;
		err->explained = true;
		return -1;
	}
	errno = errnum;
	return error_errno_id(err, id, "%s %s", verb, path);
}
