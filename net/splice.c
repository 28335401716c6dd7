/* SPDX-License-Identifier: Apache-2.0 */
#include "net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/pipes.h"

/*
 * A pair is two streams, one for each direction. A stream reads from its source until that is
 * empty, writes to its destination until that is full, and then waits for one of them; it
 * never reads more than it could hand on, so a slow reader slows its writer down (epoll(7),
 * edge-triggered: whoever stops before EAGAIN must come back without being told).
 *
 * Little is copied through a buffer that all share: peeked at, sent, then taken as far as
 * it was sent, so that nothing has to be kept. That costs a short connection no pipe. Once the
 * source fills the buffer, pages move through a pipe, which the stream gives back as soon as
 * the source is empty.
 *
 * An end that was reset resets the other. The two watches of a pair are closed together, so
 * no event reaches a pair that is gone.
 */

enum {
	PAIRS_MAX = 16 * 1024,
	COPY_SIZE = 16 * 1024,   /* at once, without a pipe */
	TURN_BYTES = 1 << 20,    /* of one stream, before the others have theirs */
	RATED_BYTES = 64 * 1024, /* at once, where a rate is shared */
};

#define WATCHED (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

/* What a step has come to. */
enum step {
	STEP_ON,     /* there may be more */
	STEP_EMPTY,  /* the source has nothing now */
	STEP_FULL,   /* the destination takes nothing now */
	STEP_PAUSED, /* the rate is used up */
	STEP_BROKEN, /* reset, or worse */
};

/* Streams that want to go on without being told of an event. */
struct queue {
	struct stream *first, *last;
	size_t count;
};

struct stream {
	struct watch watch; /* of the source; first: told by it */
	struct splice_pair *pair;
	struct stream *back; /* the other direction: its source is our destination */
	struct rate *rate;
	struct pipe *pipe;   /* NULL: none is needed now */
	size_t held;         /* bytes in it */
	uint64_t bytes;      /* that the destination took */
	struct queue *queue; /* NULL: in none */
	struct stream *queue_next, *queue_before;
	bool bulk;   /* through a pipe */
	bool full;   /* waits for the destination */
	bool fin;    /* the source's FIN is here: what is readable now is all */
	bool to_end; /* … or more than that: read until there is an error or nothing */
	bool eof, shut; /* … was read; and handed on */
	bool written;   /* to the destination, once at least */
	bool undelayed; /* the destination has TCP_NODELAY */
	bool asks_out;  /* the source's watch has EPOLLOUT */
};

struct splice_pair {
	struct stream out, in;
	struct splicer *splicer;
	struct splice_pair *next, *before;
	void (*ended)(void *context, uint64_t bytes_out, uint64_t bytes_in);
	void *context;
};

struct splicer {
	struct timer timer; /* first: told by it */
	struct loop *loop;
	struct pipes *pipes;
	struct splice_pair *pairs;
	size_t pair_count;
	struct queue ready;
	struct queue paused[2]; /* out and in: streams of one direction share one rate */
	uint8_t buffer[COPY_SIZE];
};

/* ---- queues ------------------------------------------------------------------------------ */

static void dequeue(struct stream *stream)
{
	struct queue *queue = stream->queue;

	if (!queue)
		return;
	if (stream->queue_before)
		stream->queue_before->queue_next = stream->queue_next;
	else
		queue->first = stream->queue_next;
	if (stream->queue_next)
		stream->queue_next->queue_before = stream->queue_before;
	else
		queue->last = stream->queue_before;
	queue->count--;
	stream->queue = NULL;
}

static void enqueue(struct queue *queue, struct stream *stream)
{
	dequeue(stream);
	stream->queue = queue;
	stream->queue_next = NULL;
	stream->queue_before = queue->last;
	if (queue->last)
		queue->last->queue_next = stream;
	else
		queue->first = stream;
	queue->last = stream;
	queue->count++;
}

