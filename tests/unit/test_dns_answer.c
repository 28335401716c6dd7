/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resolvers.h"

static struct dns_query query_for(const char *name, uint16_t type)
{
	struct dns_query query = { .header = { .id = 7, .flags = DNS_RD },
				   .question = { .type = type, .class = DNS_CLASS_IN },
				   .udp_size = DNS_UDP_LEAST };

	assert_int_equal(dns_name_from_text(name, &query.question.name), 0);
	return query;
}

static bool admits_all(void *context, const struct ip *address)
{
	(void)context, (void)address;
	return true;
}

static bool admits_none(void *context, const struct ip *address)
{
	(void)context, (void)address;
	return false;
}

/* Builds ours from what was written; -1: it is malformed. */
static int build(struct answer *answer, const struct dns_query *query,
		 bool (*admits)(void *context, const struct ip *address), uint8_t *to,
		 size_t room, struct dns_built *ret_built)
{
	const struct dns_filter filter = { admits, NULL };

	return dns_answer_build(answer->writer.data, answer_end(answer), &query->question,
				&filter, to, room, ret_built);
}

static struct dns_header header_of(const uint8_t *message, size_t size)
{
	struct dns_reader reader = { message, size, 0 };
	struct dns_header header;

	assert_int_equal(dns_read_header(&reader, &header), 0);
	return header;
}

static void only_what_belongs_to_the_question_is_kept(void **state)
{
	const struct dns_query query = query_for("www.example.test", DNS_TYPE_A);
	uint8_t from[1024], to[1024];
	struct answer answer;
	struct dns_built built;
	struct dns_header header;

	(void)state;
	answer_begin(&answer, &query, DNS_AD, from, sizeof(from));
	answer_add_alias(&answer, "www.example.test", 60, "cdn.test");
	answer_add_address(&answer, "cdn.test", 20, "192.0.2.1");
	answer_add_address(&answer, "cdn.test", 20, "2001:db8::1");
	answer_add_address(&answer, "other.test", 5, "192.0.2.2");
	answer_add_address(&answer, "ns.other.test", 5, "192.0.2.3");
	answer.header.answers--;
	answer.header.additional++;
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	header = header_of(to, built.size);
	assert_int_equal(header.answers, 2);
	assert_int_equal(header.authorities + header.additional, 0);
	assert_true((header.flags & DNS_AD) != 0);
	assert_int_equal(built.ttl_s, 20);
	assert_int_equal(built.admitted, 1);
}

static void what_is_not_there_is_kept_as_the_zone_says(void **state)
{
	const struct dns_query query = query_for("www.example.test", DNS_TYPE_A);
	uint8_t from[1024], to[1024];
	struct answer answer;
	struct dns_built built;

	(void)state;
	answer_begin(&answer, &query, DNS_NXDOMAIN, from, sizeof(from));
	answer_add_soa(&answer, "test", 600, 30);
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	assert_int_equal(built.ttl_s, 30);
	answer_begin(&answer, &query, DNS_NXDOMAIN, from, sizeof(from));
	answer_add_soa(&answer, "test", 20, 30);
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	assert_int_equal(built.ttl_s, 20);
	answer_begin(&answer, &query, DNS_NXDOMAIN, from, sizeof(from));
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	assert_int_equal(built.ttl_s, 0);
}

static void what_the_rules_refuse_is_left_out(void **state)
{
	const struct dns_query query = query_for("www.example.test", DNS_TYPE_A);
	uint8_t from[1024], to[1024];
	struct answer answer;
	struct dns_built built;

	(void)state;
	answer_begin(&answer, &query, DNS_AD, from, sizeof(from));
	answer_add_address(&answer, "www.example.test", 20, "192.0.2.1");
	answer_add_address(&answer, "www.example.test", 20, "192.0.2.2");
	assert_int_equal(build(&answer, &query, admits_none, to, sizeof(to), &built), 0);
	assert_int_equal(built.admitted, 0);
	assert_int_equal(built.refused, 2);
	assert_int_equal(header_of(to, built.size).answers, 0);
	assert_true((header_of(to, built.size).flags & DNS_AD) == 0);
}

