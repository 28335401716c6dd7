/* SPDX-License-Identifier: Apache-2.0 */
/* The policy docker against Docker's own profile, on every number that has a name. */
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CAP_COUNT = 41, PROFILE_MAX = 1 << 20 };

static struct arena arena;

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct rules *rules_of_docker(uint64_t caps)
{
	const struct profile_conditions conditions = { .caps = caps, .kernel = 6U << 16 };
	const char *data = getenv("SBX_TEST_DATA");
	struct profile *profile = arena_alloc(&arena, sizeof(*profile));
	struct rules *rules = arena_alloc(&arena, sizeof(*rules));
	struct notes notes = { .arena = &arena };
	struct error err = { 0 };
	char *text = arena_alloc(&arena, PROFILE_MAX);
	size_t length;
	FILE *file;

	assert_non_null(data);
	file = fopen(arena_printf(&arena, "%s/seccomp/docker.json", data), "re");
	assert_non_null(file);
	length = fread(text, 1, PROFILE_MAX, file);
	fclose(file);
	if (oci_seccomp_read(text, length, "docker.json", &arena, profile, &err) < 0 ||
	    profile->resolve(profile, &conditions, &arena, rules, &notes, &err) < 0)
		fail_msg("docker.json: %s", err.text);
	return rules;
}

static const uint64_t values[] = {
	0,    1,         8,          9,          16,         37,      38,
	39,   40,        41,         0x11,       0x20000,    0x20008, 0x7e020000,
	0x80, 0x2000000, 0x10000011, 0x40000000, 0xffffffff,
};

/*
 * Calls of i386 that lead to others. Docker allows them, and with them AF_ALG, which it
 * refuses elsewhere; ours leads to what may be reached directly, whatever the arguments.
 */
static bool is_multiplexer(enum abi abi, uint32_t number)
{
	return abi == ABI_I386 && ((int)number == call_number(abi, "socketcall") ||
				   (int)number == call_number(abi, "ipc"));
}

static void compare(const struct rules *ours, const struct rules *theirs, enum abi abi,
		    uint32_t number, uint64_t caps)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct seccomp_data data = { .nr = (int)number,
						   .arch = abi_audit(abi),
						   .args = { values[i] } };
		char our_answer[64], their_answer[64];

		action_text(rules_decide(ours, &data)->action, our_answer,
			    sizeof(our_answer));
		action_text(rules_decide(theirs, &data)->action, their_answer,
			    sizeof(their_answer));
		if (strcmp(our_answer, their_answer) != 0)
			fail_msg(
				"%s %s(%#llx) with capabilities %#llx: ours %s, theirs %s",
				abi_name(abi), call_name(abi, number),
				(unsigned long long)values[i], (unsigned long long)caps,
				our_answer, their_answer);
	}
}

static void compare_all(uint64_t caps)
{
	const struct rules *ours = rules_of_builtin("docker", caps, false, &arena);
	const struct rules *theirs = rules_of_docker(caps);

	for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
		size_t count = 0;
		const uint32_t *numbers = call_numbers(abi, &count);

		for (size_t i = 0; i < count; i++) {
			if (!is_multiplexer(abi, numbers[i]))
				compare(ours, theirs, abi, numbers[i], caps);
		}
	}
}

static void it_answers_like_dockers_profile_without_capabilities(void **state)
{
	(void)state;
	compare_all(0);
}

static void it_answers_like_dockers_profile_with_all_capabilities(void **state)
{
	(void)state;
	compare_all(UINT64_MAX);
}

static void it_answers_like_dockers_profile_with_each_capability(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CAP_COUNT; i++)
		compare_all(UINT64_C(1) << i);
}

static void assert_socketcall(uint64_t call, const char *answer)
{
	const struct seccomp_data data = { .nr = call_number(ABI_I386, "socketcall"),
					   .arch = abi_audit(ABI_I386),
					   .args = { call } };
	char text[64];

	action_text(
		rules_decide(rules_of_builtin("docker", 0, false, &arena), &data)->action,
		text, sizeof(text));
	assert_string_equal(text, answer);
}

static void nothing_is_reached_by_socketcall_that_is_refused_directly(void **state)
{
	(void)state;
	if (!(abi_served() & 1U << ABI_I386))
		return;
	assert_socketcall(1, "errno(ENOSYS)"); /* SYS_SOCKET */
	assert_socketcall(3, "allow");         /* SYS_CONNECT */
	assert_socketcall(9, "allow");         /* SYS_SEND */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			it_answers_like_dockers_profile_without_capabilities, give_back),
		cmocka_unit_test_teardown(
			it_answers_like_dockers_profile_with_all_capabilities, give_back),
		cmocka_unit_test_teardown(
			it_answers_like_dockers_profile_with_each_capability, give_back),
		cmocka_unit_test_teardown(
			nothing_is_reached_by_socketcall_that_is_refused_directly,
			give_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
