/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "net/loop.h"
#include "net/original.h"
#include "net/outward.h"
#include "net/sni.h"

/*
 * A connection of the sandbox is a call until its two sockets are joined. It begins with a
 * question about its first packet, and then waits for the far side, for its own accept, and,
 * where rules ask for it, for the server name. One that comes without a question (the queue
 * was full, or somebody changed the packet filter) is judged when it is accepted, and its far
 * side is connected to late.
 */
enum call_state {
	CALL_ASKED, /* connecting; then the first packet goes on */
	CALL_LET,   /* connected; the accept is to come */
	CALL_LATE,  /* accepted, connecting */
	CALL_HELD,  /* accepted and connected; the server name is to come */
	CALL_JOINED, /* the splicer has both sockets; the relay does not know it any more */
};

enum {
	CALLS_MAX = 4096, /* that are not joined yet */
	BUCKETS = 1024,
	ACCEPTS_MAX = 64, /* in one turn */
	CONNECT_MS =
		20 * 1000, /* then the sandbox asks again, with its next first packet */
	ACCEPT_MS = 10 * 1000,
	HELD_MS = 10 * 1000,
	NO_ROOM_MS = 100, /* a pause of accepting, when descriptors have run out */
};

struct call {
	struct watch outside; /* first: told by it */
	struct watch inside;
	struct timer timer;
	struct relay *relay;
	struct gate *gate;
	struct call *next, *before; /* of the bucket */
	struct flow_key flow;
	char *name; /* that the address was asked for by; may be NULL */
	uint64_t journal_flow;
	uint32_t id;
	enum call_state state;
	bool sni;
	bool second_try; /* the gateway's other loopback address */
};

struct listener {
	struct watch watch; /* first: told by it */
	struct timer timer; /* while accepting pauses */
	struct relay *relay;
};

struct relay {
	struct relay_spec spec;
	struct listener listeners[2];
	struct call *buckets[BUCKETS]; /* by the port inside */
	size_t call_count, let_count;
	uint8_t first_bytes[SNI_BYTES_MAX];
};

/* ---- calls ------------------------------------------------------------------------------- */

static struct call **bucket_of(struct relay *relay, const struct flow_key *flow)
{
	return &relay->buckets[flow->inside_port % BUCKETS];
}

static struct call *find_call(struct relay *relay, const struct flow_key *flow)
{
	struct call *call = *bucket_of(relay, flow);

	while (call && (call->flow.inside_port != flow->inside_port ||
			call->flow.port != flow->port ||
			!ip_equal(&call->flow.inside, &flow->inside) ||
			!ip_equal(&call->flow.to, &flow->to)))
		call = call->next;
	return call;
}

/*
 * One whose port was changed on the way, because two destinations share it: another call to
 * the same place serves as well.
 */
static struct call *find_like(struct relay *relay, const struct flow_key *flow)
{
	if (relay->let_count == 0)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct call *call = relay->buckets[i]; call; call = call->next) {
			if (call->state == CALL_LET && call->flow.port == flow->port &&
			    ip_equal(&call->flow.to, &flow->to))
				return call;
		}
	}
	return NULL;
}

static void set_state(struct call *call, enum call_state state)
{
	if (call->state == CALL_LET)
		call->relay->let_count--;
	if (state == CALL_LET)
		call->relay->let_count++;
	call->state = state;
}

/* The relay forgets it; the memory stays. */
static void leave_table(struct call *call)
{
	if (call->next)
		call->next->before = call->before;
	if (call->before)
		call->before->next = call->next;
	else
		*bucket_of(call->relay, &call->flow) = call->next;
	call->relay->call_count--;
	loop_disarm(call->relay->spec.loop, &call->timer);
}

/* The sandbox sees a reset, not an end: nothing that it said was heard. */
static void close_with_reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void end_call(struct call *call)
{
	const int inside = loop_unwatch(call->relay->spec.loop, &call->inside);

	set_state(call, CALL_JOINED);
	leave_table(call);
	loop_close(call->relay->spec.loop, &call->outside);
	if (inside >= 0)
		close_with_reset(inside);
	free(call->name);
	free(call);
}

