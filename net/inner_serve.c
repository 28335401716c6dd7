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
#include <time.h>

/*
 * The loop of the inner half. Two parties speak: the kernel's queue with first packets,
 * and the outer half with answers and requests. This half never waits for room in the outer half's socket
 * while that one may wait for room in ours: it leaves packets in the queue
 * instead, and goes on reading answers. So neither can stop the other.
 */

enum {
	TURN_MAX = 64, /* messages of one party before the other's turn */
	PACKET_MESSAGE_MAX = 4096,
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

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

/* ---- questions ------------------------------------------------------------------------ */

/* 0: said, or there was nothing to say; 1: there is no room yet; -1: the other half is gone. */
static int say_ask(struct inner *inner)
{
	if (!inner->asks)
		return 0;
	if (message_send(inner->outer, &inner->ask, sizeof(inner->ask), NULL, 0) < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 1 : -1;
	inner->asks = false;
	return 0;
}

static void make_room(struct inner *inner, struct netlink_batch *verdicts)
{
	const uint64_t now = now_ms();
	uint32_t packet;

	if (now - inner->expired_ms < 1000)
		return;
	inner->expired_ms = now;
	while (pending_expire(&inner->pending, now, &packet))
		drop(inner, verdicts, packet);
}

static void take_packet(struct inner *inner, struct netlink_batch *verdicts,
			const struct queued_packet *packet)
{
	uint32_t id, old;

	switch (pending_add(&inner->pending, &packet->flow, packet->id, now_ms(), &id,
			    &old)) {
	case PENDING_NEW:
		inner->ask = (struct inner_message){ .word = INNER_ASK,
						     .id = id,
						     .flow = packet->flow };
		inner->asks = true;
		return;
	case PENDING_SAME:
		drop(inner, verdicts, old);
		return;
	case PENDING_FULL:
		drop(inner, verdicts, packet->id);
		make_room(inner, verdicts);
		return;
	}
}

/* A packet that cannot be read is dropped: none that a kernel sends by itself is. */
static void take_message(struct inner *inner, struct netlink_batch *verdicts,
			 const uint8_t *message, size_t size)
{
	struct queued_packet packet = { 0 };
	bool has_id;

	if (packet_queue_parse(message, size, &packet, &has_id) == 0)
		take_packet(inner, verdicts, &packet);
	else if (has_id)
		drop(inner, verdicts, packet.id);
}

static int hear_queue(struct inner *inner, struct netlink_batch *verdicts)
{
	_Alignas(uint64_t) uint8_t message[PACKET_MESSAGE_MAX];

	for (int i = 0; i < TURN_MAX && !inner->asks; i++) {
		const ssize_t got =
			recv(inner->queue, message, sizeof(message), MSG_DONTWAIT);

		if (got <= 0)
			break;
		take_message(inner, verdicts, message, (size_t)got);
		if (say_ask(inner) < 0)
			return -1;
	}
	send_verdicts(inner, verdicts);
	return 0;
}

/* ---- answers and requests --------------------------------------------------------------- */

static void answer(struct inner *inner, struct netlink_batch *verdicts, uint32_t id,
		   enum inner_answer answer)
{
	struct flow_key flow;
	uint32_t packet;

	if (!pending_take(&inner->pending, id, &flow, &packet))
		return;
	/* Without a tap only TCP has a way out. */
	if (inner->spec->mode == NET_RELAY &&
	    (flow.protocol != PROTOCOL_TCP || answer == INNER_DIRECT))
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

/* As say_ask(). */
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
	case INNER_ASK:
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

enum { OUTER, QUEUE };

/* Packets stay in the queue while a question of ours waits for room. */
static void list_waits(const struct inner *inner, struct pollfd waits[2])
{
	const bool stuck = inner->asks || inner->request_count;

	waits[OUTER].fd = inner->outer;
	waits[OUTER].events = (short)(POLLIN | (stuck ? POLLOUT : 0));
	waits[QUEUE].fd = inner->asks ? -1 : inner->queue;
	waits[QUEUE].events = POLLIN;
	waits[OUTER].revents = waits[QUEUE].revents = 0;
}

/* 1: go on; 0: the outer half is gone. */
static int turn(struct inner *inner, struct netlink_batch *verdicts,
		const struct pollfd waits[2])
{
	if (waits[OUTER].revents & POLLOUT)
		if (say_ask(inner) < 0 || say_sockets(inner) < 0)
			return 0;
	if (waits[QUEUE].revents && hear_queue(inner, verdicts) < 0)
		return 0;
	if (waits[OUTER].revents & (POLLIN | POLLHUP | POLLERR))
		return hear_outer(inner, verdicts);
	return 1;
}

int inner_serve(struct inner *inner, struct error *err)
{
	struct netlink_batch verdicts = { 0 };
	struct pollfd waits[2];
	int result;

	netlink_reset(&verdicts);
	for (;;) {
		list_waits(inner, waits);
		if (poll(waits, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_errno_id(err, ERROR_NETWORK,
					      "wait in the inner half of sbx-net");
		}
		result = turn(inner, &verdicts, waits);
		if (result == 0)
			return 0;
		if (result < 0)
			return error_errno_id(err, ERROR_NETWORK,
					      "hear the outer half of sbx-net");
	}
}
