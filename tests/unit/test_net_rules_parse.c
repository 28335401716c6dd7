/* SPDX-License-Identifier: Apache-2.0 */
#include "egress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int read_one(struct egress *egress, bool allow, const char *dest)
{
	memset(egress, 0, sizeof(*egress));
	egress->texts[0] = (struct rule_text){ allow, dest, "command line" };
	return rules_parse(egress->texts, 1, &egress->arena, &egress->rules,
			   &egress->err);
}

/* ---- what can be read ---- */

/* As a rule is meant: "allow name *.example.com tcp 80-90 private sni". */
static const char *describe(const struct rule *rule, char to[128])
{
	static const char *const kinds[] = { "any", "internet", "lan", "host" };
	char what[64], ports[24] = "";

	if (rule->kind == RULE_PREFIX)
		prefix_format(&rule->prefix, what);
	else if (rule->kind == RULE_NAME)
		snprintf(what, sizeof(what), "name %s%s", rule->wildcard ? "*." : "",
			 rule->name);
	else
		snprintf(what, sizeof(what), "%s", kinds[rule->kind]);
	if (rule->has_ports)
		snprintf(ports, sizeof(ports), " %d-%d", rule->ports.first,
			 rule->ports.last);
	snprintf(to, 128, "%s %s%s%s%s", what, protocol_name(rule->protocol), ports,
		 rule->private_too ? " private" : "", rule->sni ? " sni" : "");
	return to;
}

static void destinations_are_read_in_each_of_their_forms(void **state)
{
	static const struct {
		const char *dest, *meant;
	} rows[] = {
		{ "any", "any any" },
		{ "internet", "internet any" },
		{ "lan", "lan any" },
		{ "host", "host any" },
		{ "HOST:5432", "host any 5432-5432" },
		{ "host:80/tcp", "host tcp 80-80" },
		{ "lan/udp", "lan udp" },
		{ "internet:8000-8010/udp", "internet udp 8000-8010" },
		{ "any:1-65535", "any any 1-65535" },
		{ "example.com", "name example.com any" },
		{ "Example.COM", "name example.com any" },
		{ "example.com.", "name example.com any" },
		{ "example.com.:443", "name example.com any 443-443" },
		{ "*.example.com:443", "name *.example.com any 443-443" },
		{ "*.com", "name *.com any" },
		{ "*.internal.", "name *.internal any" },
		{ "example.com:443/TCP", "name example.com tcp 443-443" },
		{ "example.com:443,private", "name example.com any 443-443 private" },
		{ "example.com:443,sni", "name example.com any 443-443 sni" },
		{ "example.com:443/tcp,private,sni",
		  "name example.com tcp 443-443 private sni" },
		{ "example.com:443,sni,private",
		  "name example.com any 443-443 private sni" },
		{ "postgres.", "name postgres any" },
		{ "postgres.:5432", "name postgres any 5432-5432" },
		{ "host.", "name host any" },
		{ "xn--bcher-kva.example", "name xn--bcher-kva.example any" },
		{ "_srv.a-b.c--d.example", "name _srv.a-b.c--d.example any" },
		{ "1.example.com", "name 1.example.com any" },
		{ "1e100.net", "name 1e100.net any" },
		{ "10.0.0.1", "10.0.0.1/32 any" },
		{ "10.0.0.1:80", "10.0.0.1/32 any 80-80" },
		{ "10.0.0.1/32", "10.0.0.1/32 any" },
		{ "10.0.0.0/8", "10.0.0.0/8 any" },
		{ "10.0.0.0/8:443", "10.0.0.0/8 any 443-443" },
		{ "10.0.0.0/8/udp", "10.0.0.0/8 udp" },
		{ "10.0.0.0/8:443/udp", "10.0.0.0/8 udp 443-443" },
		{ "0.0.0.0/0", "0.0.0.0/0 any" },
		{ "::1", "::1/128 any" },
		{ "::/0", "::/0 any" },
		{ "fd00::/8", "fd00::/8 any" },
		{ "fd00::/8/tcp", "fd00::/8 tcp" },
		{ "FD00::1/tcp", "fd00::1/128 tcp" },
		{ "[fd00::1]", "fd00::1/128 any" },
		{ "[fd00::1]:80", "fd00::1/128 any 80-80" },
		{ "[fd00::1:80]", "fd00::1:80/128 any" },
		{ "[fd00::/8]:80/udp", "fd00::/8 udp 80-80" },
		{ "[::1]/udp", "::1/128 udp" },
		{ "2001:db8:1:2:3:4:5:443", "2001:db8:1:2:3:4:5:443/128 any" },
		/* What stands for IPv4 is that. */
		{ "::ffff:10.0.0.1", "10.0.0.1/32 any" },
		{ "[::ffff:10.0.0.0/104]:80", "10.0.0.0/8 any 80-80" },
		{ "64:ff9b::10.0.0.1", "10.0.0.1/32 any" },
		{ "64:ff9b::a00:0/104", "10.0.0.0/8 any" },
		{ "2002:a00::/24", "10.0.0.0/8 any" },
		{ "2002:a00:1::/48", "10.0.0.1/32 any" },
		{ "2002::/16", "0.0.0.0/0 any" },
		{ "2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45/32 any" },
		{ "2001::/32", "2001::/32 any" },
		{ "64:ff9b::/64", "64:ff9b::/64 any" },
	};
	struct egress egress;
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (read_one(&egress, true, rows[i].dest) < 0)
			fail_msg("%s: %s", rows[i].dest, egress.err.text);
		assert_int_equal(egress.rules.count, 1);
		if (!egress.rules.rules)
			return;
		assert_true(egress.rules.rules[0].allow);
		assert_ptr_equal(egress.rules.rules[0].text, &egress.texts[0]);
		assert_string_equal(describe(&egress.rules.rules[0], text),
				    rows[i].meant);
		egress_free(&egress);
	}
}

