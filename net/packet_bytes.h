/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PACKET_BYTES_H
#define SBX_NET_PACKET_BYTES_H

/* Fields of packets: places, numbers, and access in network byte order. */

#include <stdint.h>

enum {
	ETHERTYPE_V4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_V6 = 0x86dd,

	V4_HEADER = 20,
	V6_HEADER = 40,
	TCP_HEADER = 20,
	UDP_HEADER = 8,
	ICMP_HEADER = 8,

	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58,
};

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

#endif
