/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as the config.json that runsc is given. */
#include "plan/plan.h"

#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static const struct json_value *document;
static struct arena arena;

static int give_back(void **state)
{
	arena_free(&arena);
	return planning_remove(state);
}

static const struct json_value *at_path(const char *const *keys)
{
	const struct json_value *value = document;

	for (; *keys; keys++)
		value = json_get(value, *keys);
	return value;
}

#define AT(...) at_path((const char *const[]){ __VA_ARGS__, NULL })

static const char *text_of(const struct json_value *value)
{
	const char *text = "";
	struct error err;

	if (!value || json_want_text(value, &text, &err) < 0)
		return "";
	return text;
}

static void write_plan(struct planning *at, const struct gvisor_inside *given)
{
	struct gvisor_inside inside = *given;
	struct error err;
	const char *text;

	inside.root = "/rootfs";
	inside.program = "/bin/tool";
	if (!inside.env)
		inside.env = at->plan.process.env;
	text = plan_to_gvisor(&at->plan, &inside, &arena);
	document = json_read(text, strlen(text), "text", &arena, &err);
	assert_non_null(document);
}

static void make(struct planning *at, const char *words)
{
	static const struct gvisor_inside plain = { .uid = 0 };
	char text[2048];

	snprintf(text, sizeof(text), "--runtime runsc --net none %s", words);
	if (planning_root(at, text) < 0)
		fail_msg("%s: cannot %s", words, at->err.text);
	write_plan(at, &plain);
}

/* "type source option option" of the mount there; "": there is none. */
static const char *mounted(const char *dest)
{
	const struct json_value *list = AT("mounts"), *options;
	const char *line = "";

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json_value *mount = json_at(list, i);

		if (strcmp(text_of(json_get(mount, "destination")), dest) != 0)
			continue;
		line = arena_printf(&arena, "%s %s", text_of(json_get(mount, "type")),
				    text_of(json_get(mount, "source")));
		options = json_get(mount, "options");
		for (size_t j = 0; j < json_count(options); j++)
			line = arena_printf(&arena, "%s %s", line,
					    text_of(json_at(options, j)));
	}
	return line;
}

static void kinds_of_files_that_only_gvisor_has_are_its_own(void **state)
{
	struct planning *at = *state;

	make(at, "");
	assert_string_equal(mounted("/proc"), "proc proc");
	assert_string_equal(mounted("/sys"), "sysfs sysfs ro");
	assert_string_equal(mounted("/dev"), "tmpfs tmpfs");
	assert_string_equal(mounted("/dev/shm"), "tmpfs tmpfs mode=1777");
	assert_string_equal(mounted("/tmp"), "tmpfs tmpfs mode=1777 uid=0 gid=0");
	make(at, "--shm-size 1M --scratch-size 2M");
	assert_string_equal(mounted("/dev/shm"), "tmpfs tmpfs mode=1777 size=1048576");
	assert_string_equal(mounted("/run"),
			    "tmpfs tmpfs mode=0755 uid=0 gid=0 size=2097152");
}

static void what_the_host_may_change_is_shared(void **state)
{
	struct planning *at = *state;

	make(at,
	     "--ro /etc:/data --rw @/work:/work --cow @/work:/mine --mask /etc/passwd");
	assert_string_equal(mounted("/data"), "bind /rootfs/data rbind ro nosuid nodev");
	assert_string_equal(mounted("/work"), "bind /rootfs/work rbind nosuid nodev");
	assert_string_equal(mounted("/mine"), "");
	assert_string_equal(mounted("/etc/passwd"), "");
}

static void what_holds_other_mounts_stays_as_it_was_built(void **state)
{
	struct planning *at = *state;

	make(at,
	     "--tmpfs /srv:size=1M --ro /etc:/srv/etc --tmpfs /other:size=1M,mode=0700");
	assert_string_equal(mounted("/srv"), "");
	assert_string_equal(mounted("/srv/etc"),
			    "bind /rootfs/srv/etc rbind ro nosuid nodev");
	assert_non_null(strstr(mounted("/other"), "mode=0700"));
	assert_non_null(strstr(mounted("/other"), "size=1048576"));
}

static void nothing_is_laid_over_a_tmp_of_the_root(void **state)
{
	struct planning *at = *state;

	make(at, "--root-mode rw");
	assert_string_equal(mounted("/tmp"), "bind /rootfs/tmp rbind");
}

