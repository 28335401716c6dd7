/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "tests/unit/nursery.h"
#include "userns/userns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MAP(...)                                                                         \
	{                                                                                \
		(const struct id_range[]){ __VA_ARGS__ },                                \
			sizeof((const struct id_range[]){ __VA_ARGS__ }) /               \
				sizeof(struct id_range)                                  \
	}

static void assert_refused(const struct id_map *map, const char *text)
{
	struct error err = { 0 };

	assert_int_equal(id_map_check(map, &err), -1);
	assert_string_equal(err.text, text);
	assert_int_equal(err.id, ERROR_IDS);
}

static void assert_good(const struct id_map *map)
{
	struct error err = { 0 };

	if (id_map_check(map, &err) < 0)
		fail_msg("cannot %s", err.text);
}

/* ---- what a map may be ------------------------------------------------------------------- */

static void an_empty_map_is_refused(void **state)
{
	const struct id_map map = { NULL, 0 };

	(void)state;
	assert_refused(&map, "map ids: the map is empty");
}

static void an_empty_range_is_refused(void **state)
{
	const struct id_map map = MAP({ 0, 1000, 1 }, { 1, 100000, 0 });

	(void)state;
	assert_refused(&map, "map ids: range 1 is empty");
}

static void ranges_that_overlap_inside_are_refused(void **state)
{
	const struct id_map map = MAP({ 0, 1000, 2 }, { 1, 100000, 65535 });

	(void)state;
	assert_refused(&map, "map ids: ranges 0 and 1 overlap");
}

static void ranges_that_overlap_outside_are_refused(void **state)
{
	const struct id_map map =
		MAP({ 0, 1000, 1 }, { 1, 100000, 100 }, { 200, 100099, 1 });

	(void)state;
	assert_refused(&map, "map ids: ranges 1 and 2 overlap");
}

static void a_range_within_another_one_is_refused(void **state)
{
	const struct id_map map = MAP({ 10, 5000, 3 }, { 0, 100000, 65536 });

	(void)state;
	assert_refused(&map, "map ids: ranges 0 and 1 overlap");
}

static void ranges_that_touch_are_good_in_any_order(void **state)
{
	const struct id_map map =
		MAP({ 10, 100000, 10 }, { 0, 100010, 10 }, { 20, 99990, 10 });

	(void)state;
	assert_good(&map);
}

static void ids_above_two_to_the_31_are_good(void **state)
{
	const struct id_map map =
		MAP({ 0, 3000000000U, 65536 }, { 2147483648U, 4000000000U, 1 });

	(void)state;
	assert_good(&map);
}

static void the_last_id_that_may_be_mapped_is_4294967294(void **state)
{
	const struct id_map last = MAP({ 4294967294U, 4294967294U, 1 });
	const struct id_map all = MAP({ 0, 0, 4294967295U });
	const struct id_map inside = MAP({ 4294967295U, 0, 1 });
	const struct id_map outside = MAP({ 0, 4294967295U, 1 });
	const struct id_map wraps = MAP({ 0, 4294967000U, 1000 });

	(void)state;
	assert_good(&last);
	assert_good(&all);
	assert_refused(&inside, "map ids: range 0 ends above 4294967294");
	assert_refused(&outside, "map ids: range 0 ends above 4294967294");
	assert_refused(&wraps, "map ids: range 0 ends above 4294967294");
}

static void the_kernel_takes_no_more_than_340_ranges(void **state)
{
	struct id_range ranges[ID_RANGES_MAX + 1];
	struct id_map map = { ranges, ID_RANGES_MAX };

	(void)state;
	for (uint32_t i = 0; i <= ID_RANGES_MAX; i++)
		ranges[i] = (struct id_range){ 2 * i, 100000 + 2 * i, 1 };
	assert_good(&map);
	map.count++;
	assert_refused(&map, "map ids: more than 340 ranges");
}

/* ---- who writes it --------------------------------------------------------------------- */

static void one_id_of_our_own_needs_nobody(void **state)
{
	const struct ids_spec ids = {
		.uids = MAP({ 0, geteuid(), 1 }),
		.gids = MAP({ 5, getegid(), 1 }),
		.keep_groups = true,
	};

	(void)state;
	assert_false(ids_mapped_by_parent(&ids));
	assert_false(ids_need_helper(&ids));
}

static void extra_groups_make_the_parent_write_unless_they_are_kept(void **state)
{
	struct ids_spec ids = {
		.uids = MAP({ 0, geteuid(), 1 }),
		.gids = MAP({ 0, getegid(), 1 }),
	};

	(void)state;
	assert_int_equal(ids_mapped_by_parent(&ids), ids_has_extra_groups());
	ids.keep_groups = true;
	assert_false(ids_mapped_by_parent(&ids));
}

