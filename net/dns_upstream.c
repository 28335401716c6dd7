/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_upstream.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "net/dns_answer.h"
#include "net/dns_stream.h"
#include "net/journal.h"
#include "net/resolv.h"

enum {
	TRY_MS = 800, /* of the first pass; each further one waits twice as long */
	PASSES = 3,
	WHOLE_MS =
		4500, /* libc asks again after 5 seconds, and is to hear the end before */
	REST_MS = 15 * 1000, /* a server that did not answer is asked last for so long */
	WRONG_MAX = 16,      /* more wrong answers than chance has: ask by TCP */
	PACKET_MAX = 4096,
	PACKETS_A_TURN = 8,
	RANDOM_AHEAD = 64,
};

struct server {
	struct sockaddr_storage address;
	socklen_t length;
	struct ip ip;
	uint64_t rests_until_ms;
	bool plain; /* cannot do EDNS */
};

/* An interface that was found once: later we may have no power to ask for it. */
struct zone {
	char name[IF_NAMESIZE];
	unsigned index;
};

struct dns_upstreams {
	struct dns_upstreams_spec spec;
	struct zone zones[RESOLV_SERVERS_MAX];
	size_t zone_count;
	struct server servers[RESOLV_SERVERS_MAX];
	size_t count;
	uint32_t generation;
	bool by_tcp;
	struct dns_streams *streams;
	uint16_t random[RANDOM_AHEAD];
	size_t random_left;
	uint8_t packet[PACKET_MAX];
};

static void ask_next(struct dns_exchange *exchange);

struct dns_upstreams *dns_upstreams_new(const struct dns_upstreams_spec *spec)
{
	struct dns_upstreams *upstreams = calloc(1, sizeof(*upstreams));

	if (upstreams == NULL)
		return NULL;
	upstreams->spec = *spec;
	if (upstreams->spec.port == 0)
		upstreams->spec.port = 53;
	if (upstreams->spec.try_ms == 0)
		upstreams->spec.try_ms = TRY_MS;
	upstreams->streams = dns_streams_new(spec->loop);
	if (upstreams->streams == NULL) {
		free(upstreams);
		return NULL;
	}
	return upstreams;
}

void dns_upstreams_free(struct dns_upstreams *upstreams)
{
	if (upstreams == NULL)
		return;
	dns_streams_free(upstreams->streams);
	free(upstreams);
}

/* ---- the servers ------------------------------------------------------------------------ */

static unsigned remembered_zone(const struct dns_upstreams *upstreams, const char *name)
{
	for (size_t i = 0; i < upstreams->zone_count; i++) {
		if (strcmp(upstreams->zones[i].name, name) == 0)
			return upstreams->zones[i].index;
	}
	return 0;
}

/* RFC 4007, 11.2: a number, or a name of the system. 0: there is none of that name. */
static unsigned find_zone(struct dns_upstreams *upstreams, const char *name)
{
	uint32_t index;

	if (text_to_u32(name, &index) == 0)
		return index;
	index = if_nametoindex(name);
	if (index == 0)
		return remembered_zone(upstreams, name);
	if (remembered_zone(upstreams, name) == 0 &&
	    upstreams->zone_count < RESOLV_SERVERS_MAX) {
		struct zone *zone = &upstreams->zones[upstreams->zone_count++];

		text_copy(zone->name, sizeof(zone->name), name);
		zone->index = index;
	}
	return index;
}

static void add_server(struct dns_upstreams *upstreams, const struct ip *ip,
		       const char *zone)
{
	struct server *server = &upstreams->servers[upstreams->count];
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&server->address;

	memset(server, 0, sizeof(*server));
	server->ip = *ip;
	server->length = ip_to_sockaddr(ip, upstreams->spec.port, &server->address);
	if (*zone != '\0' && server->address.ss_family == AF_INET6)
		v6->sin6_scope_id = find_zone(upstreams, zone);
	upstreams->count++;
}

void dns_upstreams_set(struct dns_upstreams *upstreams, const struct resolv *resolv)
{
	const struct ip loopback = ip_from_v4(htonl(INADDR_LOOPBACK));

	upstreams->count = 0;
	upstreams->generation++;
	upstreams->by_tcp = resolv->by_tcp;
	for (size_t i = 0; i < resolv->server_count; i++)
		add_server(upstreams, &resolv->servers[i].ip, resolv->servers[i].zone);
	if (upstreams->count == 0)
		add_server(upstreams, &loopback, "");
}

void dns_upstreams_list(const struct dns_upstreams *upstreams, char *to, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < upstreams->count && length < size; i++) {
		char text[IP_TEXT_MAX];
		const int added =
			snprintf(to + length, size - length, "%s%s", i > 0 ? ", " : "",
				 ip_format(&upstreams->servers[i].ip, text));

		length += added > 0 ? (size_t)added : 0;
	}
}