static void a_list_of_ports_is_several_rules(void **state)
{
	static const char *const expected[] = {
		"name example.com tcp 80-80 private",
		"name example.com tcp 443-443 private",
		"name example.com tcp 8000-8010 private"
	};
	struct egress egress;
	char text[128];

	(void)state;
	assert_int_equal(
		read_one(&egress, true, "example.com:80,443,8000-8010/tcp,private"), 0);
	assert_int_equal(egress.rules.count, COUNT(expected));
	if (!egress.rules.rules)
		return;
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_string_equal(describe(&egress.rules.rules[i], text), expected[i]);
	egress_free(&egress);
}

static void no_rules_are_rules_that_let_the_internet_through(void **state)
{
	struct egress egress;

	(void)state;
	assert_int_equal(egress_read(&egress, ""), 0);
	assert_int_equal(egress.rules.count, 0);
	assert_true(egress.rules.tail_allows);
	assert_false(egress.rules.has_names);
	egress_free(&egress);
}

static void the_tail_and_the_names_follow_from_the_rules(void **state)
{
	static const struct {
		const char *words;
		bool tail_allows, has_names;
	} rows[] = {
		{ "+internet", true, false },
		{ "+any", true, false },
		{ "+lan", true, false },
		{ "+lan:80", true, false },
		{ "+host", true, false },
		{ "+host:5432 +lan", true, false },
		{ "-internet:25", true, false },
		{ "-10.0.0.0/8", true, false },
		{ "-example.com", true, false },
		{ "-any", true, false },
		{ "+internet:443", false, false },
		{ "+internet/tcp", false, false },
		{ "+any:443", false, false },
		{ "+10.0.0.0/8", false, false },
		{ "+10.0.0.0/8 +internet", false, false },
		{ "+::1", false, false },
		{ "+example.com", false, true },
		{ "+*.example.com:443", false, true },
		{ "+host +example.com", false, true },
	};
	struct egress egress;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (egress_read(&egress, rows[i].words) < 0)
			fail_msg("%s: %s", rows[i].words, egress.err.text);
		if (egress.rules.tail_allows != rows[i].tail_allows ||
		    egress.rules.has_names != rows[i].has_names)
			fail_msg("%s", rows[i].words);
		egress_free(&egress);
	}
}

