/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "net/frame_path.h"
#include "net/pcap.h"

enum {
	DRAIN = 64, /* frames that one turn takes from the tap */
	SWEEP_MS = 10 * 1000,
	MTU = 1500,
};

uint64_t frame_now(const struct frame_path *path)
{
	return loop_now_ms(path->spec.loop);
}

void frame_drop(struct frame_path *path)
{
	path->counters->dropped_frames++;
}

void frame_tell(struct frame_path *path, bool *once, const char *line)
{
	if (*once)
		return;
	*once = true;
	if (path->spec.tell)
		path->spec.tell(path->spec.context, line);
}

void frame_capture(struct frame_path *path, const uint8_t *frame, size_t size)
{
	if (path->spec.pcap < 0 || pcap_write(path->spec.pcap, frame, size) == 0)
		return;
	fd_close(&path->spec.pcap);
	frame_tell(path, &path->told_pcap,
		   "the capture (--pcap) ends: it cannot be written");
}

/* ---- to the tap -------------------------------------------------------------------------- */

/* The header for a segment that the kernel cuts; its checksum is begun (virtio, 5.1.6.2). */
static struct virtio_net_hdr cut_into(const struct packet *packet, uint16_t mss)
{
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type =
			packet->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)packet->payload,
		.gso_size = mss,
		.csum_start = (uint16_t)packet->l4,
		.csum_offset = (uint16_t)(packet_sum_place(packet) - packet->l4),
	};
}

/*
 * What the kernel cannot take (the interface is down, its queue is full) is lost, as on a
 * wire.
 */
