/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_FORWARDER_H
#define SBX_TESTS_UNIT_FORWARDER_H

/* A forwarder with rules, and the name servers that it asks (resolvers.h), in one loop. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "net/dns.h"
#include "net/loop.h"
#include "net/rules.h"
#include "resolvers.h"

enum { TRY_MS = 60, GUARD_MS = 5000 };

/* What one question got. */
struct heard {
	struct bench *bench;
	int count;
	size_t size;
	uint8_t message[65535];
};

struct bench {
	struct loop *loop;
	struct arena arena;
	struct rules rules;
	struct gate gate;
	struct resolver resolvers[RESOLVERS_MAX];
	struct dns *dns;
	struct timer guard, soon;
	int replies, wanted;
	int lines; /* told */
	char line[512];
	bool late;
};

/* allow: a rule, or NULL. The first count resolvers, whose answers were set before, are asked. */
void set_up(struct bench *bench, size_t count, const char *allow,
	    const struct dns_spec *more);
void tear_down(struct bench *bench);

size_t make_question(const char *name, uint16_t type, uint16_t id, uint16_t udp_size,
		     uint8_t *to, size_t room);

/* Asks with the id 4711. */
void ask(struct bench *bench, struct heard *heard, const char *name, uint16_t type,
	 size_t max);
void note_reply(void *context, const uint8_t *answer, size_t size);

/* Until so many replies have come. */
void await(struct bench *bench, int wanted);
void let_pass(struct bench *bench, unsigned ms);

unsigned rcode_of(const struct heard *heard);

/* "192.0.2.7 192.0.2.8": the addresses of the answer section. */
const char *addresses_of(const struct heard *heard);

/* One question, and what its answer was: the rcode, and addresses in `text`. */
unsigned look_up(struct bench *bench, const char *name, uint16_t type, char text[256]);
unsigned look_up_www(struct bench *bench, char text[256]);

/* Was the address asked for by this name? */
bool knows(struct bench *bench, const char *name, const char *address);

/* ---- what a resolver may do ------------------------------------------------------------- */

/* 192.0.2.7 for www.example.test, whatever was asked. */
size_t say_address(struct resolver *resolver, const struct dns_query *query, bool by_tcp,
		   uint8_t *to, size_t room);
size_t say_nothing(struct resolver *resolver, const struct dns_query *query, bool by_tcp,
		   uint8_t *to, size_t room);
size_t say_no_such_name(struct resolver *resolver, const struct dns_query *query,
			bool by_tcp, uint8_t *to, size_t room);

#endif
