/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/state_home.h"

#include "base/accounts.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *home(struct arena *arena)
{
	const char *path = getenv("HOME");
	struct account account;
	struct error ignored;

	if (path && path[0] == '/')
		return path;
	if (account_by_uid(-1, geteuid(), &account, &ignored) != 0)
		return NULL;
	return arena_strdup(arena, account.home);
}

static const char *find_path(const char *name, struct arena *arena)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *dir;

	if (state && state[0] == '/')
		return arena_printf(arena, "%s/sbx/%s", state, name);
	dir = home(arena);
	return dir ? arena_printf(arena, "%s/.local/state/sbx/%s", dir, name) : NULL;
}

/* With what is missing on the way to it, for nobody else. -1 and errno. */
static int make_path(const char *path, struct arena *arena)
{
	char *part = arena_strdup(arena, path);

	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST && access(part, X_OK) < 0)
			return -1;
		*slash = '/';
	}
	return mkdir(part, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int check_place(int dir, const char *path, struct error *err)
{
	struct stat status;

	if (fstat(dir, &status) < 0)
		return error_errno_id(err, ERROR_STATE, "look at %s", path);
	if (status.st_uid == geteuid() && !(status.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	error_set(err, ERROR_STATE, "keep anything in %s: others may write to it", path);
	return error_hint(err, "chmod 700, or XDG_STATE_HOME=DIR");
}

int state_home_open(const char *name, bool make, struct arena *arena, int *ret_dir,
		    const char **ret_path, struct error *err)
{
	const char *path = find_path(name, arena);
	auto_close int dir = -1;

	*ret_path = path;
	*ret_dir = -1;
	if (!path) {
		error_set(err, ERROR_STATE,
			  "find a place to keep anything: there is no home");
		return error_hint(err, "XDG_STATE_HOME=DIR");
	}
	if (make && make_path(path, arena) < 0)
		return error_errno_id(err, ERROR_STATE, "make %s", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return error_errno_id(err, ERROR_STATE, "open %s", path);
	if (check_place(dir, path, err) < 0)
		return -1;
	*ret_dir = fd_take(&dir);
	return 0;
}
