/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "launcher/gvisor_known.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Sums of 128 digits that are easy to tell. */
#define SUM_A          SIXTEEN("aaaaaaaa")
#define SUM_B          SIXTEEN("bbbbbbbb")
#define SUM_C          SIXTEEN("CCCCCCCC")
#define SIXTEEN(eight) FOUR(eight) FOUR(eight) FOUR(eight) FOUR(eight)
#define FOUR(eight)    eight eight eight eight

struct pins {
	struct arena arena;
	struct gvisor_pin *pins;
	size_t count;
	struct error err;
};

static int parse(const char *text, struct pins *pins)
{
	*pins = (struct pins){ .count = 0 };
	return gvisor_pin_parse(text, "PIN", "x86_64", &pins->arena, &pins->pins,
				&pins->count, &pins->err);
}

static void assert_refused(const char *text, const char *why)
{
	struct pins pins;

	assert_int_equal(parse(text, &pins), -1);
	assert_int_equal(pins.err.id, ERROR_RUNSC_PIN);
	if (!strstr(pins.err.text, why))
		fail_msg("'%s' does not say '%s'", pins.err.text, why);
	arena_free(&pins.arena);
}

/* ---- what it says ------------------------------------------------------------------------ */

static void a_list_of_sha512sum_is_a_pin(void **state)
{
	struct pins pins;

	(void)state;
	assert_int_equal(parse(SUM_A "  /some/where/else\n", &pins), 0);
	assert_int_equal(pins.count, 1);
	assert_string_equal(pins.pins[0].release, "");
	assert_int_equal(pins.pins[0].count, 1);
	assert_string_equal(pins.pins[0].sums[0].name, "");
	assert_string_equal(pins.pins[0].sums[0].sha512, SUM_A);
	arena_free(&pins.arena);
}

static void companions_are_told_by_their_names(void **state)
{
	struct pins pins;

	(void)state;
	assert_int_equal(parse("# of today\n\nrelease 20260901.0\r\n" SUM_A
			       " *runsc\n" SUM_B "  ./gvisor-bin/sentry\n" SUM_C
			       "  /opt/my-gvisor-bin/gvisor-bin/a/b\n",
			       &pins),
			 0);
	assert_int_equal(pins.count, 1);
	assert_string_equal(pins.pins[0].release, "20260901.0");
	assert_int_equal(pins.pins[0].count, 3);
	assert_string_equal(pins.pins[0].sums[1].name, "gvisor-bin/sentry");
	assert_string_equal(pins.pins[0].sums[2].name, "gvisor-bin/a/b");
	assert_string_equal(pins.pins[0].sums[2].sha512, SIXTEEN("cccccccc"));
	arena_free(&pins.arena);
}

static void only_the_stanzas_of_this_machine_count(void **state)
{
	struct pins pins;

	(void)state;
	assert_int_equal(parse("release 1\narch arm64\n" SUM_A "  runsc\n"
			       "arch x86_64\nrelease 2\n" SUM_B "  runsc\n"
			       "release 3\n" SUM_C "  runsc\n",
			       &pins),
			 0);
	assert_int_equal(pins.count, 2);
	assert_string_equal(pins.pins[0].release, "2");
	assert_string_equal(pins.pins[0].sums[0].sha512, SUM_B);
	assert_string_equal(pins.pins[1].release, "3");
	arena_free(&pins.arena);
}

static void what_names_no_runsc_for_this_machine_is_refused(void **state)
{
	(void)state;
	assert_refused("", "no runsc for x86_64");
	assert_refused("release 1\n", "no runsc for x86_64");
	assert_refused("arch arm64\n" SUM_A "  runsc\n", "no runsc for x86_64");
	assert_refused(SUM_A "  gvisor-bin/sentry\n", "no runsc for x86_64");
}

static void a_line_that_is_wrong_is_named(void **state)
{
	(void)state;
	assert_refused("\nhello\n", "PIN:2");
	assert_refused("arch s391x\n", "PIN:1: Unsupported architecture: s391x");
	assert_refused(SUM_A "0  runsc\n", "PIN:1");
	assert_refused(SUM_A "\nabc  runsc\n", "PIN:2");
	assert_refused(SUM_A " runsc\n", "PIN:1");
	assert_refused("release 1\nrelease 2\n", "PIN:2");
	assert_refused("arch amd64\narch arm64\n", "PIN:2");
	assert_refused("release \n", "PIN:1");
}

static void releases_are_compared_without_their_prefix(void **state)
{
	(void)state;
	assert_true(gvisor_is_release("release-20250407.0", "20250407.0"));
	assert_true(gvisor_is_release("20250407.0", "release-20250407.0"));
	assert_true(gvisor_is_release("0.0~20221219.0", "0.0~20221219.0"));
	assert_true(gvisor_is_release("anything", ""));
	assert_true(gvisor_is_release("anything", "latest"));
	assert_false(gvisor_is_release("release-20250407.0", "release-20250407.1"));
	assert_false(gvisor_is_release("release-20250407.0", "release-2025"));
}

