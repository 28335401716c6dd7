/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/to_oci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/internal.h"
#include "tests/unit/plan_equal.h"
#include "tests/unit/plan_sample.h"

static struct arena arena;

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* The plan as text and back. */
static struct plan there_and_back(const struct plan *plan)
{
	const char *text = plan_to_oci(plan, false, &arena);
	struct plan read = { 0 };
	struct error err;

	if (plan_from_oci(text, strlen(text), "config.json", &read, &err) < 0)
		fail_msg("%s\n%s", err.text, text);
	return read;
}

static void check_same(const struct plan *plan)
{
	struct plan read = there_and_back(plan);
	const char *field = plan_difference(plan, &read);

	if (field)
		fail_msg("%s differs:\n%s", field, plan_to_oci(plan, false, &arena));
	plan_free(&read);
}

static const struct json_value *document_of(const struct plan *plan)
{
	return oci_document(plan, &arena);
}

static const char *text_at(const struct json_value *object, const char *key)
{
	const char *text = NULL;
	struct error err;

	if (json_get_text(object, key, &text, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

/* ---- nothing is lost ---------------------------------------------------------------- */

static void a_small_plan_comes_back(void **state)
{
	struct plan plan = plan_sample_small();

	(void)state;
	check_same(&plan);
}

static void a_plan_with_every_field_set_comes_back(void **state)
{
	struct plan plan = plan_sample_full();

	(void)state;
	check_same(&plan);
}

static void every_text_of_a_plan_may_be_any_bytes(void **state)
{
	char odd[256];
	struct plan plan = plan_sample_full();

	(void)state;
	for (int i = 1; i < 256; i++)
		odd[i - 1] = (char)i;
	odd[255] = '\0';
	plan.process.user_name = odd;
	plan.life.name = odd;
	plan.namespaces.hostname = odd;
	plan.rootfs.upper = odd;
	check_same(&plan);
}

static void each_kind_of_root_comes_back_in_each_mode(void **state)
{
	struct plan plan = plan_sample_small();

	(void)state;
	for (int mode = ROOT_COW; mode <= ROOT_RW; mode++) {
		plan.rootfs.mode = (enum root_mode)mode;
		plan.rootfs.kind = ROOT_HOST;
		plan.rootfs.path = NULL;
		check_same(&plan);
		plan.rootfs.path = "/";
		check_same(&plan);
		plan.rootfs.kind = ROOT_EMPTY;
		check_same(&plan);
		plan.rootfs.path = NULL;
		check_same(&plan);
		plan.rootfs.kind = ROOT_DIRECTORY;
		plan.rootfs.path = "/";
		check_same(&plan);
	}
}

/* But for those that no plan has: see check_namespaces() in from_oci.c. */
static void each_namespace_comes_back_in_each_mode(void **state)
{
	(void)state;
	for (int kind = 0; kind < NS_TIME; kind++) {
		struct plan plan = plan_sample_small();
		struct ns_choice *choice = &plan.namespaces.kinds[kind];

		for (int mode = NS_PRIVATE; mode <= NS_JOINED; mode++) {
			choice->mode = (enum ns_mode)mode;
			choice->path = mode == NS_JOINED ? "/proc/1/ns/x" : NULL;
			if ((kind == NS_USER && mode == NS_SHARED) ||
			    (kind == NS_MOUNT && mode != NS_PRIVATE))
				continue;
			check_same(&plan);
			plan.net.loopback = !plan.net.loopback;
			check_same(&plan);
		}
	}
}

static void every_capability_comes_back(void **state)
{
	struct plan plan = plan_sample_small();

	(void)state;
	for (unsigned int i = 0; i < 64; i++) {
		plan.policy.caps.kept = UINT64_MAX >> i;
		plan.policy.caps.ambient = (uint64_t)1 << (63 - i);
		check_same(&plan);
	}
}

static void every_limit_comes_back(void **state)
{
	struct plan plan = plan_sample_small();

	(void)state;
	for (int resource = 0; resource < 16; resource++) {
		struct rlimit_entry entry = { resource, UINT64_MAX - 1, UINT64_MAX };

		plan.policy.limits.rlimits = &entry;
		plan.policy.limits.rlimit_count = 1;
		check_same(&plan);
	}
}

static void each_kind_of_mount_comes_back_with_each_flag(void **state)
{
	(void)state;
	for (int kind = MOUNT_BIND; kind <= MOUNT_CHMOD; kind++) {
		/* bubblewrap's alone, whose plans are never written down */
		if (kind == MOUNT_REMOUNT_RO)
			continue;
		for (unsigned int flags = 0; flags < 64; flags++) {
			struct plan plan = plan_sample_small();
			struct mount_entry entry = {
				.kind = (enum mount_kind)kind,
				.flags = flags,
				.source = "/from",
				.dest = "/to",
				.mode = 0640,
				.size = 12345,
			};

			plan.rootfs.mounts = &entry;
			plan.rootfs.mount_count = 1;
			check_same(&plan);
		}
	}
}

static void covers_keep_their_place_in_any_order(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 64; order++) {
		struct plan plan = plan_sample_small();
		struct mount_entry entries[3];

		for (unsigned int i = 0; i < 3; i++) {
			static const enum mount_kind kinds[] = { MOUNT_MASK,
								 MOUNT_READONLY,
								 MOUNT_DIR, MOUNT_DEV };

			entries[i] = (struct mount_entry){
				.kind = kinds[order >> 2 * i & 3],
				.flags = MOUNT_F_OPTIONAL,
				.dest = "/x",
			};
		}
		plan.rootfs.mounts = entries;
		plan.rootfs.mount_count = 3;
		check_same(&plan);
	}
}

/* ---- how it is spelled -------------------------------------------------------------- */

static void what_oci_knows_stands_where_oci_has_it(void **state)
{
	struct plan plan = plan_sample_full();
	const struct json_value *document = document_of(&plan);
	const struct json_value *process = json_get(document, "process");
	const struct json_value *part = json_get(document, "linux");
	uint64_t number = 0;
	struct error err;

	(void)state;
	assert_string_equal(text_at(document, "hostname"), "box");
	assert_string_equal(text_at(process, "cwd"), "/w");
	assert_int_equal(json_count(json_get(process, "args")), 6);
	assert_int_equal(json_get_unsigned(json_get(process, "user"), "umask", 0777,
					   &number, &err),
			 0);
	assert_int_equal(number, 0777);
	assert_string_equal(text_at(json_at(json_get(process, "rlimits"), 0), "type"),
			    "RLIMIT_NOFILE");
	assert_int_equal(json_count(json_get(part, "uidMappings")), 2);
	assert_string_equal(text_at(json_get(part, "sysctl"), "net.ipv4.ip_forward"),
			    "1");
	assert_int_equal(json_count(json_get(part, "readonlyPaths")), 2);
	assert_int_equal(json_count(json_get(part, "maskedPaths")), 1);
	assert_null(json_get(json_get(document, "annotations"), "sbx.scratch"));
}

static void a_shared_namespace_is_one_that_is_not_listed(void **state)
{
	struct plan plan = plan_sample_full();
	const struct json_value *list =
		json_get(json_get(document_of(&plan), "linux"), "namespaces");

	(void)state;
	assert_int_equal(json_count(list), NS_COUNT - 1);
	for (size_t i = 0; i < json_count(list); i++)
		assert_string_not_equal(text_at(json_at(list, i), "type"), "ipc");
}

static void plain_mounts_need_no_member_of_ours(void **state)
{
	static const struct mount_entry entries[] = {
		{ .kind = MOUNT_BIND,
		  .flags = MOUNT_F_RDONLY,
		  .source = "/a",
		  .dest = "/b" },
		{ .kind = MOUNT_TMPFS, .dest = "/tmp", .mode = 01777, .size = 4096 },
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_PROC, .source = "pids", .dest = "/proc" },
		{ .kind = MOUNT_SYSFS, .dest = "/sys" },
		{ .kind = MOUNT_DEV, .dest = "/dev" },
		{ .kind = MOUNT_MQUEUE, .dest = "/dev/mqueue" },
		{ .kind = MOUNT_CGROUP, .dest = "/sys/fs/cgroup" },
	};
	struct plan plan = plan_sample_small();
	const char *text;

	(void)state;
	plan.rootfs.mounts = entries;
	plan.rootfs.mount_count = sizeof(entries) / sizeof(entries[0]);
	text = json_write(json_get(document_of(&plan), "mounts"), JSON_LAYOUT_LINE,
			  &arena);
	assert_null(strstr(text, "sbx."));
	assert_non_null(strstr(text, "\"rbind\",\"rro\""));
	assert_non_null(strstr(text, "\"mode=1777\",\"size=4096\""));
	assert_non_null(strstr(text, "\"subset=pid\""));
	check_same(&plan);
}

static void where_a_value_came_from_is_told(void **state)
{
	static const struct plan_origin origins[] = {
		{ "hostname", "box", "command line" },
		{ "env", "A=1", "command line" },
		{ "env", "B=2", "/etc/sbx/sbx.conf:3" },
	};
	struct plan plan = plan_sample_small();
	const struct json_value *annotations;

	(void)state;
	plan.origins = origins;
	plan.origin_count = 3;
	annotations = json_get(document_of(&plan), "annotations");
	assert_string_equal(text_at(annotations, "sbx.from.hostname"), "command line");
	assert_string_equal(text_at(annotations, "sbx.from.env"),
			    "command line, /etc/sbx/sbx.conf:3");
	check_same(&plan);
}

static void only_odd_bytes_bring_the_mark_for_them(void **state)
{
	struct plan small = plan_sample_small(), full = plan_sample_full();

	(void)state;
	assert_null(json_get(json_get(document_of(&small), "annotations"),
			     "sbx.escaped_bytes"));
	assert_non_null(json_get(json_get(document_of(&full), "annotations"),
				 "sbx.escaped_bytes"));
}

/* ---- differences -------------------------------------------------------------------- */

static const char *difference(const struct plan *plan, const struct plan *base)
{
	return json_write(oci_difference(document_of(plan), document_of(base), &arena),
			  JSON_LAYOUT_LINE, &arena);
}

static void equal_plans_differ_in_nothing(void **state)
{
	struct plan plan = plan_sample_small();

	(void)state;
	assert_string_equal(difference(&plan, &plan), "{\"ociVersion\":\"1.1.0\"}");
}

static void one_option_is_one_member_of_the_difference(void **state)
{
	struct plan plan = plan_sample_small(), base = plan_sample_small();

	(void)state;
	plan.namespaces.hostname = "box";
	plan.life.timeout_ms = 5000;
	assert_string_equal(difference(&plan, &base),
			    "{\"ociVersion\":\"1.1.0\",\"hostname\":\"box\","
			    "\"annotations\":{\"sbx.timeout_ms\":\"5000\"}}");
}

static void of_a_longer_list_only_the_new_entries_are_shown(void **state)
{
	static const struct mount_entry entries[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_BIND, .source = "/srv", .dest = "/srv" },
		{ .kind = MOUNT_SYSFS, .dest = "/sys" },
	};
	static const struct mount_entry fewer[] = {
		{ .kind = MOUNT_PROC, .dest = "/proc" },
		{ .kind = MOUNT_SYSFS, .dest = "/sys" },
	};
	struct plan plan = plan_sample_small(), base = plan_sample_small();
	const char *text;

	(void)state;
	plan.rootfs.mounts = entries;
	plan.rootfs.mount_count = 3;
	base.rootfs.mounts = fewer;
	base.rootfs.mount_count = 2;
	text = difference(&plan, &base);
	assert_non_null(strstr(text, "\"mounts\":[{\"destination\":\"/srv\""));
	assert_null(strstr(text, "sysfs"));
	text = difference(&base, &plan);
	assert_non_null(strstr(text, "proc"));
	assert_non_null(strstr(text, "sysfs"));
}

