/* SPDX-License-Identifier: Apache-2.0 */
#include "image/hasher.h"

#include "image/sha256.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Hashing may take as long as unpacking, so it has a thread of its own: a queue of pieces,
 * filled at one end by hasher_add() and emptied at the other by the thread, in order. `left`
 * counts those that are not hashed yet, the one in the thread's hands included.
 */
enum { QUEUE_SIZE = 16, STACK_SIZE = 256 << 10, STATE_ALIGNMENT = 64 };

struct piece {
	const void *bytes;
	size_t length;
};

struct hasher {
	crypto_generichash_blake2b_state blake2b_state;
	struct fast_sha256 sha256_state;
	crypto_hash_sha512_state sha512_state;
	bool sha256, sha512, blake2b;

	bool has_thread, stop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct piece queue[QUEUE_SIZE];
	size_t first, left;
};

static void hash_sha(struct hasher *hasher, const struct piece *piece)
{
	if (hasher->sha256)
		fast_sha256_add(&hasher->sha256_state, piece->bytes, piece->length);
	if (hasher->sha512)
		crypto_hash_sha512_update(&hasher->sha512_state, piece->bytes,
					  piece->length);
}

static void hash_blake2b(struct hasher *hasher, const struct piece *piece)
{
	if (hasher->blake2b)
		crypto_generichash_blake2b_update(&hasher->blake2b_state, piece->bytes,
						  piece->length);
}

static bool is_blake2b_apart(const struct hasher *hasher)
{
	return hasher->sha256 || hasher->sha512;
}

static void hash_in_thread(struct hasher *hasher, const struct piece *piece)
{
	hash_sha(hasher, piece);
	if (!is_blake2b_apart(hasher))
		hash_blake2b(hasher, piece);
}

static void *run_thread(void *argument)
{
	struct hasher *hasher = argument;

	pthread_mutex_lock(&hasher->lock);
	for (;;) {
		struct piece piece;

		while (hasher->left == 0 && !hasher->stop)
			pthread_cond_wait(&hasher->changed, &hasher->lock);
		if (hasher->left == 0)
			break;
		piece = hasher->queue[hasher->first];
		pthread_mutex_unlock(&hasher->lock);
		hash_in_thread(hasher, &piece);
		pthread_mutex_lock(&hasher->lock);
		hasher->first = (hasher->first + 1) % QUEUE_SIZE;
		hasher->left--;
		pthread_cond_broadcast(&hasher->changed);
	}
	pthread_mutex_unlock(&hasher->lock);
	return NULL;
}

/* A filter or a limit may forbid it: then there is none, and nothing else changes. */
static bool start_thread(struct hasher *hasher)
{
	pthread_attr_t attributes;
	int failed;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	failed = pthread_create(&hasher->thread, &attributes, run_thread, hasher);
	pthread_attr_destroy(&attributes);
	return failed == 0;
}

struct hasher *hasher_open(bool sha256, bool sha512, bool blake2b, bool thread)
{
	size_t size = (sizeof(struct hasher) + STATE_ALIGNMENT - 1) / STATE_ALIGNMENT *
		      STATE_ALIGNMENT;
	struct hasher *hasher = aligned_alloc(STATE_ALIGNMENT, size);

	if (!hasher)
		return NULL;
	memset(hasher, 0, size);
	hasher->sha256 = sha256;
	hasher->sha512 = sha512;
	hasher->blake2b = blake2b;
	fast_sha256_begin(&hasher->sha256_state);
	crypto_hash_sha512_init(&hasher->sha512_state);
	crypto_generichash_blake2b_init(&hasher->blake2b_state, NULL, 0,
					crypto_generichash_blake2b_BYTES_MAX);
	pthread_mutex_init(&hasher->lock, NULL);
	pthread_cond_init(&hasher->changed, NULL);
	hasher->has_thread = thread && start_thread(hasher);
	return hasher;
}

static void end_thread(struct hasher *hasher)
{
	if (!hasher->has_thread)
		return;
	pthread_mutex_lock(&hasher->lock);
	hasher->stop = true;
	pthread_cond_broadcast(&hasher->changed);
	pthread_mutex_unlock(&hasher->lock);
	pthread_join(hasher->thread, NULL);
	hasher->has_thread = false;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	end_thread(hasher);
	pthread_cond_destroy(&hasher->changed);
	pthread_mutex_destroy(&hasher->lock);
	free(hasher);
}

void hasher_wait(struct hasher *hasher, size_t left)
{
	if (!hasher->has_thread)
		return;
	pthread_mutex_lock(&hasher->lock);
	while (hasher->left > left)
		pthread_cond_wait(&hasher->changed, &hasher->lock);
	pthread_mutex_unlock(&hasher->lock);
}

void hasher_add(struct hasher *hasher, const void *bytes, size_t length)
{
	const struct piece piece = { bytes, length };

	if (!hasher->has_thread) {
		hash_sha(hasher, &piece);
		hash_blake2b(hasher, &piece);
		return;
	}
	hasher_wait(hasher, QUEUE_SIZE - 1);
	pthread_mutex_lock(&hasher->lock);
	hasher->queue[(hasher->first + hasher->left) % QUEUE_SIZE] = piece;
	hasher->left++;
	pthread_cond_broadcast(&hasher->changed);
	pthread_mutex_unlock(&hasher->lock);
	if (is_blake2b_apart(hasher))
		hash_blake2b(hasher, &piece);
}

static void write_hex(bool wanted, const unsigned char *digest, size_t length,
		      char *ret_hex)
{
	ret_hex[0] = '\0';
	if (wanted)
		sodium_bin2hex(ret_hex, length * 2 + 1, digest, length);
}

void hasher_end(struct hasher *hasher, char ret_sha256[65], char ret_sha512[129],
		char ret_blake2b[129])
{
	unsigned char digest[crypto_hash_sha512_BYTES];

	end_thread(hasher);
	fast_sha256_end(&hasher->sha256_state, ret_sha256);
	if (!hasher->sha256)
		ret_sha256[0] = '\0';
	crypto_hash_sha512_final(&hasher->sha512_state, digest);
	write_hex(hasher->sha512, digest, crypto_hash_sha512_BYTES, ret_sha512);
	crypto_generichash_blake2b_final(&hasher->blake2b_state, digest,
					 crypto_generichash_blake2b_BYTES_MAX);
	write_hex(hasher->blake2b, digest, crypto_generichash_blake2b_BYTES_MAX,
		  ret_blake2b);
}
