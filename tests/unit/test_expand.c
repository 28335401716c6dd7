/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults, and what sugar turns into. */
#include "tests/unit/planning.h"

#include "base/accounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MADE(words) assert_int_equal(planning_root(at, words), 0)

static int host(struct planning *at, const char *words)
{
	char text[4096];

	snprintf(text, sizeof(text), "--no-config --groups keep %s true", words);
	return planning_words(at, text);
}

#define MADE_ON_HOST(words) assert_int_equal(host(at, words), 0)

static size_t index_of(const struct planning *at, const char *dest)
{
	size_t index = 0;

	if (!planning_mount(at, dest, &index))
		fail_msg("nothing is mounted on %s", dest);
	return index;
}

/* ---- the host's own root ---- */

static void the_host_root_is_read_only_with_the_home_hidden(void **state)
{
	struct planning *at = *state;
	const struct mount_entry *home;

	MADE_ON_HOST("");
	home = planning_mount(at, planning_path(at, "home"), NULL);
	assert_int_equal(at->plan.rootfs.kind, ROOT_HOST);
	assert_int_equal(at->plan.rootfs.mode, ROOT_RO);
	assert_non_null(home);
	assert_int_equal(home->kind, MOUNT_SCRATCH);
	assert_int_equal(home->mode, 0700);
	assert_int_equal(planning_mount(at, "/tmp", NULL)->kind, MOUNT_SCRATCH);
	assert_int_equal(planning_mount(at, "/tmp", NULL)->mode, 01777);
	assert_int_equal(planning_mount(at, "/run", NULL)->mode, 0755);
	assert_int_equal(planning_mount(at, "/dev", NULL)->kind, MOUNT_DEV);
	assert_int_equal(planning_mount(at, "/proc", NULL)->kind, MOUNT_PROC);
	assert_null(planning_mount(at, "/proc", NULL)->source);
	assert_int_equal(planning_mount(at, "/sys", NULL)->kind, MOUNT_SYSFS);
	assert_null(at->plan.namespaces.hostname);
	assert_true(at->plan.net.loopback);
}

static void covers_come_before_what_is_asked_for(void **state)
{
	struct planning *at = *state;
	const char *work = planning_path(at, "work");

	MADE_ON_HOST("--ro /etc:/usr/share --tmpfs /opt --mask /etc/hosts");
	assert_true(index_of(at, planning_path(at, "home")) < index_of(at, "/tmp"));
	assert_true(index_of(at, "/tmp") < index_of(at, work));
	assert_true(index_of(at, "/sys") < index_of(at, work));
	assert_true(index_of(at, work) < index_of(at, "/usr/share"));
	assert_true(index_of(at, "/usr/share") < index_of(at, "/opt"));
	assert_true(index_of(at, "/opt") < index_of(at, "/etc/hosts"));
	assert_int_equal(index_of(at, "/etc/hosts"), at->plan.rootfs.mount_count - 1);
}

static void sockets_of_daemons_are_covered(void **state)
{
	struct planning *at = *state;
	const struct mount_entry *spool;

	MADE_ON_HOST("");
	spool = planning_mount(at, "/var/spool", NULL);
	if (access("/var/spool", F_OK) < 0)
		skip();
	assert_int_equal(spool->kind, MOUNT_MASK);
	assert_int_equal(spool->flags, MOUNT_F_OPTIONAL | MOUNT_F_NOFOLLOW);
}

static void a_current_directory_does_not_uncover_them(void **state)
{
	struct planning *at = *state;
	size_t masked;

	if (access("/var/spool", X_OK) < 0)
		skip();
	assert_int_equal(chdir("/var"), 0);
	MADE_ON_HOST("");
	assert_true(index_of(at, "/var") < index_of(at, "/var/spool"));
	assert_int_equal(chdir("/var/spool"), 0);
	MADE_ON_HOST("");
	masked = index_of(at, "/var/spool");
	assert_int_equal(at->plan.rootfs.mounts[masked].kind, MOUNT_MASK);
	/* next is the directory, then what else the machine has of them */
	assert_int_equal(at->plan.rootfs.mounts[masked + 1].kind, MOUNT_COW);
	assert_string_equal(at->plan.rootfs.mounts[masked + 1].dest, "/var/spool");
	assert_int_equal(chdir(planning_path(at, "work")), 0);
}