void frame_to_tap(struct frame_path *path, const struct packet *packet, uint16_t mss)
{
	const bool cut = mss && packet_payload_size(packet) > mss;
	struct virtio_net_hdr offload = { .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	const size_t place = cut ? packet_sum_place(packet) : packet->size;
	uint16_t pseudo = 0;
	const struct iovec parts[] = {
		{ &offload, sizeof(offload) },
		{ packet->bytes, place },
		{ &pseudo, sizeof(pseudo) },
		{ packet->bytes + place + sizeof(pseudo),
		  cut ? packet->size - place - sizeof(pseudo) : 0 },
	};

	if (cut) {
		offload = cut_into(packet, mss);
		pseudo = packet_pseudo_sum(packet);
	}
	frame_capture(path, packet->bytes, packet->size);
	path->debt_in += packet->size;
	if (writev(path->tap.fd, parts, cut ? 4 : 2) < 0)
		frame_drop(path);
}

void frame_answer(struct frame_path *path, size_t size)
{
	struct packet packet = { .bytes = path->answer, .size = size };

	if (size == 0)
		return;
	if (path->crosses && packet_parse(path->answer, size, &packet) == PACKET_SOUND)
		frame_cross_in(path, &packet);
	frame_to_tap(path, &packet, 0);
}

/* ---- to the stack ------------------------------------------------------------------------ */

void frame_to_stack(struct frame_path *path, const struct packet *packet)
{
	if (!path->in_stack) {
		stack_input(path->stack, packet->bytes, packet->size);
		return;
	}
	if (path->late_count == FRAME_LATE_MAX || packet->size > FRAME_LATE_SIZE)
		return; /* it will ask again */
	memcpy(path->late[path->late_count].bytes, packet->bytes, packet->size);
	path->late[path->late_count++].size = packet->size;
}

/* Each may bring a new one: those wait for the next turn if they are too many. */
static void settled(void *context)
{
	struct frame_path *path = context;

	for (size_t i = 0; i < path->late_count; i++) {
		uint8_t bytes[FRAME_LATE_SIZE];

		memcpy(bytes, path->late[i].bytes, path->late[i].size);
		stack_input(path->stack, bytes, path->late[i].size);
	}
	path->late_count = 0;
}

/* ---- turns ------------------------------------------------------------------------------- */

static bool pay(struct rate *rate, uint64_t *debt, uint64_t now_ms)
{
	*debt -= rate ? rate_take(rate, *debt, now_ms) : *debt;
	return *debt == 0;
}

static bool may_read(void *context, int *ret_wait_ms)
{
	struct frame_path *path = context;
	const uint64_t now_ms = frame_now(path);

	if (pay(path->spec.in, &path->debt_in, now_ms))
		return true;
	*ret_wait_ms = (int)(rate_next_ms(path->spec.in, now_ms) - now_ms);
	return false;
}

static ssize_t read_tap(struct frame_path *path, struct virtio_net_hdr *ret_offload)
{
	const struct iovec parts[] = {
		{ ret_offload, sizeof(*ret_offload) },
		{ path->frame + FRAME_HEADROOM, PACKET_MAX },
	};
	ssize_t size;

	do {
		size = readv(path->tap.fd, parts, 2);
	} while (size < 0 && errno == EINTR);
	return size;
}

static void wait_for_rate(struct frame_path *path)
{
	loop_change(path->spec.loop, &path->tap, 0);
	loop_arm(path->spec.loop, &path->tap_wait,
		 rate_next_ms(path->spec.out, frame_now(path)));
}

static void tap_waited(struct timer *timer)
{
	struct frame_path *path =
		(struct frame_path *)((char *)timer -
				      offsetof(struct frame_path, tap_wait));

	if (path->tap.fd >= 0)
		loop_change(path->spec.loop, &path->tap, EPOLLIN);
}

/* The interface is gone with its namespace: the descriptor would only wake us for ever. */
static void lose_tap(struct frame_path *path)
{
	path->lost_tap = loop_unwatch(path->spec.loop, &path->tap);
}

static void tap_told(struct watch *watch, uint32_t events)
{
	struct frame_path *path =
		(struct frame_path *)((char *)watch - offsetof(struct frame_path, tap));

	(void)events;
	for (int i = 0; i < DRAIN; i++) {
		struct virtio_net_hdr offload;
		ssize_t size;

		if (!pay(path->spec.out, &path->debt_out, frame_now(path))) {
			wait_for_rate(path);
			break;
		}
		size = read_tap(path, &offload);
		if (size < 0 && errno == EAGAIN)
			break;
		if (size <= 0) {
			lose_tap(path);
			break;
		}
		if ((size_t)size > sizeof(offload))
			frame_from_sandbox(path, &offload, path->frame + FRAME_HEADROOM,
					   (size_t)size - sizeof(offload));
	}
	settled(path);
	if (flows_count(path->flows) && path->sweep.at_ms == 0)
		loop_arm(path->spec.loop, &path->sweep, frame_now(path) + SWEEP_MS);
}

static void sweep_rang(struct timer *timer)
{
	struct frame_path *path =
		(struct frame_path *)((char *)timer - offsetof(struct frame_path, sweep));
	const uint64_t now_ms = frame_now(path);
	size_t cursor = 0;
	struct flow *flow;

	while ((flow = flows_next(path->flows, &cursor))) {
		if (flow_is_over(flow, now_ms))
			frame_forget_flow(path, flow);
	}
	settled(path);
	if (flows_count(path->flows))
		loop_arm(path->spec.loop, &path->sweep, now_ms + SWEEP_MS);
}

/* ---- the door ---------------------------------------------------------------------------- */

static bool prefix_leads_to_host(const struct prefix *prefix, const struct net_spec *net)
{
	static const struct ip loopback6 = { { [15] = 1 } };
	const struct prefix loopback = {
		.ip.bytes = { [10] = 0xff, [11] = 0xff, [12] = 127 },
		.bits = 104,
	};

	return prefix_contains(prefix, &net->gateway) ||
	       prefix_contains(prefix, &net->gateway6) ||
	       prefix_contains(prefix, &loopback6) || prefix_overlaps(prefix, &loopback);
}

/* The rules judge each flow; this only keeps a door shut that nobody opened. */
static bool may_lead_to_host(const struct rules *rules, const struct net_spec *net)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rules[i];

		if (!rule->allow)
			continue;
		if (rule->kind == RULE_HOST || rule->kind == RULE_ANY ||
		    (rule->kind == RULE_NAME && rule->private_too) ||
		    (rule->kind == RULE_PREFIX &&
		     prefix_leads_to_host(&rule->prefix, net)))
			return true;
	}
	return false;
}

/*
 * libslirp answers a client on the host's loopback only where the sandbox could have called
 * there: datagrams have no connection to it.
 */
static bool publishes_udp(const struct net_spec *net)
{
	for (size_t i = 0; i < net->published_count; i++) {
		if (net->published[i].protocol == PROTOCOL_UDP)
			return true;
	}
	return false;
}

/*
 * A stack that is not the kernel's must not be sent larger segments than it has room for:
 * when its window holds some of its own but none of those, it sees no reason to say that
 * there is more (RFC 9293, 3.8.6.2.2), and libslirp waits for its clock, five seconds.
 */
static size_t stack_mru(const struct net_spec *net)
{
	const uint32_t mtu = net->mtu ? net->mtu : MTU;

	return net->foreign_stack && mtu < FRAME_STACK_MTU ? mtu : FRAME_STACK_MTU;
}

/*
 * Where the sandbox has no IPv6, a published port may have clients of it all the same: the
 * stack believes that there is some.
 */
