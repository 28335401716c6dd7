/* SPDX-License-Identifier: Apache-2.0 */
/* --pure, --record, --expect and --repeat, up to the plan. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define DIGEST "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void plans(struct planning *at, const char *words)
{
	if (planning_words(at, words) < 0)
		fail_msg("%s: cannot %s", words, at->err.text);
}

static void plans_root(struct planning *at, const char *words)
{
	if (planning_root(at, words) < 0)
		fail_msg("%s: cannot %s", words, at->err.text);
}

static void the_view_does_not_depend_on_the_caller(void **state)
{
	struct planning *at = *state;
	const struct plan *plan = &at->plan;
	const mode_t before = umask(077);

	setenv("LANG", "de_DE.UTF-8", 1);
	setenv("TERM", "xterm", 1);
	plans(at, "--pure --groups drop --map single -- true");
	umask(before);
	assert_string_equal(plan->namespaces.hostname, "sbx");
	assert_true(plan->namespaces.new_time && plan->namespaces.time_from_zero);
	assert_true(plan->process.fixed_addresses && plan->process.one_processor);
	assert_int_equal(plan->net.mode, NET_PLAIN);
	assert_int_equal(plan->namespaces.kinds[NS_NET].mode, NS_PRIVATE);
	assert_int_equal(plan->process.umask, 022);
	assert_string_equal(planning_env(at, "TERM"), "dumb");
	assert_string_equal(planning_env(at, "LC_ALL"), "C");
	assert_string_equal(planning_env(at, "TZ"), "UTC");
	assert_string_equal(planning_env(at, "SOURCE_DATE_EPOCH"), "315532800");
	assert_string_equal(planning_env(at, "PERL_HASH_SEED"), "0");
	assert_string_equal(planning_env(at, "PYTHONHASHSEED"), "0");
	assert_string_equal(planning_env(at, "HOME"), "/tmp");
	assert_null(planning_env(at, "LANG"));
	assert_null(planning_env(at, "USER"));
}

static void the_user_is_the_same_for_every_caller(void **state)
{
	struct planning *at = *state;

	plans(at, "--pure -- true");
	assert_int_equal(at->plan.process.uid, 1000);
	assert_int_equal(at->plan.process.gid, 1000);
	plans_root(at, "--pure");
	assert_int_equal(at->plan.process.uid, 0);
	plans(at, "--pure -u 7:8 -- true");
	assert_int_equal(at->plan.process.uid, 7);
}

static void what_is_given_by_name_holds(void **state)
{
	struct planning *at = *state;

	plans_root(at, "--pure --hostname box -e TZ=Asia/Tokyo -e X=1 --net none");
	assert_string_equal(at->plan.namespaces.hostname, "box");
	assert_string_equal(planning_env(at, "TZ"), "Asia/Tokyo");
	assert_string_equal(planning_env(at, "X"), "1");
}

static void files_that_name_the_machine_are_covered(void **state)
{
	struct planning *at = *state;
	const struct mount_entry *id;

	plans_root(at, "--pure");
	id = planning_mount(at, "/proc/sys/kernel/random/boot_id", NULL);
	assert_non_null(id);
	assert_int_equal(id->kind, MOUNT_DATA);
	assert_string_equal(id->content, "73627800-0000-4000-8000-000000000000\n");
	assert_non_null(planning_mount(at, "/etc/machine-id", NULL));
	assert_non_null(planning_mount(at, "/proc/cpuinfo", NULL));
	assert_null(strstr(planning_mount(at, "/proc/cpuinfo", NULL)->content,
			   "processor\t: 1"));
	plans_root(at, "");
	assert_null(planning_mount(at, "/proc/cpuinfo", NULL));
}

static void no_configuration_file_is_read(void **state)
{
	struct planning *at = *state;

	planning_write(at, "home/.config/sbx/sbx.conf", "env FROM_FILE=1\n");
	plans(at, "--pure -- true");
	assert_null(planning_env(at, "FROM_FILE"));
	planning_write(at, "home/.config/sbx/sbx.conf", "");
}

static void what_lets_the_machine_in_is_refused(void **state)
{
	static const char *const words[] = {
		"--net user",  "--net host",       "--share net", "--share pid",
		"--tty on",    "--no-init",        "--proc host", "--groups keep",
		"--keep-fd 0", "--preserve-fds 1", "--keep-env",  "--keep-env=TZ",
	};
	struct planning *at = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char text[64];

		snprintf(text, sizeof(text), "--pure %s", words[i]);
		assert_int_equal(planning_root(at, text), -1);
		assert_int_equal(at->err.id, ERROR_USAGE);
		if (!strstr(at->err.text, "--pure"))
			fail_msg("%s: cannot %s", text, at->err.text);
	}
	planning_refuses_root(at, "--pure --net user", "use --net user with --pure");
}

static void a_plan_for_it_comes_back_from_its_configuration(void **state)
{
	struct planning *at = *state;
	const char *text;

	plans_root(at, "--pure --repeat 3 --expect " DIGEST);
	text = plan_to_oci(&at->plan, false, &at->plan.arena);
	planning_write(at, "pure.json", text);
	plans(at, "--config @/pure.json");
	assert_true(at->plan.namespaces.time_from_zero);
	assert_true(at->plan.process.fixed_addresses && at->plan.process.one_processor);
	assert_int_equal(at->plan.life.repeat, 3);
	assert_string_equal(at->plan.life.expect, "sha256:" DIGEST);
}

/* ---- --record, --expect, --repeat ------------------------------------------------------ */