/* The server of a try, unless they were exchanged meanwhile. */
static struct server *server_of(struct dns_upstreams *upstreams, uint8_t index,
				uint32_t generation)
{
	return generation == upstreams->generation ? &upstreams->servers[index] : NULL;
}

static void rest(struct dns_upstreams *upstreams, uint8_t index, uint32_t generation)
{
	struct server *server = server_of(upstreams, index, generation);

	if (server != NULL)
		server->rests_until_ms = loop_now_ms(upstreams->spec.loop) + REST_MS;
}

/* -1: all of this pass were asked. */
static int choose(const struct dns_upstreams *upstreams, unsigned tried)
{
	const uint64_t now_ms = loop_now_ms(upstreams->spec.loop);
	int resting = -1;

	for (size_t i = 0; i < upstreams->count; i++) {
		if ((tried >> i & 1) != 0)
			continue;
		if (upstreams->servers[i].rests_until_ms <= now_ms)
			return (int)i;
		if (resting < 0)
			resting = (int)i;
	}
	return resting;
}

/* Random numbers, some of them at a time. Without any, an id that was used is no secret. */
static int take_random(struct dns_upstreams *upstreams, uint16_t *ret_random)
{
	if (upstreams->random_left == 0) {
		if (getrandom(upstreams->random, sizeof(upstreams->random), 0) !=
		    sizeof(upstreams->random))
			return -1;
		upstreams->random_left = RANDOM_AHEAD;
	}
	*ret_random = upstreams->random[--upstreams->random_left];
	return 0;
}

static void count_bytes(struct dns_upstreams *upstreams, size_t out, size_t in)
{
	struct net_counters *counters = upstreams->spec.counters;

	if (counters == NULL)
		return;
	counters->flows[PATH_DNS] += out > 0;
	counters->bytes_out[PATH_DNS] += out;
	counters->bytes_in[PATH_DNS] += in;
}

/* ---- the end of an exchange ------------------------------------------------------------- */

static void close_try(struct dns_upstreams *upstreams, struct dns_try *try)
{
	if (try->exchange == NULL)
		return;
	loop_close(upstreams->spec.loop, &try->watch);
	try->exchange = NULL;
}

static void close_tries(struct dns_exchange *exchange)
{
	for (int i = 0; i < DNS_TRIES; i++)
		close_try(exchange->upstreams, &exchange->tries[i]);
}

static void close_stream(struct dns_exchange *exchange)
{
	if (exchange->stream != NULL)
		dns_stream_close(exchange->stream);
	exchange->stream = NULL;
}

void dns_exchange_cancel(struct dns_exchange *exchange)
{
	if (exchange->upstreams == NULL)
		return;
	close_tries(exchange);
	close_stream(exchange);
	loop_disarm(exchange->upstreams->spec.loop, &exchange->timer);
	exchange->upstreams = NULL;
}

/* The message lives in a buffer that is not the exchange's. */
static void end(struct dns_exchange *exchange, const uint8_t *message, size_t size,
		unsigned rcode)
{
	dns_exchange_cancel(exchange);
	exchange->ended(exchange, message, size, rcode);
}

/* ---- what is heard ---------------------------------------------------------------------- */

/* Nobody else may know better of these. */
static bool is_final(int rcode)
{
	return rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN;
}

static bool is_about_edns(int rcode)
{
	return rcode == DNS_FORMERR || rcode == DNS_NOTIMP || rcode == DNS_BADVERS;
}

static void note_error(struct dns_exchange *exchange, int rcode)
{
	exchange->heard = true;
	exchange->rcode = rcode == DNS_REFUSED ? DNS_REFUSED : DNS_SERVFAIL;
}

/* It lives: it is asked first again. */
static void wake(struct dns_upstreams *upstreams, uint8_t index, uint32_t generation)
{
	struct server *server = server_of(upstreams, index, generation);

	if (server != NULL)
		server->rests_until_ms = 0;
}

static void hear_stream(void *context, const uint8_t *message, size_t size)
{
	struct dns_exchange *exchange = context;
	const uint8_t index = exchange->current;
	int rcode = -1;

	if (message != NULL) {
		count_bytes(exchange->upstreams, 0, size);
		rcode = dns_answer_rcode(message, size);
	}
	if (is_final(rcode)) {
		wake(exchange->upstreams, index, exchange->generation);
		end(exchange, message, size, (unsigned)rcode);
		return;
	}
	close_stream(exchange);
	if (rcode >= 0)
		note_error(exchange, rcode);
	ask_next(exchange);
}

