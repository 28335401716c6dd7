/* SPDX-License-Identifier: Apache-2.0 */
#include "made_up_frames.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/* ---- the made-up stack ------------------------------------------------------------------- */

struct stack {
	struct stack_spec spec;
	struct frames *frames;
	size_t sockets;
};

static struct frames *current;

struct stack *stack_new(const struct stack_spec *spec, struct error *err)
{
	struct stack *stack = calloc(1, sizeof(*stack));

	(void)err;
	assert_non_null(stack);
	stack->spec = *spec;
	stack->frames = current;
	return stack;
}

void stack_free(struct stack *stack)
{
	free(stack);
}

static void hear(struct ear *ear, const uint8_t *frame, size_t size)
{
	struct heard *heard = &ear->heard[ear->count++];

	assert_true(ear->count <= HEARD_MAX);
	assert_true(size <= sizeof(heard->bytes));
	memcpy(heard->bytes, frame, size);
	heard->size = size;
}

void stack_input(struct stack *stack, const uint8_t *frame, size_t size)
{
	assert_false(stack->frames->path && stack->frames->path->in_stack);
	hear(&stack->frames->stack, frame, size);
}

size_t stack_sockets(const struct stack *stack)
{
	return stack->sockets;
}

bool stack_can_echo(const struct stack *stack, bool v6)
{
	(void)stack;
	return !v6;
}

int stack_publish(struct stack *stack, enum net_protocol protocol, const struct ip *host,
		  uint16_t host_port, uint16_t guest_port)
{
	(void)stack;
	(void)protocol;
	(void)host;
	(void)host_port;
	(void)guest_port;
	return 0;
}

int stack_unpublish(struct stack *stack, enum net_protocol protocol,
		    const struct ip *host, uint16_t host_port)
{
	(void)stack;
	(void)protocol;
	(void)host;
	(void)host_port;
	return 0;
}

/* ---- the made-up forwarder and reader of names ------------------------------------------- */

void dns_ask(struct dns *dns, const uint8_t *question, size_t size, size_t max,
	     void (*reply)(void *context, const uint8_t *answer, size_t size),
	     void *context)
{
	(void)dns;
	assert_true(size <= sizeof(current->question));
	memcpy(current->question, question, size);
	current->question_size = size;
	current->question_max = max;
	current->questions++;
	current->reply = reply;
	current->reply_context = context;
}

void dns_forget(struct dns *dns, void *context)
{
	(void)dns;
	(void)context;
	current->forgotten++;
}

/* "TLS" NAME "." is a whole beginning here, "TLS-" hides the name. */
enum sni_answer sni_find(const uint8_t *bytes, size_t size, char *ret_name)
{
	const uint8_t *end = memchr(bytes, '.', size);
	const size_t compared = size < 3 ? size : 3;

	if (memcmp(bytes, "TLS", compared) != 0)
		return SNI_NOT_TLS;
	if (size > 3 && bytes[3] == '-')
		return SNI_HIDDEN;
	if (!end)
		return SNI_MORE;
	snprintf(ret_name, NAME_TEXT_MAX, "%.*s.test", (int)(end - bytes - 3),
		 (const char *)bytes + 3);
	return SNI_NAME;
}

/* ---- the path ---------------------------------------------------------------------------- */

static void tell(void *context, const char *line)
{
	struct frames *frames = context;

	snprintf(frames->told, sizeof(frames->told), "%s", line);
}

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static void fill_spec(struct net_spec *net)
{
	net->mode = NET_USER;
	net->address = (struct prefix){ ip_of("10.0.2.100"), 120 };
	net->gateway = ip_of("10.0.2.2");
	net->dns = ip_of("10.0.2.3");
	net->address6 = (struct prefix){ ip_of("fd00::64"), 64 };
	net->gateway6 = ip_of("fd00::2");
	net->dns6 = ip_of("fd00::3");
}

static void fill_rules(struct frames *frames, const char *const *words)
{
	struct error err;
	size_t count = 0;

	for (; words[count]; count++)
		frames->texts[count] =
			(struct rule_text){ words[count][0] == '+', words[count] + 1,
					    "command line" };
	if (rules_parse(frames->texts, count, &frames->arena, &frames->rules, &err) < 0)
		fail_msg("%s", err.text);
	frames->rules.host.gateway = frames->net.gateway;
	frames->rules.host.gateway6 = frames->net.gateway6;
	frames->rules.host.inside = frames->net.address;
	frames->rules.host.inside6 = frames->net.address6;
}

static struct frames *make_frames(const char *const *rules, bool foreign, bool ip6)
{
	static const struct prefix no_ip6;
	struct frames *frames = calloc(1, sizeof(*frames));
	struct frame_spec spec = { .mac = SANDBOX_MAC, .pcap = -1, .tell = tell };
	struct error err;
	int ends[2];

	assert_non_null(frames);
	current = frames;
	fill_spec(&frames->net);
	frames->net.foreign_stack = foreign;
	if (!ip6)
		frames->net.address6 = no_ip6;
	fill_rules(frames, rules);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	frames->sandbox = ends[1];
	frames->gate.rules = &frames->rules;
	frames->gate.names = names_new();
	frames->gate.loop = loop_new(&err);
	frames->gate.journal =
		journal_new(frames->gate.loop, &frames->rules, -1, tell, frames);
	spec.loop = frames->gate.loop;
	spec.gate = &frames->gate;
	spec.dns = (struct dns *)frames; /* never looked into */
	spec.net = &frames->net;
	spec.tap = ends[0];
	spec.out = &frames->out;
	spec.in = &frames->in;
	spec.context = frames;
	frames->path = frame_path_new(&spec, &err);
	assert_non_null(frames->path);
	assert_int_equal(frames->stack.count, 2);
	assert_int_equal(ear_packet(&frames->stack, 0).kind, PACKET_ARP);
	assert_int_equal(ear_packet(&frames->stack, 1).kind, PACKET_ADVERTISES);
	frames_forget(frames);
	return frames;
}

