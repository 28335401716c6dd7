/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "net/frame_path.h"

/*
 * DNS over TCP (RFC 7766) to the forwarder's address, by as much of TCP (RFC 9293) as that
 * needs: the sandbox opens, asks, and is answered, over a link that loses next to nothing. What comes out
 * of order is not kept but sent again by the sandbox; what we send is sent again by a clock. No
 * window is scaled, so that one answer fits.
 */

enum {
	STREAMS_MAX = 16,
	LENGTH = 2, /* bytes in front of each message */
	QUESTION_MAX = DNS_UDP_MAX,
	ANSWER_MAX = 65535,
	WINDOW = LENGTH + QUESTION_MAX,
	TICK_MS = 250,
	TRIES_MAX = 12,
	IDLE_MS = 15 * 1000,
	SEGMENT_ROOM = 120, /* headers, of what an MTU holds */
};

enum stream_state {
	STREAM_OPENING, /* our SYN is not acknowledged */
	STREAM_OPEN,
	STREAM_ENDING, /* our FIN is sent */
};

struct stream {
	struct streams *streams;
	struct packet_ends ends; /* from us to the sandbox */
	bool taken;
	bool asked; /* the forwarder has a question of ours */
	bool fin_in;
	enum stream_state state;
	uint32_t first_out; /* sequence number of out[0] */
	uint32_t next_in;
	uint16_t window; /* the sandbox's */
	uint8_t in[LENGTH + QUESTION_MAX];
	size_t in_size;
	uint8_t *out; /* an answer with its length, or NULL */
	size_t out_size, sent, acked;
	unsigned int tries; /* without an acknowledgement */
	uint64_t used_ms;
};

struct streams {
	struct frame_path *path;
	struct timer tick;
	size_t segment; /* what one of ours may carry */
	struct stream streams[STREAMS_MAX];
};

static void tick_rang(struct timer *timer);

struct streams *streams_new(struct frame_path *path)
{
	struct streams *streams = calloc(1, sizeof(*streams));
	const uint32_t mtu = path->spec.net->mtu ? path->spec.net->mtu : 1500;

	if (!streams)
		return NULL;
	streams->path = path;
	streams->tick.rang = tick_rang;
	streams->segment = mtu > 2 * SEGMENT_ROOM ? mtu - SEGMENT_ROOM : SEGMENT_ROOM;
	return streams;
}

static void end_stream(struct stream *stream)
{
	if (stream->asked)
		dns_forget(stream->streams->path->spec.dns, stream);
	free(stream->out);
	stream->out = NULL;
	stream->taken = false;
}

void streams_free(struct streams *streams)
{
	if (!streams)
		return;
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (streams->streams[i].taken)
			end_stream(&streams->streams[i]);
	}
	loop_disarm(streams->path->spec.loop, &streams->tick);
	free(streams);
}

/* ---- out --------------------------------------------------------------------------------- */

static void send_segment(struct stream *stream, uint8_t flags, uint32_t seq, size_t from,
			 size_t size)
{
	struct frame_path *path = stream->streams->path;
	const struct tcp_fields fields = {
		.seq = seq,
		.ack = stream->next_in,
		.window = (uint16_t)(WINDOW - stream->in_size),
		.flags = flags,
		.mss = flags & TCP_SYN ? (uint16_t)stream->streams->segment : 0,
	};

	frame_answer(path,
		     packet_build_tcp(path->answer, &stream->ends, &fields,
				      stream->out ? stream->out + from : NULL, size));
}

static void acknowledge(struct stream *stream)
{
	const uint32_t behind = stream->state == STREAM_ENDING ? 1 : 0;

	send_segment(stream, TCP_ACK, stream->first_out + (uint32_t)stream->sent + behind,
		     0, 0);
}

