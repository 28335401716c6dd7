/* SPDX-License-Identifier: Apache-2.0 */
/* The frame path for a sandbox with a network stack of its own: what no socket inside can do. */
#include "made_up_frames.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>
#include <string.h>

static const char *const none[] = { "-any", NULL };

/* As libslirp knows the sandbox where it has no IPv6. */
#define STACK_OWN "fd00::64"

/* The client of a published port, as the stack sees both ends, and as the sandbox does. */
static struct packet_ends outside(void)
{
	struct packet_ends ends = frames_ends("fd00::2", 80, 40000);

	assert_int_equal(ip_parse(STACK_OWN, &ends.from), 0);
	return ends;
}

static struct packet_ends inside(void)
{
	return frames_ends("10.0.2.2", 80, 40000);
}

static struct frames *published(bool ip6)
{
	struct frames *frames = frames_new_foreign(none, ip6);
	const struct ip host = { { [15] = 1 } };

	assert_int_equal(frame_path_publish(frames->path, PROTOCOL_TCP, &host, 8080, 80),
			 0);
	return frames;
}

static void assert_v4(const struct packet *packet)
{
	const struct packet_ends ends = inside();

	assert_false(packet->v6);
	assert_true(ip_equal(&packet->from, &ends.to));
	assert_true(ip_equal(&packet->to, &ends.from));
	assert_int_equal(packet->from_port, 40000);
	assert_int_equal(packet->to_port, 80);
}

/* The client has come by IPv6, the sandbox answers by IPv4; both have said what they begin with. */
static void open_crossed(struct frames *frames)
{
	const struct packet_ends client = outside(), server = inside();
	struct packet packet;

	assert_int_equal(
		frames_say_tcp(frames, &server, 1000, 5001, TCP_SYN | TCP_ACK, ""), 1);
	packet = ear_packet(&frames->stack, frames->stack.count - 1);
	assert_true(packet.v6);
	assert_true(ip_equal(&packet.from, &client.from));
	assert_true(ip_equal(&packet.to, &client.to));
	assert_int_equal(packet.seq, 1000);
	assert_int_equal(frames_stack_says_tcp(frames, &client, 5001, 1001, TCP_ACK, ""),
			 1);
	packet = ear_packet(&frames->tap, frames->tap.count - 1);
	assert_v4(&packet);
	frames_forget(frames);
}

static void talk(struct frames *frames)
{
	const struct packet_ends client = outside(), server = inside();
	struct packet packet;

	assert_int_equal(frames_stack_says_tcp(frames, &client, 5001, 1001,
					       TCP_ACK | TCP_PSH, "question"),
			 1);
	packet = ear_packet(&frames->tap, 0);
	assert_v4(&packet);
	assert_int_equal(packet_payload_size(&packet), 8);
	assert_memory_equal(packet.bytes + packet.payload, "question", 8);
	assert_int_equal(frames_say_tcp(frames, &server, 1001, 5009, TCP_ACK, "answer"),
			 1);
	packet = ear_packet(&frames->stack, 0);
	assert_true(packet.v6);
	assert_memory_equal(packet.bytes + packet.payload, "answer", 6);
	frames_forget(frames);
}

static void a_sandbox_without_ip6_has_clients_of_it(void **state)
{
	struct frames *frames = published(false);
	const struct packet_ends client = outside();
	struct packet packet;

	(void)state;
	assert_int_equal(frames_stack_says_tcp(frames, &client, 5000, 0, TCP_SYN, ""), 1);
	packet = ear_packet(&frames->tap, 0);
	assert_v4(&packet);
	assert_int_equal(packet.flags, TCP_SYN);
	open_crossed(frames);
	talk(frames);
	frames_free(frames);
}

static void a_server_of_ip4_alone_has_clients_of_ip6(void **state)
{
	struct frames *frames = published(true);
	const struct packet_ends client = outside();
	struct packet packet;

	(void)state;
	assert_int_equal(frames_stack_says_tcp(frames, &client, 5000, 0, TCP_SYN, ""), 1);
	assert_true(ear_packet(&frames->tap, 0).v6);
	frames_forget(frames);

	/* Refused, it is asked for again; the client does not hear of it. */
	assert_int_equal(frames_say_tcp(frames, &client, 0, 5001, TCP_RST | TCP_ACK, ""),
			 0);
	frames_hear(frames);
	packet = ear_packet(&frames->tap, 0);
	assert_v4(&packet);
	assert_int_equal(packet.flags, TCP_SYN);
	assert_int_equal(packet.seq, 5000);
	open_crossed(frames);
	talk(frames);
	frames_free(frames);
}

static void what_is_refused_twice_is_refused(void **state)
{
	struct frames *frames = published(true);
	const struct packet_ends client = outside(), server = inside();
	struct packet packet;

	(void)state;
	frames_stack_says_tcp(frames, &client, 5000, 0, TCP_SYN, "");
	frames_say_tcp(frames, &client, 0, 5001, TCP_RST | TCP_ACK, "");
	assert_int_equal(frames_say_tcp(frames, &server, 0, 5001, TCP_RST | TCP_ACK, ""),
			 1);
	packet = ear_packet(&frames->stack, 0);
	assert_true(packet.v6);
	assert_int_equal(packet.flags & TCP_RST, TCP_RST);
	assert_int_equal(frames->path->crossing_count, 0);
	frames_free(frames);
}