static uint32_t patience_ms(const struct dns_exchange *exchange)
{
	return exchange->upstreams->spec.try_ms << exchange->passes;
}

static void wait_for(struct dns_exchange *exchange, uint64_t ms)
{
	struct loop *loop = exchange->upstreams->spec.loop;
	uint64_t at_ms = loop_now_ms(loop) + ms;

	if (at_ms > exchange->ends_ms)
		at_ms = exchange->ends_ms;
	loop_arm(loop, &exchange->timer, at_ms);
}

static int open_stream(struct dns_exchange *exchange, uint8_t index)
{
	struct dns_upstreams *upstreams = exchange->upstreams;
	const struct server *server = &upstreams->servers[index];
	uint16_t id;
	uint8_t query[PACKET_MAX];
	size_t size;

	if (take_random(upstreams, &id) < 0)
		return -1;
	size = dns_write_upstream_query(
		query, sizeof(query), id, DNS_RD | exchange->flags, &exchange->question,
		server->plain ? 0 : DNS_UDP_OFFERED, exchange->dnssec);
	exchange->stream =
		dns_stream_open(upstreams->streams, &server->address, server->length,
				query, size, hear_stream, exchange);
	if (exchange->stream == NULL)
		return -1;
	count_bytes(upstreams, size, 0);
	exchange->current = index;
	/* A connection takes a round trip more. */
	wait_for(exchange, 2ULL * patience_ms(exchange));
	return 0;
}

/* Asks again by TCP. The other tries end: their answers would be truncated as well. */
static void turn_to_stream(struct dns_exchange *exchange, uint8_t index,
			   uint32_t generation)
{
	close_tries(exchange);
	exchange->by_stream = true;
	exchange->tried = 0;
	if (generation == exchange->upstreams->generation &&
	    generation == exchange->generation) {
		exchange->tried = (uint8_t)(1U << index);
		if (open_stream(exchange, index) == 0)
			return;
	}
	ask_next(exchange);
}

static int open_try(struct dns_exchange *exchange, uint8_t index);

/* An error makes for the next server only where this was the newest try. */
static void hear_error(struct dns_try *try, int rcode)
{
	struct dns_exchange *exchange = try->exchange;
	struct dns_upstreams *upstreams = exchange->upstreams;
	struct server *server = server_of(upstreams, try->server, try->generation);
	const bool is_newest = try == &exchange->tries[exchange->newest];
	const uint8_t index = try->server;

	if (server != NULL && try->extended && is_about_edns(rcode)) {
		server->plain = true;
		close_try(upstreams, try);
		if (open_try(exchange, index) < 0)
			ask_next(exchange);
		return;
	}
	note_error(exchange, rcode);
	close_try(upstreams, try);
	if (is_newest)
		ask_next(exchange);
}

static void hear(struct dns_try *try, const uint8_t *packet, size_t size)
{
	struct dns_exchange *exchange = try->exchange;
	int rcode;

	count_bytes(exchange->upstreams, 0, size);
	wake(exchange->upstreams, try->server, try->generation);
	if ((packet[2] & (DNS_TC >> 8)) != 0) {
		turn_to_stream(exchange, try->server, try->generation);
		return;
	}
	rcode = dns_answer_rcode(packet, size);
	if (is_final(rcode))
		end(exchange, packet, size, (unsigned)rcode);
	else
		hear_error(try, rcode);
}

/* Nobody listens there, or the way is closed. */
static void hear_failure(struct dns_try *try)
{
	struct dns_exchange *exchange = try->exchange;
	const bool is_newest = try == &exchange->tries[exchange->newest];

	rest(exchange->upstreams, try->server, try->generation);
	close_try(exchange->upstreams, try);
	if (is_newest)
		ask_next(exchange);
}

static void hear_wrong(struct dns_try *try)
{
	if (++try->wrong >= WRONG_MAX)
		turn_to_stream(try->exchange, try->server, try->generation);
}

static void try_told(struct watch *watch, uint32_t events)
{
	struct dns_try *try = (struct dns_try *)watch;
	struct dns_exchange *exchange = try->exchange;
	uint8_t *packet = exchange->upstreams->packet;

	(void)events;
	for (int i = 0; i < PACKETS_A_TURN && try->exchange == exchange; i++) {
		const ssize_t size = recv(watch->fd, packet, PACKET_MAX, MSG_DONTWAIT);

		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (size < 0) {
			hear_failure(try);
			return;
		}
		if (dns_answer_belongs(packet, (size_t)size, try->id,
				       &exchange->question)) {
			hear(try, packet, (size_t)size);
			return;
		}
		hear_wrong(try);
	}
}

