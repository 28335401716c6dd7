/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "forwarder.h"
#include "net/dns_message.h"

/* ---- servers ---------------------------------------------------------------------------- */

static void a_silent_server_makes_for_the_next_and_is_asked_last_then(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_nothing },
					      { .answer = say_address } } };
	char text[256];

	(void)state;
	set_up(&bench, 2, NULL, NULL);
	assert_int_equal(look_up_www(&bench, text), DNS_NOERROR);
	assert_string_equal(text, "192.0.2.7");
	assert_int_equal(bench.resolvers[0].asked, 1);
	assert_int_equal(look_up(&bench, "b.example.test", DNS_TYPE_A, NULL),
			 DNS_NOERROR);
	assert_int_equal(bench.resolvers[0].asked, 1);
	assert_int_equal(bench.resolvers[1].asked, 2);
	tear_down(&bench);
}

static void a_server_that_is_not_there_costs_no_wait(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_nothing },
					      { .answer = say_address } } };
	uint64_t began_ms;

	(void)state;
	set_up(&bench, 2, NULL, NULL);
	resolver_close(&bench.resolvers[0]);
	began_ms = loop_now_ms(bench.loop);
	assert_int_equal(look_up_www(&bench, NULL), DNS_NOERROR);
	assert_true(loop_now_ms(bench.loop) - began_ms < TRY_MS);
	tear_down(&bench);
}

static size_t say_failure(struct resolver *resolver, const struct dns_query *query,
			  bool by_tcp, uint8_t *to, size_t room)
{
	struct answer answer;

	(void)resolver, (void)by_tcp;
	answer_begin(&answer, query, DNS_SERVFAIL, to, room);
	return answer_end(&answer);
}

static void a_server_that_fails_makes_for_the_next(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_failure },
					      { .answer = say_address } } };
	char text[256];

	(void)state;
	set_up(&bench, 2, NULL, NULL);
	assert_int_equal(look_up_www(&bench, text), DNS_NOERROR);
	assert_string_equal(text, "192.0.2.7");
	tear_down(&bench);
}

static void a_failure_of_all_is_passed_on(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_failure },
					      { .answer = say_failure } } };

	(void)state;
	set_up(&bench, 2, NULL, NULL);
	assert_int_equal(look_up_www(&bench, NULL), DNS_SERVFAIL);
	assert_int_equal(bench.resolvers[0].asked, 1);
	assert_int_equal(bench.resolvers[1].asked, 1);
	assert_int_equal(bench.lines, 0);
	tear_down(&bench);
}

static void nobody_who_answers_is_told_once(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_nothing } } };

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(look_up_www(&bench, NULL), DNS_SERVFAIL);
	assert_int_equal(look_up_www(&bench, NULL), DNS_SERVFAIL);
	assert_int_equal(bench.lines, 1);
	assert_string_equal(bench.line, "no name can be looked up: no name server that "
					"--dns names answers (127.0.0.21); --dns ADDR "
					"names another");
	tear_down(&bench);
}

/* The first answers when the second was asked already, and stays silent. */
static size_t say_late(struct resolver *resolver, const struct dns_query *query,
		       bool by_tcp, uint8_t *to, size_t room)
{
	const struct ip loopback = ip_from_v4(htonl(INADDR_LOOPBACK));
	struct sockaddr_storage address;
	const socklen_t length =
		ip_to_sockaddr(&loopback, (resolver - 1)->from, &address);
	uint8_t message[512];
	const size_t size =
		say_address(resolver, query, by_tcp, message, sizeof(message));

	(void)to, (void)room;
	dns_put_u16(message, (resolver - 1)->id);
	sendto((resolver - 1)->udp.fd, message, size, 0, (struct sockaddr *)&address,
	       length);
	return 0;
}

static void a_late_answer_is_still_one(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_nothing },
					      { .answer = say_late } } };
	char text[256];

	(void)state;
	set_up(&bench, 2, NULL, NULL);
	assert_int_equal(look_up_www(&bench, text), DNS_NOERROR);
	assert_string_equal(text, "192.0.2.7");
	assert_int_equal(bench.resolvers[1].asked, 1);
	tear_down(&bench);
}

static size_t say_plainly(struct resolver *resolver, const struct dns_query *query,
			  bool by_tcp, uint8_t *to, size_t room)
{
	struct answer answer;

	if (!query->extended)
		return say_address(resolver, query, by_tcp, to, room);
	answer_begin(&answer, query, DNS_FORMERR, to, room);
	answer.header.questions = 0;
	answer_end(&answer);
	return DNS_HEADER_SIZE;
}

