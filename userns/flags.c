/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of mounts. mount_setattr(2) changes a whole tree in one call and needs no
 * mount table. Before 5.12 each mount has to be remounted by itself; the tree is then
 * walked by the mount ids of /proc/self/mountinfo, since paths do not tell mounts that are
 * stacked on one place apart.
 */
#include "userns/tree.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

unsigned int mount_attributes(unsigned int flags)
{
	unsigned int attributes = 0;

	if (flags & MOUNT_F_RDONLY)
		attributes |= MOUNT_ATTR_RDONLY;
	if (flags & MOUNT_F_NOSUID)
		attributes |= MOUNT_ATTR_NOSUID;
	if (flags & MOUNT_F_NODEV)
		attributes |= MOUNT_ATTR_NODEV;
	if (flags & MOUNT_F_NOEXEC)
		attributes |= MOUNT_ATTR_NOEXEC;
	return attributes;
}

/* ---- kernels before 5.12 --------------------------------------------------------------- */

static unsigned long remount_flags(const struct statvfs *now, unsigned int add,
				   unsigned int clear)
{
	static const struct {
		unsigned long status;
		unsigned int attribute;
		unsigned long flag;
	} known[] = {
		{ ST_RDONLY, MOUNT_ATTR_RDONLY, MS_RDONLY },
		{ ST_NOSUID, MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ ST_NODEV, MOUNT_ATTR_NODEV, MS_NODEV },
		{ ST_NOEXEC, MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, 0, MS_NOATIME },
		{ ST_NODIRATIME, 0, MS_NODIRATIME },
		{ ST_RELATIME, 0, MS_RELATIME },
	};
	unsigned long flags = MS_REMOUNT | MS_BIND;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		bool is = now->f_flag & known[i].status;

		if (((is && !(clear & known[i].attribute)) || (add & known[i].attribute)))
			flags |= known[i].flag;
	}
	return flags;
}

static int remount_one(int fd, unsigned int add, unsigned int clear)
{
	char path[40];
	struct statvfs now;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstatvfs(fd, &now) < 0)
		return -1;
	if (mount(NULL, path, NULL, remount_flags(&now, add, clear), NULL) == 0)
		return 0;
	/* A mount that is locked against it has the flag already, or is out of reach. */
	return errno == EACCES || errno == EPERM ? 0 : -1;
}

static int mount_id(int fd)
{
	char path[40], text[512];
	const char *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (files_read(AT_FDCWD, path, text, sizeof(text) - 1) < 0)
		return -1;
	line = strstr(text, "mnt_id:");
	return line ? atoi(line + strlen("mnt_id:")) : -1;
}

/* mountinfo escapes blanks, tabs, newlines and backslashes as \ooo (proc(5)). */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

struct table {
	FILE *file;
	char line[PATH_MAX * 2];
	int id, parent;
	char point[PATH_MAX];
};

static bool table_next(struct table *table)
{
	while (fgets(table->line, sizeof(table->line), table->file)) {
		if (sscanf(table->line, "%d %d %*s %*s %4095s", &table->id,
			   &table->parent, table->point) != 3)
			continue;
		unescape(table->point);
		return true;
	}
	return false;
}

static int remount_below(int top, int top_id, const char *top_point, unsigned int add,
			 unsigned int clear, int depth);

/* A child stands at its parent's mount point and then some: that rest is looked up. */
static int remount_child(int parent, const struct table *child, const char *parent_point,
			 unsigned int add, unsigned int clear, int depth)
{
	size_t skip = strcmp(parent_point, "/") == 0 ? 0 : strlen(parent_point);
	auto_close int fd = -1;

	if (strncmp(child->point, parent_point, skip) != 0)
		return 0;
	fd = files_open_in_root(parent, child->point + skip, O_PATH, 0);
	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -1;
	/* Another mount is stacked on it and hides it. */
	if (mount_id(fd) != child->id)
		return 0;
	if (remount_one(fd, add, clear) < 0)
		return -1;
	return remount_below(fd, child->id, child->point, add, clear, depth + 1);
}

static int remount_below(int top, int top_id, const char *top_point, unsigned int add,
			 unsigned int clear, int depth)
{
	struct table *table;
	int failed = 0;

	if (depth > 32) {
		errno = ELOOP;
		return -1;
	}
	table = malloc(sizeof(*table));
	if (!table)
		return -1;
	table->file = fopen("/proc/self/mountinfo", "re");
	if (!table->file) {
		free(table);
		return -1;
	}
	while (!failed && table_next(table))
		if (table->parent == top_id && table->id != top_id)
			failed = remount_child(top, table, top_point, add, clear, depth);
	fclose(table->file);
	free(table);
	return failed;
}

static int point_of(int id, char *point)
{
	struct table *table = malloc(sizeof(*table));
	bool found = false;

	if (!table)
		return -1;
	table->file = fopen("/proc/self/mountinfo", "re");
	while (table->file && !found && table_next(table))
		found = table->id == id;
	if (found)
		memcpy(point, table->point, PATH_MAX);
	if (table->file)
		fclose(table->file);
	free(table);
	errno = ENOENT;
	return found ? 0 : -1;
}

static int change_one_by_one(int mount_fd, unsigned int add, unsigned int clear,
			     bool recursive)
{
	char point[PATH_MAX];
	int id = mount_id(mount_fd);

	if (remount_one(mount_fd, add, clear) < 0)
		return -1;
	if (!recursive)
		return 0;
	if (id < 0 || point_of(id, point) < 0)
		return -1;
	return remount_below(mount_fd, id, point, add, clear, 0);
}

/* ---- the door ------------------------------------------------------------------------ */

/*
 * A changed tree is cut off from the mounts outside in the same call: what is mounted
 * there later would come in without these attributes.
 */
int mount_change(int mount_fd, unsigned int add, unsigned int clear, bool recursive,
		 struct error *err)
{
	const struct sys_mount_attr attr = {
		.attr_set = add,
		.attr_clr = clear,
		.propagation = MS_PRIVATE,
	};
	const unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
	char path[40];

	/* A mount of its own that was made here is private already. */
	if (add == 0 && clear == 0 && !recursive)
		return 0;
	if (sys_mount_setattr(mount_fd, "", flags, &attr) == 0)
		return 0;
	if (errno != ENOSYS)
		return error_errno(err, "set the flags of a mount");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
	if (mount(NULL, path, NULL, MS_PRIVATE | (recursive ? (unsigned int)MS_REC : 0U),
		  NULL) < 0)
		return error_errno(err, "cut the mounts off from those outside");
	if (change_one_by_one(mount_fd, add, clear, recursive) < 0)
		return error_errno(err, "set the flags of a mount");
	return 0;
}
