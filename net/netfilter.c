/* SPDX-License-Identifier: Apache-2.0 */
#include "net/netfilter.h"

#include "base/error.h"
#include "net/interface.h"
#include "net/nft.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum {
	LOOPBACK_INDEX = 1,
	CONNECTION_CONFIRMED = 1 << 3, /* IPS_CONFIRMED: its first packet has passed */
	DNS_PORT = 53,

	/* Places in headers: RFC 791, 8200, 9293. */
	SOURCE4 = 12,
	DESTINATION4 = 16,
	SOURCE6 = 8,
	DESTINATION6 = 24,
	DESTINATION_PORT = 2,
	TCP_FLAGS = 13,
	TCP_FIN_SYN_RST_ACK = 0x17,
	TCP_SYN = 0x02,

	/* Codes of destination unreachable: RFC 1122, 3.2.2.1; RFC 1812, 5.2.7.1; RFC 4443, 3.1. */
	ICMP4_HOST = 1,
	ICMP4_PROHIBITED = 13,
	ICMP6_PROHIBITED = 1,
	ICMP6_ADDRESS = 3,
};

/* Connection tracking is at -200, addresses are translated at -100 (netfilter's own). */
static const struct nft_chain untrack = { "untrack", "filter", -300 };
static const struct nft_chain ask = { "ask", "filter", -150 };
static const struct nft_chain refuse = { "refuse", "filter", -140 };
static const struct nft_chain keep = { "keep", "route", -130 };
static const struct nft_chain divert = { "divert", "nat", -100 };

static struct nft_table table_of(const struct netfilter_spec *spec)
{
	return (struct nft_table){ .family = spec->family, .name = "sbx" };
}

struct rule_writer {
	const struct netfilter_spec *spec;
	struct nft_table table;
	struct netlink_batch *batch;
	bool by_target;
	size_t rule;
};

static void begin(struct rule_writer *writer, const struct nft_chain *chain,
		  const char *what)
{
	writer->rule = nft_begin_rule(writer->batch, &writer->table, chain, what);
}

static void end(struct rule_writer *writer)
{
	nft_end_rule(writer->batch, writer->rule);
}

/* ---- addresses ---------------------------------------------------------------------- */

enum end { END_SOURCE, END_DESTINATION };

static void match_address(const struct rule_writer *writer, enum end which,
			  const struct ip *address)
{
	if (writer->spec->family == AF_INET) {
		const uint32_t v4 = ip_to_v4(address);

		nft_bytes(writer->batch, NFT_NETWORK_HEADER,
			  which == END_SOURCE ? SOURCE4 : DESTINATION4, NULL, NFT_IS, &v4,
			  sizeof(v4));
		return;
	}
	nft_bytes(writer->batch, NFT_NETWORK_HEADER,
		  which == END_SOURCE ? SOURCE6 : DESTINATION6, NULL, NFT_IS,
		  address->bytes, sizeof(address->bytes));
}

/* 127.0.0.0/8, ::1 */
static void match_loopback(const struct rule_writer *writer, enum end which)
{
	static const struct ip one = { .bytes = { [15] = 1 } };
	static const uint8_t mask = 0xff, net = 127;

	if (writer->spec->family == AF_INET)
		nft_bytes(writer->batch, NFT_NETWORK_HEADER,
			  which == END_SOURCE ? SOURCE4 : DESTINATION4, &mask, NFT_IS,
			  &net, 1);
	else
		match_address(writer, which, &one);
}

/* 224.0.0.0/4 with the broadcast address above it, ff00::/8 */
static void match_multicast(const struct rule_writer *writer)
{
	static const uint8_t mask4 = 0xe0, net4 = 0xe0, mask6 = 0xff, net6 = 0xff;

	if (writer->spec->family == AF_INET)
		nft_bytes(writer->batch, NFT_NETWORK_HEADER, DESTINATION4, &mask4, NFT_IS,
			  &net4, 1);
	else
		nft_bytes(writer->batch, NFT_NETWORK_HEADER, DESTINATION6, &mask6, NFT_IS,
			  &net6, 1);
}

static void match_dns(const struct rule_writer *writer, uint8_t protocol)
{
	const uint16_t port = htons(DNS_PORT);

	nft_protocol(writer->batch, NFT_IS, protocol);
	match_address(writer, END_DESTINATION, &writer->spec->dns_address);
	nft_bytes(writer->batch, NFT_TRANSPORT_HEADER, DESTINATION_PORT, NULL, NFT_IS,
		  &port, sizeof(port));
}

/* Whatever the routes say is here goes out by the loopback interface. */
static void pass_local(struct rule_writer *writer, const struct nft_chain *chain)
{
	begin(writer, chain, "leave local packets alone");
	nft_out_index(writer->batch, NFT_IS, LOOPBACK_INDEX);
	nft_accept(writer->batch);
	end(writer);
}

/* ---- the chains --------------------------------------------------------------------- */

static void write_untrack(struct rule_writer *writer)
{
	nft_add_chain(writer->batch, &writer->table, &untrack);
	begin(writer, &untrack, "leave loopback alone");
	match_loopback(writer, END_SOURCE);
	match_loopback(writer, END_DESTINATION);
	nft_untracked(writer->batch);
	end(writer);
}

static void write_dns_passes(struct rule_writer *writer, uint8_t protocol)
{
	begin(writer, &ask, "let DNS pass");
	match_dns(writer, protocol);
	nft_accept(writer->batch);
	end(writer);
}

