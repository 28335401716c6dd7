/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the forwarder by frames: net/frame_dns.c and net/frame_stream.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "made_up_frames.h"

static const char *const forwarders[] = { "10.0.2.3", "fd00::3" };
static const char *const nothing[] = { "-any", NULL };

enum {
	FAMILIES = 2,
};

static void a_question_by_udp_is_answered(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(nothing);
		const struct packet_ends ends = frames_ends(forwarders[i], 40000, 53);
		struct packet packet;

		assert_int_equal(frames_say_udp(frames, &ends, "question"), 0);
		assert_int_equal(frames->question_size, 8);
		assert_memory_equal(frames->question, "question", 8);
		assert_int_equal(frames->question_max, DNS_UDP_MAX);
		frames->reply(frames->reply_context, (const uint8_t *)"answer", 6);
		frames_hear(frames);
		packet = ear_packet(&frames->tap, 0);
		assert_int_equal(packet.from_port, 53);
		assert_int_equal(packet.to_port, 40000);
		assert_true(ip_equal(&packet.from, &ends.to));
		assert_memory_equal(packet.bytes + packet.payload, "answer", 6);
		frames_free(frames);
	}
}

static void the_oldest_question_makes_room(void **state)
{
	struct frames *frames = frames_new(nothing);
	const struct packet_ends ends = frames_ends(forwarders[0], 40000, 53);

	(void)state;
	for (int i = 0; i < 100; i++)
		frames_say_udp(frames, &ends, "question");
	assert_int_equal(frames->questions, 100);
	assert_int_equal(frames->forgotten, 36);
	frames_free(frames);
}

static void other_ports_of_the_forwarder_are_closed(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(nothing);
		const struct packet_ends ends = frames_ends(forwarders[i], 40000, 853);

		frames_say_udp(frames, &ends, "x");
		frames_say_tcp(frames, &ends, 1000, 0, TCP_SYN, "");
		frames_hear(frames);
		assert_int_equal(ear_packet(&frames->tap, 0).kind, PACKET_ICMP_ERROR);
		assert_int_equal(ear_packet(&frames->tap, 1).flags, TCP_RST | TCP_ACK);
		assert_int_equal(frames->path->counters->denied, 0);
		frames_free(frames);
	}
}

static void a_damaged_question_is_dropped(void **state)
{
	static uint8_t frame[PACKET_MAX];
	struct frames *frames = frames_new(nothing);
	const struct packet_ends ends = frames_ends(forwarders[0], 40000, 53);
	const size_t size = packet_build_udp(frame, &ends, "question", 8);

	(void)state;
	frame[size - 1] ^= 1;
	frames_say(frames, frame, size);
	assert_int_equal(frames->questions, 0);
	frames_free(frames);
}

/* Opens a stream; returns the number of our side's first byte. */
static uint32_t open_stream(struct frames *frames, const struct packet_ends *ends)
{
	struct packet packet;

	frames_say_tcp(frames, ends, 1000, 0, TCP_SYN, "");
	frames_hear(frames);
	packet = ear_packet(&frames->tap, 0);
	assert_int_equal(packet.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(packet.ack, 1001);
	frames_say_tcp(frames, ends, 1001, packet.seq + 1, TCP_ACK, "");
	frames_forget(frames);
	return packet.seq + 1;
}

static void say_bytes(struct frames *frames, const struct packet_ends *ends, uint32_t seq,
		      uint32_t ack, uint8_t flags, const char *bytes, size_t size)
{
	static uint8_t frame[PACKET_MAX];
	const struct tcp_fields fields = {
		.seq = seq, .ack = ack, .window = 3000, .flags = flags
	};

	frames_say(frames, frame, packet_build_tcp(frame, ends, &fields, bytes, size));
}

static void a_question_by_tcp_is_answered(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(nothing);
		const struct packet_ends ends = frames_ends(forwarders[i], 40000, 53);
		const uint32_t own = open_stream(frames, &ends);
		struct packet packet;

		say_bytes(frames, &ends, 1001, own, TCP_ACK, "\0\010ques", 6);
		assert_int_equal(frames->questions, 0);
		say_bytes(frames, &ends, 1007, own, TCP_ACK, "tion", 4);
		assert_int_equal(frames->questions, 1);
		assert_int_equal(frames->question_size, 8);
		assert_memory_equal(frames->question, "question", 8);
		assert_true(frames->question_max > DNS_UDP_MAX);
		frames_forget(frames);
		frames->reply(frames->reply_context, (const uint8_t *)"answer", 6);
		frames_hear(frames);
		packet = ear_packet(&frames->tap, 0);
		assert_int_equal(packet.seq, own);
		assert_int_equal(packet.ack, 1011);
		assert_int_equal(packet_payload_size(&packet), 8);
		assert_memory_equal(packet.bytes + packet.payload, "\0\006answer", 8);

		/* It ends when the sandbox does. */
		frames_forget(frames);
		say_bytes(frames, &ends, 1011, own + 8, TCP_ACK | TCP_FIN, "", 0);
		frames_hear(frames);
		packet = ear_packet(&frames->tap, frames->tap.count - 1);
		assert_int_equal(packet.flags, TCP_FIN | TCP_ACK);
		assert_int_equal(packet.ack, 1012);
		say_bytes(frames, &ends, 1012, own + 9, TCP_ACK, "", 0);
		frames_forget(frames);
		say_bytes(frames, &ends, 1012, own + 9, TCP_ACK, "", 0);
		frames_hear(frames);
		assert_int_equal(ear_packet(&frames->tap, 0).flags, TCP_RST);
		assert_int_equal(frames->forgotten, 0);
		frames_free(frames);
	}
}

