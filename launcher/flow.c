/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	FLOW_SIZE = 65536,
	SPLICE_SIZE = 1 << 20, /* as much as a pipe may hold, for an ordinary user */
};

void flow_init(struct flow *flow)
{
	*flow = (struct flow){ .from = -1, .to = -1 };
}

/*
 * Of a target that blocks poll(2) says only that something fits: PIPE_BUF bytes (pipe(7)).
 * The flag that would help is that of the open file, which is not ours alone.
 */
void flow_open(struct flow *flow, int from, int to)
{
	struct stat status = { 0 };
	char *bytes = malloc(FLOW_SIZE);

	flow_init(flow);
	if (!bytes)
		return;
	(void)fstat(to, &status);
	flow->bytes = bytes;
	flow->from = from;
	flow->to = to;
	flow->socket = S_ISSOCK(status.st_mode);
	flow->piece =
		S_ISREG(status.st_mode) || flow->socket || fcntl(to, F_GETFL) & O_NONBLOCK
			? FLOW_SIZE
			: PIPE_BUF;
}

static bool can_splice(int from, int to)
{
	struct stat status;
	const int flags = fcntl(to, F_GETFL);

	if (fstat(from, &status) < 0 || !S_ISFIFO(status.st_mode))
		return false;
	if (flags < 0 || fstat(to, &status) < 0)
		return false;
	if (S_ISREG(status.st_mode))
		return !(flags & O_APPEND);
	return S_ISFIFO(status.st_mode) ||
	       (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
}

void flow_open_watched(struct flow *flow, int from, int to)
{
	if (can_splice(from, to)) {
		flow_init(flow);
		flow->from = from;
		flow->to = to;
		flow->spliced = true;
	} else {
		flow_open(flow, from, to);
	}
	flow->watched = true;
}

void flow_close(struct flow *flow)
{
	const int lost = flow->lost;

	free(flow->bytes);
	flow_init(flow);
	flow->lost = lost;
}

bool flow_is_full(const struct flow *flow)
{
	return flow->spliced ? flow->full : flow->end > flow->start;
}

/* A hang-up comes unasked for (poll(2)). */
void flow_events(const struct flow *flow, struct pollfd events[FLOW_EVENTS])
{
	const bool full = flow_is_full(flow);

	events[0] = (struct pollfd){ .fd = full ? -1 : flow->from, .events = POLLIN };
	events[1] = (struct pollfd){ .fd = full || flow->watched ? flow->to : -1,
				     .events = full ? POLLOUT : 0 };
}

/* A reader that is gone, or a terminal, is nobody's loss: the writer is told by the end. */
static bool flow_fail(struct flow *flow, int errnum)
{
	if (errnum == EAGAIN || errnum == EINTR)
		return true;
	if (errnum != EPIPE && errnum != ECONNRESET &&
	    !(errnum == EIO && isatty(flow->to)))
		flow->lost = errnum;
	return false;
}

static bool flow_write(struct flow *flow)
{
	const char *bytes = flow->bytes + flow->start;
	size_t size = flow->end - flow->start;
	ssize_t written;

	if (size > flow->piece)
		size = flow->piece;
	written = flow->socket ? send(flow->to, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
			       : write(flow->to, bytes, size);
	if (written < 0)
		return flow_fail(flow, errno);
	flow->start += (size_t)written;
	return true;
}

static bool flow_read(struct flow *flow)
{
	const ssize_t got = read(flow->from, flow->bytes, FLOW_SIZE);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->start = 0;
	flow->end = (size_t)got;
	return got > 0;
}

/* What cannot be spliced after all is copied from here on. */
static bool flow_copy(struct flow *flow)
{
	const int from = flow->from;
	const int to = flow->to;

	flow_open(flow, from, to);
	flow->watched = true;
	return flow->bytes != NULL;
}

/* EAGAIN is either side's: the one that was not waited for. */
static bool flow_move(struct flow *flow)
{
	const ssize_t moved =
		splice(flow->from, NULL, flow->to, NULL, SPLICE_SIZE, SPLICE_F_NONBLOCK);

	if (moved < 0 && errno == EINVAL)
		return flow_copy(flow);
	if (moved < 0) {
		flow->full = errno == EAGAIN ? !flow->full : flow->full;
		return flow_fail(flow, errno);
	}
	flow->full = false;
	return moved > 0;
}

bool flow_pump(struct flow *flow, const struct pollfd events[FLOW_EVENTS])
{
	if (flow->watched && events[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		return false;
	if (flow->spliced && (events[0].revents || events[1].revents))
		return flow_move(flow);
	if (events[1].revents)
		return flow_write(flow);
	if (events[0].revents)
		return flow_read(flow);
	return true;
}
