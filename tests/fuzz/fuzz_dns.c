/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages of the sandbox (the first byte is 'q'), of name servers ('a'), and the host's
 * resolv.conf ('r'). What is made of an answer must be well formed, belong to its question,
 * and hold no address that was refused.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns_answer.h"
#include "net/dns_message.h"
#include "net/resolv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

static void check_name(const struct dns_name *name)
{
	struct dns_name again;
	char text[NAME_TEXT_MAX];

	demand(name->size > 0 && name->bytes[name->size - 1] == 0, "a name ends");
	if (dns_name_to_text(name, text) < 0 || text[0] == '\0')
		return;
	demand(strlen(text) == name->size - 2U, "text is as long as its name");
	demand(dns_name_from_text(text, &again) == 0 && dns_name_equal(name, &again),
	       "text is the name");
}

static void check_plain(const struct dns_query *query, unsigned rcode)
{
	uint8_t to[600];
	const size_t size = dns_answer_plain(query, rcode, DNS_EXTENDED_BLOCKED, "why",
					     to, sizeof(to));

	demand(size >= DNS_HEADER_SIZE, "there is room for a refusal");
	demand(dns_get_u16(to) == query->header.id, "the id is repeated");
	demand(dns_answer_rcode(to, size) == (int)(query->extended ? rcode : rcode & 15),
	       "a refusal is well formed");
}

static void check_question(const uint8_t *data, size_t size)
{
	uint8_t to[600];
	struct dns_query query, again;
	const int rcode = dns_read_query(data, size, &query);
	size_t length;

	if (rcode < 0)
		return;
	check_plain(&query, (unsigned)rcode);
	if (rcode != DNS_NOERROR)
		return;
	check_name(&query.question.name);
	length = dns_write_upstream_query(to, sizeof(to), 1, DNS_RD, &query.question,
					  DNS_UDP_OFFERED, query.dnssec);
	demand(length > 0 && dns_read_query(to, length, &again) == DNS_NOERROR,
	       "what is asked upstream can be read");
	demand(dns_name_equal(&again.question.name, &query.question.name) &&
		       again.question.type == query.question.type,
	       "what is asked upstream is what was asked");
}

/* Whatever ends in an odd byte is refused. */
static bool is_admitted(const struct ip *address)
{
	return (address->bytes[15] & 1) == 0;
}

static bool admits(void *context, const struct ip *address)
{
	(void)context;
	return is_admitted(address);
}

static void check_address(void *context, const struct ip *address, uint32_t ttl_s)
{
	unsigned *count = context;

	demand(is_admitted(address), "no refused address is told");
	demand(ttl_s <= INT32_MAX, "a TTL is no negative number");
	(*count)++;
}

static void check_fit(const struct dns_query *query, const uint8_t *built, size_t size,
		      size_t max)
{
	static uint8_t to[2 * DNS_MESSAGE_MAX];
	const size_t length = dns_answer_fit(query, built, size, max, to, sizeof(to));

	demand(length >= DNS_HEADER_SIZE && length <= max, "it fits");
	demand(dns_answer_rcode(to, length) >= 0, "what fits is well formed");
	demand(dns_answer_belongs(to, length, query->header.id, &query->question),
	       "it belongs to its question");
}

static void check_built(const struct dns_question *question, uint8_t *message,
			const struct dns_built *built)
{
	struct dns_query query = { .header = { .id = 7, .flags = DNS_RD },
				   .question = *question };
	unsigned told = 0;

	demand(dns_answer_rcode(message, built->size) >= 0, "ours is well formed");
	demand(built->admitted <= DNS_ADDRESSES_MAX, "addresses are bounded");
	dns_answer_age(message, built->size, 60, check_address, &told);
	demand(told == built->admitted, "each address is told");
	check_fit(&query, message, built->size, DNS_UDP_LEAST);
	query.extended = true;
	check_fit(&query, message, built->size, DNS_UDP_OFFERED);
	check_fit(&query, message, built->size, DNS_MESSAGE_MAX);
}

static void check_answer(const uint8_t *data, size_t size)
{
	static uint8_t to[DNS_MESSAGE_MAX];
	const struct dns_filter filter = { admits, NULL };
	struct dns_reader reader = { data, size, 0 };
	struct dns_header header;
	struct dns_question question;
	struct dns_built built;
	const int rcode = dns_answer_rcode(data, size);

	if (dns_read_header(&reader, &header) < 0 ||
	    dns_read_question(&reader, &question) < 0)
		return;
	check_name(&question.name);
	dns_answer_belongs(data, size, header.id, &question);
	if (dns_answer_build(data, size, &question, &filter, to, sizeof(to), &built) < 0)
		return;
	demand(rcode >= 0 || header.additional > 0, "what is malformed is not built of");
	check_built(&question, to, &built);
}

static void check_resolv(const uint8_t *data, size_t size)
{
	struct resolv resolv;
	const char *text = (const char *)data;

	resolv_parse(text, size, &resolv);
	demand(resolv.server_count <= RESOLV_SERVERS_MAX, "servers are bounded");
	demand(resolv.domain_count <= RESOLV_DOMAINS_MAX, "domains are bounded");
	for (size_t i = 0; i < resolv.server_count; i++)
		demand(memchr(resolv.servers[i].zone, '\0',
			      sizeof(resolv.servers[i].zone)),
		       "a zone ends");
	for (size_t i = 0; i < resolv.domain_count; i++)
		demand(resolv.domains[i].text >= text &&
			       resolv.domains[i].text + resolv.domains[i].length <=
				       text + size,
		       "a domain is part of the text");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > DNS_MESSAGE_MAX)
		return 0;
	if (data[0] == 'q')
		check_question(data + 1, size - 1);
	else if (data[0] == 'a')
		check_answer(data + 1, size - 1);
	else if (data[0] == 'r')
		check_resolv(data + 1, size - 1);
	return 0;
}
