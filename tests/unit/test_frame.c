/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "made_up_frames.h"
#include "net/packet_bytes.h"

#define OUTSIDE4 "198.51.100.7"
#define OUTSIDE6 "2001:db8::7"

static const char *const outside[] = { OUTSIDE4, OUTSIDE6 };
static const char *const internet[] = { NULL };
static const char *const nothing[] = { "-any", NULL };
static const char *const by_cidr[] = { "+198.51.100.0/24:443", "+[2001:db8::/32]:443",
				       NULL };

enum {
	FAMILIES = 2,
};

static const struct virtio_net_hdr plain;

static uint64_t dropped(const struct frames *frames)
{
	return frames->path->counters->dropped_frames;
}

static void an_allowed_opening_reaches_the_stack(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(by_cidr);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 443);
		struct packet packet;

		assert_int_equal(frames_say_tcp(frames, &ends, 1000, 0, TCP_SYN, ""), 1);
		packet = ear_packet(&frames->stack, 0);
		assert_int_equal(packet.flags, TCP_SYN);

		/* The stack may send as much at once as fits into its largest frame. */
		assert_int_equal(packet_change_mss(&packet, 1), 65520 - (i ? 60 : 40));
		frames_hear(frames);
		assert_int_equal(frames->tap.count, 0);
		frames_free(frames);
	}
}

static void a_denied_opening_is_reset_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(by_cidr);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 80);
		struct packet packet;

		assert_int_equal(frames_say_tcp(frames, &ends, 1000, 0, TCP_SYN, ""), 0);
		frames_hear(frames);
		assert_int_equal(frames->tap.count, 1);
		packet = ear_packet(&frames->tap, 0);
		assert_int_equal(packet.flags, TCP_RST | TCP_ACK);
		assert_int_equal(packet.ack, 1001);
		assert_int_equal(frames->path->counters->denied, 1);
		frames_free(frames);
	}
}

static void denied_datagrams_are_prohibited_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(nothing);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 123);
		struct packet packet;

		assert_int_equal(frames_say_udp(frames, &ends, "time?"), 0);
		frames_hear(frames);
		assert_int_equal(frames->tap.count, 1);
		packet = ear_packet(&frames->tap, 0);
		assert_int_equal(packet.kind, PACKET_ICMP_ERROR);
		assert_int_equal(packet.bytes[packet.l4 + 1], i ? 1 : 13);
		frames_free(frames);
	}
}

static void a_segment_of_no_connection_is_reset(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(internet);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 443);
		struct packet packet;

		assert_int_equal(
			frames_say_tcp(frames, &ends, 1000, 77, TCP_ACK, "GET /"), 0);
		frames_hear(frames);
		packet = ear_packet(&frames->tap, 0);
		assert_int_equal(packet.flags, TCP_RST);
		assert_int_equal(packet.seq, 77);

		/* But never a reset. */
		assert_int_equal(frames_say_tcp(frames, &ends, 1000, 0, TCP_RST, ""), 0);
		frames_hear(frames);
		assert_int_equal(frames->tap.count, 1);
		frames_free(frames);
	}
}

static void nobody_else_speaks_through_the_tap(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(internet);
		struct packet_ends ends = frames_ends(outside[i], 40000, 443);

		ends.from_mac[5] ^= 1;
		assert_int_equal(frames_say_tcp(frames, &ends, 1, 0, TCP_SYN, ""), 0);
		ends = frames_ends(outside[i], 40000, 443);
		ends.from.bytes[15] ^= 1;
		assert_int_equal(frames_say_tcp(frames, &ends, 1, 0, TCP_SYN, ""), 0);
		assert_int_equal(frames_say_udp(frames, &ends, "x"), 0);
		frames_hear(frames);
		assert_int_equal(frames->tap.count, 0);
		assert_int_equal(dropped(frames), 3);
		frames_free(frames);
	}
}

