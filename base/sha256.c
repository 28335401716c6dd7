/* SPDX-License-Identifier: Apache-2.0 */
/* The names are those of FIPS 180-4, section 6.2. */
#include "base/sha256.h"

#include <string.h>

static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t word, unsigned int bits)
{
	return word >> bits | word << (32 - bits);
}

static uint32_t read_word(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

static void schedule(const unsigned char *block, uint32_t words[64])
{
	for (int t = 0; t < 16; t++, block += 4)
		words[t] = read_word(block);
	for (int t = 16; t < 64; t++) {
		const uint32_t before = words[t - 15], last = words[t - 2];
		const uint32_t sigma0 =
			rotate(before, 7) ^ rotate(before, 18) ^ before >> 3;
		const uint32_t sigma1 = rotate(last, 17) ^ rotate(last, 19) ^ last >> 10;

		words[t] = sigma1 + words[t - 7] + sigma0 + words[t - 16];
	}
}

/*
 * One round, with a word and a constant added up. Of the eight variables two change, and all
 * change their names: a is v[0] in round 0, v[7] in round 1.
 */
static inline void turn(uint32_t v[8], int t, uint32_t word)
{
	const uint32_t a = v[-t & 7], b = v[(1 - t) & 7], c = v[(2 - t) & 7];
	const uint32_t e = v[(4 - t) & 7], f = v[(5 - t) & 7], g = v[(6 - t) & 7];
	const uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
	const uint32_t choice = (e & f) ^ (~e & g);
	const uint32_t first = v[(7 - t) & 7] + sum1 + choice + word;
	const uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
	const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);

	v[(3 - t) & 7] += first;
	v[(7 - t) & 7] = first + sum0 + majority;
}

static void add_block(struct sha256 *sha256, const unsigned char *block)
{
	uint32_t words[64], v[8];

	schedule(block, words);
	memcpy(v, sha256->state, sizeof(v));
	/* Eight at a time, so that the compiler knows every index and keeps v in registers. */
	for (int t = 0; t < 64; t += 8) {
		turn(v, 0, words[t] + constants[t]);
		turn(v, 1, words[t + 1] + constants[t + 1]);
		turn(v, 2, words[t + 2] + constants[t + 2]);
		turn(v, 3, words[t + 3] + constants[t + 3]);
		turn(v, 4, words[t + 4] + constants[t + 4]);
		turn(v, 5, words[t + 5] + constants[t + 5]);
		turn(v, 6, words[t + 6] + constants[t + 6]);
		turn(v, 7, words[t + 7] + constants[t + 7]);
	}
	for (int i = 0; i < 8; i++)
		sha256->state[i] += v[i];
}

void sha256_begin(struct sha256 *sha256)
{
	static const struct sha256 start = {
		.state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
			   0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }
	};

	*sha256 = start;
}

void sha256_add(struct sha256 *sha256, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	const size_t held = sha256->length % 64;

	sha256->length += length;
	if (held) {
		const size_t part = length < 64 - held ? length : 64 - held;

		memcpy(sha256->block + held, at, part);
		if (held + part < 64)
			return;
		add_block(sha256, sha256->block);
		at += part;
		length -= part;
	}
	for (; length >= 64; at += 64, length -= 64)
		add_block(sha256, at);
	if (length)
		memcpy(sha256->block, at, length);
}

void sha256_end(struct sha256 *sha256, char ret_hex[SHA256_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	static const unsigned char padding[64] = { 0x80 };
	const uint64_t bits = sha256->length * 8;
	const size_t held = sha256->length % 64;
	unsigned char length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(sha256, padding, held < 56 ? 56 - held : 120 - held);
	sha256_add(sha256, length, sizeof(length));
	for (int i = 0; i < SHA256_HEX; i++) {
		const uint32_t word = sha256->state[i / 8];

		ret_hex[i] = digits[word >> (28 - 4 * (i % 8)) & 15];
	}
	ret_hex[SHA256_HEX] = '\0';
}
