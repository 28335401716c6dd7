/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#define SERVED (1U << ABI_X86_64 | 1U << ABI_I386 | 1U << ABI_AARCH64 | 1U << ABI_ARM)

/* A policy that allows what its tables know, but for the calls of one ABI. */
static struct rules rules_with(enum abi abi, const struct call_rules *calls, size_t count)
{
	struct rules rules = {
		.served = SERVED,
		.foreign = { .action = { ACTION_KILL, 0 } },
		.known = { .action = { ACTION_ERRNO, EPERM } },
		.unknown = { .action = { ACTION_ERRNO, ENOSYS } },
	};

	rules.abis[abi].calls = calls;
	rules.abis[abi].count = count;
	return rules;
}

static struct seccomp_data call(enum abi abi, const char *name, uint64_t a, uint64_t b,
				uint64_t c, uint64_t d)
{
	struct seccomp_data data = {
		.nr = call_number(abi, name),
		.arch = abi_audit(abi),
		.args = { a, b, c, d },
	};

	assert_true(data.nr >= 0);
	return data;
}

static void assert_answers(const struct rules *rules, const struct seccomp_data *data,
			   enum action_kind kind, uint16_t value)
{
	struct arena arena = { 0 };
	const struct clause *clause =
		rules_decide(rules_emulate_root(rules, &arena), data);
	const struct action action = clause->action;

	arena_free(&arena);
	assert_int_equal(action.kind, kind);
	assert_int_equal(action.value, value);
}

static void assert_all_succeed(enum abi abi, const char *const *names)
{
	const struct rules rules = rules_with(abi, NULL, 0);

	for (size_t i = 0; names[i]; i++) {
		struct seccomp_data data = call(abi, names[i], 1, 2, 3, 4);

		assert_answers(&rules, &data, ACTION_FAKE, 0);
	}
}

static void who_owns_and_who_one_is_seems_to_change(void **state)
{
	static const char *const names[] = {
		"chown",     "fchown",    "fchownat",   "lchown",
		"setuid",    "setgid",    "setreuid",   "setregid",
		"setresuid", "setresgid", "setfsuid",   "setfsgid",
		"capset",    "setgroups", "kexec_load", NULL,
	};

	(void)state;
	assert_all_succeed(ABI_X86_64, names);
	assert_all_succeed(ABI_I386, names);
}

static void calls_with_wide_ids_are_among_them(void **state)
{
	static const char *const names[] = {
		"chown32",    "fchown32",    "lchown32",    "setuid32",    "setgid32",
		"setreuid32", "setregid32",  "setresuid32", "setresgid32", "setfsuid32",
		"setfsgid32", "setgroups32", NULL,
	};

	(void)state;
	assert_all_succeed(ABI_I386, names);
	assert_all_succeed(ABI_ARM, names);
}

static void an_abi_without_old_calls_has_the_others(void **state)
{
	static const char *const names[] = { "fchownat", "setresuid", "mknodat", NULL };
	const struct rules rules = rules_with(ABI_AARCH64, NULL, 0);
	struct seccomp_data data;

	(void)state;
	assert_int_equal(call_number(ABI_AARCH64, "lchown"), -1);
	for (size_t i = 0; names[i]; i++) {
		data = call(ABI_AARCH64, names[i], 0, 0, S_IFBLK | 0600, makedev(8, 0));
		assert_answers(&rules, &data, ACTION_FAKE, 0);
	}
}

static void device_nodes_seem_to_be_made(void **state)
{
	static const mode_t devices[] = { S_IFCHR, S_IFBLK };
	const struct rules rules = rules_with(ABI_X86_64, NULL, 0);
	struct seccomp_data data;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		data = call(ABI_X86_64, "mknod", 0, devices[i] | 0666, makedev(1, 3), 0);
		assert_answers(&rules, &data, ACTION_FAKE, 0);
		data = call(ABI_X86_64, "mknodat", 0, 0, devices[i], makedev(1, 3));
		assert_answers(&rules, &data, ACTION_FAKE, 0);
	}
}

static void the_policy_decides_about_all_other_nodes(void **state)
{
	static const mode_t others[] = {
		0, S_IFREG, S_IFIFO, S_IFSOCK, S_IFDIR, S_IFLNK
	};
	const struct rules rules = rules_with(ABI_X86_64, NULL, 0);
	struct seccomp_data data;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		data = call(ABI_X86_64, "mknod", 0, others[i] | 07777, makedev(1, 3), 0);
		assert_answers(&rules, &data, ACTION_ERRNO, EPERM);
		data = call(ABI_X86_64, "mknodat", 0, 0, others[i], makedev(1, 3));
		assert_answers(&rules, &data, ACTION_ERRNO, EPERM);
	}
}

