/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "image/keys.h"
#include "tests/unit/signature_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY "RWTVhX/jeNKp5YfeuO+lZuXUXjcJSJwrzwifPb3kOYVYmtGHiowkvo6l"

static void parse(const char *text, struct public_key *ret_key)
{
	struct arena arena = { 0 };
	struct error err = { 0 };

	if (public_key_parse(text, strlen(text), &arena, ret_key, &err) < 0)
		fail_msg("%s", err.text);
	arena_free(&arena);
}

static void assert_refused(const char *text, size_t length, const char *why)
{
	struct arena arena = { 0 };
	struct public_key key;
	struct error err;

	assert_int_equal(public_key_parse(text, length, &arena, &key, &err), -1);
	assert_string_equal(err.text, why);
	assert_int_equal(err.id, ERROR_SIGNATURE);
	arena_free(&arena);
}

static void keys_of_minisign_have_the_id_that_it_prints(void **state)
{
	struct public_key key;

	(void)state;
	parse("untrusted comment: minisign public key E5A9D278E37F85D5\n" KEY "\n", &key);
	assert_int_equal(key.scheme, TRUST_MINISIGN);
	assert_string_equal(key.id, "E5A9D278E37F85D5");
	assert_string_equal(key.signer, KEY);
	parse(KEY, &key);
	assert_int_equal(key.scheme, TRUST_MINISIGN);
	parse(KEY "\r\n\n", &key);
	assert_string_equal(key.id, "E5A9D278E37F85D5");
}

static void keys_of_signify_are_known_by_their_comment(void **state)
{
	struct public_key key;

	(void)state;
	parse("untrusted comment: a test public key\n" KEY "\n", &key);
	assert_int_equal(key.scheme, TRUST_SIGNIFY);
}

static void what_is_no_key_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "it is empty" },
		{ "\n", "there is no key in it" },
		{ "untrusted comment: x\n", "there is no key in it" },
		{ KEY "\nmore", "there is something behind the key" },
		{ "RWTVhX", "there is something else than base64 in it" },
		{ " " KEY, "there is something else than base64 in it" },
		{ "AAAA", "it is no public key" },
		{ KEY "AAAA", "it is no public key, but a secret one perhaps" },
		{ "AAAAhX/jeNKp5YfeuO+lZuXUXjcJSJwrzwifPb3kOYVYmtGHiowkvo6l",
		  "it is no public key" },
		{ "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n",
		  "there is no OpenPGP PUBLIC KEY BLOCK in it" },
		{ "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n",
		  "its armour has no end" },
		{ "-----BEGIN PGP PUBLIC KEY BLOCK-----\nAAAA\n"
		  "-----END PGP PUBLIC KEY BLOCK-----\n",
		  "its armour has no end" },
		{ "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nA\n"
		  "-----END PGP PUBLIC KEY BLOCK-----\n",
		  "there is something else than base64 in its armour" },
		{ "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n=AAAA\n"
		  "-----END PGP PUBLIC KEY BLOCK-----\n",
		  "the checksum of its armour is wrong" },
		{ "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"
		  "-----END PGP PUBLIC KEY BLOCK-----\n",
		  "there is no OpenPGP key in it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].why);
}

static void openpgp_keys_lose_their_armor_and_keep_their_fingerprint(void **state)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	struct public_key armored, plain;
	size_t length;
	const char *text = signature_file_read("openpgp.asc", &arena, &length);

	(void)state;
	assert_int_equal(public_key_parse(text, length, &arena, &armored, &err), 0);
	text = signature_file_read("openpgp.pgp", &arena, &length);
	assert_int_equal(public_key_parse(text, length, &arena, &plain, &err), 0);
	assert_string_equal(plain.id, "96DD4EB108942803C5DFDF2EA6CC5FE089FFC997");
	assert_string_equal(armored.id, plain.id);
	assert_int_equal(armored.packets_size, length);
	assert_memory_equal(armored.packets, text, length);
	arena_free(&arena);
}

static void openpgp_keys_are_one_and_whole(void **state)
{
	struct arena arena = { 0 };
	size_t length;
	const char *key = signature_file_read("openpgp.pgp", &arena, &length);
	char *two = arena_alloc(&arena, 2 * length);

	(void)state;
	memcpy(two, key, length);
	memcpy(two + length, key, length);
	assert_refused(two, 2 * length, "there are several keys in it");
	assert_refused(key, length - 1, "the OpenPGP key in it is cut");
	assert_refused(key, 3, "there is no OpenPGP key in it");
	/* A tag for another in the first packet: 5 is a secret key, 2 a signature. */
	two[0] = (char)(0x80 | 5 << 2);
	assert_refused(two, length, "it is a secret key, not a public one");
	two[0] = (char)(0x80 | 2 << 2);
	assert_refused(two, length, "there is no OpenPGP key in it");
	two[0] = key[0];
	two[2] = 3;
	assert_refused(two, length, "it is an OpenPGP key of version 3, not 4");
	arena_free(&arena);
}

static void sha1_is_that_of_the_standard(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "c1c8bbdc22796e28c0e15163d20899b65621d65a" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "0098ba824b5c16427bd7a1122a5a442a25ec644d" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned char digest[FINGERPRINT_BYTES];
		char hex[2 * FINGERPRINT_BYTES + 1];

		sha1((const unsigned char *)cases[i].text, strlen(cases[i].text), digest);
		for (size_t j = 0; j < sizeof(digest); j++)
			snprintf(hex + 2 * j, 3, "%02x", digest[j]);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void base64_goes_there_and_back(void **state)
{
	unsigned char bytes[48], back[48];
	char text[65];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37 + 5);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		base64_encode(bytes, length, text);
		assert_int_equal(base64_decode(text, strlen(text), back, sizeof(back)),
				 length);
		assert_memory_equal(bytes, back, length);
	}
}

static void base64_is_read_strictly(void **state)
{
	static const char *const bad[] = { "A",    "AA",    "AAA",  "AA==AAAA",
					   "A===", "====",  "AB==", "AAB=",
					   "A-AA", "AAA\n", "=AAA", "AA=A" };
	unsigned char bytes[8];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), bytes, 8), -1);
	assert_int_equal(base64_decode("AAAAAAAA", 8, bytes, 5), -1);
	assert_int_equal(base64_decode("AA==", 4, bytes, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_minisign_have_the_id_that_it_prints),
		cmocka_unit_test(keys_of_signify_are_known_by_their_comment),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(
			openpgp_keys_lose_their_armor_and_keep_their_fingerprint),
		cmocka_unit_test(openpgp_keys_are_one_and_whole),
		cmocka_unit_test(sha1_is_that_of_the_standard),
		cmocka_unit_test(base64_goes_there_and_back),
		cmocka_unit_test(base64_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
