/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

int fd_fill_standard(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (errno != EBADF)
			return -1;
		/* The lowest free number is fd itself: those below are open by now. */
		if (open("/dev/null", O_RDWR) != fd)
			return -1;
	}
	return 0;
}

int fd_write_all(int fd, const void *data, size_t size)
{
	const char *rest = data;

	while (size > 0) {
		ssize_t written = write(fd, rest, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		rest += written;
		size -= (size_t)written;
	}
	return 0;
}

ssize_t fd_read_all(int fd, void *data, size_t size)
{
	char *rest = data;
	size_t total = 0;

	while (total < size) {
		ssize_t got = read(fd, rest + total, size - total);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		total += (size_t)got;
	}
	return (ssize_t)total;
}

void fd_close_all_but(int first, const int *kept, size_t count)
{
	/* From the lowest kept one to the highest, what lies between them is closed. */
	for (;;) {
		int next = INT_MAX;

		for (size_t i = 0; i < count; i++)
			if (kept[i] >= first && kept[i] < next)
				next = kept[i];
		if (next == INT_MAX)
			break;
		if (next > first)
			(void)sys_close_range((unsigned int)first, (unsigned int)next - 1,
					      0);
		first = next + 1;
	}
	(void)sys_close_range((unsigned int)first, UINT_MAX, 0);
}

int fd_copy_all(int from, int to)
{
	char buffer[16384];
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || fd_write_all(to, buffer, (size_t)got) < 0)
			return -1;
	}
	return 0;
}
