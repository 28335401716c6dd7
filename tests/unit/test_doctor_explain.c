/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"
#include "base/error.h"
#include "launcher/doctor.h"
#include "tests/unit/made_up_hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- explanations ------------------------------------------------------------------------------ */

static struct error failure(enum error_id id, int errnum, const char *text)
{
	struct error err = { 0 };

	errno = errnum;
	error_errno_id(&err, id, "%s", text);
	return err;
}

static void a_refusal_is_refined_to_the_sysctl(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);
	struct error err =
		failure(ERROR_USERNS_FORBIDDEN, EPERM, "make a user namespace");

	(void)state;
	facts.sysctls.userns_clone = 0;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_USERNS_SYSCTL);
	assert_string_equal(err.text, "make a user namespace: "
				      "kernel.unprivileged_userns_clone is 0");
	assert_string_equal(err.hint, "sudo sysctl kernel.unprivileged_userns_clone=1");
}

static void a_namespace_without_power_is_refined_to_apparmor(void **state)
{
	static const enum error_id ids[] = { ERROR_PLAIN, ERROR_IDS, ERROR_NAMESPACE };
	struct host_facts facts = host_without_userns(EACCES);

	(void)state;
	facts.sysctls.apparmor_restrict = 1;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct error err = failure(ids[i], EACCES, "map ids: write uid_map");

		doctor_explain_by(&facts, &err);
		assert_int_equal(err.id, ERROR_USERNS_APPARMOR);
		assert_string_equal(
			err.hint,
			"sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
	}
}

static void a_filter_and_a_limit_have_ids_of_their_own(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);
	struct error err =
		failure(ERROR_USERNS_FORBIDDEN, EPERM, "make a user namespace");

	(void)state;
	facts.filtered = true;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_USERNS_SECCOMP);

	facts = host_without_userns(ENOSPC);
	facts.sysctls.max_namespaces[NS_USER] = 0;
	err = failure(ERROR_USERNS_LIMIT, ENOSPC, "make the namespaces");
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_USERNS_LIMIT);
	assert_string_equal(err.hint, "sudo sysctl user.max_user_namespaces=15000");
}

static void what_only_a_filter_can_refuse_is_laid_to_it(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_PLAIN, EPERM, "set the host name"), before;

	(void)state;
	strcpy(facts.container, "podman");
	before = err;
	doctor_explain_by(&facts, &err);
	assert_memory_equal(&err, &before, sizeof(err));
	facts.filtered = true;
	facts.proc = failed_trial("mount a new proc", EPERM);
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_PLAIN);
	assert_true(err.explained);
	assert_string_equal(err.text,
			    "set the host name: Operation not permitted; a seccomp "
			    "filter around sbx may be what refuses it");
	assert_string_equal(err.hint, "podman run --security-opt seccomp=unconfined "
				      "--security-opt unmask=ALL ...");
}

static void who_has_no_id_can_make_no_namespace(void **state)
{
	struct host_facts facts = host_without_userns(EPERM);
	struct error err =
		failure(ERROR_USERNS_FORBIDDEN, EPERM, "make a user namespace");

	(void)state;
	facts.unmapped = true;
	strcpy(facts.container, "docker");
	doctor_explain_by(&facts, &err);
	assert_string_equal(err.text, "make a user namespace: uid 1000 is no id of the "
				      "user namespace around sbx");
}

static void a_covered_proc_is_explained_once(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_PROC_COVERED, EPERM, "mount proc");

	(void)state;
	facts.proc = failed_trial("mount a new proc", EPERM);
	strcpy(facts.proc_covers, "/proc/kcore");
	err.status = 125;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_PROC_COVERED);
	assert_int_equal(err.status, 125);
	assert_string_equal(err.text,
			    "mount a new proc: parts of /proc are covered: /proc/kcore");
	assert_string_equal(err.hint,
			    "sudo umount /proc/kcore, or --proc host (shows the "
			    "outer process list) or --proc none");
}

static void a_command_that_is_too_long_for_a_hint_is_left_out(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_PROC_COVERED, EPERM, "mount proc");

	(void)state;
	facts.proc = failed_trial("mount a new proc", EPERM);
	memset(facts.proc_covers, 'x', 400);
	doctor_explain_by(&facts, &err);
	assert_string_equal(err.hint, "--proc host (shows the outer process list) or "
				      "--proc none; sbx doctor tells more");
}

static void a_helper_is_explained_with_the_way_round_it(void **state)
{
	struct host_facts facts = good_host();
	struct error err = failure(ERROR_IDMAP_HELPER, 0, "map ids: newgidmap failed");

	(void)state;
	facts.helpers[SUBID_GID].set_id = false;
	doctor_explain_by(&facts, &err);
	assert_int_equal(err.id, ERROR_IDMAP_HELPER);
	assert_string_equal(err.hint,
			    "sudo chmod u+s /usr/bin/newgidmap, or --map single");
}

static void an_error_of_which_the_host_is_innocent_is_left_alone(void **state)
{
	static const enum error_id ids[] = { ERROR_PLAIN, ERROR_SOURCE_MISSING,
					     ERROR_USERNS_FORBIDDEN, ERROR_OVERLAY,
					     ERROR_KERNEL };
	struct host_facts facts = good_host();

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct error err = failure(ids[i], EPERM, "do it"), before;

		error_hint(&err, "as before");
		before = err;
		doctor_explain_by(&facts, &err);
		assert_memory_equal(&err, &before, sizeof(err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_refined_to_the_sysctl),
		cmocka_unit_test(a_namespace_without_power_is_refined_to_apparmor),
		cmocka_unit_test(a_filter_and_a_limit_have_ids_of_their_own),
		cmocka_unit_test(what_only_a_filter_can_refuse_is_laid_to_it),
		cmocka_unit_test(who_has_no_id_can_make_no_namespace),
		cmocka_unit_test(a_covered_proc_is_explained_once),
		cmocka_unit_test(a_command_that_is_too_long_for_a_hint_is_left_out),
		cmocka_unit_test(a_helper_is_explained_with_the_way_round_it),
		cmocka_unit_test(an_error_of_which_the_host_is_innocent_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
