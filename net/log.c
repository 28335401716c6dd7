/* SPDX-License-Identifier: Apache-2.0 */
#include "net/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/loop.h"

enum {
	BUFFER_SIZE = 64 * 1024,
	BUFFER_FULL_ENOUGH = BUFFER_SIZE / 2, /* is written at once */
	LATENCY_MS = 50,                      /* a line waits so long for others */
	LAST_WAIT_MS = 1000,
};

struct log {
	struct timer timer; /* first: told by it */
	struct loop *loop;
	int fd; /* -1: it failed */
	void (*failed)(void *context, int errnum);
	void *context;
	bool stuck; /* the reader is slow: only the timer tries again */
	uint64_t lost;
	size_t used;
	char buffer[BUFFER_SIZE];
};

/* Returns whether all of it is written. */
static bool flush(struct log *log)
{
	size_t done = 0;
	int errnum = 0;

	while (done < log->used && errnum == 0) {
		const ssize_t written =
			write(log->fd, log->buffer + done, log->used - done);

		if (written > 0)
			done += (size_t)written;
		else if (written == 0 || errno != EINTR)
			errnum = written == 0 ? EAGAIN : errno;
	}
	log->used -= done;
	memmove(log->buffer, log->buffer + done, log->used);
	if (errnum == 0 || errnum == EAGAIN)
		return errnum == 0;
	close(log->fd);
	log->fd = -1;
	log->used = 0;
	log->failed(log->context, errnum);
	return true;
}

static void timer_rang(struct timer *timer)
{
	struct log *log = (struct log *)timer;

	if (log->fd < 0)
		return;
	log->stuck = !flush(log);
	if (log->stuck)
		loop_arm(log->loop, timer, loop_now_ms(log->loop) + LATENCY_MS);
}

struct log *log_new(struct loop *loop, int fd, void (*failed)(void *context, int errnum),
		    void *context)
{
	struct log *log = calloc(1, sizeof(*log));
	const int flags = fcntl(fd, F_GETFL);

	if (!log) {
		close(fd);
		return NULL;
	}
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	*log = (struct log){ .timer.rang = timer_rang,
			     .loop = loop,
			     .fd = fd,
			     .failed = failed,
			     .context = context };
	return log;
}

static bool add(struct log *log, const char *line)
{
	const size_t length = strlen(line);

	if (length + 1 > BUFFER_SIZE - log->used)
		return false;
	memcpy(log->buffer + log->used, line, length);
	log->buffer[log->used + length] = '\n';
	log->used += length + 1;
	return true;
}

static bool add_lost(struct log *log)
{
	char line[64];

	if (log->lost == 0)
		return true;
	snprintf(line, sizeof(line), "{\"event\":\"lost\",\"lines\":%" PRIu64 "}",
		 log->lost);
	if (!add(log, line))
		return false;
	log->lost = 0;
	return true;
}

void log_line(struct log *log, const char *line)
{
	if (log->fd < 0)
		return;
	if (!add_lost(log) || !add(log, line)) {
		log->lost++;
		return;
	}
	if (log->used >= BUFFER_FULL_ENOUGH && !log->stuck)
		log->stuck = !flush(log);
	if (log->used && log->timer.at_ms == 0)
		loop_arm(log->loop, &log->timer, loop_now_ms(log->loop) + LATENCY_MS);
}

void log_lose(struct log *log)
{
	log->lost++;
}

void log_free(struct log *log)
{
	if (!log)
		return;
	loop_disarm(log->loop, &log->timer);
	add_lost(log);
	if (log->fd >= 0 && !flush(log)) {
		struct pollfd wait = { .fd = log->fd, .events = POLLOUT };

		poll(&wait, 1, LAST_WAIT_MS);
		flush(log);
	}
	if (log->fd >= 0)
		close(log->fd);
	free(log);
}
