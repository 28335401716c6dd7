/* SPDX-License-Identifier: Apache-2.0 */
#include "resolvers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static size_t answer_to(struct resolver *resolver, const uint8_t *question, size_t size,
			bool by_tcp, uint8_t *to, size_t room)
{
	struct dns_query query;

	resolver->asked++;
	resolver->asked_by_tcp += by_tcp;
	assert_int_equal(dns_read_query(question, size, &query), DNS_NOERROR);
	resolver->had_opt = query.extended;
	resolver->id = query.header.id;
	return resolver->answer(resolver, &query, by_tcp, to, room);
}

static void udp_told(struct watch *watch, uint32_t events)
{
	struct resolver *resolver = (struct resolver *)watch;
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	uint8_t question[4096], answer[65535];
	struct ip ip;
	ssize_t size;
	size_t answer_size;

	(void)events;
	size = recvfrom(watch->fd, question, sizeof(question), MSG_DONTWAIT,
			(struct sockaddr *)&from, &length);
	assert_true(size > 0);
	assert_int_equal(ip_from_sockaddr(&from, &ip, &resolver->from), 0);
	answer_size = answer_to(resolver, question, (size_t)size, false, answer,
				sizeof(answer));
	if (answer_size > 0)
		sendto(watch->fd, answer, answer_size, 0, (struct sockaddr *)&from,
		       length);
}

