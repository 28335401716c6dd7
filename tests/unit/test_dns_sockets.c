/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/fd.h"
#include "forwarder.h"
#include "net/dns_message.h"

enum { STEPS = 100, STEP_MS = 10 };

static int listen_on(int type, struct sockaddr_in *ret_address)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 32), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*ret_address = address;
	return fd;
}

static int connect_to(const struct sockaddr_in *address, int type)
{
	const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)),
			 0);
	return fd;
}

/* What comes while the forwarder runs; -1: nothing; 0: the end. */
static ssize_t receive(struct bench *bench, int fd, uint8_t *to, size_t size)
{
	for (int i = 0; i < STEPS; i++) {
		const ssize_t got = recv(fd, to, size, MSG_DONTWAIT);

		if (got >= 0 || errno != EAGAIN)
			return got < 0 && errno == ECONNRESET ? 0 : got;
		let_pass(bench, STEP_MS);
	}
	return -1;
}

static void receive_all(struct bench *bench, int fd, uint8_t *to, size_t size)
{
	for (size_t got = 0; got < size;) {
		const ssize_t more = receive(bench, fd, to + got, size - got);

		assert_true(more > 0);
		got += (size_t)more;
	}
}

static size_t make_stream_question(const char *name, uint16_t id, uint8_t *to,
				   size_t room)
{
	const size_t size = make_question(name, DNS_TYPE_A, id, 0, to + 2, room - 2);

	dns_put_u16(to, (uint16_t)size);
	return size + 2;
}

static void datagrams_are_answered_to_who_sent_them(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct sockaddr_in address;
	struct error err;
	uint8_t question[600], answer[600];
	const size_t size =
		make_question("www.example.test", DNS_TYPE_A, 99, 1232, question, 600);
	int first, second;

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(dns_serve_udp(bench.dns, listen_on(SOCK_DGRAM, &address), &err),
			 0);
	first = connect_to(&address, SOCK_DGRAM);
	second = connect_to(&address, SOCK_DGRAM);
	assert_int_equal(send(first, question, size, 0), size);
	dns_put_u16(question, 100);
	assert_int_equal(send(second, question, size, 0), size);
	assert_true(receive(&bench, second, answer, sizeof(answer)) > DNS_HEADER_SIZE);
	assert_int_equal(dns_get_u16(answer), 100);
	assert_true(receive(&bench, first, answer, sizeof(answer)) > DNS_HEADER_SIZE);
	assert_int_equal(dns_get_u16(answer), 99);
	close(first);
	close(second);
	tear_down(&bench);
}

static void a_connection_brings_answers_in_order(void **state)
{
	static const char *const names[] = { "www.example.test", "host.sbx.internal",
					     "b.example.test", "www.example.test" };
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct sockaddr_in address;
	struct error err;
	uint8_t questions[1200], answer[600];
	size_t size = 0;
	int fd;

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(dns_serve_tcp(bench.dns, listen_on(SOCK_STREAM, &address), &err),
			 0);
	fd = connect_to(&address, SOCK_STREAM);
	for (uint16_t i = 0; i < 4; i++)
		size += make_stream_question(names[i], i, questions + size,
					     sizeof(questions) - size);
	/* In odd pieces, and the client says that this was all. */
	assert_int_equal(send(fd, questions, 1, 0), 1);
	let_pass(&bench, STEP_MS);
	assert_int_equal(send(fd, questions + 1, 60, 0), 60);
	let_pass(&bench, STEP_MS);
	assert_int_equal(send(fd, questions + 61, size - 61, 0), size - 61);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	for (uint16_t i = 0; i < 4; i++) {
		receive_all(&bench, fd, answer, 2);
		receive_all(&bench, fd, answer + 2, dns_get_u16(answer));
		assert_int_equal(dns_get_u16(answer + 2), i);
	}
	assert_int_equal(receive(&bench, fd, answer, 1), 0);
	close(fd);
	tear_down(&bench);
}

static size_t say_very_much(struct resolver *resolver, const struct dns_query *query,
			    bool by_tcp, uint8_t *to, size_t room)
{
	struct answer answer;

	(void)resolver;
	answer_begin(&answer, query, by_tcp ? 0 : DNS_TC, to, room);
	for (int i = 0; by_tcp && i < 250; i++) {
		dns_write_question(&answer.writer, &query->question);
		dns_write_u32(&answer.writer, 300);
		dns_write_u16(&answer.writer, 201);
		dns_write_bytes(&answer.writer, (const uint8_t[201]){ 200 }, 201);
		answer.header.answers++;
	}
	return answer_end(&answer);
}

