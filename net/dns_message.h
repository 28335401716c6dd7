/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_MESSAGE_H
#define SBX_NET_DNS_MESSAGE_H

/*
 * The messages of RFC 1035, read strictly and written. Pure. Whoever reads trusts nothing:
 * every length is checked, and a compressed name points strictly backwards (4.1.4), so that
 * it ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/names.h"

enum {
	DNS_HEADER_SIZE = 12,
	DNS_NAME_MAX = 255,
	DNS_LABEL_MAX = 63,
	DNS_MESSAGE_MAX = 65535,
	DNS_UDP_LEAST = 512,    /* what everybody takes (RFC 1035, 4.2.1) */
	DNS_UDP_OFFERED = 1232, /* what we take by UDP: it is never fragmented */
};

enum dns_flag {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_AD = 0x0020,
	DNS_CD = 0x0010,
	DNS_RCODE = 0x000f,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16, /* RFC 6891 */
};

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_NAPTR = 35,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_DS = 43,
	DNS_TYPE_RRSIG = 46,
	DNS_TYPE_NSEC = 47,
	DNS_TYPE_NSEC3 = 50,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_META = 128, /* to 255: questions that are about no record (RFC 6895) */
	DNS_TYPE_ANY = 255,
};

enum { DNS_CLASS_IN = 1 };

/* RFC 8914: why an answer is as it is. */
enum dns_extended {
	DNS_EXTENDED_NONE = -1,
	DNS_EXTENDED_OTHER = 0,
	DNS_EXTENDED_BLOCKED = 15,
	DNS_EXTENDED_UNREACHED = 22,
};

/* Labels as they go over the wire, with the empty one at the end, not compressed. */
struct dns_name {
	uint8_t size; /* 0: none */
	uint8_t bytes[DNS_NAME_MAX];
};

struct dns_question {
	struct dns_name name;
	uint16_t type, class;
};

struct dns_record {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl_s;
	size_t ttl_at;          /* where in the message that stands */
	size_t data, data_size; /* from the message's beginning */
};

struct dns_header {
	uint16_t id, flags;
	uint16_t questions, answers, authorities, additional;
};

/* What a client asks. */
struct dns_query {
	struct dns_header header;
	struct dns_question question; /* name.size 0: it could not be read */
	bool extended;                /* has an OPT record (RFC 6891) */
	bool dnssec;                  /* its DO bit */
	uint8_t version;
	uint16_t udp_size; /* largest answer it takes by UDP: 512 or more */
};

/* ---- names ------------------------------------------------------------------------------ */

/* Letters count alike, as everywhere here. */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);

/* Is it `of`, or below? */
bool dns_name_within(const struct dns_name *name, const struct dns_name *of);

/* "example.test", with or without a dot at the end. -1: it is none. */
int dns_name_from_text(const char *text, struct dns_name *ret_name);

/*
 * Lower case, no dot at the end ("" for the root). -1: some label has a byte that text would
 * say otherwise: a dot, a backslash, a blank, or what is no printable ASCII.
 */
int dns_name_to_text(const struct dns_name *name, char to[NAME_TEXT_MAX]);

/* ---- reading ---------------------------------------------------------------------------- */

struct dns_reader {
	const uint8_t *data;
	size_t size, at;
};

/* Each returns 0, or -1 where the message says what cannot be; nothing is given then. */
int dns_read_name(struct dns_reader *reader, struct dns_name *ret_name);
int dns_read_header(struct dns_reader *reader, struct dns_header *ret_header);
int dns_read_question(struct dns_reader *reader, struct dns_question *ret_question);
int dns_read_record(struct dns_reader *reader, struct dns_record *ret_record);

/*
 * A client's question. -1: not worth an answer (it is shorter than a header, or an answer
 * itself). Else the rcode that it gets: DNS_NOERROR where it can be looked up.
 */
int dns_read_query(const uint8_t *data, size_t size, struct dns_query *ret_query);

/* ---- writing ---------------------------------------------------------------------------- */

enum { DNS_SUFFIXES = 48 };

/* Where there is no room for something, full is set, and nothing more is written. */
struct dns_writer {
	uint8_t *data;
	size_t room, at;
	bool full;
	uint16_t suffixes[DNS_SUFFIXES]; /* where names begin that may be pointed at */
	size_t suffix_count;
};

void dns_write_u16(struct dns_writer *writer, uint16_t value);
void dns_write_u32(struct dns_writer *writer, uint32_t value);
void dns_write_bytes(struct dns_writer *writer, const uint8_t *bytes, size_t size);
void dns_write_name(struct dns_writer *writer, const struct dns_name *name,
		    bool compressed);
void dns_write_header(struct dns_writer *writer, const struct dns_header *header);
void dns_write_question(struct dns_writer *writer, const struct dns_question *question);

/*
 * A record of a message that was read, again, with names in its data at their new places
 * (RFC 3597, 4, names the types that have them). -1: its data is not what its type asks for.
 */
int dns_write_record(struct dns_writer *writer, const struct dns_reader *from,
		     const struct dns_record *record);

/* The OPT record; extended: an RFC 8914 code with words, or DNS_EXTENDED_NONE. */
void dns_write_opt(struct dns_writer *writer, uint16_t udp_size, unsigned rcode,
		   bool dnssec, int extended, const char *words);

/* Numbers where they stand. */
uint16_t dns_get_u16(const uint8_t *data);
uint32_t dns_get_u32(const uint8_t *data);
void dns_put_u16(uint8_t *data, uint16_t value);
void dns_put_u32(uint8_t *data, uint32_t value);

/* The question for an upstream; udp_size 0: without OPT. Returns its size, 0: no room. */
size_t dns_write_upstream_query(uint8_t *to, size_t room, uint16_t id, uint16_t flags,
				const struct dns_question *question, uint16_t udp_size,
				bool dnssec);

#endif
