/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of the network: what they take, and what they say of what they do not take. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MADE(words) assert_int_equal(planning_root(at, "--net relay " words), 0)

#define REFUSED(words, text) planning_refuses_root(at, "--net relay " words, text)

static void assert_ip(const struct ip *ip, const char *text)
{
	char found[IP_TEXT_MAX];

	assert_string_equal(ip_format(ip, found), text);
}

static void each_network_has_its_word(void **state)
{
	struct planning *at = *state;

	assert_int_equal(planning_root(at, "--net none"), 0);
	assert_int_equal(at->plan.net.mode, NET_PLAIN);
	assert_true(at->plan.net.loopback);
	assert_int_equal(planning_root(at, "--network host"), 0);
	assert_int_equal(at->plan.namespaces.kinds[NS_NET].mode, NS_SHARED);
	assert_false(at->plan.net.loopback);
	assert_int_equal(planning_root(at, "--net relay"), 0);
	assert_int_equal(at->plan.net.mode, NET_RELAY);
	assert_int_equal(at->plan.namespaces.kinds[NS_NET].mode, NS_PRIVATE);
	assert_true(at->plan.net.loopback);
}

static void other_words_are_refused_with_the_nearest(void **state)
{
	struct planning *at = *state;

	planning_refuses_root(at, "--net use", "'use' is none of user, none, host");
	assert_string_equal(at->err.hint, "--net user");
	planning_refuses_root(at, "--net bridge", "none of");
	assert_string_equal(at->err.hint, "--net user");
	planning_refuses_root(at, "--net /proc/1/ns/net", "none of");
	assert_string_equal(at->err.hint, "--net ns:/proc/1/ns/net");
	planning_refuses_root(at, "--net ns:", "'ns:' is none of");
	planning_refuses_root(at, "--network slip", "use --network");
	assert_string_equal(at->err.hint, "--network slirp");
}

static void what_is_no_network_namespace_is_named(void **state)
{
	struct planning *at = *state;

	planning_refuses_root(at, "--net ns:/proc/self/ns/uts", "/proc/self/ns/uts");
	planning_refuses_root(at, "--net ns:/etc/passwd", "/etc/passwd");
	planning_refuses_root(at, "--net ns:@/nothing", "/nothing");
}

static void rules_of_one_source_stay_in_order(void **state)
{
	struct planning *at = *state;
	const struct net_spec *net = &at->plan.net;

	MADE("--deny 192.0.2.1 --allow 192.0.2.0/24:80 --deny lan --allow a.test:443");
	assert_int_equal(net->rule_count, 4);
	assert_false(net->rules[0].allow);
	assert_string_equal(net->rules[0].dest, "192.0.2.1");
	assert_true(net->rules[1].allow);
	assert_false(net->rules[2].allow);
	assert_string_equal(net->rules[3].dest, "a.test:443");
	assert_string_equal(net->rules[3].from, "command line");
}

static void rules_of_the_command_line_come_before_those_of_files(void **state)
{
	struct planning *at = *state;
	const struct net_spec *net = &at->plan.net;

	planning_write(at, "rules", "allow 192.0.2.0/24:80\ndeny lan\n");
	MADE("--profile @/rules --deny 192.0.2.1");
	assert_int_equal(net->rule_count, 3);
	assert_string_equal(net->rules[0].dest, "192.0.2.1");
	assert_string_equal(net->rules[1].dest, "192.0.2.0/24:80");
	assert_true(strstr(net->rules[1].from, "/rules:1") != NULL);
	assert_true(strstr(net->rules[2].from, "/rules:2") != NULL);
	MADE("--profile @/rules --no-allow");
	assert_int_equal(net->rule_count, 1);
	assert_false(net->rules[0].allow);
	MADE("--profile @/rules --no-allow --no-deny");
	assert_int_equal(net->rule_count, 0);
}

static void a_rule_that_cannot_be_read_names_its_place(void **state)
{
	struct planning *at = *state;

	planning_write(at, "rules", "dns 192.0.2.53\nallow 192.0.2.0/99\n");
	REFUSED("--allow 192.0.2.0/99", "192.0.2.0/99");
	REFUSED("--profile @/rules", "/rules:2");
}

static void ports_names_and_searches_are_lists(void **state)
{
	struct planning *at = *state;
	const struct net_spec *net = &at->plan.net;

	MADE("-p 8080:80 -p 53:53/udp --dns 192.0.2.53 --dns 2001:db8::53 "
	     "--search corp.example --add-host db:[fd00::7] --add-host gw:host-gateway");
	assert_int_equal(net->published_count, 2);
	assert_int_equal(net->published[1].protocol, PROTOCOL_UDP);
	assert_int_equal(net->upstream_count, 2);
	assert_ip(&net->upstreams[1], "2001:db8::53");
	assert_string_equal(net->search[0], "corp.example");
	assert_string_equal(net->hosts[0].name, "db");
	assert_ip(&net->hosts[0].address, "fd00::7");
	assert_true(net->hosts[1].gateway);
	REFUSED("-p 0:0", "use --publish");
	REFUSED("--dns one.one", "'one.one' is no address");
	REFUSED("--dns 224.0.0.1", "multicast");
	REFUSED("--search a..b", "'a..b' is no domain");
	REFUSED("--add-host db", "not NAME:ADDR");
	REFUSED("--add-host db:", "not NAME:ADDR");
	REFUSED("--add-host -x:192.0.2.1", "no name of a host");
}

