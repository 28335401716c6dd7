/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_H
#define SBX_NET_DNS_H

/*
 * The forwarder that the sandbox asks. Names that no rule allows are refused without
 * asking anybody; others go to all upstreams in order, with failover, and the answers feed
 * gate->names. A small cache. RFC 1035, 2308, 2671/6891, 7766.
 */

#include <stddef.h>
#include <stdint.h>

#include "net/gate.h"

struct dns;

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
	/* A name is about to be asked upstream: NULL, or who wants to know of it. */
	void (*asked)(void *context);
	void *context;
};

struct dns *dns_new(const struct dns_spec *spec, struct error *err);
void dns_free(struct dns *dns);

/* The host's file has changed. */
void dns_set_resolv_conf(struct dns *dns, const char *text, size_t length);

/* Sockets inside the sandbox; taken. */
int dns_serve_udp(struct dns *dns, int fd, struct error *err);
int dns_serve_tcp(struct dns *dns, int listener, struct error *err);

/*
 * A question that came another way (a frame, a stream of libslirp's). reply is called once,
 * perhaps at once, or never where the question is not worth one; max is the largest answer it takes.
 * context must live until then or until dns_forget().
 */
void dns_ask(struct dns *dns, const uint8_t *question, size_t size, size_t max,
	     void (*reply)(void *context, const uint8_t *answer, size_t size),
	     void *context);
void dns_forget(struct dns *dns, void *context);

#endif
