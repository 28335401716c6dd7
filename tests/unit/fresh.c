/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fd.h"
#include "tests/unit/temporary.h"

int fresh_fd(void **state)
{
	static unsigned int number;
	const struct temporary *temporary = *state;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "test%u", number++);
	assert_int_equal(mkdirat(temporary->fd, name, 0700), 0);
	fd = openat(temporary->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

void make_file(int dir_fd, const char *name, const char *text)
{
	auto_close int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

mode_t mode_of(int dir_fd, const char *name)
{
	struct stat stat;

	assert_int_equal(fstatat(dir_fd, name, &stat, AT_SYMLINK_NOFOLLOW), 0);
	return stat.st_mode & 07777;
}

void assert_fails(int result, int errnum)
{
	assert_int_equal(result, -1);
	assert_int_equal(errno, errnum);
}
