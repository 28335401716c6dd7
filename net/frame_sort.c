/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frame_path.h"

/* ---- from the sandbox -------------------------------------------------------------------- */

static void refuse_unreachable(struct frame_path *path, const struct packet *packet,
			       enum frame_place place)
{
	const struct net_spec *net = path->spec.net;
	const struct ip *by = packet->v6 ? &net->gateway6 : &net->gateway;

	if (place == PLACE_GROUP)
		frame_drop(path);
	else if (place == PLACE_DNS)
		frame_refuse(path, packet, PACKET_PORT_UNREACHABLE);
	else
		frame_answer(path, packet_build_error(path->answer, packet,
						      PACKET_HOST_UNREACHABLE, by));
}

static bool goes_on(enum frame_place place)
{
	return place == PLACE_OUTSIDE || place == PLACE_GATEWAY;
}

static void tcp_out(struct frame_path *path, struct packet *packet,
		    enum frame_place place)
{
	if (place == PLACE_DNS && packet->to_port == 53)
		streams_take(path->streams, packet);
	else if (goes_on(place)) {
		frame_cross_out(path, packet);
		frame_tcp_out(path, packet);
		path->crosses = false;
	} else
		refuse_unreachable(path, packet, place);
}

static struct flow *flow_of(struct frame_path *path, const struct packet *packet,
			    bool *ret_sni)
{
	const struct flow_key key = frame_key_out(packet);
	struct flow *flow = flows_find(path->flows, &key, packet->v6);

	return flow ? flow : frame_admit(path, packet, ret_sni);
}

static void pass_on(struct frame_path *path, struct flow *flow,
		    const struct packet *packet)
{
	flow->used_ms = frame_now(path);
	flow->bytes_out += packet_payload_size(packet);
	frame_to_stack(path, packet);
}

/* A server name in QUIC cannot be read: clients fall back to TCP. */
static void udp_out(struct frame_path *path, struct packet *packet,
		    enum frame_place place)
{
	bool sni = false;
	struct flow *flow;

	if (place == PLACE_DNS && packet->to_port == 53) {
		questions_take(path->questions, packet);
		return;
	}
	if (frame_is_service(packet, place)) {
		frame_drop(path);
		return;
	}
	if (!goes_on(place)) {
		refuse_unreachable(path, packet, place);
		return;
	}
	flow = flow_of(path, packet, &sni);
	if (!flow)
		return;
	if (sni) {
		gate_deny_hidden(path->spec.gate, &flow->key, NULL);
		frame_end_flow(path, flow);
		frame_refuse(path, packet, PACKET_PROHIBITED);
		return;
	}
	pass_on(path, flow, packet);
}

/* Each one that nobody answers costs the stack a socket for as long as the window is. */
static bool may_ping(struct frame_path *path)
{
	const uint64_t now_ms = frame_now(path);

	if (now_ms - path->pings_since_ms > FRAME_PINGS_MS) {
		path->pings = 0;
		path->pings_since_ms = now_ms;
	}
	if (path->pings >= FRAME_PINGS_MAX)
		return false;
	path->pings++;
	return true;
}

/* Gateway and forwarder are ours: the stack answers for them. */
static void echo_out(struct frame_path *path, struct packet *packet,
		     enum frame_place place)
{
	bool sni = false;
	struct flow *flow;

	if (place == PLACE_GATEWAY || place == PLACE_DNS) {
		frame_to_stack(path, packet);
		return;
	}
	if (place != PLACE_OUTSIDE) {
		refuse_unreachable(path, packet, place);
		return;
	}
	flow = flow_of(path, packet, &sni);
	if (!flow)
		return;
	if (!stack_can_echo(path->stack, packet->v6)) {
		frame_tell(path, &path->told_echo,
			   packet->v6
				   ? "ping is denied: this host or libslirp cannot "
				     "send echo requests of IPv6 for it"
				   : "ping is denied: this host does not let this user "
				     "send echo requests (net.ipv4.ping_group_range)");
		frame_end_flow(path, flow);
		frame_refuse(path, packet, PACKET_PROHIBITED);
		return;
	}
	if (may_ping(path))
		pass_on(path, flow, packet);
	else
		frame_drop(path);
}

