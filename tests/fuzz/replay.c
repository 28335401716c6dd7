/* SPDX-License-Identifier: Apache-2.0 */

/* A fuzz target without a fuzzer: runs every file of the directories that it is given. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(int dir_fd, const char *name)
{
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	auto_free uint8_t *data = NULL;
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -1;
	if (!S_ISREG(stat.st_mode))
		return 0;
	data = malloc((size_t)stat.st_size + 1);
	if (!data || fd_read_all(fd, data, (size_t)stat.st_size) != stat.st_size)
		return -1;
	LLVMFuzzerTestOneInput(data, (size_t)stat.st_size);
	return 1;
}

/* Returns how many files there were, -1 when one could not be read. */
static int replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	if (!directory)
		return -1;
	for (;;) {
		const struct dirent *entry = readdir(directory);
		int replayed;

		if (!entry)
			break;
		replayed = replay_file(dirfd(directory), entry->d_name);
		if (replayed < 0)
			count = -1;
		if (count < 0)
			break;
		count += replayed;
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int count = replay_directory(argv[i]);

		if (count <= 0) {
			fprintf(stderr, "%s: no inputs, or not readable\n", argv[i]);
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], count);
	}
	return argc > 1 ? 0 : 1;
}
