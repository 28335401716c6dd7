/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staging: what is new is made beside its place under a temporary name, a new directory with
 * all that is in it. Where the layer lies on the same file system its files are not copied:
 * the staged one is another name of it. Nothing of the directory is changed by that.
 */
#include "image/commit.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- contents -------------------------------------------------------------------------- */

static int write_at(int to, const char *bytes, size_t size, off_t offset)
{
	while (size > 0) {
		ssize_t written = pwrite(to, bytes, size, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		offset += written;
		size -= (size_t)written;
	}
	return 0;
}

static int copy_block(int from, int to, off_t offset, size_t size)
{
	char block[32 * 1024];

	while (size > 0) {
		const size_t part = size < sizeof(block) ? size : sizeof(block);
		ssize_t length = pread(from, block, part, offset);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return (int)length;
		if (write_at(to, block, (size_t)length, offset) < 0)
			return -1;
		offset += length;
		size -= (size_t)length;
	}
	return 0;
}

/* Holes stay holes (lseek(2)). */
static int copy_data(int from, int to, off_t size)
{
	off_t at = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (ftruncate(to, size) < 0)
		return -1;
	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0)
			data = at;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole <= data)
			hole = size;
		if (copy_block(from, to, data, (size_t)(hole - data)) < 0)
			return -1;
		at = hole;
	}
	return 0;
}

/* ---- names of one file ----------------------------------------------------------------- */

enum { LINK_BUCKETS = 1024 };

struct link_seen {
	struct link_seen *next;
	size_t layer;
	ino_t inode;
	const char *path; /* where it was staged, below the layer's directory */
};

struct links {
	struct link_seen *buckets[LINK_BUCKETS];
};

static struct link_seen **link_bucket(struct commit *commit, ino_t inode)
{
	if (!commit->links)
		commit->links = arena_alloc(commit->arena, sizeof(*commit->links));
	return &commit->links->buckets[inode % LINK_BUCKETS];
}

/* Whether the staged file became another name of one that was staged before. */
static bool link_again(struct commit *commit, size_t layer, ino_t inode, int dir,
		       const char *name)
{
	const struct link_seen *seen = *link_bucket(commit, inode);
	const char *old;
	int parent;
	bool linked;

	while (seen && (seen->inode != inode || seen->layer != layer))
		seen = seen->next;
	if (!seen)
		return false;
	parent = beneath_parent(commit->layers[layer].lower, seen->path, &old);
	linked = parent >= 0 && linkat(parent, old, dir, name, 0) == 0;
	fd_close(&parent);
	return linked;
}

static void remember_link(struct commit *commit, size_t layer, ino_t inode,
			  const char *path)
{
	struct link_seen **bucket = link_bucket(commit, inode);
	struct link_seen *seen = arena_alloc(commit->arena, sizeof(*seen));

	*seen = (struct link_seen){ *bucket, layer, inode, path };
	*bucket = seen;
}

/* ---- one file -------------------------------------------------------------------------- */

/* What is staged: a name of the layer, as a name of the directory. */
struct piece {
	struct commit *commit;
	size_t layer;
	int from;
	const char *name;
	int to;
	const char *staged;
	const char *path; /* of staged, below the layer's directory */
	struct stat status;
};

static mode_t given_mode(const struct stat *status)
{
	/* Whoever made it, it belongs to the caller now. */
	const mode_t mask = status->st_uid == geteuid() ? 07777 : 0777;

	return status->st_mode & mask;
}

