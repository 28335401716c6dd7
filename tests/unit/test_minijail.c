/* SPDX-License-Identifier: Apache-2.0 */

/* Policies of minijail, as they are: $SBX_TEST_DATA/minijail. */
#include "policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct question {
	const char *policy, *call;
	uint64_t args[6];
	const char *answer;
};

#define WIDE ((uint64_t)1 << 32)

static const struct question questions[] = {
	{ "strict", "read", { 0 }, "allow" },
	{ "strict", "exit", { 0 }, "allow" },
	{ "strict", "exit_group", { 0 }, "kill" },
	{ "strict", "1023", { 0 }, "kill" },

	{ "daemon", "read", { 0 }, "allow" },
	{ "daemon", "execve", { 0 }, "kill" },
	{ "daemon", "openat", { 0, 0, 02000000 }, "allow" },
	{ "daemon", "openat", { 0, 0, 02000100 }, "kill" },
	{ "daemon", "openat", { 0, 0, 0 }, "kill" },
	{ "daemon", "socket", { 1, 02000001, 0 }, "allow" },
	{ "daemon", "socket", { 1, 1, 0 }, "kill" },
	{ "daemon", "socket", { 16, 3, 0 }, "allow" },
	{ "daemon", "socket", { 2, 1, 0 }, "kill" },
	{ "daemon", "ioctl", { 0, 0x5401 }, "allow" },
	{ "daemon", "ioctl", { 0, 0x541b | WIDE }, "allow" },
	{ "daemon", "ioctl", { 0, 0x5412 }, "kill" },
	{ "daemon", "mmap", { 0, 0, 3 }, "allow" },
	{ "daemon", "mmap", { 0, 0, 5 }, "allow" },
	{ "daemon", "mmap", { 0, 0, 7 }, "kill" },
	{ "daemon", "prctl", { 15 }, "allow" },
	{ "daemon", "prctl", { 0x53564d41 }, "allow" },
	{ "daemon", "prctl", { 22 }, "kill" },
	{ "daemon", "clone", { 0x10000 }, "allow" },
	{ "daemon", "clone", { 0x11 }, "kill" },
	{ "daemon", "fcntl", { 0, 3 }, "allow" },

	{ "errors", "open", { 0 }, "errno(ENOENT)" },
	{ "errors", "openat", { 0 }, "errno(ENOENT)" },
	{ "errors", "access", { 0, 4 }, "allow" },
	{ "errors", "access", { 0, 2 }, "errno(EACCES)" },
	{ "errors", "read", { 0 }, "allow" },
	{ "errors", "read", { 1 }, "errno(EBADF)" },
	{ "errors", "connect", { 0 }, "fake(0)" },
	{ "errors", "write", { 0 }, "kill" },

	{ "default", "write", { 2 }, "allow" },
	{ "default", "write", { 3 }, "errno(ENOSYS)" },
	{ "default", "open", { 0 }, "errno(ENOSYS)" },

	{ "deny", "reboot", { 0 }, "errno(EPERM)" },
	{ "deny", "ptrace", { 0 }, "kill" },
	{ "deny", "socket", { 38 }, "errno(EAFNOSUPPORT)" },
	{ "deny", "socket", { 2 }, "allow" },
	{ "deny", "personality", { 0 }, "allow" },
	{ "deny", "personality", { 8 }, "errno(EPERM)" },
	{ "deny", "read", { 0 }, "allow" },

	{ "sets", "write", { 0 }, "allow" },
	{ "sets", "open", { 0 }, "allow" },
	{ "sets", "stat", { 0 }, "allow" },
	{ "sets", "getuid", { 0 }, "kill" },
	{ "sets", "getgid", { 0 }, "errno(EPERM)" },

	{ "blocks", "ioctl", { 0, 0x5401 }, "allow" },
	{ "blocks", "ioctl", { 0, 0x5412 }, "errno(EPERM)" },
	{ "blocks", "ioctl", { 0, 0x10000 }, "log" },
	{ "blocks", "ioctl", { 0, 1 }, "kill-thread" },
	{ "blocks", "read", { 0 }, "allow" },
	{ "blocks", "read", { 2 }, "trap" },
	{ "blocks", "read", { 3 }, "kill" },
	{ "blocks", "write", { 0 }, "allow" },

	{ "actions", "read", { 0 }, "allow" },
	{ "actions", "write", { 0 }, "log" },
	{ "actions", "open", { 0 }, "kill" },
	{ "actions", "openat", { 0 }, "kill" },
	{ "actions", "close", { 0 }, "kill-thread" },
	{ "actions", "stat", { 0 }, "trap" },
	{ "actions", "fstat", { 0 }, "trace" },
	{ "actions", "lstat", { 0 }, "notify" },
	{ "actions", "poll", { 0 }, "errno(EINTR)" },

	{ "operators", "read", { 0, 0, 10 }, "allow" },
	{ "operators", "read", { 0, 0, 10 | WIDE }, "kill" },
	{ "operators", "write", { 0, 0, 10 }, "kill" },
	{ "operators", "write", { 0, 0, 10 | WIDE }, "allow" },
	{ "operators", "pread64", { 0, 0, WIDE - 1 }, "allow" },
	{ "operators", "pread64", { 0, 0, WIDE }, "kill" },
	{ "operators", "pwrite64", { 0, 0, WIDE }, "allow" },
	{ "operators", "pwrite64", { 0, 0, WIDE + 1 }, "kill" },
	{ "operators", "readv", { 0, WIDE }, "allow" },
	{ "operators", "readv", { 0, WIDE - 1 }, "kill" },
	{ "operators", "writev", { 0, WIDE }, "allow" },
	{ "operators", "writev", { 0, WIDE - 1 }, "kill" },
	{ "operators", "lseek", { 0, 0, 0 }, "allow" },
	{ "operators", "madvise", { 0, 0, 9 }, "allow" },
	{ "operators", "madvise", { 0, 0, 16 }, "kill" },
	{ "operators", "msync", { 0, 0, 6 }, "allow" },
	{ "operators", "msync", { 0, 0, 3 }, "kill" },
	{ "operators", "fcntl", { 0, 0xffffffff }, "allow" },

	{ "numbers", "read", { 0 }, "allow" },
	{ "numbers", "write", { 3 }, "allow" },
	{ "numbers", "write", { 4 }, "kill" },
	{ "numbers", "1000", { 0 }, "errno(ENOSYS)" },

	{ "frequency", "read", { 0 }, "allow" },

	{ "odd", "read", { 0 }, "allow" },
	{ "odd", "write", { 0 }, "allow" },
	{ "odd", "close", { 3, 1 }, "allow" },
	{ "odd", "close", { 4, 1 }, "kill" },
	{ "odd", "lseek", { 0, 0, 2 }, "allow" },
	{ "odd", "lseek", { 0, 0, 1 }, "kill" },
	{ "odd", "exit", { 0 }, "allow" },
};

