/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/files.h"
#include "tests/unit/nursery.h"
#include "tests/unit/roots.h"
#include "tests/unit/temporary.h"
#include "userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- the root ---------------------------------------------------------------------------- */

static void in_host_root(const void *context)
{
	const struct temporary *temporary = context;
	const struct rootfs_spec spec = { .kind = ROOT_HOST, .mode = ROOT_RO };
	const unsigned long wanted = ST_RDONLY | ST_NOSUID | ST_NODEV;
	struct statvfs status;

	enter(&spec);
	expect(errno_of_write(path_of(temporary, "new")) == EROFS, "it can be written");
	expect(statvfs("/", &status) == 0 && (status.f_flag & wanted) == wanted,
	       "flags %#lx", status.f_flag);
	expect_file(path_of(temporary, "root/marker"), "inside");
}

static void the_hosts_root_is_read_only(void **state)
{
	play(state, in_host_root);
}

static void in_read_only_root(const void *context)
{
	const struct temporary *temporary = context;
	const struct rootfs_spec spec = with_mounts(temporary, ROOT_RO, NULL, 0);

	enter(&spec);
	expect_file("/marker", "inside");
	expect(errno_of_write("/new") == EROFS, "it can be written");
	expect(!is_there(temporary->path), "the old root can be reached");
	expect(umount2("/", MNT_DETACH) < 0 || !is_there(temporary->path),
	       "the old root lies below");
}

static void a_directory_is_a_root_and_the_old_one_is_gone(void **state)
{
	play(state, in_read_only_root);
}

static void in_writable_root(const void *context)
{
	const struct rootfs_spec spec = with_mounts(context, ROOT_RW, NULL, 0);

	enter(&spec);
	expect(errno_of_write("/written") == 0, "cannot write");
}

static void a_writable_root_is_written_through(void **state)
{
	const char *path = path_of(*state, "root/written");

	play(state, in_writable_root);
	assert_true(is_there(path));
	assert_int_equal(unlink(path), 0);
}

static void in_layered_root(const void *context)
{
	const struct rootfs_spec spec = with_mounts(context, ROOT_COW, NULL, 0);
	struct stat status;

	enter(&spec);
	expect(errno_of_write("/written") == 0, "cannot write");
	expect(unlink("/marker") == 0 && !is_there("/marker"), "cannot remove");
	expect(stat("/", &status) == 0 && (status.st_mode & 07777) == 0755, "mode %o",
	       status.st_mode);
}

static void what_is_written_to_a_layer_is_thrown_away(void **state)
{
	play(state, in_layered_root);
	assert_false(is_there(path_of(*state, "root/written")));
	assert_true(is_there(path_of(*state, "root/marker")));
}

static struct rootfs_spec kept_root(const void *context)
{
	struct rootfs_spec spec = with_mounts(context, ROOT_COW, NULL, 0);

	spec.upper = path_of(context, "kept");
	return spec;
}

static void write_kept(const void *context)
{
	const struct rootfs_spec spec = kept_root(context);
	auto_close int fd = -1;

	enter(&spec);
	fd = open("/kept", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	expect(fd >= 0 && write(fd, "again\n", 6) == 6, "cannot write: %s",
	       strerror(errno));
}

static void read_kept(const void *context)
{
	const struct rootfs_spec spec = kept_root(context);

	enter(&spec);
	expect_file("/kept", "again");
	expect_file("/marker", "inside");
}

/* overlayfs leaves a directory that nobody may search. */
static void open_work(const struct temporary *temporary)
{
	(void)chmod(path_of(temporary, "kept/work/work"), 0700);
}

static void a_layer_that_is_kept_is_there_the_next_time(void **state)
{
	make_dir(*state, "kept");
	play(state, write_kept);
	open_work(*state);
	assert_false(is_there(path_of(*state, "root/kept")));
	assert_true(is_there(path_of(*state, "kept/upper/kept")));
	play(state, read_kept);
	open_work(*state);
}

static void in_empty_root(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "source"),
		  .dest = "/a/b/c",
		  .flags = MOUNT_F_RDONLY },
	};
	const struct rootfs_spec spec = { .kind = ROOT_EMPTY,
					  .mounts = mounts,
					  .mount_count = 1 };

	enter(&spec);
	expect_file("/a/b/c/file", "source");
	expect(!is_there("/etc"), "there is an /etc");
}