static void a_long_answer_waits_for_the_window(void **state)
{
	static uint8_t answer[60000];
	struct frames *frames = frames_new(nothing);
	const struct packet_ends ends = frames_ends(forwarders[0], 40000, 53);
	const uint32_t own = open_stream(frames, &ends);
	uint32_t got = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(answer); i++)
		answer[i] = (uint8_t)(i * 7);
	say_bytes(frames, &ends, 1001, own, TCP_ACK, "\0\001?", 3);
	frames->reply(frames->reply_context, answer, sizeof(answer));
	while (got < sizeof(answer) + 2) {
		const uint32_t before = got;

		frames_hear(frames);
		for (size_t i = 0; i < frames->tap.count; i++) {
			const struct packet packet = ear_packet(&frames->tap, i);
			const size_t size = packet_payload_size(&packet);

			assert_true(size <= 1460);
			if (size == 0)
				continue;
			assert_int_equal(packet.seq, own + got);
			if (got)
				assert_memory_equal(packet.bytes + packet.payload,
						    answer + got - 2, size);
			got += (uint32_t)size;
		}
		assert_true(got > before && got - before <= 3000);
		frames_forget(frames);
		say_bytes(frames, &ends, 1004, own + got, TCP_ACK, "", 0);
	}
	assert_int_equal(got, sizeof(answer) + 2);
	frames_free(frames);
}

static void two_questions_are_answered_in_turn(void **state)
{
	struct frames *frames = frames_new(nothing);
	const struct packet_ends ends = frames_ends(forwarders[0], 40000, 53);
	const uint32_t own = open_stream(frames, &ends);

	(void)state;
	say_bytes(frames, &ends, 1001, own, TCP_ACK, "\0\003one\0\003two", 10);
	assert_int_equal(frames->questions, 1);
	assert_memory_equal(frames->question, "one", 3);
	frames->reply(frames->reply_context, (const uint8_t *)"1", 1);
	say_bytes(frames, &ends, 1011, own + 3, TCP_ACK, "", 0);
	assert_int_equal(frames->questions, 2);
	assert_memory_equal(frames->question, "two", 3);
	frames_free(frames);
}

static void odd_segments_do_no_harm(void **state)
{
	struct frames *frames = frames_new(nothing);
	const struct packet_ends ends = frames_ends(forwarders[0], 40000, 53);
	const uint32_t own = open_stream(frames, &ends);

	(void)state;
	say_bytes(frames, &ends, 5000, own, TCP_ACK, "far ahead", 9);
	say_bytes(frames, &ends, 900, own, TCP_ACK, "far behind", 10);
	say_bytes(frames, &ends, 1001, own + 77, TCP_ACK, "", 0);
	say_bytes(frames, &ends, 1001, own - 77, TCP_ACK, "", 0);
	say_bytes(frames, &ends, 1001, 0, TCP_RST | TCP_ACK, "", 0);
	assert_int_equal(frames->questions, 0);
	frames_forget(frames);

	/* A question that is longer than any: the stream ends. */
	open_stream(frames, &ends);
	say_bytes(frames, &ends, 1001, own, TCP_ACK, "\377\377x", 3);
	frames_hear(frames);
	assert_true(ear_packet(&frames->tap, frames->tap.count - 1).flags & TCP_RST);
	frames_free(frames);
}

static void streams_are_bounded(void **state)
{
	struct frames *frames = frames_new(nothing);

	(void)state;
	for (uint16_t i = 0; i < 100; i++) {
		const struct packet_ends ends =
			frames_ends(forwarders[0], (uint16_t)(1000 + i), 53);

		frames_say_tcp(frames, &ends, 1000, 0, TCP_SYN, "");
		frames_forget(frames);
	}
	frames_free(frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_by_udp_is_answered),
		cmocka_unit_test(the_oldest_question_makes_room),
		cmocka_unit_test(other_ports_of_the_forwarder_are_closed),
		cmocka_unit_test(a_damaged_question_is_dropped),
		cmocka_unit_test(a_question_by_tcp_is_answered),
		cmocka_unit_test(a_long_answer_waits_for_the_window),
		cmocka_unit_test(two_questions_are_answered_in_turn),
		cmocka_unit_test(odd_segments_do_no_harm),
		cmocka_unit_test(streams_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
