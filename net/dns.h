/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_H
#define SBX_NET_DNS_H

/*
 * The forwarder that the sandbox asks. Names that no rule allows are refused without
 * asking anybody; others go to all upstreams in order, with failover, and the answers feed
 * gate->names. A small cache. RFC 1035, 2308, 6891, 7766, 8914.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/gate.h"

struct dns;
struct error;
struct host_name;

enum {
	DNS_UDP_MAX = 4096, /* the largest question or answer by UDP */
	DNS_UPSTREAMS_MAX = 8,
};

struct dns_spec {
	struct loop *loop;
	struct gate *gate;
	const struct ip
		*upstreams; /* --dns; they are not changed by dns_set_resolv_conf() */
	size_t upstream_count;
	const char *resolv_conf;       /* text of the host's, or NULL */
	struct ip gateway, gateway6;   /* what host.sbx.internal is */
	const struct host_name *hosts; /* --add-host: answered by us */
	size_t host_count;
	bool no_ip6; /* the sandbox has no IPv6: questions for AAAA have no answers */

	/* A name is about to be asked upstream: NULL, or who wants to know of it. */
	void (*asked)(void *context);

	/* A line for the user, printable: nobody answers. May be NULL. */
	void (*tell)(void *context, const char *line);
	void *context;

	/* For tests. */
	uint16_t upstream_port; /* 0: 53 */
	uint32_t try_ms;        /* what a try may take at first; 0: as is good */
};

/* Names in hosts and in resolv_conf are read here and may go; the rest must stay. */
struct dns *dns_new(const struct dns_spec *spec, struct error *err);
void dns_free(struct dns *dns);

/* The host's file has changed. */
void dns_set_resolv_conf(struct dns *dns, const char *text, size_t length);

/* Sockets inside the sandbox; taken, also where it fails. At most four of each. */
int dns_serve_udp(struct dns *dns, int fd, struct error *err);
int dns_serve_tcp(struct dns *dns, int listener, struct error *err);

/*
 * A question that came another way (a frame, a stream of libslirp's). reply is called once,
 * perhaps at once, or never where the question is not worth one; max is the largest answer
 * it takes: above DNS_UDP_MAX it is a stream's, and what the question says of sizes does not
 * count. context must live until then or until dns_forget().
 */
void dns_ask(struct dns *dns, const uint8_t *question, size_t size, size_t max,
	     void (*reply)(void *context, const uint8_t *answer, size_t size),
	     void *context);
void dns_forget(struct dns *dns, void *context);

#endif