static const char *path_of(const char *policy)
{
	static char path[300];
	const char *data = getenv("SBX_TEST_DATA");

	snprintf(path, sizeof(path), "%s/minijail/%s.policy", data ? data : "tests/data",
		 policy);
	return path;
}

static void policies_of_minijail_answer_as_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const struct question *question = &questions[i];
		struct policies policies;
		char answer[64];

		policies_init(&policies);
		policies_open(&policies, path_of(question->policy));
		if (!policies.rules)
			fail_msg("cannot %s (%s)", policies.err.text, policies.err.hint);
		snprintf(answer, sizeof(answer), "%.60s",
			 policies_answer(&policies, ABI_X86_64, question->call,
					 question->args));
		answer[strcspn(answer, " ")] = '\0';
		if (strcmp(answer, question->answer) != 0)
			fail_msg("%s: %s(%llx, %llx, %llx): %s instead of %s",
				 question->policy, question->call,
				 (unsigned long long)question->args[0],
				 (unsigned long long)question->args[1],
				 (unsigned long long)question->args[2], answer,
				 question->answer);
		policies_free(&policies);
	}
}

static void a_frequency_is_noted(void **state)
{
	struct policies policies;
	const char *const *warnings;
	struct seccomp_filter filter;

	(void)state;
	policies_init(&policies);
	policies_open(&policies, path_of("frequency"));
	assert_int_equal(profile_compile(policies.profile, &policies.conditions, false,
					 BACKEND_SBX, &policies.arena, &filter, &warnings,
					 &policies.err),
			 0);
	assert_non_null(warnings[0]);
	assert_non_null(strstr(warnings[0], "frequency.policy:1: @frequency changes"));
	assert_null(warnings[1]);
	policies_free(&policies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_of_minijail_answer_as_they_say),
		cmocka_unit_test(a_frequency_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
