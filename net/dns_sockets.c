/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "net/dns.h"
#include "net/dns_message.h"
#include "net/loop.h"

enum {
	IDLE_MS = 10 * 1000, /* after which a connection ends (RFC 7766, 6.2.3) */
	PAUSE_MS = 100,      /* without accepting, where there was no descriptor left */
	DATAGRAMS_A_TURN = 32,
	ACCEPTS_A_TURN = 8,
	LENGTH_SIZE = 2,
};

struct udp {
	struct watch watch; /* first */
	struct dns_sockets *sockets;
};

struct listener {
	struct watch watch; /* first */
	struct timer pause;
	struct dns_sockets *sockets;
	int paused; /* the descriptor, while nothing is accepted; else -1 */
};

struct client {
	struct watch watch; /* first */
	struct timer idle;
	struct dns_sockets *sockets;
	bool used;
	bool asking;  /* an answer is awaited */
	bool pumping; /* it may come at once */
	bool ended;   /* the client has said all */
	uint64_t heard_ms;
	uint32_t events;
	size_t in_size, out_size, out_sent;
	uint8_t in[LENGTH_SIZE + DNS_UDP_MAX];
	uint8_t out[LENGTH_SIZE + DNS_MESSAGE_MAX];
};

/* Pages that no client has come to are never touched. */
struct dns_sockets {
	struct dns *dns;
	struct loop *loop;
	struct udp udps[DNS_SOCKETS_MAX];
	struct listener listeners[DNS_SOCKETS_MAX];
	size_t udp_count, listener_count;
	struct client clients[DNS_CLIENTS_MAX];
	uint8_t datagram[DNS_UDP_MAX + 1];
};

struct dns_sockets *dns_sockets_new(struct dns *dns, struct loop *loop)
{
	struct dns_sockets *sockets = calloc(1, sizeof(*sockets));

	if (sockets == NULL)
		return NULL;
	sockets->dns = dns;
	sockets->loop = loop;
	return sockets;
}

static void set_nonblocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* ---- datagrams -------------------------------------------------------------------------- */

static void udp_told(struct watch *watch, uint32_t events)
{
	struct dns_sockets *sockets = ((struct udp *)watch)->sockets;
	struct dns_return to = { .fd = watch->fd };

	(void)events;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		ssize_t size;

		to.from_length = sizeof(to.from);
		size = recvfrom(watch->fd, sockets->datagram, sizeof(sockets->datagram),
				MSG_DONTWAIT, (struct sockaddr *)&to.from,
				&to.from_length);
		if (size < 0)
			return;
		if (size <= DNS_UDP_MAX)
			dns_ask_return(sockets->dns, sockets->datagram, (size_t)size,
				       DNS_UDP_MAX, &to);
	}
}

int dns_sockets_add_udp(struct dns_sockets *sockets, int fd, struct error *err)
{
	auto_close int taken = fd;
	struct udp *udp = &sockets->udps[sockets->udp_count];

	if (sockets->udp_count == DNS_SOCKETS_MAX)
		return error_set(err, ERROR_NETWORK, "serve more than %d sockets of DNS",
				 DNS_SOCKETS_MAX);
	set_nonblocking(fd);
	*udp = (struct udp){ .watch = { fd, udp_told }, .sockets = sockets };
	if (loop_watch(sockets->loop, &udp->watch, EPOLLIN) < 0)
		return error_errno_id(err, ERROR_NETWORK, "watch the socket for DNS");
	sockets->udp_count++;
	fd_take(&taken);
	return 0;
}

/* ---- one connection --------------------------------------------------------------------- */

static void drop_client(struct client *client)
{
	struct loop *loop = client->sockets->loop;

	dns_forget(client->sockets->dns, client);
	loop_disarm(loop, &client->idle);
	loop_close(loop, &client->watch);
	client->used = false;
}

static struct client *client_of(struct timer *idle)
{
	return (struct client *)((char *)idle - offsetof(struct client, idle));
}

