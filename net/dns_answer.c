/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_answer.h"

#include <netinet/in.h>
#include <string.h>

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

bool dns_answer_belongs(const uint8_t *data, size_t size, uint16_t id,
			const struct dns_question *question)
{
	struct dns_reader reader = { data, size, 0 };
	struct dns_header header;
	struct dns_question asked;
	unsigned rcode;

	if (dns_read_header(&reader, &header) < 0 || header.id != id ||
	    (header.flags & DNS_QR) == 0 || (header.flags & DNS_OPCODE) != 0)
		return false;
	rcode = header.flags & DNS_RCODE;
	/* Servers that could not read our question do not repeat it. */
	if (header.questions == 0)
		return rcode == DNS_FORMERR || rcode == DNS_NOTIMP;
	return header.questions == 1 && dns_read_question(&reader, &asked) == 0 &&
	       asked.type == question->type && asked.class == question->class &&
	       dns_name_equal(&asked.name, &question->name);
}

int dns_answer_rcode(const uint8_t *data, size_t size)
{
	struct dns_reader reader = { data, size, 0 };
	struct dns_header header;
	struct dns_question question;
	struct dns_record record;
	unsigned count, extended = 0;

	if (dns_read_header(&reader, &header) < 0 || header.questions > 1)
		return -1;
	if (header.questions == 1 && dns_read_question(&reader, &question) < 0)
		return -1;
	count = (unsigned)header.answers + header.authorities + header.additional;
	for (unsigned i = 0; i < count; i++) {
		if (dns_read_record(&reader, &record) < 0)
			return -1;
		if (record.type == DNS_TYPE_OPT)
			extended = record.ttl_s >> 24;
	}
	return (int)(extended << 4 | (header.flags & DNS_RCODE));
}

/* ---- building --------------------------------------------------------------------------- */

struct builder {
	struct dns_reader reader;
	struct dns_header header;
	size_t records; /* where they begin */
	const struct dns_question *question;
	const struct dns_filter *filter;
	struct dns_name chain[DNS_CHAIN_MAX];
	size_t chain_count;
	struct dns_writer writer;
	struct dns_header written;
	struct dns_built built;
	uint32_t ttl_s;          /* the smallest */
	uint32_t negative_ttl_s; /* RFC 2308, 5: what the SOA record says */
	bool found;              /* a record of the type that was asked for */
};

static bool is_in_chain(const struct builder *builder, const struct dns_name *name)
{
	for (size_t i = 0; i < builder->chain_count; i++) {
		if (dns_name_equal(&builder->chain[i], name))
			return true;
	}
	return false;
}

/* Every owner has one alias (RFC 1034, 3.6.2): the first that is read. */
static bool is_next_alias(const struct builder *builder, const struct dns_record *record)
{
	return record->type == DNS_TYPE_CNAME && record->class == DNS_CLASS_IN &&
	       dns_name_equal(&builder->chain[builder->chain_count - 1], &record->owner);
}

/* Returns whether the chain became longer; -1: malformed. */
static int follow_once(struct builder *builder)
{
	struct dns_reader reader = builder->reader;
	struct dns_record record;
	struct dns_name target;

	for (unsigned i = 0; i < builder->header.answers; i++) {
		struct dns_reader data;

		if (dns_read_record(&reader, &record) < 0)
			return -1;
		if (!is_next_alias(builder, &record))
			continue;
		data = (struct dns_reader){ reader.data, reader.at, record.data };
		if (dns_read_name(&data, &target) < 0)
			return -1;
		if (is_in_chain(builder, &target))
			return 0;
		builder->chain[builder->chain_count++] = target;
		return 1;
	}
	return 0;
}

/* A question for the alias itself is answered by it, and leads nowhere. */
static int follow_chain(struct builder *builder)
{
	int step = 1;

	builder->chain[0] = builder->question->name;
	builder->chain_count = 1;
	if (builder->question->type == DNS_TYPE_CNAME)
		return 0;
	while (step > 0 && builder->chain_count < DNS_CHAIN_MAX)
		step = follow_once(builder);
	return step < 0 ? -1 : 0;
}

static bool is_wanted_answer(const struct builder *builder,
			     const struct dns_record *record)
{
	const uint16_t type = record->type;

	if (type == DNS_TYPE_DNAME)
		return true;
	return (type == builder->question->type || type == DNS_TYPE_CNAME ||
		type == DNS_TYPE_RRSIG) &&
	       is_in_chain(builder, &record->owner);
}

/* What a negative answer rests upon. */
static bool is_wanted_authority(const struct dns_record *record)
{
	switch (record->type) {
	case DNS_TYPE_SOA:
	case DNS_TYPE_DS:
	case DNS_TYPE_RRSIG:
	case DNS_TYPE_NSEC:
	case DNS_TYPE_NSEC3:
		return true;
	default:
		return false;
	}
}