/* ---- what cannot ---- */

static void what_cannot_be_read_says_what_may_be_meant(void **state)
{
	static const struct {
		const char *dest, *why, *hint; /* NULL: not looked at */
	} rows[] = {
		{ "", "it is empty", "example.com:443" },
		{ "https://example.com/", "it is a URL", ": example.com:443" },
		{ "http://u:p@example.com/a?b", "it is a URL", ": example.com:80" },
		{ "ssh://git@example.com:2222/a", "it is a URL", ": example.com:2222" },
		{ "foo://example.com", "it is a URL", ": example.com" },
		{ "https://", "it is a URL", "example.com:443" },
		{ "https://@/", "it is a URL", "example.com:443" },
		{ "://", "it is a URL", "example.com:443" },
		{ "example.com:https", "a port is a number", "example.com:443" },
		{ "host:postgres", "a port is a number", "host:5432" },
		{ "example.com:foo", "a port is a number", NULL },
		{ "example.com:", "a port is a number", ": example.com" },
		{ "example.com:*", "a port is a number", ": example.com" },
		{ "example.com:0", "a port is a number", NULL },
		{ "example.com:65536", "a port is a number", NULL },
		{ "example.com:90-80", "a port is a number", NULL },
		{ "example.com:80,,90", "private or sni", "option of its own" },
		{ "example.com:80,", "private or sni", "option of its own" },
		{ "example.com:443/tcp:80", "tcp or udp", NULL },
		{ "10.0.0.1/33", "no CIDR", "0 to 32" },
		{ "10.0.0.0/255.0.0.0", "no CIDR", "such as /24" },
		{ "10.0.0.0/", "tcp or udp", "without a path" },
		{ "fd00::/129", "no CIDR", "0 to 128" },
		{ "fd00::/8:80", "no CIDR", "[fd00::/64]:443" },
		{ "10.0.0.1/8", "within a network", "10.0.0.0/8" },
		{ "fd00::1/64", "within a network", "fd00::/64" },
		{ "256.1.1.1", "no address", NULL },
		{ "10.0.0", "no address", NULL },
		{ "127.1", "no address", NULL },
		{ "0x7f.1", "no address", NULL },
		{ "0x7f000001", "no address", NULL },
		{ "2130706433", "no address", NULL },
		{ "10.0.0.1.", "no name", NULL },
		{ "*.10", "no address", NULL },
		{ "10.0.0.*", "no name", "CIDR" },
		{ "10.0.0.1-10.0.0.9", "no address", "CIDR" },
		{ "10.0.0.1,10.0.0.2", "no address", "CIDR" },
		{ "fd00::1:443", "it may be an address", "[fd00::1]:443" },
		{ "2001:db8::1:8080", "it may be an address", "[2001:db8::1:8080]" },
		{ "2001:db8:1:2:3:4:5:6:443", "no address",
		  "[2001:db8:1:2:3:4:5:6]:443" },
		{ "fe80::1%eth0", "no address", "without its interface" },
		{ "[fe80::1%eth0]:80", "no address", "without its interface" },
		{ "[fd00::1", "not closed", NULL },
		{ "[fd00::1]80", "behind the brackets", NULL },
		{ "[]:80", "empty", NULL },
		{ "[10.0.0.1]:80", "brackets are for IPv6", "without them" },
		{ "[host]:80", "brackets are for IPv6", NULL },
		{ "[example.com]:80", "brackets are for IPv6", NULL },
		{ "a:b:c", "no address", NULL },
		{ "tcp:example.com:443", "no address", "one colon" },
		{ "example.com/path", "tcp or udp", "without a path" },
		{ "example.com/", "tcp or udp", "without a path" },
		{ "example.com/443", "no address", "example.com:443" },
		{ "example.com/icmp", "tcp or udp", "no ports: example.com" },
		{ "example.com/tcp:443", "tcp or udp", "example.com:443/tcp" },
		{ "*", "no name", "any, internet, lan or host" },
		{ "*:443", "no name", ":443" },
		{ "a*.com", "no name", "*.example.com" },
		{ "*.*.com", "no name", "*.example.com" },
		{ "*.", "no name", "any" },
		{ ".", "empty", NULL },
		{ "..", "empty", NULL },
		{ "a..b", "empty", NULL },
		{ "a.b..", "empty", NULL },
		{ ".example.com", "empty", "*.example.com" },
		{ "-a.example", "hyphen", NULL },
		{ "a-.example", "hyphen", NULL },
		{ "user@example.com", "no name", ": example.com" },
		{ "b\xc3\xbc"
		  "cher.example",
		  "ASCII", "xn--" },
		{ "a b", "a blank", "option of its own" },
		{ "a.example, b.example", "a blank", "option of its own" },
		{ "a.example,b.example", "private or sni", "option of its own" },
		{ "a.example\n", "a blank", NULL },
		{ "a.example:80,private,private", "private or sni", NULL },
		{ "a.example:80,tls", "private or sni", NULL },
		{ "postgres:5432", "one label", "postgres.:5432" },
		{ "localhost:5432", "one label", "host:5432" },
		{ "localhost", "one label", "host" },
		{ "all", "one label", "any" },
		{ "everything:443", "one label", "any:443" },
		{ "intrnet:443", "one label", "internet:443" },
		{ "world", "one label", "internet" },
		{ "example.com,private", "with ports", "example.com:443,private" },
		{ "example.com,sni", "with ports", "example.com:443,sni" },
		{ "example.com:443/udp,sni", "TLS over TCP", NULL },
		{ "host:80,private", "with a name", NULL },
		{ "10.0.0.1:80,private", "with a name", NULL },
		{ "internet:443,sni", "with a name", NULL },
	};
	struct egress egress;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *hint = rows[i].hint ? rows[i].hint : "";

		if (read_one(&egress, true, rows[i].dest) == 0)
			fail_msg("%s is read", rows[i].dest);
		assert_int_equal(egress.err.id, ERROR_EGRESS);
		assert_ptr_equal(strstr(egress.err.text, "read --allow "),
				 egress.err.text);
		assert_non_null(strstr(egress.err.text, "(command line)"));
		if (!strstr(egress.err.text, rows[i].why))
			fail_msg("%s: %s", rows[i].dest, egress.err.text);
		if (!strstr(egress.err.hint, hint))
			fail_msg("%s: %s", rows[i].dest, egress.err.hint);
		egress_free(&egress);
	}
}

