/* SPDX-License-Identifier: Apache-2.0 */
/* What an archive says is there afterwards: kinds of files, names, owners, times, attributes. */
#include "tests/unit/extracting.h"

#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

/* A tar that is no layer. */
static void play_tar(void **state, const struct member *members,
		     const struct sight *sights, void (*after)(const struct extracted *))
{
	const struct scene scene = {
		.layers = { members },
		.sights = sights,
		.after = after,
	};

	scene_play(state, &scene);
}

/* ---- kinds ------------------------------------------------------------------------------- */

static void counts_of_kinds(const struct extracted *counts)
{
	expect(counts->entries == 10, "%d entries", (int)counts->entries);
	expect(counts->devices == 3, "%d devices", (int)counts->devices);
	expect(counts->bytes == 5, "%d bytes", (int)counts->bytes);
}

static void each_kind_of_file_is_made(void **state)
{
	static const struct member members[] = {
		{ "./", '5', .mode = 0711 },
		{ "usr/", '5', .mode = 0755 },
		{ "usr/file", .mode = 0640, .data = "hello" },
		{ "usr/empty", .mode = 0444 },
		{ "usr/again", '1', .data = "usr/file" },
		{ "usr/link", '2', .data = "../usr/file" },
		{ "usr/fifo", '6', .mode = 0622 },
		{ "dev/null", .type = '3' },
		{ "dev/sda", .type = '4' },
		{ "dev/zero", '1', .data = "dev/null" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "/", "d 711" },
		{ "/usr", "d 755" },
		{ "/usr/file", "f 640+2 hello" },
		{ "/usr/empty", "f 444" },
		{ "/usr/again", "f 640+2 hello" },
		{ "/usr/link", "l ../usr/file" },
		{ "/usr/fifo", "p 622" },
		{ "/dev", "d 755" },
		{ "/dev/null", "-" },
		{ "/dev/sda", "-" },
		{ "/dev/zero", "-" },
		{ 0 },
	};

	play_tar(state, members, sights, counts_of_kinds);
}

static void modes_are_kept_whatever_they_are(void **state)
{
	static const struct member members[] = {
		{ "su", .mode = 04755, .data = "x" },
		{ "sg", .mode = 02711, .data = "x" },
		{ "tmp", '5', .mode = 01777 },
		{ "group", '5', .mode = 02775 },
		{ "group/in", '5', .mode = 0700 },
		{ "none", .mode = 07000, .data = "x" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "su", "f 4755 x" },
		{ "sg", "f 2711 x" },
		{ "tmp", "d 1777" },
		{ "group", "d 2775" },
		{ "group/in", "d 700" },
		{ "none", "f 7000 x" },
		{ 0 },
	};

	play_tar(state, members, sights, NULL);
}

static void a_directory_without_w_receives_its_files(void **state)
{
	static const struct member members[] = {
		{ "d", '5', .mode = 0555, .mtime = 1000 },
		{ "d/f", .data = "x" },
		{ "d/e/", '5', .mode = 0111, .mtime = 2000 },
		{ "d/e/g", .data = "y" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "d", "d 555" },
		{ "d/f", "f 644 x" },
		{ "d/e", "d 111" },
		{ "d/e/g", "f 644 y" },
		{ 0 },
	};

	play_tar(state, members, sights, NULL);
}

static void the_last_of_several_wins(void **state)
{
	static const struct member members[] = {
		{ "f", .data = "one" },
		{ "alias", '1', .data = "f" },
		{ "f", .data = "two", .mode = 0600 },
		{ "d/in", .data = "stays" },
		{ "d", '5', .mode = 0700 },
		{ "d", '5', .mode = 0750 },
		{ "was/dir/deep", .data = "x" },
		{ "was/dir", .data = "file" },
		{ "to", '2', .data = "d" },
		{ "to", '5', .mode = 0755 },
		{ "to/x", .data = "x" },
		{ "gone", .data = "x" },
		{ "gone", .type = '3' },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "f", "f 600 two" },
		{ "alias", "f 644 one" },
		{ "d", "d 750" },
		{ "d/in", "f 644 stays" },
		{ "was/dir", "f 644 file" },
		{ "to", "d 755" },
		{ "to/x", "f 644 x" },
		{ "d/x", "-" },
		{ "gone", "-" },
		{ 0 },
	};

	play_tar(state, members, sights, NULL);
}

