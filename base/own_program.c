/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own_program.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool find_beside(const char *name, char *ret_path)
{
	const ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
	char *end;
	size_t room;

	if (length <= 0)
		return false;
	ret_path[length] = '\0';
	end = strrchr(ret_path, '/');
	if (!end)
		return false;
	room = PATH_MAX - (size_t)(end + 1 - ret_path);
	if ((size_t)snprintf(end + 1, room, "%s", name) >= room)
		return false;
	return access(ret_path, X_OK) == 0;
}

int own_program_find(const char *name, char ret_path[PATH_MAX])
{
	if (find_beside(name, ret_path))
		return 0;
	snprintf(ret_path, PATH_MAX, "%s/%s", SBX_LIBEXECDIR, name);
	return access(ret_path, X_OK);
}