static void write_queue(struct rule_writer *writer)
{
	static const uint8_t mask = TCP_FIN_SYN_RST_ACK, syn = TCP_SYN;

	begin(writer, &ask, "queue first packets");
	if (!writer->spec->all_protocols) {
		nft_protocol(writer->batch, NFT_IS, IPPROTO_TCP);
		nft_bytes(writer->batch, NFT_TRANSPORT_HEADER, TCP_FLAGS, &mask, NFT_IS,
			  &syn, 1);
	}
	if (writer->by_target)
		nft_queue_by_target(writer->batch, writer->spec->queue);
	else
		nft_queue(writer->batch, writer->spec->queue);
	end(writer);
}

/*
 * A first packet that is sent again after it was let through belongs to a connection that
 * is confirmed; one that still waits in the queue, or was rejected, is not.
 */
static void write_ask(struct rule_writer *writer)
{
	nft_add_chain(writer->batch, &writer->table, &ask);
	pass_local(writer, &ask);
	begin(writer, &ask, "leave kept connections alone");
	nft_mark(writer->batch, NFT_IS, MARK_KEEPS_CLIENT);
	nft_accept(writer->batch);
	end(writer);
	begin(writer, &ask, "leave connections alone that were asked for");
	nft_connection_status(writer->batch, CONNECTION_CONFIRMED);
	nft_accept(writer->batch);
	end(writer);
	write_dns_passes(writer, IPPROTO_TCP);
	if (writer->spec->all_protocols) {
		write_dns_passes(writer, IPPROTO_UDP);
		begin(writer, &ask, "let multicast packets pass");
		match_multicast(writer);
		nft_accept(writer->batch);
		end(writer);
	}
	write_queue(writer);
}

static void write_refuse(struct rule_writer *writer)
{
	const bool v4 = writer->spec->family == AF_INET;

	nft_add_chain(writer->batch, &writer->table, &refuse);
	begin(writer, &refuse, "reject by a reset");
	nft_protocol(writer->batch, NFT_IS, IPPROTO_TCP);
	nft_mark(writer->batch, NFT_IS, MARK_REFUSE);
	nft_reject_reset(writer->batch);
	end(writer);
	begin(writer, &refuse, "reject as unreachable");
	nft_mark(writer->batch, NFT_IS, MARK_UNREACHABLE);
	nft_reject_icmp(writer->batch, v4 ? ICMP4_HOST : ICMP6_ADDRESS);
	end(writer);
	begin(writer, &refuse, "reject as prohibited");
	nft_mark(writer->batch, NFT_IS, MARK_PROHIBITED);
	nft_reject_icmp(writer->batch, v4 ? ICMP4_PROHIBITED : ICMP6_PROHIBITED);
	end(writer);
}

/* The answers of a socket that knows of no mark (UDP) get it from their connection. */
static void write_keep(struct rule_writer *writer)
{
	nft_add_chain(writer->batch, &writer->table, &keep);
	begin(writer, &keep, "note kept connections");
	nft_mark(writer->batch, NFT_IS, MARK_KEEPS_CLIENT);
	nft_set_connection_mark(writer->batch, MARK_KEEPS_CLIENT);
	nft_accept(writer->batch);
	end(writer);
	begin(writer, &keep, "mark the answers of kept connections");
	nft_connection_mark(writer->batch, MARK_KEEPS_CLIENT);
	nft_set_mark(writer->batch, MARK_KEEPS_CLIENT);
	end(writer);
}

static void write_redirect(struct rule_writer *writer, uint8_t protocol, uint16_t port)
{
	begin(writer, &divert, "redirect DNS");
	match_dns(writer, protocol);
	nft_redirect(writer->batch, port);
	end(writer);
}

static void write_divert(struct rule_writer *writer)
{
	nft_add_chain(writer->batch, &writer->table, &divert);
	write_redirect(writer, IPPROTO_UDP, writer->spec->dns);
	write_redirect(writer, IPPROTO_TCP, writer->spec->dns_tcp);
	pass_local(writer, &divert);
	begin(writer, &divert, "let kept connections pass");
	nft_mark(writer->batch, NFT_IS, MARK_KEEPS_CLIENT);
	nft_accept(writer->batch);
	end(writer);
	begin(writer, &divert, "redirect TCP");
	nft_protocol(writer->batch, NFT_IS, IPPROTO_TCP);
	nft_mark(writer->batch, NFT_IS_NOT, MARK_DIRECT);
	nft_redirect(writer->batch, writer->spec->relay);
	end(writer);
}

static int write_all(int socket, const struct netfilter_spec *spec, bool by_target,
		     struct netlink_batch *batch, struct error *err)
{
	struct rule_writer writer = {
		.spec = spec,
		.table = table_of(spec),
		.batch = batch,
		.by_target = by_target,
	};

	nft_begin(batch);
	nft_add_table(batch, &writer.table);
	write_untrack(&writer);
	write_ask(&writer);
	write_refuse(&writer);
	write_keep(&writer);
	write_divert(&writer);
	nft_end(batch);
	return netlink_send(socket, batch, err);
}

/*
 * Kernels have either of the two ways into a queue, most have both. To ask for one that is
 * missing costs a call of modprobe(8).
 */
int netfilter_set_up(int socket, const struct netfilter_spec *spec, struct error *err)
{
	struct netlink_batch batch = { 0 };

	if (write_all(socket, spec, true, &batch, err) == 0)
		return 0;
	return write_all(socket, spec, false, &batch, err);
}
