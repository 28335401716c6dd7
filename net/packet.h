/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PACKET_H
#define SBX_NET_PACKET_H

/*
 * Ethernet frames as bytes: what one holds, what is wrong with it, how it is mended, and
 * how an answer to it is made. Pure. Only what the sandbox needs is sound: ARP for IPv4,
 * IPv4 without options or fragments, IPv6 without extension headers, and in them TCP, UDP,
 * echo, ICMP errors and neighbour discovery. RFC 791, 792, 768, 826, 1071, 1624, 4443,
 * 4861, 8200, 9293.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

enum {
	PACKET_ETHERNET = 14, /* bytes of the header */
	PACKET_MAX = PACKET_ETHERNET + 65535 + 40,
	PACKET_ANSWER_MAX = 1294, /* of packet_build_reset() and packet_build_error() */
};

enum packet_kind {
	PACKET_ARP,
	PACKET_TCP,
	PACKET_UDP,
	PACKET_ECHO,
	PACKET_ECHO_REPLY,
	PACKET_ICMP_ERROR,
	PACKET_SOLICITS,   /* neighbour solicitation */
	PACKET_ADVERTISES, /* neighbour advertisement */
	PACKET_QUIET, /* multicast listener and router discovery: nobody here answers them */
};

enum packet_flaw {
	PACKET_SOUND,
	PACKET_CUT,       /* shorter than it says, or than it must be */
	PACKET_FOREIGN,   /* another ethertype, protocol or kind of ICMP */
	PACKET_MALFORMED, /* fields that contradict each other */
	PACKET_FRAGMENT,
	PACKET_OPTIONS, /* IPv4 options, IPv6 extension headers */
};

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
};

/* Places are offsets into bytes. */
struct packet {
	uint8_t *bytes; /* the caller's */
	size_t size;    /* of the frame, without what pads it */
	enum packet_kind kind;
	bool v6;
	struct ip from, to;
	uint16_t from_port, to_port; /* echo: its identifier, and 0 */
	size_t l4, payload;

	/* PACKET_TCP */
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
};

enum packet_flaw packet_parse(uint8_t *bytes, size_t size, struct packet *ret_packet);
size_t packet_payload_size(const struct packet *packet);

/* ---- mending, in place ------------------------------------------------------------------ */

/* Where the checksum of TCP, UDP or ICMP stands. */
size_t packet_sum_place(const struct packet *packet);

/* The whole checksum of TCP, UDP or ICMP, anew. */
void packet_complete(const struct packet *packet);
bool packet_is_intact(const struct packet *packet);

/* What a device that completes checksums wants to find in its place (virtio, 5.1.6.2). */
uint16_t packet_pseudo_sum(const struct packet *packet);

/* Takes flag and pointer of urgent data away. True: there was something to take. */
bool packet_clear_urgent(struct packet *packet);

/* The MSS option of a SYN becomes mss. Returns what it was; 0: there is none. */
uint16_t packet_change_mss(const struct packet *packet, uint16_t mss);
void packet_change_seq(struct packet *packet, uint32_t seq);

/* After the payload has changed: it has this size now. Lengths and checksums follow. */
void packet_resize(struct packet *packet, size_t payload_size);

/*
 * TCP or UDP of IPv4 becomes one of IPv6, between these, or the other way round. bytes moves
 * by 20: there must be as much room in front of what becomes longer.
 */
void packet_change_family(struct packet *packet, const struct ip *from,
			  const struct ip *to);

/* ---- making ----------------------------------------------------------------------------- */

/* Both ends of a frame, from its sender's point of view. */
struct packet_ends {
	uint8_t from_mac[6], to_mac[6];
	bool v6;
	struct ip from, to;
	uint16_t from_port, to_port;
};

/* Of an answer to the packet. */
struct packet_ends packet_answer_ends(const struct packet *packet);
struct packet_ends packet_ends_turned(const struct packet_ends *ends);

struct tcp_fields {
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	uint16_t mss; /* 0: no option */
};

/* Each returns the size of the frame in to, which has room for PACKET_MAX bytes. */
size_t packet_build_tcp(uint8_t *to, const struct packet_ends *ends,
			const struct tcp_fields *fields, const void *payload,
			size_t size);
size_t packet_build_udp(uint8_t *to, const struct packet_ends *ends, const void *payload,
			size_t size);

/* The reset that answers a segment (RFC 9293, 3.5.2). 0: a reset is not answered. */
size_t packet_build_reset(uint8_t *to, const struct packet *about);

enum packet_error {
	PACKET_PROHIBITED, /* administratively */
	PACKET_HOST_UNREACHABLE,
	PACKET_PORT_UNREACHABLE,
};

/*
 * The ICMP error about a packet; by: the router's address, of the packet's family. 0: none
 * is due: the packet is an ICMP error, or went to many (RFC 1122, 3.2.2; RFC 4443, 2.4).
 */
size_t packet_build_error(uint8_t *to, const struct packet *about,
			  enum packet_error error, const struct ip *by);

#endif
