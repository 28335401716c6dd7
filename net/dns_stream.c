/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "net/dns_answer.h"
#include "net/dns_message.h"
#include "net/loop.h"

enum { QUERY_MAX = 512, LENGTH_SIZE = 2 };

struct dns_stream {
	struct watch watch; /* first */
	struct loop *loop;
	bool used;
	void (*heard)(void *context, const uint8_t *message, size_t size);
	void *context;
	size_t size, sent, got;
	uint8_t query[LENGTH_SIZE + QUERY_MAX];
	uint8_t answer[LENGTH_SIZE + DNS_MESSAGE_MAX];
};

/* Pages that no answer has come to are never touched. */
struct dns_streams {
	struct loop *loop;
	struct dns_stream all[DNS_STREAMS_MAX];
};

struct dns_streams *dns_streams_new(struct loop *loop)
{
	struct dns_streams *streams = calloc(1, sizeof(*streams));

	if (streams != NULL)
		streams->loop = loop;
	return streams;
}

void dns_stream_close(struct dns_stream *stream)
{
	loop_close(stream->loop, &stream->watch);
	stream->used = false;
}

void dns_streams_free(struct dns_streams *streams)
{
	for (int i = 0; streams != NULL && i < DNS_STREAMS_MAX; i++) {
		if (streams->all[i].used)
			dns_stream_close(&streams->all[i]);
	}
	free(streams);
}

/* Says it once: a stream that failed hears no more. */
static void tell(struct dns_stream *stream, const uint8_t *message, size_t size)
{
	loop_close(stream->loop, &stream->watch);
	stream->heard(stream->context, message, size);
}

static bool is_whole(const struct dns_stream *stream)
{
	return stream->got >= LENGTH_SIZE &&
	       stream->got - LENGTH_SIZE >= dns_get_u16(stream->answer);
}

static void give_answer(struct dns_stream *stream)
{
	const uint8_t *message = stream->answer + LENGTH_SIZE;
	const size_t size = dns_get_u16(stream->answer);
	const uint8_t *query = stream->query + LENGTH_SIZE;
	struct dns_reader reader = { query, stream->size - LENGTH_SIZE, DNS_HEADER_SIZE };
	struct dns_question question;

	if (dns_read_question(&reader, &question) < 0 ||
	    !dns_answer_belongs(message, size, dns_get_u16(query), &question))
		tell(stream, NULL, 0);
	else
		tell(stream, message, size);
}

/* Returns 1 when the answer is whole. */
static int receive(struct dns_stream *stream)
{
	/* Not more than is announced: what is behind it is nobody's. */
	while (!is_whole(stream)) {
		const size_t wanted =
			stream->got < LENGTH_SIZE
				? LENGTH_SIZE
				: (size_t)LENGTH_SIZE + dns_get_u16(stream->answer);
		const ssize_t size = recv(stream->watch.fd, stream->answer + stream->got,
					  wanted - stream->got, MSG_DONTWAIT);

		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (size <= 0)
			return -1;
		stream->got += (size_t)size;
	}
	return 1;
}

/* ENOTCONN: not yet; a connection that failed tells why instead. */
static int send_rest(struct dns_stream *stream)
{
	while (stream->sent < stream->size) {
		const ssize_t size =
			send(stream->watch.fd, stream->query + stream->sent,
			     stream->size - stream->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
			return 0;
		if (size < 0)
			return -1;
		stream->sent += (size_t)size;
	}
	return loop_change(stream->loop, &stream->watch, EPOLLIN);
}

static void stream_told(struct watch *watch, uint32_t events)
{
	struct dns_stream *stream = (struct dns_stream *)watch;
	int result = 0;

	if (stream->sent < stream->size &&
	    (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		result = send_rest(stream);
	if (result == 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		result = receive(stream);
	if (result < 0)
		tell(stream, NULL, 0);
	else if (result > 0)
		give_answer(stream);
}

static int connect_to(struct dns_stream *stream, const struct sockaddr_storage *address,
		      socklen_t length)
{
	struct watch *watch = &stream->watch;

	watch->told = stream_told;
	watch->fd =
		socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (watch->fd < 0)
		return -1;
	if (connect(watch->fd, (const struct sockaddr *)address, length) < 0 &&
	    errno != EINPROGRESS)
		return -1;
	return loop_watch(stream->loop, watch, EPOLLIN | EPOLLOUT);
}

static struct dns_stream *find_free(struct dns_streams *streams)
{
	for (int i = 0; i < DNS_STREAMS_MAX; i++) {
		if (!streams->all[i].used)
			return &streams->all[i];
	}
	return NULL;
}

struct dns_stream *
dns_stream_open(struct dns_streams *streams, const struct sockaddr_storage *address,
		socklen_t length, const uint8_t *query, size_t size,
		void (*heard)(void *context, const uint8_t *message, size_t size),
		void *context)
{
	struct dns_stream *stream = find_free(streams);

	if (stream == NULL || size > QUERY_MAX)
		return NULL;
	stream->loop = streams->loop;
	stream->heard = heard;
	stream->context = context;
	stream->sent = stream->got = 0;
	stream->size = LENGTH_SIZE + size;
	dns_put_u16(stream->query, (uint16_t)size);
	memcpy(stream->query + LENGTH_SIZE, query, size);
	if (connect_to(stream, address, length) < 0) {
		loop_close(streams->loop, &stream->watch);
		return NULL;
	}
	stream->used = true;
	return stream;
}
