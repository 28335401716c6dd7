/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what overlayfs has written beside the directory that it was laid over. In the layer
 * lie the files that were written or made; a name that is gone is a whiteout, a character
 * device 0:0; and a directory that hides the one below it, because that was removed and made
 * again, says so by an attribute (Documentation/filesystems/overlayfs.rst). A file that was
 * opened for writing is there too, whether or not anything was written: so contents are
 * compared.
 */
#include "image/changes.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/layer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 128 * 1024 };

struct walk {
	int lower, upper;
	struct arena *arena;
	char *one, *other; /* blocks that are compared */
	struct change *changes;
	size_t count;
	struct error *err;
};

/* A directory of both sides; -1 where there is none. */
struct sides {
	int lower, upper;
	const char *path;
};

/* ---- one change ------------------------------------------------------------------------ */

static int64_t nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static uint64_t shown_size(const struct stat *status)
{
	return S_ISDIR(status->st_mode) ? 0 : (uint64_t)status->st_size;
}

/* before, after: NULL where there is none. */
static struct change *add(struct walk *walk, enum change_kind kind, const char *path,
			  const struct stat *before, const struct stat *after)
{
	struct change *change;

	assert(before || after);
	walk->changes = arena_grow(walk->arena, walk->changes, walk->count,
				   sizeof(*walk->changes));
	change = &walk->changes[walk->count++];
	*change = (struct change){
		.kind = kind,
		.path = path,
		.type = type_letter((after ? after : before)->st_mode),
	};
	if (after) {
		change->after = shown_size(after);
		change->mode_after = after->st_mode & 07777;
	}
	if (before) {
		change->before = shown_size(before);
		change->mode_before = before->st_mode & 07777;
		change->original = (struct original){
			.inode = before->st_ino,
			.size = (uint64_t)before->st_size,
			.mtime = nanoseconds(&before->st_mtim),
			.ctime = nanoseconds(&before->st_ctim),
			.mode = before->st_mode,
		};
	}
	return change;
}

static int fail(struct walk *walk, const char *what, const char *path)
{
	if (errno == ENAMETOOLONG) {
		error_errno(walk->err, "%s %.80s...", what, path);
		return error_hint(walk->err, "paths have at most %d bytes here",
				  PATH_MAX - 1);
	}
	return error_errno(walk->err, "%s %s", what, path);
}

/* ---- comparing ------------------------------------------------------------------------- */

static ssize_t read_block(int fd, char *block, off_t offset)
{
	size_t used = 0;

	while (used < BLOCK) {
		ssize_t length =
			pread(fd, block + used, BLOCK - used, offset + (off_t)used);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -1;
		if (length == 0)
			break;
		used += (size_t)length;
	}
	return (ssize_t)used;
}

static bool same_bytes(const struct walk *walk, int a, int b)
{
	for (off_t offset = 0;; offset += BLOCK) {
		ssize_t one = read_block(a, walk->one, offset);
		ssize_t other = read_block(b, walk->other, offset);

		if (one < 0 || one != other ||
		    memcmp(walk->one, walk->other, (size_t)one) != 0)
			return false;
		if (one < BLOCK)
			return true;
	}
}

