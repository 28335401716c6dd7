/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/tree.h"

#include "base/fd.h"
#include "base/files.h"
#include "base/files_walk.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint8_t bytes_take(struct bytes *bytes)
{
	if (bytes->left == 0)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

/* ---- making ------------------------------------------------------------------------- */

void tree_path(char path[static TREE_PATH_MAX], struct bytes *bytes)
{
	static const char *const parts[] = { "a", "b", "c", "d", "a", "b",  "..", "..",
					     ".", "",  "a", "b", "c", "..", "d",  "e" };
	size_t count = bytes_take(bytes) % 9;
	size_t used = 0;

	if ((count & 1) != 0)
		path[used++] = '/';
	for (size_t i = 0; i < count; i++) {
		const char *part = parts[bytes_take(bytes) % 16];

		used += (size_t)snprintf(path + used, TREE_PATH_MAX - used, "%s/", part);
	}
	/* Most paths have no slash at their end. */
	if (count > 0 && (bytes_take(bytes) & 3) != 0)
		used--;
	path[used] = '\0';
}

static void add_entry(struct tree *tree, struct bytes *bytes)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	int dir_fd = tree->dirs[bytes_take(bytes) % tree->dir_count];
	const char *name = names[bytes_take(bytes) % 4];
	char target[TREE_PATH_MAX];
	int fd;

	switch (bytes_take(bytes) % 4) {
	case 0:
		fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		fd_close(&fd);
		return;
	case 1:
		if (tree->dir_count == TREE_DIRS_MAX || mkdirat(dir_fd, name, 0700) < 0)
			return;
		fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			tree->dirs[tree->dir_count++] = fd;
		return;
	default:
		tree_path(target, bytes);
		/* What exists already stays: then there is one entry less. */
		if (symlinkat(target, dir_fd, name) < 0)
			return;
	}
}

/* Some directories of a tree may not be entered; root enters them all the same. */
static void lock_some(struct tree *tree, struct bytes *bytes)
{
	char path[64];

	for (size_t i = 1; i < tree->dir_count; i++) {
		if (bytes_take(bytes) % 8 != 7)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", tree->dirs[i]);
		if (chmod(path, (bytes_take(bytes) & 1) != 0 ? 0600 : 0500) < 0)
			return;
	}
}

int tree_make(struct tree *ret_tree, int dir_fd, struct bytes *bytes)
{
	struct tree tree = { .dir_count = 1 };
	size_t count;

	/* What lies beside the root has the names that links may lead to. */
	if (mkdirat(dir_fd, "a", 0700) < 0 || mkdirat(dir_fd, "root", 0700) < 0)
		return -1;
	tree.root_fd = openat(dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tree.root_fd < 0)
		return -1;
	tree.dirs[0] = tree.root_fd;
	count = bytes_take(bytes) % 32;
	for (size_t i = 0; i < count; i++)
		add_entry(&tree, bytes);
	lock_some(&tree, bytes);
	*ret_tree = tree;
	return 0;
}

void tree_close(struct tree *tree)
{
	for (size_t i = 0; i < tree->dir_count; i++)
		close(tree->dirs[i]);
	tree->dir_count = 0;
}

/* ---- comparing ---------------------------------------------------------------------- */

static int kernel_open(int root_fd, const char *path, int flags, mode_t mode)
{
	const struct sys_open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = SYS_RESOLVE_IN_ROOT | SYS_RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	do {
		fd = sys_openat2(root_fd, path, &how);
	} while (fd < 0 && errno == EAGAIN);
	return fd;
}

bool tree_has_openat2(void)
{
	auto_close int fd = kernel_open(AT_FDCWD, ".", O_PATH, 0);

	return fd >= 0;
}

/* An answer to "open this": the file, or an errno. */
struct answer {
	int errnum;
	struct stat stat;
};

static struct answer take_answer(int fd)
{
	struct answer answer = { .errnum = fd < 0 ? errno : 0 };

	if (fd >= 0 && fstat(fd, &answer.stat) < 0)
		answer.errnum = -errno;
	fd_close(&fd);
	return answer;
}

static bool is_same(const struct answer *a, const struct answer *b)
{
	if (a->errnum != b->errnum)
		return false;
	return a->errnum != 0 || files_same(&a->stat, &b->stat);
}

static const char *compare_open(int root_fd, const char *path, int flags)
{
	static char difference[200];
	struct answer kernel = take_answer(kernel_open(root_fd, path, flags, 0));
	struct answer walk = take_answer(files_walk_open(root_fd, path, flags, 0));
	struct answer door = take_answer(files_open_in_root(root_fd, path, flags, 0));

	if (is_same(&kernel, &walk) && is_same(&kernel, &door))
		return NULL;
	snprintf(difference, sizeof(difference),
		 "open %s with %#o: kernel %d inode %lu, walk %d inode %lu, door %d",
		 path, (unsigned int)flags, kernel.errnum,
		 (unsigned long)kernel.stat.st_ino, walk.errnum,
		 (unsigned long)walk.stat.st_ino, door.errnum);
	return difference;
}