static void the_process_is_who_was_found_inside(void **state)
{
	static const char *const env[] = { "PATH=/bin", "HOME=/root", NULL };
	static const uint32_t groups[] = { 9, 10 };
	static const struct gvisor_inside inside = {
		.uid = 7,
		.gid = 8,
		.groups = groups,
		.group_count = 2,
		.env = env,
	};
	struct planning *at = *state;
	const struct json_value *user;
	uint32_t number = 0;
	struct error err;

	make(at, "-w /etc");
	write_plan(at, &inside);
	user = AT("process", "user");
	assert_int_equal(json_get_u32(user, "uid", &number, &err), 0);
	assert_int_equal(number, 7);
	assert_int_equal(json_count(json_get(user, "additionalGids")), 2);
	assert_string_equal(text_of(json_at(AT("process", "env"), 1)), "HOME=/root");
	assert_string_equal(text_of(AT("process", "cwd")), "/etc");
	assert_string_equal(text_of(json_at(AT("process", "args"), 0)), "tool");
}

static void without_a_path_the_program_is_named_whole(void **state)
{
	static const char *const env[] = { "HOME=/root", NULL };
	static const struct gvisor_inside inside = { .env = env };
	struct planning *at = *state;

	make(at, "");
	write_plan(at, &inside);
	assert_string_equal(text_of(json_at(AT("process", "args"), 0)), "/bin/tool");
}

static void every_limit_is_said_once(void **state)
{
	struct planning *at = *state;
	const struct json_value *list;
	unsigned int found = 0;
	uint64_t soft = 0;
	struct error err;

	make(at, "--rlimit nofile=5:6 --rlimit nofile=7:8");
	list = AT("process", "rlimits");
	assert_int_equal(json_count(list), 16);
	for (size_t i = 0; i < json_count(list); i++) {
		if (strcmp(text_of(json_get(json_at(list, i), "type")),
			   "RLIMIT_NOFILE") != 0)
			continue;
		found++;
		json_get_unsigned(json_at(list, i), "soft", UINT64_MAX, &soft, &err);
	}
	assert_int_equal(found, 1);
	assert_int_equal(soft, 7);
}

static void capabilities_that_releases_do_not_know_are_left_out(void **state)
{
	struct planning *at = *state;
	const struct json_value *set;

	make(at, "--cap-add ALL");
	set = AT("process", "capabilities", "effective");
	assert_int_equal(json_count(set), 38);
	assert_string_equal(text_of(json_at(set, 37)), "CAP_AUDIT_READ");
	make(at, "--cap-drop ALL");
	assert_int_equal(json_count(AT("process", "capabilities", "bounding")), 0);
}

static void the_network_namespace_is_ours(void **state)
{
	struct planning *at = *state;
	const struct json_value *list, *net;

	make(at, "--hostname box");
	list = AT("linux", "namespaces");
	net = json_at(list, json_count(list) - 1);
	assert_string_equal(text_of(json_get(net, "type")), "network");
	assert_string_equal(text_of(json_get(net, "path")), "/proc/self/ns/net");
	for (size_t i = 0; i < json_count(list); i++)
		assert_string_not_equal(text_of(json_get(json_at(list, i), "type")),
					"user");
	assert_string_equal(text_of(AT("hostname")), "box");
	assert_string_equal(text_of(AT("root", "path")), "/rootfs");
	make(at, "--net host");
	list = AT("linux", "namespaces");
	for (size_t i = 0; i < json_count(list); i++)
		assert_string_not_equal(text_of(json_get(json_at(list, i), "type")),
					"network");
}

static void a_filter_is_there_where_runsc_takes_one(void **state)
{
	static const struct gvisor_inside takes = { .filters = true };
	static const struct gvisor_inside takes_none = { .filters = false };
	struct planning *at = *state;

	if (!policy_is_built_in())
		skip();
	make(at, "--policy strict");
	write_plan(at, &takes);
	assert_non_null(AT("linux", "seccomp", "defaultAction"));
	write_plan(at, &takes_none);
	assert_null(AT("linux", "seccomp"));
	make(at, "");
	write_plan(at, &takes);
	assert_null(AT("linux", "seccomp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_files_that_only_gvisor_has_are_its_own),
		cmocka_unit_test(what_the_host_may_change_is_shared),
		cmocka_unit_test(what_holds_other_mounts_stays_as_it_was_built),
		cmocka_unit_test(nothing_is_laid_over_a_tmp_of_the_root),
		cmocka_unit_test(the_process_is_who_was_found_inside),
		cmocka_unit_test(without_a_path_the_program_is_named_whole),
		cmocka_unit_test(every_limit_is_said_once),
		cmocka_unit_test(capabilities_that_releases_do_not_know_are_left_out),
		cmocka_unit_test(the_network_namespace_is_ours),
		cmocka_unit_test(a_filter_is_there_where_runsc_takes_one),
	};

	return cmocka_run_group_tests(tests, planning_make, give_back);
}