static void a_large_answer_comes_whole(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_very_much } } };
	struct sockaddr_in address;
	struct error err;
	uint8_t question[600], *answer = malloc(2 + DNS_MESSAGE_MAX);
	size_t size;
	int fd;

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(dns_serve_tcp(bench.dns, listen_on(SOCK_STREAM, &address), &err),
			 0);
	fd = connect_to(&address, SOCK_STREAM);
	size = make_question("www.example.test", DNS_TYPE_TXT, 5, 0, question + 2, 598);
	dns_put_u16(question, (uint16_t)size);
	assert_int_equal(send(fd, question, size + 2, 0), size + 2);
	receive_all(&bench, fd, answer, 2);
	assert_true(dns_get_u16(answer) > 50000);
	receive_all(&bench, fd, answer + 2, dns_get_u16(answer));
	assert_int_equal(dns_get_u16(answer + 8), 250);
	free(answer);
	close(fd);
	tear_down(&bench);
}

static void who_sends_no_question_is_cut_off(void **state)
{
	static const uint8_t bad[][4] = { { 0xff, 0xff }, { 0, 0 }, { 0, 11 } };
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct sockaddr_in address;
	struct error err;
	uint8_t answer[4];

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(dns_serve_tcp(bench.dns, listen_on(SOCK_STREAM, &address), &err),
			 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const int fd = connect_to(&address, SOCK_STREAM);

		assert_int_equal(send(fd, bad[i], 4, 0), 4);
		assert_int_equal(receive(&bench, fd, answer, 1), 0);
		close(fd);
	}
	tear_down(&bench);
}

static void the_idlest_connection_makes_room_for_another(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct sockaddr_in address;
	struct error err;
	uint8_t question[600], answer[600];
	const size_t size = make_stream_question("www.example.test", 1, question, 600);
	int fds[DNS_CLIENTS_MAX + 1];

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(dns_serve_tcp(bench.dns, listen_on(SOCK_STREAM, &address), &err),
			 0);
	for (int i = 0; i <= DNS_CLIENTS_MAX; i++) {
		fds[i] = connect_to(&address, SOCK_STREAM);
		let_pass(&bench, STEP_MS);
	}
	assert_int_equal(receive(&bench, fds[0], answer, 1), 0);
	for (int i = 1; i <= DNS_CLIENTS_MAX; i++) {
		assert_int_equal(send(fds[i], question, size, 0), size);
		receive_all(&bench, fds[i], answer, 2);
	}
	for (int i = 0; i <= DNS_CLIENTS_MAX; i++)
		close(fds[i]);
	tear_down(&bench);
}

static void a_client_that_leaves_early_is_forgotten(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_nothing } } };
	struct sockaddr_in address;
	struct error err;
	uint8_t question[600];
	const size_t size = make_stream_question("www.example.test", 1, question, 600);
	const struct linger reset = { .l_onoff = 1 };
	int fd;

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(dns_serve_tcp(bench.dns, listen_on(SOCK_STREAM, &address), &err),
			 0);
	fd = connect_to(&address, SOCK_STREAM);
	assert_int_equal(send(fd, question, size, 0), size);
	let_pass(&bench, STEP_MS);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(fd);
	let_pass(&bench, 10 * TRY_MS);
	tear_down(&bench);
}

static void only_so_many_sockets_are_taken(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct sockaddr_in address;
	struct error err;
	int fd;

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	for (int i = 0; i < DNS_SOCKETS_MAX; i++)
		assert_int_equal(
			dns_serve_udp(bench.dns, listen_on(SOCK_DGRAM, &address), &err),
			0);
	fd = listen_on(SOCK_DGRAM, &address);
	assert_int_equal(dns_serve_udp(bench.dns, fd, &err), -1);
	assert_int_equal(close(fd), -1);
	tear_down(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_are_answered_to_who_sent_them),
		cmocka_unit_test(a_connection_brings_answers_in_order),
		cmocka_unit_test(a_large_answer_comes_whole),
		cmocka_unit_test(who_sends_no_question_is_cut_off),
		cmocka_unit_test(the_idlest_connection_makes_room_for_another),
		cmocka_unit_test(a_client_that_leaves_early_is_forgotten),
		cmocka_unit_test(only_so_many_sockets_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
