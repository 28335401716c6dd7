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

/* ---- server names ---- */

static void a_rule_with_sni_wants_tls_and_no_quic(void **state)
{
	static const struct {
		const char *words, *flow;
		enum why_denied why;
		bool sni;
	} rows[] = {
		{ "+example.com:443,sni", "tcp 192.0.2.1 443", DENIED_NOT, true },
		{ "+example.com:443,sni", "udp 192.0.2.1 443", DENIED_SNI_HIDDEN, false },
		{ "+example.com:443,sni +internet:443", "udp 192.0.2.1 443",
		  DENIED_SNI_HIDDEN, false },
		{ "+example.com:443,sni +internet:443", "udp 192.0.2.9 443", DENIED_NOT,
		  false },
		{ "+example.com:443,sni", "tcp 192.0.2.1 80", DENIED_BY_TAIL, false },
		{ "+example.com:80 +example.com:443,sni", "tcp 192.0.2.1 80", DENIED_NOT,
		  false },
		{ "+www.example.com:443 +example.com:443,sni", "tcp 192.0.2.1 443",
		  DENIED_NOT, false },
		{ "+example.com:443/tcp,sni", "udp 192.0.2.1 443", DENIED_BY_TAIL,
		  false },
		{ "+inside.example:443,sni", "tcp 10.1.2.3 443", DENIED_REBOUND, false },
		{ "+inside.example:443,private,sni", "tcp 10.1.2.3 443", DENIED_NOT,
		  true },
	};
	struct names *names = egress_look_up(egress_looked_up);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_key flow = egress_flow(rows[i].flow);
		struct net_verdict verdict;
		struct egress egress;

		assert_int_equal(egress_read(&egress, rows[i].words), 0);
		rules_judge(&egress.rules, names, &flow, EGRESS_NOW, &verdict);
		if (verdict.why != rows[i].why || verdict.sni != rows[i].sni)
			fail_msg("%s, %s: %d", rows[i].words, rows[i].flow, verdict.why);
		egress_free(&egress);
	}
	names_free(names);
}

static void a_server_name_is_one_that_is_allowed_and_was_looked_up(void **state)
{
	static const struct {
		const char *words, *flow, *server_name;
		enum why_denied why;
	} rows[] = {
		{ "+example.com:443,sni", "tcp 192.0.2.1 443", "example.com",
		  DENIED_NOT },
		/* At that address, but not allowed. */
		{ "+example.com:443,sni", "tcp 192.0.2.1 443", "www.example.com",
		  DENIED_SNI_OTHER },
		{ "+example.com:443,sni", "tcp 192.0.2.1 443", "evil.example",
		  DENIED_SNI_OTHER },
		/* Allowed, but not at that address. */
		{ "+*.example.com:443,sni", "tcp 192.0.2.1 443", "a.b.example.com",
		  DENIED_SNI_OTHER },
		{ "+*.example.com:443,sni", "tcp 192.0.2.1 443", "www.example.com",
		  DENIED_NOT },
		{ "+*.example.com:443,sni", "tcp 192.0.2.1 443", "example.com",
		  DENIED_SNI_OTHER },
		/* By another rule. */
		{ "+example.com:443,sni +www.example.com:443", "tcp 192.0.2.1 443",
		  "www.example.com", DENIED_NOT },
		{ "+example.com:443,sni +internet:443", "tcp 192.0.2.1 443",
		  "evil.example", DENIED_NOT },
		{ "-www.example.com +*.example.com:443,sni +example.com:443,sni",
		  "tcp 192.0.2.1 443", "www.example.com", DENIED_BY_RULE },
		{ "+inside.example:443,private,sni", "tcp 10.1.2.3 443", "inside.example",
		  DENIED_NOT },
		{ "+inside.example:443,sni", "tcp 10.1.2.3 443", "inside.example",
		  DENIED_SNI_OTHER },
	};
	struct names *names = egress_look_up(egress_looked_up);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_key flow = egress_flow(rows[i].flow);
		struct net_verdict verdict;
		struct egress egress;

		assert_int_equal(egress_read(&egress, rows[i].words), 0);
		rules_judge_sni(&egress.rules, names, &flow, rows[i].server_name,
				EGRESS_NOW, &verdict);
		if (verdict.why != rows[i].why)
			fail_msg("%s, %s: %d", rows[i].words, rows[i].server_name,
				 verdict.why);
		assert_string_equal(verdict.name, rows[i].server_name);
		egress_free(&egress);
	}
	names_free(names);
}

