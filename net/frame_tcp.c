/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "net/frame_path.h"

/*
 * A flow stands for one connection of the stack's, and the two must not drift apart: what
 * was decided about one (the server name above all) would count for another. So a connection is
 * open only after an acknowledgement of exactly the first packet that we saw, a reset of the sandbox's always hits
 * (its sequence number becomes the one that the stack expects), and whatever the stack says of a
 * connection without a flow ends that connection.
 *
 * The stack may call back while it is called: a flow is not touched after frame_to_stack().
 */

enum {
	STACK_MSS = FRAME_STACK_MTU - 40,
	STACK_MSS6 = FRAME_STACK_MTU - 60,
};

static void use_stack_mss(struct flow *flow, const struct packet *packet)
{
	flow->mss = packet_change_mss(packet, packet->v6 ? STACK_MSS6 : STACK_MSS);
}

void frame_reset_stack(struct frame_path *path, const struct flow *flow)
{
	struct packet_ends ends = {
		.v6 = flow->v6,
		.from = flow->key.inside,
		.to = flow->key.to,
		.from_port = flow->key.inside_port,
		.to_port = flow->key.port,
	};
	const struct tcp_fields fields = { .seq = flow->acked_out, .flags = TCP_RST };
	uint8_t bytes[FRAME_LATE_SIZE];
	struct packet packet = { .bytes = bytes };

	memcpy(ends.from_mac, path->spec.mac, 6);
	memset(ends.to_mac, 0xff, 6);
	packet.size = packet_build_tcp(bytes, &ends, &fields, NULL, 0);
	frame_to_stack(path, &packet);
}

void frame_forget_flow(struct frame_path *path, struct flow *flow)
{
	const struct flow gone = *flow;

	frame_end_flow(path, flow);
	if (gone.key.protocol == PROTOCOL_TCP)
		frame_reset_stack(path, &gone);
}

void frame_reset_both(struct frame_path *path, struct flow *flow,
		      const struct packet *packet)
{
	frame_forget_flow(path, flow);
	frame_answer(path, packet_build_reset(path->answer, packet));
}

/* The stack talks of a connection that is none: it is told so. */
static void deny_stack(struct frame_path *path, const struct packet *packet)
{
	uint8_t bytes[FRAME_LATE_SIZE];
	struct packet reset = { .bytes = bytes };

	reset.size = packet_build_reset(bytes, packet);
	memcpy(bytes + 6, path->spec.mac, 6);
	if (reset.size)
		frame_to_stack(path, &reset);
}

/* ---- from the sandbox -------------------------------------------------------------------- */

static void begin(struct frame_path *path, struct packet *packet)
{
	bool sni = false;
	struct flow *flow = frame_admit(path, packet, &sni);

	if (!flow)
		return;
	flow->watched = sni;
	flow->first_out = flow->next_out = flow->acked_out = packet->seq + 1;
	use_stack_mss(flow, packet);
	frame_to_stack(path, packet);
}

/* Data in a first packet (RFC 7413) is sent again later: nobody has given it a cookie. */
static void take_syn(struct frame_path *path, struct flow *flow, struct packet *packet)
{
	if (packet_payload_size(packet))
		packet_resize(packet, 0);
	if (!flow) {
		begin(path, packet);
		return;
	}
	if (flow->state == FLOW_OPENING && !flow->inbound &&
	    packet->seq + 1 == flow->first_out) {
		use_stack_mss(flow, packet);
		frame_to_stack(path, packet);
		return;
	}
	if (flow->state == FLOW_OPEN) {
		frame_reset_both(path, flow, packet);
		return;
	}
	frame_forget_flow(path, flow);
	begin(path, packet);
}

static void take_reset(struct frame_path *path, struct flow *flow, struct packet *packet)
{
	if (flow->inbound && flow->state == FLOW_OPENING && frame_cross(path, flow)) {
		frame_cross_again(path, flow, packet);
		return;
	}
	if (packet_payload_size(packet))
		packet_resize(packet, 0);
	if (flow->state != FLOW_OPENING || !flow->inbound)
		packet_change_seq(packet, flow->acked_out);
	frame_end_flow(path, flow);
	frame_to_stack(path, packet);
}

/* The sandbox's answer to a connection from outside. */
static void take_syn_ack(struct frame_path *path, struct flow *flow,
			 struct packet *packet)
{
	if (!flow->inbound || flow->state == FLOW_CLOSED ||
	    (flow->state == FLOW_OPEN && packet->seq + 1 != flow->first_out)) {
		frame_drop(path);
		return;
	}
	if (packet_payload_size(packet))
		packet_resize(packet, 0);
	flow->first_out = packet->seq + 1;
	if (flow->state == FLOW_OPENING)
		flow->next_out = flow->acked_out = flow->first_out;
	use_stack_mss(flow, packet);
	frame_to_stack(path, packet);
}

static void close_when_both(struct frame_path *path, struct flow *flow)
{
	if (!flow->fin_in || !flow->fin_out || flow->state == FLOW_CLOSED)
		return;
	flow->state = FLOW_CLOSED;
	path->closed++;
	if (flow->journal)
		journal_end(path->spec.gate->journal, flow->journal, flow->bytes_out,
			    flow->bytes_in);
	flow->journal = 0;
}