static void an_empty_root_has_what_is_mounted_in_it(void **state)
{
	play(state, in_empty_root);
}

static void no_directory(const void *context)
{
	const struct rootfs_spec file = { .kind = ROOT_DIRECTORY,
					  .path = path_of(context, "root/marker") };
	const struct rootfs_spec missing = { .kind = ROOT_DIRECTORY,
					     .mode = ROOT_RO,
					     .path = path_of(context, "none") };

	expect_refused(&file, "open the root ");
	expect_refused(&missing, "open the root ");
}

static void a_root_that_is_no_directory_is_named(void **state)
{
	play(state, no_directory);
}

/* ---- mirrors ----------------------------------------------------------------------------- */

static void mirrored(const void *context)
{
	const char *source = path_of(context, "source");
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_TMPFS, .dest = "/tmp", .flags = MOUNT_F_RDONLY },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/srv/new/deep" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/newtop" },
		{ .kind = MOUNT_BIND, .source = source, .dest = "/srv/later" },
		{ .kind = MOUNT_BIND,
		  .source = path_of(context, "source/file"),
		  .dest = "/etc/added" },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));

	enter(&spec);
	expect_file("/srv/new/deep/file", "source");
	expect_file("/srv/later/file", "source");
	expect_file("/newtop/file", "source");
	expect_file("/etc/added", "source");
	expect_file("/etc/passwd", "root");
	expect_file("/link", "inside");
	expect(is_there("/srv/d"), "what was beside it is gone");
	expect(errno_of_write("/tmp/more") == EROFS, "a tmpfs takes names in the end");
	expect(errno_of_write("/srv/more") == EROFS, "a mirror takes names in the end");
	expect(errno_of_write("/more") == EROFS, "the root takes names in the end");
	expect(errno_of_write("/etc/passwd") == EROFS, "a mirrored file can be written");
	expect(!is_there(source), "the old root can be reached");
}

static void a_read_only_parent_is_mirrored_with_the_new_name(void **state)
{
	play(state, mirrored);
	assert_false(is_there(path_of(*state, "root/srv/new")));
	assert_false(is_there(path_of(*state, "root/newtop")));
}

static void crowded(const void *context)
{
	const struct mount_entry mount = { .kind = MOUNT_BIND,
					   .source = path_of(context, "source"),
					   .dest = "/crowd/new" };
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	expect_refused(&spec, "more than 512 entries beside it");
}

static void not_crowded(const void *context)
{
	const struct mount_entry mount = { .kind = MOUNT_BIND,
					   .source = path_of(context, "source"),
					   .dest = "/crowd/new" };
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	enter(&spec);
	expect_file("/crowd/new/file", "source");
	expect_file("/crowd/511", "x");
}

static void a_mirror_has_at_most_512_entries(void **state)
{
	char name[32];

	make_dir(*state, "root/crowd");
	for (int i = 0; i < 512; i++) {
		snprintf(name, sizeof(name), "root/crowd/%d", i);
		temporary_file(*state, name, "x\n", 2);
	}
	play(state, not_crowded);
	temporary_file(*state, "root/crowd/512", "x\n", 2);
	play(state, crowded);
	assert_int_equal(
		files_remove_tree(((struct temporary *)*state)->fd, "root/crowd"), 0);
}

/* ---- copy-on-write ----------------------------------------------------------------------- */

static void cows(const void *context)
{
	const struct mount_entry mounts[] = {
		{ .kind = MOUNT_COW,
		  .source = path_of(context, "source"),
		  .dest = "/srv" },
		{ .kind = MOUNT_COW,
		  .source = path_of(context, "low1"),
		  .dest = "/tmp",
		  .flags = MOUNT_F_NOEXEC },
	};
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));
	struct statvfs status;

	enter(&spec);
	expect(errno_of_write("/srv/new") == 0, "cannot write");
	expect(unlink("/srv/file") == 0, "cannot remove");
	expect(errno_of_write("/tmp/a") == 0, "cannot write");
	expect(statvfs("/tmp", &status) == 0 && status.f_flag & ST_NOEXEC, "flags %#lx",
	       status.f_flag);
}

