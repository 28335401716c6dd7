/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of UDP. Each has a socket inside that is connected to the server, so that answers
 * find their client, and that nobody is listening is heard (udp(7): ECONNREFUSED) and the next
 * way tried. A session is forgotten after a while without datagrams, sooner if the server never answered; where
 * there are too many, one of those makes room first. The answer leaves from the address that was asked:
 * a listener on all addresses remembers it for each client (ip(7), IP_PKTINFO; ipv6(7)).
 */
#include "net/port_parts.h"

#include "base/fd.h"
#include "net/journal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64,           /* datagrams before others have their turn */
	DATAGRAM_MAX = 65536, /* one byte more than there can be */
	KEPT_MAX =
		64 * 1024, /* bytes of datagrams that wait for a socket, all together */
	BUCKETS = 1024,    /* a power of two */
	LOOK_MS = 5000,    /* how often old sessions are looked for */
	WARM = 8,          /* so that the first client does not wait */
};

/* The address that was asked, as a client sees it. */
struct asked {
	struct ip ip;
	unsigned int interface; /* of a link-local one */
};

struct session {
	struct watch watch; /* the socket inside */
	struct want want;
	struct chain chain;   /* of the table, by the time of the last datagram */
	struct session *next; /* of the bucket */
	struct listener *listener;
	struct port_client client;
	struct sockaddr_storage address; /* of the client, as it came: with its scope */
	struct asked asked;
	enum port_way way;
	unsigned int tried;
	bool answered;
	uint64_t last_ms;
	uint64_t flow; /* of the journal */
	uint64_t bytes_in, bytes_out;
	uint8_t *kept; /* the datagram that waits for the socket */
	size_t kept_size;
};

struct udp_table {
	struct session *buckets[BUCKETS];
	size_t count, kept;
	struct chain unanswered, answered;
	struct timer timer;
	struct ports *ports;
	uint8_t datagram[DATAGRAM_MAX];
};

/* What came with a datagram. */
struct arrival {
	struct sockaddr_storage address;
	struct port_client client;
	struct asked asked;
	size_t size;
};

/* ---- the table ------------------------------------------------------------------------- */

/* FNV-1a. Clients can be made up in any number, but not more than PORT_SESSIONS_MAX at once. */
static size_t bucket_of(const struct listener *listener, const struct port_client *client)
{
	uint64_t hash = 0xcbf29ce484222325U ^ (uint64_t)(uintptr_t)listener;

	for (size_t i = 0; i < sizeof(client->ip.bytes); i++)
		hash = (hash ^ client->ip.bytes[i]) * 0x100000001b3U;
	hash = (hash ^ client->port) * 0x100000001b3U;
	return (hash ^ hash >> 32) % BUCKETS;
}

static struct session *find(const struct udp_table *table,
			    const struct listener *listener,
			    const struct arrival *arrival)
{
	struct session *at = table->buckets[bucket_of(listener, &arrival->client)];

	while (at &&
	       (at->listener != listener || at->client.port != arrival->client.port ||
		!ip_equal(&at->client.ip, &arrival->client.ip) ||
		!ip_equal(&at->asked.ip, &arrival->asked.ip)))
		at = at->next;
	return at;
}

static struct journal *journal_of(const struct ports *ports)
{
	return ports->spec.gate ? ports->spec.gate->journal : NULL;
}

static void drop_kept(struct udp_table *table, struct session *session)
{
	table->kept -= session->kept_size;
	free(session->kept);
	session->kept = NULL;
	session->kept_size = 0;
}

static void end_session(struct udp_table *table, struct session *session)
{
	struct session **at =
		&table->buckets[bucket_of(session->listener, &session->client)];
	struct ports *ports = table->ports;

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	table->count--;
	chain_remove(&session->chain);
	pool_leave(&session->want);
	loop_close(ports->spec.loop, &session->watch);
	drop_kept(table, session);
	if (session->flow)
		journal_end(journal_of(ports), session->flow, session->bytes_out,
			    session->bytes_in);
	free(session);
}

static void end_oldest(struct udp_table *table)
{
	struct chain *from = chain_is_empty(&table->unanswered) ? &table->answered
								: &table->unanswered;

	end_session(table, chain_of(from->next, struct session, chain));
}