static void link_local_senders_may_only_find_neighbours(void **state)
{
	struct frames *frames = frames_new(internet);
	struct packet_ends ends = frames_ends(OUTSIDE6, 40000, 53);

	(void)state;
	assert_int_equal(ip_parse("fe80::64", &ends.from), 0);
	assert_int_equal(frames_say_udp(frames, &ends, "x"), 0);
	assert_int_equal(dropped(frames), 1);
	frames_free(frames);
}

static void services_of_the_stack_are_out_of_reach(void **state)
{
	static const struct {
		const char *to;
		uint16_t port;
	} services[] = {
		{ "10.0.2.2", 67 },      { "255.255.255.255", 67 }, { "10.0.2.255", 67 },
		{ OUTSIDE4, 67 },        { "10.0.2.2", 68 },        { "10.0.2.2", 69 },
		{ "10.0.2.3", 69 },      { "ff02::1:2", 547 },      { "fd00::2", 547 },
		{ "fd00::2", 69 },       { "255.255.255.255", 7 },  { "ff02::1", 7 },
		{ "224.0.0.251", 5353 }, { "ff02::fb", 5353 },
	};
	static const char *const all[] = { "+any", NULL };
	struct frames *frames = frames_new(all);

	(void)state;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		const struct packet_ends ends =
			frames_ends(services[i].to, 40000, services[i].port);

		if (frames_say_udp(frames, &ends, "x") != 0)
			fail_msg("%s %u", services[i].to, services[i].port);
		assert_int_equal(dropped(frames), i + 1);
	}
	frames_hear(frames);
	assert_int_equal(frames->tap.count, 0);
	frames_free(frames);
}

static void the_own_network_is_empty(void **state)
{
	static const char *const all[] = { "+any", "+10.0.2.0/24", "+fd00::/64", NULL };
	static const char *const nobody[] = { "10.0.2.77", "fd00::77" };

	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(all + 1);
		const struct packet_ends ends = frames_ends(nobody[i], 40000, 443);
		struct packet packet;

		assert_int_equal(frames_say_tcp(frames, &ends, 1, 0, TCP_SYN, ""), 0);
		assert_int_equal(frames_say_udp(frames, &ends, "x"), 0);
		frames_hear(frames);
		assert_int_equal(frames->tap.count, 2);
		packet = ear_packet(&frames->tap, 0);
		assert_int_equal(packet.kind, PACKET_ICMP_ERROR);
		assert_int_equal(packet.bytes[packet.l4 + 1], i ? 3 : 1);
		frames_free(frames);
	}
}

static void the_gateway_is_the_host_and_needs_a_rule(void **state)
{
	static const char *const gateways[] = { "10.0.2.2", "fd00::2" };
	static const char *const host[] = { "+host:8080", NULL };

	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct packet_ends ends = frames_ends(gateways[i], 40000, 8080);
		struct frames *frames = frames_new(internet);

		assert_int_equal(frames_say_tcp(frames, &ends, 1, 0, TCP_SYN, ""), 0);
		frames_free(frames);
		frames = frames_new(host);
		assert_int_equal(frames_say_tcp(frames, &ends, 1, 0, TCP_SYN, ""), 1);
		ends.to_port = 8081;
		assert_int_equal(frames_say_tcp(frames, &ends, 1, 0, TCP_SYN, ""), 0);
		frames_free(frames);
	}
}

static void datagrams_come_back_from_where_they_went(void **state)
{
	static uint8_t frame[PACKET_MAX];

	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(internet);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 123);
		struct packet_ends back = packet_ends_turned(&ends);

		assert_int_equal(frames_say_udp(frames, &ends, "time?"), 1);
		assert_int_equal(
			frames_stack_says(frames, frame,
					  packet_build_udp(frame, &back, "now", 3)),
			1);
		back.from_port = 124;
		assert_int_equal(
			frames_stack_says(frames, frame,
					  packet_build_udp(frame, &back, "now", 3)),
			0);
		back = packet_ends_turned(&ends);
		back.to_port = 40001;
		assert_int_equal(
			frames_stack_says(frames, frame,
					  packet_build_udp(frame, &back, "now", 3)),
			0);
		frames_free(frames);
	}
}

