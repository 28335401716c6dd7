/* SPDX-License-Identifier: Apache-2.0 */
#include "egress.h"
#include "net/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct row {
	const char *words, *flow;
	enum why_denied why;
	const char *by; /* the rule that decides; NULL: the tail */
};

static void judge_row(const struct row *row, const char *pairs)
{
	struct names *names = egress_look_up(pairs);
	struct flow_key flow = egress_flow(row->flow);
	struct net_verdict verdict;
	struct egress egress;

	if (egress_read(&egress, row->words) < 0)
		fail_msg("%s: %s", row->words, egress.err.text);
	rules_judge(&egress.rules, names, &flow, EGRESS_NOW, &verdict);
	if (verdict.why != row->why)
		fail_msg("%s, %s: denied as %d, not %d", row->words, row->flow,
			 verdict.why, row->why);
	assert_int_equal(verdict.allowed, verdict.why == DENIED_NOT);
	if (!verdict.rule != !row->by ||
	    (row->by && strcmp(verdict.rule->text->dest, row->by) != 0))
		fail_msg("%s, %s: decided by %s", row->words, row->flow,
			 verdict.rule ? verdict.rule->text->dest : "the tail");
	egress_free(&egress);
	names_free(names);
}

static void judge_rows(const struct row *rows, size_t count, const char *pairs)
{
	for (size_t i = 0; i < count; i++)
		judge_row(&rows[i], pairs);
}

/* ---- what is closed by nature ---- */

static void without_rules_only_the_internet_is_open(void **state)
{
	static const struct {
		const char *address;
		enum why_denied why;
	} rows[] = {
		{ "8.8.8.8", DENIED_NOT },
		{ "192.0.2.1", DENIED_NOT },
		{ "198.18.0.1", DENIED_NOT },
		{ "2600::1", DENIED_NOT },
		{ "2001:db8::1", DENIED_NOT },
		{ "2001:db8:2::5", DENIED_NOT },
		{ "::ffff:8.8.8.8", DENIED_NOT },
		{ "64:ff9b::8.8.8.8", DENIED_NOT },
		/* The host. */
		{ "127.0.0.1", DENIED_HOST },
		{ "127.255.1.2", DENIED_HOST },
		{ "::1", DENIED_HOST },
		{ "0.0.0.0", DENIED_HOST },
		{ "::", DENIED_HOST },
		{ "::ffff:127.0.0.1", DENIED_HOST },
		{ "::ffff:0.0.0.0", DENIED_HOST },
		{ "64:ff9b::127.0.0.1", DENIED_HOST },
		{ "2002:7f00:1::1", DENIED_HOST },
		{ "2001:0:1:2:3:4:80ff:fffe", DENIED_HOST },
		{ "192.168.1.5", DENIED_HOST },
		{ "203.0.113.9", DENIED_HOST },
		{ "64:ff9b::203.0.113.9", DENIED_HOST },
		{ "2001:db8:1::5", DENIED_HOST },
		{ "fe80::5", DENIED_HOST },
		{ "10.0.2.2", DENIED_HOST },
		{ "::ffff:10.0.2.2", DENIED_HOST },
		{ "fd00::2", DENIED_HOST },
		/* Networks around it. */
		{ "192.168.1.6", DENIED_LAN },
		{ "192.168.77.1", DENIED_LAN },
		{ "10.1.2.3", DENIED_LAN },
		{ "172.16.0.1", DENIED_LAN },
		{ "172.31.255.255", DENIED_LAN },
		{ "100.64.0.1", DENIED_LAN },
		{ "203.0.113.10", DENIED_LAN },
		{ "2001:db8:1::6", DENIED_LAN },
		{ "fd12:3456::1", DENIED_LAN },
		{ "fc00::1", DENIED_LAN },
		{ "64:ff9b::10.1.2.3", DENIED_LAN },
		{ "2002:a01:203::1", DENIED_LAN },
		/* The edges of these. */
		{ "172.32.0.1", DENIED_NOT },
		{ "172.15.0.1", DENIED_NOT },
		{ "100.128.0.1", DENIED_NOT },
		{ "11.0.0.1", DENIED_NOT },
		{ "203.0.114.1", DENIED_NOT },
		{ "128.0.0.1", DENIED_NOT },
		{ "223.255.255.1", DENIED_NOT },
		/* The rest. */
		{ "169.254.169.254", DENIED_SPECIAL },
		{ "::ffff:169.254.169.254", DENIED_SPECIAL },
		{ "64:ff9b::169.254.169.254", DENIED_SPECIAL },
		{ "2002:a9fe:a9fe::1", DENIED_SPECIAL },
		{ "169.254.0.1", DENIED_SPECIAL },
		{ "fd00:ec2::254", DENIED_SPECIAL },
		{ "fd20:ce::254", DENIED_SPECIAL },
		{ "100.100.100.200", DENIED_SPECIAL },
		{ "168.63.129.16", DENIED_SPECIAL },
		{ "192.0.0.192", DENIED_SPECIAL },
		{ "0.0.0.1", DENIED_SPECIAL },
		{ "0.1.2.3", DENIED_SPECIAL },
		{ "224.0.0.251", DENIED_SPECIAL },
		{ "239.255.255.250", DENIED_SPECIAL },
		{ "240.0.0.1", DENIED_SPECIAL },
		{ "255.255.255.255", DENIED_SPECIAL },
		{ "fe80::1", DENIED_SPECIAL },
		{ "febf::1", DENIED_SPECIAL },
		{ "fec0::1", DENIED_SPECIAL },
		{ "ff02::1", DENIED_SPECIAL },
		{ "::127.0.0.1", DENIED_SPECIAL },
		{ "::2", DENIED_SPECIAL },
		{ "::ffff:0:10.0.0.1", DENIED_SPECIAL },
		{ "64:ff9b:1::10.0.0.1", DENIED_SPECIAL },
		{ "100::1", DENIED_SPECIAL },
		{ "4000::1", DENIED_SPECIAL },
		{ "fe00::1", DENIED_SPECIAL },
		/* In the sandbox's own network there is nobody else. */
		{ "10.0.2.3", DENIED_SPECIAL },
		{ "10.0.2.255", DENIED_SPECIAL },
		{ "fd00::3", DENIED_SPECIAL },
	};
	static const char *const protocols[] = { "tcp", "udp", "icmp" };
	char flow[80];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t j = 0; j < COUNT(protocols); j++) {
			const struct row row = { "", flow, rows[i].why, NULL };

			snprintf(flow, sizeof(flow), "%s %s%s", protocols[j],
				 rows[i].address, j < 2 ? " 80" : "");
			judge_row(&row, "");
		}
	}
}

