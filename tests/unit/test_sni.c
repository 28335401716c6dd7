/* SPDX-License-Identifier: Apache-2.0 */
#include "net/names.h"
#include "net/sni.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Bytes that grow at their end. */
struct bytes {
	uint8_t at[40000];
	size_t size;
};

static void put(struct bytes *to, const void *from, size_t size)
{
	assert_true(to->size + size <= sizeof(to->at));
	memcpy(to->at + to->size, from, size);
	to->size += size;
}

static void put_number(struct bytes *to, size_t number, size_t bytes)
{
	while (bytes-- > 0) {
		uint8_t byte = (uint8_t)(number >> (8 * bytes));

		put(to, &byte, 1);
	}
}

static void put_zeros(struct bytes *to, size_t count)
{
	while (count-- > 0)
		put(to, "", 1);
}

static void put_extension(struct bytes *to, size_t type, const void *body, size_t size)
{
	put_number(to, type, 2);
	put_number(to, size, 2);
	put(to, body, size);
}

static void put_server_name(struct bytes *to, const char *name, size_t length)
{
	put_number(to, 0, 2);
	put_number(to, length + 5, 2);
	put_number(to, length + 3, 2);
	put_number(to, 0, 1);
	put_number(to, length, 2);
	put(to, name, length);
}

/* A ClientHello with these extensions, without records. */
static void put_hello(struct bytes *to, const struct bytes *extensions)
{
	static const uint8_t ciphers[] = { 0x0a, 0x0a, 0x13, 0x01, 0x13, 0x02 };

	put_number(to, 1, 1);
	put_number(to,
		   2 + 32 + 1 + 32 + 2 + sizeof(ciphers) + 2 +
			   (extensions ? 2 + extensions->size : 0),
		   3);
	put_number(to, 0x0303, 2);
	put_zeros(to, 32);
	put_number(to, 32, 1);
	put_zeros(to, 32);
	put_number(to, sizeof(ciphers), 2);
	put(to, ciphers, sizeof(ciphers));
	put_number(to, 1, 1);
	put_number(to, 0, 1);
	if (!extensions)
		return;
	put_number(to, extensions->size, 2);
	put(to, extensions->at, extensions->size);
}

/* In records of at most so many bytes. */
static void put_records(struct bytes *to, const struct bytes *message, size_t max)
{
	for (size_t at = 0; at < message->size; at += max) {
		size_t size = message->size - at < max ? message->size - at : max;

		put_number(to, 22, 1);
		put_number(to, 0x0301, 2);
		put_number(to, size, 2);
		put(to, message->at + at, size);
	}
}

/* What is found in a hello with these extensions; NULL: it has none. */
static enum sni_answer find(const struct bytes *extensions, char *ret_name)
{
	struct bytes message = { .size = 0 }, stream = { .size = 0 };

	put_hello(&message, extensions);
	put_records(&stream, &message, 16384);
	return sni_find(stream.at, stream.size, ret_name);
}

static enum sni_answer find_name(const char *name, size_t length, char *ret_name)
{
	struct bytes extensions = { .size = 0 };

	put_server_name(&extensions, name, length);
	return find(&extensions, ret_name);
}

static void a_server_name_is_found_among_other_extensions(void **state)
{
	struct bytes extensions = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	put_extension(&extensions, 0x0a0a, "", 0); /* GREASE */
	put_extension(&extensions, 0x002b, "\x04\x7a\x7a\x03\x04", 5);
	put_server_name(&extensions, "example.com", 11);
	put_extension(&extensions, 0xfafa, "\0", 1);
	put_extension(&extensions, 0x0015, "\0\0\0\0", 4);
	assert_int_equal(find(&extensions, name), SNI_NAME);
	assert_string_equal(name, "example.com");
}

