/* SPDX-License-Identifier: Apache-2.0 */
#include "net/splice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop.h"
#include "net/rate.h"
#include "turning.h"

enum {
	LITTLE = 300,
	MUCH = 24 << 20,
	MANY_PAIRS = 1000,
};

/* A pair that is joined: the test has the far ends of both sockets. */
struct joined {
	int guest, server;
	struct splicer *splicer;
	struct splice_ends ends;
	pthread_mutex_t *lock; /* of what ended() says */
	bool ended;
	uint64_t bytes_out, bytes_in;
};

struct house {
	struct turning *turning;
	struct splicer *splicer;
	pthread_mutex_t lock;
};

static void make_splicer(void *context)
{
	struct house *house = context;

	house->splicer = splicer_new(turning_loop(house->turning));
}

static void free_splicer(void *context)
{
	splicer_free(((struct house *)context)->splicer);
}

static struct house *open_house(void)
{
	struct house *house = calloc(1, sizeof(*house));

	assert_non_null(house);
	assert_int_equal(pthread_mutex_init(&house->lock, NULL), 0);
	house->turning = turning_start();
	turning_do(house->turning, make_splicer, house);
	assert_non_null(house->splicer);
	return house;
}

static void close_house(struct house *house)
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

static void join_with_rates(struct house *house, struct joined *joined, struct rate *out,
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

static void join(struct house *house, struct joined *joined)
{
	join_with_rates(house, joined, NULL, NULL);
}

static bool has_ended(struct joined *joined)
{
	bool ended;

	pthread_mutex_lock(joined->lock);
	ended = joined->ended;
	pthread_mutex_unlock(joined->lock);
	return ended;
}

static void await_end(struct joined *joined)
{
	for (int i = 0; i < 5000 && !has_ended(joined); i++)
		usleep(1000);
	assert_true(has_ended(joined));
}

static void leave(struct joined *joined)
{
	close(joined->guest);
	close(joined->server);
}

static void assert_at_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void assert_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void reset(int *fd)
{
	const struct linger at_once = { .l_onoff = 1 };

	assert_int_equal(
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(*fd);
	*fd = -1;
}

/* ---- what is said ------------------------------------------------------------------------ */

static void a_question_and_its_answer_pass(void **state)
{
	struct house *house = open_house();
	struct joined joined;

	(void)state;
	join(house, &joined);
	assert_int_equal(stream_write(joined.guest, LITTLE), 0);
	assert_int_equal(stream_read(joined.server, LITTLE), 0);
	assert_int_equal(stream_write(joined.server, 2 * LITTLE), 0);
	assert_int_equal(stream_read(joined.guest, 2 * LITTLE), 0);
	assert_int_equal(shutdown(joined.guest, SHUT_WR), 0);
	assert_at_end(joined.server);
	close(joined.server);
	assert_at_end(joined.guest);
	await_end(&joined);
	assert_int_equal(joined.bytes_out, LITTLE);
	assert_int_equal(joined.bytes_in, 2 * LITTLE);
	close(joined.guest);
	close_house(house);
}

struct talker {
	pthread_t thread;
	int fd;
	unsigned long long size;
	int (*talk)(int fd, unsigned long long size);
	int result;
};

static void *talk(void *context)
{
	struct talker *talker = context;

	talker->result = talker->talk(talker->fd, talker->size);
	return NULL;
}

static void start_talking(struct talker *talker, int fd, unsigned long long size,
			  int (*what)(int fd, unsigned long long size))
{
	*talker = (struct talker){ .fd = fd, .size = size, .talk = what };
	assert_int_equal(pthread_create(&talker->thread, NULL, talk, talker), 0);
}

static void assert_talked(struct talker *talker)
{
	assert_int_equal(pthread_join(talker->thread, NULL), 0);
	assert_int_equal(talker->result, 0);
}

static void much_passes_unchanged_both_ways_at_once(void **state)
{
	struct house *house = open_house();
	struct joined joined;
	struct talker talkers[4];

	(void)state;
	join(house, &joined);
	start_talking(&talkers[0], joined.guest, MUCH, stream_write);
	start_talking(&talkers[1], joined.server, MUCH, stream_read);
	start_talking(&talkers[2], joined.server, MUCH + 1, stream_write);
	start_talking(&talkers[3], joined.guest, MUCH + 1, stream_read);
	for (int i = 0; i < 4; i++)
		assert_talked(&talkers[i]);
	leave(&joined);
	await_end(&joined);
	assert_int_equal(joined.bytes_out, MUCH);
	assert_int_equal(joined.bytes_in, MUCH + 1);
	close_house(house);
}

static int write_in_pieces(int fd, unsigned long long size)
{
	static const size_t pieces[] = { 1, 5000, 16384, 70000, 3, 200000, 16383 };
	unsigned long long at = 0;
	unsigned char *bytes = malloc(200000);

	for (size_t i = 0; bytes && at < size; i++) {
		size_t length = pieces[i % 7];

		if (length > size - at)
			length = (size_t)(size - at);
		for (size_t k = 0; k < length; k++)
			bytes[k] = stream_byte(at + k);
		if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
			break;
		at += length;
		if (i % 5 == 0)
			usleep(500);
	}
	free(bytes);
	return at == size ? 0 : -1;
}

/* From copying to pipes and back. */
static void pieces_of_all_sizes_pass_unchanged(void **state)
{
	struct house *house = open_house();
	struct joined joined;
	struct talker writer;

	(void)state;
	join(house, &joined);
	start_talking(&writer, joined.guest, MUCH / 2, write_in_pieces);
	assert_int_equal(stream_read(joined.server, MUCH / 2), 0);
	assert_talked(&writer);
	leave(&joined);
	close_house(house);
}

static int read_slowly(int fd, unsigned long long size)
{
	unsigned char bytes[8192];

	for (unsigned long long at = 0; at < size;) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

		if (got <= 0)
			return -1;
		for (size_t i = 0; i < (size_t)got; i++) {
			if (bytes[i] != stream_byte(at + i))
				return -1;
		}
		at += (unsigned long long)got;
		if (at < 400000)
			usleep(2000);
	}
	return 0;
}

static void a_slow_reader_gets_everything(void **state)
{
	struct house *house = open_house();
	struct joined joined;
	struct talker writer;

	(void)state;
	join(house, &joined);
	start_talking(&writer, joined.server, MUCH, stream_write);
	assert_int_equal(read_slowly(joined.guest, MUCH), 0);
	assert_talked(&writer);
	leave(&joined);
	await_end(&joined);
	assert_int_equal(joined.bytes_in, MUCH);
	close_house(house);
}

/* What the relay holds itself is bounded by its pipe. */
static void a_writer_whose_reader_sleeps_has_to_wait(void **state)
{
	struct house *house = open_house();
	struct joined joined;
	const int small = 64 * 1024;
	unsigned char bytes[4096];
	size_t written = 0;
	int quiet = 0;

	(void)state;
	join(house, &joined);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(
		setsockopt(joined.guest, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
		0);
	assert_int_equal(fcntl(joined.guest, F_SETFL, O_NONBLOCK), 0);
	while (quiet < 100 && written < 256U << 20) {
		const ssize_t sent =
			send(joined.guest, bytes, sizeof(bytes), MSG_NOSIGNAL);

		quiet = sent > 0 ? 0 : quiet + 1;
		written += sent > 0 ? (size_t)sent : 0;
		if (quiet)
			usleep(2000);
	}
	assert_true(written < 64U << 20);
	assert_false(has_ended(&joined));
	leave(&joined);
	await_end(&joined);
	close_house(house);
}

/* ---- how it ends ------------------------------------------------------------------------- */

static void a_half_close_passes_either_way_and_the_other_half_stays(void **state)
{
	struct house *house = open_house();

	(void)state;
	for (int way = 0; way < 2; way++) {
		struct joined joined;
		int first, second;

		join(house, &joined);
		first = way ? joined.server : joined.guest;
		second = way ? joined.guest : joined.server;
		assert_int_equal(stream_write(first, LITTLE), 0);
		assert_int_equal(shutdown(first, SHUT_WR), 0);
		assert_int_equal(stream_read(second, LITTLE), 0);
		assert_at_end(second);
		assert_false(has_ended(&joined));
		assert_int_equal(stream_write(second, 100000), 0);
		assert_int_equal(shutdown(second, SHUT_WR), 0);
		assert_int_equal(stream_read(first, 100000), 0);
		assert_at_end(first);
		await_end(&joined);
		leave(&joined);
	}
	close_house(house);
}

static void a_reset_passes_either_way(void **state)
{
	struct house *house = open_house();

	(void)state;
	for (int way = 0; way < 2; way++) {
		struct joined joined;
		int *first, *second;

		join(house, &joined);
		first = way ? &joined.server : &joined.guest;
		second = way ? &joined.guest : &joined.server;
		assert_int_equal(stream_write(*first, LITTLE), 0);
		assert_int_equal(stream_read(*second, LITTLE), 0);
		reset(first);
		assert_reset(*second);
		await_end(&joined);
		close(*second);
	}
	close_house(house);
}

/* Reading goes on to say that the end was reached. */
static void assert_cannot_write(int fd)
{
	ssize_t sent = 0;

	for (int i = 0; i < 1000 && sent >= 0; i++) {
		sent = send(fd, "x", 1, MSG_NOSIGNAL);
		usleep(1000);
	}
	assert_int_equal(sent, -1);
	assert_true(errno == EPIPE || errno == ECONNRESET);
}

static void a_reset_after_a_half_close_passes(void **state)
{
	struct house *house = open_house();
	struct joined joined;

	(void)state;
	join(house, &joined);
	assert_int_equal(shutdown(joined.guest, SHUT_WR), 0);
	assert_at_end(joined.server);
	reset(&joined.guest);
	await_end(&joined);
	assert_cannot_write(joined.server);
	close(joined.server);
	close_house(house);
}

static void a_reset_passes_while_the_other_side_does_not_read(void **state)
{
	struct house *house = open_house();
	struct joined joined;
	unsigned char bytes[65536] = { 0 };
	int quiet = 0;

	(void)state;
	join(house, &joined);
	assert_int_equal(fcntl(joined.server, F_SETFL, O_NONBLOCK), 0);
	while (quiet < 20) {
		if (send(joined.server, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
			quiet = 0;
		else
			quiet++;
		if (quiet)
			usleep(2000);
	}
	reset(&joined.server);
	await_end(&joined);
	close(joined.guest);
	close_house(house);
}

static void what_was_said_before_a_reset_is_heard(void **state)
{
	struct house *house = open_house();
	struct joined joined;

	(void)state;
	join(house, &joined);
	assert_int_equal(stream_write(joined.server, 1000), 0);
	reset(&joined.server);
	assert_int_equal(stream_read(joined.guest, 1000), 0);
	assert_reset(joined.guest);
	close(joined.guest);
	close_house(house);
}

static void freeing_the_splicer_ends_what_is_joined(void **state)
{
	struct house *house = open_house();
	struct joined joined;

	(void)state;
	join(house, &joined);
	assert_int_equal(stream_write(joined.guest, LITTLE), 0);
	assert_int_equal(stream_read(joined.server, LITTLE), 0);
	turning_do(house->turning, free_splicer, house);
	assert_at_end(joined.guest);
	assert_true(joined.ended);
	assert_int_equal(joined.bytes_out, LITTLE);
	leave(&joined);
	house->splicer = NULL;
	close_house(house);
}

/* ---- many -------------------------------------------------------------------------------- */

static int open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* Four descriptors each in this process: two of the splicer's, and no pipes. */
static void a_thousand_pairs_talk_and_leave_nothing_behind(void **state)
{
	struct house *house = open_house();
	struct joined *all = calloc(MANY_PAIRS, sizeof(*all));
	const struct rlimit limit = { 8192, 8192 };
	int before;

	(void)state;
	assert_non_null(all);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	before = open_descriptors();
	for (int i = 0; i < MANY_PAIRS; i++)
		join(house, &all[i]);
	for (int i = 0; i < MANY_PAIRS; i++)
		assert_int_equal(stream_write(all[i].guest, LITTLE), 0);
	for (int i = 0; i < MANY_PAIRS; i++)
		assert_int_equal(stream_read(all[i].server, LITTLE), 0);
	assert_int_equal(open_descriptors(), before + 4 * MANY_PAIRS);
	for (int i = 0; i < MANY_PAIRS; i++)
		assert_int_equal(stream_write(all[i].server, 3 * LITTLE), 0);
	for (int i = 0; i < MANY_PAIRS; i++) {
		assert_int_equal(stream_read(all[i].guest, 3 * LITTLE), 0);
		leave(&all[i]);
	}
	for (int i = 0; i < MANY_PAIRS; i++) {
		await_end(&all[i]);
		assert_int_equal(all[i].bytes_in, 3 * LITTLE);
	}
	assert_int_equal(open_descriptors(), before);
	free(all);
	close_house(house);
}

static int write_for_ever(int fd, unsigned long long size)
{
	unsigned char bytes[65536] = { 0 };

	(void)size;
	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		continue;
	return 0;
}

static int read_for_ever(int fd, unsigned long long size)
{
	static _Thread_local unsigned char bytes[65536];

	(void)size;
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		continue;
	return 0;
}

static void one_that_floods_does_not_keep_others_from_talking(void **state)
{
	struct house *house = open_house();
	struct joined flood, quiet;
	struct talker writer, reader;

	(void)state;
	join(house, &flood);
	join(house, &quiet);
	start_talking(&writer, flood.guest, 0, write_for_ever);
	start_talking(&reader, flood.server, 0, read_for_ever);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(stream_write(quiet.guest, LITTLE), 0);
		assert_int_equal(stream_read(quiet.server, LITTLE), 0);
	}
	(void)shutdown(flood.server, SHUT_RDWR);
	(void)shutdown(flood.guest, SHUT_RDWR); /* may be reset already */
	assert_talked(&writer);
	assert_talked(&reader);
	leave(&flood);
	leave(&quiet);
	close_house(house);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Two share 8 MB a second: 4 MB of them take half a second, less what the bucket held. */
static void a_rate_is_shared_and_kept(void **state)
{
	struct house *house = open_house();
	struct rate out = { .bytes_per_second = 8 << 20 }, in = { 0 };
	struct joined pairs[2];
	struct talker writers[2], readers[2];
	double begun, took;

	(void)state;
	for (int i = 0; i < 2; i++)
		join_with_rates(house, &pairs[i], &out, &in);
	begun = seconds();
	for (int i = 0; i < 2; i++) {
		start_talking(&writers[i], pairs[i].guest, 2 << 20, stream_write);
		start_talking(&readers[i], pairs[i].server, 2 << 20, stream_read);
	}
	for (int i = 0; i < 2; i++) {
		assert_talked(&writers[i]);
		assert_talked(&readers[i]);
	}
	took = seconds() - begun;
	assert_true(took > 0.40);
	assert_true(took < 3);
	for (int i = 0; i < 2; i++)
		leave(&pairs[i]);
	close_house(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_and_its_answer_pass),
		cmocka_unit_test(much_passes_unchanged_both_ways_at_once),
		cmocka_unit_test(pieces_of_all_sizes_pass_unchanged),
		cmocka_unit_test(a_slow_reader_gets_everything),
		cmocka_unit_test(a_writer_whose_reader_sleeps_has_to_wait),
		cmocka_unit_test(a_half_close_passes_either_way_and_the_other_half_stays),
		cmocka_unit_test(a_reset_passes_either_way),
		cmocka_unit_test(a_reset_after_a_half_close_passes),
		cmocka_unit_test(a_reset_passes_while_the_other_side_does_not_read),
		cmocka_unit_test(what_was_said_before_a_reset_is_heard),
		cmocka_unit_test(freeing_the_splicer_ends_what_is_joined),
		cmocka_unit_test(a_thousand_pairs_talk_and_leave_nothing_behind),
		cmocka_unit_test(one_that_floods_does_not_keep_others_from_talking),
		cmocka_unit_test(a_rate_is_shared_and_kept),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
