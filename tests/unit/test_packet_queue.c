/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_queue.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

/* 10.0.2.100:40000 to 203.0.113.7:443, SYN */
static const uint8_t syn4[40] = {
	0x45, 0,   0,   40, 0,    1, 0x40, 0,    64, TCP,  0, 0, 10, 0,
	2,    100, 203, 0,  113,  7, 0x9c, 0x40, 1,  0xbb, 0, 0, 0,  1,
	0,    0,   0,   0,  0x50, 2, 255,  255,  0,  0,    0, 0,
};

/* fd00::64 to 2001:db8::7, a header of options in front of UDP */
static const uint8_t options6[40 + 8 + 8] = {
	0x60, 0,    0,    0,        0,   16, 0, 64, 0xfd, [23] = 0x64, 0x20,
	1,    0x0d, 0xb8, [39] = 7, UDP, 0,  1, 4,  0,    0,           0,
	0,    0x9c, 0x40, 0,        123, 0,  8, 0,  0,
};

static void assert_ip(const struct ip *ip, const char *text)
{
	char is[IP_TEXT_MAX];

	assert_string_equal(ip_format(ip, is), text);
}

static void packets_tell_where_they_go(void **state)
{
	struct flow_key flow;

	(void)state;
	assert_int_equal(packet_flow(syn4, sizeof(syn4), &flow), 0);
	assert_int_equal(flow.protocol, PROTOCOL_TCP);
	assert_ip(&flow.inside, "10.0.2.100");
	assert_ip(&flow.to, "203.0.113.7");
	assert_int_equal(flow.inside_port, 40000);
	assert_int_equal(flow.port, 443);
	assert_int_equal(packet_flow(options6, sizeof(options6), &flow), 0);
	assert_int_equal(flow.protocol, PROTOCOL_UDP);
	assert_ip(&flow.inside, "fd00::64");
	assert_ip(&flow.to, "2001:db8::7");
	assert_int_equal(flow.port, 123);
}

static void protocols_without_ports_have_none(void **state)
{
	uint8_t packet[40];
	struct flow_key flow;

	(void)state;
	memcpy(packet, syn4, sizeof(packet));
	packet[9] = SCTP;
	assert_int_equal(packet_flow(packet, sizeof(packet), &flow), 0);
	assert_int_equal(flow.protocol, PROTOCOL_ANY);
	assert_int_equal(flow.port, 0);
	memcpy(packet, options6, sizeof(packet));
	packet[6] = ICMP6;
	assert_int_equal(packet_flow(packet, sizeof(packet), &flow), 0);
	assert_int_equal(flow.protocol, PROTOCOL_ICMP);
}

static void a_packet_that_is_cut_is_none(void **state)
{
	struct flow_key flow;

	(void)state;
	for (size_t i = 0; i < 24; i++)
		assert_int_equal(packet_flow(syn4, i, &flow), -1);
	for (size_t i = 0; i < 40 + 8 + 4; i++)
		assert_int_equal(packet_flow(options6, i, &flow), -1);
}

static void a_packet_that_lies_is_none(void **state)
{
	uint8_t packet[56];
	struct flow_key flow;

	(void)state;
	memcpy(packet, syn4, sizeof(syn4));
	packet[0] = 0x44; /* a header of 16 bytes */
	assert_int_equal(packet_flow(packet, sizeof(syn4), &flow), -1);
	packet[0] = 0x4f; /* of 60 */
	assert_int_equal(packet_flow(packet, sizeof(syn4), &flow), -1);
	packet[0] = 0x55;
	assert_int_equal(packet_flow(packet, sizeof(syn4), &flow), -1);
	packet[0] = 0x45;
	packet[7] = 1; /* a later fragment */
	assert_int_equal(packet_flow(packet, sizeof(syn4), &flow), -1);
	memcpy(packet, options6, sizeof(options6));
	packet[41] = 255; /* options beyond the end */
	assert_int_equal(packet_flow(packet, sizeof(packet), &flow), -1);
	packet[41] = 0;
	packet[40] = 44; /* a fragment */
	assert_int_equal(packet_flow(packet, sizeof(packet), &flow), -1);
	packet[40] = 0; /* options without end */
	packet[48] = 0;
	packet[49] = 0;
	assert_int_equal(packet_flow(packet, sizeof(packet), &flow), -1);
}

/* What the kernel sends of a queue. */
static void write_message(struct netlink_batch *batch, uint16_t type, const void *payload,
			  size_t size)
{
	const struct nfgenmsg header = { .nfgen_family = AF_INET };
	const struct nfqnl_msg_packet_hdr packet = { .packet_id = 0x04030201 };

	netlink_reset(batch);
	netlink_begin(batch, "", type, 0, &header, sizeof(header));
	netlink_put(batch, NFQA_PACKET_HDR, &packet, sizeof(packet));
	if (payload)
		netlink_put(batch, NFQA_PAYLOAD, payload, size);
}

static void messages_of_the_queue_are_read(void **state)
{
	const uint16_t type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	struct netlink_batch batch = { 0 };
	struct queued_packet packet = { 0 };
	bool has_id;

	(void)state;
	write_message(&batch, type, syn4, sizeof(syn4));
	assert_int_equal(packet_queue_parse(batch.bytes, batch.used, &packet, &has_id),
			 0);
	assert_true(has_id);
	assert_int_equal(packet.flow.port, 443);
	assert_int_equal(packet.id, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
					    ? 0x01020304
					    : 0x04030201);
	write_message(&batch, type, NULL, 0);
	assert_int_equal(packet_queue_parse(batch.bytes, batch.used, &packet, &has_id),
			 -1);
	assert_true(has_id);
}

static void other_messages_are_none(void **state)
{
	const uint16_t type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	struct netlink_batch batch = { 0 };
	struct queued_packet packet = { 0 };
	bool has_id;

	(void)state;
	write_message(&batch, NLMSG_ERROR, syn4, sizeof(syn4));
	assert_int_equal(packet_queue_parse(batch.bytes, batch.used, &packet, &has_id),
			 -1);
	assert_false(has_id);
	write_message(&batch, type, syn4, sizeof(syn4));
	for (size_t i = 0; i < batch.used; i++)
		assert_int_equal(packet_queue_parse(batch.bytes, i, &packet, &has_id),
				 -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_tell_where_they_go),
		cmocka_unit_test(protocols_without_ports_have_none),
		cmocka_unit_test(a_packet_that_is_cut_is_none),
		cmocka_unit_test(a_packet_that_lies_is_none),
		cmocka_unit_test(messages_of_the_queue_are_read),
		cmocka_unit_test(other_messages_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