static void a_name_is_told_in_lower_case_without_its_last_dot(void **state)
{
	char name[NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(find_name("WWW.Example.COM", 15, name), SNI_NAME);
	assert_string_equal(name, "www.example.com");
	assert_int_equal(find_name("example.com.", 12, name), SNI_NAME);
	assert_string_equal(name, "example.com");
	assert_int_equal(find_name("localhost", 9, name), SNI_NAME);
	assert_string_equal(name, "localhost");
}

static void what_is_no_name_is_no_tls(void **state)
{
	static const struct {
		const char *name;
		size_t length;
	} rows[] = {
		{ "", 0 },
		{ ".", 1 },
		{ "..", 2 },
		{ "a..b", 4 },
		{ ".example.com", 12 },
		{ "example.com..", 13 },
		{ "exam ple.com", 12 },
		{ "exa\0mple.com", 12 },
		{ "example.com\0", 12 },
		{ "example.com\0.evil", 17 },
		{ "b\xc3\xbc"
		  "cher.example",
		  14 },
		{ "example.com\n", 12 },
		{ "example.com:443", 15 },
		{ "*.example.com", 13 },
		{ "-a.example", 10 },
		{ "127.0.0.1", 9 },
		{ "::1", 3 },
		{ "0x7f000001", 10 },
		{ "10.1", 4 },
	};
	char name[NAME_TEXT_MAX] = "as it was";

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(find_name(rows[i].name, rows[i].length, name),
				 SNI_NOT_TLS);
		assert_string_equal(name, "as it was");
	}
}

static void a_name_has_the_length_of_dns_at_most(void **state)
{
	char name[NAME_TEXT_MAX], given[300];

	(void)state;
	for (size_t i = 0; i < sizeof(given); i++)
		given[i] = i % 50 == 49 ? '.' : 'a';
	assert_int_equal(find_name(given, 253, name), SNI_NAME);
	assert_int_equal(strlen(name), 253);
	given[253] = '.';
	assert_int_equal(find_name(given, 254, name), SNI_NAME);
	given[253] = 'a';
	assert_int_equal(find_name(given, 254, name), SNI_NOT_TLS);
	assert_int_equal(find_name(given, 299, name), SNI_NOT_TLS);
}

static void a_hello_without_a_name_hides_it(void **state)
{
	struct bytes extensions = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(find(NULL, name), SNI_HIDDEN);
	assert_int_equal(find(&extensions, name), SNI_HIDDEN);
	put_extension(&extensions, 0x002b, "\x02\x03\x04", 3);
	assert_int_equal(find(&extensions, name), SNI_HIDDEN);
}

static void an_encrypted_hello_hides_the_name_before_and_behind_it(void **state)
{
	static const size_t types[] = { 0xfe0d, 0xffce };
	char name[NAME_TEXT_MAX] = "as it was";

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		struct bytes before = { .size = 0 }, behind = { .size = 0 };

		put_extension(&before, types[i], "\0\0\1", 3);
		put_server_name(&before, "example.com", 11);
		assert_int_equal(find(&before, name), SNI_HIDDEN);
		put_server_name(&behind, "example.com", 11);
		put_extension(&behind, types[i], "", 0);
		assert_int_equal(find(&behind, name), SNI_HIDDEN);
	}
	assert_string_equal(name, "as it was");
}

static void two_names_are_none(void **state)
{
	static const uint8_t list_of_two[] = { 0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b' };
	struct bytes twice = { .size = 0 }, listed = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	put_server_name(&twice, "example.com", 11);
	put_server_name(&twice, "example.com", 11);
	assert_int_equal(find(&twice, name), SNI_NOT_TLS);
	put_extension(&listed, 0, list_of_two, sizeof(list_of_two));
	assert_int_equal(find(&listed, name), SNI_NOT_TLS);
}

static void lengths_that_do_not_agree_are_no_tls(void **state)
{
	static const struct {
		const char *body;
		size_t size;
	} rows[] = {
		{ "", 0 },
		{ "\0", 1 },
		{ "\0\0", 2 },
		{ "\0\4\0\0\1a\0", 7 }, /* something behind the list */
		{ "\0\5\0\0\1a", 6 },   /* the list is longer than the extension */
		{ "\0\4\0\0\2a", 6 },   /* the name longer than the list */
		{ "\0\5\0\0\1a\0", 7 }, /* something behind the name */
		{ "\0\4\1\0\1a", 6 },   /* a type that nobody knows */
		{ "\0\3\0\0\0", 5 },    /* an empty name */
	};
	static const char truncated[] = "\0\0\0";
	struct bytes extensions = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		extensions.size = 0;
		put_extension(&extensions, 0, rows[i].body, rows[i].size);
		assert_int_equal(find(&extensions, name), SNI_NOT_TLS);
	}
	for (size_t size = 1; size < sizeof(truncated); size++) {
		extensions.size = 0;
		put_server_name(&extensions, "example.com", 11);
		put(&extensions, truncated, size);
		assert_int_equal(find(&extensions, name), SNI_NOT_TLS);
	}
}