static void answer(struct call *call, enum inner_answer answer)
{
	const struct relay_spec *spec = &call->relay->spec;

	spec->answer(spec->context, call->id, answer);
}

static void wait_at_most(struct call *call, uint64_t ms)
{
	struct loop *loop = call->relay->spec.loop;

	loop_arm(loop, &call->timer, loop_now_ms(loop) + ms);
}

static enum inner_answer when_full(const struct relay *relay)
{
	return relay->spec.has_direct ? INNER_DIRECT : INNER_DROP;
}

static void timer_rang(struct timer *timer)
{
	struct call *call = (struct call *)((char *)timer - offsetof(struct call, timer));

	if (call->state == CALL_ASKED)
		answer(call, INNER_DROP);
	if (call->state == CALL_HELD)
		gate_deny_hidden(call->gate, &call->flow, NULL);
	end_call(call);
}

static void outside_told(struct watch *watch, uint32_t events);
static void inside_told(struct watch *watch, uint32_t events);

static struct call *new_call(struct relay *relay, const struct flow_key *flow,
			     const struct net_verdict *verdict)
{
	struct call *call;

	if (relay->call_count >= CALLS_MAX)
		return NULL;
	call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->outside = (struct watch){ .fd = -1, .told = outside_told };
	call->inside = (struct watch){ .fd = -1, .told = inside_told };
	call->timer.rang = timer_rang;
	call->relay = relay;
	call->gate = relay->spec.gate;
	call->flow = *flow;
	call->name = verdict->name ? strdup(verdict->name) : NULL;
	call->sni = verdict->sni;
	call->next = *bucket_of(relay, flow);
	if (call->next)
		call->next->before = call;
	*bucket_of(relay, flow) = call;
	relay->call_count++;
	return call;
}

/* ---- joining ----------------------------------------------------------------------------- */

static void pair_ended(void *context, uint64_t bytes_out, uint64_t bytes_in)
{
	struct call *call = context;

	journal_end(call->gate->journal, call->journal_flow, bytes_out, bytes_in);
	free(call);
}

static void join(struct call *call)
{
	struct relay *relay = call->relay;
	struct splice_ends ends = {
		.inside = call->state == CALL_HELD
				  ? loop_unwatch(relay->spec.loop, &call->inside)
				  : fd_take(&call->inside.fd),
		.outside = fd_take(&call->outside.fd),
		.out = relay->spec.out,
		.in = relay->spec.in,
		.ended = pair_ended,
		.context = call,
	};
	char *name = call->name;

	set_state(call, CALL_JOINED);
	leave_table(call);
	call->name = NULL;
	if (splicer_join(relay->spec.splicer, &ends) == 0)
		journal_begin(call->gate->journal, PATH_RELAY, &call->flow, name,
			      &call->journal_flow);
	else
		free(call);
	free(name);
}

/* Returns whether the first bytes have decided; then the call is gone. */
static bool judge_first_bytes(struct call *call)
{
	struct relay *relay = call->relay;
	const ssize_t size = recv(call->inside.fd, relay->first_bytes,
				  sizeof(relay->first_bytes), MSG_PEEK);
	char name[NAME_TEXT_MAX];
	struct net_verdict verdict;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (size <= 0) { /* it has given up, without a word */
		end_call(call);
		return true;
	}
	switch (sni_find(relay->first_bytes, (size_t)size, name)) {
	case SNI_MORE:
		return false;
	case SNI_NAME:
		if (gate_admits_sni(call->gate, &call->flow, name, &verdict)) {
			free(call->name);
			call->name = strdup(name);
			join(call);
		} else {
			end_call(call);
		}
		return true;
	case SNI_HIDDEN:
	case SNI_NOT_TLS:
		break;
	}
	gate_deny_hidden(call->gate, &call->flow, NULL);
	end_call(call);
	return true;
}

static void inside_told(struct watch *watch, uint32_t events)
{
	struct call *call =
		(struct call *)((char *)watch - offsetof(struct call, inside));
	const bool ended = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	if (!judge_first_bytes(call) && ended)
		end_call(call);
}

