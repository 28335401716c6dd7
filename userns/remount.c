/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags of mounts without mount_setattr(2): before 5.12, or under a filter that does not
 * know it. Each mount is remounted by itself, and none may stay behind. Of a tree every
 * mount is found that a path leads to, by the mount table and by the mount id at the end
 * of the path. What another mount covers is out of reach, and stays so: mounts that came
 * along from outside are locked to each other (mount_namespaces(7)).
 */
#include "userns/tree.h"

#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Not in every C library; the same on all architectures (statfs(2), mount(2)). */
enum {
	STATUS_NOSYMFOLLOW = 0x2000,
	FLAG_NOSYMFOLLOW = 0x100,
	STATUS_NOATIME = 0x400,
	STATUS_NODIRATIME = 0x800,
	STATUS_RELATIME = 0x1000,
};

/* Access times are one field of the attributes. */
enum {
	TIMES = 0x70,
	TIMES_RELATIVE = 0,
	TIMES_NEVER = 0x10,
	TIMES_ALWAYS = 0x20,
	ATTRIBUTE_NODIRATIME = 0x80,
};

/* A flag as statvfs(3), mount_setattr(2) and mount(2) know it. */
static const struct {
	unsigned long status;
	unsigned int attribute;
	unsigned long flag;
} known[] = {
	{ ST_RDONLY, MOUNT_ATTR_RDONLY, MS_RDONLY },
	{ ST_NOSUID, MOUNT_ATTR_NOSUID, MS_NOSUID },
	{ ST_NODEV, MOUNT_ATTR_NODEV, MS_NODEV },
	{ ST_NOEXEC, MOUNT_ATTR_NOEXEC, MS_NOEXEC },
	{ STATUS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW, FLAG_NOSYMFOLLOW },
	{ STATUS_NODIRATIME, ATTRIBUTE_NODIRATIME, MS_NODIRATIME },
};

struct change {
	int proc; /* the caller's /proc: the new root may have none, or a new one */
	unsigned int add, clear;
};

/* ---- one mount ------------------------------------------------------------------------- */

static unsigned int times_of(unsigned long now)
{
	if (now & STATUS_NOATIME)
		return TIMES_NEVER;
	return now & STATUS_RELATIME ? TIMES_RELATIVE : TIMES_ALWAYS;
}

static unsigned int wanted_times(unsigned long now, const struct change *change)
{
	return change->clear & TIMES ? change->add & TIMES : times_of(now);
}

static unsigned long flag_of_times(unsigned int times)
{
	switch (times) {
	case TIMES_NEVER:
		return MS_NOATIME;
	case TIMES_ALWAYS:
		return MS_STRICTATIME;
	default:
		return MS_RELATIME;
	}
}

/* Flags that are not named are cleared by a remount. */
static unsigned long remount_flags(unsigned long now, const struct change *change)
{
	unsigned long flags =
		MS_REMOUNT | MS_BIND | flag_of_times(wanted_times(now, change));

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const bool stays =
			now & known[i].status && !(change->clear & known[i].attribute);

		if (stays || change->add & known[i].attribute)
			flags |= known[i].flag;
	}
	return flags;
}

static bool is_changed(unsigned long now, const struct change *change)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const bool is = now & known[i].status;

		if ((change->add & known[i].attribute && !is) ||
		    (change->clear & known[i].attribute && is))
			return false;
	}
	return times_of(now) == wanted_times(now, change);
}

/* A path may lead to another mount on top of it. */
int remount_by_descriptor(int proc, int mount_fd, unsigned long flags)
{
	char path[32];

	snprintf(path, sizeof(path), "self/fd/%d", mount_fd);
	if (fchdir(proc) < 0)
		return -1;
	return mount(NULL, path, NULL, flags, NULL);
}

static int remount_one(const struct change *change, int fd)
{
	struct statvfs now;

	if (fstatvfs(fd, &now) < 0)
		return -1;
	if (remount_by_descriptor(change->proc, fd, remount_flags(now.f_flag, change)) ==
	    0)
		return 0;
	/* A mount that is locked against the change may have the flags already. */
	return errno == EPERM && is_changed(now.f_flag, change) ? 0 : -1;
}

/* ---- the mount table ------------------------------------------------------------------- */

struct table {
	int file;
	size_t start, end;
	char bytes[4096];
	int id;
	char point[PATH_MAX];
};

/* The next byte of the table; EOF at its end. */
static int next_byte(struct table *table)
{
	if (table->start == table->end) {
		ssize_t got = read(table->file, table->bytes, sizeof(table->bytes));

		if (got <= 0)
			return EOF;
		table->start = 0;
		table->end = (size_t)got;
	}
	return (unsigned char)table->bytes[table->start++];
}

/* Blanks, tabs, newlines and backslashes stand as \ooo there (proc_pid_mountinfo(5)). */
static int unescape(struct table *table)
{
	int byte = 0;

	for (int i = 0; i < 3; i++) {
		int digit = next_byte(table);

		if (digit < '0' || digit > '7')
			return EOF;
		byte = byte << 3 | (digit - '0');
	}
	return byte;
}

