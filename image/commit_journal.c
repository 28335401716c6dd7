/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: all operations, written before the first temporary name is made, and beside it
 * a file that says that all of them are staged. Without the second a commit that was killed
 * is undone, with it it is finished.
 */
#include "image/commit.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/page.h"
#include "base/text.h"
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL     "journal"
#define JOURNAL_NEW "journal.new"
#define STAGED      "staged"

enum { JOURNAL_MAX = 1 << 30 };

static int put_file(int dir, const char *name, const char *text, size_t length)
{
	auto_close int fd = openat(
		dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, text, length) < 0)
		return -1;
	return fsync(fd);
}

int journal_write(const struct commit *commit, struct error *err)
{
	struct page page = { .arena = commit->arena };

	page_printf(&page, "%s", commit->id);
	page_put_bytes(&page, "", 1);
	for (size_t i = 0; i < commit->count; i++) {
		const struct operation *operation = &commit->operations[i];

		page_printf(&page, "%c %zu %" PRIu64 " %" PRIu64, (char)operation->kind,
			    operation->layer, operation->inode,
			    (uint64_t)operation->mtime);
		page_put_bytes(&page, "", 1);
		page_put_bytes(&page, operation->path, strlen(operation->path) + 1);
	}
	commit_step(commit);
	/* One that an earlier commit has left behind would speak for this one. */
	if (unlinkat(commit->journal, STAGED, 0) < 0 && errno != ENOENT)
		return error_errno_id(err, ERROR_STATE, "write the journal");
	commit_step(commit);
	if (put_file(commit->journal, JOURNAL_NEW, page.text, page.used) < 0 ||
	    fsync(commit->journal) < 0)
		return error_errno_id(err, ERROR_STATE, "write the journal");
	commit_step(commit);
	if (renameat(commit->journal, JOURNAL_NEW, commit->journal, JOURNAL) < 0 ||
	    fsync(commit->journal) < 0)
		return error_errno_id(err, ERROR_STATE, "write the journal");
	return 0;
}

int journal_mark(const struct commit *commit, struct error *err)
{
	commit_step(commit);
	if (put_file(commit->journal, STAGED, "", 0) < 0 || fsync(commit->journal) < 0)
		return error_errno_id(err, ERROR_STATE, "write the journal");
	return 0;
}

/* A letter and three figures. */
static int parse_operation(const char *text, const struct commit *commit,
			   struct operation *ret_operation)
{
	uint64_t figures[3];

	if (!*text || !strchr("udpm", text[0]) || text[1] != ' ' ||
	    read_figures(text + 2, figures, 3) < 0 || figures[0] >= commit->layer_count)
		return -1;
	*ret_operation = (struct operation){
		.kind = (enum operation_kind)text[0],
		.layer = (size_t)figures[0],
		.inode = figures[1],
		.mtime = (int64_t)figures[2],
	};
	return 0;
}

static int parse(struct commit *commit, const char *text, size_t length)
{
	const char *const end = text + length;

	if (text_copy(commit->id, sizeof(commit->id), text) < 0 || !length)
		return -1;
	for (text += strlen(text) + 1; text < end; text += strlen(text) + 1) {
		struct operation operation;

		if (parse_operation(text, commit, &operation) < 0)
			return -1;
		text += strlen(text) + 1;
		if (text >= end)
			return -1;
		operation.path = text;
		commit->operations = arena_grow(commit->arena, commit->operations,
						commit->count, sizeof(operation));
		commit->operations[commit->count++] = operation;
	}
	return 0;
}

int journal_read(struct commit *commit, bool *ret_staged, struct error *err)
{
	auto_close int fd =
		openat(commit->journal, JOURNAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t length = 0;
	char *text;

	if (fd < 0 && errno == ENOENT)
		return 0;
	text = fd < 0 ? NULL : files_read_all(commit->arena, fd, JOURNAL_MAX, &length);
	if (!text)
		return error_errno_id(err, ERROR_STATE, "read the journal");
	if (parse(commit, text, length) < 0)
		return error_set(err, ERROR_STATE, "read the journal: it is damaged");
	*ret_staged = faccessat(commit->journal, STAGED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return 1;
}

int journal_remove(const struct commit *commit, struct error *err)
{
	commit_step(commit);
	if (unlinkat(commit->journal, JOURNAL, 0) < 0 && errno != ENOENT)
		return error_errno_id(err, ERROR_STATE, "remove the journal");
	commit_step(commit);
	(void)unlinkat(commit->journal, STAGED, 0);
	(void)unlinkat(commit->journal, JOURNAL_NEW, 0);
	return 0;
}

bool commit_is_begun(int journal)
{
	return faccessat(journal, JOURNAL, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
