/* SPDX-License-Identifier: Apache-2.0 */
#include "net/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* Of <linux/netfilter.h>, which does not go together with every C library's headers. */
enum {
	VERDICT_ACCEPT = 1,
	HOOK_LOCAL_OUT = 3,
};

static uint16_t nft_type(unsigned int message)
{
	return (uint16_t)((NFNL_SUBSYS_NFTABLES << 8) | message);
}

static void begin(struct netlink_batch *batch, const char *what, unsigned int message,
		  unsigned int flags, int family)
{
	const struct nfgenmsg header = {
		.nfgen_family = (uint8_t)family,
		.version = NFNETLINK_V0,
	};

	netlink_begin(batch, what, nft_type(message), (uint16_t)flags, &header,
		      sizeof(header));
}

static void edge(struct netlink_batch *batch, uint16_t type)
{
	const struct nfgenmsg header = {
		.nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES),
	};

	netlink_begin(batch, "change the packet filter", type, 0, &header,
		      sizeof(header));
}

void nft_begin(struct netlink_batch *batch)
{
	netlink_reset(batch);
	edge(batch, NFNL_MSG_BATCH_BEGIN);
}

void nft_end(struct netlink_batch *batch)
{
	edge(batch, NFNL_MSG_BATCH_END);
}

void nft_add_table(struct netlink_batch *batch, const struct nft_table *table)
{
	begin(batch, "make a table of nf_tables", NFT_MSG_NEWTABLE,
	      NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, table->family);
	netlink_put_text(batch, NFTA_TABLE_NAME, table->name);
}

void nft_add_chain(struct netlink_batch *batch, const struct nft_table *table,
		   const struct nft_chain *chain)
{
	size_t hook;

	begin(batch, "make a chain of nf_tables", NFT_MSG_NEWCHAIN,
	      NLM_F_CREATE | NLM_F_EXCL, table->family);
	netlink_put_text(batch, NFTA_CHAIN_TABLE, table->name);
	netlink_put_text(batch, NFTA_CHAIN_NAME, chain->name);
	hook = netlink_nest(batch, NFTA_CHAIN_HOOK);
	netlink_put_be32(batch, NFTA_HOOK_HOOKNUM, HOOK_LOCAL_OUT);
	netlink_put_be32(batch, NFTA_HOOK_PRIORITY, (uint32_t)chain->priority);
	netlink_nest_end(batch, hook);
	netlink_put_text(batch, NFTA_CHAIN_TYPE, chain->type);
}

size_t nft_begin_rule(struct netlink_batch *batch, const struct nft_table *table,
		      const struct nft_chain *chain, const char *what)
{
	begin(batch, what, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table->family);
	netlink_put_text(batch, NFTA_RULE_TABLE, table->name);
	netlink_put_text(batch, NFTA_RULE_CHAIN, chain->name);
	return netlink_nest(batch, NFTA_RULE_EXPRESSIONS);
}

void nft_end_rule(struct netlink_batch *batch, size_t rule)
{
	netlink_nest_end(batch, rule);
}

/* ---- expressions -------------------------------------------------------------------- */

struct expression {
	size_t element, data;
};

static struct expression begin_expression(struct netlink_batch *batch, const char *name)
{
	struct expression expression;

	expression.element = netlink_nest(batch, NFTA_LIST_ELEM);
	netlink_put_text(batch, NFTA_EXPR_NAME, name);
	expression.data = netlink_nest(batch, NFTA_EXPR_DATA);
	return expression;
}

static void end_expression(struct netlink_batch *batch, struct expression expression)
{
	netlink_nest_end(batch, expression.data);
	netlink_nest_end(batch, expression.element);
}

static void put_value(struct netlink_batch *batch, uint16_t type, const void *value,
		      size_t size)
{
	const size_t nest = netlink_nest(batch, type);

	netlink_put(batch, NFTA_DATA_VALUE, value, size);
	netlink_nest_end(batch, nest);
}

/* Register 1 is all that any of the rules needs. */
static void compare(struct netlink_batch *batch, enum nft_is is, const void *value,
		    size_t size)
{
	const struct expression cmp = begin_expression(batch, "cmp");

	netlink_put_be32(batch, NFTA_CMP_SREG, NFT_REG_1);
	netlink_put_be32(batch, NFTA_CMP_OP, is == NFT_IS ? NFT_CMP_EQ : NFT_CMP_NEQ);
	put_value(batch, NFTA_CMP_DATA, value, size);
	end_expression(batch, cmp);
}

static void keep_bits(struct netlink_batch *batch, const void *mask, uint32_t size)
{
	static const uint8_t nothing[16];
	const struct expression bitwise = begin_expression(batch, "bitwise");

	netlink_put_be32(batch, NFTA_BITWISE_SREG, NFT_REG_1);
	netlink_put_be32(batch, NFTA_BITWISE_DREG, NFT_REG_1);
	netlink_put_be32(batch, NFTA_BITWISE_LEN, size);
	put_value(batch, NFTA_BITWISE_MASK, mask, size);
	put_value(batch, NFTA_BITWISE_XOR, nothing, size);
	end_expression(batch, bitwise);
}

static void load_meta(struct netlink_batch *batch, uint32_t key)
{
	const struct expression meta = begin_expression(batch, "meta");

	netlink_put_be32(batch, NFTA_META_KEY, key);
	netlink_put_be32(batch, NFTA_META_DREG, NFT_REG_1);
	end_expression(batch, meta);
}

static void load_connection(struct netlink_batch *batch, uint32_t key)
{
	const struct expression ct = begin_expression(batch, "ct");

	netlink_put_be32(batch, NFTA_CT_KEY, key);
	netlink_put_be32(batch, NFTA_CT_DREG, NFT_REG_1);
	end_expression(batch, ct);
}

