/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "net/frame_path.h"
#include "net/packet_bytes.h"

static bool is_gso_of(const struct virtio_net_hdr *offload, const struct packet *packet)
{
	switch (offload->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return packet->kind == PACKET_TCP && !packet->v6;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return packet->kind == PACKET_TCP && packet->v6;
	default:
		return false; /* the tap was not opened for these */
	}
}

bool frame_complete(const struct virtio_net_hdr *offload, const struct packet *packet)
{
	if (!is_gso_of(offload, packet))
		return false;
	if (!(offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	if (packet->kind == PACKET_ARP || packet->kind == PACKET_QUIET)
		return false;
	if (offload->csum_start != packet->l4 ||
	    (size_t)offload->csum_start + offload->csum_offset !=
		    packet_sum_place(packet))
		return false;
	packet_complete(packet);
	return true;
}

static bool is_link_local(const struct ip *ip)
{
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static bool is_zero(const struct ip *ip)
{
	static const struct ip zero;

	return ip_equal(ip, &zero);
}

/* A probe for an address that somebody is about to take says 0.0.0.0: RFC 5227, 1.1. */
static bool is_own_arp(const struct frame_path *path, const struct packet *packet)
{
	const uint8_t *sender = packet->bytes + PACKET_ETHERNET + 8;
	const struct ip nobody = ip_from_v4(0);

	return memcmp(sender, path->spec.mac, 6) == 0 &&
	       (ip_equal(&packet->from, &path->spec.net->address.ip) ||
		ip_equal(&packet->from, &nobody));
}

bool frame_is_own(const struct frame_path *path, const struct packet *packet)
{
	const struct net_spec *net = path->spec.net;

	if (memcmp(packet->bytes + 6, path->spec.mac, 6) != 0)
		return false;
	if (packet->kind == PACKET_ARP)
		return is_own_arp(path, packet);
	if (!packet->v6)
		return ip_equal(&packet->from, &net->address.ip);
	if (net->address6.bits == 0)
		return packet->kind == PACKET_QUIET;
	if (ip_equal(&packet->from, &net->address6.ip))
		return true;
	switch (packet->kind) {
	case PACKET_SOLICITS:
	case PACKET_ADVERTISES:
	case PACKET_QUIET:
		return is_link_local(&packet->from) || is_zero(&packet->from);
	case PACKET_ARP:
	case PACKET_TCP:
	case PACKET_UDP:
	case PACKET_ECHO:
	case PACKET_ECHO_REPLY:
	case PACKET_ICMP_ERROR:
		break;
	}
	return false;
}

static enum frame_place place_of_v4(const struct frame_path *path, const struct ip *to)
{
	const struct net_spec *net = path->spec.net;
	const struct ip last = prefix_last(&net->address);
	const uint8_t *bytes = to->bytes + 12;

	if (ip_equal(to, &net->gateway))
		return PLACE_GATEWAY;
	if (ip_equal(to, &net->dns))
		return PLACE_DNS;
	if (ip_equal(to, &last))
		return PLACE_GROUP;
	if (prefix_contains(&net->address, to))
		return PLACE_NOBODY;
	if (bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0)
		return PLACE_GROUP;
	if (memcmp(bytes, "\xff\xff\xff\xff", 4) == 0)
		return PLACE_GROUP;
	return PLACE_OUTSIDE;
}

static enum frame_place place_of_v6(const struct frame_path *path, const struct ip *to)
{
	const struct net_spec *net = path->spec.net;

	if (ip_equal(to, &net->gateway6))
		return PLACE_GATEWAY;
	if (ip_equal(to, &net->dns6))
		return PLACE_DNS;
	if (prefix_contains(&net->address6, to) || is_link_local(to))
		return PLACE_NOBODY;
	if (to->bytes[0] == 0xff && (to->bytes[1] & 15) <= 2)
		return PLACE_GROUP; /* interface and link: RFC 4291, 2.7 */
	return PLACE_OUTSIDE;
}

enum frame_place frame_place_of(const struct frame_path *path,
				const struct packet *packet)
{
	return packet->v6 ? place_of_v6(path, &packet->to)
			  : place_of_v4(path, &packet->to);
}

/* BOOTP and DHCP, TFTP, DHCPv6. */
bool frame_is_service(const struct packet *packet, enum frame_place place)
{
	static const uint16_t anywhere[] = { 67, 68, 546, 547 };

	for (size_t i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++) {
		if (packet->to_port == anywhere[i])
			return true;
	}
	return packet->to_port == 69 && place != PLACE_OUTSIDE;
}

/* A gratuitous request: RFC 5227, 3. */
static void introduce_v4(struct frame_path *path)
{
	static const uint8_t request[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	const uint32_t address = ip_to_v4(&path->spec.net->address.ip);
	uint8_t frame[PACKET_ETHERNET + 28] = { 0 };
	uint8_t *arp = frame + PACKET_ETHERNET;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, path->spec.mac, 6);
	put16(frame + 12, ETHERTYPE_ARP);
	memcpy(arp, request, sizeof(request));
	memcpy(arp + 8, path->spec.mac, 6);
	memcpy(arp + 14, &address, 4);
	memcpy(arp + 24, &address, 4);
	stack_input(path->stack, frame, sizeof(frame));
}

/* An unsolicited advertisement: RFC 4861, 7.2.6. */
static void introduce_v6(struct frame_path *path)
{
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	const struct ip *own = &path->stack_net.address6.ip;
	uint8_t frame[PACKET_ETHERNET + V6_HEADER + 32] = { 0x33, 0x33, [5] = 1 };
	struct packet packet = { .bytes = frame, .v6 = true, .kind = PACKET_ADVERTISES };
	uint8_t *ip = frame + PACKET_ETHERNET, *icmp = ip + V6_HEADER;

	memcpy(frame + 6, path->spec.mac, 6);
	put16(frame + 12, ETHERTYPE_V6);
	ip[0] = 0x60;
	ip[6] = PROTO_ICMP6;
	ip[7] = 255;
	memcpy(ip + 8, own->bytes, 16);
	memcpy(ip + 24, all_nodes, 16);
	icmp[0] = 136;
	icmp[4] = 0x20; /* it overrides */
	memcpy(icmp + 8, own->bytes, 16);
	icmp[24] = 2; /* the target's link-layer address … */
	icmp[25] = 1; /* … of 8 bytes */
	memcpy(icmp + 26, path->spec.mac, 6);
	packet.l4 = PACKET_ETHERNET + V6_HEADER;
	packet.payload = packet.l4 + ICMP_HEADER;
	packet_resize(&packet, 24);
	stack_input(path->stack, frame, sizeof(frame));
}

void frame_introduce(struct frame_path *path)
{
	introduce_v4(path);
	if (path->stack_net.address6.bits)
		introduce_v6(path);
}
