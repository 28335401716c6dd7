/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

enum { TIMERS = 500 };

struct end {
	struct watch watch;
	struct loop *loop;
	struct end *other; /* is unwatched when this one is told */
	int told;
	uint32_t events;
	bool stops;
};

static void end_told(struct watch *watch, uint32_t events)
{
	struct end *end = (struct end *)watch;

	end->told++;
	end->events |= events;
	if (end->other)
		close(loop_unwatch(end->loop, &end->other->watch));
	if (end->stops)
		loop_stop(end->loop);
}

struct ringer {
	struct timer timer;
	struct loop *loop;
	int *order; /* counts rings */
	int rang;   /* the how-manieth it was */
	uint64_t again_ms;
	int again;
	bool stops;
	struct ringer *other; /* is disarmed */
};

static void ringer_rang(struct timer *timer)
{
	struct ringer *ringer = (struct ringer *)timer;

	ringer->rang = ++*ringer->order;
	if (ringer->other)
		loop_disarm(ringer->loop, &ringer->other->timer);
	if (ringer->again-- > 0)
		loop_arm(ringer->loop, timer,
			 loop_now_ms(ringer->loop) + ringer->again_ms);
	if (ringer->stops)
		loop_stop(ringer->loop);
}

static struct loop *new_loop(void)
{
	struct error err;
	struct loop *loop = loop_new(&err);

	assert_non_null(loop);
	return loop;
}

static void watch_end(struct loop *loop, struct end *end, int fd, uint32_t events)
{
	end->loop = loop;
	end->watch.fd = fd;
	end->watch.told = end_told;
	assert_int_equal(loop_watch(loop, &end->watch, events), 0);
}

/* A safety net: every test ends. */
static void stop_after(struct loop *loop, struct ringer *ringer, int *order, uint64_t ms)
{
	*ringer = (struct ringer){
		.timer.rang = ringer_rang, .loop = loop, .order = order, .stops = true
	};
	loop_arm(loop, &ringer->timer, loop_now_ms(loop) + ms);
}

static void run(struct loop *loop)
{
	struct error err;

	assert_int_equal(loop_run(loop, &err), 0);
}

static void who_watches_is_told(void **state)
{
	struct loop *loop = new_loop();
	struct end end = { .stops = true };
	struct ringer last;
	int pair[2], order = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	watch_end(loop, &end, pair[0], EPOLLIN);
	stop_after(loop, &last, &order, 2000);
	assert_int_equal(write(pair[1], "x", 1), 1);
	run(loop);
	assert_int_equal(end.told, 1);
	assert_int_equal(end.events, EPOLLIN);
	assert_int_equal(order, 0);
	assert_int_equal(loop_unwatch(loop, &end.watch), pair[0]);
	assert_int_equal(loop_unwatch(loop, &end.watch), -1);
	close(pair[0]);
	close(pair[1]);
	loop_free(loop);
}

/* A descriptor that somebody sent is open over there, too, until that one closes it. */
static void what_is_closed_is_told_no_more_though_a_duplicate_is_open(void **state)
{
	struct loop *loop = new_loop();
	struct end end = { 0 };
	struct ringer last;
	int pair[2], order = 0, duplicate;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	duplicate = dup(pair[0]);
	assert_true(duplicate >= 0);
	watch_end(loop, &end, pair[0], EPOLLIN);
	loop_close(loop, &end.watch);
	assert_int_equal(write(pair[1], "x", 1), 1);
	stop_after(loop, &last, &order, 20);
	run(loop);
	assert_int_equal(end.told, 0);
	close(duplicate);
	close(pair[1]);
	loop_free(loop);
}

