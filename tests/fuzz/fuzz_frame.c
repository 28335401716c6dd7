/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from both sides of the frame path, with a made-up stack: whatever the sandbox says,
 * the stack gets only what is sound, whole, the sandbox's own and admitted. The input is a list of
 * frames: how long (two bytes), from where and with which offload (one byte), bytes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "net/frame_path.h"

struct stack {
	struct stack_spec spec;
};

struct fixture {
	struct net_spec net;
	struct rules rules;
	struct gate gate;
	struct rate out, in;
	struct frame_path *path;
	int reader; /* of the tap; nobody reads */
};

static struct fixture fixture;
static struct arena arena;

static void check(bool claim)
{
	if (!claim)
		abort();
}

struct stack *stack_new(const struct stack_spec *spec, struct error *err)
{
	struct stack *stack = calloc(1, sizeof(*stack));

	(void)err;
	check(stack != NULL);
	stack->spec = *spec;
	return stack;
}

void stack_free(struct stack *stack)
{
	free(stack);
}

/* What the rules below leave open. */
static bool is_open(const struct packet *packet)
{
	struct net_verdict verdict;
	const struct flow_key key = frame_key_out(packet);

	rules_judge(&fixture.rules, fixture.gate.names, &key,
		    loop_now_ms(fixture.gate.loop), &verdict);
	return verdict.allowed;
}

void stack_input(struct stack *stack, const uint8_t *frame, size_t size)
{
	struct packet packet;

	(void)stack;
	if (!fixture.path)
		return; /* it introduces itself */
	check(!fixture.path->in_stack);
	check(packet_parse((uint8_t *)frame, size, &packet) == PACKET_SOUND);
	check(packet.size == size);
	check(frame_is_own(fixture.path, &packet));
	switch (packet.kind) {
	case PACKET_ARP:
	case PACKET_SOLICITS:
	case PACKET_ADVERTISES:
		return;
	case PACKET_TCP:
		check(!(packet.flags & TCP_URG));
		check(!(packet.flags & TCP_SYN) || packet_payload_size(&packet) == 0);
		check((packet.flags & (TCP_RST | TCP_ACK)) || is_open(&packet));
		return;
	case PACKET_UDP:
		check(is_open(&packet));
		check(!frame_is_service(&packet, frame_place_of(fixture.path, &packet)));
		return;
	case PACKET_ECHO:
		return;
	case PACKET_ECHO_REPLY:
	case PACKET_ICMP_ERROR:
	case PACKET_QUIET:
		abort();
	}
}

size_t stack_sockets(const struct stack *stack)
{
	(void)stack;
	return 0;
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

/* The forwarder gives everything back. */
void dns_ask(struct dns *dns, const uint8_t *question, size_t size, size_t max,
	     void (*reply)(void *context, const uint8_t *answer, size_t size),
	     void *context)
{
	uint8_t answer[8192];

	(void)dns;
	check(size <= sizeof(answer));
	memcpy(answer, question, size);
	if (size <= max && size % 3)
		reply(context, answer, size);
}

void dns_forget(struct dns *dns, void *context)
{
	(void)dns;
	(void)context;
}

static void tell(void *context, const char *line)
{
	(void)context;
	(void)line;
}

/* Nobody reads what goes to the tap: it is lost when the pipe is full. */
static void begin(void)
{
	static const struct rule_text texts[] = {
		{ true, "good.test:443,sni", "command line" },
		{ false, "lan", "command line" },
		{ true, "internet", "command line" },
	};
	struct frame_spec spec = { .mac = { 2, 0, 0, 0, 0, 0x64 }, .pcap = -1 };
	struct net_spec *net = &fixture.net;
	struct error err;
	int ends[2];

	check(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	fixture.reader = ends[0];
	ip_parse("10.0.2.100", &net->address.ip);
	net->address.bits = 120;
	ip_parse("10.0.2.2", &net->gateway);
	ip_parse("10.0.2.3", &net->dns);
	ip_parse("fd00::64", &net->address6.ip);
	net->address6.bits = 64;
	ip_parse("fd00::2", &net->gateway6);
	ip_parse("fd00::3", &net->dns6);
	check(rules_parse(texts, 3, &arena, &fixture.rules, &err) == 0);
	fixture.rules.host.gateway = net->gateway;
	fixture.rules.host.gateway6 = net->gateway6;
	fixture.rules.host.inside = net->address;
	fixture.rules.host.inside6 = net->address6;
	fixture.gate.rules = &fixture.rules;
	fixture.gate.names = names_new();
	fixture.gate.loop = loop_new(&err);
	fixture.gate.journal =
		journal_new(fixture.gate.loop, &fixture.rules, -1, tell, NULL);
	spec.loop = fixture.gate.loop;
	spec.gate = &fixture.gate;
	spec.dns = (struct dns *)&fixture; /* never looked into */
	spec.net = net;
	spec.tap = ends[1];
	spec.out = &fixture.out;
	spec.in = &fixture.in;
	fixture.path = frame_path_new(&spec, &err);
	check(fixture.path != NULL);
}

static void add_name(const char *text)
{
	struct ip ip;

	ip_parse(text, &ip);
	names_add(fixture.gate.names, "good.test", &ip, 600,
		  loop_now_ms(fixture.gate.loop));
}

static void end(void)
{
	frame_path_free(fixture.path);
	close(fixture.reader);
	journal_free(fixture.gate.journal);
	names_free(fixture.gate.names);
	loop_free(fixture.gate.loop);
	arena_free(&arena);
	memset(&fixture, 0, sizeof(fixture));
}

/* Fuzzers do not guess checksums: where a bit says so, what parses is completed. */
static void take(uint8_t how, uint8_t *bytes, size_t size)
{
	struct virtio_net_hdr offload = { 0 };
	struct packet packet;

	if ((how & 2) && packet_parse(bytes, size, &packet) == PACKET_SOUND &&
	    packet.kind != PACKET_ARP && packet.kind != PACKET_QUIET)
		packet_complete(&packet);
	if (how & 4) {
		offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		offload.csum_start = how & 8 ? 54 : 34;
		offload.csum_offset = how & 16 ? 16 : 6;
		offload.gso_type = how & 32 ? VIRTIO_NET_HDR_GSO_TCPV4 : 0;
	}
	if (how & 1) {
		frame_from_stack(fixture.path, bytes, size);
		for (size_t i = 0; i < fixture.path->late_count; i++)
			stack_input(fixture.path->stack, fixture.path->late[i].bytes,
				    fixture.path->late[i].size);
		fixture.path->late_count = 0;
	} else {
		frame_from_sandbox(fixture.path, &offload, bytes, size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[FRAME_HEADROOM + PACKET_MAX];

	begin();
	add_name("198.51.100.7");
	add_name("2001:db8::7");
	while (size >= 3) {
		const size_t wanted = (size_t)(data[0] << 8 | data[1]);
		const uint8_t how = data[2];
		const size_t length = wanted < size - 3 ? wanted : size - 3;

		data += 3;
		size -= 3;
		memcpy(frame + FRAME_HEADROOM, data, length);
		take(how, frame + FRAME_HEADROOM, length);
		data += length;
		size -= length;
	}
	end();
	return 0;
}