static void hard_links_to_themselves_and_twice_stay(void **state)
{
	static const struct member members[] = {
		{ "a", .data = "x" },
		{ "a", '1', .data = "a" },
		{ "b", '1', .data = "./a" },
		{ "b", '1', .data = "/a" },
		{ "s", '2', .data = "nowhere" },
		{ "t", '1', .data = "s" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "a", "f 644+2 x" },
		{ "b", "f 644+2 x" },
		{ "t", "l nowhere" },
		{ 0 },
	};

	play_tar(state, members, sights, NULL);
}

/* ---- names ------------------------------------------------------------------------------- */

static void parents_are_made_and_links_to_them_followed(void **state)
{
	static const struct member members[] = {
		{ "bin", '2', .data = "usr/bin" },
		{ "abs", '2', .data = "/usr/lib" },
		{ "bin/sh", .data = "sh" },
		{ "usr/lib", '5', .mode = 0711 },
		{ "abs/c.so", .data = "c" },
		{ "a/b/c/d", .data = "d" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "/bin", "l usr/bin" },        { "/usr/bin/sh", "f 644 sh" },
		{ "/abs", "l /usr/lib" },       { "/usr/lib", "d 711" },
		{ "/usr/lib/c.so", "f 644 c" }, { "/a/b", "d 755" },
		{ "/a/b/c/d", "f 644 d" },      { 0 },
	};

	play_tar(state, members, sights, NULL);
}

#define TEN  "1234567890"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define BIG                                                                              \
	LONG "12345678901234567890123456789012345678901234567890"                        \
	     "12345678901234567890123456789012345678901234567890"

static void names_are_bytes(void **state)
{
	static const struct member members[] = {
		{ "new\nline", .data = "1" },
		{ "\xff\xfe", .data = "2" },
		{ "caf\xc3\xa9", .data = "3" },
		/* The same to a reader, but not the same: decomposed, in a pax header. */
		{ "x", .data = "4", .pax = { { "path", "cafe\xcc\x81", 0 } } },
		{ "y", .data = "5", .pax = { { "path", "caf\xc3\xa9s", 0 } } },
		{ "z", '2', .data = "to", .pax = { { "linkpath", "cafe\xcc\x81", 0 } } },
		{ LONG "/" LONG, .data = "6" },
		{ "././@LongLink", 'L', .data = "gnu/" LONG },
		{ "cut", .data = "7" },
		{ BIG, .data = "8" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "new\nline", "f 644 1" },
		{ "\xff\xfe", "f 644 2" },
		{ "caf\xc3\xa9", "f 644 3" },
		{ "cafe\xcc\x81", "f 644 4" },
		{ "caf\xc3\xa9s", "f 644 5" },
		{ "z", "l cafe\xcc\x81" },
		{ LONG "/" LONG, "f 644 6" },
		{ "gnu/" LONG, "f 644 7" },
		{ BIG, "f 644 8" },
		{ 0 },
	};

	play_tar(state, members, sights, NULL);
}

static void a_prefix_is_stripped_and_the_rest_left_out(void **state)
{
	static const struct member members[] = {
		{ "manifest", .data = "{}" },
		{ "rootfs", '5', .mode = 0700 },
		{ "rootfs/etcd", .mode = 0755, .data = "x" },
		{ "./rootfs/ctl", '1', .data = "rootfs/etcd" },
		{ "rootfs2/no", .data = "x" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "/", "d 700" },
		{ "etcd", "f 755+2 x" },
		{ "ctl", "f 755+2 x" },
		{ "manifest", "-" },
		{ "rootfs", "-" },
		{ "no", "-" },
		{ 0 },
	};
	const struct scene scene = {
		.options = { .strip = "rootfs/" },
		.layers = { members },
		.sights = sights,
	};

	scene_play(state, &scene);
}

/* ---- contents ---------------------------------------------------------------------------- */