/*
 * What comes out of order waits in the stack at 64 KB for each segment, however small. The
 * tap loses and mixes up nothing: behind a gap nothing passes, and not much before what came is
 * acknowledged (the sandbox may have made the stack refuse some of it).
 */
static bool comes_in_order(struct frame_path *path, struct flow *flow,
			   const struct packet *packet)
{
	if (packet_payload_size(packet) == 0 && !(packet->flags & TCP_FIN))
		return true;
	if (seq_before(flow->next_out, packet->seq))
		return false;
	if (!seq_before(flow->acked_out, packet->seq))
		return true;
	if (flow->ahead >= FRAME_AHEAD_MAX || path->ahead >= FRAME_AHEAD_ALL)
		return false;
	flow->ahead++;
	path->ahead++;
	return true;
}

static void take_segment(struct frame_path *path, struct flow *flow,
			 struct packet *packet)
{
	uint32_t size;

	if (flow->state == FLOW_OPENING && !flow->inbound) {
		frame_drop(path);
		return;
	}
	if (flow->watched && !frame_hold_out(path, flow, packet))
		return;
	if (!comes_in_order(path, flow, packet)) {
		frame_drop(path);
		return;
	}
	size = (uint32_t)packet_payload_size(packet);
	flow->bytes_out += size;
	if (seq_before(flow->next_out, packet->seq + size))
		flow->next_out = packet->seq + size;
	if (packet->flags & TCP_FIN)
		flow->fin_out = true;
	close_when_both(path, flow);
	frame_to_stack(path, packet);
}

void frame_tcp_out(struct frame_path *path, struct packet *packet)
{
	const struct flow_key key = frame_key_out(packet);
	struct flow *flow = flows_find(path->flows, &key, packet->v6);

	packet_clear_urgent(packet);
	if (flow)
		flow->used_ms = frame_now(path);
	if ((packet->flags & TCP_SYN) && !(packet->flags & TCP_ACK))
		take_syn(path, flow, packet);
	else if (!flow)
		frame_answer(path, packet_build_reset(path->answer, packet));
	else if (packet->flags & TCP_RST)
		take_reset(path, flow, packet);
	else if (packet->flags & TCP_SYN)
		take_syn_ack(path, flow, packet);
	else
		take_segment(path, flow, packet);
}

/* ---- from the stack ---------------------------------------------------------------------- */

static uint16_t mss_for(const struct frame_path *path, const struct flow *flow)
{
	const uint16_t most = flow->v6 ? path->gso_mss6 : path->gso_mss;

	return flow->mss && flow->mss < most ? flow->mss : most;
}

/* Whether the packet answers the opening of this very flow. */
static bool opens(struct flow *flow, const struct packet *packet)
{
	if (flow->inbound) {
		if (!(packet->flags & TCP_SYN))
			flow->state = FLOW_OPEN;
		return true;
	}
	if ((packet->flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK) ||
	    packet->ack != flow->first_out)
		return false;
	flow->state = FLOW_OPEN;
	return true;
}

static void note_acknowledged(struct frame_path *path, struct flow *flow,
			      const struct packet *packet)
{
	if (!(packet->flags & TCP_ACK) || !seq_before(flow->acked_out, packet->ack))
		return;
	flow->acked_out = packet->ack;
	path->ahead -= flow->ahead;
	flow->ahead = 0;
	if (flow->watched)
		frame_hold_in(path, flow);
}

static struct flow *welcome(struct frame_path *path, const struct packet *packet)
{
	struct flow *flow = frame_welcome(path, packet);

	if (!flow || !packet->v6 || path->spec.net->address6.bits ||
	    frame_cross(path, flow))
		return flow;
	frame_end_flow(path, flow);
	return NULL;
}

static struct flow *flow_for(struct frame_path *path, const struct packet *packet)
{
	const struct flow_key key = frame_key_in(packet);
	struct flow *flow = flows_find(path->flows, &key, packet->v6);
	const bool begins = (packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	if (flow && begins && flow->state == FLOW_CLOSED) {
		frame_end_flow(path, flow);
		flow = NULL;
	}
	return !flow && begins ? welcome(path, packet) : flow;
}

static void to_sandbox(struct frame_path *path, const struct flow *flow,
		       struct packet *packet, uint16_t mss)
{
	if (flow->crosses)
		frame_cross_in(path, packet);
	frame_to_tap(path, packet, mss);
}

void frame_tcp_in(struct frame_path *path, struct packet *packet)
{
	struct flow *flow = flow_for(path, packet);

	if (!flow) {
		deny_stack(path, packet);
		return;
	}
	flow->used_ms = frame_now(path);
	if (packet->flags & TCP_RST) {
		to_sandbox(path, flow, packet, 0);
		frame_end_flow(path, flow);
		return;
	}
	if (flow->state == FLOW_OPENING && !opens(flow, packet)) {
		deny_stack(path, packet);
		return;
	}
	note_acknowledged(path, flow, packet);
	flow->bytes_in += packet_payload_size(packet);
	if (packet->flags & TCP_FIN)
		flow->fin_in = true;
	close_when_both(path, flow);
	to_sandbox(path, flow, packet, mss_for(path, flow));
}