/* As much as the sandbox has room for. */
static void send_more(struct stream *stream)
{
	const size_t most = stream->acked + stream->window;

	while (stream->sent < stream->out_size && stream->sent < most) {
		size_t size = stream->out_size - stream->sent;

		if (size > most - stream->sent)
			size = most - stream->sent;
		if (size > stream->streams->segment)
			size = stream->streams->segment;
		send_segment(stream, TCP_ACK | TCP_PSH,
			     stream->first_out + (uint32_t)stream->sent, stream->sent,
			     size);
		stream->sent += size;
	}
}

static void send_end(struct stream *stream)
{
	stream->state = STREAM_ENDING;
	send_segment(stream, TCP_FIN | TCP_ACK, stream->first_out, 0, 0);
}

/* What was sent and not acknowledged, again. */
static void send_again(struct stream *stream)
{
	if (stream->state == STREAM_OPENING)
		send_segment(stream, TCP_SYN | TCP_ACK, stream->first_out - 1, 0, 0);
	else if (stream->state == STREAM_ENDING)
		send_end(stream);
	else
		send_more(stream);
}

static bool waits_for_sandbox(const struct stream *stream)
{
	return stream->state != STREAM_OPEN || stream->out_size;
}

static void tick_stream(struct stream *stream, uint64_t now_ms)
{
	if (now_ms - stream->used_ms > IDLE_MS || stream->tries > TRIES_MAX) {
		send_segment(stream, TCP_RST | TCP_ACK, stream->first_out, 0, 0);
		end_stream(stream);
		return;
	}
	if (!waits_for_sandbox(stream))
		return;
	stream->tries++;
	stream->sent = stream->acked;
	send_again(stream);
}

static void arm(struct streams *streams)
{
	loop_arm(streams->path->spec.loop, &streams->tick,
		 frame_now(streams->path) + TICK_MS);
}

static void tick_rang(struct timer *timer)
{
	struct streams *streams =
		(struct streams *)((char *)timer - offsetof(struct streams, tick));
	bool some = false;

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct stream *stream = &streams->streams[i];

		if (stream->taken)
			tick_stream(stream, frame_now(streams->path));
		some |= stream->taken;
	}
	if (some)
		arm(streams);
}

/* ---- questions --------------------------------------------------------------------------- */

static void reply(void *context, const uint8_t *answer, size_t size)
{
	struct stream *stream = context;

	stream->asked = false;
	stream->out = size <= ANSWER_MAX ? malloc(LENGTH + size) : NULL;
	if (!stream->out) {
		send_segment(stream, TCP_RST | TCP_ACK, stream->first_out, 0, 0);
		end_stream(stream);
		return;
	}
	stream->out[0] = (uint8_t)(size >> 8);
	stream->out[1] = (uint8_t)size;
	memcpy(stream->out + LENGTH, answer, size);
	stream->out_size = LENGTH + size;
	stream->sent = stream->acked = 0;
	stream->tries = 0;
	send_more(stream);
}

static size_t question_size(const struct stream *stream)
{
	return stream->in_size < LENGTH ? 0
					: (size_t)(stream->in[0] << 8 | stream->in[1]);
}

/* One at a time, in order. The question is taken off before it is asked: reply() may come at once. */
static void ask_next(struct stream *stream)
{
	const size_t size = question_size(stream);
	uint8_t question[QUESTION_MAX];

	if (stream->asked || stream->out || stream->state != STREAM_OPEN)
		return;
	if (stream->in_size < LENGTH + size || stream->in_size < LENGTH) {
		if (stream->fin_in)
			send_end(stream);
		return;
	}
	memcpy(question, stream->in + LENGTH, size);
	stream->in_size -= LENGTH + size;
	memmove(stream->in, stream->in + LENGTH + size, stream->in_size);
	stream->asked = true;
	dns_ask(stream->streams->path->spec.dns, question, size, ANSWER_MAX, reply,
		stream);
}

/* ---- in ---------------------------------------------------------------------------------- */

static struct stream *find(struct streams *streams, const struct packet *packet)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct stream *stream = &streams->streams[i];

		if (stream->taken && stream->ends.v6 == packet->v6 &&
		    stream->ends.to_port == packet->from_port)
			return stream;
	}
	return NULL;
}