/* Each byte of the message but its random ones says how long something is, or what. */
static void a_message_whose_inner_lengths_are_wrong_is_no_tls(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} rows[] = {
		{ 0, 2 },               /* a ServerHello */
		{ 4, 2 },               /* the version is none of TLS */
		{ 38, 33 },             /* a longer session id than there is */
		{ 38, 255 }, { 71, 1 }, /* ciphers: more than the rest */
		{ 72, 5 },              /* ciphers: an odd number of bytes */
		{ 72, 0 },   { 79, 0 }, /* no compression method */
		{ 79, 200 }, { 82, 1 }, /* extensions: fewer than there are */
		{ 81, 1 },              /* extensions: more */
	};
	struct bytes extensions = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	put_server_name(&extensions, "example.com", 11);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bytes message = { .size = 0 }, stream = { .size = 0 };

		put_hello(&message, &extensions);
		message.at[rows[i].at] = rows[i].byte;
		put_records(&stream, &message, 16384);
		assert_int_equal(sni_find(stream.at, stream.size, name), SNI_NOT_TLS);
	}
}

static void every_beginning_asks_for_more(void **state)
{
	static const size_t record_sizes[] = { 16384, 100, 7, 4, 3, 1 };
	struct bytes extensions = { .size = 0 }, message = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	put_server_name(&extensions, "example.com", 11);
	put_hello(&message, &extensions);
	for (size_t i = 0; i < COUNT(record_sizes); i++) {
		struct bytes stream = { .size = 0 };

		put_records(&stream, &message, record_sizes[i]);
		for (size_t size = 0; size < stream.size; size++) {
			/* Of its own, so that a byte too far is seen. */
			uint8_t *bytes = malloc(size + 1);

			assert_non_null(bytes);
			memcpy(bytes, stream.at, size);
			assert_int_equal(sni_find(bytes, size, name), SNI_MORE);
			free(bytes);
		}
		name[0] = '\0';
		assert_int_equal(sni_find(stream.at, stream.size, name), SNI_NAME);
		assert_string_equal(name, "example.com");
	}
}

static void what_follows_in_a_record_of_its_own_is_nobodys_business(void **state)
{
	struct bytes extensions = { .size = 0 }, message = { .size = 0 };
	struct bytes stream = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	put_server_name(&extensions, "example.com", 11);
	put_hello(&message, &extensions);
	put_records(&stream, &message, 16384);
	put(&stream, "\x14\x03\x03\0\1\1", 6);
	assert_int_equal(sni_find(stream.at, stream.size, name), SNI_NAME);
}

static void what_follows_in_the_same_record_is_no_tls(void **state)
{
	struct bytes extensions = { .size = 0 }, message = { .size = 0 };
	struct bytes whole = { .size = 0 }, split = { .size = 0 };
	char name[NAME_TEXT_MAX];

	(void)state;
	put_server_name(&extensions, "example.com", 11);
	put_hello(&message, &extensions);
	put_number(&message, 0, 1);
	put_records(&whole, &message, 16384);
	assert_int_equal(sni_find(whole.at, whole.size, name), SNI_NOT_TLS);
	/* It is known as soon as the length of the record is. */
	assert_int_equal(sni_find(whole.at, 9, name), SNI_NOT_TLS);
	put_records(&split, &message, 50);
	assert_int_equal(sni_find(split.at, split.size, name), SNI_NOT_TLS);
}