static void names_and_labels_have_the_lengths_of_dns(void **state)
{
	char dest[300];
	struct egress egress;

	(void)state;
	memset(dest, 'a', sizeof(dest));
	memcpy(dest + 63, ".example", 9);
	assert_int_equal(read_one(&egress, true, dest), 0);
	egress_free(&egress);
	memset(dest, 'a', sizeof(dest));
	memcpy(dest + 64, ".example", 9);
	assert_int_equal(read_one(&egress, true, dest), -1);
	assert_non_null(strstr(egress.err.text, "63 characters"));
	egress_free(&egress);
	for (size_t length = 253; length <= 254; length++) {
		for (size_t i = 0; i < length; i++)
			dest[i] = i % 50 == 49 && i + 1 < length ? '.' : 'a';
		dest[length] = '\0';
		assert_int_equal(read_one(&egress, true, dest), length == 253 ? 0 : -1);
		egress_free(&egress);
	}
	assert_non_null(strstr(egress.err.text, "253 characters"));
}

static void words_of_names_go_with_allow_only(void **state)
{
	struct egress egress;

	(void)state;
	assert_int_equal(read_one(&egress, false, "example.com:443,private"), -1);
	assert_non_null(strstr(egress.err.text, "read --deny example.com:443,private"));
	egress_free(&egress);
	assert_int_equal(read_one(&egress, false, "example.com:443,sni"), -1);
	egress_free(&egress);
	assert_int_equal(read_one(&egress, false, "example.com:443"), 0);
	egress_free(&egress);
}