static void a_server_that_knows_no_edns_is_asked_without(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_plainly } } };
	char text[256];

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(look_up_www(&bench, text), DNS_NOERROR);
	assert_string_equal(text, "192.0.2.7");
	assert_int_equal(bench.resolvers[0].asked, 2);
	look_up(&bench, "b.example.test", DNS_TYPE_A, NULL);
	assert_int_equal(bench.resolvers[0].asked, 3);
	assert_false(bench.resolvers[0].had_opt);
	tear_down(&bench);
}

static size_t say_truncated(struct resolver *resolver, const struct dns_query *query,
			    bool by_tcp, uint8_t *to, size_t room)
{
	struct answer answer;

	(void)resolver;
	answer_begin(&answer, query, by_tcp ? 0 : DNS_TC, to, room);
	for (int i = 0; by_tcp && i < 120; i++) {
		char address[IP_TEXT_MAX];

		snprintf(address, sizeof(address), "192.0.2.%d", i);
		answer_add_address(&answer, "www.example.test", 300, address);
	}
	return answer_end(&answer);
}

static void a_truncated_answer_is_fetched_by_tcp(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_truncated } } };
	struct heard *small = calloc(1, sizeof(*small)),
		     *large = calloc(1, sizeof(*large));

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	ask(&bench, small, "www.example.test", DNS_TYPE_A, 700);
	await(&bench, 1);
	ask(&bench, large, "www.example.test", DNS_TYPE_A, DNS_MESSAGE_MAX);
	await(&bench, 2);
	assert_int_equal(bench.resolvers[0].asked_by_tcp, 2);
	assert_int_equal(rcode_of(small), DNS_NOERROR);
	assert_true(small->size <= 700);
	assert_true((dns_get_u16(small->message + 2) & DNS_TC) != 0);
	assert_int_equal(dns_get_u16(small->message + 6), 0);
	assert_int_equal(rcode_of(large), DNS_NOERROR);
	assert_true((dns_get_u16(large->message + 2) & DNS_TC) == 0);
	assert_int_equal(dns_get_u16(large->message + 6), 120);
	free(small);
	free(large);
	tear_down(&bench);
}

static void options_use_vc_of_the_host_are_ours(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	const struct dns_spec more = {
		.resolv_conf = "nameserver 127.0.0.21\noptions use-vc\n"
	};

	(void)state;
	set_up(&bench, 1, NULL, &more);
	assert_int_equal(look_up_www(&bench, NULL), DNS_NOERROR);
	assert_int_equal(bench.resolvers[0].asked, 1);
	assert_int_equal(bench.resolvers[0].asked_by_tcp, 1);
	tear_down(&bench);
}

static void another_resolv_conf_takes_hold_at_once(void **state)
{
	static const char other[] = "nameserver 127.0.0.22\n";
	struct bench bench = { .resolvers = { { .answer = say_nothing },
					      { .answer = say_address } } };
	const struct dns_spec more = { .resolv_conf = "nameserver 127.0.0.21\n" };
	struct heard *heard = calloc(1, sizeof(*heard));

	(void)state;
	set_up(&bench, 2, NULL, &more);
	ask(&bench, heard, "www.example.test", DNS_TYPE_A, DNS_UDP_MAX);
	dns_set_resolv_conf(bench.dns, other, sizeof(other) - 1);
	await(&bench, 1);
	assert_int_equal(rcode_of(heard), DNS_NOERROR);
	assert_int_equal(bench.resolvers[0].asked, 1);
	assert_int_equal(bench.resolvers[1].asked, 1);
	free(heard);
	tear_down(&bench);
}

/* ---- forgeries -------------------------------------------------------------------------- */

/* Wrong ids, another question, no answer at all; then the right one. */
static size_t say_much(struct resolver *resolver, const struct dns_query *query,
		       bool by_tcp, uint8_t *to, size_t room)
{
	struct dns_query other = *query;
	struct sockaddr_storage address;
	const struct ip loopback = ip_from_v4(htonl(INADDR_LOOPBACK));
	const socklen_t length = ip_to_sockaddr(&loopback, resolver->from, &address);
	struct answer answer;
	size_t size;

	for (int i = 0; i < 4; i++) {
		other = *query;
		other.header.id = (uint16_t)(query->header.id + (i == 0));
		other.question.type = i == 1 ? DNS_TYPE_AAAA : DNS_TYPE_A;
		other.question.name.bytes[1] = i == 2 ? 'v' : 'w';
		answer_begin(&answer, &other, 0, to, room);
		answer_add_address(&answer, "www.example.test", 300, "198.51.100.66");
		if (i == 3)
			answer.header.flags &= (uint16_t)~DNS_QR;
		size = answer_end(&answer);
		sendto(resolver->udp.fd, to, size, 0, (struct sockaddr *)&address,
		       length);
	}
	return say_address(resolver, query, by_tcp, to, room);
}

