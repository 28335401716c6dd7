/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operand of -p. Docker and podman taught people its forms, so what they write there
 * works here where it can mean one thing only, and is told apart where it cannot.
 */
#include "net/net.h"

#include "base/error.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	PORT_LAST = 65535,
	TEXT_MAX = 127, /* longer than any that is right */
};

static const char forms[] = "-p [ADDRESS:]HOST:GUEST[/udp], as in 8080:80, "
			    "127.0.0.1:8080:80/udp or 8000-8010:9000-9010; "
			    "-p 80 takes a free port of the host";

/* What is between the colons, in a copy that is cut up. */
struct parts {
	const char *address; /* NULL: none */
	const char *host;    /* NULL: none; "": any free one */
	const char *guest;
};

__attribute__((format(printf, 3, 4))) static int
refuse(struct error *err, const char *hint, const char *format, ...)
{
	char why[160];
	va_list words;

	va_start(words, format);
	vsnprintf(why, sizeof(why), format, words);
	va_end(words);
	error_set(err, ERROR_USAGE, "%s", why);
	return error_hint(err, "%s", hint ? hint : forms);
}

/* ---- ports ----------------------------------------------------------------------------- */

static int read_port(const char *text, const char *all, uint16_t *ret_port,
		     struct error *err)
{
	int port;

	if (!*text)
		return refuse(err, NULL, "a port is missing in '%s'", all);
	if (text_to_int(text, 0, PORT_LAST, &port) == 0) {
		*ret_port = (uint16_t)port;
		return 0;
	}
	if (strchr(text, ','))
		return refuse(err, "give -p once for each: -p 8080:80 -p 8443:443",
			      "'%s' is a list of ports", text);
	if (text[strspn(text, "0123456789")] == '\0')
		return refuse(err, NULL, "'%s' is no port: they end at 65535", text);
	return refuse(err, NULL, "'%s' is no port", text);
}

/* Port 0 is left to the caller. */
static int read_ports(char *text, struct port_range *ret_range, struct error *err)
{
	char *dash = strchr(text, '-');
	char all[TEXT_MAX + 1];
	struct port_range range = { 0, 0 };

	(void)text_copy(all, sizeof(all), text);
	if (dash)
		*dash = '\0';
	if (read_port(text, all, &range.first, err) < 0)
		return -1;
	range.last = range.first;
	if (dash && read_port(dash + 1, all, &range.last, err) < 0)
		return -1;
	if (dash && range.first == 0)
		return refuse(err, NULL, "the ports '%s' begin at 0", all);
	if (range.last < range.first)
		return refuse(err, NULL, "the ports '%s' run backwards", all);
	if (range.last - range.first >= PUBLISH_PORTS_MAX)
		return refuse(err, "give -p several times",
			      "'%s' are more than %d ports at once", all,
			      PUBLISH_PORTS_MAX);
	*ret_range = range;
	return 0;
}

static unsigned int ports_in(const struct port_range *range)
{
	return range->last - range->first + 1U;
}

static int read_guest(char *text, struct publish *publish, struct error *err)
{
	if (!*text)
		return refuse(err, NULL, "the port of the sandbox is missing");
	if (read_ports(text, &publish->guest_ports, err) < 0)
		return -1;
	if (publish->guest_ports.first == 0)
		return refuse(err, NULL, "the port of the sandbox is 0");
	return 0;
}

static int refuse_lengths(const struct publish *publish, struct error *err)
{
	const unsigned int host = ports_in(&publish->host_ports);
	const unsigned int guest = ports_in(&publish->guest_ports);
	const unsigned int more = (host > guest ? host : guest) - 1;
	char hint[64];

	snprintf(hint, sizeof(hint), "both sides need as many: %u-%u:%u-%u",
		 publish->host_ports.first, publish->host_ports.first + more,
		 publish->guest_ports.first, publish->guest_ports.first + more);
	if (publish->host_ports.first + more > PORT_LAST ||
	    publish->guest_ports.first + more > PORT_LAST)
		hint[0] = '\0';
	return refuse(err, hint[0] ? hint : NULL,
		      "%u port%s of the host cannot lead to %u of the sandbox", host,
		      host == 1 ? "" : "s", guest);
}

/* Port 0 is how bind(2) is asked for any free one, so people write it, too. */
static int read_host(char *text, struct publish *publish, struct error *err)
{
	if (!text || !*text)
		return 0;
	if (read_ports(text, &publish->host_ports, err) < 0)
		return -1;
	if (publish->host_ports.first == 0 ||
	    ports_in(&publish->host_ports) == ports_in(&publish->guest_ports))
		return 0;
	return refuse_lengths(publish, err);
}

/* ---- the address ----------------------------------------------------------------------- */

static int refuse_address(const char *text, struct error *err)
{
	if (!*text)
		return refuse(err,
			      "0.0.0.0:HOST:GUEST for all addresses of the host, "
			      "HOST:GUEST for 127.0.0.1 and [::1]",
			      "there is no address in front of the first colon");
	if (strcmp(text, "*") == 0)
		return refuse(err,
			      "0.0.0.0:HOST:GUEST is for all IPv4 addresses, "
			      "[::]:HOST:GUEST for all of IPv6",
			      "'*' is no address");
	if (strcmp(text, "localhost") == 0)
		return refuse(err, "HOST:GUEST is for 127.0.0.1 and [::1] already",
			      "'localhost' is a name, no address");
	if (strchr(text, '%'))
		return refuse(err, "[::]:HOST:GUEST is for all IPv6 addresses",
			      "'%s' names an interface", text);
	return refuse(err, NULL, "'%s' is no address", text);
}

