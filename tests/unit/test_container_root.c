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
	const int entered =
		container_root_enter(spec, &all_private, true, NULL, NULL, &err);

	expect(entered == 0, "cannot %s: %s", err.text, strerror(err.errnum));
	expect(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0, "stands at %s", cwd);
}

static void expect_no_way_in(const struct rootfs_spec *spec, const char *text)
{
	struct error err = { 0 };

	expect(container_root_enter(spec, &all_private, false, NULL, NULL, &err) == -1,
	       "it was entered");
	expect(strstr(err.text, text) != NULL, "'%s' does not say '%s'", err.text, text);
}

/* ---- what engines write by default ----------------------------------------------------------- */

#define NO_SUID_EXEC_DEV (MOUNT_F_NOSUID | MOUNT_F_NOEXEC | MOUNT_F_NODEV)

static const struct device_node null_node = { .type = 'c', .major = 1, .minor = 3 };
static const struct device_node tty_node = { .type = 'c', .major = 5, .minor = 0 };

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
	{ .kind = MOUNT_DEVICE, .dest = "/dev/null", .node = &null_node },
	{ .kind = MOUNT_DEVICE, .dest = "/dev/tty", .node = &tty_node },
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
	static char root[PATH_MAX];
	char path[PATH_MAX + 256];

	snprintf(root, sizeof(root), "%s", path_of(temporary, "hostile.XXXXXX"));
	expect(mkdtemp(root) != NULL, "%s", strerror(errno));
	spec.path = root;
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

static void link_to_proc(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_entry over_self[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/data" },
	};
	const struct mount_entry in_self[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_TMPFS, .dest = "/proc/self/attr" },
	};
	const struct mount_entry on_number[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_TMPFS, .dest = "/proc/1/attr" },
	};
	const struct mount_entry instead[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/proc" },
	};
	struct rootfs_spec spec =
		hostile(context, "data", "/proc/1/task", over_self, COUNT(over_self));

	expect_no_way_in(&spec, "links lead to /proc or /sys");
	spec = hostile(context, "data", "../proc/sys", over_self, COUNT(over_self));
	expect_no_way_in(&spec, "links lead to /proc or /sys");
	spec = container_of(context, in_self, COUNT(in_self));
	expect_no_way_in(&spec, "is a symbolic link in the root");
	spec = container_of(context, on_number, COUNT(on_number));
	expect_no_way_in(&spec, "belongs to a process");
	spec = container_of(context, instead, COUNT(instead));
	expect_no_way_in(&spec, "only a procfs may be there");
}

static void nothing_stands_in_the_place_of_a_file_of_a_process(void **state)
{
	play(state, link_to_proc);
}

static void links_below(const void *context)
{
	static const struct mount_entry in_dev[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/dev/shm" },
	};
	static const struct mount_entry masked[] = {
		{ .kind = MOUNT_MASK, .dest = "/proc/x", .flags = MOUNT_F_OPTIONAL },
	};
	static const struct mount_entry node[] = {
		{ .kind = MOUNT_DEVICE, .dest = "/dev/null", .node = &null_node },
	};
	struct rootfs_spec spec;
	char path[PATH_MAX];

	spec = container_of(context, in_dev, COUNT(in_dev));
	snprintf(path, sizeof(path), "%s/dev/shm", spec.path);
	expect(symlink("../etc", path) == 0, "%s", strerror(errno));
	expect_no_way_in(&spec, "is a symbolic link in the root");
	expect(unlink(path) == 0, "%s", strerror(errno));

	spec = container_of(context, node, COUNT(node));
	snprintf(path, sizeof(path), "%s/dev/null", spec.path);
	expect(symlink("../etc/passwd", path) == 0, "%s", strerror(errno));
	expect_no_way_in(&spec, "another file is there");
	expect(unlink(path) == 0, "%s", strerror(errno));

	spec = container_of(context, masked, COUNT(masked));
	snprintf(path, sizeof(path), "%s/proc/x", spec.path);
	expect(symlink("../etc/passwd", path) == 0, "%s", strerror(errno));
	expect_no_way_in(&spec, "mask /proc/x");
	expect(unlink(path) == 0, "%s", strerror(errno));
}

static void links_below_dev_and_proc_lead_nowhere(void **state)
{
	play(state, links_below);
}

/* ---- places --------------------------------------------------------------------------------- */

