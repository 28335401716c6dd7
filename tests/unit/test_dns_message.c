/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER                 "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define COUNTS(qd, an, ns, ar) "\x12\x34\x01\x00\x00" qd "\x00" an "\x00" ns "\x00" ar
#define WWW                    "\3www\4test\0"
#define A_IN                   "\0\1\0\1"

struct sample {
	const char *bytes;
	size_t size;
};

#define SAMPLE(text)                                                                     \
	{                                                                                \
		text, sizeof(text) - 1                                                   \
	}

static int read_query(const struct sample *sample, struct dns_query *ret_query)
{
	/* Of its own, so that a sanitizer sees the end. */
	uint8_t *copy = malloc(sample->size + 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, sample->bytes, sample->size);
	result = dns_read_query(copy, sample->size, ret_query);
	free(copy);
	return result;
}

static void a_question_is_read(void **state)
{
	static const struct sample plain = SAMPLE(HEADER WWW A_IN);
	static const struct sample extended =
		SAMPLE(COUNTS("\1", "\0", "\0", "\1") WWW A_IN
		       "\0\0\x29\x04\xd0\0\0\x80\0\0\4\0\x0a\0\0");
	struct dns_query query;
	char text[NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(read_query(&plain, &query), DNS_NOERROR);
	assert_int_equal(query.header.id, 0x1234);
	assert_int_equal(query.question.type, DNS_TYPE_A);
	assert_int_equal(query.question.class, DNS_CLASS_IN);
	assert_int_equal(dns_name_to_text(&query.question.name, text), 0);
	assert_string_equal(text, "www.test");
	assert_false(query.extended);
	assert_int_equal(query.udp_size, 512);
	assert_int_equal(read_query(&extended, &query), DNS_NOERROR);
	assert_true(query.extended && query.dnssec);
	assert_int_equal(query.udp_size, 1232);
}

static void what_is_malformed_is_said_to_be(void **state)
{
	static const struct sample bad[] = {
		SAMPLE(HEADER),
		SAMPLE(HEADER "\3www\4test"),
		SAMPLE(HEADER WWW),
		SAMPLE(HEADER WWW "\0\1\0"),
		SAMPLE(HEADER WWW A_IN "\0"), /* more than there is to be */
		SAMPLE(COUNTS("\0", "\0", "\0", "\0")),
		SAMPLE(COUNTS("\2", "\0", "\0", "\0") WWW A_IN WWW A_IN),
		SAMPLE(COUNTS("\1", "\1", "\0", "\0") WWW A_IN),
		SAMPLE(COUNTS("\1", "\0", "\1", "\0") WWW A_IN),
		SAMPLE(COUNTS("\1", "\0", "\0", "\1") WWW A_IN),
		SAMPLE(HEADER "\xc0\x0c" A_IN),         /* points at itself */
		SAMPLE(HEADER "\xc0\x0e\xc0\x0c" A_IN), /* forwards */
		SAMPLE(HEADER "\3www\xc0\x0c" A_IN),    /* in a circle */
		SAMPLE(HEADER "\xc0\x00" A_IN),         /* into the header */
		SAMPLE(HEADER "\xc0"),
		SAMPLE(HEADER
		       "\x40"
		       "0123456789012345678901234567890123456789012345678901234567890123\0" A_IN),
		SAMPLE(HEADER "\x80\0" A_IN),
		/* An OPT record twice; of a name; longer than the message. */
		SAMPLE(COUNTS("\1", "\0", "\0", "\2") WWW A_IN
		       "\0\0\x29\x04\xd0\0\0\0\0\0\0\0\0\x29\x04\xd0\0\0\0\0\0\0"),
		SAMPLE(COUNTS("\1", "\0", "\0", "\1") WWW A_IN
		       "\1x\0\0\x29\x04\xd0\0\0\0\0\0\0"),
		SAMPLE(COUNTS("\1", "\0", "\0", "\1") WWW A_IN
		       "\0\0\x29\x04\xd0\0\0\0\0\0\1"),
	};
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_query(&bad[i], &query), DNS_FORMERR);
}

static void what_is_no_question_is_passed_over(void **state)
{
	static const struct sample none[] = {
		SAMPLE(""),
		SAMPLE("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"),
		SAMPLE("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" WWW A_IN),
	};
	struct dns_query query;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(read_query(&none[i], &query), -1);
}

static void other_operations_and_versions_have_their_own_answers(void **state)
{
	static const struct sample notify =
		SAMPLE("\x12\x34\x20\x00\x00\x01\x00\x00\x00\x00\x00\x00" WWW A_IN);
	static const struct sample version = SAMPLE(
		COUNTS("\1", "\0", "\0", "\1") WWW A_IN "\0\0\x29\x04\xd0\0\1\0\0\0\0");
	struct dns_query query;

	(void)state;
	assert_int_equal(read_query(&notify, &query), DNS_NOTIMP);
	assert_int_equal(read_query(&version, &query), DNS_BADVERS);
}

