/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_NETLINK_H
#define SBX_NET_NETLINK_H

/*
 * Messages of netlink(7), for rtnetlink and nfnetlink alike: many requests are built into
 * one batch, sent by one call, and answered at once. The kernel works on a batch while it
 * takes it, so its answers are there when the call returns and nobody waits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	NETLINK_BATCH_BYTES = 16384,
	NETLINK_BATCH_MESSAGES = 96,
};

struct netlink_batch {
	uint32_t first; /* sequence number of the first message */
	uint32_t count;
	size_t used, message; /* message: where the one that is being built begins */
	bool overflow;
	/* What each message does: completes "cannot ...". */
	const char *what[NETLINK_BATCH_MESSAGES];
	/* An error of these numbers is none: EEXIST of what is there already. */
	int forgiven[NETLINK_BATCH_MESSAGES];
	_Alignas(uint64_t) uint8_t bytes[NETLINK_BATCH_BYTES];
};

/* A socket of that protocol in the caller's network namespace. -1 and errno. */
int netlink_open(int protocol);

void netlink_reset(struct netlink_batch *batch);

/*
 * Begins a message, which lasts until the next begins. header: the family's own one. flags
 * beside NLM_F_REQUEST. what is kept, not copied.
 */
void netlink_begin(struct netlink_batch *batch, const char *what, uint16_t type,
		   uint16_t flags, const void *header, size_t size);

/* The message that was begun last may fail with this errno. */
void netlink_forgive(struct netlink_batch *batch, int errnum);

void netlink_put(struct netlink_batch *batch, uint16_t type, const void *data,
		 size_t size);
void netlink_put_u8(struct netlink_batch *batch, uint16_t type, uint8_t value);
void netlink_put_u32(struct netlink_batch *batch, uint16_t type, uint32_t value);

/* In network byte order, as netfilter wants numbers. */
void netlink_put_be16(struct netlink_batch *batch, uint16_t type, uint16_t value);
void netlink_put_be32(struct netlink_batch *batch, uint16_t type, uint32_t value);

/* With its NUL. */
void netlink_put_text(struct netlink_batch *batch, uint16_t type, const char *text);

/* Attributes inside of an attribute: what nest returns is for nest_end. */
size_t netlink_nest(struct netlink_batch *batch, uint16_t type);
void netlink_nest_end(struct netlink_batch *batch, size_t nest);

/*
 * Sends the batch and reads what the kernel says to it. The first error that is not
 * forgiven becomes *err. Without NLM_F_ACK a message says nothing when it is done.
 */
int netlink_send(int socket, struct netlink_batch *batch, struct error *err);

/* One attribute of a message that was received. */
struct netlink_attribute {
	uint16_t type; /* without the flags of its upper bits */
	const uint8_t *data;
	size_t size;
};

/*
 * The next attribute of *rest, which moves behind it. false: there is none, or what is
 * left is not one.
 */
bool netlink_next(const uint8_t **rest, size_t *rest_size,
		  struct netlink_attribute *ret_attribute);

#endif
