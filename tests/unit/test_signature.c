/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that the tools themselves have made, and what becomes of them by one bit. */
#include "base/arena.h"
#include "base/error.h"
#include "image/signature.h"
#include "tests/unit/signature_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The order of the group, little-endian (RFC 8032 section 5.1). */
static const unsigned char order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
					 0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
					 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };

struct scene {
	struct arena arena;
	char *image, *text;
	size_t image_length, text_length;
	struct public_key keys[2];
};

static void take_key(struct scene *scene, int i, const char *name)
{
	struct error err;

	assert_int_equal(public_key_read(signature_file_path(name, &scene->arena),
					 &scene->arena, &scene->keys[i], &err),
			 0);
}

static void open_scene(struct scene *scene, const char *key, const char *signature)
{
	memset(scene, 0, sizeof(*scene));
	scene->image =
		signature_file_read("image.tar", &scene->arena, &scene->image_length);
	scene->text = signature_file_read(signature, &scene->arena, &scene->text_length);
	take_key(scene, 0, "minisign-other.pub");
	take_key(scene, 1, key);
}

/* In two pieces. Returns what signature_end() does, or -1 for what fails before. */
static int check(struct scene *scene, struct error *err)
{
	static const char *const paths[] = { "other", "right" };
	const size_t half = scene->image_length / 2;
	const struct signature_judge *judge = NULL;
	struct signature signature;
	struct signature_check pass;
	unsigned char digest[BLAKE2B_SIZE];
	int result;

	memset(err, 0, sizeof(*err));
	if (signature_parse(scene->text, scene->text_length, &scene->arena, &signature,
			    err) < 0 ||
	    signature_begin(&signature, scene->keys, paths, 2, &scene->arena, &pass,
			    err) < 0)
		return -1;
	signature_add(&pass, scene->image, half);
	signature_add(&pass, scene->image + half, scene->image_length - half);
	result = signature_end(&pass, digest, &judge, err);
	assert_true(result < 0 || strcmp(judge->path, "right") == 0);
	return result;
}

static void assert_good(const char *key, const char *signature)
{
	struct scene scene;
	struct error err;

	open_scene(&scene, key, signature);
	if (check(&scene, &err) < 0)
		fail_msg("%s: %s", signature, err.text);
	arena_free(&scene.arena);
}

static void signatures_of_the_tools_are_good(void **state)
{
	(void)state;
	assert_good("minisign.pub", "hashed.minisig");
	assert_good("minisign.pub", "whole.minisig");
	assert_good("signify.pub", "signify.sig");
}

static const char changed[] =
	"it is not what was signed: it was changed, or the signature was";

static void any_changed_bit_of_the_file_is_seen(void **state)
{
	static const char *const names[][2] = { { "minisign.pub", "hashed.minisig" },
						{ "minisign.pub", "whole.minisig" },
						{ "signify.pub", "signify.sig" } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;
		struct error err;

		open_scene(&scene, names[i][0], names[i][1]);
		for (size_t at = 0; at < scene.image_length; at++) {
			scene.image[at] ^= (char)(1 << at % 8);
			assert_int_equal(check(&scene, &err), -1);
			assert_string_equal(err.text, changed);
			assert_int_equal(err.id, ERROR_SIGNATURE);
			scene.image[at] ^= (char)(1 << at % 8);
		}
		scene.image_length--;
		assert_int_equal(check(&scene, &err), -1);
		scene.image_length = 0;
		assert_int_equal(check(&scene, &err), -1);
		arena_free(&scene.arena);
	}
}

/* All but the first line, which nobody signs. */
static void any_changed_letter_of_a_signature_is_seen(void **state)
{
	static const char *const names[][2] = { { "minisign.pub", "hashed.minisig" },
						{ "minisign.pub", "whole.minisig" },
						{ "signify.pub", "signify.sig" } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;
		struct error err;
		size_t first;

		open_scene(&scene, names[i][0], names[i][1]);
		first = (size_t)(strchr(scene.text, '\n') - scene.text);
		for (size_t at = first + 1; at < scene.text_length - 1; at++) {
			const char before = scene.text[at];

			scene.text[at] = before == 'A' ? 'B' : 'A';
			if (before == '\n')
				scene.text[at] = ' ';
			assert_int_equal(check(&scene, &err), -1);
			scene.text[at] = before;
		}
		assert_int_equal(check(&scene, &err), 0);
		arena_free(&scene.arena);
	}
}