static void a_copy_on_write_bind_leaves_its_source_as_it_was(void **state)
{
	play(state, cows);
	assert_false(is_there(path_of(*state, "source/new")));
	assert_true(is_there(path_of(*state, "source/file")));
}

static void overlaid(const void *context)
{
	const char *const lowers[] = { path_of(context, "low1"), path_of(context, "low2"),
				       path_of(context, "low3") };
	const struct mount_entry mount = {
		.kind = MOUNT_OVERLAY, .lowers = lowers, .lower_count = 3, .dest = "/srv"
	};
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	enter(&spec);
	expect_file("/srv/a", "1");
	expect_file("/srv/b", "2");
	expect_file("/srv/c", "3");
	expect(errno_of_write("/srv/new") == EROFS, "it can be written");
}

static void the_last_lower_lies_on_top(void **state)
{
	play(state, overlaid);
}

/* Directories with a file of their own number and one that all have. */
static struct mount_entry numbered_overlay(const void *context, size_t count)
{
	static char paths[97][512];
	static const char *lowers[97];

	for (size_t i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "many/%zu", i);
		snprintf(paths[i], sizeof(paths[i]), "%s", path_of(context, name));
		lowers[i] = paths[i];
	}
	return (struct mount_entry){ .kind = MOUNT_OVERLAY,
				     .lowers = lowers,
				     .lower_count = count,
				     .dest = "/srv" };
}

static void overlaid_by_wrong_counts(const void *context)
{
	struct mount_entry mount = numbered_overlay(context, 97);
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	expect_refused(&spec, "more than 96 directories");
	mount.lower_count = 0;
	expect_refused(&spec, "overlay");
}

static void overlaid_by_the_most(const void *context)
{
	const struct mount_entry mount = numbered_overlay(context, 96);
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	enter(&spec);
	expect_file("/srv/all", "95");
	expect_file("/srv/0", "0");
	expect_file("/srv/33", "33");
}

static void at_most_96_directories_lie_over_each_other(void **state)
{
	make_dir(*state, "many");
	for (int i = 0; i < 97; i++) {
		char name[32], text[8];
		int length = snprintf(text, sizeof(text), "%d\n", i);

		snprintf(name, sizeof(name), "many/%d", i);
		make_dir(*state, name);
		snprintf(name, sizeof(name), "many/%d/all", i);
		temporary_file(*state, name, text, (size_t)length);
		snprintf(name, sizeof(name), "many/%d/%d", i, i);
		temporary_file(*state, name, text, (size_t)length);
	}
	play(state, overlaid_by_the_most);
	play(state, overlaid_by_wrong_counts);
}

/* ---- afterwards ------------------------------------------------------------------------ */

static void few_descriptors(const void *context)
{
	static struct mount_entry mounts[200];
	const struct rootfs_spec spec =
		with_mounts(context, ROOT_RO, mounts, COUNT(mounts));
	int highest;

	for (size_t i = 0; i < COUNT(mounts); i++)
		mounts[i] = (struct mount_entry){ .kind = MOUNT_BIND,
						  .source = path_of(context, "source"),
						  .dest = "/srv" };
	enter(&spec);
	highest = open("/", O_PATH | O_CLOEXEC);
	expect(highest >= 0 && highest < 20, "descriptors are left open: %d", highest);
}

static void no_descriptor_is_left_open(void **state)
{
	play(state, few_descriptors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hosts_root_is_read_only),
		cmocka_unit_test(a_directory_is_a_root_and_the_old_one_is_gone),
		cmocka_unit_test(a_writable_root_is_written_through),
		cmocka_unit_test(what_is_written_to_a_layer_is_thrown_away),
		cmocka_unit_test(a_layer_that_is_kept_is_there_the_next_time),
		cmocka_unit_test(an_empty_root_has_what_is_mounted_in_it),
		cmocka_unit_test(a_root_that_is_no_directory_is_named),
		cmocka_unit_test(a_read_only_parent_is_mirrored_with_the_new_name),
		cmocka_unit_test(a_mirror_has_at_most_512_entries),
		cmocka_unit_test(a_copy_on_write_bind_leaves_its_source_as_it_was),
		cmocka_unit_test(the_last_lower_lies_on_top),
		cmocka_unit_test(at_most_96_directories_lie_over_each_other),
		cmocka_unit_test(no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests(tests, make_trees, temporary_remove);
}
