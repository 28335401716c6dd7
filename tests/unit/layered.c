/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/layered.h"

#include "base/fd.h"
#include "base/files.h"
#include "base/page.h"
#include "image/layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int open_made(int top, const char *name)
{
	int dir;

	assert_int_equal(mkdirat(top, name, 0755), 0);
	dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return dir;
}

void layered_make(struct layered *layered)
{
	const char *place = getenv("TMPDIR");

	if (!place)
		place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	layered->apart[0] = '\0';
	snprintf(layered->path, sizeof(layered->path), "%s/sbx-layered.XXXXXX", place);
	assert_non_null(mkdtemp(layered->path));
	layered->top = open(layered->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(layered->top >= 0);
	umask(022);
	layered->lower = open_made(layered->top, "lower");
	layered->upper = open_made(layered->top, "upper");
	layered->journal = open_made(layered->top, "journal");
}

void layered_remove(struct layered *layered)
{
	close(layered->lower);
	close(layered->upper);
	close(layered->journal);
	close(layered->top);
	assert_int_equal(files_remove_tree(AT_FDCWD, layered->path), 0);
	if (layered->apart[0])
		assert_int_equal(files_remove_tree(AT_FDCWD, layered->apart), 0);
}

bool layered_part(struct layered *layered)
{
	struct stat here, there;

	if (stat("/tmp", &there) < 0 || fstat(layered->top, &here) < 0 ||
	    here.st_dev == there.st_dev)
		return false;
	snprintf(layered->apart, sizeof(layered->apart), "/tmp/sbx-layered.XXXXXX");
	assert_non_null(mkdtemp(layered->apart));
	assert_int_equal(chmod(layered->apart, 0755), 0);
	close(layered->upper);
	layered->upper = open(layered->apart, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(layered->upper >= 0);
	return true;
}

void make_dir(int dir, const char *path, mode_t mode)
{
	assert_int_equal(mkdirat(dir, path, 0700), 0);
	assert_int_equal(fchmodat(dir, path, mode, 0), 0);
}

void make_file(int dir, const char *path, const char *text)
{
	auto_close int fd =
		openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

void make_link(int dir, const char *path, const char *target)
{
	assert_int_equal(symlinkat(target, dir, path), 0);
}

void make_whiteout(int dir, const char *path)
{
	assert_int_equal(mknodat(dir, path, S_IFCHR, makedev(0, 0)), 0);
}

void make_opaque(int dir, const char *path)
{
	auto_close int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(fsetxattr(fd, "user.overlay.opaque", "y", 1, 0), 0);
}

void copy_up(const struct layered *layered, const char *path)
{
	auto_close int from = openat(layered->lower, path, O_RDONLY | O_CLOEXEC);
	struct arena arena = { 0 };
	struct stat status;
	size_t length;
	const char *text = files_read_all(&arena, from, 1 << 20, &length);

	assert_non_null(text);
	assert_int_equal(fstat(from, &status), 0);
	make_file(layered->upper, path, text);
	assert_int_equal(fchmodat(layered->upper, path, status.st_mode & 07777, 0), 0);
	assert_int_equal(utimensat(layered->upper, path,
				   (struct timespec[]){ status.st_atim, status.st_mtim },
				   0),
			 0);
	arena_free(&arena);
}

bool layered_can(const struct layered *layered)
{
	bool can = mknodat(layered->top, "white", S_IFCHR, makedev(0, 0)) == 0 &&
		   fsetxattr(layered->upper, "user.overlay.test", "y", 1, 0) == 0;

	(void)unlinkat(layered->top, "white", 0);
	(void)fremovexattr(layered->upper, "user.overlay.test");
	return can;
}

static void put_entry(struct page *page, int dir, const char *name, const char *path);

static void put_directory(struct page *page, int dir, const char *path)
{
	const char **names = NULL;
	size_t count = 0;

	assert_int_equal(directory_names(dir, page->arena, &names, &count), 0);
	for (size_t i = 0; i < count; i++)
		put_entry(page, dir, names[i], path_join(page->arena, path, names[i]));
}

static void put_content(struct page *page, int fd)
{
	size_t length;

	page_put(page, " ");
	page_put(page, files_read_all(page->arena, fd, 1 << 20, &length));
}

static void put_entry(struct page *page, int dir, const char *name, const char *path)
{
	auto_close int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char target[PATH_MAX] = "";
	struct stat status;

	assert_int_equal(fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	page_printf(page, "%s %c %04o", path, type_letter(status.st_mode),
		    status.st_mode & 07777);
	if (S_ISREG(status.st_mode))
		put_content(page, fd);
	if (readlinkat(dir, name, target, sizeof(target) - 1) > 0)
		page_printf(page, " %s", target);
	page_put(page, "\n");
	if (S_ISDIR(status.st_mode))
		put_directory(page, fd, path);
}

const char *tree_text(int dir, struct arena *arena)
{
	struct page page = { .arena = arena };

	put_directory(&page, dir, ".");
	return page_text(&page);
}
