/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PORT_PARTS_H
#define SBX_NET_PORT_PARTS_H

/*
 * What the rooms of published ports share (ports*.c, port_*.c).
 *
 * A listener is one port of one address of the host. A client that comes is led to the port
 * inside by one of four ways, tried in order from the one that worked last. Each needs a
 * socket that was made inside; the inner half makes them ahead of time, in batches.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"
#include "net/net.h"
#include "net/ports.h"

enum {
	PUBLISH_ADDRESSES = 2,     /* 127.0.0.1 and ::1 */
	PORT_LISTENERS_MAX = 4096, /* of one sandbox */
	PORT_JOINING_MAX = 1024,   /* connections that wait for their far end */
	PORT_SESSIONS_MAX = 1024,  /* clients of UDP */
	PORT_POOL_MAX = 128,       /* sockets of one kind that are kept ready */
	PORT_ASK = 32,             /* that are asked for at once; at most INNER_FDS_MAX */
	PORT_CONNECT_MS = 5000,    /* for each way */
	PORT_UNANSWERED_MS = 30000, /* UDP: the server has said nothing yet */
	PORT_ANSWERED_MS = 180000,  /* RFC 4787, REQ-5: not below 2 minutes */
};

/* How a client is led in. */
enum port_way {
	WAY_SOURCE,         /* from its own address, to the interface's */
	WAY_LOOPBACK,       /* to loopback, from there */
	WAY_OTHER,          /* from the gateway to the interface's, of the other family */
	WAY_OTHER_LOOPBACK, /* to loopback of the other family */
	WAY_COUNT,
};

/* One place that is published. */
struct port_place {
	struct ip host;
	uint16_t host_port, guest_port;
	enum net_protocol protocol;
	bool chosen; /* nobody chose it: it was free */
};

struct listener {
	struct watch watch;
	struct ports *ports;
	struct port_place place;
	bool by_frames;    /* libslirp has the socket */
	bool tells_asked;  /* UDP: a datagram says which address it came to */
	bool held;         /* not watched until there is room */
	enum port_way way; /* that worked last */
	struct listener *next;
};

/* A doubly linked list without a count; a member is in one at most. */
struct chain {
	struct chain *next, *before;
};

void chain_init(struct chain *chain);
bool chain_is_empty(const struct chain *chain);
void chain_append(struct chain *chain, struct chain *member);
void chain_remove(struct chain *member);

/* The struct that a member stands in. */
#define chain_of(member, type, field)                                                    \
	((type *)(void *)((char *)(member)-offsetof(type, field)))

/* ---- sockets made inside (port_pool.c) -------------------------------------------------- */

struct pool_kind {
	int family, type;
	bool transparent;
};

enum { POOL_COUNT = 8 };

struct pool {
	int fds[PORT_POOL_MAX];
	size_t count;
	size_t requests;           /* that were not answered yet */
	uint64_t refused_until_ms; /* none can be made */
	struct chain waiting;      /* struct want */
	size_t waiting_count;
};

/* Somebody who waits for a socket. */
struct want {
	struct chain chain;
	struct pool *pool; /* that it waits at, or NULL */
	/* fd -1: none can be made. Taken. */
	void (*take)(struct want *want, int fd);
};

struct pools {
	struct pool pools[POOL_COUNT];
	const struct ports_spec *spec;
};

void pools_init(struct pools *pools, const struct ports_spec *spec);
void pools_free(struct pools *pools);

/* Asks for some ahead of time. */
void pool_warm(struct pools *pools, const struct pool_kind *kind, uint32_t count);

/* Calls want->take() at once, or when there is one. want->pool is NULL. */
void pool_take(struct pools *pools, const struct pool_kind *kind, struct want *want);

/* Waits no more. */
void pool_leave(struct want *want);

/* The inner half could make none a moment ago. */
bool pool_refuses(struct pools *pools, const struct pool_kind *kind);

void pools_fill(struct pools *pools, const struct pool_kind *kind, const int *fds,
		size_t count);

/* ---- ways (port_ways.c) ----------------------------------------------------------------- */

struct port_client {
	struct ip ip;
	uint16_t port;
};

/* The ends of a connection inside. */
struct way_ends {
	struct pool_kind kind;
	bool has_from;
	struct ip from;
	uint16_t from_port; /* 0: any */
	struct ip to;
	uint16_t port;
};

/* The way after `way` that is not in tried (bits); WAY_COUNT: there is none. */
enum port_way way_next(enum port_way way, unsigned int tried);

/* False: there is no such way for this client. */
bool way_ends(struct ports *ports, const struct listener *listener,
	      const struct port_client *client, enum port_way way,
	      struct way_ends *ret_ends);

/* connect(2), after bind(2) where the ends say from where. -1 and errno. */
int way_connect(int fd, const struct way_ends *ends);

/* ---- the parts -------------------------------------------------------------------------- */

struct port_service;

struct ports {
	struct ports_spec spec;
	struct listener *listeners;
	struct listener **end; /* where the next one is put */
	size_t listener_count;
	struct pools pools;
	size_t held; /* listeners that wait for room */
	struct timer room;

	/* TCP: by the time that their way has. */
	struct chain joining;
	size_t joining_count;
	struct timer patience;

	/* UDP */
	struct udp_table *udp; /* NULL until the first port of it */

	struct port_service *service; /* of `sbx port`; may be NULL */
};

/* Opens the listener's socket. -1 and errno. */
int port_open(const struct port_place *place);

/*
 * One port of the publication on all of its addresses. fds and places have room for
 * PUBLISH_ADDRESSES; an address that this host has not is -1. Returns how many there are.
 */
int port_open_all(const struct publish *publish, size_t index, int *fds,
		  struct port_place *places, struct error *err);

/* The places of one port, and how many, as port_open_all() has them. */
size_t port_places(const struct publish *publish, size_t index,
		   struct port_place *places);
size_t publish_count(const struct publish *publish);

/* Puts a listener into service; takes fd, also where it fails. */
int ports_add(struct ports *ports, const struct port_place *place, int fd,
	      struct error *err);

/* Ends it; connections that it has brought go on. */
void ports_remove(struct ports *ports, struct listener *listener);

/* No room for more: the listener is watched again when there may be. */
void ports_hold(struct ports *ports, struct listener *listener);

/* There is room. */
void ports_let(struct ports *ports);

void port_tcp_told(struct watch *watch, uint32_t events);
void port_tcp_rang(struct timer *timer);
void port_tcp_forget(struct ports *ports, const struct listener *listener);

int port_udp_init(struct ports *ports);
void port_udp_free(struct ports *ports);
void port_udp_told(struct watch *watch, uint32_t events);
void port_udp_forget(struct ports *ports, const struct listener *listener);

/* A flow for the journal, as seen from inside. */
void port_flow(const struct listener *listener, const struct port_client *client,
	       struct flow_key *ret_flow);

void port_service_free(struct ports *ports);

#endif