/* Labels of 63, 63, 63 and 61 are 255 with their lengths and the end; one more is too long. */
static void names_have_255_bytes_at_most(void **state)
{
	char text[300] = "";
	struct dns_name name;

	(void)state;
	for (int i = 0; i < 3; i++) {
		memset(text + 64 * (size_t)i, 'a', 63);
		text[64 * i + 63] = '.';
	}
	memset(text + 192, 'b', 61);
	assert_int_equal(dns_name_from_text(text, &name), 0);
	assert_int_equal(name.size, 255);
	text[253] = 'b';
	name.size = 7;
	assert_int_equal(dns_name_from_text(text, &name), -1);
	assert_int_equal(name.size, 7);
	memset(text, 'c', 64);
	text[64] = '\0';
	assert_int_equal(dns_name_from_text(text, &name), -1);
	assert_int_equal(dns_name_from_text("", &name), -1);
	assert_int_equal(dns_name_from_text("a..b", &name), -1);
	assert_int_equal(dns_name_from_text(".", &name), -1);
}

static void pointers_cannot_make_a_name_longer_than_that(void **state)
{
	uint8_t message[DNS_HEADER_SIZE + 400];
	struct dns_reader reader = { message, 0, 0 };
	struct dns_name name;
	size_t at = DNS_HEADER_SIZE, last = 0;

	(void)state;
	/* Each label of 40 goes on where the one before it stands. */
	for (int i = 0; i < 7; i++) {
		const size_t here = at;

		message[at++] = 40;
		memset(message + at, 'a', 40);
		at += 40;
		if (i == 0) {
			message[at++] = 0;
		} else {
			dns_put_u16(message + at, (uint16_t)(0xc000 | last));
			at += 2;
		}
		last = here;
		reader = (struct dns_reader){ message, at, here };
		assert_int_equal(dns_read_name(&reader, &name), i < 6 ? 0 : -1);
		if (i < 6)
			assert_int_equal(reader.at, at);
	}
}

static void names_that_text_would_say_otherwise_have_none(void **state)
{
	static const uint8_t bad[][4] = { { 2, 'a', '.', 0 },  { 2, 'a', '\\', 0 },
					  { 2, 'a', ' ', 0 },  { 2, 'a', 0, 0 },
					  { 2, 'a', '\n', 0 }, { 2, 'a', 0xe9, 0 } };
	struct dns_name name = { .size = 4 };
	char text[NAME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(name.bytes, bad[i], 4);
		assert_int_equal(dns_name_to_text(&name, text), -1);
	}
	memcpy(name.bytes, "\2_Z", 4);
	assert_int_equal(dns_name_to_text(&name, text), 0);
	assert_string_equal(text, "_z");
}

static void names_are_compared_by_labels(void **state)
{
	struct dns_name a, b, other, root = { .size = 1 };

	(void)state;
	assert_int_equal(dns_name_from_text("www.Example.test.", &a), 0);
	assert_int_equal(dns_name_from_text("EXAMPLE.TEST", &b), 0);
	assert_int_equal(dns_name_from_text("wexample.test", &other), 0);
	assert_true(dns_name_within(&a, &b));
	assert_true(dns_name_within(&b, &b));
	assert_false(dns_name_within(&b, &a));
	assert_false(dns_name_within(&other, &b));
	assert_true(dns_name_within(&a, &root));
	assert_false(dns_name_equal(&a, &b));
}

static void names_are_written_once_and_pointed_at(void **state)
{
	uint8_t message[512] = { 0 };
	struct dns_writer writer = { .data = message, .room = sizeof(message) };
	struct dns_reader reader = { message, 0, DNS_HEADER_SIZE };
	static const char *const names[] = { "www.example.test", "mail.EXAMPLE.test",
					     "www.example.test", "test",
					     "other.invalid" };
	struct dns_name name, again;

	(void)state;
	dns_write_header(&writer, &(struct dns_header){ .id = 1 });
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(dns_name_from_text(names[i], &name), 0);
		dns_write_name(&writer, &name, true);
	}
	assert_false(writer.full);
	assert_int_equal(writer.at, DNS_HEADER_SIZE + 18 + 7 + 2 + 2 + 15);
	reader.size = writer.at;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(dns_name_from_text(names[i], &name), 0);
		assert_int_equal(dns_read_name(&reader, &again), 0);
		assert_true(dns_name_equal(&name, &again));
	}
	assert_int_equal(reader.at, writer.at);
}