static void urgent_data_never_reaches_the_stack(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);
	struct packet packet;

	(void)state;
	frames_connect(frames, &ends);
	assert_int_equal(
		frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK | TCP_URG, "text"), 1);
	packet = ear_packet(&frames->stack, 0);
	assert_int_equal(packet.flags, TCP_ACK);
	assert_int_equal(get16(packet.bytes + packet.l4 + 18), 0);
	frames_free(frames);
}

static void an_opening_is_believed_only_with_its_own_number(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(internet);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 443);
		struct packet packet;

		frames_say_tcp(frames, &ends, 1000, 0, TCP_SYN, "");
		frames_forget(frames);
		assert_int_equal(frames_stack_says_tcp(frames, &ends, 5000, 900,
						       TCP_SYN | TCP_ACK, ""),
				 0);

		/* Who said it is reset, so that it hits. */
		packet = ear_packet(&frames->stack, 0);
		assert_int_equal(packet.flags, TCP_RST);
		assert_int_equal(packet.seq, 900);

		/* And before that, nothing of the connection passes. */
		assert_int_equal(frames_say_tcp(frames, &ends, 1001, 1, TCP_ACK, "x"), 0);
		assert_int_equal(
			frames_stack_says_tcp(frames, &ends, 5000, 1001, TCP_ACK, "x"),
			0);
		assert_int_equal(frames_stack_says_tcp(frames, &ends, 5000, 1001,
						       TCP_SYN | TCP_ACK, ""),
				 1);
		frames_free(frames);
	}
}

static void a_reset_always_hits(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);
	struct packet packet;

	(void)state;
	frames_connect(frames, &ends);
	assert_int_equal(frames_say_tcp(frames, &ends, 99, 0, TCP_RST, ""), 1);
	packet = ear_packet(&frames->stack, 0);
	assert_int_equal(packet.seq, 1001);
	assert_int_equal(flows_count(frames->path->flows), 0);
	frames_free(frames);
}

static void a_second_opening_ends_an_open_connection(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);

	(void)state;
	frames_connect(frames, &ends);
	assert_int_equal(frames_say_tcp(frames, &ends, 3000, 0, TCP_SYN, ""), 1);
	assert_int_equal(ear_packet(&frames->stack, 0).flags, TCP_RST);
	frames_hear(frames);
	assert_int_equal(ear_packet(&frames->tap, 0).flags, TCP_RST | TCP_ACK);
	assert_int_equal(flows_count(frames->path->flows), 0);
	frames_free(frames);
}

static void what_the_stack_says_of_no_connection_ends_it(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);

	(void)state;
	assert_int_equal(frames_stack_says_tcp(frames, &ends, 5000, 1001, TCP_ACK, "x"),
			 0);
	assert_int_equal(ear_packet(&frames->stack, 0).flags, TCP_RST);
	assert_int_equal(frames_stack_says_tcp(frames, &ends, 5000, 0, TCP_SYN, ""), 0);
	frames_free(frames);
}

static void a_closed_connection_may_be_opened_again(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);

	(void)state;
	frames_connect(frames, &ends);
	frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK | TCP_FIN, "bye");
	frames_stack_says_tcp(frames, &ends, 5001, 1005, TCP_ACK | TCP_FIN, "");
	frames_say_tcp(frames, &ends, 1005, 5002, TCP_ACK, "");
	assert_int_equal(frames->path->counters->bytes_out[PATH_SLIRP], 3);
	frames_forget(frames);
	assert_int_equal(frames_say_tcp(frames, &ends, 9000, 0, TCP_SYN, ""), 2);
	assert_int_equal(ear_packet(&frames->stack, 0).flags, TCP_RST);
	assert_int_equal(ear_packet(&frames->stack, 1).flags, TCP_SYN);
	frames_free(frames);
}

static void nothing_passes_behind_a_gap(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);

	(void)state;
	frames_connect(frames, &ends);
	assert_int_equal(frames_say_tcp(frames, &ends, 1003, 5001, TCP_ACK, "cd"), 0);
	assert_int_equal(frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "ab"), 1);
	assert_int_equal(frames_say_tcp(frames, &ends, 1003, 5001, TCP_ACK, "cd"), 1);
	frames_free(frames);
}

