/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that must begin with TLS for an allowed name: net/frame_hold.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "made_up_frames.h"

static const char *const outside[] = { "198.51.100.7", "2001:db8::7" };
static const char *const by_name[] = { "+good.test:443,sni", NULL };

enum {
	FAMILIES = 2,
};

static struct frames *begin(int family, struct packet_ends *ret_ends)
{
	struct frames *frames = frames_new(by_name);

	*ret_ends = frames_ends(outside[family], 40000, 443);
	names_add(frames->gate.names, "good.test", &ret_ends->to, 60,
		  loop_now_ms(frames->gate.loop));
	frames_connect(frames, ret_ends);
	return frames;
}

/* All that the stack was given in order, as it would take it: what comes first counts. */
static void stack_has(struct frames *frames, const char *expected)
{
	char got[4096] = "";
	size_t known = 0;

	for (size_t i = 0; i < frames->stack.count; i++) {
		const struct packet packet = ear_packet(&frames->stack, i);
		const size_t at = packet.seq - 1001;
		const size_t size = packet_payload_size(&packet);

		if (at > known || at + size <= known)
			continue;
		memcpy(got + known, packet.bytes + packet.payload + (known - at),
		       size - (known - at));
		known = at + size;
	}
	got[known] = '\0';
	assert_string_equal(got, expected);
}

static void the_right_name_passes(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct packet_ends ends;
		struct frames *frames = begin(i, &ends);

		assert_int_equal(
			frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TLSgood."),
			1);
		stack_has(frames, "TLSgood.");

		/* Once the stack has it, everything passes. */
		frames_stack_says_tcp(frames, &ends, 5001, 1009, TCP_ACK, "");
		assert_int_equal(frames->path->holds, 0);
		frames_say_tcp(frames, &ends, 1009, 5001, TCP_ACK, "and more");
		stack_has(frames, "TLSgood.and more");
		frames_free(frames);
	}
}

static void another_name_is_reset_on_both_sides(void **state)
{
	static const char *const beginnings[] = { "TLSevil.", "TLS-hidden.",
						  "GET / HTTP/1.1" };

	(void)state;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		struct packet_ends ends;
		struct frames *frames = begin(0, &ends);
		struct packet packet;

		frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, beginnings[i]);
		assert_int_equal(frames->stack.count, 1);
		packet = ear_packet(&frames->stack, 0);
		assert_int_equal(packet.flags, TCP_RST);
		assert_int_equal(packet.seq, 1001);
		frames_hear(frames);
		assert_int_equal(frames->tap.count, 1);
		assert_int_equal(ear_packet(&frames->tap, 0).flags, TCP_RST);
		assert_int_equal(frames->path->counters->denied, 1);
		assert_int_equal(flows_count(frames->path->flows), 0);
		assert_int_equal(frames->path->holds, 0);
		frames_free(frames);
	}
}

static void a_beginning_in_pieces_is_put_together(void **state)
{
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);

	(void)state;
	assert_int_equal(frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TL"), 0);
	assert_int_equal(frames_say_tcp(frames, &ends, 1006, 5001, TCP_ACK, "od."), 0);
	assert_int_equal(frames_say_tcp(frames, &ends, 1003, 5001, TCP_ACK, "Sgo"), 0);
	assert_int_equal(frames_say_tcp(frames, &ends, 1005, 5001, TCP_ACK, "ood.x"), 1);
	stack_has(frames, "TLSgood.x");
	frames_free(frames);
}

/* The stack may not have taken the first one (its acknowledgement was odd, a sum wrong). */
static void a_second_beginning_does_not_take_the_place_of_the_first(void **state)
{
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);

	(void)state;
	frames_say_tcp(frames, &ends, 1001, 9999, TCP_ACK, "TLSgood.");
	frames_forget(frames);
	frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TLSevil.");
	stack_has(frames, "TLSgood.");
	frames_forget(frames);
	frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "evi");
	frames_say_tcp(frames, &ends, 1004, 5001, TCP_ACK, "evil.more");
	stack_has(frames, "TLSgood.more");

	/* Nor does anything that begins before it. */
	frames_forget(frames);
	assert_int_equal(frames_say_tcp(frames, &ends, 1000, 5001, TCP_ACK, "xTLSevil."),
			 0);
	frames_free(frames);
}