static void chains_end(void **state)
{
	const struct dns_query query = query_for("n0.test", DNS_TYPE_A);
	uint8_t from[4096], to[4096];
	struct answer answer;
	struct dns_built built;

	(void)state;
	answer_begin(&answer, &query, 0, from, sizeof(from));
	answer_add_alias(&answer, "n0.test", 20, "n1.test");
	answer_add_alias(&answer, "n1.test", 20, "n0.test");
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	assert_int_equal(built.admitted, 0);

	answer_begin(&answer, &query, 0, from, sizeof(from));
	for (int i = 0; i < 30; i++) {
		char owner[20], target[20], address[20];

		snprintf(owner, sizeof(owner), "n%d.test", i);
		snprintf(target, sizeof(target), "n%d.test", i + 1);
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		answer_add_alias(&answer, owner, 20, target);
		answer_add_address(&answer, owner, 20, address);
	}
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	assert_int_equal(built.admitted, DNS_CHAIN_MAX);
}

static void a_second_alias_of_a_name_leads_nowhere(void **state)
{
	const struct dns_query query = query_for("www.test", DNS_TYPE_A);
	uint8_t from[1024], to[1024];
	struct answer answer;
	struct dns_built built;

	(void)state;
	answer_begin(&answer, &query, 0, from, sizeof(from));
	answer_add_alias(&answer, "www.test", 20, "a.test");
	answer_add_alias(&answer, "www.test", 20, "b.test");
	answer_add_address(&answer, "b.test", 20, "192.0.2.66");
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	assert_int_equal(built.admitted, 0);
}

static void a_flood_of_addresses_is_cut(void **state)
{
	const struct dns_query query = query_for("www.test", DNS_TYPE_A);
	uint8_t *from = malloc(DNS_MESSAGE_MAX), *to = malloc(DNS_MESSAGE_MAX);
	struct answer answer;
	struct dns_built built;

	(void)state;
	answer_begin(&answer, &query, 0, from, DNS_MESSAGE_MAX);
	for (int i = 0; i < 4000; i++) {
		char address[IP_TEXT_MAX];

		snprintf(address, sizeof(address), "192.%d.%d.1", i / 200, i % 200);
		answer_add_address(&answer, "www.test", 20, address);
	}
	assert_int_equal(build(&answer, &query, admits_all, to, DNS_MESSAGE_MAX, &built),
			 0);
	assert_int_equal(built.admitted, DNS_ADDRESSES_MAX);
	assert_int_equal(header_of(to, built.size).answers, DNS_ADDRESSES_MAX);
	free(from);
	free(to);
}

static void counts_that_lie_make_it_malformed(void **state)
{
	const struct dns_query query = query_for("www.test", DNS_TYPE_A);
	uint8_t from[1024], to[1024];
	struct answer answer;
	struct dns_built built;
	size_t size;

	(void)state;
	answer_begin(&answer, &query, 0, from, sizeof(from));
	answer_add_address(&answer, "www.test", 20, "192.0.2.1");
	size = answer_end(&answer);
	assert_int_equal(dns_answer_rcode(from, size), DNS_NOERROR);
	for (size_t cut = 1; cut < size; cut++)
		assert_int_equal(dns_answer_rcode(from, size - cut), -1);
	answer.header.answers++;
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), -1);
	assert_int_equal(dns_answer_rcode(from, size), -1);
	answer.header.answers--;
	answer.header.authorities++;
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), -1);
}

static void extended_rcodes_are_seen(void **state)
{
	const struct dns_query query = query_for("www.test", DNS_TYPE_A);
	uint8_t from[1024];
	struct answer answer;

	(void)state;
	answer_begin(&answer, &query, 0, from, sizeof(from));
	dns_write_opt(&answer.writer, 512, DNS_BADVERS, false, DNS_EXTENDED_NONE, "");
	answer.header.additional++;
	assert_int_equal(dns_answer_rcode(from, answer_end(&answer)), DNS_BADVERS);
}

static void an_answer_belongs_to_its_question_alone(void **state)
{
	struct dns_query query = query_for("www.test", DNS_TYPE_A);
	const struct dns_query other = query_for("wwx.test", DNS_TYPE_A);
	const struct dns_query letters = query_for("WWW.test", DNS_TYPE_A);
	uint8_t from[1024];
	struct answer answer;
	size_t size;

	(void)state;
	answer_begin(&answer, &query, 0, from, sizeof(from));
	size = answer_end(&answer);
	assert_true(dns_answer_belongs(from, size, 7, &query.question));
	assert_true(dns_answer_belongs(from, size, 7, &letters.question));
	assert_false(dns_answer_belongs(from, size, 8, &query.question));
	assert_false(dns_answer_belongs(from, size, 7, &other.question));
	query.question.type = DNS_TYPE_AAAA;
	assert_false(dns_answer_belongs(from, size, 7, &query.question));
	query.question.type = DNS_TYPE_A;
	from[2] &= 0x7f;
	assert_false(dns_answer_belongs(from, size, 7, &query.question));
	from[2] |= 0x80;
	from[5] = 0;
	assert_false(dns_answer_belongs(from, size, 7, &query.question));
	assert_false(dns_answer_belongs(from, 5, 7, &query.question));
}

