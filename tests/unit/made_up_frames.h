/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_MADE_UP_FRAMES_H
#define SBX_TESTS_UNIT_MADE_UP_FRAMES_H

/* A frame path with a made-up stack behind it and a socket for its tap. */

#include <linux/virtio_net.h>

#include "base/arena.h"
#include "net/frame_path.h"

#define SANDBOX_MAC "\x02\x00\x00\x00\x00\x64"
#define GATEWAY_MAC "\x52\x55\x0a\x00\x02\x02"

enum {
	HEARD_MAX = 16,
};

struct heard {
	struct virtio_net_hdr offload; /* of what went to the tap */
	size_t size;
	uint8_t bytes[PACKET_MAX];
};

/* What was written to one side and not looked at yet. */
struct ear {
	struct heard heard[HEARD_MAX];
	size_t count;
};

struct frames {
	struct net_spec net;
	struct gate gate;
	struct rules rules;
	struct rule_text texts[8];
	struct arena arena;
	struct rate out, in;
	struct frame_path *path;
	int sandbox;      /* the other end of the tap */
	struct ear stack; /* what the stack was given */
	struct ear tap;
	char told[1024];

	/* What the made-up forwarder was asked, and how it answers. */
	uint8_t question[512];
	size_t question_size, question_max, questions, forgotten;
	void (*reply)(void *context, const uint8_t *answer, size_t size);
	void *reply_context;
};

/* rules: "+internet", "-lan"…, NULL-ended. */
struct frames *frames_new(const char *const *rules);

/* The sandbox has a network stack of its own. */
struct frames *frames_new_foreign(const char *const *rules, bool ip6);
void frames_free(struct frames *frames);

/* What the stack was told of the size of what it sends. */
size_t frames_stack_mru(const struct frames *frames);

/* Ends of a frame from the sandbox to that address; both families. */
struct packet_ends frames_ends(const char *to, uint16_t from_port, uint16_t to_port);

/* The sandbox sends it. Returns how many frames the stack got of it. */
size_t frames_say(struct frames *frames, uint8_t *frame, size_t size);
size_t frames_say_tcp(struct frames *frames, const struct packet_ends *ends, uint32_t seq,
		      uint32_t ack, uint8_t flags, const char *text);
size_t frames_say_udp(struct frames *frames, const struct packet_ends *ends,
		      const char *text);

/* The stack sends it. Returns how many frames came out of the tap. */
size_t frames_stack_says(struct frames *frames, uint8_t *frame, size_t size);

/* ends: as those of the sandbox's own frames; they are turned. */
size_t frames_stack_says_tcp(struct frames *frames, const struct packet_ends *ends,
			     uint32_t seq, uint32_t ack, uint8_t flags, const char *text);

/* The nth frame since the ear was last emptied, parsed; it must be intact. */
struct packet ear_packet(struct ear *ear, size_t n);
void frames_hear(struct frames *frames); /* fills the tap's ear */
void frames_forget(struct frames *frames);

/* A connection that is open: SYN, SYN-ACK, ACK. The sandbox's first byte is at 1001, the stack's at 5001. */
void frames_connect(struct frames *frames, const struct packet_ends *ends);

#endif
