/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frame_path.h"
#include "net/packet_bytes.h"

enum {
	SEGMENT_MAX = FRAME_STACK_MTU - V6_HEADER - TCP_HEADER,
};

/*
 * A client of a published port has come by IPv6, and the sandbox has none, or its server
 * listens by IPv4 alone. A socket inside would choose; where there is none (foreign_stack) the
 * stack has a connection of IPv6 and the sandbox one of IPv4, from the gateway, as of every client whose
 * address means nothing inside. Within the frame path it is the one of IPv6.
 */

static struct crossing *find_crossing(struct frame_path *path, uint16_t guest_port,
				      uint16_t port)
{
	for (size_t i = 0; i < path->crossing_count; i++) {
		struct crossing *crossing = &path->crossings[i];

		if (crossing->guest_port == guest_port && crossing->port == port)
			return crossing;
	}
	return NULL;
}

static bool is_taken(struct frame_path *path, const struct flow *flow)
{
	const struct flow_key key = {
		.protocol = PROTOCOL_TCP,
		.inside = path->spec.net->address.ip,
		.inside_port = flow->key.inside_port,
		.to = path->spec.net->gateway,
		.port = flow->key.port,
	};

	return find_crossing(path, key.inside_port, key.port) ||
	       flows_find(path->flows, &key, false);
}

bool frame_cross(struct frame_path *path, struct flow *flow)
{
	if (!path->spec.net->foreign_stack || flow->crosses || !flow->v6 ||
	    path->spec.net->address.bits == 0 ||
	    path->crossing_count == FRAME_CROSSINGS_MAX || is_taken(path, flow))
		return false;
	path->crossings[path->crossing_count++] = (struct crossing){
		.peer = flow->key.to,
		.port = flow->key.port,
		.guest_port = flow->key.inside_port,
	};
	flow->crosses = true;
	return true;
}

void frame_cross_end(struct frame_path *path, struct flow *flow)
{
	struct crossing *crossing;

	if (!flow->crosses)
		return;
	crossing = find_crossing(path, flow->key.inside_port, flow->key.port);
	*crossing = path->crossings[--path->crossing_count];
	flow->crosses = false;
}

void frame_cross_out(struct frame_path *path, struct packet *packet)
{
	const struct crossing *crossing = NULL;

	if (path->crossing_count && !packet->v6 &&
	    ip_equal(&packet->to, &path->spec.net->gateway))
		crossing = find_crossing(path, packet->from_port, packet->to_port);
	path->crosses = crossing != NULL;
	if (crossing)
		packet_change_family(packet, &path->stack_net.address6.ip,
				     &crossing->peer);
}

/*
 * The sandbox may send as much as its window in one segment, which must still be small enough
 * when its header has become longer: ip6_input() of libslirp drops others.
 */
void frame_cross_in(struct frame_path *path, struct packet *packet)
{
	if (!packet->v6)
		return;
	if (packet->window > SEGMENT_MAX)
		put16(packet->bytes + packet->l4 + 14, SEGMENT_MAX);
	packet_change_family(packet, &path->spec.net->gateway,
			     &path->spec.net->address.ip);
}

/* The first packet once more: its options are lost but for the size of segments. */
void frame_cross_again(struct frame_path *path, const struct flow *flow,
		       const struct packet *reset)
{
	struct packet_ends ends = packet_answer_ends(reset);
	const struct tcp_fields fields = {
		.seq = reset->ack - 1,
		.window = SEGMENT_MAX,
		.flags = TCP_SYN,
		.mss = SEGMENT_MAX,
	};

	ends.v6 = false;
	ends.from = path->spec.net->gateway;
	ends.to = path->spec.net->address.ip;
	ends.from_port = flow->key.port;
	ends.to_port = flow->key.inside_port;
	frame_answer(path, packet_build_tcp(path->answer, &ends, &fields, NULL, 0));
}
