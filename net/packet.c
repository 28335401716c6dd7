/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "net/packet.h"
#include "net/packet_bytes.h"

static struct ip ip_at(const uint8_t *at, bool v6)
{
	struct ip ip;

	if (!v6) {
		uint32_t address;

		memcpy(&address, at, sizeof(address));
		return ip_from_v4(address);
	}
	memcpy(ip.bytes, at, sizeof(ip.bytes));
	return ip;
}

static enum packet_flaw parse_arp(struct packet *packet)
{
	static const uint8_t ethernet_for_v4[] = { 0, 1, 8, 0, 6, 4 };
	const uint8_t *arp = packet->bytes + PACKET_ETHERNET;
	const size_t whole = PACKET_ETHERNET + 28;

	if (packet->size < whole)
		return PACKET_CUT;
	if (memcmp(arp, ethernet_for_v4, sizeof(ethernet_for_v4)) != 0)
		return PACKET_FOREIGN;
	if (get16(arp + 6) != 1 && get16(arp + 6) != 2)
		return PACKET_FOREIGN;
	packet->kind = PACKET_ARP;
	packet->size = whole;
	packet->l4 = packet->payload = PACKET_ETHERNET;
	packet->from = ip_at(arp + 14, false);
	packet->to = ip_at(arp + 24, false);
	return PACKET_SOUND;
}

static enum packet_flaw parse_tcp(struct packet *packet)
{
	const uint8_t *tcp = packet->bytes + packet->l4;
	const size_t size = packet->size - packet->l4;
	uint8_t flags;

	if (size < TCP_HEADER)
		return PACKET_CUT;
	if ((tcp[12] >> 4) * 4 < TCP_HEADER)
		return PACKET_MALFORMED;
	if ((size_t)(tcp[12] >> 4) * 4 > size)
		return PACKET_CUT;
	flags = tcp[13] & 0x3f;
	if ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST)))
		return PACKET_MALFORMED;
	if (!(flags & (TCP_SYN | TCP_RST | TCP_ACK)))
		return PACKET_MALFORMED;
	packet->kind = PACKET_TCP;
	packet->from_port = get16(tcp);
	packet->to_port = get16(tcp + 2);
	packet->seq = get32(tcp + 4);
	packet->ack = get32(tcp + 8);
	packet->window = get16(tcp + 14);
	packet->flags = flags;
	packet->payload = packet->l4 + (size_t)(tcp[12] >> 4) * 4;
	if (packet->from_port == 0 || packet->to_port == 0)
		return PACKET_MALFORMED;
	return PACKET_SOUND;
}

static enum packet_flaw parse_udp(struct packet *packet)
{
	const uint8_t *udp = packet->bytes + packet->l4;
	const size_t size = packet->size - packet->l4;

	if (size < UDP_HEADER)
		return PACKET_CUT;
	packet->kind = PACKET_UDP;
	packet->from_port = get16(udp);
	packet->to_port = get16(udp + 2);
	packet->payload = packet->l4 + UDP_HEADER;
	if (get16(udp + 4) != size)
		return PACKET_MALFORMED;
	if (packet->from_port == 0 || packet->to_port == 0)
		return PACKET_MALFORMED;
	if (packet->v6 && get16(udp + 6) == 0)
		return PACKET_MALFORMED; /* RFC 8200, 8.1 */
	return PACKET_SOUND;
}

static enum packet_flaw parse_echo(struct packet *packet, enum packet_kind kind)
{
	const uint8_t *icmp = packet->bytes + packet->l4;

	if (icmp[1] != 0)
		return PACKET_MALFORMED;
	packet->kind = kind;
	packet->from_port = get16(icmp + 4);
	return PACKET_SOUND;
}

static enum packet_flaw parse_icmp(struct packet *packet)
{
	if (packet->size - packet->l4 < ICMP_HEADER)
		return PACKET_CUT;
	packet->payload = packet->l4 + ICMP_HEADER;
	switch (packet->bytes[packet->l4]) {
	case 0:
		return parse_echo(packet, PACKET_ECHO_REPLY);
	case 3:
	case 11:
	case 12:
		packet->kind = PACKET_ICMP_ERROR;
		return PACKET_SOUND;
	case 8:
		return parse_echo(packet, PACKET_ECHO);
	default:
		return PACKET_FOREIGN;
	}
}

/* RFC 4861, 7.1: what every receiver must check, and options that fill the rest exactly. */
static enum packet_flaw parse_neighbour(struct packet *packet, enum packet_kind kind)
{
	const uint8_t *icmp = packet->bytes + packet->l4;
	const size_t size = packet->size - packet->l4;
	size_t at = 24;

	if (size < at)
		return PACKET_CUT;
	if (packet->bytes[PACKET_ETHERNET + 7] != 255 || icmp[1] != 0 || icmp[8] == 0xff)
		return PACKET_MALFORMED;
	while (at < size) {
		if (size - at < 8 || icmp[at + 1] == 0 ||
		    (size_t)icmp[at + 1] * 8 > size - at)
			return PACKET_MALFORMED;
		at += (size_t)icmp[at + 1] * 8;
	}
	packet->kind = kind;
	return PACKET_SOUND;
}