static void a_digest_is_taken_in_every_form(void **state)
{
	struct planning *at = *state;

	plans_root(at, "--expect " DIGEST);
	assert_string_equal(at->plan.life.expect, "sha256:" DIGEST);
	plans_root(at, "--expect sha256:" DIGEST);
	assert_string_equal(at->plan.life.expect, "sha256:" DIGEST);
	planning_write(at, "record.json", "{ \"output_digest\": \"sha256:" DIGEST "\" }");
	plans_root(at, "--expect @/record.json");
	assert_string_equal(at->plan.life.expect, "sha256:" DIGEST);
}

static void what_is_no_digest_is_refused(void **state)
{
	struct planning *at = *state;

	planning_write(at, "other.json", "{}");
	planning_refuses_root(at, "--expect @/other.json", "it is no record");
	planning_refuses_root(at, "--expect @/gone.json", "gone.json");
	planning_refuses_root(at, "--repeat 1", "not a number from 2 to 100");
	planning_refuses_root(at, "--repeat 101", "not a number from 2 to 100");
}

static void what_cannot_be_compared_is_refused(void **state)
{
	struct planning *at = *state;

	planning_refuses_root(at, "--record r --detach", "use --record with --detach");
	planning_refuses_root(at, "--repeat 2 --root-mode rw",
			      "use --repeat with --root-mode rw");
	planning_refuses_root(at, "--repeat 2 --upper @/work",
			      "use --repeat with --upper");
	planning_refuses_root(at, "--repeat 2 --ready-fd 1",
			      "use --repeat with --ready-fd");
	planning_refuses_root(at, "--repeat 2 --tty on", "use --repeat with --tty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_view_does_not_depend_on_the_caller),
		cmocka_unit_test(the_user_is_the_same_for_every_caller),
		cmocka_unit_test(what_is_given_by_name_holds),
		cmocka_unit_test(files_that_name_the_machine_are_covered),
		cmocka_unit_test(no_configuration_file_is_read),
		cmocka_unit_test(what_lets_the_machine_in_is_refused),
		cmocka_unit_test(a_plan_for_it_comes_back_from_its_configuration),
		cmocka_unit_test(a_digest_is_taken_in_every_form),
		cmocka_unit_test(what_is_no_digest_is_refused),
		cmocka_unit_test(what_cannot_be_compared_is_refused),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
