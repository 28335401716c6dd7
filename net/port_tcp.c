/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of TCP: accepted in batches, each led in by one way after the other until a server
 * takes it, then joined with it. The client is connected already when we hear of it, so one that nobody
 * takes is reset. In the sandbox's loopback a connection is mostly made when connect(2) returns, so
 * the answer is looked for at once, and waited for only if it is not there.
 */
#include "net/port_parts.h"

#include "base/fd.h"
#include "net/journal.h"
#include "net/splice.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ACCEPT_BATCH = 32, /* before others have their turn */
};

/* A client on its way in. */
struct joining {
	struct watch watch; /* the socket inside, while it connects */
	struct want want;
	struct chain chain; /* of ports->joining */
	struct listener *listener;
	int client_fd;
	struct port_client client;
	enum port_way way;
	unsigned int tried; /* bits of ways */
	bool any_port;      /* the client's own is in use inside */
	uint64_t until_ms;
};

/* What is told when a pair has ended; it may live longer than the ports. */
struct told_end {
	struct journal *journal;
	uint64_t flow;
};

static void next_way(struct joining *joining);

/* ---- the end of it --------------------------------------------------------------------- */

static void set_patience(struct ports *ports)
{
	const struct joining *first;

	if (chain_is_empty(&ports->joining)) {
		loop_disarm(ports->spec.loop, &ports->patience);
		return;
	}
	first = chain_of(ports->joining.next, struct joining, chain);
	if (ports->patience.at_ms == 0 || ports->patience.at_ms > first->until_ms)
		loop_arm(ports->spec.loop, &ports->patience, first->until_ms);
}

/* Everything but its descriptors. */
static void forget(struct joining *joining)
{
	struct ports *ports = joining->listener->ports;

	pool_leave(&joining->want);
	chain_remove(&joining->chain);
	ports->joining_count--;
	free(joining);
	if (ports->held && ports->joining_count < PORT_JOINING_MAX / 2)
		ports_let(ports);
}

static void reset(int fd)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void give_up(struct joining *joining)
{
	loop_close(joining->listener->ports->spec.loop, &joining->watch);
	reset(joining->client_fd);
	forget(joining);
}

/* ---- joined ---------------------------------------------------------------------------- */

static void tell_end(void *context, uint64_t bytes_out, uint64_t bytes_in)
{
	struct told_end *end = context;

	if (!end)
		return;
	journal_end(end->journal, end->flow, bytes_out, bytes_in);
	free(end);
}

static struct told_end *tell_begin(const struct joining *joining)
{
	const struct ports *ports = joining->listener->ports;
	struct journal *journal = ports->spec.gate ? ports->spec.gate->journal : NULL;
	struct told_end *end = journal ? malloc(sizeof(*end)) : NULL;
	struct flow_key flow;

	if (!end)
		return NULL;
	end->journal = journal;
	port_flow(joining->listener, &joining->client, &flow);
	journal_begin(journal, PATH_PORT, &flow, NULL, &end->flow);
	return end;
}

/* The server has taken it. */
static void join(struct joining *joining, int inside)
{
	struct listener *listener = joining->listener;
	const struct ports *ports = listener->ports;
	struct told_end *end = tell_begin(joining);
	const struct splice_ends ends = {
		.inside = inside,
		.outside = joining->client_fd,
		.out = ports->spec.out,
		.in = ports->spec.in,
		.ended = tell_end,
		.context = end,
	};

	listener->way = joining->way;
	forget(joining);
	if (splicer_join(ports->spec.splicer, &ends) < 0)
		tell_end(end, 0, 0);
}

/* ---- the way in ------------------------------------------------------------------------ */

/*
 * How a connect(2) that was begun has gone: asked again it says so, EALREADY as long as nobody
 * knows.
 */
static int ask_again(int fd, const struct way_ends *ends)
{
	struct sockaddr_storage address;
	const socklen_t size = ip_to_sockaddr(&ends->to, ends->port, &address);

	return connect(fd, (const struct sockaddr *)&address, size);
}

static void connect_failed(struct joining *joining, int errnum)
{
	/* An earlier connection from that very port is not forgotten yet. */
	if (errnum == EADDRNOTAVAIL && !joining->any_port) {
		joining->any_port = true;
		joining->tried &= ~(1U << joining->way);
	}
	next_way(joining);
}

static void connected_told(struct watch *watch, uint32_t events)
{
	struct joining *joining = chain_of(watch, struct joining, watch);
	struct loop *loop = joining->listener->ports->spec.loop;
	socklen_t size = sizeof(int);
	int errnum = 0;

	(void)events;
	(void)getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &errnum, &size);
	if (errnum == 0) {
		join(joining, loop_unwatch(loop, watch));
		return;
	}
	loop_close(loop, watch);
	connect_failed(joining, errnum);
}