static void the_current_directory_is_copy_on_write_at_its_own_path(void **state)
{
	struct planning *at = *state;
	const char *work = planning_path(at, "work");

	MADE_ON_HOST("");
	assert_int_equal(planning_mount(at, work, NULL)->kind, MOUNT_COW);
	assert_string_equal(planning_mount(at, work, NULL)->source, work);
	assert_string_equal(at->plan.process.cwd, work);
	MADE_ON_HOST("--cwd ro");
	assert_int_equal(planning_mount(at, work, NULL)->kind, MOUNT_BIND);
	assert_true(planning_mount(at, work, NULL)->flags & MOUNT_F_RDONLY);
	MADE_ON_HOST("--cwd rw");
	assert_false(planning_mount(at, work, NULL)->flags & MOUNT_F_RDONLY);
	MADE_ON_HOST("--cwd off");
	assert_null(planning_mount(at, work, NULL));
	assert_string_equal(at->plan.process.cwd, "/");
}

static void rw_dot_takes_the_place_of_the_copy(void **state)
{
	struct planning *at = *state;
	const char *work = planning_path(at, "work");
	size_t index;

	MADE_ON_HOST("--rw .");
	assert_int_equal(planning_mount(at, work, &index)->kind, MOUNT_BIND);
	assert_int_equal(index, at->plan.rootfs.mount_count - 1);
	assert_string_equal(at->plan.process.cwd, work);
}

static void refuse_cwd(struct planning *at, const char *dir, const char *text)
{
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(host(at, ""), -1);
	assert_non_null(strstr(at->err.text, text));
	assert_int_equal(at->err.id, ERROR_CWD_UNSUITABLE);
	assert_non_null(strstr(at->err.hint, "--cwd off"));
	MADE_ON_HOST("--cwd off");
	assert_int_equal(chdir(planning_path(at, "work")), 0);
}

static void unsuitable_current_directories_are_refused(void **state)
{
	struct planning *at = *state;

	refuse_cwd(at, planning_path(at, "home"), "it is the home directory");
	refuse_cwd(at, at->path, "lies below it");
	refuse_cwd(at, "/", "it is the root");
	refuse_cwd(at, "/tmp",
		   strncmp(at->path, "/tmp/", 5) ? "/tmp is private" : "below it");
	refuse_cwd(at, "/proc", "the sandbox has its own there");
	refuse_cwd(at, "/dev", "the sandbox has its own there");
	refuse_cwd(at, "/sys/kernel", "the sandbox has its own there");
}

static void a_home_behind_a_link_is_hidden_where_it_is(void **state)
{
	struct planning *at = *state;

	assert_int_equal(symlink("home", planning_path(at, "link")), 0);
	setenv("HOME", planning_path(at, "link"), 1);
	MADE_ON_HOST("");
	assert_non_null(planning_mount(at, planning_path(at, "home"), NULL));
	refuse_cwd(at, planning_path(at, "home"), "it is the home directory");
	setenv("HOME", planning_path(at, "home"), 1);
}

static void a_removed_current_directory_is_named(void **state)
{
	struct planning *at = *state;
	const char *gone = planning_path(at, "gone");

	assert_int_equal(mkdir(gone, 0755), 0);
	assert_int_equal(chdir(gone), 0);
	assert_int_equal(rmdir(gone), 0);
	assert_int_equal(host(at, ""), -1);
	assert_string_equal(at->err.text, "find the current directory");
	assert_int_equal(at->err.id, ERROR_CWD_UNSUITABLE);
	MADE_ON_HOST("--cwd off");
	assert_int_equal(chdir(planning_path(at, "work")), 0);
}

static void the_host_root_stays_as_it_is(void **state)
{
	struct planning *at = *state;

	assert_int_equal(host(at, "--root host --root-mode ro"), 0);
	assert_int_equal(host(at, "--root / --root-mode rw"), -1);
	assert_non_null(strstr(at->err.text, "the host's own root is always read-only"));
	assert_int_equal(host(at, "--upper @/work"), -1);
	assert_non_null(strstr(at->err.text, "use --upper: the host's own root"));
}

/* ---- a directory as root ---- */