static void places(const void *context)
{
	const char *source = path_of(context, "source");
	const char *file = path_of(context, "source/file");
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_BIND, .source = source, .dest = "/made/for/it" },
		{ .kind = MOUNT_BIND, .source = file, .dest = "/made/too/file" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/absolute/dir" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/climbing/../tmp/./x" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/dangling/on" },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "none"),
		  .dest = "/etc",
		  .flags = MOUNT_F_OPTIONAL },
	};
	const struct rootfs_spec spec = container_of(context, mounts, COUNT(mounts));

	go_in(&spec);
	expect_file("/made/for/it/file", "source");
	expect_file("/made/too/file", "source");
	expect_file("/etc/dir/file", "source");
	expect_file("/tmp/x/d/deep", "deep");
	expect_file("/srv/nothing/on/file", "source");
	expect_file("/etc/passwd", "root");
}

static void what_is_missing_is_made_in_the_root_alone(void **state)
{
	play(state, places);
	assert_false(is_there(path_of(*state, "made")));
	assert_true(is_there(path_of(*state, "root/made/for/it")));
	assert_int_equal(rmdir(path_of(*state, "root/srv/nothing/on")), 0);
	assert_int_equal(rmdir(path_of(*state, "root/srv/nothing")), 0);
}

static void refused_places(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_entry on_root = { .kind = MOUNT_TMPFS, .dest = "/etc/.." };
	const struct mount_entry on_file = { .kind = MOUNT_BIND,
					     .source = source,
					     .dest = "/etc/passwd" };
	const struct mount_entry below_file = { .kind = MOUNT_BIND,
						.source = source,
						.dest = "/etc/passwd/x" };
	const struct mount_entry missing = { .kind = MOUNT_BIND,
					     .source = path_of(context, "none"),
					     .dest = "/etc" };
	const struct mount_entry unknown = { .kind = MOUNT_FILESYSTEM,
					     .type = "nosuchfs",
					     .dest = "/etc" };
	struct rootfs_spec spec = container_of(context, &on_root, 1);

	expect_no_way_in(&spec, "it is the root itself");
	spec.mounts = &on_file;
	expect_no_way_in(&spec, "mount on /etc/passwd");
	spec.mounts = &below_file;
	expect_no_way_in(&spec, "mount on /etc/passwd/x");
	spec.mounts = &missing;
	expect_no_way_in(&spec, "mount /etc: open ");
	spec.mounts = &unknown;
	expect_no_way_in(&spec, "this kernel knows no such file system");
}

static void a_place_that_does_not_fit_is_refused(void **state)
{
	play(state, refused_places);
}

/* ---- options --------------------------------------------------------------------------------- */

enum { NOATIME = 0x10, ATIME_MASK = 0x70 };

static void attributes(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_attributes read_only = { .set = MOUNT_ATTR_RDONLY };
	const struct mount_attributes all_below = {
		.set_below = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC,
		.propagation = { MS_PRIVATE | MS_REC },
	};
	const struct mount_attributes times = { .set = NOATIME, .clear = ATIME_MASK };
	const struct mount_attributes again = { .set = MOUNT_ATTR_NOSUID,
						.clear = MOUNT_ATTR_RDONLY };
	char below[PATH_MAX];
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/a",
		  .attributes = &read_only },
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/b",
		  .attributes = &all_below },
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/c",
		  .flags = MOUNT_F_SHALLOW,
		  .attributes = &again },
		{ .kind = MOUNT_TMPFS, .dest = "/t", .attributes = &times },
		{ .kind = MOUNT_TMPFS, .dest = "/r", .attributes = &read_only },
		{ .kind = MOUNT_TMPFS, .dest = "/r/in/it" },
	};
	const struct rootfs_spec spec = container_of(context, mounts, COUNT(mounts));

	snprintf(below, sizeof(below), "%s/d", source);
	expect(mount("below", below, "tmpfs", 0, NULL) == 0, "mount: %s",
	       strerror(errno));
	go_in(&spec);
	expect(errno_of_write("/a/file") == EROFS, "ro: it can be written");
	expect(errno_of_write("/a/d/new") == 0, "ro: what lies below cannot be written");
	expect(errno_of_write("/b/d/new") == EROFS, "rro: what lies below can");
	expect(flags_of("/b/d") & ST_NOEXEC, "rnoexec: flags %#lx", flags_of("/b/d"));
	expect(flags_of("/c") & ST_NOSUID, "nosuid: flags %#lx", flags_of("/c"));
	expect(is_there("/c/d/deep"), "bind: what is mounted below came along");
	expect(flags_of("/t") & ST_NOATIME, "noatime: flags %#lx", flags_of("/t"));
	expect(flags_of("/r") & ST_RDONLY, "ro tmpfs: flags %#lx", flags_of("/r"));
	expect(!(flags_of("/r/in/it") & ST_RDONLY), "ro tmpfs: also what is in it");
}

