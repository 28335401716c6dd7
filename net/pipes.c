/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/loop.h"

/*
 * pipe-user-pages-soft (pipe(7)) counts what all pipes of a user may hold, 64 MB, and above it
 * every new pipe of that user has two pages: a few large ones here, the rest with the kernel's
 * default, and those that nobody has wanted for a second are closed.
 */
enum {
	PIPES_MAX = 256,
	LARGE_MAX = 8,
	LARGE_SIZE = 256 * 1024, /* more makes nothing faster */
	DEFAULT_SIZE = 64 * 1024,
	IDLE_MAX = 8,
	IDLE_MS = 1000,
};

struct pipes {
	struct timer timer; /* first: told by it */
	struct loop *loop;
	struct pipe *idle;
	size_t idle_count, idle_least; /* idle_least: since the timer was armed */
	size_t count, large;
};

static void close_pipe(struct pipes *pipes, struct pipe *pipe)
{
	pipes->count--;
	if (pipe->size >= LARGE_SIZE)
		pipes->large--;
	close(pipe->read);
	close(pipe->write);
	free(pipe);
}

static struct pipe *pop_idle(struct pipes *pipes)
{
	struct pipe *pipe = pipes->idle;

	pipes->idle = pipe->next;
	if (--pipes->idle_count < pipes->idle_least)
		pipes->idle_least = pipes->idle_count;
	return pipe;
}

/* What lay idle all the time is not needed. */
static void timer_rang(struct timer *timer)
{
	struct pipes *pipes = (struct pipes *)timer;

	for (size_t most = pipes->idle_least; most; most--)
		close_pipe(pipes, pop_idle(pipes));
	pipes->idle_least = pipes->idle_count;
	if (pipes->idle_count)
		loop_arm(pipes->loop, timer, loop_now_ms(pipes->loop) + IDLE_MS);
}

struct pipes *pipes_new(struct loop *loop)
{
	struct pipes *pipes = calloc(1, sizeof(*pipes));

	if (!pipes)
		return NULL;
	pipes->timer.rang = timer_rang;
	pipes->loop = loop;
	return pipes;
}

void pipes_free(struct pipes *pipes)
{
	if (!pipes)
		return;
	loop_disarm(pipes->loop, &pipes->timer);
	while (pipes->idle)
		close_pipe(pipes, pop_idle(pipes));
	free(pipes);
}

/* Above the soft limit the kernel refuses to enlarge, and new ones hold two pages. */
static size_t set_size(struct pipes *pipes, int fd)
{
	int size = -1;

	if (pipes->large < LARGE_MAX)
		size = fcntl(fd, F_SETPIPE_SZ, LARGE_SIZE);
	if (size < 0)
		size = fcntl(fd, F_GETPIPE_SZ);
	if (size >= LARGE_SIZE)
		pipes->large++;
	return size > 0 ? (size_t)size : DEFAULT_SIZE;
}

struct pipe *pipes_take(struct pipes *pipes)
{
	struct pipe *pipe;
	int ends[2];

	if (pipes->idle)
		return pop_idle(pipes);
	if (pipes->count >= PIPES_MAX)
		return NULL;
	pipe = malloc(sizeof(*pipe));
	if (!pipe)
		return NULL;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) {
		free(pipe);
		return NULL;
	}
	pipes->count++;
	*pipe = (struct pipe){ .read = ends[0],
			       .write = ends[1],
			       .size = set_size(pipes, ends[1]) };
	return pipe;
}

void pipes_give(struct pipes *pipes, struct pipe *pipe, bool empty)
{
	if (!empty || pipes->idle_count >= IDLE_MAX) {
		close_pipe(pipes, pipe);
		return;
	}
	pipe->next = pipes->idle;
	pipes->idle = pipe;
	pipes->idle_count++;
	if (pipes->timer.at_ms == 0) {
		pipes->idle_least = 0;
		loop_arm(pipes->loop, &pipes->timer, loop_now_ms(pipes->loop) + IDLE_MS);
	}
}