static void a_directory_root_is_copy_on_write(void **state)
{
	struct planning *at = *state;

	MADE("");
	assert_int_equal(at->plan.rootfs.kind, ROOT_DIRECTORY);
	assert_int_equal(at->plan.rootfs.mode, ROOT_COW);
	assert_string_equal(at->plan.rootfs.path, planning_path(at, "root"));
	assert_string_equal(at->plan.rootfs.mounts[0].dest, "/proc");
	assert_string_equal(at->plan.rootfs.mounts[1].dest, "/sys");
	assert_string_equal(at->plan.rootfs.mounts[2].dest, "/dev");
	assert_string_equal(at->plan.rootfs.mounts[3].dest, "/tmp");
	assert_string_equal(at->plan.rootfs.mounts[4].dest, "/run");
	assert_string_equal(at->plan.namespaces.hostname, "sbx");
	assert_true(at->plan.namespaces.hostname_optional);
	assert_string_equal(at->plan.process.cwd, "/");
	assert_null(planning_mount(at, planning_path(at, "work"), NULL));
}

static void a_writable_root_keeps_its_own_tmp(void **state)
{
	struct planning *at = *state;

	MADE("--root-mode rw");
	assert_int_equal(at->plan.rootfs.mode, ROOT_RW);
	assert_null(planning_mount(at, "/tmp", NULL));
	assert_null(planning_mount(at, "/run", NULL));
	assert_non_null(planning_mount(at, "/dev", NULL));
	planning_refuses_root(at, "--root-mode rw --upper @/work",
			      "use --upper: the root is not");
	MADE("--upper @/work");
	assert_string_equal(at->plan.rootfs.upper, planning_path(at, "work"));
}

static void a_root_may_be_named_in_any_way(void **state)
{
	struct planning *at = *state;

	assert_int_equal(planning_words(at, "--no-config -R ../root/ tool"), 0);
	assert_string_equal(at->plan.rootfs.path, planning_path(at, "root"));
	assert_int_equal(symlink("root", planning_path(at, "rootlink")), 0);
	assert_int_equal(planning_words(at, "--no-config -R @/rootlink tool"), 0);
	assert_string_equal(at->plan.rootfs.path, planning_path(at, "root"));
	planning_refuses(at, "--no-config -R @/none tool", "none: it does not exist");
	assert_int_equal(at->err.id, ERROR_ROOT_NOT_DIRECTORY);
	planning_refuses(at, "--no-config -R @/root/etc/passwd tool",
			 "it is neither a directory nor an archive");
}

static void a_root_that_is_not_there_may_be_the_name_of_an_image(void **state)
{
	struct planning *at = *state;

	planning_refuses(at, "--no-config -R nowhere.io/library/web:1 tool",
			 "does not exist");
	assert_non_null(strstr(at->err.hint, "docker://nowhere.io/library/web:1 "));
	planning_refuses(at, "--no-config -R nowhere.tar tool", "it does not exist");
	assert_string_equal(at->err.hint, "");
	assert_int_equal(symlink("nowhere", planning_path(at, "dangling")), 0);
	planning_refuses(at, "--no-config -R @/dangling tool", "a link to nowhere");
	assert_string_equal(at->err.hint, "");
}

static void a_directory_with_a_root_in_it_is_none(void **state)
{
	struct planning *at = *state;

	assert_int_equal(mkdir(planning_path(at, "bundle"), 0700), 0);
	assert_int_equal(mkdir(planning_path(at, "bundle/rootfs"), 0700), 0);
	assert_int_equal(mkdir(planning_path(at, "bundle/config.json"), 0700), 0);
	planning_refuses(at, "--no-config -R @/bundle tool",
			 "a bundle of an OCI runtime");
	assert_non_null(strstr(at->err.hint, "/bundle/rootfs"));
	assert_int_equal(mkdir(planning_path(at, "bundle/usr"), 0700), 0);
	planning_refuses(at, "--no-config -R @/bundle tool", "tool");
}

