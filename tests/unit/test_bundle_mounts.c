/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/syscalls.h"
#include "tests/unit/bundles.h"

#define MOUNT(members) BUNDLE(",'mounts':[{'destination':'/d'," members "}]", "")
#define MAP(key)       "'" key "':[{'containerID':0,'hostID':1000,'size':2}]"

static const struct mount_entry *read_mount(void **state, const char *text)
{
	const struct rootfs_spec *rootfs = &bundle_read(state, text)->rootfs;

	assert_int_equal(rootfs->mount_count, 1);
	return rootfs->mounts;
}

static void a_bind_takes_what_is_below_only_as_rbind(void **state)
{
	const struct mount_entry *entry = read_mount(
		state, MOUNT("'type':'bind','source':'/s','options':['bind']"));

	assert_int_equal(entry->kind, MOUNT_BIND);
	assert_string_equal(entry->source, "/s");
	assert_string_equal(entry->dest, "/d");
	assert_int_equal(entry->flags, MOUNT_F_SHALLOW);
	entry = read_mount(state,
			   MOUNT("'type':'none','source':'s','options':['rbind']"));
	assert_int_equal(entry->kind, MOUNT_BIND);
	assert_int_equal(entry->flags, 0);
	assert_string_equal(entry->source, "/srv/bundle/s");
	entry = read_mount(state, MOUNT("'type':'bind','source':'/s'"));
	assert_int_equal(entry->kind, MOUNT_BIND);
	assert_int_equal(entry->flags, 0);
}

static void a_destination_without_a_slash_lies_at_the_root(void **state)
{
	const struct mount_entry *entry = read_mount(
		state, BUNDLE(",'mounts':[{'destination':'d','type':'tmpfs'}]", ""));

	assert_string_equal(entry->dest, "/d");
}

/* Every word of the specification, with what it sets and clears. */
enum {
	RO = MOUNT_ATTR_RDONLY,
	NOSUID = MOUNT_ATTR_NOSUID,
	NODEV = MOUNT_ATTR_NODEV,
	NOEXEC = MOUNT_ATTR_NOEXEC,
	NOSYM = MOUNT_ATTR_NOSYMFOLLOW,
	TIMES = 0x70
};

static const struct word {
	const char *word;
	uint64_t set, clear;
} attribute_words[] = {
	{ "ro", RO, 0 },
	{ "rw", 0, RO },
	{ "nosuid", NOSUID, 0 },
	{ "suid", 0, NOSUID },
	{ "nodev", NODEV, 0 },
	{ "dev", 0, NODEV },
	{ "noexec", NOEXEC, 0 },
	{ "exec", 0, NOEXEC },
	{ "nosymfollow", NOSYM, 0 },
	{ "symfollow", 0, NOSYM },
	{ "nodiratime", 0x80, 0 },
	{ "diratime", 0, 0x80 },
	{ "noatime", 0x10, TIMES & ~0x10 },
	{ "strictatime", 0x20, TIMES & ~0x20 },
	{ "relatime", 0, TIMES },
	{ "atime", 0, TIMES },
	{ "norelatime", 0, TIMES },
	{ "nostrictatime", 0, TIMES },
};

static void attributes_are_of_the_mount_or_of_all_below(void **state)
{
	for (size_t i = 0; i < sizeof(attribute_words) / sizeof(attribute_words[0]);
	     i++) {
		const struct word *row = &attribute_words[i];
		const struct mount_attributes *attributes;
		char text[512];

		snprintf(text, sizeof(text),
			 MOUNT("'type':'bind','source':'/s','options':['rbind','%s']"),
			 row->word);
		attributes = read_mount(state, text)->attributes;
		assert_true(attributes->set == row->set);
		assert_true((attributes->clear | row->set) == (row->clear | row->set));
		assert_true(attributes->set_below == 0 && attributes->clear_below == 0);
		snprintf(text, sizeof(text),
			 MOUNT("'type':'bind','source':'/s','options':['rbind','r%s']"),
			 row->word);
		attributes = read_mount(state, text)->attributes;
		assert_true(attributes->set_below == row->set);
		assert_true((attributes->clear_below | row->set) ==
			    (row->clear | row->set));
		assert_true(attributes->set == 0 && attributes->clear == 0);
	}
}

static void the_later_word_wins(void **state)
{
	const struct mount_attributes *attributes =
		read_mount(state,
			   MOUNT("'type':'bind','source':'/s','options':['ro','rw',"
				 "'noatime','strictatime']"))
			->attributes;

	assert_true(attributes->set == 0x20);
	assert_true((attributes->clear & RO) == RO);
}

