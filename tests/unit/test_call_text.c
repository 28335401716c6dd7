/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/profile.h"
#include "policy/tables.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static uint64_t word(enum abi abi, const char *call, uint64_t first, uint64_t second)
{
	const struct seccomp_data data = {
		.nr = call_number(abi, call),
		.arch = abi_audit(abi),
		.args = { first, second },
	};

	return call_word(&data);
}

static void the_family_tells_sockets_apart(void **state)
{
	(void)state;
	assert_int_equal(word(ABI_X86_64, "socket", 40, 1), 40);
	assert_int_equal(word(ABI_X32, "socket", 40, 1), 40);
	assert_int_equal(word(ABI_I386, "socket", 40, 1), 40);
	assert_int_equal(word(ABI_AARCH64, "socket", 40, 1), 40);
}

static void the_code_tells_ioctls_apart(void **state)
{
	(void)state;
	assert_int_equal(word(ABI_X86_64, "ioctl", 3, 0x5412), 0x5412);
}

static void junk_above_an_int_is_not_looked_at(void **state)
{
	(void)state;
	assert_int_equal(word(ABI_X86_64, "socket", UINT64_C(0x700000028), 1), 40);
}

static void calls_without_words_are_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(word(ABI_X86_64, "getpid", 40, 1), 0);
	assert_int_equal(word(ABI_X86_64, "no such call", 40, 1), 0);
}

/* What is said of a call of the native ABI, or of another. */
static void assert_said(enum abi abi, const char *call, uint64_t a, uint64_t b,
			uint64_t c, const char *wanted)
{
	const struct seccomp_data data = {
		.nr = call_number(abi, call),
		.arch = abi_audit(abi),
		.args = { a, b, c },
	};
	char text[160];

	assert_string_equal(call_text(&data, text, sizeof(text)), wanted);
}

static void arguments_have_the_names_of_constants(void **state)
{
	const enum abi native = abi_native();

	(void)state;
	assert_said(native, "socket", 40, SOCK_RAW | 02000000, 0,
		    "socket(AF_VSOCK, SOCK_CLOEXEC|SOCK_RAW, 0)");
	assert_said(native, "socket", 1000, 1, 7, "socket(1000, SOCK_STREAM, 7)");
	assert_said(native, "ioctl", 3, 0x5412, 0x7ffe0000,
		    "ioctl(3, TIOCSTI, 0x7ffe0000)");
	assert_said(native, "unshare", 0x10020000, 0, 0,
		    "unshare(CLONE_NEWUSER|CLONE_NEWNS)");
	assert_said(native, "fchmod", 5, 0755, 0, "fchmod(5, 0755)");
	assert_said(native, "acct", 0, 0, 0, "acct(NULL)");
	assert_said(native, "getpid", 0, 0, 0, "getpid(...)");
	assert_said(native, "mkdirat", (uint64_t)-100, 1, 0,
		    "mkdirat(AT_FDCWD, 0x1, 00)");
}

static void a_foreign_call_says_whose_it_is(void **state)
{
	(void)state;
	assert_said(ABI_ARM, "socket", 40, 1, 0,
		    "socket(AF_VSOCK, SOCK_STREAM, 0) of arm");
}

static void a_call_without_a_name_is_a_number(void **state)
{
	const struct seccomp_data unknown = { .nr = 5000,
					      .arch = abi_audit(abi_native()) };
	const struct seccomp_data foreign = { .nr = 5, .arch = 0x11 };
	char text[160];

	(void)state;
	assert_string_equal(call_text(&unknown, text, sizeof(text)), "call 5000");
	assert_string_equal(call_text(&foreign, text, sizeof(text)),
			    "call 5 of ABI 0x11");
}

static void what_is_too_long_is_cut(void **state)
{
	const struct seccomp_data data = {
		.nr = call_number(abi_native(), "socket"),
		.arch = abi_audit(abi_native()),
		.args = { 40, 1, 0 },
	};
	char text[12];

	(void)state;
	assert_string_equal(call_text(&data, text, sizeof(text)), "socket(AF_V");
}

static void an_errno_has_its_name(void **state)
{
	char text[24];

	(void)state;
	assert_string_equal(errno_text(EPERM, text, sizeof(text)), "EPERM");
	assert_string_equal(errno_text(EAFNOSUPPORT, text, sizeof(text)), "EAFNOSUPPORT");
	assert_string_equal(errno_text(4000, text, sizeof(text)), "errno 4000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_family_tells_sockets_apart),
		cmocka_unit_test(the_code_tells_ioctls_apart),
		cmocka_unit_test(junk_above_an_int_is_not_looked_at),
		cmocka_unit_test(calls_without_words_are_all_the_same),
		cmocka_unit_test(arguments_have_the_names_of_constants),
		cmocka_unit_test(a_foreign_call_says_whose_it_is),
		cmocka_unit_test(a_call_without_a_name_is_a_number),
		cmocka_unit_test(what_is_too_long_is_cut),
		cmocka_unit_test(an_errno_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