static void idle_rang(struct timer *timer)
{
	drop_client(client_of(timer));
}

static void stay(struct client *client)
{
	struct loop *loop = client->sockets->loop;

	client->heard_ms = loop_now_ms(loop);
	loop_arm(loop, &client->idle, client->heard_ms + IDLE_MS);
}

/* The size of the question that is there whole; 0: there is none. */
static size_t whole_question(const struct client *client)
{
	size_t size;

	if (client->in_size < LENGTH_SIZE)
		return 0;
	size = dns_get_u16(client->in);
	return client->in_size - LENGTH_SIZE >= size ? size : 0;
}

static bool is_too_long(const struct client *client)
{
	return client->in_size >= LENGTH_SIZE &&
	       (dns_get_u16(client->in) > DNS_UDP_MAX ||
		dns_get_u16(client->in) < DNS_HEADER_SIZE);
}

/* -1: the client is gone. */
static int send_rest(struct client *client)
{
	while (client->out_sent < client->out_size) {
		const ssize_t size = send(
			client->watch.fd, client->out + client->out_sent,
			client->out_size - client->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (size < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		client->out_sent += (size_t)size;
		stay(client);
	}
	client->out_size = client->out_sent = 0;
	return 0;
}

static void pump(struct client *client);

static void client_reply(void *context, const uint8_t *answer, size_t size)
{
	struct client *client = context;

	client->asking = false;
	if (size <= DNS_MESSAGE_MAX) {
		dns_put_u16(client->out, (uint16_t)size);
		memcpy(client->out + LENGTH_SIZE, answer, size);
		client->out_size = LENGTH_SIZE + size;
		client->out_sent = 0;
	}
	if (!client->pumping)
		pump(client);
}

static void ask(struct client *client, size_t size)
{
	const struct dns_return to = { .fd = -1,
				       .reply = client_reply,
				       .context = client };
	uint8_t question[DNS_UDP_MAX];

	memcpy(question, client->in + LENGTH_SIZE, size);
	client->in_size -= LENGTH_SIZE + size;
	memmove(client->in, client->in + LENGTH_SIZE + size, client->in_size);
	client->asking = true;
	dns_ask_return(client->sockets->dns, question, size, DNS_MESSAGE_MAX, &to);
}

static void change_events(struct client *client)
{
	const bool listens = !client->ended && !client->asking && client->out_size == 0;
	const uint32_t events = (listens ? (uint32_t)EPOLLIN : 0) |
				(client->out_size > 0 ? (uint32_t)EPOLLOUT : 0);

	if (events == client->events)
		return;
	client->events = events;
	if (loop_change(client->sockets->loop, &client->watch, events) < 0)
		drop_client(client);
}

/* Goes on as far as it can: answers out, then the next question. */
static void pump(struct client *client)
{
	bool alive;
	size_t size;

	client->pumping = true;
	do {
		alive = send_rest(client) == 0 && !is_too_long(client);
		size = alive && client->out_size == 0 && !client->asking
			       ? whole_question(client)
			       : 0;
		if (size > 0)
			ask(client, size);
	} while (size > 0);
	client->pumping = false;
	if (!alive || (client->ended && !client->asking && client->out_size == 0))
		drop_client(client);
	else
		change_events(client);
}

static int receive(struct client *client)
{
	const ssize_t size = recv(client->watch.fd, client->in + client->in_size,
				  sizeof(client->in) - client->in_size, MSG_DONTWAIT);

	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (size == 0)
		client->ended = true;
	client->in_size += (size_t)size;
	stay(client);
	return 0;
}

static void client_told(struct watch *watch, uint32_t events)
{
	struct client *client = (struct client *)watch;

	if ((events & (EPOLLERR | EPOLLHUP)) != 0 ||
	    ((events & EPOLLIN) != 0 && receive(client) < 0))
		drop_client(client);
	else
		pump(client);
}

/* ---- connections ------------------------------------------------------------------------ */

/* A free place, or that of who was silent longest and awaits nothing; NULL: all are busy. */
static struct client *find_place(struct dns_sockets *sockets)
{
	struct client *idlest = NULL;

	for (int i = 0; i < DNS_CLIENTS_MAX; i++) {
		struct client *client = &sockets->clients[i];

		if (!client->used)
			return client;
		if (client->asking || client->out_size > 0)
			continue;
		if (idlest == NULL || client->heard_ms < idlest->heard_ms)
			idlest = client;
	}
	if (idlest != NULL)
		drop_client(idlest);
	return idlest;
}

static void take_client(struct dns_sockets *sockets, int fd)
{
	auto_close int taken = fd;
	struct client *client = find_place(sockets);

	if (client == NULL)
		return;
	client->watch = (struct watch){ fd, client_told };
	client->idle = (struct timer){ .rang = idle_rang };
	client->sockets = sockets;
	client->asking = client->pumping = client->ended = false;
	client->in_size = client->out_size = client->out_sent = 0;
	client->events = EPOLLIN;
	if (loop_watch(sockets->loop, &client->watch, client->events) < 0)
		return;
	fd_take(&taken);
	client->used = true;
	stay(client);
}

static void pause_rang(struct timer *timer)
{
	struct listener *listener =
		(struct listener *)((char *)timer - offsetof(struct listener, pause));

	listener->watch.fd = fd_take(&listener->paused);
	if (loop_watch(listener->sockets->loop, &listener->watch, EPOLLIN) == 0)
		return;
	listener->paused = fd_take(&listener->watch.fd);
	loop_arm(listener->sockets->loop, &listener->pause,
		 loop_now_ms(listener->sockets->loop) + PAUSE_MS);
}

/* Who waits stays readable: without a pause the loop would turn for nothing. */
static void make_pause(struct listener *listener)
{
	struct loop *loop = listener->sockets->loop;

	listener->paused = loop_unwatch(loop, &listener->watch);
	loop_arm(loop, &listener->pause, loop_now_ms(loop) + PAUSE_MS);
}

static void listener_told(struct watch *watch, uint32_t events)
{
	struct listener *listener = (struct listener *)watch;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		const int fd =
			accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			take_client(listener->sockets, fd);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR && errno != ECONNABORTED) {
			make_pause(listener);
			return;
		}
	}
}