static void a_foreign_key_is_named(void **state)
{
	struct scene scene;
	struct error err;

	(void)state;
	open_scene(&scene, "signify.pub", "hashed.minisig");
	assert_int_equal(check(&scene, &err), -1);
	assert_string_equal(err.text,
			    "its signature is by the key E5A9D278E37F85D5, which "
			    "is not among those that count");
	arena_free(&scene.arena);
}

static void a_key_with_the_id_of_another_is_another(void **state)
{
	struct scene scene;
	struct error err;

	(void)state;
	open_scene(&scene, "minisign.pub", "hashed.minisig");
	memcpy(scene.keys[0].number, scene.keys[1].number, KEY_NUMBER_SIZE);
	/* check() asserts that it is the right one of both that is told. */
	assert_int_equal(check(&scene, &err), 0);
	memcpy(scene.keys[1].point, scene.keys[0].point, KEY_POINT_SIZE);
	assert_int_equal(check(&scene, &err), -1);
	assert_string_equal(err.text, changed);
	arena_free(&scene.arena);
}

static void the_trusted_comment_is_signed_too(void **state)
{
	struct scene scene;
	struct error err;
	char *word;

	(void)state;
	open_scene(&scene, "minisign.pub", "hashed.minisig");
	word = strstr(scene.text, "version 7");
	word[strlen("version ")] = '8';
	assert_int_equal(check(&scene, &err), -1);
	assert_string_equal(err.text, "the trusted comment of its signature was changed");
	arena_free(&scene.arena);
}

static void assert_unreadable(const char *text, const char *why)
{
	struct arena arena = { 0 };
	struct signature signature;
	struct error err;

	assert_int_equal(signature_parse(text, strlen(text), &arena, &signature, &err),
			 -1);
	assert_string_equal(err.text, why);
	arena_free(&arena);
}

static void texts_are_read_strictly(void **state)
{
#define LINE                                                                             \
	"RUTVhX/jeNKp5VVofUtvQNIjV1seFViGU6qepgQqVCm53AJddPHmyZO2CNVNhuGHfp+031Nminv2CVhy4SV0UVMidPyjVrzHcQ8="
#define SUM                                                                              \
	"EcQqEUhprKLH+vR0VeT0eSaRsywE0INCxv48sJrQV2oJtqvprZHz21k6oG10+wpRZJB4BvbxLuKa141HIUA7BQ=="
	(void)state;
	assert_unreadable("",
			  "its signature cannot be read: the first line is no comment");
	assert_unreadable("comment\n",
			  "its signature cannot be read: the first line is no comment");
	assert_unreadable("untrusted comment: x\nRUTVhX\n",
			  "its signature cannot be read: the second line is none");
	assert_unreadable("untrusted comment: x",
			  "its signature cannot be read: the second line is none");
	/* What is hashed has a comment. */
	assert_unreadable(
		"untrusted comment: x\n" LINE "\n",
		"its signature cannot be read: the third line is no trusted comment");
	assert_unreadable(
		"untrusted comment: x\n" LINE "\ntrusted comment: y\n",
		"its signature cannot be read: the trusted comment is not signed");
	assert_unreadable(
		"untrusted comment: x\n" LINE "\ntrusted comment: y\n" SUM "AAAA\n",
		"its signature cannot be read: the trusted comment is not signed");
	assert_unreadable("untrusted comment: x\n" LINE "\ntrusted comment: y\n" SUM
			  "\nmore\n",
			  "its signature cannot be read: there is something behind it");
}

/* ---- our sum against the library's ------------------------------------------------------- */

static int judge_whole(struct public_key *key, const unsigned char *bytes,
		       const unsigned char *message, size_t length)
{
	struct arena arena = { 0 };
	const struct signature_judge *judge;
	struct signature signature = { 0 };
	struct signature_check pass;
	unsigned char digest[BLAKE2B_SIZE];
	const char *const path = "key";
	struct error err;
	int result;

	memcpy(signature.bytes, bytes, SIGNATURE_SIZE);
	assert_int_equal(signature_begin(&signature, key, &path, 1, &arena, &pass, &err),
			 0);
	signature_add(&pass, message, length);
	result = signature_end(&pass, digest, &judge, &err);
	arena_free(&arena);
	return result;
}

