/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_FRAME_PATH_H
#define SBX_NET_FRAME_PATH_H

/*
 * The rooms of the frame path, among themselves.
 *
 *   frame.c          the tap: reads, writes, waits
 *   frame_sort.c     what comes from either side, and where it goes
 *   frame_wash.c     what is not sound, or not the sandbox's own, goes no further
 *   frame_judge.c    new flows: the rules, and how a denial is said
 *   frame_tcp.c      TCP's flows, both ways
 *   frame_cross.c    clients of IPv6 for servers of IPv4
 *   frame_hold.c     connections whose first bytes are looked at (sni)
 *   frame_dns.c      questions by UDP
 *   frame_stream.c   questions by TCP: a small TCP of our own
 *
 * What the sandbox sends is hostile. Nothing reaches the stack that was not parsed, and no
 * segment of TCP that does not belong to a flow which both sides have agreed on.
 */

#include <linux/virtio_net.h>

#include "net/flows.h"
#include "net/frame.h"
#include "net/loop.h"
#include "net/packet.h"
#include "net/slirp_glue.h"
#include "net/sni.h"

enum {
	FRAME_FORWARDS_MAX = 512,
	FRAME_CROSSINGS_MAX = 256,
	FRAME_HEADROOM =
		22, /* a header of IPv6 is 20 bytes longer; addresses are aligned */
	FRAME_LATE_MAX = 64,    /* resets that wait for the end of the stack's turn */
	FRAME_LATE_SIZE = 80,   /* of one: headers only */
	FRAME_AHEAD_MAX = 128,  /* segments of a flow that the stack may have to sort */
	FRAME_AHEAD_ALL = 1024, /* of all flows: each costs it 64 KB */
	FRAME_PINGS_MAX = 256,  /* unanswered, in FRAME_PINGS_MS */
	FRAME_PINGS_MS = 240 * 1000,
	FRAME_HOLDS_MAX = 256,
	FRAME_STACK_MTU = 65520, /* libslirp's most is 65521 */

	/*
	 * Of the stack, and closed connections that it still remembers: each may cost it 400 KB
	 * of address space, and it ends when it gets no more (confine.c has the limit).
	 */
	FRAME_SOCKETS_MAX = 3000,
	FRAME_TCP_RELAYED_MAX = 256, /* where the relay has all but what overflows */
};

/* The beginning of a connection, while the stack has not acknowledged all of it. */
struct hold {
	uint8_t bytes[SNI_BYTES_MAX];
	size_t size;
	bool decided;
};

struct forward {
	enum net_protocol protocol;
	struct ip host;
	uint16_t host_port, guest_port;
};

/* A connection that is of IPv6 for the stack, and of IPv4 for the sandbox. */
struct crossing {
	struct ip peer;
	uint16_t port, guest_port;
};

struct questions; /* frame_dns.c */
struct streams;   /* frame_stream.c */

struct frame_path {
	struct frame_spec spec;
	struct net_counters *counters;
	struct stack *stack;
	struct flows *flows;
	struct questions *questions;
	struct streams *streams;
	struct watch tap;
	int lost_tap; /* no longer watched */
	struct timer tap_wait, sweep;
	uint64_t debt_out, debt_in; /* bytes that have gone ahead of the rate */
	uint16_t gso_mss, gso_mss6; /* of the interface's MTU */

	struct forward forwards[FRAME_FORWARDS_MAX];
	size_t forward_count;
	struct crossing crossings[FRAME_CROSSINGS_MAX];
	size_t crossing_count;
	bool crosses; /* the sandbox's packet in hand: so does the answer */
	struct net_spec
		stack_net; /* what the stack knows of the net: it always has IPv6 */
	size_t holds;      /* allocated */
	size_t closed;     /* flows of TCP */
	size_t ahead;      /* of all flows */
	uint32_t pings;
	uint64_t pings_since_ms;
	bool host;     /* the stack may reach the host's loopback */
	bool in_stack; /* it is calling us: it may not be called */
	bool told_echo, told_full, told_pcap;

	struct {
		size_t size;
		uint8_t bytes[FRAME_LATE_SIZE];
	} late[FRAME_LATE_MAX];
	size_t late_count;

	uint8_t answer[PACKET_MAX];
	_Alignas(8) uint8_t frame[FRAME_HEADROOM + PACKET_MAX]; /* behind the headroom */
};

/* ---- frame.c ---------------------------------------------------------------------------- */

/* Writes to the tap. mss: that a larger segment is cut into; 0: it is none. */
void frame_to_tap(struct frame_path *path, const struct packet *packet, uint16_t mss);

