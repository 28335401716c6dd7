/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in policies: their texts, and what the build made of them. */
#include "base/arena.h"
#include "base/error.h"
#include "builtin_rules.h"
#include "policy/bpf.h"
#include "policy/readers.h"
#include "policy/tables.h"

#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { INSTRUCTIONS_MAX = 4096 }; /* BPF_MAXINSNS */

static struct arena arena;

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct rules *rules_of(const char *name, uint64_t caps)
{
	return rules_of_builtin(name, caps, false, &arena);
}

/* ---- what the build made ---- */

static void there_are_six(void **state)
{
	static const char *const names[] = { "default", "strict", "dev",
					     "nested",  "docker", "none" };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(builtins[i].name, names[i]);
		assert_true(strlen(builtins[i].about) > 20);
		assert_int_equal(strlen(builtins[i].text), builtins[i].length);
	}
	assert_null(builtins[6].name);
}

static const struct builtin_program *
program_of(const struct builtin *builtin, uint64_t caps, bool emulate_root, bool explains)
{
	for (size_t i = 0; i < builtin->program_count; i++) {
		const struct builtin_program *program = &builtin->programs[i];

		if (program->caps == (caps & builtin->asked_caps) &&
		    program->emulate_root == emulate_root &&
		    program->explains == explains)
			return program;
	}
	return NULL;
}

static void check_program(const struct builtin *builtin, uint64_t caps, bool emulate_root,
			  bool explains)
{
	const struct builtin_program *made =
		program_of(builtin, caps, emulate_root, explains);
	const struct rules *rules =
		rules_of_builtin(builtin->name, caps, emulate_root, &arena);
	const struct bpf_wishes wishes = { .explains = explains };
	struct error err = { 0 };

	assert_non_null(made);
	assert_int_equal(made->flags, rules->flags);
	assert_in_range(made->program.count, 1, INSTRUCTIONS_MAX);
	if (seccomp_check(&made->program, &err) < 0 ||
	    bpf_verify(rules, &wishes, &made->program, &err) < 0)
		fail_msg("%s: %s", builtin->name, err.text);
}

static void each_has_a_program_for_what_plans_ask_most(void **state)
{
	(void)state;
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		for (int explains = 0; explains < 2; explains++) {
			check_program(builtin, 0, false, explains);
			check_program(builtin, caps_default_root(), false, explains);
			check_program(builtin, caps_default_root(), true, explains);
		}
	}
}

static void their_programs_are_short(void **state)
{
	(void)state;
	assert_true(program_of(find_builtin("default"), 0, false, false)->program.count <=
		    160);
	assert_int_equal(program_of(find_builtin("none"), 0, false, false)->program.count,
			 1);
}

/* ---- every call has an answer on purpose ---- */

static void check_reasons(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->abis[abi_native()].count; i++) {
		const struct call_rules *call = &rules->abis[abi_native()].calls[i];

		for (size_t j = 0; j < call->clause_count; j++) {
			if (call->clauses[j].action.kind != ACTION_ALLOW &&
			    !call->clauses[j].why)
				fail_msg("%s says nothing of why %s is refused", name,
					 call->name);
		}
	}
}

static void whatever_is_refused_has_a_reason(void **state)
{
	(void)state;
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		check_reasons(rules_of(builtin->name, 0), builtin->name);
		check_reasons(rules_of(builtin->name, UINT64_MAX), builtin->name);
	}
}

static void check_all_named(const char *name, uint64_t caps)
{
	const struct rules *rules = rules_of(name, caps);
	size_t count = 0;
	const uint32_t *numbers = call_numbers(abi_native(), &count);

	for (size_t i = 0; i < count; i++) {
		const struct seccomp_data data = { .nr = (int)numbers[i],
						   .arch = abi_audit(abi_native()) };

		if (rules_decide(rules, &data) == &rules->known)
			fail_msg("%s does not name %s", name,
				 call_name(abi_native(), numbers[i]));
	}
}

static void default_and_strict_name_every_call(void **state)
{
	(void)state;
	check_all_named("default", 0);
	check_all_named("default", UINT64_MAX);
	check_all_named("strict", 0);
}

static void check_constant(const char *policy, const struct rules *rules,
			   const char *name)
{
	const int number = call_number(abi_native(), name);

	for (size_t i = 0; i < rules->abis[abi_native()].count; i++) {
		const struct call_rules *call = &rules->abis[abi_native()].calls[i];

		if ((int)call->number != number)
			continue;
		if (call->clause_count != 1 ||
		    call->clauses[0].action.kind != ACTION_ALLOW)
			fail_msg("%s does not always allow %s", policy, name);
		return;
	}
	if (number >= 0 && rules->known.action.kind != ACTION_ALLOW)
		fail_msg("%s does not name %s", policy, name);
}

/* They stay in the kernel's bitmap of calls that no program has to look at. */
static void calls_that_programs_make_all_the_time_are_always_allowed(void **state)
{
	static const char *const names[] = {
		"read",           "write",     "close",         "openat",
		"mmap",           "mprotect",  "munmap",        "madvise",
		"futex",          "fcntl",     "epoll_pwait",   "ppoll",
		"sendto",         "recvfrom",  "sendmsg",       "recvmsg",
		"newfstatat",     "statx",     "clock_gettime", "getpid",
		"wait4",          "execve",    "exit_group",    "rt_sigaction",
		"rt_sigprocmask", "getrandom", "prctl",         "lseek",
		"pread64",        "pwrite64",  "rt_sigreturn",  "sched_yield",
		"accept4",        "connect",
	};

	(void)state;
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		const struct rules *rules = rules_of(builtin->name, 0);

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			check_constant(builtin->name, rules, names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(there_are_six, give_back),
		cmocka_unit_test_teardown(each_has_a_program_for_what_plans_ask_most,
					  give_back),
		cmocka_unit_test_teardown(their_programs_are_short, give_back),
		cmocka_unit_test_teardown(whatever_is_refused_has_a_reason, give_back),
		cmocka_unit_test_teardown(default_and_strict_name_every_call, give_back),
		cmocka_unit_test_teardown(
			calls_that_programs_make_all_the_time_are_always_allowed,
			give_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