static void addresses_are_read_with_their_length(void **state)
{
	struct planning *at = *state;
	const struct net_spec *net = &at->plan.net;

	MADE("--ip 10.99.1.5/16 --ip6 fd01::5/64");
	assert_ip(&net->address.ip, "10.99.1.5");
	assert_int_equal(net->address.bits, 96 + 16);
	assert_ip(&net->gateway, "10.99.0.2");
	assert_ip(&net->dns, "10.99.0.3");
	assert_ip(&net->gateway6, "fd01::2");
	assert_ip(&net->dns6, "fd01::3");
	MADE("--ip 10.99.1.2/24 --ip6 off --gateway 10.99.1.3");
	assert_ip(&net->gateway, "10.99.1.3");
	assert_ip(&net->dns, "10.99.1.4");
	assert_true(net->ip6_off);
	assert_int_equal(net->address6.bits, 0);
	REFUSED("--ip 10.0.2.100", "has no length");
	REFUSED("--ip 10.0.2.100/33", "is no network");
	REFUSED("--ip 10.0.2/24", "is no network");
	REFUSED("--ip fd00::1/64", "is of IPv6");
	assert_string_equal(at->err.hint, "--ip6 fd00::1/64");
	REFUSED("--ip6 10.0.2.100/24", "is of IPv4");
	REFUSED("--ip6 on", "neither off nor auto");
	REFUSED("--gateway host", "'host' is no address");
}

static void the_interface_has_its_limits(void **state)
{
	struct planning *at = *state;
	const struct net_spec *net = &at->plan.net;
	static const uint8_t mac[] = { 2, 0, 0, 0xff, 0xfe, 1 };

	MADE("--mtu 0 --ifname eth0 --mac 02-00-00-FF-fe-01 --txqueuelen 500");
	assert_int_equal(net->mtu, 0);
	assert_string_equal(net->ifname, "eth0");
	assert_memory_equal(net->mac, mac, sizeof(mac));
	assert_int_equal(net->txqueuelen, 500);
	MADE("--mtu 65521");
	assert_int_equal(net->mtu, 65521);
	MADE("--mtu 68 --ip6 off");
	assert_int_equal(net->mtu, 68);
	REFUSED("--mtu 67 --ip6 off", "from 68 to 65521");
	REFUSED("--mtu 65522", "from 68 to 65521");
	REFUSED("--mtu 1279", "IPv6 needs 1280");
	assert_string_equal(at->err.hint, "--ip6 off");
	REFUSED("--ifname abcdefghijklmnop", "no name for an interface");
	REFUSED("--ifname a/b", "no name for an interface");
	REFUSED("--ifname lo", "no name for an interface");
	REFUSED("--ifname ..", "no name for an interface");
	REFUSED("--ifname tap%d", "no name for an interface");
	REFUSED("--mac 01:00:5e:00:00:01", "multicast");
	assert_string_equal(at->err.hint, "--mac 00:00:5e:00:00:01");
	REFUSED("--mac 00:00:00:00:00:00", "no address of an interface");
	REFUSED("--mac 02:00:00:00:00", "six pairs");
	REFUSED("--mac 02:00:00:00:00:0g", "six pairs");
	REFUSED("--txqueuelen -1", "from 1 to");
}

static void rates_are_bits_or_bytes(void **state)
{
	static const struct {
		const char *words;
		uint64_t rate;
	} rows[] = {
		{ "--net-rate 10Mbit", 1250000 }, { "--net-rate 800Kbit", 100000 },
		{ "--net-rate 800kbit", 100000 }, { "--net-rate 1Gbit", 125000000 },
		{ "--net-rate 8000bit", 1000 },   { "--net-rate 10M", 10485760 },
		{ "--net-rate 64k", 65536 },      { "--net-rate 1G", 1073741824 },
	};
	struct planning *at = *state;
	char words[80];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(words, sizeof(words), "--net relay %s", rows[i].words);
		assert_int_equal(planning_root(at, words), 0);
		assert_true(at->plan.net.rate == rows[i].rate);
	}
	REFUSED("--net-rate 10Mbps", "is no rate");
	REFUSED("--net-rate bit", "is no rate");
	REFUSED("--net-rate Mbit", "is no rate");
	REFUSED("--net-rate -1M", "is no rate");
	REFUSED("--net-rate 999", "less than 1000");
	REFUSED("--net-rate 99999999999Gbit", "is no rate");
}

static void outputs_need_a_place(void **state)
{
	struct planning *at = *state;

	MADE("--net-log @/net.log");
	assert_non_null(strstr(at->plan.net.log_file, "/net.log"));
	REFUSED("--net-log @/missing/log", "write the log of the network to");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_network_has_its_word),
		cmocka_unit_test(other_words_are_refused_with_the_nearest),
		cmocka_unit_test(what_is_no_network_namespace_is_named),
		cmocka_unit_test(rules_of_one_source_stay_in_order),
		cmocka_unit_test(rules_of_the_command_line_come_before_those_of_files),
		cmocka_unit_test(a_rule_that_cannot_be_read_names_its_place),
		cmocka_unit_test(ports_names_and_searches_are_lists),
		cmocka_unit_test(addresses_are_read_with_their_length),
		cmocka_unit_test(the_interface_has_its_limits),
		cmocka_unit_test(rates_are_bits_or_bytes),
		cmocka_unit_test(outputs_need_a_place),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