/* Both sockets are there. */
static void join_or_hold(struct call *call)
{
	const uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET;

	if (!call->sni) {
		join(call);
		return;
	}
	set_state(call, CALL_HELD);
	wait_at_most(call, HELD_MS);
	if (loop_watch(call->relay->spec.loop, &call->inside, events) < 0)
		end_call(call);
}

/* ---- outside ----------------------------------------------------------------------------- */

static void connected(struct call *call)
{
	if (call->state == CALL_LATE) {
		join_or_hold(call);
		return;
	}
	set_state(call, CALL_LET);
	wait_at_most(call, ACCEPT_MS);
	answer(call, INNER_LET);
}

static void not_connected(struct call *call, int errnum)
{
	/* Where nobody listens on both, it does not matter that one of them may not exist. */
	if (call->state == CALL_ASKED)
		answer(call, call->second_try
				     ? INNER_REFUSE
				     : outward_answer(errnum, when_full(call->relay)));
	end_call(call);
}

static int try_connect(struct call *call)
{
	struct ip to = gate_outside(call->gate, &call->flow.to);

	if (call->second_try)
		to = outward_other_loopback(&to);
	return outward_connect(&to, call->flow.port, call->relay->spec.fd_max,
			       &call->outside.fd);
}

/* The gateway stands for two addresses. */
static bool has_second_try(const struct call *call, int errnum)
{
	const struct ip to = gate_outside(call->gate, &call->flow.to);

	return !call->second_try && errnum == ECONNREFUSED &&
	       !ip_equal(&to, &call->flow.to);
}

static void call_out(struct call *call)
{
	struct loop *loop = call->relay->spec.loop;
	int errnum = try_connect(call);

	if (has_second_try(call, errnum)) {
		fd_close(&call->outside.fd);
		call->second_try = true;
		errnum = try_connect(call);
	}
	if (errnum == 0) {
		connected(call);
		return;
	}
	if (errnum != EINPROGRESS) {
		fd_close(&call->outside.fd);
		not_connected(call, errnum);
		return;
	}
	wait_at_most(call, CONNECT_MS);
	if (loop_watch(loop, &call->outside, EPOLLOUT) < 0)
		not_connected(call, errno);
}

static void outside_told(struct watch *watch, uint32_t events)
{
	struct call *call = (struct call *)watch;
	int errnum = 0;
	socklen_t length = sizeof(errnum);

	(void)events;
	if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &errnum, &length) < 0)
		errnum = errno;
	if (has_second_try(call, errnum)) {
		loop_close(call->relay->spec.loop, watch);
		call->second_try = true;
		call_out(call);
		return;
	}
	if (errnum) {
		not_connected(call, errnum);
		return;
	}
	call->outside.fd = loop_unwatch(call->relay->spec.loop, watch);
	connected(call);
}

/* Without a tap the inner half asks for these, too, so that somebody is told. */
static void deny_other_protocol(struct relay *relay, uint32_t id,
				const struct flow_key *flow)
{
	struct net_verdict verdict;

	if (gate_admits(relay->spec.gate, flow, &verdict)) {
		verdict.allowed = false;
		verdict.why = DENIED_NO_PATH;
		journal_denied(relay->spec.gate->journal, flow, &verdict);
	}
	relay->spec.answer(relay->spec.context, id, INNER_PROHIBITED);
}

void relay_ask(struct relay *relay, uint32_t id, const struct flow_key *flow)
{
	struct net_verdict verdict;
	struct call *call;

	if (flow->protocol != PROTOCOL_TCP) {
		deny_other_protocol(relay, id, flow);
		return;
	}
	call = find_call(relay, flow);
	if (call) { /* its first packet again */
		relay->spec.answer(relay->spec.context, id,
				   call->state == CALL_LET ? INNER_LET : INNER_DROP);
		return;
	}
	if (!gate_admits(relay->spec.gate, flow, &verdict)) {
		relay->spec.answer(relay->spec.context, id, INNER_PROHIBITED);
		return;
	}
	call = new_call(relay, flow, &verdict);
	if (!call) {
		relay->spec.answer(relay->spec.context, id, when_full(relay));
		return;
	}
	call->id = id;
	call_out(call);
}