static void note_ttl(void *context, const struct ip *address, uint32_t ttl_s)
{
	(void)address;
	*(uint32_t *)context += ttl_s;
}

static void records_grow_old(void **state)
{
	const struct dns_query query = query_for("www.test", DNS_TYPE_A);
	uint8_t from[1024], to[1024];
	struct answer answer;
	struct dns_built built;
	uint32_t left = 0;

	(void)state;
	answer_begin(&answer, &query, 0, from, sizeof(from));
	answer_add_address(&answer, "www.test", 20, "192.0.2.1");
	answer_add_address(&answer, "www.test", 100, "192.0.2.2");
	assert_int_equal(build(&answer, &query, admits_all, to, sizeof(to), &built), 0);
	dns_answer_age(to, built.size, 30, note_ttl, &left);
	assert_int_equal(left, 70);
	left = 0;
	dns_answer_age(to, built.size, 0, note_ttl, &left);
	assert_int_equal(left, 70);
}

static void everybody_gets_what_they_take(void **state)
{
	struct dns_query query = query_for("WwW.tesT", DNS_TYPE_A);
	uint8_t from[4096], ours[4096], to[4096];
	struct answer answer;
	struct dns_built built;
	size_t size;

	(void)state;
	answer_begin(&answer, &query, DNS_AD, from, sizeof(from));
	for (int i = 0; i < 50; i++)
		answer_add_address(&answer, "www.test", 20, "192.0.2.1");
	assert_int_equal(build(&answer, &query, admits_all, ours, sizeof(ours), &built),
			 0);

	size = dns_answer_fit(&query, ours, built.size, 512, to, sizeof(to));
	assert_true(size > 0 && size <= 512);
	assert_int_equal(header_of(to, size).flags, DNS_QR | DNS_TC | DNS_RD | DNS_RA);
	assert_int_equal(header_of(to, size).answers, 0);

	query.extended = query.dnssec = true;
	query.header.flags = DNS_CD;
	size = dns_answer_fit(&query, ours, built.size, 4096, to, sizeof(to));
	assert_int_equal(header_of(to, size).flags, DNS_QR | DNS_RA | DNS_AD | DNS_CD);
	assert_int_equal(header_of(to, size).answers, 50);
	assert_int_equal(header_of(to, size).additional, 1);
	assert_int_equal(header_of(to, size).id, 7);
	assert_memory_equal(to + DNS_HEADER_SIZE, "\3WwW\4tesT", 10);
	assert_int_equal(dns_answer_rcode(to, size), DNS_NOERROR);
}

static void refusals_say_why_to_those_who_can_read_it(void **state)
{
	struct dns_query query = query_for("www.test", DNS_TYPE_A);
	uint8_t to[512];
	size_t size;

	(void)state;
	size = dns_answer_plain(&query, DNS_REFUSED, DNS_EXTENDED_BLOCKED, "why", to,
				sizeof(to));
	assert_int_equal(size, DNS_HEADER_SIZE + 14);
	query.extended = true;
	size = dns_answer_plain(&query, DNS_REFUSED, DNS_EXTENDED_BLOCKED, "why", to,
				sizeof(to));
	assert_int_equal(dns_answer_rcode(to, size), DNS_REFUSED);
	assert_memory_equal(to + size - 9, "\0\x0f\0\5\0\x0fwhy", 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_belongs_to_the_question_is_kept),
		cmocka_unit_test(what_is_not_there_is_kept_as_the_zone_says),
		cmocka_unit_test(what_the_rules_refuse_is_left_out),
		cmocka_unit_test(chains_end),
		cmocka_unit_test(a_second_alias_of_a_name_leads_nowhere),
		cmocka_unit_test(a_flood_of_addresses_is_cut),
		cmocka_unit_test(counts_that_lie_make_it_malformed),
		cmocka_unit_test(extended_rcodes_are_seen),
		cmocka_unit_test(an_answer_belongs_to_its_question_alone),
		cmocka_unit_test(records_grow_old),
		cmocka_unit_test(everybody_gets_what_they_take),
		cmocka_unit_test(refusals_say_why_to_those_who_can_read_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