static void take(struct frame_path *path, struct packet *packet)
{
	const enum frame_place place = frame_place_of(path, packet);

	switch (packet->kind) {
	case PACKET_ARP:
	case PACKET_SOLICITS:
	case PACKET_ADVERTISES:
		frame_to_stack(path, packet);
		return;
	case PACKET_TCP:
		tcp_out(path, packet, place);
		return;
	case PACKET_UDP:
		udp_out(path, packet, place);
		return;
	case PACKET_ECHO:
		echo_out(path, packet, place);
		return;
	case PACKET_ECHO_REPLY:
	case PACKET_ICMP_ERROR:
	case PACKET_QUIET:
		return; /* the stack has no use for them */
	}
}

void frame_from_sandbox(struct frame_path *path, const struct virtio_net_hdr *offload,
			uint8_t *bytes, size_t size)
{
	struct packet packet;

	path->debt_out += size;
	if (packet_parse(bytes, size, &packet) != PACKET_SOUND ||
	    !frame_complete(offload, &packet)) {
		frame_capture(path, bytes, size);
		frame_drop(path);
		return;
	}
	frame_capture(path, bytes, packet.size);
	if (!frame_is_own(path, &packet)) {
		frame_drop(path);
		return;
	}
	take(path, &packet);
}

/* ---- from the stack ---------------------------------------------------------------------- */

static void udp_in(struct frame_path *path, struct packet *packet)
{
	const struct flow_key key = frame_key_in(packet);
	struct flow *flow = flows_find(path->flows, &key, packet->v6);

	if (!flow && packet->kind == PACKET_UDP &&
	    !(packet->v6 && path->spec.net->address6.bits == 0))
		flow = frame_welcome(path, packet);
	if (!flow) {
		frame_drop(path);
		return;
	}
	flow->used_ms = frame_now(path);
	flow->bytes_in += packet_payload_size(packet);
	frame_to_tap(path, packet, 0);
}

static bool is_reflected(const struct frame_path *path, const struct packet *packet)
{
	const struct net_spec *net = path->spec.net;

	return ip_equal(&packet->from, packet->v6 ? &net->gateway6 : &net->gateway) ||
	       ip_equal(&packet->from, packet->v6 ? &net->dns6 : &net->dns);
}

static void icmp_in(struct frame_path *path, struct packet *packet)
{
	if (packet->kind == PACKET_ICMP_ERROR || is_reflected(path, packet)) {
		frame_to_tap(path, packet, 0);
		return;
	}
	if (path->pings)
		path->pings--;
	udp_in(path, packet);
}

static bool is_about_neighbours(const struct packet *packet)
{
	return packet->kind == PACKET_ARP || packet->kind == PACKET_SOLICITS ||
	       packet->kind == PACKET_ADVERTISES;
}

static bool is_for_sandbox(const struct frame_path *path, const struct packet *packet)
{
	const struct net_spec *net = &path->stack_net;

	return ip_equal(&packet->to, packet->v6 ? &net->address6.ip : &net->address.ip);
}

static void take_in(struct frame_path *path, struct packet *packet)
{
	if (is_about_neighbours(packet)) {
		frame_to_tap(path, packet, 0);
		return;
	}
	if (!is_for_sandbox(path, packet)) {
		frame_drop(path);
		return;
	}
	switch (packet->kind) {
	case PACKET_TCP:
		frame_tcp_in(path, packet);
		return;
	case PACKET_UDP:
		udp_in(path, packet);
		return;
	case PACKET_ECHO_REPLY:
	case PACKET_ICMP_ERROR:
		icmp_in(path, packet);
		return;
	case PACKET_ARP:
	case PACKET_SOLICITS:
	case PACKET_ADVERTISES:
	case PACKET_ECHO:
	case PACKET_QUIET:
		return; /* router advertisements: the sandbox's addresses are ours to give */
	}
}

void frame_from_stack(void *context, uint8_t *frame, size_t size)
{
	struct frame_path *path = context;
	const bool nested = path->in_stack;
	struct packet packet;

	if (packet_parse(frame, size, &packet) != PACKET_SOUND) {
		frame_drop(path);
		return;
	}
	path->in_stack = true;
	take_in(path, &packet);
	path->in_stack = nested;
}
