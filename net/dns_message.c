/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_message.h"

#include <string.h>

#include "net/dns_type.h"

enum {
	POINTER = 0xc0, /* the two bits that say so (RFC 1035, 4.1.4) */
	POINTER_MAX = 0x3fff,
	OPT_VERSION_SHIFT = 16,
	OPT_RCODE_SHIFT = 24,
	OPT_DO = 0x8000,
	OPTION_EXTENDED = 15, /* RFC 8914, 2 */
};

/* ---- names ------------------------------------------------------------------------------ */

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

/* Length bytes are below 64, so they are no letters. */
static bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->size == b->size && bytes_equal(a->bytes, b->bytes, a->size);
}

bool dns_name_within(const struct dns_name *name, const struct dns_name *of)
{
	size_t at = 0;

	if (of->size == 0)
		return false;
	while (at + of->size < name->size)
		at += name->bytes[at] + 1U;
	return at + of->size == name->size &&
	       bytes_equal(name->bytes + at, of->bytes, of->size);
}

static int add_label(struct dns_name *name, const uint8_t *bytes, size_t length)
{
	/* The empty label at the end has to fit, too. */
	if (length > DNS_LABEL_MAX || name->size + 1 + length + 1 > DNS_NAME_MAX)
		return -1;
	name->bytes[name->size] = (uint8_t)length;
	memcpy(name->bytes + name->size + 1, bytes, length);
	name->size = (uint8_t)(name->size + 1 + length);
	return 0;
}

static void end_name(struct dns_name *name)
{
	name->bytes[name->size] = 0;
	name->size++;
}

static void give_name(const struct dns_name *name, struct dns_name *ret_name)
{
	ret_name->size = name->size;
	memcpy(ret_name->bytes, name->bytes, name->size);
}

int dns_name_from_text(const char *text, struct dns_name *ret_name)
{
	struct dns_name name = { .size = 0 };

	while (*text != '\0') {
		const size_t length = strcspn(text, ".");

		if (length == 0 || add_label(&name, (const uint8_t *)text, length) < 0)
			return -1;
		text += length + (text[length] == '.');
	}
	if (name.size == 0)
		return -1;
	end_name(&name);
	give_name(&name, ret_name);
	return 0;
}

static bool is_plain(uint8_t byte)
{
	return byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\';
}

int dns_name_to_text(const struct dns_name *name, char to[NAME_TEXT_MAX])
{
	char text[NAME_TEXT_MAX];
	size_t length = 0;

	for (size_t at = 0; at < name->size && name->bytes[at] != 0;) {
		const size_t end = at + 1U + name->bytes[at];

		if (length > 0)
			text[length++] = '.';
		for (at++; at < end; at++) {
			if (!is_plain(name->bytes[at]))
				return -1;
			text[length++] = (char)lower(name->bytes[at]);
		}
	}
	text[length++] = '\0';
	memcpy(to, text, length);
	return 0;
}

/* ---- reading ---------------------------------------------------------------------------- */

uint16_t dns_get_u16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

uint32_t dns_get_u32(const uint8_t *data)
{
	return (uint32_t)dns_get_u16(data) << 16 | dns_get_u16(data + 2);
}

/*
 * One label or pointer at *at. bound is where this run of labels began: a pointer has to go
 * before it, so there are at most as many as there are bytes. *ret_end: where the reader goes on.
 * Returns 1 at the name's end.
 */
static int read_label(const struct dns_reader *reader, size_t *at, size_t *bound,
		      size_t *ret_end, struct dns_name *name)
{
	const uint8_t *here = reader->data + *at;
	size_t target;

	if (*at >= reader->size)
		return -1;
	if ((*here & POINTER) == POINTER) {
		if (reader->size - *at < 2)
			return -1;
		target = dns_get_u16(here) & POINTER_MAX;
		if (target >= *bound || target < DNS_HEADER_SIZE)
			return -1;
		if (*ret_end == 0)
			*ret_end = *at + 2;
		*at = *bound = target;
		return 0;
	}
	if (*here > DNS_LABEL_MAX || reader->size - *at < *here + 1U)
		return -1;
	*at += *here + 1U;
	if (*here == 0)
		return 1;
	return add_label(name, here + 1, *here);
}

