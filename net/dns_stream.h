/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_STREAM_H
#define SBX_NET_DNS_STREAM_H

/* One question to one server by TCP (RFC 7766), and its answer. */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct dns_stream;
struct dns_streams;
struct loop;

enum { DNS_STREAMS_MAX = 16 };

/* NULL: no memory. */
struct dns_streams *dns_streams_new(struct loop *loop);
void dns_streams_free(struct dns_streams *streams);

/*
 * heard is called once, from the loop: with the answer, whose id and question are right, or
 * with NULL where the connection failed. Only then, or before, it is to be closed.
 * NULL: too many, or errno.
 */
struct dns_stream *
dns_stream_open(struct dns_streams *streams, const struct sockaddr_storage *address,
		socklen_t length, const uint8_t *query, size_t size,
		void (*heard)(void *context, const uint8_t *message, size_t size),
		void *context);
void dns_stream_close(struct dns_stream *stream);

#endif