static void load_value(struct netlink_batch *batch, const void *value, size_t size)
{
	const struct expression immediate = begin_expression(batch, "immediate");

	netlink_put_be32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	put_value(batch, NFTA_IMMEDIATE_DATA, value, size);
	end_expression(batch, immediate);
}

void nft_out_index(struct netlink_batch *batch, enum nft_is is, uint32_t index)
{
	load_meta(batch, NFT_META_OIF);
	compare(batch, is, &index, sizeof(index));
}

void nft_protocol(struct netlink_batch *batch, enum nft_is is, uint8_t protocol)
{
	load_meta(batch, NFT_META_L4PROTO);
	compare(batch, is, &protocol, sizeof(protocol));
}

void nft_mark(struct netlink_batch *batch, enum nft_is is, uint32_t mark)
{
	load_meta(batch, NFT_META_MARK);
	compare(batch, is, &mark, sizeof(mark));
}

void nft_bytes(struct netlink_batch *batch, enum nft_header header, uint32_t offset,
	       const void *mask, enum nft_is is, const void *value, uint32_t size)
{
	const struct expression payload = begin_expression(batch, "payload");

	netlink_put_be32(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
	netlink_put_be32(batch, NFTA_PAYLOAD_BASE,
			 header == NFT_NETWORK_HEADER ? NFT_PAYLOAD_NETWORK_HEADER
						      : NFT_PAYLOAD_TRANSPORT_HEADER);
	netlink_put_be32(batch, NFTA_PAYLOAD_OFFSET, offset);
	netlink_put_be32(batch, NFTA_PAYLOAD_LEN, size);
	end_expression(batch, payload);
	if (mask)
		keep_bits(batch, mask, size);
	compare(batch, is, value, size);
}

void nft_connection_status(struct netlink_batch *batch, uint32_t bits)
{
	const uint32_t none = 0;

	load_connection(batch, NFT_CT_STATUS);
	keep_bits(batch, &bits, sizeof(bits));
	compare(batch, NFT_IS_NOT, &none, sizeof(none));
}

void nft_connection_mark(struct netlink_batch *batch, uint32_t mark)
{
	load_connection(batch, NFT_CT_MARK);
	compare(batch, NFT_IS, &mark, sizeof(mark));
}

void nft_accept(struct netlink_batch *batch)
{
	const struct expression immediate = begin_expression(batch, "immediate");
	size_t data, verdict;

	netlink_put_be32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = netlink_nest(batch, NFTA_IMMEDIATE_DATA);
	verdict = netlink_nest(batch, NFTA_DATA_VERDICT);
	netlink_put_be32(batch, NFTA_VERDICT_CODE, VERDICT_ACCEPT);
	netlink_nest_end(batch, verdict);
	netlink_nest_end(batch, data);
	end_expression(batch, immediate);
}

void nft_untracked(struct netlink_batch *batch)
{
	end_expression(batch, begin_expression(batch, "notrack"));
}

void nft_set_mark(struct netlink_batch *batch, uint32_t mark)
{
	struct expression meta;

	load_value(batch, &mark, sizeof(mark));
	meta = begin_expression(batch, "meta");
	netlink_put_be32(batch, NFTA_META_KEY, NFT_META_MARK);
	netlink_put_be32(batch, NFTA_META_SREG, NFT_REG_1);
	end_expression(batch, meta);
}

void nft_set_connection_mark(struct netlink_batch *batch, uint32_t mark)
{
	struct expression ct;

	load_value(batch, &mark, sizeof(mark));
	ct = begin_expression(batch, "ct");
	netlink_put_be32(batch, NFTA_CT_KEY, NFT_CT_MARK);
	netlink_put_be32(batch, NFTA_CT_SREG, NFT_REG_1);
	end_expression(batch, ct);
}

void nft_redirect(struct netlink_batch *batch, uint16_t port)
{
	const uint16_t ordered = htons(port);
	struct expression redir;

	load_value(batch, &ordered, sizeof(ordered));
	redir = begin_expression(batch, "redir");
	netlink_put_be32(batch, NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1);
	end_expression(batch, redir);
}

static void reject(struct netlink_batch *batch, uint32_t type, uint8_t code)
{
	const struct expression expression = begin_expression(batch, "reject");

	netlink_put_be32(batch, NFTA_REJECT_TYPE, type);
	netlink_put_u8(batch, NFTA_REJECT_ICMP_CODE, code);
	end_expression(batch, expression);
}

void nft_reject_reset(struct netlink_batch *batch)
{
	reject(batch, NFT_REJECT_TCP_RST, 0);
}

void nft_reject_icmp(struct netlink_batch *batch, uint8_t code)
{
	reject(batch, NFT_REJECT_ICMP_UNREACH, code);
}

void nft_queue(struct netlink_batch *batch, uint16_t queue)
{
	const struct expression expression = begin_expression(batch, "queue");

	netlink_put_be16(batch, NFTA_QUEUE_NUM, queue);
	netlink_put_be16(batch, NFTA_QUEUE_TOTAL, 1);
	end_expression(batch, expression);
}

/* Its information is aligned as xtables wants it: for the largest of numbers. */
void nft_queue_by_target(struct netlink_batch *batch, uint16_t queue)
{
	const struct expression expression = begin_expression(batch, "target");
	_Alignas(uint64_t) uint8_t information[8] = { 0 };
	const struct xt_NFQ_info target = { .queuenum = queue };

	memcpy(information, &target, sizeof(target));
	netlink_put_text(batch, NFTA_TARGET_NAME, "NFQUEUE");
	netlink_put_be32(batch, NFTA_TARGET_REV, 0);
	netlink_put(batch, NFTA_TARGET_INFO, information, sizeof(information));
	end_expression(batch, expression);
}
