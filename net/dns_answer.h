/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_ANSWER_H
#define SBX_NET_DNS_ANSWER_H

/*
 * From an upstream's answer to the sandbox's. Nothing is passed on as it came: a new message
 * is made of the records that belong to the question (the name asked, and what its CNAME
 * chain leads to), without those that the rules refuse. That one is kept in the cache, and
 * fitted to whoever asks. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dns_message.h"

enum {
	DNS_CHAIN_MAX =
		12, /* names of a CNAME chain, the one that was asked among them */
	DNS_ADDRESSES_MAX = 128, /* of one answer */
};

/* Is this an answer to what was asked? Ids and questions are compared. */
bool dns_answer_belongs(const uint8_t *data, size_t size, uint16_t id,
			const struct dns_question *question);

/* Reads all of it. Returns its rcode (the extended one), or -1: it is malformed. */
int dns_answer_rcode(const uint8_t *data, size_t size);

struct dns_filter {
	bool (*admits)(void *context, const struct ip *address);
	void *context;
};

struct dns_built {
	size_t size;
	uint32_t ttl_s;             /* how long it may be kept; 0: not at all */
	unsigned admitted, refused; /* addresses */
};

/*
 * Makes the new one, with the question as it is given, the id 0 and no OPT. -1: it is
 * malformed, or does not fit.
 */
int dns_answer_build(const uint8_t *data, size_t size,
		     const struct dns_question *question, const struct dns_filter *filter,
		     uint8_t *to, size_t room, struct dns_built *ret_built);

/* Takes age_s off what the records say, and tells the addresses. The message must be ours. */
void dns_answer_age(uint8_t *message, size_t size, uint32_t age_s,
		    void (*found)(void *context, const struct ip *address,
				  uint32_t ttl_s),
		    void *context);

/*
 * Our message for this client: its id, its flags, its letters; truncated where it is larger
 * than max. Returns the size, 0 where to has no room for that much.
 */
size_t dns_answer_fit(const struct dns_query *query, const uint8_t *message, size_t size,
		      size_t max, uint8_t *to, size_t room);

/* An answer without records; extended: a code of RFC 8914 and words for it. */
size_t dns_answer_plain(const struct dns_query *query, unsigned rcode, int extended,
			const char *words, uint8_t *to, size_t room);

/*
 * A message of our own, as dns_answer_build() makes them: those of the addresses that the
 * question's type asks for. Returns the size.
 */
size_t dns_answer_addresses(const struct dns_question *question,
			    const struct ip *addresses, size_t count, uint32_t ttl_s,
			    uint8_t *to, size_t room);

#endif
