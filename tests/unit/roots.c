/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/nursery.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct namespaces_spec all_private;
static const uint64_t all_new = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
				CLONE_NEWUTS | CLONE_NEWCGROUP;

const char *path_of(const struct temporary *temporary, const char *name)
{
	static char paths[16][512];
	static unsigned int next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", temporary->path, name);
	return path;
}

void make_dir(const struct temporary *temporary, const char *name)
{
	if (mkdir(path_of(temporary, name), 0755) < 0)
		abort();
}

static void make_link(const struct temporary *temporary, const char *target,
		      const char *name)
{
	if (symlink(target, path_of(temporary, name)) < 0)
		abort();
}

int make_trees(void **state)
{
	static const char *const dirs[] = { "root",     "root/etc",   "root/proc",
					    "root/sys", "root/dev",   "root/tmp",
					    "root/srv", "root/srv/d", "source",
					    "source/d", "low1",       "low2",
					    "low3" };
	const struct temporary *temporary;

	if (temporary_make(state) < 0)
		return -1;
	temporary = *state;
	for (size_t i = 0; i < COUNT(dirs); i++)
		make_dir(temporary, dirs[i]);
	temporary_file(temporary, "root/etc/passwd", "root\n", 5);
	temporary_file(temporary, "root/marker", "inside\n", 7);
	temporary_file(temporary, "source/file", "source\n", 7);
	temporary_file(temporary, "source/d/deep", "deep\n", 5);
	temporary_file(temporary, "low1/a", "1\n", 2);
	temporary_file(temporary, "low1/b", "1\n", 2);
	temporary_file(temporary, "low1/c", "1\n", 2);
	temporary_file(temporary, "low2/b", "2\n", 2);
	temporary_file(temporary, "low2/c", "2\n", 2);
	temporary_file(temporary, "low3/c", "3\n", 2);
	make_link(temporary, "/etc", "root/absolute");
	make_link(temporary, "../../../../../../etc", "root/climbing");
	make_link(temporary, "srv/nothing", "root/dangling");
	make_link(temporary, "nowhere/at/all", "root/lost");
	make_link(temporary, "marker", "root/link");
	return 0;
}

bool is_there(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

int errno_of_write(const char *path)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? errno : 0;
}

void enter(const struct rootfs_spec *spec)
{
	struct error err = { 0 };
	char cwd[PATH_MAX];
	const int entered = rootfs_enter(spec, &all_private, false, NULL, NULL, &err);

	expect(entered == 0, "cannot %s: %s", err.text, strerror(err.errnum));
	expect(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0, "stands at %s", cwd);
}

void expect_refused(const struct rootfs_spec *spec, const char *text)
{
	struct error err = { 0 };

	expect(rootfs_enter(spec, &all_private, false, NULL, NULL, &err) == -1,
	       "it was entered");
	expect(strstr(err.text, text) != NULL, "'%s' does not say '%s'", err.text, text);
}

void expect_file(const char *path, const char *wanted)
{
	expect(strcmp(expect_text(path), wanted) == 0, "%s says '%s', not '%s'", path,
	       expect_text(path), wanted);
}

struct rootfs_spec with_mounts(const struct temporary *temporary, enum root_mode mode,
			       const struct mount_entry *mounts, size_t count)
{
	return (struct rootfs_spec){
		.kind = ROOT_DIRECTORY,
		.mode = mode,
		.path = path_of(temporary, "root"),
		.mounts = mounts,
		.mount_count = count,
	};
}

void play(void **state, void (*part)(const void *temporary))
{
	nursery_run(all_new, part, *state);
}
