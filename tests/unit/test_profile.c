/* SPDX-License-Identifier: Apache-2.0 */
/* Files of options, and which source wins. */
#include "tests/unit/planning.h"

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

#define USER_CONF "home/.config/sbx/sbx.conf"

/* The words with the user's sbx.conf in force, in the directory root. */
static int configured(struct planning *at, const char *words)
{
	char text[4096];

	snprintf(text, sizeof(text), "-R @/root %s tool", words);
	return planning_words(at, text);
}

static void refuses(struct planning *at, const char *lines, const char *text)
{
	const char *path = planning_write(at, "bad", lines);
	char expected[4500];

	snprintf(expected, sizeof(expected), "use %s:%s", path, text);
	planning_refuses_root(at, "--profile @/bad", expected);
	assert_int_equal(error_status(&at->err), 125);
	assert_int_equal(at->err.id, ERROR_CONFIG);
}

static int forget_user_conf(void **state)
{
	struct planning *at = *state;

	unlink(planning_path(at, USER_CONF));
	return 0;
}

static void a_line_is_a_name_and_its_operand(void **state)
{
	struct planning *at = *state;

	planning_write(at, "p",
		       "# a comment\n"
		       "\n"
		       "hostname one\n"
		       "  workdir = /etc  \n"
		       "timeout\t=10s\r\n"
		       "detach\n"
		       "tty off\n"
		       "env A=b = c # \"d\"\n"
		       "env=E=f");
	assert_int_equal(planning_root(at, "--profile @/p"), 0);
	assert_string_equal(at->plan.namespaces.hostname, "one");
	assert_string_equal(at->plan.process.cwd, "/etc");
	assert_int_equal(at->plan.life.timeout_ms, 10000);
	assert_true(at->plan.life.detach);
	assert_string_equal(planning_env(at, "A"), "b = c # \"d\"");
	assert_string_equal(planning_env(at, "E"), "f");
}

static void paths_are_relative_to_the_file(void **state)
{
	struct planning *at = *state;

	planning_write(at, "sub/data/x", "");
	planning_write(at, "home/things/x", "");
	planning_write(at, "sub/p", "ro data:/a\nrw ~/things:/b\nlog out\ndetach\n");
	assert_int_equal(planning_root(at, "--profile ../sub/p"), 0);
	assert_string_equal(planning_mount(at, "/a", NULL)->source,
			    planning_path(at, "work/../sub/data"));
	assert_string_equal(planning_mount(at, "/b", NULL)->source,
			    planning_path(at, "home/things"));
	assert_string_equal(at->plan.life.log, planning_path(at, "work/../sub/out"));
}

static void bad_lines_are_named(void **state)
{
	struct planning *at = *state;

	refuses(at, "\nhostnam x\n", "2: hostnam: no such option (nearest: hostname)");
	refuses(at, "hostname\n", "1: hostname: it needs NAME");
	refuses(at, "hostname a/b\n", "1: hostname: 'a/b' is not a host name");
	refuses(at, "hostname =\n", "1: hostname: the operand is empty");
	refuses(at, "detach soon\n", "1: detach: it takes no operand");
	refuses(at, "no-init yes\n", "1: no-init: it takes no operand");
	refuses(at, "no-env A\n", "1: no-env: it takes no operand");
	refuses(at, "ulimit x=1\n", "1: ulimit: 'x' is not a resource limit");
	refuses(at, "--hostname x\n", "1: --hostname: names stand without dashes here");
	refuses(at, "e A=b\n", "1: e: no such option");
	refuses(at, "config x\n", "1: config: it is for the command line only");
	refuses(at, "no-config\n", "1: no-config: it is for the command line only");
	refuses(at, "help\n", "1: help: it is for the command line only");
	refuses(at, "make -j2\n", "1: make: no such option");
	refuses(at, "ro /nonexistent:etc\n", "1: ro: the destination 'etc'");
}

static void a_nul_byte_is_refused(void **state)
{
	struct planning *at = *state;
	FILE *file = fopen(planning_path(at, "nul"), "we");

	assert_non_null(file);
	fwrite("hostname a\0b\n", 1, 13, file);
	fclose(file);
	planning_refuses_root(at, "--profile @/nul", "nul:1: a NUL byte");
}

