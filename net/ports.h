/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PORTS_H
#define SBX_NET_PORTS_H

/*
 * Published ports: listeners on the host, joined with sockets that the inner half makes in
 * the sandbox. The client's own address is kept where the workload listens on the interface; a
 * workload that listens on loopback alone is reached without it. UDP by small tables of clients. `sbx port`
 * adds, removes and lists while it runs.
 */

#include "net/gate.h"
#include "net/messages.h"
#include "net/splice.h"

struct frame_path;
struct ports;

struct ports_spec {
	struct loop *loop;
	struct gate *gate;
	struct splicer *splicer;
	struct rate *out, *in;
	const struct net_spec *net;
	struct frame_path
		*frames; /* what serves where there is no inner half; may be NULL */
	bool by_frames;  /* libslirp serves: nobody has sockets inside */
	/* Sends INNER_SOCKETS to the inner half. */
	void (*want_sockets)(void *context, int family, int type, uint32_t count,
			     bool transparent);
	void *context;
	/* What is in use, for `sbx port NAME list`. */
	const char *paths;
	/*
	 * Servers of UDP inside can answer a client at its own address
	 * (inner_setup.keeps_udp_source).
	 */
	bool udp_source;
};

/*
 * Opened before confine_outer(): listeners of the spec are bound here, and may fail with the
 * port named; ERROR_PORT, with who holds it as a hint. The soft limit of descriptors is raised where
 * it has to be. *ret_fds is for ports_new() only: there are places of -1 in it.
 */
int ports_bind(const struct net_spec *net, struct arena *arena, int **ret_fds,
	       size_t *ret_count, struct error *err);

/* Takes the descriptors, also where it fails. What spec points to must live on. */
struct ports *ports_new(const struct ports_spec *spec, const int *fds, size_t count,
			struct error *err);
void ports_free(struct ports *ports);

/*
 * "127.0.0.1:43211 leads to port 80" for each port of the host that nobody chose.
 */
void ports_tell_chosen(const struct ports *ports,
		       void (*tell)(void *context, const char *line), void *context);

/* INNER_SOCKETS came back, with count descriptors, which are taken; 0: it can make none. */
void ports_take_sockets(struct ports *ports, const struct inner_message *message,
			const int *fds, size_t count);

/* The listener of `sbx port`; taken. */
int ports_serve(struct ports *ports, int listener, struct error *err);

#endif