static void look_at_holes(const struct extracted *counts)
{
	struct stat stat;
	char end[4] = "";
	int fd = open("sparse", O_RDONLY | O_CLOEXEC);

	expect(fstat(fd, &stat) == 0 && stat.st_size == 1048576, "its size is wrong");
	expect(stat.st_blocks < 100, "%d blocks are no holes", (int)stat.st_blocks);
	expect(pread(fd, end, 3, 524288) == 3 && strcmp(end, "abc") == 0, "no abc");
	expect(counts->bytes == 512, "%d bytes were counted", (int)counts->bytes);
	close(fd);
}

static void holes_of_sparse_files_stay_holes(void **state)
{
	static const struct member members[] = {
		{ "GNUSparseFile.0/sparse", .data = "abc", .size = 512, .repeat = 0,
		  .pax = { { "GNU.sparse.name", "sparse", 0 },
			   { "GNU.sparse.size", "1048576", 0 },
			   { "GNU.sparse.numblocks", "1", 0 },
			   { "GNU.sparse.map", "524288,512", 0 } } },
		{ 0 },
	};

	play_tar(state, members, NULL, look_at_holes);
}

/* ---- metadata ---------------------------------------------------------------------------- */

static void expect_time(const char *path, long long seconds, long nanoseconds)
{
	struct stat stat;

	expect(lstat(path, &stat) == 0, "%s: %s", path, strerror(errno));
	expect(stat.st_mtim.tv_sec == seconds && stat.st_mtim.tv_nsec == nanoseconds,
	       "%s is of %d.%d", path, (int)stat.st_mtim.tv_sec,
	       (int)stat.st_mtim.tv_nsec);
}

static void look_at_times(const struct extracted *counts)
{
	(void)counts;
	expect_time("d/f", 1000000000, 123456789);
	expect_time("d/l", 5, 0);
	expect_time("d/p", 6, 0);
	expect_time("d", 42, 0);
	expect_time("old", -2, 0);
	expect_time("implied", 77, 0);
	expect_time("implied/more", 77, 0);
	expect_time(".", 1000000000, 123456789);
}

static void times_are_kept_to_the_nanosecond(void **state)
{
	static const struct member members[] = {
		{ "d/f", .pax = { { "mtime", "1000000000.123456789", 0 } } },
		{ "d", '5', .mode = 0755, .mtime = 42 },
		{ "d/l", '2', .data = "f", .mtime = 5 },
		{ "d/p", '6', .mtime = 6 },
		{ "old", .pax = { { "mtime", "-2", 0 } } },
		{ "implied/more/f", .mtime = 77 },
		{ 0 },
	};

	play_tar(state, members, NULL, look_at_times);
}

static void look_at_attributes(const struct extracted *counts)
{
	char value[64] = "";

	expect(getxattr("f", "user.mine", value, sizeof(value)) == 5 &&
		       strcmp(value, "value") == 0,
	       "user.mine is '%s'", value);
	expect(getxattr("f", "user.overlay.opaque", value, sizeof(value)) < 0, "opaque");
	expect(getxattr("d", "user.overlay.opaque", value, sizeof(value)) < 0, "opaque");
	expect(getxattr("f", "trusted.overlay.opaque", value, sizeof(value)) < 0,
	       "trusted");
	expect(getxattr("cap", "security.capability", value, sizeof(value)) == 20,
	       "the capabilities are lost");
	expect(getxattr("d", "user.d", value, sizeof(value)) == 1, "user.d is lost");
	expect(counts->dropped_xattrs == 5, "%d were dropped",
	       (int)counts->dropped_xattrs);
}

static void attributes_of_users_are_kept_and_no_others(void **state)
{
	/* cap_net_raw+ep, revision 2 (capabilities(7)) */
	static const char capability[20] = { 1, 0, 0, 2, 0, 32 };
	static const struct member members[] = {
		{ "f", .data = "x",
		  .pax = { { "SCHILY.xattr.user.mine", "value", 0 },
			   { "SCHILY.xattr.user.overlay.opaque", "y", 0 },
			   { "SCHILY.xattr.trusted.overlay.opaque", "y", 0 },
			   { "SCHILY.xattr.security.selinux", "label", 0 } } },
		{ "d", '5', .mode = 0755,
		  .pax = { { "SCHILY.xattr.user.d", "1", 0 },
			   { "SCHILY.xattr.user.overlay.opaque", "y", 0 } } },
		{ "cap", .data = "x", .mode = 0755,
		  .pax = { { "SCHILY.xattr.security.capability", capability, 20 } } },
		{ "l", '2', .data = "f", .pax = { { "SCHILY.xattr.user.l", "1", 0 } } },
		{ 0 },
	};

	play_tar(state, members, NULL, look_at_attributes);
}