/*
 * The file that one of both creates is there for the other, so the walk goes first on a
 * path that does not exist, and the kernel must then find the walk's file.
 */
static const char *compare_create(int root_fd, const char *path, int flags)
{
	static char difference[200];
	struct answer before = take_answer(kernel_open(root_fd, path, O_PATH, 0));
	struct answer walk = take_answer(
		files_walk_open(root_fd, path, flags | O_CREAT | O_WRONLY, 0600));
	struct answer kernel;

	if (walk.errnum == 0 && before.errnum != 0)
		kernel = take_answer(kernel_open(root_fd, path, O_PATH, 0));
	else
		kernel = take_answer(
			kernel_open(root_fd, path, flags | O_CREAT | O_WRONLY, 0600));
	if (is_same(&walk, &kernel))
		return NULL;
	snprintf(difference, sizeof(difference), "create %s with %#o: kernel %d, walk %d",
		 path, (unsigned int)flags, kernel.errnum, walk.errnum);
	return difference;
}

/* Whether parent and name lead to the file that the kernel finds. */
static bool is_parent_of(int parent_fd, const char *name, const struct answer *kernel)
{
	struct answer named;

	if (*name == '\0')
		named = take_answer(dup(parent_fd));
	else
		named = take_answer(
			openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	return is_same(&named, kernel);
}

static const char *compare_parent(int root_fd, const char *path)
{
	static char difference[400];
	char name[NAME_MAX + 1] = "?", door_name[NAME_MAX + 1] = "?";
	struct answer kernel = take_answer(kernel_open(root_fd, path, O_PATH, 0));
	auto_close int walk_fd = files_walk_parent(root_fd, path, name);
	int walk_errnum = walk_fd < 0 ? errno : 0;
	auto_close int door_fd = files_open_parent_in_root(root_fd, path, door_name);
	int door_errnum = door_fd < 0 ? errno : 0;
	const char *what = NULL;

	if (walk_errnum != door_errnum || strcmp(name, door_name) != 0)
		what = "door and walk differ";
	else if (walk_fd >= 0 && !is_parent_of(walk_fd, name, &kernel))
		what = "not what the kernel finds";
	else if (walk_fd >= 0 && !is_parent_of(door_fd, name, &kernel))
		what = "door is not what the kernel finds";
	else if (walk_fd < 0 && kernel.errnum == 0)
		what = "only the kernel finds it";
	if (!what)
		return NULL;
	snprintf(difference, sizeof(difference),
		 "parent of %s: %s: kernel %d, walk %d %.80s, door %d %.80s", path, what,
		 kernel.errnum, walk_errnum, name, door_errnum, door_name);
	return difference;
}

/* Makes the directories, so it comes last. */
static const char *compare_make(int root_fd, const char *path)
{
	static char difference[200];
	struct answer before =
		take_answer(kernel_open(root_fd, path, O_PATH | O_DIRECTORY, 0));
	struct answer made = take_answer(files_walk_make_dirs(root_fd, path, 0750));
	struct answer after =
		take_answer(kernel_open(root_fd, path, O_PATH | O_DIRECTORY, 0));
	struct answer again = take_answer(files_make_dirs_in_root(root_fd, path, 0700));

	if (before.errnum == 0 && is_same(&made, &before) && is_same(&again, &before))
		return NULL;
	if (before.errnum != 0 && is_same(&made, &after) && is_same(&again, &after))
		return NULL;
	/* It is missing, and may not be made there. */
	if (made.errnum == EACCES && after.errnum == ENOENT)
		return NULL;
	snprintf(difference, sizeof(difference),
		 "make %s: before %d, made %d, after %d, again %d", path, before.errnum,
		 made.errnum, after.errnum, again.errnum);
	return difference;
}

const char *tree_compare(const struct tree *tree, const char *path)
{
	static const int flags[] = { O_PATH,
				     O_PATH | O_NOFOLLOW,
				     O_PATH | O_DIRECTORY,
				     O_PATH | O_DIRECTORY | O_NOFOLLOW,
				     O_RDONLY,
				     O_RDONLY | O_NOFOLLOW,
				     O_RDONLY | O_DIRECTORY,
				     O_WRONLY };
	const char *difference = NULL;

	for (size_t i = 0; !difference && i < sizeof(flags) / sizeof(flags[0]); i++)
		difference = compare_open(tree->root_fd, path, flags[i]);
	if (!difference)
		difference = compare_parent(tree->root_fd, path);
	if (!difference)
		difference = compare_create(tree->root_fd, path, O_EXCL);
	if (!difference)
		difference = compare_create(tree->root_fd, path, 0);
	if (!difference)
		difference = compare_create(tree->root_fd, path, O_NOFOLLOW);
	if (!difference)
		difference = compare_make(tree->root_fd, path);
	return difference;
}
