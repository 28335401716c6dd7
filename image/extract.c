/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each entry of an archive. */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/fd.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int extract_failed(const char *verb, const char *path, struct error *err)
{
	const int errnum = errno;
	char shown[SHOWN_MAX + 4];

	errno = errnum;
	error_errno_id(err, ERROR_IMAGE, "%s %s", verb, extract_shown(path, shown));
	if (errnum != ENOSPC && errnum != EDQUOT)
		return -1;
	err->id = ERROR_RESOURCES;
	return -1;
}

/* ---- the tree ---------------------------------------------------------------------------- */

static bool is_empty(int root)
{
	auto_close int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int seen = 0;

	if (!dir)
		return false;
	fd_take(&fd);
	/* "." and "..", in whatever order */
	while (seen < 3 && readdir(dir))
		seen++;
	closedir(dir);
	return seen < 3;
}

/*
 * A new root is like no directory that it happens to be in: not of its group, without its
 * access lists.
 */
static int prepare_root(int root, struct error *err)
{
	static const char *const lists[] = { "system.posix_acl_default",
					     "system.posix_acl_access" };
	auto_close int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno_id(err, ERROR_IMAGE, "open the new root");
	/* Most file systems have none, or cannot have them. */
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		(void)fremovexattr(fd, lists[i]);
	if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0)
		return error_errno_id(err, ERROR_IMAGE, "own the new root");
	return 0;
}

static int open_tree(struct extractor *x, struct error *err)
{
	x->root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (x->root < 0)
		return error_errno_id(err, ERROR_IMAGE, "open the new root");
	if (getrandom(x->secret, sizeof(x->secret), 0) != sizeof(x->secret))
		return error_errno_id(err, ERROR_IMAGE, "get random bytes");
	x->fresh = is_empty(x->root);
	return x->fresh ? prepare_root(x->root, err) : 0;
}

struct extractor *extractor_new(const struct extract_options *options, struct error *err)
{
	struct extractor *x = calloc(1, sizeof(*x));

	if (!x) {
		error_errno_id(err, ERROR_RESOURCES, "begin to extract");
		return NULL;
	}
	x->options = *options;
	x->root = x->parent = -1;
	umask(0);
	if (open_tree(x, err) < 0) {
		extractor_free(x);
		return NULL;
	}
	return x;
}

void extractor_free(struct extractor *extractor)
{
	if (!extractor)
		return;
	fd_close(&extractor->root);
	fd_close(&extractor->parent);
	key_set_free(&extractor->made);
	key_set_free(&extractor->skipped);
	later_free(&extractor->later);
	free(extractor);
}

void extractor_begin_layer(struct extractor *extractor)
{
	extractor->read_before += extractor->read_here;
	extractor->read_here = 0;
	key_set_free(&extractor->made);
	parents_forget(extractor);
	extractor->layered = extractor->options.whiteouts && !is_empty(extractor->root);
}

int extractor_finish_layer(struct extractor *extractor, struct error *err)
{
	parents_forget(extractor);
	return later_apply(&extractor->later, extractor->root, err);
}

const struct extracted *extractor_counts(const struct extractor *extractor)
{
	return &extractor->counts;
}

/* ---- entries ----------------------------------------------------------------------------- */

static const struct kind {
	unsigned int type;
	bool is_made;
	int (*make)(struct making *making, struct error *err);
} kinds[] = {
	{ AE_IFREG, true, make_file },      { AE_IFDIR, true, make_directory },
	{ AE_IFLNK, true, make_symlink },   { AE_IFIFO, true, make_fifo },
	{ AE_IFCHR, false, make_nothing },  { AE_IFBLK, false, make_nothing },
	{ AE_IFSOCK, false, make_nothing },
};

static const struct kind hard_link = { 0, true, make_link };

static const struct kind *find_kind(struct archive_entry *entry)
{
	const unsigned int type = archive_entry_filetype(entry);

	/* The type of a hard link is anything. */
	if (archive_entry_hardlink(entry))
		return &hard_link;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return NULL;
}

int extract_count(struct extractor *x, uint64_t *counter, struct error *err)
{
	const uint64_t max =
		extract_limit(x->options.limits.entries, EXTRACT_ENTRIES_MAX);

	if (x->counts.entries + x->implied >= max)
		return error_set(err, ERROR_IMAGE,
				 "extract the archive: it has more than %llu entries",
				 (unsigned long long)max);
	(*counter)++;
	return 0;
}

/* The root is there already; an archive may say what it is like. */
static int add_root(struct making *making, const struct kind *kind, struct error *err)
{
	making->parent = making->x->root;
	making->name = "";
	if (kind->make != make_directory)
		return error_set(err, ERROR_IMAGE,
				 "extract /: the root can only be a directory");
	making->x->fresh = false;
	return make_root(making, err);
}

/* Where nothing says the root's time, it is that of the first thing in it. */
static int add_below_root(struct making *making, const struct kind *kind,
			  struct error *err)
{
	struct extractor *x = making->x;

	if (x->fresh &&
	    later_add(&x->later, x->root, "", 0755, making->times[1], err) < 0)
		return -1;
	x->fresh = false;
	if (parents_enter(x, making->path, true, making->times[1], &making->name, err) <
	    0)
		return -1;
	making->parent = x->parent;
	if (kind->make(making, err) < 0)
		return -1;
	return kind->is_made ? parents_record(x, making->name, err) : 0;
}

int extractor_add(struct extractor *extractor, struct archive *archive,
		  struct archive_entry *entry, struct error *err)
{
	struct making making = { .x = extractor, .archive = archive, .entry = entry };
	const struct kind *kind = find_kind(entry);
	enum whiteout whiteout = WHITEOUT_NONE;
	char path[EXTRACT_PATH_MAX + 1];
	char shown[SHOWN_MAX + 4];
	const char *hidden;
	int wanted;

	if (extract_count(extractor, &extractor->counts.entries, err) < 0)
		return -1;
	(void)data_input(extractor, archive); /* so that the next layer knows of it */
	wanted = entry_path(archive_entry_pathname(entry), extractor->options.strip, path,
			    err);
	if (wanted <= 0)
		return wanted;
	making.path = path;
	if (extractor->options.whiteouts &&
	    entry_whiteout(path, &whiteout, &hidden, err) < 0)
		return -1;
	if (whiteout != WHITEOUT_NONE)
		return layer_hide(extractor, whiteout, path, hidden, err);
	if (!kind)
		return error_set(err, ERROR_IMAGE, "extract %s: a file of no known kind",
				 extract_shown(path, shown));
	if (metadata_read(&making, err) < 0)
		return -1;
	return path[0] == '\0' ? add_root(&making, kind, err)
			       : add_below_root(&making, kind, err);
}