static void end_silent(struct udp_table *table, struct chain *chain, uint64_t before_ms)
{
	while (!chain_is_empty(chain)) {
		struct session *oldest = chain_of(chain->next, struct session, chain);

		if (oldest->last_ms > before_ms)
			return;
		end_session(table, oldest);
	}
}

static void look(struct timer *timer)
{
	struct udp_table *table = chain_of(timer, struct udp_table, timer);
	const uint64_t now = loop_now_ms(table->ports->spec.loop);

	/* The clock counts from the start of the host, which may be a moment ago. */
	if (now > PORT_UNANSWERED_MS)
		end_silent(table, &table->unanswered, now - PORT_UNANSWERED_MS);
	if (now > PORT_ANSWERED_MS)
		end_silent(table, &table->answered, now - PORT_ANSWERED_MS);
	if (table->count)
		loop_arm(table->ports->spec.loop, &table->timer, now + LOOK_MS);
}

static void touch(struct udp_table *table, struct session *session)
{
	session->last_ms = loop_now_ms(table->ports->spec.loop);
	chain_remove(&session->chain);
	chain_append(session->answered ? &table->answered : &table->unanswered,
		     &session->chain);
}

/* ---- to the client --------------------------------------------------------------------- */

union asked_space {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void put_asked(struct msghdr *header, union asked_space *space,
		      const struct asked *asked)
{
	const bool v4 = ip_is_v4(&asked->ip);
	const struct in_pktinfo info = { .ipi_spec_dst.s_addr = ip_to_v4(&asked->ip) };
	struct in6_pktinfo info6 = { .ipi6_ifindex = asked->interface };
	const size_t size = v4 ? sizeof(info) : sizeof(info6);

	memcpy(&info6.ipi6_addr, asked->ip.bytes, sizeof(info6.ipi6_addr));
	memset(space, 0, sizeof(*space));
	header->msg_control = space;
	header->msg_controllen = CMSG_SPACE(size);
	space->header.cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	space->header.cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	space->header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&space->header), v4 ? (const void *)&info : (const void *)&info6,
	       size);
}

/* One that is over the rate is lost, as on any slow link. */
static bool may_pass(const struct ports *ports, struct rate *rate, size_t size)
{
	const uint64_t now = loop_now_ms(ports->spec.loop);
	uint64_t taken;

	if (!rate || rate->bytes_per_second == 0)
		return true;
	taken = rate_take(rate, size, now);
	if (taken >= size)
		return true;
	rate_return(rate, taken);
	return false;
}

static void answer(const struct session *session, uint8_t *bytes, size_t size)
{
	struct sockaddr_storage address = session->address;
	struct iovec part = { .iov_base = bytes, .iov_len = size };
	struct msghdr header = {
		.msg_name = &address,
		.msg_namelen = session->address.ss_family == AF_INET
				       ? sizeof(struct sockaddr_in)
				       : sizeof(struct sockaddr_in6),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	union asked_space space;

	if (session->listener->tells_asked)
		put_asked(&header, &space, &session->asked);
	/* What cannot be sent is lost. */
	(void)sendmsg(session->listener->watch.fd, &header, MSG_NOSIGNAL);
}

static void next_way(struct session *session, const uint8_t *bytes, size_t size);

/*
 * A server that had answered has ended: a datagram to come finds out who listens now. Where
 * nobody answered, the next way is prepared for it.
 */
static void lose_server(struct session *session)
{
	struct ports *ports = session->listener->ports;

	if (session->answered) {
		end_session(ports->udp, session);
		return;
	}
	loop_close(ports->spec.loop, &session->watch);
	next_way(session, NULL, 0);
}

/* The server's socket: answers, or that there is no server. */
static void inside_told(struct watch *watch, uint32_t events)
{
	struct session *session = chain_of(watch, struct session, watch);
	struct ports *ports = session->listener->ports;
	struct udp_table *table = ports->udp;

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		const ssize_t size =
			recv(watch->fd, table->datagram, sizeof(table->datagram), 0);

		if (size < 0 && errno == EAGAIN)
			return;
		if (size < 0) {
			lose_server(session);
			return;
		}
		session->answered = true;
		session->listener->way = session->way;
		session->bytes_out += (uint64_t)size;
		touch(table, session);
		if (may_pass(ports, ports->spec.out, (size_t)size))
			answer(session, table->datagram, (size_t)size);
	}
}

