/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "tests/unit/nursery.h"
#include "tests/unit/roots.h"
#include "tests/unit/temporary.h"
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
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- binds ------------------------------------------------------------------------------- */

static void binds(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_BIND, .source = source, .dest = "/srv" },
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/tmp",
		  .flags = MOUNT_F_RDONLY | MOUNT_F_NOSUID | MOUNT_F_NODEV |
			   MOUNT_F_NOEXEC },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "source/file"),
		  .dest = "/marker",
		  .flags = MOUNT_F_RDONLY },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "none"),
		  .dest = "/etc",
		  .flags = MOUNT_F_OPTIONAL },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));
	const unsigned long wanted = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
	struct statvfs status;

	enter(&spec);
	expect(errno_of_write("/srv/through") == 0, "a writable bind cannot be written");
	expect(errno_of_write("/tmp/file") == EROFS, "a read-only bind can be written");
	expect(statvfs("/tmp/d", &status) == 0 && (status.f_flag & wanted) == wanted,
	       "flags %#lx", status.f_flag);
	expect_file("/marker", "source");
	expect_file("/etc/passwd", "root");
}

static void binds_have_the_flags_that_were_asked_for(void **state)
{
	play(state, binds);
	assert_int_equal(unlink(path_of(*state, "source/through")), 0);
}

static void flags_below(const void *context)
{
	const char *source = path_of(context, "source");
	char below[512];
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = "/srv",
		  .flags = MOUNT_F_RDONLY },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/tmp" },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RW, mounts, COUNT(mounts));

	snprintf(below, sizeof(below), "%s/d", source);
	expect(mount("below", below, "tmpfs", 0, NULL) == 0, "mount: %s",
	       strerror(errno));
	enter(&spec);
	expect(errno_of_write("/srv/d/new") == EROFS, "what lies below can be written");
	expect(errno_of_write("/tmp/d/new") == 0, "what lies below cannot be written");
}

static void flags_hold_for_every_mount_below(void **state)
{
	play(state, flags_below);
}

static void covered_source(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_TMPFS, .dest = source },
		{ .kind = MOUNT_BIND,
		  .source = source,
		  .dest = path_of(context, "low1") },
	};
	const struct rootfs_spec spec = { .kind = ROOT_HOST,
					  .mounts = mounts,
					  .mount_count = COUNT(mounts) };

	enter(&spec);
	expect(!is_there(path_of(context, "source/file")), "it is not covered");
	expect_file(path_of(context, "low1/file"), "source");
}

static void sources_are_those_of_the_caller_whatever_covers_them(void **state)
{
	play(state, covered_source);
}

static void file_on_the_way(const void *context)
{
	const struct mount_entry mount = { .kind = MOUNT_BIND,
					   .source = path_of(context, "source"),
					   .dest = "/climbing/passwd/../../srv" };
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	expect_refused(&spec, "mount on /climbing/passwd/../../srv");
}

static void a_file_is_no_way_up(void **state)
{
	play(state, file_on_the_way);
}

static void links_in_places(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_BIND, .source = source, .dest = "/dangling" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/climbing/../tmp" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/absolute" },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "source/file"),
		  .dest = "/link" },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));

	enter(&spec);
	expect_file("/tmp/file", "source");
	expect_file("/etc/file", "source");
	expect_file("/srv/nothing/file", "source");
	expect_file("/marker", "source");
}

static void links_lead_to_places_inside_only(void **state)
{
	play(state, links_in_places);
	/* Nothing was made in the root on the host. */
	assert_false(is_there(path_of(*state, "root/srv/nothing")));
}

static void no_source(const void *context)
{
	const struct mount_entry mount = { .kind = MOUNT_BIND,
					   .source = path_of(context, "none"),
					   .dest = "/srv" };
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);
	const struct namespaces_spec all_private = { 0 };
	struct error err = { 0 };

	expect(rootfs_enter(&spec, &all_private, false, NULL, NULL, &err) == -1,
	       "entered");
	expect(err.id == ERROR_SOURCE_MISSING && err.errnum == ENOENT, "%s: %s", err.text,
	       strerror(err.errnum));
}