/* The one that has been quiet for longest makes room. */
static struct stream *make_room(struct streams *streams)
{
	struct stream *oldest = &streams->streams[0];

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct stream *stream = &streams->streams[i];

		if (!stream->taken)
			return stream;
		if (stream->used_ms < oldest->used_ms)
			oldest = stream;
	}
	send_segment(oldest, TCP_RST | TCP_ACK, oldest->first_out, 0, 0);
	end_stream(oldest);
	return oldest;
}

static void open_stream(struct streams *streams, const struct packet *packet)
{
	struct stream *stream = make_room(streams);
	const uint64_t now_ms = frame_now(streams->path);

	*stream = (struct stream){
		.streams = streams,
		.ends = packet_answer_ends(packet),
		.taken = true,
		/* Only the sandbox hears it, and nobody else speaks to us. */
		.first_out = (uint32_t)now_ms * 4096 + packet->from_port,
		.next_in = packet->seq + 1,
		.window = packet->window,
		.used_ms = now_ms,
	};
	send_again(stream);
	if (streams->tick.at_ms == 0)
		arm(streams);
}

/* False: the stream has ended. */
static bool take_acknowledgement(struct stream *stream, const struct packet *packet)
{
	const uint32_t acknowledged = packet->ack - stream->first_out;

	stream->window = packet->window;
	if (stream->state == STREAM_OPENING && acknowledged == 0) {
		stream->state = STREAM_OPEN;
		stream->tries = 0;
	}
	if (stream->state == STREAM_ENDING && acknowledged == 1) {
		end_stream(stream);
		return false;
	}
	if (acknowledged <= stream->acked || acknowledged > stream->sent)
		return true;
	stream->acked = acknowledged;
	stream->tries = 0;
	if (acknowledged == stream->out_size) {
		stream->first_out += acknowledged;
		free(stream->out);
		stream->out = NULL;
		stream->out_size = stream->sent = stream->acked = 0;
	}
	return true;
}

static void take_data(struct stream *stream, const struct packet *packet)
{
	size_t size = packet_payload_size(packet);
	const bool fin = packet->flags & TCP_FIN;

	if (size == 0 && !fin)
		return;
	if (packet->seq == stream->next_in && !stream->fin_in) {
		const size_t room = sizeof(stream->in) - stream->in_size;
		const bool all = size <= room;

		size = all ? size : room;
		memcpy(stream->in + stream->in_size, packet->bytes + packet->payload,
		       size);
		stream->in_size += size;
		stream->next_in += (uint32_t)size;
		stream->fin_in = fin && all;
		stream->next_in += stream->fin_in ? 1 : 0;
	}
	acknowledge(stream);
}

static void take_segment(struct stream *stream, const struct packet *packet)
{
	if (packet->flags & TCP_RST) {
		end_stream(stream);
		return;
	}
	stream->used_ms = frame_now(stream->streams->path);
	if (!(packet->flags & TCP_ACK) || !take_acknowledgement(stream, packet))
		return;
	take_data(stream, packet);
	if (question_size(stream) > QUESTION_MAX) {
		send_segment(stream, TCP_RST | TCP_ACK, stream->first_out, 0, 0);
		end_stream(stream);
		return;
	}
	ask_next(stream);
	if (stream->taken && stream->state == STREAM_OPEN)
		send_more(stream);
}

void streams_take(struct streams *streams, const struct packet *packet)
{
	struct frame_path *path = streams->path;
	struct stream *stream = find(streams, packet);
	const bool opens = (packet->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	if (stream && opens && packet->seq + 1 != stream->next_in) {
		end_stream(stream);
		stream = NULL;
	}
	if (stream && (packet->flags & TCP_SYN))
		return; /* sent twice: ours is sent again by the clock */
	if (stream)
		take_segment(stream, packet);
	else if (opens && path->spec.dns)
		open_stream(streams, packet);
	else
		frame_answer(path, packet_build_reset(path->answer, packet));
}