static void the_sum_is_that_of_the_library(void **state)
{
	unsigned char seed[crypto_sign_SEEDBYTES], secret[crypto_sign_SECRETKEYBYTES];
	unsigned char bytes[SIGNATURE_SIZE], message[256];
	struct public_key key = { .scheme = TRUST_SIGNIFY };

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		const size_t length = i * 7 % sizeof(message);

		memset(seed, (int)i, sizeof(seed));
		randombytes_buf_deterministic(message, sizeof(message), seed);
		crypto_sign_seed_keypair(key.point, secret, seed);
		crypto_sign_detached(bytes, NULL, message, length, secret);
		assert_int_equal(judge_whole(&key, bytes, message, length), 0);
		bytes[i % SIGNATURE_SIZE] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(judge_whole(&key, bytes, message, length), -1);
		assert_int_equal(
			crypto_sign_verify_detached(bytes, message, length, key.point),
			-1);
	}
}

/* S and S + L would both satisfy the equation: only the smaller one is a signature. */
static void another_text_of_the_same_signature_is_none(void **state)
{
	unsigned char seed[crypto_sign_SEEDBYTES] = { 1 };
	unsigned char secret[crypto_sign_SECRETKEYBYTES], bytes[SIGNATURE_SIZE];
	struct public_key key = { .scheme = TRUST_SIGNIFY };
	unsigned int carry = 0;

	(void)state;
	crypto_sign_seed_keypair(key.point, secret, seed);
	crypto_sign_detached(bytes, NULL, seed, sizeof(seed), secret);
	assert_int_equal(judge_whole(&key, bytes, seed, sizeof(seed)), 0);
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned int)bytes[32 + i] + order[i];
		bytes[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	assert_int_equal(judge_whole(&key, bytes, seed, sizeof(seed)), -1);
}

/* With a key of order 1 or 4 a signature of nothing would fit many messages. */
static void keys_of_small_order_fit_nothing(void **state)
{
	static const unsigned char one[KEY_POINT_SIZE] = { 1 },
				   four[KEY_POINT_SIZE] = { 0 };
	unsigned char bytes[SIGNATURE_SIZE] = { 1 };
	struct public_key key = { .scheme = TRUST_SIGNIFY };

	(void)state;
	memcpy(key.point, one, sizeof(one));
	assert_int_equal(judge_whole(&key, bytes, one, sizeof(one)), -1);
	memcpy(key.point, four, sizeof(four));
	assert_int_equal(judge_whole(&key, bytes, one, sizeof(one)), -1);
	bytes[32] = 1;
	assert_int_equal(judge_whole(&key, bytes, one, sizeof(one)), -1);
}

/* ---- lists ------------------------------------------------------------------------------ */

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16
#define HEX   HEX64 HEX64

static void assert_list(const char *text, int result, bool found)
{
	bool has = !found;
	struct error err;

	assert_int_equal(sums_have(text, strlen(text), HEX, &has, &err), result);
	assert_int_equal(has, found);
}

static void lists_are_searched_by_digest_alone(void **state)
{
	(void)state;
	assert_list(HEX "  runsc\n", 0, true);
	assert_list(HEX " */any/where\r\n", 0, true);
	assert_list(HEX "\n", 0, true);
	assert_list("# a list\n\nSHA512 (a (b) = c) = " HEX "\n", 0, true);
	assert_list(HEX64 HEX64, 0, true);
	assert_list("0" HEX "\n", -1, false);
	assert_list(HEX "0\n", -1, false);
	assert_list(HEX64 "  sha256\n", -1, false);
	assert_list("SHA256 (x) = " HEX64 "\n", -1, false);
	assert_list("", -1, false);
	assert_list("f" HEX64 HEX16 HEX16 HEX16 "0123456789abcde  x\n", 0, false);
	assert_list("f" HEX64 HEX16 HEX16 HEX16 "0123456789abcde  x\n" HEX "  y", 0,
		    true);
}

static int begin(void **state)
{
	(void)state;
	return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_the_tools_are_good),
		cmocka_unit_test(any_changed_bit_of_the_file_is_seen),
		cmocka_unit_test(any_changed_letter_of_a_signature_is_seen),
		cmocka_unit_test(a_foreign_key_is_named),
		cmocka_unit_test(a_key_with_the_id_of_another_is_another),
		cmocka_unit_test(the_trusted_comment_is_signed_too),
		cmocka_unit_test(texts_are_read_strictly),
		cmocka_unit_test(the_sum_is_that_of_the_library),
		cmocka_unit_test(another_text_of_the_same_signature_is_none),
		cmocka_unit_test(keys_of_small_order_fit_nothing),
		cmocka_unit_test(lists_are_searched_by_digest_alone),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
