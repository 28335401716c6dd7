/* SPDX-License-Identifier: Apache-2.0 */
#include "net/inner_parts.h"

#include "base/error.h"
#include "base/fd.h"
#include "net/netfilter.h"
#include "net/packet_queue.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The loop of the inner half: verdicts on first packets, which the outer half reads itself,
 * and sockets. This half never waits for room in the outer half's socket while that one may
 * wait for room in ours: it goes on reading instead. So neither can stop the other.
 */

enum {
	TURN_MAX = 64, /* messages before what they ask for is said */
};

/* Verdicts say nothing back: a packet that is gone needs none. */
static void send_verdicts(const struct inner *inner, struct netlink_batch *verdicts)
{
	if (verdicts->used)
		(void)send(inner->queue, verdicts->bytes, verdicts->used, MSG_DONTWAIT);
	netlink_reset(verdicts);
}

static void pass(const struct inner *inner, struct netlink_batch *verdicts,
		 uint32_t packet, uint32_t mark)
{
	packet_queue_pass(verdicts, packet, mark);
	if (verdicts->count >= TURN_MAX)
		send_verdicts(inner, verdicts);
}

static void drop(const struct inner *inner, struct netlink_batch *verdicts,
		 uint32_t packet)
{
	packet_queue_drop(verdicts, packet);
	if (verdicts->count >= TURN_MAX)
		send_verdicts(inner, verdicts);
}

/* ---- answers and requests --------------------------------------------------------------- */

static void answer(struct inner *inner, struct netlink_batch *verdicts, uint32_t packet,
		   enum inner_answer answer)
{
	if (inner->queue < 0)
		return;
	/* There is no tap. */
	if (inner->spec->mode == NET_RELAY && answer == INNER_DIRECT)
		answer = INNER_PROHIBITED;
	switch (answer) {
	case INNER_LET:
		pass(inner, verdicts, packet, 0);
		return;
	case INNER_REFUSE:
		pass(inner, verdicts, packet, MARK_REFUSE);
		return;
	case INNER_UNREACHABLE:
		pass(inner, verdicts, packet, MARK_UNREACHABLE);
		return;
	case INNER_PROHIBITED:
		pass(inner, verdicts, packet, MARK_PROHIBITED);
		return;
	case INNER_DIRECT:
		pass(inner, verdicts, packet, MARK_DIRECT);
		return;
	case INNER_DROP:
		drop(inner, verdicts, packet);
		return;
	}
}

static uint32_t make_sockets(const struct inner_message *wanted, int *fds)
{
	uint32_t count = 0;

	if (wanted->sockets.family != AF_INET && wanted->sockets.family != AF_INET6)
		return 0;
	if (wanted->sockets.type != SOCK_STREAM && wanted->sockets.type != SOCK_DGRAM)
		return 0;
	while (count < wanted->sockets.count && count < INNER_FDS_MAX) {
		fds[count] =
			inner_make_socket(wanted->sockets.family, wanted->sockets.type,
					  wanted->sockets.transparent);
		if (fds[count] < 0)
			break;
		count++;
	}
	return count;
}

/* 0: said, or there was nothing to say; 1: there is no room yet; -1: the other half is gone. */
static int say_sockets(struct inner *inner)
{
	while (inner->request_count) {
		struct inner_message reply = inner->requests[0];
		int fds[INNER_FDS_MAX], result;

		reply.sockets.count = make_sockets(&inner->requests[0], fds);
		result = message_send(inner->outer, &reply, sizeof(reply), fds,
				      reply.sockets.count);
		if (result < 0)
			result = errno == EAGAIN || errno == ENOBUFS ||
						 errno == ETOOMANYREFS
					 ? 1
					 : -1;
		for (uint32_t i = 0; i < reply.sockets.count; i++)
			fd_close(&fds[i]);
		if (result != 0)
			return result;
		inner->request_count--;
		memmove(inner->requests, inner->requests + 1,
			inner->request_count * sizeof(*inner->requests));
	}
	return 0;
}

/* A request too many is forgotten: it is the outer half's own bound that was passed. */
static void take_request(struct inner *inner, const struct inner_message *message)
{
	if (inner->request_count < INNER_REQUESTS_MAX)
		inner->requests[inner->request_count++] = *message;
}

static void take_word(struct inner *inner, struct netlink_batch *verdicts,
		      const struct inner_message *message)
{
	switch (message->word) {
	case INNER_ANSWER:
		answer(inner, verdicts, message->id, message->answer);
		return;
	case INNER_SOCKETS:
		take_request(inner, message);
		return;
	case INNER_READY:
	case INNER_FAILED:
		return;
	}
}

/* 0: the other half is gone; -1: errno; 1: there may be more. */
static int hear_outer(struct inner *inner, struct netlink_batch *verdicts)
{
	struct inner_message message;
	int fds[INNER_FDS_MAX];
	size_t count;

	for (int i = 0; i < TURN_MAX; i++) {
		const int got = message_receive(inner->outer, &message, sizeof(message),
						fds, &count);

		if (got < 0 && errno == EAGAIN)
			break;
		if (got <= 0)
			return got;
		while (count)
			fd_close(&fds[--count]);
		take_word(inner, verdicts, &message);
	}
	if (inner->queue >= 0)
		send_verdicts(inner, verdicts);
	return say_sockets(inner) < 0 ? 0 : 1;
}

/* ---- the loop ----------------------------------------------------------------------------- */

/* 1: go on; 0: the outer half is gone. */
static int turn(struct inner *inner, struct netlink_batch *verdicts, short events)
{
	if (events & POLLOUT && say_sockets(inner) < 0)
		return 0;
	if (events & (POLLIN | POLLHUP | POLLERR))
		return hear_outer(inner, verdicts);
	return 1;
}

int inner_serve(struct inner *inner, struct error *err)
{
	struct netlink_batch verdicts = { 0 };
	int result = 1;

	netlink_reset(&verdicts);
	while (result > 0) {
		struct pollfd waits = {
			.fd = inner->outer,
			.events = (short)(POLLIN | (inner->request_count ? POLLOUT : 0)),
		};

		if (poll(&waits, 1, -1) >= 0)
			result = turn(inner, &verdicts, waits.revents);
		else if (errno != EINTR)
			return error_errno_id(err, ERROR_NETWORK,
					      "wait in the inner half of sbx-net");
	}
	return result == 0 ? 0
			   : error_errno_id(err, ERROR_NETWORK,
					    "hear the outer half of sbx-net");
}
