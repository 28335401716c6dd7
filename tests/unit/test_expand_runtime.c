/* SPDX-License-Identifier: Apache-2.0 */
/* --runtime and what follows from it; what gVisor does otherwise than a plan. */
#include "plan/plan.h"

#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define POOL "home/.config/sbx/pools.d/"

/* In the root, with gVisor and no network. */
static void make(struct planning *at, const char *words)
{
	char text[4096];

	snprintf(text, sizeof(text), "--runtime runsc --net none %s", words);
	if (planning_root(at, text) < 0)
		fail_msg("%s: cannot %s", words, at->err.text);
}

static bool differs(const struct planning *at, const char *text)
{
	const char *const *each = at->plan.runtime.differences;

	for (; each && *each; each++) {
		if (!strcmp(*each, text))
			return true;
	}
	return false;
}

static void assert_differs(struct planning *at, const char *words, const char *text)
{
	char refused[4096];

	make(at, words);
	if (!differs(at, text))
		fail_msg("%s: '%s' is not told", words, text);
	snprintf(refused, sizeof(refused),
		 "--runtime runsc --net none --differences error %s", words);
	planning_refuses_root(at, refused, text);
	assert_int_equal(at->err.id, ERROR_RUNSC_DIFFERENCE);
}

/* ---- options ---- */

static void the_runtime_is_native_unless_asked(void **state)
{
	struct planning *at = *state;

	assert_int_equal(planning_root(at, "--net none"), 0);
	assert_int_equal(at->plan.runtime.kind, RUNTIME_NATIVE);
	make(at, "");
	assert_int_equal(at->plan.runtime.kind, RUNTIME_RUNSC);
	assert_int_equal(at->plan.runtime.platform_count, 0);
	assert_null(at->plan.runtime.differences);
}

static void platforms_are_a_list(void **state)
{
	struct planning *at = *state;

	make(at, "--platform kvm,ptrace");
	assert_int_equal(at->plan.runtime.platform_count, 2);
	assert_int_equal(at->plan.runtime.platforms[0], PLATFORM_KVM);
	assert_int_equal(at->plan.runtime.platforms[1], PLATFORM_PTRACE);
	make(at, "--platform kvm --platform auto");
	assert_int_equal(at->plan.runtime.platform_count, 0);
}

static void bad_words_are_named(void **state)
{
	static const struct {
		const char *words, *text;
	} rows[] = {
		{ "--runtime podman",
		  "use --runtime: 'podman' is neither native nor runsc" },
		{ "--runtime gvisor", "use --runtime: 'gvisor' is neither" },
		{ "--platform xen", "use --platform: 'xen' is none of auto, systrap" },
		{ "--platform kvm,", "use --platform: '' is none of" },
		{ "--platform kvm,kvm", "use --platform: kvm stands there twice" },
		{ "--platform kvm,auto", "use --platform: 'auto' is none of" },
		{ "--gvisor-net tun", "'tun' is none of netstack, host, none" },
		{ "--differences no", "'no' is none of warn, error" },
	};
	struct planning *at = *state;

	for (size_t i = 0; i < COUNT(rows); i++)
		planning_refuses_root(at, rows[i].words, rows[i].text);
	planning_refuses_root(at, "--runtime podman", "use --runtime");
	assert_string_equal(at->err.hint, "--runtime runsc");
	planning_refuses_root(at, "--platform xen", "use --platform");
	assert_string_equal(at->err.hint, "--platform auto");
}

static void runtimes_of_engines_are_for_their_engines(void **state)
{
	struct planning *at = *state;

	planning_refuses_root(at, "--runtime runc", "use --runtime: sbx starts its");
	assert_non_null(strstr(at->err.hint, "`sbx config`"));
	assert_non_null(strstr(at->err.hint, "`runc run`"));
	planning_refuses_root(at, "--runtime crun", "use --runtime: sbx starts its");
	assert_non_null(strstr(at->err.hint, "`crun run`"));
}

static void words_for_gvisor_alone_are_not_passed_over(void **state)
{
	static const char *const words[] = {
		"--platform kvm",       "--gvisor-net host", "--differences error",
		"--runsc @/root/runsc", "--runsc-pin @/pin",
	};
	struct planning *at = *state;

	for (size_t i = 0; i < COUNT(words); i++) {
		planning_refuses_root(at, words[i], ": the runtime is native");
		assert_string_equal(at->err.hint, "--runtime runsc");
	}
}

static void what_gvisor_has_not_is_refused(void **state)
{
	static const char *const words[] = {
		"--isolation landlock",
		"--proc host",
		"--proc none",
		"--root-emu on",
		"--explain on",
		"--denials @/denials",
		"--landlock require",
		"--keep-fd 0",
		"--preserve-fds 1",
		"--share pid",
		"--share ipc",
		"--share cgroup",
		"--join ipc:/proc/self/ns/ipc",
	};
	struct planning *at = *state;
	char text[400];

	if (!policy_is_built_in())
		skip();
	for (size_t i = 0; i < COUNT(words); i++) {
		snprintf(text, sizeof(text), "--runtime runsc --net none %s", words[i]);
		planning_refuses_root(at, text, "with --runtime runsc: ");
		assert_int_equal(at->err.id, ERROR_USAGE);
		assert_true(at->err.hint[0]);
	}
	planning_refuses_root(at, "--runtime runsc --pure", "with --runtime runsc: ");
	make(at, "--share uts --no-init --landlock auto --explain auto");
	assert_false(at->plan.process.no_init);
	assert_int_equal(at->plan.policy.landlock.mode, LANDLOCK_OFF);
	assert_false(at->plan.policy.explains);
}