static void attributes_are_those_of_the_words(void **state)
{
	play(state, attributes);
}

/* The optional fields of a mount in the mount table, or NULL. */
static const char *propagation_of(const char *point)
{
	static char line[4096], fields[256];
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char wanted[PATH_MAX];
	const char *found = NULL;

	expect(table != NULL, "there is no mount table");
	snprintf(wanted, sizeof(wanted), " %s ", point);
	while (!found && fgets(line, sizeof(line), table)) {
		const char *options = strstr(line, wanted);

		if (!options)
			continue;
		options = strchr(options + strlen(wanted), ' ') + 1;
		snprintf(fields, sizeof(fields), "%.*s",
			 (int)(strstr(options, "- ") - options), options);
		found = fields;
	}
	(void)fclose(table);
	return found ? found : "no such mount";
}

static void propagations(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_attributes kinds[] = {
		{ .propagation = { MS_SHARED | MS_REC } },
		{ .propagation = { MS_PRIVATE } },
		{ .propagation = { MS_UNBINDABLE } },
		{ .propagation = { MS_SHARED, MS_SLAVE } },
	};
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/shared",
		  .attributes = &kinds[0] },
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/private",
		  .attributes = &kinds[1] },
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/unbindable",
		  .attributes = &kinds[2] },
	};
	struct rootfs_spec spec = container_of(context, mounts, COUNT(mounts));

	spec.propagation = MS_SHARED | MS_REC;
	go_in(&spec);
	expect(strstr(propagation_of("/shared"), "shared:"), "shared: %s",
	       propagation_of("/shared"));
	expect(!*propagation_of("/private"), "private: %s", propagation_of("/private"));
	expect(strcmp(propagation_of("/unbindable"), "unbindable ") == 0,
	       "unbindable: %s", propagation_of("/unbindable"));
	expect(strstr(propagation_of("/"), "shared:"), "root: %s", propagation_of("/"));
}

static void propagation_is_that_of_the_words(void **state)
{
	play(state, propagations);
}

/* ---- what is new ------------------------------------------------------------------------------- */

static void copied_up(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/etc", .flags = MOUNT_F_COPYUP },
		{ .kind = MOUNT_TMPFS,
		  .dest = "/srv",
		  .flags = MOUNT_F_COPYUP | MOUNT_F_RDONLY,
		  .data = "size=1m" },
		{ .kind = MOUNT_TMPFS,
		  .dest = "/tmp",
		  .data = "mode=1770,nr_inodes=100" },
		{ .kind = MOUNT_TMPFS, .dest = "/low" },
	};
	const struct rootfs_spec spec = container_of(context, mounts, COUNT(mounts));
	struct stat status;

	go_in(&spec);
	expect_file("/etc/passwd", "root");
	expect(errno_of_write("/etc/passwd") == 0, "it cannot be written");
	expect(is_there("/srv/d"), "a directory was not copied");
	expect(errno_of_write("/srv/d/new") == EROFS, "it can be written");
	expect(stat("/tmp", &status) == 0 && (status.st_mode & 07777) == 01770,
	       "the mode is %o", status.st_mode);
	expect(stat("/low", &status) == 0 && (status.st_mode & 07777) == 01777,
	       "the mode of a new place is %o", status.st_mode);
}

static void a_tmpfs_begins_as_it_is_asked_to(void **state)
{
	play(state, copied_up);
	assert_int_equal(rmdir(path_of(*state, "root/low")), 0);
}

static void overlay(const void *context)
{
	char data[2048];
	struct mount_entry mounts[] = {
		{ .kind = MOUNT_FILESYSTEM,
		  .type = "overlay",
		  .source = "overlay",
		  .dest = "/made",
		  .data = data },
	};
	const struct rootfs_spec spec = container_of(context, mounts, COUNT(mounts));
	const char *low = path_of(context, "low1");
	char away[256] = "";

	/* The same directory by a name that is longer than fsconfig(2) takes. */
	for (size_t i = 0; i < 100; i++)
		memcpy(away + 2 * i, "/.", 3);
	snprintf(data, sizeof(data), "lowerdir=%s:%s%s", path_of(context, "low2"), low,
		 away);
	go_in(&spec);
	expect_file("/made/a", "1");
	expect_file("/made/b", "2");
}

static void an_overlay_has_layers_of_any_length(void **state)
{
	play(state, overlay);
}