static void what_only_the_defaults_have_is_null(void **state)
{
	struct plan plan = plan_sample_small(), base = plan_sample_small();

	(void)state;
	base.namespaces.hostname = "box";
	assert_string_equal(difference(&plan, &base),
			    "{\"ociVersion\":\"1.1.0\",\"hostname\":null}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_small_plan_comes_back, give_back),
		cmocka_unit_test_teardown(a_plan_with_every_field_set_comes_back,
					  give_back),
		cmocka_unit_test_teardown(every_text_of_a_plan_may_be_any_bytes,
					  give_back),
		cmocka_unit_test_teardown(each_kind_of_root_comes_back_in_each_mode,
					  give_back),
		cmocka_unit_test_teardown(each_namespace_comes_back_in_each_mode,
					  give_back),
		cmocka_unit_test_teardown(every_capability_comes_back, give_back),
		cmocka_unit_test_teardown(every_limit_comes_back, give_back),
		cmocka_unit_test_teardown(each_kind_of_mount_comes_back_with_each_flag,
					  give_back),
		cmocka_unit_test_teardown(covers_keep_their_place_in_any_order,
					  give_back),
		cmocka_unit_test_teardown(what_oci_knows_stands_where_oci_has_it,
					  give_back),
		cmocka_unit_test_teardown(a_shared_namespace_is_one_that_is_not_listed,
					  give_back),
		cmocka_unit_test_teardown(plain_mounts_need_no_member_of_ours, give_back),
		cmocka_unit_test_teardown(where_a_value_came_from_is_told, give_back),
		cmocka_unit_test_teardown(only_odd_bytes_bring_the_mark_for_them,
					  give_back),
		cmocka_unit_test_teardown(equal_plans_differ_in_nothing, give_back),
		cmocka_unit_test_teardown(one_option_is_one_member_of_the_difference,
					  give_back),
		cmocka_unit_test_teardown(of_a_longer_list_only_the_new_entries_are_shown,
					  give_back),
		cmocka_unit_test_teardown(what_only_the_defaults_have_is_null, give_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
