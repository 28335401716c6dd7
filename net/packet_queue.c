/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_queue.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Of <linux/netfilter.h>, which does not go together with every C library's headers. */
enum { VERDICT_DROP = 0, VERDICT_ACCEPT = 1 };

static void begin(struct netlink_batch *batch, const char *what, unsigned int message,
		  unsigned int flags)
{
	const struct nfgenmsg header = {
		.nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(PACKET_QUEUE_NUMBER),
	};

	netlink_begin(batch, what, (uint16_t)((NFNL_SUBSYS_QUEUE << 8) | message),
		      (uint16_t)flags, &header, sizeof(header));
}

int packet_queue_bind(int socket, struct error *err)
{
	struct netlink_batch batch = { 0 };
	const struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	const struct nfqnl_msg_config_params params = {
		.copy_range = htonl(PACKET_QUEUE_COPY),
		.copy_mode = NFQNL_COPY_PACKET,
	};

	begin(&batch, "bind a queue of packets", NFQNL_MSG_CONFIG, NLM_F_ACK);
	netlink_put(&batch, NFQA_CFG_CMD, &bind, sizeof(bind));
	begin(&batch, "set the length of a queue of packets", NFQNL_MSG_CONFIG,
	      NLM_F_ACK);
	netlink_put(&batch, NFQA_CFG_PARAMS, &params, sizeof(params));
	netlink_put_be32(&batch, NFQA_CFG_QUEUE_MAXLEN, PACKET_QUEUE_LENGTH);
	return netlink_send(socket, &batch, err);
}

/* ---- a packet's headers ------------------------------------------------------------- */

static uint16_t read16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static int read_ports(const uint8_t *bytes, size_t size, struct flow_key *flow)
{
	if (size < 4)
		return -1;
	flow->inside_port = read16(bytes);
	flow->port = read16(bytes + 2);
	return 0;
}

static int read_transport(uint8_t protocol, const uint8_t *bytes, size_t size,
			  struct flow_key *flow)
{
	switch (protocol) {
	case IPPROTO_TCP:
		flow->protocol = PROTOCOL_TCP;
		return read_ports(bytes, size, flow);
	case IPPROTO_UDP:
		flow->protocol = PROTOCOL_UDP;
		return read_ports(bytes, size, flow);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		flow->protocol = PROTOCOL_ICMP;
		return 0;
	default:
		flow->protocol = PROTOCOL_ANY;
		return 0;
	}
}

/* RFC 791, 3.1. Only a first fragment has ports; local packets are not fragmented yet. */
static int read_v4(const uint8_t *bytes, size_t size, struct flow_key *flow)
{
	size_t header;

	if (size < 20)
		return -1;
	header = (size_t)(bytes[0] & 15) * 4;
	if (header < 20 || header > size || (read16(bytes + 6) & 0x1fff))
		return -1;
	memset(flow->inside.bytes + 10, 0xff, 2);
	memset(flow->to.bytes + 10, 0xff, 2);
	memcpy(flow->inside.bytes + 12, bytes + 12, 4);
	memcpy(flow->to.bytes + 12, bytes + 16, 4);
	return read_transport(bytes[9], bytes + header, size - header, flow);
}

/* RFC 8200, 4: hop-by-hop, routing and destination options stand in front. */
static int read_v6(const uint8_t *bytes, size_t size, struct flow_key *flow)
{
	uint8_t next;
	size_t at = 40;

	if (size < at)
		return -1;
	next = bytes[6];
	memcpy(flow->inside.bytes, bytes + 8, 16);
	memcpy(flow->to.bytes, bytes + 24, 16);
	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_DSTOPTS) {
		if (size - at < 8)
			return -1;
		next = bytes[at];
		at += ((size_t)bytes[at + 1] + 1) * 8;
		if (at > size)
			return -1;
	}
	if (next == IPPROTO_FRAGMENT)
		return -1;
	return read_transport(next, bytes + at, size - at, flow);
}

int packet_flow(const uint8_t *bytes, size_t size, struct flow_key *ret_flow)
{
	struct flow_key flow = { 0 };
	int result = -1;

	if (size && bytes[0] >> 4 == 4)
		result = read_v4(bytes, size, &flow);
	else if (size && bytes[0] >> 4 == 6)
		result = read_v6(bytes, size, &flow);
	if (result == 0)
		*ret_flow = flow;
	return result;
}

/* ---- messages ----------------------------------------------------------------------- */

int packet_queue_parse(const uint8_t *message, size_t size,
		       struct queued_packet *ret_packet, bool *ret_has_id)
{
	struct nlmsghdr header;
	const size_t front = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	struct netlink_attribute attribute;
	int result = -1;

	*ret_has_id = false;
	if (size < front)
		return -1;
	memcpy(&header, message, sizeof(header));
	if (header.nlmsg_len < front || header.nlmsg_len > size ||
	    header.nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return -1;
	message += front;
	size = header.nlmsg_len - front;
	while (netlink_next(&message, &size, &attribute)) {
		struct nfqnl_msg_packet_hdr packet;

		if (attribute.type == NFQA_PACKET_HDR &&
		    attribute.size >= sizeof(packet)) {
			memcpy(&packet, attribute.data, sizeof(packet));
			ret_packet->id = ntohl(packet.packet_id);
			*ret_has_id = true;
		}
		if (attribute.type == NFQA_PAYLOAD)
			result = packet_flow(attribute.data, attribute.size,
					     &ret_packet->flow);
	}
	return *ret_has_id ? result : -1;
}

static void decide(struct netlink_batch *batch, uint32_t id, uint32_t verdict)
{
	const struct nfqnl_msg_verdict_hdr header = {
		.verdict = htonl(verdict),
		.id = htonl(id),
	};

	begin(batch, "decide on a packet", NFQNL_MSG_VERDICT, 0);
	netlink_put(batch, NFQA_VERDICT_HDR, &header, sizeof(header));
}

void packet_queue_pass(struct netlink_batch *batch, uint32_t id, uint32_t mark)
{
	decide(batch, id, VERDICT_ACCEPT);
	if (mark)
		netlink_put_be32(batch, NFQA_MARK, mark);
}

void packet_queue_drop(struct netlink_batch *batch, uint32_t id)
{
	decide(batch, id, VERDICT_DROP);
}
