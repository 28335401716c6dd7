/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount points that are made in directories of the host, and removed in the end. To remove
 * one takes every mount on it away, in whatever namespace: so each sandbox that uses a place
 * which was made by any of them holds it, and the last one to leave removes it.
 *
 * A mark, a read lock of one byte that nobody else would lock, says that a place was made by
 * a sandbox; flock(2) says that it is used. Both belong to one descriptor, the hold. A place
 * gets its name when it has its mark, so there is none to be seen without.
 */
#include "userns/tree.h"

#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { MARK_AT = 0x736278, TRIES = 50 };

static struct flock mark_of(short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = MARK_AT, .l_len = 1
	};
}

static bool is_marked(int fd)
{
	struct flock lock = mark_of(F_WRLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_RDLCK &&
	       lock.l_start == MARK_AT && lock.l_len == 1;
}

/* Whoever removes it right now has it for a moment. */
static int lock_shared(int fd)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < TRIES; i++) {
		if (flock(fd, LOCK_SH | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -1;
		(void)nanosleep(&pause, NULL);
	}
	return -1;
}

static int hold(int fd)
{
	struct flock lock = mark_of(F_RDLCK);

	return lock_shared(fd) < 0 ? -1 : fcntl(fd, F_OFD_SETLK, &lock);
}

static bool is_noted(const struct made_places *list, const struct stat *status)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->places[i].device == status->st_dev &&
		    list->places[i].inode == status->st_ino)
			return true;
	return false;
}

/* Without room for it the name stays behind. Takes the hold. */
static void note(struct tree *tree, int parent, const char *name, int from)
{
	struct made_places *list = tree->made;
	auto_close int held = from;
	struct made_place *entry;
	struct stat status;

	if (list->count == sizeof(list->places) / sizeof(*list->places) ||
	    fstat(held, &status) < 0 || is_noted(list, &status))
		return;
	entry = &list->places[list->count];
	entry->parent = fcntl(parent, F_DUPFD_CLOEXEC, 3);
	if (entry->parent < 0)
		return;
	(void)text_copy(entry->name, sizeof(entry->name), name);
	entry->device = status.st_dev;
	entry->inode = status.st_ino;
	entry->directory = S_ISDIR(status.st_mode);
	entry->hold = fd_take(&held);
	list->count++;
}

static int make_plain(int parent, const char *name, bool directory)
{
	int fd;

	if (directory)
		return mkdirat(parent, name, 0755);
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0444);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* The hold of a new place, or -1: then there is none. */
static int make_held(int parent, const char *name, bool directory)
{
	auto_close int held = -1;
	char other[32];
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -1;
	snprintf(other, sizeof(other), ".sbx-%016llx", (unsigned long long)number);
	if (make_plain(parent, other, directory) < 0)
		return -1;
	held = openat(parent, other, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (held >= 0 && hold(held) == 0 &&
	    sys_rename_new(parent, other, parent, name) == 0)
		return fd_take(&held);
	(void)unlinkat(parent, other, directory ? AT_REMOVEDIR : 0);
	return -1;
}

/* Where places cannot be held (locks, renameat2(2)) it is made, and stays. */
int made_place_make(struct tree *tree, int parent, const char *name, bool directory)
{
	int held = make_held(parent, name, directory);

	if (held >= 0)
		note(tree, parent, name, held);
	else if (make_plain(parent, name, directory) < 0 && errno != EEXIST)
		return -1;
	return openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static int open_to_hold(const struct tree *tree, int place, bool directory)
{
	char link[32];

	if (directory)
		return openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(link, sizeof(link), "self/fd/%d", place);
	return openat(tree->proc, link, O_RDONLY | O_CLOEXEC);
}

static bool may_be_made(const struct tree *tree, const struct stat *status)
{
	if (!tree->made || status->st_uid != geteuid() || tree_is_own(tree, status))
		return false;
	return S_ISDIR(status->st_mode) ||
	       (S_ISREG(status->st_mode) && status->st_size == 0);
}

int made_place_join(struct tree *tree, const char *dest, int place,
		    const struct stat *status)
{
	auto_close int parent = -1;
	auto_close int held = -1;
	char name[NAME_MAX + 1];
	struct stat now;

	if (!may_be_made(tree, status))
		return 0;
	held = open_to_hold(tree, place, S_ISDIR(status->st_mode));
	if (held < 0 || !is_marked(held) || hold(held) < 0)
		return 0;
	if (fstat(held, &now) < 0 || now.st_nlink == 0)
		return -1;
	parent = files_open_parent_in_root(tree->root, dest, name);
	if (parent >= 0)
		note(tree, parent, name, fd_take(&held));
	return 0;
}

/* Not while another sandbox uses it: that one removes it. */
static void remove_place(const struct made_place *place)
{
	struct stat status;

	if (place->hold < 0 || flock(place->hold, LOCK_EX | LOCK_NB) < 0 ||
	    fstatat(place->parent, place->name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    status.st_dev != place->device || status.st_ino != place->inode)
		return;
	if (place->directory)
		(void)unlinkat(place->parent, place->name, AT_REMOVEDIR);
	else if (S_ISREG(status.st_mode) && status.st_size == 0)
		(void)unlinkat(place->parent, place->name, 0);
}

void made_places_remove(struct made_places *made)
{
	while (made->count > 0) {
		struct made_place *place = &made->places[--made->count];

		remove_place(place);
		fd_close(&place->parent);
		fd_close(&place->hold);
	}
}