static void a_view_of_nothing_closes_no_more_than_the_tables(void **state)
{
	static const struct rules rules = { .tail_allows = true };
	static const struct {
		const char *flow;
		enum why_denied why;
	} rows[] = {
		{ "tcp 8.8.8.8 80", DENIED_NOT },  { "tcp 2001:db8:1::5 80", DENIED_NOT },
		{ "tcp 10.0.2.2 80", DENIED_LAN }, { "tcp 127.0.0.1 80", DENIED_HOST },
		{ "tcp :: 80", DENIED_HOST },      { "tcp fd00::2 80", DENIED_LAN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_key flow = egress_flow(rows[i].flow);
		struct net_verdict verdict;

		rules_judge(&rules, NULL, &flow, EGRESS_NOW, &verdict);
		assert_int_equal(verdict.why, rows[i].why);
		assert_null(verdict.name);
	}
}

/* ---- words and CIDRs ---- */

static void words_open_their_kind_of_place(void **state)
{
	static const struct row rows[] = {
		{ "+host", "tcp 127.0.0.1 80", DENIED_NOT, "host" },
		{ "+host", "tcp ::1 80", DENIED_NOT, "host" },
		{ "+host", "tcp 10.0.2.2 80", DENIED_NOT, "host" },
		{ "+host", "udp fd00::2 53", DENIED_NOT, "host" },
		{ "+host", "icmp 10.0.2.2", DENIED_NOT, "host" },
		{ "+host", "tcp 192.168.1.5 22", DENIED_NOT, "host" },
		{ "+host", "tcp 64:ff9b::127.0.0.1 22", DENIED_NOT, "host" },
		{ "+host", "tcp 192.168.1.6 22", DENIED_LAN, NULL },
		{ "+host", "tcp 10.0.2.3 22", DENIED_SPECIAL, NULL },
		{ "+host", "tcp 8.8.8.8 22", DENIED_NOT, NULL },
		{ "+host:5432", "tcp 10.0.2.2 5432", DENIED_NOT, "host:5432" },
		{ "+host:5432", "udp 10.0.2.2 5432", DENIED_NOT, "host:5432" },
		{ "+host:5432", "tcp 10.0.2.2 5433", DENIED_HOST, NULL },
		{ "+host:5432/tcp", "udp 10.0.2.2 5432", DENIED_HOST, NULL },
		{ "+lan", "tcp 192.168.1.6 80", DENIED_NOT, "lan" },
		{ "+lan", "tcp 203.0.113.10 80", DENIED_NOT, "lan" },
		{ "+lan", "tcp 10.9.9.9 80", DENIED_NOT, "lan" },
		{ "+lan", "tcp fd12::1 80", DENIED_NOT, "lan" },
		{ "+lan", "tcp 192.168.1.5 80", DENIED_HOST, NULL },
		{ "+lan", "tcp 10.0.2.2 80", DENIED_HOST, NULL },
		{ "+lan", "tcp 10.0.2.9 80", DENIED_SPECIAL, NULL },
		{ "+lan", "tcp 100.100.100.200 80", DENIED_SPECIAL, NULL },
		{ "+lan", "tcp fd00:ec2::254 80", DENIED_SPECIAL, NULL },
		{ "+lan", "tcp 169.254.1.1 80", DENIED_SPECIAL, NULL },
		{ "+lan", "tcp 8.8.8.8 80", DENIED_NOT, NULL },
		{ "+internet", "tcp 8.8.8.8 80", DENIED_NOT, "internet" },
		{ "+internet", "tcp 203.0.113.10 80", DENIED_LAN, NULL },
		{ "+internet", "tcp 127.0.0.1 80", DENIED_HOST, NULL },
		{ "+internet:443", "tcp 8.8.8.8 443", DENIED_NOT, "internet:443" },
		{ "+internet:443", "tcp 8.8.8.8 80", DENIED_BY_TAIL, NULL },
		{ "+internet:80,443", "tcp 2600::1 443", DENIED_NOT, "internet:80,443" },
		{ "+any", "tcp 8.8.8.8 80", DENIED_NOT, "any" },
		{ "+any", "tcp 10.9.9.9 80", DENIED_NOT, "any" },
		{ "+any", "tcp 127.0.0.1 80", DENIED_NOT, "any" },
		{ "+any", "tcp 169.254.169.254 80", DENIED_SPECIAL, NULL },
		{ "+any", "udp 224.0.0.251 5353", DENIED_SPECIAL, NULL },
		{ "+any", "tcp 10.0.2.3 80", DENIED_SPECIAL, NULL },
	};

	(void)state;
	judge_rows(rows, COUNT(rows), "");
}

static void a_cidr_opens_what_is_closed_only_where_it_names_it(void **state)
{
	static const struct row rows[] = {
		{ "+10.0.0.0/8:80", "tcp 10.1.2.3 80", DENIED_NOT, "10.0.0.0/8:80" },
		{ "+10.0.0.0/8", "tcp 64:ff9b::10.1.2.3 80", DENIED_NOT, "10.0.0.0/8" },
		{ "+10.0.0.0/8", "tcp 11.1.2.3 80", DENIED_BY_TAIL, NULL },
		{ "+8.8.0.0/16", "icmp 8.8.8.8", DENIED_NOT, "8.8.0.0/16" },
		{ "+2600::/16", "tcp 2600::1 80", DENIED_NOT, "2600::/16" },
		{ "+192.168.1.0/24", "tcp 192.168.1.6 80", DENIED_NOT, "192.168.1.0/24" },
		/* The host's own addresses. */
		{ "+192.168.1.0/24", "tcp 192.168.1.5 80", DENIED_HOST, NULL },
		{ "+192.168.1.5", "tcp 192.168.1.5 80", DENIED_NOT, "192.168.1.5" },
		{ "+0.0.0.0/0", "tcp 127.0.0.1 80", DENIED_HOST, NULL },
		{ "+0.0.0.0/0", "tcp 10.0.2.2 80", DENIED_HOST, NULL },
		{ "+10.0.2.2:80", "tcp 10.0.2.2 80", DENIED_NOT, "10.0.2.2:80" },
		{ "+[fd00::2]:80", "tcp fd00::2 80", DENIED_NOT, "[fd00::2]:80" },
		{ "+127.0.0.1", "tcp 127.0.0.1 80", DENIED_NOT, "127.0.0.1" },
		{ "+127.0.0.1", "tcp 127.0.0.2 80", DENIED_HOST, NULL },
		{ "+127.0.0.0/8", "tcp 127.0.0.2 80", DENIED_NOT, "127.0.0.0/8" },
		{ "+126.0.0.0/7", "tcp 127.0.0.2 80", DENIED_HOST, NULL },
		{ "+0.0.0.0", "tcp 0.0.0.0 80", DENIED_NOT, "0.0.0.0" },
		{ "+::1", "tcp ::1 80", DENIED_NOT, "::1" },
		{ "+::/0", "tcp ::1 80", DENIED_HOST, NULL },
		{ "+::/0", "tcp 127.0.0.1 80", DENIED_HOST, NULL },
		/* Metadata and the like. */
		{ "+0.0.0.0/0", "tcp 169.254.169.254 80", DENIED_SPECIAL, NULL },
		{ "+169.254.169.254:80", "tcp 169.254.169.254 80", DENIED_NOT,
		  "169.254.169.254:80" },
		{ "+169.254.169.254:80", "tcp 169.254.169.254 81", DENIED_SPECIAL, NULL },
		{ "+169.254.0.0/16", "tcp 64:ff9b::169.254.169.254 80", DENIED_NOT,
		  "169.254.0.0/16" },
		{ "+100.64.0.0/10", "tcp 100.100.100.200 80", DENIED_SPECIAL, NULL },
		{ "+100.100.100.200", "tcp 100.100.100.200 80", DENIED_NOT,
		  "100.100.100.200" },
		{ "+fd00::/8", "tcp fd00:ec2::254 80", DENIED_SPECIAL, NULL },
		{ "+fd00::/8", "tcp fd01::1 80", DENIED_NOT, "fd00::/8" },
		{ "+fe80::/10", "tcp fe80::1 80", DENIED_NOT, "fe80::/10" },
		{ "+0.0.0.0/8", "tcp 0.1.2.3 80", DENIED_NOT, "0.0.0.0/8" },
		{ "+224.0.0.0/4", "udp 224.0.0.251 5353", DENIED_NOT, "224.0.0.0/4" },
		{ "+10.0.2.3", "tcp 10.0.2.3 80", DENIED_SPECIAL, NULL },
		{ "+10.0.2.0/24", "tcp 10.0.2.77 80", DENIED_SPECIAL, NULL },
		/* One family is not the other. */
		{ "+0.0.0.0/0", "tcp 2600::1 80", DENIED_BY_TAIL, NULL },
		{ "+::/0", "tcp 8.8.8.8 80", DENIED_BY_TAIL, NULL },
		{ "+::/0", "tcp 64:ff9b::8.8.8.8 80", DENIED_NOT, "::/0" },
		{ "+::/0", "tcp 64:ff9b::10.0.0.1 80", DENIED_LAN, NULL },
	};

	(void)state;
	judge_rows(rows, COUNT(rows), "");
}

static void the_first_rule_that_matches_decides(void **state)
{
	static const struct row rows[] = {
		{ "-internet:25", "tcp 8.8.8.8 25", DENIED_BY_RULE, "internet:25" },
		{ "-internet:25", "tcp 8.8.8.8 26", DENIED_NOT, NULL },
		{ "-any", "tcp 8.8.8.8 26", DENIED_BY_RULE, "any" },
		{ "-any", "tcp 127.0.0.1 26", DENIED_BY_RULE, "any" },
		{ "-any", "tcp 169.254.169.254 26", DENIED_SPECIAL, NULL },
		{ "+host:80 -any", "tcp 10.0.2.2 80", DENIED_NOT, "host:80" },
		{ "+host:80 -any", "tcp 10.0.2.2 81", DENIED_BY_RULE, "any" },
		{ "-10.0.0.1 +10.0.0.0/8", "tcp 10.0.0.1 80", DENIED_BY_RULE,
		  "10.0.0.1" },
		{ "-10.0.0.1 +10.0.0.0/8", "tcp 10.0.0.2 80", DENIED_NOT, "10.0.0.0/8" },
		{ "-10.0.0.1 +lan", "tcp ::ffff:10.0.0.1 80", DENIED_BY_RULE,
		  "10.0.0.1" },
		{ "-10.0.0.1 +lan", "tcp 2002:a00:1::9 80", DENIED_BY_RULE, "10.0.0.1" },
		{ "-8.0.0.0/8", "tcp 8.8.8.8 80", DENIED_BY_RULE, "8.0.0.0/8" },
		{ "-8.0.0.0/8", "tcp 64:ff9b::8.8.8.8 80", DENIED_BY_RULE, "8.0.0.0/8" },
		{ "-::/0", "tcp 64:ff9b::8.8.8.8 80", DENIED_BY_RULE, "::/0" },
		{ "-0.0.0.0/0", "tcp 127.0.0.1 80", DENIED_BY_RULE, "0.0.0.0/0" },
		{ "-0.0.0.0/0", "tcp 169.254.169.254 80", DENIED_BY_RULE, "0.0.0.0/0" },
		{ "-0.0.0.0/0", "tcp 2600::1 80", DENIED_NOT, NULL },
		{ "-internet/udp", "udp 8.8.8.8 443", DENIED_BY_RULE, "internet/udp" },
		{ "-internet/udp", "tcp 8.8.8.8 443", DENIED_NOT, NULL },
		{ "-internet:443/udp", "udp 8.8.8.8 444", DENIED_NOT, NULL },
	};

	(void)state;
	judge_rows(rows, COUNT(rows), "");
}

static void an_echo_request_has_neither_ports_nor_their_protocols(void **state)
{
	static const struct row rows[] = {
		{ "+internet:443", "icmp 8.8.8.8", DENIED_BY_TAIL, NULL },
		{ "+internet/tcp", "icmp 8.8.8.8", DENIED_BY_TAIL, NULL },
		{ "+8.8.8.8", "icmp 8.8.8.8", DENIED_NOT, "8.8.8.8" },
		{ "+8.8.8.8:1-65535", "icmp 8.8.8.8", DENIED_BY_TAIL, NULL },
		{ "-internet:443", "icmp 8.8.8.8", DENIED_NOT, NULL },
		{ "-internet", "icmp 2600::1", DENIED_BY_RULE, "internet" },
		{ "+example.com", "icmp 192.0.2.1", DENIED_NOT, "example.com" },
		{ "+example.com:443", "icmp 192.0.2.1", DENIED_BY_TAIL, NULL },
		{ "+example.com:443,sni", "icmp 192.0.2.1", DENIED_BY_TAIL, NULL },
	};

	(void)state;
	judge_rows(rows, COUNT(rows), "example.com 192.0.2.1");
}

/* ---- names ---- */

static void names_open_the_addresses_that_were_looked_up(void **state)
{
	static const struct row rows[] = {
		{ "+example.com", "tcp 192.0.2.1 80", DENIED_NOT, "example.com" },
		{ "+example.com", "udp 192.0.2.1 80", DENIED_NOT, "example.com" },
		{ "+example.com", "tcp 2001:db8:7::1 80", DENIED_NOT, "example.com" },
		{ "+example.com", "tcp ::ffff:192.0.2.1 80", DENIED_NOT, "example.com" },
		{ "+example.com", "tcp 192.0.2.2 80", DENIED_BY_TAIL, NULL },
		{ "+example.com", "tcp 192.0.2.3 80", DENIED_BY_TAIL, NULL },
		{ "+example.com", "tcp 192.0.2.9 80", DENIED_BY_TAIL, NULL },
		{ "+example.com:443", "tcp 192.0.2.1 80", DENIED_BY_TAIL, NULL },
		{ "+example.com:443", "tcp 192.0.2.1 443", DENIED_NOT,
		  "example.com:443" },
		{ "+*.example.com", "tcp 192.0.2.1 80", DENIED_NOT, "*.example.com" },
		{ "+*.example.com", "tcp 192.0.2.2 80", DENIED_NOT, "*.example.com" },
		{ "+*.example.com", "tcp 2001:db8:7::1 80", DENIED_BY_TAIL, NULL },
		{ "+*.example.com", "tcp 192.0.2.9 80", DENIED_BY_TAIL, NULL },
		{ "+*.com", "tcp 192.0.2.9 80", DENIED_NOT, "*.com" },
		{ "+www.example.com:80 +example.com", "tcp 192.0.2.1 80", DENIED_NOT,
		  "www.example.com:80" },
		{ "-www.example.com +example.com", "tcp 192.0.2.1 80", DENIED_BY_RULE,
		  "www.example.com" },
		{ "-example.com", "tcp 192.0.2.1 80", DENIED_BY_RULE, "example.com" },
		{ "-example.com:80", "tcp 192.0.2.1 443", DENIED_NOT, NULL },
		{ "-example.com", "tcp 192.0.2.9 443", DENIED_NOT, NULL },
		{ "+example.com +internet:443", "tcp 192.0.2.9 443", DENIED_NOT,
		  "internet:443" },
		{ "+example.com +host", "tcp 10.0.2.2 80", DENIED_NOT, "host" },
	};

	(void)state;
	judge_rows(rows, COUNT(rows), egress_looked_up);
}

static void names_lead_inside_only_where_they_are_private(void **state)
{
	static const struct row rows[] = {
		{ "+inside.example:80", "tcp 10.1.2.3 80", DENIED_REBOUND, NULL },
		{ "+inside.example:80", "tcp fd12::1 80", DENIED_REBOUND, NULL },
		{ "+host.example:80", "tcp 192.168.1.5 80", DENIED_REBOUND, NULL },
		{ "+loop.example:80", "tcp 127.0.0.1 80", DENIED_REBOUND, NULL },
		{ "+meta.example:80", "tcp 169.254.169.254 80", DENIED_SPECIAL, NULL },
		{ "+inside.example:80", "tcp 10.1.2.4 80", DENIED_LAN, NULL },
		{ "+inside.example:80", "tcp 10.1.2.3 81", DENIED_LAN, NULL },
		{ "+inside.example:80,private", "tcp 10.1.2.3 80", DENIED_NOT,
		  "inside.example:80,private" },
		{ "+inside.example:80,private", "tcp fd12::1 80", DENIED_NOT,
		  "inside.example:80,private" },
		{ "+inside.example:80,private", "tcp 10.1.2.3 81", DENIED_LAN, NULL },
		{ "+host.example:80,private", "tcp 192.168.1.5 80", DENIED_NOT,
		  "host.example:80,private" },
		{ "+loop.example:80,private", "tcp 127.0.0.1 80", DENIED_NOT,
		  "loop.example:80,private" },
		{ "+meta.example:80,private", "tcp 169.254.169.254 80", DENIED_SPECIAL,
		  NULL },
		{ "+postgres.:5432,private", "tcp 10.5.5.5 5432", DENIED_NOT,
		  "postgres.:5432,private" },
		{ "+inside.example:80 +lan", "tcp 10.1.2.3 80", DENIED_NOT, "lan" },
		{ "-inside.example +lan", "tcp 10.1.2.3 80", DENIED_BY_RULE,
		  "inside.example" },
	};

	(void)state;
	judge_rows(rows, COUNT(rows), egress_looked_up);
}

static void names_count_until_they_end(void **state)
{
	struct names *names = egress_look_up("example.com 192.0.2.1");
	struct flow_key flow = egress_flow("tcp 192.0.2.1 80");
	struct net_verdict verdict;
	struct egress egress;

	(void)state;
	assert_int_equal(egress_read(&egress, "+example.com"), 0);
	rules_judge(&egress.rules, names, &flow, EGRESS_NOW + 329999, &verdict);
	assert_true(verdict.allowed);
	assert_string_equal(verdict.name, "example.com");
	rules_judge(&egress.rules, names, &flow, EGRESS_NOW + 330000, &verdict);
	assert_int_equal(verdict.why, DENIED_BY_TAIL);
	assert_null(verdict.name);
	rules_judge(&egress.rules, NULL, &flow, EGRESS_NOW, &verdict);
	assert_int_equal(verdict.why, DENIED_BY_TAIL);
	egress_free(&egress);
	names_free(names);
}

static void a_verdict_tells_the_name_that_was_asked_for(void **state)
{
	static const struct {
		const char *words, *flow, *name;
	} rows[] = {
		{ "+example.com", "tcp 192.0.2.1 80", "example.com" },
		{ "+*.example.com", "tcp 192.0.2.1 80", "www.example.com" },
		{ "+other.example", "tcp 192.0.2.1 80", "www.example.com" }, /* newest */
		{ "", "tcp 192.0.2.1 80", "www.example.com" },
		{ "", "tcp 192.0.2.3 80", NULL },
		{ "", "tcp 10.1.2.3 80", "inside.example" },
	};
	struct names *names = egress_look_up(egress_looked_up);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_key flow = egress_flow(rows[i].flow);
		struct net_verdict verdict;
		struct egress egress;

		assert_int_equal(egress_read(&egress, rows[i].words), 0);
		rules_judge(&egress.rules, names, &flow, EGRESS_NOW, &verdict);
		if (rows[i].name)
			assert_string_equal(verdict.name, rows[i].name);
		else
			assert_null(verdict.name);
		egress_free(&egress);
	}
	names_free(names);
}

