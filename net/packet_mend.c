/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "net/packet.h"
#include "net/packet_bytes.h"

/*
 * Sums are taken over words in the machine's own order and stored in it: a ones' complement
 * sum does not mind (RFC 1071, 2 B). Nor does it mind their width: what is carried out of 64
 * bits counts as one. Two sums, so that neither waits for the other's carry: four times as
 * fast as words of 32 bits where the compiler does not vectorise.
 */
static uint64_t add_wide(const uint8_t *bytes, size_t size)
{
	const uint64_t low = UINT32_MAX;
	uint64_t words[4], even = 0, odd = 0, carried = 0;

	for (; size >= sizeof(words); size -= sizeof(words), bytes += sizeof(words)) {
		memcpy(words, bytes, sizeof(words));
		carried += __builtin_add_overflow(even, words[0], &even);
		carried += __builtin_add_overflow(odd, words[1], &odd);
		carried += __builtin_add_overflow(even, words[2], &even);
		carried += __builtin_add_overflow(odd, words[3], &odd);
	}
	return (even & low) + (even >> 32) + (odd & low) + (odd >> 32) + carried;
}

static uint64_t add_bytes(uint64_t sum, const uint8_t *bytes, size_t size)
{
	const size_t wide = size - size % 32;
	uint16_t last = 0;

	sum += add_wide(bytes, wide);
	bytes += wide;
	size -= wide;
	for (; size >= 4; size -= 4, bytes += 4) {
		uint32_t word;

		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
	if (size >= 2) {
		memcpy(&last, bytes, 2);
		sum += last;
		size -= 2;
		bytes += 2;
	}
	last = 0;
	memcpy(&last, bytes, size);
	return sum + last;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint8_t protocol_of(const struct packet *packet)
{
	return packet->bytes[PACKET_ETHERNET + (packet->v6 ? 6 : 9)];
}

/* RFC 9293, 3.1; RFC 8200, 8.1. ICMP has none, ICMPv6 has. */
static uint64_t add_pseudo_header(const struct packet *packet)
{
	const uint8_t *ip = packet->bytes + PACKET_ETHERNET;
	const uint8_t protocol = protocol_of(packet);
	uint8_t tail[8] = { 0 };

	if (protocol == PROTO_ICMP)
		return 0;
	put32(tail, (uint32_t)(packet->size - packet->l4));
	tail[7] = protocol;
	return add_bytes(add_bytes(0, tail, sizeof(tail)), ip + (packet->v6 ? 8 : 12),
			 packet->v6 ? 32 : 8);
}

size_t packet_sum_place(const struct packet *packet)
{
	if (packet->kind == PACKET_TCP)
		return packet->l4 + 16;
	return packet->l4 + (packet->kind == PACKET_UDP ? 6 : 2);
}

static uint16_t sum_all(const struct packet *packet)
{
	return fold(add_bytes(add_pseudo_header(packet), packet->bytes + packet->l4,
			      packet->size - packet->l4));
}

void packet_complete(const struct packet *packet)
{
	uint8_t *place = packet->bytes + packet_sum_place(packet);
	uint16_t sum = 0;

	memcpy(place, &sum, sizeof(sum));
	sum = (uint16_t)~sum_all(packet);
	if (sum == 0 && packet->kind == PACKET_UDP)
		sum = 0xffff; /* 0 says that there is none: RFC 768 */
	memcpy(place, &sum, sizeof(sum));
}

bool packet_is_intact(const struct packet *packet)
{
	const uint8_t *place = packet->bytes + packet_sum_place(packet);

	if (packet->kind == PACKET_UDP && !packet->v6 && get16(place) == 0)
		return true;
	return sum_all(packet) == 0xffff;
}

uint16_t packet_pseudo_sum(const struct packet *packet)
{
	return fold(add_pseudo_header(packet));
}

bool packet_clear_urgent(struct packet *packet)
{
	uint8_t *tcp = packet->bytes + packet->l4;

	if (!(packet->flags & TCP_URG) && get16(tcp + 18) == 0)
		return false;
	packet->flags &= (uint8_t)~TCP_URG;
	tcp[13] &= (uint8_t)~TCP_URG;
	put16(tcp + 18, 0);
	packet_complete(packet);
	return true;
}

/* Of the MSS option's value; 0: there is none. RFC 9293, 3.2. */
static size_t find_mss(const struct packet *packet)
{
	const uint8_t *bytes = packet->bytes;
	size_t at = packet->l4 + TCP_HEADER;

	while (at < packet->payload && bytes[at] != 0) {
		if (bytes[at] == 1) {
			at++;
			continue;
		}
		if (packet->payload - at < 2 || bytes[at + 1] < 2 ||
		    bytes[at + 1] > packet->payload - at)
			return 0;
		if (bytes[at] == 2)
			return bytes[at + 1] == 4 ? at + 2 : 0;
		at += bytes[at + 1];
	}
	return 0;
}

uint16_t packet_change_mss(const struct packet *packet, uint16_t mss)
{
	const size_t at = find_mss(packet);
	uint16_t old;

	if (at == 0)
		return 0;
	old = get16(packet->bytes + at);
	put16(packet->bytes + at, mss);
	packet_complete(packet);
	return old;
}

void packet_change_seq(struct packet *packet, uint32_t seq)
{
	packet->seq = seq;
	put32(packet->bytes + packet->l4 + 4, seq);
	packet_complete(packet);
}

static void sum_v4_header(uint8_t *ip)
{
	uint16_t sum = 0;

	memcpy(ip + 10, &sum, sizeof(sum));
	sum = (uint16_t)~fold(add_bytes(0, ip, V4_HEADER));
	memcpy(ip + 10, &sum, sizeof(sum));
}

void packet_resize(struct packet *packet, size_t payload_size)
{
	uint8_t *ip = packet->bytes + PACKET_ETHERNET;

	packet->size = packet->payload + payload_size;
	if (packet->v6) {
		put16(ip + 4, (uint16_t)(packet->size - PACKET_ETHERNET - V6_HEADER));
	} else {
		put16(ip + 2, (uint16_t)(packet->size - PACKET_ETHERNET));
		sum_v4_header(ip);
	}
	if (packet->kind == PACKET_UDP)
		put16(packet->bytes + packet->l4 + 4,
		      (uint16_t)(packet->size - packet->l4));
	packet_complete(packet);
}