static void an_error_says_in_which_place_the_rule_stands(void **state)
{
	const struct rule_text texts[] = { { true, "example.com", "command line" },
					   { false, "foo", "/etc/sbx.conf:12" } };
	struct arena arena = { 0 };
	struct rules rules;
	struct error err;

	(void)state;
	assert_int_equal(rules_parse(texts, 2, &arena, &rules, &err), -1);
	assert_non_null(strstr(err.text, "--deny foo (/etc/sbx.conf:12)"));
	arena_free(&arena);
}

static void there_is_an_end_to_the_number_of_rules(void **state)
{
	enum { MANY = 5000 };
	struct arena arena = { 0 };
	struct rule_text *texts = arena_alloc_array(&arena, MANY, sizeof(*texts));
	struct rules rules;
	struct error err;

	(void)state;
	for (int i = 0; i < MANY; i++)
		texts[i] =
			(struct rule_text){ false, arena_printf(&arena, "n%d.example", i),
					    "sbx.conf" };
	assert_int_equal(rules_parse(texts, 4000, &arena, &rules, &err), 0);
	assert_int_equal(rules_parse(texts, MANY, &arena, &rules, &err), -1);
	assert_string_equal(err.text, "use more than 4096 egress rules");
	arena_free(&arena);
}

/* ---- rules behind others ---- */

static void a_rule_that_can_never_match_is_an_error_with_both_places(void **state)
{
	const struct rule_text texts[] = { { true, "host:80", "command line" },
					   { false, "internet", "command line" },
					   { true, "internet:443", "sbx.conf:3" } };
	struct arena arena = { 0 };
	struct rules rules;
	struct error err;

	(void)state;
	assert_int_equal(rules_parse(texts, 3, &arena, &rules, &err), -1);
	assert_int_equal(err.id, ERROR_EGRESS);
	assert_string_equal(
		err.text,
		"use --allow internet:443 (sbx.conf:3): behind --deny internet (command line) it can never match");
	assert_non_null(strstr(err.hint, "put it in front"));
	arena_free(&arena);
}

static void rules_behind_what_covers_them_are_found(void **state)
{
	static const char *const rows[] = {
		"-any +any",
		"-any +internet:443",
		"-any +host",
		"-any -lan",
		"-any +example.com",
		"-any +example.com:80,private",
		"-any +10.0.0.0/8",
		"-any +127.0.0.1",
		"-any +8.8.8.8",
		"-any +100.64.0.0/10",
		"+any +internet",
		"+any -10.0.0.0/8",
		"+internet +internet",
		"+internet -internet:25",
		"+internet +internet/tcp",
		"+internet -example.com",
		"+internet +example.com:443,sni",
		"+internet -8.8.8.8",
		"+internet +8.8.8.8:53",
		"+internet -2600::/16",
		"+internet:80-90 +internet:85",
		"+internet:80-90 +internet:80-90/tcp",
		"+internet/tcp -internet:25/tcp",
		"+lan -lan",
		"+lan -10.0.0.0/8",
		"+lan -192.168.1.7",
		"+lan +172.16.0.0/12",
		"+lan -fd00::/8",
		"+host +host:80",
		"+host +127.0.0.1:80",
		"+host -::1",
		"+host +127.0.0.0/8",
		"+10.0.0.0/8 +10.1.0.0/16",
		"+10.0.0.0/8 +10.0.0.1:80",
		"+10.0.0.0/8 -10.0.0.1",
		"-0.0.0.0/0 +169.254.169.254",
		"-0.0.0.0/0 +127.0.0.1",
		"+127.0.0.0/8 +127.0.0.1",
		"+169.254.0.0/16 +169.254.169.254",
		"-::/0 +[fd00::1]:80",
		"-10.0.0.0/8 +64:ff9b::10.0.0.1",
		"+example.com +example.com",
		"+example.com +EXAMPLE.com.:443",
		"+*.example.com +www.example.com",
		"+*.example.com +*.www.example.com:443",
		"-*.example.com +a.b.example.com:80,private",
		"-example.com +example.com:443,sni",
		"+example.com:443,private +example.com:443",
		"+example.com:80,443 +example.com:443",
		"+example.com:80,443 -example.com:80,443",
		"+example.com:1-1000 +example.com:80,443",
		"+example.com +internet +a.example",
	};
	struct egress egress;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (egress_read(&egress, rows[i]) == 0)
			fail_msg("\"%s\" is read", rows[i]);
		if (!strstr(egress.err.text, "it can never match"))
			fail_msg("%s: %s", rows[i], egress.err.text);
		egress_free(&egress);
	}
}

