/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What is typed, and how it would be typed in full. */
static const struct {
	const char *text, *full;
} forms[] = {
	{ "80", "80/tcp" },
	{ "53/udp", "53/udp" },
	{ "8000-8010", "8000-8010/tcp" },
	{ "8080:80", "8080:80/tcp" },
	{ "8080:80/tcp", "8080:80/tcp" },
	{ "8080:80/UDP", "8080:80/udp" },
	{ ":80", "80/tcp" },
	{ "0:80", "80/tcp" },
	{ "8000-8010:9000-9010", "8000-8010:9000-9010/tcp" },
	{ "8000-8000:80", "8000:80/tcp" },
	{ "127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp" },
	{ "127.0.0.1::80", "127.0.0.1::80/tcp" },
	{ "127.0.0.1:0:80/udp", "127.0.0.1::80/udp" },
	{ "0.0.0.0:8080:80", "0.0.0.0:8080:80/tcp" },
	{ "[::]:8080:80", "[::]:8080:80/tcp" },
	{ "[::1]:8080:80/udp", "[::1]:8080:80/udp" },
	{ "[::1]::80", "[::1]::80/tcp" },
	{ "[2001:db8::7]:1-3:4-6", "[2001:db8::7]:1-3:4-6/tcp" },
	{ "[::ffff:127.0.0.1]:8080:80", "127.0.0.1:8080:80/tcp" },
	{ "1-1024:2001-3024", "1-1024:2001-3024/tcp" },
	{ "65535:65535", "65535:65535/tcp" },
};

/* Mistakes: what is said, and a part of the hint. */
static const struct {
	const char *text, *says, *hint;
} mistakes[] = {
	{ "", "there is nothing to publish", "-p [ADDRESS:]HOST:GUEST" },
	{ "web", "'web' is no port", "8080:80" },
	{ "8080:web", "'web' is no port", "8080:80" },
	{ "-1:80", "a port is missing in '-1'", "8080:80" },
	{ "8080:", "the port of the sandbox is missing", "8080:80" },
	{ ":", "the port of the sandbox is missing", "8080:80" },
	{ "8080:0", "the port of the sandbox is 0", "8080:80" },
	{ "70000:80", "'70000' is no port: they end at 65535", "8080:80" },
	{ "99999999999999999999:80",
	  "'99999999999999999999' is no port: they end at 65535", "8080:80" },
	{ "8080:80 ", "a colon stands between the ports", "8080:80" },
	{ "8080 80", "a colon stands between the ports", "8080:80" },
	{ "8080=80", "a colon stands between the ports", "8080:80" },
	{ "8080,8081:80", "'8080,8081' is a list of ports", "-p 8080:80 -p 8443:443" },
	{ "8080:80/sctp", "'sctp' is no protocol of ports", "tcp and udp" },
	{ "8080:80/", "'' is no protocol of ports", "tcp and udp" },
	{ "53:53/tcp,udp", "'tcp,udp' is more than one protocol",
	  "-p 53:53/tcp -p 53:53/udp" },
	{ "53:53/tcp/udp", "'tcp/udp' is more than one protocol",
	  "-p 53:53/tcp -p 53:53/udp" },
	{ "8080/udp:80", "the protocol does not stand at the end", "8080:80/udp" },
	{ "9000-8000", "the ports '9000-8000' run backwards", "8080:80" },
	{ "8000-8010:80", "11 ports of the host cannot lead to 1 of the sandbox",
	  "8000-8010:80-90" },
	{ "65530:80-90", "1 port of the host cannot lead to 11 of the sandbox",
	  "[ADDRESS:]HOST:GUEST" },
	{ "8080:80-90", "1 port of the host cannot lead to 11 of the sandbox",
	  "8080-8090:80-90" },
	{ "8000-:80-81", "a port is missing in '8000-'", "8080:80" },
	{ "1-2-3", "'2-3' is no port", "8080:80" },
	{ "0-5:80-85", "the ports '0-5' begin at 0", "8080:80" },
	{ "1-1025:2001-3025", "'2001-3025' are more than 1024 ports at once",
	  "several times" },
	{ ":8080:80", "there is no address in front of the first colon",
	  "0.0.0.0:HOST:GUEST" },
	{ "*:8080:80", "'*' is no address", "0.0.0.0:HOST:GUEST" },
	{ "localhost:8080:80", "'localhost' is a name, no address", "HOST:GUEST is for" },
	{ "example.com:8080:80", "'example.com' is no address", "127.0.0.1:8080:80" },
	{ "127.0.0.256:8080:80", "'127.0.0.256' is no address", "127.0.0.1:8080:80" },
	{ "127.0.0.1", "an address alone publishes nothing", "127.0.0.1:8080:80" },
	{ "::1", "an IPv6 address stands in brackets", "[::1]:8080:80" },
	{ "::1:8080:80", "an IPv6 address stands in brackets", "[::1]:8080:80" },
	{ "fe80::1:8080:80x", "an IPv6 address stands in brackets", "[::1]:8080:80" },
	{ "1:2:3:4", "an IPv6 address stands in brackets", "[::1]:8080:80" },
	{ "[::1]", "no colon and port stand behind the address", "8080:80" },
	{ "[::1]:80", "the address is followed by one port only", "ADDRESS:8080:80" },
	{ "[::1:8080:80", "the bracket of the address is not closed", "8080:80" },
	{ "[::1]8080:80", "no colon and port stand behind the address", "8080:80" },
	{ "[::1]:1:2:3", "there is more than ADDRESS:HOST:GUEST", "8080:80" },
	{ "[fe80::1%eth0]:8080:80", "'fe80::1%eth0' names an interface", "[::]" },
};