static void profiles_nest_where_they_stand(void **state)
{
	struct planning *at = *state;

	planning_write(at, "outer", "hostname outer\nprofile inner\nworkdir /etc\n");
	planning_write(at, "inner", "hostname inner\nworkdir /bin\n");
	assert_int_equal(planning_root(at, "--profile @/outer"), 0);
	assert_string_equal(at->plan.namespaces.hostname, "inner");
	assert_string_equal(at->plan.process.cwd, "/etc");
}

static void cycles_are_refused(void **state)
{
	struct planning *at = *state;

	planning_write(at, "a", "profile b\n");
	planning_write(at, "b", "hostname x\nprofile a\n");
	planning_refuses_root(at, "--profile @/a", "it includes itself");
	planning_write(at, "self", "profile self\n");
	planning_refuses_root(at, "--profile @/self", "self:1: read ");
}

static void profiles_nest_only_so_deep(void **state)
{
	struct planning *at = *state;
	char name[32], line[64];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "deep%d", i);
		snprintf(line, sizeof(line), "profile deep%d\n", i + 1);
		planning_write(at, name, line);
	}
	planning_write(at, "deep20", "");
	planning_refuses_root(at, "--profile @/deep0", "more than 16 files deep");
}

static void the_command_line_beats_profiles_and_these_the_configuration(void **state)
{
	struct planning *at = *state;

	planning_write(at, USER_CONF, "hostname user\nworkdir /etc\ntimeout 1s\n");
	planning_write(at, "p", "hostname profile\nworkdir /bin\n");
	assert_int_equal(configured(at, "--hostname words --profile @/p"), 0);
	assert_string_equal(at->plan.namespaces.hostname, "words");
	assert_string_equal(at->plan.process.cwd, "/bin");
	assert_int_equal(at->plan.life.timeout_ms, 1000);
}

static void no_config_reads_none(void **state)
{
	struct planning *at = *state;

	planning_write(at, USER_CONF, "hostname user\n");
	assert_int_equal(configured(at, ""), 0);
	assert_string_equal(at->plan.namespaces.hostname, "user");
	assert_int_equal(configured(at, "--no-config"), 0);
	assert_string_equal(at->plan.namespaces.hostname, "sbx");
}

static void lists_append_the_highest_first(void **state)
{
	struct planning *at = *state;
	size_t first, second, third;

	planning_write(at, USER_CONF, "ro /etc:/three\n");
	planning_write(at, "p", "rw /etc:/two\n");
	assert_int_equal(configured(at, "--profile @/p --tmpfs /one"), 0);
	assert_non_null(planning_mount(at, "/one", &first));
	assert_non_null(planning_mount(at, "/two", &second));
	assert_non_null(planning_mount(at, "/three", &third));
	assert_true(first < second && second < third);
}

static void a_variable_of_a_higher_source_stays(void **state)
{
	struct planning *at = *state;

	planning_write(at, USER_CONF, "env A=user\nenv B=user\ncap-add ALL\n");
	assert_int_equal(configured(at, "-e A=words -e C=1 -e C=2 --cap-drop NET_RAW"),
			 0);
	assert_string_equal(planning_env(at, "A"), "words");
	assert_string_equal(planning_env(at, "B"), "user");
	assert_string_equal(planning_env(at, "C"), "2");
	assert_true(at->plan.policy.caps.kept == (caps_all() & ~caps_by_name("NET_RAW")));
}

static void no_name_empties_a_list(void **state)
{
	struct planning *at = *state;

	planning_write(at, USER_CONF, "ro /etc:/user\nenv A=user\ndie-with-parent\n");
	assert_int_equal(configured(at, "--ro /etc:/a --no-ro --ro /etc:/b --no-env "
					"--no-die-with-parent"),
			 0);
	assert_null(planning_mount(at, "/user", NULL));
	assert_null(planning_mount(at, "/a", NULL));
	assert_non_null(planning_mount(at, "/b", NULL));
	assert_null(planning_env(at, "A"));
	assert_false(at->plan.life.die_with_parent);
}

static void no_name_leaves_higher_sources_alone(void **state)
{
	struct planning *at = *state;

	planning_write(at, USER_CONF, "ro /etc:/user\nno-ro\nro /etc:/later\n");
	assert_int_equal(configured(at, "--ro /etc:/words"), 0);
	assert_non_null(planning_mount(at, "/words", NULL));
	assert_null(planning_mount(at, "/user", NULL));
	assert_non_null(planning_mount(at, "/later", NULL));
}

