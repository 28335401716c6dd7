/* SPDX-License-Identifier: Apache-2.0 */

/* What people type, and what they mean by it. */
#include "net/rules_parts.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Names that stand where a number belongs; services(5) would have to be read. */
static const struct {
	const char *name;
	unsigned int port;
} services[] = {
	{ "dns", 53 },     { "domain", 53 }, { "ftp", 21 },        { "git", 9418 },
	{ "http", 80 },    { "https", 443 }, { "imaps", 993 },     { "ldap", 389 },
	{ "mysql", 3306 }, { "ntp", 123 },   { "postgres", 5432 }, { "postgresql", 5432 },
	{ "redis", 6379 }, { "smtp", 25 },   { "ssh", 22 },        { "submission", 587 },
};

static unsigned int find_port(const char *service, size_t length)
{
	for (size_t i = 0; i < COUNT(services); i++) {
		if (strlen(services[i].name) == length &&
		    strncmp(services[i].name, service, length) == 0)
			return services[i].port;
	}
	return 0;
}

int rules_hint_url(const char *dest, struct error *err)
{
	const char *host = strstr(dest, "://") + 3;
	unsigned int port = find_port(dest, (size_t)(host - 3 - dest));
	size_t length = strcspn(host, "/?#");
	const char *at = memchr(host, '@', length);

	if (at) {
		length -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	if (length == 0)
		return error_hint(err,
				  "name the host and the port, such as example.com:443");
	if (port == 0 || memchr(host, ':', length))
		return error_hint(err, "name the host and the port alone: %.*s",
				  (int)length, host);
	return error_hint(err, "name the host and the port alone: %.*s:%u", (int)length,
			  host, port);
}

int rules_hint_ports(const char *what, const char *ports, struct error *err)
{
	unsigned int port = find_port(ports, strlen(ports));

	if (port > 0)
		return error_hint(err, "write %.100s:%u", what, port);
	if (*ports == '\0' || strcmp(ports, "*") == 0)
		return error_hint(err, "without ports it is any of them: %.100s", what);
	return -1;
}

int rules_hint_protocol(const char *what, const char *protocol, struct error *err)
{
	const char *colon = strchr(protocol, ':');

	if (text_starts_with(protocol, "icmp"))
		return error_hint(
			err,
			"ping is allowed with a destination that has no ports: %.100s",
			what);
	if (colon && !strchr(what, ':'))
		return error_hint(err, "ports stand in front of it: %.100s:%s/%.*s", what,
				  colon + 1, (int)(colon - protocol), protocol);
	if (!strchr(what, '/') && !strchr(what, ':'))
		return error_hint(
			err, "name the host and the port, without a path: %.100s:443",
			what);
	return error_hint(err, "name the host and the port, without a path");
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* "10.0.0.1/33" and "10.0.0.0/255.0.0.0". */
static int hint_length(const char *slash, bool is_v4, struct error *err)
{
	if (!is_v4 && strchr(slash, ':'))
		return error_hint(
			err, "a CIDR with ports stands in brackets: [fd00::/64]:443");
	if (is_number(slash + 1))
		return error_hint(err, "behind the slash stands a number from 0 to %d",
				  is_v4 ? 32 : 128);
	return error_hint(err,
			  "behind the slash stands the length of the prefix, such as /%d",
			  is_v4 ? 24 : 64);
}

int rules_hint_address(const char *what, struct error *err)
{
	const char *slash = strchr(what, '/');
	const char *colon = strrchr(what, ':');

	if (strchr(what, '%'))
		return error_hint(err, "an address is written without its interface");
	if (slash && strspn(what, "0123456789.") == (size_t)(slash - what))
		return hint_length(slash, true, err);
	if (slash && colon &&
	    strspn(what, "0123456789abcdef:.") == (size_t)(slash - what))
		return hint_length(slash, false, err);
	if (slash && is_number(slash + 1) && !colon)
		return error_hint(err, "a port stands behind a colon: %.*s:%s",
				  (int)(slash - what), what, slash + 1);
	if (strspn(what, "0123456789abcdef:.") != strlen(what) && colon)
		return error_hint(err, "one colon stands in front of the ports");
	if (colon && is_number(colon + 1))
		return error_hint(err, "IPv6 with a port has brackets: [%.*s]:%s",
				  (int)(colon - what), what, colon + 1);
	if (strchr(what, '-') || strchr(what, ','))
		return error_hint(
			err,
			"several addresses are a CIDR, such as 10.0.0.0/24, or options of their own");
	return -1;
}

int rules_hint_name(const char *what, const char *ports, struct error *err)
{
	static const struct {
		const char *typed, *meant;
	} words[] = {
		{ "*", "any, internet, lan or host" },
		{ "0", "any" },
		{ "all", "any" },
		{ "everything", "any" },
		{ "world", "internet" },
		{ "public", "internet" },
		{ "wan", "internet" },
		{ "web", "internet:80,443" },
		{ "local", "lan" },
		{ "private", "lan" },
		{ "localnet", "lan" },
		{ "localhost", "host" },
		{ "loopback", "host" },
		{ "gateway", "host" },
		{ "metadata", "169.254.169.254" },
	};
	static const char *const known[] = { "any", "internet", "lan", "host", NULL };
	const char *colon = ports ? ":" : "";
	const char *nearest = text_nearest(what, known);

	if (!ports)
		ports = "";
	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcmp(what, words[i].typed) == 0)
			return error_hint(err, "write %s%s%.60s", words[i].meant, colon,
					  ports);
	}
	if (nearest)
		return error_hint(err,
				  "write %s%s%.60s, or %.60s. for a host of that name",
				  nearest, colon, ports, what);
	if (what[0] == '.')
		return error_hint(err, "all names below it are *%.100s", what);
	if (strchr(what, '*'))
		return error_hint(
			err,
			"a * stands for the first labels of a name: *.example.com; several addresses are a CIDR");
	if (strchr(what, '@'))
		return error_hint(err, "write the host without the user: %.100s",
				  strchr(what, '@') + 1);
	if (strchr(what, ','))
		return error_hint(err, "each destination has an option of its own");
	if (!strchr(what, '.'))
		return error_hint(err, "write %.100s.%s%.60s", what, colon, ports);
	return -1;
}
