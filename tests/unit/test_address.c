/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct ip ip_of(const char *text)
{
	struct ip ip;

	if (ip_parse(text, &ip) < 0)
		fail_msg("%s is no address", text);
	return ip;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	if (prefix_parse(text, &prefix) < 0)
		fail_msg("%s is no prefix", text);
	return prefix;
}

static void addresses_are_read_and_written_in_both_families(void **state)
{
	static const char *const rows[][2] = {
		{ "127.0.0.1", "127.0.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "FD00:0:0:0::0001", "fd00::1" },
		{ "::ffff:10.0.0.1", "10.0.0.1" },
		{ "::ffff:a00:1", "10.0.0.1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char text[IP_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip ip = ip_of(rows[i][0]);

		assert_string_equal(ip_format(&ip, text), rows[i][1]);
	}
}

static void what_is_no_address_leaves_the_result_as_it_was(void **state)
{
	static const char *const rows[] = {
		"",           "1",        "1.2.3",      "1.2.3.256",
		"1.2.3.4.",   "1.2.3.4 ", " ::1",       "01.2.3.4",
		":::",        "1::2::3",  "fe80::1%lo", "[::1]",
		"0x7f000001", "12345::",  "::1/128",    "1.2.3.4/8"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip ip = ip_of("192.0.2.1");
		struct ip before = ip;

		if (ip_parse(rows[i], &ip) == 0)
			fail_msg("\"%s\" is read", rows[i]);
		assert_true(ip_equal(&ip, &before));
	}
}

static void four_bytes_become_an_address_and_come_back(void **state)
{
	struct ip ip = ip_from_v4(htonl(0x0a000203)), v6 = ip_of("::1");
	char text[IP_TEXT_MAX];

	(void)state;
	assert_string_equal(ip_format(&ip, text), "10.0.2.3");
	assert_int_equal(ntohl(ip_to_v4(&ip)), 0x0a000203);
	assert_true(ip_is_v4(&ip));
	assert_false(ip_is_v4(&v6));
}

static void what_stands_for_an_ipv4_address_counts_as_it(void **state)
{
	static const char *const rows[][2] = {
		{ "10.0.0.1", "10.0.0.1" },
		{ "::ffff:127.0.0.1", "127.0.0.1" },
		{ "64:ff9b::127.0.0.1", "127.0.0.1" },
		{ "64:ff9b::a9fe:a9fe", "169.254.169.254" },
		{ "2002:7f00:1::", "127.0.0.1" },
		{ "2002:a9fe:a9fe:1:2:3:4:5", "169.254.169.254" },
		/* RFC 4380: all bits of the client's address are turned over. */
		{ "2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45" },
		{ "2001:0:1:2:3:4:80ff:fffe", "127.0.0.1" },
		/* These are themselves. */
		{ "::1", "::1" },
		{ "::127.0.0.1", "::127.0.0.1" },
		{ "64:ff9b:1::1", "64:ff9b:1::1" },
		{ "64:ff9b::1:127.0.0.1", "64:ff9b::1:7f00:1" },
		{ "2001:1::1", "2001:1::1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2003:7f00:1::", "2003:7f00:1::" },
		{ "fe80::5efe:127.0.0.1", "fe80::5efe:7f00:1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip ip = ip_of(rows[i][0]);
		struct ip normal = ip_normal(&ip), again = ip_normal(&normal);
		struct ip expected = ip_of(rows[i][1]);

		if (!ip_equal(&normal, &expected))
			fail_msg("%s does not count as %s", rows[i][0], rows[i][1]);
		assert_true(ip_equal(&normal, &again));
	}
}

/* ---- prefixes ---- */

static void prefixes_are_read_and_written_with_their_own_length(void **state)
{
	static const char *const rows[][2] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "10.0.2.100/24", "10.0.2.100/24" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "192.0.2.1/32", "192.0.2.1/32" },
		{ "::/0", "::/0" },
		{ "fd00::/8", "fd00::/8" },
		{ "::1", "::1/128" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
		{ "::fffe:0:0/95", "::fffe:0:0/95" },
	};
	char text[PREFIX_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix prefix = prefix_of(rows[i][0]);

		assert_string_equal(prefix_format(&prefix, text), rows[i][1]);
	}
}

static void what_is_no_prefix_leaves_the_result_as_it_was(void **state)
{
	static const char *const rows[] = {
		"",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/08",
		"10.0.0.0/8/8",
		"10/8",
		"10.0.0.0/ 8",
		"::/129",
		"::/",
		"fd00::/8 ",
		"10.0.0.0/255.0.0.0",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix prefix = prefix_of("192.0.2.0/24");

		if (prefix_parse(rows[i], &prefix) == 0)
			fail_msg("\"%s\" is read", rows[i]);
		assert_int_equal(prefix.bits, 120);
	}
}

static void a_prefix_has_the_addresses_of_its_family_that_begin_so(void **state)
{
	static const struct {
		const char *prefix, *ip;
		bool expected;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.2.100/24", "10.0.2.1", true },
		{ "172.16.0.0/12", "172.31.0.1", true },
		{ "172.16.0.0/12", "172.32.0.1", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "fd00::1", true },
		{ "::/0", "10.0.0.1", false },
		{ "fe80::/10", "febf::1", true },
		{ "fe80::/10", "fec0::1", false },
		{ "::1/128", "::1", true },
		{ "::1/128", "::2", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "192.0.2.1/32", "192.0.2.0", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix prefix = prefix_of(rows[i].prefix);
		struct ip ip = ip_of(rows[i].ip);

		if (prefix_contains(&prefix, &ip) != rows[i].expected)
			fail_msg("%s and %s", rows[i].prefix, rows[i].ip);
	}
}

static void prefixes_overlap_where_the_shorter_has_the_longer(void **state)
{
	static const struct {
		const char *a, *b;
		bool expected;
	} rows[] = {
		{ "10.0.0.0/8", "10.0.2.0/24", true },
		{ "10.0.0.0/8", "11.0.0.0/8", false },
		{ "0.0.0.0/0", "10.0.0.1/32", true },
		{ "::/0", "0.0.0.0/0", false },
		{ "::/0", "fd00::/8", true },
		{ "10.0.2.0/25", "10.0.2.128/25", false },
		{ "fd00::/64", "fd00:0:0:1::/64", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix a = prefix_of(rows[i].a), b = prefix_of(rows[i].b);

		if (prefix_overlaps(&a, &b) != rows[i].expected ||
		    prefix_overlaps(&b, &a) != rows[i].expected)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void a_prefix_begins_with_zeros_and_ends_with_ones(void **state)
{
	static const char *const rows[][3] = {
		{ "10.0.2.100/24", "10.0.2.0", "10.0.2.255" },
		{ "10.0.2.100/30", "10.0.2.100", "10.0.2.103" },
		{ "10.0.2.100/32", "10.0.2.100", "10.0.2.100" },
		{ "1.2.3.4/0", "0.0.0.0", "255.255.255.255" },
		{ "fd00::64/64", "fd00::", "fd00::ffff:ffff:ffff:ffff" },
		{ "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "fe80::1/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char text[IP_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix prefix = prefix_of(rows[i][0]);
		struct ip first = prefix_first(&prefix), last = prefix_last(&prefix);

		assert_string_equal(ip_format(&first, text), rows[i][1]);
		assert_string_equal(ip_format(&last, text), rows[i][2]);
	}
}

/* ---- ports, endpoints, the kernel's form ---- */

static void ports_are_numbers_and_ranges_of_them(void **state)
{
	static const char *const bad[] = { "",     "0",      "65536", "-",
					   "80-",  "-80",    "90-80", "80-90-95",
					   "+80",  " 80",    "80 ",   "0-80",
					   "http", "080000", "80,90", "80-65536" };
	struct port_range range = { 1, 2 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (port_range_parse(bad[i], &range) == 0)
			fail_msg("\"%s\" is read", bad[i]);
		assert_true(range.first == 1 && range.last == 2);
	}
	assert_int_equal(port_range_parse("80", &range), 0);
	assert_true(range.first == 80 && range.last == 80);
	assert_int_equal(port_range_parse("8000-8010", &range), 0);
	assert_true(port_range_has(&range, 8000) && port_range_has(&range, 8010));
	assert_false(port_range_has(&range, 7999) || port_range_has(&range, 8011));
	assert_int_equal(port_range_parse("1-65535", &range), 0);
	assert_true(port_range_has(&range, 65535));
}

static void an_endpoint_of_ipv6_has_brackets(void **state)
{
	struct ip v4 = ip_of("255.255.255.255");
	struct ip v6 = ip_of("fd00:1111:2222:3333:4444:5555:6666:7777");
	char text[ENDPOINT_TEXT_MAX];

	(void)state;
	assert_string_equal(endpoint_format(&v4, 80, text), "255.255.255.255:80");
	assert_string_equal(endpoint_format(&v6, 65535, text),
			    "[fd00:1111:2222:3333:4444:5555:6666:7777]:65535");
}

static void addresses_come_back_from_the_kernels_form(void **state)
{
	static const char *const rows[] = { "192.0.2.1", "2001:db8::1" };
	struct sockaddr_storage address;
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	struct ip ip;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ip given = ip_of(rows[i]);
		socklen_t size = ip_to_sockaddr(&given, 80, &address);

		assert_int_equal(size, i == 0 ? sizeof(struct sockaddr_in)
					      : sizeof(struct sockaddr_in6));
		assert_int_equal(address.ss_family, i == 0 ? AF_INET : AF_INET6);
		assert_int_equal(ip_from_sockaddr(&address, &ip, &port), 0);
		assert_true(ip_equal(&ip, &given) && port == 80);
	}
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr);
	memcpy(&address, &mapped, sizeof(mapped));
	assert_int_equal(ip_from_sockaddr(&address, &ip, &port), 0);
	assert_true(ip_is_v4(&ip) && port == 9);
	address.ss_family = AF_UNIX;
	assert_int_equal(ip_from_sockaddr(&address, &ip, &port), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written_in_both_families),
		cmocka_unit_test(what_is_no_address_leaves_the_result_as_it_was),
		cmocka_unit_test(four_bytes_become_an_address_and_come_back),
		cmocka_unit_test(what_stands_for_an_ipv4_address_counts_as_it),
		cmocka_unit_test(prefixes_are_read_and_written_with_their_own_length),
		cmocka_unit_test(what_is_no_prefix_leaves_the_result_as_it_was),
		cmocka_unit_test(a_prefix_has_the_addresses_of_its_family_that_begin_so),
		cmocka_unit_test(prefixes_overlap_where_the_shorter_has_the_longer),
		cmocka_unit_test(a_prefix_begins_with_zeros_and_ends_with_ones),
		cmocka_unit_test(ports_are_numbers_and_ranges_of_them),
		cmocka_unit_test(an_endpoint_of_ipv6_has_brackets),
		cmocka_unit_test(addresses_come_back_from_the_kernels_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
