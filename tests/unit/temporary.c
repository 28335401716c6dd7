/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/temporary.h"

#include "base/fd.h"
#include "base/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int temporary_make(void **state)
{
	struct temporary *temporary = calloc(1, sizeof(*temporary));
	const char *parent = getenv("TMPDIR");

	if (!temporary)
		return -1;
	snprintf(temporary->path, sizeof(temporary->path), "%s/sbx-test.XXXXXX",
		 parent && parent[0] == '/' ? parent : "/tmp");
	if (!mkdtemp(temporary->path))
		return -1;
	temporary->fd = open(temporary->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = temporary;
	return temporary->fd < 0 ? -1 : 0;
}

int temporary_remove(void **state)
{
	struct temporary *temporary = *state;
	int removed = files_remove_tree(AT_FDCWD, temporary->path);

	fd_close(&temporary->fd);
	free(temporary);
	return removed;
}

const char *temporary_file(const struct temporary *temporary, const char *name,
			   const void *bytes, unsigned long length)
{
	static char path[512];
	auto_close int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", temporary->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, bytes, length) < 0)
		abort();
	return path;
}