static void forms_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct publish publish, again;
		struct error err = { 0 };
		char text[PUBLISH_TEXT_MAX];

		if (net_parse_publish(forms[i].text, &publish, &err) < 0)
			fail_msg("%s: %s", forms[i].text, err.text);
		net_format_publish(&publish, text, sizeof(text));
		assert_string_equal(text, forms[i].full);
		assert_int_equal(net_parse_publish(text, &again, &err), 0);
		net_format_publish(&again, text, sizeof(text));
		assert_string_equal(text, forms[i].full);
	}
}

static void every_mistake_is_one_clear_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		struct publish publish;
		struct error err = { 0 };
		char wanted[256];

		snprintf(wanted, sizeof(wanted), "publish '%s': %s", mistakes[i].text,
			 mistakes[i].says);
		assert_int_equal(net_parse_publish(mistakes[i].text, &publish, &err), -1);
		assert_string_equal(err.text, wanted);
		assert_int_equal(err.id, ERROR_USAGE);
		if (!strstr(err.hint, mistakes[i].hint))
			fail_msg("%s: the hint is %s", mistakes[i].text, err.hint);
	}
}

static void what_is_long_is_cut_short(void **state)
{
	struct publish publish;
	struct error err;
	char text[4096];

	(void)state;
	memset(text, '8', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(net_parse_publish(text, &publish, &err), -1);
	text[0] = '[';
	assert_int_equal(net_parse_publish(text, &publish, &err), -1);
}

static void the_parts_are_where_they_belong(void **state)
{
	struct publish publish;
	struct error err;

	(void)state;
	assert_int_equal(net_parse_publish("8000-8010:9000-9010/udp", &publish, &err), 0);
	assert_false(publish.host_given);
	assert_int_equal(publish.host_ports.first, 8000);
	assert_int_equal(publish.host_ports.last, 8010);
	assert_int_equal(publish.guest_ports.first, 9000);
	assert_int_equal(publish.guest_ports.last, 9010);
	assert_int_equal(publish.protocol, PROTOCOL_UDP);
	assert_int_equal(net_parse_publish("[::]:1:2", &publish, &err), 0);
	assert_true(publish.host_given);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_read_and_written),
		cmocka_unit_test(every_mistake_is_one_clear_line),
		cmocka_unit_test(what_is_long_is_cut_short),
		cmocka_unit_test(the_parts_are_where_they_belong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
