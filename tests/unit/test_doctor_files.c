/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"
#include "base/files.h"
#include "launcher/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- files ---------------------------------------------------------------------------------- */

static void the_status_of_a_process_is_read(void **state)
{
	struct host_facts facts = { 0 };

	(void)state;
	host_parse_status("Name:\tSeccomp: 2\nNoNewPrivs:\t1\nSeccomp:\t2\n"
			  "Seccomp_filters:\t1\n",
			  &facts);
	assert_true(facts.filtered);
	assert_true(facts.no_new_privs);
	host_parse_status("Name:\tx\nNoNewPrivs:\t0\nSeccomp:\t0\n", &facts);
	assert_false(facts.filtered);
	assert_false(facts.no_new_privs);
	host_parse_status("", &facts);
	assert_false(facts.filtered);
}

static void covers_of_proc_are_read_and_harmless_ones_are_not(void **state)
{
	struct host_facts facts = { 0 };

	(void)state;
	host_parse_mountinfo("21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
			     "22 21 0:5 / /proc rw - proc proc rw\n"
			     "23 22 0:9 / /proc/sys/fs/binfmt_misc rw - autofs none rw\n"
			     "24 22 0:6 /null /proc/kcore rw - tmpfs none rw\n"
			     "25 22 0:7 / /proc/a\\040b ro - tmpfs none ro\n"
			     "broken\n",
			     &facts);
	assert_true(facts.root_is_mount);
	assert_string_equal(facts.proc_covers, "/proc/kcore /proc/a\\040b");
	host_parse_mountinfo("22 21 0:5 / /proc rw - proc proc rw", &facts);
	assert_false(facts.root_is_mount);
	assert_string_equal(facts.proc_covers, "");
}

static void more_covers_than_there_is_room_for_are_whole_paths(void **state)
{
	struct host_facts facts = { 0 };
	char text[8192] = "";

	(void)state;
	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "24 22 0:6 / /proc/covered%02d rw - tmpfs none rw\n", i);
	host_parse_mountinfo(text, &facts);
	assert_true(strlen(facts.proc_covers) > 400);
	assert_int_equal((strlen(facts.proc_covers) + 1) % 16, 0);
}

static void the_quota_of_keys_is_that_of_the_user(void **state)
{
	static const char text[] = "    0:     9 8/8 3/1000000 48/25000000\n"
				   " 1001:     2 2/2 17/200 28/20000\n";
	struct host_facts facts = { 0 };

	(void)state;
	host_parse_key_users(text, 1001, &facts);
	assert_int_equal(facts.keys_used, 17);
	assert_int_equal(facts.keys_max, 200);
	facts.keys_max = 0;
	host_parse_key_users(text, 5, &facts);
	assert_int_equal(facts.keys_max, 0);
}

static void a_new_range_lies_behind_all_others(void **state)
{
	(void)state;
	assert_int_equal(host_next_free_subid(""), 100000);
	assert_int_equal(host_next_free_subid("alice:100000:65536\n"), 165536);
	assert_int_equal(host_next_free_subid("bob:300000:65536\nalice:100000:65536\n"),
			 365536);
	assert_int_equal(host_next_free_subid("low:10:20\n# alice\nbroken:x:y\n"),
			 100000);
	assert_int_equal(host_next_free_subid("all:1:4294967294\n"), 0);
}

/* A root of files, made in a temporary directory. */
static char root[] = "/tmp/sbx-doctor-XXXXXX";

static void put(const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *slash = strchr(whole + sizeof(root), '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(whole, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(whole, 0755), 0);
}

static void read_root(struct host_facts *facts)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	host_read_files(fd, "relative:/opt/bin::/usr/bin", facts);
	close(fd);
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return files_remove_tree(AT_FDCWD, root);
}

