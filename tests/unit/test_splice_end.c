/* SPDX-License-Identifier: Apache-2.0 */
#include "net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "joined.h"
#include "turning.h"

/* How a pair ends: half-closes and resets, from either side. */

enum { LITTLE = 300 };

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

static void write_and_reset(void *context)
{
	int *fd = context;

	assert_int_equal(stream_write(*fd, 1000), 0);
	reset(fd);
}

/* The splicer is told of both at once, because its own thread does them. */
static void a_reset_that_comes_with_what_was_said_passes(void **state)
{
	struct house *house = open_house();

	(void)state;
	for (int way = 0; way < 2; way++) {
		struct joined joined;
		int *first, *second;

		join(house, &joined);
		first = way ? &joined.server : &joined.guest;
		second = way ? &joined.guest : &joined.server;
		turning_do(house->turning, write_and_reset, first);
		assert_int_equal(stream_read(*second, 1000), 0);
		assert_reset(*second);
		await_end(&joined);
		close(*second);
	}
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
	close_house(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_half_close_passes_either_way_and_the_other_half_stays),
		cmocka_unit_test(a_reset_passes_either_way),
		cmocka_unit_test(a_reset_after_a_half_close_passes),
		cmocka_unit_test(a_reset_passes_while_the_other_side_does_not_read),
		cmocka_unit_test(what_was_said_before_a_reset_is_heard),
		cmocka_unit_test(a_reset_that_comes_with_what_was_said_passes),
		cmocka_unit_test(freeing_the_splicer_ends_what_is_joined),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
