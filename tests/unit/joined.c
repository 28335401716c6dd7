/* SPDX-License-Identifier: Apache-2.0 */
#include "joined.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop.h"
#include "turning.h"

static void make_splicer(void *context)
{
	struct house *house = context;

	house->splicer = splicer_new(turning_loop(house->turning));
}

void free_splicer(void *context)
{
	struct house *house = context;

	splicer_free(house->splicer);
	house->splicer = NULL;
}

struct house *open_house(void)
{
	struct house *house = calloc(1, sizeof(*house));

	assert_non_null(house);
	assert_int_equal(pthread_mutex_init(&house->lock, NULL), 0);
	house->turning = turning_start();
	turning_do(house->turning, make_splicer, house);
	assert_non_null(house->splicer);
	return house;
}

void close_house(struct house *house)
{
	turning_do(house->turning, free_splicer, house);
	turning_stop(house->turning);
	pthread_mutex_destroy(&house->lock);
	free(house);
}

static void pair_ended(void *context, uint64_t bytes_out, uint64_t bytes_in)
{
	struct joined *joined = context;

	pthread_mutex_lock(joined->lock);
	joined->ended = true;
	joined->bytes_out = bytes_out;
	joined->bytes_in = bytes_in;
	pthread_mutex_unlock(joined->lock);
}

static void join_pair(void *context)
{
	struct joined *joined = context;

	if (splicer_join(joined->splicer, &joined->ends) < 0)
		abort();
}

void join_with_rates(struct house *house, struct joined *joined, struct rate *out,
		     struct rate *in)
{
	int inside[2], outside[2];

	tcp_pair(inside);
	tcp_pair(outside);
	*joined = (struct joined){ .guest = inside[0],
				   .server = outside[0],
				   .splicer = house->splicer,
				   .lock = &house->lock };
	joined->ends = (struct splice_ends){ .inside = inside[1],
					     .outside = outside[1],
					     .out = out,
					     .in = in,
					     .ended = pair_ended,
					     .context = joined };
	assert_int_equal(fcntl(inside[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(outside[1], F_SETFL, O_NONBLOCK), 0);
	turning_do(house->turning, join_pair, joined);
}

void join(struct house *house, struct joined *joined)
{
	join_with_rates(house, joined, NULL, NULL);
}

bool has_ended(struct joined *joined)
{
	bool ended;

	pthread_mutex_lock(joined->lock);
	ended = joined->ended;
	pthread_mutex_unlock(joined->lock);
	return ended;
}

void await_end(struct joined *joined)
{
	for (int i = 0; i < 5000 && !has_ended(joined); i++)
		usleep(1000);
	assert_true(has_ended(joined));
}

void leave(struct joined *joined)
{
	close(joined->guest);
	close(joined->server);
}

void assert_at_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

void assert_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

void reset(int *fd)
{
	const struct linger at_once = { .l_onoff = 1 };

	assert_int_equal(
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(*fd);
	*fd = -1;
}

static void *talk(void *context)
{
	struct talker *talker = context;

	talker->result = talker->talk(talker->fd, talker->size);
	return NULL;
}

void start_talking(struct talker *talker, int fd, unsigned long long size,
		   int (*what)(int fd, unsigned long long size))
{
	*talker = (struct talker){ .fd = fd, .size = size, .talk = what };
	assert_int_equal(pthread_create(&talker->thread, NULL, talk, talker), 0);
}

void assert_talked(struct talker *talker)
{
	assert_int_equal(pthread_join(talker->thread, NULL), 0);
	assert_int_equal(talker->result, 0);
}
