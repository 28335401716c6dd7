/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a tree. Every file becomes one record of plain bytes; the records are put in
 * the order of their paths and hashed. Nothing is in a record that would differ between two
 * runs that wrote the same: no time, no inode number, no order of a directory.
 *
 * Directories are walked by a list of their paths, one open at a time: a tree may be deeper
 * than there are descriptors, and its paths longer than PATH_MAX.
 */
#include "image/digest.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Of overlayfs(5) with userxattr: only this one says something about the tree. */
#define OVERLAY "user.overlay."
#define OPAQUE  OVERLAY "opaque"

/* The same of fuse-overlayfs(1), which marks such a directory by files in it, too. */
#define FUSE_OVERLAY "user.fuseoverlayfs."
#define FUSE_OPAQUE  FUSE_OVERLAY "opaque"

enum {
	ATTRIBUTES_MAX = 65536, /* XATTR_LIST_MAX and XATTR_SIZE_MAX of xattr(7) */
	PIECE = 65536,
};

struct attribute {
	const char *name;
	char sha256[FAST_SHA256_HEX + 1]; /* of its value */
};

struct file {
	const char *path;
	const char *type;
	struct stat status;
	bool opaque, marked; /* marked: by fuse-overlayfs */
	const char *link;    /* of a symbolic link */
	const char *first;   /* a hard link: the first of its names; NULL: it is that */
	char sha256[FAST_SHA256_HEX + 1]; /* of a regular file's content, else "" */
	struct attribute *attributes;
	size_t attribute_count;
};

struct directory {
	const char *path;
	bool marked;
};

struct walk {
	struct arena *arena;
	int top;
	struct file *files;
	size_t count;
	struct directory *dirs; /* still to be listed */
	size_t dir_count;
	char *buffer; /* of PIECE bytes */
};

/* ---- what a file is ------------------------------------------------------------------ */

static bool is_whiteout(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == 0;
}

static const char *type_of(const struct stat *status)
{
	switch (status->st_mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return is_whiteout(status) ? "whiteout" : "character device";
	default:
		return "block device";
	}
}

