/* SPDX-License-Identifier: Apache-2.0 */
/* When root is emulated, and what a command then finds. */
#include "plan/internal.h"

#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MADE(words) assert_int_equal(planning_root(at, words), 0)

static void assert_emulated(const struct planning *at)
{
	size_t dev = 0, file = 0;

	assert_true(at->plan.policy.emulate_root);
	assert_string_equal(planning_env(at, EMULATION_VARIABLE), "1");
	assert_non_null(planning_env(at, EMULATION_APT));
	assert_non_null(planning_mount(at, "/dev", &dev));
	assert_non_null(planning_mount(at, EMULATION_APT_CONF, &file));
	assert_int_equal(file, dev + 1);
}

static void assert_not_emulated(const struct planning *at)
{
	assert_false(at->plan.policy.emulate_root);
	assert_null(planning_env(at, EMULATION_VARIABLE));
	assert_null(planning_env(at, EMULATION_APT));
	assert_null(planning_mount(at, EMULATION_APT_CONF, NULL));
}

static void a_root_with_one_id_is_emulated(void **state)
{
	struct planning *at = *state;
	const struct mount_entry *file;

	MADE("--map single");
	assert_emulated(at);
	assert_string_equal(planning_env(at, EMULATION_APT), EMULATION_APT_CONF);
	file = planning_mount(at, EMULATION_APT_CONF, NULL);
	assert_int_equal(file->kind, MOUNT_FILE);
	assert_memory_equal(file->content, "APT::Sandbox::User \"root\";\n",
			    file->content_size);
	MADE("--map single --root-emu auto");
	assert_emulated(at);
}

static void who_is_not_root_or_has_more_ids_is_not(void **state)
{
	struct planning *at = *state;

	MADE("--map single --user 5:5");
	assert_not_emulated(at);
	if (planning_root(at, "--map subuid") == 0)
		assert_not_emulated(at);
	else
		assert_int_equal(at->err.id, ERROR_SUBIDS_MISSING);
	assert_int_equal(planning_words(at, "--no-config --groups keep true"), 0);
	assert_not_emulated(at);
}

static void without_a_policy_it_is_left_to_who_asks_for_it(void **state)
{
	struct planning *at = *state;

	MADE("--map single --policy none");
	assert_not_emulated(at);
	MADE("--map single --policy none --root-emu auto");
	assert_not_emulated(at);
	MADE("--map single --policy none --root-emu on");
	assert_emulated(at);
	assert_true(at->plan.policy.filter.program.count > 0);
}

static void it_can_be_had_and_refused(void **state)
{
	struct planning *at = *state;

	MADE("--map single --root-emu off");
	assert_not_emulated(at);
	MADE("--map single --user 5:5 --root-emu on");
	assert_emulated(at);
}

static void a_raw_filter_has_no_place_for_it(void **state)
{
	static const char allow[] = { 6, 0, 0, 0, 0, 0, (char)0xff, 0x7f };
	struct planning *at = *state;
	FILE *file = fopen(planning_path(at, "raw"), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(allow, sizeof(allow), 1, file), 1);
	assert_int_equal(fclose(file), 0);
	MADE("--map single --seccomp @/raw");
	assert_not_emulated(at);
	planning_refuses_root(at, "--map single --seccomp @/raw --root-emu on",
			      "use --root-emu on: ");
}

static void a_file_for_apt_of_ones_own_is_left_alone(void **state)
{
	struct planning *at = *state;

	MADE("--map single -e APT_CONFIG=/etc/own");
	assert_emulated(at);
	assert_string_equal(planning_env(at, EMULATION_APT), "/etc/own");
}

/* The plan that was made last, as a file that --config takes. */
static void write_config(struct planning *at)
{
	struct arena arena = { 0 };

	planning_write(at, "config.json", plan_to_oci(&at->plan, false, &arena));
	arena_free(&arena);
}

static void a_configuration_keeps_it_until_an_option_says_otherwise(void **state)
{
	struct planning *at = *state;

	MADE("--map single -e APT_CONFIG=/etc/own");
	write_config(at);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json"), 0);
	assert_emulated(at);
	assert_string_equal(planning_env(at, EMULATION_APT), "/etc/own");
	MADE("--map single");
	write_config(at);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json "
					    "--root-emu off"),
			 0);
	assert_not_emulated(at);
	write_config(at);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json"), 0);
	assert_not_emulated(at);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json "
					    "--root-emu auto"),
			 0);
	assert_emulated(at);
}

static void the_words_of_a_dry_run_tell_it(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };

	MADE("--map single");
	assert_non_null(strstr(plan_describe(&at->plan, &arena), "\nroot's calls  "));
	MADE("--map single --root-emu off");
	assert_null(strstr(plan_describe(&at->plan, &arena), "\nroot's calls  "));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_with_one_id_is_emulated),
		cmocka_unit_test(who_is_not_root_or_has_more_ids_is_not),
		cmocka_unit_test(without_a_policy_it_is_left_to_who_asks_for_it),
		cmocka_unit_test(it_can_be_had_and_refused),
		cmocka_unit_test(a_raw_filter_has_no_place_for_it),
		cmocka_unit_test(a_file_for_apt_of_ones_own_is_left_alone),
		cmocka_unit_test(a_configuration_keeps_it_until_an_option_says_otherwise),
		cmocka_unit_test(the_words_of_a_dry_run_tell_it),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