static void whiteouts_are_really_made(void **state)
{
	const struct rules rules = rules_with(ABI_X86_64, NULL, 0);
	struct seccomp_data data = call(ABI_X86_64, "mknod", 0, S_IFCHR, 0, 0);

	(void)state;
	assert_answers(&rules, &data, ACTION_ERRNO, EPERM);
	data = call(ABI_X86_64, "mknodat", 0, 0, S_IFCHR, 0xffffffff00000000);
	assert_answers(&rules, &data, ACTION_ERRNO, EPERM);
}

static void success_outranks_what_the_policy_says_of_the_call(void **state)
{
	static const enum action_kind kinds[] = { ACTION_ALLOW, ACTION_ERRNO, ACTION_LOG,
						  ACTION_TRAP, ACTION_TRACE };
	struct seccomp_data data = call(ABI_X86_64, "chown", 0, 1, 1, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct clause clause = { .action = { kinds[i], 1 } };
		const struct call_rules chown = { (uint32_t)data.nr, "chown", &clause,
						  1 };
		const struct rules rules = rules_with(ABI_X86_64, &chown, 1);

		assert_answers(&rules, &data, ACTION_FAKE, 0);
	}
}

static void a_call_that_is_killed_or_listened_to_stays_so(void **state)
{
	static const enum action_kind kinds[] = { ACTION_KILL, ACTION_KILL_THREAD,
						  ACTION_NOTIFY };
	struct seccomp_data data = call(ABI_X86_64, "chown", 0, 1, 1, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct clause clause = { .action = { kinds[i], 0 } };
		const struct call_rules chown = { (uint32_t)data.nr, "chown", &clause,
						  1 };
		const struct rules rules = rules_with(ABI_X86_64, &chown, 1);

		assert_answers(&rules, &data, kinds[i], 0);
	}
}

static void a_policy_that_kills_what_it_does_not_name_still_does(void **state)
{
	struct rules rules = rules_with(ABI_X86_64, NULL, 0);
	struct seccomp_data data = call(ABI_X86_64, "setuid", 1, 0, 0, 0);

	(void)state;
	rules.known.action = (struct action){ ACTION_KILL, 0 };
	assert_answers(&rules, &data, ACTION_KILL, 0);
}

/* setuid(0): allow; from 70 on: EACCES; below 80, of the rest: kill; else EPERM */
static void clauses_that_kill_keep_their_place_among_others(void **state)
{
	static const struct condition is_root = {
		.kind = CONDITION_TEST,
		.test = { 0, false, TEST_EQ, UINT32_MAX, 0 },
	};
	static const struct condition is_seventy = {
		.kind = CONDITION_TEST,
		.test = { 0, false, TEST_GE, UINT32_MAX, 70 },
	};
	static const struct condition is_small = {
		.kind = CONDITION_TEST,
		.test = { 0, false, TEST_LT, UINT32_MAX, 80 },
	};
	const struct clause clauses[] = {
		{ .when = &is_root, .action = { ACTION_ALLOW, 0 } },
		{ .when = &is_seventy, .action = { ACTION_ERRNO, EACCES } },
		{ .when = &is_small, .action = { ACTION_KILL, 0 } },
		{ .action = { ACTION_ERRNO, EPERM } },
	};
	struct seccomp_data data = call(ABI_X86_64, "setuid", 0, 0, 0, 0);
	const struct call_rules setuid = { (uint32_t)data.nr, "setuid", clauses, 4 };
	const struct rules rules = rules_with(ABI_X86_64, &setuid, 1);

	(void)state;
	assert_answers(&rules, &data, ACTION_FAKE, 0);
	data.args[0] = 75;
	assert_answers(&rules, &data, ACTION_FAKE, 0);
	data.args[0] = 1;
	assert_answers(&rules, &data, ACTION_KILL, 0);
	data.args[0] = 100;
	assert_answers(&rules, &data, ACTION_FAKE, 0);
}

/* mknod of 1:1: kill; else allow */
static void what_kills_some_devices_still_does(void **state)
{
	static const struct condition is_memory = {
		.kind = CONDITION_TEST,
		.test = { 2, false, TEST_EQ, UINT32_MAX, 0x101 },
	};
	const struct clause clauses[] = {
		{ .when = &is_memory, .action = { ACTION_KILL, 0 } },
		{ .action = { ACTION_ALLOW, 0 } },
	};
	struct seccomp_data data =
		call(ABI_X86_64, "mknod", 0, S_IFCHR, makedev(1, 1), 0);
	const struct call_rules mknod = { (uint32_t)data.nr, "mknod", clauses, 2 };
	const struct rules rules = rules_with(ABI_X86_64, &mknod, 1);

	(void)state;
	assert_answers(&rules, &data, ACTION_KILL, 0);
	data.args[2] = makedev(1, 3);
	assert_answers(&rules, &data, ACTION_FAKE, 0);
	data.args[1] = S_IFIFO;
	assert_answers(&rules, &data, ACTION_ALLOW, 0);
}