static void ids_that_are_not_mapped_are_an_error(void **state)
{
	static const struct member users[] = { { "usr/of5", .data = "x", .uid = 5 },
					       { 0 } };
	static const struct member groups[] = { { "link", '2', .data = "x", .gid = 42 },
						{ 0 } };
	static const struct member none[] = {
		{ "f", .pax = { { "uid", "4294967295", 0 } } }, { 0 }
	};
	static const struct member huge[] = {
		{ "f", .pax = { { "gid", "8589934592", 0 } } }, { 0 }
	};
	static const struct member below[] = { { "f", .pax = { { "uid", "-1", 0 } } },
					       { 0 } };
	struct scene scene = {
		.layers = { users },
		.error = "give usr/of5 to user 5, which the id map does not have",
		.hint = "--squash-ids ",
	};

	scene_play(state, &scene);
	scene.layers[0] = groups;
	scene.error = "give link to group 42, ";
	scene_play(state, &scene);
	scene.layers[0] = none;
	scene.error = "give f to user 4294967295, ";
	scene_play(state, &scene);
	scene.layers[0] = huge;
	scene.error = "give f to group 8589934592, ";
	scene_play(state, &scene);
	scene.layers[0] = below;
	scene.error = "give f to user -1, ";
	scene_play(state, &scene);
}

static void look_at_squashed(const struct extracted *counts)
{
	static const char name[] = "user.containers.override_stat";
	char value[64] = "";
	struct stat stat;

	(void)counts;
	expect(lstat("f", &stat) == 0 && stat.st_uid == 0 && stat.st_gid == 0, "not 0");
	expect(getxattr("f", name, value, sizeof(value)) > 0, "no owner was recorded");
	expect(strcmp(value, "5:70000:04755") == 0, "it is '%s'", value);
	memset(value, 0, sizeof(value));
	expect(getxattr("d", name, value, sizeof(value)) > 0, "no owner was recorded");
	expect(strcmp(value, "7:0:0711") == 0, "it is '%s'", value);
	expect(getxattr("root", name, value, sizeof(value)) < 0, "an owner was recorded");
}

static void squashed_ids_are_recorded(void **state)
{
	static const struct member members[] = {
		{ "f", .data = "x", .mode = 04755, .uid = 5, .gid = 70000 },
		{ "d", '5', .mode = 0711, .uid = 7 },
		{ "l", '2', .data = "f", .uid = 7, .gid = 7 },
		{ "root", .data = "x" },
		{ 0 },
	};
	static const struct sight sights[] = {
		{ "f", "f 4755 x" }, { "d", "d 711" }, { "l", "l f" }, { 0 }
	};
	const struct scene scene = {
		.options = { .squash = true },
		.layers = { members },
		.sights = sights,
		.after = look_at_squashed,
	};

	scene_play(state, &scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_file_is_made),
		cmocka_unit_test(modes_are_kept_whatever_they_are),
		cmocka_unit_test(a_directory_without_w_receives_its_files),
		cmocka_unit_test(the_last_of_several_wins),
		cmocka_unit_test(hard_links_to_themselves_and_twice_stay),
		cmocka_unit_test(parents_are_made_and_links_to_them_followed),
		cmocka_unit_test(names_are_bytes),
		cmocka_unit_test(a_prefix_is_stripped_and_the_rest_left_out),
		cmocka_unit_test(holes_of_sparse_files_stay_holes),
		cmocka_unit_test(times_are_kept_to_the_nanosecond),
		cmocka_unit_test(attributes_of_users_are_kept_and_no_others),
		cmocka_unit_test(ids_that_are_not_mapped_are_an_error),
		cmocka_unit_test(squashed_ids_are_recorded),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