static int read_content(struct walk *walk, int fd, struct file *file, struct error *err)
{
	struct fast_sha256 sha256;
	ssize_t got;

	fast_sha256_begin(&sha256);
	for (;;) {
		got = read(fd, walk->buffer, PIECE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		fast_sha256_add(&sha256, walk->buffer, (size_t)got);
	}
	if (got < 0)
		return error_errno(err, "read %s", file->path);
	fast_sha256_end(&sha256, file->sha256);
	return 0;
}

static bool counts(const char *name)
{
	if (strncmp(name, OVERLAY, strlen(OVERLAY)) == 0 ||
	    strncmp(name, FUSE_OVERLAY, strlen(FUSE_OVERLAY)) == 0)
		return false;
	return strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0;
}

static int compare_attributes(const void *a, const void *b)
{
	const struct attribute *first = a, *second = b;

	return strcmp(first->name, second->name);
}

static int add_attribute(struct walk *walk, int fd, const char *name, struct file *file,
			 struct error *err)
{
	const ssize_t length = fgetxattr(fd, name, walk->buffer, PIECE);
	struct attribute *attribute;
	struct fast_sha256 sha256;

	if (length < 0)
		return error_errno(err, "read the attribute %s of %s", name, file->path);
	file->attributes = arena_grow(walk->arena, file->attributes,
				      file->attribute_count, sizeof(*file->attributes));
	attribute = &file->attributes[file->attribute_count++];
	attribute->name = arena_strdup(walk->arena, name);
	fast_sha256_begin(&sha256);
	fast_sha256_add(&sha256, walk->buffer, (size_t)length);
	fast_sha256_end(&sha256, attribute->sha256);
	return 0;
}

static int read_attributes(struct walk *walk, int fd, struct file *file,
			   struct error *err)
{
	char names[4096], *list = names;
	ssize_t length = flistxattr(fd, names, sizeof(names));

	if (length < 0 && errno == ERANGE) {
		list = arena_alloc(walk->arena, ATTRIBUTES_MAX);
		length = flistxattr(fd, list, ATTRIBUTES_MAX);
	}
	if (length < 0)
		return errno == EOPNOTSUPP ? 0
					   : error_errno(err, "list the attributes of %s",
							 file->path);
	for (const char *name = list; name < list + length; name += strlen(name) + 1) {
		if (counts(name) && add_attribute(walk, fd, name, file, err) < 0)
			return -1;
	}
	if (file->attribute_count)
		qsort(file->attributes, file->attribute_count, sizeof(*file->attributes),
		      compare_attributes);
	return 0;
}

static bool says_yes(int fd, const char *name)
{
	char value;

	return fgetxattr(fd, name, &value, 1) == 1 && value == 'y';
}

static void read_marks(int fd, struct file *file)
{
	file->marked = says_yes(fd, FUSE_OPAQUE);
	file->opaque = file->marked || says_yes(fd, OPAQUE);
}

static int read_link(struct walk *walk, int dir, const char *name, struct file *file,
		     struct error *err)
{
	char target[PATH_MAX];
	const ssize_t length = readlinkat(dir, name, target, sizeof(target));

	if (length < 0)
		return error_errno(err, "read the link %s", file->path);
	file->link = arena_strndup(walk->arena, target, (size_t)length);
	return 0;
}

/* What can be opened without waiting for anybody, and without doing anything. */
static int look_inside(struct walk *walk, int dir, const char *name, struct file *file,
		       struct error *err)
{
	const mode_t mode = file->status.st_mode;
	auto_close int fd = -1;

	if (S_ISLNK(mode))
		return read_link(walk, dir, name, file, err);
	if (!S_ISREG(mode) && !S_ISDIR(mode))
		return 0;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open %s", file->path);
	if (read_attributes(walk, fd, file, err) < 0)
		return -1;
	if (S_ISREG(mode))
		return read_content(walk, fd, file, err);
	read_marks(fd, file);
	return 0;
}

static int add_file(struct walk *walk, int dir, const char *name, const char *path,
		    struct error *err)
{
	struct file file = { .path = path };

	if (fstatat(dir, name, &file.status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "look at %s", path);
	file.type = type_of(&file.status);
	if (look_inside(walk, dir, name, &file, err) < 0)
		return -1;
	walk->files =
		arena_grow(walk->arena, walk->files, walk->count, sizeof(*walk->files));
	walk->files[walk->count++] = file;
	if (!S_ISDIR(file.status.st_mode))
		return 0;
	walk->dirs =
		arena_grow(walk->arena, walk->dirs, walk->dir_count, sizeof(*walk->dirs));
	walk->dirs[walk->dir_count++] = (struct directory){ path, file.marked };
	return 0;
}

/* ---- the walk ------------------------------------------------------------------------ */

/* Of a path that may be longer than the kernel takes at once. */
static int open_directory(const struct walk *walk, const char *path)
{
	int fd = openat(walk->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char part[PATH_MAX];

	while (fd >= 0 && *path) {
		size_t length = strlen(path);
		int next;

		if (length >= sizeof(part)) {
			length = sizeof(part) - 1;
			while (path[length] != '/')
				length--;
		}
		memcpy(part, path, length);
		part[length] = '\0';
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd_close(&fd);
		fd = next;
		path += length + (path[length] == '/');
	}
	return fd;
}

static bool is_mark(const char *name)
{
	return !strcmp(name, ".wh..wh..opq") || !strcmp(name, ".wh..opq");
}

static int list_names(struct walk *walk, DIR *dir, const struct directory *of,
		      struct error *err)
{
	const char *path = of->path;

	for (;;) {
		const struct dirent *entry;
		const char *child;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (of->marked && is_mark(entry->d_name)))
			continue;
		child = strcmp(path, ".") == 0
				? arena_strdup(walk->arena, entry->d_name)
				: arena_printf(walk->arena, "%s/%s", path, entry->d_name);
		if (add_file(walk, dirfd(dir), entry->d_name, child, err) < 0)
			return -1;
	}
	return errno ? error_errno(err, "list %s", path) : 0;
}

static int list(struct walk *walk, const struct directory *of, struct error *err)
{
	const char *path = of->path;
	int fd = open_directory(walk, strcmp(path, ".") == 0 ? "" : path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int failed;

	if (!dir) {
		error_errno(err, "open %s", path);
		fd_close(&fd);
		return -1;
	}
	failed = list_names(walk, dir, of, err);
	(void)closedir(dir);
	return failed;
}

/* ---- hard links ---------------------------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
	const struct file *first = a, *second = b;

	return strcmp(first->path, second->path);
}

/* A file with other names. */
struct name {
	struct file *file;
};

static int compare_inodes(const void *a, const void *b)
{
	const struct name *first = a, *second = b;
	const struct stat *one = &first->file->status, *other = &second->file->status;

	if (one->st_dev != other->st_dev)
		return one->st_dev < other->st_dev ? -1 : 1;
	if (one->st_ino != other->st_ino)
		return one->st_ino < other->st_ino ? -1 : 1;
	return strcmp(first->file->path, second->file->path);
}

/* Names outside of the tree are none. */
static void find_links(struct walk *walk)
{
	struct name *names = arena_alloc_array(walk->arena, walk->count, sizeof(*names));
	size_t count = 0;

	for (size_t i = 0; i < walk->count; i++)
		if (!S_ISDIR(walk->files[i].status.st_mode) &&
		    !is_whiteout(&walk->files[i].status) &&
		    walk->files[i].status.st_nlink > 1)
			names[count++].file = &walk->files[i];
	if (count)
		qsort(names, count, sizeof(*names), compare_inodes);
	for (size_t i = 1; i < count; i++) {
		const struct file *before = names[i - 1].file;
		struct file *file = names[i].file;

		if (before->status.st_dev == file->status.st_dev &&
		    before->status.st_ino == file->status.st_ino)
			file->first = before->first ? before->first : before->path;
	}
}

/* ---- the records --------------------------------------------------------------------- */

static void add_text(struct fast_sha256 *sha256, const char *text)
{
	fast_sha256_add(sha256, text, strlen(text) + 1);
}

static void add_number(struct fast_sha256 *sha256, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	add_text(sha256, text);
}

/*
 * Texts that end with a NUL, the number of attributes before them: no two trees are the same
 * bytes. A whiteout has no owner of its own, and a hard link nothing but its name.
 */
static void add_record(struct fast_sha256 *sha256, const struct file *file)
{
	const struct stat *status = &file->status;

	add_text(sha256, file->path);
	add_text(sha256, file->first ? "hard link" : file->type);
	if (file->first)
		add_text(sha256, file->first);
	if (file->first || is_whiteout(status))
		return;
	add_number(sha256, status->st_mode & 07777);
	add_number(sha256, status->st_uid);
	add_number(sha256, status->st_gid);
	add_number(sha256, S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0);
	add_number(sha256, S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode)
				   ? status->st_rdev
				   : 0);
	add_text(sha256, file->link ? file->link : file->sha256);
	add_number(sha256, file->opaque);
	add_number(sha256, file->attribute_count);
	for (size_t i = 0; i < file->attribute_count; i++) {
		add_text(sha256, file->attributes[i].name);
		add_text(sha256, file->attributes[i].sha256);
	}
}

static void put_kind(struct json_value *object, const struct file *file,
		     struct arena *arena)
{
	const struct stat *status = &file->status;

	if (S_ISREG(status->st_mode)) {
		json_put_unsigned(object, "size", (uint64_t)status->st_size);
		json_put_text(object, "sha256", file->sha256);
	}
	if (file->link)
		json_put_text(object, "link", file->link);
	if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
		json_put_text(object, "device",
			      arena_printf(arena, "%u:%u", major(status->st_rdev),
					   minor(status->st_rdev)));
	if (file->opaque)
		json_put_bool(object, "opaque", true);
}

static void put_file(struct json_value *array, const struct file *file,
		     struct arena *arena)
{
	struct json_value *object = json_put_object(array, NULL);
	struct json_value *attributes;

	json_put_text(object, "path", file->path);
	json_put_text(object, "type", file->first ? "hard link" : file->type);
	if (file->first)
		json_put_text(object, "link", file->first);
	if (file->first || is_whiteout(&file->status))
		return;
	json_put_text(object, "mode",
		      arena_printf(arena, "%04o", file->status.st_mode & 07777));
	json_put_unsigned(object, "uid", file->status.st_uid);
	json_put_unsigned(object, "gid", file->status.st_gid);
	put_kind(object, file, arena);
	if (!file->attribute_count)
		return;
	attributes = json_put_object(object, "attributes");
	for (size_t i = 0; i < file->attribute_count; i++)
		json_put_text(attributes, file->attributes[i].name,
			      file->attributes[i].sha256);
}

static struct json_value *make_document(const struct walk *walk, size_t listed)
{
	struct json_value *document = json_make_object(walk->arena);
	struct json_value *files;
	struct fast_sha256 sha256;
	char hex[FAST_SHA256_HEX + 1];

	fast_sha256_begin(&sha256);
	for (size_t i = 0; i < walk->count; i++)
		add_record(&sha256, &walk->files[i]);
	fast_sha256_end(&sha256, hex);
	json_put_text(document, "digest", arena_printf(walk->arena, "sha256:%s", hex));
	json_put_unsigned(document, "count", walk->count);
	if (walk->count > listed)
		return document;
	files = json_put_array(document, "files");
	for (size_t i = 0; i < walk->count; i++)
		put_file(files, &walk->files[i], walk->arena);
	return document;
}

int tree_digest(int dir_fd, size_t listed, struct arena *arena,
		struct json_value **ret_document, struct error *err)
{
	struct walk walk = {
		.arena = arena,
		.top = dir_fd,
		.buffer = arena_alloc(arena, PIECE),
	};

	if (add_file(&walk, dir_fd, ".", ".", err) < 0)
		return -1;
	while (walk.dir_count) {
		/* a copy: the list grows over its place */
		const struct directory next = walk.dirs[--walk.dir_count];

		if (list(&walk, &next, err) < 0)
			return -1;
	}
	if (!walk.files)
		return error_set(err, ERROR_IMAGE, "find the tree");
	qsort(walk.files, walk.count, sizeof(*walk.files), compare_paths);
	find_links(&walk);
	*ret_document = make_document(&walk, listed);
	return 0;
}
