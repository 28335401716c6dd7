/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/*
 * A turn: wait, read the clock once, tell the poller, tell the watches, ring the timers.
 * The timers are a binary heap with the earliest on top; each knows its own place.
 */

enum {
	TURN_EVENTS = 128,     /* that one epoll_wait(2) brings */
	POLLER_FDS_MAX = 8192, /* that the poller may add */
	TIMERS_FIRST = 64,
	WAIT_MAX_MS = 60 * 1000 * 1000,
};

struct loop {
	int epoll;
	bool stopped;
	uint64_t now_ms;
	struct epoll_event events[TURN_EVENTS];
	int told, brought; /* of events: those before `told` have been */
	struct timer **timers;
	size_t timer_count, timer_room;
	uint64_t rounds; /* in which timers rang */
	struct poller *poller;
	struct pollfd *fds; /* [0] is the epoll descriptor, the others the poller's */
};

static void read_clock(struct loop *loop)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	loop->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct loop *loop_new(struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		error_errno(err, "allocate the loop");
		return NULL;
	}
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		error_errno(err, "make an epoll descriptor");
		free(loop);
		return NULL;
	}
	read_clock(loop);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll);
	free(loop->timers);
	free(loop->fds);
	free(loop);
}

int loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event);
}

int loop_change(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

/* What this turn has brought already must not reach a watch that may be gone. */
static void forget_events(struct loop *loop, const struct watch *watch)
{
	for (int i = loop->told; i < loop->brought; i++) {
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
	}
}

int loop_unwatch(struct loop *loop, struct watch *watch)
{
	const int fd = watch->fd;

	if (fd < 0)
		return -1;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
	forget_events(loop, watch);
	watch->fd = -1;
	return fd;
}

/*
 * close(2) alone ends the registration only where nobody has a duplicate: epoll(7), Questions
 * and answers, 6. Who has sent us the descriptor may not have closed its own yet.
 */
void loop_close(struct loop *loop, struct watch *watch)
{
	const int fd = loop_unwatch(loop, watch);

	if (fd >= 0)
		close(fd);
}

/* ---- timers ------------------------------------------------------------------------------ */

static void put(struct loop *loop, size_t place, struct timer *timer)
{
	loop->timers[place] = timer;
	timer->place = place;
}

static void rise(struct loop *loop, size_t place)
{
	struct timer *timer = loop->timers[place];

	while (place && loop->timers[(place - 1) / 2]->at_ms > timer->at_ms) {
		put(loop, place, loop->timers[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(loop, place, timer);
}

static void sink(struct loop *loop, size_t place)
{
	struct timer *timer = loop->timers[place];

	for (;;) {
		size_t child = 2 * place + 1;

		if (child >= loop->timer_count)
			break;
		if (child + 1 < loop->timer_count &&
		    loop->timers[child + 1]->at_ms < loop->timers[child]->at_ms)
			child++;
		if (loop->timers[child]->at_ms >= timer->at_ms)
			break;
		put(loop, place, loop->timers[child]);
		place = child;
	}
	put(loop, place, timer);
}

/* A timer that could not be armed would be a wait without an end: better none at all. */
static void make_room(struct loop *loop)
{
	const size_t room = loop->timer_room ? 2 * loop->timer_room : TIMERS_FIRST;
	struct timer **timers;

	if (loop->timer_count < loop->timer_room)
		return;
	timers = realloc(loop->timers, room * sizeof(struct timer *));
	if (!timers)
		abort();
	loop->timers = timers;
	loop->timer_room = room;
}

void loop_arm(struct loop *loop, struct timer *timer, uint64_t at_ms)
{
	if (timer->at_ms == 0) {
		make_room(loop);
		put(loop, loop->timer_count++, timer);
	}
	timer->at_ms = at_ms ? at_ms : 1;
	timer->armed = loop->rounds;
	rise(loop, timer->place);
	sink(loop, timer->place);
}

void loop_disarm(struct loop *loop, struct timer *timer)
{
	const size_t place = timer->place;
	struct timer *last;

	if (timer->at_ms == 0)
		return;
	timer->at_ms = 0;
	last = loop->timers[--loop->timer_count];
	if (last == timer)
		return;
	put(loop, place, last);
	rise(loop, place);
	sink(loop, last->place);
}

/* One that is armed meanwhile rings in the next turn: descriptors have theirs between. */
static void ring_timers(struct loop *loop)
{
	loop->rounds++;
	while (loop->timer_count && !loop->stopped) {
		struct timer *timer = loop->timers[0];

		if (timer->at_ms > loop->now_ms || timer->armed == loop->rounds)
			return;
		loop_disarm(loop, timer);
		timer->rang(timer);
	}
}

/* ---- turns ------------------------------------------------------------------------------- */

/* As with a timer: who could not be waited for must not seem to be. */
void loop_set_poller(struct loop *loop, struct poller *poller)
{
	loop->poller = poller;
	if (poller && !loop->fds)
		loop->fds = calloc(POLLER_FDS_MAX + 1, sizeof(struct pollfd));
	if (poller && !loop->fds)
		abort();
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

static int timeout(const struct loop *loop)
{
	uint64_t wait_ms;

	if (loop->timer_count == 0)
		return -1;
	if (loop->timers[0]->at_ms <= loop->now_ms)
		return 0;
	wait_ms = loop->timers[0]->at_ms - loop->now_ms;
	return wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : (int)wait_ms;
}

static int fetch(struct loop *loop, int timeout_ms)
{
	loop->told = 0;
	loop->brought = epoll_wait(loop->epoll, loop->events, TURN_EVENTS, timeout_ms);
	if (loop->brought >= 0)
		return 0;
	loop->brought = 0;
	return errno == EINTR ? 0 : -1;
}

/* *ret_count: the poller's; *ret_failed: their revents say nothing. */
static int wait_with_poller(struct loop *loop, size_t *ret_count, bool *ret_failed)
{
	int timeout_ms = timeout(loop);
	int ready;

	*ret_count = loop->poller->fill(loop->poller, loop->fds + 1, POLLER_FDS_MAX,
					&timeout_ms);
	*ret_failed = false;
	if (*ret_count == 0)
		return fetch(loop, timeout_ms);
	loop->fds[0] = (struct pollfd){ .fd = loop->epoll, .events = POLLIN };
	ready = poll(loop->fds, *ret_count + 1, timeout_ms);
	*ret_failed = ready < 0;
	if (ready < 0)
		return errno == EINTR ? 0 : -1;
	return loop->fds[0].revents ? fetch(loop, 0) : 0;
}

static int turn(struct loop *loop)
{
	struct poller *poller = loop->poller;
	size_t count = 0;
	bool failed = false;
	int waited;

	loop->brought = 0;
	waited = poller ? wait_with_poller(loop, &count, &failed)
			: fetch(loop, timeout(loop));
	if (waited < 0)
		return -1;
	read_clock(loop);
	if (poller)
		poller->done(poller, loop->fds + 1, count, failed);
	while (loop->told < loop->brought && !loop->stopped) {
		const struct epoll_event *event = &loop->events[loop->told++];
		struct watch *watch = event->data.ptr;

		if (watch)
			watch->told(watch, event->events);
	}
	ring_timers(loop);
	return 0;
}

int loop_run(struct loop *loop, struct error *err)
{
	loop->stopped = false;
	while (!loop->stopped) {
		if (turn(loop) < 0)
			return error_errno(err, "wait for the network");
	}
	return 0;
}
