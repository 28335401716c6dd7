/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_UPSTREAM_H
#define SBX_NET_DNS_UPSTREAM_H

/*
 * What the host's name servers are asked. Each try has a socket of its own, connected to the
 * one server (the kernel chooses a random port, and takes nothing from anybody else), and
 * an id of its own from getrandom(2); what does not repeat id and question is passed over.
 *
 * The servers are tried in order, those that lately did not answer last. Whoever is
 * slow may still answer while the next one is asked. An error (SERVFAIL, REFUSED …)
 * makes for the next one, too; it is the answer only if nobody has a better one. What is
 * truncated is asked again by TCP.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dns_message.h"
#include "net/loop.h"

struct dns_upstreams;
struct dns_exchange;
struct dns_stream;
struct net_counters;
struct resolv;

struct dns_upstreams_spec {
	struct loop *loop;
	struct net_counters *counters; /* or NULL */
	uint16_t port;                 /* 0: 53 */
	uint32_t try_ms;               /* 0: TRY_MS */
};

enum { DNS_TRIES = 4 }; /* that one question may have in the air */

struct dns_try {
	struct watch watch; /* first */
	struct dns_exchange *exchange;
	uint16_t id;
	uint8_t server;
	uint8_t wrong;       /* answers that were none to this */
	uint32_t generation; /* of the servers that `server` is one of */
	bool extended;       /* asked with OPT */
};

/* One question on its way. Embedded in what waits for the answer; zeroed before its first. */
struct dns_exchange {
	struct timer timer; /* first */
	struct dns_upstreams *upstreams;
	struct dns_question question;
	uint16_t flags; /* CD and AD, as they were asked */
	bool dnssec;

	/*
	 * Called once, perhaps from within dns_exchange_start(): an answer that is whole,
	 * with NOERROR or NXDOMAIN, or NULL with the rcode to give, SERVFAIL where nobody answered.
	 */
	void (*ended)(struct dns_exchange *exchange, const uint8_t *message, size_t size,
		      unsigned rcode);

	struct dns_try tries[DNS_TRIES];
	struct dns_stream *stream;
	uint64_t ends_ms;
	uint32_t generation;
	uint8_t tried;   /* a bit for each server of this pass */
	uint8_t passes;  /* behind us */
	uint8_t newest;  /* of tries */
	uint8_t current; /* the server that is asked now */
	bool by_stream, slow, heard;
	unsigned rcode; /* the best one that was heard */
};

/* NULL: no memory. */
struct dns_upstreams *dns_upstreams_new(const struct dns_upstreams_spec *spec);
void dns_upstreams_free(struct dns_upstreams *upstreams);

/* From now on these; none: 127.0.0.1, as resolv.conf(5) has it. */
void dns_upstreams_set(struct dns_upstreams *upstreams, const struct resolv *resolv);

/* "10.0.0.1, 10.0.0.2", for the user. */
void dns_upstreams_list(const struct dns_upstreams *upstreams, char *to, size_t size);

/* question, flags, dnssec and ended are filled in. */
void dns_exchange_start(struct dns_upstreams *upstreams, struct dns_exchange *exchange);
void dns_exchange_cancel(struct dns_exchange *exchange);

#endif
