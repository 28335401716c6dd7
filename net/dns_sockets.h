/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_SOCKETS_H
#define SBX_NET_DNS_SOCKETS_H

/*
 * The forwarder's sockets inside the sandbox: UDP, and TCP (RFC 7766) with one question of a
 * connection at a time; further ones wait in it.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct dns;
struct dns_sockets;
struct error;
struct loop;

enum {
	DNS_SOCKETS_MAX = 4,  /* of each kind */
	DNS_CLIENTS_MAX = 16, /* connections; another one takes the place of the idlest */
};

/* Where an answer goes: to a datagram's sender, or where reply says. */
struct dns_return {
	int fd; /* -1: reply */
	struct sockaddr_storage from;
	socklen_t from_length;
	void (*reply)(void *context, const uint8_t *answer, size_t size);
	void *context;
};

/* dns_ask() for both. */
void dns_ask_return(struct dns *dns, const uint8_t *question, size_t size, size_t max,
		    const struct dns_return *to);

/* NULL: no memory. */
struct dns_sockets *dns_sockets_new(struct dns *dns, struct loop *loop);
void dns_sockets_free(struct dns_sockets *sockets);

/* Descriptors are taken. */
int dns_sockets_add_udp(struct dns_sockets *sockets, int fd, struct error *err);
int dns_sockets_add_tcp(struct dns_sockets *sockets, int listener, struct error *err);

#endif