/* ---- to the server --------------------------------------------------------------------- */

static void deliver(struct session *session, const uint8_t *bytes, size_t size)
{
	struct ports *ports = session->listener->ports;

	if (!may_pass(ports, ports->spec.in, size))
		return;
	session->bytes_in += size;
	/* An error that an earlier one has met would take this one's place: sent again. */
	if (send(session->watch.fd, bytes, size, MSG_NOSIGNAL) < 0 &&
	    errno == ECONNREFUSED)
		(void)send(session->watch.fd, bytes, size, MSG_NOSIGNAL);
}

/*
 * In the sandbox the answer to the first datagram that nobody is listening is there when
 * send(2) returns.
 */
static bool is_refused(const struct session *session)
{
	socklen_t size = sizeof(int);
	int errnum = 0;

	(void)getsockopt(session->watch.fd, SOL_SOCKET, SO_ERROR, &errnum, &size);
	return errnum == ECONNREFUSED;
}

static void keep(struct session *session, const uint8_t *bytes, size_t size)
{
	struct udp_table *table = session->listener->ports->udp;

	if (session->kept || table->kept + size > KEPT_MAX)
		return;
	session->kept = malloc(size ? size : 1);
	if (!session->kept)
		return;
	memcpy(session->kept, bytes, size);
	session->kept_size = size;
	table->kept += size;
}

static bool open_way(struct session *session, int fd)
{
	struct ports *ports = session->listener->ports;
	struct way_ends ends;

	if (!way_ends(ports, session->listener, &session->client, session->way, &ends))
		return false;
	if (way_connect(fd, &ends) < 0)
		return false;
	session->watch = (struct watch){ fd, inside_told };
	if (loop_watch(ports->spec.loop, &session->watch, EPOLLIN) == 0)
		return true;
	session->watch.fd = -1;
	return false;
}

static void take_socket(struct want *want, int fd)
{
	struct session *session = chain_of(want, struct session, want);
	struct udp_table *table = session->listener->ports->udp;
	uint8_t *bytes = session->kept;
	const size_t size = session->kept_size;

	session->kept = NULL;
	session->kept_size = 0;
	table->kept -= size;
	if (fd < 0)
		session->tried &= ~(1U << session->way);
	if (fd < 0 || !open_way(session, fd)) {
		fd_close(&fd);
		next_way(session, bytes, size);
		free(bytes);
		return;
	}
	if (bytes)
		deliver(session, bytes, size);
	if (is_refused(session)) {
		loop_close(session->listener->ports->spec.loop, &session->watch);
		next_way(session, bytes, size);
	}
	free(bytes);
}

/* Tries what was not tried, with the datagram that is to get there. */
static void next_way(struct session *session, const uint8_t *bytes, size_t size)
{
	struct listener *listener = session->listener;
	struct ports *ports = listener->ports;
	enum port_way way;
	struct way_ends ends;

	for (way = way_next(listener->way, session->tried); way != WAY_COUNT;
	     way = way_next(way, session->tried)) {
		session->tried |= 1U << way;
		if (!way_ends(ports, listener, &session->client, way, &ends))
			continue;
		session->way = way;
		if (bytes)
			keep(session, bytes, size);
		pool_take(&ports->pools, &ends.kind, &session->want);
		return;
	}
	end_session(ports->udp, session);
}

static void begin(struct listener *listener, const struct arrival *arrival,
		  const uint8_t *bytes)
{
	struct ports *ports = listener->ports;
	struct udp_table *table = ports->udp;
	struct session *session = calloc(1, sizeof(*session));
	struct session **bucket;
	struct flow_key flow;

	if (!session)
		return;
	if (table->count >= PORT_SESSIONS_MAX)
		end_oldest(table);
	*session = (struct session){
		.watch = { .fd = -1 },
		.want = { .take = take_socket },
		.listener = listener,
		.client = arrival->client,
		.address = arrival->address,
		.asked = arrival->asked,
	};
	chain_init(&session->chain);
	chain_init(&session->want.chain);
	bucket = &table->buckets[bucket_of(listener, &arrival->client)];
	session->next = *bucket;
	*bucket = session;
	table->count++;
	touch(table, session);
	if (table->timer.at_ms == 0)
		loop_arm(ports->spec.loop, &table->timer,
			 loop_now_ms(ports->spec.loop) + LOOK_MS);
	if (journal_of(ports)) {
		port_flow(listener, &session->client, &flow);
		journal_begin(journal_of(ports), PATH_PORT, &flow, NULL, &session->flow);
	}
	next_way(session, bytes, arrival->size);
}

