/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forwarder.h"
#include "net/dns_message.h"
#include "net/journal.h"
#include "net/net.h"

/* ---- lookups ---------------------------------------------------------------------------- */

static void a_name_is_looked_up_once_and_known_from_then_on(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	static struct heard first, second;

	(void)state;
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	set_up(&bench, 1, NULL, NULL);
	ask(&bench, &first, "WWW.example.test", DNS_TYPE_A, DNS_UDP_MAX);
	await(&bench, 1);
	assert_int_equal(rcode_of(&first), DNS_NOERROR);
	assert_string_equal(addresses_of(&first), "192.0.2.7");
	assert_memory_equal(first.message + DNS_HEADER_SIZE, "\3WWW", 4);
	assert_true(knows(&bench, "www.example.test", "192.0.2.7"));
	assert_false(knows(&bench, "example.test", "192.0.2.7"));
	assert_true(bench.resolvers[0].had_opt);

	ask(&bench, &second, "www.EXAMPLE.test", DNS_TYPE_A, DNS_UDP_MAX);
	assert_int_equal(second.count, 1);
	assert_string_equal(addresses_of(&second), "192.0.2.7");
	assert_memory_equal(second.message + DNS_HEADER_SIZE, "\3www\7EXAMPLE", 12);
	assert_int_equal(bench.resolvers[0].asked, 1);
	assert_int_equal(journal_counters(bench.gate.journal)->names_asked, 2);
	tear_down(&bench);
}

static void a_name_that_is_not_there_is_asked_for_once(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_no_such_name } } };
	struct heard *first = calloc(1, sizeof(*first)),
		     *second = calloc(1, sizeof(*second));

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	ask(&bench, first, "no.example.test", DNS_TYPE_A, DNS_UDP_MAX);
	await(&bench, 1);
	ask(&bench, second, "no.example.test", DNS_TYPE_A, DNS_UDP_MAX);
	assert_int_equal(rcode_of(first), DNS_NXDOMAIN);
	assert_int_equal(rcode_of(second), DNS_NXDOMAIN);
	assert_int_equal(bench.resolvers[0].asked, 1);
	free(first);
	free(second);
	tear_down(&bench);
}

/* ---- rules ------------------------------------------------------------------------------ */

static void a_name_that_no_rule_allows_is_refused_unasked(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };

	(void)state;
	set_up(&bench, 1, "www.example.test:443", NULL);
	assert_int_equal(look_up(&bench, "secret.evil.test", DNS_TYPE_A, NULL),
			 DNS_REFUSED);
	assert_int_equal(look_up(&bench, "1.2.0.192.in-addr.arpa", DNS_TYPE_PTR, NULL),
			 DNS_REFUSED);
	assert_int_equal(bench.resolvers[0].asked, 0);
	assert_int_equal(journal_counters(bench.gate.journal)->names_refused, 1);
	assert_int_equal(look_up_www(&bench, NULL), DNS_NOERROR);
	assert_int_equal(bench.resolvers[0].asked, 1);
	tear_down(&bench);
}

static size_t say_private(struct resolver *resolver, const struct dns_query *query,
			  bool by_tcp, uint8_t *to, size_t room)
{
	struct answer answer;

	(void)resolver, (void)by_tcp;
	answer_begin(&answer, query, 0, to, room);
	answer_add_address(&answer, "www.example.test", 300, "10.1.2.3");
	if (query->question.name.bytes[0] == 4)
		answer_add_address(&answer, "some.example.test", 300, "1.1.1.7");
	if (query->question.name.bytes[0] == 4)
		answer_add_address(&answer, "some.example.test", 300, "127.0.0.1");
	return answer_end(&answer);
}

static void a_name_that_leads_to_a_private_address_is_refused(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_private } } };

	(void)state;
	set_up(&bench, 1, "*.example.test:443", NULL);
	assert_int_equal(look_up_www(&bench, NULL), DNS_REFUSED);
	assert_false(knows(&bench, "www.example.test", "10.1.2.3"));
	assert_int_equal(journal_counters(bench.gate.journal)->names_refused, 1);
	tear_down(&bench);
}

static void private_addresses_are_left_out(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_private } } };
	char text[256];

	(void)state;
	set_up(&bench, 1, "*.example.test:443", NULL);
	assert_int_equal(look_up(&bench, "some.example.test", DNS_TYPE_A, text),
			 DNS_NOERROR);
	assert_string_equal(text, "1.1.1.7");
	assert_false(knows(&bench, "some.example.test", "127.0.0.1"));
	tear_down(&bench);
}

