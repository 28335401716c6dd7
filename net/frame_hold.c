/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "net/frame_path.h"

/*
 * Connections that must begin with TLS for an allowed name. What the sandbox sends first is
 * copied, in order and without gaps, until the name is known; only then does the stack get
 * any of it. It gets the copy: until it has acknowledged all of that, what the sandbox sends in the same
 * place is overwritten with it, so that a second, other beginning cannot take the first one's place.
 */

void frame_hold_free(struct frame_path *path, struct flow *flow)
{
	if (!flow->hold)
		return;
	free(flow->hold);
	flow->hold = NULL;
	path->holds--;
}

static struct hold *hold_of(struct frame_path *path, struct flow *flow)
{
	if (flow->hold || path->holds == FRAME_HOLDS_MAX)
		return flow->hold;
	flow->hold = malloc(sizeof(*flow->hold));
	if (!flow->hold)
		return NULL;
	flow->hold->size = 0;
	flow->hold->decided = false;
	path->holds++;
	return flow->hold;
}

/* What of the payload continues the copy. False: it begins before or behind its end. */
static bool append(struct flow *flow, const struct packet *packet)
{
	struct hold *hold = flow->hold;
	const size_t offset = packet->seq - flow->first_out;
	size_t size = packet_payload_size(packet);
	size_t known;

	if (seq_before(packet->seq, flow->first_out) || offset > hold->size)
		return false;
	known = hold->size - offset;
	if (known >= size)
		return true;
	size -= known;
	if (size > sizeof(hold->bytes) - hold->size)
		size = sizeof(hold->bytes) - hold->size;
	memcpy(hold->bytes + hold->size, packet->bytes + packet->payload + known, size);
	hold->size += size;
	return true;
}

enum decision { HELD, LET, DENIED };

static enum decision decide(struct frame_path *path, const struct flow *flow)
{
	const struct hold *hold = flow->hold;
	char name[NAME_TEXT_MAX];
	struct net_verdict verdict;

	switch (sni_find(hold->bytes, hold->size, name)) {
	case SNI_MORE:
		if (hold->size < sizeof(hold->bytes))
			return HELD;
		break;
	case SNI_NAME:
		return gate_admits_sni(path->spec.gate, &flow->key, name, &verdict)
			       ? LET
			       : DENIED;
	case SNI_HIDDEN:
	case SNI_NOT_TLS:
		break;
	}
	gate_deny_hidden(path->spec.gate, &flow->key, NULL);
	return DENIED;
}

/*
 * The packet becomes the whole copy, of which it is the last part. What was too long for the
 * copy is not in it, and the sandbox sends it again.
 */
static void become_copy(struct frame_path *path, const struct flow *flow,
			struct packet *packet)
{
	const struct hold *hold = flow->hold;
	const uint32_t end = packet->seq + (uint32_t)packet_payload_size(packet);

	memcpy(path->answer, packet->bytes, packet->payload);
	packet->bytes = path->answer;
	if (end != flow->first_out + (uint32_t)hold->size) {
		packet->flags &= (uint8_t)~TCP_FIN;
		packet->bytes[packet->l4 + 13] &= (uint8_t)~TCP_FIN;
	}
	memcpy(packet->bytes + packet->payload, hold->bytes, hold->size);
	packet->size = packet->payload + hold->size;
	packet_change_seq(packet, flow->first_out);
	packet_resize(packet, hold->size);
}

/* Segments in the place of the copy say what the copy says. */
static bool overwrite(const struct flow *flow, const struct packet *packet)
{
	const struct hold *hold = flow->hold;
	const size_t offset = packet->seq - flow->first_out;
	size_t size = packet_payload_size(packet);

	if (seq_before(packet->seq, flow->first_out))
		return false;
	if (offset < hold->size && size) {
		if (size > hold->size - offset)
			size = hold->size - offset;
		memcpy(packet->bytes + packet->payload, hold->bytes + offset, size);
		packet_complete(packet);
	}
	return true;
}

/* Whether it says nothing yet: then it may pass, if it does not end anything either. */
static bool is_silent(const struct packet *packet)
{
	return packet_payload_size(packet) == 0 && !(packet->flags & TCP_FIN);
}

bool frame_hold_out(struct frame_path *path, struct flow *flow, struct packet *packet)
{
	struct hold *hold = flow->hold;
	enum decision decision;

	if (is_silent(packet))
		return true;
	if (hold && hold->decided)
		return overwrite(flow, packet);
	/* The end of one that has not said anything: a probe of the port. */
	if (packet_payload_size(packet) == 0)
		return !hold && packet->seq == flow->first_out;
	hold = hold_of(path, flow);
	if (!hold || !append(flow, packet)) {
		frame_drop(path); /* it will be sent again */
		return false;
	}
	decision = decide(path, flow);
	if (decision == DENIED)
		frame_reset_both(path, flow, packet);
	if (decision != LET)
		return false;
	hold->decided = true;
	if (packet->seq == flow->first_out)
		return overwrite(flow, packet);
	become_copy(path, flow, packet);
	return true;
}

void frame_hold_in(struct frame_path *path, struct flow *flow)
{
	if (!flow->hold || !flow->hold->decided ||
	    seq_before(flow->acked_out, flow->first_out + (uint32_t)flow->hold->size))
		return;
	frame_hold_free(path, flow);
	flow->watched = false;
}
