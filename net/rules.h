/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_RULES_H
#define SBX_NET_RULES_H

/*
 * Which destinations a sandbox may reach. Rules hold in order, the first that matches
 * decides; below them lies the tail: `allow internet`, unless some rule that allows names a
 * NAME, a CIDR or `internet` with ports, then `deny any`. Pure: no clock, no socket, no
 * system call. Relay, frame path and DNS all ask here (through gate.h).
 *
 *   internet   global unicast outside of every on-link prefix of the host
 *   lan        RFC 1918, ULA, CGNAT and the on-link prefixes
 *   host       loopback, every address of the host, and the gateway that stands for it
 *   any        these three
 *   CIDR       the only way to link-local, metadata, multicast and 0.0.0.0/8 addresses
 *   NAME       addresses that our own DNS gave for it (exact, or *.NAME: one label or more)
 *
 * An `--allow CIDR` opens link-local, metadata and the like, or an address of the host, only
 * where it names it: it lies within the range that is closed, or is that one address. While
 * names are in force, other resolvers (ports 53, 853, 5353) are open only to a rule about one
 * address, or about that port of a CIDR, a NAME or the host.
 *
 * DEST = WHAT[:PORTS][/tcp|/udp][,private][,sni]; PORTS = N, N-M, and lists of these with
 * commas are several rules. `[A]:P` for IPv6 with a port; a NAME of one label ends in a dot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

struct arena;
struct error;

enum net_protocol { PROTOCOL_ANY, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP };

/* "tcp" … for lines that people and programs read. */
const char *protocol_name(enum net_protocol protocol);

/* As it was written, with where: "command line" or FILE:LINE. */
struct rule_text {
	bool allow;
	const char *dest;
	const char *from;
};

enum rule_kind { RULE_ANY, RULE_INTERNET, RULE_LAN, RULE_HOST, RULE_PREFIX, RULE_NAME };

struct rule {
	bool allow;
	enum rule_kind kind;
	enum net_protocol protocol;
	bool has_ports;
	struct port_range ports;
	struct prefix prefix; /* RULE_PREFIX */
	const char *name;     /* RULE_NAME: lower case, A-labels, no dot at the end */
	bool wildcard;        /* RULE_NAME: *.name */
	bool private_too;     /* RULE_NAME: may lead to addresses of lan and host */
	bool sni;             /* RULE_NAME: TLS must say that name */
	const struct rule_text *text;
};

/* What is known of the host that the sandbox runs on. */
struct host_view {
	const struct ip *addresses; /* its own */
	size_t address_count;
	struct ip found;              /* one that it was seen to have since; zero: none */
	const struct prefix *on_link; /* its networks */
	size_t on_link_count;
	struct ip gateway, gateway6;   /* stand for the host; zero: none */
	struct prefix inside, inside6; /* the sandbox's own networks; zero bits: none */
};

struct rules {
	const struct rule *rules;
	size_t count;
	bool tail_allows; /* `allow internet` at the end; else `deny any` */
	bool has_names; /* some rule that allows names a NAME: other resolvers are denied */
	struct host_view host;
};

/*
 * Reads the texts into rules, in the arena. A rule that cannot be read, and one that can
 * never match behind an earlier one, is an error that names its place (and both); a hint
 * says what may be meant. The host's view is filled in by whoever knows it, before a flow is judged.
 */
int rules_parse(const struct rule_text *texts, size_t count, struct arena *arena,
		struct rules *ret_rules, struct error *err);

/* One destination, as the sandbox asked for it. */
struct flow_key {
	enum net_protocol protocol;
	struct ip inside; /* the sandbox's end; zero: unknown */
	uint16_t inside_port;
	struct ip to;
	uint16_t port; /* 0 for ICMP */
};

enum why_denied {
	DENIED_NOT,
	DENIED_BY_RULE, /* `rule` says so */
	DENIED_BY_TAIL, /* nothing allows it */
	DENIED_HOST,    /* loopback or the host */
	DENIED_LAN,
	DENIED_SPECIAL,    /* link-local, metadata, multicast, 0.0.0.0/8, reserved */
	DENIED_RESOLVER,   /* another resolver, while names are in force */
	DENIED_NAME,       /* a name that no rule allows */
	DENIED_REBOUND,    /* an allowed name that leads to a private address */
	DENIED_SNI_OTHER,  /* TLS for a name that is not allowed here */
	DENIED_SNI_HIDDEN, /* no ClientHello, or one that hides the name */
	DENIED_NO_PATH, /* no rule: this protocol has no way out (relay without a tap) */
};

struct names;

struct net_verdict {
	bool allowed;
	enum why_denied why;
	const struct rule *rule; /* that decided; NULL: the tail */
	bool sni; /* allowed, if the first bytes are TLS for a name that is */
	/*
	 * That the address was asked for by, in names; NULL: none known. The server name itself
	 * after rules_judge_sni().
	 */
	const char *name;
};

/*
 * Judges a destination. The address is normalised first (ip_normal()); now_ms is any
 * monotonic clock that names was fed by.
 */
void rules_judge(const struct rules *rules, const struct names *names,
		 const struct flow_key *flow, uint64_t now_ms,
		 struct net_verdict *ret_verdict);

/* May this name (lower case, no dot at the end) be looked up at all? */
void rules_judge_name(const struct rules *rules, const char *name,
		      struct net_verdict *ret_verdict);

/*
 * May this answer to an allowed name be given to the sandbox? Not where it leads to what
 * only `private` opens (DNS rebinding), without names in force also not to host loopback or link-local ones.
 */
bool rules_admit_answer(const struct rules *rules, const char *name,
			const struct ip *address);

/*
 * May a TLS connection to that destination say this server name (lower case, no dot at the
 * end)? Where a rule goes by name, only one that our DNS gave this address for.
 */
void rules_judge_sni(const struct rules *rules, const struct names *names,
		     const struct flow_key *flow, const char *server_name,
		     uint64_t now_ms, struct net_verdict *ret_verdict);

/*
 * "--allow 192.168.1.5:80": the option that would let this flow through, or "" where
 * none would. size bytes. A flow of NULL: the look-up of verdict->name. Where the option
 * alone would close the rest of the internet: "--allow 192.168.1.5:80 --allow internet".
 */
void rules_suggest(const struct rules *rules, const struct flow_key *flow,
		   const struct net_verdict *verdict, char *to, size_t size);

/* The reason in words: "an address of the host", "by --deny lan (command line)". */
void rules_explain(const struct net_verdict *verdict, char *to, size_t size);

#endif