static const struct device_node fifo_node = { .type = 'p',
					      .has_mode = true,
					      .mode = 0620 };
static const struct device_node none_node = { .type = 'c', .major = 250, .minor = 250 };

static void devices(const void *context)
{
	const struct mount_entry good[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/dev" },
		{ .kind = MOUNT_DEVICE, .dest = "/dev/null", .node = &null_node },
		{ .kind = MOUNT_DEVICE, .dest = "/dev/sub/pipe", .node = &fifo_node },
	};
	const struct mount_entry bad = { .kind = MOUNT_DEVICE,
					 .dest = "/dev/zero",
					 .node = &none_node };
	const struct rootfs_spec spec = container_of(context, good, COUNT(good));
	const struct rootfs_spec refused = container_of(context, &bad, 1);
	struct stat status;

	expect_no_way_in(&refused, "make the device /dev/zero: no c 250:250 here");
	go_in(&spec);
	expect_node("/dev/null", 1, 3);
	expect(lstat("/dev/sub/pipe", &status) == 0 && S_ISFIFO(status.st_mode) &&
		       (status.st_mode & 0777) == 0620,
	       "the pipe is another file");
}

static void devices_are_made_or_bound(void **state)
{
	play(state, devices);
}

/* ---- when hooks run ------------------------------------------------------------------------- */

static int look_around(void *context, struct error *err)
{
	const char *root = context;
	char path[PATH_MAX];

	(void)err;
	/* By the path that hooks know, and from the old root. */
	snprintf(path, sizeof(path), "%s/t", root);
	expect(errno_of_write("/nothing/of/the/root") == ENOENT, "the old root is gone");
	snprintf(path, sizeof(path), "%s/t/hooked", root);
	expect(errno_of_write(path) == 0, "a tmpfs that will be read-only: %s",
	       strerror(errno));
	snprintf(path, sizeof(path), "%s/hooked", root);
	expect(errno_of_write(path) == 0, "a root that will be read-only");
	return 0;
}

static void hooked(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/t", .flags = MOUNT_F_RDONLY },
		{ .kind = MOUNT_MASK, .dest = "/t/hooked" },
	};
	struct rootfs_spec spec = container_of(context, mounts, COUNT(mounts));
	const struct root_listener listener = { .mounted = look_around,
						.context = (void *)(uintptr_t)spec.path };
	struct error err = { 0 };

	spec.mode = ROOT_RO;
	expect(container_root_enter(&spec, &all_private, false, NULL, &listener, &err) ==
		       0,
	       "cannot %s", err.text);
	expect(is_there("/t/hooked") && is_there("/hooked"),
	       "what the hook made is lost");
	expect(errno_of_write("/t/other") == EROFS, "the tmpfs can be written");
	expect(errno_of_write("/t/hooked") == EROFS, "what the hook made is not masked");
	expect(errno_of_write("/other") == EROFS, "the root can be written");
}

static void hooks_see_the_root_before_it_is_closed(void **state)
{
	play(state, hooked);
	assert_int_equal(unlink(path_of(*state, "root/hooked")), 0);
}

static void moved(const void *context)
{
	struct rootfs_spec spec = container_of(context, usual, COUNT(usual));

	spec.no_pivot = true;
	go_in(&spec);
	expect_file("/marker", "inside");
	expect(is_there("/proc/self/status"), "there is no /proc");
}

static void a_root_can_be_entered_without_a_pivot(void **state)
{
	play(state, moved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_of_a_usual_configuration_is_built),
		cmocka_unit_test(a_linked_dev_proc_or_sys_is_refused),
		cmocka_unit_test(nothing_stands_in_the_place_of_a_file_of_a_process),
		cmocka_unit_test(links_below_dev_and_proc_lead_nowhere),
		cmocka_unit_test(what_is_missing_is_made_in_the_root_alone),
		cmocka_unit_test(a_place_that_does_not_fit_is_refused),
		cmocka_unit_test(attributes_are_those_of_the_words),
		cmocka_unit_test(propagation_is_that_of_the_words),
		cmocka_unit_test(a_tmpfs_begins_as_it_is_asked_to),
		cmocka_unit_test(an_overlay_has_layers_of_any_length),
		cmocka_unit_test(devices_are_made_or_bound),
		cmocka_unit_test(hooks_see_the_root_before_it_is_closed),
		cmocka_unit_test(a_root_can_be_entered_without_a_pivot),
	};

	return cmocka_run_group_tests(tests, make_trees, temporary_remove);
}