/* ---- the policy ---- */

static void the_default_policy_is_for_the_hosts_kernel(void **state)
{
	struct planning *at = *state;

	make(at, "");
	assert_null(at->plan.policy.profile);
	assert_null(at->plan.runtime.filter);
	assert_int_equal(at->plan.policy.filter.program.count, 0);
}

static void a_named_policy_is_handed_over(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;

	make(at, "--policy strict");
	assert_non_null(at->plan.runtime.filter);
	assert_int_equal(at->plan.policy.filter.program.count, 0);
	assert_true(json_count(json_get(at->plan.runtime.filter, "syscalls")) > 0);
	assert_true(differs(at, "the policy's errors are all EPERM"));
	planning_write(at, "home/.config/sbx/sbx.conf", "policy default\n");
	assert_int_equal(planning_words(at, "-R @/root --runtime runsc --net none tool"),
			 0);
	assert_non_null(at->plan.runtime.filter);
	planning_write(at, "home/.config/sbx/sbx.conf", "");
}

static void a_raw_filter_is_refused(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;

	planning_write(at, "filter", "eight...");
	planning_refuses_root(at, "--runtime runsc --net none --seccomp @/filter",
			      "use --seccomp with --runtime runsc");
}

static void what_a_policy_loses_is_told(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;

	planning_write(at, "p1",
		       "%sbx-policy 1\n@default allow\nmkdirat: errno(EACCES)\n");
	planning_write(at, "p2", "%sbx-policy 1\n@default allow\nmkdirat: kill\n");
	planning_write(at, "p3", "%sbx-policy 1\n@default allow\nmkdirat: log\n");
	planning_write(at, "p4",
		       "%sbx-policy 1\n@default allow\nmkdirat: errno(ENOSYS)\n");
	assert_differs(at, "--policy @/p1", "the policy's errors are all EPERM");
	assert_differs(at, "--policy @/p2", "the policy kills a thread, not the process");
	assert_differs(at, "--policy @/p3", "the policy logs nothing");
	make(at, "--policy @/p4");
	assert_null(at->plan.runtime.differences);
}

/* ---- differences ---- */

static void what_is_ignored_is_told(void **state)
{
	struct planning *at = *state;

	assert_differs(at, "--mask /proc/version", "/proc/version is not hidden");
	assert_differs(at, "--proc pids", "/proc has more than processes");
	assert_differs(at, "--sysctl kernel.msgmax=1000", "kernel.msgmax is not set");
	assert_differs(at, "--rlimit data=5000000", "RLIMIT_DATA is shown, but not kept");
	assert_differs(
		at, "-u 7 --cap-add CHOWN",
		"the command is not root: at most its first program has capabilities");
	assert_differs(at, "--pids 50", "--pids also counts threads of gVisor's own");
	assert_differs(at, "--ro /proc/version:/proc/version",
		       "/proc/version is gVisor's own");
}

static void what_is_the_same_is_not_told(void **state)
{
	struct planning *at = *state;

	make(at,
	     "--mask /etc/passwd --mask /proc/kcore --ro /etc:/data --tmpfs /t "
	     "--rlimit nofile=10:20 --cap-add CHOWN --device /dev/null --shm-size 1M");
	assert_null(at->plan.runtime.differences);
	assert_int_equal(at->plan.note_count, 0);
}

static void sockets_and_fifos_are_told(void **state)
{
	struct planning *at = *state;

	assert_int_equal(mkfifo(planning_path(at, "fifo"), 0600), 0);
	assert_differs(at, "--rw @/fifo:/fifo", "the FIFO /fifo cannot be opened");
}

static void the_umask_is_told(void **state)
{
	struct planning *at = *state;
	const mode_t before = umask(077);

	make(at, "");
	umask(before);
	assert_true(differs(at, "the umask is 0022, not 0077"));
}

static void differences_are_one_line_when_it_starts(void **state)
{
	struct planning *at = *state;

	make(at, "--mask /proc/version --sysctl kernel.msgmax=1000");
	assert_int_equal(at->plan.note_count, 1);
	assert_true(at->plan.notes[0].told);
	assert_string_equal(at->plan.notes[0].text,
			    "gVisor differs: /proc/version is not hidden; kernel.msgmax "
			    "is not set");
}

static void what_json_cannot_hold_is_refused(void **state)
{
	struct planning *at = *state;

	planning_refuses_root(at, "--runtime runsc --net none -e A=\xff",
			      "the variable A=\\xff is not UTF-8");
	assert_int_equal(at->err.id, ERROR_RUNSC_START);
}

/* ---- pools ---- */