/* One field and the byte behind it. -1: the table ends, or the field is too long. */
static int read_field(struct table *table, char *text, size_t size)
{
	for (size_t used = 0; used < size; used++) {
		int byte = next_byte(table);

		if (byte == ' ') {
			text[used] = '\0';
			return 0;
		}
		if (byte == '\\')
			byte = unescape(table);
		if (byte == EOF)
			return -1;
		text[used] = (char)byte;
	}
	errno = ENAMETOOLONG;
	return -1;
}

static int skip_behind(struct table *table, int wanted)
{
	int byte;

	do
		byte = next_byte(table);
	while (byte != wanted && byte != EOF);
	return byte == EOF ? -1 : 0;
}

static int open_table(struct table *table, const struct change *change)
{
	table->start = 0;
	table->end = 0;
	table->file = openat(change->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	return table->file;
}

/* 1: id and point are the next mount's, 0: there is none, -1: errno. */
static int next_mount(struct table *table)
{
	char id[16];

	errno = 0;
	if (read_field(table, id, sizeof(id)) < 0)
		return errno ? -1 : 0;
	/* Behind the id: parent, device and root. */
	if (skip_behind(table, ' ') < 0 || skip_behind(table, ' ') < 0 ||
	    skip_behind(table, ' ') < 0 ||
	    read_field(table, table->point, sizeof(table->point)) < 0 ||
	    skip_behind(table, '\n') < 0 || text_to_int(id, 0, INT_MAX, &table->id) < 0) {
		errno = errno ? errno : EPROTO;
		return -1;
	}
	return 1;
}

int mounts_visit(int proc, void (*visit)(const char *point, void *context), void *context)
{
	const struct change change = { .proc = proc };
	struct table table;
	auto_close int file = open_table(&table, &change);
	int found = file < 0 ? -1 : 1;

	while (found == 1) {
		found = next_mount(&table);
		if (found == 1)
			visit(table.point, context);
	}
	return found;
}

/* ---- a tree ---------------------------------------------------------------------------- */

/* As fdinfo has it, for whom statx(2) is refused. */
static int read_mount_id(const struct change *change, int fd)
{
	char path[40], text[512];
	char *number;
	int id;

	snprintf(path, sizeof(path), "self/fdinfo/%d", fd);
	if (files_read(change->proc, path, text, sizeof(text) - 1) < 0)
		return -1;
	number = strstr(text, "mnt_id:");
	if (!number)
		return -1;
	number += strlen("mnt_id:");
	number += strspn(number, " \t");
	number[strcspn(number, "\n")] = '\0';
	return text_to_int(number, 0, INT_MAX, &id) < 0 ? -1 : id;
}

/*
 * -1: it cannot be told. Before 5.14 fdinfo is closed to a process that is not dumpable,
 * as one is that has joined a user namespace.
 */
static int mount_id(const struct change *change, int fd)
{
	uint64_t id;

	if (files_mount_id(fd, &id) && id <= INT_MAX)
		return (int)id;
	return read_mount_id(change, fd);
}

static int find_point(const struct change *change, int id, char *ret_point)
{
	struct table table;
	auto_close int file = open_table(&table, change);
	int found = file < 0 ? -1 : 1;

	while (found == 1) {
		found = next_mount(&table);
		if (found == 1 && table.id == id) {
			memcpy(ret_point, table.point, sizeof(table.point));
			return 0;
		}
	}
	if (found == 0)
		errno = ENOENT;
	return -1;
}

/* The rest of point below top, or NULL if it lies elsewhere. */
static const char *path_below(const char *top, const char *point)
{
	size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);

	if (strncmp(point, top, length) != 0 || point[length] != '/')
		return NULL;
	return point + length + 1;
}

/*
 * A path that does not lead to the mount leads to another one on top of it, or of one of
 * its parents. What we may not search with all our capabilities nobody inside may.
 */
static int remount_at(const struct change *change, int top, const char *path, int id)
{
	auto_close int fd = files_open_in_root(top, path, O_PATH | O_NOFOLLOW, 0);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
	return mount_id(change, fd) == id ? remount_one(change, fd) : 0;
}

static int remount_below(const struct change *change, int top)
{
	const int top_id = mount_id(change, top);
	struct table table;
	char point[PATH_MAX];
	auto_close int file = -1;
	int found;

	if (top_id < 0 || find_point(change, top_id, point) < 0)
		return -1;
	file = open_table(&table, change);
	if (file < 0)
		return -1;
	while ((found = next_mount(&table)) == 1) {
		const char *path = path_below(point, table.point);

		if (path && table.id != top_id &&
		    remount_at(change, top, path, table.id) < 0)
			return -1;
	}
	return found;
}

int remount_tree(int proc, int mount_fd, unsigned int add, unsigned int clear,
		 bool recursive, unsigned long propagation)
{
	const struct change change = { proc, add, clear };

	if (propagation && recursive)
		propagation |= MS_REC;
	if ((propagation && remount_by_descriptor(proc, mount_fd, propagation) < 0) ||
	    remount_one(&change, mount_fd) < 0)
		return -1;
	return recursive ? remount_below(&change, mount_fd) : 0;
}