static void wake_at(struct splicer *splicer, uint64_t at_ms)
{
	if (splicer->timer.at_ms == 0 || splicer->timer.at_ms > at_ms)
		loop_arm(splicer->loop, &splicer->timer, at_ms);
}

static void go_on_next_turn(struct splicer *splicer, struct stream *stream)
{
	enqueue(&splicer->ready, stream);
	wake_at(splicer, loop_now_ms(splicer->loop));
}

static void go_on_with_rate(struct splicer *splicer, struct stream *stream)
{
	enqueue(&splicer->paused[stream == &stream->pair->in], stream);
	wake_at(splicer, rate_next_ms(stream->rate, loop_now_ms(splicer->loop)));
}

/* ---- the end of a pair ------------------------------------------------------------------- */

static void give_pipe(struct stream *stream)
{
	if (stream->pipe)
		pipes_give(stream->pair->splicer->pipes, stream->pipe, stream->held == 0);
	stream->pipe = NULL;
	stream->held = 0;
}

static void end_pair(struct splice_pair *pair)
{
	struct splicer *splicer = pair->splicer;

	dequeue(&pair->out);
	dequeue(&pair->in);
	give_pipe(&pair->out);
	give_pipe(&pair->in);
	loop_close(splicer->loop, &pair->out.watch);
	loop_close(splicer->loop, &pair->in.watch);
	if (pair->next)
		pair->next->before = pair->before;
	if (pair->before)
		pair->before->next = pair->next;
	else
		splicer->pairs = pair->next;
	splicer->pair_count--;
	if (pair->ended)
		pair->ended(pair->context, pair->out.bytes, pair->in.bytes);
	free(pair);
}

