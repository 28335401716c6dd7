/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "tests/unit/nursery.h"
#include "tests/unit/roots.h"
#include "userns/userns.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct namespaces_spec all_private;

/* ---- scenes ------------------------------------------------------------------------------- */

static struct rootfs_spec container_of(const struct temporary *temporary,
				       const struct mount_entry *mounts, size_t count)
{
	struct rootfs_spec spec = with_mounts(temporary, ROOT_RW, mounts, count);

	spec.container = true;
	return spec;
}

static void go_in(const struct rootfs_spec *spec)
{
	struct error err = { 0 };
	char cwd[PATH_MAX];
	const int entered = container_root_enter(spec, &all_private, true, NULL, &err);

	expect(entered == 0, "cannot %s: %s", err.text, strerror(err.errnum));
	expect(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0, "stands at %s", cwd);
}

static void expect_no_way_in(const struct rootfs_spec *spec, const char *text)
{
	struct error err = { 0 };

	expect(container_root_enter(spec, &all_private, false, NULL, &err) == -1,
	       "it was entered");
	expect(strstr(err.text, text) != NULL, "'%s' does not say '%s'", err.text, text);
}

/* ---- what engines write by default ----------------------------------------------------------- */

#define NO_SUID_EXEC_DEV (MOUNT_F_NOSUID | MOUNT_F_NOEXEC | MOUNT_F_NODEV)

/* As `runc spec` and podman have it, rootless. */
static const struct mount_entry usual[] = {
	{ .kind = MOUNT_PROC, .source = "proc", .dest = "/proc" },
	{ .kind = MOUNT_TMPFS,
	  .source = "tmpfs",
	  .dest = "/dev",
	  .data = "mode=755,size=65536k",
	  .flags = MOUNT_F_NOSUID },
	{ .kind = MOUNT_FILESYSTEM,
	  .type = "devpts",
	  .source = "devpts",
	  .dest = "/dev/pts",
	  .data = "newinstance,ptmxmode=0666,mode=0620",
	  .flags = MOUNT_F_NOSUID | MOUNT_F_NOEXEC },
	{ .kind = MOUNT_TMPFS,
	  .source = "shm",
	  .dest = "/dev/shm",
	  .data = "mode=1777,size=65536k",
	  .flags = NO_SUID_EXEC_DEV },
	{ .kind = MOUNT_MQUEUE,
	  .source = "mqueue",
	  .dest = "/dev/mqueue",
	  .flags = NO_SUID_EXEC_DEV },
	{ .kind = MOUNT_SYSFS,
	  .source = "sysfs",
	  .dest = "/sys",
	  .flags = NO_SUID_EXEC_DEV | MOUNT_F_RDONLY },
	{ .kind = MOUNT_CGROUP,
	  .source = "cgroup",
	  .dest = "/sys/fs/cgroup",
	  .flags = NO_SUID_EXEC_DEV | MOUNT_F_RDONLY },
	{ .kind = MOUNT_MASK, .dest = "/proc/kcore", .flags = MOUNT_F_OPTIONAL },
	{ .kind = MOUNT_MASK, .dest = "/proc/latency_stats", .flags = MOUNT_F_OPTIONAL },
	{ .kind = MOUNT_MASK, .dest = "/sys/firmware", .flags = MOUNT_F_OPTIONAL },
	{ .kind = MOUNT_READONLY, .dest = "/proc/sys", .flags = MOUNT_F_OPTIONAL },
	{ .kind = MOUNT_READONLY, .dest = "/proc/bus", .flags = MOUNT_F_OPTIONAL },
};

static void expect_node(const char *path, unsigned int major, unsigned int minor)
{
	struct stat status;

	expect(lstat(path, &status) == 0, "%s: %s", path, strerror(errno));
	expect(S_ISCHR(status.st_mode) && status.st_rdev == makedev(major, minor),
	       "%s is another file", path);
}

static void expect_link(const char *path, const char *wanted)
{
	char target[PATH_MAX] = "";

	expect(readlink(path, target, sizeof(target) - 1) > 0, "%s: %s", path,
	       strerror(errno));
	expect(strcmp(target, wanted) == 0, "%s leads to %s", path, target);
}

static unsigned long flags_of(const char *path)
{
	struct statvfs status;

	expect(statvfs(path, &status) == 0, "%s: %s", path, strerror(errno));
	return status.f_flag;
}

static void usual_root(const void *context)
{
	struct rootfs_spec spec = container_of(context, usual, COUNT(usual));

	spec.mode = ROOT_RO;
	go_in(&spec);
	expect_node("/dev/null", 1, 3);
	expect_node("/dev/tty", 5, 0);
	expect(errno_of_write("/dev/null") == 0, "/dev/null cannot be written");
	expect_link("/dev/ptmx", "pts/ptmx");
	expect_link("/dev/fd", "/proc/self/fd");
	expect(is_there("/dev/pts/ptmx"), "there are no terminals");
	expect(is_there("/dev/console"), "there is no place for a console");
	expect(is_there("/proc/self/status"), "there is no /proc");
	expect(is_there("/sys/class/net/lo"), "there is no /sys");
	expect(errno_of_write("/dev/shm/x") == 0, "no shared memory");
	expect(errno_of_write("/new") == EROFS, "the root can be written");
	expect(flags_of("/proc/sys") & ST_RDONLY, "/proc/sys can be written");
	expect((flags_of("/sys") & (ST_RDONLY | ST_NODEV)) == (ST_RDONLY | ST_NODEV),
	       "the flags of /sys are %#lx", flags_of("/sys"));
	expect((flags_of("/dev") & (ST_NOSUID | ST_NOEXEC)) == ST_NOSUID,
	       "the flags of /dev are %#lx", flags_of("/dev"));
	expect(!is_there("/source") && !is_there("/root"), "the old root is there");
}

static void the_root_of_a_usual_configuration_is_built(void **state)
{
	play(state, usual_root);
}

/* ---- hostile roots ------------------------------------------------------------------------- */

/* A root in which name is a link to target. */
static struct rootfs_spec hostile(const struct temporary *temporary, const char *name,
				  const char *target, const struct mount_entry *mounts,
				  size_t count)
{
	struct rootfs_spec spec = container_of(temporary, mounts, count);
	char path[PATH_MAX], root[32];
	static int number;

	snprintf(root, sizeof(root), "hostile%d.%d", (int)getpid(), number++);
	make_dir(temporary, root);
	spec.path = path_of(temporary, root);
	snprintf(path, sizeof(path), "%s/etc", spec.path);
	expect(mkdir(path, 0755) == 0, "%s", strerror(errno));
	snprintf(path, sizeof(path), "%s/%s", spec.path, name);
	expect(symlink(target, path) == 0, "%s", strerror(errno));
	return spec;
}

static void links_to(const void *context)
{
	static const char *const names[] = { "dev", "proc", "sys" };
	static const char *const targets[] = { "/etc", "etc", "../../..", "/" };

	for (size_t i = 0; i < COUNT(names); i++)
		for (size_t j = 0; j < COUNT(targets); j++) {
			const struct rootfs_spec spec = hostile(
				context, names[i], targets[j], usual, COUNT(usual));

			expect_no_way_in(&spec, "is a symbolic link in the root");
		}
}

static void a_linked_dev_proc_or_sys_is_refused(void **state)
{
	play(state, links_to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_of_a_usual_configuration_is_built),
		cmocka_unit_test(a_linked_dev_proc_or_sys_is_refused),
	};

	return cmocka_run_group_tests(tests, make_trees, temporary_remove);
}
