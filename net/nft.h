/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_NFT_H
#define SBX_NET_NFT_H

/*
 * Messages of nf_tables, as nft(8) would send them: a batch is one change, which happens
 * whole or not at all. A rule is a list of expressions; those that compare end it where they do not match.
 */

#include "net/netlink.h"

/* Which table, and of which family: AF_INET, AF_INET6. */
struct nft_table {
	int family;
	const char *name;
};

/* Where packets meet a chain: they all hang on the way out of a local socket. */
struct nft_chain {
	const char *name;
	const char *type; /* "filter", "nat", "route" */
	int32_t priority;
};

/* Begins and ends the change: nothing else stands in the batch. */
void nft_begin(struct netlink_batch *batch);
void nft_end(struct netlink_batch *batch);

/* An error if it is there already. */
void nft_add_table(struct netlink_batch *batch, const struct nft_table *table);
void nft_add_chain(struct netlink_batch *batch, const struct nft_table *table,
		   const struct nft_chain *chain);

/* A rule, at the end of its chain; expressions stand between the two. */
size_t nft_begin_rule(struct netlink_batch *batch, const struct nft_table *table,
		      const struct nft_chain *chain, const char *what);
void nft_end_rule(struct netlink_batch *batch, size_t rule);

/* ---- what matches ---------------------------------------------------------------------- */

enum nft_is { NFT_IS, NFT_IS_NOT };

void nft_out_index(struct netlink_batch *batch, enum nft_is is, uint32_t index);
void nft_protocol(struct netlink_batch *batch, enum nft_is is, uint8_t protocol);
void nft_mark(struct netlink_batch *batch, enum nft_is is, uint32_t mark);

/* Bytes of the network's or of the transport's header; mask: NULL: all bits. */
enum nft_header { NFT_NETWORK_HEADER, NFT_TRANSPORT_HEADER };
void nft_bytes(struct netlink_batch *batch, enum nft_header header, uint32_t offset,
	       const void *mask, enum nft_is is, const void *value, uint32_t size);

/* Of the connection that the packet belongs to: (status & bits) is not 0; its mark. */
void nft_connection_status(struct netlink_batch *batch, uint32_t bits);
void nft_connection_mark(struct netlink_batch *batch, uint32_t mark);

/* ---- what happens ---------------------------------------------------------------------- */

/* Out of this chain, on to the next one. */
void nft_accept(struct netlink_batch *batch);
void nft_untracked(struct netlink_batch *batch);
void nft_set_mark(struct netlink_batch *batch, uint32_t mark);
void nft_set_connection_mark(struct netlink_batch *batch, uint32_t mark);

/* To that port of the loopback address. */
void nft_redirect(struct netlink_batch *batch, uint16_t port);
void nft_reject_reset(struct netlink_batch *batch);

/* The code of ICMP or ICMPv6 destination unreachable. */
void nft_reject_icmp(struct netlink_batch *batch, uint8_t code);

/* Into a queue, by nf_tables' own expression, or by xtables' target (nft_compat). */
void nft_queue(struct netlink_batch *batch, uint16_t queue);
void nft_queue_by_target(struct netlink_batch *batch, uint16_t queue);

#endif