static void every_other_map_is_the_parents(void **state)
{
	const struct id_map own_uid = MAP({ 0, geteuid(), 1 });
	const struct id_map own_gid = MAP({ 0, getegid(), 1 });
	const struct id_map other_uid = MAP({ 0, geteuid() + 1, 1 });
	const struct id_map two = MAP({ 0, getegid(), 1 }, { 1, 100000, 1 });
	const struct id_map many = MAP({ 0, geteuid(), 2 });
	const struct ids_spec specs[] = {
		{ other_uid, own_gid, true },
		{ own_uid, two, true },
		{ many, own_gid, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++)
		assert_true(ids_mapped_by_parent(&specs[i]));
}

static void helpers_are_known_by_their_name(void **state)
{
	const char *uid = ids_helper_path("newuidmap");
	const char *gid = ids_helper_path("newgidmap");

	(void)state;
	if (uid)
		assert_string_equal(strrchr(uid, '/'), "/newuidmap");
	if (gid)
		assert_string_equal(strrchr(gid, '/'), "/newgidmap");
}

/* ---- writing it ------------------------------------------------------------------------ */

/* The fields of a map, with single blanks. */
static void expect_map(const char *path, const char *wanted)
{
	unsigned int inside, outside, count;
	char text[64];

	expect(sscanf(expect_text(path), "%u %u %u", &inside, &outside, &count) == 3,
	       "%s: %s", path, expect_text(path));
	snprintf(text, sizeof(text), "%u %u %u", inside, outside, count);
	expect(strcmp(text, wanted) == 0, "%s is %s, not %s", path, text, wanted);
}

/* We are uid 0 of one id: in a further namespace it becomes 7. */
static void map_self(const void *context)
{
	const struct ids_spec ids = { MAP({ 7, 0, 1 }), MAP({ 9, 0, 1 }), true };
	struct error err = { 0 };

	(void)context;
	expect(unshare(CLONE_NEWUSER) == 0, "unshare: %s", strerror(errno));
	expect(ids_map_self(&ids, &err) == 0, "cannot %s: %s", err.text,
	       strerror(err.errnum));
	expect(geteuid() == 7 && getegid() == 9, "%u:%u", geteuid(), getegid());
	expect_map("/proc/self/uid_map", "7 0 1");
	expect_map("/proc/self/gid_map", "9 0 1");
	expect(strcmp(expect_text("/proc/self/setgroups"), "deny") == 0, "setgroups");
}

static void a_child_maps_its_own_id_by_itself(void **state)
{
	(void)state;
	nursery_run(0, map_self, NULL);
}

static void map_wrongly(const void *context)
{
	const struct ids_spec ids = { MAP({ 7, 5, 1 }), MAP({ 9, 0, 1 }), true };
	struct error err = { 0 };

	(void)context;
	expect(unshare(CLONE_NEWUSER) == 0, "unshare: %s", strerror(errno));
	expect(ids_map_self(&ids, &err) == -1, "an id of nobody was mapped");
	expect(strcmp(err.text, "map ids: write /proc/self/uid_map") == 0, "%s",
	       err.text);
	expect(err.id == ERROR_IDS && err.errnum == EPERM, "errno %d", err.errnum);
}

static void an_id_that_is_not_ours_cannot_be_mapped(void **state)
{
	(void)state;
	nursery_run(0, map_wrongly, NULL);
}

/* As a parent with power over its own namespace: no helper is asked. */
static void map_child(const void *context)
{
	const struct ids_spec ids = { MAP({ 3, 0, 1 }), MAP({ 4, 0, 1 }), true };
	int made[2] = { -1, -1 }, done[2] = { -1, -1 };
	struct error err = { 0 };
	pid_t child;
	int status;
	char byte = 0;

	(void)context;
	expect(pipe2(made, 0) == 0 && pipe2(done, 0) == 0, "pipes");
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(made[1], &byte, 1) != 1 ||
		    read(done[0], &byte, 1) != 1)
			_exit(1);
		_exit(geteuid() == 3 && getegid() == 4 ? 0 : 2);
	}
	expect(read(made[0], &byte, 1) == 1, "the child made no namespace");
	expect(!ids_need_helper(&ids), "a helper is asked for");
	expect(ids_map_child(&ids, child, &err) == 0, "cannot %s: %s", err.text,
	       strerror(err.errnum));
	expect(write(done[1], &byte, 1) == 1, "pipe");
	expect(waitpid(child, &status, 0) == child && status == 0, "status %#x",
	       (unsigned int)status);
}

static void who_may_write_any_map_writes_it_directly(void **state)
{
	(void)state;
	nursery_run(0, map_child, NULL);
}

static void drop_groups(const void *context)
{
	const struct ids_spec ids = { MAP({ 0, 0, 1 }), MAP({ 0, 0, 1 }), false };
	struct error err = { 0 };
	const int dropped = ids_drop_groups(&ids, &err);

	(void)context;
	/* setgroups is denied here: that is no harm as long as there are none. */
	if (ids_has_extra_groups())
		expect(dropped == -1 && err.id == ERROR_GROUPS, "%s", err.text);
	else
		expect(dropped == 0, "cannot %s", err.text);
}

static void groups_that_cannot_be_dropped_are_an_error_if_there_are_any(void **state)
{
	(void)state;
	nursery_run(0, drop_groups, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_is_refused),
		cmocka_unit_test(an_empty_range_is_refused),
		cmocka_unit_test(ranges_that_overlap_inside_are_refused),
		cmocka_unit_test(ranges_that_overlap_outside_are_refused),
		cmocka_unit_test(a_range_within_another_one_is_refused),
		cmocka_unit_test(ranges_that_touch_are_good_in_any_order),
		cmocka_unit_test(ids_above_two_to_the_31_are_good),
		cmocka_unit_test(the_last_id_that_may_be_mapped_is_4294967294),
		cmocka_unit_test(the_kernel_takes_no_more_than_340_ranges),
		cmocka_unit_test(one_id_of_our_own_needs_nobody),
		cmocka_unit_test(extra_groups_make_the_parent_write_unless_they_are_kept),
		cmocka_unit_test(every_other_map_is_the_parents),
		cmocka_unit_test(helpers_are_known_by_their_name),
		cmocka_unit_test(a_child_maps_its_own_id_by_itself),
		cmocka_unit_test(an_id_that_is_not_ours_cannot_be_mapped),
		cmocka_unit_test(who_may_write_any_map_writes_it_directly),
		cmocka_unit_test(
			groups_that_cannot_be_dropped_are_an_error_if_there_are_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