static void an_archive_is_refused_with_the_way_to_unpack_it(void **state)
{
	struct planning *at = *state;
	FILE *file = fopen(planning_path(at, "image.tar.gz"), "we");

	assert_non_null(file);
	fwrite("\x1f\x8b\x08\0\0\0\0\0\0\3", 1, 10, file);
	fclose(file);
	planning_refuses(at, "--no-config -R @/image.tar.gz tool",
			 "images cannot be used here");
	assert_int_equal(at->err.id, ERROR_ARCHIVE_UNSUPPORTED);
	planning_refuses(at, "--no-config -R oci:dir tool", "images cannot be used here");
	planning_refuses(at, "--no-config -R - tool", "images cannot be used here");
	planning_refuses(at, "--no-config -R docker://alpine tool",
			 "images are not fetched");
}

/* ---- mounts ---- */

static void binds_say_what_they_mean(void **state)
{
	struct planning *at = *state;
	const struct mount_entry *entry;

	planning_write(at, "work/a:b/x", "");
	MADE("--ro . --rw a\\:b:/w --cow .:/c --dev-bind /dev/null --rw-bind ~:/h -v ..:/v:ro,z");
	entry = planning_mount(at, planning_path(at, "work"), NULL);
	assert_int_equal(entry->kind, MOUNT_BIND);
	assert_int_equal(entry->flags, MOUNT_F_RDONLY | MOUNT_F_NOSUID | MOUNT_F_NODEV);
	entry = planning_mount(at, "/w", NULL);
	assert_string_equal(entry->source, planning_path(at, "work/a:b"));
	assert_int_equal(entry->flags, MOUNT_F_NOSUID | MOUNT_F_NODEV);
	assert_int_equal(planning_mount(at, "/c", NULL)->kind, MOUNT_COW);
	assert_int_equal(planning_mount(at, "/dev/null", NULL)->flags, MOUNT_F_NOSUID);
	assert_string_equal(planning_mount(at, "/h", NULL)->source,
			    planning_path(at, "home"));
	entry = planning_mount(at, "/v", NULL);
	assert_string_equal(entry->source, planning_path(at, "work/.."));
	assert_true(entry->flags & MOUNT_F_RDONLY);
	MADE("--ro ..");
	assert_non_null(planning_mount(at, at->path, NULL));
}

static void docker_spellings_mean_the_same(void **state)
{
	struct planning *at = *state;
	const struct mount_entry *entry;

	planning_write(at, "work/a,b/x", "");
	MADE("--mount type=bind,source=/etc,target=/a,readonly "
	     "--mount type=bind,src=a,dst=/none,ro=false --no-mount "
	     "--mount \"src=a,b\",type=bind,dst=/b "
	     "--mount type=tmpfs,destination=/c,tmpfs-size=1M,tmpfs-mode=700 "
	     "-v /etc:/d:O");
	entry = planning_mount(at, "/b", NULL);
	assert_string_equal(entry->source, planning_path(at, "work/a,b"));
	entry = planning_mount(at, "/c", NULL);
	assert_int_equal(entry->kind, MOUNT_TMPFS);
	assert_int_equal(entry->size, 1 << 20);
	assert_int_equal(entry->mode, 0700);
	assert_int_equal(planning_mount(at, "/d", NULL)->kind, MOUNT_COW);
	MADE("--mount type=bind,source=/etc,target=/a,readonly");
	assert_true(planning_mount(at, "/a", NULL)->flags & MOUNT_F_RDONLY);
}

static void a_tmpfs_has_size_and_mode(void **state)
{
	struct planning *at = *state;

	MADE("--tmpfs /a --tmpfs /b:size=2M,mode=0750 --shm-size 8M --scratch-size 1G");
	assert_int_equal(planning_mount(at, "/a", NULL)->mode, 01777);
	assert_int_equal(planning_mount(at, "/b", NULL)->size, 2 << 20);
	assert_int_equal(planning_mount(at, "/b", NULL)->mode, 0750);
	assert_int_equal(planning_mount(at, "/dev", NULL)->size, 8 << 20);
	assert_int_equal(at->plan.rootfs.scratch_size, 1 << 30);
}