static bool is_wanted(const struct builder *builder, enum section section,
		      const struct dns_record *record)
{
	if (record->class != DNS_CLASS_IN || record->type == DNS_TYPE_OPT)
		return false;
	switch (section) {
	case SECTION_ANSWER:
		return is_wanted_answer(builder, record);
	case SECTION_AUTHORITY:
		return is_wanted_authority(record);
	case SECTION_ADDITIONAL:
		break;
	}
	return false;
}

/* The address that a record gives, if it is of the kind that does. */
static bool read_address(const uint8_t *message, const struct dns_record *record,
			 struct ip *ret_address)
{
	uint32_t v4;

	if (record->type == DNS_TYPE_A && record->data_size == sizeof(v4)) {
		memcpy(&v4, message + record->data, sizeof(v4));
		*ret_address = ip_from_v4(v4);
		return true;
	}
	if (record->type == DNS_TYPE_AAAA && record->data_size == 16) {
		memcpy(ret_address->bytes, message + record->data, 16);
		return true;
	}
	return false;
}

static bool is_admitted(struct builder *builder, const struct dns_record *record)
{
	struct ip address;

	if (!read_address(builder->reader.data, record, &address))
		return true;
	if (!builder->filter->admits(builder->filter->context, &address)) {
		builder->built.refused++;
		return false;
	}
	if (builder->built.admitted == DNS_ADDRESSES_MAX)
		return false;
	builder->built.admitted++;
	return true;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void note(struct builder *builder, enum section section,
		 const struct dns_record *record)
{
	const uint8_t *end = builder->reader.data + record->data + record->data_size;

	builder->ttl_s = smaller(builder->ttl_s, record->ttl_s);
	if (section == SECTION_ANSWER && record->type == builder->question->type)
		builder->found = true;
	if (section == SECTION_AUTHORITY && record->type == DNS_TYPE_SOA &&
	    record->data_size >= 22)
		builder->negative_ttl_s = smaller(record->ttl_s, dns_get_u32(end - 4));
}

static int copy_record(struct builder *builder, enum section section, uint16_t *count)
{
	struct dns_record record;

	if (dns_read_record(&builder->reader, &record) < 0)
		return -1;
	if (!is_wanted(builder, section, &record) || !is_admitted(builder, &record))
		return 0;
	if (dns_write_record(&builder->writer, &builder->reader, &record) < 0)
		return -1;
	if (builder->writer.full)
		return -1;
	note(builder, section, &record);
	(*count)++;
	return 0;
}

static int copy_section(struct builder *builder, enum section section, unsigned total,
			uint16_t *count)
{
	for (unsigned i = 0; i < total; i++) {
		if (copy_record(builder, section, count) < 0)
			return -1;
	}
	return 0;
}

static int begin(struct builder *builder)
{
	struct dns_question asked;

	if (dns_read_header(&builder->reader, &builder->header) < 0 ||
	    builder->header.questions != 1 ||
	    dns_read_question(&builder->reader, &asked) < 0)
		return -1;
	builder->written.flags =
		DNS_QR | DNS_RD | DNS_RA | (builder->header.flags & (DNS_AD | DNS_RCODE));
	builder->written.questions = 1;
	dns_write_header(&builder->writer, &builder->written);
	dns_write_question(&builder->writer, builder->question);
	return follow_chain(builder);
}

/*
 * What was filtered is vouched for by nobody. Only what was found, or what an SOA record says
 * is not there, may be kept.
 */
static void end(struct builder *builder, struct dns_built *ret_built)
{
	struct dns_writer header = { .data = builder->writer.data,
				     .room = DNS_HEADER_SIZE };

	if (builder->built.refused > 0)
		builder->written.flags &= (uint16_t)~DNS_AD;
	dns_write_header(&header, &builder->written);
	if (builder->found)
		builder->built.ttl_s = builder->ttl_s;
	else
		builder->built.ttl_s = smaller(builder->ttl_s, builder->negative_ttl_s);
	builder->built.size = builder->writer.at;
	*ret_built = builder->built;
}

int dns_answer_build(const uint8_t *data, size_t size,
		     const struct dns_question *question, const struct dns_filter *filter,
		     uint8_t *to, size_t room, struct dns_built *ret_built)
{
	struct builder builder = {
		.reader = { data, size, 0 },
		.question = question,
		.filter = filter,
		.writer = { .data = to, .room = room },
		.ttl_s = UINT32_MAX,
	};

	if (begin(&builder) < 0 ||
	    copy_section(&builder, SECTION_ANSWER, builder.header.answers,
			 &builder.written.answers) < 0 ||
	    copy_section(&builder, SECTION_AUTHORITY, builder.header.authorities,
			 &builder.written.authorities) < 0 ||
	    builder.writer.full)
		return -1;
	end(&builder, ret_built);
	return 0;
}

/* ---- for one client --------------------------------------------------------------------- */

void dns_answer_age(uint8_t *message, size_t size, uint32_t age_s,
		    void (*found)(void *context, const struct ip *address,
				  uint32_t ttl_s),
		    void *context)
{
	struct dns_reader reader = { message, size, 0 };
	struct dns_header header;
	struct dns_question question;
	struct dns_record record;
	struct ip address;

	if (dns_read_header(&reader, &header) < 0 ||
	    dns_read_question(&reader, &question) < 0)
		return;
	for (unsigned i = 0; i < (unsigned)header.answers + header.authorities; i++) {
		uint32_t left;

		if (dns_read_record(&reader, &record) < 0)
			return;
		left = record.ttl_s > age_s ? record.ttl_s - age_s : 0;
		dns_put_u32(message + record.ttl_at, left);
		if (read_address(message, &record, &address))
			found(context, &address, left);
	}
}

/* AD is for those who know of it (RFC 6840, 5.7 and 5.8). */
static uint16_t flags_for(const struct dns_query *query, uint16_t flags)
{
	const uint16_t asked = query->header.flags;

	flags &= (uint16_t) ~(DNS_RD | DNS_CD);
	if ((asked & DNS_AD) == 0 && !query->dnssec)
		flags &= (uint16_t)~DNS_AD;
	return (uint16_t)(flags | DNS_QR | DNS_RA | (asked & (DNS_RD | DNS_CD)));
}

static void write_opt(struct dns_writer *writer, const struct dns_query *query,
		      unsigned rcode, int extended, const char *words)
{
	if (query->extended)
		dns_write_opt(writer, DNS_UDP_OFFERED, rcode, query->dnssec, extended,
			      words);
}

/* Header and question; the records are counted where they are written. */
static void write_head(struct dns_writer *writer, const struct dns_query *query,
		       uint16_t flags)
{
	const struct dns_header header = { .id = query->header.id,
					   .flags = flags,
					   .questions = query->question.name.size > 0,
					   .additional = query->extended };

	dns_write_header(writer, &header);
	if (header.questions > 0)
		dns_write_question(writer, &query->question);
}

size_t dns_answer_plain(const struct dns_query *query, unsigned rcode, int extended,
			const char *words, uint8_t *to, size_t room)
{
	struct dns_writer writer = { .data = to, .room = room };
	const uint16_t opcode = query->header.flags & DNS_OPCODE;

	write_head(&writer, query,
		   (uint16_t)(flags_for(query, (uint16_t)(rcode & DNS_RCODE)) | opcode));
	write_opt(&writer, query, rcode, extended, words);
	return writer.full ? 0 : writer.at;
}

static size_t truncate_for(const struct dns_query *query, uint16_t flags, uint8_t *to,
			   size_t room)
{
	struct dns_writer writer = { .data = to, .room = room };

	write_head(&writer, query, flags | DNS_TC);
	write_opt(&writer, query, 0, DNS_EXTENDED_NONE, "");
	return writer.full ? 0 : writer.at;
}

size_t dns_answer_fit(const struct dns_query *query, const uint8_t *message, size_t size,
		      size_t max, uint8_t *to, size_t room)
{
	struct dns_reader reader = { message, size, 0 };
	struct dns_writer writer = { .data = to, .room = room };
	struct dns_header header;
	uint16_t flags;

	if (dns_read_header(&reader, &header) < 0)
		return 0;
	flags = flags_for(query, header.flags);
	dns_write_bytes(&writer, message, size);
	write_opt(&writer, query, 0, DNS_EXTENDED_NONE, "");
	if (writer.full || writer.at > max)
		return truncate_for(query, flags, to, room);
	dns_put_u16(to, query->header.id);
	dns_put_u16(to + 2, flags);
	dns_put_u16(to + 10, query->extended);
	/* As long as it was asked for; pointers to its labels stay right. */
	memcpy(to + DNS_HEADER_SIZE, query->question.name.bytes,
	       query->question.name.size);
	return writer.at;
}

static bool write_address(struct dns_writer *writer, const struct dns_question *question,
			  const struct ip *address, uint32_t ttl_s)
{
	const bool v4 = ip_is_v4(address);

	if (question->type != (v4 ? DNS_TYPE_A : DNS_TYPE_AAAA))
		return false;
	dns_write_name(writer, &question->name, true);
	dns_write_u16(writer, question->type);
	dns_write_u16(writer, DNS_CLASS_IN);
	dns_write_u32(writer, ttl_s);
	dns_write_u16(writer, v4 ? 4 : 16);
	dns_write_bytes(writer, address->bytes + (v4 ? 12 : 0), v4 ? 4 : 16);
	return true;
}

size_t dns_answer_addresses(const struct dns_question *question,
			    const struct ip *addresses, size_t count, uint32_t ttl_s,
			    uint8_t *to, size_t room)
{
	struct dns_writer writer = { .data = to, .room = room };
	const struct dns_header header = { .flags = DNS_QR | DNS_RA, .questions = 1 };
	uint16_t written = 0;

	dns_write_header(&writer, &header);
	dns_write_question(&writer, question);
	for (size_t i = 0; i < count && written < DNS_ADDRESSES_MAX; i++) {
		if (write_address(&writer, question, &addresses[i], ttl_s))
			written++;
	}
	if (writer.full)
		return 0;
	dns_put_u16(to + 6, written);
	return writer.at;
}