int dns_read_name(struct dns_reader *reader, struct dns_name *ret_name)
{
	struct dns_name name;
	size_t at = reader->at, bound = reader->at, end = 0;
	int step;

	name.size = 0;
	do
		step = read_label(reader, &at, &bound, &end, &name);
	while (step == 0);
	if (step < 0)
		return -1;
	end_name(&name);
	reader->at = end != 0 ? end : at;
	give_name(&name, ret_name);
	return 0;
}

static bool has(const struct dns_reader *reader, size_t size)
{
	return reader->size - reader->at >= size;
}

int dns_read_header(struct dns_reader *reader, struct dns_header *ret_header)
{
	const uint8_t *here = reader->data + reader->at;

	if (!has(reader, DNS_HEADER_SIZE))
		return -1;
	*ret_header = (struct dns_header){
		.id = dns_get_u16(here),
		.flags = dns_get_u16(here + 2),
		.questions = dns_get_u16(here + 4),
		.answers = dns_get_u16(here + 6),
		.authorities = dns_get_u16(here + 8),
		.additional = dns_get_u16(here + 10),
	};
	reader->at += DNS_HEADER_SIZE;
	return 0;
}

int dns_read_question(struct dns_reader *reader, struct dns_question *ret_question)
{
	struct dns_reader ahead = *reader;
	struct dns_name name;

	if (dns_read_name(&ahead, &name) < 0 || !has(&ahead, 4))
		return -1;
	give_name(&name, &ret_question->name);
	ret_question->type = dns_get_u16(ahead.data + ahead.at);
	ret_question->class = dns_get_u16(ahead.data + ahead.at + 2);
	reader->at = ahead.at + 4;
	return 0;
}

int dns_read_record(struct dns_reader *reader, struct dns_record *ret_record)
{
	struct dns_reader ahead = *reader;
	struct dns_name owner;
	const uint8_t *here;
	size_t size;

	if (dns_read_name(&ahead, &owner) < 0 || !has(&ahead, 10))
		return -1;
	here = ahead.data + ahead.at;
	size = dns_get_u16(here + 8);
	ahead.at += 10;
	if (!has(&ahead, size))
		return -1;
	give_name(&owner, &ret_record->owner);
	ret_record->type = dns_get_u16(here);
	ret_record->class = dns_get_u16(here + 2);
	ret_record->ttl_s = dns_get_u32(here + 4);
	/* RFC 2181, 8: the uppermost bit makes it zero. */
	if (ret_record->ttl_s > INT32_MAX && ret_record->type != DNS_TYPE_OPT)
		ret_record->ttl_s = 0;
	ret_record->ttl_at = ahead.at - 6;
	ret_record->data = ahead.at;
	ret_record->data_size = size;
	reader->at = ahead.at + size;
	return 0;
}

/* RFC 6891, 6.1.3: an OPT record keeps other things where others have class and TTL. */
static int read_opt(const struct dns_record *record, struct dns_query *query)
{
	if (query->extended || record->owner.size != 1)
		return -1;
	query->extended = true;
	query->version = (uint8_t)(record->ttl_s >> OPT_VERSION_SHIFT);
	query->dnssec = (record->ttl_s & OPT_DO) != 0;
	if (record->class > DNS_UDP_LEAST)
		query->udp_size = record->class;
	return 0;
}

static int read_rest(struct dns_reader *reader, struct dns_query *query)
{
	struct dns_record record;

	for (unsigned i = 0; i < query->header.additional; i++) {
		if (dns_read_record(reader, &record) < 0)
			return -1;
		if (record.type == DNS_TYPE_OPT && read_opt(&record, query) < 0)
			return -1;
	}
	return reader->at == reader->size ? 0 : -1;
}

int dns_read_query(const uint8_t *data, size_t size, struct dns_query *ret_query)
{
	struct dns_reader reader = { data, size, 0 };
	struct dns_query *query = ret_query;

	if (size < DNS_HEADER_SIZE || (data[2] & (DNS_QR >> 8)) != 0)
		return -1;
	memset(query, 0, offsetof(struct dns_query, question));
	query->question.name.size = 0;
	query->extended = query->dnssec = false;
	query->version = 0;
	query->udp_size = DNS_UDP_LEAST;
	if (dns_read_header(&reader, &query->header) < 0)
		return -1;
	if ((query->header.flags & DNS_OPCODE) != 0)
		return DNS_NOTIMP;
	if (query->header.questions != 1 || query->header.answers != 0 ||
	    query->header.authorities != 0)
		return DNS_FORMERR;
	if (dns_read_question(&reader, &query->question) < 0)
		return DNS_FORMERR;
	if (read_rest(&reader, query) < 0)
		return DNS_FORMERR;
	return query->version == 0 ? DNS_NOERROR : DNS_BADVERS;
}