static void a_source_that_is_missing_is_named(void **state)
{
	play(state, no_source);
}

static void bad_places(const void *context)
{
	static const char *const places[] = { "/", "/..", "/srv/..", "//", "/srv/../." };
	char longest[PATH_MAX + 10];
	struct mount_entry mount = { .kind = MOUNT_BIND,
				     .source = path_of(context, "source") };
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	mount.dest = longest;
	expect_refused(&spec, "mount on /xxx");
	mount.dest = "/marker";
	expect_refused(&spec, "mount on /marker");
	mount.dest = "/lost";
	expect_refused(&spec, "mount on /lost");
	for (size_t i = 0; i < COUNT(places); i++) {
		mount.dest = places[i];
		expect_refused(&spec, "it is the root itself");
	}
}

static void no_place_is_the_root_itself_or_of_another_kind(void **state)
{
	play(state, bad_places);
}

static void missing_on_the_host(const void *context)
{
	const struct mount_entry mount = { .kind = MOUNT_BIND,
					   .source = path_of(context, "source"),
					   .dest = "/srv/new" };
	const struct rootfs_spec spec = with_mounts(context, ROOT_RW, &mount, 1);

	expect_refused(&spec, "nothing is made in directories of the host");
}

static void nothing_is_made_in_a_writable_directory_of_the_host(void **state)
{
	play(state, missing_on_the_host);
	assert_false(is_there(path_of(*state, "root/srv/new")));
}

/* ---- new file systems ---------------------------------------------------------------------- */

static void tmpfses(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/tmp", .mode = 01777, .size = 65536 },
		{ .kind = MOUNT_TMPFS, .dest = "/srv", .flags = MOUNT_F_RDONLY },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "source"),
		  .dest = "/srv/in/it" },
		{ .kind = MOUNT_SCRATCH, .dest = "/etc", .mode = 0700 },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));
	struct statvfs status;
	struct stat top;

	enter(&spec);
	expect(stat("/tmp", &top) == 0 && (top.st_mode & 07777) == 01777, "mode %o",
	       top.st_mode);
	expect(statvfs("/tmp", &status) == 0 &&
		       status.f_blocks * status.f_frsize == 65536,
	       "size %lu", status.f_blocks * status.f_frsize);
	expect((status.f_flag & (ST_NOSUID | ST_NODEV)) == (ST_NOSUID | ST_NODEV),
	       "flags %#lx", status.f_flag);
	expect_file("/srv/in/it/file", "source");
	expect(errno_of_write("/srv/new") == EROFS, "it can be written in the end");
	expect(stat("/etc", &top) == 0 && (top.st_mode & 07777) == 0700, "mode %o",
	       top.st_mode);
	expect(!is_there("/etc/passwd") && errno_of_write("/etc/new") == 0, "no scratch");
}

static void a_tmpfs_has_its_size_and_mode_and_closes_at_the_end(void **state)
{
	play(state, tmpfses);
}

static void kernel_file_systems(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_SYSFS, .dest = "/sys" },
		{ .kind = MOUNT_DEV, .dest = "/dev" },
		{ .kind = MOUNT_MQUEUE, .dest = "/dev/mqueue" },
		{ .kind = MOUNT_TMPFS, .dest = "/tmp" },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));
	static const char *const nodes[] = { "null",   "zero",    "full",
					     "random", "urandom", "tty" };
	char target[32] = "";
	struct stat status;

	enter(&spec);
	expect(readlink("/proc/self", target, sizeof(target) - 1) > 0 &&
		       atoi(target) == getpid(),
	       "/proc/self is %s", target);
	expect(is_there("/sys/class/net/lo") && errno_of_write("/sys/x") != 0, "no /sys");
	for (size_t i = 0; i < COUNT(nodes); i++) {
		char path[32];

		snprintf(path, sizeof(path), "/dev/%s", nodes[i]);
		expect(stat(path, &status) == 0 && S_ISCHR(status.st_mode), "no %s",
		       path);
	}
	expect(errno_of_write("/dev/null") == 0, "/dev/null cannot be opened: %s",
	       strerror(errno));
	expect(errno_of_write("/dev/new") == EROFS, "/dev takes new files");
	expect(errno_of_write("/dev/shm/new") == 0, "/dev/shm takes none");
	expect(is_there("/dev/pts/ptmx") && is_there("/dev/mqueue"), "no pts or mqueue");
	expect(!is_there("/dev/console"), "there is a console that nobody asked for");
	expect(readlink("/dev/fd", target, sizeof(target) - 1) > 0, "no /dev/fd");
}

