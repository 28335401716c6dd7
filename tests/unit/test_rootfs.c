/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each test enters a root in a child and looks around there. *state is the temporary
 * directory; `root` in it is the root of most tests, `source` what they mount.
 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "tests/unit/nursery.h"
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

static const struct namespaces_spec all_private;
static const uint64_t all_new = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
				CLONE_NEWUTS | CLONE_NEWCGROUP;

/* ---- what is there ----------------------------------------------------------------------- */

/* A path below the temporary directory; several are valid at once. */
static const char *path_of(const struct temporary *temporary, const char *name)
{
	static char paths[16][512];
	static unsigned int next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", temporary->path, name);
	return path;
}

static void make_dir(const struct temporary *temporary, const char *name)
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

static int make_trees(void **state)
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

static bool is_there(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static int errno_of_write(const char *path)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? errno : 0;
}

/* ---- entering it ------------------------------------------------------------------------- */

static void enter(const struct rootfs_spec *spec)
{
	struct error err = { 0 };
	char cwd[PATH_MAX];
	const int entered = rootfs_enter(spec, &all_private, false, NULL, &err);

	expect(entered == 0, "cannot %s: %s", err.text, strerror(err.errnum));
	expect(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0, "stands at %s", cwd);
}

static void expect_refused(const struct rootfs_spec *spec, const char *text)
{
	struct error err = { 0 };

	expect(rootfs_enter(spec, &all_private, false, NULL, &err) == -1,
	       "it was entered");
	expect(strstr(err.text, text) != NULL, "'%s' does not say '%s'", err.text, text);
}

static void expect_file(const char *path, const char *wanted)
{
	expect(strcmp(expect_text(path), wanted) == 0, "%s says '%s', not '%s'", path,
	       expect_text(path), wanted);
}

/* A root of the test's own directory with these mounts. */
static struct rootfs_spec with_mounts(const struct temporary *temporary,
				      enum root_mode mode,
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

static void play(void **state, void (*part)(const void *temporary))
{
	nursery_run(all_new, part, *state);
}

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
	struct error err = { 0 };

	expect(rootfs_enter(&spec, &all_private, false, NULL, &err) == -1, "entered");
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
	static char paths[65][512];
	static const char *lowers[65];

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
	struct mount_entry mount = numbered_overlay(context, 65);
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	expect_refused(&spec, "more than 64 directories");
	mount.lower_count = 0;
	expect_refused(&spec, "overlay");
}

static void overlaid_by_sixty_four(const void *context)
{
	const struct mount_entry mount = numbered_overlay(context, 64);
	const struct rootfs_spec spec = with_mounts(context, ROOT_RO, &mount, 1);

	enter(&spec);
	expect_file("/srv/all", "63");
	expect_file("/srv/0", "0");
	expect_file("/srv/33", "33");
}

static void at_most_64_directories_lie_over_each_other(void **state)
{
	make_dir(*state, "many");
	for (int i = 0; i < 65; i++) {
		char name[32], text[8];
		int length = snprintf(text, sizeof(text), "%d\n", i);

		snprintf(name, sizeof(name), "many/%d", i);
		make_dir(*state, name);
		snprintf(name, sizeof(name), "many/%d/all", i);
		temporary_file(*state, name, text, (size_t)length);
		snprintf(name, sizeof(name), "many/%d/%d", i, i);
		temporary_file(*state, name, text, (size_t)length);
	}
	play(state, overlaid_by_sixty_four);
	play(state, overlaid_by_wrong_counts);
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
		cmocka_unit_test(binds_have_the_flags_that_were_asked_for),
		cmocka_unit_test(flags_hold_for_every_mount_below),
		cmocka_unit_test(sources_are_those_of_the_caller_whatever_covers_them),
		cmocka_unit_test(a_file_is_no_way_up),
		cmocka_unit_test(links_lead_to_places_inside_only),
		cmocka_unit_test(a_source_that_is_missing_is_named),
		cmocka_unit_test(no_place_is_the_root_itself_or_of_another_kind),
		cmocka_unit_test(nothing_is_made_in_a_writable_directory_of_the_host),
		cmocka_unit_test(a_read_only_parent_is_mirrored_with_the_new_name),
		cmocka_unit_test(a_mirror_has_at_most_512_entries),
		cmocka_unit_test(a_copy_on_write_bind_leaves_its_source_as_it_was),
		cmocka_unit_test(the_last_lower_lies_on_top),
		cmocka_unit_test(at_most_64_directories_lie_over_each_other),
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
		cmocka_unit_test(no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests(tests, make_trees, temporary_remove);
}