static void pools_have_names_of_their_own_for_runtimes(void **state)
{
	struct planning *at = *state;

	planning_write(at, POOL "gvisor-pool",
		       "runtime gvisor\nplatform ptrace\nnet none\n");
	planning_write(at, POOL "runc-pool", "runtime runc\nnet none\n");
	assert_int_equal(planning_root(at, "--pool gvisor-pool"), 0);
	assert_int_equal(at->plan.runtime.kind, RUNTIME_RUNSC);
	assert_int_equal(at->plan.runtime.platforms[0], PLATFORM_PTRACE);
	assert_int_equal(planning_root(at, "--pool runc-pool"), 0);
	assert_int_equal(at->plan.runtime.kind, RUNTIME_NATIVE);
	assert_int_equal(planning_root(at, "--pool gvisor-pool --runtime native"), 0);
	assert_int_equal(at->plan.runtime.kind, RUNTIME_NATIVE);
}

static void an_unknown_pool_lists_those_there_are(void **state)
{
	struct planning *at = *state;

	planning_write(at, POOL "gvisor-pool", "runtime gvisor\n");
	planning_write(at, POOL "also", "");
	planning_write(at, POOL ".hidden", "");
	planning_refuses_root(at, "--pool nothing", "there is no pool 'nothing'");
	assert_ptr_equal(strstr(at->err.hint, "there are: also, "), at->err.hint);
	assert_non_null(strstr(at->err.hint, "gvisor-pool"));
	assert_null(strstr(at->err.hint, "hidden"));
}

static void a_bad_line_of_a_pool_is_named(void **state)
{
	struct planning *at = *state;

	planning_write(at, POOL "bad", "net none\ngvisorPlatform kvm\n");
	planning_refuses_root(at, "--pool bad", "pools.d/bad:2: gvisorPlatform");
	planning_write(at, POOL "bad", "net none\n\nruntime kata\n");
	planning_refuses_root(at, "--pool bad", "pools.d/bad:3: runtime: 'kata'");
	planning_write(at, POOL "bad", "runtime gvisor\nplatform hvf\n");
	planning_refuses_root(at, "--pool bad", "pools.d/bad:2: platform: 'hvf'");
}

static void what_a_pool_resolved_to_is_shown(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	const char *text;

	planning_write(at, POOL "gvisor-pool",
		       "runtime gvisor\nplatform kvm,ptrace\nnet none\n");
	assert_int_equal(planning_root(at, "--pool gvisor-pool"), 0);
	text = plan_to_oci(&at->plan, false, &arena);
	assert_non_null(strstr(text, "\"sbx.runtime\": \"runsc\""));
	assert_non_null(strstr(text, "\"sbx.platform\": \"kvm,ptrace\""));
	assert_non_null(strstr(text, "pools.d/gvisor-pool:1\""));
	text = plan_describe(&at->plan, &arena);
	assert_non_null(strstr(text, "gVisor, platform kvm,ptrace"));
	arena_free(&arena);
}

static void a_configuration_that_goes_back_has_the_default_policy(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };

	if (!policy_is_built_in())
		skip();
	make(at, "");
	planning_write(at, "config.json", plan_to_oci(&at->plan, false, &arena));
	arena_free(&arena);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json"), 0);
	assert_string_equal(at->plan.policy.operand, "none");
	assert_int_equal(planning_words(at, "--no-config --config @/config.json "
					    "--runtime native"),
			 0);
	assert_string_equal(at->plan.policy.operand, "default");
	assert_true(at->plan.policy.filter.program.count > 0);
	assert_int_equal(planning_words(at, "--no-config --config @/config.json "
					    "--runtime native --policy none"),
			 0);
	assert_int_equal(at->plan.policy.filter.program.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_runtime_is_native_unless_asked),
		cmocka_unit_test(platforms_are_a_list),
		cmocka_unit_test(bad_words_are_named),
		cmocka_unit_test(runtimes_of_engines_are_for_their_engines),
		cmocka_unit_test(words_for_gvisor_alone_are_not_passed_over),
		cmocka_unit_test(what_gvisor_has_not_is_refused),
		cmocka_unit_test(the_default_policy_is_for_the_hosts_kernel),
		cmocka_unit_test(a_named_policy_is_handed_over),
		cmocka_unit_test(a_raw_filter_is_refused),
		cmocka_unit_test(what_a_policy_loses_is_told),
		cmocka_unit_test(what_is_ignored_is_told),
		cmocka_unit_test(what_is_the_same_is_not_told),
		cmocka_unit_test(sockets_and_fifos_are_told),
		cmocka_unit_test(the_umask_is_told),
		cmocka_unit_test(differences_are_one_line_when_it_starts),
		cmocka_unit_test(what_json_cannot_hold_is_refused),
		cmocka_unit_test(pools_have_names_of_their_own_for_runtimes),
		cmocka_unit_test(an_unknown_pool_lists_those_there_are),
		cmocka_unit_test(a_bad_line_of_a_pool_is_named),
		cmocka_unit_test(what_a_pool_resolved_to_is_shown),
		cmocka_unit_test(a_configuration_that_goes_back_has_the_default_policy),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
