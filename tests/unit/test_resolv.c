/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "net/net.h"

/* "10.0.0.1 fe80::1%eth0": the servers of a text. */
static const char *servers_of(const char *text)
{
	static char all[512];
	struct resolv resolv;
	char one[IP_TEXT_MAX];

	resolv_parse(text, text != NULL ? strlen(text) : 0, &resolv);
	all[0] = '\0';
	for (size_t i = 0; i < resolv.server_count; i++) {
		if (i > 0)
			strcat(all, " ");
		strcat(all, ip_format(&resolv.servers[i].ip, one));
		if (resolv.servers[i].zone[0] != '\0')
			strcat(strcat(all, "%"), resolv.servers[i].zone);
	}
	return all;
}

static void servers_are_found_in_all_kinds_of_files(void **state)
{
	static const struct {
		const char *text, *servers;
	} files[] = {
		{ "# made by systemd-resolved\nnameserver 127.0.0.53\noptions edns0 "
		  "trust-ad\nsearch lan\n",
		  "127.0.0.53" },
		{ "; a comment\n#nameserver 1.1.1.1\n\nnameserver 10.0.0.1\n"
		  "nameserver 10.0.0.2\n",
		  "10.0.0.1 10.0.0.2" },
		{ "nameserver 10.0.0.1\r\nnameserver fd00::1\r\n", "10.0.0.1 fd00::1" },
		{ "nameserver\t10.0.0.1  # a word behind it\n", "10.0.0.1" },
		{ "nameserver fe80::1%eth0\nnameserver fe80::2%2\n",
		  "fe80::1%eth0 fe80::2%2" },
		{ "nameserver 10.0.0.1", "10.0.0.1" },
		{ " nameserver 10.0.0.1\n", "" },
		{ "nameservers 10.0.0.1\nnameserver10.0.0.1\n", "" },
		{ "nameserver example.test\nnameserver 10.0.0\nnameserver\n"
		  "nameserver 300.1.1.1\nnameserver 10.0.0.9\n",
		  "10.0.0.9" },
		{ "nameserver fe80::1%\nnameserver 10.0.0.1%eth0\n"
		  "nameserver fe80::1%a-name-that-is-too-long\n",
		  "" },
		{ "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\n"
		  "nameserver 1.0.0.4\nnameserver 1.0.0.5\nnameserver 1.0.0.6\n"
		  "nameserver 1.0.0.7\nnameserver 1.0.0.8\nnameserver 1.0.0.9\n",
		  "1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6 1.0.0.7 1.0.0.8" },
		{ "", "" },
		{ NULL, "" },
		{ "\n\n\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_string_equal(servers_of(files[i].text), files[i].servers);
}

static void the_last_line_of_domains_counts(void **state)
{
	static const char text[] = "search a.test b.test\ndomain c.test d.test\n";
	static const char more[] = "domain c.test\nsearch a.test b.test\noptions ndots:2 "
				   "use-vc\n";
	struct resolv resolv;

	(void)state;
	resolv_parse(text, sizeof(text) - 1, &resolv);
	assert_int_equal(resolv.domain_count, 1);
	assert_int_equal(resolv.domains[0].length, 6);
	assert_memory_equal(resolv.domains[0].text, "c.test", 6);
	assert_false(resolv.by_tcp);
	resolv_parse(more, sizeof(more) - 1, &resolv);
	assert_int_equal(resolv.domain_count, 2);
	assert_memory_equal(resolv.domains[1].text, "b.test", 6);
	assert_true(resolv.by_tcp);
}

static void bytes_of_any_kind_do_no_harm(void **state)
{
	static const char text[] = "nameserver 10.0.0.1\0\nnameserver \0\nsearch \0 \n"
				   "nameserver 10.0.0.2\n";
	char *large = malloc(RESOLV_TEXT_MAX + 64);
	struct resolv resolv;

	(void)state;
	assert_non_null(large);
	resolv_parse(text, sizeof(text) - 1, &resolv);
	assert_true(resolv.server_count >= 1);
	memset(large, 'x', RESOLV_TEXT_MAX + 64);
	memcpy(large + RESOLV_TEXT_MAX, "\nnameserver 10.0.0.1\n", 21);
	resolv_parse(large, RESOLV_TEXT_MAX + 64, &resolv);
	assert_int_equal(resolv.server_count, 0);
	free(large);
}

/* ---- what the sandbox reads ------------------------------------------------------------- */

static void set_addresses(struct net_spec *spec)
{
	assert_int_equal(prefix_parse("10.0.2.0/24", &spec->address), 0);
	assert_int_equal(ip_parse("10.0.2.100", &spec->address.ip), 0);
	assert_int_equal(ip_parse("10.0.2.2", &spec->gateway), 0);
	assert_int_equal(ip_parse("10.0.2.3", &spec->dns), 0);
}

static void set_addresses6(struct net_spec *spec)
{
	assert_int_equal(prefix_parse("fd00::/64", &spec->address6), 0);
	assert_int_equal(ip_parse("fd00::64", &spec->address6.ip), 0);
	assert_int_equal(ip_parse("fd00::2", &spec->gateway6), 0);
	assert_int_equal(ip_parse("fd00::3", &spec->dns6), 0);
}

static void the_sandbox_asks_our_forwarder(void **state)
{
	static const char *const search[] = { "a.test", "b.test" };
	struct net_spec spec = { .mode = NET_USER };
	struct arena arena = { 0 };

	(void)state;
	set_addresses(&spec);
	set_addresses6(&spec);
	assert_string_equal(net_resolv_conf(&spec, &arena),
			    "nameserver 10.0.2.3\noptions edns0\n");
	spec.mode = NET_RELAY;
	spec.search = search;
	spec.search_count = 2;
	assert_string_equal(net_resolv_conf(&spec, &arena),
			    "nameserver 10.0.2.3\nsearch a.test b.test\noptions edns0\n");
	spec.no_resolv = true;
	assert_null(net_resolv_conf(&spec, &arena));
	arena_free(&arena);
}

static void a_shared_network_has_a_file_only_where_it_says_something(void **state)
{
	struct ip server;
	struct net_spec spec = { .mode = NET_PLAIN };
	struct arena arena = { 0 };

	(void)state;
	assert_int_equal(ip_parse("9.9.9.9", &server), 0);
	assert_null(net_resolv_conf(&spec, &arena));
	spec.upstreams = &server;
	spec.upstream_count = 1;
	assert_string_equal(net_resolv_conf(&spec, &arena), "nameserver 9.9.9.9\n");
	spec.loopback = true;
	assert_null(net_resolv_conf(&spec, &arena));
	assert_null(net_hosts_file(&spec, NULL, &arena));
	arena_free(&arena);
}

#define LOCALHOSTS "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"

static void hosts_has_the_names_that_are_ours(void **state)
{
	struct host_name hosts[] = { { .name = "db.test" },
				     { .name = "up.test", .gateway = true } };
	struct net_spec spec = { .mode = NET_USER, .hosts = hosts, .host_count = 2 };
	struct arena arena = { 0 };

	(void)state;
	assert_int_equal(ip_parse("192.168.7.1", &hosts[0].address), 0);
	set_addresses(&spec);
	assert_string_equal(net_hosts_file(&spec, "box", &arena),
			    LOCALHOSTS "192.168.7.1\tdb.test\n"
				       "10.0.2.2\tup.test\n"
				       "10.0.2.100\tbox\n"
				       "10.0.2.2\thost.sbx.internal\n");
	set_addresses6(&spec);
	spec.host_count = 0;
	assert_string_equal(net_hosts_file(&spec, "box", &arena),
			    LOCALHOSTS "10.0.2.100\tbox\n"
				       "fd00::64\tbox\n"
				       "10.0.2.2\thost.sbx.internal\n"
				       "fd00::2\thost.sbx.internal\n");
	spec = (struct net_spec){ .mode = NET_PLAIN,
				  .hosts = hosts + 1,
				  .host_count = 1 };
	assert_string_equal(net_hosts_file(&spec, "box", &arena),
			    LOCALHOSTS "127.0.0.1\tup.test\n127.0.1.1\tbox\n");
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_found_in_all_kinds_of_files),
		cmocka_unit_test(the_last_line_of_domains_counts),
		cmocka_unit_test(bytes_of_any_kind_do_no_harm),
		cmocka_unit_test(the_sandbox_asks_our_forwarder),
		cmocka_unit_test(
			a_shared_network_has_a_file_only_where_it_says_something),
		cmocka_unit_test(hosts_has_the_names_that_are_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