static int read_address(const char *text, struct publish *publish, struct error *err)
{
	if (!text)
		return 0;
	if (ip_parse(text, &publish->host) < 0)
		return refuse_address(text, err);
	publish->host_given = true;
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------- */

static int read_protocol(const char *text, struct publish *publish, struct error *err)
{
	publish->protocol = PROTOCOL_TCP;
	if (!text || strcasecmp(text, "tcp") == 0)
		return 0;
	if (strcasecmp(text, "udp") == 0) {
		publish->protocol = PROTOCOL_UDP;
		return 0;
	}
	if (strchr(text, ':'))
		return refuse(err, "8080:80/udp, not 8080/udp:80",
			      "the protocol does not stand at the end");
	if (strpbrk(text, ",/"))
		return refuse(err, "give -p twice: -p 53:53/tcp -p 53:53/udp",
			      "'%s' is more than one protocol", text);
	return refuse(err, "tcp and udp can be published", "'%s' is no protocol of ports",
		      text);
}

/* Takes what stands behind the last colon off the text; the text itself if there is none. */
static char *cut_last(char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon)
		return text;
	*colon = '\0';
	return colon + 1;
}

static int cut_bracket(char *text, char **ret_rest, struct error *err)
{
	char *end = strchr(text, ']');

	if (!end)
		return refuse(err, NULL, "the bracket of the address is not closed");
	if (end[1] != ':')
		return refuse(err, NULL, "no colon and port stand behind the address");
	*end = '\0';
	*ret_rest = end + 2;
	return 0;
}

static int refuse_bare_colons(struct error *err)
{
	return refuse(err, "as in [::1]:8080:80", "an IPv6 address stands in brackets");
}

static unsigned int colons_in(const char *text)
{
	unsigned int count = 0;

	for (; *text; text++)
		count += *text == ':';
	return count;
}

/* Reads the part without the protocol. */
static int read_parts(char *text, struct publish *publish, struct error *err)
{
	char *address = NULL, *host = NULL, *guest, *rest = text;

	if (text[0] == '[') {
		address = text + 1;
		if (cut_bracket(text, &rest, err) < 0)
			return -1;
		if (colons_in(rest) > 1)
			return refuse(err, NULL, "there is more than ADDRESS:HOST:GUEST");
	} else if (colons_in(text) > 2) {
		return refuse_bare_colons(err);
	}
	guest = cut_last(rest);
	if (guest != rest)
		host = rest;
	if (host && strchr(host, ':')) {
		address = host;
		host = cut_last(host);
	}
	if (address && !host)
		return refuse(err, "ADDRESS:8080:80, or ADDRESS::80 for any free port",
			      "the address is followed by one port only");
	if (read_address(address, publish, err) < 0 ||
	    read_guest(guest, publish, err) < 0)
		return -1;
	return read_host(host, publish, err);
}

static int refuse_form(const char *text, struct error *err)
{
	struct ip ip;

	if (!*text)
		return refuse(err, NULL, "there is nothing to publish");
	if (strlen(text) > TEXT_MAX)
		return refuse(err, NULL, "that is too long for ports");
	if (strpbrk(text, " \t="))
		return refuse(err, NULL, "a colon stands between the ports");
	if (ip_parse(text, &ip) < 0)
		return 0;
	if (!ip_is_v4(&ip))
		return refuse_bare_colons(err);
	return refuse(err, NULL, "an address alone publishes nothing");
}

int net_parse_publish(const char *text, struct publish *ret_publish, struct error *err)
{
	struct publish publish = { 0 };
	char copy[TEXT_MAX + 1];
	char *protocol;
	int failed = refuse_form(text, err);

	if (!failed) {
		(void)text_copy(copy, sizeof(copy), text);
		protocol = strchr(copy, '/');
		if (protocol)
			*protocol++ = '\0';
		failed = read_protocol(protocol, &publish, err);
	}
	if (!failed)
		failed = read_parts(copy, &publish, err);
	if (failed)
		return error_within(err, "publish '%s'", text);
	*ret_publish = publish;
	return 0;
}

static void format_range(const struct port_range *range, char *to, size_t size)
{
	if (range->last == range->first)
		snprintf(to, size, "%u", range->first);
	else
		snprintf(to, size, "%u-%u", range->first, range->last);
}

void net_format_publish(const struct publish *publish, char *to, size_t size)
{
	char address[IP_TEXT_MAX + 3] = "", ip[IP_TEXT_MAX];
	char host[16] = "", guest[16];

	if (publish->host_given)
		snprintf(address, sizeof(address),
			 ip_is_v4(&publish->host) ? "%s:" : "[%s]:",
			 ip_format(&publish->host, ip));
	if (publish->host_ports.first)
		format_range(&publish->host_ports, host, sizeof(host));
	format_range(&publish->guest_ports, guest, sizeof(guest));
	snprintf(to, size, "%s%s%s%s/%s", address, host,
		 *host || publish->host_given ? ":" : "", guest,
		 protocol_name(publish->protocol));
}