static void the_events_asked_for_can_be_changed(void **state)
{
	struct loop *loop = new_loop();
	struct end end = { .stops = true };
	struct ringer last;
	int pair[2], order = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	watch_end(loop, &end, pair[0], EPOLLIN);
	assert_int_equal(loop_change(loop, &end.watch, EPOLLOUT), 0);
	stop_after(loop, &last, &order, 2000);
	run(loop);
	assert_int_equal(end.events, EPOLLOUT);
	loop_close(loop, &end.watch);
	assert_int_equal(end.watch.fd, -1);
	assert_int_equal(write(pair[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(pair[1]);
	loop_free(loop);
}

/* Each would end the other: only one is told, whichever comes first. */
static void events_of_who_was_unwatched_in_the_same_turn_are_forgotten(void **state)
{
	struct loop *loop = new_loop();
	struct end ends[2] = { { .stops = false }, { .stops = false } };
	struct ringer last;
	int pairs[2][2], order = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
		ends[i].other = &ends[1 - i];
		watch_end(loop, &ends[i], pairs[i][0], EPOLLIN | EPOLLET);
		assert_int_equal(write(pairs[i][1], "x", 1), 1);
	}
	stop_after(loop, &last, &order, 30);
	run(loop);
	assert_int_equal(ends[0].told + ends[1].told, 1);
	for (int i = 0; i < 2; i++) {
		loop_close(loop, &ends[i].watch);
		close(pairs[i][1]);
	}
	loop_free(loop);
}

static void timers_ring_in_the_order_of_their_times(void **state)
{
	static struct ringer ringers[TIMERS];
	struct loop *loop = new_loop();
	struct ringer last;
	int order = 0, expected = 0;

	(void)state;
	stop_after(loop, &last, &order, 60);
	for (unsigned i = 0; i < TIMERS; i++) {
		ringers[i] = (struct ringer){ .timer.rang = ringer_rang,
					      .loop = loop,
					      .order = &order };
		loop_arm(loop, &ringers[i].timer, loop_now_ms(loop) + i * 7919 % 50);
	}
	for (unsigned i = 0; i < TIMERS; i += 3)
		loop_disarm(loop, &ringers[i].timer);
	for (unsigned i = 1; i < TIMERS; i += 3) /* the reverse of what it was */
		loop_arm(loop, &ringers[i].timer, loop_now_ms(loop) + 50 - i * 7919 % 50);
	run(loop);
	for (unsigned i = 0; i < TIMERS; i++) {
		if (i % 3 == 0) {
			assert_int_equal(ringers[i].rang, 0);
			continue;
		}
		expected++;
		for (unsigned k = 1; k < TIMERS; k++) {
			const unsigned at =
				i % 3 == 1 ? 50 - i * 7919 % 50 : i * 7919 % 50;
			const unsigned at_k =
				k % 3 == 1 ? 50 - k * 7919 % 50 : k * 7919 % 50;

			if (k % 3 && at < at_k)
				assert_true(ringers[i].rang < ringers[k].rang);
		}
	}
	assert_int_equal(last.rang, expected + 1);
	loop_free(loop);
}

static void a_timer_may_arm_itself_again_and_disarm_another(void **state)
{
	struct loop *loop = new_loop();
	struct ringer again, never, last;
	int order = 0, nothing = 0;

	(void)state;
	never = (struct ringer){ .timer.rang = ringer_rang,
				 .loop = loop,
				 .order = &nothing };
	again = (struct ringer){ .timer.rang = ringer_rang,
				 .loop = loop,
				 .order = &order,
				 .again = 9,
				 .other = &never };
	loop_arm(loop, &never.timer, loop_now_ms(loop) + 20);
	loop_arm(loop, &again.timer, 0);
	stop_after(loop, &last, &order, 40);
	run(loop);
	assert_int_equal(order, 11);
	assert_int_equal(nothing, 0);
	loop_disarm(loop, &never.timer);
	loop_free(loop);
}

struct polling {
	struct poller poller;
	struct loop *loop;
	int fd, filled, done, ready;
};

static size_t polling_fill(struct poller *poller, struct pollfd *fds, size_t max,
			   int *timeout_ms)
{
	struct polling *polling = (struct polling *)poller;

	polling->filled++;
	assert_true(max > 100);
	if (*timeout_ms < 0 || *timeout_ms > 5)
		*timeout_ms = 5;
	if (polling->fd < 0)
		return 0;
	fds[0] = (struct pollfd){ .fd = polling->fd, .events = POLLIN };
	return 1;
}

static void polling_done(struct poller *poller, const struct pollfd *fds, size_t count,
			 bool failed)
{
	struct polling *polling = (struct polling *)poller;
	char byte;

	assert_false(failed);
	polling->done++;
	if (count == 1 && fds[0].revents & POLLIN) {
		polling->ready++;
		assert_int_equal(read(polling->fd, &byte, 1), 1);
		polling->fd = -1;
	}
}

static void a_poller_joins_the_wait_and_may_shorten_it(void **state)
{
	struct loop *loop = new_loop();
	struct polling polling = { .poller = { polling_fill, polling_done } };
	struct end end = { .stops = false };
	struct ringer last;
	int polled[2], watched[2], order = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, polled), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, watched), 0);
	polling.fd = polled[0];
	loop_set_poller(loop, &polling.poller);
	watch_end(loop, &end, watched[0], EPOLLIN | EPOLLET);
	assert_int_equal(write(polled[1], "x", 1), 1);
	assert_int_equal(write(watched[1], "x", 1), 1);
	stop_after(loop, &last, &order, 50);
	run(loop);
	assert_int_equal(polling.ready, 1);
	assert_int_equal(end.told, 1);
	assert_true(polling.filled >=
		    4); /* every 5 ms; a loaded machine may take longer */
	assert_int_equal(polling.filled, polling.done);
	loop_close(loop, &end.watch);
	close(watched[1]);
	close(polled[0]);
	close(polled[1]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_watches_is_told),
		cmocka_unit_test(
			what_is_closed_is_told_no_more_though_a_duplicate_is_open),
		cmocka_unit_test(the_events_asked_for_can_be_changed),
		cmocka_unit_test(
			events_of_who_was_unwatched_in_the_same_turn_are_forgotten),
		cmocka_unit_test(timers_ring_in_the_order_of_their_times),
		cmocka_unit_test(a_timer_may_arm_itself_again_and_disarm_another),
		cmocka_unit_test(a_poller_joins_the_wait_and_may_shorten_it),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