static void propagation_is_kept_in_order(void **state)
{
	static const struct {
		const char *word;
		unsigned long flags;
	} rows[] = {
		{ "private", MS_PRIVATE },
		{ "rprivate", MS_PRIVATE | MS_REC },
		{ "slave", MS_SLAVE },
		{ "rslave", MS_SLAVE | MS_REC },
		{ "shared", MS_SHARED },
		{ "rshared", MS_SHARED | MS_REC },
		{ "unbindable", MS_UNBINDABLE },
		{ "runbindable", MS_UNBINDABLE | MS_REC },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mount_attributes *attributes;
		char text[512];

		snprintf(text, sizeof(text),
			 MOUNT("'type':'bind','source':'/s','options':['%s','shared']"),
			 rows[i].word);
		attributes = read_mount(state, text)->attributes;
		assert_int_equal(attributes->propagation[0], rows[i].flags);
		assert_int_equal(attributes->propagation[1], MS_SHARED);
		assert_int_equal(attributes->propagation[2], 0);
	}
}

static void file_systems_get_their_own_words(void **state)
{
	const struct mount_entry *entry = read_mount(
		state, MOUNT("'type':'devpts','source':'pts','options':['nosuid',"
			     "'newinstance','ptmxmode=0666','gid=5']"));

	assert_int_equal(entry->kind, MOUNT_FILESYSTEM);
	assert_string_equal(entry->type, "devpts");
	assert_string_equal(entry->source, "pts");
	assert_string_equal(entry->data, "newinstance,ptmxmode=0666,gid=5");
	assert_true(entry->attributes->set == NOSUID);
	entry = read_mount(state, MOUNT("'type':'ext4','options':['sync','dirsync',"
					"'lazytime','mand','defaults','async','loud',"
					"'silent','nomand','nolazytime','iversion',"
					"'noiversion']"));
	assert_string_equal(entry->data, "sync,dirsync,lazytime,mand");
	assert_string_equal(entry->source, "ext4");
}

static void words_of_the_file_system_say_nothing_of_a_bind(void **state)
{
	read_mount(state, MOUNT("'type':'bind','source':'/s','options':['bind','sync']"));
	bundle_ignores(bundle_plan(state),
		       "mounts[0].options[1]: a bind does not change it");
}

static void known_file_systems_have_kinds(void **state)
{
	static const struct {
		const char *type;
		enum mount_kind kind;
	} rows[] = { { "proc", MOUNT_PROC },
		     { "sysfs", MOUNT_SYSFS },
		     { "mqueue", MOUNT_MQUEUE },
		     { "cgroup", MOUNT_CGROUP },
		     { "cgroup2", MOUNT_CGROUP } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), MOUNT("'type':'%s','options':['nosuid']"),
			 rows[i].type);
		assert_int_equal(read_mount(state, text)->kind, rows[i].kind);
	}
	assert_string_equal(
		read_mount(state, MOUNT("'type':'proc','options':['hidepid=2']"))->data,
		"hidepid=2");
}

static void a_tmpfs_has_size_and_mode(void **state)
{
	const struct mount_entry *entry = read_mount(
		state, MOUNT("'type':'tmpfs','options':['size=65536k','mode=0755',"
			     "'uid=3','tmpcopyup','ro']"));

	assert_int_equal(entry->kind, MOUNT_TMPFS);
	assert_int_equal(entry->size, 65536 * 1024);
	assert_int_equal(entry->mode, 0755);
	assert_int_equal(entry->flags, MOUNT_F_MODE | MOUNT_F_COPYUP | MOUNT_F_RDONLY);
	assert_string_equal(entry->data, "uid=3");
	entry = read_mount(state, MOUNT("'type':'tmpfs','options':['size=50%']"));
	assert_int_equal(entry->size, 0);
	assert_string_equal(entry->data, "size=50%");
}

static void links_of_a_source_may_stay(void **state)
{
	assert_int_equal(
		read_mount(state, MOUNT("'type':'bind','source':'/s','options':["
					"'rbind','src-nofollow','dest-nofollow']"))
			->flags,
		MOUNT_F_SRC_NOFOLLOW | MOUNT_F_NOFOLLOW);
	assert_int_equal(read_mount(state, MOUNT("'type':'bind','source':'/s','options':["
						 "'rbind','copy-symlink']"))
				 ->flags,
			 MOUNT_F_SRC_NOFOLLOW);
}