/* A pin with one byte changed is refused or is one, and never is one for nothing. */
static void a_pin_with_any_byte_changed_is_read(void **state)
{
	static const char good[] =
		"release 1\narch amd64\n" SUM_A "  runsc\n" SUM_B "  gvisor-bin/a\n";

	(void)state;
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (int byte = 1; byte < 256; byte += 5) {
			char text[sizeof(good)];
			struct pins pins;

			memcpy(text, good, sizeof(good));
			text[i] = (char)byte;
			if (parse(text, &pins) == 0)
				assert_true(pins.count > 0 && pins.pins[0].count > 0);
			else
				assert_true(pins.err.id == ERROR_RUNSC_PIN);
			arena_free(&pins.arena);
		}
	}
}

/* ---- what is remembered ------------------------------------------------------------------ */

static const char *an_old_file(void)
{
	static char path[4096];

	if (!realpath("/bin/sh", path))
		abort();
	return path;
}

static void what_was_found_out_is_known_again(void **state)
{
	struct arena arena = { 0 };
	struct gvisor_known *known = gvisor_recall(an_old_file(), &arena);
	struct stat status;

	(void)state;
	assert_false(known->is_fresh);
	assert_false(known->probed);
	assert_int_equal(stat(an_old_file(), &status), 0);
	assert_null(gvisor_known_sum(known, &status));
	known->probed = true;
	known->flags = 5;
	known->platforms = 6;
	snprintf(known->release, sizeof(known->release), "1.2~3");
	known->kvm = KVM_FAILS;
	known->kvm_tried = 77;
	gvisor_know_sum(known, &status, SUM_A);
	gvisor_remember(an_old_file(), known, &arena);

	known = gvisor_recall(an_old_file(), &arena);
	assert_true(known->probed);
	assert_int_equal(known->flags, 5);
	assert_int_equal(known->platforms, 6);
	assert_string_equal(known->release, "1.2~3");
	assert_int_equal(known->kvm, KVM_FAILS);
	assert_int_equal(known->kvm_tried, 77);
	assert_string_equal(gvisor_known_sum(known, &status), SUM_A);
	status.st_ctim.tv_nsec ^= 1;
	assert_null(gvisor_known_sum(known, &status));
	arena_free(&arena);
}

static void digests_that_nobody_asked_for_go(void **state)
{
	struct arena arena = { 0 };
	struct gvisor_known *known = gvisor_recall(an_old_file(), &arena);
	struct stat status;

	(void)state;
	assert_int_equal(stat(an_old_file(), &status), 0);
	status.st_ino++;
	gvisor_know_sum(known, &status, SUM_B);
	assert_int_equal(known->sum_count, 2);
	gvisor_forget_unused(known);
	assert_int_equal(known->sum_count, 1);
	assert_string_equal(gvisor_known_sum(known, &status), SUM_B);
	arena_free(&arena);
}

static void another_path_is_another_file(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_false(gvisor_recall("/proc/self/exe", &arena)->probed);
	arena_free(&arena);
}

static void a_record_that_is_damaged_is_forgotten(void **state)
{
	const struct temporary *temporary = *state;
	struct arena arena = { 0 };
	char command[600];

	(void)state;
	assert_true(gvisor_recall(an_old_file(), &arena)->probed);
	snprintf(command, sizeof(command),
		 "for f in %s/cache/sbx/runsc/*; do echo sum 12 >>\"$f\"; done",
		 temporary->path);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	assert_false(gvisor_recall(an_old_file(), &arena)->probed);
	arena_free(&arena);
}

/* ---- kvm --------------------------------------------------------------------------------- */

static void assert_node(int errnum, enum error_id id, unsigned int platforms,
			const char *instead)
{
	const struct gvisor_binary binary = { .platforms = platforms };
	struct error err = { 0 };

	assert_int_equal(gvisor_judge_kvm_node(errnum, &binary, &err), -1);
	assert_int_equal(err.id, id);
	assert_non_null(strstr(err.hint, instead));
}

static void a_node_that_cannot_be_opened_says_which_case_it_is(void **state)
{
	const struct gvisor_binary binary = { .platforms = 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(gvisor_judge_kvm_node(0, &binary, &err), 0);
	assert_node(ENOENT, ERROR_KVM_MISSING, 1U << PLATFORM_SYSTRAP,
		    "--platform systrap");
	assert_node(ENXIO, ERROR_KVM_MISSING, 1U << PLATFORM_PTRACE, "--platform ptrace");
	assert_node(EACCES, ERROR_KVM_FORBIDDEN, 0, "group kvm");
	assert_node(EBUSY, ERROR_KVM_UNUSABLE, 0, "--platform ptrace");
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
		cmocka_unit_test(a_list_of_sha512sum_is_a_pin),
		cmocka_unit_test(companions_are_told_by_their_names),
		cmocka_unit_test(only_the_stanzas_of_this_machine_count),
		cmocka_unit_test(what_names_no_runsc_for_this_machine_is_refused),
		cmocka_unit_test(a_line_that_is_wrong_is_named),
		cmocka_unit_test(releases_are_compared_without_their_prefix),
		cmocka_unit_test(a_pin_with_any_byte_changed_is_read),
		cmocka_unit_test(what_was_found_out_is_known_again),
		cmocka_unit_test(digests_that_nobody_asked_for_go),
		cmocka_unit_test(another_path_is_another_file),
		cmocka_unit_test(a_record_that_is_damaged_is_forgotten),
		cmocka_unit_test(a_node_that_cannot_be_opened_says_which_case_it_is),
	};

	return cmocka_run_group_tests(tests, make_place, temporary_remove);
}
