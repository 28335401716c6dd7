/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct limits_spec of_entries(const struct rlimit_entry *entries, size_t count)
{
	return (struct limits_spec){ .rlimits = entries, .rlimit_count = count };
}

static int oom_score_adj_now(void)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "re");
	int value = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &value), 1);
	fclose(file);
	return value;
}

static void names_are_found_with_and_without_prefix_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(rlimit_by_name("nofile"), RLIMIT_NOFILE);
	assert_int_equal(rlimit_by_name("RLIMIT_NOFILE"), RLIMIT_NOFILE);
	assert_int_equal(rlimit_by_name("rlimit_Core"), RLIMIT_CORE);
	assert_int_equal(rlimit_by_name("files"), -1);
	assert_int_equal(rlimit_by_name(""), -1);
}

static void every_resource_has_a_name_and_is_found_by_it(void **state)
{
	(void)state;
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		assert_non_null(rlimit_name(i));
		assert_int_equal(rlimit_by_name(rlimit_name(i)), i);
	}
	assert_null(rlimit_name(RLIM_NLIMITS));
	assert_null(rlimit_name(-1));
}

static void a_soft_limit_above_the_hard_one_is_refused(void **state)
{
	const struct rlimit_entry entry = { RLIMIT_CORE, 2, 1 };
	const struct limits_spec limits = of_entries(&entry, 1);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(limits_check(&limits, &err), -1);
	assert_int_equal(err.id, ERROR_LIMIT);
	assert_string_equal(err.text,
			    "set RLIMIT_CORE: the soft limit is above the hard one");
}