static void a_record_that_does_not_fit_leaves_nothing(void **state)
{
	uint8_t from[64] = { 0 }, to[32];
	struct dns_writer maker = { .data = from, .room = sizeof(from) };
	struct dns_writer writer = { .data = to, .room = sizeof(to) };
	struct dns_reader reader;
	struct dns_record record;
	struct dns_name name;

	(void)state;
	assert_int_equal(dns_name_from_text("www.example.test", &name), 0);
	dns_write_header(&maker, &(struct dns_header){ .id = 1 });
	dns_write_name(&maker, &name, true);
	dns_write_bytes(&maker, (const uint8_t *)"\0\1\0\1\0\0\0\7\0\4\1\2\3\4", 14);
	reader = (struct dns_reader){ from, maker.at, DNS_HEADER_SIZE };
	assert_int_equal(dns_read_record(&reader, &record), 0);
	assert_int_equal(record.ttl_s, 7);
	dns_write_header(&writer, &(struct dns_header){ .id = 1 });
	assert_int_equal(dns_write_record(&writer, &reader, &record), 0);
	assert_true(writer.full);
	assert_int_equal(writer.at, DNS_HEADER_SIZE);
	assert_int_equal(writer.suffix_count, 0);
}

/* A record that is read from bytes and written again. Returns the size of its data, -1. */
static int rewrite(uint16_t type, const char *data, size_t size)
{
	uint8_t from[128] = { 0 }, to[256];
	struct dns_writer maker = { .data = from, .room = sizeof(from) };
	struct dns_writer writer = { .data = to, .room = sizeof(to) };
	struct dns_reader reader, again;
	struct dns_record record;
	struct dns_name name;

	assert_int_equal(dns_name_from_text("example.test", &name), 0);
	dns_write_header(&maker, &(struct dns_header){ .id = 1 });
	dns_write_name(&maker, &name, true);
	dns_write_u16(&maker, type);
	dns_write_bytes(&maker, (const uint8_t *)"\0\1\0\0\0\7", 6);
	dns_write_u16(&maker, (uint16_t)size);
	dns_write_bytes(&maker, (const uint8_t *)data, size);
	reader = (struct dns_reader){ from, maker.at, DNS_HEADER_SIZE };
	assert_int_equal(dns_read_record(&reader, &record), 0);
	dns_write_header(&writer, &(struct dns_header){ .id = 1 });
	dns_write_name(&writer, &name, true);
	if (dns_write_record(&writer, &reader, &record) < 0)
		return -1;
	again = (struct dns_reader){ to, writer.at, DNS_HEADER_SIZE + 14 };
	assert_int_equal(dns_read_record(&again, &record), 0);
	return (int)record.data_size;
}

static void data_with_names_is_made_anew(void **state)
{
	(void)state;
	assert_int_equal(rewrite(DNS_TYPE_CNAME, "\1a\xc0\x0c", 4), 4);
	assert_int_equal(rewrite(DNS_TYPE_MX, "\0\5\1a\xc0\x0c", 6), 6);
	/* Not compressed where RFC 2782 forbids it. */
	assert_int_equal(rewrite(DNS_TYPE_SRV, "\0\1\0\2\0\3\1a\xc0\x0c", 10), 22);
	assert_int_equal(
		rewrite(DNS_TYPE_SOA,
			"\1a\xc0\x0c\xc0\x0c\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5",
			26),
		26);
	assert_int_equal(rewrite(DNS_TYPE_NAPTR, "\0\1\0\2\1u\0\0\xc0\x0c", 10), 22);
	assert_int_equal(rewrite(65280, "\xc0\x0c", 2), 2);
}

static void data_that_its_type_does_not_have_is_malformed(void **state)
{
	(void)state;
	assert_int_equal(rewrite(DNS_TYPE_A, "\1\2\3", 3), -1);
	assert_int_equal(rewrite(DNS_TYPE_AAAA, "\1\2\3\4", 4), -1);
	assert_int_equal(rewrite(DNS_TYPE_CNAME, "", 0), -1);
	assert_int_equal(rewrite(DNS_TYPE_CNAME, "\3ab", 3), -1);
	assert_int_equal(rewrite(DNS_TYPE_CNAME, "\xc0\x0c\0", 3), -1);
	assert_int_equal(rewrite(DNS_TYPE_MX, "\0\5", 2), -1);
	assert_int_equal(rewrite(DNS_TYPE_SOA, "\xc0\x0c\xc0\x0c\0\0", 6), -1);
	assert_int_equal(rewrite(DNS_TYPE_NAPTR, "\0\1\0\2\x7f", 5), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_read),
		cmocka_unit_test(what_is_malformed_is_said_to_be),
		cmocka_unit_test(what_is_no_question_is_passed_over),
		cmocka_unit_test(other_operations_and_versions_have_their_own_answers),
		cmocka_unit_test(names_have_255_bytes_at_most),
		cmocka_unit_test(pointers_cannot_make_a_name_longer_than_that),
		cmocka_unit_test(names_that_text_would_say_otherwise_have_none),
		cmocka_unit_test(names_are_compared_by_labels),
		cmocka_unit_test(names_are_written_once_and_pointed_at),
		cmocka_unit_test(a_record_that_does_not_fit_leaves_nothing),
		cmocka_unit_test(data_with_names_is_made_anew),
		cmocka_unit_test(data_that_its_type_does_not_have_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