static void other_protocols_are_told_by_their_first_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum sni_answer answer;
	} rows[] = {
		{ "", 0, SNI_MORE },
		{ "\x16", 1, SNI_MORE },
		{ "\x16\x03", 2, SNI_MORE },
		{ "\x16\x03\x01\x02", 4, SNI_MORE },
		{ "\x16\x03\x01\x02\x00", 5, SNI_MORE },
		{ "\x16\x03\x01\x02\x00\x01", 6, SNI_MORE },
		{ "GET / HTTP/1.1\r\n", 16, SNI_NOT_TLS },
		{ "G", 1, SNI_NOT_TLS },
		{ "SSH-2.0-x\r\n", 11, SNI_NOT_TLS },
		{ "\x80\x2e\x01\x03\x01", 5, SNI_NOT_TLS }, /* SSLv2 */
		{ "\x17\x03\x03\x00\x10", 5, SNI_NOT_TLS }, /* application data */
		{ "\x15\x03\x03\x00\x02", 5, SNI_NOT_TLS }, /* an alert */
		{ "\x16\x02", 2, SNI_NOT_TLS },
		{ "\x16\x03\x05", 3, SNI_NOT_TLS },
		{ "\x16\x03\x01\x00\x00", 5, SNI_NOT_TLS }, /* an empty record */
		{ "\x16\x03\x01\x40\x01", 5, SNI_NOT_TLS }, /* too long a record */
		{ "\x16\x03\x01\x02\x00\x02", 6, SNI_NOT_TLS },
		{ "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, SNI_NOT_TLS },
		/* A longer message than is waited for. */
		{ "\x16\x03\x01\x00\x04\x01\x00\x41\x00", 9, SNI_NOT_TLS },
		{ "\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9, SNI_NOT_TLS },
		/* Something else than a handshake in the middle of one. */
		{ "\x16\x03\x01\x00\x04\x01\x00\x01\x00\x17\x03\x03", 12, SNI_NOT_TLS },
	};
	char name[NAME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
			sni_find((const uint8_t *)rows[i].bytes, rows[i].size, name),
			rows[i].answer);
}

static void a_hello_as_long_as_is_waited_for_is_read_and_no_longer_one(void **state)
{
	char name[NAME_TEXT_MAX];

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		struct bytes extensions = { .size = 0 }, message = { .size = 0 };
		struct bytes stream = { .size = 0 };
		size_t filler;

		put_server_name(&extensions, "example.com", 11);
		/* The rest of the message has 83 bytes, two records have 10. */
		filler = SNI_BYTES_MAX - 83 - 10 - extensions.size - 4 + over;
		put_number(&extensions, 21, 2);
		put_number(&extensions, filler, 2);
		put_zeros(&extensions, filler);
		put_hello(&message, &extensions);
		put_records(&stream, &message, 16384);
		assert_int_equal(stream.size, SNI_BYTES_MAX + over);
		assert_int_equal(sni_find(stream.at, SNI_BYTES_MAX - 1, name), SNI_MORE);
		assert_int_equal(sni_find(stream.at, SNI_BYTES_MAX, name),
				 over ? SNI_NOT_TLS : SNI_NAME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_name_is_found_among_other_extensions),
		cmocka_unit_test(a_name_is_told_in_lower_case_without_its_last_dot),
		cmocka_unit_test(what_is_no_name_is_no_tls),
		cmocka_unit_test(a_name_has_the_length_of_dns_at_most),
		cmocka_unit_test(a_hello_without_a_name_hides_it),
		cmocka_unit_test(an_encrypted_hello_hides_the_name_before_and_behind_it),
		cmocka_unit_test(two_names_are_none),
		cmocka_unit_test(lengths_that_do_not_agree_are_no_tls),
		cmocka_unit_test(a_message_whose_inner_lengths_are_wrong_is_no_tls),
		cmocka_unit_test(every_beginning_asks_for_more),
		cmocka_unit_test(what_follows_in_a_record_of_its_own_is_nobodys_business),
		cmocka_unit_test(what_follows_in_the_same_record_is_no_tls),
		cmocka_unit_test(other_protocols_are_told_by_their_first_bytes),
		cmocka_unit_test(
			a_hello_as_long_as_is_waited_for_is_read_and_no_longer_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