/* ---- writing ---------------------------------------------------------------------------- */

void dns_put_u16(uint8_t *data, uint16_t value)
{
	data[0] = (uint8_t)(value >> 8);
	data[1] = (uint8_t)value;
}

void dns_put_u32(uint8_t *data, uint32_t value)
{
	dns_put_u16(data, (uint16_t)(value >> 16));
	dns_put_u16(data + 2, (uint16_t)value);
}

void dns_write_bytes(struct dns_writer *writer, const uint8_t *bytes, size_t size)
{
	if (writer->full || writer->room - writer->at < size) {
		writer->full = true;
		return;
	}
	if (size > 0)
		memcpy(writer->data + writer->at, bytes, size);
	writer->at += size;
}

void dns_write_u16(struct dns_writer *writer, uint16_t value)
{
	uint8_t bytes[2];

	dns_put_u16(bytes, value);
	dns_write_bytes(writer, bytes, sizeof(bytes));
}

void dns_write_u32(struct dns_writer *writer, uint32_t value)
{
	uint8_t bytes[4];

	dns_put_u32(bytes, value);
	dns_write_bytes(writer, bytes, sizeof(bytes));
}

/* Does the name that we wrote at `at` end alike? Our own pointers go backwards, too. */
static bool is_written_at(const struct dns_writer *writer, size_t at,
			  const uint8_t *labels)
{
	for (;;) {
		const uint8_t *here = writer->data + at;

		if ((*here & POINTER) == POINTER) {
			at = dns_get_u16(here) & POINTER_MAX;
			continue;
		}
		if (*here != *labels || !bytes_equal(here + 1, labels + 1, *labels))
			return false;
		if (*labels == 0)
			return true;
		at += *here + 1U;
		labels += *labels + 1U;
	}
}

static bool find_suffix(const struct dns_writer *writer, const uint8_t *labels,
			uint16_t *ret_at)
{
	for (size_t i = 0; i < writer->suffix_count; i++) {
		if (is_written_at(writer, writer->suffixes[i], labels)) {
			*ret_at = writer->suffixes[i];
			return true;
		}
	}
	return false;
}

/*
 * Places of labels are noted only when the name is whole: what is looked for meanwhile must
 * not run into the end of what is written.
 */
void dns_write_name(struct dns_writer *writer, const struct dns_name *name,
		    bool compressed)
{
	uint16_t places[DNS_NAME_MAX / 2 + 1], target = 0;
	size_t count = 0, at = 0;

	for (; name->bytes[at] != 0; at += name->bytes[at] + 1U) {
		if (compressed && find_suffix(writer, name->bytes + at, &target))
			break;
		if (writer->at <= POINTER_MAX)
			places[count++] = (uint16_t)writer->at;
		dns_write_bytes(writer, name->bytes + at, name->bytes[at] + 1U);
	}
	if (name->bytes[at] != 0)
		dns_write_u16(writer, (uint16_t)(POINTER << 8 | target));
	else
		dns_write_bytes(writer, (const uint8_t[]){ 0 }, 1);
	if (writer->full)
		return;
	for (size_t i = 0; i < count && writer->suffix_count < DNS_SUFFIXES; i++)
		writer->suffixes[writer->suffix_count++] = places[i];
}

void dns_write_header(struct dns_writer *writer, const struct dns_header *header)
{
	dns_write_u16(writer, header->id);
	dns_write_u16(writer, header->flags);
	dns_write_u16(writer, header->questions);
	dns_write_u16(writer, header->answers);
	dns_write_u16(writer, header->authorities);
	dns_write_u16(writer, header->additional);
}

void dns_write_question(struct dns_writer *writer, const struct dns_question *question)
{
	dns_write_name(writer, &question->name, true);
	dns_write_u16(writer, question->type);
	dns_write_u16(writer, question->class);
}