/* What cannot be read is taken for another. */
static bool same_file(const struct walk *walk, const struct sides *sides,
		      const char *name)
{
	auto_close int lower =
		openat(sides->lower, name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct opened upper;
	bool same;

	if (lower < 0 ||
	    layer_open(sides->upper, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, &upper) < 0)
		return false;
	same = same_bytes(walk, lower, upper.fd);
	layer_close(&upper);
	return same;
}

static bool same_link(const struct sides *sides, const char *name)
{
	char one[PATH_MAX], other[PATH_MAX];
	ssize_t length = readlinkat(sides->lower, name, one, sizeof(one));

	return length >= 0 &&
	       readlinkat(sides->upper, name, other, sizeof(other)) == length &&
	       memcmp(one, other, (size_t)length) == 0;
}

static bool same_attributes(const struct walk *walk, const struct sides *sides,
			    const char *name)
{
	const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	auto_close int lower = openat(sides->lower, name, flags);
	auto_close int upper = openat(sides->upper, name, flags);

	return lower >= 0 && upper >= 0 && attributes_are_same(lower, upper, walk->arena);
}

/* The file system of the layer may know no more than microseconds, or seconds. */
static bool same_time(const struct stat *before, const struct stat *after)
{
	const long was = before->st_mtim.tv_nsec, is = after->st_mtim.tv_nsec;

	return before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
	       (was == is || is == 0 || (is % 1000 == 0 && was / 1000 == is / 1000));
}

static void compare(struct walk *walk, const struct sides *sides, const char *name,
		    const char *path, const struct stat *before, const struct stat *after)
{
	const bool file = S_ISREG(after->st_mode), link = S_ISLNK(after->st_mode);
	bool content = false, rest = false;

	if (file)
		content = before->st_size != after->st_size ||
			  !same_file(walk, sides, name);
	if (link)
		content = !same_link(sides, name);
	else
		rest = (before->st_mode & 07777) != (after->st_mode & 07777);
	if (file && !rest)
		rest = !same_time(before, after) || !same_attributes(walk, sides, name);
	if (content || rest)
		add(walk, CHANGE_CHANGED, path, before, after)->content = content;
}

/* ---- trees of one side ----------------------------------------------------------------- */

static int add_created(struct walk *walk, int parent, const char *name, const char *path,
		       const struct stat *after);
static int add_removed(struct walk *walk, int parent, const char *name, const char *path,
		       const struct stat *before);

static int walk_created(struct walk *walk, int dir, const char *path)
{
	const char **names = NULL;
	size_t count = 0;

	if (directory_names(dir, walk->arena, &names, &count) < 0)
		return fail(walk, "look into", path);
	for (size_t i = 0; i < count; i++) {
		const char *below = path_join(walk->arena, path, names[i]);
		struct stat after;

		if (fstatat(dir, names[i], &after, AT_SYMLINK_NOFOLLOW) < 0)
			return fail(walk, "look at", below);
		if (!is_whiteout(&after) &&
		    add_created(walk, dir, names[i], below, &after) < 0)
			return -1;
	}
	return 0;
}

static int add_created(struct walk *walk, int parent, const char *name, const char *path,
		       const struct stat *after)
{
	struct opened opened;
	int failed;

	add(walk, CHANGE_CREATED, path, NULL, after);
	if (!S_ISDIR(after->st_mode))
		return 0;
	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return fail(walk, "look into", path);
	}
	if (layer_open(parent, name, O_RDONLY | O_DIRECTORY, &opened) < 0)
		return fail(walk, "look into", path);
	failed = walk_created(walk, opened.fd, path);
	layer_close(&opened);
	return failed;
}

static int walk_removed(struct walk *walk, int dir, const char *path)
{
	const char **names = NULL;
	size_t count = 0;

	if (directory_names(dir, walk->arena, &names, &count) < 0)
		return fail(walk, "look into", path);
	for (size_t i = 0; i < count; i++) {
		const char *below = path_join(walk->arena, path, names[i]);
		struct stat before;

		if (fstatat(dir, names[i], &before, AT_SYMLINK_NOFOLLOW) < 0)
			return fail(walk, "look at", below);
		if (add_removed(walk, dir, names[i], below, &before) < 0)
			return -1;
	}
	return 0;
}

static int add_removed(struct walk *walk, int parent, const char *name, const char *path,
		       const struct stat *before)
{
	auto_close int dir = -1;

	add(walk, CHANGE_REMOVED, path, before, NULL);
	if (!S_ISDIR(before->st_mode))
		return 0;
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* The mode of an original is not ours to change. */
	if (dir < 0 && errno == EACCES)
		return 0;
	if (dir < 0)
		return fail(walk, "look into", path);
	return walk_removed(walk, dir, path);
}

/* ---- trees of both --------------------------------------------------------------------- */

static int walk_both(struct walk *walk, const struct sides *sides);

static int enter_both(struct walk *walk, const struct sides *sides, const char *name,
		      const char *path)
{
	struct sides below = { .path = path };
	struct opened upper;
	int failed;

	below.lower = openat(sides->lower, name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below.lower < 0)
		return fail(walk, "look into", path);
	if (layer_open(sides->upper, name, O_RDONLY | O_DIRECTORY, &upper) < 0) {
		close(below.lower);
		return fail(walk, "look into", path);
	}
	below.upper = upper.fd;
	failed = walk_both(walk, &below);
	close(below.lower);
	layer_close(&upper);
	return failed;
}

/* Both of its changes have the same original. */
static int add_replaced(struct walk *walk, const struct sides *sides, const char *name,
			const char *path, const struct stat *before,
			const struct stat *after)
{
	const size_t removed = walk->count;
	size_t created;

	if (add_removed(walk, sides->lower, name, path, before) < 0)
		return -1;
	created = walk->count;
	if (add_created(walk, sides->upper, name, path, after) < 0)
		return -1;
	walk->changes[created].original = walk->changes[removed].original;
	return 0;
}

