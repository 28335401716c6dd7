/* SPDX-License-Identifier: Apache-2.0 */
/* Segments that are larger than the interface's MTU, and checksums that are begun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "made_up_frames.h"
#include "net/packet_bytes.h"

#define OUTSIDE4 "198.51.100.7"

static const char *const outside[] = { OUTSIDE4, "2001:db8::7" };
static const char *const internet[] = { NULL };

enum {
	FAMILIES = 2,
};

/* What the kernel does with such a frame: the sum from csum_start to the end goes into its place. */
static void a_large_segment_is_cut_by_the_kernel(void **state)
{
	static uint8_t frame[PACKET_MAX];
	static char text[30000];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(internet);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 443);
		const struct packet_ends back = packet_ends_turned(&ends);
		const struct tcp_fields fields = {
			.seq = 5001, .ack = 1001, .window = 64000, .flags = TCP_ACK
		};
		const struct virtio_net_hdr *offload;
		struct packet packet;

		frames_connect(frames, &ends);
		assert_int_equal(frames_stack_says(frames, frame,
						   packet_build_tcp(frame, &back, &fields,
								    text, sizeof(text))),
				 1);
		packet = ear_packet(&frames->tap, 0);
		offload = &frames->tap.heard[0].offload;
		assert_int_equal(offload->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(offload->gso_type,
				 i ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
		assert_int_equal(offload->gso_size, i ? 1440 : 1460);
		assert_int_equal(offload->hdr_len, packet.payload);
		assert_int_equal(offload->csum_start, packet.l4);
		assert_int_equal(offload->csum_offset, 16);
		assert_int_equal(packet_payload_size(&packet), sizeof(text));
		packet_complete(&packet);
		assert_true(packet_is_intact(&packet));
		frames_free(frames);
	}
}

static void a_segment_is_no_larger_than_the_sandbox_said(void **state)
{
	static uint8_t frame[PACKET_MAX];
	static char text[3000];
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);
	const struct packet_ends back = packet_ends_turned(&ends);
	const struct tcp_fields syn = { .seq = 1000, .flags = TCP_SYN, .mss = 900 };
	const struct tcp_fields data = { .seq = 5001, .ack = 1001, .flags = TCP_ACK };

	(void)state;
	frames_say(frames, frame, packet_build_tcp(frame, &ends, &syn, NULL, 0));
	frames_stack_says_tcp(frames, &ends, 5000, 1001, TCP_SYN | TCP_ACK, "");
	frames_forget(frames);
	frames_stack_says(frames, frame,
			  packet_build_tcp(frame, &back, &data, text, sizeof(text)));
	assert_int_equal(frames->tap.heard[0].offload.gso_size, 900);
	frames_free(frames);
}

static void partial_checksums_are_completed(void **state)
{
	static uint8_t frame[PACKET_MAX];
	static char text[40000];

	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		struct frames *frames = frames_new(internet);
		const struct packet_ends ends = frames_ends(outside[i], 40000, 443);
		const struct tcp_fields fields = { .seq = 1001,
						   .ack = 5001,
						   .flags = TCP_ACK };
		struct virtio_net_hdr offload = {
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type =
				i ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
			.gso_size = 1440,
			.csum_start = i ? 54 : 34,
			.csum_offset = 16,
		};
		size_t size;

		frames_connect(frames, &ends);
		size = packet_build_tcp(frame, &ends, &fields, text, sizeof(text));
		put16(frame + offload.csum_start + 16, 0xdead);
		frame_from_sandbox(frames->path, &offload, frame, size);
		assert_int_equal(frames->stack.count, 1);
		ear_packet(&frames->stack, 0);
		frames_free(frames);
	}
}

static void an_offload_that_contradicts_its_packet_is_refused(void **state)
{
	static const struct virtio_net_hdr odd[] = {
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		  .csum_start = 0,
		  .csum_offset = 16 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		  .csum_start = 34,
		  .csum_offset = 6 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		  .csum_start = 65535,
		  .csum_offset = 65535 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1440 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1440 },
		{ .gso_type = 77 },
	};
	static uint8_t frame[PACKET_MAX];
	struct frames *frames = frames_new(internet);
	const struct packet_ends ends = frames_ends(OUTSIDE4, 40000, 443);
	const struct tcp_fields fields = { .seq = 1000, .flags = TCP_SYN };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		const size_t size = packet_build_tcp(frame, &ends, &fields, NULL, 0);

		frame_from_sandbox(frames->path, &odd[i], frame, size);
		assert_int_equal(frames->stack.count, 0);
		assert_int_equal(frames->path->counters->dropped_frames, i + 1);
	}
	frames_free(frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_segment_is_cut_by_the_kernel),
		cmocka_unit_test(a_segment_is_no_larger_than_the_sandbox_said),
		cmocka_unit_test(partial_checksums_are_completed),
		cmocka_unit_test(an_offload_that_contradicts_its_packet_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