/* ---- look-ups ---- */

static void names_may_be_looked_up_where_something_may_come_of_it(void **state)
{
	static const struct {
		const char *words, *name;
		enum why_denied why;
	} rows[] = {
		{ "", "example.com", DENIED_NOT },
		{ "+internet:443", "example.com", DENIED_NOT },
		{ "+10.0.0.0/8", "example.com", DENIED_NOT },
		{ "+lan", "nas", DENIED_NOT },
		{ "-internet:25", "example.com", DENIED_NOT },
		{ "-any", "example.com", DENIED_BY_RULE },
		{ "-internet", "example.com", DENIED_BY_RULE },
		{ "+lan -internet", "nas", DENIED_NOT },
		{ "+10.0.0.0/8 -any", "db.internal", DENIED_NOT },
		{ "+host:80 -any", "example.com", DENIED_BY_RULE },
		{ "-example.com", "example.com", DENIED_BY_RULE },
		{ "-example.com", "www.example.com", DENIED_NOT },
		{ "-*.example.com", "www.example.com", DENIED_BY_RULE },
		{ "-*.example.com", "example.com", DENIED_NOT },
		{ "-example.com:80", "example.com", DENIED_NOT },
		{ "-example.com/udp", "example.com", DENIED_NOT },
		{ "+example.com", "example.com", DENIED_NOT },
		{ "+example.com:443", "example.com", DENIED_NOT },
		{ "+example.com:443,sni", "example.com", DENIED_NOT },
		{ "+example.com", "www.example.com", DENIED_NAME },
		{ "+example.com", "evil.example", DENIED_NAME },
		{ "+example.com", "com", DENIED_NAME },
		{ "+example.com", "notexample.com", DENIED_NAME },
		{ "+*.example.com", "example.com", DENIED_NAME },
		{ "+*.example.com", "a.b.example.com", DENIED_NOT },
		{ "+*.example.com", ".example.com", DENIED_NAME },
		{ "+*.example.com", "notexample.com", DENIED_NAME },
		{ "+example.com +lan", "nas", DENIED_NAME },
		{ "+example.com +host", "evil.example", DENIED_NAME },
		{ "+example.com +10.0.0.0/8", "evil.example", DENIED_NAME },
		{ "+example.com +internet:80", "evil.example", DENIED_NOT },
		{ "+example.com -any", "evil.example", DENIED_BY_RULE },
		{ "+example.com -any", "example.com", DENIED_NOT },
		{ "+www.example.com -*.example.com", "www.example.com", DENIED_NOT },
		{ "+postgres.:5432,private", "postgres", DENIED_NOT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct net_verdict verdict;
		struct egress egress;

		if (egress_read(&egress, rows[i].words) < 0)
			fail_msg("%s: %s", rows[i].words, egress.err.text);
		rules_judge_name(&egress.rules, rows[i].name, &verdict);
		if (verdict.why != rows[i].why)
			fail_msg("%s, %s: %d", rows[i].words, rows[i].name, verdict.why);
		assert_int_equal(verdict.allowed, verdict.why == DENIED_NOT);
		assert_string_equal(verdict.name, rows[i].name);
		egress_free(&egress);
	}
}

static void answers_that_lead_inside_are_kept_back(void **state)
{
	static const struct {
		const char *words, *name, *address;
		bool admitted;
	} rows[] = {
		{ "", "example.com", "8.8.8.8", true },
		{ "", "example.com", "2600::1", true },
		{ "", "nas.lan", "192.168.1.6", true },
		{ "", "me.lan", "192.168.1.5", true },
		{ "", "example.com", "127.0.0.1", false },
		{ "", "example.com", "::1", false },
		{ "", "example.com", "0.0.0.0", false },
		{ "", "example.com", "::", false },
		{ "", "example.com", "::ffff:127.0.0.1", false },
		{ "", "example.com", "64:ff9b::7f00:1", false },
		{ "", "example.com", "2002:7f00:1::", false },
		{ "", "example.com", "169.254.169.254", false },
		{ "", "example.com", "fe80::1", false },
		{ "", "example.com", "224.0.0.1", false },
		{ "", "example.com", "10.0.2.3", false },
		{ "+host", "example.com", "127.0.0.1", true },
		{ "+169.254.169.254:80", "metadata.example", "169.254.169.254", true },
		{ "+127.0.0.0/8", "example.com", "127.0.0.1", true },
		/* While names are in force. */
		{ "+example.com:443", "example.com", "8.8.8.8", true },
		{ "+example.com:443", "example.com", "192.168.1.6", false },
		{ "+example.com:443", "example.com", "10.1.2.3", false },
		{ "+example.com:443", "example.com", "203.0.113.10", false },
		{ "+example.com:443", "example.com", "192.168.1.5", false },
		{ "+example.com:443", "example.com", "10.0.2.2", false },
		{ "+example.com:443", "example.com", "127.0.0.1", false },
		{ "+example.com:443", "example.com", "64:ff9b::10.1.2.3", false },
		{ "+example.com:443", "example.com", "fd12::1", false },
		{ "+example.com:443,private", "example.com", "10.1.2.3", true },
		{ "+example.com:443,private", "example.com", "fd12::1", true },
		{ "+example.com:443,private", "example.com", "127.0.0.1", true },
		{ "+example.com:443,private", "example.com", "169.254.169.254", false },
		{ "+example.com:443,private +other.example", "other.example", "10.1.2.3",
		  false },
		{ "+*.example.com:443,private", "a.example.com", "10.1.2.3", true },
		{ "+example.com +lan", "example.com", "10.1.2.3", true },
		{ "+example.com +lan", "example.com", "127.0.0.1", false },
		{ "+example.com +host", "example.com", "192.168.1.5", true },
		{ "+example.com +10.0.0.0/8", "example.com", "10.1.2.3", true },
		{ "+example.com +10.0.0.0/8", "example.com", "192.168.1.6", false },
		{ "+example.com -10.0.0.0/8", "example.com", "10.1.2.3", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct egress egress;
		struct ip ip;

		assert_int_equal(ip_parse(rows[i].address, &ip), 0);
		if (egress_read(&egress, rows[i].words) < 0)
			fail_msg("%s: %s", rows[i].words, egress.err.text);
		if (rules_admit_answer(&egress.rules, rows[i].name, &ip) !=
		    rows[i].admitted)
			fail_msg("%s: %s at %s", rows[i].words, rows[i].name,
				 rows[i].address);
		egress_free(&egress);
	}
}

/* ---- words for people ---- */

static void a_denial_comes_with_the_option_that_would_allow_it(void **state)
{
	static const struct {
		const char *words, *flow, *option;
	} rows[] = {
		{ "", "tcp 127.0.0.1 5432", "--allow host:5432" },
		{ "", "tcp 10.0.2.2 5432", "--allow host:5432" },
		{ "", "tcp ::1 5432", "--allow host:5432" },
		{ "", "icmp 10.0.2.2", "--allow host" },
		{ "", "tcp 192.168.1.6 80", "--allow 192.168.1.6:80 --allow internet" },
		{ "", "icmp 192.168.1.6", "--allow 192.168.1.6 --allow internet" },
		{ "", "tcp fd12::1 80", "--allow [fd12::1]:80 --allow internet" },
		{ "", "icmp fd12::1", "--allow fd12::1 --allow internet" },
		{ "", "tcp 169.254.169.254 80",
		  "--allow 169.254.169.254:80 --allow internet" },
		{ "", "tcp 64:ff9b::10.1.2.9 80",
		  "--allow 10.1.2.9:80 --allow internet" },
		{ "", "tcp 10.1.2.3 80",
		  "--allow 10.1.2.3:80 --allow internet" }, /* a name's */
		{ "", "tcp 10.0.2.3 80", "" },
		{ "", "tcp 8.8.8.8 80", "" }, /* allowed */
		{ "+internet:443", "tcp 8.8.8.8 80", "--allow 8.8.8.8:80" },
		{ "+internet:443", "tcp 192.0.2.9 80", "--allow notexample.com:80" },
		{ "+internet:443", "icmp 192.0.2.9", "--allow notexample.com" },
		{ "+host", "tcp 192.168.1.6 80",
		  "--allow 192.168.1.6:80 --allow internet" },
		{ "+example.com:443", "tcp 192.168.1.6 80", "--allow 192.168.1.6:80" },
		{ "+example.com:443", "tcp 192.0.2.9 443", "--allow notexample.com:443" },
		{ "+inside.example:443", "tcp 10.1.2.3 443",
		  "--allow inside.example:443,private" },
		{ "+postgres.:443", "tcp 10.5.5.5 443", "--allow postgres.:443,private" },
		{ "+example.com:443", "udp 8.8.8.8 53", "--allow 8.8.8.8:53" },
		{ "+example.com:443", "udp 192.0.2.1 53", "--allow 192.0.2.1:53" },
		{ "+example.com:443", "udp 10.0.2.2 53", "--allow host:53" },
		{ "-any", "tcp 8.8.8.8 80", "" },
		{ "-10.0.0.0/8", "tcp 10.1.2.3 80", "" },
		{ "+example.com:443,sni", "udp 192.0.2.1 443", "" },
	};
	struct names *names = egress_look_up(egress_looked_up);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_key flow = egress_flow(rows[i].flow);
		struct net_verdict verdict;
		struct egress egress;
		char option[400] = "as it was";

		assert_int_equal(egress_read(&egress, rows[i].words), 0);
		rules_judge(&egress.rules, names, &flow, EGRESS_NOW, &verdict);
		rules_suggest(&egress.rules, &flow, &verdict, option, sizeof(option));
		if (strcmp(option, rows[i].option) != 0)
			fail_msg("%s, %s: \"%s\"", rows[i].words, rows[i].flow, option);
		egress_free(&egress);
	}
	names_free(names);
}

static void a_name_that_is_refused_comes_with_its_option(void **state)
{
	static const struct {
		const char *words, *name, *option;
	} rows[] = {
		{ "+example.com:443", "www.example.com", "--allow www.example.com:443" },
		{ "+example.com:443", "registry", "--allow registry.:443" },
		{ "+example.com:443", "a b", "" },
		{ "+example.com:443", "a\nb.example", "" },
		{ "+example.com:443", "x,private", "" },
		{ "-example.com", "example.com", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_key flow = egress_flow("udp 10.0.2.3 53");
		struct net_verdict verdict;
		struct egress egress;
		char option[400];

		assert_int_equal(egress_read(&egress, rows[i].words), 0);
		rules_judge_name(&egress.rules, rows[i].name, &verdict);
		rules_suggest(&egress.rules, NULL, &verdict, option, sizeof(option));
		assert_string_equal(option, rows[i].option);
		rules_suggest(&egress.rules, &flow, &verdict, option, sizeof(option));
		assert_string_equal(option, rows[i].option);
		egress_free(&egress);
	}
}

static void an_answer_that_is_kept_back_comes_with_the_word_that_admits_it(void **state)
{
	const struct net_verdict verdict = { .why = DENIED_REBOUND,
					     .name = "inside.example" };
	struct egress egress;
	char option[400];

	(void)state;
	assert_int_equal(egress_read(&egress, "+inside.example:443"), 0);
	rules_suggest(&egress.rules, NULL, &verdict, option, sizeof(option));
	assert_string_equal(option, "--allow inside.example:443,private");
	egress_free(&egress);
}

/* What stands in a file is asked after the command line. */
static void a_rule_of_a_file_is_overruled_by_an_option(void **state)
{
	const struct rule_text texts[] = { { false, "lan", "sbx.conf:3" },
					   { false, "example.com", "sbx.conf:4" } };
	struct flow_key flow = egress_flow("tcp 192.168.1.6 80");
	struct arena arena = { 0 };
	struct net_verdict verdict;
	struct rules rules;
	struct error err;
	char text[200];

	(void)state;
	assert_int_equal(rules_parse(texts, 2, &arena, &rules, &err), 0);
	egress_host(&rules.host);
	rules_judge(&rules, NULL, &flow, EGRESS_NOW, &verdict);
	rules_suggest(&rules, &flow, &verdict, text, sizeof(text));
	assert_string_equal(text, "--allow 192.168.1.6:80 --allow internet");
	rules_explain(&verdict, text, sizeof(text));
	assert_string_equal(text, "by --deny lan (sbx.conf:3)");
	rules_judge_name(&rules, "example.com", &verdict);
	rules_suggest(&rules, NULL, &verdict, text, sizeof(text));
	assert_string_equal(text, "--allow example.com:443 --allow internet");
	arena_free(&arena);
}

static void a_server_name_that_is_denied_is_the_one_that_is_suggested(void **state)
{
	struct names *names = egress_look_up(egress_looked_up);
	struct flow_key flow = egress_flow("tcp 192.0.2.1 443");
	struct net_verdict verdict;
	struct egress egress;
	char text[200];

	(void)state;
	assert_int_equal(egress_read(&egress, "+example.com:443,sni"), 0);
	rules_judge_sni(&egress.rules, names, &flow, "www.example.com", EGRESS_NOW,
			&verdict);
	rules_suggest(&egress.rules, &flow, &verdict, text, sizeof(text));
	assert_string_equal(text, "--allow www.example.com:443");
	egress_free(&egress);
	names_free(names);
}

static void reasons_are_words(void **state)
{
	static const struct {
		const char *words, *flow, *reason;
	} rows[] = {
		{ "", "tcp 8.8.8.8 80", "the internet is allowed" },
		{ "", "tcp 127.0.0.1 80", "an address of the host" },
		{ "", "tcp 10.1.2.3 80", "an address of the local network" },
		{ "+internet:443", "tcp 8.8.8.8 80", "no rule allows it" },
		{ "-LAN", "tcp 10.1.2.3 80", "by --deny LAN (command line)" },
		{ "+lan", "tcp 10.1.2.3 80", "by --allow lan (command line)" },
	};
	char text[200], small[8];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flow_key flow = egress_flow(rows[i].flow);
		struct net_verdict verdict;
		struct egress egress;

		assert_int_equal(egress_read(&egress, rows[i].words), 0);
		rules_judge(&egress.rules, NULL, &flow, EGRESS_NOW, &verdict);
		rules_explain(&verdict, text, sizeof(text));
		assert_string_equal(text, rows[i].reason);
		egress_free(&egress);
	}
	for (int why = DENIED_NOT; why <= DENIED_NO_PATH; why++) {
		const struct net_verdict verdict = { .why = (enum why_denied)why };

		rules_explain(&verdict, text, sizeof(text));
		assert_string_not_equal(text, "");
		rules_explain(&verdict, small, sizeof(small));
		assert_int_equal(strlen(small), sizeof(small) - 1);
	}
}

static void protocols_have_names(void **state)
{
	(void)state;
	assert_string_equal(protocol_name(PROTOCOL_ANY), "any");
	assert_string_equal(protocol_name(PROTOCOL_TCP), "tcp");
	assert_string_equal(protocol_name(PROTOCOL_UDP), "udp");
	assert_string_equal(protocol_name(PROTOCOL_ICMP), "icmp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_with_sni_wants_tls_and_no_quic),
		cmocka_unit_test(a_server_name_is_one_that_is_allowed_and_was_looked_up),
		cmocka_unit_test(names_may_be_looked_up_where_something_may_come_of_it),
		cmocka_unit_test(answers_that_lead_inside_are_kept_back),
		cmocka_unit_test(a_denial_comes_with_the_option_that_would_allow_it),
		cmocka_unit_test(a_name_that_is_refused_comes_with_its_option),
		cmocka_unit_test(
			an_answer_that_is_kept_back_comes_with_the_word_that_admits_it),
		cmocka_unit_test(a_rule_of_a_file_is_overruled_by_an_option),
		cmocka_unit_test(
			a_server_name_that_is_denied_is_the_one_that_is_suggested),
		cmocka_unit_test(reasons_are_words),
		cmocka_unit_test(protocols_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