/* The first segment never arrived: all others wait for it in the stack. */
static void what_the_stack_has_to_sort_is_bounded(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends first = frames_ends(OUTSIDE4, 2000, 443);
	size_t passed = 0;

	(void)state;
	for (uint16_t i = 0; i < 20; i++) {
		const struct packet_ends ends =
			frames_ends(OUTSIDE4, (uint16_t)(2000 + i), 443);

		frames_connect(frames, &ends);
		for (uint32_t seq = 1001; seq < 1401; seq++) {
			passed += frames_say_tcp(frames, &ends, seq, 5001, TCP_ACK, "x");
			frames->stack.count = 0;
		}
	}
	assert_int_equal(frames->path->ahead, FRAME_AHEAD_ALL);
	assert_int_equal(passed, FRAME_AHEAD_ALL + 20);

	/* An acknowledgement makes room again. */
	assert_int_equal(frames_stack_says_tcp(frames, &first, 5001, 1130, TCP_ACK, ""),
			 1);
	assert_int_equal(frames->path->ahead, FRAME_AHEAD_ALL - FRAME_AHEAD_MAX);
	frames_free(frames);
}

static void published_ports_and_no_others_are_reached(void **state)
{
	struct frames *frames = frames_new(nothing);
	const struct packet_ends ends = frames_ends("10.0.2.2", 80, 50000);
	struct packet_ends other = frames_ends("10.0.2.2", 81, 50000);
	const struct ip host = ip_from_v4(0x0100007f);
	struct packet packet;

	(void)state;
	assert_int_equal(frame_path_publish(frames->path, PROTOCOL_TCP, &host, 8080, 80),
			 0);
	assert_int_equal(frames_stack_says_tcp(frames, &other, 5000, 0, TCP_SYN, ""), 0);
	frames_forget(frames);
	assert_int_equal(frames_stack_says_tcp(frames, &ends, 5000, 0, TCP_SYN, ""), 1);
	assert_int_equal(frames_say_tcp(frames, &ends, 1000, 5001, TCP_SYN | TCP_ACK, ""),
			 1);
	packet = ear_packet(&frames->stack, 0);
	assert_int_equal(packet_change_mss(&packet, 1), 65480);
	assert_int_equal(frames_stack_says_tcp(frames, &ends, 5001, 1001, TCP_ACK, "hi"),
			 1);
	assert_int_equal(frames_say_tcp(frames, &ends, 1001, 5003, TCP_ACK, "ho"), 1);
	assert_int_equal(frames->path->counters->flows[PATH_PORT], 1);
	assert_int_equal(frame_path_unpublish(frames->path, PROTOCOL_TCP, &host, 8080),
			 0);
	assert_int_equal(frame_path_unpublish(frames->path, PROTOCOL_TCP, &host, 8080),
			 -1);
	assert_int_equal(errno, ENOENT);
	frames_free(frames);
}

static size_t build_echo(uint8_t *frame, const struct packet_ends *ends)
{
	const size_t size = packet_build_udp(frame, ends, "echo", 4);
	struct packet packet = {
		.bytes = frame,
		.size = size,
		.kind = PACKET_ECHO,
		.v6 = ends->v6,
		.l4 = ends->v6 ? 54 : 34,
	};

	frame[14 + (ends->v6 ? 6 : 9)] = ends->v6 ? 58 : 1;
	put32(frame + packet.l4, 0);
	frame[packet.l4] = ends->v6 ? 128 : 8;
	put32(frame + packet.l4 + 4, 0x00070001);
	packet.payload = packet.l4 + 8;
	packet_resize(&packet, 4);
	return packet.size;
}