static void proc_is_new_unless_asked(void **state)
{
	struct planning *at = *state;

	MADE("--proc pids");
	assert_string_equal(planning_mount(at, "/proc", NULL)->source, "pids");
	MADE("--proc host");
	assert_string_equal(planning_mount(at, "/proc", NULL)->source, "host");
	MADE("--share pid");
	assert_string_equal(planning_mount(at, "/proc", NULL)->source, "host");
	MADE("--proc none");
	assert_null(planning_mount(at, "/proc", NULL));
	MADE_ON_HOST("--proc none");
	assert_int_equal(planning_mount(at, "/proc", NULL)->kind, MOUNT_MASK);
	assert_null(planning_mount(at, "/proc/keys", NULL));
}

static void a_time_zone_is_shown_and_named(void **state)
{
	struct planning *at = *state;

	if (access("/usr/share/zoneinfo/Etc/UTC", R_OK) < 0)
		skip();
	MADE("--tz Etc/UTC");
	assert_string_equal(planning_env(at, "TZ"), "Etc/UTC");
	assert_string_equal(planning_mount(at, "/etc/localtime", NULL)->source,
			    "/usr/share/zoneinfo/Etc/UTC");
}

/* ---- identity ---- */

static void the_host_root_has_one_id(void **state)
{
	struct planning *at = *state;

	MADE_ON_HOST("");
	assert_int_equal(at->plan.process.uid, geteuid());
	assert_int_equal(at->plan.process.gid, getegid());
	assert_int_equal(at->plan.ids.uids.count, 1);
	assert_int_equal(at->plan.ids.uids.ranges[0].inside, geteuid());
	assert_int_equal(at->plan.ids.uids.ranges[0].outside, geteuid());
	assert_int_equal(at->plan.ids.uids.ranges[0].count, 1);
	assert_true(at->plan.policy.caps.kept == 0);
	MADE_ON_HOST("-u 0:0");
	assert_int_equal(at->plan.ids.uids.ranges[0].inside, 0);
	assert_int_equal(at->plan.ids.uids.ranges[0].outside, geteuid());
	assert_true(at->plan.policy.caps.kept == 0);
}

static bool has_ranges(void)
{
	struct subid_range range;
	struct account account;
	struct error err;

	if (!ids_helper_path("newuidmap") || !ids_helper_path("newgidmap"))
		return false;
	return account_by_uid(-1, geteuid(), &account, &err) == 0 &&
	       subids_of_user(SUBID_UID, geteuid(), account.name, &range, 1, &err) > 0 &&
	       subids_of_user(SUBID_GID, geteuid(), account.name, &range, 1, &err) > 0;
}

static void other_roots_have_the_full_range(void **state)
{
	struct planning *at = *state;
	const struct id_map *uids = &at->plan.ids.uids;

	if (!has_ranges())
		skip();
	MADE("");
	assert_int_equal(at->plan.process.uid, 0);
	assert_true(uids->count >= 2);
	assert_int_equal(uids->ranges[0].inside, 0);
	assert_int_equal(uids->ranges[0].outside, geteuid());
	assert_int_equal(uids->ranges[0].count, 1);
	assert_int_equal(uids->ranges[1].inside, 1);
	for (size_t i = 2; i < uids->count; i++)
		assert_int_equal(uids->ranges[i].inside,
				 uids->ranges[i - 1].inside + uids->ranges[i - 1].count);
	assert_true(at->plan.policy.caps.kept == caps_default_root());
	assert_true(at->plan.policy.caps.ambient == 0);
}

static void keep_id_leaves_the_callers_number(void **state)
{
	struct planning *at = *state;
	const struct id_map *uids = &at->plan.ids.uids;
	uint32_t below = 0;

	if (!has_ranges() || geteuid() == 0)
		skip();
	MADE("--map keep-id");
	assert_int_equal(at->plan.process.uid, geteuid());
	assert_int_equal(uids->ranges[0].inside, geteuid());
	assert_int_equal(uids->ranges[0].outside, geteuid());
	for (size_t i = 1; i < uids->count; i++) {
		if (uids->ranges[i].inside < geteuid())
			below += uids->ranges[i].count;
	}
	assert_int_equal(below, geteuid());
	assert_true(at->plan.policy.caps.kept == 0);
}