static void stream_told(struct watch *watch, uint32_t events)
{
	struct resolver *resolver =
		(struct resolver *)((char *)watch - offsetof(struct resolver, stream));
	uint8_t question[4096], answer[2 + 65535];
	size_t size;
	ssize_t got;

	(void)events;
	got = recv(watch->fd, question, sizeof(question), MSG_DONTWAIT);
	if (got <= 2) {
		loop_close(resolver->loop, watch);
		return;
	}
	assert_int_equal(dns_get_u16(question), got - 2);
	size = answer_to(resolver, question + 2, (size_t)got - 2, true, answer + 2,
			 65535);
	if (size == 0) {
		loop_close(resolver->loop, watch);
		return;
	}
	dns_put_u16(answer, (uint16_t)size);
	/* In two parts, as networks do. */
	assert_int_equal(send(watch->fd, answer, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(fd_write_all(watch->fd, answer + 1, size + 1), 0);
}

static void listener_told(struct watch *watch, uint32_t events)
{
	struct resolver *resolver =
		(struct resolver *)((char *)watch - offsetof(struct resolver, listener));

	(void)events;
	loop_close(resolver->loop, &resolver->stream);
	resolver->stream.fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(resolver->stream.fd >= 0);
	assert_int_equal(loop_watch(resolver->loop, &resolver->stream, EPOLLIN), 0);
}

static int bind_to(const struct ip *ip, uint16_t port, int type)
{
	struct sockaddr_storage address;
	const socklen_t length = ip_to_sockaddr(ip, port, &address);
	const int fd = socket(address.ss_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, (struct sockaddr *)&address, length) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	struct ip ip;
	uint16_t port = 0;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(ip_from_sockaddr(&address, &ip, &port), 0);
	return port;
}

static void watch_all(struct resolver *resolver)
{
	resolver->udp.told = udp_told;
	resolver->listener.told = listener_told;
	resolver->stream.told = stream_told;
	if (resolver->answer == NULL)
		return;
	assert_int_equal(listen(resolver->listener.fd, 16), 0);
	assert_int_equal(loop_watch(resolver->loop, &resolver->udp, EPOLLIN), 0);
	assert_int_equal(loop_watch(resolver->loop, &resolver->listener, EPOLLIN), 0);
}

/* Somebody else may have the port on another address, or for TCP: then another one is tried. */
static uint16_t try_open(struct resolver *resolvers, size_t count)
{
	uint16_t port = 0;

	for (size_t i = 0; i < count; i++) {
		struct resolver *resolver = &resolvers[i];

		resolver->udp.fd = bind_to(&resolver->ip, port, SOCK_DGRAM);
		if (resolver->udp.fd < 0)
			return 0;
		port = port_of(resolver->udp.fd);
		resolver->listener.fd = bind_to(&resolver->ip, port, SOCK_STREAM);
		if (resolver->listener.fd < 0)
			return 0;
	}
	return port;
}

uint16_t resolvers_open(struct resolver *resolvers, size_t count, struct loop *loop)
{
	uint16_t port = 0;

	for (int tries = 0; tries < 20 && port == 0; tries++) {
		for (size_t i = 0; i < count; i++) {
			char text[IP_TEXT_MAX];

			if (tries > 0) {
				fd_close(&resolvers[i].udp.fd);
				fd_close(&resolvers[i].listener.fd);
			}
			snprintf(text, sizeof(text), "127.0.0.%zu", 21 + i);
			assert_int_equal(ip_parse(text, &resolvers[i].ip), 0);
			resolvers[i].loop = loop;
			resolvers[i].udp.fd = resolvers[i].listener.fd = -1;
			resolvers[i].stream.fd = -1;
		}
		port = try_open(resolvers, count);
	}
	assert_true(port > 0);
	for (size_t i = 0; i < count; i++)
		watch_all(&resolvers[i]);
	return port;
}

void resolver_close(struct resolver *resolver)
{
	loop_close(resolver->loop, &resolver->udp);
	loop_close(resolver->loop, &resolver->listener);
	loop_close(resolver->loop, &resolver->stream);
}

/* ---- what an answer is made of ---------------------------------------------------------- */

void answer_begin(struct answer *answer, const struct dns_query *query, uint16_t flags,
		  uint8_t *to, size_t room)
{
	*answer = (struct answer){
		.writer = { .data = to, .room = room },
		.header = { .id = query->header.id,
			    .flags = DNS_QR | DNS_RD | DNS_RA | flags,
			    .questions = 1 },
	};
	dns_write_header(&answer->writer, &answer->header);
	dns_write_question(&answer->writer, &query->question);
}

static void add_head(struct answer *answer, const char *owner, uint16_t type,
		     uint32_t ttl_s, uint16_t size)
{
	struct dns_name name;

	assert_int_equal(dns_name_from_text(owner, &name), 0);
	dns_write_name(&answer->writer, &name, true);
	dns_write_u16(&answer->writer, type);
	dns_write_u16(&answer->writer, DNS_CLASS_IN);
	dns_write_u32(&answer->writer, ttl_s);
	dns_write_u16(&answer->writer, size);
}

void answer_add_address(struct answer *answer, const char *owner, uint32_t ttl_s,
			const char *address)
{
	const bool v4 = strchr(address, ':') == NULL;
	struct ip ip;

	assert_int_equal(ip_parse(address, &ip), 0);
	add_head(answer, owner, v4 ? DNS_TYPE_A : DNS_TYPE_AAAA, ttl_s, v4 ? 4 : 16);
	dns_write_bytes(&answer->writer, ip.bytes + (v4 ? 12 : 0), v4 ? 4 : 16);
	answer->header.answers++;
}

void answer_add_alias(struct answer *answer, const char *owner, uint32_t ttl_s,
		      const char *target)
{
	struct dns_name name;

	assert_int_equal(dns_name_from_text(target, &name), 0);
	add_head(answer, owner, DNS_TYPE_CNAME, ttl_s, name.size);
	dns_write_name(&answer->writer, &name, false);
	answer->header.answers++;
}

void answer_add_soa(struct answer *answer, const char *owner, uint32_t ttl_s,
		    uint32_t minimum_s)
{
	add_head(answer, owner, DNS_TYPE_SOA, ttl_s, 22);
	dns_write_bytes(&answer->writer, (const uint8_t[18]){ 0 }, 18);
	dns_write_u32(&answer->writer, minimum_s);
	answer->header.authorities++;
}

size_t answer_end(struct answer *answer)
{
	struct dns_writer header = { .data = answer->writer.data,
				     .room = DNS_HEADER_SIZE };

	assert_false(answer->writer.full);
	dns_write_header(&header, &answer->header);
	return answer->writer.at;
}
