/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/signature_files.h"

#include "base/arena.h"
#include "base/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

const char *signature_file_path(const char *name, struct arena *arena)
{
	const char *data = getenv("SBX_TEST_DATA");

	return arena_printf(arena, "%s/signatures/%s", data ? data : "tests/data", name);
}

char *signature_file_read(const char *name, struct arena *arena, size_t *ret_length)
{
	int fd = open(signature_file_path(name, arena), O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : files_read_all(arena, fd, 1 << 20, ret_length);

	if (fd >= 0)
		close(fd);
	if (!text)
		abort();
	return text;
}
