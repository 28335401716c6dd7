/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of OpenPGP (RFC 4880) as it takes to tell one public key from something else, and to
 * name it. What its signatures say, and whether it has expired, gpgv judges.
 */
#include "image/keys.h"

#include "base/arena.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum {
	TAG_SECRET_KEY = 5, /* section 4.3 */
	TAG_PUBLIC_KEY = 6,
	KEY_VERSION = 4,
};

/* ---- SHA-1 ----------------------------------------------------------------------------- */

enum { BLOCK = 64, ROUNDS = 80 };

static uint32_t rotate(uint32_t value, int bits)
{
	return value << bits | value >> (32 - bits);
}

static uint32_t big_endian(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

/* What round i mixes in, without the rotated part and the word. */
static uint32_t mix(int i, const uint32_t s[5])
{
	if (i < 20)
		return ((s[1] & s[2]) | (~s[1] & s[3])) + 0x5a827999;
	if (i < 40)
		return (s[1] ^ s[2] ^ s[3]) + 0x6ed9eba1;
	if (i < 60)
		return ((s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3])) + 0x8f1bbcdc;
	return (s[1] ^ s[2] ^ s[3]) + 0xca62c1d6;
}

static void add_block(uint32_t state[5], const unsigned char *block)
{
	uint32_t words[ROUNDS], s[5];

	for (int i = 0; i < 16; i++)
		words[i] = big_endian(block + 4 * i);
	for (int i = 16; i < ROUNDS; i++)
		words[i] = rotate(
			words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
	memcpy(s, state, sizeof(s));
	for (int i = 0; i < ROUNDS; i++) {
		const uint32_t first = rotate(s[0], 5) + mix(i, s) + s[4] + words[i];

		s[4] = s[3];
		s[3] = s[2];
		s[2] = rotate(s[1], 30);
		s[1] = s[0];
		s[0] = first;
	}
	for (int i = 0; i < 5; i++)
		state[i] += s[i];
}

void sha1(const unsigned char *bytes, size_t length,
	  unsigned char ret_digest[FINGERPRINT_BYTES])
{
	uint32_t state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
			      0xc3d2e1f0 };
	unsigned char tail[2 * BLOCK] = { 0 };
	const size_t whole = length / BLOCK * BLOCK;
	const size_t rest = length - whole;
	const size_t tail_size = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;

	for (size_t i = 0; i < whole; i += BLOCK)
		add_block(state, bytes + i);
	if (rest > 0)
		memcpy(tail, bytes + whole, rest);
	tail[rest] = 0x80;
	for (size_t i = 0; i < 8; i++)
		tail[tail_size - 1 - i] =
			(unsigned char)((uint64_t)length * 8 >> (8 * i));
	for (size_t i = 0; i < tail_size; i += BLOCK)
		add_block(state, tail + i);
	for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
		ret_digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- packets --------------------------------------------------------------------------- */

struct packet {
	unsigned int tag;
	const unsigned char *body;
	size_t size;
};

/* Of count bytes, big-endian; false: they are not there. */
static bool take_number(const unsigned char **at, const unsigned char *end, size_t count,
			size_t *ret_number)
{
	size_t number = 0;

	if ((size_t)(end - *at) < count)
		return false;
	for (size_t i = 0; i < count; i++)
		number = number << 8 | (*at)[i];
	*at += count;
	*ret_number = number;
	return true;
}

/* Section 4.2.1: lengths of one, two and four bytes. Nobody writes keys in parts. */
static bool take_old_length(const unsigned char **at, const unsigned char *end,
			    unsigned int kind, size_t *ret_size)
{
	return kind < 3 && take_number(at, end, (size_t)1 << kind, ret_size);
}

/* Section 4.2.2. */
static bool take_new_length(const unsigned char **at, const unsigned char *end,
			    size_t *ret_size)
{
	size_t first, second;

	if (!take_number(at, end, 1, &first))
		return false;
	if (first < 192) {
		*ret_size = first;
		return true;
	}
	if (first == 255)
		return take_number(at, end, 4, ret_size);
	if (first >= 224 || !take_number(at, end, 1, &second))
		return false;
	*ret_size = ((first - 192) << 8) + second + 192;
	return true;
}

static bool take_packet(const unsigned char **at, const unsigned char *end,
			struct packet *ret_packet)
{
	unsigned int head;
	bool has_length;
	size_t size;

	if (*at >= end || !(**at & 0x80))
		return false;
	head = *(*at)++;
	has_length = head & 0x40 ? take_new_length(at, end, &size)
				 : take_old_length(at, end, head & 3, &size);
	if (!has_length || size > (size_t)(end - *at))
		return false;
	*ret_packet = (struct packet){
		.tag = head & 0x40 ? head & 0x3f : head >> 2 & 0xf,
		.body = *at,
		.size = size,
	};
	*at += size;
	return true;
}

/* Section 12.2: of 0x99, the length in two bytes and the body. */
static int name_key(const struct packet *packet, struct arena *arena,
		    char ret_id[KEY_ID_SIZE], struct error *err)
{
	enum { HEAD = 3, BODY_MAX = 0xffff };
	unsigned char digest[FINGERPRINT_BYTES];
	unsigned char *text;

	if (packet->size == 0 || packet->body[0] != KEY_VERSION)
		return error_set(err, ERROR_SIGNATURE,
				 "it is an OpenPGP key of version %u, not 4",
				 packet->size ? packet->body[0] : 0U);
	if (packet->size > BODY_MAX)
		return error_set(err, ERROR_SIGNATURE,
				 "it is an OpenPGP key that is too large");
	text = arena_alloc(arena, HEAD + packet->size);
	text[0] = 0x99;
	text[1] = (unsigned char)(packet->size >> 8);
	text[2] = (unsigned char)packet->size;
	memcpy(text + HEAD, packet->body, packet->size);
	sha1(text, HEAD + packet->size, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret_id + 2 * i, 3, "%02X", digest[i]);
	return 0;
}

int openpgp_key_id(const unsigned char *packets, size_t size, struct arena *arena,
		   char ret_id[KEY_ID_SIZE], struct error *err)
{
	const unsigned char *at = packets;
	const unsigned char *const end = packets + size;
	struct packet first, packet;

	if (!take_packet(&at, end, &first))
		return error_set(err, ERROR_SIGNATURE, "there is no OpenPGP key in it");
	if (first.tag == TAG_SECRET_KEY)
		return error_set(err, ERROR_SIGNATURE,
				 "it is a secret key, not a public one");
	if (first.tag != TAG_PUBLIC_KEY)
		return error_set(err, ERROR_SIGNATURE, "there is no OpenPGP key in it");
	while (at < end) {
		if (!take_packet(&at, end, &packet))
			return error_set(err, ERROR_SIGNATURE,
					 "the OpenPGP key in it is cut");
		if (packet.tag == TAG_PUBLIC_KEY || packet.tag == TAG_SECRET_KEY) {
			error_set(err, ERROR_SIGNATURE, "there are several keys in it");
			return error_hint(err, "gpg --export FINGERPRINT writes one");
		}
	}
	return name_key(&first, arena, ret_id, err);
}
