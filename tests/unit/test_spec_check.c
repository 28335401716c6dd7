/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a network's spec, and the addresses that are chosen for it. */
#include "net/net.h"

#include "base/arena.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ip address(const char *text)
{
	struct ip ip = { { 0 } };

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static struct prefix network(const char *text)
{
	struct prefix prefix = { .bits = 0 };

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static struct net_spec whole(void)
{
	return (struct net_spec){
		.mode = NET_USER,
		.address = network("10.0.2.100/24"),
		.gateway = address("10.0.2.2"),
		.dns = address("10.0.2.3"),
		.address6 = network("fd00::64/64"),
		.gateway6 = address("fd00::2"),
		.dns6 = address("fd00::3"),
	};
}

static void assert_refused(const struct net_spec *spec, const char *text)
{
	struct error err = { 0 };

	if (net_check(spec, &err) == 0)
		fail_msg("not refused: %s", text);
	if (!strstr(err.text, text))
		fail_msg("'%s' is not in '%s'", text, err.text);
}

static void assert_right(const struct net_spec *spec)
{
	struct error err = { 0 };

	if (net_check(spec, &err) < 0)
		fail_msg("%s", err.text);
}

static void the_usual_network_is_right(void **state)
{
	struct net_spec spec = whole();

	(void)state;
	assert_right(&spec);
	spec.ip6_off = true;
	spec.address6.bits = 0;
	spec.gateway6 = spec.dns6 = (struct ip){ { 0 } };
	assert_right(&spec);
}

static void own_addresses_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *cidr, *text;
	} rows[] = {
		{ "10.0.2.0/24", "--ip 10.0.2.0/24: it is the address of the network" },
		{ "10.0.2.255/24", "broadcast" },
		{ "10.255.255.255/8", "broadcast" },
		{ "127.0.0.5/8", "loopback" },
		{ "169.254.1.1/16", "link-local" },
		{ "224.0.0.5/8", "multicast" },
		{ "0.0.0.5/8", "this host" },
		{ "250.0.0.5/8", "reserved" },
		{ "10.0.2.2/30", "length has to be 8 to 29" },
		{ "10.0.2.2/32", "length has to be 8 to 29" },
		{ "10.0.2.2/7", "length has to be 8 to 29" },
		{ "fd00::64/64", "--ip fd00::64: it is an IPv6 address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_spec spec = whole();

		spec.address = network(rows[i].cidr);
		assert_refused(&spec, rows[i].text);
	}
}

static void own_addresses_of_ipv6_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *cidr, *text;
	} rows[] = {
		{ "fd00::/64", "--ip6 fd00::/64: it is the address of the network" },
		{ "fe80::5/64", "link-local" },
		{ "ff02::5/64", "multicast" },
		{ "::1/64", "loopback" },
		{ "fd00::64/127", "length has to be" },
		{ "10.0.2.5/24", "IPv4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_spec spec = whole();

		spec.address6 = network(rows[i].cidr);
		assert_refused(&spec, rows[i].text);
	}
}

static void a_gateway_lies_in_the_network_and_apart(void **state)
{
	struct net_spec spec = whole();

	(void)state;
	spec.gateway = address("10.0.3.2");
	assert_refused(&spec, "--gateway 10.0.3.2: it is not in the sandbox's network");
	spec.gateway = spec.address.ip;
	assert_refused(&spec, "the sandbox's own address");
	spec.gateway = address("10.0.2.255");
	assert_refused(&spec, "broadcast");
	spec.gateway = address("10.0.2.0");
	assert_refused(&spec, "network itself");
	spec.gateway = spec.dns;
	assert_refused(&spec, "it is the gateway");
	spec = whole();
	spec.gateway6 = address("fd00:1::2");
	assert_refused(&spec, "--gateway fd00:1::2");
	spec.address6.bits = 0;
	assert_refused(&spec, "there is no IPv6 here");
}

static void the_interface_is_checked_again(void **state)
{
	struct net_spec spec = whole();

	(void)state;
	memset(spec.ifname, 'a', sizeof(spec.ifname));
	assert_refused(&spec, "--ifname");
	spec = whole();
	spec.mac[0] = 3;
	assert_refused(&spec, "multicast");
	spec = whole();
	spec.mtu = 67;
	assert_refused(&spec, "--mtu 67");
	spec.mtu = 1279;
	assert_refused(&spec, "IPv6 needs 1280");
	spec.ip6_off = true;
	spec.address6.bits = 0;
	spec.gateway6 = spec.dns6 = (struct ip){ { 0 } };
	assert_right(&spec);
}

static struct publish publish_of(const char *text)
{
	struct publish publish = { .host_given = false };
	struct error err;

	assert_int_equal(net_parse_publish(text, &publish, &err), 0);
	return publish;
}

