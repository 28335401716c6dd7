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
		cmocka_unit_test(an_errno_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
