/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on the mounts: where they stand, and from a user namespace further in. */
#include "tests/sandbox/attack.h"

#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOUNTS_MAX = 600 };

struct mounted {
	char *point;
	int id, parent;
	bool readonly;
};

static struct mounted table[MOUNTS_MAX];
static size_t table_count;

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

/* Of mounts that are stacked on one place only the last can be reached. */
static struct mounted *place_of(const char *point)
{
	for (size_t i = 0; i < table_count; i++)
		if (strcmp(table[i].point, point) == 0)
			return &table[i];
	if (table_count == MOUNTS_MAX)
		return NULL;
	table[table_count].point = strdup(point);
	return &table[table_count++];
}

static void add_mount(const char *point, int id, int parent)
{
	struct mounted *mounted;
	struct statvfs flags;

	if (statvfs(point, &flags) < 0)
		return;
	mounted = place_of(point);
	if (!mounted)
		return;
	mounted->id = id;
	mounted->parent = parent;
	mounted->readonly = flags.f_flag & ST_RDONLY;
}

static const char *read_table(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[PATH_MAX * 2], point[PATH_MAX];
	int id, parent;

	if (!file)
		return reached("there is no /proc/self/mountinfo to look at");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%d %d %*s %*s %4095s", &id, &parent, point) != 3)
			continue;
		unescape(point);
		add_mount(point, id, parent);
	}
	fclose(file);
	return table_count ? NULL : reached("/proc/self/mountinfo is empty");
}

/* ---- what they let through --------------------------------------------------------------- */

/* CANARY_WRITABLE: the mount points that are to be writable, with colons around each. */
static bool may_be_written(const char *point)
{
	char wanted[PATH_MAX + 2];

	snprintf(wanted, sizeof(wanted), ":%s:", point);
	return strstr(canary("CANARY_WRITABLE"), wanted) != NULL;
}

static const char *write_everywhere(void)
{
	const char *what = read_table();

	if (what)
		return what;
	for (size_t i = 0; i < table_count; i++) {
		char path[PATH_MAX + 16];
		int fd;

		if (may_be_written(table[i].point))
			continue;
		snprintf(path, sizeof(path), "%s/sbx-written", table[i].point);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			continue;
		unlink(path);
		return reached("%s can be made", path);
	}
	return NULL;
}

static const char *find_flags(void)
{
	const char *what = read_table();

	if (what)
		return what;
	for (size_t i = 0; i < table_count; i++) {
		struct statvfs flags;
		struct stat status;

		if (statvfs(table[i].point, &flags) < 0 ||
		    stat(table[i].point, &status) < 0)
			continue;
		if (!(flags.f_flag & ST_NOSUID))
			return reached("%s is not nosuid", table[i].point);
		if (!(flags.f_flag & ST_NODEV) && !S_ISCHR(status.st_mode) &&
		    strcmp(table[i].point, "/dev/pts") != 0)
			return reached("%s is not nodev", table[i].point);
	}
	return NULL;
}

/* ---- taking them away ---------------------------------------------------------------------- */

static const char *undo_one(const struct mounted *mounted)
{
	const struct sys_mount_attr writable = { .attr_clr = MOUNT_ATTR_RDONLY };

	if (umount2(mounted->point, MNT_DETACH) == 0)
		return reached("%s can be unmounted", mounted->point);
	if (mounted->readonly &&
	    mount(NULL, mounted->point, NULL, MS_REMOUNT | MS_BIND, NULL) == 0)
		return reached("%s can be remounted writable", mounted->point);
	if (mounted->readonly && mount(NULL, mounted->point, NULL, MS_REMOUNT, NULL) == 0)
		return reached("the file system of %s can be remounted", mounted->point);
	if (mounted->readonly &&
	    sys_mount_setattr(AT_FDCWD, mounted->point, 0, &writable) == 0)
		return reached("%s can be made writable", mounted->point);
	return NULL;
}

static const char *move_one(const struct mounted *mounted)
{
	if (strcmp(mounted->point, "/") == 0)
		return NULL;
	(void)mkdir("/tmp/sbx-moved", 0700);
	if (mount(mounted->point, "/tmp/sbx-moved", NULL, MS_MOVE, NULL) == 0)
		return reached("%s can be moved away", mounted->point);
	/* Without what is mounted below it one would see what that covers. */
	if (mount(mounted->point, "/tmp/sbx-moved", NULL, MS_BIND, NULL) == 0) {
		umount2("/tmp/sbx-moved", MNT_DETACH);
		for (size_t i = 0; i < table_count; i++)
			if (table[i].parent == mounted->id)
				return reached("%s can be bound without %s",
					       mounted->point, table[i].point);
	}
	return NULL;
}

/* A copy of the tree in which the read-only mounts are writable again. */
static const char *copy_tree(void)
{
	const struct sys_mount_attr writable = { .attr_clr = MOUNT_ATTR_RDONLY };
	int tree = sys_open_tree(AT_FDCWD, "/",
				 OPEN_TREE_CLONE | AT_RECURSIVE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return NULL;
	for (size_t i = 0; i < table_count; i++) {
		const char *point =
			table[i].point + (strcmp(table[i].point, "/") ? 1 : 0);

		if (table[i].readonly &&
		    sys_mount_setattr(tree, strcmp(point, "/") ? point : "",
				      AT_EMPTY_PATH, &writable) == 0)
			return reached("%s can be made writable in a copy",
				       table[i].point);
	}
	return NULL;
}

static const char *mount_anew(void)
{
	static const char *const types[] = { "proc", "sysfs" };

	(void)mkdir("/tmp/sbx-new", 0700);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (mount(types[i], "/tmp/sbx-new", types[i], 0, NULL) == 0)
			return reached("a new %s can be mounted without its covers",
				       types[i]);
	return NULL;
}

static const char *undo_all(void)
{
	const char *what = read_table();

	for (size_t i = 0; i < table_count && !what; i++) {
		what = undo_one(&table[i]);
		if (!what)
			what = move_one(&table[i]);
	}
	return what ? what : copy_tree();
}

/* ---- from further in --------------------------------------------------------------------- */

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

bool enter_nested(int more_flags)
{
	const unsigned int uid = geteuid(), gid = getegid();
	char map[32];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | more_flags) < 0)
		return false;
	write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_text("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_text("/proc/self/gid_map", map);
	return geteuid() == 0;
}

static const char *undo_from_nested(void)
{
	const char *what;

	if (!enter_nested(0))
		return NULL;
	what = undo_all();
	return what ? what : mount_anew();
}

/* The cgroup of the sandbox may be one that the caller owns, with its other processes. */
static const char *take_cgroup(void)
{
	static const char *const files[] = { "cgroup.kill", "cgroup.freeze",
					     "cgroup.procs", "memory.max" };

	if (!enter_nested(CLONE_NEWCGROUP) || mkdir("/tmp/sbx-cgroup", 0700) < 0 ||
	    mount("none", "/tmp/sbx-cgroup", "cgroup2", 0, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/tmp/sbx-cgroup/%s", files[i]);
		if (open(path, O_WRONLY | O_CLOEXEC) >= 0)
			return reached("%s of the caller's cgroup can be written",
				       files[i]);
	}
	return NULL;
}

const struct attempt attempts_on_mounts[] = {
	{ "write-everywhere", write_everywhere },
	{ "mount-flags", find_flags },
	{ "undo-mounts", undo_all },
	{ "undo-mounts-nested", undo_from_nested },
	{ "cgroup-nested", take_cgroup },
	{ NULL, NULL },
};