static void await_connect(struct joining *joining, int fd)
{
	joining->watch = (struct watch){ .fd = fd, .told = connected_told };
	if (loop_watch(joining->listener->ports->spec.loop, &joining->watch, EPOLLOUT) <
	    0)
		give_up(joining);
}

/* Each way has its time, so a new one stands behind all others. */
static void set_deadline(struct joining *joining)
{
	struct ports *ports = joining->listener->ports;

	joining->until_ms = loop_now_ms(ports->spec.loop) + PORT_CONNECT_MS;
	chain_remove(&joining->chain);
	chain_append(&ports->joining, &joining->chain);
	set_patience(ports);
}

/* A socket for the way is here. */
static void take_socket(struct want *want, int fd)
{
	struct joining *joining = chain_of(want, struct joining, want);
	struct ports *ports = joining->listener->ports;
	struct way_ends ends;
	int errnum;

	if (fd < 0) {
		/* The same way may do with another kind: then the source is not kept. */
		joining->tried &= ~(1U << joining->way);
		next_way(joining);
		return;
	}
	if (!way_ends(ports, joining->listener, &joining->client, joining->way, &ends)) {
		close(fd);
		next_way(joining);
		return;
	}
	if (joining->any_port)
		ends.from_port = 0;
	errnum = way_connect(fd, &ends) < 0 ? errno : 0;
	if (errnum == EINPROGRESS)
		errnum = ask_again(fd, &ends) < 0 ? errno : 0;
	if (errnum == 0) {
		join(joining, fd);
		return;
	}
	if (errnum == EALREADY) {
		await_connect(joining, fd);
		return;
	}
	close(fd);
	connect_failed(joining, errnum);
}

/* Tries what was not tried; if that is nothing, that is the end. */
static void next_way(struct joining *joining)
{
	struct listener *listener = joining->listener;
	struct ports *ports = listener->ports;
	enum port_way way;
	struct way_ends ends;

	for (way = way_next(listener->way, joining->tried); way != WAY_COUNT;
	     way = way_next(way, joining->tried)) {
		joining->tried |= 1U << way;
		if (!way_ends(ports, listener, &joining->client, way, &ends))
			continue;
		joining->way = way;
		set_deadline(joining);
		pool_take(&ports->pools, &ends.kind, &joining->want);
		return;
	}
	give_up(joining);
}

/* A way that has taken too long: somebody inside drops what comes. */
void port_tcp_rang(struct timer *timer)
{
	struct ports *ports = chain_of(timer, struct ports, patience);
	const uint64_t now = loop_now_ms(ports->spec.loop);

	while (!chain_is_empty(&ports->joining)) {
		struct joining *first =
			chain_of(ports->joining.next, struct joining, chain);

		if (first->until_ms > now)
			break;
		loop_close(ports->spec.loop, &first->watch);
		pool_leave(&first->want);
		next_way(first);
	}
	set_patience(ports);
}

/* ---- accepting ------------------------------------------------------------------------- */

static void begin(struct listener *listener, int fd, const struct port_client *client)
{
	struct ports *ports = listener->ports;
	struct joining *joining = calloc(1, sizeof(*joining));

	if (!joining) {
		reset(fd);
		return;
	}
	*joining = (struct joining){
		.watch = { .fd = -1 },
		.want = { .take = take_socket },
		.listener = listener,
		.client_fd = fd,
		.client = *client,
	};
	chain_init(&joining->chain);
	chain_init(&joining->want.chain);
	ports->joining_count++;
	next_way(joining);
}

/* 1: one more may be there; 0: none; -1: no room. */
static int accept_one(struct listener *listener)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct port_client client;
	int fd;

	if (listener->ports->joining_count >= PORT_JOINING_MAX)
		return -1;
	fd = accept4(listener->watch.fd, (struct sockaddr *)&address, &size,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		if (ip_from_sockaddr(&address, &client.ip, &client.port) == 0)
			begin(listener, fd, &client);
		else
			close(fd);
		return 1;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		return -1;
	/* What the network has done to a client that was not accepted yet: accept(2). */
	return errno == EAGAIN ? 0 : 1;
}

void port_tcp_told(struct watch *watch, uint32_t events)
{
	struct listener *listener = chain_of(watch, struct listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		const int more = accept_one(listener);

		if (more == 0)
			return;
		if (more < 0) {
			ports_hold(listener->ports, listener);
			return;
		}
	}
}

void port_tcp_forget(struct ports *ports, const struct listener *listener)
{
	struct chain *next;

	for (struct chain *at = ports->joining.next; at != &ports->joining; at = next) {
		struct joining *joining = chain_of(at, struct joining, chain);

		next = at->next;
		if (joining->listener == listener)
			give_up(joining);
	}
}
