/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The examples of FIPS 180-4 that NIST publishes. */
static void known_texts_have_their_known_digests(void **state)
{
	static const struct {
		const char *text, *hex;
	} rows[] = {
		{ "",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sha256 sha256;
		char hex[SHA256_HEX + 1];

		sha256_begin(&sha256);
		sha256_add(&sha256, rows[i].text, strlen(rows[i].text));
		sha256_end(&sha256, hex);
		assert_string_equal(hex, rows[i].hex);
	}
}

static void a_million_letters_in_pieces_of_any_size_are_the_same_text(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 200; piece += 37) {
		struct sha256 sha256;
		char hex[SHA256_HEX + 1], letters[200];

		memset(letters, 'a', sizeof(letters));
		sha256_begin(&sha256);
		for (size_t left = 1000000; left; left -= left < piece ? left : piece)
			sha256_add(&sha256, letters, left < piece ? left : piece);
		sha256_end(&sha256, hex);
		assert_string_equal(hex,
				    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e"
				    "046d39ccc7112cd0");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_have_their_known_digests),
		cmocka_unit_test(
			a_million_letters_in_pieces_of_any_size_are_the_same_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
