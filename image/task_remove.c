/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Empties a tree of mapped ids; its top, which may lie in a directory of the user's, is for
 * the caller to remove. The tree becomes the root first, so whatever it holds (links to
 * anywhere, names that change meanwhile), nothing else can go. What is gone is gone when
 * somebody ends it: the next one goes on from there.
 */
#include "image/tasks.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { LISTING_SIZE = 32 << 10 };

union listing {
	struct sys_dirent first;
	char bytes[LISTING_SIZE];
};

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* One pass over the top: how many entries it had. */
static long remove_entries(int top, struct error *err)
{
	union listing listing;
	long seen = 0;

	if (lseek(top, 0, SEEK_SET) < 0)
		return error_errno_id(err, ERROR_IMAGE, "read a directory");
	for (;;) {
		const long size =
			sys_getdents64(top, listing.bytes, sizeof(listing.bytes));
		const struct sys_dirent *entry;

		if (size < 0)
			return error_errno_id(err, ERROR_IMAGE, "read a directory");
		if (size == 0)
			return seen;
		for (long at = 0; at < size; at += entry->length) {
			entry = (const void *)(listing.bytes + at);
			if (is_dot(entry->name))
				continue;
			if (files_remove_tree(top, entry->name) < 0)
				return error_errno_id(err, ERROR_IMAGE, "remove %s",
						      entry->name);
			seen++;
		}
	}
}

static int enter_tree(const struct image_job *job, struct error *err)
{
	if (job->into)
		return confine_to_directory(job->into, err);
	if (job->input_fd >= 0)
		return confine_to_fd(job->input_fd, "the tree", err);
	return error_set(err, ERROR_IMAGE, "remove a tree: none is named");
}

/* Some file systems leave entries out of a list that is changed while it is read. */
int task_remove(const struct image_job *job, struct arena *arena, struct error *err)
{
	auto_close int top = -1;
	long seen;

	(void)arena;
	if (enter_tree(job, err) < 0 || confine_process(CONFINE_WRITES, false, err) < 0)
		return -1;
	top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return error_errno_id(err, ERROR_IMAGE, "open the tree");
	do
		seen = remove_entries(top, err);
	while (seen > 0);
	return seen < 0 ? -1 : 0;
}