static void gvisor_has_a_range_with_the_hosts_root_too(void **state)
{
	struct planning *at = *state;
	const struct id_map *uids = &at->plan.ids.uids;

	if (!has_ranges() || geteuid() == 0)
		skip();
	MADE_ON_HOST("--runtime runsc --net none");
	assert_int_equal(at->plan.process.uid, geteuid());
	assert_int_equal(uids->ranges[0].inside, geteuid());
	assert_int_equal(uids->ranges[0].outside, geteuid());
	assert_int_equal(uids->ranges[1].inside, 0);
}

static void gvisor_with_one_id_has_the_root_alone(void **state)
{
	struct planning *at = *state;
	const struct id_map *uids = &at->plan.ids.uids;

	MADE_ON_HOST("--runtime runsc --net none --map single");
	assert_int_equal(at->plan.process.uid, 0);
	assert_int_equal(at->plan.process.gid, 0);
	assert_int_equal(uids->count, 1);
	assert_int_equal(uids->ranges[0].inside, 0);
	assert_int_equal(uids->ranges[0].outside, geteuid());
}

/* The first subordinate range of the caller; needs has_ranges(). */
static struct subid_range own_range(enum subid_kind kind)
{
	struct subid_range range;
	struct account account;
	struct error err;

	if (account_by_uid(-1, geteuid(), &account, &err) != 0 ||
	    subids_of_user(kind, geteuid(), account.name, &range, 1, &err) < 1)
		abort();
	return range;
}

static void triples_are_taken_as_they_are(void **state)
{
	struct planning *at = *state;
	uint32_t start;
	char words[128];

	if (!has_ranges())
		skip();
	start = own_range(SUBID_UID).start;
	snprintf(words, sizeof(words), "--map u:0:%u:1 --map g:0:%u:1 --map u:7:%u:3",
		 geteuid(), getegid(), start);
	assert_int_equal(planning_root(at, words), 0);
	assert_int_equal(at->plan.ids.uids.count, 2);
	assert_int_equal(at->plan.ids.uids.ranges[1].inside, 7);
	assert_int_equal(at->plan.ids.uids.ranges[1].outside, start);
	assert_int_equal(at->plan.ids.uids.ranges[1].count, 3);
	assert_int_equal(at->plan.ids.gids.count, 1);
}

static void a_user_has_to_be_in_the_map(void **state)
{
	struct planning *at = *state;
	char words[128];

	snprintf(words, sizeof(words), "--groups keep --map u:5:%u:1 --map g:5:%u:1",
		 geteuid(), getegid());
	planning_refuses_root(at, words,
			      "use the user id 0: the sandbox's map does not have it");
}

static void an_id_that_was_not_given_is_not_mapped(void **state)
{
	const struct ids_spec foreign = { .uids = { &(struct id_range){ 0, 1, 2 }, 1 } };
	struct planning *at = *state;
	struct subid_range range;
	char words[128];

	if (!has_ranges() || !ids_need_helper(&foreign))
		skip();
	planning_refuses_root(at, "--map 0:1:1",
			      "map the user id 1: /etc/subuid does not give it to you");
	snprintf(words, sizeof(words), "--map u:0:%u:1 --map g:0:1:1", geteuid());
	planning_refuses_root(at, words,
			      "map the group id 1: /etc/subgid does not give it to you");
	range = own_range(SUBID_UID);
	snprintf(words, sizeof(words), "--map u:0:%u:%u --map g:0:%u:1", range.start,
		 range.count, getegid());
	assert_int_equal(planning_root(at, words), 0);
	if (range.start == 0)
		skip();
	snprintf(words, sizeof(words), "--map u:0:%u:2 --map g:0:%u:1", range.start - 1,
		 getegid());
	planning_refuses_root(at, words, "map the user id ");
}

static void a_user_has_a_name_or_numbers(void **state)
{
	struct planning *at = *state;

	if (!has_ranges())
		skip();
	MADE("-u app");
	assert_string_equal(at->plan.process.user_name, "app");
	assert_int_equal(at->plan.process.uid, 7);
	assert_int_equal(at->plan.process.gid, 8);
	assert_false(at->plan.process.gid_given);
	assert_true(at->plan.policy.caps.kept == 0);
	MADE("-u app:staff");
	assert_int_equal(at->plan.process.gid, 9);
	assert_true(at->plan.process.gid_given);
	MADE("-u 7");
	assert_null(at->plan.process.user_name);
	assert_int_equal(at->plan.process.gid, 8);
	MADE("-u 55 --group-add staff --group-add 12");
	assert_int_equal(at->plan.process.gid, 0);
	assert_int_equal(at->plan.process.group_count, 2);
	assert_int_equal(at->plan.process.groups[0], 9);
	assert_int_equal(at->plan.process.groups[1], 12);
	MADE("-u root");
	assert_true(at->plan.policy.caps.kept == caps_default_root());
}

