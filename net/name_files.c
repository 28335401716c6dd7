/* SPDX-License-Identifier: Apache-2.0 */

/* The two files that tell the sandbox of names: resolv.conf(5) and hosts(5). */
#include "net/net.h"

#include "base/arena.h"
#include "base/fd.h"
#include "net/resolv.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

static bool is_served(const struct net_spec *spec)
{
	return spec->mode == NET_USER || spec->mode == NET_RELAY;
}

static bool is_set(const struct ip *ip)
{
	return !ip_equal(ip, &(struct ip){ .bytes = { 0 } });
}

static const char *add_server(const char *text, const struct ip *ip, const char *zone,
			      struct arena *arena)
{
	char address[IP_TEXT_MAX];

	return arena_printf(arena, "%snameserver %s%s%s\n", text, ip_format(ip, address),
			    *zone != '\0' ? "%" : "", zone);
}

static const char *add_search(const char *text, const struct net_spec *spec,
			      struct arena *arena)
{
	if (spec->search_count == 0)
		return text;
	text = arena_printf(arena, "%ssearch", text);
	for (size_t i = 0; i < spec->search_count; i++)
		text = arena_printf(arena, "%s %s", text, spec->search[i]);
	return arena_printf(arena, "%s\n", text);
}

/* A network that is shared: --dns, or else the servers of the host; and --search. */
static const char *plain_resolv_conf(const struct net_spec *spec, struct arena *arena)
{
	const char *host = net_host_resolv_conf(arena), *text = "";
	struct resolv resolv;

	if (spec->upstream_count == 0 && spec->search_count == 0)
		return NULL;
	for (size_t i = 0; i < spec->upstream_count; i++)
		text = add_server(text, &spec->upstreams[i], "", arena);
	resolv_parse(host, host != NULL ? strlen(host) : 0, &resolv);
	for (size_t i = 0; spec->upstream_count == 0 && i < resolv.server_count; i++)
		text = add_server(text, &resolv.servers[i].ip, resolv.servers[i].zone,
				  arena);
	return add_search(text, spec, arena);
}

/*
 * One nameserver only: a program whose questions are refused asks the second one, too, and
 * musl's resolver asks all of them at once.
 */
const char *net_resolv_conf(const struct net_spec *spec, struct arena *arena)
{
	const char *text = "";

	if (spec->no_resolv)
		return NULL;
	if (!is_served(spec))
		return spec->loopback ? NULL : plain_resolv_conf(spec, arena);
	text = add_server(text, is_set(&spec->dns) ? &spec->dns : &spec->dns6, "", arena);
	text = add_search(text, spec, arena);
	return arena_printf(arena, "%soptions edns0\n", text);
}

static const char *add_host(const char *text, const struct ip *ip, const char *name,
			    struct arena *arena)
{
	char address[IP_TEXT_MAX];

	return arena_printf(arena, "%s%s\t%s\n", text, ip_format(ip, address), name);
}

static const char *add_gateways(const char *text, const struct net_spec *spec,
				const char *name, struct arena *arena)
{
	const struct ip loopback = ip_from_v4(htonl(INADDR_LOOPBACK));

	if (!is_served(spec))
		return add_host(text, &loopback, name, arena);
	if (is_set(&spec->gateway))
		text = add_host(text, &spec->gateway, name, arena);
	if (spec->address6.bits > 0 && is_set(&spec->gateway6))
		text = add_host(text, &spec->gateway6, name, arena);
	return text;
}

/* The name of a sandbox is its address, so that servers that look it up listen there. */
static const char *add_own_name(const char *text, const struct net_spec *spec,
				const char *hostname, struct arena *arena)
{
	if (!is_served(spec))
		return arena_printf(arena, "%s127.0.1.1\t%s\n", text, hostname);
	text = add_host(text, &spec->address.ip, hostname, arena);
	if (spec->address6.bits > 0)
		text = add_host(text, &spec->address6.ip, hostname, arena);
	return text;
}

const char *net_hosts_file(const struct net_spec *spec, const char *hostname,
			   struct arena *arena)
{
	const char *text = "127.0.0.1\tlocalhost\n"
			   "::1\tlocalhost ip6-localhost ip6-loopback\n";

	if (!is_served(spec) && hostname == NULL && spec->host_count == 0)
		return NULL;
	for (size_t i = 0; i < spec->host_count; i++) {
		const struct host_name *host = &spec->hosts[i];

		text = host->gateway ? add_gateways(text, spec, host->name, arena)
				     : add_host(text, &host->address, host->name, arena);
	}
	if (hostname != NULL)
		text = add_own_name(text, spec, hostname, arena);
	return is_served(spec) ? add_gateways(text, spec, "host.sbx.internal", arena)
			       : text;
}

const char *net_host_resolv_conf(struct arena *arena)
{
	auto_close int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text;
	ssize_t length;

	if (fd < 0)
		return NULL;
	text = arena_alloc(arena, RESOLV_TEXT_MAX + 1);
	length = fd_read_all(fd, text, RESOLV_TEXT_MAX);
	if (length < 0)
		return NULL;
	text[length] = '\0';
	return text;
}