/* ---- what comes ------------------------------------------------------------------------ */

static void read_asked(struct msghdr *header, struct asked *ret_asked)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part;
	     part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(part), sizeof(info));
			ret_asked->ip = ip_from_v4(info.ipi_spec_dst.s_addr);
		}
		if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(part), sizeof(info));
			memcpy(ret_asked->ip.bytes, &info.ipi6_addr,
			       sizeof(ret_asked->ip.bytes));
			ret_asked->interface = (unsigned int)info.ipi6_ifindex;
		}
	}
}

/* False: there is no more. */
static bool receive(struct listener *listener, struct arrival *ret_arrival)
{
	struct udp_table *table = listener->ports->udp;
	struct arrival arrival = { .asked.ip = listener->place.host };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) * 2];
	} space;
	struct iovec part = { .iov_base = table->datagram,
			      .iov_len = sizeof(table->datagram) };
	struct msghdr header = {
		.msg_name = &arrival.address,
		.msg_namelen = sizeof(arrival.address),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &space,
		.msg_controllen = sizeof(space),
	};
	const ssize_t size = recvmsg(listener->watch.fd, &header, 0);

	if (size < 0 || ip_from_sockaddr(&arrival.address, &arrival.client.ip,
					 &arrival.client.port) < 0)
		return false;
	if (listener->tells_asked)
		read_asked(&header, &arrival.asked);
	arrival.size = (size_t)size;
	*ret_arrival = arrival;
	return true;
}

void port_udp_told(struct watch *watch, uint32_t events)
{
	struct listener *listener = chain_of(watch, struct listener, watch);
	struct udp_table *table = listener->ports->udp;
	struct arrival arrival;

	(void)events;
	for (int i = 0; i < BATCH && receive(listener, &arrival); i++) {
		struct session *session = find(table, listener, &arrival);

		if (!session) {
			begin(listener, &arrival, table->datagram);
			continue;
		}
		touch(table, session);
		if (session->watch.fd >= 0)
			deliver(session, table->datagram, arrival.size);
	}
}

/* ---- the door's part ------------------------------------------------------------------- */

/* For the ways that are likely. */
static void warm(struct ports *ports)
{
	const bool transparent = ports->spec.udp_source;
	const struct pool_kind kind4 = { AF_INET, SOCK_DGRAM, transparent };
	const struct pool_kind kind6 = { AF_INET6, SOCK_DGRAM, transparent };

	pool_warm(&ports->pools, &kind4, WARM);
	if (ports->spec.net->address6.bits)
		pool_warm(&ports->pools, &kind6, WARM);
}

int port_udp_init(struct ports *ports)
{
	if (ports->udp)
		return 0;
	ports->udp = calloc(1, sizeof(*ports->udp));
	if (!ports->udp)
		return -1;
	ports->udp->ports = ports;
	ports->udp->timer.rang = look;
	chain_init(&ports->udp->unanswered);
	chain_init(&ports->udp->answered);
	warm(ports);
	return 0;
}

static void end_sessions_of(struct udp_table *table, struct chain *chain,
			    const struct listener *listener)
{
	struct chain *next;

	for (struct chain *at = chain->next; at != chain; at = next) {
		struct session *session = chain_of(at, struct session, chain);

		next = at->next;
		if (session->listener == listener)
			end_session(table, session);
	}
}

void port_udp_forget(struct ports *ports, const struct listener *listener)
{
	if (!ports->udp)
		return;
	end_sessions_of(ports->udp, &ports->udp->unanswered, listener);
	end_sessions_of(ports->udp, &ports->udp->answered, listener);
}

void port_udp_free(struct ports *ports)
{
	if (!ports->udp)
		return;
	loop_disarm(ports->spec.loop, &ports->udp->timer);
	free(ports->udp);
	ports->udp = NULL;
}
