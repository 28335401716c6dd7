/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "launcher/gvisor_known.h"
#include "tests/unit/emulated.h"
#include "tests/unit/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cmocka.h>

/* A runsc of that date, with a line of flags and one of platforms more than it has to have. */
static const char *make_runsc(void **state, const char *date, const char *flag,
			      const char *platform)
{
	char text[512];
	const char *path;

	/* It has no pidfds, by which what is asked is waited for. */
	if (is_emulated())
		skip();
	snprintf(text, sizeof(text),
		 "#!/bin/sh\n"
		 "case $1 in\n"
		 "--version) echo 'runsc version release-%s.0' ;;\n"
		 "flags) printf '  -platform string\\n  -%s\\n' >&2 ;;\n"
		 "help) printf 'ptrace\\n%s\\n' ;;\n"
		 "esac\n",
		 date, flag, platform);
	path = temporary_file(*state, "runsc", text, strlen(text));
	if (chmod(path, 0755) < 0)
		abort();
	return path;
}

static const struct id_range one[] = { { 0, 1000, 1 } };
static const struct id_range many[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };

static struct plan plan_with(const char *runsc, const struct id_range *ranges,
			     size_t count)
{
	return (struct plan){
		.ids = { { ranges, count }, { ranges, count }, false },
		.runtime = { .kind = RUNTIME_RUNSC, .runsc = runsc },
	};
}

static void auto_is_systrap_where_there_is_one(void **state)
{
	struct plan plan =
		plan_with(make_runsc(state, "20250407", "directfs", "systrap"), many, 2);
	struct gvisor_choice choice;
	struct error err;

	assert_int_equal(gvisor_choose(&plan, &choice, &err), 0);
	assert_int_equal(choice.platform, PLATFORM_SYSTRAP);
	assert_string_equal(choice.notes, "");
	assert_int_equal(choice.directfs, gvisor_ptrace_scope() == GVISOR_SCOPE_ADMIN);
	assert_false(choice.hides_net_core);
	plan.runtime.runsc = make_runsc(state, "20250407", "directfs", "kvm");
	assert_int_equal(gvisor_choose(&plan, &choice, &err), 0);
	assert_int_equal(choice.platform, PLATFORM_PTRACE);
}

static void a_list_steps_down_and_says_so(void **state)
{
	struct plan plan =
		plan_with(make_runsc(state, "20250407", "directfs", ""), many, 2);
	struct gvisor_choice choice;
	struct error err;

	plan.runtime.platforms[0] = PLATFORM_KVM;
	plan.runtime.platforms[1] = PLATFORM_SYSTRAP;
	plan.runtime.platforms[2] = PLATFORM_PTRACE;
	plan.runtime.platform_count = 2;
	assert_int_equal(gvisor_choose(&plan, &choice, &err), -1);
	assert_int_equal(err.id, ERROR_RUNSC_PLATFORM);
	assert_non_null(strstr(err.text, "--platform systrap"));
	plan.runtime.platform_count = 3;
	assert_int_equal(gvisor_choose(&plan, &choice, &err), 0);
	assert_int_equal(choice.platform, PLATFORM_PTRACE);
	assert_non_null(strstr(choice.notes, "next is systrap\n"));
	assert_non_null(strstr(choice.notes, "next is ptrace\n"));
}

static void without_an_id_for_nobody_it_stays_who_it_is(void **state)
{
	struct plan plan =
		plan_with(make_runsc(state, "20250407", "directfs", ""), one, 1);
	struct gvisor_choice choice;
	struct error err;

	assert_int_equal(gvisor_choose(&plan, &choice, &err), 0);
	assert_true(choice.directfs);
}

static void a_release_that_cannot_needs_the_id(void **state)
{
	struct plan plan =
		plan_with(make_runsc(state, "20221219", "overlay2", ""), one, 1);
	struct gvisor_choice choice;
	struct error err;

	assert_int_equal(gvisor_choose(&plan, &choice, &err), -1);
	assert_int_equal(err.id, ERROR_SUBIDS_MISSING);
	assert_non_null(strstr(err.hint, "--gvisor-net host"));
	plan.runtime.net = GVISOR_NET_HOST;
	assert_int_equal(gvisor_choose(&plan, &choice, &err), 0);
	assert_false(choice.directfs);
}

static void an_old_release_does_not_see_what_new_kernels_show(void **state)
{
	const struct plan plan =
		plan_with(make_runsc(state, "20240729", "directfs", ""), many, 2);
	struct gvisor_choice choice;
	unsigned long major, minor = 0;
	struct utsname name;
	struct error err;
	char *end;

	assert_int_equal(uname(&name), 0);
	major = strtoul(name.release, &end, 10);
	if (*end == '.')
		minor = strtoul(end + 1, NULL, 10);
	assert_int_equal(gvisor_choose(&plan, &choice, &err), 0);
	assert_int_equal(choice.hides_net_core, major * 100 + minor >= 611);
}

static int make_place(void **state)
{
	const int result = temporary_make(state);
	const struct temporary *temporary = *state;
	char path[300];

	snprintf(path, sizeof(path), "%s/cache", temporary->path);
	setenv("XDG_CACHE_HOME", path, 1);
	return result;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auto_is_systrap_where_there_is_one),
		cmocka_unit_test(a_list_steps_down_and_says_so),
		cmocka_unit_test(without_an_id_for_nobody_it_stays_who_it_is),
		cmocka_unit_test(a_release_that_cannot_needs_the_id),
		cmocka_unit_test(an_old_release_does_not_see_what_new_kernels_show),
	};

	return cmocka_run_group_tests(tests, make_place, temporary_remove);
}