static void tell_stack(struct frame_path *path)
{
	static const struct prefix made_up = {
		.ip.bytes = { 0xfd, [15] = 0x64 },
		.bits = 64,
	};
	struct net_spec *net = &path->stack_net;

	*net = *path->spec.net;
	if (!net->foreign_stack || net->address6.bits)
		return;
	net->address6 = made_up;
	net->gateway6 = net->dns6 = made_up.ip;
	net->gateway6.bytes[15] = 2;
	net->dns6.bytes[15] = 3;
}

static int start(struct frame_path *path, struct error *err)
{
	const struct stack_spec spec = {
		.loop = path->spec.loop,
		.net = &path->stack_net,
		.mtu = FRAME_STACK_MTU,
		.mru = stack_mru(path->spec.net),
		.host = path->host,
		.output = frame_from_stack,
		.may_read = may_read,
		.settled = settled,
		.context = path,
	};
	const int flags = fcntl(path->tap.fd, F_GETFL);

	path->flows = flows_new();
	path->questions = questions_new(path);
	path->streams = streams_new(path);
	if (!path->flows || !path->questions || !path->streams)
		return error_errno_id(err, ERROR_NETWORK,
				      "allocate the network's tables");
	if (flags < 0 || fcntl(path->tap.fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno_id(err, ERROR_NETWORK, "use the tap device");
	if (path->spec.pcap >= 0 && pcap_begin(path->spec.pcap) < 0)
		return error_errno_id(err, ERROR_NETWORK, "write the capture (--pcap)");
	path->stack = stack_new(&spec, err);
	if (!path->stack)
		return -1;
	frame_introduce(path);
	if (loop_watch(path->spec.loop, &path->tap, EPOLLIN) < 0)
		return error_errno_id(err, ERROR_NETWORK, "wait for the tap device");
	return 0;
}

struct frame_path *frame_path_new(const struct frame_spec *spec, struct error *err)
{
	struct frame_path *path = calloc(1, sizeof(*path));
	const uint32_t mtu = spec->net->mtu ? spec->net->mtu : MTU;

	if (!path) {
		error_errno(err, "allocate the frame path");
		return NULL;
	}
	path->spec = *spec;
	path->counters = journal_counters(spec->gate->journal);
	path->tap = (struct watch){ .fd = spec->tap, .told = tap_told };
	path->lost_tap = -1;
	path->host = may_lead_to_host(spec->gate->rules, spec->net) ||
		     publishes_udp(spec->net);
	path->tap_wait.rang = tap_waited;
	path->sweep.rang = sweep_rang;
	path->gso_mss = (uint16_t)(mtu > 88 ? mtu - 40 : 48);
	path->gso_mss6 = (uint16_t)(mtu > 108 ? mtu - 60 : 48);
	tell_stack(path);
	if (start(path, err) < 0) {
		frame_path_free(path);
		return NULL;
	}
	return path;
}

static void end_flows(struct frame_path *path)
{
	size_t cursor = 0;
	struct flow *flow;

	while ((flow = flows_next(path->flows, &cursor)))
		frame_end_flow(path, flow);
}

void frame_path_free(struct frame_path *path)
{
	if (!path)
		return;
	stack_free(path->stack);
	if (path->flows)
		end_flows(path);
	flows_free(path->flows);
	questions_free(path->questions);
	streams_free(path->streams);
	loop_disarm(path->spec.loop, &path->tap_wait);
	loop_disarm(path->spec.loop, &path->sweep);
	if (path->tap.fd >= 0)
		loop_close(path->spec.loop, &path->tap);
	fd_close(&path->lost_tap);
	fd_close(&path->spec.pcap);
	free(path);
}

int frame_path_publish(struct frame_path *path, enum net_protocol protocol,
		       const struct ip *host, uint16_t host_port, uint16_t guest_port)
{
	if (path->forward_count == FRAME_FORWARDS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	if (protocol == PROTOCOL_UDP && !path->host) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (stack_publish(path->stack, protocol, host, host_port, guest_port) < 0)
		return -1;
	path->forwards[path->forward_count++] = (struct forward){
		.protocol = protocol,
		.host = *host,
		.host_port = host_port,
		.guest_port = guest_port,
	};
	return 0;
}

int frame_path_unpublish(struct frame_path *path, enum net_protocol protocol,
			 const struct ip *host, uint16_t host_port)
{
	for (size_t i = 0; i < path->forward_count; i++) {
		struct forward *forward = &path->forwards[i];

		if (forward->protocol != protocol || forward->host_port != host_port ||
		    !ip_equal(&forward->host, host))
			continue;
		if (stack_unpublish(path->stack, protocol, host, host_port) < 0)
			return -1;
		*forward = path->forwards[--path->forward_count];
		return 0;
	}
	errno = ENOENT;
	return -1;
}