static enum packet_flaw parse_icmp6(struct packet *packet)
{
	if (packet->size - packet->l4 < ICMP_HEADER)
		return PACKET_CUT;
	packet->payload = packet->l4 + ICMP_HEADER;
	switch (packet->bytes[packet->l4]) {
	case 1:
	case 2:
	case 3:
	case 4:
		packet->kind = PACKET_ICMP_ERROR;
		return PACKET_SOUND;
	case 128:
		return parse_echo(packet, PACKET_ECHO);
	case 129:
		return parse_echo(packet, PACKET_ECHO_REPLY);
	case 133:
	case 134:
		packet->kind = PACKET_QUIET;
		return PACKET_SOUND;
	case 135:
		return parse_neighbour(packet, PACKET_SOLICITS);
	case 136:
		return parse_neighbour(packet, PACKET_ADVERTISES);
	default:
		return PACKET_FOREIGN;
	}
}

static enum packet_flaw parse_l4(struct packet *packet, uint8_t protocol)
{
	if (protocol == PROTO_TCP)
		return parse_tcp(packet);
	if (protocol == PROTO_UDP)
		return parse_udp(packet);
	if (protocol == PROTO_ICMP && !packet->v6)
		return parse_icmp(packet);
	if (protocol == PROTO_ICMP6 && packet->v6)
		return parse_icmp6(packet);
	return PACKET_FOREIGN;
}

static enum packet_flaw parse_v4(struct packet *packet)
{
	const uint8_t *ip = packet->bytes + PACKET_ETHERNET;
	const size_t room = packet->size - PACKET_ETHERNET;

	if (room < V4_HEADER || get16(ip + 2) > room)
		return PACKET_CUT;
	if (ip[0] >> 4 != 4 || (ip[0] & 15) < 5 || get16(ip + 2) < (ip[0] & 15) * 4)
		return PACKET_MALFORMED;
	if ((ip[0] & 15) != 5)
		return PACKET_OPTIONS;
	if (get16(ip + 6) & 0x3fff)
		return PACKET_FRAGMENT;
	packet->size = PACKET_ETHERNET + (size_t)get16(ip + 2);
	packet->l4 = packet->payload = PACKET_ETHERNET + V4_HEADER;
	packet->from = ip_at(ip + 12, false);
	packet->to = ip_at(ip + 16, false);
	return parse_l4(packet, ip[9]);
}

/*
 * Hop-by-hop options without anything but a router alert carry multicast listener reports,
 * which every kernel sends (RFC 3810, 5): those are quiet, not odd.
 */
static bool is_listener_report(const uint8_t *ip, size_t size)
{
	const size_t icmp = V6_HEADER + 8;

	return size > icmp && ip[6] == 0 && ip[V6_HEADER] == PROTO_ICMP6 &&
	       ip[V6_HEADER + 1] == 0 &&
	       (ip[icmp] == 143 || (ip[icmp] >= 130 && ip[icmp] <= 132));
}

static bool is_extension(uint8_t next_header)
{
	static const uint8_t extensions[] = {
		0, 43, 50, 51, 60, 135, 139, 140, 253, 254
	};

	return memchr(extensions, next_header, sizeof(extensions)) != NULL;
}

static enum packet_flaw parse_v6(struct packet *packet)
{
	const uint8_t *ip = packet->bytes + PACKET_ETHERNET;
	const size_t room = packet->size - PACKET_ETHERNET;
	size_t size;

	if (room < V6_HEADER || get16(ip + 4) > room - V6_HEADER)
		return PACKET_CUT;
	if (ip[0] >> 4 != 6)
		return PACKET_MALFORMED;
	size = V6_HEADER + (size_t)get16(ip + 4);
	packet->size = PACKET_ETHERNET + size;
	packet->l4 = packet->payload = PACKET_ETHERNET + V6_HEADER;
	packet->from = ip_at(ip + 8, true);
	packet->to = ip_at(ip + 24, true);

	/* Nothing that is on a wire has these: they would be taken for IPv4 behind us. */
	if (ip_is_v4(&packet->from) || ip_is_v4(&packet->to))
		return PACKET_MALFORMED;
	if (is_listener_report(ip, size)) {
		packet->kind = PACKET_QUIET;
		return PACKET_SOUND;
	}
	if (ip[6] == 44)
		return PACKET_FRAGMENT;
	if (is_extension(ip[6]))
		return PACKET_OPTIONS;
	return parse_l4(packet, ip[6]);
}

enum packet_flaw packet_parse(uint8_t *bytes, size_t size, struct packet *ret_packet)
{
	struct packet packet = { .bytes = bytes, .size = size };
	enum packet_flaw flaw = PACKET_FOREIGN;

	if (size < PACKET_ETHERNET)
		return PACKET_CUT;
	switch (get16(bytes + 12)) {
	case ETHERTYPE_ARP:
		flaw = parse_arp(&packet);
		break;
	case ETHERTYPE_V4:
		flaw = parse_v4(&packet);
		break;
	case ETHERTYPE_V6:
		packet.v6 = true;
		flaw = parse_v6(&packet);
		break;
	default:
		break;
	}
	if (flaw == PACKET_SOUND)
		*ret_packet = packet;
	return flaw;
}

size_t packet_payload_size(const struct packet *packet)
{
	return packet->size - packet->payload;
}
