/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "net/frame_path.h"

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