static void rules_that_may_match_are_let_through(void **state)
{
	static const char *const rows[] = {
		"+internet:80 +internet",
		"+internet:80 +internet:80-81",
		"+internet:80/tcp +internet:80",
		"+internet:1-65535 +internet",
		"+internet/tcp +internet:25",
		"+internet +lan +host",
		"+lan +internet +any",
		"-internet +lan +host:80",
		"+any +169.254.169.254",
		"-any +169.254.0.0/16:80",
		"+internet +10.0.0.0/8",
		"+internet +127.0.0.1",
		"+internet +169.254.169.254",
		"+internet +example.com:443,private",
		"+lan +10.0.2.2:80",
		"+lan +example.com:443,private",
		"+lan +100.100.100.200",
		"+host +192.168.1.5",
		"+host +0.0.0.0/0",
		"+10.0.0.0/9 +10.0.0.0/8",
		"+0.0.0.0/0 +127.0.0.1:80",
		"+0.0.0.0/0 +169.254.169.254:80",
		"+0.0.0.0/0 +::/0",
		"+::/0 +[::1]:80",
		"-0.0.0.0/0 +::1",
		"+192.168.0.0/16 +host",
		"+example.com +*.example.com",
		"+*.example.com +example.com",
		"+*.b.example +*.example",
		"+*.example.com +wwwexample.com",
		"+example.com:443 +example.com:443,private",
		"+example.com:80 +example.com:80,443",
		"+example.com:80 +example.com",
		"+example.com:80/tcp +example.com:80/udp",
		"-example.com:80 +example.com",
		"+example.com -any",
		"+example.com:80,private +internet +1.1.1.1:53",
	};
	struct egress egress;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (egress_read(&egress, rows[i]) < 0)
			fail_msg("%s: %s", rows[i], egress.err.text);
		egress_free(&egress);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations_are_read_in_each_of_their_forms),
		cmocka_unit_test(a_list_of_ports_is_several_rules),
		cmocka_unit_test(no_rules_are_rules_that_let_the_internet_through),
		cmocka_unit_test(the_tail_and_the_names_follow_from_the_rules),
		cmocka_unit_test(what_cannot_be_read_says_what_may_be_meant),
		cmocka_unit_test(names_and_labels_have_the_lengths_of_dns),
		cmocka_unit_test(words_of_names_go_with_allow_only),
		cmocka_unit_test(an_error_says_in_which_place_the_rule_stands),
		cmocka_unit_test(there_is_an_end_to_the_number_of_rules),
		cmocka_unit_test(
			a_rule_that_can_never_match_is_an_error_with_both_places),
		cmocka_unit_test(rules_behind_what_covers_them_are_found),
		cmocka_unit_test(rules_that_may_match_are_let_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