/* Runs the check in a child whose hard limit of open files is 100. */
static int check_below_100_files(const struct limits_spec *limits, char *ret_text,
				 size_t size)
{
	int channel[2], status = 0;
	pid_t child;

	assert_int_equal(pipe(channel), 0);
	child = fork();
	if (child == 0) {
		const struct rlimit small = { 100, 100 };
		struct error err = { 0 };

		if (setrlimit(RLIMIT_NOFILE, &small) < 0)
			_exit(2);
		if (limits_check(limits, &err) == 0)
			_exit(0);
		_exit(write(channel[1], err.text, sizeof(err.text)) < 0 ? 2 : 1);
	}
	close(channel[1]);
	memset(ret_text, 0, size);
	assert_true(read(channel[0], ret_text, size - 1) >= 0);
	close(channel[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

static void a_hard_limit_above_the_present_one_is_refused(void **state)
{
	const struct rlimit_entry above = { RLIMIT_NOFILE, 50, 101 };
	const struct rlimit_entry equal = { RLIMIT_NOFILE, 100, 100 };
	const struct limits_spec too_much = of_entries(&above, 1);
	const struct limits_spec enough = of_entries(&equal, 1);
	char text[300];

	(void)state;
	assert_int_equal(check_below_100_files(&too_much, text, sizeof(text)), 1);
	assert_string_equal(text, "set RLIMIT_NOFILE: the hard limit here is 100");
	assert_int_equal(check_below_100_files(&enough, text, sizeof(text)), 0);
}

static void an_overruled_entry_is_not_looked_at(void **state)
{
	const struct rlimit_entry entries[] = { { RLIMIT_NOFILE, 50, 101 },
						{ RLIMIT_CORE, 0, 0 },
						{ RLIMIT_NOFILE, 50, 100 } };
	const struct limits_spec limits = of_entries(entries, 3);
	char text[300];

	(void)state;
	assert_int_equal(check_below_100_files(&limits, text, sizeof(text)), 0);
}

static void an_unknown_resource_is_refused(void **state)
{
	const struct rlimit_entry entry = { 99, 0, 0 };
	const struct limits_spec limits = of_entries(&entry, 1);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(limits_check(&limits, &err), -1);
	assert_int_equal(err.id, ERROR_LIMIT);
}

static void an_oom_score_adj_may_rise_but_not_fall(void **state)
{
	struct limits_spec limits = { .has_oom_score_adj = true };
	struct error err = { 0 };

	(void)state;
	limits.oom_score_adj = oom_score_adj_now();
	assert_int_equal(limits_check(&limits, &err), 0);
	limits.oom_score_adj = 1000;
	assert_int_equal(limits_check(&limits, &err), 0);
	limits.oom_score_adj = oom_score_adj_now() - 1;
	assert_int_equal(limits_check(&limits, &err), -1);
	assert_int_equal(err.id, ERROR_LIMIT);
	limits.oom_score_adj = 1001;
	assert_int_equal(limits_check(&limits, &err), -1);
	assert_string_equal(err.text,
			    "set oom_score_adj to 1001: it goes from -1000 to 1000");
}

static void limits_are_as_asked_afterwards(void **state)
{
	const struct rlimit_entry entries[] = { { RLIMIT_NOFILE, 10, 20 },
						{ RLIMIT_FSIZE, 0, 0 },
						{ RLIMIT_NOFILE, 30, 40 } };
	struct limits_spec limits = of_entries(entries, 3);
	int status = 0;
	pid_t child = fork();

	(void)state;
	limits.has_oom_score_adj = true;
	limits.oom_score_adj = 1000;
	if (child == 0) {
		struct error err = { 0 };
		struct rlimit files, size;

		if (limits_weigh_oom(&limits, &err) < 0 ||
		    limits_apply(&limits, &err) < 0)
			_exit(1);
		if (getrlimit(RLIMIT_NOFILE, &files) < 0 ||
		    getrlimit(RLIMIT_FSIZE, &size) < 0)
			_exit(2);
		if (files.rlim_cur != 30 || files.rlim_max != 40 || size.rlim_max != 0)
			_exit(3);
		_exit(oom_score_adj_now() == 1000 ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void raising_is_refused_in_words_of_the_present_limit(void **state)
{
	int status = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		const struct rlimit low = { 20, 30 };
		const struct rlimit_entry entry = { RLIMIT_NOFILE, 20, 40 };
		const struct limits_spec limits = of_entries(&entry, 1);
		struct error err = { 0 };

		if (setrlimit(RLIMIT_NOFILE, &low) < 0)
			_exit(1);
		if (limits_raise(&limits, &err) == 0)
			_exit(limits_apply(&limits, &err) == 0 ? 0 : 2);
		_exit(strcmp(err.text, "set RLIMIT_NOFILE: the hard limit here is 30") ==
					      0 &&
				      err.errnum == 0
			      ? 0
			      : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void no_limit_is_all_bits(void **state)
{
	const struct rlimit_entry entry = { RLIMIT_STACK, 8192 * 1024, UINT64_MAX };
	const struct limits_spec limits = of_entries(&entry, 1);
	struct error err = { 0 };
	struct rlimit present;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_STACK, &present), 0);
	if (present.rlim_max != RLIM_INFINITY)
		skip();
	assert_int_equal(limits_check(&limits, &err), 0);
	assert_int_equal(limits_apply(&limits, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_STACK, &present), 0);
	assert_true(present.rlim_max == RLIM_INFINITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_with_and_without_prefix_in_any_case),
		cmocka_unit_test(every_resource_has_a_name_and_is_found_by_it),
		cmocka_unit_test(a_soft_limit_above_the_hard_one_is_refused),
		cmocka_unit_test(a_hard_limit_above_the_present_one_is_refused),
		cmocka_unit_test(an_overruled_entry_is_not_looked_at),
		cmocka_unit_test(an_unknown_resource_is_refused),
		cmocka_unit_test(an_oom_score_adj_may_rise_but_not_fall),
		cmocka_unit_test(limits_are_as_asked_afterwards),
		cmocka_unit_test(raising_is_refused_in_words_of_the_present_limit),
		cmocka_unit_test(no_limit_is_all_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