static size_t say_chain(struct resolver *resolver, const struct dns_query *query,
			bool by_tcp, uint8_t *to, size_t room)
{
	struct answer answer;

	(void)resolver, (void)by_tcp;
	answer_begin(&answer, query, 0, to, room);
	answer_add_address(&answer, "edge.cdn.test", 300, "1.1.1.7");
	answer_add_alias(&answer, "b.cdn.test", 300, "edge.cdn.test");
	answer_add_alias(&answer, "www.example.test", 300, "b.cdn.test");
	answer_add_address(&answer, "other.test", 300, "1.1.1.66");
	return answer_end(&answer);
}

static void a_chain_of_aliases_counts_for_the_name_that_was_asked(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_chain } } };
	char text[256];

	(void)state;
	set_up(&bench, 1, "www.example.test:443", NULL);
	assert_int_equal(look_up_www(&bench, text), DNS_NOERROR);
	assert_string_equal(text, "1.1.1.7");
	assert_true(knows(&bench, "www.example.test", "1.1.1.7"));
	assert_false(knows(&bench, "edge.cdn.test", "1.1.1.7"));
	assert_false(knows(&bench, "www.example.test", "1.1.1.66"));
	assert_int_equal(look_up(&bench, "edge.cdn.test", DNS_TYPE_A, NULL), DNS_REFUSED);
	tear_down(&bench);
}

static void with_names_in_force_some_types_are_empty_or_refused(void **state)
{
	static const struct {
		uint16_t type;
		unsigned rcode;
		int asked;
	} expected[] = {
		{ DNS_TYPE_HTTPS, DNS_NOERROR, 0 }, { DNS_TYPE_SVCB, DNS_NOERROR, 0 },
		{ DNS_TYPE_ANY, DNS_NOTIMP, 0 },    { 252, DNS_NOTIMP, 0 },
		{ DNS_TYPE_DS, DNS_REFUSED, 0 },    { 10, DNS_REFUSED, 0 },
		{ DNS_TYPE_MX, DNS_NOERROR, 1 },    { DNS_TYPE_TXT, DNS_NOERROR, 1 },
	};
	struct bench bench = { .resolvers = { { .answer = say_address } } };

	(void)state;
	set_up(&bench, 1, "www.example.test:443", NULL);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		bench.resolvers[0].asked = 0;
		assert_int_equal(
			look_up(&bench, "www.example.test", expected[i].type, NULL),
			expected[i].rcode);
		assert_int_equal(bench.resolvers[0].asked, expected[i].asked);
	}
	tear_down(&bench);
}

static void without_names_in_force_all_lookups_pass(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	assert_int_equal(look_up(&bench, "www.example.test", DNS_TYPE_HTTPS, NULL),
			 DNS_NOERROR);
	assert_int_equal(look_up(&bench, "www.example.test", 10, NULL), DNS_NOERROR);
	assert_int_equal(bench.resolvers[0].asked, 2);
	assert_int_equal(look_up(&bench, "www.example.test", DNS_TYPE_ANY, NULL),
			 DNS_NOTIMP);
	tear_down(&bench);
}

static void without_ip6_there_are_no_such_addresses(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	const struct dns_spec more = { .no_ip6 = true };
	char text[256];

	(void)state;
	set_up(&bench, 1, NULL, &more);
	assert_int_equal(look_up(&bench, "www.example.test", DNS_TYPE_AAAA, text),
			 DNS_NOERROR);
	assert_string_equal(text, "");
	assert_int_equal(bench.resolvers[0].asked, 0);
	tear_down(&bench);
}

