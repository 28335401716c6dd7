/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_RESOLVERS_H
#define SBX_TESTS_UNIT_RESOLVERS_H

/* Name servers that answer as a test says, in the loop of the test, on addresses of 127/8. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dns_message.h"
#include "net/loop.h"

enum { RESOLVERS_MAX = 3 };

struct resolver {
	struct watch udp; /* first */
	struct watch listener, stream;
	struct loop *loop;
	struct ip ip;
	int asked, asked_by_tcp;
	bool had_opt;  /* the last question */
	uint16_t from; /* its port */
	uint16_t id;

	/* Writes the answer behind the question and counts it; 0: silence. */
	size_t (*answer)(struct resolver *resolver, const struct dns_query *query,
			 bool by_tcp, uint8_t *to, size_t room);
};

/*
 * On 127.0.0.21 and so on, all with the same port, which is returned. A resolver without
 * `answer` does not read.
 */
uint16_t resolvers_open(struct resolver *resolvers, size_t count, struct loop *loop);
void resolver_close(struct resolver *resolver);

/* ---- what an answer is made of ---------------------------------------------------------- */

struct answer {
	struct dns_writer writer;
	struct dns_header header;
};

void answer_begin(struct answer *answer, const struct dns_query *query, uint16_t flags,
		  uint8_t *to, size_t room);
void answer_add_address(struct answer *answer, const char *owner, uint32_t ttl_s,
			const char *address);
void answer_add_alias(struct answer *answer, const char *owner, uint32_t ttl_s,
		      const char *target);

/* In the authority section: after all answers. */
void answer_add_soa(struct answer *answer, const char *owner, uint32_t ttl_s,
		    uint32_t minimum_s);
size_t answer_end(struct answer *answer);

#endif
