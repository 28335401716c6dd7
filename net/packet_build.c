/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "net/packet.h"
#include "net/packet_bytes.h"

enum {
	TTL = 64,
	QUOTED_V4_MAX = 548, /* of the packet that an error is about: RFC 1812, 4.3.2.3 */
	V6_LEAST_MTU = 1280, /* that an ICMPv6 error fits into: RFC 4443, 2.4 (c) */
};

struct packet_ends packet_answer_ends(const struct packet *packet)
{
	struct packet_ends ends = {
		.v6 = packet->v6,
		.from = packet->to,
		.to = packet->from,
		.from_port = packet->to_port,
		.to_port = packet->from_port,
	};

	memcpy(ends.to_mac, packet->bytes + 6, 6);
	memcpy(ends.from_mac, packet->bytes, 6);
	return ends;
}

struct packet_ends packet_ends_turned(const struct packet_ends *ends)
{
	struct packet_ends turned = {
		.v6 = ends->v6,
		.from = ends->to,
		.to = ends->from,
		.from_port = ends->to_port,
		.to_port = ends->from_port,
	};

	memcpy(turned.to_mac, ends->from_mac, 6);
	memcpy(turned.from_mac, ends->to_mac, 6);
	return turned;
}

static void put_v4(uint8_t *ip, const struct ip *from, const struct ip *to)
{
	const uint32_t addresses[] = { ip_to_v4(from), ip_to_v4(to) };

	memset(ip, 0, V4_HEADER);
	ip[0] = 0x45;
	put16(ip + 6, 0x4000); /* may not be fragmented */
	ip[8] = TTL;
	memcpy(ip + 12, addresses, sizeof(addresses));
}

static void put_v6(uint8_t *ip, const struct ip *from, const struct ip *to)
{
	memset(ip, 0, 8);
	ip[0] = 0x60;
	ip[7] = TTL;
	memcpy(ip + 8, from->bytes, 16);
	memcpy(ip + 24, to->bytes, 16);
}

/* The headers before layer 4. A group's address is no one's source (RFC 826, RFC 7042). */
static struct packet begin(uint8_t *to, const struct packet_ends *ends,
			   enum packet_kind kind, uint8_t protocol)
{
	struct packet packet = { .bytes = to, .kind = kind, .v6 = ends->v6 };
	uint8_t *ip = to + PACKET_ETHERNET;

	memcpy(to, ends->to_mac, 6);
	memcpy(to + 6, ends->from_mac, 6);
	to[6] &= (uint8_t)~1;
	put16(to + 12, ends->v6 ? ETHERTYPE_V6 : ETHERTYPE_V4);
	if (ends->v6) {
		put_v6(ip, &ends->from, &ends->to);
		ip[6] = protocol;
	} else {
		put_v4(ip, &ends->from, &ends->to);
		ip[9] = protocol;
	}
	packet.l4 = PACKET_ETHERNET + (ends->v6 ? V6_HEADER : V4_HEADER);
	return packet;
}

void packet_change_family(struct packet *packet, const struct ip *from,
			  const struct ip *to)
{
	const size_t payload_size = packet_payload_size(packet);
	const size_t header = packet->payload - packet->l4;
	struct packet_ends ends = { .v6 = !packet->v6, .from = *from, .to = *to };
	uint8_t *l4 = packet->bytes + packet->l4;
	struct packet changed;

	memcpy(ends.to_mac, packet->bytes, 6);
	memcpy(ends.from_mac, packet->bytes + 6, 6);
	changed = begin(l4 - PACKET_ETHERNET - (ends.v6 ? V6_HEADER : V4_HEADER), &ends,
			packet->kind, packet->kind == PACKET_TCP ? PROTO_TCP : PROTO_UDP);
	packet->bytes = changed.bytes;
	packet->v6 = changed.v6;
	packet->l4 = changed.l4;
	packet->payload = changed.l4 + header;
	packet->from = *from;
	packet->to = *to;
	packet_resize(packet, payload_size);
}