static void a_root_without_anything_is_unknown(void **state)
{
	struct host_facts facts = { 0 };

	(void)state;
	read_root(&facts);
	assert_int_equal(facts.major, 0);
	assert_int_equal(facts.sysctls.userns_clone, -1);
	assert_int_equal(facts.sysctls.max_namespaces[NS_USER], -1);
	assert_int_equal(facts.packages, PACKAGES_UNKNOWN);
	assert_int_equal(facts.subids[SUBID_UID].next_free, 100000);
	assert_string_equal(facts.helpers[SUBID_UID].path, "");
	assert_false(facts.tun.exists);
	assert_false(facts.cgroup.unified);
	assert_string_equal(facts.container, "");
}

static void files_below_a_root_are_read(void **state)
{
	struct host_facts facts = { .uid = 1001 };

	(void)state;
	put("proc/sys/kernel/osrelease", "5.10.0-34-amd64\n");
	put("proc/sys/kernel/unprivileged_userns_clone", "0\n");
	put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	put("proc/sys/user/max_user_namespaces", "4711\n");
	put("proc/sys/net/ipv4/ping_group_range", "1\t0\n");
	put("proc/self/status", "NoNewPrivs:\t1\nSeccomp:\t2\n");
	put("proc/self/cgroup", "1:name=systemd:/x\n0::/user.slice/a\n");
	put("proc/key-users", " 1001:     2 2/2 2/200 28/20000\n");
	put("etc/subuid", "alice:200000:65536\n");
	put("usr/bin/newuidmap", "");
	put("usr/bin/apt-get", "");
	put("run/.containerenv", "");
	put("sys/fs/cgroup/cgroup.controllers", "cpu\n");
	put("sys/fs/cgroup/user.slice/a/cgroup.procs", "");
	put("sys/fs/cgroup/user.slice/a/cgroup.controllers", "memory pids\n");
	read_root(&facts);

	assert_string_equal(facts.release, "5.10.0-34-amd64");
	assert_int_equal(facts.major, 5);
	assert_int_equal(facts.minor, 10);
	assert_int_equal(facts.sysctls.userns_clone, 0);
	assert_int_equal(facts.sysctls.apparmor_restrict, 1);
	assert_int_equal(facts.sysctls.max_namespaces[NS_USER], 4711);
	assert_int_equal(facts.sysctls.ping_first, 1);
	assert_int_equal(facts.sysctls.ping_last, 0);
	assert_true(facts.filtered && facts.no_new_privs);
	assert_int_equal(facts.keys_max, 200);
	assert_int_equal(facts.subids[SUBID_UID].next_free, 265536);
	assert_string_equal(facts.helpers[SUBID_UID].path, "/usr/bin/newuidmap");
	assert_true(facts.helpers[SUBID_UID].executable);
	assert_false(facts.helpers[SUBID_UID].set_id);
	assert_string_equal(facts.fuse_overlayfs, "");
	assert_int_equal(facts.packages, PACKAGES_APT);
	assert_string_equal(facts.container, "podman");
	assert_true(facts.cgroup.unified && facts.cgroup.writable);
	assert_string_equal(facts.cgroup.path, "/user.slice/a");
	assert_string_equal(facts.cgroup.controllers, "memory pids");
}

static void a_sandbox_is_known_by_its_first_process(void **state)
{
	struct host_facts facts = { .uid = 1001 };

	(void)state;
	put(".dockerenv", "");
	put("proc/1/comm", "sbx-init\n");
	read_root(&facts);
	assert_string_equal(facts.container, "sbx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_of_a_process_is_read),
		cmocka_unit_test(covers_of_proc_are_read_and_harmless_ones_are_not),
		cmocka_unit_test(more_covers_than_there_is_room_for_are_whole_paths),
		cmocka_unit_test(the_quota_of_keys_is_that_of_the_user),
		cmocka_unit_test(a_new_range_lies_behind_all_others),
		cmocka_unit_test(a_root_without_anything_is_unknown),
		cmocka_unit_test(files_below_a_root_are_read),
		cmocka_unit_test(a_sandbox_is_known_by_its_first_process),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
