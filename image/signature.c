/* SPDX-License-Identifier: Apache-2.0 */
#include "image/signature.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

/* ---- the text -------------------------------------------------------------------------- */

enum { LINE_SIZE = 2 + KEY_NUMBER_SIZE + SIGNATURE_SIZE };

static const char untrusted[] = "untrusted comment:";
static const char trusted[] = "trusted comment: ";

static bool begins(const char *line, size_t length, const char *with)
{
	return line && length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static int refuse(const char *why, struct error *err)
{
	return error_set(err, ERROR_SIGNATURE, "its signature cannot be read: %s", why);
}

/* The algorithm, the key's number, the signature. */
static int take_signature(const char *line, size_t length, struct signature *signature,
			  struct error *err)
{
	unsigned char bytes[LINE_SIZE];
	const ssize_t size =
		line ? base64_decode(line, length, bytes, sizeof(bytes)) : -1;

	if (size != LINE_SIZE)
		return refuse("the second line is none", err);
	if (memcmp(bytes, "Ed", 2) != 0 && memcmp(bytes, "ED", 2) != 0)
		return refuse("the algorithm is unknown", err);
	signature->is_hashed = bytes[1] == 'D';
	memcpy(signature->number, bytes + 2, KEY_NUMBER_SIZE);
	memcpy(signature->bytes, bytes + 2 + KEY_NUMBER_SIZE, SIGNATURE_SIZE);
	return 0;
}

/* minisign's third and fourth line. */
static int take_comment(const char *at, const char *end, struct arena *arena,
			struct signature *signature, struct error *err)
{
	size_t length = 0, digits = 0;
	const char *line = line_take(&at, end, &length);
	const char *sum = line_take(&at, end, &digits);

	if (!begins(line, length, trusted))
		return refuse("the third line is no trusted comment", err);
	if (memchr(line, '\0', length))
		return refuse("the trusted comment is no text", err);
	if (!sum || base64_decode(sum, digits, signature->comment_bytes,
				  SIGNATURE_SIZE) != SIGNATURE_SIZE)
		return refuse("the trusted comment is not signed", err);
	if (!is_blank(at, end))
		return refuse("there is something behind it", err);
	signature->comment =
		arena_strndup(arena, line + strlen(trusted), length - strlen(trusted));
	return 0;
}

int signature_parse(const char *text, size_t length, struct arena *arena,
		    struct signature *ret_signature, struct error *err)
{
	const char *at = text;
	const char *const end = text + length;
	struct signature signature = { 0 };
	size_t line_length = 0;
	const char *line = line_take(&at, end, &line_length);

	if (!begins(line, line_length, untrusted))
		return refuse("the first line is no comment", err);
	line = line_take(&at, end, &line_length);
	if (take_signature(line, line_length, &signature, err) < 0)
		return -1;
	if ((!is_blank(at, end) || signature.is_hashed) &&
	    take_comment(at, end, arena, &signature, err) < 0)
		return -1;
	*ret_signature = signature;
	return 0;
}

/* ---- the sum --------------------------------------------------------------------------- */

enum { HALF = SIGNATURE_SIZE / 2 };

/* S below the order of the group, as RFC 8032 wants it: another S would be another text for
 * the same signature. */
static bool is_reduced(const unsigned char *scalar)
{
	unsigned char wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = { 0 };
	unsigned char reduced[crypto_core_ed25519_SCALARBYTES];

	memcpy(wide, scalar, HALF);
	crypto_core_ed25519_scalar_reduce(reduced, wide);
	return memcmp(reduced, scalar, HALF) == 0;
}

/*
 * Whether S times B less k times A is R, where k is the hash of R, A and the message. Both
 * points must lie in the main subgroup: only there is the answer the same for everybody, and
 * a key or an R of small order would fit messages that nobody signed.
 */
static bool sum_is_right(const struct signature_judge *judge,
			 const unsigned char signature[SIGNATURE_SIZE])
{
	crypto_hash_sha512_state sum = judge->sum;
	unsigned char hash[crypto_hash_sha512_BYTES];
	unsigned char k[crypto_core_ed25519_SCALARBYTES];
	unsigned char left[crypto_core_ed25519_BYTES], right[crypto_core_ed25519_BYTES];
	unsigned char r[crypto_core_ed25519_BYTES];

	crypto_hash_sha512_final(&sum, hash);
	crypto_core_ed25519_scalar_reduce(k, hash);
	return is_reduced(signature + HALF) &&
	       crypto_core_ed25519_is_valid_point(judge->key->point) == 1 &&
	       crypto_core_ed25519_is_valid_point(signature) == 1 &&
	       crypto_scalarmult_ed25519_base_noclamp(left, signature + HALF) == 0 &&
	       crypto_scalarmult_ed25519_noclamp(right, k, judge->key->point) == 0 &&
	       crypto_core_ed25519_sub(r, left, right) == 0 &&
	       sodium_memcmp(r, signature, HALF) == 0;
}

/* ---- in one pass ----------------------------------------------------------------------- */

static void begin_judge(struct signature_judge *judge, const struct signature *signature,
			const struct public_key *key, const char *path)
{
	judge->key = key;
	judge->path = path;
	crypto_hash_sha512_init(&judge->sum);
	crypto_hash_sha512_update(&judge->sum, signature->bytes, HALF);
	crypto_hash_sha512_update(&judge->sum, key->point, KEY_POINT_SIZE);
}

static int refuse_foreign(const struct signature *signature, struct error *err)
{
	char id[KEY_ID_SIZE];

	key_number_text(signature->number, id);
	return error_set(err, ERROR_SIGNATURE,
			 "its signature is by the key %s, which is not among those that "
			 "count",
			 id);
}

int signature_begin(const struct signature *signature, const struct public_key *keys,
		    const char *const *paths, size_t key_count, struct arena *arena,
		    struct signature_check *ret_check, struct error *err)
{
	struct signature_check check = { .signature = signature };

	check.judges = arena_alloc_array(arena, key_count + 1, sizeof(*check.judges));
	for (size_t i = 0; i < key_count && signature; i++)
		if (keys[i].scheme != TRUST_OPENPGP &&
		    memcmp(keys[i].number, signature->number, KEY_NUMBER_SIZE) == 0)
			begin_judge(&check.judges[check.judge_count++], signature,
				    &keys[i], paths[i]);
	if (signature && check.judge_count == 0)
		return refuse_foreign(signature, err);
	(void)crypto_generichash_init(&check.blake2b, NULL, 0, BLAKE2B_SIZE);
	*ret_check = check;
	return 0;
}

void signature_add(struct signature_check *check, const void *bytes, size_t length)
{
	(void)crypto_generichash_update(&check->blake2b, bytes, length);
	if (!check->signature || check->signature->is_hashed)
		return;
	for (size_t i = 0; i < check->judge_count; i++)
		crypto_hash_sha512_update(&check->judges[i].sum, bytes, length);
}

static bool file_is_signed(const struct signature_check *check,
			   const struct signature_judge *judge,
			   const unsigned char blake2b[BLAKE2B_SIZE])
{
	if (!check->signature->is_hashed)
		return sum_is_right(judge, check->signature->bytes);
	return crypto_sign_verify_detached(check->signature->bytes, blake2b, BLAKE2B_SIZE,
					   judge->key->point) == 0;
}

/* minisign signs its first signature and the comment together. */
static bool comment_is_signed(const struct signature *signature,
			      const struct signature_judge *judge, struct arena *arena)
{
	const size_t length = signature->comment ? strlen(signature->comment) : 0;
	unsigned char *text;

	if (!signature->comment)
		return true;
	text = arena_alloc(arena, SIGNATURE_SIZE + length);
	memcpy(text, signature->bytes, SIGNATURE_SIZE);
	memcpy(text + SIGNATURE_SIZE, signature->comment, length);
	return crypto_sign_verify_detached(signature->comment_bytes, text,
					   SIGNATURE_SIZE + length,
					   judge->key->point) == 0;
}

int signature_end(struct signature_check *check, unsigned char ret_blake2b[BLAKE2B_SIZE],
		  const struct signature_judge **ret_judge, struct error *err)
{
	struct arena arena = { 0 };
	bool is_right = false;

	(void)crypto_generichash_final(&check->blake2b, ret_blake2b, BLAKE2B_SIZE);
	*ret_judge = NULL;
	for (size_t i = 0; i < check->judge_count && !*ret_judge; i++) {
		const struct signature_judge *judge = &check->judges[i];

		if (!file_is_signed(check, judge, ret_blake2b))
			continue;
		is_right = true;
		if (comment_is_signed(check->signature, judge, &arena))
			*ret_judge = judge;
	}
	arena_free(&arena);
	if (!check->signature || *ret_judge)
		return 0;
	return error_set(err, ERROR_SIGNATURE,
			 is_right ? "the trusted comment of its signature was changed"
				  : "it is not what was signed: it was changed, or the "
				    "signature was");
}