static void names_of_our_own_are_answered_here(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct host_name hosts[] = { { .name = "Db.Test" },
				     { .name = "db.test" },
				     { .name = "up.test", .gateway = true } };
	struct dns_spec more = { .hosts = hosts, .host_count = 3 };
	char text[256];

	(void)state;
	assert_int_equal(ip_parse("10.9.8.7", &hosts[0].address), 0);
	assert_int_equal(ip_parse("fd00::7", &hosts[1].address), 0);
	assert_int_equal(ip_parse("10.0.2.2", &more.gateway), 0);
	assert_int_equal(ip_parse("fd00::2", &more.gateway6), 0);
	set_up(&bench, 1, "www.example.test", &more);
	look_up(&bench, "db.test", DNS_TYPE_A, text);
	assert_string_equal(text, "10.9.8.7");
	look_up(&bench, "DB.TEST", DNS_TYPE_AAAA, text);
	assert_string_equal(text, "fd00::7");
	look_up(&bench, "up.test", DNS_TYPE_A, text);
	assert_string_equal(text, "10.0.2.2");
	look_up(&bench, "host.sbx.internal", DNS_TYPE_AAAA, text);
	assert_string_equal(text, "fd00::2");
	look_up(&bench, "a.localhost", DNS_TYPE_A, text);
	assert_string_equal(text, "127.0.0.1");
	look_up(&bench, "localhost", DNS_TYPE_AAAA, text);
	assert_string_equal(text, "::1");
	assert_int_equal(look_up(&bench, "db.test", DNS_TYPE_MX, text), DNS_NOERROR);
	assert_int_equal(bench.resolvers[0].asked, 0);
	assert_true(knows(&bench, "db.test", "10.9.8.7"));
	tear_down(&bench);
}

/* ---- bounds ----------------------------------------------------------------------------- */

enum { REPLIES_MAX = 400 };

static void questions_beyond_the_table_fail_at_once(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_nothing } } };
	struct heard *heard = calloc(REPLIES_MAX, sizeof(*heard));
	int failed = 0;

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	for (int i = 0; i < REPLIES_MAX; i++) {
		char name[64];

		snprintf(name, sizeof(name), "n%d.example.test", i);
		ask(&bench, &heard[i], name, DNS_TYPE_A, DNS_UDP_MAX);
		failed += heard[i].count;
	}
	assert_int_equal(failed, REPLIES_MAX - 256);
	dns_forget(bench.dns, &heard[0]);
	await(&bench, REPLIES_MAX - 1);
	assert_int_equal(heard[0].count, 0);
	for (int i = 1; i < REPLIES_MAX; i++)
		assert_int_equal(rcode_of(&heard[i]), DNS_SERVFAIL);
	free(heard);
	tear_down(&bench);
}

static void what_is_no_question_gets_no_answer(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_address } } };
	struct heard *heard = calloc(1, sizeof(*heard));
	uint8_t question[600];
	size_t size =
		make_question("www.example.test", DNS_TYPE_A, 4711, 0, question, 600);

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	heard->bench = &bench;
	dns_ask(bench.dns, question, 11, DNS_UDP_MAX, note_reply, heard);
	question[2] |= DNS_QR >> 8;
	dns_ask(bench.dns, question, size, DNS_UDP_MAX, note_reply, heard);
	assert_int_equal(heard->count, 0);
	question[2] &= 0x7f;
	dns_ask(bench.dns, question, size - 1, DNS_UDP_MAX, note_reply, heard);
	assert_int_equal(rcode_of(heard), DNS_FORMERR);
	free(heard);
	tear_down(&bench);
}

static void one_that_is_freed_while_questions_wait_leaves_nothing(void **state)
{
	struct bench bench = { .resolvers = { { .answer = say_nothing } } };
	struct heard *heard = calloc(1, sizeof(*heard));

	(void)state;
	set_up(&bench, 1, NULL, NULL);
	ask(&bench, heard, "www.example.test", DNS_TYPE_A, DNS_UDP_MAX);
	let_pass(&bench, 2 * TRY_MS);
	tear_down(&bench);
	assert_int_equal(heard->count, 0);
	free(heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_looked_up_once_and_known_from_then_on),
		cmocka_unit_test(a_name_that_is_not_there_is_asked_for_once),
		cmocka_unit_test(a_name_that_no_rule_allows_is_refused_unasked),
		cmocka_unit_test(a_name_that_leads_to_a_private_address_is_refused),
		cmocka_unit_test(private_addresses_are_left_out),
		cmocka_unit_test(a_chain_of_aliases_counts_for_the_name_that_was_asked),
		cmocka_unit_test(with_names_in_force_some_types_are_empty_or_refused),
		cmocka_unit_test(without_names_in_force_all_lookups_pass),
		cmocka_unit_test(without_ip6_there_are_no_such_addresses),
		cmocka_unit_test(names_of_our_own_are_answered_here),
		cmocka_unit_test(questions_beyond_the_table_fail_at_once),
		cmocka_unit_test(what_is_no_question_gets_no_answer),
		cmocka_unit_test(one_that_is_freed_while_questions_wait_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