/* RFC 3403, 4.1. Returns how many bytes stand before the name, or -1. */
static int bytes_before(const struct dns_data_form *form, const uint8_t *data,
			size_t size)
{
	size_t before = form->before;

	for (int i = 0; form->type == DNS_TYPE_NAPTR && i < 3; i++) {
		if (before >= size)
			return -1;
		before += data[before] + 1U;
	}
	return before < size ? (int)before : -1;
}

static int write_data(struct dns_writer *writer, const struct dns_reader *from,
		      const struct dns_record *record, const struct dns_data_form *form)
{
	const size_t end = record->data + record->data_size;
	struct dns_reader reader = { from->data, end, record->data };
	const int before =
		bytes_before(form, from->data + record->data, record->data_size);
	struct dns_name name;

	if (before < 0)
		return -1;
	dns_write_bytes(writer, from->data + record->data, (size_t)before);
	reader.at += (size_t)before;
	for (int i = 0; i < form->names; i++) {
		if (dns_read_name(&reader, &name) < 0)
			return -1;
		dns_write_name(writer, &name, form->compressed);
	}
	if (record->type != DNS_TYPE_SOA)
		return reader.at == end ? 0 : -1;
	if (end - reader.at != 20)
		return -1;
	dns_write_bytes(writer, from->data + reader.at, 20);
	return 0;
}

static bool has_right_size(const struct dns_record *record)
{
	switch (record->type) {
	case DNS_TYPE_A:
		return record->data_size == 4;
	case DNS_TYPE_AAAA:
		return record->data_size == 16;
	default:
		return true;
	}
}

static int write_record(struct dns_writer *writer, const struct dns_reader *from,
			const struct dns_record *record)
{
	const struct dns_data_form *form = dns_type_find_form(record->type);
	size_t data;

	if (!has_right_size(record))
		return -1;
	dns_write_name(writer, &record->owner, true);
	dns_write_u16(writer, record->type);
	dns_write_u16(writer, record->class);
	dns_write_u32(writer, record->ttl_s);
	dns_write_u16(writer, (uint16_t)record->data_size);
	data = writer->at;
	if (form == NULL)
		dns_write_bytes(writer, from->data + record->data, record->data_size);
	else if (write_data(writer, from, record, form) < 0)
		return -1;
	if (!writer->full)
		dns_put_u16(writer->data + data - 2, (uint16_t)(writer->at - data));
	return 0;
}

/* A record that fails or does not fit leaves nothing behind. */
int dns_write_record(struct dns_writer *writer, const struct dns_reader *from,
		     const struct dns_record *record)
{
	const size_t at = writer->at, suffix_count = writer->suffix_count;
	const int result = write_record(writer, from, record);

	if (result < 0 || writer->full) {
		writer->at = at;
		writer->suffix_count = suffix_count;
	}
	return result;
}

void dns_write_opt(struct dns_writer *writer, uint16_t udp_size, unsigned rcode,
		   bool dnssec, int extended, const char *words)
{
	const size_t length = extended >= 0 ? strlen(words) : 0;

	dns_write_bytes(writer, (const uint8_t[]){ 0 }, 1);
	dns_write_u16(writer, DNS_TYPE_OPT);
	dns_write_u16(writer, udp_size);
	dns_write_u32(writer, (uint32_t)(rcode >> 4) << OPT_RCODE_SHIFT |
				      (dnssec ? (uint32_t)OPT_DO : 0));
	dns_write_u16(writer, extended >= 0 ? (uint16_t)(6 + length) : 0);
	if (extended < 0)
		return;
	dns_write_u16(writer, OPTION_EXTENDED);
	dns_write_u16(writer, (uint16_t)(2 + length));
	dns_write_u16(writer, (uint16_t)extended);
	dns_write_bytes(writer, (const uint8_t *)words, length);
}

size_t dns_write_upstream_query(uint8_t *to, size_t room, uint16_t id, uint16_t flags,
				const struct dns_question *question, uint16_t udp_size,
				bool dnssec)
{
	struct dns_writer writer = { .data = to, .room = room };
	const struct dns_header header = {
		.id = id, .flags = flags, .questions = 1, .additional = udp_size != 0
	};

	dns_write_header(&writer, &header);
	dns_write_question(&writer, question);
	if (udp_size != 0)
		dns_write_opt(&writer, udp_size, 0, dnssec, DNS_EXTENDED_NONE, "");
	return writer.full ? 0 : writer.at;
}