static int meet_both(struct walk *walk, const struct sides *sides, const char *name,
		     const char *path, const struct stat *before,
		     const struct stat *after)
{
	if ((before->st_mode & S_IFMT) != (after->st_mode & S_IFMT))
		return add_replaced(walk, sides, name, path, before, after);
	if (!S_ISDIR(after->st_mode)) {
		compare(walk, sides, name, path, before, after);
		return 0;
	}
	if ((before->st_mode & 07777) != (after->st_mode & 07777) ||
	    !same_attributes(walk, sides, name))
		add(walk, CHANGE_CHANGED, path, before, after);
	return enter_both(walk, sides, name, path);
}

static int meet(struct walk *walk, const struct sides *sides, const char *name)
{
	const char *path = path_join(walk->arena, sides->path, name);
	struct stat before, after;
	bool was, is;

	was = fstatat(sides->lower, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
	if (!was && errno != ENOENT)
		return fail(walk, "look at", path);
	is = fstatat(sides->upper, name, &after, AT_SYMLINK_NOFOLLOW) == 0;
	if (!is && errno != ENOENT)
		return fail(walk, "look at", path);
	if (is && is_whiteout(&after))
		is = false;
	if (was && is)
		return meet_both(walk, sides, name, path, &before, &after);
	if (was)
		return add_removed(walk, sides->lower, name, path, &before);
	return is ? add_created(walk, sides->upper, name, path, &after) : 0;
}

/* What of an opaque directory's other side is not in it is gone. */
static int list_both(struct walk *walk, const struct sides *sides,
		     const char ***ret_names, size_t *ret_count)
{
	const char **names = NULL, **hidden = NULL;
	size_t count = 0, hidden_count = 0, used = 0;
	const char **both;

	if (directory_names(sides->upper, walk->arena, &names, &count) < 0 ||
	    (is_opaque(sides->upper) &&
	     directory_names(sides->lower, walk->arena, &hidden, &hidden_count) < 0))
		return fail(walk, "look into", sides->path);
	both = arena_alloc_array(walk->arena, count + hidden_count + 1, sizeof(*both));
	for (size_t i = 0, j = 0; i < count || j < hidden_count;) {
		const int order = i == count          ? 1
				  : j == hidden_count ? -1
						      : strcmp(names[i], hidden[j]);

		both[used++] = order <= 0 ? names[i] : hidden[j];
		i += order <= 0;
		j += order >= 0;
	}
	*ret_names = both;
	*ret_count = used;
	return 0;
}

static int walk_both(struct walk *walk, const struct sides *sides)
{
	const char **names = NULL;
	size_t count = 0;

	if (list_both(walk, sides, &names, &count) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (meet(walk, sides, names[i]) < 0)
			return -1;
	return 0;
}

/* ---- the top --------------------------------------------------------------------------- */

static int compare_top(struct walk *walk, const struct sides *sides)
{
	struct stat before, after;

	if (fstat(sides->lower, &before) < 0 || fstat(sides->upper, &after) < 0)
		return fail(walk, "look at", "the directory");
	if ((before.st_mode & 07777) != (after.st_mode & 07777) ||
	    !same_attributes(walk, sides, "."))
		add(walk, CHANGE_CHANGED, ".", &before, &after);
	return 0;
}

static int walk_top(struct walk *walk)
{
	struct sides top = { .lower = walk->lower, .path = "." };
	struct opened upper;
	int failed;

	if (layer_open(walk->upper, ".", O_RDONLY | O_DIRECTORY, &upper) < 0)
		return fail(walk, "look into", "the layer");
	top.upper = walk->upper;
	failed = upper.changed ? 0 : compare_top(walk, &top);
	top.upper = upper.fd;
	if (!failed)
		failed = walk_both(walk, &top);
	layer_close(&upper);
	return failed;
}

int changes_find(int lower, int upper, struct arena *arena, struct change **ret_changes,
		 size_t *ret_count, struct error *err)
{
	struct walk walk = {
		.lower = lower,
		.upper = upper,
		.arena = arena,
		.one = arena_alloc(arena, BLOCK),
		.other = arena_alloc(arena, BLOCK),
		.err = err,
	};

	if (walk_top(&walk) < 0)
		return error_within(err, "list the changes");
	*ret_changes = walk.changes;
	*ret_count = walk.count;
	return 0;
}
