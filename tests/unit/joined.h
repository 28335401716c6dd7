/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_JOINED_H
#define SBX_TESTS_UNIT_JOINED_H

/* Pairs of sockets that a splicer in another thread has joined, and who talks through them. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/splice.h"

struct turning;

struct house {
	struct turning *turning;
	struct splicer *splicer;
	pthread_mutex_t lock;
};

/* A pair: the test has the far ends of both sockets. */
struct joined {
	int guest, server;
	struct splicer *splicer;
	struct splice_ends ends;
	pthread_mutex_t *lock; /* of what ended() says */
	bool ended;
	uint64_t bytes_out, bytes_in;
};

struct house *open_house(void);
void close_house(struct house *house);

/* For turning_do(): of a struct house. */
void free_splicer(void *context);

void join(struct house *house, struct joined *joined);
void join_with_rates(struct house *house, struct joined *joined, struct rate *out,
		     struct rate *in);
bool has_ended(struct joined *joined);
void await_end(struct joined *joined);

/* Closes both far ends. */
void leave(struct joined *joined);

/* What reading says, and closing with a reset. */
void assert_at_end(int fd);
void assert_reset(int fd);
void reset(int *fd);

/* A thread that calls talk(), which returns 0. */
struct talker {
	pthread_t thread;
	int fd;
	unsigned long long size;
	int (*talk)(int fd, unsigned long long size);
	int result;
};

void start_talking(struct talker *talker, int fd, unsigned long long size,
		   int (*what)(int fd, unsigned long long size));
void assert_talked(struct talker *talker);

#endif