static void one_port_of_the_host_is_published_once(void **state)
{
	static const struct {
		const char *one, *other;
		bool clash;
	} rows[] = {
		{ "8080:80", "8080:81", true },
		{ "8080:80", "8081:80", false },
		{ "8080:80", "8080:80/udp", false },
		{ "8000-8010:8000-8010", "8005:80", true },
		{ "127.0.0.1:80:80", "127.0.0.2:80:80", false },
		{ "127.0.0.1:80:80", "80:81", true },
		{ "127.0.0.2:80:80", "80:81", false },
		{ "0.0.0.0:80:80", "127.0.0.2:80:80", true },
		{ "0.0.0.0:80:80", "80:81", true },
		{ "[::]:80:80", "80:81", true },
		{ "[::]:80:80", "127.0.0.1:80:80", false },
		{ "80", "80", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_spec spec = whole();
		struct publish published[] = { publish_of(rows[i].one),
					       publish_of(rows[i].other) };
		struct error err = { 0 };

		spec.published = published;
		spec.published_count = 2;
		if ((net_check(&spec, &err) < 0) != rows[i].clash)
			fail_msg("%s, %s: %s", rows[i].one, rows[i].other, err.text);
	}
}

static void nobody_is_told_of_rules_that_nobody_keeps(void **state)
{
	static const struct rule_text rule = { false, "lan", "command line" };
	struct net_spec spec = { .rules = &rule, .rule_count = 1 };

	(void)state;
	assert_refused(&spec, "nobody serves this network");
	spec = (struct net_spec){ .rate = 5000 };
	assert_refused(&spec, "--net-rate");
	spec = (struct net_spec){ .mode = NET_PLAIN };
	assert_right(&spec);
}

static void a_relay_has_no_packets(void **state)
{
	struct net_spec spec = whole();

	(void)state;
	spec.mode = NET_RELAY;
	assert_right(&spec);
	spec.relay_off = true;
	assert_refused(&spec, "--relay off with --net relay");
	spec.pcap_file = "/x";
	assert_refused(&spec, "--pcap with --net relay");
}

static void rules_are_read(void **state)
{
	static const struct rule_text rule = { true, "10.0.0.0/99", "/x:3" };
	struct net_spec spec = whole();

	(void)state;
	spec.rules = &rule;
	spec.rule_count = 1;
	assert_refused(&spec, "10.0.0.0/99");
}

/* ---- addresses ------------------------------------------------------------------------ */

static struct net_spec choose(struct net_spec spec, bool ip6_wanted)
{
	struct error err = { 0 };

	if (net_choose_addresses(&spec, ip6_wanted, &err) < 0)
		fail_msg("%s", err.text);
	return spec;
}

static void what_is_chosen_is_right(void **state)
{
	struct net_spec spec = choose((struct net_spec){ .mode = NET_USER }, true);

	(void)state;
	assert_right(&spec);
	assert_int_equal(spec.address.bits, 96 + 24);
	assert_int_equal(spec.address6.bits, 64);
	assert_true(ip_is_v4(&spec.gateway));
	assert_int_equal(spec.gateway.bytes[15], 2);
	assert_int_equal(spec.dns6.bytes[15], 3);
}

static void ipv6_can_be_switched_off(void **state)
{
	struct net_spec spec =
		choose((struct net_spec){ .mode = NET_USER, .ip6_off = true }, true);

	(void)state;
	assert_int_equal(spec.address6.bits, 0);
	assert_right(&spec);
}

static void neighbours_make_room_for_what_was_given(void **state)
{
	struct net_spec spec = { .mode = NET_USER, .ip6_off = true };
	struct ip expected;

	(void)state;
	spec.address = network("10.1.1.2/29");
	spec = choose(spec, false);
	expected = address("10.1.1.3");
	assert_true(ip_equal(&spec.gateway, &expected));
	expected = address("10.1.1.4");
	assert_true(ip_equal(&spec.dns, &expected));
	spec = (struct net_spec){ .mode = NET_USER,
				  .ip6_off = true,
				  .gateway = address("10.7.7.3") };
	spec = choose(spec, false);
	expected = address("10.7.7.100");
	assert_true(ip_equal(&spec.address.ip, &expected));
	expected = address("10.7.7.4");
	assert_true(ip_equal(&spec.dns, &expected));
	assert_right(&spec);
	spec = (struct net_spec){ .mode = NET_USER,
				  .ip6_off = true,
				  .gateway = address("10.7.7.100") };
	spec = choose(spec, false);
	assert_right(&spec);
}

static void a_network_of_the_host_is_left_alone(void **state)
{
	struct net_spec spec = choose((struct net_spec){ .mode = NET_USER }, true);
	struct arena arena = { 0 };
	struct host_view view = { .address_count = 0 };
	struct error err;

	(void)state;
	if (net_view_host(&arena, &view, &err) < 0)
		view.on_link_count = 0;
	for (size_t i = 0; i < view.on_link_count; i++) {
		assert_false(prefix_overlaps(&view.on_link[i], &spec.address));
		assert_false(prefix_overlaps(&view.on_link[i], &spec.address6));
	}
	arena_free(&arena);
}

static void names_of_hosts_have_their_form(void **state)
{
	static const char *const right[] = { "a", "a.b", "a-b.c_d", "A1.",
					     "xn--bcher-kva.example" };
	static const char *const wrong[] = { "",     ".",   "-a",  "a-",
					     "a..b", "a b", "a/b", "\xc3\xa4" };
	char label[70];

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_true(net_is_domain(right[i]));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(net_is_domain(wrong[i]));
	memset(label, 'a', sizeof(label));
	label[63] = '\0';
	assert_true(net_is_domain(label));
	label[63] = 'a';
	label[64] = '\0';
	assert_false(net_is_domain(label));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_network_is_right),
		cmocka_unit_test(own_addresses_that_cannot_be_are_refused),
		cmocka_unit_test(own_addresses_of_ipv6_that_cannot_be_are_refused),
		cmocka_unit_test(a_gateway_lies_in_the_network_and_apart),
		cmocka_unit_test(the_interface_is_checked_again),
		cmocka_unit_test(one_port_of_the_host_is_published_once),
		cmocka_unit_test(nobody_is_told_of_rules_that_nobody_keeps),
		cmocka_unit_test(a_relay_has_no_packets),
		cmocka_unit_test(rules_are_read),
		cmocka_unit_test(what_is_chosen_is_right),
		cmocka_unit_test(ipv6_can_be_switched_off),
		cmocka_unit_test(neighbours_make_room_for_what_was_given),
		cmocka_unit_test(a_network_of_the_host_is_left_alone),
		cmocka_unit_test(names_of_hosts_have_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
