/* SPDX-License-Identifier: Apache-2.0 */
#include "net/spec_words.h"

#include "base/arena.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct rule_text rules[] = {
	{ true, "example.test:443,sni", "command line" },
	{ false, "lan", "/etc/sbx/sbx.conf:3" },
};

static const struct publish published[] = {
	{ .host_ports = { 8080, 8082 },
	  .guest_ports = { 80, 82 },
	  .protocol = PROTOCOL_TCP },
	{ .guest_ports = { 53, 53 }, .protocol = PROTOCOL_UDP, .host_given = true },
};

static struct ip ip(const char *text)
{
	struct ip parsed = { { 0 } };

	assert_int_equal(ip_parse(text, &parsed), 0);
	return parsed;
}

static struct prefix prefix(const char *text)
{
	struct prefix parsed = { .bits = 0 };

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

static struct net_spec read_back(const struct net_spec *spec, struct arena *arena)
{
	struct net_spec read = { 0 };
	struct error err = { 0 };

	assert_int_equal(
		net_spec_from_words(net_spec_to_words(spec, arena), arena, &read, &err),
		0);
	return read;
}

static void an_interface_comes_through(void **state)
{
	struct arena arena = { 0 };
	const struct net_spec spec = {
		.mode = NET_RELAY,
		.relay_off = true,
		.address = prefix("10.0.2.100/24"),
		.gateway = ip("10.0.2.2"),
		.dns = ip("10.0.2.3"),
		.address6 = prefix("fd00::64/64"),
		.gateway6 = ip("fd00::2"),
		.dns6 = ip("fd00::3"),
		.mtu = 1400,
		.txqueuelen = 12,
		.ifname = "eth0",
		.mac = { 2, 0, 0x5e, 0x10, 0xfe, 255 },
		.rate = 125000,
		.log_file = "anything",
	};
	struct net_spec read;

	(void)state;
	read = read_back(&spec, &arena);
	assert_int_equal(read.mode, NET_RELAY);
	assert_true(read.relay_off);
	assert_memory_equal(&read.address, &spec.address, sizeof(spec.address));
	assert_memory_equal(&read.address6, &spec.address6, sizeof(spec.address6));
	assert_true(ip_equal(&read.gateway, &spec.gateway));
	assert_true(ip_equal(&read.gateway6, &spec.gateway6));
	assert_true(ip_equal(&read.dns, &spec.dns));
	assert_true(ip_equal(&read.dns6, &spec.dns6));
	assert_int_equal(read.mtu, 1400);
	assert_int_equal(read.txqueuelen, 12);
	assert_string_equal(read.ifname, "eth0");
	assert_memory_equal(read.mac, spec.mac, sizeof(spec.mac));
	assert_int_equal(read.rate, 125000);
	assert_non_null(read.log_file);
	assert_null(read.pcap_file);
	arena_free(&arena);
}

static void lists_keep_their_order(void **state)
{
	const struct ip upstreams[] = { ip("192.0.2.1"), ip("2001:db8::1") };
	const struct host_name hosts[] = {
		{ .name = "db", .address = ip("192.0.2.7") },
		{ .name = "outer", .gateway = true },
	};
	struct arena arena = { 0 };
	struct publish ports[2];
	struct net_spec spec = { .mode = NET_USER,
				 .rules = rules,
				 .rule_count = 2,
				 .published = ports,
				 .published_count = 2,
				 .upstreams = upstreams,
				 .upstream_count = 2,
				 .hosts = hosts,
				 .host_count = 2 };
	struct net_spec read;

	(void)state;
	memcpy(ports, published, sizeof(ports));
	ports[1].host = ip("0.0.0.0");
	read = read_back(&spec, &arena);
	assert_int_equal(read.rule_count, 2);
	assert_true(read.rules[0].allow && !read.rules[1].allow);
	assert_string_equal(read.rules[0].dest, "example.test:443,sni");
	assert_string_equal(read.rules[1].from, "/etc/sbx/sbx.conf:3");
	assert_int_equal(read.published_count, 2);
	assert_memory_equal(&read.published[0].host_ports, &ports[0].host_ports, 4);
	assert_memory_equal(&read.published[0].guest_ports, &ports[0].guest_ports, 4);
	assert_false(read.published[0].host_given);
	assert_int_equal(read.published[1].protocol, PROTOCOL_UDP);
	assert_int_equal(read.published[1].host_ports.first, 0);
	assert_true(ip_equal(&read.published[1].host, &ports[1].host));
	assert_int_equal(read.upstream_count, 2);
	assert_true(ip_equal(&read.upstreams[1], &upstreams[1]));
	assert_string_equal(read.hosts[0].name, "db");
	assert_true(ip_equal(&read.hosts[0].address, &hosts[0].address));
	assert_true(read.hosts[1].gateway);
	arena_free(&arena);
}

static void words_of_another_version_are_refused(void **state)
{
	const char *const words[] = { "sbx-net", "version", "0.0.1", NULL };
	const char *const cut[] = { "sbx-net", "allow", "internet", NULL };
	struct arena arena = { 0 };
	struct net_spec read;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(net_spec_from_words(words, &arena, &read, &err), -1);
	assert_string_equal(err.text, "read the words for sbx-net: version");
	assert_int_equal(net_spec_from_words(cut, &arena, &read, &err), -1);
	assert_string_equal(err.text, "read the words for sbx-net: allow");
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_comes_through),
		cmocka_unit_test(lists_keep_their_order),
		cmocka_unit_test(words_of_another_version_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