static void echo_needs_a_host_that_lets_it_out(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct frames *frames = frames_new(internet);
	struct packet_ends ends = frames_ends(OUTSIDE4, 7, 7);
	struct packet packet;

	(void)state;
	assert_int_equal(frames_say(frames, frame, build_echo(frame, &ends)), 1);
	assert_string_equal(frames->told, "");
	ends = frames_ends(OUTSIDE6, 7, 7);
	assert_int_equal(frames_say(frames, frame, build_echo(frame, &ends)), 0);
	frames_hear(frames);
	packet = ear_packet(&frames->tap, 0);
	assert_int_equal(packet.kind, PACKET_ICMP_ERROR);
	assert_non_null(strstr(frames->told, "ping is denied"));

	/* Our own addresses answer, whatever the rules say. */
	ends = frames_ends("fd00::2", 7, 7);
	assert_int_equal(frames_say(frames, frame, build_echo(frame, &ends)), 1);
	frames_free(frames);
}

static void unanswered_echoes_are_bounded(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 7, 7);
	size_t passed = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		passed += frames_say(frames, frame, build_echo(frame, &ends));
		frames->stack.count = 0;
	}
	assert_int_equal(passed, FRAME_PINGS_MAX);
	frames_free(frames);
}

static void flows_are_bounded(void **state)
{
	struct frames *frames = frames_new(internet);
	size_t passed = 0;

	(void)state;
	for (uint32_t i = 0; i < 3 * FLOWS_MAX / 2; i++) {
		const struct packet_ends ends =
			frames_ends(OUTSIDE4, (uint16_t)(1024 + i), 9);

		passed += frames_say_udp(frames, &ends, "x");
		frames->stack.count = 0;
	}
	assert_int_equal(passed, 3 * FLOWS_MAX / 2);
	assert_int_equal(flows_count(frames->path->flows), FLOWS_MAX);
	frames_free(frames);
}

static void an_interface_without_ip6_has_none(void **state)
{
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE6, 40000, 443);

	(void)state;
	memset(&frames->net.address6, 0, sizeof(frames->net.address6));
	assert_int_equal(frames_say_tcp(frames, &ends, 1, 0, TCP_SYN, ""), 0);
	assert_int_equal(dropped(frames), 1);
	frames_free(frames);
}

static void foreign_frames_are_counted_and_go_no_further(void **state)
{
	struct frames *frames = frames_new(internet);
	uint8_t frame[100] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0x64, 0x88, 0xf8 };

	(void)state;
	frame_from_sandbox(frames->path, &plain, frame, sizeof(frame));
	frame_from_sandbox(frames->path, &plain, frame, 3);
	assert_int_equal(frames->stack.count, 0);
	assert_int_equal(dropped(frames), 2);
	frames_free(frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allowed_opening_reaches_the_stack),
		cmocka_unit_test(a_denied_opening_is_reset_at_once),
		cmocka_unit_test(denied_datagrams_are_prohibited_at_once),
		cmocka_unit_test(a_segment_of_no_connection_is_reset),
		cmocka_unit_test(nobody_else_speaks_through_the_tap),
		cmocka_unit_test(link_local_senders_may_only_find_neighbours),
		cmocka_unit_test(services_of_the_stack_are_out_of_reach),
		cmocka_unit_test(the_own_network_is_empty),
		cmocka_unit_test(the_gateway_is_the_host_and_needs_a_rule),
		cmocka_unit_test(datagrams_come_back_from_where_they_went),
		cmocka_unit_test(urgent_data_never_reaches_the_stack),
		cmocka_unit_test(an_opening_is_believed_only_with_its_own_number),
		cmocka_unit_test(a_reset_always_hits),
		cmocka_unit_test(a_second_opening_ends_an_open_connection),
		cmocka_unit_test(what_the_stack_says_of_no_connection_ends_it),
		cmocka_unit_test(a_closed_connection_may_be_opened_again),
		cmocka_unit_test(nothing_passes_behind_a_gap),
		cmocka_unit_test(what_the_stack_has_to_sort_is_bounded),
		cmocka_unit_test(published_ports_and_no_others_are_reached),
		cmocka_unit_test(echo_needs_a_host_that_lets_it_out),
		cmocka_unit_test(unanswered_echoes_are_bounded),
		cmocka_unit_test(flows_are_bounded),
		cmocka_unit_test(an_interface_without_ip6_has_none),
		cmocka_unit_test(foreign_frames_are_counted_and_go_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