static void answers_to_other_questions_are_passed_over(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_much } } };
	char text[256];

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(look_up_www(&bench, text), DNS_NOERROR);
	assert_string_equal(text, "192.0.2.7");
	assert_false(knows(&bench, "www.example.test", "198.51.100.66"));
	tear_down(&bench);
}

static size_t flood(struct resolver *resolver, const struct dns_query *query, bool by_tcp,
		    uint8_t *to, size_t room)
{
	const struct ip loopback = ip_from_v4(htonl(INADDR_LOOPBACK));
	struct sockaddr_storage address;
	const socklen_t length = ip_to_sockaddr(&loopback, resolver->from, &address);

	if (by_tcp)
		return say_address(resolver, query, by_tcp, to, room);
	for (int i = 1; i < 40; i++) {
		struct dns_query other = *query;
		size_t size;

		other.header.id = (uint16_t)(query->header.id + i);
		size = say_address(resolver, &other, by_tcp, to, room);
		sendto(resolver->udp.fd, to, size, 0, (struct sockaddr *)&address,
		       length);
	}
	return 0;
}

static void many_wrong_answers_make_for_tcp(void **state)
{
	struct bench bench = { .resolvers = { { .answer = flood } } };
	char text[256];

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(look_up_www(&bench, text), DNS_NOERROR);
	assert_string_equal(text, "192.0.2.7");
	assert_int_equal(bench.resolvers[0].asked_by_tcp, 1);
	tear_down(&bench);
}

static size_t say_from_elsewhere(struct resolver *resolver, const struct dns_query *query,
				 bool by_tcp, uint8_t *to, size_t room)
{
	const struct ip loopback = ip_from_v4(htonl(INADDR_LOOPBACK));
	struct sockaddr_storage address;
	const socklen_t length = ip_to_sockaddr(&loopback, resolver->from, &address);
	const size_t size = say_address(resolver, query, by_tcp, to, room);

	sendto((resolver + 1)->udp.fd, to, size, 0, (struct sockaddr *)&address, length);
	return 0;
}

static void an_answer_of_somebody_else_is_none(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_from_elsewhere },
					      { .answer = say_no_such_name } } };

	(void)state;
	set_up(&bench, 2, NULL, NULL);
	assert_int_equal(look_up_www(&bench, NULL), DNS_NXDOMAIN);
	tear_down(&bench);
}

static void the_same_question_of_many_is_asked_once(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct heard *heard = calloc(5, sizeof(*heard));

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	for (int i = 0; i < 5; i++)
		ask(&bench, &heard[i], "www.example.test", DNS_TYPE_A, DNS_UDP_MAX);
	await(&bench, 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(addresses_of(&heard[i]), "192.0.2.7");
	assert_int_equal(bench.resolvers[0].asked, 1);
	free(heard);
	tear_down(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_silent_server_makes_for_the_next_and_is_asked_last_then),
		cmocka_unit_test(a_server_that_is_not_there_costs_no_wait),
		cmocka_unit_test(a_server_that_fails_makes_for_the_next),
		cmocka_unit_test(a_failure_of_all_is_passed_on),
		cmocka_unit_test(nobody_who_answers_is_told_once),
		cmocka_unit_test(a_late_answer_is_still_one),
		cmocka_unit_test(a_server_that_knows_no_edns_is_asked_without),
		cmocka_unit_test(a_truncated_answer_is_fetched_by_tcp),
		cmocka_unit_test(options_use_vc_of_the_host_are_ours),
		cmocka_unit_test(another_resolv_conf_takes_hold_at_once),
		cmocka_unit_test(answers_to_other_questions_are_passed_over),
		cmocka_unit_test(many_wrong_answers_make_for_tcp),
		cmocka_unit_test(an_answer_of_somebody_else_is_none),
		cmocka_unit_test(the_same_question_of_many_is_asked_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