static void proc_sys_and_dev_are_the_sandboxs_own(void **state)
{
	play(state, kernel_file_systems);
}

static void outer_proc(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc", .source = "host" },
		{ .kind = MOUNT_PROC, .dest = "/srv", .source = "pids" },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));

	enter(&spec);
	expect(is_there("/proc/meminfo"), "the outer one is not whole");
	expect(is_there("/srv/1") && !is_there("/srv/meminfo"), "more than processes");
}

static void proc_may_be_the_outer_one_or_show_processes_only(void **state)
{
	play(state, outer_proc);
}

/* ---- covers ------------------------------------------------------------------------------ */

static void covers(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_MASK, .dest = "/etc" },
		{ .kind = MOUNT_MASK, .dest = "/srv" },
		{ .kind = MOUNT_MASK, .dest = "/marker" },
		{ .kind = MOUNT_MASK, .dest = "/none/at/all", .flags = MOUNT_F_OPTIONAL },
		{ .kind = MOUNT_MASK, .dest = "/absolute", .flags = MOUNT_F_NOFOLLOW },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RW, mounts, COUNT(mounts));

	enter(&spec);
	expect(!is_there("/etc/passwd") && !is_there("/srv/d"), "a directory is seen");
	expect(errno_of_write("/etc/new") == EROFS, "a cover can be written");
	expect(errno_of_write("/srv/new") == EROFS, "a second cover can be written");
	expect_file("/marker", "");
	expect(errno_of_write("/marker") == EROFS, "a covered file can be written");
}

static void what_is_masked_is_empty_and_stays_so(void **state)
{
	play(state, covers);
}

static void closed_trees(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/srv/d" },
		{ .kind = MOUNT_READONLY, .dest = "/srv" },
		{ .kind = MOUNT_READONLY, .dest = "/none", .flags = MOUNT_F_OPTIONAL },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RW, mounts, COUNT(mounts));

	enter(&spec);
	expect(errno_of_write("/srv/new") == EROFS, "it can be written");
	expect(errno_of_write("/srv/d/new") == EROFS, "what lies below can be written");
}

static void what_is_made_read_only_is_so_at_every_depth(void **state)
{
	play(state, closed_trees);
	assert_false(is_there(path_of(*state, "root/srv/new")));
}

/* ---- files and order --------------------------------------------------------------------- */

static void files(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/tmp" },
		{ .kind = MOUNT_DIR, .dest = "/tmp/dir", .mode = 0711 },
		{ .kind = MOUNT_DIR, .dest = "/tmp/dir" },
		{ .kind = MOUNT_FILE,
		  .dest = "/tmp/dir/file",
		  .mode = 0640,
		  .content = "text",
		  .content_size = 4 },
		{ .kind = MOUNT_FILE,
		  .dest = "/tmp/a/b/file",
		  .content = "",
		  .content_size = 0 },
		{ .kind = MOUNT_SYMLINK, .dest = "/tmp/link", .source = "dir/file" },
		{ .kind = MOUNT_CHMOD, .dest = "/tmp/dir/file", .mode = 0600 },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));
	struct stat status;

	enter(&spec);
	expect_file("/tmp/link", "text");
	expect(stat("/tmp/dir", &status) == 0 && (status.st_mode & 07777) == 0711,
	       "mode %o", status.st_mode);
	expect(stat("/tmp/dir/file", &status) == 0 && (status.st_mode & 07777) == 0600,
	       "mode %o", status.st_mode);
	expect_file("/tmp/a/b/file", "");
}