static void ids_of_a_mount_are_mapped(void **state)
{
	const struct mount_id_map *map =
		read_mount(
			state,
			MOUNT("'type':'bind','source':'/s'," MAP("uidMappings") "," MAP(
				"gidMappings") ",'options':['ridmap']"))
			->id_map;

	assert_non_null(map);
	assert_true(map->recursive);
	assert_int_equal(map->uids.ranges[0].outside, 1000);
	assert_int_equal(map->gids.ranges[0].count, 2);
	map = read_mount(state,
			 MOUNT("'type':'bind','source':'/s'," MAP("uidMappings") "," MAP(
				 "gidMappings") ",'options':['idmap']"))
		      ->id_map;
	assert_false(map->recursive);
}

static void a_map_is_the_containers_where_none_is_given(void **state)
{
	const struct mount_entry *entry = read_mount(
		state,
		BUNDLE_OF(PROCESS(""),
			  LINUX(USER) ",'mounts':[{'destination':'/d','type':'bind',"
				      "'source':'/s','options':['idmap']}]"));

	assert_int_equal(entry->id_map->uids.count, 1);
	assert_int_equal(entry->id_map->uids.ranges[0].outside, 0);
}

static void a_group_that_nobody_has_inside_is_left_out(void **state)
{
	const struct mount_entry *entry =
		read_mount(state, BUNDLE_OF(PROCESS(""),
					    LINUX(USER) ",'mounts':[{'destination':'/d',"
							"'type':'devpts','options':["
							"'newinstance','gid=5']}]"));

	assert_string_equal(entry->data, "newinstance");
	bundle_ignores(bundle_plan(state),
		       "mounts[0].options[1]: the container has no such group");
}

static void a_mount_that_is_there_becomes_read_only(void **state)
{
	const struct mount_entry *entry = read_mount(
		state, MOUNT("'source':'none','options':['remount','bind','ro']"));

	assert_int_equal(entry->kind, MOUNT_READONLY);
	assert_null(entry->source);
}

static const struct bad {
	const char *text, *message;
} bad_documents[] = {
	{ BUNDLE(",'mounts':{}", ""), "mounts: not an array" },
	{ BUNDLE(",'mounts':[1]", ""), "mounts[0]: not an object" },
	{ BUNDLE(",'mounts':[{'type':'tmpfs'}]", ""),
	  "mounts[0]: destination is missing" },
	{ MOUNT("'source':'/s'"), "mounts[0]: type is missing" },
	{ MOUNT("'type':'none'"), "mounts[0]: type is missing" },
	{ MOUNT("'type':'bind'"), "mounts[0]: source is missing" },
	{ MOUNT("'type':'bind','source':'/s','options':['bind','size=4k']"),
	  "mounts[0].options[1]: no option of a bind mount" },
	{ MOUNT("'type':'bind','source':'/s','options':'ro'"),
	  "mounts[0].options: not an array" },
	{ MOUNT("'type':'bind','source':'/s','options':['private','slave','shared',"
		"'rslave','private']"),
	  "mounts[0].options[4]: more than 4 words of propagation" },
	{ MOUNT("'type':'bind','source':'/s'," MAP("uidMappings")),
	  "mounts[0]: gidMappings is missing" },
	{ MOUNT("'type':'bind','source':'/s','options':['idmap']"),
	  "mounts[0].options[0]: there are neither uidMappings nor a new user namespace "
	  "whose map it could be" },
	{ MOUNT("'options':['remount','nosuid']"),
	  "mounts[0].options: remount is only supported with ro" },
};

static void each_bad_mount_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < sizeof(bad_documents) / sizeof(bad_documents[0]); i++)
		bundle_refuses(state, bad_documents[i].text, bad_documents[i].message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, bundle_give_back)
		TEST(a_bind_takes_what_is_below_only_as_rbind),
		TEST(a_destination_without_a_slash_lies_at_the_root),
		TEST(attributes_are_of_the_mount_or_of_all_below),
		TEST(the_later_word_wins),
		TEST(propagation_is_kept_in_order),
		TEST(file_systems_get_their_own_words),
		TEST(words_of_the_file_system_say_nothing_of_a_bind),
		TEST(known_file_systems_have_kinds),
		TEST(a_tmpfs_has_size_and_mode),
		TEST(links_of_a_source_may_stay),
		TEST(ids_of_a_mount_are_mapped),
		TEST(a_map_is_the_containers_where_none_is_given),
		TEST(a_group_that_nobody_has_inside_is_left_out),
		TEST(a_mount_that_is_there_becomes_read_only),
		TEST(each_bad_mount_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, bundle_open, bundle_close);
}