/* The same for what was built in path->answer. size 0 is nothing. */
void frame_answer(struct frame_path *path, size_t size);
void frame_to_stack(struct frame_path *path, const struct packet *packet);
void frame_drop(struct frame_path *path);
void frame_tell(struct frame_path *path, bool *once, const char *line);
uint64_t frame_now(const struct frame_path *path);

/* Into the pcap. */
void frame_capture(struct frame_path *path, const uint8_t *frame, size_t size);

/* ---- frame_sort.c ----------------------------------------------------------------------- */

void frame_from_sandbox(struct frame_path *path, const struct virtio_net_hdr *offload,
			uint8_t *bytes, size_t size);
void frame_from_stack(void *context, uint8_t *frame, size_t size);

/* ---- frame_wash.c ----------------------------------------------------------------------- */

/* Where a packet goes to. */
enum frame_place {
	PLACE_OUTSIDE,
	PLACE_GATEWAY,
	PLACE_DNS,
	PLACE_NOBODY, /* the sandbox's own network, link-local: there is nobody */
	PLACE_GROUP,  /* everybody on the link: nobody listens */
};

/* Completes what the device left out; false: the header contradicts the packet. */
bool frame_complete(const struct virtio_net_hdr *offload, const struct packet *packet);
bool frame_is_own(const struct frame_path *path, const struct packet *packet);
enum frame_place frame_place_of(const struct frame_path *path,
				const struct packet *packet);

/*
 * Tells the stack where the sandbox is, as that would: it never has to ask, and never keeps
 * what it could not send for want of an answer.
 */
void frame_introduce(struct frame_path *path);

/* Services of libslirp's that are asked by UDP, and are not for us. */
bool frame_is_service(const struct packet *packet, enum frame_place place);

/* ---- frame_judge.c ---------------------------------------------------------------------- */

struct flow_key frame_key_out(const struct packet *packet);
struct flow_key frame_key_in(const struct packet *packet);

/*
 * Asks the rules for a new flow of the sandbox; NULL: it was denied, and the sandbox was
 * told. *ret_sni: only with the right server name.
 */
struct flow *frame_admit(struct frame_path *path, const struct packet *packet,
			 bool *ret_sni);

/* A new flow from outside; NULL: that port is not published, or there is no room. */
struct flow *frame_welcome(struct frame_path *path, const struct packet *packet);
void frame_refuse(struct frame_path *path, const struct packet *packet,
		  enum packet_error error);
void frame_end_flow(struct frame_path *path, struct flow *flow);

/* ---- frame_tcp.c ------------------------------------------------------------------------ */

void frame_tcp_out(struct frame_path *path, struct packet *packet);
void frame_tcp_in(struct frame_path *path, struct packet *packet);

/* Ends the stack's side, as if the sandbox had. */
void frame_reset_stack(struct frame_path *path, const struct flow *flow);

/* Ends the flow; the stack forgets what it knows of a connection. */
void frame_forget_flow(struct frame_path *path, struct flow *flow);

/* Ends both sides, the sandbox's as an answer to its packet. flow is gone then. */
void frame_reset_both(struct frame_path *path, struct flow *flow,
		      const struct packet *packet);

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* ---- frame_cross.c ----------------------------------------------------------------------- */

/* A flow from outside is to cross; false: it cannot. */
bool frame_cross(struct frame_path *path, struct flow *flow);
void frame_cross_end(struct frame_path *path, struct flow *flow);

/* What was refused by IPv6 is asked for by IPv4. */
void frame_cross_again(struct frame_path *path, const struct flow *flow,
		       const struct packet *reset);

/* The sandbox's packet as the frame path knows its flow, and one for the sandbox. */
void frame_cross_out(struct frame_path *path, struct packet *packet);
void frame_cross_in(struct frame_path *path, struct packet *packet);

/* ---- frame_hold.c ----------------------------------------------------------------------- */

/* Whether the packet goes on; it may be another one then. flow may be gone if not. */
bool frame_hold_out(struct frame_path *path, struct flow *flow, struct packet *packet);

/* The stack has acknowledged up to flow->acked_out. */
void frame_hold_in(struct frame_path *path, struct flow *flow);
void frame_hold_free(struct frame_path *path, struct flow *flow);

/* ---- frame_dns.c ------------------------------------------------------------------------ */

struct questions *questions_new(struct frame_path *path);
void questions_free(struct questions *questions);
void questions_take(struct questions *questions, const struct packet *packet);

/* ---- frame_stream.c --------------------------------------------------------------------- */

struct streams *streams_new(struct frame_path *path);
void streams_free(struct streams *streams);
void streams_take(struct streams *streams, const struct packet *packet);

#endif