static void files_and_links_are_made_where_the_sandbox_owns_the_place(void **state)
{
	play(state, files);
}

static void files_of_the_host(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_FILE,
		  .dest = "/etc/new",
		  .content = "x",
		  .content_size = 1 },
		{ .kind = MOUNT_SYMLINK, .dest = "/etc/new", .source = "x" },
		{ .kind = MOUNT_DIR, .dest = "/etc/new" },
		{ .kind = MOUNT_CHMOD, .dest = "/etc/passwd", .mode = 0777 },
	};

	for (size_t i = 0; i < COUNT(mounts); i++) {
		const struct rootfs_spec spec =
			with_mounts(context, ROOT_RW, &mounts[i], 1);

		expect_refused(&spec, "the host");
	}
}

static void files_of_the_host_are_neither_made_nor_changed(void **state)
{
	struct stat status;

	play(state, files_of_the_host);
	assert_false(is_there(path_of(*state, "root/etc/new")));
	assert_int_equal(stat(path_of(*state, "root/etc/passwd"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void ordered(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "low1"),
		  .dest = "/srv" },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "low2"),
		  .dest = "/srv" },
		{ .kind = MOUNT_MASK, .dest = "/srv/b" },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "low3"),
		  .dest = "/tmp" },
		{ .kind = MOUNT_TMPFS, .dest = "/tmp" },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));

	enter(&spec);
	expect(!is_there("/srv/a"), "the first one is seen");
	expect_file("/srv/c", "2");
	expect_file("/srv/b", "");
	expect(!is_there("/tmp/c"), "the tmpfs does not cover");
}

static void mounts_are_done_in_their_order(void **state)
{
	play(state, ordered);
}

static void too_many(const void *context)
{
	static struct mount_entry mounts[4097];
	struct rootfs_spec spec = with_mounts(context, ROOT_RO, mounts, COUNT(mounts));

	for (size_t i = 0; i < COUNT(mounts); i++)
		mounts[i] = (struct mount_entry){ .kind = MOUNT_MASK,
						  .flags = MOUNT_F_OPTIONAL,
						  .dest = "/none" };
	expect_refused(&spec, "mount more than 4096 things");
	spec.mount_count--;
	enter(&spec);
}

static void there_are_at_most_4096_mounts(void **state)
{
	play(state, too_many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_have_the_flags_that_were_asked_for),
		cmocka_unit_test(flags_hold_for_every_mount_below),
		cmocka_unit_test(sources_are_those_of_the_caller_whatever_covers_them),
		cmocka_unit_test(a_file_is_no_way_up),
		cmocka_unit_test(links_lead_to_places_inside_only),
		cmocka_unit_test(a_source_that_is_missing_is_named),
		cmocka_unit_test(no_place_is_the_root_itself_or_of_another_kind),
		cmocka_unit_test(nothing_is_made_in_a_writable_directory_of_the_host),
		cmocka_unit_test(a_tmpfs_has_its_size_and_mode_and_closes_at_the_end),
		cmocka_unit_test(proc_sys_and_dev_are_the_sandboxs_own),
		cmocka_unit_test(proc_may_be_the_outer_one_or_show_processes_only),
		cmocka_unit_test(what_is_masked_is_empty_and_stays_so),
		cmocka_unit_test(what_is_made_read_only_is_so_at_every_depth),
		cmocka_unit_test(
			files_and_links_are_made_where_the_sandbox_owns_the_place),
		cmocka_unit_test(files_of_the_host_are_neither_made_nor_changed),
		cmocka_unit_test(mounts_are_done_in_their_order),
		cmocka_unit_test(there_are_at_most_4096_mounts),
	};

	return cmocka_run_group_tests(tests, make_trees, temporary_remove);
}
