/* SPDX-License-Identifier: Apache-2.0 */
#include "turning.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "net/loop.h"

enum { TIMEOUT_S = 20, PIECE = 64 * 1024 };

struct turning {
	struct watch watch; /* first: told by it */
	struct loop *loop;
	int ends[2]; /* [0] is the loop's */
	pthread_t thread;
};

struct order {
	void (*act)(void *context);
	void *context;
};

static void turning_told(struct watch *watch, uint32_t events)
{
	struct turning *turning = (struct turning *)watch;
	struct order order;

	(void)events;
	if (read(watch->fd, &order, sizeof(order)) != sizeof(order))
		abort();
	if (order.act)
		order.act(order.context);
	else
		loop_stop(turning->loop);
	if (write(watch->fd, "", 1) != 1)
		abort();
}

static void *turn_it(void *context)
{
	struct error err;
	struct turning *turning = context;

	if (loop_run(turning->loop, &err) < 0)
		abort();
	return NULL;
}

struct turning *turning_start(void)
{
	struct error err;
	struct turning *turning = calloc(1, sizeof(*turning));

	assert_non_null(turning);
	turning->loop = loop_new(&err);
	assert_non_null(turning->loop);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, turning->ends), 0);
	turning->watch = (struct watch){ .fd = turning->ends[0], .told = turning_told };
	assert_int_equal(loop_watch(turning->loop, &turning->watch, EPOLLIN), 0);
	assert_int_equal(pthread_create(&turning->thread, NULL, turn_it, turning), 0);
	return turning;
}

struct loop *turning_loop(const struct turning *turning)
{
	return turning->loop;
}

void turning_do(struct turning *turning, void (*act)(void *context), void *context)
{
	const struct order order = { act, context };
	char done;

	assert_int_equal(write(turning->ends[1], &order, sizeof(order)), sizeof(order));
	assert_int_equal(read(turning->ends[1], &done, 1), 1);
}

void turning_stop(struct turning *turning)
{
	turning_do(turning, NULL, NULL);
	assert_int_equal(pthread_join(turning->thread, NULL), 0);
	loop_close(turning->loop, &turning->watch);
	close(turning->ends[1]);
	loop_free(turning->loop);
	free(turning);
}

static socklen_t loopback(int family, unsigned short port,
			  struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	*address = (struct sockaddr_storage){ .ss_family = (sa_family_t)family };
	if (family == AF_INET) {
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	in6->sin6_addr = in6addr_loopback;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static void bound_waits(int fd, int timeout_s)
{
	const struct timeval most = { .tv_sec = timeout_s };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)), 0);
}

int tcp_listen(int family, unsigned short *ret_port)
{
	struct sockaddr_storage address;
	socklen_t length = loopback(family, 0, &address);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	bound_waits(fd, TIMEOUT_S);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*ret_port = ntohs(((struct sockaddr_in *)&address)->sin_port);
	return fd;
}

int tcp_dial(int family, unsigned short port, int timeout_s)
{
	struct sockaddr_storage address;
	const socklen_t length = loopback(family, port, &address);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	bound_waits(fd, timeout_s);
	if (connect(fd, (struct sockaddr *)&address, length) == 0)
		return fd;
	close(fd);
	return -1;
}

void tcp_pair(int ends[2])
{
	unsigned short port;
	const int listener = tcp_listen(AF_INET, &port);

	ends[0] = tcp_dial(AF_INET, port, TIMEOUT_S);
	assert_true(ends[0] >= 0);
	ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(ends[1] >= 0);
	bound_waits(ends[1], TIMEOUT_S);
	close(listener);
}

/* Without a period that a block could be lost in unseen. */
unsigned char stream_byte(unsigned long long place)
{
	return (unsigned char)((place * 2654435761ULL) >> 21);
}

int stream_write(int fd, unsigned long long size)
{
	unsigned char bytes[PIECE];

	for (unsigned long long at = 0; at < size;) {
		size_t length = size - at < PIECE ? (size_t)(size - at) : PIECE;
		ssize_t sent;

		for (size_t i = 0; i < length; i++)
			bytes[i] = stream_byte(at + i);
		sent = send(fd, bytes, length, MSG_NOSIGNAL);
		if (sent <= 0)
			return -1;
		at += (unsigned long long)sent;
	}
	return 0;
}

int stream_read(int fd, unsigned long long size)
{
	unsigned char bytes[PIECE];

	for (unsigned long long at = 0; at < size;) {
		size_t length = size - at < PIECE ? (size_t)(size - at) : PIECE;
		const ssize_t got = recv(fd, bytes, length, 0);

		if (got <= 0)
			return -1;
		for (size_t i = 0; i < (size_t)got; i++) {
			if (bytes[i] != stream_byte(at + i))
				return -1;
		}
		at += (unsigned long long)got;
	}
	return 0;
}
