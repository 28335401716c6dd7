/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frame_path.h"

static enum net_protocol protocol_of(const struct packet *packet)
{
	if (packet->kind == PACKET_TCP)
		return PROTOCOL_TCP;
	return packet->kind == PACKET_UDP ? PROTOCOL_UDP : PROTOCOL_ICMP;
}

struct flow_key frame_key_out(const struct packet *packet)
{
	return (struct flow_key){
		.protocol = protocol_of(packet),
		.inside = packet->from,
		.inside_port = packet->from_port,
		.to = packet->to,
		.port = packet->to_port,
	};
}

/* An echo and its reply have the identifier in the same place. */
struct flow_key frame_key_in(const struct packet *packet)
{
	const bool echo = packet->kind == PACKET_ECHO_REPLY;

	return (struct flow_key){
		.protocol = protocol_of(packet),
		.inside = packet->to,
		.inside_port = echo ? packet->from_port : packet->to_port,
		.to = packet->from,
		.port = echo ? 0 : packet->from_port,
	};
}

void frame_refuse(struct frame_path *path, const struct packet *packet,
		  enum packet_error error)
{
	const struct net_spec *net = path->spec.net;

	/* gVisor's stack has no word for the other, and its processes would wait. */
	if (net->foreign_stack && error == PACKET_PROHIBITED)
		error = PACKET_PORT_UNREACHABLE;
	if (packet->kind == PACKET_TCP)
		frame_answer(path, packet_build_reset(path->answer, packet));
	else
		frame_answer(path, packet_build_error(path->answer, packet, error,
						      packet->v6 ? &net->gateway6
								 : &net->gateway));
}

void frame_end_flow(struct frame_path *path, struct flow *flow)
{
	if (flow->journal)
		journal_end(path->spec.gate->journal, flow->journal, flow->bytes_out,
			    flow->bytes_in);
	frame_hold_free(path, flow);
	frame_cross_end(path, flow);
	path->ahead -= flow->ahead;
	if (flow->key.protocol == PROTOCOL_TCP && flow->state == FLOW_CLOSED)
		path->closed--;
	flows_remove(path->flows, flow);
}

static struct flow *add_flow(struct frame_path *path, const struct flow_key *key, bool v6)
{
	const uint64_t now_ms = frame_now(path);
	struct flow *flow = flows_add(path->flows, key, v6, now_ms);
	struct flow *old;

	if (flow)
		return flow;
	old = flows_oldest(path->flows, false);
	if (!old)
		return NULL;
	frame_forget_flow(path, old);
	return flows_add(path->flows, key, v6, now_ms);
}

/* Connections that both sides have ended are forgotten early where it must be. */
static bool stack_has_room(struct frame_path *path)
{
	while (stack_sockets(path->stack) + path->closed >= FRAME_SOCKETS_MAX) {
		struct flow *old = flows_oldest(path->flows, true);

		if (!old)
			return false;
		frame_forget_flow(path, old);
	}
	return true;
}

/* Of TCP beside the relay there is an overflow, and what a hostile sandbox sends. */
static bool may_be_one_more(struct frame_path *path, const struct flow_key *key)
{
	if (path->spec.relayed && key->protocol == PROTOCOL_TCP &&
	    flows_count_tcp(path->flows) >= FRAME_TCP_RELAYED_MAX) {
		struct flow *old = flows_oldest(path->flows, true);

		if (!old)
			return false;
		frame_forget_flow(path, old);
	}
	return stack_has_room(path);
}

static void say_full(struct frame_path *path)
{
	frame_tell(
		path, &path->told_full,
		"the network has as many connections as it can serve: more are refused");
}

struct flow *frame_admit(struct frame_path *path, const struct packet *packet,
			 bool *ret_sni)
{
	const struct flow_key key = frame_key_out(packet);
	struct net_verdict verdict;
	struct flow *flow;

	if (!gate_admits(path->spec.gate, &key, &verdict)) {
		frame_refuse(path, packet, PACKET_PROHIBITED);
		return NULL;
	}
	flow = may_be_one_more(path, &key) ? add_flow(path, &key, packet->v6) : NULL;
	if (!flow) {
		say_full(path);
		frame_refuse(path, packet, PACKET_HOST_UNREACHABLE);
		return NULL;
	}
	*ret_sni = verdict.sni;
	journal_begin(path->spec.gate->journal, PATH_SLIRP, &key, verdict.name,
		      &flow->journal);
	return flow;
}

static bool is_published(const struct frame_path *path, const struct packet *packet)
{
	const enum net_protocol protocol = protocol_of(packet);

	for (size_t i = 0; i < path->forward_count; i++) {
		const struct forward *forward = &path->forwards[i];

		if (forward->protocol == protocol &&
		    forward->guest_port == packet->to_port &&
		    ip_is_v4(&forward->host) == !packet->v6)
			return true;
	}
	return false;
}

struct flow *frame_welcome(struct frame_path *path, const struct packet *packet)
{
	const struct flow_key key = frame_key_in(packet);
	struct flow *flow;

	if (!is_published(path, packet))
		return NULL;
	flow = stack_has_room(path) ? add_flow(path, &key, packet->v6) : NULL;
	if (!flow) {
		say_full(path);
		return NULL;
	}
	flow->inbound = true;
	journal_begin(path->spec.gate->journal, PATH_PORT, &key, NULL, &flow->journal);
	return flow;
}