size_t packet_build_tcp(uint8_t *to, const struct packet_ends *ends,
			const struct tcp_fields *fields, const void *payload, size_t size)
{
	struct packet packet = begin(to, ends, PACKET_TCP, PROTO_TCP);
	const size_t header = TCP_HEADER + (fields->mss ? 4 : 0);
	uint8_t *tcp = to + packet.l4;

	memset(tcp, 0, header);
	put16(tcp, ends->from_port);
	put16(tcp + 2, ends->to_port);
	put32(tcp + 4, fields->seq);
	put32(tcp + 8, fields->ack);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = fields->flags;
	put16(tcp + 14, fields->window);
	if (fields->mss) {
		tcp[20] = 2;
		tcp[21] = 4;
		put16(tcp + 22, fields->mss);
	}
	packet.payload = packet.l4 + header;
	if (size)
		memcpy(to + packet.payload, payload, size);
	packet_resize(&packet, size);
	return packet.size;
}

size_t packet_build_udp(uint8_t *to, const struct packet_ends *ends, const void *payload,
			size_t size)
{
	struct packet packet = begin(to, ends, PACKET_UDP, PROTO_UDP);
	uint8_t *udp = to + packet.l4;

	put16(udp, ends->from_port);
	put16(udp + 2, ends->to_port);
	packet.payload = packet.l4 + UDP_HEADER;
	memcpy(to + packet.payload, payload, size);
	packet_resize(&packet, size);
	return packet.size;
}

size_t packet_build_reset(uint8_t *to, const struct packet *about)
{
	const struct packet_ends ends = packet_answer_ends(about);
	struct tcp_fields fields = { .seq = about->ack, .flags = TCP_RST };

	if (about->flags & TCP_RST)
		return 0;
	if (!(about->flags & TCP_ACK)) {
		fields.seq = 0;
		fields.flags |= TCP_ACK;
		fields.ack = about->seq + (uint32_t)packet_payload_size(about);
		if (about->flags & TCP_SYN)
			fields.ack++;
		if (about->flags & TCP_FIN)
			fields.ack++;
	}
	return packet_build_tcp(to, &ends, &fields, NULL, 0);
}

static bool deserves_error(const struct packet *about)
{
	if (about->kind != PACKET_TCP && about->kind != PACKET_UDP &&
	    about->kind != PACKET_ECHO)
		return false;
	if (about->bytes[0] & 1)
		return false;
	if (about->v6)
		return about->to.bytes[0] != 0xff;
	return about->to.bytes[12] < 224;
}

/* { type, code } of both families: RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1. */
static const uint8_t errors[][2][2] = {
	[PACKET_PROHIBITED] = { { 3, 13 }, { 1, 1 } },
	[PACKET_HOST_UNREACHABLE] = { { 3, 1 }, { 1, 3 } },
	[PACKET_PORT_UNREACHABLE] = { { 3, 3 }, { 1, 4 } },
};

size_t packet_build_error(uint8_t *to, const struct packet *about,
			  enum packet_error error, const struct ip *by)
{
	struct packet_ends ends = packet_answer_ends(about);
	size_t quoted = about->size - PACKET_ETHERNET;
	const size_t most =
		about->v6 ? V6_LEAST_MTU - V6_HEADER - ICMP_HEADER : QUOTED_V4_MAX;
	struct packet packet;
	uint8_t *icmp;

	if (!deserves_error(about))
		return 0;
	if (quoted > most)
		quoted = most;
	ends.from = *by;
	packet =
		begin(to, &ends, PACKET_ICMP_ERROR, about->v6 ? PROTO_ICMP6 : PROTO_ICMP);
	icmp = to + packet.l4;
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = errors[error][about->v6][0];
	icmp[1] = errors[error][about->v6][1];
	packet.payload = packet.l4 + ICMP_HEADER;
	memcpy(to + packet.payload, about->bytes + PACKET_ETHERNET, quoted);
	packet_resize(&packet, quoted);
	return packet.size;
}