static void a_piece_that_is_sent_again_differently_changes_nothing(void **state)
{
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);

	(void)state;
	frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TLSgo");
	frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TLSevod.");
	stack_has(frames, "TLSgood.");
	frames_free(frames);
}

static void nothing_in_front_of_the_first_byte_passes(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct frames *frames = frames_new(by_name);
	const struct packet_ends ends = frames_ends(outside[0], 40000, 443);
	const struct tcp_fields fields = { .seq = 1000, .flags = TCP_SYN, .mss = 1460 };
	struct packet packet;

	(void)state;
	names_add(frames->gate.names, "good.test", &ends.to, 60,
		  loop_now_ms(frames->gate.loop));
	frames_say(frames, frame, packet_build_tcp(frame, &ends, &fields, "TLSevil.", 8));
	packet = ear_packet(&frames->stack, 0);
	assert_int_equal(packet.flags, TCP_SYN);
	assert_int_equal(packet_payload_size(&packet), 0);
	frames_free(frames);
}

static void silence_may_end(void **state)
{
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);

	(void)state;
	assert_int_equal(frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, ""), 1);
	assert_int_equal(frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK | TCP_FIN, ""),
			 1);
	frames_forget(frames);

	/* And says nothing unheard afterwards. */
	frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TLSevil.");
	assert_int_equal(ear_packet(&frames->stack, 0).flags, TCP_RST);
	frames_free(frames);
}

static void an_end_waits_for_the_beginning(void **state)
{
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);

	(void)state;
	assert_int_equal(frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TLS"), 0);
	assert_int_equal(frames_say_tcp(frames, &ends, 1004, 5001, TCP_ACK | TCP_FIN, ""),
			 0);
	assert_int_equal(
		frames_say_tcp(frames, &ends, 1004, 5001, TCP_ACK | TCP_FIN, "good."), 1);
	stack_has(frames, "TLSgood.");
	assert_int_equal(ear_packet(&frames->stack, 0).flags, TCP_ACK | TCP_FIN);
	frames_free(frames);
}

static void a_beginning_without_an_end_is_denied(void **state)
{
	static char text[4001];
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);
	uint32_t seq = 1001;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "TLS", 3);
	for (int i = 0; i < 4; i++, seq += 4000)
		assert_int_equal(frames_say_tcp(frames, &ends, seq, 5001, TCP_ACK, text),
				 0);
	frames_say_tcp(frames, &ends, seq, 5001, TCP_ACK, text);
	assert_int_equal(ear_packet(&frames->stack, 0).flags, TCP_RST);
	frames_free(frames);
}

static void beginnings_are_bounded(void **state)
{
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);

	(void)state;
	for (uint32_t i = 0; i < FRAME_HOLDS_MAX + 10; i++) {
		ends.from_port = (uint16_t)(2000 + i);
		frames_connect(frames, &ends);
		frames_say_tcp(frames, &ends, 1001, 5001, TCP_ACK, "TLS");
	}
	assert_int_equal(frames->path->holds, FRAME_HOLDS_MAX);
	assert_int_equal(frames->path->counters->dropped_frames, 10);
	frames_free(frames);
}

/* Its name cannot be read: clients fall back to TCP. */
static void quic_is_prohibited_where_the_name_counts(void **state)
{
	struct packet_ends ends;
	struct frames *frames = begin(0, &ends);

	(void)state;
	assert_int_equal(frames_say_udp(frames, &ends, "quic"), 0);
	frames_hear(frames);
	assert_int_equal(ear_packet(&frames->tap, 0).kind, PACKET_ICMP_ERROR);
	frames_free(frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_name_passes),
		cmocka_unit_test(another_name_is_reset_on_both_sides),
		cmocka_unit_test(a_beginning_in_pieces_is_put_together),
		cmocka_unit_test(a_second_beginning_does_not_take_the_place_of_the_first),
		cmocka_unit_test(a_piece_that_is_sent_again_differently_changes_nothing),
		cmocka_unit_test(nothing_in_front_of_the_first_byte_passes),
		cmocka_unit_test(silence_may_end),
		cmocka_unit_test(an_end_waits_for_the_beginning),
		cmocka_unit_test(a_beginning_without_an_end_is_denied),
		cmocka_unit_test(beginnings_are_bounded),
		cmocka_unit_test(quic_is_prohibited_where_the_name_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