static void capabilities_change_in_order(void **state)
{
	struct planning *at = *state;
	uint64_t raw = caps_by_name("NET_RAW"), chown = caps_by_name("CHOWN");

	MADE("--cap-drop ALL --cap-add net_raw,CAP_CHOWN --cap-drop chown");
	assert_true(at->plan.policy.caps.kept == raw);
	assert_true(at->plan.policy.caps.ambient == 0);
	MADE_ON_HOST("--cap-add CHOWN");
	if (geteuid() != 0) {
		assert_true(at->plan.policy.caps.kept == chown);
		assert_true(at->plan.policy.caps.ambient == chown);
	}
	MADE("--cap-add ALL");
	assert_true(at->plan.policy.caps.kept == caps_all());
}

/* ---- the environment ---- */

static void the_environment_is_clean(void **state)
{
	struct planning *at = *state;

	setenv("SECRET", "x", 1);
	setenv("TERM", "vt100", 1);
	unsetenv("LANG");
	MADE_ON_HOST("");
	assert_string_equal(
		planning_env(at, "PATH"),
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	assert_string_equal(planning_env(at, "TERM"), "vt100");
	assert_string_equal(planning_env(at, "LANG"), "C.UTF-8");
	assert_non_null(planning_env(at, "HOME"));
	assert_null(planning_env(at, "SECRET"));
	assert_true(at->plan.process.env_count <= 5);
	assert_null(at->plan.process.env[at->plan.process.env_count]);
	unsetenv("TERM");
	MADE("");
	assert_string_equal(planning_env(at, "TERM"), "dumb");
	assert_null(planning_env(at, "HOME"));
	assert_true(at->plan.process.env_home);
	assert_int_equal(at->plan.process.env_count, 3);
}

static void variables_are_kept_when_asked(void **state)
{
	struct planning *at = *state;

	setenv("http_proxy", "http://p", 1);
	setenv("SECRET", "x", 1);
	setenv("LANG", "xx", 1);
	MADE("--keep-env=*_proxy");
	assert_string_equal(planning_env(at, "http_proxy"), "http://p");
	assert_null(planning_env(at, "SECRET"));
	MADE("--keep-env -e SECRET=y");
	assert_string_equal(planning_env(at, "SECRET"), "y");
	assert_string_equal(planning_env(at, "LANG"), "xx");
	assert_string_equal(
		planning_env(at, "PATH"),
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	unsetenv("http_proxy");
	unsetenv("LANG");
}

static void later_variables_replace_earlier_ones(void **state)
{
	struct planning *at = *state;

	setenv("SECRET", "x", 1);
	unsetenv("NOTHING");
	planning_write(
		at, "vars",
		"# comment\n\nA=file\nB=two words\r\nSECRET\nNOTHING\nPATH=/bin\n");
	MADE("-e A=option --env-file @/vars -e NOTHING -e EMPTY=");
	assert_string_equal(planning_env(at, "A"), "option");
	assert_string_equal(planning_env(at, "B"), "two words");
	assert_string_equal(planning_env(at, "SECRET"), "x");
	assert_null(planning_env(at, "NOTHING"));
	assert_string_equal(planning_env(at, "EMPTY"), "");
	assert_string_equal(planning_env(at, "PATH"), "/bin");
	planning_write(at, "vars", "A=1\n=b\n");
	planning_refuses_root(at, "--env-file @/vars", "vars:2 is not NAME=VALUE");
}

/* ---- the process ---- */

static void the_umask_is_at_least_022(void **state)
{
	struct planning *at = *state;
	mode_t before = umask(0077);

	MADE("");
	assert_int_equal(at->plan.process.umask, 0077);
	umask(0);
	MADE("");
	assert_int_equal(at->plan.process.umask, 0022);
	assert_int_equal(umask(before), 0);
}

static void core_files_are_off(void **state)
{
	struct planning *at = *state;

	MADE("");
	assert_int_equal(at->plan.policy.limits.rlimit_count, 1);
	assert_true(at->plan.policy.limits.rlimits[0].hard <= 1);
}

static void the_default_policy_holds_where_none_is_named(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;

	MADE("");
	assert_string_equal(at->plan.policy.operand, "default");
	assert_true(at->plan.policy.filter.program.count > 0);
	assert_int_equal(at->plan.policy.landlock.mode, LANDLOCK_AUTO);
	assert_true(at->plan.policy.landlock.scope_signal);
	MADE("--policy none --landlock off");
	assert_int_equal(at->plan.policy.filter.program.count, 0);
	assert_int_equal(at->plan.policy.landlock.mode, LANDLOCK_OFF);
}

static void the_plan_in_words_tells_what_it_does_not_protect(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	const char *text;

	MADE("--net none --share pid --rw /etc:/data --policy none");
	text = plan_describe(&at->plan, &arena);
	assert_non_null(strstr(text, "loopback only"));
	assert_non_null(strstr(text, "no seccomp filter"));
	assert_non_null(strstr(text, "without a pid namespace of its own"));
	assert_non_null(strstr(text, "/data: /etc of the host, writable"));
	MADE("");
	assert_null(strstr(plan_describe(&at->plan, &arena), "without a pid namespace"));
	MADE("--share net");
	assert_non_null(
		strstr(plan_describe(&at->plan, &arena), "the host's own, all of it"));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_host_root_is_read_only_with_the_home_hidden),
		cmocka_unit_test(covers_come_before_what_is_asked_for),
		cmocka_unit_test(sockets_of_daemons_are_covered),
		cmocka_unit_test(a_current_directory_does_not_uncover_them),
		cmocka_unit_test(the_current_directory_is_copy_on_write_at_its_own_path),
		cmocka_unit_test(rw_dot_takes_the_place_of_the_copy),
		cmocka_unit_test(unsuitable_current_directories_are_refused),
		cmocka_unit_test(a_home_behind_a_link_is_hidden_where_it_is),
		cmocka_unit_test(a_removed_current_directory_is_named),
		cmocka_unit_test(the_host_root_stays_as_it_is),
		cmocka_unit_test(a_directory_root_is_copy_on_write),
		cmocka_unit_test(a_writable_root_keeps_its_own_tmp),
		cmocka_unit_test(a_root_that_is_not_there_may_be_the_name_of_an_image),
		cmocka_unit_test(a_directory_with_a_root_in_it_is_none),
		cmocka_unit_test(a_root_may_be_named_in_any_way),
		cmocka_unit_test(an_archive_is_refused_with_the_way_to_unpack_it),
		cmocka_unit_test(binds_say_what_they_mean),
		cmocka_unit_test(docker_spellings_mean_the_same),
		cmocka_unit_test(a_tmpfs_has_size_and_mode),
		cmocka_unit_test(proc_is_new_unless_asked),
		cmocka_unit_test(a_time_zone_is_shown_and_named),
		cmocka_unit_test(the_host_root_has_one_id),
		cmocka_unit_test(other_roots_have_the_full_range),
		cmocka_unit_test(keep_id_leaves_the_callers_number),
		cmocka_unit_test(gvisor_has_a_range_with_the_hosts_root_too),
		cmocka_unit_test(gvisor_with_one_id_has_the_root_alone),
		cmocka_unit_test(triples_are_taken_as_they_are),
		cmocka_unit_test(a_user_has_to_be_in_the_map),
		cmocka_unit_test(an_id_that_was_not_given_is_not_mapped),
		cmocka_unit_test(a_user_has_a_name_or_numbers),
		cmocka_unit_test(capabilities_change_in_order),
		cmocka_unit_test(the_environment_is_clean),
		cmocka_unit_test(variables_are_kept_when_asked),
		cmocka_unit_test(later_variables_replace_earlier_ones),
		cmocka_unit_test(the_umask_is_at_least_022),
		cmocka_unit_test(core_files_are_off),
		cmocka_unit_test(the_default_policy_holds_where_none_is_named),
		cmocka_unit_test(the_plan_in_words_tells_what_it_does_not_protect),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
