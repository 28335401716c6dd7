/* SPDX-License-Identifier: Apache-2.0 */
#include "image/sha256.h"

#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_library_says_what_our_own_code_says(void **state)
{
	unsigned char bytes[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct fast_sha256 fast;
		struct sha256 own;
		char said[FAST_SHA256_HEX + 1], expected[SHA256_HEX + 1];

		fast_sha256_begin(&fast);
		fast_sha256_add(&fast, bytes, length / 3);
		fast_sha256_add(&fast, bytes + length / 3, length - length / 3);
		fast_sha256_end(&fast, said);
		sha256_begin(&own);
		sha256_add(&own, bytes, length);
		sha256_end(&own, expected);
		assert_string_equal(said, expected);
	}
}

static void an_example_of_the_standard_has_its_digest(void **state)
{
	struct fast_sha256 sha256;
	char hex[FAST_SHA256_HEX + 1];

	(void)state;
	fast_sha256_begin(&sha256);
	fast_sha256_add(&sha256, "abc", 3);
	fast_sha256_end(&sha256, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_says_what_our_own_code_says),
		cmocka_unit_test(an_example_of_the_standard_has_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
