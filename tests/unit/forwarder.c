/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "net/gate.h"
#include "net/journal.h"
#include "net/names.h"

static void guard_rang(struct timer *timer)
{
	struct bench *bench =
		(struct bench *)((char *)timer - offsetof(struct bench, guard));

	bench->late = true;
	loop_stop(bench->loop);
}

static void soon_rang(struct timer *timer)
{
	struct bench *bench =
		(struct bench *)((char *)timer - offsetof(struct bench, soon));

	loop_stop(bench->loop);
}

static void tell(void *context, const char *line)
{
	struct bench *bench = context;

	bench->lines++;
	snprintf(bench->line, sizeof(bench->line), "%s", line);
}

size_t say_address(struct resolver *resolver, const struct dns_query *query, bool by_tcp,
		   uint8_t *to, size_t room)
{
	struct answer answer;

	(void)resolver;
	(void)by_tcp;
	answer_begin(&answer, query, 0, to, room);
	if (query->question.type == DNS_TYPE_A)
		answer_add_address(&answer, "www.example.test", 300, "192.0.2.7");
	return answer_end(&answer);
}

size_t say_nothing(struct resolver *resolver, const struct dns_query *query, bool by_tcp,
		   uint8_t *to, size_t room)
{
	(void)resolver, (void)query, (void)by_tcp, (void)to, (void)room;
	return 0;
}

void set_up(struct bench *bench, size_t count, const char *allow,
	    const struct dns_spec *more)
{
	const struct rule_text texts[] = { { true, allow, "command line" } };
	struct dns_spec spec = more != NULL ? *more : (struct dns_spec){ .loop = NULL };
	struct ip upstreams[RESOLVERS_MAX];
	struct error err;

	bench->loop = loop_new(&err);
	assert_non_null(bench->loop);
	assert_int_equal(
		rules_parse(texts, allow != NULL, &bench->arena, &bench->rules, &err), 0);
	bench->gate = (struct gate){ .rules = &bench->rules,
				     .names = names_new(),
				     .journal = journal_new(bench->loop, &bench->rules,
							    -1, tell, bench),
				     .loop = bench->loop };
	spec.upstream_port = resolvers_open(bench->resolvers, count, bench->loop);
	for (size_t i = 0; i < count; i++)
		upstreams[i] = bench->resolvers[i].ip;
	if (spec.resolv_conf == NULL) {
		spec.upstreams = upstreams;
		spec.upstream_count = count;
	}
	spec.loop = bench->loop;
	spec.gate = &bench->gate;
	spec.try_ms = TRY_MS;
	spec.tell = tell;
	spec.context = bench;
	bench->dns = dns_new(&spec, &err);
	assert_non_null(bench->dns);
	bench->guard.rang = guard_rang;
	bench->soon.rang = soon_rang;
}

void tear_down(struct bench *bench)
{
	dns_free(bench->dns);
	for (size_t i = 0; i < RESOLVERS_MAX; i++) {
		if (bench->resolvers[i].loop != NULL)
			resolver_close(&bench->resolvers[i]);
	}
	journal_free(bench->gate.journal);
	names_free(bench->gate.names);
	loop_free(bench->loop);
	arena_free(&bench->arena);
}

void note_reply(void *context, const uint8_t *answer, size_t size)
{
	struct heard *heard = context;
	struct bench *bench = heard->bench;

	heard->count++;
	heard->size = size;
	memcpy(heard->message, answer, size);
	if (++bench->replies == bench->wanted)
		loop_stop(bench->loop);
}

size_t make_question(const char *name, uint16_t type, uint16_t id, uint16_t udp_size,
		     uint8_t *to, size_t room)
{
	struct dns_question question = { .type = type, .class = DNS_CLASS_IN };

	assert_int_equal(dns_name_from_text(name, &question.name), 0);
	return dns_write_upstream_query(to, room, id, DNS_RD, &question, udp_size, false);
}

void ask(struct bench *bench, struct heard *heard, const char *name, uint16_t type,
	 size_t max)
{
	uint8_t question[600];
	const size_t size = make_question(name, type, 4711, 4096, question, 600);

	heard->bench = bench;
	dns_ask(bench->dns, question, size, max, note_reply, heard);
}

void await(struct bench *bench, int wanted)
{
	struct error err;

	bench->wanted = wanted;
	bench->late = false;
	if (bench->replies >= wanted)
		return;
	loop_arm(bench->loop, &bench->guard, loop_now_ms(bench->loop) + GUARD_MS);
	assert_int_equal(loop_run(bench->loop, &err), 0);
	loop_disarm(bench->loop, &bench->guard);
	assert_false(bench->late);
}

void let_pass(struct bench *bench, unsigned ms)
{
	struct error err;

	bench->wanted = -1;
	loop_arm(bench->loop, &bench->soon, loop_now_ms(bench->loop) + ms);
	assert_int_equal(loop_run(bench->loop, &err), 0);
}

unsigned rcode_of(const struct heard *heard)
{
	assert_int_equal(heard->count, 1);
	assert_int_equal(dns_get_u16(heard->message), 4711);
	return dns_get_u16(heard->message + 2) & DNS_RCODE;
}

const char *addresses_of(const struct heard *heard)
{
	static char text[1024];
	struct dns_reader reader = { heard->message, heard->size, 0 };
	struct dns_header header;
	struct dns_question question;
	struct dns_record record;

	text[0] = '\0';
	assert_int_equal(dns_read_header(&reader, &header), 0);
	assert_int_equal(dns_read_question(&reader, &question), 0);
	for (int i = 0; i < header.answers; i++) {
		char one[IP_TEXT_MAX];
		struct ip ip;

		assert_int_equal(dns_read_record(&reader, &record), 0);
		if (record.type == DNS_TYPE_A) {
			uint32_t v4;

			memcpy(&v4, heard->message + record.data, 4);
			ip = ip_from_v4(v4);
		} else if (record.type == DNS_TYPE_AAAA) {
			memcpy(ip.bytes, heard->message + record.data, 16);
		} else {
			continue;
		}
		if (text[0] != '\0')
			strcat(text, " ");
		strcat(text, ip_format(&ip, one));
	}
	return text;
}

bool knows(struct bench *bench, const char *name, const char *address)
{
	struct ip ip;
	size_t cursor = 0;
	const char *known;

	assert_int_equal(ip_parse(address, &ip), 0);
	do
		known = names_next(bench->gate.names, &ip, loop_now_ms(bench->loop),
				   &cursor);
	while (known != NULL && strcmp(known, name) != 0);
	return known != NULL;
}

unsigned look_up(struct bench *bench, const char *name, uint16_t type, char text[256])
{
	struct heard *heard = calloc(1, sizeof(*heard));
	unsigned rcode;

	assert_non_null(heard);
	ask(bench, heard, name, type, DNS_UDP_MAX);
	await(bench, bench->replies + (heard->count == 0));
	rcode = rcode_of(heard);
	if (text != NULL)
		snprintf(text, 256, "%s", addresses_of(heard));
	free(heard);
	return rcode;
}

unsigned look_up_www(struct bench *bench, char text[256])
{
	return look_up(bench, "www.example.test", DNS_TYPE_A, text);
}

size_t say_no_such_name(struct resolver *resolver, const struct dns_query *query,
			bool by_tcp, uint8_t *to, size_t room)
{
	struct answer answer;

	(void)resolver, (void)by_tcp;
	answer_begin(&answer, query, DNS_NXDOMAIN, to, room);
	answer_add_soa(&answer, "test", 600, 300);
	return answer_end(&answer);
}
