/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_LOOP_H
#define SBX_NET_LOOP_H

/*
 * The one loop of a half of sbx-net: descriptors with who is told of them (epoll(7)),
 * and timers. libslirp's own list of descriptors, which is made anew for each turn, comes
 * in through `poller`.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct loop;

/*
 * Embedded in whatever waits. told() gets EPOLLIN, EPOLLOUT, EPOLLHUP…; it may close the
 * descriptor and free what the watch stands in only after loop_unwatch().
 */
struct watch {
	int fd; /* set before loop_watch(); -1: not watched */
	void (*told)(struct watch *watch, uint32_t events);
};

struct timer {
	uint64_t at_ms; /* loop_now_ms() clock; 0: not armed */
	void (*rang)(struct timer *timer);
	size_t place; /* the loop's, as is `armed` */
	uint64_t armed;
};

/* Joins poll(2)'s kind of waiting to the loop's. */
struct poller {
	/* Adds what it waits for; may lower *timeout_ms. Returns how many, at most max. */
	size_t (*fill)(struct poller *poller, struct pollfd *fds, size_t max,
		       int *timeout_ms);
	void (*done)(struct poller *poller, const struct pollfd *fds, size_t count,
		     bool failed);
};

struct loop *loop_new(struct error *err);
void loop_free(struct loop *loop);

/* events: EPOLLIN | EPOLLOUT | EPOLLET …. 0, or -1 and errno. */
int loop_watch(struct loop *loop, struct watch *watch, uint32_t events);
int loop_change(struct loop *loop, struct watch *watch, uint32_t events);

/*
 * Events of this turn that were not told yet are forgotten. The descriptor stays open and is
 * returned; watch->fd is -1 from now on. One that is not watched: -1.
 */
int loop_unwatch(struct loop *loop, struct watch *watch);

/* The same, and closes it. */
void loop_close(struct loop *loop, struct watch *watch);

void loop_arm(struct loop *loop, struct timer *timer, uint64_t at_ms);
void loop_disarm(struct loop *loop, struct timer *timer);

/* Also from within loop_run(). NULL: nobody any more. */
void loop_set_poller(struct loop *loop, struct poller *poller);

/* CLOCK_MONOTONIC in ms, of the beginning of the turn. */
uint64_t loop_now_ms(const struct loop *loop);

/* Until loop_stop(). -1: waiting failed. */
int loop_run(struct loop *loop, struct error *err);
void loop_stop(struct loop *loop);

#endif
