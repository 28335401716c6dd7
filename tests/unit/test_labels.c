/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "policy/policy.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct label_spec none;

static void no_label_needs_no_module(void **state)
{
	const struct label_spec empty = { "", "", "" };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(labels_check(&none, &err), 0);
	assert_int_equal(labels_check(&empty, &err), 0);
	assert_false(labels_are_asked(&none));
	assert_false(labels_are_asked(&empty));
	assert_int_equal(labels_apply(-1, &none, &err), 0);
}

static void expect_refusal(const struct label_spec *labels, enum label_module module,
			   const char *name, const char *option)
{
	struct error err = { 0 };

	if (labels_enabled(module)) {
		assert_int_equal(labels_check(labels, &err), 0);
		return;
	}
	assert_int_equal(labels_check(labels, &err), -1);
	assert_int_equal(err.id, ERROR_LABEL);
	assert_int_equal(err.errnum, 0);
	if (labels_built_in(module))
		assert_non_null(strstr(err.text, name));
	else
		assert_non_null(strstr(err.text, "built without"));
	assert_non_null(strstr(err.hint, option));
}

static void a_label_without_its_module_is_an_error_that_names_it(void **state)
{
	const struct label_spec profile = { .apparmor = "sbx-test" };
	const struct label_spec label = { .selinux = "system_u:system_r:t:s0" };
	const struct label_spec mount = { .mount = "system_u:object_r:t:s0" };

	(void)state;
	expect_refusal(&profile, LABEL_APPARMOR, "AppArmor is not active", "apparmor");
	expect_refusal(&label, LABEL_SELINUX, "SELinux is not active", "selinux");
	expect_refusal(&mount, LABEL_SELINUX, "SELinux is not active", "selinux");
}

static void unconfined_is_what_one_is_without_apparmor(void **state)
{
	const struct label_spec labels = { .apparmor = "unconfined" };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(labels_check(&labels, &err), 0);
	assert_true(labels_are_asked(&labels) == labels_enabled(LABEL_APPARMOR));
}

static void labels_are_of_a_procfs_only(void **state)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY);
	int root = open("/", O_PATH | O_DIRECTORY);
	struct error err = { 0 };
	int attributes = labels_open(proc, &err);

	(void)state;
	assert_true(attributes >= 0);
	close(attributes);
	assert_int_equal(labels_open(root, &err), -1);
	assert_int_equal(err.id, ERROR_LABEL);
	close(proc);
	close(root);
}

/* Whatever the kernel answers: no word of it says that a file is missing. */
static void a_profile_that_nobody_loaded_is_refused_in_words(void **state)
{
	const struct label_spec labels = { .apparmor = "sbx-no-such-profile" };
	int proc = open("/proc", O_PATH | O_DIRECTORY);
	struct error err = { 0 };
	int attributes = labels_open(proc, &err);

	(void)state;
	assert_true(attributes >= 0);
	assert_int_equal(labels_apply(attributes, &labels, &err), -1);
	assert_int_equal(err.id, ERROR_LABEL);
	assert_true(err.explained);
	assert_non_null(strstr(err.text, "`/proc/thread-self/attr/"));
	assert_non_null(strstr(err.text, "sbx-no-such-profile"));
	close(attributes);
	close(proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_label_needs_no_module),
		cmocka_unit_test(a_label_without_its_module_is_an_error_that_names_it),
		cmocka_unit_test(unconfined_is_what_one_is_without_apparmor),
		cmocka_unit_test(labels_are_of_a_procfs_only),
		cmocka_unit_test(a_profile_that_nobody_loaded_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