int dns_sockets_add_tcp(struct dns_sockets *sockets, int listener, struct error *err)
{
	auto_close int taken = listener;
	struct listener *added = &sockets->listeners[sockets->listener_count];

	if (sockets->listener_count == DNS_SOCKETS_MAX)
		return error_set(err, ERROR_NETWORK,
				 "serve more than %d listeners of DNS", DNS_SOCKETS_MAX);
	set_nonblocking(listener);
	*added = (struct listener){
		.watch = { listener, listener_told },
		.pause = { .rang = pause_rang },
		.sockets = sockets,
		.paused = -1,
	};
	if (loop_watch(sockets->loop, &added->watch, EPOLLIN) < 0)
		return error_errno_id(err, ERROR_NETWORK, "watch the listener for DNS");
	sockets->listener_count++;
	fd_take(&taken);
	return 0;
}

void dns_sockets_free(struct dns_sockets *sockets)
{
	if (sockets == NULL)
		return;
	for (size_t i = 0; i < sockets->udp_count; i++)
		loop_close(sockets->loop, &sockets->udps[i].watch);
	for (size_t i = 0; i < sockets->listener_count; i++) {
		loop_disarm(sockets->loop, &sockets->listeners[i].pause);
		loop_close(sockets->loop, &sockets->listeners[i].watch);
		fd_close(&sockets->listeners[i].paused);
	}
	for (int i = 0; i < DNS_CLIENTS_MAX; i++) {
		if (sockets->clients[i].used)
			drop_client(&sockets->clients[i]);
	}
	free(sockets);
}