struct frames *frames_new(const char *const *rules)
{
	return make_frames(rules, false, true);
}

struct frames *frames_new_foreign(const char *const *rules, bool ip6)
{
	return make_frames(rules, true, ip6);
}

void frames_free(struct frames *frames)
{
	frame_path_free(frames->path);
	journal_free(frames->gate.journal);
	names_free(frames->gate.names);
	loop_free(frames->gate.loop);
	close(frames->sandbox);
	arena_free(&frames->arena);
	free(frames);
}

size_t frames_stack_mru(const struct frames *frames)
{
	return frames->path->stack->spec.mru;
}

struct packet_ends frames_ends(const char *to, uint16_t from_port, uint16_t to_port)
{
	struct packet_ends ends = {
		.from_mac = SANDBOX_MAC,
		.to_mac = GATEWAY_MAC,
		.to = ip_of(to),
		.from_port = from_port,
		.to_port = to_port,
	};

	ends.v6 = !ip_is_v4(&ends.to);
	ends.from = ip_of(ends.v6 ? "fd00::64" : "10.0.2.100");
	return ends;
}

size_t frames_say(struct frames *frames, uint8_t *frame, size_t size)
{
	const struct virtio_net_hdr plain = { 0 };
	const size_t before = frames->stack.count;

	memcpy(frames->path->frame + FRAME_HEADROOM, frame, size);
	frame_from_sandbox(frames->path, &plain, frames->path->frame + FRAME_HEADROOM,
			   size);
	return frames->stack.count - before;
}

size_t frames_say_tcp(struct frames *frames, const struct packet_ends *ends, uint32_t seq,
		      uint32_t ack, uint8_t flags, const char *text)
{
	static uint8_t frame[PACKET_MAX];
	const struct tcp_fields fields = {
		.seq = seq,
		.ack = ack,
		.window = 64000,
		.flags = flags,
		.mss = flags & TCP_SYN ? 1460 : 0,
	};

	return frames_say(frames, frame,
			  packet_build_tcp(frame, ends, &fields, text, strlen(text)));
}

size_t frames_say_udp(struct frames *frames, const struct packet_ends *ends,
		      const char *text)
{
	static uint8_t frame[PACKET_MAX];

	return frames_say(frames, frame,
			  packet_build_udp(frame, ends, text, strlen(text)));
}

void frames_hear(struct frames *frames)
{
	for (;;) {
		struct heard *heard = &frames->tap.heard[frames->tap.count];
		uint8_t bytes[sizeof(struct virtio_net_hdr) + PACKET_MAX];
		const ssize_t size =
			recv(frames->sandbox, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (size < 0)
			return;
		assert_true((size_t)size > sizeof(heard->offload));
		hear(&frames->tap, bytes + sizeof(heard->offload),
		     (size_t)size - sizeof(heard->offload));
		memcpy(&heard->offload, bytes, sizeof(heard->offload));
	}
}

size_t frames_stack_says(struct frames *frames, uint8_t *frame, size_t size)
{
	size_t before;

	frames_hear(frames);
	before = frames->tap.count;
	frame_from_stack(frames->path, frame, size);
	frames->path->stack->spec.settled(frames->path);
	frames_hear(frames);
	return frames->tap.count - before;
}

size_t frames_stack_says_tcp(struct frames *frames, const struct packet_ends *ends,
			     uint32_t seq, uint32_t ack, uint8_t flags, const char *text)
{
	static uint8_t frame[PACKET_MAX];
	const struct packet_ends turned = packet_ends_turned(ends);
	const struct tcp_fields fields = {
		.seq = seq,
		.ack = ack,
		.window = 64000,
		.flags = flags,
		.mss = flags & TCP_SYN ? 65480 : 0,
	};

	return frames_stack_says(
		frames, frame,
		packet_build_tcp(frame, &turned, &fields, text, strlen(text)));
}

struct packet ear_packet(struct ear *ear, size_t n)
{
	struct packet packet = { 0 };

	assert_true(n < ear->count);
	assert_int_equal(packet_parse(ear->heard[n].bytes, ear->heard[n].size, &packet),
			 PACKET_SOUND);
	if (packet.kind != PACKET_ARP &&
	    !(ear->heard[n].offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		assert_true(packet_is_intact(&packet));
	return packet;
}

void frames_forget(struct frames *frames)
{
	frames_hear(frames);
	frames->tap.count = frames->stack.count = 0;
}

void frames_connect(struct frames *frames, const struct packet_ends *ends)
{
	assert_int_equal(frames_say_tcp(frames, ends, 1000, 0, TCP_SYN, ""), 1);
	assert_int_equal(
		frames_stack_says_tcp(frames, ends, 5000, 1001, TCP_SYN | TCP_ACK, ""),
		1);
	assert_int_equal(frames_say_tcp(frames, ends, 1001, 5001, TCP_ACK, ""), 1);
	frames_forget(frames);
}