/* What is said to somebody who is gone has its answer by the family that it came by. */
static void a_crossing_ends_with_its_connection(void **state)
{
	struct frames *frames = published(false);
	const struct packet_ends client = outside(), server = inside();
	struct packet packet;

	(void)state;
	frames_stack_says_tcp(frames, &client, 5000, 0, TCP_SYN, "");
	open_crossed(frames);
	assert_int_equal(
		frames_stack_says_tcp(frames, &client, 5001, 1001, TCP_RST | TCP_ACK, ""),
		1);
	packet = ear_packet(&frames->tap, 0);
	assert_v4(&packet);
	assert_int_equal(packet.flags & TCP_RST, TCP_RST);
	assert_int_equal(frames->path->crossing_count, 0);
	frames_forget(frames);
	assert_int_equal(frames_say_tcp(frames, &server, 1001, 5001, TCP_ACK, "x"), 0);
	frames_hear(frames);
	packet = ear_packet(&frames->tap, 0);
	assert_v4(&packet);
	frames_free(frames);
}

/* Its header becomes longer, and libslirp takes no more than its own MTU. */
static void the_sandbox_sends_no_segment_that_cannot_cross(void **state)
{
	struct frames *frames = published(false);
	const struct packet_ends client = outside(), turned = packet_ends_turned(&client);
	const struct tcp_fields fields = { .seq = 5000,
					   .window = 65535,
					   .flags = TCP_SYN };
	uint8_t frame[100];

	(void)state;
	assert_int_equal(
		frames_stack_says(frames, frame,
				  packet_build_tcp(frame, &turned, &fields, NULL, 0)),
		1);
	assert_int_equal(ear_packet(&frames->tap, 0).window, FRAME_STACK_MTU - 60);
	frames_free(frames);
}

static void two_clients_do_not_share_a_port_inside(void **state)
{
	struct frames *frames = published(false);
	const struct packet_ends client = outside();
	struct packet_ends other = client;

	(void)state;
	assert_int_equal(ip_parse("2001:db8::1", &other.to), 0);
	assert_int_equal(frames_stack_says_tcp(frames, &client, 5000, 0, TCP_SYN, ""), 1);
	assert_int_equal(frames_stack_says_tcp(frames, &other, 7000, 0, TCP_SYN, ""), 0);
	assert_true(frames->stack.count > 0);
	assert_int_equal(ear_packet(&frames->stack, 0).flags & TCP_RST, TCP_RST);
	frames_free(frames);
}

/* The kernel's stack in the sandbox has sockets for that. */
static void nothing_crosses_where_the_kernel_serves(void **state)
{
	struct frames *frames = frames_new(none);
	const struct packet_ends client = outside();
	const struct ip host = { { [15] = 1 } };

	(void)state;
	frame_path_publish(frames->path, PROTOCOL_TCP, &host, 8080, 80);
	frames_stack_says_tcp(frames, &client, 5000, 0, TCP_SYN, "");
	assert_int_equal(frames_say_tcp(frames, &client, 0, 5001, TCP_RST | TCP_ACK, ""),
			 1);
	frames_free(frames);
}

/* gVisor's stack takes no notice of "prohibited". */
static void a_datagram_that_is_denied_is_refused(void **state)
{
	struct frames *frames = frames_new_foreign(none, true);
	const struct packet_ends ends = frames_ends("198.51.100.7", 1000, 7);
	struct packet packet;

	(void)state;
	assert_int_equal(frames_say_udp(frames, &ends, "x"), 0);
	frames_hear(frames);
	packet = ear_packet(&frames->tap, 0);
	assert_int_equal(packet.kind, PACKET_ICMP_ERROR);
	assert_int_equal(packet.bytes[packet.l4 + 1], 3); /* port unreachable */
	frames_free(frames);
}

/* Or it would keep silent about room for less than one of them. */
static void the_stack_sends_no_segment_above_the_mtu(void **state)
{
	struct frames *frames = frames_new_foreign(none, true);

	(void)state;
	assert_int_equal(frames_stack_mru(frames), 1500);
	frames_free(frames);
	frames = frames_new(none);
	assert_int_equal(frames_stack_mru(frames), FRAME_STACK_MTU);
	frames_free(frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sandbox_without_ip6_has_clients_of_it),
		cmocka_unit_test(a_server_of_ip4_alone_has_clients_of_ip6),
		cmocka_unit_test(what_is_refused_twice_is_refused),
		cmocka_unit_test(a_crossing_ends_with_its_connection),
		cmocka_unit_test(the_sandbox_sends_no_segment_that_cannot_cross),
		cmocka_unit_test(two_clients_do_not_share_a_port_inside),
		cmocka_unit_test(nothing_crosses_where_the_kernel_serves),
		cmocka_unit_test(a_datagram_that_is_denied_is_refused),
		cmocka_unit_test(the_stack_sends_no_segment_above_the_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