int dress(const struct commit *commit, int from, int to)
{
	struct stat status;
	char name[40];

	if (fstat(from, &status) < 0 || attributes_copy(from, to, commit->arena) < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", to);
	if (chmod(name, given_mode(&status)) < 0)
		return -1;
	if (S_ISDIR(status.st_mode))
		return 0;
	return utimensat(AT_FDCWD, name,
			 (struct timespec[]){ status.st_atim, status.st_mtim }, 0);
}

/* As dress(), with a mode that is not the one it has at the moment. */
static int dress_as(const struct piece *piece, int from, int to)
{
	if (attributes_copy(from, to, piece->commit->arena) < 0 ||
	    fchmod(to, given_mode(&piece->status)) < 0)
		return -1;
	return futimens(
		to, (struct timespec[]){ piece->status.st_atim, piece->status.st_mtim });
}

/* The same file under another name: nothing has to be copied. */
static bool stage_by_link(const struct piece *piece)
{
	auto_close int file = -1;

	if (piece->status.st_uid != geteuid() ||
	    linkat(piece->from, piece->name, piece->to, piece->staged, 0) < 0)
		return false;
	file = openat(piece->to, piece->staged, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file >= 0 && S_ISREG(piece->status.st_mode))
		attributes_strip(file, piece->commit->arena);
	return true;
}

static int copy_file(const struct piece *piece)
{
	auto_close int to =
		openat(piece->to, piece->staged,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct opened from;
	int failed;

	if (to < 0 || layer_open(piece->from, piece->name,
				 O_RDONLY | O_NONBLOCK | O_NOCTTY, &from) < 0)
		return -1;
	failed = copy_data(from.fd, to, piece->status.st_size);
	if (!failed)
		failed = dress_as(piece, from.fd, to);
	layer_close(&from);
	return failed;
}

static int stage_file(const struct piece *piece)
{
	const bool linked = piece->status.st_nlink > 1;

	if (stage_by_link(piece))
		return 0;
	if (linked && link_again(piece->commit, piece->layer, piece->status.st_ino,
				 piece->to, piece->staged))
		return 0;
	if (copy_file(piece) < 0)
		return -1;
	if (linked)
		remember_link(piece->commit, piece->layer, piece->status.st_ino,
			      piece->path);
	return 0;
}

static int stage_symlink(const struct piece *piece)
{
	const struct timespec times[] = { piece->status.st_atim, piece->status.st_mtim };
	char target[PATH_MAX];
	ssize_t length = readlinkat(piece->from, piece->name, target, sizeof(target) - 1);

	if (length < 0)
		return -1;
	target[length] = '\0';
	if (symlinkat(target, piece->to, piece->staged) < 0)
		return -1;
	(void)utimensat(piece->to, piece->staged, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* A pipe or a socket's name. */
static int stage_node(const struct piece *piece)
{
	auto_close int made = -1;
	char name[40];

	if (mknodat(piece->to, piece->staged,
		    (piece->status.st_mode & S_IFMT) | S_IRUSR | S_IWUSR, 0) < 0)
		return -1;
	made = openat(piece->to, piece->staged, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", made);
	return made < 0 ? -1 : chmod(name, given_mode(&piece->status));
}

/* ---- trees ----------------------------------------------------------------------------- */

static int stage(struct piece *piece, struct error *err);

static int stage_entries(const struct piece *piece, int from, int to, struct error *err)
{
	const char **names = NULL;
	size_t count = 0;

	if (directory_names(from, piece->commit->arena, &names, &count) < 0)
		return error_errno(err, "read %s", piece->path);
	for (size_t i = 0; i < count; i++) {
		struct piece below = *piece;

		below.from = from;
		below.to = to;
		below.name = below.staged = names[i];
		below.path = path_join(piece->commit->arena, piece->path, names[i]);
		if (fstatat(from, names[i], &below.status, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "look at %s", below.path);
		if (!is_whiteout(&below.status) && stage(&below, err) < 0)
			return -1;
	}
	return 0;
}

static int stage_directory(const struct piece *piece, struct error *err)
{
	auto_close int to = -1;
	struct opened from;
	int failed;

	if (mkdirat(piece->to, piece->staged, 0700) < 0)
		return error_errno(err, "make %s", piece->path);
	to = openat(piece->to, piece->staged,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0 ||
	    layer_open(piece->from, piece->name, O_RDONLY | O_DIRECTORY, &from) < 0)
		return error_errno(err, "read %s", piece->path);
	failed = stage_entries(piece, from.fd, to, err);
	if (!failed && dress_as(piece, from.fd, to) < 0)
		failed = error_errno(err, "make %s", piece->path);
	layer_close(&from);
	return failed;
}

static int stage(struct piece *piece, struct error *err)
{
	int failed = -1;

	commit_step(piece->commit);
	if (S_ISDIR(piece->status.st_mode))
		return stage_directory(piece, err);
	if (S_ISREG(piece->status.st_mode))
		failed = stage_file(piece);
	else if (S_ISLNK(piece->status.st_mode))
		failed = stage_symlink(piece);
	else if (S_ISFIFO(piece->status.st_mode) || S_ISSOCK(piece->status.st_mode))
		failed = stage_node(piece);
	else
		errno = EPERM;
	return failed ? error_errno(err, "write %s", piece->path) : 0;
}

/* ---- all of them ----------------------------------------------------------------------- */

static const char *staged_path(const struct commit *commit, const char *path,
			       const char *staged)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return arena_strdup(commit->arena, staged);
	return arena_printf(commit->arena, "%.*s/%s", (int)(slash - path), path, staged);
}

/* A file of somebody else in a directory such as /tmp can be replaced by its owner alone. */
static bool is_kept_by_owner(int parent, const char *name)
{
	struct stat directory, file;

	return fstat(parent, &directory) == 0 && directory.st_mode & S_ISVTX &&
	       directory.st_uid != geteuid() &&
	       fstatat(parent, name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
	       file.st_uid != geteuid();
}

static int check_place(int parent, const char *name, const char *path, struct error *err)
{
	if (faccessat(parent, ".", W_OK | X_OK, AT_EACCESS) < 0) {
		error_errno(err, "change the directory of %s", path);
		return error_hint(err, "chmod u+w, then commit again");
	}
	if (is_kept_by_owner(parent, name))
		return error_set(err, ERROR_PLAIN, "replace %s: it is somebody else's",
				 path);
	return 0;
}

/* What is dressed only has to be the caller's. */
static int check_dressed(int parent, const char *name, const char *path,
			 struct error *err)
{
	struct stat status;

	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "look at %s", path);
	if (status.st_uid != geteuid() && geteuid() != 0)
		return error_set(err, ERROR_PLAIN,
				 "change the mode of %s: it is somebody else's", path);
	return 0;
}

static int stage_put(struct commit *commit, size_t i, int to, struct error *err)
{
	const struct operation *operation = &commit->operations[i];
	const struct commit_layer *layer = &commit->layers[operation->layer];
	char staged[STAGED_NAME];
	struct piece piece = {
		.commit = commit, .layer = operation->layer, .to = to, .staged = staged
	};
	auto_close int from = beneath_parent(layer->upper, operation->path, &piece.name);

	staged_name(commit, i, staged);
	piece.from = from;
	piece.path = staged_path(commit, operation->path, staged);
	if (from < 0 || fstatat(from, piece.name, &piece.status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "look at %s", operation->path);
	if (stage(&piece, err) == 0)
		return 0;
	return error_within(err, "stage %s", operation->path);
}

static int stage_one(struct commit *commit, size_t i, struct error *err)
{
	const struct operation *operation = &commit->operations[i];
	const char *name;
	auto_close int to = beneath_parent(commit->layers[operation->layer].lower,
					   operation->path, &name);

	if (to < 0)
		return error_errno(err, "open the directory of %s", operation->path);
	if (operation->kind == OPERATION_DRESS)
		return check_dressed(to, name, operation->path, err);
	if (check_place(to, name, operation->path, err) < 0)
		return -1;
	return operation->kind == OPERATION_PUT ? stage_put(commit, i, to, err) : 0;
}

/*
 * One call for all that was written, on the file systems of the directories and, where files
 * were not copied, of the layers (syncfs(2)).
 */
static int sync_all(const struct commit *commit, struct error *err)
{
	for (size_t i = 0; i < commit->layer_count; i++)
		if (syncfs(commit->layers[i].lower) < 0)
			return error_errno(err, "write what was staged to the disk");
	return 0;
}

int stage_all(struct commit *commit, struct error *err)
{
	for (size_t i = 0; i < commit->count; i++)
		if (stage_one(commit, i, err) < 0)
			return -1;
	commit_step(commit);
	return sync_all(commit, err);
}
