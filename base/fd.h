/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_FD_H
#define SBX_BASE_FD_H

#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * A descriptor is -1 when there is none. `auto_close int fd = open(…)` closes at the end
 * of the scope; fd_take() hands the descriptor on and leaves -1 behind.
 */
static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

#define auto_close __attribute__((cleanup(fd_close)))
#define auto_free  __attribute__((cleanup(free_pointer)))

/* All that can be read from one, into the other. -1 and errno. */
int fd_copy_all(int from, int to);

/*
 * Opens /dev/null on each of 0, 1 and 2 that the caller left closed, so that no later
 * open can become a standard stream. -1 and errno.
 */
int fd_fill_standard(void);

/*
 * Closes every descriptor from first on that is not in the list; places of the list that
 * hold -1 do not count.
 */
void fd_close_all_but(int first, const int *kept, size_t count);

/* Writes all of it; EINTR is tried again. -1 and errno. */
int fd_write_all(int fd, const void *data, size_t size);

/*
 * Reads until end of file or until size bytes are there. Returns the number of bytes, -1
 * and errno.
 */
ssize_t fd_read_all(int fd, void *data, size_t size);

#endif