static void while_names_are_in_force_other_resolvers_are_denied(void **state)
{
	static const struct row rows[] = {
		{ "+example.com", "udp 8.8.8.8 53", DENIED_RESOLVER, NULL },
		{ "+example.com", "tcp 8.8.8.8 53", DENIED_RESOLVER, NULL },
		{ "+example.com", "tcp 8.8.8.8 853", DENIED_RESOLVER, NULL },
		{ "+example.com", "udp 8.8.8.8 853", DENIED_RESOLVER, NULL },
		{ "+example.com", "udp 8.8.8.8 5353", DENIED_RESOLVER, NULL },
		{ "+example.com", "udp 2600::1 53", DENIED_RESOLVER, NULL },
		{ "+example.com", "icmp 8.8.8.8", DENIED_BY_TAIL, NULL },
		{ "+example.com", "udp 192.0.2.1 53", DENIED_RESOLVER, NULL },
		{ "+example.com:443 +internet:53", "udp 8.8.8.8 53", DENIED_RESOLVER,
		  NULL },
		{ "+example.com:80,private +internet", "udp 8.8.8.8 53", DENIED_RESOLVER,
		  NULL },
		{ "+example.com +lan", "udp 192.168.1.1 53", DENIED_RESOLVER, NULL },
		{ "+example.com +host", "udp 10.0.2.2 53", DENIED_RESOLVER, NULL },
		{ "+example.com +8.8.0.0/16", "udp 8.8.8.8 53", DENIED_RESOLVER, NULL },
		{ "+example.com +0.0.0.0/0:1-65535", "udp 8.8.8.8 53", DENIED_RESOLVER,
		  NULL },
		/* Named. */
		{ "+example.com +8.8.8.8", "udp 8.8.8.8 53", DENIED_NOT, "8.8.8.8" },
		{ "+example.com +8.8.8.8:53", "udp 8.8.8.8 53", DENIED_NOT,
		  "8.8.8.8:53" },
		{ "+example.com +8.8.8.8:53/udp", "tcp 8.8.8.8 53", DENIED_RESOLVER,
		  NULL },
		{ "+example.com +8.8.0.0/16:53", "udp 8.8.8.8 53", DENIED_NOT,
		  "8.8.0.0/16:53" },
		{ "+example.com +host:53", "udp 10.0.2.2 53", DENIED_NOT, "host:53" },
		{ "+example.com:53", "udp 192.0.2.1 53", DENIED_NOT, "example.com:53" },
		/* Past a rule that matches the place, not the resolver. */
		{ "+example.com:1,private +internet +1.1.1.1:53", "udp 1.1.1.1 53",
		  DENIED_NOT, "1.1.1.1:53" },
		{ "-any:53 +example.com", "udp 8.8.8.8 53", DENIED_BY_RULE, "any:53" },
		{ "+example.com", "udp 169.254.1.1 53", DENIED_SPECIAL, NULL },
		/* Without names they are addresses like any other. */
		{ "", "udp 8.8.8.8 53", DENIED_NOT, NULL },
		{ "+internet:53", "udp 8.8.8.8 53", DENIED_NOT, "internet:53" },
		{ "+8.0.0.0/8", "udp 8.8.8.8 53", DENIED_NOT, "8.0.0.0/8" },
		{ "-example.com", "udp 8.8.8.8 53", DENIED_NOT, NULL },
	};

	(void)state;
	judge_rows(rows, COUNT(rows), egress_looked_up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_rules_only_the_internet_is_open),
		cmocka_unit_test(a_view_of_nothing_closes_no_more_than_the_tables),
		cmocka_unit_test(words_open_their_kind_of_place),
		cmocka_unit_test(a_cidr_opens_what_is_closed_only_where_it_names_it),
		cmocka_unit_test(the_first_rule_that_matches_decides),
		cmocka_unit_test(an_echo_request_has_neither_ports_nor_their_protocols),
		cmocka_unit_test(names_open_the_addresses_that_were_looked_up),
		cmocka_unit_test(names_lead_inside_only_where_they_are_private),
		cmocka_unit_test(names_count_until_they_end),
		cmocka_unit_test(a_verdict_tells_the_name_that_was_asked_for),
		cmocka_unit_test(while_names_are_in_force_other_resolvers_are_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