static void all_other_calls_are_answered_as_before(void **state)
{
	const struct clause allow = { .action = { ACTION_ALLOW, 0 } };
	struct call_rules calls[3] = {
		{ .name = "read", .clauses = &allow, .clause_count = 1 },
		{ .name = "chown", .clauses = &allow, .clause_count = 1 },
		{ .name = "openat2", .clauses = &allow, .clause_count = 1 },
	};
	struct rules rules;
	struct seccomp_data data;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		calls[i].number = (uint32_t)call_number(ABI_X86_64, calls[i].name);
	rules = rules_with(ABI_X86_64, calls, 3);
	data = call(ABI_X86_64, "read", 0, 0, 0, 0);
	assert_answers(&rules, &data, ACTION_ALLOW, 0);
	data = call(ABI_X86_64, "openat2", 0, 0, 0, 0);
	assert_answers(&rules, &data, ACTION_ALLOW, 0);
	data = call(ABI_X86_64, "chown", 0, 0, 0, 0);
	assert_answers(&rules, &data, ACTION_FAKE, 0);
	data = call(ABI_X86_64, "setxattr", 0, 0, 0, 0);
	assert_answers(&rules, &data, ACTION_ERRNO, EPERM);
	data.nr = 5000;
	assert_answers(&rules, &data, ACTION_ERRNO, ENOSYS);
}

static void abis_that_are_not_served_stay_foreign(void **state)
{
	struct rules rules = rules_with(ABI_X86_64, NULL, 0);
	struct seccomp_data data = call(ABI_I386, "chown", 0, 1, 1, 0);

	(void)state;
	rules.served = 1U << ABI_X86_64;
	assert_answers(&rules, &data, ACTION_KILL, 0);
}

static void numbers_rise_without_doubles(void **state)
{
	const struct clause allow = { .action = { ACTION_ALLOW, 0 } };
	const struct call_rules chown = { (uint32_t)call_number(ABI_X86_64, "chown"),
					  "chown", &allow, 1 };
	const struct rules rules = rules_with(ABI_X86_64, &chown, 1);
	struct arena arena = { 0 };
	const struct rules *emulated = rules_emulate_root(&rules, &arena);

	(void)state;
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		const struct call_rules *calls = emulated->abis[abi].calls;

		for (size_t i = 0; i < emulated->abis[abi].count; i++) {
			assert_true(i == 0 || calls[i - 1].number < calls[i].number);
			assert_true(calls[i].clause_count > 0);
			assert_null(calls[i].clauses[calls[i].clause_count - 1].when);
		}
	}
	arena_free(&arena);
}

static void a_program_made_of_it_answers_the_same(void **state)
{
	const struct rules rules = rules_with(ABI_X86_64, NULL, 0);
	const struct bpf_wishes plain = { .explains = false };
	struct seccomp_program program;
	struct arena arena = { 0 };
	const struct rules *emulated = rules_emulate_root(&rules, &arena);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(bpf_generate(emulated, &plain, &arena, &program, &err), 0);
	if (bpf_verify(emulated, &plain, &program, &err) < 0)
		fail_msg("%s", err.text);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_owns_and_who_one_is_seems_to_change),
		cmocka_unit_test(calls_with_wide_ids_are_among_them),
		cmocka_unit_test(an_abi_without_old_calls_has_the_others),
		cmocka_unit_test(device_nodes_seem_to_be_made),
		cmocka_unit_test(the_policy_decides_about_all_other_nodes),
		cmocka_unit_test(whiteouts_are_really_made),
		cmocka_unit_test(success_outranks_what_the_policy_says_of_the_call),
		cmocka_unit_test(a_call_that_is_killed_or_listened_to_stays_so),
		cmocka_unit_test(a_policy_that_kills_what_it_does_not_name_still_does),
		cmocka_unit_test(clauses_that_kill_keep_their_place_among_others),
		cmocka_unit_test(what_kills_some_devices_still_does),
		cmocka_unit_test(all_other_calls_are_answered_as_before),
		cmocka_unit_test(abis_that_are_not_served_stay_foreign),
		cmocka_unit_test(numbers_rise_without_doubles),
		cmocka_unit_test(a_program_made_of_it_answers_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