/* close(2) sends a reset then: socket(7), SO_LINGER; what was not read yet goes with it. */
static void reset_pair(struct splice_pair *pair)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(pair->out.watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	setsockopt(pair->in.watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	end_pair(pair);
}

/* ---- moving ------------------------------------------------------------------------------ */

/*
 * Whoever wrote in small pieces has waited where it wanted to: we do not wait again
 * (tcp(7), TCP_NODELAY). The first piece is never delayed, and often there is no second.
 */
static void undelay(struct stream *stream)
{
	const int on = 1;

	if (stream->undelayed)
		return;
	if (stream->written) {
		setsockopt(stream->back->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on,
			   sizeof(on));
		stream->undelayed = true;
	}
	stream->written = true;
}

static enum step why_not_written(void)
{
	return errno == EAGAIN || errno == EINTR ? STEP_FULL : STEP_BROKEN;
}

static enum step why_not_read(void)
{
	return errno == EAGAIN || errno == EINTR ? STEP_EMPTY : STEP_BROKEN;
}

/* Peeks, sends, and takes what was sent. MSG_TRUNC takes without a copy: tcp(7). */
static enum step copy(struct stream *stream, size_t most, size_t *ret_moved)
{
	uint8_t *buffer = stream->pair->splicer->buffer;
	const size_t size = most < COPY_SIZE ? most : COPY_SIZE;
	const int from = stream->watch.fd, to = stream->back->watch.fd;
	const ssize_t peeked = recv(from, buffer, size, MSG_PEEK);
	ssize_t sent;

	if (peeked < 0)
		return why_not_read();
	if (peeked == 0) {
		stream->eof = true;
		return STEP_EMPTY;
	}
	undelay(stream);
	sent = send(to, buffer, (size_t)peeked, MSG_NOSIGNAL);
	if (sent < 0)
		return why_not_written();
	if (recv(from, buffer, (size_t)sent, MSG_TRUNC) != sent)
		return STEP_BROKEN;
	stream->bytes += (uint64_t)sent;
	*ret_moved = (size_t)sent;
	if (sent < peeked)
		return STEP_FULL;
	if ((size_t)peeked == size) {
		stream->bulk = size == COPY_SIZE;
		return STEP_ON;
	}
	if (stream->to_end)
		return STEP_ON;
	stream->eof = stream->fin;
	return STEP_EMPTY;
}

static enum step fill_pipe(struct stream *stream, size_t most, size_t *ret_moved)
{
	ssize_t moved;

	if (most > stream->pipe->size)
		most = stream->pipe->size;
	moved = splice(stream->watch.fd, NULL, stream->pipe->write, NULL, most,
		       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (moved < 0)
		return why_not_read();
	if (moved == 0) {
		stream->eof = true;
		return STEP_EMPTY;
	}
	stream->held = (size_t)moved;
	*ret_moved = (size_t)moved;
	return STEP_ON;
}

static enum step drain_pipe(struct stream *stream)
{
	while (stream->held) {
		const ssize_t moved =
			splice(stream->pipe->read, NULL, stream->back->watch.fd, NULL,
			       stream->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (moved < 0)
			return why_not_written();
		if (moved == 0)
			return STEP_BROKEN;
		stream->held -= (size_t)moved;
		stream->bytes += (uint64_t)moved;
	}
	return STEP_ON;
}

/* Moves at most `most` bytes on, by the way that suits. */
static enum step move(struct stream *stream, size_t most, size_t *ret_moved)
{
	enum step step;

	if (stream->bulk && !stream->pipe)
		stream->pipe = pipes_take(stream->pair->splicer->pipes);
	if (!stream->pipe)
		return copy(stream, most, ret_moved);
	undelay(stream);
	step = fill_pipe(stream, most, ret_moved);
	return step == STEP_ON ? drain_pipe(stream) : step;
}

static enum step move_rated(struct stream *stream, size_t most, size_t *ret_moved)
{
	const uint64_t now_ms = loop_now_ms(stream->pair->splicer->loop);
	uint64_t given;
	enum step step;

	if (!stream->rate || stream->rate->bytes_per_second == 0)
		return move(stream, most, ret_moved);
	given = rate_take(stream->rate, most < RATED_BYTES ? most : RATED_BYTES, now_ms);
	if (given == 0)
		return STEP_PAUSED;
	step = move(stream, (size_t)given, ret_moved);
	rate_return(stream->rate, given - *ret_moved);
	return step;
}

/* As much as one stream may move in a turn. STEP_ON: there may be more. */
static enum step move_turn(struct stream *stream)
{
	size_t most = TURN_BYTES;
	enum step step = stream->held ? drain_pipe(stream) : STEP_ON;

	if (stream->eof && step == STEP_ON)
		return STEP_EMPTY;
	while (step == STEP_ON && most) {
		size_t moved = 0;

		step = move_rated(stream, most, &moved);
		most -= moved < most ? moved : most;
	}
	if (step == STEP_EMPTY && TURN_BYTES - most < COPY_SIZE)
		stream->bulk = false;
	return step;
}

/* The destination's watch tells of EPOLLOUT only from the first time that this is wanted. */
static bool wait_for_room(struct stream *stream)
{
	struct stream *back = stream->back;

	stream->full = true;
	if (back->asks_out)
		return true;
	back->asks_out = true;
	return loop_change(stream->pair->splicer->loop, &back->watch,
			   WATCHED | EPOLLOUT) == 0;
}

/* Hands the end on. Returns whether the pair lives. */
static bool finish(struct stream *stream)
{
	if (!stream->eof || stream->shut)
		return true;
	stream->shut = true;
	if (stream->back->shut) {
		end_pair(stream->pair);
		return false;
	}
	shutdown(stream->back->watch.fd, SHUT_WR);
	return true;
}

/* Returns whether the pair lives. */
static bool pump(struct stream *stream)
{
	struct splicer *splicer = stream->pair->splicer;

	dequeue(stream);
	if (stream->shut)
		return true;
	stream->full = false;
	switch (move_turn(stream)) {
	case STEP_ON:
		go_on_next_turn(splicer, stream);
		return true;
	case STEP_PAUSED:
		go_on_with_rate(splicer, stream);
		return true;
	case STEP_FULL:
		if (wait_for_room(stream))
			return true;
		break;
	case STEP_EMPTY:
		give_pipe(stream);
		return finish(stream);
	case STEP_BROKEN:
		break;
	}
	reset_pair(stream->pair);
	return false;
}

/* ---- who is told -------------------------------------------------------------------------- */

static void go_on(struct queue *queue, bool paused)
{
	for (size_t most = queue->count; most && queue->first; most--) {
		struct stream *stream = queue->first;

		if (pump(stream) && paused && queue->last == stream)
			return; /* the rate is used up again, for all of them */
	}
}

static void timer_rang(struct timer *timer)
{
	struct splicer *splicer = (struct splicer *)timer;

	go_on(&splicer->ready, false);
	go_on(&splicer->paused[0], true);
	go_on(&splicer->paused[1], true);
}

/*
 * A reset is handed on at once where nothing can be read any more, or nothing handed on; else
 * reading comes to it.
 */
static bool is_lost(const struct stream *stream, uint32_t events)
{
	return events & EPOLLERR && (stream->eof || stream->full);
}

static void stream_told(struct watch *watch, uint32_t events)
{
	struct stream *stream = (struct stream *)watch;

	if (events & EPOLLRDHUP)
		stream->fin = true;
	if (events & (EPOLLERR | EPOLLPRI)) {
		/* Reading ends before a reset, or urgent data, and nobody tells of it again. */
		stream->fin = false;
		stream->to_end = true;
	}
	if (events & ~(uint32_t)EPOLLOUT && !stream->full && !is_lost(stream, events) &&
	    !pump(stream))
		return;
	if (is_lost(stream, events))
		reset_pair(stream->pair);
	else if (events & EPOLLOUT && stream->back->full)
		pump(stream->back);
}

/* ---- the door ---------------------------------------------------------------------------- */

struct splicer *splicer_new(struct loop *loop)
{
	struct splicer *splicer = calloc(1, sizeof(*splicer));

	if (!splicer)
		return NULL;
	splicer->timer.rang = timer_rang;
	splicer->loop = loop;
	splicer->pipes = pipes_new(loop);
	if (!splicer->pipes) {
		free(splicer);
		return NULL;
	}
	return splicer;
}

void splicer_free(struct splicer *splicer)
{
	if (!splicer)
		return;
	while (splicer->pairs) {
		struct splice_pair *first = splicer->pairs;

		first->before = NULL; /* as it is: for the analyzer's eyes */
		end_pair(first);
	}
	loop_disarm(splicer->loop, &splicer->timer);
	pipes_free(splicer->pipes);
	free(splicer);
}

static void init_stream(struct stream *stream, struct splice_pair *pair,
			struct stream *back, int fd, struct rate *rate)
{
	stream->watch = (struct watch){ .fd = fd, .told = stream_told };
	stream->pair = pair;
	stream->back = back;
	stream->rate = rate;
}

static void add_pair(struct splicer *splicer, struct splice_pair *pair)
{
	pair->next = splicer->pairs;
	if (pair->next)
		pair->next->before = pair;
	splicer->pairs = pair;
	splicer->pair_count++;
}

static int refuse(const struct splice_ends *ends, int errnum)
{
	close(ends->inside);
	close(ends->outside);
	errno = errnum;
	return -1;
}

int splicer_join(struct splicer *splicer, const struct splice_ends *ends)
{
	struct splice_pair *pair;

	if (splicer->pair_count >= PAIRS_MAX)
		return refuse(ends, EMFILE);
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return refuse(ends, ENOMEM);
	pair->splicer = splicer;
	pair->ended = ends->ended;
	pair->context = ends->context;
	init_stream(&pair->out, pair, &pair->in, ends->inside, ends->out);
	init_stream(&pair->in, pair, &pair->out, ends->outside, ends->in);
	if (loop_watch(splicer->loop, &pair->out.watch, WATCHED) < 0 ||
	    loop_watch(splicer->loop, &pair->in.watch, WATCHED) < 0) {
		const int errnum = errno;

		free(pair);
		return refuse(ends, errnum);
	}
	add_pair(splicer, pair);
	return 0;
}