/* ---- what is asked ---------------------------------------------------------------------- */

static int send_query(struct dns_try *try, const struct server *server)
{
	struct dns_exchange *exchange = try->exchange;
	struct dns_upstreams *upstreams = exchange->upstreams;
	uint8_t query[PACKET_MAX];
	size_t size;

	if (take_random(upstreams, &try->id) < 0)
		return -1;
	try->extended = !server->plain;
	size = dns_write_upstream_query(query, sizeof(query), try->id,
					DNS_RD | exchange->flags, &exchange->question,
					try->extended ? DNS_UDP_OFFERED : 0,
					exchange->dnssec);
	if (connect(try->watch.fd, (const struct sockaddr *)&server->address,
		    server->length) < 0 ||
	    send(try->watch.fd, query, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -1;
	count_bytes(upstreams, size, 0);
	return loop_watch(upstreams->spec.loop, &try->watch, EPOLLIN);
}

/* The oldest try gives its place. */
static int open_try(struct dns_exchange *exchange, uint8_t index)
{
	struct dns_upstreams *upstreams = exchange->upstreams;
	const struct server *server = &upstreams->servers[index];
	const uint8_t place = (uint8_t)((exchange->newest + 1) % DNS_TRIES);
	struct dns_try *try = &exchange->tries[place];

	close_try(upstreams, try);
	*try = (struct dns_try){
		.watch = { .told = try_told },
		.server = index,
		.generation = upstreams->generation,
	};
	try->watch.fd = socket(server->address.ss_family,
			       SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (try->watch.fd < 0)
		return -1;
	try->exchange = exchange;
	if (send_query(try, server) < 0) {
		close_try(upstreams, try);
		return -1;
	}
	exchange->newest = place;
	exchange->current = index;
	wait_for(exchange, patience_ms(exchange));
	return 0;
}

static bool may_go_on(struct dns_exchange *exchange)
{
	struct dns_upstreams *upstreams = exchange->upstreams;

	if (loop_now_ms(upstreams->spec.loop) >= exchange->ends_ms)
		return false;
	if (exchange->generation == upstreams->generation)
		return true;
	exchange->generation = upstreams->generation;
	exchange->tried = 0;
	return true;
}

/* Another pass is worth it only where somebody was slow, and nobody has answered. */
static bool may_pass_again(struct dns_exchange *exchange)
{
	if (!exchange->slow || exchange->heard || exchange->passes + 1 >= PASSES)
		return false;
	exchange->passes++;
	exchange->tried = 0;
	exchange->slow = false;
	return true;
}

/*
 * An answer of an older try that is still awaited is worth its time: the timer that runs is
 * left alone then.
 */
static bool awaits_others(const struct dns_exchange *exchange)
{
	for (int i = 0; i < DNS_TRIES; i++) {
		if (exchange->tries[i].exchange != NULL && exchange->timer.at_ms != 0)
			return true;
	}
	return false;
}

static void ask_next(struct dns_exchange *exchange)
{
	struct dns_upstreams *upstreams = exchange->upstreams;

	while (may_go_on(exchange)) {
		const int index = choose(upstreams, exchange->tried);
		int opened;

		if (index < 0 && awaits_others(exchange))
			return;
		if (index < 0 && !may_pass_again(exchange))
			break;
		if (index < 0)
			continue;
		exchange->tried |= (uint8_t)(1U << index);
		opened = exchange->by_stream ? open_stream(exchange, (uint8_t)index)
					     : open_try(exchange, (uint8_t)index);
		if (opened == 0)
			return;
		rest(upstreams, (uint8_t)index, exchange->generation);
	}
	end(exchange, NULL, 0, exchange->heard ? exchange->rcode : DNS_SERVFAIL);
}

static void timer_rang(struct timer *timer)
{
	struct dns_exchange *exchange = (struct dns_exchange *)timer;

	exchange->slow = true;
	rest(exchange->upstreams, exchange->current, exchange->generation);
	close_stream(exchange);
	ask_next(exchange);
}

void dns_exchange_start(struct dns_upstreams *upstreams, struct dns_exchange *exchange)
{
	exchange->upstreams = upstreams;
	exchange->timer.rang = timer_rang;
	exchange->ends_ms = loop_now_ms(upstreams->spec.loop) + WHOLE_MS;
	exchange->generation = upstreams->generation;
	exchange->tried = exchange->passes = exchange->newest = exchange->current = 0;
	exchange->slow = exchange->heard = false;
	exchange->by_stream = upstreams->by_tcp;
	exchange->stream = NULL;
	for (int i = 0; i < DNS_TRIES; i++)
		exchange->tries[i].exchange = NULL;
	ask_next(exchange);
}