/* ---- inside ------------------------------------------------------------------------------ */

/* Nobody has asked for it. */
static void take_late(struct relay *relay, int *fd, const struct flow_key *flow)
{
	struct net_verdict verdict;
	struct call *call;

	if (!gate_admits(relay->spec.gate, flow, &verdict)) {
		close_with_reset(fd_take(fd));
		return;
	}
	call = new_call(relay, flow, &verdict);
	if (!call) {
		close_with_reset(fd_take(fd));
		return;
	}
	call->inside.fd = fd_take(fd);
	set_state(call, CALL_LATE);
	call_out(call);
}

static void take(struct relay *relay, int *fd, const struct sockaddr_storage *from)
{
	struct flow_key flow = { .protocol = PROTOCOL_TCP };
	struct call *call;

	if (ip_from_sockaddr(from, &flow.inside, &flow.inside_port) < 0 ||
	    relay->spec.original(relay->spec.context, *fd, from->ss_family, &flow.to,
				 &flow.port) < 0) {
		close_with_reset(fd_take(fd));
		return;
	}
	call = find_call(relay, &flow);
	if (!call || call->state != CALL_LET)
		call = find_like(relay, &flow);
	if (!call) {
		take_late(relay, fd, &flow);
		return;
	}
	call->inside.fd = fd_take(fd);
	join_or_hold(call);
}

static bool out_of_room(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS ||
	       errnum == ENOMEM;
}

static void listener_rang(struct timer *timer)
{
	struct listener *listener =
		(struct listener *)((char *)timer - offsetof(struct listener, timer));

	loop_change(listener->relay->spec.loop, &listener->watch, EPOLLIN);
}

/* As many as are awaited; if there are more, the next turn tells. */
static void listener_told(struct watch *watch, uint32_t events)
{
	struct listener *listener = (struct listener *)watch;
	struct relay *relay = listener->relay;
	struct loop *loop = relay->spec.loop;
	int most = ACCEPTS_MAX;

	(void)events;
	do {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		auto_close int fd = accept4(watch->fd, (struct sockaddr *)&from, &length,
					    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			take(relay, &fd, &from);
		else if (out_of_room(errno)) {
			loop_change(loop, watch, 0);
			loop_arm(loop, &listener->timer, loop_now_ms(loop) + NO_ROOM_MS);
			return;
		} else if (errno == EAGAIN)
			return;
	} while (relay->let_count && --most);
}

/* ---- the door ---------------------------------------------------------------------------- */

static int listen_on(struct relay *relay, struct listener *listener, int fd,
		     struct error *err)
{
	int flags;

	listener->relay = relay;
	listener->timer.rang = listener_rang;
	listener->watch = (struct watch){ .fd = fd, .told = listener_told };
	if (fd < 0)
		return 0;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(err, "prepare the relay's listener");
	if (loop_watch(relay->spec.loop, &listener->watch, EPOLLIN) == 0)
		return 0;
	return error_errno(err, "watch the relay's listener");
}

struct relay *relay_new(const struct relay_spec *spec, struct error *err)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay) {
		error_errno(err, "allocate the relay");
		return NULL;
	}
	relay->spec = *spec;
	if (!spec->original)
		relay->spec.original = original_destination;
	for (int i = 0; i < 2; i++) {
		if (listen_on(relay, &relay->listeners[i], spec->listeners[i], err) < 0) {
			relay_free(relay);
			return NULL;
		}
	}
	return relay;
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct call *next;

		for (struct call *call = relay->buckets[i]; call; call = next) {
			next = call->next;
			end_call(call);
		}
	}
	for (int i = 0; i < 2; i++) {
		loop_disarm(relay->spec.loop, &relay->listeners[i].timer);
		loop_close(relay->spec.loop, &relay->listeners[i].watch);
	}
	free(relay);
}
