/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private directory of a run without namespaces. It lies beside the entries of running
 * sandboxes, under a name that none of those can have, and its launcher holds it locked
 * (flock(2)) for as long as it lives: one whose lock is free was left by a killed launcher.
 */
#include "launcher/executor.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "launcher/state_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX ".private-"

enum { NAMES_TRIED = 100 };

static void remove_if_left(int place, const char *name)
{
	auto_close int dir = state_open_entry(place, name);

	if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0 &&
	    state_is_current(place, name, dir))
		(void)files_remove_tree(place, name);
}

/* A launcher that was killed a moment ago may hold its lock still: the next one removes it. */
static void remove_left_overs(int place)
{
	int list = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = list < 0 ? NULL : fdopendir(list);

	if (!dir) {
		fd_close(&list);
		return;
	}
	for (struct dirent *each = readdir(dir); each; each = readdir(dir))
		if (text_starts_with(each->d_name, PREFIX))
			remove_if_left(place, each->d_name);
	closedir(dir);
}

/* -1 and errno; EEXIST: somebody has the name, or has taken the directory for left. */
static int try_name(struct scratch *scratch)
{
	if (mkdirat(scratch->place, scratch->name, 0700) < 0)
		return -1;
	scratch->dir = state_open_entry(scratch->place, scratch->name);
	if (scratch->dir >= 0 && flock(scratch->dir, LOCK_EX | LOCK_NB) == 0 &&
	    state_is_current(scratch->place, scratch->name, scratch->dir))
		return 0;
	fd_close(&scratch->dir);
	errno = EEXIST;
	return -1;
}

static int take_name(struct scratch *scratch)
{
	for (int i = 0; i < NAMES_TRIED; i++) {
		snprintf(scratch->name, sizeof(scratch->name), PREFIX "%d-%d", getpid(),
			 i);
		if (try_name(scratch) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	scratch->name[0] = '\0';
	return -1;
}

/* The command is told its path, whatever links led there. */
static int read_path(struct scratch *scratch)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", scratch->dir);
	length = readlink(link, scratch->path, sizeof(scratch->path) - 1);
	if (length < 0)
		return -1;
	scratch->path[length] = '\0';
	return 0;
}

int scratch_make(struct scratch *ret_scratch, struct error *err)
{
	*ret_scratch =
		(struct scratch){ .place = state_open_place(true, true, err), .dir = -1 };
	if (ret_scratch->place < 0)
		return error_within(err, "make a private directory");
	remove_left_overs(ret_scratch->place);
	if (take_name(ret_scratch) == 0 && read_path(ret_scratch) == 0)
		return 0;
	error_errno_id(err, ERROR_STATE, "make a private directory");
	scratch_remove(ret_scratch);
	return -1;
}

void scratch_remove(struct scratch *scratch)
{
	if (scratch->name[0]) {
		(void)files_remove_tree(scratch->place, scratch->name);
		scratch->name[0] = '\0';
		fd_close(&scratch->dir);
	}
	fd_close(&scratch->place);
}
