/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor about the network, and what sbx-net is asked for. */
#include "base/accounts.h"
#include "launcher/doctor.h"
#include "tests/unit/made_up_hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_row(const struct host_facts *facts, const char *id,
		       enum row_state state, const char *found, const char *remedy)
{
	const struct finding finding = doctor_judge(id, facts);

	if (finding.state != state || !strstr(finding.found, found))
		fail_msg("row %s: state %d, \"%s\"", id, (int)finding.state,
			 finding.found);
	assert_string_equal(finding.remedy, remedy);
	assert_true((finding.state == ROW_OK) == (finding.costs[0] == '\0'));
}

static void a_network_goes_the_best_way_that_there_is(void **state)
{
	const struct trial refused = failed_trial("open /dev/net/tun", EACCES);
	struct host_facts facts = good_host();

	(void)state;
	assert_row(&facts, "network", ROW_OK, "TCP by the relay, the rest by libslirp",
		   "");
	facts.net.relay4 = failed_trial("redirect TCP", ENOENT);
	assert_row(&facts, "network", ROW_LIMITED, "all of it by libslirp", "");
	facts.net.tap = refused;
	assert_row(&facts, "network", ROW_MISSING, "neither", "");
	facts = good_host();
	facts.net.tap = refused;
	assert_row(&facts, "network", ROW_LIMITED, "TCP and names", "");
	facts = good_host();
	strcpy(facts.net.stack, "none");
	assert_row(&facts, "network", ROW_LIMITED, "TCP and names", "");
	facts = host_without_userns(EPERM);
	assert_row(&facts, "network", ROW_LIMITED, "not tried", "");
	assert_row(&facts, "netfilter", ROW_LIMITED, "not tried", "");
}

static void the_program_of_the_network_is_of_the_same_version(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	strcpy(facts.net.version, "0.0.1");
	assert_row(&facts, "sbx-net", ROW_MISSING, "version 0.0.1, sbx of", "");
	assert_row(&facts, "network", ROW_MISSING, "", "");
	facts.net.version[0] = '\0';
	assert_row(&facts, "sbx-net", ROW_MISSING, "does not answer", "");
	facts.net = (struct net_facts){ .path = "/usr/libexec/sbx/sbx-net" };
	assert_row(&facts, "sbx-net", ROW_MISSING, "sbx-net is not there", "");
	assert_row(&facts, "network", ROW_MISSING, "", "");
}

static void a_packet_filter_that_is_missing_is_loaded(void **state)
{
	static const char modprobe[] =
		"sudo modprobe -a nfnetlink_queue nft_queue nft_ct nft_chain_nat "
		"nft_redir nft_reject_ipv4 nft_reject_ipv6";
	struct host_facts facts = good_host();

	(void)state;
	facts.net.relay6 = failed_trial("redirect TCP", ENOENT);
	assert_row(&facts, "netfilter", ROW_LIMITED, "IPv6: cannot redirect TCP",
		   modprobe);
	facts.net.relay4 = failed_trial("queue first packets", ENOENT);
	assert_row(&facts, "netfilter", ROW_MISSING, "cannot queue first packets",
		   modprobe);
	strcpy(facts.container, "docker");
	assert_row(&facts, "netfilter", ROW_MISSING, "cannot queue first packets", "");
}

static void a_tap_device_that_can_be_opened_may_still_be_refused(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.net.tap = failed_trial("make the tap device tap0", EPERM);
	assert_row(&facts, "tun", ROW_MISSING,
		   "cannot make the tap device tap0: Operation not permitted", "");
}

static void low_ports_of_the_host_have_a_sysctl(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.sysctls.low_port_start = 1024;
	assert_row(&facts, "low-ports", ROW_LIMITED, "is 1024",
		   "sudo sysctl net.ipv4.ip_unprivileged_port_start=80");
	facts.sysctls.low_port_start = -1;
	assert_row(&facts, "low-ports", ROW_LIMITED, "cannot be read", "");
}

static void what_the_host_lacks_its_sandboxes_lack(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	facts.net.ip6 = false;
	facts.net.resolver_count = 0;
	assert_row(&facts, "ip6", ROW_LIMITED, "no route of IPv6", "");
	assert_row(&facts, "resolvers", ROW_LIMITED, "none", "");
}

static void what_sbx_net_says_is_read(void **state)
{
	char text[] = "version 1.2\nstack libslirp 4.7.0\nip6 yes\nresolver 192.0.2.1\n"
		      "resolver fe80::1\nnonsense\nunknown word\n"
		      "tap 13 open /dev/net/tun\nrelay4 0\nrelay6 2 redirect\033 TCP\n";
	struct net_facts net = { .there = true };

	(void)state;
	host_parse_probe(text, &net);
	assert_string_equal(net.version, "1.2");
	assert_string_equal(net.stack, "libslirp 4.7.0");
	assert_true(net.ip6);
	assert_string_equal(net.resolvers, "192.0.2.1 fe80::1");
	assert_int_equal(net.resolver_count, 2);
	assert_int_equal(net.tap.errnum, EACCES);
	assert_string_equal(net.tap.step, "open /dev/net/tun");
	assert_true(net.relay4.ran && net.relay4.errnum == 0);
	assert_int_equal(net.relay6.errnum, ENOENT);
	assert_null(strchr(net.relay6.step, '\033'));
}

static void more_resolvers_than_fit_are_counted(void **state)
{
	char text[1024] = "";
	struct net_facts net = { .there = true };

	(void)state;
	for (int i = 0; i < 30; i++)
		strcat(text, "resolver 192.0.2.100\n");
	host_parse_probe(text, &net);
	assert_int_equal(net.resolver_count, 30);
	assert_true(strlen(net.resolvers) < sizeof(net.resolvers));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_goes_the_best_way_that_there_is),
		cmocka_unit_test(the_program_of_the_network_is_of_the_same_version),
		cmocka_unit_test(a_packet_filter_that_is_missing_is_loaded),
		cmocka_unit_test(a_tap_device_that_can_be_opened_may_still_be_refused),
		cmocka_unit_test(low_ports_of_the_host_have_a_sysctl),
		cmocka_unit_test(what_the_host_lacks_its_sandboxes_lack),
		cmocka_unit_test(what_sbx_net_says_is_read),
		cmocka_unit_test(more_resolvers_than_fit_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
