/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor about gVisor. */
#include "base/accounts.h"
#include "base/text.h"
#include "launcher/doctor.h"
#include "tests/unit/made_up_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_row(const struct host_facts *facts, const char *id,
		       enum row_state state, const char *found, const char *costs,
		       const char *remedy)
{
	const struct finding finding = doctor_judge(id, facts);

	if (finding.state != state)
		fail_msg("row %s: state %d (%s)", id, (int)finding.state, finding.found);
	if (!strstr(finding.found, found))
		fail_msg("row %s: \"%s\" does not say \"%s\"", id, finding.found, found);
	if (!strstr(finding.costs, costs))
		fail_msg("row %s: \"%s\" does not cost \"%s\"", id, finding.costs, costs);
	assert_string_equal(finding.remedy, remedy);
	assert_true((finding.state == ROW_OK) == (finding.costs[0] == '\0'));
}

static struct host_facts host_without(const char *problem)
{
	struct host_facts facts = good_host();

	facts.gvisor = (struct gvisor_facts){ .missing = !problem };
	if (problem)
		text_copy(facts.gvisor.problem, sizeof(facts.gvisor.problem), problem);
	return facts;
}

static void a_runsc_is_shown_with_its_release_and_its_pin(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	assert_row(&facts, "runsc", ROW_OK,
		   "/usr/bin/runsc, release-20250407.0, not pinned", "", "");
	strcpy(facts.gvisor.pin, "/etc/sbx/runsc.pin");
	assert_row(&facts, "runsc", ROW_OK, "pinned by /etc/sbx/runsc.pin", "", "");
	facts.gvisor.date = 20221219;
	assert_row(&facts, "runsc", ROW_LIMITED, "pinned by", "statx", "");
	facts.gvisor.date = 20240729;
	facts.gvisor.latest = true;
	assert_row(&facts, "runsc", ROW_LIMITED, "pinned by", "latest", "");
}

static void a_missing_one_comes_from_a_package_or_as_a_release(void **state)
{
	struct host_facts facts = host_without(NULL);

	(void)state;
	facts.packages = PACKAGES_APT;
	assert_row(&facts, "runsc", ROW_MISSING, "not installed", "--runtime runsc",
		   "sudo apt-get install runsc");
	facts.packages = PACKAGES_DNF;
	assert_row(&facts, "runsc", ROW_MISSING, "not installed", "",
		   "sudo sh -c 'wget -O /usr/local/bin/runsc "
		   "https://storage.googleapis.com/gvisor/releases/release/20250407.0/"
		   "x86_64/runsc && chmod 755 /usr/local/bin/runsc'");
}

static void one_that_cannot_be_used_says_why(void **state)
{
	const struct host_facts facts = host_without("cannot use it: no");

	(void)state;
	assert_row(&facts, "runsc", ROW_MISSING, "cannot use it: no", "--runtime runsc",
		   "");
	assert_row(&facts, "gvisor-platforms", ROW_MISSING, "not asked",
		   "--runtime runsc", "");
}

static void its_platforms_are_listed_with_what_kvm_says(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	assert_row(&facts, "gvisor-platforms", ROW_OK, "systrap, ptrace", "", "");
	facts.gvisor.kvm = true;
	assert_row(&facts, "gvisor-platforms", ROW_OK, "systrap, ptrace, kvm", "", "");
	strcpy(facts.gvisor.kvm_problem, "cannot use --platform kvm: no");
	assert_row(&facts, "gvisor-platforms", ROW_OK,
		   "systrap, ptrace; cannot use --platform kvm: no", "", "");
	facts.gvisor.systrap = false;
	assert_row(&facts, "gvisor-platforms", ROW_LIMITED, "ptrace; cannot", "systrap",
		   "");
}

static void where_nobody_may_trace_only_kvm_is_left(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.gvisor.ptrace_scope = 3;
	assert_row(&facts, "gvisor-platforms", ROW_MISSING, "ptrace_scope is 3",
		   "--runtime runsc", "");
	facts.gvisor.kvm = true;
	assert_row(&facts, "gvisor-platforms", ROW_LIMITED, "ptrace_scope is 3",
		   "--platform kvm", "");
}

static void what_it_needs_of_the_host_is_told(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	assert_row(&facts, "gvisor-host", ROW_OK, "an id for its user nobody", "", "");
	facts.major = 6;
	facts.minor = 11;
	facts.gvisor.date = 20221219;
	assert_row(&facts, "gvisor-host", ROW_OK, "/proc/sys/net/core is hidden", "", "");
	facts.gvisor.ptrace_scope = 2;
	assert_row(&facts, "gvisor-host", ROW_OK, "--directfs", "", "");
}

static void without_a_range_its_kernel_has_the_callers_id(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.subids[SUBID_GID].ids = 100;
	assert_row(&facts, "gvisor-host", ROW_LIMITED, "no subordinate id", "own id", "");
	facts.gvisor.directfs = false;
	assert_row(&facts, "gvisor-host", ROW_MISSING, "no subordinate id",
		   "--gvisor-net host", "");
	facts.uid = 0;
	assert_row(&facts, "gvisor-host", ROW_OK, "an id for", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_runsc_is_shown_with_its_release_and_its_pin),
		cmocka_unit_test(a_missing_one_comes_from_a_package_or_as_a_release),
		cmocka_unit_test(one_that_cannot_be_used_says_why),
		cmocka_unit_test(its_platforms_are_listed_with_what_kvm_says),
		cmocka_unit_test(where_nobody_may_trace_only_kvm_is_left),
		cmocka_unit_test(what_it_needs_of_the_host_is_told),
		cmocka_unit_test(without_a_range_its_kernel_has_the_callers_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
