/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_HASHER_H
#define SBX_IMAGE_HASHER_H

/* Digests of bytes that somebody else reads meanwhile. */

#include <stdbool.h>
#include <stddef.h>

struct hasher;

/*
 * NULL: no memory. In a thread where it is asked for and can be had: of two digests, blake2b
 * is then the caller's and the other one the thread's.
 */
struct hasher *hasher_open(bool sha256, bool sha512, bool blake2b, bool thread);

/* Also in the middle: the thread is gone afterwards. */
void hasher_free(struct hasher *hasher);

/* The bytes must stay until hasher_wait() or hasher_end(). */
void hasher_add(struct hasher *hasher, const void *bytes, size_t length);

/* Waits until at most so many of what was added are not hashed yet. */
void hasher_wait(struct hasher *hasher, size_t left);

/* As hex, "" where not asked for. Nothing can be added afterwards. */
void hasher_end(struct hasher *hasher, char ret_sha256[65], char ret_sha512[129],
		char ret_blake2b[129]);

#endif
