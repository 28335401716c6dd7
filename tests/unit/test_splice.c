/* SPDX-License-Identifier: Apache-2.0 */
#include "net/splice.h"

#include <dirent.h>
#include <fcntl.h>
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

#include "joined.h"
#include "net/rate.h"
#include "turning.h"

enum {
	LITTLE = 300,
	MUCH = 24 << 20,
	MANY_PAIRS = 1000,
};

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
		cmocka_unit_test(a_thousand_pairs_talk_and_leave_nothing_behind),
		cmocka_unit_test(one_that_floods_does_not_keep_others_from_talking),
		cmocka_unit_test(a_rate_is_shared_and_kept),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