static void the_map_of_the_highest_source_holds_alone(void **state)
{
	struct planning *at = *state;
	char words[64];

	planning_write(at, USER_CONF, "map 0:5:1\nmap 1:6:1\n");
	snprintf(words, sizeof(words), "--map u:0:%u:1 --map g:0:%u:1", geteuid(),
		 getegid());
	assert_int_equal(configured(at, words), 0);
	assert_int_equal(at->plan.ids.uids.count, 1);
	assert_int_equal(at->plan.ids.uids.ranges[0].outside, geteuid());
}

static void a_bad_value_is_found_even_where_it_would_not_hold(void **state)
{
	struct planning *at = *state;

	planning_write(at, USER_CONF, "hostname a/b\n");
	assert_int_equal(configured(at, "--hostname good"), -1);
	assert_non_null(strstr(at->err.text, "sbx.conf:1: hostname: 'a/b'"));
}

static void pools_are_profiles_by_name(void **state)
{
	struct planning *at = *state;

	planning_write(at, "home/.config/sbx/pools.d/ci", "hostname ci\nro data:/data\n");
	planning_write(at, "home/.config/sbx/pools.d/data/x", "");
	assert_int_equal(planning_root(at, "--pool ci"), 0);
	assert_string_equal(at->plan.namespaces.hostname, "ci");
	assert_string_equal(planning_mount(at, "/data", NULL)->source,
			    planning_path(at, "home/.config/sbx/pools.d/data"));
}

static void xdg_config_home_is_looked_at_first(void **state)
{
	struct planning *at = *state;

	planning_write(at, "elsewhere/sbx/sbx.conf", "hostname elsewhere\n");
	planning_write(at, USER_CONF, "hostname user\n");
	setenv("XDG_CONFIG_HOME", planning_path(at, "elsewhere"), 1);
	assert_int_equal(configured(at, ""), 0);
	assert_string_equal(at->plan.namespaces.hostname, "elsewhere");
	setenv("XDG_CONFIG_HOME", "relative/is/no/place", 1);
	assert_int_equal(configured(at, ""), 0);
	assert_string_equal(at->plan.namespaces.hostname, "user");
	unsetenv("XDG_CONFIG_HOME");
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	struct planning *at = *state;

	planning_write(at, "home/.config/sbx/pools.d/dir/x", "");
	planning_refuses_root(at, "--pool dir", "it is a directory");
	if (geteuid() == 0)
		return;
	chmod(planning_write(at, USER_CONF, "hostname x\n"), 0);
	assert_int_equal(configured(at, ""), -1);
	assert_non_null(strstr(at->err.text, "read "));
	assert_int_equal(at->err.id, ERROR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_name_and_its_operand),
		cmocka_unit_test(paths_are_relative_to_the_file),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(profiles_nest_where_they_stand),
		cmocka_unit_test(cycles_are_refused),
		cmocka_unit_test(profiles_nest_only_so_deep),
		cmocka_unit_test_teardown(
			the_command_line_beats_profiles_and_these_the_configuration,
			forget_user_conf),
		cmocka_unit_test_teardown(no_config_reads_none, forget_user_conf),
		cmocka_unit_test_teardown(lists_append_the_highest_first,
					  forget_user_conf),
		cmocka_unit_test_teardown(a_variable_of_a_higher_source_stays,
					  forget_user_conf),
		cmocka_unit_test_teardown(no_name_empties_a_list, forget_user_conf),
		cmocka_unit_test_teardown(no_name_leaves_higher_sources_alone,
					  forget_user_conf),
		cmocka_unit_test_teardown(the_map_of_the_highest_source_holds_alone,
					  forget_user_conf),
		cmocka_unit_test_teardown(
			a_bad_value_is_found_even_where_it_would_not_hold,
			forget_user_conf),
		cmocka_unit_test(pools_are_profiles_by_name),
		cmocka_unit_test_teardown(xdg_config_home_is_looked_at_first,
					  forget_user_conf),
		cmocka_unit_test_teardown(a_file_that_cannot_be_read_is_an_error,
					  forget_user_conf),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
