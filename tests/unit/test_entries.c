/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the sandbox's own over those of a root, which must not be changed by it. */
#include "tests/unit/nursery.h"
#include "tests/unit/roots.h"
#include "tests/unit/temporary.h"
#include "userns/userns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* What a root may have as resolv.conf; the last is a link. */
static const char *const resolv_confs[] = {
	NULL,
	"",
	"nameserver 127.0.0.53",
	"nameserver ::1",
	"-> ../run/systemd/resolve/stub-resolv.conf",
	"-> /run/resolvconf/resolv.conf",
	"-> resolv.conf.real",
};

static void make_resolv_conf(const struct temporary *temporary, const char *what)
{
	const char *path = path_of(temporary, "root/etc/resolv.conf");

	if (unlink(path) < 0 && errno != ENOENT)
		abort();
	if (what && !strncmp(what, "-> ", 3)) {
		if (symlink(what + 3, path) < 0)
			abort();
	} else if (what) {
		temporary_file(temporary, "root/etc/resolv.conf", what, strlen(what));
	}
}

static struct mount_entry own_resolv_conf(void)
{
	return (struct mount_entry){ .kind = MOUNT_DATA,
				     .dest = "/etc/resolv.conf",
				     .mode = 0644,
				     .content = "nameserver 10.0.2.3\n",
				     .content_size = 20 };
}

static void file_over(const void *context, enum root_mode mode)
{
	struct mount_entry mounts[] = { { .kind = MOUNT_SCRATCH, .dest = "/run" },
					own_resolv_conf() };
	const struct rootfs_spec spec = with_mounts(context, mode, mounts, COUNT(mounts));
	struct stat status;

	if (mode == ROOT_RO)
		mounts[1].flags = MOUNT_F_RDONLY;
	enter(&spec);
	expect_file("/etc/resolv.conf", "nameserver 10.0.2.3");
	expect(stat("/etc/resolv.conf", &status) == 0 && (status.st_mode & 07777) == 0644,
	       "mode %o", status.st_mode);
	expect((errno_of_write("/etc/resolv.conf") == 0) == (mode != ROOT_RO),
	       "it can be written or not");
	expect_file("/etc/passwd", "root");
}

static void file_in_layer(const void *context)
{
	file_over(context, ROOT_COW);
}

static void file_in_read_only_root(const void *context)
{
	file_over(context, ROOT_RO);
}

static void a_file_lies_over_whatever_is_there(void **state)
{
	const struct temporary *temporary = *state;

	for (size_t i = 0; i < COUNT(resolv_confs); i++) {
		const char *what = resolv_confs[i];

		make_resolv_conf(temporary, what);
		play(state, file_in_layer);
		play(state, file_in_read_only_root);
		assert_false(is_there(path_of(temporary, "root/run")));
		assert_false(is_there(path_of(temporary, "root/etc/resolv.conf.real")));
		if (what && what[0] == 'n')
			expect_file(path_of(temporary, "root/etc/resolv.conf"), what);
		if (!what)
			assert_false(
				is_there(path_of(temporary, "root/etc/resolv.conf")));
	}
	make_resolv_conf(temporary, NULL);
}

static void no_place_for_file(const void *context)
{
	struct mount_entry mount = own_resolv_conf();
	const struct rootfs_spec spec = with_mounts(context, ROOT_RW, &mount, 1);

	expect_refused(&spec, "nothing is made in directories of the host");
}

static void no_place_is_passed_over(const void *context)
{
	struct mount_entry mount = own_resolv_conf();
	const struct rootfs_spec spec = with_mounts(context, ROOT_RW, &mount, 1);

	mount.flags = MOUNT_F_OPTIONAL;
	enter(&spec);
	expect(!is_there("/etc/resolv.conf"), "it was made");
}

static void a_root_that_is_written_through_gets_no_file(void **state)
{
	play(state, no_place_for_file);
	play(state, no_place_is_passed_over);
	assert_false(is_there(path_of(*state, "root/etc/resolv.conf")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_lies_over_whatever_is_there),
		cmocka_unit_test(a_root_that_is_written_through_gets_no_file),
	};

	return cmocka_run_group_tests(tests, make_trees, temporary_remove);
}
